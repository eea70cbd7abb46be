// SPDX-License-Identifier: MIT
/* Has a jump left a frame? See frame.h. */
#include "config.h"

#include <signal.h>
#include <stddef.h>

#include "frame.h"
#include "kernel/next.h"
#include "kernel/sandbox.h"
#include "lock.h"

/* A handler's frame is taken to be no further down the stack than this. */
#define DEEPEST	65536

struct frame frame_noted(const char *at)
{
	struct frame f = { .at = at };

	f.masked = signals_mask(&f.mask);
	return f;
}

static bool on_other_stack(void)
{
	stack_t alternate;

	return sandbox_may(MAY_ALTSTACK) && !sigaltstack(NULL, &alternate) &&
	       alternate.ss_flags & SS_ONSTACK;
}

/* Is there a handler that may run with its signal open? True where the kernel cannot be asked. */
static bool any_open_handler(void)
{
	struct sigaction act;

	if (!sandbox_none())
		return true;
	/*
	 * The signals of faults come from what the thread does, not during a system call. With
	 * SA_RESETHAND the handler is SIG_DFL while it runs, and the flags stay.
	 */
	for (int sig = 1; sig < _NSIG; sig++)
		if (sig != SIGSEGV && sig != SIGBUS && sig != SIGILL && sig != SIGFPE &&
		    sig != SIGTRAP && !next.sigaction(sig, NULL, &act) &&
		    act.sa_flags & SA_NODEFER)
			return true;
	return false;
}

bool frame_left(const struct frame *f)
{
	const char *here = __builtin_frame_address(0);
	uint64_t now;

	if (!(here < f->at && f->at - here < DEEPEST) && !on_other_stack())
		return true;
	return f->masked && signals_mask(&now) && (now == f->mask || f->mask & ~now) &&
	       !any_open_handler();
}
