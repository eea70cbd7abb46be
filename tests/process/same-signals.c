// SPDX-License-Identifier: MIT
/*
 * Random signals; see same.h. Handlers of signals at a certain place return, make calls, or jump.
 * Signals at any time come in a child, of which the transcript has only the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm.h>

#include "lib/child.h"
#include "same.h"

static struct prog *handled;
static sigjmp_buf jump;
static volatile sig_atomic_t armed, ticks;
static int storm_way;

/* Whatever it may call by POSIX, on what the program has. */
static void handler(int sig)
{
	struct prog *p = handled;
	int saved = errno, fd = fd_mine(p), got;

	say(p, ", handler %d", sig);
	if (fd >= 0) {
		got = dup(fd);
		say(p, " dup");
		p->err = errno = KEPT;
		result(p, got);
		if (got >= 0)
			result(p, CALL(p, dup2(fd, got)));
		if (got >= 0)
			result(p, CALL(p, close(got)));
	}
	errno = saved;
	if (armed) {
		armed = 0;
		siglongjmp(jump, 1);
	}
}

void step_signal(struct prog *p)
{
	struct sigaction act = { .sa_handler = handler }, old;
	struct pollfd none = { .fd = -1 };
	struct timespec second = { .tv_sec = 1 };
	int kind = rnd(p, 4), sig = one_in(p, 2) ? SIGUSR1 : SIGUSR2;
	sigset_t set, before;

	handled = p;
	sigemptyset(&set);
	sigaddset(&set, sig);
	if (one_in(p, 2))
		act.sa_flags = SA_RESTART;
	say(p, "signal %d, kind %d", sig, kind);
	result(p, CALL(p, sigaction(sig, &act, &old)));
	if (sigsetjmp(jump, 1)) {
		say(p, ", jumped");
		return;
	}
	armed = one_in(p, 2);
	switch (kind) {
	case 0:
		result(p, CALL(p, raise(sig)));
		break;
	/* Never by kill(): under a filter getpid() may fail, and -1 is everybody. */
	case 1:
		result(p, CALL(p, pthread_kill(pthread_self(), sig)));
		break;
	default:
		result(p, CALL(p, sigprocmask(SIG_BLOCK, &set, &before)));
		raise(sig);
		say(p, ", pending");
		sigdelset(&before, sig);
		if (kind == 2)
			result(p, CALL(p, sigprocmask(SIG_SETMASK, &before, NULL)));
		else
			result(p, CALL(p, ppoll(&none, 1, &second, &before)));
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	armed = 0;
}

static void tick(int sig)
{
	(void)sig;
	ticks++;
	switch (storm_way) {
	case 0:
		exit(21);
	case 1:
		_exit(22);
	case 2:
		quick_exit(23);
	case 3:
		if (ticks < 30 && armed)
			siglongjmp(jump, 1);
		break;
	case 4:
		abort();
	default:
		break;
	}
}

/* What a program does all day: in no order that is told. */
static void work(int card, int dmabuf, int i)
{
	struct drm_prime_handle prime = { .fd = dmabuf };
	struct drm_gem_close c;
	uint64_t offset;
	char *at;
	int fd;

	if (ioctl(card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime))
		return;
	if (!ask_offset(card, prime.handle, &offset)) {
		at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, card, offset);
		if (at != MAP_FAILED) {
			at[0] = i;
			if (i % 3 == 0)
				mprotect(at, PAGE, PROT_READ);
			munmap(at, PAGE);
		}
	}
	fd = dup2(card, 768 + i % 4);
	if (i % 2)
		close(fd);
	c.handle = prime.handle;
	if (i % 4)
		ioctl(card, DRM_IOCTL_GEM_CLOSE, &c);
}

/*
 * On an open file and a dma-buf of its own, of another device than the program's: what is left of
 * them when the child ends is left to chance, and so would be the offsets that are free.
 */
static void storm(long us)
{
	struct sigaction act = { .sa_handler = tick, .sa_flags = SA_RESTART };
	struct itimerval timer = { { 0, us }, { 0, us } };
	int card, dmabuf = new_dmabuf(PAGE, 0, true);
	volatile int i = 0;
	char path[32];

	use_other_device();
	snprintf(path, sizeof(path), "/dev/dri/card%d", device);
	card = open(path, O_RDWR);
	if (card < 0 || dmabuf < 0)
		_exit(20);
	sigaction(SIGALRM, &act, NULL);
	ticks = 0;
	sigsetjmp(jump, 1);
	armed = 1;
	if (!i)
		setitimer(ITIMER_REAL, &timer, NULL);
	while (ticks < 40 && i < 100000)
		work(card, dmabuf, i++);
	memset(&timer, 0, sizeof(timer));
	setitimer(ITIMER_REAL, &timer, NULL);
	if (storm_way == 6)
		_exit(24);
	exit(25);
}

void step_storm(struct prog *p)
{
	int how = rnd(p, 2);
	long us = 150 + rnd(p, 600);
	pid_t pid;

	if (p->few || !works)
		return;
	storm_way = rnd(p, 7);
	say(p, "a storm, way %d, %ld us", storm_way, us);
	said(p);
	pid = child_of(how);
	if (!pid)
		storm(us);
	say(p, "the child");
	say_ended(p, pid);
}
