/* SPDX-License-Identifier: MIT */
/* Lists of words on the command line of a test. */
#ifndef PRIMESHIM_LISTED_H
#define PRIMESHIM_LISTED_H

#include <stdbool.h>
#include <string.h>

/* Is @word in @list, which has commas between its words? NULL is an empty list. */
static inline bool listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (; list && *list; list += strcspn(list, ",")) {
		list += *list == ',';
		if (strcspn(list, ",") == len && !strncmp(list, word, len))
			return true;
	}
	return false;
}

#endif
