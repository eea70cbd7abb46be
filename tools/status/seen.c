// SPDX-License-Identifier: MIT
/* Reads what primeshim witness saw; see seen.h. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <json.h>

#include "lib/memory.h"
#include "lib/text.h"
#include "seen.h"

static const struct {
	const char *name, *text;
} whys[WHY_COUNT] = {
	[WHY_STATIC] = { "static", "it is statically linked, so LD_PRELOAD has no effect" },
	[WHY_ABI] = { "abi", "its ld.so found no library for its architecture" },
	[WHY_ABSENT] = { "absent", "its ld.so has not loaded the library: another root, or libc" },
	[WHY_PRIVILEGED] = { "privileged", "it is setuid or has capabilities, so ld.so ignored "
			     "LD_PRELOAD" },
	[WHY_CLEARED] = { "cleared", "it was started without LD_PRELOAD" },
	[WHY_USER] = { "user", "it may not write into the directory of the status files" },
	[WHY_COPIES] = { "copies", "it has loaded libc a second time, by dlmopen()" },
	[WHY_DEEPBIND] = { "deepbind", "a library of it calls libc past the shim, as with "
			   "RTLD_DEEPBIND" },
	[WHY_SANDBOX] = { "sandbox", "it has a DRM device open, and a seccomp filter" },
	[WHY_RAW] = { "raw", "it has a DRM device open, and code for system calls without libc" },
	[WHY_PAST] = { "past", "it maps a dma-buf, and the shim has seen nothing of it" },
	[WHY_CLOSED] = { "closed", "it may not be looked at: another user's, or it forbids that" },
};

const char *why_name(enum why why)
{
	return whys[why].name;
}

const char *why_text(enum why why)
{
	return whys[why].text;
}

static enum why why_of(const char *name)
{
	int i = 0;

	while (i < WHY_COUNT && strcmp(whys[i].name, name))
		i++;
	return i;
}

/* A member of that type, or NULL. */
static struct json_object *member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *m;

	return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &m) &&
	       json_object_is_type(m, type) ? m : NULL;
}

static bool read_process(struct json_object *o, struct seen_process *p)
{
	struct json_object *pid = member(o, "pid", json_type_int),
			   *program = member(o, "program", json_type_string),
			   *why = member(o, "why", json_type_string),
			   *drm = member(o, "drm", json_type_boolean);

	if (!pid || !program || !why || !drm)
		return false;
	p->pid = json_object_get_int(pid);
	snprintf(p->program, sizeof(p->program), "%s", json_object_get_string(program));
	text_tame(p->program, false);
	p->why = why_of(json_object_get_string(why));
	p->drm = json_object_get_boolean(drm);
	return p->pid > 0 && p->why < WHY_COUNT;
}

/* False unless the object is whole: half of it may lack the one process that matters. */
static bool read_all(struct json_object *o, struct seen *s)
{
	struct json_object *list = member(o, "processes", json_type_array),
			   *entered = member(o, "entered", json_type_int);

	if (!list || !entered || json_object_get_int64(entered) < 0)
		return false;
	s->entered = json_object_get_int64(entered);
	s->processes = memory_new(json_object_array_length(list), sizeof(*s->processes));
	for (; s->n < json_object_array_length(list); s->n++)
		if (!read_process(json_object_array_get_idx(list, s->n), &s->processes[s->n]))
			return false;
	/* A look that found no process is no evidence that there was nothing. */
	return s->n || s->entered;
}

bool seen_read(const char *path, struct seen *s, char *why, size_t len)
{
	struct stat st;
	struct json_object *o;
	bool whole;

	*s = (struct seen){ .n = 0 };
	if (stat(path, &st) < 0) {
		snprintf(why, len, "%s: %s", path, strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(why, len, "%s: not a file", path);
		return false;
	}
	o = json_object_from_file(path);
	whole = read_all(o, s);
	json_object_put(o);
	if (whole)
		return true;
	seen_free(s);
	snprintf(why, len, "%s: nothing that primeshim witness has seen", path);
	return false;
}

void seen_free(struct seen *s)
{
	free(s->processes);
	*s = (struct seen){ .n = 0 };
}

const struct seen_process *seen_worst(const struct seen *s)
{
	const struct seen_process *worst = NULL;

	for (size_t i = 0; s && i < s->n; i++) {
		const struct seen_process *p = &s->processes[i];

		if (!worst || p->drm > worst->drm || (p->drm == worst->drm && p->why < worst->why))
			worst = p;
	}
	return worst;
}
