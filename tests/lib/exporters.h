/* SPDX-License-Identifier: MIT */
/*
 * Real dma-bufs for the tests on real kernels: udmabuf, the system heap, vivid, and the dumb
 * buffers of a DRM device. An ordinary program's code, which knows nothing of the shim.
 */
#ifndef PRIMESHIM_EXPORTERS_H
#define PRIMESHIM_EXPORTERS_H

#include <stddef.h>
#include <stdint.h>

struct export {
	int dmabuf;
	size_t size;	/* bytes, whole pages */
	uint8_t *view;	/* the exporter's own mapping, to write and to see what was written */
	int owner;	/* closed with the buffer */
};

/* The card node of the first device with that driver, or -1. */
int open_card(const char *driver);

/*
 * @name: udmabuf, heap, vivid, or a DRM driver's name for one of its dumb buffers. @size: bytes at
 * least. Dies with a line where the exporter is not there.
 */
struct export export_new(const char *name, size_t size);
void export_free(struct export *e);

/* A read-only dma-buf of vivid, or else of the system heap, whose @view is NULL then. */
struct export export_readonly(const char *name, size_t size);

/* How many dma-bufs the kernel has, by debugfs. */
int export_count(void);

#endif
