// SPDX-License-Identifier: MIT
/*
 * A slow, full, old or odd file system, for the status file alone: preloaded behind the shim, whose
 * calls of libc come here. By variables of the environment:
 *
 *   SLOW_OPEN=MS	a new status file in a directory takes so long to be made
 *   SLOW_ROOM=MS	and so does its room
 *   ROOM=ERRNO		the room cannot be had at once: fallocate() says this
 *   FS_TYPE=HEX	what statfs() says of the file system
 *   NO_LIMIT=1		getrlimit() says that files may be of any size: the limit came later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* Names of their own in C, libc's in the object, so that no header turns one into another. */
#define EXPORT(type, name, ...)						\
	__attribute__((visibility("default")))				\
	type libc_##name(__VA_ARGS__) __asm__(#name);			\
	type libc_##name(__VA_ARGS__)

/* Does a thread wait here now? */
extern volatile int status_preload_waits;
__attribute__((visibility("default"))) volatile int status_preload_waits;

static void wait_for(const char *name)
{
	long ms = getenv(name) ? atol(getenv(name)) : 0;
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	if (!ms)
		return;
	status_preload_waits = 1;
	while (nanosleep(&t, &t) && errno == EINTR)
		;
	status_preload_waits = 0;
}

static int open_at(int dir, const char *path, int flags, unsigned int mode)
{
	if (strstr(path, ".primeshim"))
		wait_for("SLOW_OPEN");
	return syscall(SYS_openat, dir, path, flags, mode);
}

EXPORT(int, openat, int dir, const char *path, int flags, unsigned int mode)
{
	return open_at(dir, path, flags, mode);
}

EXPORT(int, openat64, int dir, const char *path, int flags, unsigned int mode)
{
	return open_at(dir, path, flags | O_LARGEFILE, mode);
}

static int room(int fd, int mode, int64_t at, int64_t len)
{
	wait_for("SLOW_ROOM");
	if (getenv("ROOM")) {
		errno = atoi(getenv("ROOM"));
		return -1;
	}
	/* Two registers each where a register has 32 bits. */
	return sizeof(long) == 8 ? syscall(SYS_fallocate, fd, mode, at, len) :
		syscall(SYS_fallocate, fd, mode, (long)at, (long)(at >> 32), (long)len,
			(long)(len >> 32));
}

EXPORT(int, fallocate, int fd, int mode, off_t at, off_t len)
{
	return room(fd, mode, at, len);
}

EXPORT(int, fallocate64, int fd, int mode, int64_t at, int64_t len)
{
	return room(fd, mode, at, len);
}

EXPORT(int, posix_fallocate, int fd, off_t at, off_t len)
{
	return room(fd, 0, at, len) ? errno : 0;
}

EXPORT(int, posix_fallocate64, int fd, int64_t at, int64_t len)
{
	return room(fd, 0, at, len) ? errno : 0;
}

EXPORT(int, fstatfs, int fd, struct statfs *st)
{
	int ret = syscall(SYS_fstatfs, fd, st);

	if (!ret && getenv("FS_TYPE"))
		st->f_type = strtoul(getenv("FS_TYPE"), NULL, 16);
	return ret;
}

#ifdef __GLIBC__
EXPORT(int, fstatfs64, int fd, struct statfs64 *st)
{
#ifdef SYS_fstatfs64
	int ret = syscall(SYS_fstatfs64, fd, sizeof(*st), st);
#else
	int ret = syscall(SYS_fstatfs, fd, st);
#endif

	if (!ret && getenv("FS_TYPE"))
		st->f_type = strtoul(getenv("FS_TYPE"), NULL, 16);
	return ret;
}
#endif

static int limit(int what, uint64_t lim[2])
{
	int ret = syscall(SYS_prlimit64, 0, what, NULL, lim);

	if (what == RLIMIT_FSIZE && getenv("NO_LIMIT"))
		lim[0] = ~UINT64_C(0);
	return ret;
}

EXPORT(int, getrlimit, int what, struct rlimit *lim)
{
	uint64_t both[2];
	int ret = limit(what, both);

	lim->rlim_cur = both[0];
	lim->rlim_max = both[1];
	return ret;
}

#ifdef __GLIBC__
EXPORT(int, getrlimit64, int what, struct rlimit64 *lim)
{
	uint64_t both[2];
	int ret = limit(what, both);

	lim->rlim_cur = both[0];
	lim->rlim_max = both[1];
	return ret;
}
#endif
