/* SPDX-License-Identifier: MIT */
/* Functions that Android's libc has by another name or lacks; elsewhere this header is empty. */
#ifndef PRIMESHIM_BIONIC_H
#define PRIMESHIM_BIONIC_H

#ifdef __BIONIC__
#include <stdlib.h>
#include <sys/auxv.h>

#define program_invocation_short_name	getprogname()

static inline char *secure_getenv(const char *name)
{
	return getauxval(AT_SECURE) ? NULL : getenv(name);
}

/* bionic has no pthread_cancel(): no thread is ever cancelled. */
enum { PTHREAD_CANCEL_DISABLE, PTHREAD_CANCEL_DEFERRED };

static inline int pthread_setcancelstate(int state, int *old)
{
	if (old)
		*old = state;
	return 0;
}

static inline int pthread_setcanceltype(int type, int *old)
{
	if (old)
		*old = type;
	return 0;
}
#endif

#endif
