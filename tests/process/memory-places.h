/* SPDX-License-Identifier: MIT */
/* Memory that can be read, written, both or neither, to pass to an ioctl. */
#ifndef PRIMESHIM_MEMORY_PLACES_H
#define PRIMESHIM_MEMORY_PLACES_H

#include <stddef.h>

/* Where an argument may lie. The pages around are closed, unless it says otherwise. */
enum place {
	AT_END,			/* the last bytes of a page */
	ODD,			/* the same, one byte further down */
	READ_ONLY,
	READ_ONLY_FILE,
	SECOND_HALF_READ_ONLY,
	FIRST_HALF_READ_ONLY,
	SECOND_HALF_CLOSED,
	CLOSED,
	UNMAPPED,
	BEHIND_END,		/* of a file */
	BEHIND_END_READ_ONLY,
	NOWHERE,		/* NULL */
	KERNELS,
	LAST_BYTES,		/* of the address space */
	PLACES,
};

extern const char *const places[PLACES];

/* @size bytes with what is in @from, as far as it can be. */
char *put(enum place where, const void *from, size_t size);

#endif
