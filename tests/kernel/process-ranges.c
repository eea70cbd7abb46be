// SPDX-License-Identifier: MIT
/* close_range() and closefrom() while imports are mapped. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "process.h"

#define FIRST 3		/* what the tests may close; nothing else is open */

/* Is that number not open? */
static bool gone(int fd)
{
	return fcntl(fd, F_GETFD) < 0 && errno == EBADF;
}

static void whole(void)
{
	close_range(FIRST, ~0U, 0);
}

static void below_and_above(void)
{
	close_range(FIRST, 200, 0);
	close_range(200, ~0U, 0);
}

static void unshared(void)
{
	close_range(FIRST, ~0U, CLOSE_RANGE_UNSHARE);
}

static void from(void)
{
	closefrom(FIRST);
}

static void one_by_one(void)
{
	for (int fd = FIRST; fd < 1024; fd++)
		close(fd);
}

static const struct {
	const char *name;
	void (*close)(void);
} ways[] = {
	{ "close_range of all", whole },
	{ "close_range in two parts", below_and_above },
	{ "close_range with UNSHARE", unshared },
	{ "closefrom", from },
	{ "close of every number", one_by_one },
};

static void closed(const char *name, void (*close_all)(void))
{
	struct subject s = subject_new(), t;
	struct brackets since = brackets_now();
	uint8_t *p = map_at(s.fd, s.off, SIZE, RW);
	int own = s.fd, kept = -1, still = -1;
	char text[96];
	uint64_t off = 0;

	privates(&s, &kept);
	close_all();
	check(gone(s.fd) && gone(s.e.dmabuf) && map_dumb(s.fd, s.handle, &off) == EBADF &&
	      map_error(s.fd, s.off, PAGE, PROT_READ, MAP_SHARED) == EBADF, name);
	s.fd = s.e.dmabuf = s.e.owner = -1;
	snprintf(text, sizeof(text), "%s: the mapping and its private descriptor stay", name);
	check(right(&s, p, 0, PAGES) && privates(&s, &still) == 1 && still == kept, text);

	t = subject_new();
	snprintf(text, sizeof(text), "%s: a file opened there since has its own imports", name);
	check(t.fd == own && maps(&t, t.fd) && map_dumb(t.fd, t.handle + 1, &off) == ENOENT,
	      text);
	fill(p, SIZE, s.seed + 1);
	munmap(p, SIZE);
	snprintf(text, sizeof(text), "%s: and end with it, and nobody else's", name);
	check(over(&s, since) && maps(&t, t.fd) && shows(s.e.view, 0, SIZE, s.seed + 1), text);
	subject_free(&t);
	subject_free(&s);
}

static void marked(void)
{
	struct subject s = subject_new();
	struct brackets since = brackets_now();
	uint8_t *p = map_at(s.fd, s.off, SIZE, RW);
	int copy = fcntl(s.fd, F_DUPFD, 70);

	check(!close_range(FIRST, ~0U, CLOSE_RANGE_CLOEXEC) && right(&s, p, 0, PAGES) &&
	      maps(&s, s.fd) && maps(&s, copy) && fcntl(copy, F_GETFD) == FD_CLOEXEC,
	      "close_range with CLOEXEC marks all and closes none");
	munmap(p, SIZE);
	check(over(&s, since), "and the mapping ends");
	check(close_range(FIRST, ~0U, 1 << 14) < 0 && errno == EINVAL &&
	      close_range(9, 8, 0) < 0 && errno == EINVAL && maps(&s, s.fd) && maps(&s, copy),
	      "a close_range that fails changes nothing");
	check(!close_range(copy, copy, 0) && gone(copy) && maps(&s, s.fd),
	      "one of a duplicate closes that");
	subject_free(&s);
}

static void *leave(void *arg)
{
	unshared();
	/* Of this thread only: its number here is nobody's. */
	*(bool *)arg = gone(FIRST);
	return NULL;
}

static void thread_leaves(void)
{
	struct subject s = subject_new();
	struct brackets since = brackets_now();
	uint8_t *p = map_at(s.fd, s.off, SIZE, RW);
	bool left = false;
	pthread_t t;

	pthread_create(&t, NULL, leave, &left);
	pthread_join(t, NULL);
	check(left && right(&s, p, 0, PAGES) && maps_at(&s, s.fd) && maps(&s, s.fd),
	      "a thread leaves with UNSHARE: the others' imports map");
	munmap(p, SIZE);
	check(over(&s, since), "and end");
	subject_free(&s);
}

void ranges(void)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		closed(ways[i].name, ways[i].close);
	marked();
	thread_leaves();
}
