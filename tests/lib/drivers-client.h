/* SPDX-License-Identifier: MIT */
/*
 * A client of the fake kernel's drivers, in few words, for drivers.c and drivers-odd.c. An ordinary
 * program's code, which knows nothing of the shim.
 */
#ifndef PRIMESHIM_DRIVERS_CLIENT_H
#define PRIMESHIM_DRIVERS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake/fake-drivers.h"

#define PAGE	4096
#define SIZE	(4 * PAGE)	/* of every buffer */
#define FILL	0x5a

/* The fake kernel's own calls: see fake.h. */
extern int (*new_dmabuf)(size_t size, uint8_t fill, bool writable);
extern int (*new_unmappable)(size_t size, uint8_t fill);
extern unsigned long (*device_maps)(void);
extern void *(*kept_address)(void);

/* What this run is about. */
extern const char *mode, *way_name;
extern bool rescues, denies;		/* the mode does */
extern const struct fake_driver *driver;
extern bool broken;			/* a promise was not kept */

/* Prints "ok - ..." or "not ok - ...". */
void check(bool ok, const char *promise);

/* Ends the program where the test itself cannot go on. */
void need(bool ok, const char *what);

const struct fake_driver *named(const char *name);
int card(const struct fake_driver *d);		/* its card, opened */

/* 0, or an errno. */
int import(int fd, int dmabuf, uint32_t *handle);

/* A dma-buf's descriptor, or -1. */
int export(int fd, uint32_t handle, uint32_t flags);

/* An own buffer's handle. */
uint32_t create(int fd);

void close_handle(int fd, uint32_t handle);

/* The ways of a driver to a mapping, up to one without a name; where it has none, MODE_MAP_DUMB. */
const struct fake_way *ways(const struct fake_driver *d);

/* Asks for a mapping from @start on. 0 and an offset or an address, or an errno. */
int ask(int fd, const struct fake_way *w, uint32_t handle, uint64_t start, uint64_t len,
	uint64_t *value);

/* The pages from @start on. 0, an errno, or -SIGBUS if they cannot be touched. */
int map(int fd, const struct fake_way *w, uint32_t handle, uint64_t start, uint64_t len,
	uint8_t **out);
void unmap(uint8_t *p, size_t len);

/* @p and the exporter's own mapping show the same, both ways. */
bool shared(uint8_t *p, int dmabuf, uint64_t start, uint64_t len);

/* drivers-odd.c */
void exports(bool kept);
void peculiarities(void);

#endif
