// SPDX-License-Identifier: MIT
/*
 * Prints the table of drivers for people, as text or, with --man, for the man page: what they map
 * buffers by, what imports do natively, and what the shim does in its default mode.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "drivers.h"

static const char *const natively[] = {
	[NATIVELY_NO_IMPORT] = "import refused",
	[NATIVELY_REFUSED] = "map ioctl refused",
	[NATIVELY_NO_MMAP] = "mmap refused (EINVAL)",
	[NATIVELY_SIGBUS] = "SIGBUS at the first touch",
	[NATIVELY_FORWARDED] = "the dma-buf, not synced",
	[NATIVELY_PAGES] = "the pages, not synced",
	[NATIVELY_WRONG] = "other memory",
};

static const char *doing(const struct driver *d)
{
	if (d->natively == NATIVELY_NO_IMPORT)
		return "nothing";
	if (d->quirks & QUIRK_KEEPS_ADDRESS)
		return "nothing (it keeps the address)";
	return "maps the dma-buf";
}

/* The ioctls that a program asks for a mapping, in @text. */
static const char *maps(const struct driver *d, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < d->n && n < size; i++)
		switch (d->ioctls[i].role) {
		case ROLE_MAP_OFFSET:
		case ROLE_TELL_OFFSET:
		case ROLE_MAP_ADDRESS:
			n += snprintf(text + n, size - n, "%s%s", n ? ", " : "",
				      d->ioctls[i].name);
		}
	if (!n)
		snprintf(text, size, "%s",
			 d->natively == NATIVELY_NO_IMPORT ? "-" : "MODE_MAP_DUMB");
	return text;
}

static void print(const struct driver *d, bool man)
{
	char name[64], by[128];

	snprintf(name, sizeof(name), "%s%s%s%s", d->name, d->module ? " (" : "",
		 d->module ? d->module : "", d->module ? ")" : "");
	maps(d, by, sizeof(by));
	if (man)
		printf("T{\n%s\nT}\tT{\n%s\nT}\tT{\n%s%s%s\nT}\tT{\n%s\nT}\n", name, by,
		       natively[d->natively], d->note ? "; " : "", d->note ? d->note : "",
		       doing(d));
	else
		printf("%-30s  %-54s  %-26s  %-30s  %s\n", name, by, natively[d->natively],
		       doing(d), d->note ? d->note : "");
}

int main(int argc, char **argv)
{
	bool man = argc == 2 && !strcmp(argv[1], "--man");

	if (argc > 1 && !man) {
		fprintf(stderr, "primeshim-drivers: unknown argument; run-with-shim --drivers "
			"prints the table\n");
		return 2;
	}
	if (man)
		puts("driver\tmaps by\timports natively\twith the shim");
	else
		printf("%-30s  %-54s  %-26s  %-30s  %s\n", "DRIVER (MODULE)", "MAPS BY",
		       "IMPORTS NATIVELY", "THE SHIM", "NOTE");
	for (unsigned int i = 0; i < drivers_count; i++)
		print(drivers[i], man);
	print(&generic_driver, man);
	return fflush(stdout) ? 2 : 0;
}
