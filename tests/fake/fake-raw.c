// SPDX-License-Identifier: MIT
/* How the fake kernel uses the real one: system calls by number, memfds, the program's memory. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef __GLIBC__
#include <linux/stat.h>		/* struct statx */
#endif

#include "fake-internal.h"

#ifdef SYS_fstat64
#define RAW_FSTAT	SYS_fstat64
#define RAW_FCNTL	SYS_fcntl64
#else
#define RAW_FSTAT	SYS_fstat
#define RAW_FCNTL	SYS_fcntl
#endif

_Static_assert(sizeof(off_t) == 8, "large files");

UNWATCHED static void nothing(long a, long b, long c, long d, long e, long f, long g)
{
	(void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g;
}

UNWATCHED long marked_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	static void (*volatile wipe)(long, long, long, long, long, long, long) = nothing;
	long ret = (syscall)(number, a, b, c, d, e, f);

	/* No mark stays in a register or on the stack, for a system call that is not the fake's. */
	wipe(0, 0, 0, 0, 0, 0, 0);
	return ret;
}

int raw_open(const char *path, int flags, unsigned int mode)
{
	return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int raw_close(int fd)
{
	return syscall(SYS_close, fd);
}

int raw_fcntl(int fd, int cmd, long arg)
{
	return syscall(RAW_FCNTL, fd, cmd, arg);
}

int raw_fstat(int fd, struct stat *st)
{
	struct statx x;

	/* Else the kernel's struct stat is the C library's. */
	if (sizeof(time_t) == sizeof(long))
		return syscall(RAW_FSTAT, fd, st);
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x) < 0)
		return -1;
	*st = (struct stat){
		.st_dev = makedev(x.stx_dev_major, x.stx_dev_minor), .st_ino = x.stx_ino,
		.st_rdev = makedev(x.stx_rdev_major, x.stx_rdev_minor),
		.st_mode = x.stx_mode, .st_nlink = x.stx_nlink, .st_uid = x.stx_uid,
		.st_gid = x.stx_gid, .st_size = x.stx_size,
	};
	return 0;
}

#ifdef __SANITIZE_THREAD__
/* It has to be told where memory is new, or it takes the use of an address twice for a race. */
void *__interceptor_mmap64(void *addr, size_t len, int prot, int flags, int fd, int64_t off);
int __interceptor_munmap(void *addr, size_t len);
#endif

void *raw_mmap(void *addr, size_t len, int prot, int flags, int fd, uint64_t off)
{
#if defined(__SANITIZE_THREAD__)
	return __interceptor_mmap64(addr, len, prot, flags, fd, off);
#elif defined(SYS_mmap2)
	if (off & 4095 || off >> 44) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	return (void *)syscall(SYS_mmap2, addr, len, prot, flags, fd, (long)(off >> 12));
#elif defined(__s390__)
	unsigned long args[] = { (unsigned long)addr, len, prot, flags, fd, off };

	return (void *)syscall(SYS_mmap, args);
#else
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, off);
#endif
}

int raw_munmap(void *addr, size_t len)
{
#ifdef __SANITIZE_THREAD__
	return __interceptor_munmap(addr, len);
#else
	return syscall(SYS_munmap, addr, len);
#endif
}

int raw_poll(struct pollfd *fds, unsigned long n, int timeout_ms)
{
	struct { long sec, nsec; } t = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };

	return syscall(SYS_ppoll, fds, n, timeout_ms < 0 ? NULL : &t, NULL, 8L);
}

/* Or less, where a signal comes. */
void raw_sleep(int us)
{
	struct { long sec, nsec; } t = { us / 1000000, us % 1000000 * 1000L };

	syscall(SYS_ppoll, NULL, 0L, &t, NULL, 8L);
}

/* The same through a pipe, which takes 4096 bytes without a wait. */
static int copy_slowly(char *to, const char *from, size_t len)
{
	int fds[2], ret = 0;

	if (syscall(SYS_pipe2, fds, O_CLOEXEC) < 0)
		return -EFAULT;
	for (size_t at = 0, n; at < len && !ret; at += n) {
		n = len - at < 4096 ? len - at : 4096;
		if (syscall(SYS_write, fds[1], from + at, n) != (long)n ||
		    syscall(SYS_read, fds[0], to + at, n) != (long)n)
			ret = -EFAULT;
	}
	raw_close(fds[0]);
	raw_close(fds[1]);
	return ret;
}

/*
 * By a system call, as that says EFAULT where the program would get a signal. A sandbox may forbid
 * it, an emulator not know it.
 */
static int copy(int call, void *ours, void *theirs, size_t len)
{
	struct iovec to = { ours, len }, from = { theirs, len };
	long ret = len ? syscall(call, syscall(SYS_getpid), &to, 1L, &from, 1L, 0L) : 0;

	if (ret == (long)len)
		return 0;
	if (ret >= 0 || (errno != EPERM && errno != ENOSYS))
		return -EFAULT;
	if (call == SYS_process_vm_readv)
		return copy_slowly(ours, theirs, len);
	return copy_slowly(theirs, ours, len);
}

int copy_in(void *to, const void *from, size_t len)
{
	return copy(SYS_process_vm_readv, to, (void *)from, len);
}

int copy_out(void *to, const void *from, size_t len)
{
	return copy(SYS_process_vm_writev, (void *)from, to, len);
}

int memory_new(uint64_t size, uint8_t fill)
{
	int fd = syscall(SYS_memfd_create, "dmabuf", MFD_CLOEXEC), ret = 0;
	void *p;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, size) < 0)
		ret = -errno;
	/* Zeroes are there already, and take no memory. */
	if (!ret && fill) {
		p = raw_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED) {
			ret = -errno;
		} else {
			memset(p, fill, size);
			raw_munmap(p, size);
		}
	}
	if (!ret)
		return fd;
	raw_close(fd);
	return ret;
}

int memory_reopen(int fd, int access)
{
	char path[32] = "/proc/self/fd/", digits[12];
	int n = 0, at = strlen(path);

	do
		digits[n++] = '0' + fd % 10;
	while (fd /= 10);
	while (n)
		path[at++] = digits[--n];
	fd = raw_open(path, access | O_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/* Pages beyond the end of a file. */
int memory_broken(void *addr, size_t len, int prot, int flags, void **out)
{
	int fd = memory_new(0, 0), ret;

	if (fd < 0)
		return fd;
	*out = raw_mmap(addr, len, prot, flags & ~MAP_ANONYMOUS, fd, 0);
	ret = *out == MAP_FAILED ? -errno : 0;
	raw_close(fd);
	return ret;
}
