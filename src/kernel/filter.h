/* SPDX-License-Identifier: MIT */
/*
 * Runs a seccomp filter's instructions for each system call that the shim may make, with the
 * arguments that the shim passes. Takes no lock, makes no system call.
 */
#ifndef PRIMESHIM_FILTER_H
#define PRIMESHIM_FILTER_H

struct sock_fprog;

/*
 * The calls (enum sandbox_call) that the filter does not plainly allow. A filter that answers with
 * an errno refuses, too. MAY_UNSURE on a machine whose calls this file does not know.
 */
unsigned int filter_refuses(const struct sock_fprog *p);

#endif
