// SPDX-License-Identifier: MIT
/*
 * The fuzzer's steps with children of all kinds, which do what they like to their descriptors. The
 * parent's descriptors stay, and the shim's among them.
 */
#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "state/descriptor.h"
#include "state/private.h"

#include "fuzz.h"
#include "lib/child.h"

int child_status(struct thread *t, pid_t pid)
{
	const struct timespec pause = { .tv_nsec = 500000 };
	uint64_t last = 0, now;
	int status, idle = 0;
	pid_t got;

	EXPECT(t, pid > 0, "fork: %d", errno);
	while ((got = waitpid(pid, &status, WNOHANG)) != pid) {
		EXPECT(t, got >= 0 || errno == EINTR, "waitpid: %d", errno);
		nanosleep(&pause, NULL);
		now = child_worked(pid);
		idle = now == last ? idle + 1 : 0;
		last = now;
		EXPECT(t, idle < 20000, "child %d hangs", (int)pid);
	}
	return status;
}

struct orders {
	int n, numbers[8], plain, private;
	dev_t dev;
	ino_t ino;
};

static bool is_plain(const struct orders *o, int fd)
{
	struct stat st;

	return !fake_fstat(fd, &st) && st.st_dev == o->dev && st.st_ino == o->ino;
}

/* What is wrong, a bit each. The memory may be its parent's: nothing but the stack is written. */
__attribute__((noinline)) static int obey(const struct orders *o, bool vforked)
{
	int wrong = 0;

	for (int i = 0; i < o->n; i++) {
		int fd = o->numbers[i];

		if (i % 3 == 0)
			wrong |= shim_close(fd) ? 1 : 0;
		else if (i % 3 == 1)
			wrong |= shim_dup2(o->plain, fd) != fd || !is_plain(o, fd) ? 2 : 0;
		else
			wrong |= shim_dup3(o->plain, fd, O_CLOEXEC) != fd || shim_close(fd) ? 4 : 0;
	}
	if (o->private >= 0) {
		/*
		 * A copy of the shim's is nothing to a child that shares its parent's records, or
		 * that came while another thread was about to record it.
		 */
		if (!vforked && threads == 1)
			wrong |= shim_close(o->private) != -1 || errno != EBADF ? 8 : 0;
		wrong |= shim_dup2(o->plain, o->private) != o->private ||
			 !is_plain(o, o->private) ? 16 : 0;
		wrong |= shim_close(o->private) ? 32 : 0;
	}
	wrong |= shim_close_range(FIRST_OWN, 700, 0) ||
		shim_close_range(FIRST_OWN, ~0U, 0) ? 64 : 0;
	return wrong;
}

__attribute__((noinline)) static pid_t in_vfork(const struct orders *o)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(obey(o, true));
	return pid;
}

static pid_t spawn(struct thread *t, const struct orders *o)
{
	char *args[] = { "fuzz", "--child", NULL }, *none[] = { NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid = -1;

	posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < o->n; i++)
		posix_spawn_file_actions_adddup2(&actions, o->plain, o->numbers[i]);
	if (o->private >= 0)
		posix_spawn_file_actions_adddup2(&actions, o->plain, o->private);
	errno = posix_spawn(&pid, "/proc/self/exe", &actions, NULL, args, none);
	EXPECT(t, !errno, "posix_spawn: %d", errno);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

void step_children(struct thread *t)
{
	struct orders o = { .plain = t->socks[0], .private = -1 };
	int how = one_in(t, 16) ? 4 : rnd(t, 4), status;
	struct stat st;
	pid_t pid;

#ifdef __SANITIZE_THREAD__
	/* Its own locks may be taken in a child that it does not see. */
	how = how == 1 || how == 2 ? 0 : how;
#endif
	EXPECT(t, !fake_fstat(o.plain, &st), "fstat: %d", errno);
	o.dev = st.st_dev;
	o.ino = st.st_ino;
	for (int i = 0; i < FDS && o.n < 8; i++)
		if (t->fds[i].number >= FIRST_OWN)
			o.numbers[o.n++] = t->fds[i].number;
	for (int n = PRIVATE_FIRST; n < PRIVATE_FIRST + 40 && one_in(t, 2); n++)
		if (descriptor_private(n))
			o.private = n;
	log_step(t, "child, way %d, private %d", how, o.private);
	pid = how == 4 ? spawn(t, &o) : how == 3 ? in_vfork(&o) : child_of(how);
	if (!pid) {
		t->child = true;
		_exit(obey(&o, false));
	}
	status = child_status(t, pid);
	EXPECT(t, !status, "a child of way %d: status %x", how, status);
}

/* The program's own at a number that the shim may have: it is the program's until it is closed. */
void step_private(struct thread *t)
{
	int to = PRIVATE_FIRST - 4 + t->index + threads * rnd(t, 6), ret;
	struct orders o = { .plain = t->socks[0] };
	struct stat st;

	/* With few of them none is to be let go. */
	if (few >= 0)
		return;
	EXPECT(t, !fake_fstat(o.plain, &st), "fstat: %d", errno);
	o.dev = st.st_dev;
	o.ino = st.st_ino;
	log_step(t, "dup2 onto %d", to);
	for (int i = 0; i < 8; i++) {
		ret = i % 2 ? shim_dup2(o.plain, to) : shim_dup3(o.plain, to, O_CLOEXEC);
		EXPECT(t, ret == to && is_plain(&o, to), "dup2 onto %d: %d", to, ret);
		EXPECT(t, !shim_close(to), "close %d: %d", to, errno);
	}
}
