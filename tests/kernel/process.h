/* SPDX-License-Identifier: MIT */
/*
 * What the parts of process.c share: an import to try things on, and three ways to judge: by the
 * bytes, by the brackets that the kernel counted, and by the kernel's answers without an import.
 */
#ifndef PRIMESHIM_PROCESS_H
#define PRIMESHIM_PROCESS_H

#include <sys/mman.h>
#include <sys/types.h>

#include "lib/client.h"

#define RW	(PROT_READ | PROT_WRITE)
#define PAGES	(SIZE / PAGE)

/* A buffer of SIZE bytes at least, with bytes of its own in it, under a handle of a DRM file. */
struct subject {
	struct export e;
	int fd;
	uint32_t handle;
	uint64_t off;		/* where it can be mapped */
	int seed;		/* of its bytes */
	dev_t dev;		/* of the dma-buf; 0 if it is none */
	ino_t ino;
};

/* An import. */
struct subject subject_new(void);
/* The same on a file that is open already. */
struct subject subject_on(int fd);
/* A dumb buffer of the importer's own, on which the kernel answers by itself. */
struct subject subject_native(void);
/* Closes what is left of it: not the handle, but the file. */
void subject_free(struct subject *s);

/* Do @pages pages at @p show the subject's from page @first on? */
bool right(const struct subject *s, const uint8_t *p, size_t first, size_t pages);

/* Can it be mapped through @fd: by its handle; at its offset? */
bool maps(const struct subject *s, int fd);
bool maps_at(const struct subject *s, int fd);

/* How many descriptors of its dma-buf are not the program's? *@number: the last of them. */
int privates(const struct subject *s, int *number);

/* The same after the last unmap, where the shim keeps no pages; otherwise 0. */
int privates_left(const struct subject *s);

/* How often the exporter was told that the CPU begins and ends. */
struct brackets {
	long begin, end;
};

struct brackets brackets_now(void);

/*
 * Is nothing left of its mappings: every bracket since then closed, no private descriptor, no
 * mapping? False as well if nothing was bracketed.
 */
bool over(const struct subject *s, struct brackets since);

/* Steps of a story that is told twice, natively and with an import. */
struct answers {
	int n;
	struct {
		const char *step;
		long got;
	} at[48];
};

void answer(struct answers *a, const char *step, long got);
/* @p's errno, or 0. */
void answer_map(struct answers *a, const char *step, const void *p);
/* Tells where they differ. */
bool same(const struct answers *native, const struct answers *import);

/* Wait for a child: did it exit with status 0? */
bool ended_well(pid_t child);

/* The parts. */
void files(void);
void ranges(void);
void children(void);
void exec_child(char **args);	/* FD HANDLE SEED */
void handles(void);
void mappings(void);
void moves(void);
void places(void);
void private(void);
void threads(void);
void signals(void);
void races(void);

#endif
