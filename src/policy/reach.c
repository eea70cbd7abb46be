// SPDX-License-Identifier: MIT
/* Do the program's mmaps reach the shim? See reach.h. */
#include "config.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "kernel/next.h"
#include "reach.h"
#include "settings/log.h"
#include "state/buffer.h"

/* No descriptor, so the call fails (EBADF), at an offset that no program uses. */
#define PROBE_FD	-1
#define PROBE_OFFSET	0x5a5a000

/* The definition that the program's calls reach, where it is not the shim's. */
static void *(*first)(void *addr, size_t len, int prot, int flags, int fd, long off);
static void *(*first64)(void *addr, size_t len, int prot, int flags, int fd, int64_t off);

static __thread volatile bool probing, seen;

void reach_init(void)
{
	*(void **)&first = next_before_us("mmap");
	*(void **)&first64 = next_before_us("mmap64");
}

bool reach_seen(int fd, unsigned long long off)
{
	if (fd != PROBE_FD || off != PROBE_OFFSET || !probing)
		return false;
	seen = true;
	return true;
}

static bool probe(void)
{
	bool ok = true;

	probing = true;
	if (first) {
		seen = false;
		first(NULL, 1, PROT_NONE, MAP_SHARED, PROBE_FD, PROBE_OFFSET);
		ok = seen;
	}
	if (first64) {
		seen = false;
		first64(NULL, 1, PROT_NONE, MAP_SHARED, PROBE_FD, PROBE_OFFSET);
		ok &= seen;
	}
	probing = false;
	return ok;
}

bool reach_mmap(void)
{
	/* Relaxed: two threads that both ask get the same answer. */
	static _Atomic(enum answer) answer;

	if (!first && !first64)
		return true;
	if (atomic_load_explicit(&answer, memory_order_relaxed) == ANSWER_UNASKED) {
		bool ok = probe();

		atomic_store_explicit(&answer, ok ? ANSWER_YES : ANSWER_NO, memory_order_relaxed);
		if (!ok)
			log_line("a library loaded before primeshim keeps mmap for itself: "
				 "preload primeshim first");
	}
	return atomic_load_explicit(&answer, memory_order_relaxed) == ANSWER_YES;
}
