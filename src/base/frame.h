/* SPDX-License-Identifier: MIT */
/*
 * A frame of a hook on a thread's stack, which signal handlers may interrupt. A handler may leave
 * the frame by a jump, and nobody tells the shim: the thread's next hook has to find out. Or the
 * handler makes that next call itself, and returns to the frame later.
 *
 * A handler's frames lie below the one that it interrupts, or on a stack of its own. After a jump
 * the program may call from below as well. But while a handler runs the thread has its signal
 * blocked, and siglongjmp() has undone that. So a frame is taken to be left
 *
 *   - where the caller is not below it, or far below, nor on an alternate stack; or
 *   - where no more signals are blocked than in the frame, and no handler is set that leaves its
 *     signal open (SA_NODEFER).
 *
 * A handler may unblock its own signal, or reset SA_NODEFER, and then make a call. The shim takes
 * the frame for left, and the handler returns to it later: the owner of the frame bears that.
 *
 * If the program jumps without restoring the mask, or has a handler with SA_NODEFER, the shim sees
 * the jump later: once the thread makes a call from a frame that is not below.
 */
#ifndef PRIMESHIM_FRAME_H
#define PRIMESHIM_FRAME_H

#include <stdbool.h>
#include <stdint.h>

struct frame {
	const char *at;
	uint64_t mask;		/* signals that the program has blocked */
	bool masked;		/* @mask is known */
};

/* @at: __builtin_frame_address(0) */
struct frame frame_noted(const char *at);

/* In a later hook of the same thread. */
bool frame_left(const struct frame *f);

#endif
