// SPDX-License-Identifier: MIT
/* The importers of PRIMESHIM_DRIVERS; see wanted.h. */
#include "config.h"

#include <string.h>

#include "log.h"
#include "wanted.h"

/* "etnaviv,-i915": the drivers named, without those that have a minus. Immutable once it is set. */
static char list[256];

/* The next name in @at, of *@len bytes, or NULL. */
static const char *word(const char *at, size_t *len)
{
	at += strspn(at, ", ");
	*len = strcspn(at, ", ");
	return *len ? at : NULL;
}

static bool is(const char *name, const char *at, size_t len)
{
	return name && strlen(name) == len && !strncmp(name, at, len);
}

void drivers_wanted_init(const char *value, const char *from)
{
	size_t len;

	if (!value)
		return;
	if (strlen(value) >= sizeof(list)) {
		log_always("%s is longer than %zu bytes and not used", from, sizeof(list) - 1);
		return;
	}
	strcpy(list, value);
	for (const char *at = list; (at = word(at, &len)); at += len) {
		char name[sizeof(list)];
		size_t minus = *at == '-';

		memcpy(name, at + minus, len - minus);
		name[len - minus] = '\0';
		if (!driver_find(name) && !driver_is_generic(name))
			log_always("%s: no driver \"%s\" is known; see run-with-shim --drivers",
				   from, name);
	}
}

bool driver_wanted(const char *name, const struct driver *d)
{
	bool only = false, named = false;
	size_t len;

	for (const char *at = list; (at = word(at, &len)); at += len) {
		size_t minus = *at == '-';
		bool hit = is(name, at + minus, len - minus) ||
			   (d && is(d->module, at + minus, len - minus));

		if (hit && minus)
			return false;
		only |= !minus;
		named |= hit;
	}
	return named || !only;
}
