// SPDX-License-Identifier: MIT
/*
 * Random seccomp filters; see same.h. FAKE_SEEN makes the fake kernel show the program's calls to a
 * filter, like the real kernel. So natively the program's own calls fail, or kill it, if a filter
 * says so; under the shim no other calls may do that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>

#include <linux/seccomp.h>

#include "lib/sandbox-filter.h"
#include "same.h"

static const struct {
	int number;
	const char *name;
} calls[] = {
#define CALL_(name) { SYS_##name, #name }
	CALL_(kcmp), CALL_(getpid), CALL_(gettid), CALL_(getppid), CALL_(geteuid),
	CALL_(pipe2), CALL_(mincore), CALL_(msync), CALL_(madvise), CALL_(prlimit64),
	CALL_(rt_sigpending), CALL_(sched_yield), CALL_(clock_gettime), CALL_(read), CALL_(openat),
	CALL_(faccessat), CALL_(statx), CALL_(sendto), CALL_(getrandom), CALL_(uname),
	CALL_(fstatfs), CALL_(ftruncate), CALL_(fallocate), CALL_(unlinkat), CALL_(mkdirat),
	CALL_(tgkill), CALL_(prctl), CALL_(mremap), CALL_(dup), CALL_(dup3),
	/*
	 * A filter by prctl() may forbid these, too. By seccomp() the shim does not see which it
	 * does, and takes them for allowed, as every program that imports makes them (documented).
	 */
	CALL_(rt_sigprocmask), CALL_(futex), CALL_(fcntl), CALL_(ppoll), CALL_(mprotect),
	CALL_(munmap), CALL_(close), CALL_(ioctl),
#ifdef SYS_poll
	CALL_(poll),
#endif
#ifdef SYS_fstat
	CALL_(fstat),
#endif
#ifdef SYS_newfstatat
	CALL_(newfstatat),
#endif
};

enum { CALLS = sizeof(calls) / sizeof(*calls), UNSEEN = 30, HARMLESS = 27 };

void step_filter(struct prog *p)
{
	static struct filter f;
	bool kills = one_in(p, 2), raw = one_in(p, 2);
	int n = 1 + rnd(p, 4);

	if (p->filtered >= 3)
		return;
	/* A filter by seccomp() after one by prctl() is not noticed (documented). */
	raw = raw && !p->seen_filter;
	p->seen_filter |= !raw;
	f.others = SECCOMP_RET_ALLOW;
	f.n = 0;
	say(p, "a filter by %s that %s", raw ? "seccomp()" : "prctl()", kills ? "kills" : "fails");
	for (int i = 0; i < n; i++) {
		/* Mostly what this program does not need. */
		int call = rnd(p, !one_in(p, 6) ? HARMLESS : raw ? UNSEEN : CALLS);

		say(p, " %s", calls[call].name);
		f.rules[f.n++] = (struct rule){
			.number = calls[call].number, .arg = -1,
			.action = kills ? SECCOMP_RET_KILL : SECCOMP_RET_ERRNO | EPERM,
		};
	}
	said(p);
	say(p, "it is there");
	result(p, CALL(p, filter_install(&f, raw)));
	p->filtered++;
}
