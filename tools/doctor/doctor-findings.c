// SPDX-License-Identifier: MIT
/* The findings of primeshim doctor; see doctor.h. */
#include "config.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "lib/memory.h"
#include "lib/text.h"

struct finding *findings;
size_t nfindings;

void finding_add(enum severity severity, const char *check, const char *advice, const char *fmt,
		 ...)
{
	char *text, *todo = advice ? memory_text("%s", advice) : NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		err(2, "memory");
	va_end(ap);
	text_tame(text, false);
	if (todo)
		text_tame(todo, false);
	findings = memory_more(findings, nfindings + 1, sizeof(*findings));
	findings[nfindings++] = (struct finding){ severity, check, text, todo };
}

size_t findings_count(enum severity severity)
{
	size_t n = 0;

	for (size_t i = 0; i < nfindings; i++)
		n += findings[i].severity == severity;
	return n;
}
