// SPDX-License-Identifier: MIT
/*
 * Children by every call that makes one, while the program's other threads map imports. For some
 * children no atfork handler runs, and the other threads' locks stay as they are.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/child.h"
#include "safety.h"

#define THREADS	3
#define HIGH	60	/* above all descriptors that the program has opened */

extern char **environ;

static pid_t (*plain_fork)(void);		/* _Fork(), since glibc 2.34 */
static int (*range)(unsigned int first, unsigned int last, int flags);

static int card, null;
static uint64_t ino;
static uint32_t handle;
static uint8_t *kept;
static atomic_bool done;
static atomic_ulong wrong;

static void *mapper(void *arg)
{
	int dmabuf = new_dmabuf();

	(void)arg;
	while (!done) {
		wrong += turn(card, dmabuf) != 0;
		step();
	}
	close(dmabuf);
	return NULL;
}

enum how { FORK, PLAIN, CLONE, VFORK, SPAWN };

/* What a child may do by POSIX; but for the one of vfork(), whose memory is its parent's. */
static inline __attribute__((always_inline)) void life(enum how how, unsigned long i, int copy,
							int dmabuf)
{
	char *const args[] = { "true", NULL };

	if (close(copy) || dup2(null, HIGH) != HIGH || dup2(card, HIGH + 1) != HIGH + 1)
		_exit(10);
	if (range && range(HIGH + (i & 1), ~0U, 0))
		_exit(11);
	if (how != VFORK && munmap(kept, size))
		_exit(12);
	/* And what is a system call natively. */
	if (how != VFORK && i % 8 == 7)
		for (int n = 0; n < 3; n++)
			if (turn(card, dmabuf))
				_exit(13);
	if (i % 16 == 15)
		execve("/bin/true", args, environ);
	_exit(i % 16 == 15 ? 14 : 0);
}

static pid_t spawned(int copy)
{
	char *const args[] = { "true", NULL };
	posix_spawn_file_actions_t acts;
	pid_t pid = -1;

	posix_spawn_file_actions_init(&acts);
	posix_spawn_file_actions_addclose(&acts, copy);
	posix_spawn_file_actions_adddup2(&acts, null, HIGH);
	if (posix_spawn(&pid, "/bin/true", &acts, NULL, args, environ))
		pid = -1;
	posix_spawn_file_actions_destroy(&acts);
	return pid;
}

static void generation(enum how how, const char *name, unsigned long n)
{
	int dmabuf = new_dmabuf(), before = descriptors_of(ino, NULL);
	struct brackets was = brackets(ino), now;
	unsigned long i;
	bool well = true;

	for (i = 0; i < n && well; i++) {
		int copy = dup(card);
		pid_t pid;

		switch (how) {
		case FORK:
			pid = fork();
			break;
		case PLAIN:
			pid = plain_fork();
			break;
		case CLONE:
			pid = child_by_clone();
			break;
		case VFORK:
			pid = vfork();
			break;
		default:
			pid = spawned(copy);
		}
		if (!pid)
			life(how, i, copy, dmabuf);
		well = ends_with(pid, 0) && !close(copy);
		step();
	}
	check(well, "%s amid maps and unmaps of %d threads: %lu children of %lu lived well", name,
	      THREADS, i - !well, n);
	now = brackets(ino);
	check(now.begins == was.begins && now.ends == was.ends,
	      "they leave their parent's bracket as it is: %lu begins, %lu ends",
	      now.begins - was.begins, now.ends - was.ends);
	check(descriptors_of(ino, NULL) == before && shows(kept), "and its mapping");
	close(dmabuf);
}

void children(void)
{
	pthread_t t[THREADS];
	int d = new_dmabuf();
	unsigned long n = rounds(300);
	struct brackets was;

	plain_fork = (pid_t (*)(void))dlsym(RTLD_DEFAULT, "_Fork");
	range = (int (*)(unsigned int, unsigned int, int))dlsym(RTLD_DEFAULT, "close_range");
	card = card_open(false);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	ino = ino_of(d);
	need(!import(card, d, &handle) && !map(card, handle, &kept), "map");
	close(d);
	fake.jitter(16);
	for (int i = 0; i < THREADS; i++)
		need(!pthread_create(&t[i], NULL, mapper, NULL), "a thread");
	if (plain_fork)
		generation(PLAIN, "_Fork()", n);
	generation(CLONE, "a raw clone()", n);
	generation(FORK, "fork()", n);
	generation(VFORK, "vfork()", n);
	generation(SPAWN, "posix_spawn()", n / 4 + 1);
	done = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	check(!wrong, "%lu imports that were mapped meanwhile went wrong", wrong);
	was = brackets(ino);
	check(!munmap(kept, size) && brackets(ino).ends == was.ends + shimmed &&
	      !descriptors_of(ino, NULL), "the parent's bracket ends");
}

/* A child goes on with its imports and with its parent's. */
static int goes_on(int dmabuf)
{
	uint8_t *p, *q;
	uint32_t h = 0;

	for (int i = 0; i < 20; i++) {
		if (turn(card, dmabuf))
			return 20;
		if (map(card, handle, &p) || !shows(p) || munmap(p, size))
			return 21;
		step();
	}
	if (import(card, dmabuf, &h) || map(card, h, &p) || begin(card, h) || submit(card) ||
	    begin(card, h) || end(card, h))
		return 22;
	q = mremap(p, size, size / 2, 0);
	if (q != p || munmap(q, size / 2) || close_handle(card, h))
		return 23;
	if (!shows(kept) || munmap(kept, size))
		return 24;
	return dup2(dmabuf, card) != card || close(card) ? 25 : 0;
}

void alone(void)
{
	int d = new_dmabuf(), dmabuf = new_dmabuf(), before = descriptors(NULL, 0);
	unsigned long n = rounds(20), i;
	pid_t pid = 0;
	bool well = true;

	plain_fork = (pid_t (*)(void))dlsym(RTLD_DEFAULT, "_Fork");
	card = card_open(false);
	ino = ino_of(d);
	need(!import(card, d, &handle) && !map(card, handle, &kept), "map");
	for (i = 0; i < n && well; i++) {
		pid = i & 1 && plain_fork ? plain_fork() : child_by_clone();
		if (!pid && i % 4 < 2)
			_exit(goes_on(dmabuf));
		/* A child of a child. */
		if (!pid) {
			pid = child_by_clone();
			if (!pid)
				_exit(goes_on(dmabuf));
			_exit(ends_with(pid, 0) ? 0 : 26);
		}
		well = ends_with(pid, 0);
		step();
	}
	check(well, "children of _Fork() and raw clone() map as their parent does: %lu of %lu",
	      i - !well, n);
	check(begun(ino) == shimmed && shows(kept) && !turn(card, dmabuf), "and so does it");
	munmap(kept, size);
	check(brackets(ino).begins == brackets(ino).ends, "its bracket ends");
	close(card);
	check(descriptors(NULL, 0) == before, "no descriptor is left");
}

static void *unmapper(void *arg)
{
	(void)arg;
	munmap(kept, size);
	return NULL;
}

/* fork() while another thread is amid the unmap of an import: the child has nothing of it. */
void amid(void)
{
	int d = new_dmabuf();
	pthread_t t;
	pid_t pid;

	card = card_open(false);
	ino = ino_of(d);
	need(!import(card, d, &handle) && !map(card, handle, &kept), "map");
	fake.delay(ino, 400000);
	need(!pthread_create(&t, NULL, unmapper, NULL), "a thread");
	nap(100000);
	pid = fork();
	if (!pid) {
		munmap(kept, size);
		close(d);
		_exit(descriptors_of(ino, NULL));
	}
	pthread_join(t, NULL);
	check(ends_with(pid, 0), "fork() amid an unmap: no descriptor is left in the child");
	close(d);
	/* What is kept of the mapping goes with its handle. */
	close_handle(card, handle);
	check(!descriptors_of(ino, NULL), "nor in the parent");
}

/* Where its parent has an import that MADV_DONTFORK keeps from it, a child maps what it likes. */
static int without(void)
{
	uint8_t *q;
	int pipes[2];

	/* Of some nobody hears before their first call on an import. */
	if (submit(card))
		return 30;
	q = mmap(kept, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (q != kept)
		return 31;
	memset(q, 1, size);
	if (submit(card) || pipe(pipes) || write(pipes[1], q, size) != (ssize_t)size)
		return 32;
	q[0] = 2;
	if (begin(card, handle) || end(card, handle) || read(pipes[0], q, size) != (ssize_t)size)
		return 33;
	q[page] = 3;
	if (submit(card) || write(pipes[1], q + page, 1) != 1)
		return 34;
	return munmap(q, size) ? 35 : 0;
}

/*
 * The first that a child does is to touch what it has from its parent, whose other threads may be
 * at anything. With PRIMESHIM_SYNC=trap that is a SIGSEGV.
 */
void touches(void)
{
	unsigned long n = rounds(200), hung = 0, dead = 0;
	const char *sync = getenv("PRIMESHIM_SYNC");
	int d = new_dmabuf(), status;
	pthread_t t[THREADS];

	plain_fork = (pid_t (*)(void))dlsym(RTLD_DEFAULT, "_Fork");
	card = card_open(false);
	need(!import(card, d, &handle) && !map(card, handle, &kept), "map");
	close(d);
	fake.jitter(16);
	for (int i = 0; i < THREADS; i++)
		need(!pthread_create(&t[i], NULL, mapper, NULL), "a thread");
	for (unsigned long i = 0; i < n && !hung; i++) {
		pid_t pid;

		/* The device's turn. */
		need(!submit(card), "submit");
		pid = i & 1 && plain_fork ? plain_fork() : child_by_clone();
		if (!pid)
			_exit(shows(kept) ? 0 : 10);
		status = await(pid, 10);
		hung += status == HUNG;
		dead += status && status != HUNG;
		step();
	}
	done = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	check(!hung, "children of _Fork() and raw clone() that touch a mapping first: none hangs");
	/*
	 * A trap is opened for all but those that come amid a change of the mappings (documented).
	 */
	check(dead <= (shimmed && sync ? n / 10 : 0), "%lu of %lu do not see what is there", dead,
	      n);
	check(!wrong && shows(kept), "the parent sees it");
	munmap(kept, size);
}

static pid_t fork_by(int how)
{
	return how == 0 ? fork() : how == 1 ? child_by_clone() : plain_fork();
}

void left_out(void)
{
	static const char *const names[] = { "fork()", "a raw clone()", "_Fork()" };
	unsigned long begins;
	int d = new_dmabuf();
	uint8_t *other;

	plain_fork = (pid_t (*)(void))dlsym(RTLD_DEFAULT, "_Fork");
	card = card_open(false);
	ino = ino_of(d);
	need(!import(card, d, &handle) && !map(card, handle, &kept), "map");
	close(d);
	need(!madvise(kept, size, MADV_DONTFORK), "MADV_DONTFORK");
	for (int how = 0; how < 2 + !!plain_fork; how++) {
		pid_t pid = fork_by(how);

		if (!pid)
			_exit(submit(card) ? 30 : descriptors_of(ino, NULL));
		check(ends_with(pid, 0), "%s, a mapping that the child does not get: no descriptor",
		      names[how]);
		pid = fork_by(how);
		if (!pid)
			_exit(without());
		check(ends_with(pid, 0), "and its own memory at that place is its own");
	}
	kept[0] = FILL;
	check(shows(kept) && begun(ino) == shimmed, "the parent has it");
	need(!map(card, handle, &other), "map");
	for (int how = 0; how < 2 + !!plain_fork; how++) {
		pid_t pid;

		begins = brackets(ino).begins;
		pid = fork_by(how);
		if (!pid)
			_exit(submit(card) ? 30 : 0);
		check(ends_with(pid, 0) && brackets(ino).begins == begins,
		      "%s, one of two mappings that the child does not get: no START", names[how]);
	}
	munmap(other, size);
	munmap(kept, size);
}
