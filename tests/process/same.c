// SPDX-License-Identifier: MIT
/*
 * A program of random calls, which prints their results; see same.h. For same.sh, over the fake
 * kernel, natively and under the shim. An ordinary program, which knows nothing of the shim.
 *
 *   same --seed N [--steps N] [--threads N] [--skip N[,N]...] [--only KIND[,KIND]...]
 *	[--without KIND[,KIND]...] [--avoid WHAT[,WHAT]...] [--writable] [--any-driver]
 *	[--filters] [--kinds]
 *
 * --writable: every export has DRM_RDWR, as the shim adds it. --any-driver: also one that does not
 * map imports natively, for modes in which the shim does nothing. --filters: seccomp filters come,
 * for a fake kernel that shows them the program's calls (FAKE_SEEN). --kinds: tell the kinds of
 * steps.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/listed.h"
#include "same.h"

unsigned int threads = 1;
uint64_t seed;
bool writable;
const char *self;
const struct fake_driver *driver;
int device, status_card = -1;
bool works;
int (*new_dmabuf)(size_t size, uint8_t fill, bool writable);

static int steps = 80, first_step, depth;
static const char *skipped = "", *only, *without, *avoid = "";
static bool any_driver, filters;
static struct prog progs[THREADS];

/* In every process; in one thread alone, as it is about what all threads have; not in children. */
enum { ALONE = 1, PARENT = 2, ASKED = 4 };	/* ASKED: with --filters */

static const struct {
	void (*step)(struct prog *p);
	const char *name;
	unsigned int weight, flags;
} kinds[] = {
	{ step_open, "open", 12, 0 },
	{ step_buffer, "buffer", 24, 0 },
	{ step_dumb, "dumb", 8, 0 },
	{ step_import, "import", 50, 0 },
	{ step_export, "export", 20, 0 },
	{ step_close_handle, "close-handle", 16, 0 },
	{ step_flink, "flink", 6, 0 },
	{ step_ask, "ask", 60, 0 },
	{ step_turn, "turn", 16, 0 },
	{ step_sync, "sync", 6, 0 },
	{ step_poll, "poll", 12, 0 },
	{ step_map, "map", 90, 0 },
	{ step_map_dmabuf, "map-dmabuf", 8, 0 },
	{ step_anonymous, "anonymous", 10, 0 },
	{ step_unmap, "unmap", 40, 0 },
	{ step_protect, "protect", 16, 0 },
	{ step_remap, "remap", 20, 0 },
	{ step_touch, "touch", 40, 0 },
	{ step_check, "check", 12, 0 },
	{ step_wrong, "wrong", 12, 0 },
	{ step_dup, "dup", 10, 0 },
	{ step_dup2, "dup2", 40, 0 },
	{ step_dupfd, "dupfd", 10, 0 },
	{ step_close, "close", 30, 0 },
	{ step_close_range, "close-range", 8, 0 },
	{ step_flags, "flags", 8, 0 },
	{ step_plain, "plain", 8, 0 },
	{ step_pipe, "pipe", 8, 0 },
	{ step_send, "send", 8, 0 },
	{ step_few, "few", 6, ALONE },
	{ step_fork, "fork", 10, PARENT },
	{ step_vfork, "vfork", 8, PARENT },
	{ step_spawn, "spawn", 4, PARENT },
	{ step_signal, "signal", 12, ALONE },
	{ step_storm, "storm", 3, ALONE | PARENT },
	{ step_filter, "filter", 12, ALONE | ASKED },
	{ step_race, "race", 1, PARENT },
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds), RACE = KINDS - 1 };

/* splitmix64 */
static uint64_t mix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint32_t rnd(struct prog *p, uint32_t below)
{
	return (mix(&p->random) >> 32) * below >> 32;
}

bool one_in(struct prog *p, uint32_t n)
{
	return !rnd(p, n);
}

bool avoided(const char *what)
{
	return listed(avoid, what);
}

/* Programs differ in what they do much of: each seed has some kinds more often, some not at all. */
static unsigned int weight(struct prog *p, int kind)
{
	static const unsigned int times[] = { 0, 1, 1, 1, 3 };
	uint64_t state = seed * 1000003 + kind;

	if ((kinds[kind].flags & ALONE && threads > 1) ||
	    (kinds[kind].flags & PARENT && p->depth) ||
	    (kind == RACE && threads == 1) || (kinds[kind].flags & ASKED && !filters))
		return 0;
	if ((only && !listed(only, kinds[kind].name)) || listed(without, kinds[kind].name))
		return 0;
	return kinds[kind].weight * (only ? 1 : times[mix(&state) % 5]);
}

/* What each program has at first, so that there is something to go wrong. */
static void (*const first[])(struct prog *p) = {
	step_open, step_buffer, step_import, step_ask, step_map, step_buffer, step_import, step_ask,
	step_map,
};

static void one_step(struct prog *p)
{
	unsigned int total = 0, at;

	/* All at the same time. */
	if (!p->depth && threads > 1 && p->step % 40 == 30 && weight(p, RACE)) {
		step_race(p);
		return;
	}
	if (!p->depth && p->step < (int)(sizeof(first) / sizeof(*first))) {
		first[p->step](p);
		return;
	}
	for (int i = 0; i < KINDS; i++)
		total += weight(p, i);
	at = rnd(p, total ? total : 1);
	for (int i = 0; i < KINDS && total; i++) {
		if (at < weight(p, i)) {
			kinds[i].step(p);
			break;
		}
		at -= weight(p, i);
	}
}

void run_steps(struct prog *p, int from, int to)
{
	char number[16];
	uint64_t state;

	for (p->step = from; p->step < to; p->step++) {
		snprintf(number, sizeof(number), "%d", p->step);
		if (!p->depth && listed(skipped, number))
			continue;
		state = seed ^ (uint64_t)p->index << 56 ^ (uint64_t)p->depth << 48;
		p->random = mix(&state) + p->step * 0x123456789abcdefULL;
		one_step(p);
		if (p->few && !--p->few)
			few_over(p);
		slots_mend(p);
		fds_refresh(p);
		say_view(p, false);
		said(p);
	}
}

void finish(struct prog *p, int way)
{
	int status = 3 + rnd(p, 100);

	say(p, "ends by ");
	switch (way % ENDINGS) {
	case 0:
		say(p, "exit(%d)", status);
		said(p);
		exit(status);
	case 1:
		say(p, "_exit(%d)", status);
		said(p);
		_exit(status);
	case 2:
		say(p, "quick_exit(%d)", status);
		said(p);
		quick_exit(status);
	case 3:
		say(p, "SIGKILL");
		said(p);
		raise(SIGKILL);
		_exit(1);
	case 4:
		say(p, "abort()");
		said(p);
		abort();
	case 5:
		/* What a new program says that cannot load its libraries names the shim. */
		if (!p->depth && !p->filtered) {
			exec_self(p);
			_exit(1);
		}
		/* fall through */
	default:
		say(p, "SIGSEGV");
		said(p);
		signal(SIGSEGV, SIG_DFL);
		*(volatile char *)p->none = 1;
		_exit(1);
	}
}

static void *run(void *arg)
{
	struct prog *p = arg;

	run_steps(p, first_step, first_step + steps);
	check_maps(p);
	say_view(p, true);
	said(p);
	return NULL;
}

static bool maps_natively(const struct fake_driver *d)
{
	return d->import_map == MAPS_PAGES && !(d->ways[0].name ? d->ways[0].err : d->dumb_err);
}

static bool usable(const struct fake_driver *d)
{
	return !d->import_err && !d->ways[0].address && (any_driver || maps_natively(d));
}

static void pick_driver(void)
{
	uint64_t state = seed + 77;

	do
		device = mix(&state) % FAKE_DRIVERS;
	while (!usable(&fake_drivers[device]));
	driver = &fake_drivers[device];
	works = maps_natively(driver);
}

void use_other_device(void)
{
	do
		device = (device + 1) % FAKE_DRIVERS;
	while (!usable(&fake_drivers[device]) || !maps_natively(&fake_drivers[device]));
	driver = &fake_drivers[device];
}

static bool start(struct prog *p, unsigned int index)
{
	p->index = index;
	p->depth = depth;
	p->low = threads > 1 ? 100 + 100 * index : 3;
	p->lows = threads > 1 ? 60 : 40;
	snprintf(p->prefix, sizeof(p->prefix), "%u%s", index, depth ? "x" : "");
	p->random = seed + index;
	return maps_start(p);
}

static int usage(const char *what, const char *arg)
{
	fprintf(stderr,
		"same: %s%s; --seed N, --steps N, --threads N, --skip N,..., --only KIND,..., "
		"--without KIND,..., --avoid WHAT,..., --writable, --any-driver, --filters, "
		"--kinds\n",
		what, arg);
	return 2;
}

static int tell_kinds(void)
{
	for (int i = 0; i < KINDS; i++)
		puts(kinds[i].name);
	return 0;
}

static int options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		bool more = i + 1 < argc;

		if (!strcmp(argv[i], "--writable"))
			writable = true;
		else if (!strcmp(argv[i], "--any-driver"))
			any_driver = true;
		else if (!strcmp(argv[i], "--filters"))
			filters = true;
		else if (!strcmp(argv[i], "--kinds"))
			exit(tell_kinds());
		else if (!more)
			return usage("bad option ", argv[i]);
		else if (!strcmp(argv[i], "--seed"))
			seed = strtoull(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--steps"))
			steps = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--from"))	/* by exec_self() */
			first_step = atoi(argv[++i]), depth = 1;
		else if (!strcmp(argv[i], "--threads"))
			threads = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--skip"))
			skipped = argv[++i];
		else if (!strcmp(argv[i], "--avoid"))
			avoid = argv[++i];
		else if (!strcmp(argv[i], "--only"))
			only = argv[++i];
		else if (!strcmp(argv[i], "--without"))
			without = argv[++i];
		else
			return usage("bad option ", argv[i]);
	}
	return threads < 1 || threads > THREADS ? usage("too many threads", "") : 0;
}

int main(int argc, char **argv)
{
	struct rlimit limit = { 8192, 8192 }, usual = { NUMBERS, 8192 };
	pthread_t ids[THREADS];
	char path[32];
	int ret = options(argc, argv);

	if (ret)
		return ret;
	self = "/proc/self/exe";
	new_dmabuf = (int (*)(size_t, uint8_t, bool))dlsym(RTLD_DEFAULT, "fake_export");
	if (!new_dmabuf)
		return usage("there is no fake kernel", "");
	pick_driver();
	/* The fake kernel's descriptor goes where the program does not look. */
	if (!depth && setrlimit(RLIMIT_NOFILE, &limit))
		return usage("a limit of 8192 descriptors", "");
	snprintf(path, sizeof(path), "/dev/dri/card%d", device);
	ret = open(path, O_RDWR | O_CLOEXEC);
	if (threads > 1)
		status_card = ret;
	else
		close(ret);
	usual.rlim_max = limit.rlim_max;
	if (!depth)
		setrlimit(RLIMIT_NOFILE, &usual);
	pages_start();
	for (unsigned int i = 0; i < threads; i++)
		if (!start(&progs[i], i))
			return usage("no memory", "");
	if (!depth)
		say(&progs[0], "%s", driver->name);
	said(&progs[0]);
	for (unsigned int i = 1; i < threads; i++)
		if (pthread_create(&ids[i], NULL, run, &progs[i]))
			return usage("no thread", "");
	run(&progs[0]);
	if (progs[0].few)
		few_over(&progs[0]);
	for (unsigned int i = 1; i < threads; i++)
		pthread_join(ids[i], NULL);
	progs[0].random = seed + 5;
	finish(&progs[0], threads > 1 ? 0 : depth ? rnd(&progs[0], 4) : rnd(&progs[0], ENDINGS));
}
