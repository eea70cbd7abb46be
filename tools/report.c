// SPDX-License-Identifier: MIT
/* primeshim report: what happened, as a person would want it told. */
#include "config.h"

#include <stdio.h>

#include "commands.h"
#include "pages.h"

int cmd_report(int argc, char **argv)
{
	size_t n;
	struct page *pages = pages_load(argc > 1 ? argv[1] : NULL, &n);

	printf("%zu pages\n", n);
	pages_free(pages, n);
	return 0;
}
