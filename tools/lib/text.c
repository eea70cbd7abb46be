// SPDX-License-Identifier: MIT
/* See text.h. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "text.h"

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

/* A character of @n bytes that is heeded, and has no shape. */
static bool is_control(const unsigned char *s, size_t n)
{
	return (n == 1 && (*s < ' ' || *s == 0x7f)) ||
	       (n == 2 && *s == 0xc2 && s[1] < 0xa0) ||			/* U+0080 to U+009F */
	       (n == 3 && *s == 0xef && s[1] == 0xbf && s[2] >= 0xbe);	/* U+FFFE, U+FFFF */
}

void text_tame(char *text, bool utf8)
{
	for (unsigned char *s = (unsigned char *)text; *s;) {
		size_t n = utf8_character((char *)s);

		if (n ? is_control(s, n) : utf8 || *s < 0xa0)
			memset(s, '?', n ? n : 1);
		s += n ? n : 1;
	}
}

char *text_tamed(const char *s)
{
	char *copy = memory_text("%s", s);

	text_tame(copy, true);
	return copy;
}

bool text_plain_words(char *const *words, char *text, size_t len)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./=:,@%+-";
	size_t n = 0;

	for (; words && *words; words++) {
		n += snprintf(text + n, len - n, "%s%s", n ? " " : "", *words);
		if (!**words || (*words)[strspn(*words, plain)] || n >= len)
			return false;
	}
	return n;
}
