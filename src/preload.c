// SPDX-License-Identifier: MIT
/*
 * Every libc symbol that primeshim defines, and its constructor. No logic: a call that cannot
 * matter goes on to the next definition; any other goes to a hook, and the hook's negative errno
 * becomes -1 and errno here and nowhere else. errno is kept where a call succeeds.
 */
#include "config.h"

/*
 * The C library's headers turn mmap into mmap64 where files are large. This file defines both, so
 * that must not happen here.
 */
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS
#define _LARGEFILE64_SOURCE 1

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "file.h"
#include "ioctl_hooks.h"
#include "mmap_hooks.h"
#include "next.h"
#include "settings.h"
#include "stats.h"
#include "sync.h"

#define EXPORT __attribute__((visibility("default")))

/* Calls that come before, from constructors that run earlier, go straight to the kernel. */
__attribute__((constructor)) static void begin(void)
{
	int saved = errno;

	next_init();
	pthread_atfork(state_lock, state_unlock, sync_forked);
	settings_init();
	errno = saved;
}

__attribute__((destructor)) static void end(void)
{
	int saved = errno;

	if (settings.active)
		sync_exit();
	stats_log();
	errno = saved;
}

static int result(int ret, int saved)
{
	errno = ret < 0 ? -ret : saved;
	return ret < 0 ? -1 : ret;
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	int saved = errno;
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (!ioctl_watched(request))
		return next.ioctl(fd, request, arg);
	return result(ioctl_hook(fd, request, arg), saved);
}

EXPORT void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t off)
{
	int saved = errno;
	void *out = MAP_FAILED;

	if (!mmap_watched(flags))
		return next.mmap64(addr, len, prot, flags, fd, off);
	result(mmap_hook(addr, len, prot, flags, fd, off, &out), saved);
	return out;
}

EXPORT void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	int saved = errno;
	void *out = MAP_FAILED;

	if (!mmap_watched(flags))
		return next.mmap(addr, len, prot, flags, fd, off);
	/* On 32-bit the kernel sees the offset as unsigned (mmap2's page number). */
	result(mmap_hook(addr, len, prot, flags, fd, (unsigned long)off, &out), saved);
	return out;
}

EXPORT int munmap(void *addr, size_t len)
{
	int saved = errno;

	if (!munmap_watched())
		return next.munmap(addr, len);
	return result(munmap_hook(addr, len), saved);
}
