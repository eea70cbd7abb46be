/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is with a mapped buffer, the CPU's or a device's: the one table of it, and the one
 * function that goes by it. Pure; policy/sync.c makes the calls that the table asks for.
 *
 * A bracket is open in TURN_CPU and in no other state. A cell has the state that follows, and what
 * is to be done:
 *
 *   event     | NONE     CPU          CPU_LATER    DEVICE_READS     DEVICE
 *   ----------+-------------------------------------------------------------------
 *   ON_MAP    | LATER S  CPU s        LATER S      LATER S          LATER S
 *   ON_BEGIN  | LATER S  CPU          LATER S      LATER S          LATER S
 *   ON_TOUCH  | NONE     CPU          LATER S      LATER S          LATER S
 *   ON_WAIT   | NONE     CPU ES(3)    LATER S      READS e(1,4) S   DEVICE S
 *   ON_BEGUN  | NONE     CPU          CPU          CPU              CPU
 *   ON_BUSY   | NONE     LATER        LATER        READS            DEVICE
 *   ON_END    | NONE     READS E      DEVICE       READS e(1)       DEVICE
 *   ON_READ   | NONE     READS E      DEVICE       READS e(1)       DEVICE
 *   ON_WRITE  | NONE     DEVICE E     DEVICE       DEVICE e(1)      DEVICE
 *   ON_UNMAP  | NONE     NONE E       NONE         NONE e(1,4)      NONE
 *   ON_FORK   | NONE     LATER        LATER        DEVICE           DEVICE
 *
 *   S  START: then ON_BEGUN follows, or ON_BUSY where the START was left out, as it would have had
 *      to wait. Until then it is not the CPU's.
 *   s  one more START in the open bracket, not with (2).
 *   E  END.
 *   e  one more END: the program may have written since, without a word, and no device has.
 *      Not with (2).
 *   (1) where a mapping was writable since the last END, and that was not told by the program: one
 *       that tells of its ends does not write behind them.
 *   (2) exporters that count (QUIRK_COUNTS) get one END for each START.
 *   (3) where the last hand-over was doubtful: by a submit that has no list, or one that was still
 *       under way. A wait then proves nothing of this buffer, so the next one begins it again,
 *       while there is work that has not been waited for. The END before it is for what the CPU has
 *       written if it was its turn indeed.
 *   (4) where it was not exported since: nobody says whether whoever has it now writes it.
 *
 * A wait may be for something else, and come amid what the program writes without a word: so the
 * END before its START in DEVICE_READS. From CPU_LATER and DEVICE nothing is ended: a device may
 * have written, and an END would write stale lines over that. For the same reason what follows
 * CPU_LATER is never DEVICE_READS.
 */
#ifndef PRIMESHIM_TURN_H
#define PRIMESHIM_TURN_H

#include <stdbool.h>

#include "kernel/status_file.h"		/* enum turn */

enum turn_event {
	ON_MAP,		/* it was mapped, or the map ioctl of what is mapped was asked */
	ON_BEGIN,	/* the driver was told that the CPU's accesses begin, or has waited */
	ON_TOUCH,	/* PRIMESHIM_SYNC=trap: the CPU's accesses have begun */
	ON_WAIT,	/* the program has waited for something */
	ON_BEGUN,	/* a START was made */
	ON_BUSY,	/* a START was left out, or lost */
	ON_END,		/* the driver was told that the CPU's accesses are over */
	ON_READ,	/* handed over to who reads it, or exported */
	ON_WRITE,	/* handed over to who may write it */
	ON_UNMAP,	/* no mapping is left, or none can have brackets */
	ON_FORK,	/* in the child: the bracket is the parent's */
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
