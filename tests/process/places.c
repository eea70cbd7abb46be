// SPDX-License-Identifier: MIT
/*
 * What becomes of the place of a mapping: a client of the fake kernel's drivers maps imports with
 * MAP_FIXED while another thread maps memory of its own wherever there is a gap. A MAP_FIXED that
 * is refused leaves a gap, as on Linux; whoever maps there keeps what he has. A MAP_FIXED that
 * works shows no gap at any time. And what mremap() does with several mappings at once. An ordinary
 * program, which knows nothing of the shim. For places.sh.
 *
 *   places MODE fixed|moves|protections
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/drivers-client.h"
#include "places.h"

enum {
	ROUNDS = 100,
	MOST = SIZE + PAGE,	/* of a place: a page more than a buffer */
	THEIRS = 0x77,
};

/* The other thread: it lands on the place if that is free, and keeps it until the place is NULL. */
static struct {
	uint8_t *_Atomic place;
	atomic_size_t len;
	atomic_bool idle, over;
	atomic_uint landed, lost;
} lander;

/* Are all of its bytes still there? Asked by a system call, as they may not even be mapped. */
static bool kept(uint8_t *p, size_t len)
{
	static uint8_t bytes[MOST];
	const struct iovec to = { bytes, len }, from = { p, len };

	if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != (ssize_t)len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != THEIRS)
			return false;
	return true;
}

static void *land(void *arg)
{
	(void)arg;
	while (!atomic_load(&lander.over)) {
		uint8_t *at = atomic_load(&lander.place), *p;
		size_t len = atomic_load(&lander.len);

		atomic_store(&lander.idle, !at);
		if (!at) {
			sched_yield();
			continue;
		}
		/* A hint, which the kernel heeds where nothing is mapped. */
		p = mmap(at, len, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			continue;
		if (p != at) {
			munmap(p, len);
			continue;
		}
		memset(p, THEIRS, len);
		atomic_fetch_add(&lander.landed, 1);
		while (atomic_load(&lander.place) == at)
			sched_yield();
		if (kept(p, len))
			munmap(p, len);
		else
			atomic_fetch_add(&lander.lost, 1);
	}
	return NULL;
}

struct outcome {
	int err;		/* of the last call */
	bool same;		/* as of all others */
	unsigned int landed, lost;
};

uint8_t *room_new(size_t pages)
{
	uint8_t *guard = mmap(NULL, (pages + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0);
	uint8_t *p = guard + PAGE;

	need(guard != MAP_FAILED && !mprotect(p, pages * PAGE, RW), "pages to map over");
	return p;
}

/* What is between the guards may be others' by now. */
static void room_leave(uint8_t *p, size_t pages)
{
	munmap(p - PAGE, PAGE);
	munmap(p + pages * PAGE, PAGE);
}

/* MAP_FIXED over pages of the program's own, many times. */
static struct outcome map_over(const struct call *c)
{
	const size_t len = (c->len + PAGE - 1) / PAGE * PAGE;
	struct outcome o = { .same = true };

	atomic_store(&lander.len, len);
	atomic_store(&lander.landed, 0);
	atomic_store(&lander.lost, 0);
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t *spot = room_new(len / PAGE), *p;
		int err;

		atomic_store(&lander.place, spot);
		while (atomic_load(&lander.idle))
			sched_yield();
		p = mmap(spot, c->len, c->prot, MAP_SHARED | MAP_FIXED, c->fd, c->off);
		err = p == MAP_FAILED ? errno : 0;
		o.same &= (!i || err == o.err) && (err || p == spot);
		o.err = err;
		/* A gap that stays: it can be landed on. */
		for (int n = 0; err && n < 10000 && !atomic_load(&lander.landed); n++)
			sched_yield();
		atomic_store(&lander.place, NULL);
		while (!atomic_load(&lander.idle))
			sched_yield();
		if (!err)
			munmap(spot, len);
		room_leave(spot, len / PAGE);
	}
	o.landed = atomic_load(&lander.landed);
	o.lost = atomic_load(&lander.lost);
	return o;
}

static void refused(const struct call *c, int err, const char *what)
{
	struct outcome o = map_over(c);
	char text[160];

	snprintf(text, sizeof(text), "%s: errno %d, and the gap is whoever's maps there", what,
		 err);
	if (o.lost || !o.landed || o.err != err)
		printf("# errno %d, landed %u times, %u of them lost\n", o.err, o.landed, o.lost);
	check(o.same && o.err == err && o.landed && !o.lost, text);
}

static void works(const struct call *c, const char *what)
{
	struct outcome o = map_over(c);
	char text[160];

	snprintf(text, sizeof(text), "%s: it is there, and there was no gap at any time", what);
	if (o.err || o.landed)
		printf("# errno %d, landed %u times, %u of them lost\n", o.err, o.landed, o.lost);
	check(o.same && !o.err && !o.landed, text);
}

struct call subject(int dmabuf)
{
	struct call c = { .fd = card(driver), .len = SIZE, .prot = RW };

	need(!import(c.fd, dmabuf, &c.handle), "an import");
	need(!ask(c.fd, ways(driver), c.handle, 0, SIZE, &c.off), "its offset");
	return c;
}

/* The names are of the first four devices in fake.h, by what they do with imports. */
static void fixed(const char *name, bool unmappable)
{
	int dmabuf = unmappable ? new_unmappable(SIZE, FILL) : new_dmabuf(SIZE, FILL, true);
	struct call c, other;

	driver = named(name);
	need(dmabuf >= 0, "a dma-buf");
	c = other = subject(dmabuf);
	works(&c, unmappable ? "MAP_FIXED, the dma-buf cannot be mapped" : "MAP_FIXED");
	other.len = MOST;
	refused(&other, EINVAL, "MAP_FIXED of too much");
	if (!unmappable) {
		/* There is no room before the place. */
		other = c;
		other.off += PAGE;
		other.len = PAGE;
		refused(&other, EINVAL, "MAP_FIXED from inside");
	}
	close(c.fd);
	close(dmabuf);
}

/* In a process that may not have more addresses than it has. */
static int without_room(void)
{
	int dmabuf = new_dmabuf(SIZE, FILL, true);
	uint8_t *spot = room_new(SIZE / PAGE), *p;
	const struct call c = subject(dmabuf);
	unsigned long pages = 0;
	struct rlimit limit;
	FILE *f;

	munmap(mmap(NULL, SIZE, RW, MAP_SHARED, c.fd, c.off), SIZE);
	f = fopen("/proc/self/statm", "re");
	need(f && fscanf(f, "%lu", &pages) == 1, "/proc/self/statm");
	limit.rlim_cur = limit.rlim_max = (pages + 1) * PAGE;
	need(!setrlimit(RLIMIT_AS, &limit), "a limit");
	p = mmap(NULL, SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(p == MAP_FAILED && errno == ENOMEM, "there is no room for more");
	p = mmap(spot, SIZE, RW, MAP_SHARED | MAP_FIXED, c.fd, c.off);
	check(p == spot && p[0] == FILL, "MAP_FIXED where there is no room for another mapping");
	return broken;
}

static void all_fixed(void)
{
	static const char *const names[] = { "vgem", "powervr", "radeon", "vmwgfx" };
	pthread_t thread;
	int status = 0;
	pid_t pid;

	driver = named("vgem");
	pid = fork();
	if (!pid)
		_exit(without_room());
	broken |= waitpid(pid, &status, 0) != pid || status;
	need(!pthread_create(&thread, NULL, land, NULL), "a thread");
	for (int i = 0; i < 4; i++)
		fixed(names[i], false);
	fixed("radeon", true);
	atomic_store(&lander.over, true);
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	mode = argc > 1 ? argv[1] : "";
	new_dmabuf = dlsym(RTLD_DEFAULT, "fake_export");
	new_unmappable = dlsym(RTLD_DEFAULT, "fake_export_unmappable");
	need(new_dmabuf && new_unmappable && argc == 3, "the fake kernel");
	if (!strcmp(argv[2], "fixed"))
		all_fixed();
	else if (!strcmp(argv[2], "moves"))
		moves();
	else if (!strcmp(argv[2], "protections"))
		protections();
	else
		need(false, "there is such a part");
	return broken;
}
