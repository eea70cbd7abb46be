// SPDX-License-Identifier: MIT
/* Functions that set handlers and masks of signals. */
#include "config.h"

#include <signal.h>
#include <stdbool.h>

#pragma GCC visibility push(hidden)
#include "base/lock.h"
#include "kernel/next.h"
#include "policy/trap.h"
#include "symbols/symbol.h"
#pragma GCC visibility pop

/*
 * The program has set a handler, which may leave by a jump or end the process: from now on no
 * thread holds a lock of the shim when a handler runs (lock.h). Signals of faults cannot wait, and
 * do not count.
 */
static void handled(int sig, handler_fn *handler)
{
	if (handler != SIG_DFL && handler != SIG_IGN && handler != SIG_ERR && sig != SIGSEGV &&
	    sig != SIGBUS && sig != SIGILL && sig != SIGFPE && sig != SIGTRAP && sig != SIGSYS)
		atomic_store_explicit(&lock_blocks_signals, true, memory_order_relaxed);
}

/*
 * The trap changes only calls on SIGSEGV and masks that contain it; without the trap no call
 * changes.
 */
SLOW int trapped_sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct border b;

	return enter(&b) ? leave(&b, trap_sigaction(sig, act, old)) : next.sigaction(sig, act, old);
}

EXPORT(int, sigaction, int sig, const struct sigaction *act, struct sigaction *old)
{
	/* Some programs have the old action written where the new action is. */
	bool swapped = act && act == old && sig > 0 && sig < _NSIG;
	handler_fn *handler = swapped ? act->sa_handler : SIG_DFL;
	int ret = trapping ? trapped_sigaction(sig, act, old) : next.sigaction(sig, act, old);

	/* The kernel has read @act, so the shim can. */
	if (!ret && act)
		handled(sig, swapped ? handler : act->sa_handler);
	return ret;
}

SLOW handler_fn *trapped_signal(int sig, handler_fn *handler, int flags)
{
	const struct sigaction act = { .sa_handler = handler, .sa_flags = flags };
	struct sigaction old;

	return trapped_sigaction(sig, &act, &old) < 0 ? SIG_ERR : old.sa_handler;
}

EXPORT(handler_fn *, signal, int sig, handler_fn *handler)
{
	handled(sig, handler);
	if (!trapping || sig != SIGSEGV)
		return next.signal(sig, handler);
	return trapped_signal(sig, handler, SA_RESTART);
}

ALIAS(handler_fn *, bsd_signal, signal, int sig, handler_fn *handler);
ALIAS(handler_fn *, ssignal, signal, int sig, handler_fn *handler);

EXPORT(handler_fn *, __sysv_signal, int sig, handler_fn *handler)
{
	handled(sig, handler);
	if (!trapping || sig != SIGSEGV)
		return next.sysv_signal(sig, handler);
	return trapped_signal(sig, handler, SA_RESETHAND | SA_NODEFER);
}

ALIAS(handler_fn *, sysv_signal, __sysv_signal, int sig, handler_fn *handler);

/* The trap does not follow sigset(): programs of today use it for SIGCHLD, if at all. */
EXPORT(handler_fn *, sigset, int sig, handler_fn *handler)
{
	if (handler != SIG_HOLD)
		handled(sig, handler);
	return next.sigset(sig, handler);
}

EXPORT(int, sigprocmask, int how, const sigset_t *set, sigset_t *old)
{
	return trapping ? trap_sigmask(next.sigprocmask, how, set, old) :
			  next.sigprocmask(how, set, old);
}

EXPORT(int, pthread_sigmask, int how, const sigset_t *set, sigset_t *old)
{
	return trapping ? trap_sigmask(next.pthread_sigmask, how, set, old) :
			  next.pthread_sigmask(how, set, old);
}

ALIAS(int, __sigaction, sigaction, int sig, const struct sigaction *act, struct sigaction *old);
