// SPDX-License-Identifier: MIT
/* The names of importers and exporters; see names.h. */
#include "config.h"

#include <string.h>

#include "names.h"
#include "publish.h"

static char names[NAMES][NAME_LEN] = { "", "?" };
static unsigned int used = 2;

uint8_t name_number(const char *name)
{
	for (unsigned int i = 0; i < used; i++)
		if (!strncmp(names[i], name, NAME_LEN - 1))
			return i;
	if (used == NAMES)
		return NAME_UNKNOWN;
	memcpy(names[used], name, strnlen(name, NAME_LEN - 1));
	used++;
	publish_name(used - 1, names[used - 1]);
	return used - 1;
}

const char *name_text(uint8_t number)
{
	return names[number];
}

unsigned int names_used(void)
{
	return used;
}
