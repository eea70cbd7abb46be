// SPDX-License-Identifier: MIT
/*
 * The program that bench.sh measures: calls of libc in loops. It links nothing but libc. For each
 * measurement it prints "ROW IMPORTS CALLS", and with "time" the nanoseconds of a call.
 *
 * Rule: all that is counted runs in measured(), and each measurement ends with done(). bench.sh
 * tells callgrind to count and to dump there.
 */
#include "config.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>

#include "measure.h"

#define PAGE		4096
#define AT_ONCE		200	/* calls in one measurement: descriptors and mappings to hold */
#define BATCHES		60	/* measurements of which the fastest is taken */
#define SAMPLES		64	/* calls measured one by one, at each number of imports */
#define MOST		200000	/* imports */
#define RUN_NS		300000000

static bool timing;
static int card = -1, pipe_fd, file_fd, epoll_fd;
static int spare[SAMPLES];		/* dma-bufs that are not imported */
static uint32_t handles[MOST];		/* of the live imports, in the order they were made */
static long live;

/* What the loops keep for the loop that takes it away again. */
static void *maps[AT_ONCE];
static int fds[AT_ONCE];

/*
 * Every other page of it is free, and asked for. So the same mappings lie beside each other
 * whatever was preloaded: what mmap and munmap take depends on the neighbours.
 */
static char *area;
#define HOLE(n)		(area + (2 * (n) + 1) * PAGE)

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "calls: ");
	perror(what);
	exit(2);
}

__attribute__((noinline)) static void measured(void (*run)(long n), long n)
{
	run(n);
	__asm__ volatile("" ::: "memory");	/* so that this is no tail call */
}

__attribute__((noinline)) static void done(void)
{
	__asm__ volatile("" ::: "memory");
}

static double timed(void (*run)(long n), long n)
{
	double start = now_ns();

	measured(run, n);
	return now_ns() - start;
}

static void print_row(const char *row, long calls, double ns)
{
	if (timing)
		printf("%s %ld %ld %.1f\n", row, live, calls, ns);
	else
		printf("%s %ld %ld\n", row, live, calls);
	done();
}

/* The calls by themselves. On a pipe a DRM ioctl is refused (ENOTTY) without further ado. */

#define LOOP(name, ...)				\
	static void name(long n)		\
	{					\
		while (n--)			\
			__VA_ARGS__;		\
	}

static union {
	struct drm_version version;
	struct drm_gem_close close;
	struct drm_prime_handle prime;
	struct drm_mode_map_dumb map;
	int left;
} arg;

/* RADEON_CS: number and size are what the shim knows it by. */
#define SUBMIT DRM_IOWR(DRM_COMMAND_BASE + 0x26, char[32])

#define ANON PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0
#define FILE_ PROT_READ, MAP_SHARED, file_fd, 0

LOOP(fionread, ioctl(pipe_fd, FIONREAD, &arg.left))
LOOP(version, ioctl(pipe_fd, DRM_IOCTL_VERSION, &arg.version))
LOOP(gem_close, ioctl(pipe_fd, DRM_IOCTL_GEM_CLOSE, &arg.close))
LOOP(submit, ioctl(pipe_fd, SUBMIT, &arg.version))
LOOP(poll_none, poll(NULL, 0, 0))
LOOP(select_none, select(0, NULL, NULL, NULL, &(struct timeval){ 0 }))
LOOP(epoll_none, epoll_wait(epoll_fd, &(struct epoll_event){ 0 }, 1, 0))
LOOP(map_dumb, ioctl(pipe_fd, DRM_IOCTL_MODE_MAP_DUMB, &arg.map))
LOOP(anon_mmap, maps[n] = mmap(HOLE(n), PAGE, ANON))
LOOP(file_mmap, maps[n] = mmap(HOLE(n), PAGE, FILE_))
LOOP(unmap, munmap(maps[n], PAGE))
LOOP(anon_pair, munmap(mmap(HOLE(n), PAGE, ANON), PAGE))
LOOP(file_pair, munmap(mmap(HOLE(n), PAGE, FILE_), PAGE))
LOOP(advise, madvise(area, PAGE, MADV_NORMAL))
LOOP(dup_it, fds[n] = dup(pipe_fd))
LOOP(close_it, close(fds[n]))
LOOP(nothing, break)

/* With the argument on the stack, as libdrm has it; in the middle of a page, not at its edge. */
static __attribute__((noinline)) void export_often(long n, uint32_t flags)
{
	struct drm_prime_handle p = { .flags = flags };

	while (n--)
		ioctl(pipe_fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &p);
}

static __attribute__((noinline)) void export_mid_page(long n, uint32_t flags)
{
	volatile char *room = alloca(2048 + ((uintptr_t)__builtin_frame_address(0) & 4095));

	room[0] = 0;
	export_often(n, flags);
}

static void handle_to_fd(long n)
{
	export_mid_page(n, DRM_CLOEXEC | DRM_RDWR);
}

static void handle_to_ro(long n)
{
	export_mid_page(n, DRM_CLOEXEC);
}

static const struct {
	const char *name;
	void (*before)(long n), (*run)(long n), (*after)(long n);
} rows[] = {
	{ "fionread", nothing, fionread, nothing },
	{ "version", nothing, version, nothing },
	{ "gem_close", nothing, gem_close, nothing },
	{ "handle_to_fd", nothing, handle_to_fd, nothing },
	{ "handle_to_ro", nothing, handle_to_ro, nothing },
	{ "map_dumb", nothing, map_dumb, nothing },
	{ "submit", nothing, submit, nothing },
	{ "poll", nothing, poll_none, nothing },
	{ "select", nothing, select_none, nothing },
	{ "epoll", nothing, epoll_none, nothing },
	{ "anon_pair", nothing, anon_pair, nothing },
	{ "anon_mmap", nothing, anon_mmap, unmap },
	{ "anon_munmap", anon_mmap, unmap, nothing },
	{ "file_pair", nothing, file_pair, nothing },
	{ "file_mmap", nothing, file_mmap, unmap },
	{ "file_munmap", file_mmap, unmap, nothing },
	{ "madvise", nothing, advise, nothing },
	{ "dup", nothing, dup_it, close_it },
	{ "close", dup_it, close_it, nothing },
};

static void measure_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		double best = 1e18;

		/*
		 * So that nothing is done for the first time: symbols are bound, tables are made.
		 */
		rows[i].before(AT_ONCE);
		rows[i].run(AT_ONCE);
		rows[i].after(AT_ONCE);
		for (int b = timing ? BATCHES : 1; b--;) {
			double ns;

			rows[i].before(AT_ONCE);
			ns = timed(rows[i].run, AT_ONCE);
			rows[i].after(AT_ONCE);
			best = ns < best ? ns : best;
		}
		print_row(rows[i].name, AT_ONCE, best / AT_ONCE);
	}
}

/* Imports: of dma-bufs that the fake kernel exports, into its first device. */

static int export(void)
{
	static int (*fake_export)(size_t size, uint8_t fill, bool writable);
	int fd;

	if (!fake_export)
		*(void **)&fake_export = dlsym(RTLD_DEFAULT, "fake_export");
	fd = fake_export ? fake_export(PAGE, 0, true) : -1;
	if (fd < 0)
		fail("fake_export");
	return fd;
}

static int open_card(void)
{
	int fd = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("/dev/dri/card0");
	return fd;
}

/* One ioctl on the card, by itself or as what measured() calls. */
static unsigned long request;
static int answer;

LOOP(one_ioctl, answer = ioctl(card, request, &arg))

static double card_ioctl(unsigned long what, bool count)
{
	double ns = 0;

	request = what;
	if (count)
		ns = timed(one_ioctl, 1);
	else
		one_ioctl(1);
	return ns;
}

static double import(int dmabuf, uint32_t *handle, bool count)
{
	double ns;

	arg.prime = (struct drm_prime_handle){ .fd = dmabuf };
	ns = card_ioctl(DRM_IOCTL_PRIME_FD_TO_HANDLE, count);
	if (answer < 0)
		fail("PRIME_FD_TO_HANDLE");
	*handle = arg.prime.handle;
	return ns;
}

/* Without the shim this is refused, as it is natively. */
static double lookup(uint32_t handle, bool count)
{
	arg.map = (struct drm_mode_map_dumb){ .handle = handle };
	return card_ioctl(DRM_IOCTL_MODE_MAP_DUMB, count);
}

static double drop(uint32_t handle, bool count)
{
	double ns;

	arg.close = (struct drm_gem_close){ .handle = handle };
	ns = card_ioctl(DRM_IOCTL_GEM_CLOSE, count);
	if (answer < 0)
		fail("GEM_CLOSE");
	return ns;
}

/* Up to @n live imports. With @count each is measured, and the mean is printed. */
static void grow(long n, bool count)
{
	long first = live;
	double ns = 0;

	while (live < n) {
		int fd = export();

		ns += import(fd, &handles[live++], count);
		close(fd);
	}
	if (count)
		print_row("import-growing", live - first, ns / (live - first));
}

static int by_size(const void *a, const void *b)
{
	return *(const double *)a > *(const double *)b ? 1 : -1;
}

static void told_median(const char *row, double *ns)
{
	qsort(ns, SAMPLES, sizeof(*ns), by_size);
	print_row(row, SAMPLES, ns[SAMPLES / 2]);
}

static void measure_imports(long most)
{
	double ns[SAMPLES];
	uint32_t handle;

	for (int i = 0; i < SAMPLES; i++)
		spare[i] = export();
	/* Once without being measured, so that nothing is done for the first time. */
	import(spare[0], &handle, false);
	lookup(handle, false);
	drop(handle, false);

	for (long n = 1; n <= most; n *= 10) {
		long first = live;
		double sum = 0;

		grow(n, true);
		for (long i = first; i < live; i++)
			sum += lookup(handles[i], true);
		print_row("offset-growing", live - first, sum / (live - first));

		/*
		 * With n imports there, all of them with an offset: one more, one found, one gone.
		 */
		for (int i = 0; i < SAMPLES; i++) {
			ns[i] = import(spare[i], &handle, true);
			drop(handle, false);
		}
		told_median("import", ns);
		for (int i = 0; i < SAMPLES; i++)
			ns[i] = lookup(handles[i * 7919L % n], true);
		told_median("lookup", ns);
		for (int i = 0; i < SAMPLES; i++) {
			uint32_t *old = &handles[i * 7919L % n];

			ns[i] = drop(*old, true);
			import(spare[i], old, false);
			lookup(*old, false);
			close(spare[i]);
			spare[i] = export();
		}
		told_median("close-import", ns);
	}
	measure_rows();
}

/* bench.sh looks at the process at each line, and answers it. */
static void stand_still(const char *row)
{
	char answered[2];

	print_row(row, live, 0);
	if (read(STDIN_FILENO, answered, 1) != 1)
		fail("no answer");
}

static void measure_memory(long most)
{
	close(export());	/* The fake kernel starts. */
	stand_still("start");
	grow(most, false);
	stand_still("imported");
	for (long i = 0; i < live; i++)
		lookup(handles[i], false);
	stand_still("offsets");
}

struct worker {
	pthread_t thread;
	int fd;
	struct drm_prime_handle import;
	unsigned long calls;
	char apart[128];	/* from the next one's cache line */
};

static atomic_bool stop;

/* An import is exported again and closed: each time its record is looked for and found. */
static void *work(void *of)
{
	struct worker *w = of;
	struct drm_prime_handle p = { .handle = w->import.handle, .flags = DRM_CLOEXEC };

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		if (ioctl(w->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &p) < 0 || close(p.fd) < 0)
			fail("PRIME_HANDLE_TO_FD");
		w->calls++;
	}
	return NULL;
}

static void measure_threads(const char *row, int n, int files)
{
	struct worker w[2] = { 0 };
	unsigned long calls = 0;

	for (int i = 0; i < n; i++) {
		w[i].fd = i < files ? open_card() : w[0].fd;
		w[i].import.fd = export();
		if (ioctl(w[i].fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &w[i].import) < 0)
			fail("PRIME_FD_TO_HANDLE");
	}
	atomic_store(&stop, false);
	for (int i = 0; i < n; i++)
		if (pthread_create(&w[i].thread, NULL, work, &w[i]))
			fail("pthread_create");
	nanosleep(&(struct timespec){ .tv_nsec = RUN_NS }, NULL);
	atomic_store(&stop, true);
	for (int i = 0; i < n; i++) {
		pthread_join(w[i].thread, NULL);
		calls += w[i].calls;
		close(w[i].import.fd);
	}
	for (int i = 0; i < files; i++)
		close(w[i].fd);
	printf("%s 0 %lu %.1f\n", row, calls, RUN_NS / (calls + 1e-9));
}

/* So that there is an import of a driver with a submit of its own, which counts from then on. */
static void meet_radeon(void)
{
	struct drm_prime_handle p = { .fd = export() };
	int fd = open("/dev/dri/card2", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p))
		fail("an import into /dev/dri/card2");
}

static void start(void)
{
	int ends[2];

	file_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	area = mmap(NULL, 2 * PAGE * (AT_ONCE + 1), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pipe(ends) < 0 || file_fd < 0 || epoll_fd < 0 || area == MAP_FAILED)
		fail("start");
	pipe_fd = ends[0];
	for (int i = 0; i < AT_ONCE; i++)
		munmap(HOLE(i), PAGE);
	setvbuf(stdout, NULL, _IOLBF, 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";
	long n = argc > 3 ? atol(argv[3]) : 0, mapped = argc > 4 ? atol(argv[4]) : 0;

	timing = argc > 1 && !strcmp(argv[1], "time");
	if ((!timing && (argc < 2 || strcmp(argv[1], "count"))) || n < 0 || n > MOST - 1 ||
	    mapped < 0 || mapped > n) {
		fprintf(stderr, "Usage: calls count|time rows|imports|memory|threads "
			"[IMPORTS [MAPPED]]\n");
		return 2;
	}
	start();
	if (n)
		card = open_card();
	if (!strcmp(what, "rows")) {
		grow(n, false);
		if (n)
			meet_radeon();
		for (long i = 0; i < mapped; i++) {
			lookup(handles[i], false);
			if (answer < 0 || mmap(NULL, PAGE, PROT_READ, MAP_SHARED, card,
					       arg.map.offset) == MAP_FAILED)
				fprintf(stderr, "calls: the import is not mapped\n");
		}
		measure_rows();
	} else if (!strcmp(what, "imports")) {
		measure_imports(n);
	} else if (!strcmp(what, "memory")) {
		measure_memory(n);
	} else if (!strcmp(what, "threads")) {
		measure_threads("one", 1, 1);
		measure_threads("two-files", 2, 2);
		measure_threads("one-file", 2, 1);
	}
	return 0;
}
