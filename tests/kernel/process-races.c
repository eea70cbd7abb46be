// SPDX-License-Identifier: MIT
/*
 * On the real kernel, another thread maps and unmaps an import all the time, while the program puts
 * its own descriptors onto the numbers of private ones, makes children that no atfork handler sees,
 * and ends by exit() in a signal handler. tests/process/safety.c does the same over the fake
 * kernel, with delays at the critical places.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/child.h"
#include "process.h"

#define ROUNDS	500

static struct subject other;	/* the mapping thread's */
static atomic_bool done;
static atomic_long turns, wrong;

#define told(ok, ...)							\
	do {								\
		char promise[128];					\
									\
		snprintf(promise, sizeof(promise), __VA_ARGS__);	\
		check(ok, promise);					\
	} while (0)

static void *mapper(void *arg)
{
	(void)arg;
	while (!done) {
		uint8_t *p = map_at(other.fd, other.off, SIZE, RW);

		wrong += !right(&other, p, 0, PAGES);
		munmap(p, SIZE);
		turns++;
	}
	return NULL;
}

static pthread_t begin_mapping(void)
{
	pthread_t t;

	other = subject_new();
	done = false;
	turns = wrong = 0;
	if (pthread_create(&t, NULL, mapper, NULL))
		errx(2, "no thread can be made");
	while (turns < 2)
		usleep(100);
	return t;
}

static void end_mapping(pthread_t t, const char *promise)
{
	done = true;
	pthread_join(t, NULL);
	check(!wrong, promise);
	subject_free(&other);
}

static bool is_null(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

static void over_numbers(void)
{
	struct subject s = subject_new();
	uint8_t *p = map(s.fd, s.handle, SIZE, RW);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), number = -1;
	pthread_t t = begin_mapping();
	long lost = 0;

	if (privates(&s, &number) != 1)
		errx(2, "no private descriptor: is the shim there?");
	/* The mapping thread's come and go right beside it. */
	for (int i = 0; i < ROUNDS; i++) {
		int fd = number + i % 4;

		lost += dup2(null, fd) != fd || !is_null(fd);
		lost += close(fd) != 0;
	}
	check(!lost, "500 times dup2() onto numbers of private descriptors: each is the program's");
	end_mapping(t, "and the other thread's mappings are right");
	check(right(&s, p, 0, PAGES) && !munmap(p, SIZE) && !privates_left(&s),
	      "as is this one's");
	close(null);
	subject_free(&s);
}

/* Waits for half a minute. */
static int outcome(pid_t pid)
{
	int status = -1;

	for (int i = 0; i < 30000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		usleep(1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
}

static void of_children(const char *name, pid_t (*make)(void))
{
	struct subject s = subject_new();
	uint8_t *p = map(s.fd, s.handle, SIZE, RW);
	pthread_t t = begin_mapping();
	long bad = 0, hung = 0;

	for (int i = 0; i < ROUNDS && !hung; i++) {
		pid_t pid = make();
		int status;

		if (!pid)
			_exit(munmap(p, SIZE) || close(s.fd));
		status = outcome(pid);
		hung += status < 0;
		bad += status > 0;
	}
	told(!hung && !bad, "500 children by %s, amid another thread's maps: %ld hang, %ld fail",
	     name, hung, bad);
	end_mapping(t, "and that thread's mappings are right");
	check(right(&s, p, 0, PAGES) && !munmap(p, SIZE), "as is the parent's");
	subject_free(&s);
}

static void leave(int sig)
{
	(void)sig;
	exit(21);
}

static void of_exits(void)
{
	long bad = 0, hung = 0;

	for (int i = 0; i < ROUNDS && !hung; i++) {
		pid_t pid = fork();
		int status;

		if (!pid) {
			const struct timespec soon = { .tv_nsec = i % 50 * 20000 };
			pthread_t t;

			signal(SIGUSR1, leave);
			t = begin_mapping();
			nanosleep(&soon, NULL);
			pthread_kill(t, SIGUSR1);
			pthread_join(t, NULL);
			_exit(1);
		}
		status = outcome(pid);
		hung += status < 0;
		bad += status >= 0 && status != 21;
	}
	told(!hung && !bad, "500 times exit() in a handler amid maps: %ld hang, %ld fail", hung,
	     bad);
}

void races(void)
{
	pid_t (*plain_fork)(void);

	*(void **)&plain_fork = dlsym(RTLD_DEFAULT, "_Fork");
	over_numbers();
	of_children("a raw clone()", child_by_clone);
	if (plain_fork)
		of_children("_Fork()", plain_fork);
	of_exits();
}
