// SPDX-License-Identifier: MIT
/* Random calls on descriptors; see same.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "same.h"

/* Not in every C library. */
extern int close_range(unsigned int first, unsigned int last, int flags) __attribute__((weak));
extern void closefrom(int first) __attribute__((weak));

/* High numbers of the thread's own: those among which the shim's are. */
int fd_high(struct prog *p)
{
	if (threads > 1)
		return 764 + p->index + threads * rnd(p, 8);
	return one_in(p, 2) ? 764 + (int)rnd(p, 12) : HIGH + (int)rnd(p, NUMBERS - HIGH);
}

static int number(struct prog *p)
{
	return one_in(p, 2) ? p->low + (int)rnd(p, p->lows) : fd_high(p);
}

static int pick(struct prog *p, bool (*fits)(struct prog *p, int fd))
{
	int found = -1, seen = 0;

	for (int fd = 0; fd < NUMBERS; fd++)
		if (p->fds[fd].mine && fits(p, fd) && one_in(p, ++seen))
			found = fd;
	return found;
}

static bool any(struct prog *p, int fd)
{
	(void)p;
	return fd > 2;
}

static bool card(struct prog *p, int fd)
{
	return p->fds[fd].file;
}

static bool dmabuf(struct prog *p, int fd)
{
	return ident_of(p, fd);
}

int fd_mine(struct prog *p)
{
	return pick(p, any);
}

int fd_card(struct prog *p)
{
	return pick(p, card);
}

int fd_dmabuf(struct prog *p)
{
	return pick(p, dmabuf);
}

int fd_of(struct prog *p, int file)
{
	int found = -1, seen = 0;

	for (int fd = 0; fd < NUMBERS && file; fd++)
		if (p->fds[fd].mine && p->fds[fd].file == file && one_in(p, ++seen))
			found = fd;
	return found;
}

int fd_pick(struct prog *p)
{
	static const int wild[] = { -1, 1024, 5000, 100000, INT_MAX, INT_MIN };

	switch (rnd(p, 10)) {
	case 0:
		return wild[rnd(p, 6)];
	case 1:
	case 2:
		/*
		 * Where a filter lets the shim have no records,
		 * its descriptors are there (documented).
		 */
		if (avoided("unopened") || p->filtered)
			return p->low + (int)rnd(p, p->lows);
		return number(p);
	default:
		return fd_mine(p);
	}
}

/* @fd, if it is one of the thread's own numbers; else they are used up. */
static int own(struct prog *p, int fd)
{
	if (threads == 1 || fd < p->low + p->lows)
		return fd;
	close(fd);
	p->err = EMFILE;
	return -1;
}

/* With other threads the lowest number is anybody's: then to one of the thread's own. */
int fd_got(struct prog *p, int fd)
{
	int to, flags;

	if (fd < 0)
		return fd;
	if (threads > 1) {
		flags = fcntl(fd, F_GETFD);
		to = fcntl(fd, flags ? F_DUPFD_CLOEXEC : F_DUPFD, p->low);
		close(fd);
		fd = own(p, to);
	}
	if (fd >= 0 && fd < NUMBERS) {
		p->fds[fd].mine = true;
		p->fds[fd].file = file_of(p, fd);
	}
	return fd;
}

void fds_refresh(struct prog *p)
{
	int low = threads > 1 ? p->low : 3, high = threads > 1 ? p->low + p->lows : LOOKED;

	for (int fd = low; fd < NUMBERS; fd++) {
		bool there;

		if (fd >= high && !p->fds[fd].mine)
			continue;
		there = !fd_filled(p, fd) && syscall(SYS_fcntl, fd, F_GETFD, 0) >= 0;
		p->fds[fd].mine = there;
		p->fds[fd].file = there ? file_of(p, fd) : 0;
	}
}

void step_dup(struct prog *p)
{
	int fd = fd_pick(p), ret = CALL(p, dup(fd));

	say(p, "dup(%d)", fd);
	result(p, fd_got(p, ret));
}

void step_dup2(struct prog *p)
{
	int fd = fd_pick(p), to = one_in(p, 20) ? fd_pick(p) : number(p), ret;
	int flags = one_in(p, 8) ? 1 : one_in(p, 2) ? O_CLOEXEC : 0;
	bool three = one_in(p, 3);

	if (avoided("bad-flags") && flags == 1)
		flags = 0;
	/* The standard three are the transcript's. */
	if (to >= 0 && to < 3)
		return;
	ret = three ? CALL(p, dup3(fd, to, flags)) : CALL(p, dup2(fd, to));
	if (three)
		say(p, "dup3(%d, %d, %d)", fd, to, flags);
	else
		say(p, "dup2(%d, %d)", fd, to);
	result(p, ret);
	if (ret >= 0 && ret < NUMBERS)
		p->fds[ret].mine = true;
}

void step_dupfd(struct prog *p)
{
	int fd = fd_pick(p), cmd = one_in(p, 2) ? F_DUPFD : F_DUPFD_CLOEXEC, ret;
	int from = one_in(p, 8) ? (one_in(p, 2) ? -1 : 100000) : p->low + (int)rnd(p, p->lows / 2);

	/*
	 * From HIGH on the shim's own numbers are in the
	 * way, so that it may be another (documented).
	 */
	if (one_in(p, 4) && threads == 1) {
		from = number(p);
		ret = CALL(p, fcntl(fd, cmd, from));
		say(p, "fcntl(%d, DUPFD, %d)", fd, from);
		if (ret < 0) {
			result(p, ret);
			return;
		}
		say(p, " = %s", ret < from ? "less" : label(p, ret));
		result(p, CALL(p, close(ret)));
		return;
	}
	ret = CALL(p, fcntl(fd, cmd, from));
	if (ret >= 0)
		ret = own(p, ret);
	say(p, "fcntl(%d, %s, %d)", fd, cmd == F_DUPFD ? "DUPFD" : "DUPFD_CLOEXEC", from);
	result(p, ret);
	if (ret >= 0 && ret < NUMBERS)
		p->fds[ret].mine = true;
}

/* By the time that somebody looks, the shim may have one there. */
void fds_gone(struct prog *p, unsigned int first, unsigned int last)
{
	for (unsigned int fd = first; fd <= last && fd < NUMBERS; fd++)
		p->fds[fd].mine = false;
}

void step_close(struct prog *p)
{
	int fd = fd_pick(p);

	if (fd >= 0 && fd < 3)
		return;
	say(p, "close(%d)", fd);
	result(p, CALL(p, close(fd)));
	if (fd >= 0)
		fds_gone(p, fd, fd);
}

void step_close_range(struct prog *p)
{
	unsigned int first = number(p), last = first + rnd(p, 20);
	unsigned int flags = one_in(p, 10) ? 1U << rnd(p, 5) : one_in(p, 4) ? 4 : 0, end;
	bool all = threads == 1 && one_in(p, 3);
	int ret;

	end = first >= HIGH ? (threads > 1 ? first + 1 : NUMBERS) :
			       (unsigned int)(p->low + p->lows);
	if (last >= end)
		last = end - 1;
	if (all)
		last = ~0U;
	if (one_in(p, 10))
		last = first - 1;
	/* CLOSE_RANGE_UNSHARE: the table of descriptors is all threads'. */
	if (threads > 1)
		flags &= 4;
	if (all && one_in(p, 3) && closefrom) {
		say(p, "closefrom(%u)", first);
		closefrom(first);
		fds_gone(p, first, last);
		return;
	}
	if (!close_range)
		return;
	say(p, "close_range(%u, %u, %u)", first, last, flags);
	ret = CALL(p, close_range(first, last, flags));
	result(p, ret);
	if (!ret && !(flags & 4))
		fds_gone(p, first, last);
}

void step_flags(struct prog *p)
{
	int fd = fd_mine(p), cmd = one_in(p, 2) ? F_SETFD : one_in(p, 2) ? F_GETFD : F_GETFL;
	int arg = rnd(p, 2);

	say(p, "fcntl(%d, %d, %d)", fd, cmd, arg);
	result(p, CALL(p, fcntl(fd, cmd, arg)));
}

/* Other files, whose descriptors are dup2()ed about. */
void step_plain(struct prog *p)
{
	static const char *const paths[] = {
		"/dev/null", "/proc/self/exe", "/proc/version", "/none/such", "/dev/dri/card99"
	};
	const char *path = paths[rnd(p, 5)];
	int ret = CALL(p, open(path, O_RDONLY | (one_in(p, 2) ? O_CLOEXEC : 0)));

	say(p, "open(%s)", path);
	result(p, fd_got(p, ret));
}

/* What is written comes out, unless a descriptor is another's. */
void step_pipe(struct prog *p)
{
	int fds[2], ret = CALL(p, one_in(p, 2) ? pipe(fds) : pipe2(fds, O_CLOEXEC | O_NONBLOCK));
	char byte = rnd(p, 256);

	say(p, "pipe()");
	result(p, ret);
	if (ret)
		return;
	fds[0] = fd_got(p, fds[0]);
	fds[1] = fd_got(p, fds[1]);
	say(p, ", %d, %d, write", fds[0], fds[1]);
	result(p, CALL(p, write(fds[1], &byte, 1)));
	byte = 0;
	say(p, ", read");
	result(p, CALL(p, read(fds[0], &byte, 1)));
	say(p, " (%02x)", byte & 0xff);
	if (one_in(p, 2)) {
		close(fds[0]);
		say(p, ", close");
		result(p, CALL(p, close(fds[1])));
	}
}

/* A duplicate comes by a socket. */
void step_send(struct prog *p)
{
	int fd = fd_mine(p), ends[2], got = -1, ret;
	struct iovec iov = { &(char){ 'x' }, 1 };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = {
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	} };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };

	if (fd < 0)
		return;
	say(p, "send %d", fd);
	ret = CALL(p, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends));
	if (ret) {
		result(p, ret);
		return;
	}
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	result(p, CALL(p, sendmsg(ends[0], &m, 0)));
	memset(&control, 0, sizeof(control));
	m.msg_controllen = sizeof(control);
	result(p, CALL(p, recvmsg(ends[1], &m, one_in(p, 2) ? MSG_CMSG_CLOEXEC : 0)));
	if (m.msg_controllen >= CMSG_LEN(sizeof(int)))
		memcpy(&got, CMSG_DATA(&control.head), sizeof(got));
	close(ends[0]);
	close(ends[1]);
	say(p, ", got %d", fd_got(p, got));
}

enum { FEW = 140 };

/*
 * For some steps the table of descriptors is full, but for a few. What the shim has is there, too,
 * so a low limit alone would do no harm to it, but to the program's numbers (documented).
 */
void step_few(struct prog *p)
{
	struct rlimit limit;
	int room = rnd(p, 5);

	if (p->few)
		return;
	for (int fd = FEW - 1; fd > 2; fd--) {
		if (syscall(SYS_fcntl, fd, F_GETFD, 0) >= 0)
			continue;
		if (fd < 3 + room * 8 && fd % 8 == 4)
			continue;
		p->filled[fd] = syscall(SYS_dup3, 0, fd, O_CLOEXEC) == fd;
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = FEW;
	say(p, "setrlimit(%d)", FEW);
	result(p, CALL(p, setrlimit(RLIMIT_NOFILE, &limit)));
	p->few = 2 + rnd(p, 8);
}

/* Still of step_few(), and nothing that the program has put there? */
bool fd_filled(struct prog *p, int fd)
{
	struct stat now, then;

	if (fd >= LOOKED || !p->filled[fd])
		return false;
	p->filled[fd] = !fstat(fd, &now) && !fstat(0, &then) && now.st_dev == then.st_dev &&
			now.st_ino == then.st_ino;
	return p->filled[fd];
}

void few_over(struct prog *p)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = NUMBERS;
	setrlimit(RLIMIT_NOFILE, &limit);
	for (int fd = 3; fd < FEW; fd++)
		if (fd_filled(p, fd))
			syscall(SYS_close, fd);
	memset(p->filled, 0, sizeof(p->filled));
	say(p, "; the limit as before");
}
