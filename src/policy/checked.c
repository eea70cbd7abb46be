// SPDX-License-Identifier: MIT
/* One look at a handle for two calls; see checked.h. */
#include "config.h"

#include <stddef.h>

#include "checked.h"
#include "state/import.h"

static __thread struct {
	const struct buffer *buffer;	/* to compare, not to follow; NULL: nothing is checked */
	int fd;
	uint32_t handle;
	uint32_t clock;			/* import_clock() then */
} last;

void checked(int fd, uint32_t handle, const struct buffer *b)
{
	last.buffer = b;
	last.fd = fd;
	last.handle = handle;
	last.clock = import_clock();
}

bool checked_take(int fd, uint32_t handle, const struct buffer *b)
{
	bool is = last.buffer == b && last.fd == fd && last.handle == handle &&
		  last.clock == import_clock();

	last.buffer = NULL;
	return is;
}
