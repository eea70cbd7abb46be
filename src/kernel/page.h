/* SPDX-License-Identifier: MIT */
/* Page arithmetic, in bytes. */
#ifndef PRIMESHIM_PAGE_H
#define PRIMESHIM_PAGE_H

#include <stdint.h>
#include <unistd.h>

static inline uint64_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

/* Rounds up to a page. Wraps to 0 in the last page below 2^64, as the kernel's PAGE_ALIGN does. */
static inline uint64_t page_round(uint64_t len)
{
	uint64_t mask = page_size() - 1;

	return (len + mask) & ~mask;
}

#endif
