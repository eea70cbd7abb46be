// SPDX-License-Identifier: MIT
/* JSON as every command prints it; see json-text.h. */
#include "config.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json-text.h"

size_t utf8_character(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	/* By first byte: how many follow, and where the first of those lies. */
	static const struct {
		unsigned char first, last, more, low, high;
	} forms[] = {
		{ 0x01, 0x7f, 0, 0, 0 },
		{ 0xc2, 0xdf, 1, 0x80, 0xbf },
		{ 0xe0, 0xe0, 2, 0xa0, 0xbf },
		{ 0xe1, 0xec, 2, 0x80, 0xbf },
		{ 0xed, 0xed, 2, 0x80, 0x9f },
		{ 0xee, 0xef, 2, 0x80, 0xbf },
		{ 0xf0, 0xf0, 3, 0x90, 0xbf },
		{ 0xf1, 0xf3, 3, 0x80, 0xbf },
		{ 0xf4, 0xf4, 3, 0x80, 0x8f },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (*s < forms[i].first || *s > forms[i].last)
			continue;
		if (forms[i].more && (s[1] < forms[i].low || s[1] > forms[i].high))
			return 0;
		for (unsigned int j = 2; j <= forms[i].more; j++)
			if ((s[j] & 0xc0) != 0x80)
				return 0;
		return forms[i].more + 1;
	}
	return 0;
}

void json_text(struct json_object *to, const char *key, const char *s)
{
	char *clean, *at;

	if (!s) {
		json_object_object_add(to, key, NULL);
		return;
	}
	clean = at = malloc(3 * strlen(s) + 1);
	if (!clean)
		err(2, "JSON");
	while (*s) {
		size_t n = utf8_character(s);

		memcpy(at, n ? s : "\xef\xbf\xbd", n ? n : 3);
		at += n ? n : 3;
		s += n ? n : 1;
	}
	*at = '\0';
	json_object_object_add(to, key, json_object_new_string(clean));
	free(clean);
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
