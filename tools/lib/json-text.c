// SPDX-License-Identifier: MIT
/* JSON as every command prints it; see json-text.h. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "json-text.h"
#include "text.h"

static struct json_object *json_string(const char *s)
{
	struct json_object *o;
	char *clean, *at;

	if (!s)
		return NULL;
	clean = at = memory_new(3 * strlen(s) + 1, 1);
	while (*s) {
		size_t n = utf8_character(s);

		memcpy(at, n ? s : "\xef\xbf\xbd", n ? n : 3);
		at += n ? n : 3;
		s += n ? n : 1;
	}
	*at = '\0';
	o = json_object_new_string(clean);
	free(clean);
	return o;
}

void json_text(struct json_object *to, const char *key, const char *s)
{
	json_object_object_add(to, key, json_string(s));
}

void json_words(struct json_object *to, const char *key, char *const *words)
{
	struct json_object *list = json_object_new_array();

	for (; *words; words++)
		json_object_array_add(list, json_string(*words));
	json_object_object_add(to, key, list);
}

void json_flag(struct json_object *to, const char *key, bool yes)
{
	json_object_object_add(to, key, json_object_new_boolean(yes));
}

void json_number(struct json_object *to, const char *key, uint64_t n)
{
	json_object_object_add(to, key, json_object_new_uint64(n));
}

void json_print(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}
