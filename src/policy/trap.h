/* SPDX-License-Identifier: MIT */
/*
 * PRIMESHIM_SYNC=trap: catches the SIGSEGV of the first touch of a page that guard.h has made
 * PROT_NONE. Prints the touch on stderr, once for each place in the program. Then it is the CPU's
 * turn, and the program makes the access again.
 *
 * The program keeps its own handler, mask and alternate stack: the kernel has our handler instead
 * of the program's, on the stack and with the mask that the program asked for, and what is not a
 * touch of ours goes on to it. SIGSEGV is never blocked in truth, as the kernel ends a process that
 * faults while it is.
 */
#ifndef PRIMESHIM_TRAP_H
#define PRIMESHIM_TRAP_H

#include <signal.h>
#include <stdbool.h>

#include "kernel/next.h"

/* Are touches caught? Set once, before main(). */
extern bool trapping;

/*
 * @unseen: what the child of a fork that no atfork handler saw has to do first (fork.h). It may
 * touch a page before any call that is hooked.
 */
void trap_init(bool (*unseen)(void));

/* sigaction(2): 0 or a negative errno. */
int trap_sigaction(int sig, const struct sigaction *act, struct sigaction *old);

/* sigprocmask(2) and pthread_sigmask(3), by @native, whose result this returns. */
int trap_sigmask(sigmask_fn *native, int how, const sigset_t *set, sigset_t *old);

/* How many touches there were; at exit. */
void trap_log(void);

#endif
