/* SPDX-License-Identifier: MIT */
/* Text of whatever bytes, made fit for a terminal, XML or JSON. */
#ifndef PRIMESHIM_TOOLS_TEXT_H
#define PRIMESHIM_TOOLS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The bytes of the UTF-8 character at @s, or 0 where there is none (RFC 3629). */
size_t utf8_character(const char *s);

/*
 * Makes each byte a ? that belongs to a control character, which a terminal would heed, or to one
 * that XML cannot have. Bytes that are no UTF-8 stay, unless a terminal that knows no UTF-8 would
 * heed them; with @utf8 they become ?, too.
 */
void text_tame(char *s, bool utf8);

/* A copy of @s that is UTF-8 and tame; freed by the caller. Ends the program without memory. */
char *text_tamed(const char *s);

#endif
