/* SPDX-License-Identifier: MIT */
/*
 * What happens with imports, told to whoever has asked: the counters, the log, the shared page and
 * the probes. One function for each thing that can happen. It costs a lock or two where there is a
 * page or a log; none of these may be called with a lock held.
 */
#ifndef PRIMESHIM_REPORT_H
#define PRIMESHIM_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/status_file.h"
#include "request.h"

enum how { HOW_SEEN, HOW_LEARNED, HOW_CHANGED };

/* @handle is an import of @b: seen to be made, found out, or not what was remembered. */
void report_import(int fd, uint32_t handle, const struct buffer *b, enum how how);

/*
 * The map ioctl (@call) of an import said @err. @outcome: what the program is given; @reason: the
 * errno for which that is not the dma-buf, or 0 where it was not tried.
 */
void report_refused(int fd, uint32_t handle, const struct buffer *b, enum status_call call, int err,
		    enum status_outcome outcome, int reason);

/* The driver that was to map @len bytes from @start itself was refused: the dma-buf is at @p. */
void report_address(int fd, uint32_t handle, const struct buffer *b, int err, uint64_t start,
		    uint64_t len, const void *p);

/*
 * An mmap of an import came to @outcome, at @p if to a mapping. @native: what the driver said, or
 * NATIVE_*; @reason: negative errno for which the dma-buf was not mapped, or 0. @left: it was left
 * to the driver by the mode.
 */
struct map_report {
	const struct view *v;
	const struct mmap_call *c;
	const void *p;
	enum status_outcome outcome;
	int native, reason;
	bool left;
};
void report_map(const struct map_report *m);

/* The dma-buf cannot be had for that mmap: the driver is asked. @reason: negative errno. */
void report_fallback(const struct view *v, const struct mmap_call *c, int reason);

/* DMA_BUF_IOCTL_SYNC for @direction was made: START, which took @ns, or END; or START is owed. */
void report_begin(const struct buffer *b, unsigned int direction, uint64_t ns);
void report_end(const struct buffer *b, unsigned int direction, uint64_t ns);
void report_owed(const struct buffer *b, unsigned int direction);

/* What is not asked of the kernel from here on, if that has become anything. */
void report_sandbox(void);

/* What the log calls an import: driver, handle, exporter, size. @b may be NULL: not known. */
struct label {
	char text[128];
};

struct label report_label(int fd, uint32_t handle, const struct buffer *b);

#endif
