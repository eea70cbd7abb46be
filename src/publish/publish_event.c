// SPDX-License-Identifier: MIT
/* The events of the status file; see publish.h. Without a status file the functions do nothing. */
#include "config.h"

#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "kernel/sandbox.h"
#include "publish.h"
#include "publish_status.h"
#include "show.h"

_Atomic(struct publish_status *) publish_status;
static shared_u32 events;	/* the number of events so far */

/* The thread's number; 0: not asked yet. */
static __thread uint32_t thread __attribute__((tls_model("initial-exec")));

uint64_t publish_now(void)
{
	struct timespec t = { 0 };

	if (sandbox_may(MAY_CLOCK))
		clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
}

uint32_t publish_thread(void)
{
	long tid;

	/*
	 * Every process that makes a status file may ask. A thread that begins under a later filter
	 * may not.
	 */
	if (!thread && sandbox_may(MAY_FILES)) {
		tid = syscall(SYS_gettid);
		thread = tid > 0 ? tid : 0;
	}
	return thread;
}

void publish_event(struct status_event e)
{
	struct publish_status *p = publish_at();
	struct status_event *to;
	uint32_t number;

	if (!p)
		return;
	if (!e.at)
		e.at = publish_now();
	e.tid = publish_thread();
	number = __atomic_add_fetch(&events, 1, __ATOMIC_RELAXED);
	SHOW(&p->head.events.used, &events);
	to = &p->events[(number - 1) % PUBLISH_EVENTS];
	__atomic_store_n(&to->seq, 0, __ATOMIC_RELAXED);
	/* The event's number is 0 while the rest changes, and is stored after it. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy((char *)to + sizeof(to->seq), (char *)&e + sizeof(e.seq), sizeof(e) - sizeof(e.seq));
	__atomic_store_n(&to->seq, number, __ATOMIC_RELEASE);
}

void publish_events_forked(void)
{
	thread = 0;
	events = 0;
	atomic_store_explicit(&publish_status, NULL, memory_order_relaxed);
}
