// SPDX-License-Identifier: MIT
/* See trace-event.h. */
#include "config.h"

#include <err.h>

#include "lib/json-text.h"
#include "trace-event.h"

void put(struct writer *w, struct json_object *o)
{
	const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							  JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text)
		errx(2, "out of memory");
	fprintf(w->f, "%s%s", w->more ? ",\n" : "", text);
	w->more = true;
	json_object_put(o);
}

struct json_object *micros(uint64_t ns)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu.%03u", (unsigned long long)ns / 1000,
		 (unsigned int)(ns % 1000));
	return json_object_new_double_s(ns / 1000.0, text);
}

void add_hex(struct json_object *o, const char *key, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)n);
	json_object_object_add(o, key, json_object_new_string(text));
}

struct json_object *event(const struct writer *w, const char *ph, const char *cat,
			  const char *name, uint32_t tid)
{
	struct json_object *o = json_object_new_object();

	json_text(o, "ph", ph);
	if (cat)
		json_text(o, "cat", cat);
	json_text(o, "name", name);
	json_number(o, "pid", w->pid);
	json_number(o, "tid", tid);
	return o;
}

struct json_object *timed(const struct writer *w, const char *ph, const char *cat,
			  const char *name, uint32_t tid, uint64_t at)
{
	struct json_object *o = event(w, ph, cat, name, tid);

	json_object_object_add(o, "ts", micros(at));
	return o;
}
