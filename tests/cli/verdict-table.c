// SPDX-License-Identifier: MIT
/*
 * Prints the table of verdicts as docs/verdicts.md has it, a line for each row, for
 * tests/cli/verdicts.sh. A gap in a sentence, for an errno or a program, is printed as three dots.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "report/verdict.h"

static void print(const char *text)
{
	const char *gap = strstr(text, "%s");

	if (gap)
		printf(" %.*s…%s |", (int)(gap - text), text, gap + 2);
	else
		printf(" %s |", *text ? text : "nothing");
}

int main(void)
{
	for (const struct verdict_row *r = verdict_rows; r->name; r++) {
		printf("| `%s` | %s |", r->name, r->situation);
		print(answer_text(r->answer));
		print(r->text);
		print(r->advice);
		putchar('\n');
	}
	return 0;
}
