/* SPDX-License-Identifier: MIT */
/*
 * primeshim witness: looks by /proc at the processes that a command starts, and says of which the
 * shim may have missed the calls. It opens files of /proc and programs, and never a device.
 */
#ifndef PRIMESHIM_TOOLS_WITNESS_H
#define PRIMESHIM_TOOLS_WITNESS_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "status/seen.h"

#define MS UINT64_C(1000000)	/* in nanoseconds */

/* A program: a process from its exec() on. */
struct watched {
	pid_t pid;
	uint64_t start;		/* of the process, as /proc/PID/stat has it */
	bool here;		/* the process was there at the last look */
	bool explained;		/* there is nothing more to find out about the program */
	bool entered;		/* the shim is in it */
	dev_t dev;		/* of the program's file */
	ino_t ino;
	uint64_t since, next;	/* nanoseconds: seen first, and to be looked at again */
	struct seen_process found;
};

/* What all looks have in common. */
struct look {
	struct stat launcher;	/* the file of the program that forks the command */
	uid_t owner;		/* of the directory of the status files; -1: there is none */
	uint64_t now;
	bool once;		/* there is no second look */
};

/* Has a library of the process libc's functions where others have the shim's? */
bool bound_past(pid_t pid);

/* Looks at a program that is not explained yet, or that exec() may have replaced. */
void look_at(struct watched *w, const struct look *l);

#endif
