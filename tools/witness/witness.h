/* SPDX-License-Identifier: MIT */
/*
 * primeshim witness: looks by /proc at the processes that a command starts, and says of which the
 * shim may have missed the calls. It opens files of /proc and programs, and never a device.
 */
#ifndef PRIMESHIM_TOOLS_WITNESS_H
#define PRIMESHIM_TOOLS_WITNESS_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/proc.h"
#include "status/seen.h"

#define MS UINT64_C(1000000)	/* in nanoseconds */

/* What an exec() changes, and a fork() does not. */
struct program {
	dev_t dev;		/* of the program's file; 0: it may not be looked at */
	ino_t ino;
	unsigned long long code, stack;
};

/* A program: a process from its exec() on. */
struct watched {
	struct proc_stat p;	/* of this look, if @here */
	bool here;		/* the process was there at the last look */
	bool explained;		/* there is nothing more to find out about the program */
	bool entered;		/* the shim is in it */
	struct program program;
	uint64_t since, next;	/* nanoseconds: seen first, and to be looked at again */
	struct seen_process found;
};

/* What all looks have in common. */
struct look {
	struct program launcher;	/* the program that forks the command */
	uid_t owner;		/* of the directory of the status files; -1: there is none */
	uint64_t now;
};

/* Has a library of the process libc's functions where others have the shim's? */
bool bound_past(pid_t pid);

/* The program that is in the process @p now. */
struct program program_of(const struct proc_stat *p);

/* Looks at a program that is not explained yet, or that exec() may have replaced. */
void look_at(struct watched *w, const struct look *l);

#endif
