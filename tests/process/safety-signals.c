// SPDX-License-Identifier: MIT
/*
 * Signals that come during maps and unmaps, whose handlers do not return: they end the program or
 * the thread, or jump elsewhere. Natively they interrupt only system calls, so all goes on.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "safety.h"

#define STATUS	7

extern char **environ;

static int card, dmabuf;
static atomic_bool done;
static atomic_ulong wrong, others;

static void handle(int sig, void (*act)(int sig))
{
	struct sigaction how = { .sa_handler = act, .sa_flags = SA_RESTART };
	struct sigaction *volatile old = &how;
	const char *by = getenv("SAFETY_SIGNAL");

	if (by) {
		void (*(*set)(int sig, void (*act)(int sig)))(int sig);

		*(void **)&set = dlsym(RTLD_DEFAULT, by);
		need(set && set(sig, act) != SIG_ERR, by);
		return;
	}
	/* Programs do have the old one put where the new one is. */
	need(!sigaction(sig, &how, old), "sigaction");
}

/* A thread that goes on, and gets no signals. */
static void *other(void *arg)
{
	int d = new_dmabuf();

	(void)arg;
	while (!done) {
		wrong += turn(card, d) != 0;
		others++;
		step();
	}
	close(d);
	return NULL;
}

static pthread_t other_start(void)
{
	sigset_t all, old;
	pthread_t t;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	need(!pthread_create(&t, NULL, other, NULL), "a thread");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return t;
}

static void by_exit(int sig)
{
	(void)sig;
	exit(STATUS);
}

static void by__exit(int sig)
{
	(void)sig;
	_exit(STATUS);
}

static void by_quick_exit(int sig)
{
	(void)sig;
	quick_exit(STATUS);
}

static char *const args[] = { "safety", "native", "executed", NULL };
static char *const shim_args[] = { "safety", "shim", "executed", NULL };

static void by_execve(int sig)
{
	(void)sig;
	execve("/proc/self/exe", shimmed ? shim_args : args, environ);
	_exit(40);
}

static void by_fork(int sig)
{
	pid_t pid = fork();

	(void)sig;
	if (!pid)
		exit(STATUS);
	_exit(ends_with(pid, STATUS) ? STATUS : 41);
}

int executed(void)
{
	sigset_t set;
	bool blocked = false;

	if (descriptors(NULL, 0) != 3 || sigprocmask(SIG_BLOCK, NULL, &set) ||
	    !sigismember(&set, SIGALRM))
		return 42;
	for (int sig = 1; sig < 32; sig++)
		blocked |= sig != SIGALRM && sigismember(&set, sig) == 1;
	card = card_open(false);
	return blocked ? 43 : turn(card, new_dmabuf()) ? 44 : STATUS;
}

/* Every second one with another thread that imports. */
static void exits_by(void (*act)(int sig), const char *name, unsigned long n)
{
	unsigned long i;
	bool well = true;

	for (i = 0; i < n && well; i++) {
		pid_t pid = fork();

		if (!pid) {
			card = card_open(false);
			dmabuf = new_dmabuf();
			if (i & 1)
				other_start();
			handle(SIGALRM, act);
			for (int warm = dice(3); warm; warm--)
				turn(card, dmabuf);
			alarm_in(1 + dice(1500));
			for (;;)
				turn(card, dmabuf);
		}
		well = ends_with(pid, STATUS);
		step();
	}
	check(well, "%s in a signal handler amid maps and unmaps: %lu of %lu ended", name,
	      i - !well, n);
}

void exits(void)
{
	unsigned long n = rounds(400);

	/* The fake kernel's start is not to be timed. */
	turn(card_open(false), new_dmabuf());
	fake.jitter(16);
	exits_by(by_exit, "exit()", n);
	exits_by(by__exit, "_exit()", n / 4 + 1);
	exits_by(by_quick_exit, "quick_exit()", n / 4 + 1);
	exits_by(by_execve, "execve()", n / 4 + 1);
	exits_by(by_fork, "fork() and exit()", n / 4 + 1);
}

static sigjmp_buf back;

static void jump(int sig)
{
	siglongjmp(back, sig);
}

static void *another(void *arg)
{
	for (int i = 0; i < 20; i++)
		wrong += turn(card, *(int *)arg) != 0;
	return NULL;
}

/* With or without other threads that import. */
static void jumps_out(bool with_others)
{
	/* volatile: they are changed and used on both sides of a jump. */
	volatile unsigned long n = rounds(1500), jumped = 0;
	volatile int before, fd, state = -1;
	int mine = new_dmabuf();
	pthread_t t[2], once;

	dmabuf = new_dmabuf();
	done = false;
	wrong = 0;
	if (with_others)
		for (int i = 0; i < 2; i++)
			t[i] = other_start();
	turn(card, dmabuf);
	fd = dup(card);
	close(fd);
	before = fd;
	handle(SIGALRM, jump);
	if (sigsetjmp(back, 1))
		jumped++;
	step();
	if (jumped < n) {
		alarm_in(1 + dice(300));
		for (;;)
			turn(card, dmabuf);
	}
	for (int i = 0; i < 50; i++)
		wrong += turn(card, dmabuf) + turn(card, mine);
	need(!pthread_create(&once, NULL, another, &mine), "a thread");
	pthread_join(once, NULL);
	check(!wrong, "siglongjmp() out of maps and unmaps, %lu times%s: %lu imports went wrong "
	      "since", jumped, with_others ? ", with other threads that import" : "", wrong);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, (int *)&state);
	check(state == PTHREAD_CANCEL_ENABLE, "the thread can be cancelled as before");
	if (!with_others) {
		fd = dup(card);
		check(fd == before, "and its next descriptor is %d; it was to be %d", fd, before);
		close(fd);
	} else {
		unsigned long seen = others;

		/* The watch tells if they do not. */
		while (others < seen + 20)
			nap(1000);
		done = true;
		for (int i = 0; i < 2; i++)
			pthread_join(t[i], NULL);
		check(!wrong, "%lu imports of the other threads went wrong", wrong);
	}
}

void jumps(void)
{
	pid_t pid;

	card = card_open(false);
	fake.jitter(16);
	jumps_out(false);
	jumps_out(true);
	fflush(stdout);
	pid = fork();
	if (!pid)
		exit(STATUS);
	check(ends_with(pid, STATUS), "and exit() ends it");
}

static atomic_ulong leavers;		/* turns of the thread that is to leave */

static void leave(int sig)
{
	(void)sig;
	pthread_exit(NULL);
}

static void *leaver(void *arg)
{
	sigset_t set;

	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	turn(card, dmabuf);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	for (;;) {
		turn(card, dmabuf);
		leavers++;
	}
	return NULL;
}

/* pthread_exit() in a handler: the thread ends, whatever it was at. */
void leaves(void)
{
	unsigned long n = rounds(300), i;
	pthread_t t, o;
	sigset_t set;

	card = card_open(false);
	dmabuf = new_dmabuf();
	fake.jitter(16);
	handle(SIGUSR1, leave);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	o = other_start();
	for (i = 0; i < n; i++) {
		unsigned long seen = leavers, want = 1 + dice(3);

		need(!pthread_create(&t, NULL, leaver, NULL), "a thread");
		while (leavers < seen + want)
			nap(50);
		nap(dice(300));
		pthread_kill(t, SIGUSR1);
		pthread_join(t, NULL);
		wrong += turn(card, dmabuf) != 0;
		step();
	}
	done = true;
	pthread_join(o, NULL);
	check(!wrong, "pthread_exit() in a signal handler amid maps and unmaps, %lu times: %lu of "
	      "the other threads' imports went wrong", n, wrong);
}

static void call_exit(int status)
{
	exit(status);
}

static void call_quick_exit(int status)
{
	quick_exit(status);
}

/* An END is made by whatever runs functions at the end. */
void quick(void)
{
	static const struct {
		const char *name;
		void (*end)(int status);
	} ways[] = {
		{ "exit()", call_exit },
		{ "quick_exit()", call_quick_exit },
	};

	card = card_open(false);
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		int d = new_dmabuf();
		struct brackets b;
		pid_t pid = fork();
		uint32_t handle = 0;
		uint8_t *p = NULL;

		if (!pid) {
			need(!import(card, d, &handle) && !map(card, handle, &p), "map");
			p[0] = 1;
			ways[i].end(STATUS);
		}
		b = (struct brackets){ 0 };
		if (ends_with(pid, STATUS))
			b = brackets(ino_of(d));
		check(b.begins == (unsigned long)shimmed && b.ends == b.begins,
		      "%s with an open bracket: %lu begun, %lu ended", ways[i].name, b.begins,
		      b.ends);
		close(d);
	}
}
