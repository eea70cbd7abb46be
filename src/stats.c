// SPDX-License-Identifier: MIT
/* What happened, counted; see stats.h. */
#include "config.h"

#include <string.h>

#include "log.h"
#include "stats.h"

static shared_u64 own[STAT_COUNT];

_Atomic(shared_u64 *) stats = own;

uint64_t stat_get(enum counter s)
{
	return __atomic_load_n(&atomic_load_explicit(&stats, memory_order_relaxed)[s],
			       __ATOMIC_RELAXED);
}

void stats_publish(shared_u64 *page)
{
	atomic_store_explicit(&stats, page, memory_order_relaxed);
	for (int i = 0; i < STAT_COUNT; i++)
		__atomic_fetch_add(&page[i], __atomic_exchange_n(&own[i], 0, __ATOMIC_RELAXED),
				   __ATOMIC_RELAXED);
}

void stats_unpublish(void)
{
	memset(own, 0, sizeof(own));
	atomic_store_explicit(&stats, own, memory_order_relaxed);
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
		 "the program's: %lu told, %lu own begins",
		 get(STAT_IMPORT) + get(STAT_LEARNED), get(STAT_LEARNED), get(STAT_STALE),
		 get(STAT_REFUSED), get(STAT_OFFSET), get(STAT_REDIRECTED), get(STAT_NATIVE),
		 get(STAT_FALLBACK), get(STAT_DENIED), get(STAT_EXPORT), get(STAT_BEGIN),
		 (unsigned long long)stat_get(STAT_BLOCKED) / 1000, get(STAT_END), get(STAT_OWED),
		 get(STAT_LOST), get(STAT_NO_DESCRIPTOR), get(STAT_TOLD), get(STAT_OWN));
}
