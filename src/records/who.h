/* SPDX-License-Identifier: MIT */
/* Who imports a buffer, and who has exported it. These functions take the locks themselves. */
#ifndef PRIMESHIM_WHO_H
#define PRIMESHIM_WHO_H

#include <stdbool.h>
#include <stdint.h>

#include "state/import.h"

/*
 * Is @b surely another device's buffer, by its exporter's name? It is if its exporter's name is
 * none of those that the driver of @fd exports under. For a driver without a table those names
 * are "drm", the driver's name, and names that begin like it.
 */
bool who_foreign(int fd, const struct buffer *b);

/* The driver of @fd, and the exporter of @b, which may be NULL, by name_number(). */
struct names {
	uint8_t importer, exporter;
	const struct driver *table;	/* the driver's; NULL: the shim has none */
};

struct names who_is(int fd, const struct buffer *b);

/* The importer, for mapping.h's note of a mapping; 0 where there is no status file. */
unsigned int who_imports(int fd);

/* The entry + 1 of the import of @b under @handle in the status file, or 0. */
uint16_t who_slot(int fd, uint32_t handle, const struct buffer *b);

#endif
