// SPDX-License-Identifier: MIT
/*
 * Gives wrong files to all that reads status files: it changes a small right file at random, cuts
 * it short or lengthens it, reads it, and prints it in every form if the reader takes it. Built
 * with ASan and UBSan, which end it at the first fault.
 *
 *   status-fuzz [FILES [SEED]]
 */
#include "config.h"

#include <err.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/cli.h"
#include "lib/commands.h"
#include "status/summary.h"
#include "report/report.h"
#include "trace/plot.h"
#include "trace/trace.h"

struct small {
	struct status_file head;
	status_name names[6];
	struct status_pair pairs[8];
	struct status_buffer buffers[4];
	struct status_import imports[4];
	struct status_mapping mappings[4];
	struct status_event events[32];
};

static uint64_t state;

static uint32_t below(uint32_t n)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (state >> 33) % n;
}

#define SECTION(t, in_use) (struct status_section){			\
	.offset = offsetof(struct small, t), .stride = sizeof(s->t[0]),	\
	.n = sizeof(s->t) / sizeof(s->t[0]), .used = (in_use) }

static void make(struct small *s)
{
	*s = (struct small){
		.head = {
			.version = STATUS_VERSION, .order = STATUS_ORDER, .size = sizeof(*s),
			.pid = 812, .ppid = 1, .bits = 64, .program = "weston",
			.command = "weston\0--debug", .shim = "0.1.0", .imports_live = 2,
			.imports_most = 3,
		},
		.names = { "", "?", "vgem", "udmabuf", "cirrus" },
		.buffers = { { .live = 1, .exporter = 3, .turn = STATUS_SHOWN(TURN_CPU, 3),
			.ino = 7, .size = 65536 } },
		.imports = { { .live = 1, .importer = 2, .buffer = 1, .handle = 5 } },
		.mappings = { { .live = 1, .importer = 2, .buffer = 1, .prot = PROT_READ,
				.start = 0x1000, .end = 0x11000 } },
	};
	memcpy(s->head.magic, STATUS_MAGIC, sizeof(s->head.magic));
	s->head.names = SECTION(names, 5);
	s->head.pairs = SECTION(pairs, 8);
	s->head.buffers = SECTION(buffers, 2);
	s->head.imports = SECTION(imports, 2);
	s->head.mappings = SECTION(mappings, 2);
	s->head.events = SECTION(events, 40);
	for (int i = 0; i < 8; i++)
		s->pairs[i] =
			(struct status_pair){ .importer = 2, .exporter = 3, .call = i % CALL_COUNT,
						    .outcome = i % OUTCOME_COUNT, .native = i - 2,
						    .reason = i == 7, .count = i, .bytes = 4096 };
	for (uint32_t n = 9; n <= 40; n++)
		s->events[(n - 1) % 32] = (struct status_event){
			.seq = n, .at = n * 1000, .kind = 1 + n % (EVENT_COUNT - 1), .importer = 2,
			.exporter = 3, .handle = 5, .entry = 1, .ino = 7, .len = 4096, .tid = 812 };
}

/* Mostly numbers that are nearly right, at places that matter. */
static size_t spoil(char *file, size_t size, size_t room)
{
	static const uint32_t numbers[] =
		{ 0, 1, 2, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff };
	unsigned int changes = 1 + below(4);

	while (changes--) {
		size_t at = below(3) ? below(sizeof(struct status_file)) : below(size);
		uint32_t n = below(2) ? numbers[below(9)] : below(0xffffffff);

		switch (below(4)) {
		case 0:
			file[at] ^= 1 << below(8);
			break;
		case 1:
			file[at] = n;
			break;
		default:
			at &= ~3U;
			if (at + sizeof(n) <= size)
				memcpy(file + at, &n, sizeof(n));
		}
	}
	switch (below(12)) {
	case 0:
		return below(size + 1);
	case 1:
		return size + below(room - size);
	default:
		return size;
	}
}

/* Whatever the file says: nothing ends before it begins, or lies outside. */
static void check_timeline(const struct status *p)
{
	struct timeline t;

	timeline_of(&t, p);
	for (size_t i = 0; i < t.nspans; i++) {
		const struct span *s = &t.spans[i];

		if (s->from < t.from || s->from > s->to || s->to > t.to ||
		    (s->kind == SPAN_BRACKET && (s->granted < s->from || s->ending < s->granted ||
						 s->to < s->ending)) ||
		    s->import >= (int)t.nspans ||
		    (s->import >= 0 && t.spans[s->import].kind != SPAN_IMPORT))
			errx(1, "a span of %s from %llu to %llu", span_word(s->kind),
			     (unsigned long long)s->from, (unsigned long long)s->to);
	}
	for (size_t i = 0; i < t.nmarks; i++)
		if (t.marks[i].at < t.from || t.marks[i].at > t.to)
			errx(1, "a sign outside of its timeline");
	timeline_free(&t);
}

static void print(struct status *p)
{
	uint32_t seen = 0;
	char text[64] = "\x1b\xff", *words[] = { text, NULL };
	struct evidence e = { .files = p, .n = 1, .status = (int)below(257) - 1,
			      .command = words };

	report_text(&e);
	report_csv(p, 1);
	report_json(&e);
	maps_text(p);
	maps_json(p, 1);
	watch_print(p, &seen);
	check_timeline(p);
	/* These take longest. */
	if (below(10))
		return;
	trace_json(stdout, p, 1);
	plot_write(stdout, p, 1);
	status_command(p, text, below(sizeof(text)));
}

int main(int argc, char **argv)
{
	static char file[2 * sizeof(struct small)];
	unsigned long files = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000, taken = 0,
		refused = 0;
	char path[] = "/dev/shm/status-fuzz.XXXXXX", why[256];
	int fd = mkstemp(path);

	state = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	if (fd < 0 || !freopen("/dev/null", "w", stdout))
		err(1, "status-fuzz");
	for (unsigned long i = 0; i < files; i++) {
		struct status p;
		size_t size = sizeof(struct small);

		make((struct small *)file);
		/* The first is right, and has to be taken. */
		if (i)
			size = spoil(file, size, sizeof(file));
		if (ftruncate(fd, 0) || pwrite(fd, file, size, 0) != (ssize_t)size)
			err(1, "status-fuzz");
		why[0] = '\0';
		if (!status_read(path, &p, why, sizeof(why))) {
			taken++;
			print(&p);
			status_free(&p);
		} else {
			refused++;
			if (!i || !why[0] || strchr(why, '\n'))
				errx(1, "file %lu: refused with: %s", i, why);
		}
	}
	unlink(path);
	fprintf(stderr, "status-fuzz: %lu files: %lu taken, %lu refused\n", files, taken, refused);
	return taken && refused ? 0 : 1;
}
