/* SPDX-License-Identifier: MIT */
/* Memory. If there is none, these end the program with one line on stderr and status 2. */
#ifndef PRIMESHIM_TOOLS_MEMORY_H
#define PRIMESHIM_TOOLS_MEMORY_H

#include <stddef.h>

/* @n zeroed elements of @size bytes; one if @n is 0. */
void *memory_new(size_t n, size_t size);

/* Room for @n elements, with what @array has. */
void *memory_more(void *array, size_t n, size_t size);

/* A text, as printf() writes it. */
char *memory_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
