/* SPDX-License-Identifier: MIT */
/*
 * What primeshim witness saw: processes that the shim is not in, or whose calls may go past it. The
 * witness writes a JSON file, and the report reads it.
 */
#ifndef PRIMESHIM_TOOLS_SEEN_H
#define PRIMESHIM_TOOLS_SEEN_H

#include <stdbool.h>
#include <stddef.h>

/* Why the shim may have missed a process's calls. The more telling reason comes first. */
enum why {
	WHY_STATIC,		/* the shim is not in it: it has no ld.so */
	WHY_ABI,		/* ld.so found no library for its architecture */
	WHY_ABSENT,		/* ld.so has not loaded the library, which is for it */
	WHY_PRIVILEGED,		/* ld.so ignored LD_PRELOAD: setuid, capabilities */
	WHY_CLEARED,		/* it was started without LD_PRELOAD */
	WHY_USER,		/* the shim is in it: it may not write into the directory */
	WHY_COPIES,		/* it has loaded libc a second time (dlmopen) */
	WHY_DEEPBIND,		/* a library of it has libc's functions, and not the shim's */
	WHY_SANDBOX,		/* it has a DRM device open, and a seccomp filter */
	WHY_RAW,		/* it has a DRM device open, and code for system calls */
	WHY_PAST,		/* it maps a dma-buf, and reports nothing */
	WHY_CLOSED,		/* it may not be looked at */
	WHY_COUNT,
	WHY_NONE = WHY_COUNT
};

struct seen_process {
	int pid;
	char program[64];
	enum why why;
	bool drm;		/* it had a DRM device open, or mapped a dma-buf */
};

struct seen {
	struct seen_process *processes;
	size_t n;
	size_t entered;		/* processes with the shim in them, and nothing to say of */
};

/* "static", as the JSON has it. */
const char *why_name(enum why why);

/* "it is statically linked" */
const char *why_text(enum why why);

/*
 * Reads the file that primeshim witness wrote. False, with a line in @why (@len bytes): it cannot
 * be read, or it is no such file.
 */
bool seen_read(const char *path, struct seen *s, char *why, size_t len);
void seen_free(struct seen *s);

/* The process that explains most, or NULL: one with a DRM device before others. */
const struct seen_process *seen_worst(const struct seen *s);

#endif
