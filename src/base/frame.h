/* SPDX-License-Identifier: MIT */
/*
 * A frame on a thread's stack, amid a hook, in which signal handlers may run. A handler may leave
 * it by a jump, and nobody tells: the thread's next hook has to find out. Or the handler makes that
 * call itself, and returns later.
 *
 * A handler's frames lie below the one that it interrupts, or on a stack of its own. After a jump
 * the program may call from below as well. But while a handler runs the thread has its signal
 * blocked, and siglongjmp() has undone that. So a frame is taken to be left
 *
 *   - where the caller is not below it, or far below, nor on an alternate stack; or
 *   - where no more signals are blocked than in the frame, and no handler is set that leaves its
 *     signal open (SA_NODEFER).
 *
 * A handler that unblocks its own signal, or resets SA_NODEFER, and then makes a call, has its
 * thread's frame taken for left, though the handler returns later: the frame's owner bears that.
 *
 * It is not found out at once if the program jumps without restoring the mask, or if it has such a
 * handler: then once the thread makes a call from a frame that is not below.
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
