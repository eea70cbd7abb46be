// SPDX-License-Identifier: MIT
/*
 * Functions that know nothing of the mappings which the shim keeps: those of memory, by address,
 * and those that confine the process. The hooks leave what a call would meet, and make no call.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/resource.h>

#pragma GCC visibility push(hidden)
#include "hooks/mmap_hooks.h"
#include "hooks/prctl_hook.h"
#include "kernel/bionic.h"
#include "kernel/next.h"
#include "settings/settings.h"
#include "state/import.h"
#include "state/kept.h"
#include "state/mapping.h"
#include "symbols/symbol.h"
#pragma GCC visibility pop

SLOW void touched(const void *addr, size_t len)
{
	struct border b;

	if (!enter(&b))
		return;
	touch_hook(addr, len);
	leave(&b, 0);
}

FAST void touches(const void *addr, size_t len)
{
	if (any(mappings_live) && settings.warm && mapping_near(addr, len))
		touched(addr, len);
}

EXPORT(int, madvise, void *addr, size_t len, int advice)
{
	touches(addr, len);
	return next.madvise(addr, len, advice);
}

EXPORT(int, posix_madvise, void *addr, size_t len, int advice)
{
	touches(addr, len);
	return next.posix_madvise(addr, len, advice);
}

EXPORT(int, mlock, const void *addr, size_t len)
{
	touches(addr, len);
	return next.mlock(addr, len);
}

EXPORT(int, mlock2, const void *addr, size_t len, unsigned int flags)
{
	touches(addr, len);
	return next.mlock2(addr, len, flags);
}

EXPORT(int, munlock, const void *addr, size_t len)
{
	touches(addr, len);
	return next.munlock(addr, len);
}

EXPORT(int, msync, void *addr, size_t len, int flags)
{
	touches(addr, len);
	return next.msync(addr, len, flags);
}

EXPORT(int, mincore, void *addr, size_t len, unsigned char *to)
{
	touches(addr, len);
	return next.mincore(addr, len, to);
}

EXPORT(int, pkey_mprotect, void *addr, size_t len, int prot, int pkey)
{
	touches(addr, len);
	return next.pkey_mprotect(addr, len, prot, pkey);
}

EXPORT(int, remap_file_pages, void *addr, size_t len, int prot, size_t page, int flags)
{
	touches(addr, len);
	return next.remap_file_pages(addr, len, prot, page, flags);
}

SLOW void confine(void (*hook)(void))
{
	struct border b;

	if (!enter(&b))
		return;
	hook();
	leave(&b, 0);
}

/* Also where nothing is kept yet: from now on nothing is. */
EXPORT(int, mlockall, int flags)
{
	if (settings.warm)
		confine(lock_all_hook);
	return next.mlockall(flags);
}

SLOW void attached(const void *addr)
{
	struct border b;

	if (!enter(&b))
		return;
	attach_hook(addr);
	leave(&b, 0);
}

EXPORT(void *, shmat, int id, const void *addr, int flags)
{
	if (addr && any(kept_live))
		attached(addr);
	return next.shmat(id, addr, flags);
}

/* Does a call that sets a limit of @resource matter? */
FAST bool limit_watched(int resource, const void *limit)
{
	return limit && (resource == RLIMIT_AS || resource == RLIMIT_NOFILE);
}

FAST void limits(void)
{
	if (settings.warm && any(imports_live))
		confine(confine_hook);
}

/* Another thread may have kept something during the call. */
FAST int limited(int ret)
{
	confined_hook();
	limits();
	return ret;
}

EXPORT(int, setrlimit, int resource, const void *limit)
{
	if (!limit_watched(resource, limit))
		return next.setrlimit(resource, limit);
	limits();
	return limited(next.setrlimit(resource, limit));
}

EXPORT(int, setrlimit64, int resource, const void *limit)
{
	if (!limit_watched(resource, limit))
		return next.setrlimit64(resource, limit);
	limits();
	return limited(next.setrlimit64(resource, limit));
}

EXPORT(int, prlimit, pid_t pid, int resource, const void *limit, void *old)
{
	if (!limit_watched(resource, limit))
		return next.prlimit(pid, resource, limit, old);
	limits();
	return limited(next.prlimit(pid, resource, limit, old));
}

EXPORT(int, prlimit64, pid_t pid, int resource, const void *limit, void *old)
{
	if (!limit_watched(resource, limit))
		return next.prlimit64(pid, resource, limit, old);
	limits();
	return limited(next.prlimit64(pid, resource, limit, old));
}

/* There may be no /proc afterwards. */
EXPORT(int, chroot, const char *path)
{
	limits();
	return limited(next.chroot(path));
}

SLOW int hooked_prctl(int option, unsigned long a, unsigned long b, unsigned long c,
		      unsigned long d)
{
	struct border border = { .saved = errno };

	limits();
	/* No signals are blocked here: the program's filter may forbid unblocking them. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &border.in.cancel);
	return leave(&border, prctl_hook(option, a, b, c, d));
}

EXPORT(int, prctl, int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	return prctl_watched(option) ? hooked_prctl(option, a, b, c, d) :
				       next.prctl(option, a, b, c, d);
}
