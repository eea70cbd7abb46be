// SPDX-License-Identifier: MIT
/*
 * A model that plays caches: of each byte the CPU has a copy and the device has one. A START and an
 * END move them, as swiotlb does (all of the buffer) or as a cache that is not coherent does (lines
 * that are dirty). Random programs map, write, submit, wait and read, over the fake kernel with the
 * shim linked in; a byte that is lost or overwritten, on either side, is a failure. So is a START
 * or an END that nothing has asked for.
 *
 * With --fault the table of turns has that fault, which is to be noticed.
 *
 *   caches [--seed N] [--steps N] [--threads N] [--fault N]
 */
#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>
#include <linux/dma-buf.h>

#include "kernel/next.h"
#include "kernel/sandbox.h"
#include "linked.h"
#include "state/turn.h"

enum { BUFS = 6, LINES = 8, SIZE = 4096, THREADS = 8, JOBS = 4 };

struct line {
	uint32_t truth, cpu, device;
	bool dirty;
};

struct buf {
	uint64_t ino;
	struct line lines[LINES];
	bool bounces;			/* swiotlb; else a cache */
	uint32_t handle;
	void *p;			/* NULL: not mapped */
	bool ours;			/* the program knows that it is the CPU's turn */
	bool silent;			/* a device has only read it: it may be written */
	unsigned int jobs;		/* that are at it, or have yet to be waited for */
};

struct job {
	bool writes;
	struct buf *bufs[2];
	uint32_t values[2];
	uint32_t want[2][LINES];	/* what it is to read */
};

struct thread {
	unsigned int index;
	uint64_t random;
	unsigned long step;
	int card;
	bool list;			/* etnaviv, with flags in its lists; or panthor, without */
	struct buf bufs[BUFS];
	struct job jobs[JOBS];
	unsigned int first, n;		/* of the jobs, in their order */
	char last[16][80];
};

static struct thread all[THREADS];
static unsigned int threads = 1;
static unsigned long seed = 1, steps = 20000;
static int noise[2];			/* a pipe, which always has something to read */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Cells of the table, made wrong: another act, or another turn that follows. */
static const struct {
	enum turn_event event;
	enum turn now;
	int act, turn;		/* -1: as it is */
} faults[] = {
	{ ON_WRITE, TURN_CPU, ACT_NONE, TURN_CPU },
	{ ON_READ, TURN_CPU, ACT_NONE, TURN_CPU },
	{ ON_WRITE, TURN_CPU, -1, TURN_DEVICE_READS },
	{ ON_WRITE, TURN_DEVICE_READS, ACT_NONE, -1 },
	{ ON_READ, TURN_DEVICE_READS, ACT_NONE, -1 },
	{ ON_FENCE, TURN_DEVICE, ACT_NONE, -1 },
	{ ON_FENCE, TURN_DEVICE, ACT_END_START, -1 },
	{ ON_FENCE, TURN_DEVICE_READS, ACT_START, -1 },
	{ ON_FENCE, TURN_CPU, ACT_NONE, -1 },
	{ ON_WAIT, TURN_DEVICE, ACT_END_START, -1 },
	{ ON_WAIT, TURN_DEVICE_READS, ACT_START, -1 },
	{ ON_WRITE, TURN_DEVICE, ACT_END_AGAIN, -1 },
	{ ON_BEGIN, TURN_DEVICE, ACT_NONE, -1 },
	{ ON_MAP, TURN_NONE, ACT_NONE, -1 },
	{ ON_UNMAP, TURN_DEVICE_READS, ACT_NONE, -1 },
	{ ON_BEGUN, TURN_DEVICE, -1, TURN_DEVICE },
	{ ON_BEGUN, TURN_CPU_LATER, -1, TURN_DEVICE },
};
static unsigned long fault;

/* The linker puts them in the place of the shim's function, and gives that the other name. */
struct turn_step __real_turn_step(enum turn now, enum turn_event e, struct turn_facts f);
struct turn_step __wrap_turn_step(enum turn now, enum turn_event e, struct turn_facts f);

struct turn_step __wrap_turn_step(enum turn now, enum turn_event e, struct turn_facts f)
{
	struct turn_step s = __real_turn_step(now, e, f);

	if (!fault || faults[fault - 1].event != e || faults[fault - 1].now != now)
		return s;
	if (faults[fault - 1].act >= 0)
		s.act = faults[fault - 1].act;
	if (faults[fault - 1].turn >= 0)
		s.turn = faults[fault - 1].turn;
	return s;
}

static uint32_t rnd(struct thread *t, uint32_t below)
{
	t->random = t->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (t->random >> 33) % below;
}

static void fail(struct thread *t, const struct buf *b, const char *what)
{
	printf("caches: --seed %lu --threads %u: thread %u, step %lu: buffer %d (%s, %s): %s\n",
	       seed, threads, t->index, t->step, (int)(b - t->bufs), t->list ? "lists" : "no list",
	       b->bounces ? "bounces" : "cache", what);
	for (unsigned long i = t->step > 15 ? t->step - 15 : 0; i <= t->step; i++)
		printf("%8lu %s\n", i, t->last[i % 16]);
	fflush(stdout);
	_exit(1);
}

/* The kernel has done a START or an END. */
static void moved(uint64_t ino, uint64_t flags)
{
	struct buf *b = NULL;

	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < threads * BUFS && !b; i++)
		if (all[i / BUFS].bufs[i % BUFS].ino == ino)
			b = &all[i / BUFS].bufs[i % BUFS];
	for (int i = 0; b && i < LINES; i++) {
		struct line *l = &b->lines[i];

		if (flags & DMA_BUF_SYNC_END) {
			if (flags & DMA_BUF_SYNC_WRITE && (b->bounces || l->dirty))
				l->device = l->cpu;
		} else {
			l->cpu = l->device;
		}
		l->dirty = false;
	}
	pthread_mutex_unlock(&lock);
}

static void reads(struct thread *t, struct buf *b)
{
	bool right = true;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < LINES; i++)
		right &= b->lines[i].cpu == b->lines[i].truth;
	pthread_mutex_unlock(&lock);
	if (!right)
		fail(t, b, "the CPU reads what is not there any more");
}

static void writes(struct thread *t, struct buf *b)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < LINES; i++) {
		struct line *l = &b->lines[i];

		if (rnd(t, 3))
			continue;
		l->truth = l->cpu = rnd(t, 1 << 30);
		l->dirty = true;
	}
	pthread_mutex_unlock(&lock);
}

/* A cache writes back what is dirty when it likes. */
static void evicts(struct thread *t, struct buf *b)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < LINES; i++) {
		struct line *l = &b->lines[i];

		if (b->bounces || !l->dirty || rnd(t, 2))
			continue;
		l->device = l->cpu;
		l->dirty = false;
	}
	pthread_mutex_unlock(&lock);
}

static __thread const struct job *submitting;	/* with fences */

/* The kernel adds the fences in the submit, after what the shim does before the call. */
static int kernel_ioctl(int fd, ioctl_request request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (submitting && _IOC_NR(request) == 0x46 && _IOC_SIZE(request) == 72)
		for (int n = 0; n < 2 && submitting->bufs[n]; n++)
			fake_busy(submitting->bufs[n]->ino, true);
	return fake_ioctl(fd, request, arg);
}

static int say(struct thread *t, unsigned int nr, unsigned int size, void *arg)
{
	return shim_ioctl(t->card, _IOC(_IOC_READ | _IOC_WRITE, 'd', nr, size), arg);
}

static void maps(struct thread *t, struct buf *b)
{
	uint32_t info[4] = { b->handle };
	uint64_t offset;

	if (t->list) {
		if (say(t, 0x43, 16, info))
			fail(t, b, "GEM_INFO");
		memcpy(&offset, info + 2, 8);
	} else {
		uint32_t arg[4] = { b->handle };

		if (say(t, 0x46, 16, arg))
			fail(t, b, "BO_MMAP_OFFSET");
		memcpy(&offset, arg + 2, 8);
	}
	b->p = shim_mmap64(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, t->card, offset);
	if (b->p == MAP_FAILED)
		fail(t, b, "mmap");
	b->ours = true;
}

/* The work that is first in the queue is done, and its fence signalled. */
static void device_works(struct thread *t)
{
	struct job *j = &t->jobs[t->first];

	for (int n = 0; n < 2; n++) {
		struct buf *b = j->bufs[n];
		bool right = true;

		if (!b)
			continue;
		evicts(t, b);
		pthread_mutex_lock(&lock);
		for (int i = 0; i < LINES; i++) {
			struct line *l = &b->lines[i];

			right &= l->device == j->want[n][i];
			if (j->writes && i % 2)
				l->truth = l->device = j->values[n] + i;
		}
		pthread_mutex_unlock(&lock);
		if (!right)
			fail(t, b, "the device reads what is not there any more");
		evicts(t, b);
		b->jobs--;
		if (t->list && !b->jobs)
			fake_busy(b->ino, false);
	}
	t->first = (t->first + 1) % JOBS;
	t->n--;
}

/* Also one that a device is done with, and nobody has waited for. */
static bool free_for(const struct buf *b)
{
	return b->p && !b->jobs;
}

static void submits(struct thread *t)
{
	struct job *j = &t->jobs[(t->first + t->n) % JOBS];
	struct { uint32_t flags, handle; uint64_t presumed; } list[2] = { { 0 } };
	char arg[72] = { 0 };
	uint64_t at = (uintptr_t)list;
	uint32_t n = 0;

	/*
	 * With two without a list under way nobody can tell which of two buffers the first wait is
	 * for. What is begun afresh is right for a cache, and not where all of a buffer is copied.
	 */
	if (t->n == (t->list || !t->bufs[0].bounces ? JOBS : 1))
		return;
	*j = (struct job){ .writes = rnd(t, 2) };
	for (int i = 0; i < BUFS && n < 2; i++) {
		struct buf *b = &t->bufs[i];

		if (!free_for(b) || rnd(t, 2))
			continue;
		list[n].handle = b->handle;
		list[n].flags = j->writes ? 2 : 1;
		j->bufs[n] = b;
		j->values[n] = rnd(t, 1 << 30);
		for (int k = 0; k < LINES; k++)
			j->want[n][k] = b->lines[k].truth;
		n++;
	}
	if (!n)
		return;
	memcpy(arg + 12, &n, 4);
	memcpy(arg + 24, &at, 8);
	snprintf(t->last[t->step % 16], 80, "submit of %d and %d, %s", (int)(j->bufs[0] - t->bufs),
		 j->bufs[1] ? (int)(j->bufs[1] - t->bufs) : -1, j->writes ? "writing" : "reading");
	submitting = j;
	if (t->list ? say(t, 0x46, 72, arg) : say(t, 0x49, 24, arg))
		fail(t, j->bufs[0], "submit");
	submitting = NULL;
	for (uint32_t i = 0; i < n; i++) {
		struct buf *b = j->bufs[i];

		b->jobs++;
		/*
		 * What it is given for the kernel is not told without a list. And what a device has
		 * written no program writes over that has not waited.
		 */
		b->silent = t->list && !j->writes && threads == 1 && (b->ours || b->silent);
		b->ours = false;
	}
	/* A file's other buffers are handed over as well, and may not be written silently. */
	for (int i = 0; i < BUFS && !t->list; i++)
		t->bufs[i].silent = false;
	t->n++;
}

/* For the first job, with a fence. */
static void waits(struct thread *t)
{
	struct job j = t->jobs[t->first];
	struct drm_syncobj_wait w = { 0 };

	if (!t->n)
		return;
	device_works(t);
	if (shim_ioctl(t->card, DRM_IOCTL_SYNCOBJ_WAIT, &w))
		fail(t, j.bufs[0], "SYNCOBJ_WAIT");
	for (int n = 0; n < 2 && j.bufs[n]; n++) {
		if (j.bufs[n]->jobs)
			continue;
		j.bufs[n]->ours = true;
		j.bufs[n]->silent = false;
		reads(t, j.bufs[n]);
	}
}

static void step(struct thread *t)
{
	struct buf *b = &t->bufs[rnd(t, BUFS)];
	unsigned int what = rnd(t, 13);
	char *text = t->last[t->step % 16];

	snprintf(text, 80, "%u of %d", what, (int)(b - t->bufs));
	if (!b->p) {
		maps(t, b);
		reads(t, b);
		return;
	}
	switch (what) {
	case 0: case 1: case 2:
		/* Without a list all that is mapped of the file is the device's meanwhile. */
		if (!b->jobs && (b->ours || b->silent) && (t->list || !t->n))
			writes(t, b);
		break;
	case 3: case 4:
		if (b->ours)
			reads(t, b);
		break;
	case 5: case 6: case 7:
		submits(t);
		break;
	case 9:
		/* The device is done, and the program does not ask. */
		if (t->list && t->n)
			device_works(t);
		break;
	case 8:
		waits(t);
		break;
	case 10:
		/* CPU_PREP waits for what is at it. What was written without a word it undoes. */
		if (!t->list || b->jobs || b->silent)
			break;
		if (say(t, 0x44, 24, (uint32_t[6]){ b->handle, 3 }))
			fail(t, b, "CPU_PREP");
		b->ours = true;
		b->silent = false;
		reads(t, b);
		break;
	case 12:
		/* For something else. */
		if (shim_poll(&(struct pollfd){ .fd = noise[0], .events = POLLIN }, 1, 0) != 1)
			fail(t, b, "poll");
		break;
	case 11:
		if (rnd(t, 4) || b->jobs || !(b->ours || b->silent))
			break;
		if (shim_munmap(b->p, SIZE))
			fail(t, b, "munmap");
		b->p = NULL;
		for (int i = 0; i < LINES; i++)
			if (b->lines[i].device != b->lines[i].truth)
				fail(t, b, "what was written is not there after the unmap");
		break;
	}
}

static void *run(void *arg)
{
	struct thread *t = arg;

	for (t->step = 0; t->step < steps / threads; t->step++) {
		evicts(t, &t->bufs[rnd(t, BUFS)]);
		step(t);
	}
	return NULL;
}

static void setup(struct thread *t, unsigned int i)
{
	char path[32];

	t->index = i;
	t->random = seed * 1000003 + i * 7919;
	t->list = (i + seed) % 2;
	snprintf(path, sizeof(path), "/dev/dri/card%d", fake_card(t->list ? "etnaviv" : "panthor"));
	t->card = fake_open(path, O_RDWR | O_CLOEXEC);
	for (int j = 0; j < BUFS; j++) {
		struct drm_prime_handle p = { .fd = fake_export(SIZE, 0, true) };
		struct stat st;

		fake_fstat(p.fd, &st);
		t->bufs[j].ino = st.st_ino;
		t->bufs[j].bounces = t->list ? rnd(t, 2) : seed / 2 % 2;
		if (t->card < 0 || shim_ioctl(t->card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p))
			abort();
		t->bufs[j].handle = p.handle;
		shim_close(p.fd);
	}
}

int main(int argc, char **argv)
{
	pthread_t id[THREADS];

	for (int i = 1; i + 1 < argc; i += 2) {
		unsigned long v = strtoul(argv[i + 1], NULL, 10);

		if (!strcmp(argv[i], "--seed"))
			seed = v;
		else if (!strcmp(argv[i], "--steps"))
			steps = v;
		else if (!strcmp(argv[i], "--threads") && v && v <= THREADS)
			threads = v;
		else if (!strcmp(argv[i], "--fault") && v <= sizeof(faults) / sizeof(*faults))
			fault = v;
		else
			return 2;
	}
	linked_start();
	next.ioctl = kernel_ioctl;
	sandbox_ask();
	atomic_store(&sandbox_refused, 0);
	fake_on_sync(moved);
	if (pipe(noise) || write(noise[1], "", 1) != 1)
		return 2;
	for (unsigned int i = 0; i < threads; i++)
		setup(&all[i], i);
	for (unsigned int i = 0; i < threads; i++)
		if (pthread_create(&id[i], NULL, run, &all[i]))
			return 2;
	for (unsigned int i = 0; i < threads; i++)
		pthread_join(id[i], NULL);
	if (fake_bracket_faults()) {
		printf("caches: %lu STARTs or ENDs that nothing has asked for\n",
		       fake_bracket_faults());
		return 1;
	}
	printf("caches: --seed %lu: %lu steps of %u threads: all right; no byte is lost\n", seed,
	       steps, threads);
	return 0;
}
