// SPDX-License-Identifier: MIT
/* What the counters say of dma-bufs that programs map themselves; see direct.h. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "direct.h"

#define CURE	"the cure is DMA_BUF_IOCTL_SYNC in the program"

bool direct_any(const struct status *files, size_t n)
{
	return counter_total(files, n, STAT_DIRECT) || counter_total(files, n, STAT_DIRECT_REFUSED);
}

bool direct_alone(const struct status *files, size_t n)
{
	return direct_any(files, n) && !counter_total(files, n, STAT_IMPORT) &&
	       !counter_total(files, n, STAT_LEARNED);
}

/* The exporter of the first dma-buf that could not be mapped for writing. */
static const char *refused_exporter(const struct status *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct status_pair *q = files[i].pairs;

		for (uint32_t j = 0; j < files[i].head.pairs.used; j++, q++)
			if (q->call == CALL_DIRECT && q->outcome == OUTCOME_REFUSED)
				return device_name(&files[i], q->exporter);
	}
	return "?";
}

struct verdict direct_verdict(const struct status *files, size_t n)
{
	static char text[160];
	char maps[64];
	uint64_t all = counter_total(files, n, STAT_DIRECT_BUFFERS);
	uint64_t synced = counter_total(files, n, STAT_DIRECT_SYNCED);
	bool by_shim = false;

	for (size_t i = 0; i < n; i++)
		by_shim |= files[i].head.direct == DIRECT_SYNC;
	if (counter_total(files, n, STAT_DIRECT_REFUSED)) {
		snprintf(text, sizeof(text), "it is refused (EACCES) to write a dma-buf that %s "
			 "exported for reading only", refused_exporter(files, n));
		return (struct verdict){
			text, "the exporter has to add DRM_RDWR (O_RDWR for V4L2 and dma-heaps): "
			      "patch it, or run it under the shim, which adds DRM_RDWR"
		};
	}
	count_text(maps, sizeof(maps), all, "dma-buf");
	if (synced >= all) {
		snprintf(text, sizeof(text), "it maps %s itself, and syncs itself", maps);
		return (struct verdict){ text, "" };
	}
	if (synced)
		snprintf(text, sizeof(text), "it maps %s itself and syncs %" PRIu64 " of them%s",
			 maps, synced, by_shim ? "; the shim syncs the others" : "");
	else
		snprintf(text, sizeof(text), "it maps %s itself and never syncs%s", maps,
			 by_shim ? "; the shim syncs" : "");
	return (struct verdict){
		text, by_shim ? CURE :
		      "wrong where caches are not coherent: try --direct sync; " CURE
	};
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
