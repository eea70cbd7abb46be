// SPDX-License-Identifier: MIT
/*
 * Every libc symbol that primeshim defines, and its constructor. This file decides one thing: can
 * the call matter? If it cannot, it goes on to the next definition. If it can, it goes to a hook,
 * whose negative errno becomes -1 and errno here and nowhere else. A call that succeeds keeps
 * errno.
 *
 * The functions have names of their own in C and libc's names in the object. So no header of libc
 * can turn one into another (mmap into mmap64, ioctl into __ioctl_time64). A variadic function can
 * be defined with its one argument, which arrives in the same place. If a caller left the argument
 * out, the shim passes on the rubbish that libc's own va_arg() would have found.
 *
 * In a signal handler that interrupted the holder of a lock, every call goes straight on. A hook is
 * not cancelled. close(), fcntl(), poll(), select(), epoll_wait() and their kin are cancellation
 * points natively, and stay it, since they are called outside of the hook.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <drm.h>

/*
 * Hidden visibility, or the compiler would look the shim's own symbols up in a table of addresses,
 * as another object might define them.
 */
#pragma GCC visibility push(hidden)
#include "base/lock.h"
#include "hooks/fd_hooks.h"
#include "hooks/mmap_hooks.h"
#include "hooks/prctl_hook.h"
#include "hooks/sync_hooks.h"
#include "ioctl_hooks.h"
#include "kernel/bionic.h"
#include "kernel/next.h"
#include "kernel/sandbox.h"
#include "policy/fork.h"
#include "policy/reach.h"
#include "policy/placed.h"
#include "policy/refused.h"
#include "policy/settle.h"
#include "policy/sync.h"
#include "policy/trap.h"
#include "report/publish.h"
#include "report/stats.h"
#include "settings/settings.h"
#include "settings/watch.h"
#include "state/descriptor.h"
#include "state/private.h"
#include "state/import.h"
#include "state/kept.h"
#include "state/mapping.h"
#pragma GCC visibility pop

/* The tests link this file into programs, with other names for the functions. */
#ifndef SYMBOL_PREFIX
#define SYMBOL_PREFIX ""
#define PRELOADED 1
#else
#define PRELOADED 0
#endif

#define EXPORT(type, name, ...)							\
	__attribute__((visibility("default")))					\
	type shim_##name(__VA_ARGS__) __asm__(SYMBOL_PREFIX #name);		\
	type shim_##name(__VA_ARGS__)

/* Another libc name for the same function. */
#define ALIAS(type, name, target, ...)						\
	__attribute__((visibility("default"), alias(SYMBOL_PREFIX #target)))	\
	type shim_##name(__VA_ARGS__) __asm__(SYMBOL_PREFIX #name)

#define any(counter)	atomic_load_explicit(&(counter), memory_order_relaxed)

/* The way to a hook is out of line, so the way past it needs no stack. */
#define FAST static inline __attribute__((always_inline))
#define SLOW static __attribute__((noinline, cold))

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

struct border {
	int saved;
	struct inside in;
};

/*
 * False in a signal handler that interrupted the holder of a lock, and in a child or a sandbox
 * without records.
 */
static bool enter(struct border *b)
{
	if (lock_held() || !sandbox_may(MAY_RECORD) ||
	    (descriptors_orphaned() && !fork_unseen()))
		return false;
	b->saved = errno;
	inside_begin(&b->in);
	settle_left();
	publish_follow();
	return true;
}

static int leave(const struct border *b, int ret)
{
	if (any(kept_live) && (any(kept_orphaned) || !mode_rescues()))
		follow_hook();
	inside_end(&b->in);
	errno = ret < 0 ? -ret : b->saved;
	return ret < 0 ? -1 : ret;
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

/*
 * The calls from here to chroot() know nothing of mappings that the shim keeps. The hooks leave
 * what a call would meet, and make no call.
 */
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

/* False, and EBADF, for a private descriptor. */
SLOW bool may_close(int fd)
{
	struct border b;

	return !descriptor_known(fd) || !enter(&b) || !leave(&b, close_hook(fd));
}

/* A number at which a private descriptor may be. */
SLOW int contested_close(int fd)
{
	bool left = true;
	struct border b;
	int ret = 0;

	if (enter(&b))
		ret = leave(&b, close_contested_hook(fd, &left));
	return left ? next.close(fd) : ret;
}

SLOW int hooked_close(int fd)
{
	if (descriptor_contested(fd))
		return contested_close(fd);
	return may_close(fd) ? next.close(fd) : -1;
}

EXPORT(int, close, int fd)
{
	return any(descriptors_live) ? hooked_close(fd) : next.close(fd);
}

SLOW int hooked_close_range(unsigned int first, unsigned int last, int flags)
{
	struct border b;

	if (!enter(&b))
		return next.close_range(first, last, flags);
	return leave(&b, close_range_hook(first, last, flags));
}

EXPORT(int, close_range, unsigned int first, unsigned int last, int flags)
{
	return any(descriptors_live) ? hooked_close_range(first, last, flags) :
				       next.close_range(first, last, flags);
}

SLOW void hooked_closefrom(int first)
{
	struct border b;

	if (!enter(&b)) {
		next.closefrom(first);
		return;
	}
	closefrom_hook(first);
	leave(&b, 0);
}

EXPORT(void, closefrom, int first)
{
	any(descriptors_live) ? hooked_closefrom(first) : next.closefrom(first);
}

SLOW int hooked_dup(int fd)
{
	struct border b;

	if (!descriptor_known(fd) || !enter(&b))
		return next.dup(fd);
	return leave(&b, dup_hook(fd));
}

EXPORT(int, dup, int fd)
{
	return any(descriptors_live) ? hooked_dup(fd) : next.dup(fd);
}

SLOW int hooked_dup2(int fd, int to)
{
	struct border b;

	if (!(descriptor_known(fd) || descriptor_known(to) || descriptor_contested(to)) ||
	    !enter(&b))
		return next.dup2(fd, to);
	return leave(&b, dup2_hook(fd, to));
}

EXPORT(int, dup2, int fd, int to)
{
	return any(descriptors_live) ? hooked_dup2(fd, to) : next.dup2(fd, to);
}

SLOW int hooked_dup3(int fd, int to, int flags)
{
	struct border b;

	if (!(descriptor_known(fd) || descriptor_known(to) || descriptor_contested(to)) ||
	    !enter(&b))
		return next.dup3(fd, to, flags);
	return leave(&b, dup3_hook(fd, to, flags));
}

EXPORT(int, dup3, int fd, int to, int flags)
{
	return any(descriptors_live) ? hooked_dup3(fd, to, flags) : next.dup3(fd, to, flags);
}

FAST bool fcntl_watched(int fd, int cmd)
{
	return any(descriptors_live) && (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC) &&
	       descriptor_known(fd);
}

typedef int fcntl_fn(int fd, int cmd, ...);

SLOW int hooked_fcntl(fcntl_fn *native, int fd, int cmd, void *arg)
{
	struct border b;

	if (!enter(&b))
		return native(fd, cmd, arg);
	return leave(&b, fcntl_dup_hook(native, fd, cmd, (intptr_t)arg));
}

EXPORT(int, fcntl, int fd, int cmd, void *arg)
{
	if (!fcntl_watched(fd, cmd))
		return next.fcntl(fd, cmd, arg);
	return hooked_fcntl(next.fcntl, fd, cmd, arg);
}

EXPORT(int, fcntl64, int fd, int cmd, void *arg)
{
	if (!fcntl_watched(fd, cmd))
		return next.fcntl64(fd, cmd, arg);
	return hooked_fcntl(next.fcntl64, fd, cmd, arg);
}

/*
 * A program whose poll() finds its first descriptor alone ready may have waited for a fence, as of
 * a sync_file or a dma-buf. The shim does not look into longer waits: it asks each buffer whether a
 * device is at it. @fds is NULL for calls other than poll().
 */
SLOW int waited(int ret, const struct pollfd *fds)
{
	struct border b;

	if (!enter(&b))
		return ret;
	waited_by_poll(ret == 1 ? fds : NULL);
	return leave(&b, ret);
}

/* There is one entry at least if @ret > 0. */
FAST int polled(const struct pollfd *fds, int ret)
{
	return ret > 0 && any(watch_now) & WATCH_OWED ? waited(ret, fds) : ret;
}

EXPORT(int, poll, struct pollfd *fds, unsigned long n, int timeout_ms)
{
	return polled(fds, next.poll(fds, n, timeout_ms));
}

EXPORT(int, __poll_chk, struct pollfd *fds, unsigned long n, int timeout_ms, size_t size)
{
	return polled(fds, next.poll_chk(fds, n, timeout_ms, size));
}

EXPORT(int, ppoll, struct pollfd *fds, unsigned long n, const void *timeout, const void *mask)
{
	return polled(fds, next.ppoll(fds, n, timeout, mask));
}

EXPORT(int, __ppoll_chk, struct pollfd *fds, unsigned long n, const void *timeout,
       const void *mask, size_t size)
{
	return polled(fds, next.ppoll_chk(fds, n, timeout, mask, size));
}

EXPORT(int, select, int n, void *r, void *w, void *e, void *timeout)
{
	return polled(NULL, next.select(n, r, w, e, timeout));
}

EXPORT(int, pselect, int n, void *r, void *w, void *e, const void *timeout, const void *mask)
{
	return polled(NULL, next.pselect(n, r, w, e, timeout, mask));
}

EXPORT(int, epoll_wait, int fd, void *events, int n, int timeout_ms)
{
	return polled(NULL, next.epoll_wait(fd, events, n, timeout_ms));
}

EXPORT(int, epoll_pwait, int fd, void *events, int n, int timeout_ms, const void *mask)
{
	return polled(NULL, next.epoll_pwait(fd, events, n, timeout_ms, mask));
}

EXPORT(int, epoll_pwait2, int fd, void *events, int n, const void *timeout, const void *mask)
{
	return polled(NULL, next.epoll_pwait2(fd, events, n, timeout, mask));
}

/*
 * The program has set a handler, which may leave by a jump or end the process: from now on no
 * thread holds a lock of the shim when a handler runs (lock.h). Signals of faults cannot wait, and
 * do not count.
 */
static void handled(int sig, handler_fn *handler)
{
	if (handler != SIG_DFL && handler != SIG_IGN && handler != SIG_ERR && sig != SIGSEGV &&
	    sig != SIGBUS && sig != SIGILL && sig != SIGFPE && sig != SIGTRAP && sig != SIGSYS)
		atomic_store_explicit(&lock_blocks_signals, true, memory_order_relaxed);
}

/*
 * The trap changes only calls on SIGSEGV and masks that contain it; without the trap no call
 * changes.
 */
SLOW int trapped_sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct border b;

	return enter(&b) ? leave(&b, trap_sigaction(sig, act, old)) : next.sigaction(sig, act, old);
}

EXPORT(int, sigaction, int sig, const struct sigaction *act, struct sigaction *old)
{
	/* Some programs have the old action written where the new action is. */
	bool swapped = act && act == old && sig > 0 && sig < _NSIG;
	handler_fn *handler = swapped ? act->sa_handler : SIG_DFL;
	int ret = trapping ? trapped_sigaction(sig, act, old) : next.sigaction(sig, act, old);

	/* The kernel has read @act, so the shim can. */
	if (!ret && act)
		handled(sig, swapped ? handler : act->sa_handler);
	return ret;
}

SLOW handler_fn *trapped_signal(int sig, handler_fn *handler, int flags)
{
	const struct sigaction act = { .sa_handler = handler, .sa_flags = flags };
	struct sigaction old;

	return trapped_sigaction(sig, &act, &old) < 0 ? SIG_ERR : old.sa_handler;
}

EXPORT(handler_fn *, signal, int sig, handler_fn *handler)
{
	handled(sig, handler);
	if (!trapping || sig != SIGSEGV)
		return next.signal(sig, handler);
	return trapped_signal(sig, handler, SA_RESTART);
}

ALIAS(handler_fn *, bsd_signal, signal, int sig, handler_fn *handler);
ALIAS(handler_fn *, ssignal, signal, int sig, handler_fn *handler);

EXPORT(handler_fn *, __sysv_signal, int sig, handler_fn *handler)
{
	handled(sig, handler);
	if (!trapping || sig != SIGSEGV)
		return next.sysv_signal(sig, handler);
	return trapped_signal(sig, handler, SA_RESETHAND | SA_NODEFER);
}

ALIAS(handler_fn *, sysv_signal, __sysv_signal, int sig, handler_fn *handler);

/* The trap does not follow sigset(): programs of today use it for SIGCHLD, if at all. */
EXPORT(handler_fn *, sigset, int sig, handler_fn *handler)
{
	if (handler != SIG_HOLD)
		handled(sig, handler);
	return next.sigset(sig, handler);
}

EXPORT(int, sigprocmask, int how, const sigset_t *set, sigset_t *old)
{
	return trapping ? trap_sigmask(next.sigprocmask, how, set, old) :
			  next.sigprocmask(how, set, old);
}

EXPORT(int, pthread_sigmask, int how, const sigset_t *set, sigset_t *old)
{
	return trapping ? trap_sigmask(next.pthread_sigmask, how, set, old) :
			  next.pthread_sigmask(how, set, old);
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

/* Functions of a 32-bit glibc for programs whose time_t is 64 bits wide, since 2.34. */
#if __SIZEOF_LONG__ == 4
EXPORT(int, __ioctl_time64, int fd, ioctl_request request, void *arg)
{
	if (!ioctl_watched(request))
		return next.ioctl_time64(fd, request, arg);
	return hooked_ioctl(next.ioctl_time64, fd, request, arg);
}

EXPORT(int, __fcntl_time64, int fd, int cmd, void *arg)
{
	if (!fcntl_watched(fd, cmd))
		return next.fcntl_time64(fd, cmd, arg);
	return hooked_fcntl(next.fcntl_time64, fd, cmd, arg);
}

EXPORT(int, __ppoll64, struct pollfd *fds, unsigned long n, const void *timeout, const void *mask)
{
	return polled(fds, next.ppoll64(fds, n, timeout, mask));
}

EXPORT(int, __ppoll_time64, struct pollfd *fds, unsigned long n, const void *timeout,
       const void *mask)
{
	return polled(fds, next.ppoll64(fds, n, timeout, mask));
}

EXPORT(int, __select64, int n, void *r, void *w, void *e, void *timeout)
{
	return polled(NULL, next.select64(n, r, w, e, timeout));
}

EXPORT(int, __select_time64, int n, void *r, void *w, void *e, void *timeout)
{
	return polled(NULL, next.select64(n, r, w, e, timeout));
}

EXPORT(int, __pselect64, int n, void *r, void *w, void *e, const void *timeout, const void *mask)
{
	return polled(NULL, next.pselect64(n, r, w, e, timeout, mask));
}

EXPORT(int, __pselect_time64, int n, void *r, void *w, void *e, const void *timeout,
       const void *mask)
{
	return polled(NULL, next.pselect64(n, r, w, e, timeout, mask));
}

EXPORT(int, __epoll_pwait2_time64, int fd, void *events, int n, const void *timeout,
       const void *mask)
{
	return polled(NULL, next.epoll_pwait2_time64(fd, events, n, timeout, mask));
}

EXPORT(int, __ppoll64_chk, struct pollfd *fds, unsigned long n, const void *timeout,
       const void *mask, size_t size)
{
	return polled(fds, next.ppoll64_chk(fds, n, timeout, mask, size));
}
#endif

ALIAS(int, __poll, poll, struct pollfd *fds, unsigned long n, int timeout_ms);
ALIAS(int, __select, select, int n, void *r, void *w, void *e, void *timeout);
ALIAS(int, __close, close, int fd);
ALIAS(int, __dup2, dup2, int fd, int to);
ALIAS(int, __fcntl, fcntl, int fd, int cmd, void *arg);
ALIAS(int, __sigaction, sigaction, int sig, const struct sigaction *act, struct sigaction *old);
