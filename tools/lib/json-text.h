/* SPDX-License-Identifier: MIT */
/* JSON as every command prints it. */
#ifndef PRIMESHIM_TOOLS_JSON_TEXT_H
#define PRIMESHIM_TOOLS_JSON_TEXT_H

#include <stdint.h>

#include <json.h>

/* The bytes of the UTF-8 character at @s, or 0 where there is none (RFC 3629). */
size_t utf8_character(const char *s);

/* A string of whatever bytes: what is not UTF-8 becomes U+FFFD, as JSON has no other. NULL: null.
 */
void json_text(struct json_object *to, const char *key, const char *s);

void json_number(struct json_object *to, const char *key, uint64_t n);

/* Prints it with a newline, and frees it. */
void json_print(struct json_object *o);

#endif
