/* SPDX-License-Identifier: MIT */
/*
 * The shim linked into a test over the fake kernel, with entry points named shim_*(): for fuzz.c
 * and faults.c. Faults are armed here, so that they stay within what a real kernel may do.
 */
#ifndef PRIMESHIM_LINKED_H
#define PRIMESHIM_LINKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake/fake.h"
#include "kernel/next.h"

int shim_ioctl(int fd, ioctl_request request, void *arg);
void *shim_mmap64(void *addr, size_t len, int prot, int flags, int fd, int64_t off);
int shim_munmap(void *addr, size_t len);
void *shim_mremap(void *old, size_t old_len, size_t len, int flags, void *to);
int shim_close(int fd);
int shim_close_range(unsigned int first, unsigned int last, int flags);
void shim_closefrom(int first);
int shim_dup(int fd);
int shim_dup2(int fd, int to);
int shim_dup3(int fd, int to, int flags);
int shim_fcntl(int fd, int cmd, void *arg);
struct sigaction;
int shim_poll(struct pollfd *fds, unsigned long n, int timeout_ms);
int shim_sigaction(int sig, const struct sigaction *act, struct sigaction *old);

/* To be called first. From then on the shim's way leads to the fake kernel. */
void linked_start(void);

/*
 * fake_fault(), with the @nth call that the shim makes from now on, the program's passed-on call
 * among them, and with what Linux does differently from "fails without having done anything": a
 * close() that fails has closed; anonymous memory raises no SIGBUS. While @kcmp is false, kcmp is
 * not told that it is forbidden, which the shim would remember for the rest of the process.
 */
void linked_fault(enum fake_call call, unsigned int nth, int err, bool kcmp);

/* The errno (or -SIGBUS) if it has struck, else 0. */
int linked_struck(void);

/* The same, and disarm it. */
int linked_fault_clear(void);

/*
 * Was it a munmap(), or memory for the shim's own records, that the last fault struck? Then
 * something may be left mapped.
 */
bool linked_littered(void);

#endif
