// SPDX-License-Identifier: MIT
/* What becomes of the records in a child process; see fork.h. */
#include "config.h"

#include "base/lock.h"
#include "fork.h"
#include "guard.h"
#include "kernel/place.h"
#include "mapped.h"
#include "publish/publish.h"
#include "settings/settings.h"
#include "settings/watch.h"
#include "state/buffer.h"
#include "state/descriptor.h"
#include "state/file_table.h"
#include "state/import.h"
#include "state/kept.h"
#include "state/mapping.h"
#include "state/private.h"
#include "settle.h"
#include "trap.h"
#include "warm.h"

/*
 * A signal handler that was set by a raw system call may fork while its thread holds a lock
 * (lock.h). The thread goes on with the records in both processes, so the atfork handlers take no
 * lock then.
 */
static __thread bool taken;

void fork_prepare(void)
{
	/* The other process may close what handles hold. */
	import_tick();
	taken = !lock_held();
	if (!taken)
		return;
	file_table_keep();
	descriptor_numbers_lock();
	descriptors_lock();
	file_table_lock();
	buffers_lock();
	warm_fork();
}

void fork_parent(void)
{
	if (!taken)
		return;
	buffers_unlock();
	file_table_unlock();
	descriptors_unlock();
	descriptor_numbers_unlock();
	file_table_unkeep();
}

void fork_child(void)
{
	descriptors_forked();
	publish_forked();
	place_forget();
	if (!taken)
		return;
	settle_forked();
	fork_parent();
	warm_forked();
	descriptors_drop_idle();
	mapped_forked();
}

static void open_pages(struct buffer *b)
{
	if (b->guarded)
		guard_set(b, false);
}

/* Leaves the child without records: every hook returns early from here on. */
static void give_up(void)
{
	/*
	 * Nothing else will end the pages' PROT_NONE. Where the lock is not free the mappings
	 * cannot be read.
	 */
	if (trapping && buffers_free()) {
		buffers_lock();
		buffers_visit(open_pages);
		buffers_unlock();
	}
	if (buffers_free())
		warm_given_up();
	settings.active = trapping = false;
	atomic_store_explicit(&watch_now, 0, memory_order_relaxed);
	atomic_store_explicit(&imports_live, 0, memory_order_relaxed);
	atomic_store_explicit(&mappings_live, 0, memory_order_relaxed);
	atomic_store_explicit(&kept_live, 0, memory_order_relaxed);
	atomic_store_explicit(&descriptors_live, 0, memory_order_relaxed);
}

bool fork_unseen(void)
{
	bool whole = file_table_free() && descriptors_free() && buffers_free();

	descriptors_forked();
	publish_forked();
	import_tick();
	if (!whole) {
		give_up();
		return false;
	}
	buffers_lock();
	settle_forked();
	warm_fork();
	buffers_unlock();
	warm_forked();
	descriptors_drop_idle();
	mapped_forked();
	return true;
}
