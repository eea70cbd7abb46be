/* SPDX-License-Identifier: MIT */
/* Who imports a buffer, and who has exported it. Takes the locks itself. */
#ifndef PRIMESHIM_WHO_H
#define PRIMESHIM_WHO_H

#include <stdbool.h>
#include <stdint.h>

#include "state/import.h"

/*
 * Surely another device's buffer? One that does not carry a name under which the driver exports.
 * Of a driver that we do not know: "drm", its own name, or one that begins like it.
 */
bool who_foreign(int fd, const struct buffer *b);

/* Who is who, by name_number(): the driver of @fd, and the exporter of @b, which may be NULL. */
struct names {
	uint8_t importer, exporter;
	const struct driver *table;	/* of the driver, NULL: it is not known */
};

struct names who_is(int fd, const struct buffer *b);

/* The importer, as mapping.h's note of a mapping has it; 0 where there is no shared page. */
unsigned int who_imports(int fd);

/* Where the shared page has the import of @b under @handle (+ 1), or 0. */
uint16_t who_slot(int fd, uint32_t handle, const struct buffer *b);

#endif
