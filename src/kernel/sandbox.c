// SPDX-License-Identifier: MIT
/* Which system calls the shim may make under a seccomp filter; see sandbox.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/seccomp.h>

#include "compat.h"
#include "filter.h"
#include "next.h"
#include "sandbox.h"

/* Calls that neither the start of a program nor a feature that the user asked for needs. */
#define UNUSUAL	(MAY_KCMP | MAY_MSYNC | MAY_NOREPLACE | MAY_ALTSTACK | MAY_FENCE)

atomic_uint sandbox_refused, sandbox_unsure;

static atomic_bool asked;
static atomic_uint filters;	/* that the shim saw being installed */
static _Atomic(pid_t) pid;	/* of this process, once it was asked for; else 0 */

static const struct {
	unsigned int may;
	const char *name;
} names[] = {
	{ MAY_SYNC | MAY_DUPFD, "brackets" }, { MAY_POLL, "poll" }, { MAY_FUTEX, "futex" },
	{ MAY_FILES, "files" }, { MAY_PROC, "/proc" }, { MAY_GETPID, "getpid" },
	{ MAY_KCMP, "kcmp" }, { MAY_MSYNC, "msync" },
};

static void refuse(unsigned int calls)
{
	const unsigned int both = MAY_FSTAT | MAY_FSTATAT;
	unsigned int now = atomic_fetch_or(&sandbox_refused, calls) | calls;

	/*
	 * Where a long has 32 bits, libc's struct stat is not the kernel's and libc makes the call:
	 * which of the two is unknown, so both are needed.
	 */
	if (sizeof(long) == 4 ? now & both : (now & both) == both)
		atomic_fetch_or(&sandbox_refused, MAY_RECORD);
}

bool sandbox_unseen(void)
{
	int mode;

	if (atomic_load(&sandbox_unsure) != MAY_UNSURE)
		return false;
	mode = next.prctl(PR_GET_SECCOMP, 0UL, 0UL, 0UL, 0UL);
	/* EINVAL: the kernel has no filters. Any other errno is a filter's answer. */
	return mode < 0 ? errno != EINVAL : mode > 0;
}

void sandbox_prctl(int option, unsigned long arg, const void *program, bool unseen)
{
	if (option == PR_SET_NO_NEW_PRIVS) {
		/*
		 * A program that has installed one filter by prctl() will install the next by
		 * prctl(), too.
		 */
		if (!atomic_load(&filters))
			atomic_store(&sandbox_unsure, MAY_UNSURE);
	} else if (arg == SECCOMP_MODE_FILTER) {
		refuse(filter_refuses(program));
		atomic_fetch_add(&filters, 1);
		if (!unseen)
			atomic_store(&sandbox_unsure, 0);
	} else {
		refuse(MAY_ALL);
	}
}

void sandbox_failed(enum sandbox_call call, int err)
{
	if (err == EPERM || err == EACCES || err == ENOSYS)
		refuse(call);
}

/* The number after @key (a line's end and the line's name), or -1 where @key is missing. */
static long number(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

enum known { FREE, FILTERED, NOT_NOW };

/*
 * Are there filters that the shim has not seen? The shim opens and reads a file, as ld.so has done:
 * no earlier filter kills for that, and one may well kill for prctl(). Without /proc the answer is
 * yes.
 */
static enum known read_status(void)
{
	int fd = next.open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	char text[2048];
	ssize_t n;
	long count;

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EINTR ?
		       NOT_NOW : FILTERED;
	n = read(fd, text, sizeof(text) - 1);
	next.close(fd);
	if (n <= 0)
		return FILTERED;
	text[n] = '\0';
	if (number(text, "\nPid:") > 0)
		atomic_store(&pid, number(text, "\nPid:"));
	/*
	 * The kernel writes the line since 3.8, if it has filters at all, and the count since 5.9.
	 */
	if (number(text, "\nSeccomp:") <= 0 && n < (ssize_t)sizeof(text) - 1)
		return FREE;
	count = number(text, "\nSeccomp_filters:");
	return count >= 0 && count <= (long)atomic_load(&filters) ? FREE : FILTERED;
}

bool sandbox_ask(void)
{
	unsigned int none = 0, unusual = UNUSUAL;
	enum known known;

	if (atomic_load_explicit(&asked, memory_order_relaxed) ||
	    atomic_load(&sandbox_unsure) == MAY_UNSURE)
		return false;
	known = sandbox_may(MAY_PROC) ? read_status() : FILTERED;
	if (known == NOT_NOW) {
		atomic_compare_exchange_strong(&sandbox_unsure, &none, UNUSUAL);
		return false;
	}
	atomic_store_explicit(&asked, true, memory_order_relaxed);
	if (known == FILTERED)
		refuse(UNUSUAL);
	atomic_compare_exchange_strong(&sandbox_unsure, &unusual, 0);
	return known == FILTERED;
}

const char *sandbox_lacks(char *text, size_t len)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && at < len; i++)
		if (!sandbox_may(names[i].may))
			at += snprintf(text + at, len - at, "%s%s", at ? ", " : "", names[i].name);
	return text;
}

pid_t sandbox_pid(void)
{
	pid_t now = sandbox_may(MAY_GETPID) ? getpid() : 0;

	/* The errno may be the answer of a filter that the shim has not seen. */
	if (now <= 0)
		return atomic_load(&pid);
	if (atomic_load_explicit(&pid, memory_order_relaxed) != now)
		atomic_store(&pid, now);
	return now;
}

void sandbox_forked(void)
{
	atomic_store(&pid, 0);
}

int sandbox_fstat(int fd, struct stat *st)
{
	if (sandbox_may(MAY_FSTAT | MAY_FSTATAT))
		return next.fstat(fd, st);
#if __SIZEOF_LONG__ == 8 && defined(SYS_fstat) && defined(SYS_newfstatat)
	if (sandbox_may(MAY_FSTAT))
		return syscall(SYS_fstat, fd, st);
	if (sandbox_may(MAY_FSTATAT))
		return syscall(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH);
#endif
	errno = EPERM;
	return -1;
}
