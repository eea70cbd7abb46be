/* SPDX-License-Identifier: MIT */
/*
 * Reports what happens with imports: to the counters, the log, the status file and the probes. One
 * function for each event. It takes a lock or two where there is a status file or a log; the caller
 * holds none.
 */
#ifndef PRIMESHIM_REPORT_H
#define PRIMESHIM_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/status_file.h"
#include "request.h"

enum how { HOW_SEEN, HOW_LEARNED, HOW_CHANGED };

/*
 * @handle is an import of @b: the shim saw it being made, learned it, or found that the record was
 * wrong.
 */
void report_import(int fd, uint32_t handle, const struct buffer *b, enum how how);

/*
 * The program has imported what the same device has exported: the shim only counts it, in the
 * status file, too.
 */
void report_own(void);

/* The driver of @fd has refused to import @size bytes of @exporter with @err, a negative errno. */
void report_not_imported(int fd, const char *exporter, uint64_t size, int err);

/*
 * The driver has refused the map ioctl (@call) of an import with @err. @outcome: what the program
 * gets. @reason: the errno with which mapping the dma-buf failed; 0 where the shim did not try.
 */
void report_refused(int fd, uint32_t handle, const struct buffer *b, enum status_call call, int err,
		    enum status_outcome outcome, int reason);

/*
 * The driver refused with @err an ioctl that maps @len bytes from @start itself. The shim has
 * mapped the dma-buf at @p.
 */
void report_address(int fd, uint32_t handle, const struct buffer *b, int err, uint64_t start,
		    uint64_t len, const void *p);

/*
 * An mmap of an import has ended in @outcome, with a mapping at @p where there is one. @native: the
 * driver's errno, or NATIVE_*. @reason: the negative errno with which mapping the dma-buf failed,
 * or 0. @left: the mode leaves the mapping to the driver. @would: what mode redirect would do, for
 * the log of mode observe, or NULL.
 */
struct map_report {
	const struct view *v;
	const struct mmap_call *c;
	const void *p;
	enum status_outcome outcome;
	int native, reason;
	bool left;
	const char *would;
};
void report_map(const struct map_report *m);

/*
 * The program has mapped the dma-buf of @b by its own descriptor, at @p; or the kernel has refused
 * that with @err, a negative errno. @note: (out) for mapped_begin().
 */
struct direct_report {
	const struct buffer *b;
	const struct mmap_call *c;
	const void *p;
	int err;
	unsigned int note;
};
void report_direct(struct direct_report *d);

/*
 * The dma-buf cannot be mapped for that mmap, for @reason, a negative errno; the driver is asked.
 */
void report_fallback(const struct view *v, const struct mmap_call *c, int reason);

/*
 * The shim has made DMA_BUF_IOCTL_SYNC START or END for @direction, which took @ns nanoseconds; or
 * it has deferred a START.
 */
void report_begin(const struct buffer *b, unsigned int direction, uint64_t ns);
void report_end(const struct buffer *b, unsigned int direction, uint64_t ns);
void report_owed(const struct buffer *b, unsigned int direction);

/* Reports the calls that the shim does without from here on, if there are any. */
void report_sandbox(void);

/*
 * The log's text for an import: driver, handle, exporter, size. @b is NULL where it is not known.
 */
struct label {
	char text[128];
};

struct label report_label(int fd, uint32_t handle, const struct buffer *b);

#endif
