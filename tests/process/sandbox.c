// SPDX-License-Identifier: MIT
/*
 * A program under a seccomp filter behaves under the shim as it does natively: this test runs the
 * client of sandbox-client.c twice under each filter, and compares what it prints and how it ends.
 * A filter forbids one system call, by a signal or by an errno; or it forbids all calls but those
 * that a trace of the native program shows. The filter comes by prctl(2), by seccomp(2), or with
 * exec.
 *
 * The shim runs as it is by default, and with a log and a status file asked for.
 *
 *   sandbox DIR SHIM FAKE	a directory for status files, the shim, and the fake kernel; with
 *				-DREAL no FAKE, but real devices
 *   sandbox filter CALL ACTION	the client's last argument; ACTION: kill, or an errno's number
 */
#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <drm.h>
#include <linux/dma-buf.h>
#include <linux/seccomp.h>

#include "lib/sandbox-filter.h"

#ifndef SYS_futex
#define SYS_futex SYS_futex_time64
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000	/* 4.17 */
#endif

#define ALL(number)			{ number, -1, 0, 0, 0 }
#define WITH(number, arg, value)	{ number, arg, value, ~0U, 0 }
#define FLAG(number, arg, flag)		{ number, arg, flag, flag, 0 }
#define ALLOWED(number)			{ number, -1, 0, 0, SECCOMP_RET_ALLOW }
#define ALLOWED_WITH(number, arg, value)	{ number, arg, value, ~0U, SECCOMP_RET_ALLOW }
#define FAILS(number, err)		{ number, -1, 0, 0, SECCOMP_RET_ERRNO | (err) }

/*
 * What the shim might want to do. Without one of the CORE it leaves a refused map as it is: it
 * cannot tell whether it may write into the argument, or whose handle that is. OWN: the client
 * makes it, too.
 */
enum kind { EXTRA, OWN, CORE };
static const struct call {
	const char *name;
	enum kind kind;
	int n;
	struct rule rules[4];
} calls[] = {
	{ "kcmp", EXTRA, 1, { ALL(SYS_kcmp) } },
	{ "getpid", EXTRA, 1, { ALL(SYS_getpid) } },
	{ "gettid", EXTRA, 1, { ALL(SYS_gettid) } },
	{ "getppid", EXTRA, 1, { ALL(SYS_getppid) } },
	{ "geteuid", EXTRA, 1, { ALL(SYS_geteuid) } },
	{ "pipe2", EXTRA, 1, { ALL(SYS_pipe2) } },
	{ "mincore", EXTRA, 1, { ALL(SYS_mincore) } },
	{ "msync", EXTRA, 1, { ALL(SYS_msync) } },
	{ "madvise", EXTRA, 1, { ALL(SYS_madvise) } },
	{ "prlimit64", EXTRA, 1, { ALL(SYS_prlimit64) } },
	{ "rt_sigprocmask", EXTRA, 1, { ALL(SYS_rt_sigprocmask) } },
	{ "sched_yield", EXTRA, 1, { ALL(SYS_sched_yield) } },
	{ "clock_gettime", EXTRA, 1, { ALL(SYS_clock_gettime) } },
	{ "futex", CORE, 1, { ALL(SYS_futex) } },
	{ "mremap", OWN, 1, { ALL(SYS_mremap) } },
	{ "mprotect", OWN, 1, { ALL(SYS_mprotect) } },
	{ "dup", OWN, 1, { ALL(SYS_dup) } },
	{ "read", EXTRA, 1, { ALL(SYS_read) } },
	{ "write", OWN, 1, { ALL(SYS_write) } },
	{ "openat", EXTRA, 1, { ALL(SYS_openat) } },
	{ "faccessat", EXTRA, 1, { ALL(SYS_faccessat) } },
#ifdef SYS_access
	{ "access", EXTRA, 1, { ALL(SYS_access) } },
#endif
#ifdef SYS_poll
	{ "poll", OWN, 2, { ALL(SYS_poll), ALL(SYS_ppoll) } },
#else
	{ "poll", OWN, 1, { ALL(SYS_ppoll) } },
#endif
#ifdef SYS_fcntl64
	{ "fcntl", EXTRA, 2, { ALL(SYS_fcntl), ALL(SYS_fcntl64) } },
	{ "F_DUPFD_CLOEXEC", EXTRA, 2, { WITH(SYS_fcntl, 1, F_DUPFD_CLOEXEC),
					 WITH(SYS_fcntl64, 1, F_DUPFD_CLOEXEC) } },
#else
	{ "fcntl", EXTRA, 1, { ALL(SYS_fcntl) } },
	{ "F_DUPFD_CLOEXEC", EXTRA, 1, { WITH(SYS_fcntl, 1, F_DUPFD_CLOEXEC) } },
	{ "F_GETFL", EXTRA, 1, { WITH(SYS_fcntl, 1, F_GETFL) } },
	{ "fstat", CORE, 1, { ALL(SYS_fstat) } },
	{ "newfstatat", CORE, 1, { ALL(SYS_newfstatat) } },
	{ "fstat and newfstatat", CORE, 2, { ALL(SYS_fstat), ALL(SYS_newfstatat) } },
	{ "MAP_FIXED_NOREPLACE", EXTRA, 1, { FLAG(SYS_mmap, 3, MAP_FIXED_NOREPLACE) } },
	{ "MAP_NORESERVE", EXTRA, 1, { FLAG(SYS_mmap, 3, MAP_NORESERVE) } },
#endif
	/* What a 32-bit glibc makes of fstat(). */
	{ "statx", sizeof(long) == 4 ? CORE : EXTRA, 1, { ALL(SYS_statx) } },
#ifndef REAL
	{ "munmap", CORE, 1, { ALL(SYS_munmap) } },
#else
	{ "munmap", OWN, 1, { ALL(SYS_munmap) } },
#endif
	{ "close", CORE, 1, { ALL(SYS_close) } },
	{ "ioctl", CORE, 1, { ALL(SYS_ioctl) } },
	{ "DRM_IOCTL_VERSION", CORE, 1, { WITH(SYS_ioctl, 1, (uint32_t)DRM_IOCTL_VERSION) } },
	{ "PRIME_HANDLE_TO_FD", CORE, 1,
	  { WITH(SYS_ioctl, 1, (uint32_t)DRM_IOCTL_PRIME_HANDLE_TO_FD) } },
	{ "DMA_BUF_IOCTL_SYNC", EXTRA, 1, { WITH(SYS_ioctl, 1, (uint32_t)DMA_BUF_IOCTL_SYNC) } },
};

/* For tables of the shim's own. */
static const struct call memory = {
#ifdef SYS_mmap2
	"anonymous memory", CORE, 1, { FLAG(SYS_mmap2, 3, MAP_ANONYMOUS) }
#else
	"anonymous memory", CORE, 1, { FLAG(SYS_mmap, 3, MAP_ANONYMOUS) }
#endif
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* How a filter comes, when, and what a program there calls anyway; see sandbox-client.c. */
static const struct way {
	const char *how, *when, *habits;
} ways[] = {
	{ "prctl", "start", "0" }, { "raw", "start", "1" },
#ifndef REAL	/* in an emulator: the others take minutes */
	{ "prctl", "imported", "0" }, { "prctl", "mapped", "0" },
	{ "raw", "imported", "1" }, { "raw", "mapped", "1" },
#endif
	{ "exec", "start", "2" },
};

/* What comes instead of a filter. */
static const struct way poor[] = {
	{ "chroot", "start", "0" }, { "chroot", "imported", "0" }, { "chroot", "mapped", "0" },
	{ "7", "start", "0" }, { "8", "start", "0" }, { "9", "start", "0" }, { "10", "start", "0" },
	{ "11", "start", "0" }, { "12", "start", "0" }, { "16", "start", "0" },
	{ "7", "mapped", "0" }, { "8", "mapped", "0" }, { "9", "mapped", "0" },
	{ "16", "mapped", "0" },
};

static const char *dir, *shim, *fake, *self;

/* What runs: the client alone, with the shim, and with the shim and all that can be asked of it. */
enum variant { NATIVE, SHIM, ASKED };

/* Where imports can be mapped natively, and where they cannot. */
#ifdef REAL
static const char *const works, *const refuses = "vgem";
#else
static const char *const works = "/dev/dri/card3", *const refuses = "/dev/dri/card0";
#endif

struct result {
	int status;
	char text[2048];
};

static int failed;

static void promise(bool kept, const char *text)
{
	printf("%s - %s\n", kept ? "ok" : "not ok", text);
	failed |= !kept;
}

static void preload(enum variant v)
{
	char list[4096];

	snprintf(list, sizeof(list), "%s%s%s", v ? shim : "", v && *fake ? ":" : "", fake);
	setenv("LD_PRELOAD", list, 1);
	setenv("FAKE_SEEN", "1", 1);
	setenv("EMPTY", dir, 1);
	if (v != ASKED)
		return;
	setenv("PRIMESHIM_LOG", "1", 1);
	setenv("PRIMESHIM_DIR", dir, 1);
}

/* The client, as a process of its own with its output in @out. Does not return. */
static void become(enum variant v, const char *card, const struct way *w, const struct filter *f,
		   int out)
{
	static const struct rlimit no_core;
	char *const arg[] = {
		(char *)self, "client", (char *)card, (char *)w->how, (char *)w->when,
		(char *)w->habits, (char *)filter_text(f), NULL,
	};

	alarm(20);
	setrlimit(RLIMIT_CORE, &no_core);
	preload(v);
	dup2(out, 1);
	if (!strcmp(w->how, "exec") && filter_install(f, true) < 0)
		_exit(4);
	execv(self, arg);
	_exit(5);
}

static struct result run(enum variant v, const char *card, const struct way *w,
			 const struct filter *f)
{
	int out = memfd_create("out", MFD_CLOEXEC), null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct result r = { 0 };
	pid_t pid = fork();

	if (!pid) {
		dup2(null, 0);
		dup2(null, 2);
		become(v, card, w, f, out);
	}
	waitpid(pid, &r.status, 0);
	r.text[pread(out, r.text, sizeof(r.text) - 1, 0)] = '\0';
	close(out);
	close(null);
	return r;
}

/* Has what is refused natively worked, from the first to the last? */
static bool all_right(const struct result *r)
{
	return !r->status && strstr(r->text, " map=0 ") && strstr(r->text, " same=0 ") &&
	       strstr(r->text, " again=0 ");
}

static void show(const char *what, const struct result *r)
{
	printf("# %s: status %x:%s%s", what, r->status, r->text,
	       *r->text && r->text[strlen(r->text) - 1] == '\n' ? "" : "\n");
}

static bool equal(const struct result *a, const struct result *b)
{
	return a->status == b->status && !strcmp(a->text, b->text);
}

static bool kills(const struct filter *f)
{
	return f->others == SECCOMP_RET_KILL || (f->n && f->rules[0].action == SECCOMP_RET_KILL);
}

/*
 * A client where its maps work natively: as it is without the shim? Also where somebody has asked
 * for files; but where a filter was there before, files are made on trust.
 */
static bool same(const struct way *w, const struct filter *f)
{
	bool trusts = !strcmp(w->how, "exec") && kills(f);
	struct result native = run(NATIVE, works, w, f), ours;

	for (enum variant v = SHIM; v <= (trusts ? SHIM : ASKED); v++) {
		ours = run(v, works, w, f);
		if (equal(&native, &ours))
			continue;
		printf("# by %s, %s, %s%s\n", w->how, w->when, works,
		       v == ASKED ? ", with a log and a status file" : "");
		show("natively", &native);
		show("here    ", &ours);
		return false;
	}
	return true;
}

/*
 * A client whose maps are refused natively: is it as where they work? If what is forbidden is of
 * the core, it may also be as natively, or something has worked before the filter came.
 */
static bool rescued(const struct way *w, const struct filter *f, enum kind kind)
{
	struct result refused = run(NATIVE, refuses, w, f), ours = run(SHIM, refuses, w, f), ideal;
	bool ok;

	if (works)
		ideal = run(NATIVE, works, w, f);
	if (kind == CORE)
		ok = ours.status == refused.status || (works && ours.status == ideal.status);
	else if (works)
		ok = equal(&ours, &ideal);
	else
		ok = refused.status ? equal(&ours, &refused) : kind == OWN || all_right(&ours);
	if (ok)
		return true;
	printf("# by %s, %s, %s\n", w->how, w->when, refuses);
	show("natively", &refused);
	if (works)
		show("ideal   ", &ideal);
	show("here    ", &ours);
	return false;
}

static struct filter against(const struct call *c, uint32_t action)
{
	struct filter f = { .others = SECCOMP_RET_ALLOW, .n = c->n };

	for (int i = 0; i < c->n; i++) {
		f.rules[i] = c->rules[i];
		f.rules[i].action = action;
	}
	return f;
}

static int print_filter(const char *name, const char *action)
{
	for (size_t i = 0; i < COUNT(calls); i++) {
		struct filter f = against(&calls[i], strcmp(action, "kill") ?
					  SECCOMP_RET_ERRNO | atoi(action) : SECCOMP_RET_KILL);

		if (!strcmp(name, calls[i].name))
			return puts(filter_text(&f)) < 0;
	}
	return 2;
}

static void forbid(const struct call *c, uint32_t action, const char *name, bool often)
{
	struct filter f = against(c, action);
	bool kept = true;
	char text[128];

	for (size_t i = 0; i < COUNT(ways); i++) {
		if (!often && strcmp(ways[i].when, "start"))
			continue;
		/* Of a filter that the shim does not know it takes all ioctls for allowed. */
		if (c->rules[0].number == SYS_ioctl && c->rules[0].arg >= 0 &&
		    strcmp(ways[i].how, "prctl"))
			continue;
		if (works)
			kept &= same(&ways[i], &f);
		kept &= rescued(&ways[i], &f, c->kind);
	}
	snprintf(text, sizeof(text), "%s %s: as natively", c->name, name);
	promise(kept, text);
}

/* Adds the number of each system call that the client makes natively. */
static bool trace(const char *card, const struct way *w, struct filter *list)
{
	const struct filter f = { .others = SECCOMP_RET_TRACE };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), status = 0;
	unsigned long number;
	pid_t pid = fork(), at;

	if (!pid) {
		dup2(null, 0);
		dup2(null, 2);
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
			_exit(6);
		raise(SIGSTOP);
		become(NATIVE, card, w, &f, null);
	}
	close(null);
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE |
		   PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL) < 0)
		return false;
	for (at = pid; at > 0; at = waitpid(-1, &status, __WALL)) {
		int signal = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;

		if (at == pid && !WIFSTOPPED(status))
			return WIFEXITED(status) && !WEXITSTATUS(status);
		if (!WIFSTOPPED(status))
			continue;
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
			int i = 0;

			ptrace(PTRACE_GETEVENTMSG, at, 0, &number);
			while (i < list->n && list->rules[i].number != (int)number)
				i++;
			if (i == list->n && i < MOST_RULES)
				list->rules[list->n++] = (struct rule)ALLOWED(number);
		}
		if (signal == SIGTRAP || signal == SIGSTOP)
			signal = 0;
		ptrace(PTRACE_CONT, at, 0, signal);
	}
	return false;
}

static void only(const char *card, const struct way *w)
{
	struct filter f = { .others = SECCOMP_RET_KILL };
	struct result r;
	char text[128];
	bool kept;

	if (!trace(card, w, &f)) {
		printf("ok - # SKIP no trace: %s\n", strerror(errno));
		return;
	}
	r = run(NATIVE, card, w, &f);
	kept = !r.status;
	if (!kept)
		show("natively", &r);
	for (int other = 0; other < 2; other++) {
		f.others = other ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_KILL;
		kept &= card == works ? same(w, &f) : rescued(w, &f, CORE);
	}
	snprintf(text, sizeof(text), "%s, %s, %s: nothing but the %d calls that the program makes "
		 "natively: as natively", w->how, w->when, card, f.n);
	promise(kept, text);
}

#if __SIZEOF_LONG__ == 8
/*
 * Like the filter of Chromium's GPU process (as of 2023), for the calls of the client and the shim.
 * Chromium traps newfstatat, and its handler of SIGSYS makes fstat of it; here it is allowed.
 */
static void chromium(void)
{
	static const struct filter f = { .others = SECCOMP_RET_TRAP, .rules = {
		FAILS(SYS_kcmp, ENOSYS), FAILS(SYS_openat, EPERM), FAILS(SYS_faccessat, EPERM),
		FAILS(SYS_mkdirat, EPERM), FAILS(SYS_unlinkat, EPERM), FAILS(SYS_statx, ENOSYS),
		FAILS(SYS_set_robust_list, EPERM),
#ifdef SYS_open
		FAILS(SYS_open, EPERM), FAILS(SYS_mkdir, EPERM), FAILS(SYS_access, EPERM),
#endif
		/* Of flags it knows but these. */
		{ SYS_mmap, 3, 0, ~(uint32_t)(MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK |
		  MAP_NORESERVE | MAP_FIXED | MAP_DENYWRITE | MAP_LOCKED), SECCOMP_RET_ALLOW },
#ifdef SYS_poll
		ALLOWED(SYS_poll),
#endif
		ALLOWED(SYS_ppoll), ALLOWED(SYS_newfstatat), ALLOWED(SYS_fstat),
		ALLOWED_WITH(SYS_fcntl, 1, F_DUPFD), ALLOWED_WITH(SYS_fcntl, 1, F_DUPFD_CLOEXEC),
		ALLOWED_WITH(SYS_fcntl, 1, F_GETFD), ALLOWED_WITH(SYS_fcntl, 1, F_SETFD),
		ALLOWED_WITH(SYS_fcntl, 1, F_GETFL), ALLOWED_WITH(SYS_fcntl, 1, F_SETFL),
		ALLOWED_WITH(SYS_madvise, 2, MADV_DONTNEED), FAILS(SYS_madvise, EPERM),
		ALLOWED_WITH(SYS_prlimit64, 0, 0), ALLOWED(SYS_futex), ALLOWED(SYS_ioctl),
		ALLOWED(SYS_close), ALLOWED(SYS_dup), ALLOWED(SYS_dup3), ALLOWED(SYS_munmap),
#ifdef SYS_dup2
		ALLOWED(SYS_dup2),
#endif
		ALLOWED(SYS_mremap), ALLOWED(SYS_mprotect), ALLOWED(SYS_mincore),
		ALLOWED(SYS_getpid), ALLOWED(SYS_gettid), ALLOWED(SYS_getppid),
		ALLOWED(SYS_geteuid),
		ALLOWED_WITH(SYS_clock_gettime, 0, CLOCK_MONOTONIC), ALLOWED(SYS_write),
		ALLOWED(SYS_read), ALLOWED(SYS_rt_sigprocmask), ALLOWED(SYS_rt_sigaction),
		ALLOWED(SYS_exit), ALLOWED(SYS_exit_group), ALLOWED(SYS_brk),
		ALLOWED(SYS_getrandom),
		/* It forks no more; the client does. */
		ALLOWED(SYS_clone), ALLOWED(SYS_wait4),
#ifdef SYS_vfork
		ALLOWED(SYS_vfork),
#endif
	} };
	struct filter list = f;
	bool kept = true;

	while (list.rules[list.n].number || list.rules[list.n].action)
		list.n++;
	for (size_t i = 0; i < COUNT(ways); i++) {
		if (!strcmp(ways[i].how, "exec"))
			continue;
		if (works)
			kept &= same(&ways[i], &list);
		kept &= rescued(&ways[i], &list, EXTRA);
	}
	promise(kept, "a filter like that of Chromium's GPU process: as natively, or rescued");
}
#endif

int main(int argc, char **argv)
{
	static const struct filter nothing = { .others = SECCOMP_RET_ALLOW };
	struct result r;

	self = "/proc/self/exe";
	if (argc == 7 && !strcmp(argv[1], "client"))
		return client(argv + 2);
	if (argc == 4 && !strcmp(argv[1], "filter"))
		return print_filter(argv[2], argv[3]);
	if (argc < 3)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	dir = argv[1];
	shim = argv[2];
	fake = argc > 3 ? argv[3] : "";
	r = run(NATIVE, refuses, &ways[0], &nothing);
	if (WIFEXITED(r.status) && WEXITSTATUS(r.status) == 2 && strstr(r.text, "filter=")) {
		printf("no filter can be set here:%s\n", r.text);
		return 77;
	}
	promise(!r.status && strstr(r.text, " map=22 "), "natively the map is refused");
	for (size_t i = 0; i < COUNT(ways); i++) {
		r = run(SHIM, refuses, &ways[i], &nothing);
		promise(all_right(&r), "with a filter that allows all the shim does its work");
		if (!all_right(&r))
			show("here", &r);
	}
	for (size_t i = 0; i < COUNT(calls); i++) {
		forbid(&calls[i], SECCOMP_RET_KILL, "kills", true);
		forbid(&calls[i], SECCOMP_RET_ERRNO | EPERM, "is EPERM", true);
		if (works)
			forbid(&calls[i], SECCOMP_RET_ERRNO | ENOSYS, "is ENOSYS", false);
	}
	for (size_t i = 0; i < COUNT(ways); i++) {
		if (works)
			only(works, &ways[i]);
		/* Where its map is made to work it goes on to call more. */
		if (works || !strcmp(ways[i].how, "prctl"))
			only(refuses, &ways[i]);
	}
	forbid(&memory, SECCOMP_RET_ERRNO | ENOMEM, "is ENOMEM", true);
#if __SIZEOF_LONG__ == 8
	chromium();
#endif
	for (size_t i = 0; i < COUNT(poor); i++) {
		char text[128];

		snprintf(text, sizeof(text), "%s, %s: as natively", poor[i].how, poor[i].when);
		promise((!works || same(&poor[i], &nothing)) &&
			rescued(&poor[i], &nothing, CORE), text);
	}
	return failed;
}
