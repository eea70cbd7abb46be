/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is with a mapped buffer, the CPU's or a device's. This table says it all, and
 * turn_step() looks it up. The function makes no call; policy/settle.c makes those that the table
 * asks for.
 *
 * The kernel has an open bracket in TURN_CPU and in no other state. A cell names the next state,
 * and what the shim does:
 *
 *   event     | NONE     CPU          CPU_LATER    DEVICE_READS     DEVICE
 *   ----------+-------------------------------------------------------------------
 *   ON_MAP    | LATER S  CPU s        LATER S      LATER S          LATER S
 *   ON_BEGIN  | LATER S  CPU          LATER S      LATER S          LATER S
 *   ON_TOUCH  | NONE     CPU          LATER S      LATER S          LATER S
 *   ON_FENCE  | NONE     CPU ES(3)    LATER S      READS eS(1,4)    DEVICE S
 *   ON_WAIT   | NONE     CPU          LATER S      READS eS(1,4)    DEVICE S
 *   ON_BEGUN  | NONE     CPU          CPU          CPU              CPU
 *   ON_BUSY   | NONE     LATER        LATER        READS            DEVICE
 *   ON_END    | NONE     READS E      DEVICE       READS e(1)       DEVICE
 *   ON_READ   | NONE     READS E      DEVICE       READS e(1)       DEVICE
 *   ON_WRITE  | NONE     DEVICE E     DEVICE       DEVICE e(1)      DEVICE
 *   ON_UNMAP  | NONE     NONE E       NONE         NONE e(1,4)      NONE
 *   ON_FORK   | NONE     LATER        LATER        DEVICE           DEVICE
 *
 *   S  START. ON_BEGUN follows, or ON_BUSY where the shim leaves the START out, as it would have to
 *      wait. Until then it is not the CPU's turn.
 *   s  one more START in the open bracket; not with (2).
 *   E  END.
 *   e  one more END: the program may have written since the last END, without telling anybody, and
 *      no device has. Not with (2).
 *   eS both; and neither where the program may have written and there is no e, as the START would
 *      undo what the program has written. But with (2) ON_FENCE has the START alone: without it
 *      what the program writes from now on would get no END.
 *   (1) where a mapping was writable since the last END, and the program did not tell the driver of
 *       that end: a program that tells of its ends does not write after them.
 *   (2) exporters that count brackets (QUIRK_COUNTS) get one END for each START.
 *   (3) where the last hand-over was doubtful: the submit had no list, or was still under way. One
 *       wait proves nothing of this buffer then. So each fence begins the buffer again, while there
 *       is work that the program has not waited for. The END is for what the CPU has written if it
 *       was the CPU's turn indeed.
 *   (4) where the program has not exported the buffer since: nobody tells the shim whether another
 *       process writes it.
 *
 * ON_FENCE is a wait for a device's work, and ON_WAIT one that may have been for anything. Either
 * may be for other work than the buffer's, and come while the program writes without telling
 * anybody. So in DEVICE_READS an END precedes its START. In CPU_LATER and DEVICE the shim makes no
 * END: a device may have written, and the END would write stale lines over that. For the same
 * reason DEVICE_READS never follows CPU_LATER.
 */
#ifndef PRIMESHIM_TURN_H
#define PRIMESHIM_TURN_H

#include <stdbool.h>

#include "kernel/status_file.h"		/* enum turn */

enum turn_event {
	ON_MAP,		/* the program has mapped it, or made the map ioctl again */
	ON_BEGIN,	/* the program has told the driver that its accesses begin, or has waited */
	ON_TOUCH,	/* PRIMESHIM_SYNC=trap: the program touches a page */
	ON_FENCE,	/* the program has waited for a device's work */
	ON_WAIT,	/* the program has waited for something */
	ON_BEGUN,	/* the kernel has made a START */
	ON_BUSY,	/* the shim has left a START out, or lost it */
	ON_END,		/* the program has told the driver that its accesses are over */
	ON_READ,	/* the program hands it to a device that reads, or exports it */
	ON_WRITE,	/* the program hands it to a device that may write */
	ON_UNMAP,	/* the last mapping has gone, or brackets are no longer possible */
	ON_FORK,	/* in the child of a fork(): the bracket is the parent's */
	TURN_EVENTS
};

enum turn_act {
	ACT_NONE,
	ACT_START,
	ACT_START_AGAIN,
	ACT_END,
	ACT_END_AGAIN,
	ACT_END_START,		/* the END is one more */
	ACT_AFRESH,		/* END and START */
};

struct turn_facts {
	bool written;	/* (1) */
	bool counts;	/* (2) */
	bool doubtful;	/* (3) */
	bool elsewhere;	/* not (4) */
};

struct turn_step {
	enum turn turn;
	enum turn_act act;
};

struct turn_step turn_step(enum turn now, enum turn_event e, struct turn_facts f);

#endif
