/* SPDX-License-Identifier: MIT */
/* Ways to make a child, which run none, some or all of libc's atfork handlers. */
#ifndef PRIMESHIM_TESTS_CHILD_H
#define PRIMESHIM_TESTS_CHILD_H

#include <stdint.h>
#include <sys/types.h>

/* As fork(), by the system call itself: libc knows nothing of it. */
pid_t child_by_clone(void);

/* 0: fork(); 1: _Fork(), where the C library has it, or fork(); 2: child_by_clone(). */
pid_t child_of(int how);

/* The CPU time that @pid has had, in ns; 0 where there is no such process. */
uint64_t child_worked(pid_t pid);

#endif
