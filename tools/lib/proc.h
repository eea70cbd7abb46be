/* SPDX-License-Identifier: MIT */
/* What /proc says of a process. */
#ifndef PRIMESHIM_TOOLS_PROC_H
#define PRIMESHIM_TOOLS_PROC_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* The name of the shim's file, in LD_PRELOAD as in a list of mappings. */
#define LIBRARY	"libprimeshim.so"

/* Opens /proc/@pid/@file for reading. NULL, and errno, as fopen(). */
FILE *proc_open(pid_t pid, const char *file);

struct proc_stat {
	pid_t pid, parent;
	unsigned long long start;	/* in clock ticks after boot (proc(5)) */
	unsigned long long cpu;		/* clock ticks that it has run */
	/*
	 * Addresses that exec() chooses, and that fork() leaves as they are. @code is 0 in the
	 * midst of exec() and of exit(), and 1 where the process may not be looked at.
	 */
	unsigned long long code, stack;
	char state;
};

/* False: there is no such process. */
bool proc_stat(pid_t pid, struct proc_stat *to);

/* Is @path, as a mapping has it, a C library's own file? */
bool proc_is_libc(const char *path);

#endif
