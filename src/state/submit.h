/* SPDX-License-Identifier: MIT */
/*
 * The submits that are under way. Between the END before a submit and the fence that the kernel
 * adds in it nobody but this table says that a device is given the buffer.
 *
 * All functions: with buffers_lock() held.
 */
#ifndef PRIMESHIM_SUBMIT_H
#define PRIMESHIM_SUBMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/frame.h"

struct file;

extern unsigned int submits_open;	/* how many are under way */

/* Is one with @serial, or one of @f? */
bool submit_find(uint32_t serial, const struct file *f);

/* A submit; the caller keeps it. */
struct submit {
	struct file *file;
	uint32_t serial;	/* never 0 */
};

/* The submit that this thread is at. A signal handler may leave it by a jump. */
extern __thread struct submit_mine {
	uint32_t serial;	/* 0: none */
	struct frame frame;
} submit_mine;

void submit_begin(struct submit *s, struct file *f);

/* The call has returned, whatever it has returned. */
void submit_end(const struct submit *s);

/*
 * Is the submit with that serial under way (0: no)? One that has been for longer than a second is
 * held to be over: the thread may have ended during it.
 */
static inline bool submit_open(uint32_t serial)
{
	return submits_open && submit_find(serial, NULL);
}

/* Is one of @f? */
static inline bool submit_open_of(const struct file *f)
{
	return submits_open && submit_find(0, f);
}

/* In the child of a fork(): none is. */
void submits_forked(void);

#endif
