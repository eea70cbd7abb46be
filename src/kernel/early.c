// SPDX-License-Identifier: MIT
/*
 * The system calls that stand in for libc's functions, and the first values of "next": for calls of
 * the program's before next_init(), and for functions that an older libc lacks.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "compat.h"
#include "dlsym.h"
#include "early.h"
#include "next.h"

#ifdef __GLIBC__
_Static_assert(sizeof(off_t) == 8 && sizeof(time_t) == sizeof(long),
	       "struct stat is the one of fstat64(): no -D_TIME_BITS=64 in CFLAGS");
#endif

/* As in linux/kcmp.h, which does not go with the headers of every libc. */
#define KCMP_FILE 0

/* The argument after @last of ioctl(), fcntl() or mremap(), which callers pass as one word. */
#define THIRD_ARGUMENT(arg, last)	\
	do {				\
		va_list ap;		\
		va_start(ap, last);	\
		arg = va_arg(ap, long);	\
		va_end(ap);		\
	} while (0)

static int sys_ioctl(int fd, ioctl_request request, ...)
{
	long arg;

	THIRD_ARGUMENT(arg, request);
	return syscall(SYS_ioctl, fd, (unsigned int)request, arg);
}

static void *sys_mmap64(void *addr, size_t len, int prot, int flags, int fd, int64_t off)
{
#ifdef SYS_mmap2
	/* The unit of mmap2's offset is 4096 bytes on every architecture Debian has. */
	if (off & 4095 || (uint64_t)off >> 44) {
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

static void *sys_mmap(void *addr, size_t len, int prot, int flags, int fd, mmap_offset off)
{
	return sys_mmap64(addr, len, prot, flags, fd,
			  sizeof(off) == 4 ? (uint32_t)off : (uint64_t)off);
}

static int sys_munmap(void *addr, size_t len)
{
	return syscall(SYS_munmap, addr, len);
}

static int sys_mprotect(void *addr, size_t len, int prot)
{
	return syscall(SYS_mprotect, addr, len, prot);
}

static void *sys_mremap(void *old, size_t old_len, size_t len, int flags, ...)
{
	long to;

	THIRD_ARGUMENT(to, flags);
	return (void *)syscall(SYS_mremap, old, old_len, len, flags, to);
}

/* Numbers that not every libc's headers have: ENOSYS then. */
#ifndef SYS_mlock2
#define SYS_mlock2 -1
#endif
#ifndef SYS_pkey_mprotect
#define SYS_pkey_mprotect -1
#endif
#ifndef SYS_shmat
#define SYS_shmat -1
#endif

static int sys_madvise(void *addr, size_t len, int advice)
{
	return syscall(SYS_madvise, addr, len, advice);
}

/* As libc has it: an errno is returned, and MADV_DONTNEED would lose what the pages hold. */
static int sys_posix_madvise(void *addr, size_t len, int advice)
{
	int saved = errno, ret;

	if (advice == MADV_DONTNEED)
		return 0;
	ret = sys_madvise(addr, len, advice) < 0 ? errno : 0;
	errno = saved;
	return ret;
}

static int sys_mlock(const void *addr, size_t len)
{
	return syscall(SYS_mlock, addr, len);
}

static int sys_mlock2(const void *addr, size_t len, unsigned int flags)
{
	return syscall(SYS_mlock2, addr, len, flags);
}

static int sys_munlock(const void *addr, size_t len)
{
	return syscall(SYS_munlock, addr, len);
}

static int sys_mlockall(int flags)
{
	return syscall(SYS_mlockall, flags);
}

static int sys_msync(void *addr, size_t len, int flags)
{
	return syscall(SYS_msync, addr, len, flags);
}

static int sys_mincore(void *addr, size_t len, unsigned char *to)
{
	return syscall(SYS_mincore, addr, len, to);
}

static int sys_pkey_mprotect(void *addr, size_t len, int prot, int pkey)
{
	return syscall(SYS_pkey_mprotect, addr, len, prot, pkey);
}

static int sys_remap_file_pages(void *addr, size_t len, int prot, size_t page, int flags)
{
	return syscall(SYS_remap_file_pages, addr, len, prot, page, flags);
}

static void *sys_shmat(int id, const void *addr, int flags)
{
	return (void *)syscall(SYS_shmat, id, addr, flags);
}

static int sys_prlimit64(pid_t pid, int resource, const void *limit, void *old)
{
	return syscall(SYS_prlimit64, pid, resource, limit, old);
}

static int sys_setrlimit64(int resource, const void *limit)
{
	return sys_prlimit64(0, resource, limit, NULL);
}

/* Where a long has 32 bits, prlimit() with short limits is libc's alone. */
static int early_prlimit(pid_t pid, int resource, const void *limit, void *old)
{
	int (*real)(pid_t pid, int resource, const void *limit, void *old);

	*(void **)&real = dlsym(RTLD_NEXT, "prlimit");
	if (real)
		return real(pid, resource, limit, old);
	errno = ENOSYS;
	return -1;
}

static int early_setrlimit(int resource, const void *limit)
{
	int (*real)(int resource, const void *limit);

	*(void **)&real = dlsym(RTLD_NEXT, "setrlimit");
	if (real)
		return real(resource, limit);
	errno = ENOSYS;
	return -1;
}

static int sys_chroot(const char *path)
{
	return syscall(SYS_chroot, path);
}

static int sys_close(int fd)
{
	return syscall(SYS_close, fd);
}

static int sys_close_range(unsigned int first, unsigned int last, int flags)
{
#ifdef SYS_close_range
	return syscall(SYS_close_range, first, last, flags);
#else
	(void)first, (void)last, (void)flags;
	errno = ENOSYS;
	return -1;
#endif
}

static void sys_closefrom(int first)
{
	long end = sysconf(_SC_OPEN_MAX);

	first = first < 0 ? 0 : first;
	if (sys_close_range(first, ~0U, 0) < 0)
		for (int fd = first; fd < end; fd++)
			sys_close(fd);
}

static int sys_dup(int fd)
{
	return syscall(SYS_dup, fd);
}

static int sys_dup3(int fd, int to, int flags)
{
	return syscall(SYS_dup3, fd, to, flags);
}

static int sys_fcntl(int fd, int cmd, ...)
{
	long arg;

	THIRD_ARGUMENT(arg, cmd);
#ifdef SYS_fcntl64
	return syscall(SYS_fcntl64, fd, cmd, arg);
#else
	return syscall(SYS_fcntl, fd, cmd, arg);
#endif
}

static int sys_dup2(int fd, int to)
{
	/* Not every architecture has dup2, and dup3 refuses two equal descriptors. */
	if (fd == to)
		return sys_fcntl(fd, F_GETFD, 0) < 0 ? -1 : fd;
	return sys_dup3(fd, to, 0);
}

static int sys_open(const char *path, int flags, ...)
{
	return syscall(SYS_openat, AT_FDCWD, path, flags, 0);
}

static ssize_t sys_readlink(const char *path, char *to, size_t len)
{
	return syscall(SYS_readlinkat, AT_FDCWD, path, to, len);
}

static int sys_fstat(int fd, struct stat *st)
{
#if defined(SYS_fstat64)
	return syscall(SYS_fstat64, fd, st);
#elif defined(SYS_fstat)
	return syscall(SYS_fstat, fd, st);
#else
	return syscall(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH);
#endif
}

/* The shim asks after next_init() alone. */
static int no_fstatfs(int fd, struct statfs *fs)
{
	(void)fd, (void)fs;
	errno = ENOSYS;
	return -1;
}

static int sys_futex(uint32_t *word, int op, uint32_t value, const void *timeout, uint32_t *other,
		     uint32_t value3)
{
	return syscall(SYS_futex, word, op, value, timeout, other, value3);
}

/* No system call here: the kernel's structure differs, and a handler returns to code of libc's. */
static int early_sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	int (*real)(int sig, const struct sigaction *act, struct sigaction *old);

	*(void **)&real = dlsym(RTLD_NEXT, "sigaction");
	return real(sig, act, old);
}

static handler_fn *early_signal(int sig, handler_fn *handler)
{
	handler_fn *(*real)(int sig, handler_fn *handler);

	*(void **)&real = dlsym(RTLD_NEXT, "signal");
	return real(sig, handler);
}

static handler_fn *early_sigset(int sig, handler_fn *handler)
{
	handler_fn *(*real)(int sig, handler_fn *handler);

	*(void **)&real = dlsym(RTLD_NEXT, "sigset");
	return real(sig, handler);
}

static int sys_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	if (old)
		sigemptyset(old);
	return syscall(SYS_rt_sigprocmask, how, set, old, _NSIG / 8);
}

static int sys_pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	int saved = errno, ret = sys_sigmask(how, set, old) < 0 ? errno : 0;

	errno = saved;
	return ret;
}

static int sys_prctl(int option, ...)
{
	unsigned long arg[4];
	va_list ap;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		arg[i] = va_arg(ap, unsigned long);
	va_end(ap);
	return syscall(SYS_prctl, option, arg[0], arg[1], arg[2], arg[3]);
}

static int sys_same_file(pid_t self, int fd, int other)
{
	return syscall(SYS_kcmp, self, self, KCMP_FILE, fd, other);
}

struct next next = {
	.ioctl = sys_ioctl,
	.ioctl_time64 = sys_ioctl,
	.mmap = sys_mmap,
	.mmap64 = sys_mmap64,
	.munmap = sys_munmap,
	.mprotect = sys_mprotect,
	.mremap = sys_mremap,
	.madvise = sys_madvise,
	.posix_madvise = sys_posix_madvise,
	.mlock = sys_mlock,
	.mlock2 = sys_mlock2,
	.munlock = sys_munlock,
	.mlockall = sys_mlockall,
	.msync = sys_msync,
	.mincore = sys_mincore,
	.pkey_mprotect = sys_pkey_mprotect,
	.remap_file_pages = sys_remap_file_pages,
	.shmat = sys_shmat,
	.setrlimit = early_setrlimit,
	.setrlimit64 = sys_setrlimit64,
	.prlimit = early_prlimit,
	.prlimit64 = sys_prlimit64,
	.chroot = sys_chroot,
	.close = sys_close,
	.close_range = sys_close_range,
	.closefrom = sys_closefrom,
	.dup = sys_dup,
	.dup2 = sys_dup2,
	.dup3 = sys_dup3,
	.fcntl = sys_fcntl,
	.fcntl64 = sys_fcntl,
	.fcntl_time64 = sys_fcntl,
	.open = sys_open,
	.readlink = sys_readlink,
	.fstat = sys_fstat,
	.fstatfs = no_fstatfs,
	.futex = sys_futex,
	.poll = sys_poll,
	.poll_chk = sys_poll_chk,
	.ppoll = sys_ppoll,
	.ppoll_chk = sys_ppoll_chk,
	.ppoll64 = sys_ppoll64,
	.ppoll64_chk = sys_ppoll64_chk,
	.select = sys_select,
	.select64 = sys_select64,
	.pselect = sys_pselect,
	.pselect64 = sys_pselect64,
	.epoll_wait = sys_epoll_wait,
	.epoll_pwait = sys_epoll_pwait,
	.epoll_pwait2 = sys_epoll_pwait2,
	.epoll_pwait2_time64 = sys_epoll_pwait2,
	.sigaction = early_sigaction,
	.signal = early_signal,
	.sysv_signal = early_signal,
	.sigset = early_sigset,
	.sigprocmask = sys_sigmask,
	.pthread_sigmask = sys_pthread_sigmask,
	.prctl = sys_prctl,
	.same_file = sys_same_file,
};
