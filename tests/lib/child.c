// SPDX-License-Identifier: MIT
/* Ways to make a child; see child.h. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "child.h"

/* Not in every C library. */
extern pid_t _Fork(void) __attribute__((weak));

pid_t child_by_clone(void)
{
#ifdef __s390__
	return syscall(SYS_clone, 0, SIGCHLD, 0, 0, 0);
#else
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
}

pid_t child_of(int how)
{
	if (how == 1 && _Fork)
		return _Fork();
	return how == 2 ? child_by_clone() : fork();
}

uint64_t child_worked(pid_t pid)
{
	struct timespec t = { 0 };
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t) ? 0 :
	       (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
