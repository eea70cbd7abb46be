/* SPDX-License-Identifier: MIT */
/* JSON as all commands print it. */
#ifndef PRIMESHIM_TOOLS_JSON_TEXT_H
#define PRIMESHIM_TOOLS_JSON_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include <json.h>

/*
 * These add a member to the object @to. @words ends with NULL. Text may be any bytes: JSON allows
 * UTF-8 alone, so other bytes become U+FFFD. NULL becomes null.
 */
void json_text(struct json_object *to, const char *key, const char *s);
void json_words(struct json_object *to, const char *key, char *const *words);
void json_flag(struct json_object *to, const char *key, bool yes);
void json_number(struct json_object *to, const char *key, uint64_t n);

/* Prints the object and a newline, and frees it. */
void json_print(struct json_object *o);

#endif
