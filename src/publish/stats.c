// SPDX-License-Identifier: MIT
/* The counters; see stats.h. */
#include "config.h"

#include <string.h>

#include "settings/log.h"
#include "show.h"
#include "stats.h"

shared_u64 stats[STAT_COUNT];
_Atomic(shared_u64 *) stats_shown;

uint64_t stat_get(enum counter s)
{
	return __atomic_load_n(&stats[s], __ATOMIC_RELAXED);
}

void stats_show(shared_u64 *shown, enum counter s)
{
	SHOW(&shown[s], &stats[s]);
}

void stats_publish(shared_u64 *shown)
{
	atomic_store(&stats_shown, shown);
	for (int i = 0; i < STAT_COUNT; i++)
		stats_show(shown, i);
}

void stats_unpublish(void)
{
	memset(stats, 0, sizeof(stats));
	atomic_store(&stats_shown, NULL);
}

static unsigned long get(enum counter s)
{
	return stat_get(s);
}

void stats_log(void)
{
	log_line("exit: %lu imports (%lu learned, %lu stale), %lu maps refused, %lu rescued; "
		 "mmaps: %lu redirected, %lu native, %lu fallbacks, %lu denied; "
		 "exports made writable: %lu; sync: %lu begins (%llu us), %lu ends, "
		 "%lu owed, %lu lost, %lu without a descriptor; "
		 "kept: %lu, %lu mapped again, %lu unmapped; "
		 "the program's: %lu told, %lu own begins",
		 get(STAT_IMPORT) + get(STAT_LEARNED), get(STAT_LEARNED), get(STAT_STALE),
		 get(STAT_REFUSED), get(STAT_OFFSET), get(STAT_REDIRECTED), get(STAT_NATIVE),
		 get(STAT_FALLBACK), get(STAT_DENIED), get(STAT_EXPORT), get(STAT_BEGIN),
		 (unsigned long long)stat_get(STAT_BLOCKED) / 1000, get(STAT_END), get(STAT_OWED),
		 get(STAT_LOST), get(STAT_NO_DESCRIPTOR), get(STAT_KEPT),
		 get(STAT_WARM), get(STAT_LEFT), get(STAT_TOLD), get(STAT_OWN));
	if (get(STAT_DIRECT) || get(STAT_DIRECT_REFUSED))
		log_line("exit: mapped by their own descriptors: %lu dma-bufs, %lu times, %lu "
			 "refused; of these %lu synced by the program, %lu times",
			 get(STAT_DIRECT_BUFFERS), get(STAT_DIRECT), get(STAT_DIRECT_REFUSED),
			 get(STAT_DIRECT_SYNCED), get(STAT_DIRECT_SYNC));
}
