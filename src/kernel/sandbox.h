/* SPDX-License-Identifier: MIT */
/*
 * Which system calls the shim may make of its own accord. A seccomp filter may kill the process for
 * a call that the program never makes. So under a filter the shim makes only calls of which it is
 * sure, and does without the others.
 *
 *   filter                               calls that the shim makes
 *   none                                 all
 *   the program installs it by           those that this filter allows: the shim runs the filter's
 *   prctl(PR_SET_SECCOMP)                instructions, which are in the argument, for each call
 *   the program may install it unseen    those that a program which imports makes itself: ioctl,
 *   by seccomp(2), having called         mmap, munmap, mprotect, close, fstat, fcntl, poll, futex,
 *   prctl(PR_SET_NO_NEW_PRIVS)           rt_sigprocmask; and write, where the user asked for a log
 *   it was there before exec             also those that start a program or read /proc, which has
 *                                        just worked; and files that the user asked for
 *
 * The shim does not see a filter that is installed by seccomp(2) without that prctl() in this
 * process, as with CAP_SYS_ADMIN. A call that a filter forbids to one thread is made by no thread.
 */
#ifndef PRIMESHIM_SANDBOX_H
#define PRIMESHIM_SANDBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct stat;

/*
 * The calls, each with what the shim does without it. The shim needs one of the first two, or both
 * where a long has 32 bits.
 */
enum sandbox_call {
	MAY_FSTAT = 1 << 0,
	MAY_FSTATAT = 1 << 1,
	MAY_RECORD = 1 << 2,		/* for all records: without it every call is native */
	MAY_SYNC = 1 << 3,		/* DMA_BUF_IOCTL_SYNC: no brackets */
	MAY_DUPFD = 1 << 4,		/* F_DUPFD_CLOEXEC: no private descriptor, no bracket */
	MAY_POLL = 1 << 5,		/* every buffer counts as busy */
	MAY_FUTEX = 1 << 6,		/* memory counts as unreadable */
	MAY_WRITE = 1 << 7,		/* no log on stderr */
	MAY_FILES = 1 << 8,		/* no log in a file, no status file */
	MAY_PROC = 1 << 9,		/* open and read in /proc: exporters stay unknown */
	MAY_GETPID = 1 << 10,		/* a child of vfork() counts as its parent */
	MAY_MADVISE = 1 << 11,		/* so does a raw clone()'s child; unused memory stays */
	MAY_CLOCK = 1 << 12,		/* clock_gettime() without the vDSO: no times */
	MAY_SIGPROCMASK = 1 << 13,	/* a handler may interrupt the holder of a lock; no log */
	MAY_KCMP = 1 << 14,		/* unseen duplicates count as other files */
	MAY_MSYNC = 1 << 15,		/* a recorded mapping counts as still there */
	MAY_NOREPLACE = 1 << 16,	/* MAP_FIXED_NOREPLACE: the address is a hint */
	MAY_SIGPENDING = 1 << 17,	/* no log where a signal is blocked */
	MAY_SEND = 1 << 18,		/* send(): the log writes to a socket by write() */
	MAY_PROTECT = 1 << 19,		/* mprotect(): tables lie where the kernel puts them */
	MAY_GETFL = 1 << 20,		/* fcntl() that asks: a descriptor counts as writable */
	MAY_ALTSTACK = 1 << 21,		/* sigaltstack(): handlers count as being on the stack */
	MAY_FENCE = 1 << 22,		/* SYNC_IOC_FILE_INFO: any file may be a fence */
	MAY_ALL = (1 << 23) - 1,
};

/*
 * Calls that a program which imports makes itself (MAY_WRITE is used where the user asked for a
 * log), and the others.
 */
#define MAY_SURE	(MAY_FSTAT | MAY_FSTATAT | MAY_RECORD | MAY_SYNC | MAY_DUPFD | MAY_GETFL | \
			 MAY_POLL | MAY_FUTEX | MAY_SIGPROCMASK | MAY_PROTECT | MAY_WRITE)
#define MAY_UNSURE	(MAY_ALL & ~MAY_SURE)

/*
 * Relaxed: a filter is in force for the thread that installs it, and that thread wrote these words.
 */
extern atomic_uint sandbox_refused;	/* by a known filter */
extern atomic_uint sandbox_unsure;	/* by a filter that may have been installed */

static inline bool sandbox_may(enum sandbox_call call)
{
	return !((atomic_load_explicit(&sandbox_refused, memory_order_relaxed) |
		  atomic_load_explicit(&sandbox_unsure, memory_order_relaxed)) & call);
}

/* Is no filter known, nor announced? */
static inline bool sandbox_none(void)
{
	return !(atomic_load_explicit(&sandbox_refused, memory_order_relaxed) |
		 atomic_load_explicit(&sandbox_unsure, memory_order_relaxed));
}

/*
 * Asks the kernel for filters from before. record.c calls it before it records the first file;
 * until then the shim makes only calls that a program which imports makes. True where filters were
 * found that were not known. The caller holds no lock.
 */
bool sandbox_ask(void);

/*
 * Was a filter announced (PR_SET_NO_NEW_PRIVS), and then installed by seccomp(2), which the shim
 * does not see? To be asked right before a PR_SET_SECCOMP of the program's, since prctl() is
 * allowed then.
 */
bool sandbox_unseen(void);

/*
 * The program's prctl(@option, @arg, @program) has succeeded; @option is PR_SET_NO_NEW_PRIVS or
 * PR_SET_SECCOMP. @unseen: the answer of sandbox_unseen() before the call.
 */
void sandbox_prctl(int option, unsigned long arg, const void *program, bool unseen);

/*
 * @call has failed with @err (positive): after EPERM, EACCES or ENOSYS the shim does not make the
 * call again. Any other errno changes nothing.
 */
void sandbox_failed(enum sandbox_call call, int err);

/* The calls that the shim does without, for a person: "kcmp, msync". "" where it may make all. */
const char *sandbox_lacks(char *text, size_t len);

/* The process's number; 0 where it is neither known nor can be asked for. */
pid_t sandbox_pid(void);

/* In the child of a fork(): forgets the parent's number. */
void sandbox_forked(void);

/* fstat() by a system call that the filters allow. 0, or -1 and errno. */
int sandbox_fstat(int fd, struct stat *st);

#endif
