// SPDX-License-Identifier: MIT
/*
 * A fuzzer with a model: several threads make random calls to the shim, which is linked in, over
 * the fake kernel. The fuzzer judges each call by what the program should see (fuzz.h), and between
 * rounds compares the shim's records with its model (fuzz-check.c). A failure prints the seed, the
 * step and the thread's last steps; with one thread the same seed makes the same steps. With
 * --clean no round has faults, or calls that the shim cannot see. With --progress it prints a line
 * after each round.
 */
#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <drm.h>

#include "kernel/sandbox.h"
#include "publish/stats.h"
#include "settings/settings.h"

#include "lib/listed.h"
#include "fuzz.h"

#define ROUND	1000	/* steps of a thread until all records are compared */
#define ROUNDS	4	/* of those until everything is let go */

unsigned int threads = 4;
bool redirect, observe;
int status_fd[SHARED] = { -1, -1 };

static unsigned long seed, steps = 100000;
static bool trace, clean, progress;
static const char *only, *without;	/* kinds of steps */
static struct thread all[THREADS];
static pthread_barrier_t barrier;
static pthread_mutex_t failing = PTHREAD_MUTEX_INITIALIZER;
static __thread struct thread *self;

static struct {
	void (*step)(struct thread *t);
	unsigned int weight;
	const char *name;
} kinds[] = {
	{ step_open, 20, "open" }, { step_dup, 50, "dup" }, { step_close, 50, "close" },
	{ step_close_range, 6, "close_range" }, { step_bad_fd, 10, "bad fd" },
	{ step_foreign, 50, "foreign" }, { step_dumb, 20, "dumb" }, { step_import, 120, "import" },
	{ step_turn, 60, "turn" },
	{ step_export, 40, "export" }, { step_gem_close, 60, "close handle" },
	{ step_flink, 12, "flink" }, { step_rename, 8, "rename" },
	{ step_bad_ioctl, 20, "bad ioctl" }, { step_map_ioctl, 150, "map ioctl" },
	{ step_map, 200, "map" }, { step_direct, 60, "direct" },
	{ step_anonymous, 40, "anonymous" }, { step_touch, 60, "touch" },
	{ step_unmap, 90, "unmap" }, { step_remap, 60, "mremap" }, { step_bad_map, 15, "bad map" },
	{ step_busy, 6, "busy" }, { step_fork, 3, "fork" }, { step_vfork, 1, "vfork" },
	{ step_send, 12, "send" },
	{ step_storm, 6, "storm" }, { step_end, 2, "end" }, { step_children, 4, "children" },
	{ step_private, 20, "private" },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

uint32_t rnd(struct thread *t, uint32_t below)
{
	/* splitmix64 */
	uint64_t z = t->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return ((z ^ z >> 31) >> 32) * (uint64_t)below >> 32;
}

bool one_in(struct thread *t, uint32_t n)
{
	return !rnd(t, n);
}

void log_step(struct thread *t, const char *fmt, ...)
{
	char *line = t->lines[t->step % LINES];
	size_t used = strlen(line);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + used, sizeof(t->lines[0]) - used, fmt, ap);
	va_end(ap);
	if (trace)
		fprintf(stderr, "%u.%lu %s\n", t->index, t->step, line + used);
}

void fail(struct thread *t, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	/* The others may go on for a moment. */
	if (!t->child)
		pthread_mutex_lock(&failing);
	fprintf(stderr, "fuzz: --seed %lu --threads %u --steps %lu: thread %u, step %lu%s%s: %s\n",
		seed, threads, steps, t->index, t->step, t->dirty ? ", dirty" : "",
		t->child ? ", in a child" : "", what);
	fprintf(stderr, "fuzz: its last steps:\n");
	for (unsigned long i = t->step >= LINES ? t->step - LINES + 1 : 0; i <= t->step; i++)
		fprintf(stderr, "%8lu %s\n", i, t->lines[i % LINES]);
	_exit(1);
}

static void caught(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (self)
		fail(self, "signal %d at %p", sig, info->si_addr);
	_exit(1);
}

/* The shared files, each with an import of the shim's acquaintance. */
static void open_shared(void)
{
	char path[] = "/dev/dri/card0";
	struct drm_prime_handle p = { 0 };

	for (int i = 0; i < SHARED; i++) {
		path[sizeof(path) - 2] = '0' + (i ? FAKE_SIGBUS : FAKE_REFUSES);
		status_fd[i] = fake_open(path, O_RDWR | O_CLOEXEC);
		p.fd = fake_export(PAGE, 0, true);
		if (status_fd[i] < 0 || shim_ioctl(status_fd[i], DRM_IOCTL_PRIME_FD_TO_HANDLE, &p))
			abort();
		shim_close(p.fd);
		for (unsigned int j = 0; j < threads; j++) {
			int fd;

			all[j].files[i] = (struct ofile){
				.used = true, .device = i ? FAKE_SIGBUS : FAKE_REFUSES,
			};
			fd = fd_new(&all[j], status_fd[i], i, -1, true);
			all[j].fds[fd].fixed = true;
		}
	}
}

static void close_shared(void)
{
	for (int i = 0; i < SHARED; i++) {
		for (unsigned int j = 0; j < threads; j++) {
			int fd = fd_at(&all[j], status_fd[i]);

			if (fd < 0)
				continue;
			for (int k = 0; k < HANDLES; k++)
				if (all[j].handles[k].used && all[j].handles[k].file == i)
					handle_gone(&all[j], k);
			fd_gone(&all[j], fd);
			bufs_reap(&all[j]);
		}
		if (shim_close(status_fd[i]))
			abort();
	}
}

static void clear(struct thread *t)
{
	/* Handles on shared files end with those. */
	tear_down(t);
	memset(t->old, 0, sizeof(t->old));
	t->blurred = t->torn = t->disordered = false;
	t->ghosts = 0;
}

static void choose_kinds(void)
{
	for (size_t i = 0; i < KINDS; i++)
		if ((only && !listed(only, kinds[i].name)) || listed(without, kinds[i].name))
			kinds[i].weight = 0;
}

static void one_step(struct thread *t)
{
	unsigned int at, total = 0;

	for (size_t i = 0; i < KINDS; i++)
		total += kinds[i].weight;
	at = rnd(t, total ? total : 1);
	t->lines[t->step % LINES][0] = '\0';
	for (size_t i = 0; i < KINDS; i++) {
		if (at < kinds[i].weight) {
			kinds[i].step(t);
			break;
		}
		at -= kinds[i].weight;
	}
	bufs_reap(t);
	t->step++;
}

static void wait_all(void)
{
	pthread_barrier_wait(&barrier);
}

static void *run(void *arg)
{
	struct thread *t = self = arg;
	unsigned long mine = (steps + threads - 1) / threads;

	while (t->step < mine) {
		unsigned long round = t->step / ROUND;
		bool last;

		t->dirty = !clean && round / ROUNDS % 2;
		for (int i = 0; i < ROUND && t->step < mine; i++)
			one_step(t);
		last = t->step == mine || (round + 1) % ROUNDS == 0;
		wait_all();
		if (!t->index)
			check_all(all);
		if (!t->index && progress)
			fprintf(stderr, "# fuzz: %lu of %lu steps\n", t->step * threads, steps);
		wait_all();
		if (!last)
			continue;
		clear(t);
		wait_all();
		if (!t->index) {
			close_shared();
			check_nothing(all, "with everything let go");
			if (t->step < mine)
				open_shared();
		}
		wait_all();
	}
	return NULL;
}

static int usage(const char *what, const char *arg)
{
	fprintf(stderr, "fuzz: %s%s; --seed N --steps N --threads N --clean --trace --progress\n",
		what, arg);
	return 2;
}

static bool number(const char *s, unsigned long most, unsigned long *out)
{
	char *end;

	if (!s || *s < '0' || *s > '9')
		return false;
	errno = 0;
	*out = strtoul(s, &end, 10);
	return !*end && !errno && *out <= most;
}

static int start(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS };
	struct sigaction act = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct rlimit lim = { ANY_FD, ANY_FD };

	for (int i = 0; i < 2; i++)
		sigaction(signals[i], &act, NULL);
	setrlimit(RLIMIT_NOFILE, &lim);
	syscall(SYS_close_range, 3, ~0U, 0);
	redirect = mode_rescues();
	observe = mode_now() == MODE_OBSERVE;
	linked_start();
	/* Asked before there is a fault. The fake kernel has no filter, whatever this one has. */
	sandbox_ask();
	atomic_store(&sandbox_refused, 0);
	fake_change_handle(true);
	signals_start();
	if (few >= 0)
		few_start();
	pthread_barrier_init(&barrier, NULL, threads);
	for (unsigned int i = 0; i < threads; i++) {
		struct thread *t = &all[i];

		t->index = i;
		t->random = seed + i * 0x123456789abcdefULL;
		for (int j = 0; j < FDS; j++)
			t->fds[j].number = -1;
		t->shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
				 0);
		if (t->shared == MAP_FAILED ||
		    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, t->socks) < 0)
			return 2;
	}
	baseline();
	open_shared();
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t id[THREADS];
	unsigned long n;
	struct timespec from, to;

	seed = time(NULL);
	for (int i = 1; i < argc; i++) {
		bool more = i + 1 < argc;

		if (!strcmp(argv[i], "--trace"))
			trace = true;
		else if (!strcmp(argv[i], "--progress"))
			progress = true;
		else if (!strcmp(argv[i], "--clean"))
			clean = true;
		else if (!strcmp(argv[i], "--child"))	/* by step_children() */
			return 0;
		else if (!strcmp(argv[i], "--few") && more && number(argv[i + 1], 200, &n)) {
			few = n;
			i++;
		} else if (!strcmp(argv[i], "--only") && more)
			only = argv[++i];
		else if (!strcmp(argv[i], "--without") && more)
			without = argv[++i];
		else if (!strcmp(argv[i], "--seed") && more && number(argv[i + 1], ~0UL, &seed))
			i++;
		else if (!strcmp(argv[i], "--steps") && more && number(argv[i + 1], ~0UL, &steps))
			i++;
		else if (!strcmp(argv[i], "--threads") && more &&
			 number(argv[i + 1], THREADS, &n) && n) {
			threads = n;
			i++;
		} else {
			return usage("bad option ", argv[i]);
		}
	}
	choose_kinds();
	if (start())
		return usage("cannot start", "");
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (unsigned int i = 0; i < threads; i++)
		if (pthread_create(&id[i], NULL, run, &all[i]))
			return usage("cannot start a thread", "");
	for (unsigned int i = 0; i < threads; i++)
		pthread_join(id[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("fuzz: --seed %lu: %lu steps of %u threads in %.1f s: all right; %lu imports, %lu "
	       "redirected, %lu fallbacks, %lu begins\n", seed, steps, threads,
	       to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9,
	       (unsigned long)stat_get(STAT_IMPORT),
	       (unsigned long)stat_get(STAT_REDIRECTED), (unsigned long)stat_get(STAT_FALLBACK),
	       (unsigned long)stat_get(STAT_BEGIN));
	return 0;
}
