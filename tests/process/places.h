/* SPDX-License-Identifier: MIT */
/* What the parts of places.c share. */
#ifndef PRIMESHIM_PLACES_H
#define PRIMESHIM_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RW	(PROT_READ | PROT_WRITE)

/* A program's call: where, how much and from what. */
struct call {
	int fd;
	uint32_t handle;
	uint64_t off;
	size_t len;
	int prot;
};

/* An import of @driver's, and the offset at which it is mapped. */
struct call subject(int dmabuf);

/* So many pages of the program's own, between guards on both sides. */
uint8_t *room_new(size_t pages);

/* places-moves.c, places-protect.c */
void moves(void);
void protections(void);

#endif
