// SPDX-License-Identifier: MIT
/* What happened, counted; see stats.h. */
#include "config.h"

#include "log.h"
#include "stats.h"

atomic_ulong stats[STAT_COUNT];

static unsigned long get(enum counter s)
{
	return atomic_load_explicit(&stats[s], memory_order_relaxed);
}

void stats_log(void)
{
	log_line("exit: %lu imports (%lu learned, %lu stale), %lu maps refused, %lu rescued; "
		 "mmaps: %lu redirected, %lu native, %lu fallbacks, %lu denied; "
		 "exports made writable: %lu; sync: %lu begins (%lu us), %lu ends, "
		 "%lu owed; the program's: %lu told, %lu own begins",
		 get(STAT_IMPORT) + get(STAT_LEARNED), get(STAT_LEARNED), get(STAT_STALE),
		 get(STAT_REFUSED), get(STAT_OFFSET), get(STAT_REDIRECTED), get(STAT_NATIVE),
		 get(STAT_FALLBACK), get(STAT_DENIED), get(STAT_EXPORT),
		 get(STAT_BEGIN), get(STAT_BLOCKED) / 1000, get(STAT_END), get(STAT_OWED),
		 get(STAT_TOLD), get(STAT_OWN));
}
