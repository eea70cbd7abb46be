/* SPDX-License-Identifier: MIT */
/*
 * A chain in the order in which its members came. A walk along it can stop and let go of its lock:
 * it goes on behind the member whose serial it remembers, whatever has come or gone meanwhile.
 */
#ifndef PRIMESHIM_QUEUE_H
#define PRIMESHIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed, it is in no queue. */
struct queue_link {
	struct queue_link *next, *before;
	uint32_t serial;	/* 0: in none */
};

/* Zeroed, it is empty. */
struct queue {
	struct queue_link *first, *last;
	uint32_t newest;	/* serial */
	uint32_t n;
};

static inline void queue_add(struct queue *q, struct queue_link *l)
{
	if (l->serial)
		return;
	if (!++q->newest)
		q->newest++;
	l->serial = q->newest;
	l->before = q->last;
	l->next = NULL;
	*(q->last ? &q->last->next : &q->first) = l;
	q->last = l;
	q->n++;
}

static inline void queue_remove(struct queue *q, struct queue_link *l)
{
	if (!l->serial)
		return;
	*(l->before ? &l->before->next : &q->first) = l->next;
	*(l->next ? &l->next->before : &q->last) = l->before;
	l->serial = 0;
	q->n--;
}

/* The serials wrap. */
static inline bool queue_later(uint32_t serial, uint32_t than)
{
	return (int32_t)(serial - than) > 0;
}

/* The first that came after @serial, and not after @last; or NULL. */
static inline struct queue_link *queue_after(const struct queue *q, uint32_t serial, uint32_t last)
{
	struct queue_link *l = q->first;

	while (l && !queue_later(l->serial, serial))
		l = l->next;
	return l && !queue_later(l->serial, last) ? l : NULL;
}

#endif
