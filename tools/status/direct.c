// SPDX-License-Identifier: MIT
/* What the counters say of dma-bufs that programs map themselves; see direct.h. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "direct.h"

bool direct_any(const struct status *files, size_t n)
{
	return counter_total(files, n, STAT_DIRECT) || counter_total(files, n, STAT_DIRECT_REFUSED);
}

void direct_print(const struct status *p)
{
	const uint64_t *c = p->head.counters;
	char maps[32], buffers[32], syncs[32];

	if (c[STAT_DIRECT])
		printf("  mapped itself: %s of %s; synced itself: %" PRIu64 " of them, %s\n",
		       count_text(maps, sizeof(maps), c[STAT_DIRECT], "mmap"),
		       count_text(buffers, sizeof(buffers), c[STAT_DIRECT_BUFFERS], "dma-buf"),
		       c[STAT_DIRECT_SYNCED],
		       count_text(syncs, sizeof(syncs), c[STAT_DIRECT_SYNC], "time"));
	if (c[STAT_DIRECT_REFUSED])
		printf("  refused (EACCES): %s of a read-only dma-buf for writing\n",
		       count_text(maps, sizeof(maps), c[STAT_DIRECT_REFUSED], "mmap"));
}
