/* SPDX-License-Identifier: MIT */
/* What the parts of waits.c share. */
#ifndef PRIMESHIM_WAITS_H
#define PRIMESHIM_WAITS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/drivers-client.h"

extern void (*fake_busy)(uint64_t ino, bool busy);
extern void (*hold_submits)(bool hold);
extern unsigned int (*submits_held)(void);
extern void (*let_submit)(int err);
extern void (*fake_reach)(uint64_t point);

extern int fd;				/* of the device */
extern uint64_t ino;			/* of the dma-buf */
extern volatile uint8_t *p;		/* the CPU's copy of it */
extern uint8_t device[SIZE];		/* the device's */

/* An import of @dmabuf_fd into a device of the driver @name, mapped at p. */
void import_into(const char *name, int dmabuf_fd);

/* Closes what import_into() has made. */
void leave(void);

/* Work without a list, or with an empty one. Returns 0 or errno. */
int submit(void);

/* Work on the import, by etnaviv's list. Returns 0 or errno. */
int submit_list(bool writes);

void wait_for_fence(void);

/* A poll of something that no device signals. */
void by_poll(void);

/* STARTs so far. */
unsigned long begun(void);

/* waits-queries.c */
void queries(void);
bool timeline_reaches(uint64_t point, uint32_t flags);	/* SYNCOBJ_QUERY */

/* waits-submits.c */
void submits_amid(void);

#endif
