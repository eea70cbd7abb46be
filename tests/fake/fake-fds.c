// SPDX-License-Identifier: MIT
/* The fake kernel's system calls on descriptors of any kind; see fake.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fake-internal.h"

static struct kernel *k(void)
{
	return atomic_load(&kernel);
}

/* After descriptors were closed: those of @file, or of any if it is 0. */
static void reap(uint32_t file)
{
	int saved = errno;
	struct locked l;

	if (!k())
		return;
	l = kernel_lock();
	if (file)
		file_reap(file);
	else
		files_reap();
	kernel_unlock(l);
	errno = saved;
}

int fake_close(int fd)
{
	struct what w;
	int ret;

	if (struck(FAKE_CLOSE) || hidden(fd))
		return -1;
	w = what(fd);
	ret = raw_close(fd);
	if (w.file)
		reap(w.file);
	return ret;
}

static int close_range_around(unsigned int first, unsigned int last, int flags)
{
	unsigned int fd = keeper_descriptor();
	int ret = 0;

	if (!k() || fd < first || fd > last || first > last)
		return syscall(SYS_close_range, first, last, flags);
	if (fd > first)
		ret = syscall(SYS_close_range, first, fd - 1, flags);
	if (!ret && fd < last)
		ret = syscall(SYS_close_range, fd + 1, last, flags);
	return ret;
}

int fake_close_range(unsigned int first, unsigned int last, int flags)
{
	int ret;

	if (struck(FAKE_CLOSE_RANGE))
		return -1;
	ret = close_range_around(first, last, flags);
	reap(0);
	return ret;
}

void fake_closefrom(int first)
{
	close_range_around(first < 0 ? 0 : first, ~0U, 0);
	reap(0);
}

int fake_dup(int fd)
{
	return struck(FAKE_DUP) || hidden(fd) ? -1 : (int)syscall(SYS_dup, fd);
}

static int dup_to(int fd, int to, int flags)
{
	uint32_t replaced;
	int ret;

	if (hidden(fd))
		return -1;
	if (to >= 0 && to == keeper_descriptor())
		keeper_move();
	replaced = what(to).file;
	ret = syscall(SYS_dup3, fd, to, flags);
	if (replaced)
		reap(replaced);
	return ret;
}

int fake_dup2(int fd, int to)
{
	if (struck(FAKE_DUP))
		return -1;
	if (fd == to)
		return hidden(fd) || raw_fcntl(fd, F_GETFD, 0) < 0 ? -1 : fd;
	return dup_to(fd, to, 0);
}

int fake_dup3(int fd, int to, int flags)
{
	return struck(FAKE_DUP) ? -1 : dup_to(fd, to, flags);
}

/* A socket can be read and written, a device as it was opened. */
static int device_flags(int fd, int flags)
{
	struct what w = flags < 0 ? (struct what){ 0 } : what(fd);
	struct locked l;

	if (!w.file)
		return flags;
	l = kernel_lock();
	flags = (flags & ~O_ACCMODE) | k()->files[w.file].access;
	kernel_unlock(l);
	return flags;
}

int fake_fcntl(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (struck(FAKE_FCNTL) || hidden(fd))
		return -1;
	return cmd == F_GETFL ? device_flags(fd, raw_fcntl(fd, cmd, 0)) :
				raw_fcntl(fd, cmd, (long)arg);
}

int fake_pipe2(int fds[2], int flags)
{
	return struck(FAKE_PIPE2) ? -1 : (int)syscall(SYS_pipe2, fds, flags);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000L + t.tv_nsec / 1000000;
}

/* Neither a device nor a dma-buf with a fence pending has anything ready. */
static bool pending(int fd)
{
	struct what w = what(fd);
	struct locked l;
	bool busy;

	if (!w.dmabuf)
		return w.file;
	l = kernel_lock();
	busy = k()->dmabufs[w.dmabuf].busy;
	if (delay_of(w.dmabuf) == FAKE_FENCE) {
		atomic_fetch_add(&k()->delayed, 1);
		busy = true;
	}
	kernel_unlock(l);
	return busy;
}

int fake_poll(struct pollfd *fds, unsigned long n, int timeout_ms)
{
	long until = timeout_ms < 0 ? 0 : now_ms() + timeout_ms, left = timeout_ms;
	struct pollfd real[64];
	int ret;

	if (struck(FAKE_POLL))
		return -1;
	if (!k() || n > sizeof(real) / sizeof(*real))
		return raw_poll(fds, n, timeout_ms);
	atomic_fetch_add(&k()->polls, 1);
	do {
		bool waits = false;

		for (unsigned long i = 0; i < n; i++) {
			real[i] = fds[i];
			if (fds[i].fd >= 0 && pending(fds[i].fd)) {
				real[i].fd = -1;
				waits = true;
			}
		}
		ret = raw_poll(real, n, !waits || (left >= 0 && left < 2) ? left : 2);
		if (ret || !waits)
			break;
		if (timeout_ms >= 0)
			left = until > now_ms() ? until - now_ms() : 0;
	} while (left);
	if (!ret && timeout_ms > 0)
		atomic_fetch_add(&k()->waited_ms, timeout_ms);
	for (unsigned long i = 0; ret >= 0 && i < n; i++) {
		uint32_t dmabuf = fds[i].fd >= 0 ? what(fds[i].fd).dmabuf : 0;

		fds[i].revents = real[i].revents;
		if (dmabuf)
			delay(delay_of(dmabuf));
	}
	return ret;
}

int fake_same_file(pid_t self, int fd, int other)
{
	if (struck(FAKE_SAME_FILE))
		return -1;
	return syscall(SYS_kcmp, self, self, KCMP_FILE, fd, other);
}
