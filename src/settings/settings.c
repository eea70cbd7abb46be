// SPDX-License-Identifier: MIT
/*
 * Reads the settings from PRIMESHIM_* in the environment and from primeshim.conf; see settings.h.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "config_file.h"
#include "drivers/drivers.h"
#include "kernel/bionic.h"
#include "log.h"
#include "settings.h"
#include "wanted.h"

#define PREFIX "PRIMESHIM_"

struct settings settings;

/* The first value of each list is the default and stands for 0 in the enum. */
static const struct {
	const char *name;
	const char *values[6];
} known[] = {
	{ "PRIMESHIM_MODE", { "redirect", "rescue", "observe", "deny", "off" } },
#ifdef __BIONIC__
	/* No trap: libsigchain keeps SIGSEGV for ART, and bionic has sigaction64() and its like. */
	{ "PRIMESHIM_SYNC", { "driver", "map", "off" } },
#else
	{ "PRIMESHIM_SYNC", { "driver", "map", "off", "trap" } },
#endif
	{ "PRIMESHIM_EXPORT", { "write", "keep" } },
	{ "PRIMESHIM_DIRECT", { "off", "observe", "sync" } },
	{ "PRIMESHIM_LOG", { "0", "1", "quiet" } },
	{ "PRIMESHIM_DRIVERS", { NULL } },	/* a list of names */
	{ "PRIMESHIM_DIR", { NULL } },		/* a path */
	{ "PRIMESHIM_KEEP", { "off" } },	/* or bytes */
	/* The last two are not settings of primeshim.conf, which has sections. */
	{ "PRIMESHIM_ONLY", { NULL } },		/* a list of programs' names */
	{ "PRIMESHIM_EXCEPT", { NULL } },
};

#define NKNOWN (sizeof(known) / sizeof(known[0]))

enum { MODE, SYNC, EXPORT, DIRECT, LOG, DRIVERS, DIR, KEEP, NKEYS };

/* The values of primeshim.conf, by the same numbers. */
static struct {
	int rank;	/* 0: no value */
	char value[512];
} filed[NKEYS];

static int find_value(size_t k, const char *value)
{
	for (int i = 0; i < 6 && known[k].values[i]; i++)
		if (!strcmp(value, known[k].values[i]))
			return i;
	return -1;
}

/*
 * The value of a setting, or NULL. A variable of the environment, even an empty one, takes
 * precedence over the files.
 */
static const char *setting(size_t k)
{
	/* NULL in a process of raised privileges, whose environment is somebody else's. */
	const char *value = secure_getenv(known[k].name);

	return value || !filed[k].rank ? value : filed[k].value;
}

static int value_of(size_t k)
{
	const char *value = setting(k);
	int i = value && *value ? find_value(k, value) : 0, instead;

	if (i >= 0)
		return i;
	/*
	 * @value is the environment's: set_from_file() has refused unknown values. The file's may
	 * be valid.
	 */
	instead = filed[k].rank && *filed[k].value ? find_value(k, filed[k].value) : 0;
	instead = instead < 0 ? 0 : instead;
	log_always("%s=%s is not known, %s is used", known[k].name, value,
		   known[k].values[instead]);
	return instead;
}

/* The number of a file's key ("mode" for PRIMESHIM_MODE); NKEYS where no such key exists. */
static size_t find_key(const char *key)
{
	for (size_t k = 0; k < NKEYS; k++) {
		const char *name = known[k].name + strlen(PREFIX);
		size_t i = 0;

		while (name[i] && key[i] == name[i] - 'A' + 'a')
			i++;
		if (!name[i] && !key[i])
			return k;
	}
	return NKEYS;
}

/* Bytes: a number, and K, M or G behind it, or "off" for none. False where it is neither. */
static bool read_bytes(const char *text, size_t *bytes)
{
	static const char units[] = "KMG";
	const size_t most = SIZE_MAX / 2;
	size_t n = 0;
	const char *unit;

	*bytes = 0;
	if (!strcmp(text, "off"))
		return true;
	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++)
		n = n < most / 10 ? n * 10 + (*text - '0') : most;
	unit = *text ? strchr(units, *text) : NULL;
	for (int i = unit ? unit - units + 1 : 0; i; i--)
		n = n < most >> 10 ? n << 10 : most;
	*bytes = n;
	return !text[unit != NULL];
}

/* Three frames of 4K have 95 MiB. Addresses of 32 bits are scarce. */
#define KEEP_DEFAULT	(sizeof(void *) == 8 ? "128M" : "16M")

static size_t keep_wanted(void)
{
	const char *value = setting(KEEP);
	size_t bytes;

	value = value && *value ? value : KEEP_DEFAULT;
	if (read_bytes(value, &bytes))
		return bytes;
	/* As in value_of(). */
	log_always("PRIMESHIM_KEEP=%s is not known, %s is used", value,
		   filed[KEEP].rank && *filed[KEEP].value ? filed[KEEP].value : KEEP_DEFAULT);
	read_bytes(filed[KEEP].rank && *filed[KEEP].value ? filed[KEEP].value : KEEP_DEFAULT,
		   &bytes);
	return bytes;
}

/* May a file have that value? An empty value stands for the default. */
static bool value_fits(size_t k, const char *key, const char *value, char *why)
{
	size_t bytes;
	const char *absolute = k == DIR || (k == LOG && strchr(value, '/')) ?
			       " is not a path from the root" : NULL;

	if (strlen(value) >= sizeof(filed[k].value))
		snprintf(why, CONFIG_WHY_LEN, "the value is longer than %zu bytes",
			 sizeof(filed[k].value) - 1);
	else if (!*value || (absolute && *value == '/') || k == DRIVERS ||
		 (k == KEEP ? read_bytes(value, &bytes) : find_value(k, value) >= 0))
		return true;
	else
		snprintf(why, CONFIG_WHY_LEN, "%.32s = %.64s%s", key, value,
			 absolute ? absolute : " is not known");
	return false;
}

static bool set_from_file(int rank, const char *key, const char *value, char *why)
{
	size_t k = find_key(key);

	if (k == NKEYS) {
		snprintf(why, CONFIG_WHY_LEN, "there is no setting %.64s", key);
		return false;
	}
	if (!value_fits(k, key, value, why))
		return false;
	if (rank >= filed[k].rank) {
		filed[k].rank = rank;
		strcpy(filed[k].value, value);
	}
	return true;
}

static bool log_wanted(void)
{
	const char *value = setting(LOG), *why;
	int i;

	if (!value || *value != '/') {
		i = value_of(LOG);
		if (i == 2)
			log_quiet();
		return i == 1;
	}
	why = log_to(value);
	if (why)
		log_always("PRIMESHIM_LOG=%.256s: %s: no log", value, why);
	return !why;
}

static const char *dir_wanted(void)
{
	/* A copy: the program may write its title over its environment. */
	static char dir[PATH_MAX];
	const char *value = setting(DIR);

	if (!value || !*value)
		return NULL;
	/* A relative path would change its meaning with the program's directory. */
	if (*value != '/')
		log_always("PRIMESHIM_DIR=%s is not a path from the root: no report", value);
	else if (strlen(value) >= sizeof(dir))
		log_always("PRIMESHIM_DIR is longer than a path can be: no report");
	else
		return strcpy(dir, value);
	return NULL;
}

/* Without a value a status file is a reason to observe. */
static enum direct direct_wanted(void)
{
	const char *value = setting(DIRECT);

	if (!value || !*value)
		return settings.dir ? DIRECT_OBSERVE : DIRECT_OFF;
	return value_of(DIRECT);
}

/* Is the program's name in @list? */
static bool listed(const char *list)
{
	size_t len = strlen(program_invocation_short_name);

	for (; *list; list += strcspn(list, ",")) {
		list += strspn(list, ",");
		if (strcspn(list, ",") == len && !strncmp(list, program_invocation_short_name, len))
			return true;
	}
	return false;
}

/*
 * Does the user want this program left alone? Children inherit the environment, and some may not be
 * meant.
 */
static bool left_out(void)
{
	const char *only = secure_getenv("PRIMESHIM_ONLY");
	const char *except = secure_getenv("PRIMESHIM_EXCEPT");

	return (only && *only && !listed(only)) || (except && listed(except));
}

static void check_names(void)
{
	/* The environment is somebody else's; see setting(). */
	if (getauxval(AT_SECURE))
		return;
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
	return STATUS_MODE(policy) < MODE_COUNT && STATUS_SYNC(policy) < SYNC_COUNT &&
	       (STATUS_SYNC(policy) == SYNC_TRAP) == (sync_now() == SYNC_TRAP);
}

const char *mode_text(unsigned int policy)
{
	return known[MODE].values[STATUS_MODE(policy)];
}

const char *sync_text(unsigned int policy)
{
	return known[SYNC].values[STATUS_SYNC(policy)];
}

void settings_init(void)
{
	enum mode mode;

	if (left_out()) {
		atomic_store_explicit(&settings.policy, STATUS_POLICY(MODE_OFF, SYNC_OFF),
				      memory_order_relaxed);
		return;
	}
	/* No line about the files, either. */
	if (secure_getenv("PRIMESHIM_LOG") && !strcmp(secure_getenv("PRIMESHIM_LOG"), "quiet"))
		log_quiet();
	config_files_read(program_invocation_short_name, set_from_file);
	settings.log = log_wanted();
	mode = value_of(MODE);
	atomic_store_explicit(&settings.policy, STATUS_POLICY(mode, value_of(SYNC)),
			      memory_order_relaxed);
	settings.keep = value_of(EXPORT);
	drivers_wanted_init(setting(DRIVERS), secure_getenv("PRIMESHIM_DRIVERS") ?
			    "PRIMESHIM_DRIVERS" : "drivers in primeshim.conf");
	settings.warm = keep_wanted();
	settings.dir = dir_wanted();
	settings.direct = direct_wanted();
	check_names();
	/* From now on the log has to know what stderr is; or no line will come. */
	if (settings.log || settings.dir || sync_now() == SYNC_TRAP)
		log_start();
	else
		log_quiet();
	settings.active = mode != MODE_OFF || settings.dir;
	if (!settings.active)
		settings.direct = DIRECT_OFF;
}
