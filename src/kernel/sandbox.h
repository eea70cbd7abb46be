/* SPDX-License-Identifier: MIT */
/*
 * Which system calls the shim may make of its own accord. A seccomp filter may kill the process for
 * a call that the program never makes, so under a filter the shim makes only those of which it is
 * sure, and does without the others.
 *
 *   no filter                            all of them
 *   one that the program installs by     those that this filter allows, as its instructions, which
 *   prctl(PR_SET_SECCOMP)                are in the argument, say for each of them
 *   one that the program may install     what a program that imports makes itself: ioctl, mmap,
 *   unseen, by seccomp(2): it calls      munmap, mprotect, close, fstat, fcntl, poll, futex,
 *   prctl(PR_SET_NO_NEW_PRIVS) before    rt_sigprocmask; and write, where a log was asked for
 *   one that was there before exec       also what it takes to start a program, or to read /proc,
 *                                        which has just worked; and files that were asked for
 *
 * What is not seen: a filter by seccomp(2) without that prctl() in this process, as with
 * CAP_SYS_ADMIN. What a thread may not do no thread does here.
 */
#ifndef PRIMESHIM_SANDBOX_H
#define PRIMESHIM_SANDBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct stat;

/* What the shim does without where it may not; of the first it needs one. */
enum sandbox_call {
	MAY_FSTAT = 1 << 0,
	MAY_FSTATAT = 1 << 1,
	MAY_RECORD = 1 << 2,		/* what all records need: without it every call is native */
	MAY_SYNC = 1 << 3,		/* DMA_BUF_IOCTL_SYNC: no brackets */
	MAY_DUPFD = 1 << 4,		/* F_DUPFD_CLOEXEC: none that need a private descriptor */
	MAY_POLL = 1 << 5,		/* a buffer is taken for busy */
	MAY_FUTEX = 1 << 6,		/* memory is taken for unreadable */
	MAY_WRITE = 1 << 7,		/* no log on stderr */
	MAY_FILES = 1 << 8,		/* no log in a file, no shared page */
	MAY_PROC = 1 << 9,		/* open and read in /proc: exporters are not known */
	MAY_GETPID = 1 << 10,		/* a child of vfork() is not told from its parent */
	MAY_MADVISE = 1 << 11,		/* nor that of a raw clone(); memory is not given back */
	MAY_CLOCK = 1 << 12,		/* clock_gettime() without the vDSO: no times */
	MAY_SIGPROCMASK = 1 << 13,	/* handlers may interrupt a holder of a lock; no log */
	MAY_KCMP = 1 << 14,		/* duplicates made unseen are other files */
	MAY_MSYNC = 1 << 15,		/* what was mapped is taken for mapped still */
	MAY_NOREPLACE = 1 << 16,	/* MAP_FIXED_NOREPLACE: the address is a hint */
	MAY_SIGPENDING = 1 << 17,	/* no log where a signal is blocked */
	MAY_SEND = 1 << 18,		/* send(): a socket is written to */
	MAY_PROTECT = 1 << 19,		/* mprotect(): tables lie where the kernel puts them */
	MAY_GETFL = 1 << 20,		/* fcntl() that asks: a descriptor is taken for writable */
	MAY_ALTSTACK = 1 << 21,		/* sigaltstack(): handlers are taken to be on the stack */
	MAY_ALL = (1 << 22) - 1,
};

/* Relaxed: what comes is in force for the thread that it comes from, which wrote these itself. */
extern atomic_uint sandbox_refused;	/* by a filter that is known */
extern atomic_uint sandbox_unsure;	/* by one that may have come */

static inline bool sandbox_may(enum sandbox_call call)
{
	return !((atomic_load_explicit(&sandbox_refused, memory_order_relaxed) |
		  atomic_load_explicit(&sandbox_unsure, memory_order_relaxed)) & call);
}

/*
 * Is there a filter already? Asked before the first file is recorded: until then the shim calls
 * only what a program that imports calls. True if that was news. Not with a lock held.
 */
bool sandbox_ask(void);

/*
 * Has a filter been announced, and come by seccomp(2), which the shim does not see? Right before a
 * PR_SET_SECCOMP of the program's, as prctl() may be made then.
 */
bool sandbox_unseen(void);

/*
 * prctl(@option, @arg, @program), of PR_SET_NO_NEW_PRIVS or PR_SET_SECCOMP, has succeeded; @unseen
 * is what sandbox_unseen() said before.
 */
void sandbox_prctl(int option, unsigned long arg, const void *program, bool unseen);

/* A call has failed with EPERM, EACCES or ENOSYS: it is not made again. Any other is nothing. */
void sandbox_failed(enum sandbox_call call, int err);

/* What is done without, for a person: "kcmp, msync"; "" where that is nothing. */
const char *sandbox_lacks(char *text, size_t len);

/* This process's number; 0 where it is not known and cannot be asked. */
pid_t sandbox_pid(void);

/* In the child of a fork(). */
void sandbox_forked(void);

/* fstat() by a system call that is allowed. */
int sandbox_fstat(int fd, struct stat *st);

#endif
