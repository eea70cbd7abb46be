/* SPDX-License-Identifier: MIT */
/*
 * What the parts of safety.c share: an import's life in one call, descriptors as the kernel has
 * them, and a way to wait for processes that may hang. An ordinary program's code, which knows
 * nothing of the shim but whether it is there.
 */
#ifndef PRIMESHIM_SAFETY_H
#define PRIMESHIM_SAFETY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FILL	0x5a		/* of every dma-buf */
#define PAGES	4

extern size_t page, size;	/* of the machine; of every dma-buf */
extern bool shimmed;		/* the shim is there */

/* The fake kernel's: see fake.h. */
extern struct fake {
	int (*export)(size_t size, uint8_t fill, bool writable);
	void (*brackets)(uint64_t ino, unsigned long *begins, unsigned long *ends);
	unsigned long (*bracket_faults)(void);
	unsigned long (*strays)(void);
	void (*busy)(uint64_t ino, bool busy);
	void (*delay)(uint64_t ino, int us);
	unsigned long (*delayed)(void);
	void (*jitter)(unsigned int one_in);
} fake;

/* Prints "ok - ..." or "not ok - ...". */
void check(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Ends the program if the test itself cannot go on. */
void need(bool ok, const char *what);
/* So many times, or as often as the command line says. */
unsigned long rounds(unsigned long usual);
unsigned int dice(unsigned int sides);		/* in a signal handler, too */

/*
 * Opens the card of a driver that maps imports natively and has calls for the CPU's turn (vmwgfx),
 * or of a driver that refuses to map them (vgem).
 */
int card_open(bool refuses);
int new_dmabuf(void);
uint64_t ino_of(int fd);

/* One call each: 0 or an errno. */
int import(int card, int dmabuf, uint32_t *handle);
int map(int card, uint32_t handle, uint8_t **p);
int close_handle(int card, uint32_t handle);
int begin(int card, uint32_t handle);		/* the CPU's turn */
int end(int card, uint32_t handle);
int submit(int card);				/* whatever is mapped to the device */

/* Imports, maps, touches, unmaps and closes. Returns 0, or the step that was not as natively. */
int turn(int card, int dmabuf);
bool shows(const uint8_t *p);			/* a whole buffer, as it was exported */

/* The STARTs and ENDs of a dma-buf. */
struct brackets {
	unsigned long begins, ends;
};
struct brackets brackets(uint64_t ino);
bool begun(uint64_t ino);			/* one START more than ENDs */

/* Lists the open descriptors, but for the one that it opens itself; returns how many. */
int descriptors(int *list, int max);
/* How many descriptors the dma-buf @ino has; *@last is the highest. */
int descriptors_of(uint64_t ino, int *last);
/* The number that a private descriptor gets, or one like it. */
int private_number(int card);

void nap(long us);
/* Reports progress. */
void step(void);
/* Like waitpid(), but HUNG if all threads of @pid have slept for @patience seconds. */
enum { HUNG = -1 };
int await(pid_t pid, int patience);
/* The same with ten seconds. Prints the status if it is not @status. */
bool ends_with(pid_t pid, int status);

/* Sends SIGALRM to this thread in about @us microseconds, once. */
void alarm_in(unsigned int us);

/* The parts. */
void numbers(void);
void slow(void);
void handler(void);
void closed_raw(void);
void limits(void);
void last_ones(void);
void beyond(void);
void tight(void);
void children(void);
void alone(void);
void amid(void);
void left_out(void);
void touches(void);
void exits(void);
void jumps(void);
void leaves(void);
void quick(void);
void begins(void);
void blocked(void);
void cancelled(void);
void opens(void);
void files(void);
void imports(void);
void ioctls(void);

/* main() of the program that a signal handler has executed. */
int executed(void);

#ifdef LINKED
#include "safety-linked.h"
#endif

#endif
