// SPDX-License-Identifier: MIT
/* Finds the next definitions; see next.h. early.c has what "next" holds before. */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "dlsym.h"
#include "next.h"

/*
 * A later entry of the same slot is preferred. A function that an older libc lacks stays a system
 * call.
 */
static const struct {
	void *slot;
	const char *name;
} names[] = {
	{ &next.ioctl, "ioctl" },
	{ &next.mmap, "mmap" },
#if __SIZEOF_LONG__ == 8
	{ &next.mmap64, "mmap" },
#endif
	{ &next.mmap64, "mmap64" },
	{ &next.munmap, "munmap" },
	{ &next.mprotect, "mprotect" },
	{ &next.mremap, "mremap" },
	{ &next.madvise, "madvise" },
	{ &next.posix_madvise, "posix_madvise" },
	{ &next.mlock, "mlock" },
	{ &next.mlock2, "mlock2" },
	{ &next.munlock, "munlock" },
	{ &next.mlockall, "mlockall" },
	{ &next.msync, "msync" },
	{ &next.mincore, "mincore" },
	{ &next.pkey_mprotect, "pkey_mprotect" },
	{ &next.remap_file_pages, "remap_file_pages" },
	{ &next.shmat, "shmat" },
	{ &next.setrlimit, "setrlimit" },
	{ &next.setrlimit64, "setrlimit64" },
	{ &next.prlimit, "prlimit" },
	{ &next.prlimit64, "prlimit64" },
	{ &next.chroot, "chroot" },
	{ &next.close, "close" },
	{ &next.close_range, "close_range" },
	{ &next.closefrom, "closefrom" },
	{ &next.dup, "dup" },
	{ &next.dup2, "dup2" },
	{ &next.dup3, "dup3" },
	{ &next.fcntl, "fcntl" },
	{ &next.fcntl64, "fcntl" },
	{ &next.fcntl64, "fcntl64" },
	{ &next.open, "open" },
	{ &next.readlink, "readlink" },
	{ &next.fstat, sizeof(long) == 8 ? "fstat" : "fstat64" },
	{ &next.fstatfs, sizeof(long) == 8 ? "fstatfs" : "fstatfs64" },
	{ &next.poll, "poll" },
	{ &next.poll_chk, "__poll_chk" },
	{ &next.ppoll, "ppoll" },
	{ &next.ppoll_chk, "__ppoll_chk" },
	{ &next.select, "select" },
	{ &next.pselect, "pselect" },
	{ &next.epoll_wait, "epoll_wait" },
	{ &next.epoll_pwait, "epoll_pwait" },
	{ &next.epoll_pwait2, "epoll_pwait2" },
	{ &next.sigaction, "sigaction" },
	{ &next.signal, "signal" },
	{ &next.sysv_signal, "__sysv_signal" },
	{ &next.sigset, "sigset" },
	{ &next.sigprocmask, "sigprocmask" },
	{ &next.pthread_sigmask, "pthread_sigmask" },
	{ &next.prctl, "prctl" },
	/* Looked up only where they can exist: a name that is not found costs libc a malloc(). */
#if __SIZEOF_LONG__ == 4
	{ &next.ioctl_time64, "ioctl" },
	{ &next.ioctl_time64, "__ioctl_time64" },
	{ &next.fcntl_time64, "fcntl" },
	{ &next.fcntl_time64, "__fcntl_time64" },
	{ &next.ppoll64_chk, "__ppoll64_chk" },
#ifdef __GLIBC__
	{ &next.ppoll64, "__ppoll64" },
	{ &next.select64, "__select64" },
	{ &next.pselect64, "__pselect64" },
	{ &next.epoll_pwait2_time64, "__epoll_pwait2_time64" },
#else
	{ &next.ppoll64, "__ppoll_time64" },	/* musl */
	{ &next.select64, "__select_time64" },
	{ &next.pselect64, "__pselect_time64" },
	{ &next.fstat, "__fstat_time64" },
	{ &next.fstatfs, "fstatfs" },
#endif
#endif
};

/* The bounds of this object in memory, defined by the linker. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

static bool our_own(const void *sym)
{
	return (const char *)sym >= __ehdr_start && (const char *)sym < _end;
}

void next_init(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		void *sym = dlsym(RTLD_NEXT, names[i].name);

		if (sym && !our_own(sym))
			*(void **)names[i].slot = sym;
	}
}

void *next_before_us(const char *name)
{
	void *sym = dlsym(RTLD_DEFAULT, name);

	return our_own(sym) ? NULL : sym;
}

int next_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = next.ioctl(fd, request, arg);

	return ret == -1 ? -errno : ret;
}

int next_ioctl_retry(int fd, unsigned long request, void *arg)
{
	int ret;

	do
		ret = next_ioctl(fd, request, arg);
	while (ret == -EINTR || ret == -EAGAIN);
	return ret;
}

int next_mmap(void *addr, size_t len, int prot, int flags, int fd, uint64_t off, void **out)
{
	void *p = next.mmap64(addr, len, prot, flags, fd, off);

	if (p == MAP_FAILED)
		return -errno;
	*out = p;
	return 0;
}

void *next_pages(size_t len)
{
	void *p = NULL;

	next_mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, &p);
	return p;
}
