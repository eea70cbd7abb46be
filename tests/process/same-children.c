// SPDX-License-Identifier: MIT
/* Random children, by every way to have one; see same.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/child.h"
#include "same.h"

/* Not in every C library. */
extern int close_range(unsigned int first, unsigned int last, int flags) __attribute__((weak));

/*
 * Waits for a child. One that has done nothing for long, or too much, is killed, and called hung:
 * by its own time, as others may have the machine.
 */
bool ended(pid_t pid, int *status)
{
	const struct timespec pause = { .tv_nsec = 200000 };
	uint64_t last, now, idle = 0;
	bool hung = false;
	pid_t got;

	/* There is no child; and what is done to -1 is done to everybody. */
	if (pid <= 0)
		return false;
	/* However soon it ends, or a filter that kills for this would do so now and then. */
	last = child_worked(pid);
	while ((got = waitpid(pid, status, hung ? 0 : WNOHANG)) != pid) {
		if (got < 0 && errno != EINTR)
			return false;
		nanosleep(&pause, NULL);
		now = child_worked(pid);
		idle = now == last ? idle + 1 : 0;
		last = now;
		/* Each pause is longer than it says. */
		if (!hung && (idle > 40000 || now > 30ULL * 1000000000)) {
			hung = true;
			kill(pid, SIGKILL);
		}
	}
	return !hung;
}

void say_ended(struct prog *p, pid_t pid)
{
	int status;

	if (pid < 0)
		say(p, " = %s", errno_name(errno));
	else if (!ended(pid, &status))
		say(p, ": hung");
	else if (WIFSIGNALED(status))
		say(p, ": signal %d", WTERMSIG(status));
	else
		say(p, ": status %d", WEXITSTATUS(status));
}

void step_fork(struct prog *p)
{
	static const char *const ways[] = { "fork()", "_Fork()", "clone()" };
	int how = rnd(p, 3), way = rnd(p, ENDINGS), n = rnd(p, 10);
	size_t len;
	pid_t pid;

	if (threads > 1 && avoided("async-fork"))
		how = 0;
	say(p, "%s", ways[how]);
	said(p);
	pid = child_of(how);
	if (!pid) {
		/*
		 * After a raw clone() libc's own state is of
		 * no use to exit() in a threaded program.
		 */
		if (threads > 1 || how)
			way = way == 0 || way == 2 ? 1 : way;
		len = strlen(p->prefix);
		snprintf(p->prefix + len, sizeof(p->prefix) - len, ".%d", p->step);
		p->depth++;
		p->few = p->few ? 1000000 : 0;
		run_steps(p, p->step * 100, p->step * 100 + n);
		check_maps(p);
		p->random = p->step;
		finish(p, way);
	}
	say(p, "the child");
	say_ended(p, pid);
}

/* It has the memory of its parent: the model stays, the transcript is the stack's. */
__attribute__((noinline)) static pid_t in_vfork(struct prog *p, uint64_t random)
{
	struct {
		uint64_t random;
	} state = { random };
	volatile int put = -1;
	int fds[8];
	pid_t pid;

	/* Chosen before, with what the model says. */
	for (int i = 0; i < 8; i++)
		fds[i] = i % 2 ? fd_mine(p) : p->low + (int)rnd(p, p->lows);
	if (one_in(p, 2) && threads == 1)
		fds[3] = fds[7] = 768 + rnd(p, 3);
	pid = vfork();
	if (pid)
		return pid;
	for (int i = 0; i < 6; i++) {
		char text[96];
		int ret = -1, kind = state.random >> (8 * i) & 7, fd = fds[i], to = fds[i + 1], n;

		if (fd < 3 || to < 3)
			continue;
		/* There the child may have one of the shim's, in its own table (documented). */
		if (fd >= HIGH && fd != put && !p->fds[fd].mine)
			continue;
		errno = KEPT;
		if (kind < 2)
			ret = close(fd);
		else if (kind < 4)
			ret = dup2(fd, to);
		else if (kind == 4)
			ret = dup3(fd, to, O_CLOEXEC);
		else if (kind == 5)
			ret = fcntl(fd, F_DUPFD, p->low);
		else if (kind == 6 && close_range)
			ret = close_range(fd, fd + 5, 0);
		else
			ret = dup(fd);
		if (ret >= 0 && kind >= 2 && kind <= 4 && to >= HIGH)
			put = to;
		else if (ret >= 0 && (kind < 2 || kind == 6) && fd == put)
			put = -1;
		/* What it gets is its own table's affair, and in threads anybody's. */
		n = snprintf(text, sizeof(text), "%s vfork kind %d (%d, %d) = %s\n", p->prefix,
			     kind, fd, to, ret < 0 ? errno_name(errno) : "well");
		if (write(1, text, n) != n)
			_exit(99);
	}
	/* With few descriptors a new program has no libraries. */
	if (state.random >> 60 & 1 && threads == 1 && !p->few && !p->filtered)
		execl(self, "same", "--from", "0", "--steps", "0", "--seed", "1", NULL);
	_exit(state.random >> 50 & 63);
}

void step_vfork(struct prog *p)
{
	uint64_t random = (uint64_t)rnd(p, ~0U) << 32 | rnd(p, ~0U);

	say(p, "vfork()");
	said(p);
	say(p, "the child");
	say_ended(p, in_vfork(p, random));
}

void exec_self(struct prog *p)
{
	char text[3][24];

	snprintf(text[0], sizeof(text[0]), "%d", p->step);
	snprintf(text[1], sizeof(text[1]), "%u", rnd(p, 6));
	snprintf(text[2], sizeof(text[2]), "%llu", (unsigned long long)seed);
	say(p, "exec");
	said(p);
	execl(self, "same", "--seed", text[2], "--from", text[0], "--steps", text[1],
	      writable ? "--writable" : NULL, NULL);
}

void step_spawn(struct prog *p)
{
	char *args[] = { "same", "--from", "0", "--steps", "0", "--seed", "1", NULL };
	posix_spawn_file_actions_t actions;
	extern char **environ;
	pid_t pid;
	int ret;

	/* With other threads the child's numbers are anybody's. */
	if (threads > 1 || p->few || p->filtered)
		return;
	posix_spawn_file_actions_init(&actions);
	say(p, "posix_spawn()");
	for (int i = rnd(p, 4); i > 0; i--) {
		int fd = fd_mine(p), to = p->low + rnd(p, p->lows);

		if (fd < 3)
			continue;
		if (one_in(p, 3)) {
			say(p, ", close %d", fd);
			posix_spawn_file_actions_addclose(&actions, fd);
		} else {
			to = one_in(p, 4) ? 768 : to;
			say(p, ", dup2 %d to %d", fd, to);
			posix_spawn_file_actions_adddup2(&actions, fd, to);
		}
	}
	said(p);
	ret = posix_spawn(&pid, self, &actions, NULL, args, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (ret) {
		say(p, "error %s", errno_name(ret));
		return;
	}
	say(p, "the child");
	say_ended(p, pid);
}
