// SPDX-License-Identifier: MIT
/* What PRIMESHIM_* in the environment asks for; see settings.h. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bionic.h"
#include "drivers/drivers.h"
#include "log.h"
#include "settings.h"

#define PREFIX "PRIMESHIM_"

struct settings settings;

/* The first value of each list is the default and stands for 0 in the enum. */
static const struct {
	const char *name;
	const char *values[6];
} known[] = {
	{ "PRIMESHIM_MODE", { "redirect", "rescue", "observe", "deny", "off" } },
#ifdef __BIONIC__
	/* libsigchain keeps SIGSEGV for ART, and there are sigaction64() and others of its kind. */
	{ "PRIMESHIM_SYNC", { "driver", "map", "off" } },
#else
	{ "PRIMESHIM_SYNC", { "driver", "map", "off", "trap" } },
#endif
	{ "PRIMESHIM_EXPORT", { "write", "keep" } },
	{ "PRIMESHIM_LOG", { "0", "1" } },
	{ "PRIMESHIM_DRIVERS", { NULL } },	/* a list of names */
	{ "PRIMESHIM_DIR", { NULL } },		/* a path */
};

#define NKNOWN (sizeof(known) / sizeof(known[0]))

static int value_of(size_t k)
{
	/* NULL in a process of raised privileges: its environment is somebody else's. */
	const char *value = secure_getenv(known[k].name);

	if (!value || !*value)
		return 0;
	for (int i = 0; i < 6 && known[k].values[i]; i++)
		if (!strcmp(value, known[k].values[i]))
			return i;
	log_always("%s=%s is not known, %s is used", known[k].name, value, known[k].values[0]);
	return 0;
}

static bool log_wanted(void)
{
	const char *value = secure_getenv("PRIMESHIM_LOG");

	if (!value || *value != '/')
		return value_of(3);
	log_to(value);
	return true;
}

static const char *dir_wanted(void)
{
	const char *value = secure_getenv("PRIMESHIM_DIR");

	if (!value || !*value)
		return NULL;
	if (*value == '/')
		return value;
	/* The program may go elsewhere. */
	log_always("PRIMESHIM_DIR=%s is not a path from the root: no report", value);
	return NULL;
}

static void check_names(void)
{
	for (char **e = environ; e && *e; e++) {
		int len = strcspn(*e, "=");
		size_t k = 0;

		if (strncmp(*e, PREFIX, strlen(PREFIX)))
			continue;
		while (k < NKNOWN && (strlen(known[k].name) != (size_t)len ||
				      strncmp(*e, known[k].name, len)))
			k++;
		if (k == NKNOWN)
			log_always("there is no setting %.*s", len, *e);
	}
}

bool settings_may_be(unsigned int policy)
{
	return SHARED_MODE(policy) < MODE_COUNT && SHARED_SYNC(policy) < SYNC_COUNT &&
	       (SHARED_SYNC(policy) == SYNC_TRAP) == (sync_now() == SYNC_TRAP);
}

const char *mode_text(unsigned int policy)
{
	return known[0].values[SHARED_MODE(policy)];
}

const char *sync_text(unsigned int policy)
{
	return known[1].values[SHARED_SYNC(policy)];
}

void settings_init(void)
{
	enum mode mode = value_of(0);

	atomic_store_explicit(&settings.policy, SHARED_POLICY(mode, value_of(1)),
			      memory_order_relaxed);
	settings.keep = value_of(2);
	settings.log = log_wanted();
	drivers_wanted_init(secure_getenv("PRIMESHIM_DRIVERS"));
	settings.dir = dir_wanted();
	check_names();
	settings.active = mode != MODE_OFF || settings.dir;
}
