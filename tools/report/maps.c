// SPDX-License-Identifier: MIT
/* primeshim maps: a process's mappings of imports, in the manner of /proc/PID/maps. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "lib/cli.h"
#include "lib/commands.h"
#include "status/summary.h"
#include "report.h"

static const char usage[] =
	"Usage: primeshim maps [--json] PID | FILE | DIR\n"
	"Prints the mappings of imports: addresses, protection, the importer with its handles\n"
	"of the buffer, the exporter, the inode, the buffer's size, what is mapped (the dma-buf,\n"
	"the driver's own mapping, or direct: the program has mapped the dma-buf itself), and\n"
	"the state of the bracket:\n"
	"\n"
	"  cpu-r   open for reading (START done)   owed    no START: it was busy, or is done\n"
	"  cpu-rw  open for reading and writing    device  END done: it is the device's turn\n"
	"  -       it has no brackets              read    the same, but the device only reads\n"
	"\n"
	"What stays mapped for the next map (PRIMESHIM_KEEP) is summed up in the last line.\n"
	"\n"
	"  --json  prints JSON\n"
	"  --help  prints this\n"
	"\n"
	"Exit status: 0, or 2 for bad use or if there is nothing to read.\n";

static const char *turn_text(const struct status_buffer *b)
{
	static const char *const texts[TURN_COUNT] = {
		[TURN_NONE] = "-", [TURN_CPU] = "cpu-rw", [TURN_CPU_LATER] = "owed",
		[TURN_DEVICE_READS] = "read", [TURN_DEVICE] = "device",
	};
	unsigned int turn = STATUS_TURN(b->turn);

	if (turn == TURN_CPU && STATUS_BRACKET(b->turn) == DMA_BUF_SYNC_READ)
		return "cpu-r";
	return turn < TURN_COUNT ? texts[turn] : "?";
}

static const char *const makers[] = {
	[MAPPED_DMABUF] = "dma-buf", [MAPPED_NATIVE] = "native", [MAPPED_DIRECT] = "direct",
};

static int by_address(const void *a, const void *b)
{
	const struct status_mapping *m = a, *n = b;

	return m->start < n->start ? -1 : m->start > n->start;
}

/* Prints the importer's handles of the buffer: "1", "1,7", "-" once all are closed. */
static void print_handles(const struct status *p, const struct status_mapping *m)
{
	bool any = false;

	for (unsigned int i = 0; i < p->nimports; i++) {
		const struct status_import *imp = &p->imports[i];

		if (imp->buffer != m->buffer || imp->importer != m->importer)
			continue;
		printf("%s%u", any ? "," : "", imp->handle);
		any = true;
	}
	if (!any)
		putchar('-');
}

void maps_text(struct status *p)
{
	char kept[32];

	qsort(p->mappings, p->nmappings, sizeof(*p->mappings), by_address);
	for (unsigned int i = 0; i < p->nmappings; i++) {
		const struct status_mapping *m = &p->mappings[i];
		const struct status_buffer *b = status_buffer_of(p, m->buffer);
		char size[32];

		printf("%012" PRIx64 "-%012" PRIx64 " %c%c%c %s handle ", m->start, m->end,
		       m->prot & PROT_READ ? 'r' : '-', m->prot & PROT_WRITE ? 'w' : '-',
		       m->prot & PROT_EXEC ? 'x' : '-', device_name(p, m->importer));
		print_handles(p, m);
		printf(" <- %s inode %" PRIu64 " %s %s %s\n", b ? device_name(p, b->exporter) : "?",
		       b ? b->ino : 0, bytes_text(size, sizeof(size), b ? b->size : 0),
		       m->by <= MAPPED_DIRECT ? makers[m->by] : "?",
		       b ? turn_text(b) : "?");
	}
	if (p->head.kept)
		printf("# %s stay mapped for the next map\n",
		       bytes_text(kept, sizeof(kept), (uint64_t)p->head.kept << 10));
	if (p->head.no_room)
		printf("# %u entries did not fit into the status file\n", p->head.no_room);
}

int cmd_maps(int argc, char **argv)
{
	bool json = false;
	const struct cli_option options[] = { { "json", .flag = &json }, { 0 } };
	int ret = cli_options(argc, argv, usage, options, false);
	struct status *files;
	size_t n;

	if (ret >= 0)
		return ret;
	if (argc - optind != 1)
		return bad_use(argv[0], "give the number of a process");
	files = status_load(argv[optind], &n);
	if (json)
		maps_json(files, n);
	for (size_t i = 0; !json && i < n; i++) {
		if (n > 1)
			printf("# %s[%u], %s\n", files[i].head.program, files[i].head.pid,
			       life_name(files[i].life));
		maps_text(&files[i]);
	}
	status_free_all(files, n);
	return finish_output();
}
