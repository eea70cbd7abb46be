// SPDX-License-Identifier: MIT
/*
 * The constructor of primeshim, and the functions of libc that lead to an import and its mapping;
 * src/symbols/ has the other functions that primeshim defines. Each decides one thing: can the call
 * matter? If it cannot, it goes on to the next definition. If it can, it goes to a hook, whose
 * negative errno becomes -1 and errno here and nowhere else. A call that succeeds keeps errno.
 *
 * In a signal handler that interrupted the holder of a lock, every call goes straight on. A hook is
 * not cancelled.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <drm.h>

#pragma GCC visibility push(hidden)
#include "base/lock.h"
#include "hooks/mmap_hooks.h"
#include "ioctl_hooks.h"
#include "kernel/next.h"
#include "kernel/sandbox.h"
#include "policy/fork.h"
#include "policy/reach.h"
#include "policy/refused.h"
#include "policy/settle.h"
#include "policy/trap.h"
#include "publish/publish.h"
#include "publish/stats.h"
#include "settings/settings.h"
#include "settings/watch.h"
#include "state/descriptor.h"
#include "state/import.h"
#include "state/kept.h"
#include "state/mapping.h"
#include "symbols/symbol.h"
#pragma GCC visibility pop

/* Runs at exit(), and at quick_exit(), which runs no destructors. */
__attribute__((destructor)) static void end(void)
{
	int saved = errno;

	if (descriptors_orphaned() && !lock_held())
		fork_unseen();
	if (settings.active && sandbox_may(MAY_RECORD))
		settle_exit();
	stats_log();
	if (trapping)
		trap_log();
	if (published() && !descriptors_borrowed())
		publish_end();
	errno = saved;
}

/* Calls of constructors that run earlier go straight to the kernel. */
__attribute__((constructor)) static void begin(void)
{
	int saved = errno;

	next_init();
	lock_init();
	pthread_atfork(fork_prepare, fork_parent, fork_child);
	settings_init();
	watch_init();
	if (PRELOADED && settings.active)
		reach_init();
	if (settings.active && sync_now() == SYNC_TRAP)
		trap_init(fork_unseen);
	if (PRELOADED)
		at_quick_exit(end);
	errno = saved;
}

FAST bool ioctl_watched(ioctl_request request)
{
	return any(ioctl_watch[(uint16_t)request]) & any(watch_now);
}

SLOW int busy_ioctl(ioctl_fn *native, int fd, ioctl_request request, void *arg)
{
	struct border b;

	if (!enter(&b))
		return native(fd, request, arg);
	/* musl's request is an int, and arrives sign-extended. */
	return leave(&b, ioctl_hook(native, fd, (unsigned int)request, arg));
}

/* The program's call comes first: the shim acts only if the driver refuses it. */
SLOW int first_ioctl(ioctl_fn *native, int fd, ioctl_request request, void *arg)
{
	int saved = errno, ret = native(fd, request, arg), refusal = -errno;
	struct border b;

	if (ret != -1 || !refused_as_import(refusal))
		return ret;
	if (!enter(&b)) {
		errno = -refusal;
		return -1;
	}
	b.saved = saved;
	return leave(&b, ioctl_refused_hook(fd, (unsigned int)request, arg, refusal));
}

SLOW int export_ioctl(ioctl_fn *native, int fd, ioctl_request request, void *arg)
{
	int saved = errno, ret;

	if (lock_held() || !sandbox_may(MAY_RECORD))
		return native(fd, request, arg);
	ret = ioctl_export(native, fd, (unsigned int)request, arg);
	errno = ret < 0 ? -ret : saved;
	return ret < 0 ? -1 : ret;
}

/* A function of its own, so that it needs no more stack than a forwarder. */
SLOW int hooked_ioctl(ioctl_fn *native, int fd, ioctl_request request, void *arg)
{
	if (!any(imports_live) && ioctl_exports(request))
		return ioctl_idle(arg) ? native(fd, request, arg) :
					 export_ioctl(native, fd, request, arg);
	if (!any(imports_live) && ioctl_first(request))
		return first_ioctl(native, fd, request, arg);
	return busy_ioctl(native, fd, request, arg);
}

EXPORT(int, ioctl, int fd, ioctl_request request, void *arg)
{
	if (!ioctl_watched(request))
		return next.ioctl(fd, request, arg);
	return hooked_ioctl(next.ioctl, fd, request, arg);
}

/*
 * A file may be an import's, or a dma-buf. While the shim keeps mappings, a place may meet them,
 * and a call that finds no room gets theirs.
 */
FAST bool mmap_watched(int flags)
{
	return (any(watch_now) & WATCH_MMAP && !(flags & MAP_ANONYMOUS)) ||
	       (any(mappings_live) && (flags & MAP_FIXED || any(kept_live)));
}

SLOW void *hooked_mmap(void *addr, size_t len, int prot, int flags, int fd, uint64_t off,
		       bool narrow)
{
	const struct mmap_call c = { addr, len, prot, flags, fd, off, narrow };
	void *out = MAP_FAILED;
	int saved = errno;
	struct border b;

	/* Allocators map so, while they hold their own locks. */
	if (!addr && flags & MAP_ANONYMOUS) {
		out = narrow ? next.mmap(addr, len, prot, flags, fd, off) :
			       next.mmap64(addr, len, prot, flags, fd, off);
		if (out != MAP_FAILED || errno != ENOMEM)
			return out;
		errno = saved;
	}
	if (!enter(&b)) {
		out = narrow ? next.mmap(addr, len, prot, flags, fd, off) :
			       next.mmap64(addr, len, prot, flags, fd, off);
		return out;
	}
	return leave(&b, mmap_hook(&c, &out)) < 0 ? MAP_FAILED : out;
}

EXPORT(void *, mmap64, void *addr, size_t len, int prot, int flags, int fd, int64_t off)
{
	if (!mmap_watched(flags))
		return next.mmap64(addr, len, prot, flags, fd, off);
	return hooked_mmap(addr, len, prot, flags, fd, off, false);
}

EXPORT(void *, mmap, void *addr, size_t len, int prot, int flags, int fd, mmap_offset off)
{
	if (!mmap_watched(flags))
		return next.mmap(addr, len, prot, flags, fd, off);
	/* On 32-bit machines the kernel takes the offset as unsigned (mmap2's page number). */
	return hooked_mmap(addr, len, prot, flags, fd,
			   sizeof(off) == 4 ? (uint32_t)off : (uint64_t)off, true);
}

SLOW int hooked_munmap(void *addr, size_t len)
{
	struct border b;

	return enter(&b) ? leave(&b, munmap_hook(addr, len)) : next.munmap(addr, len);
}

EXPORT(int, munmap, void *addr, size_t len)
{
	return any(mappings_live) ? hooked_munmap(addr, len) : next.munmap(addr, len);
}

SLOW int hooked_mprotect(void *addr, size_t len, int prot)
{
	struct border b;

	if (!enter(&b))
		return next.mprotect(addr, len, prot);
	return leave(&b, mprotect_hook(addr, len, prot));
}

EXPORT(int, mprotect, void *addr, size_t len, int prot)
{
	return any(mappings_live) ? hooked_mprotect(addr, len, prot) :
				    next.mprotect(addr, len, prot);
}

SLOW void *hooked_mremap(void *old, size_t old_len, size_t len, int flags, void *to)
{
	void *out = MAP_FAILED;
	struct border b;

	if (!enter(&b))
		return next.mremap(old, old_len, len, flags, to);
	return leave(&b, mremap_hook(old, old_len, len, flags, to, &out)) < 0 ? MAP_FAILED : out;
}

EXPORT(void *, mremap, void *old, size_t old_len, size_t len, int flags, void *to)
{
	if (!any(mappings_live))
		return next.mremap(old, old_len, len, flags, to);
	return hooked_mremap(old, old_len, len, flags, to);
}

/* Of a 32-bit glibc, for programs whose time_t has 64 bits (2.34). */
#if __SIZEOF_LONG__ == 4
EXPORT(int, __ioctl_time64, int fd, ioctl_request request, void *arg)
{
	if (!ioctl_watched(request))
		return next.ioctl_time64(fd, request, arg);
	return hooked_ioctl(next.ioctl_time64, fd, request, arg);
}
#endif
