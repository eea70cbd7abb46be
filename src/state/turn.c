// SPDX-License-Identifier: MIT
/* The table of turn.h. */
#include "config.h"

#include <stdint.h>

#include "turn.h"

#define NONE	TURN_NONE
#define CPU	TURN_CPU
#define LATER	TURN_CPU_LATER
#define READS	TURN_DEVICE_READS
#define DEVICE	TURN_DEVICE

static const struct {
	uint8_t turn, act;
} table[TURN_EVENTS][TURN_COUNT] = {
#define ROW(none, cpu, later, reads, device)	\
	{ [NONE] = none, [CPU] = cpu, [LATER] = later, [READS] = reads, [DEVICE] = device }
#define TO(turn)	{ turn, ACT_NONE }
#define S(turn)		{ turn, ACT_START }
#define SS(turn)	{ turn, ACT_START_AGAIN }
#define E(turn)		{ turn, ACT_END }
#define AFRESH(turn)	{ turn, ACT_AFRESH }
#define ES(turn)	{ turn, ACT_END_START }
#define EE(turn)	{ turn, ACT_END_AGAIN }
	[ON_MAP] = ROW(S(LATER), SS(CPU), S(LATER), S(LATER), S(LATER)),
	[ON_BEGIN] = ROW(S(LATER), TO(CPU), S(LATER), S(LATER), S(LATER)),
	[ON_TOUCH] = ROW(TO(NONE), TO(CPU), S(LATER), S(LATER), S(LATER)),
	[ON_FENCE] = ROW(TO(NONE), AFRESH(CPU), S(LATER), ES(READS), S(DEVICE)),
	[ON_WAIT] = ROW(TO(NONE), TO(CPU), S(LATER), ES(READS), S(DEVICE)),
	[ON_BEGUN] = ROW(TO(NONE), TO(CPU), TO(CPU), TO(CPU), TO(CPU)),
	[ON_BUSY] = ROW(TO(NONE), TO(LATER), TO(LATER), TO(READS), TO(DEVICE)),
	[ON_END] = ROW(TO(NONE), E(READS), TO(DEVICE), EE(READS), TO(DEVICE)),
	[ON_READ] = ROW(TO(NONE), E(READS), TO(DEVICE), EE(READS), TO(DEVICE)),
	[ON_WRITE] = ROW(TO(NONE), E(DEVICE), TO(DEVICE), EE(DEVICE), TO(DEVICE)),
	[ON_UNMAP] = ROW(TO(NONE), E(NONE), TO(NONE), EE(NONE), TO(NONE)),
	[ON_FORK] = ROW(TO(NONE), TO(LATER), TO(LATER), TO(DEVICE), TO(DEVICE)),
};

struct turn_step turn_step(enum turn now, enum turn_event e, struct turn_facts f)
{
	struct turn_step s = { table[e][now].turn, table[e][now].act };

	if (s.act == ACT_END_AGAIN &&
	    (!f.written || f.counts || (e == ON_UNMAP && f.elsewhere)))
		s.act = ACT_NONE;
	if (s.act == ACT_END_START && !f.written)
		s.act = ACT_START;
	else if (s.act == ACT_END_START && (f.counts || f.elsewhere))
		s.act = e == ON_FENCE && f.counts ? ACT_START : ACT_NONE;
	if ((s.act == ACT_START_AGAIN && f.counts) || (s.act == ACT_AFRESH && !f.doubtful))
		s.act = ACT_NONE;
	return s;
}
