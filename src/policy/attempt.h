/* SPDX-License-Identifier: MIT */
/* Attempts to map an import: by its driver, by its dma-buf; each is tried before it is trusted. */
#ifndef PRIMESHIM_ATTEMPT_H
#define PRIMESHIM_ATTEMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "records/request.h"
#include "warm.h"

/* The outcome. */
struct attempt {
	void *p;
	size_t lead;		/* bytes before @p of the same mmap */
	bool native;		/* the mapping is the driver's, not the dma-buf's */
	bool final;		/* no second call at the program's place is allowed */
	bool trial;		/* only asked for, and unmapped at once */
	struct warm warm;	/* where @p was kept */
	int said;		/* the driver's errno, or NATIVE_* */
};

/*
 * Maps the import of @v as @c says: by its driver first if @native_first, then by @dmabuf. A
 * negative errno if neither works.
 */
int attempt_map(bool native_first, const struct view *v, const struct mmap_call *c, int dmabuf,
		struct attempt *a);

/* 0 if the dma-buf of @b can itself be mapped, or a negative errno. The kernel is asked once. */
int attempt_mappable(struct buffer *b, int dmabuf);

#endif
