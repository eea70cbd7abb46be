/* SPDX-License-Identifier: MIT */
/* Makes text of any bytes fit for a terminal, XML or JSON. */
#ifndef PRIMESHIM_TOOLS_TEXT_H
#define PRIMESHIM_TOOLS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* How many bytes the UTF-8 character at @s has; 0: there is none (RFC 3629). */
size_t utf8_character(const char *s);

/*
 * Replaces each byte of a control character, which a terminal would obey, and of a character that
 * XML does not allow, by a ?. With @utf8 it also replaces all bytes that are no UTF-8; otherwise
 * only those that a terminal without UTF-8 would obey.
 */
void text_tame(char *s, bool utf8);

/* A copy of @s after text_tame(); the caller frees it. Ends the program if memory runs out. */
char *text_tamed(const char *s);

/*
 * Writes @words, up to a NULL, with blanks between them. False: there are none, @text is too small,
 * or a shell would not take them as they are.
 */
bool text_plain_words(char *const *words, char *text, size_t len);

#endif
