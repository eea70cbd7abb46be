/* SPDX-License-Identifier: MIT */
/*
 * A client of imports, in few words, for the tests on real kernels. An ordinary program's code,
 * which knows nothing of the shim.
 */
#ifndef PRIMESHIM_CLIENT_H
#define PRIMESHIM_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exporters.h"

#define PAGE 4096UL
#define SIZE (16 * PAGE)

/* The drivers that this run is about. */
extern const char *importer, *exporter;

/* A promise was not kept. */
extern bool broken;

/* Prints "ok - ..." or "not ok - ...". */
void check(bool ok, const char *promise);

/* The importer's card node, opened, and an import there. Die where there is none. */
int card(void);
uint32_t import(int fd, const struct export *e);

/* Prints the importer's card node. */
void print_card(void);

/* 0 or an errno. */
int map_dumb(int fd, uint32_t handle, uint64_t *off);
int close_handle(int fd, uint32_t handle);

/*
 * The offset to map an import at, by the ioctl that programs on the importer's driver use: 0 or an
 * errno. i915 is asked for a write-combined map, as a map through its GTT depends on the GPU.
 */
int map_offset(int fd, uint32_t handle, uint64_t *off);

/* Shared mappings: at an offset, and of a handle from its start. MAP_FAILED and errno. */
uint8_t *map_at(int fd, uint64_t off, size_t len, int prot);
uint8_t *map(int fd, uint32_t handle, size_t len, int prot);

/* 0 if it worked, which it should not have; else the errno. */
int map_error(int fd, uint64_t off, size_t len, int prot, int flags);

/* Bytes that differ from page to page and from @seed to @seed. */
void fill(uint8_t *p, size_t len, int seed);
uint8_t byte(size_t at, int seed);
bool shows(const uint8_t *p, size_t from, size_t len, int seed);

/*
 * What comes of writing to the exporter's view of @e and reading the import at @p, and the other
 * way round, in a word: "right", "other bytes", "SIGBUS". In a child, as it may be a signal.
 */
const char *came_of(uint8_t *p, size_t size, const struct export *e);

/* Open descriptors. */
int count_fds(void);

/*
 * Lines of /proc/self/maps with that text, but for the exporter's own view of the heap's buffers.
 */
int maps_of(const char *text);

/* misuse.c */
void misuse(void);
void answers(void);

#endif
