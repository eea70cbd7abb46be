// SPDX-License-Identifier: MIT
/* What a holder of our locks has to have; see lock.h. */
#include "config.h"

#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lock.h"

__thread volatile sig_atomic_t locks_held;
bool lock_blocks_signals;

/* The mask as the kernel has it: _NSIG / 8 bytes. */
static __thread uint64_t mask;

void lock_signals_block(void)
{
	const uint64_t all = ~UINT64_C(0);
	uint64_t was;

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &was, sizeof(was));
	mask = was;
}

void lock_signals_restore(void)
{
	const uint64_t was = mask;

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &was, NULL, sizeof(was));
}
