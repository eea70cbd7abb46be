// SPDX-License-Identifier: MIT
/* Adds up the status files of a run of primeshim ab. */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "ab.h"
#include "status/status.h"

/* Did a map call fail natively, or give a mapping that cannot be read? */
static bool refused(const struct status_pair *p)
{
	return p->call >= CALL_MAP_IOCTL &&
		(p->native > 0 || p->native == NATIVE_SIGBUS || p->outcome == OUTCOME_DENIED);
}

static void count_status(const struct status *p, double *numbers)
{
	numbers[NUMBER_IMPORTS] += p->head.counters[STAT_IMPORT] + p->head.counters[STAT_LEARNED];
	numbers[NUMBER_BEGINS] += p->head.counters[STAT_BEGIN];
	numbers[NUMBER_BLOCKED] += p->head.counters[STAT_BLOCKED];
	for (unsigned int i = 0; i < p->head.pairs.used; i++) {
		const struct status_pair *pair = &p->pairs[i];
		bool mapped = pair->outcome == OUTCOME_OFFSET || pair->outcome == OUTCOME_DMABUF;

		if (refused(pair))
			numbers[NUMBER_REFUSED] += pair->count;
		if (refused(pair) && mapped)
			numbers[NUMBER_RESCUED] += pair->count;
		if (pair->outcome == OUTCOME_DMABUF)
			numbers[NUMBER_DMABUF] += pair->count;
	}
}

void count_run(const struct way *w, const char *dir, struct run *run)
{
	struct status *files;
	size_t n;

	/* Without the shim there are no status files; or the command has removed them. */
	if (!w->shim || !strcmp(w->mode, "off") || access(dir, R_OK | X_OK) < 0)
		return;
	files = status_load(dir, &n);
	for (size_t i = 0; i < n; i++)
		count_status(&files[i], run->numbers);
	status_free_all(files, n);
	run->counted = true;
}
