// SPDX-License-Identifier: MIT
/* See memory.h. */
#include "config.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"

static void *got(void *p)
{
	if (!p)
		err(2, "memory");
	return p;
}

void *memory_new(size_t n, size_t size)
{
	return got(calloc(n ? n : 1, size));
}

void *memory_more(void *array, size_t n, size_t size)
{
	return got(reallocarray(array, n, size));
}

char *memory_text(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return got(text);
}
