// SPDX-License-Identifier: MIT
/*
 * The program that sandbox.c runs under filters. An ordinary program, which knows nothing of the
 * shim: it imports a dma-buf, maps it, and does with the mapping what programs do. It prints a line
 * with the result of each step.
 *
 *   sandbox client CARD HOW WHEN HABITS FILTER
 *
 * HOW the filter comes: "prctl"; "raw", by seccomp(2) and none of libc's functions; "exec", it has
 * been there before. Or what comes instead of a filter: "chroot", an empty root ($EMPTY); a number,
 * the limit of descriptors. WHEN it comes: "start", "imported", "mapped". HABITS: what the program
 * calls next. 0: nothing; 1: what every DRM program calls; 2: what its start calls, too.
 */
#define _GNU_SOURCE
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>
#include <linux/futex.h>

#include "lib/sandbox-filter.h"

#ifdef REAL
#include "lib/exporters.h"
#endif

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18	/* 4.14 */
#endif
#ifndef SYS_futex
#define SYS_futex SYS_futex_time64
#endif

#define PAGE	4096UL
#define SIZE	(4 * PAGE)
#define FILL	0x5a

static char line[1024];

/* A step and what it came to: 0, or an errno. */
static void say(const char *step, int err)
{
	size_t at = strlen(line);

	snprintf(line + at, sizeof(line) - at, " %s=%d", step, err);
}

static void say_ret(const char *step, long ret)
{
	say(step, ret == -1 ? errno : 0);
}

static void give_up(const char *what)
{
	say(what, errno ? errno : -1);
	_exit(write(1, line, strlen(line)) < 0 ? 3 : 2);
}

/* A dma-buf of somebody else's, filled. */
static int new_dmabuf(void)
{
#ifdef REAL
	struct export e = export_new("udmabuf", SIZE);

	memset(e.view, FILL, SIZE);
	return e.dmabuf;
#else
	int (*fake_export)(size_t size, uint8_t fill, bool writable);

	*(void **)&fake_export = dlsym(RTLD_DEFAULT, "fake_export");
	return fake_export ? fake_export(SIZE, FILL, true) : -1;
#endif
}

static int open_device(const char *name)
{
#ifdef REAL
	return open_card(name);
#else
	return open(name, O_RDWR | O_CLOEXEC);
#endif
}

static void habits(int level)
{
	static uint32_t word;
	struct timespec now;
	struct stat st;
	struct pollfd p = { .fd = 0 };
	char text[64];
	int fd;

	if (!level)
		return;
	say_ret("fstat", fstat(0, &st));
	fd = fcntl(0, F_DUPFD_CLOEXEC, 100);
	say_ret("fcntl", fd);
	say_ret("fcntl", fcntl(fd, F_GETFL));
	close(fd);
	say_ret("poll", poll(&p, 1, 0));
	say_ret("futex", syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0));
	say_ret("mask", syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, NULL, 8));
	if (level == 1)
		return;
	free(strdup("a program's start allocates"));
	say_ret("getpid", syscall(SYS_getpid));
	say_ret("clock", syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now));
	fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	say_ret("open", fd);
	say_ret("read", read(fd, text, sizeof(text)));
	close(fd);
	say_ret("madvise", madvise(NULL, 0, MADV_WIPEONFORK));
}

static uint8_t *map_dumb(int card, uint32_t handle, int prot, const char *step)
{
	static struct drm_mode_map_dumb m;	/* so that it is not on the stack */
	uint8_t *p;

	m.handle = handle;
	if (ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &m)) {
		say(step, errno);
		return NULL;
	}
	p = mmap(NULL, SIZE, prot, MAP_SHARED, card, m.offset);
	say(step, p == MAP_FAILED ? errno : p[PAGE] != FILL);
	return p == MAP_FAILED ? NULL : p;
}

/* What programs do with a mapping, each of which makes the shim ask the kernel something. */
static void use(int card, int twin, uint32_t handle, uint8_t *p, int dmabuf)
{
	struct pollfd one = { .fd = dmabuf, .events = POLLIN };
	static struct drm_prime_handle prime;
	uint8_t *q, *q2, *other;
	int status = 0;
	pid_t child;

	p[0] = 7;
	/* Of a duplicate that nobody has seen being made. */
	q = map_dumb(twin, handle, PROT_READ, "twin");
	say("same", !q || q[0] != 7);
	/* A place that may have been unmapped by a call that failed. */
	q2 = mmap(p, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, -1, 0);
	say("fixed", q2 == MAP_FAILED && errno == EBADF ? 0 : errno);
	say("still", p[0] != 7);
	say_ret("dup2", dup2(card, 768));
	say_ret("close", close(768));
	say_ret("mprotect", mprotect(p, SIZE, PROT_READ));
	say_ret("mprotect", mprotect(p, SIZE, PROT_READ | PROT_WRITE));
	other = mremap(p, SIZE, SIZE, MREMAP_MAYMOVE);
	say("mremap", other != p);
	if (poll(&one, 1, 0) < 0)
		say("poll", errno);
	prime.handle = handle;
	prime.flags = DRM_CLOEXEC;
	say_ret("export", ioctl(card, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime));
	close(prime.fd);
	/* Its child closes what it has, as the libraries of many do. */
	child = vfork();
	if (!child) {
		close(card);
		_exit(0);
	}
	say("vfork", child < 0 ? errno : waitpid(child, &status, 0) != child || status);
	child = fork();
	if (!child) {
		munmap(p, SIZE);
		close(card);
		_exit(0);
	}
	say("fork", child < 0 ? errno : waitpid(child, &status, 0) != child || status);
	if (q)
		say_ret("munmap", munmap(q, SIZE));
	say_ret("munmap", munmap(p, SIZE));
	q = map_dumb(card, handle, PROT_READ | PROT_WRITE, "again");
	if (q)
		munmap(q, SIZE);
}

static void limit(rlim_t descriptors)
{
	struct rlimit lim;

	getrlimit(RLIMIT_NOFILE, &lim);
	lim.rlim_cur = descriptors;
	if (setrlimit(RLIMIT_NOFILE, &lim) < 0)
		give_up("limit");
}

static void filter_now(char **arg)
{
	struct filter f = filter_parse(arg[4]);
	const char *how = arg[1];

	if (!strcmp(how, "chroot")) {
		if (chroot(getenv("EMPTY")) < 0 || chdir("/") < 0)
			give_up("chroot");
	} else if (*how >= '0' && *how <= '9') {
		limit(atoi(how));
	} else if (strcmp(how, "exec") && filter_install(&f, !strcmp(how, "raw")) < 0) {
		give_up("filter");
	}
	habits(atoi(arg[3]));
}

int client(char **arg)
{
	const char *when = arg[2];
	struct drm_prime_handle prime = { 0 };
	struct drm_gem_close gone = { 0 };
	int card = open_device(arg[0]), dmabuf, twin;
	uint8_t *p;

	dmabuf = new_dmabuf();
	twin = syscall(SYS_dup, card);
	if (card < 0 || dmabuf < 0 || twin < 0)
		give_up("device");
	/* So that the number that use() takes is one that the shim may have taken. */
	limit(1024);
	if (!strcmp(when, "start"))
		filter_now(arg);
	prime.fd = dmabuf;
	say_ret("import", ioctl(card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime));
	if (!strcmp(when, "imported"))
		filter_now(arg);
	p = map_dumb(card, prime.handle, PROT_READ | PROT_WRITE, "map");
	if (!strcmp(when, "mapped"))
		filter_now(arg);
	if (p)
		use(card, twin, prime.handle, p, dmabuf);
	gone.handle = prime.handle;
	say_ret("close", ioctl(card, DRM_IOCTL_GEM_CLOSE, &gone));
	say_ret("close", close(card));
	strcat(line, "\n");
	return write(1, line, strlen(line)) < 0;
}
