// SPDX-License-Identifier: MIT
/*
 * Threads of random calls that each do one thing many times, at the same time; see same.h. They
 * print errors alone, of which natively there are none.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <drm.h>

#include "lib/child.h"
#include "same.h"

enum { ROUNDS = 400, CHILDREN = 25 };

/* What a thread does it on: nobody else has these. */
struct things {
	int card, dmabuf, plain;
	dev_t dev;
	ino_t ino;	/* of the plain file */
};

static bool is_plain(const struct things *t, int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_dev == t->dev && st.st_ino == t->ino;
}

/* A number of the thread's own, where the shim has its own, is the program's until it is closed. */
static unsigned int numbers(struct prog *p, const struct things *t)
{
	unsigned int wrong = 0;

	for (int i = 0; i < ROUNDS * 4; i++) {
		int to = fd_high(p), ret = one_in(p, 4) ? dup3(t->plain, to, O_CLOEXEC) :
						       dup2(t->plain, to);

		wrong += ret != to || !is_plain(t, to);
		wrong += close(to) != 0;
		fds_gone(p, to, to);
	}
	return wrong;
}

static unsigned int imports(struct prog *p, const struct things *t)
{
	unsigned int wrong = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct drm_prime_handle prime = { .fd = t->dmabuf };
		struct drm_gem_close c = { 0 };
		uint64_t offset;
		char *at;

		if (ioctl(t->card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime) ||
		    (ask_offset(t->card, prime.handle, &offset) && works)) {
			wrong++;
			continue;
		}
		at = !works ? MAP_FAILED :
			mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, t->card, offset);
		if (at == MAP_FAILED) {
			wrong += works;
		} else {
			at[0] = i;
			at[PAGE] = i + 1;
			if (one_in(p, 4))
				wrong += munmap(at, PAGE) || at[PAGE] != (char)(i + 1) ||
					 munmap(at + PAGE, PAGE);
			else
				wrong += at[0] != (char)i || munmap(at, 2 * PAGE);
		}
		c.handle = prime.handle;
		wrong += ioctl(t->card, DRM_IOCTL_GEM_CLOSE, &c) != 0;
	}
	return wrong;
}

/* Open files come and go, with an import or without. */
static unsigned int opens(struct prog *p, const struct things *t)
{
	unsigned int wrong = 0;
	char path[32];

	snprintf(path, sizeof(path), "/dev/dri/card%d", device);
	for (int i = 0; i < ROUNDS / 2; i++) {
		struct drm_prime_handle prime = { .fd = t->dmabuf };
		int fd = open(path, O_RDWR | O_CLOEXEC), more;

		wrong += fd < 0 || ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);
		more = one_in(p, 2) ? dup(fd) : fcntl(fd, F_DUPFD_CLOEXEC, 500);
		wrong += more < 0 || close(fd);
		wrong += one_in(p, 2) ? ioctl(more, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime) != 0 : 0;
		wrong += close(more) != 0;
	}
	return wrong;
}

/* What children may do of async-signal-safe calls, by every way to have one. */
static unsigned int children(struct prog *p, const struct things *t)
{
	unsigned int wrong = 0;

	for (int i = 0; i < CHILDREN; i++) {
		int how = rnd(p, avoided("async-fork") ? 1 : 3), to = fd_high(p), status = 0;
		pid_t pid = child_of(how);

		if (!pid) {
			wrong = dup2(t->plain, to) != to || !is_plain(t, to) || close(to);
			wrong |= close(t->card) != 0 || dup2(t->plain, t->dmabuf) != t->dmabuf;
			_exit(wrong);
		}
		if (!ended(pid, &status)) {
			say(p, " a child hung;");
			return wrong + 1;
		}
		wrong += status != 0;
	}
	return wrong;
}

/* Neighbours: anonymous memory that others' calls must leave alone. */
static unsigned int memory(struct prog *p, const struct things *t)
{
	unsigned int wrong = 0;

	(void)t;
	for (int i = 0; i < ROUNDS; i++) {
		char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				-1, 0);

		if (at == MAP_FAILED) {
			wrong++;
			continue;
		}
		memset(at, i, 4 * PAGE);
		if (one_in(p, 2))
			wrong += mprotect(at + PAGE, PAGE, PROT_READ) || munmap(at, PAGE) ||
				 at[3 * PAGE] != (char)i || munmap(at + PAGE, 3 * PAGE);
		else
			wrong += munmap(at, 4 * PAGE) != 0;
	}
	return wrong;
}

void step_race(struct prog *p)
{
	static const struct {
		unsigned int (*run)(struct prog *p, const struct things *t);
		const char *name;
	} races[] = {
		{ imports, "imports" }, { numbers, "numbers" }, { opens, "opens" },
		{ children, "children" }, { memory, "memory" },
	};
	/* The first thread imports; what the others do while it does is the matter. */
	int which = p->index ? rnd(p, 5) : rnd(p, 4) ? 0 : 2;
	struct things t = { .dmabuf = new_dmabuf(4 * PAGE, 0, true) };
	struct stat st;
	char path[32];

	snprintf(path, sizeof(path), "/dev/dri/card%d", device);
	t.card = open(path, O_RDWR | O_CLOEXEC);
	t.plain = syscall(SYS_memfd_create, "plain", 1);
	if (!fstat(t.plain, &st)) {
		t.dev = st.st_dev;
		t.ino = st.st_ino;
	}
	say(p, "race of %s:", races[which].name);
	say(p, " %u wrong", races[which].run(p, &t));
	close(t.card);
	close(t.dmabuf);
	close(t.plain);
}
