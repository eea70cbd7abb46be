/* SPDX-License-Identifier: MIT */
/*
 * For safety.c with the shim linked into it, as sanitizers need it: comes before each of its files.
 * The program calls the shim by the names of linked.h.
 */
#ifndef PRIMESHIM_SAFETY_LINKED_H
#define PRIMESHIM_SAFETY_LINKED_H

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

void linked_start(void);
int fake_open(const char *path, int flags, ...);
int shim_ioctl(int fd, unsigned long request, void *arg);
void *shim_mmap64(void *addr, size_t len, int prot, int flags, int fd, int64_t off);
int shim_munmap(void *addr, size_t len);
int shim_close(int fd);
int shim_dup(int fd);
int shim_dup2(int fd, int to);
int shim_dup3(int fd, int to, int flags);
int shim_fcntl(int fd, int cmd, void *arg);
int shim_sigaction(int sig, const struct sigaction *act, struct sigaction *old);

#define FIRST_OF(first, ...)		(first)
#define open(...)			fake_open(__VA_ARGS__)
#define ioctl(fd, request, arg)		shim_ioctl(fd, request, arg)
#define mmap(...)			shim_mmap64(__VA_ARGS__)
#define munmap(addr, len)		shim_munmap(addr, len)
#define close(fd)			shim_close(fd)
#define dup(fd)				shim_dup(fd)
#define dup2(fd, to)			shim_dup2(fd, to)
#define dup3(fd, to, flags)		shim_dup3(fd, to, flags)
#define fcntl(fd, ...)			linked_fcntl(fd, __VA_ARGS__, 0)
#define linked_fcntl(fd, cmd, ...)	\
	shim_fcntl(fd, cmd, (void *)(uintptr_t)FIRST_OF(__VA_ARGS__, 0))
#define sigaction(sig, act, old)	shim_sigaction(sig, act, old)

#endif
