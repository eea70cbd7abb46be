/* SPDX-License-Identifier: MIT */
/* What happens around a prctl() that may install or announce a seccomp filter. */
#ifndef PRIMESHIM_PRCTL_HOOK_H
#define PRIMESHIM_PRCTL_HOOK_H

#include <stdbool.h>
#include <sys/prctl.h>

#include "kernel/compat.h"

static inline bool prctl_watched(int option)
{
	return option == PR_SET_SECCOMP || option == PR_SET_NO_NEW_PRIVS;
}

/* Makes the call. 0 or a negative errno. */
int prctl_hook(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);

#endif
