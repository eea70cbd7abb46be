// SPDX-License-Identifier: MIT
/*
 * The fake kernel as an object for LD_PRELOAD, behind the shim: the symbols of libc that it
 * defines, without logic. FAKE_FAULT=CALL:NTH:ERRNO ("ioctl:3:EMFILE", "any:0:EINTR",
 * "mmap:1:SIGBUS") arms a fault in the first thread. With FAKE_SEEN in the environment a seccomp
 * filter sees the calls: the fake makes each call to the real kernel first, with a bad descriptor.
 * If the filter refuses it, the program's call fails, too.
 */
#include "config.h"

/* This file defines both mmap and mmap64, so large files must not make one of the other. */
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS
#undef _FORTIFY_SOURCE
#define _LARGEFILE64_SOURCE 1

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fake.h"

/* Names of their own in C, libc's in the object, so that no header turns one into another. */
#define EXPORT(type, name, ...)						\
	__attribute__((visibility("default")))				\
	type libc_##name(__VA_ARGS__) __asm__(#name);			\
	type libc_##name(__VA_ARGS__)

/* One unnamed argument of a register's width, whether it is there or not. */
#define ARGUMENT(last) __extension__ ({		\
	va_list ap;				\
	void *arg_;				\
	va_start(ap, last);			\
	arg_ = va_arg(ap, void *);		\
	va_end(ap);				\
	arg_; })
/* musl's ioctl takes its request as an int. */
#ifdef __GLIBC__
typedef unsigned long ioctl_request;
#else
typedef int ioctl_request;
#endif

#define MODE(flags) ((flags) & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? \
		     (unsigned int)(uintptr_t)ARGUMENT(flags) : 0)

static bool seen;

/* Does a filter refuse the call? With errno. */
static bool refused(long number, long a, long b, long c, long d, long e, long f)
{
	int saved = errno;

	if (seen && syscall(number, a, b, c, d, e, f) < 0 &&
	    (errno == EPERM || errno == EACCES || errno == ENOSYS))
		return true;
	errno = saved;
	return false;
}

#define SIX(number, a, b, c, d, e, f, ...)						\
	refused(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define REFUSED(...)	SIX(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

#ifdef SYS_fcntl64
#define SYS_FCNTL	SYS_fcntl64
#define SYS_FSTAT	SYS_fstat64
#define SYS_MMAP	SYS_mmap2
#else
#define SYS_FCNTL	SYS_fcntl
#define SYS_FSTAT	SYS_newfstatat	/* glibc since 2.33 */
#define SYS_MMAP	SYS_mmap
#endif
#ifdef SYS_poll
#define SYS_POLL	SYS_poll
#else
#define SYS_POLL	SYS_ppoll
#endif

EXPORT(int, open, const char *path, int flags, ...)
{
	return REFUSED(SYS_openat, -1, NULL, flags) ? -1 : fake_open(path, flags, MODE(flags));
}

EXPORT(int, open64, const char *path, int flags, ...)
{
	return REFUSED(SYS_openat, -1, NULL, flags) ? -1 :
	       fake_open(path, flags | O_LARGEFILE, MODE(flags));
}

EXPORT(int, __open_2, const char *path, int flags)
{
	return REFUSED(SYS_openat, -1, NULL, flags) ? -1 : fake_open(path, flags);
}

EXPORT(int, __open64_2, const char *path, int flags)
{
	return REFUSED(SYS_openat, -1, NULL, flags) ? -1 : fake_open(path, flags | O_LARGEFILE);
}

EXPORT(int, ioctl, int fd, ioctl_request request, ...)
{
	void *arg = ARGUMENT(request);

	return REFUSED(SYS_ioctl, -1, (unsigned int)request, arg) ? -1 :
	       fake_ioctl(fd, (unsigned int)request, arg);
}

EXPORT(int, fcntl, int fd, int cmd, ...)
{
	void *arg = ARGUMENT(cmd);

	return REFUSED(SYS_FCNTL, -1, cmd, arg) ? -1 : fake_fcntl(fd, cmd, arg);
}

EXPORT(int, fcntl64, int fd, int cmd, ...)
{
	void *arg = ARGUMENT(cmd);

	return REFUSED(SYS_FCNTL, -1, cmd, arg) ? -1 : fake_fcntl(fd, cmd, arg);
}

#if __SIZEOF_LONG__ == 4
EXPORT(int, __ioctl_time64, int fd, ioctl_request request, ...)
{
	return fake_ioctl(fd, request, ARGUMENT(request));
}

EXPORT(int, __fcntl_time64, int fd, int cmd, ...)
{
	void *arg = ARGUMENT(cmd);

	return REFUSED(SYS_FCNTL, -1, cmd, arg) ? -1 : fake_fcntl(fd, cmd, arg);
}
#endif

#ifdef __GLIBC__
EXPORT(void *, mmap, void *addr, size_t len, int prot, int flags, int fd, long off)
{
	return REFUSED(SYS_MMAP, addr, len, prot, flags & ~MAP_ANONYMOUS, -1, off) ? MAP_FAILED :
	       fake_mmap(addr, len, prot, flags, fd, off);
}
#else
EXPORT(void *, mmap, void *addr, size_t len, int prot, int flags, int fd, int64_t off)
{
	return REFUSED(SYS_MMAP, addr, len, prot, flags & ~MAP_ANONYMOUS, -1, off) ? MAP_FAILED :
	       fake_mmap64(addr, len, prot, flags, fd, off);
}
#endif

EXPORT(void *, mmap64, void *addr, size_t len, int prot, int flags, int fd, int64_t off)
{
	return REFUSED(SYS_MMAP, addr, len, prot, flags & ~MAP_ANONYMOUS, -1, off) ? MAP_FAILED :
	       fake_mmap64(addr, len, prot, flags, fd, off);
}

EXPORT(int, munmap, void *addr, size_t len)
{
	return REFUSED(SYS_munmap) ? -1 : fake_munmap(addr, len);
}

EXPORT(void *, mremap, void *old, size_t old_len, size_t len, int flags, ...)
{
	void *to = ARGUMENT(flags);

	return REFUSED(SYS_mremap) ? MAP_FAILED : fake_mremap(old, old_len, len, flags, to);
}

EXPORT(int, close, int fd)
{
	return REFUSED(SYS_close, -1) ? -1 : fake_close(fd);
}

EXPORT(int, close_range, unsigned int first, unsigned int last, int flags)
{
	return fake_close_range(first, last, flags);
}

EXPORT(void, closefrom, int first)
{
	fake_closefrom(first);
}

EXPORT(int, dup, int fd)
{
	return REFUSED(SYS_dup, -1) ? -1 : fake_dup(fd);
}

EXPORT(int, dup2, int fd, int to)
{
	return REFUSED(SYS_dup3, -1, to) ? -1 : fake_dup2(fd, to);
}

EXPORT(int, dup3, int fd, int to, int flags)
{
	return REFUSED(SYS_dup3, -1, to, flags) ? -1 : fake_dup3(fd, to, flags);
}

#ifndef __GLIBC__
EXPORT(int, __fstat_time64, int fd, struct stat *st)	/* musl's, where a long has 32 bits */
{
	return REFUSED(SYS_FSTAT, -1, "", NULL) ? -1 : fake_fstat(fd, st);
}
#endif

EXPORT(int, fstat64, int fd, struct stat64 *st)
{
	return REFUSED(SYS_FSTAT, -1, "", NULL) ? -1 : fake_fstat(fd, (struct stat *)st);
}

#if __SIZEOF_LONG__ == 8
EXPORT(int, fstat, int fd, struct stat *st)
{
	return REFUSED(SYS_FSTAT, -1, "", NULL) ? -1 : fake_fstat(fd, st);
}
#else
EXPORT(int, fstat, int fd, struct stat *st)
{
	struct stat64 wide;

	if (REFUSED(SYS_FSTAT, -1, "", NULL) || fake_fstat(fd, (struct stat *)&wide) < 0)
		return -1;
	memset(st, 0, sizeof(*st));
	st->st_dev = wide.st_dev;
	st->st_ino = wide.st_ino;
	st->st_mode = wide.st_mode;
	st->st_nlink = wide.st_nlink;
	st->st_uid = wide.st_uid;
	st->st_gid = wide.st_gid;
	st->st_rdev = wide.st_rdev;
	st->st_size = wide.st_size;
	st->st_blksize = wide.st_blksize;
	st->st_blocks = wide.st_blocks;
	st->st_atim = wide.st_atim;
	st->st_mtim = wide.st_mtim;
	st->st_ctim = wide.st_ctim;
	if (st->st_ino == wide.st_ino && st->st_size == wide.st_size)
		return 0;
	errno = EOVERFLOW;
	return -1;
}
#endif

#ifdef SYS_fstatfs64
#define SYS_FSTATFS	SYS_fstatfs64
#else
#define SYS_FSTATFS	SYS_fstatfs
#endif

#if __SIZEOF_LONG__ == 8 || !defined(__GLIBC__)
EXPORT(int, fstatfs, int fd, struct statfs *fs)
{
	return REFUSED(SYS_FSTATFS, -1) ? -1 : fake_fstatfs(fd, fs);
}
#else
EXPORT(int, fstatfs64, int fd, struct statfs64 *fs)
{
	return REFUSED(SYS_FSTATFS, -1) ? -1 : fake_fstatfs(fd, (struct statfs *)fs);
}
#endif

EXPORT(int, pipe2, int fds[2], int flags)
{
	return REFUSED(SYS_pipe2, NULL, flags) ? -1 : fake_pipe2(fds, flags);
}

EXPORT(int, poll, struct pollfd *fds, nfds_t n, int timeout_ms)
{
	return REFUSED(SYS_POLL) ? -1 : fake_poll(fds, n, timeout_ms);
}

static int errno_named(const char *name)
{
	static const struct {
		const char *name;
		int err;
	} names[] = {
		{ "EINTR", EINTR }, { "EAGAIN", EAGAIN }, { "EMFILE", EMFILE },
		{ "ENFILE", ENFILE }, { "ENOMEM", ENOMEM }, { "EACCES", EACCES },
		{ "ENODEV", ENODEV }, { "ENOSYS", ENOSYS }, { "EPERM", EPERM },
	};

	if (!strcmp(name, "SIGBUS"))
		return -SIGBUS;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i].name))
			return names[i].err;
	return 0;
}

__attribute__((constructor)) static void arm(void)
{
	static const char *const calls[] = {
		[FAKE_ANY] = "any", [FAKE_OPEN] = "open", [FAKE_IOCTL] = "ioctl",
		[FAKE_MMAP] = "mmap", [FAKE_MUNMAP] = "munmap", [FAKE_MREMAP] = "mremap",
		[FAKE_CLOSE] = "close", [FAKE_CLOSE_RANGE] = "close_range", [FAKE_DUP] = "dup",
		[FAKE_FCNTL] = "fcntl", [FAKE_FSTAT] = "fstat", [FAKE_PIPE2] = "pipe2",
		[FAKE_POLL] = "poll", [FAKE_SAME_FILE] = "same_file",
	};
	const char *value = getenv("FAKE_FAULT");
	char call[16], name[16];
	unsigned int nth;
	int end = 0, err;

	seen = getenv("FAKE_SEEN");
	if (!value || !*value)
		return;
	if (sscanf(value, "%15[a-z_0-9]:%u:%15[A-Z0-9]%n", call, &nth, name, &end) == 3 &&
	    end && !value[end]) {
		err = errno_named(name);
		for (unsigned int i = 0; err && i < sizeof(calls) / sizeof(*calls); i++) {
			if (strcmp(call, calls[i]))
				continue;
			fake_fault(i, nth, err);
			return;
		}
	}
	fprintf(stderr, "fake: FAKE_FAULT is not CALL:NTH:ERRNO\n");
}
