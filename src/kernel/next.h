/* SPDX-License-Identifier: MIT */
/*
 * The next definition of each libc function that the shim exports: the shim hands calls on to it,
 * so other preloaded objects still see them. Also a few more functions by which the shim reaches
 * the kernel, so all its ways into the kernel are in one place. (The tests put a fake kernel
 * there.) The pointers lead straight to the system calls until next_init() has run, where libc
 * lacks the function, and where the next definition would be the shim's own.
 */
#ifndef PRIMESHIM_NEXT_H
#define PRIMESHIM_NEXT_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* musl's ioctl takes its request as an int, and musl's headers define macros of the names below. */
#ifdef __GLIBC__
typedef unsigned long ioctl_request;
#else
#include <sys/mman.h>
#include <sys/resource.h>
#undef mmap64
#undef setrlimit64
#undef prlimit64
typedef int ioctl_request;
#endif
/* The type of mmap()'s offset without large files; musl's is always 64 bits wide. */
#if defined(__GLIBC__) || defined(__BIONIC__)
typedef long mmap_offset;
#else
typedef int64_t mmap_offset;
#endif

struct stat;
struct statfs;
struct pollfd;

typedef int ioctl_fn(int fd, ioctl_request request, ...);
typedef int sigmask_fn(int how, const sigset_t *set, sigset_t *old);
typedef void handler_fn(int sig);

struct next {
	int (*ioctl)(int fd, ioctl_request request, ...);
	int (*ioctl_time64)(int fd, ioctl_request request, ...);
	void *(*mmap)(void *addr, size_t len, int prot, int flags, int fd, mmap_offset off);
	void *(*mmap64)(void *addr, size_t len, int prot, int flags, int fd, int64_t off);
	int (*munmap)(void *addr, size_t len);
	int (*mprotect)(void *addr, size_t len, int prot);
	void *(*mremap)(void *old, size_t old_len, size_t len, int flags, ...);
	int (*madvise)(void *addr, size_t len, int advice);
	int (*posix_madvise)(void *addr, size_t len, int advice);
	int (*mlock)(const void *addr, size_t len);
	int (*mlock2)(const void *addr, size_t len, unsigned int flags);
	int (*munlock)(const void *addr, size_t len);
	int (*mlockall)(int flags);
	int (*msync)(void *addr, size_t len, int flags);
	int (*mincore)(void *addr, size_t len, unsigned char *to);
	int (*pkey_mprotect)(void *addr, size_t len, int prot, int pkey);
	int (*remap_file_pages)(void *addr, size_t len, int prot, size_t page, int flags);
	void *(*shmat)(int id, const void *addr, int flags);
	/* The limits are the caller's, and handed on. */
	int (*setrlimit)(int resource, const void *limit);
	int (*setrlimit64)(int resource, const void *limit);
	int (*prlimit)(pid_t pid, int resource, const void *limit, void *old);
	int (*prlimit64)(pid_t pid, int resource, const void *limit, void *old);
	int (*chroot)(const char *path);
	int (*close)(int fd);
	int (*close_range)(unsigned int first, unsigned int last, int flags);
	void (*closefrom)(int first);
	int (*dup)(int fd);
	int (*dup2)(int fd, int to);
	int (*dup3)(int fd, int to, int flags);
	int (*fcntl)(int fd, int cmd, ...);
	int (*fcntl64)(int fd, int cmd, ...);
	int (*fcntl_time64)(int fd, int cmd, ...);
	int (*poll)(struct pollfd *fds, unsigned long n, int timeout_ms);
	int (*poll_chk)(struct pollfd *fds, unsigned long n, int timeout_ms, size_t size);
	int (*ppoll)(struct pollfd *fds, unsigned long n, const void *timeout, const void *mask);
	int (*ppoll_chk)(struct pollfd *fds, unsigned long n, const void *timeout,
			 const void *mask, size_t size);
	int (*ppoll64)(struct pollfd *fds, unsigned long n, const void *timeout, const void *mask);
	int (*ppoll64_chk)(struct pollfd *fds, unsigned long n, const void *timeout,
			   const void *mask, size_t size);
	/* The sets, events and times are the caller's, and handed on. */
	int (*select)(int n, void *r, void *w, void *e, void *timeout);
	int (*select64)(int n, void *r, void *w, void *e, void *timeout);
	int (*pselect)(int n, void *r, void *w, void *e, const void *timeout, const void *mask);
	int (*pselect64)(int n, void *r, void *w, void *e, const void *timeout, const void *mask);
	int (*epoll_wait)(int fd, void *events, int n, int timeout_ms);
	int (*epoll_pwait)(int fd, void *events, int n, int timeout_ms, const void *mask);
	int (*epoll_pwait2)(int fd, void *events, int n, const void *timeout, const void *mask);
	int (*epoll_pwait2_time64)(int fd, void *events, int n, const void *timeout,
				   const void *mask);
	int (*sigaction)(int sig, const struct sigaction *act, struct sigaction *old);
	handler_fn *(*signal)(int sig, handler_fn *handler);
	handler_fn *(*sysv_signal)(int sig, handler_fn *handler);
	handler_fn *(*sigset)(int sig, handler_fn *handler);
	sigmask_fn *sigprocmask;
	sigmask_fn *pthread_sigmask;
	int (*prctl)(int option, ...);

	/* Not exported: for the shim's own calls. */
	int (*open)(const char *path, int flags, ...);
	ssize_t (*readlink)(const char *path, char *to, size_t len);
	int (*fstat)(int fd, struct stat *st);	/* libc's fstat64: large files on every machine */
	int (*fstatfs)(int fd, struct statfs *fs);	/* the same of fstatfs64 */
	int (*futex)(uint32_t *word, int op, uint32_t value, const void *timeout, uint32_t *other,
		     uint32_t value3);
	/* kcmp(KCMP_FILE) in process @self: 0 same, 1 less, 2 greater, or -1 and errno. */
	int (*same_file)(pid_t self, int fd, int other);
};

extern struct next next;

void next_init(void);

/* The definition that a program's call of @name reaches, unless it is the shim's; then NULL. */
void *next_before_us(const char *name);

/* next.ioctl for the shim's own code: the result or a negative errno. */
int next_ioctl(int fd, unsigned long request, void *arg);

/* next_ioctl(), repeated on EINTR and EAGAIN as drmIoctl() does: for the shim's own calls. */
int next_ioctl_retry(int fd, unsigned long request, void *arg);

/* 0 and *@out, or a negative errno. */
int next_mmap(void *addr, size_t len, int prot, int flags, int fd, uint64_t off, void **out);

/* Zeroed private memory, or NULL. The caller frees it by next.munmap. */
void *next_pages(size_t len);

#endif
