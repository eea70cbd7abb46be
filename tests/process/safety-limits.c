// SPDX-License-Identifier: MIT
/*
 * Descriptors belong to the program: mapping imports takes none that it would miss, and none of its
 * first numbers. Without a free number all that works natively works.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "safety.h"

static void limit(rlim_t n)
{
	struct rlimit lim;

	getrlimit(RLIMIT_NOFILE, &lim);
	lim.rlim_cur = n < lim.rlim_max ? n : lim.rlim_max;
	need(!setrlimit(RLIMIT_NOFILE, &lim), "setrlimit");
}

static int null(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

/* What the program gets at each time: the first number is @first. */
static bool as_natively(int first)
{
	int fd = null(), pipes[2] = { -1, -1 }, ok = fd == first;

	ok &= !pipe(pipes) && pipes[0] == first + 1 && pipes[1] == first + 2;
	ok &= dup(fd) == first + 3 && !close(first + 3);
	for (int i = 0; i < 2; i++)
		ok &= !close(pipes[i]);
	return !close(fd) && ok;
}

static bool runs_a_program(void)
{
	FILE *f = popen("echo hello; exit 3", "r");
	char text[16] = "";
	bool ok = f && fgets(text, sizeof(text), f) && text[0] == 'h';

	return f && WEXITSTATUS(pclose(f)) == 3 && ok;
}

void limits(void)
{
	enum { MOST = 4000 };
	static uint64_t inos[MOST];
	static uint8_t *maps[MOST];
	static uint32_t handles[MOST];
	unsigned int n = rounds(1100), planned = n, begun_of = 0;
	bool numbers = true, popens = true, all = true;
	int card, first, before;

	need(n <= MOST, "at most 4000");
	limit(1024);
	card = card_open(false);
	before = descriptors(NULL, 0);
	first = null();
	close(first);
	for (unsigned int i = 0; i < n; i++) {
		int d = fake.export(size, FILL, true);

		inos[i] = ino_of(d);
		numbers &= d == first;
		all &= d >= 0 && !import(card, d, &handles[i]) && !close(d) &&
		       !map(card, handles[i], &maps[i]);
		if (!all) {
			printf("# the import number %u: errno %d\n", i, errno);
			n = i;
		}
		numbers &= i % 100 > 2 || as_natively(first);
		popens &= i % 300 || runs_a_program();
		step();
	}
	check(all, "%u imports are mapped at once, with 1024 descriptors", n);
	check(numbers, "the program's own numbers are the first that are free, all the time");
	check(popens && runs_a_program() && as_natively(first), "it runs programs");
	all = true;
	for (unsigned int i = 0; i < n; i++) {
		all &= shows(maps[i]);
		begun_of += brackets(inos[i]).begins > 0;
	}
	check(all, "all of them show what they should");
	printf("# begun: %u of %u\n", begun_of, planned);
	all = true;
	for (unsigned int i = 0; i < n; i++) {
		all &= !munmap(maps[i], size) && !close_handle(card, handles[i]);
		all &= brackets(inos[i]).begins == brackets(inos[i]).ends;
		step();
	}
	check(all && !fake.bracket_faults(), "and are unmapped, each bracket ended");
	check(as_natively(first) && runs_a_program() && descriptors(NULL, 0) == before,
	      "then all is as it was before");
}

/* With so many descriptors free, the first or the last of those that there could be. */
static void last_of(bool refuses, int free_ones, bool low)
{
	int opened[256], n = 0, card = card_open(refuses), d = new_dmabuf(), err, fd, expect = -1;
	uint64_t ino = ino_of(d);
	uint32_t handle = 0;
	uint8_t *p;

	need(!import(card, d, &handle), "import");
	close(d);
	while (n < 256 && (fd = null()) >= 0)
		opened[n++] = fd;
	need(n > 8 && n < 256 && errno == EMFILE, "EMFILE");
	for (int i = 0; i < free_ones; i++) {
		fd = opened[low ? i : n - 1 - i];
		if (!low || !i)
			expect = fd;
		close(fd);
		opened[low ? i : n - 1 - i] = -1;
	}
	err = map(card, handle, &p);
	check(!err, "%d descriptors are free, %s: %s can be mapped (errno %d)", free_ones,
	      low ? "low ones" : "high ones",
	      refuses ? "an import that the driver refuses to map" : "an import", err);
	if (!err) {
		check(shows(p), "it shows what it should");
		fd = low && free_ones ? null() : -1;
		check(fd == (low ? expect : -1), "and the free number is free");
		close(fd);
		munmap(p, size);
	}
	for (n = 0; n < 256 && (fd = null()) >= 0; n++)
		opened[n] = fd;
	check(n == free_ones, "later %d are free", n);
	for (fd = card + 1; fd < 199; fd++)
		close(fd);
	close_handle(card, handle);
	close(card);
	check(brackets(ino).begins == brackets(ino).ends, "each bracket ended");
}

void last_ones(void)
{
	limit(200);
	for (int n = 0; n < 4; n++) {
		last_of(false, n, true);
		last_of(false, n, false);
		if (!shimmed || !n)
			continue;
		last_of(true, n, true);
		last_of(true, n, false);
	}
}

static bool selects(int fd, int to)
{
	struct timeval soon = { 5, 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return write(to, "x", 1) == 1 && select(fd + 1, &set, NULL, NULL, &soon) == 1 &&
	       FD_ISSET(fd, &set);
}

/* No number that select() could take is lost. */
static void beyond_of(rlim_t most)
{
	enum { MAPS = 300 };
	static int known[8], now[4096];
	uint8_t *maps[MAPS];
	uint32_t handles[MAPS];
	int card, n, few, taken = 0, pipes[2], last = -1, expect;
	bool right = true;

	limit(most);
	card = card_open(false);
	few = descriptors(known, 8);
	need(few <= 8, "few descriptors at first");
	for (int i = 0; i < MAPS; i++) {
		int d = new_dmabuf();

		need(!import(card, d, &handles[i]) && !map(card, handles[i], &maps[i]), "map");
		close(d);
	}
	n = descriptors(now, 4096);
	for (int i = 0; i < n && i < 4096; i++) {
		bool new = true;

		for (int j = 0; j < few; j++)
			new &= now[i] != known[j];
		taken += new && now[i] < FD_SETSIZE;
	}
	check(!taken, "of %lu descriptors: %d below 1024 are taken by %d imports",
	      (unsigned long)most, taken, MAPS);
	for (expect = card + 1; expect < FD_SETSIZE - 2; expect++)
		right &= null() == expect;
	right &= !pipe(pipes) && pipes[0] == expect && pipes[1] == expect + 1;
	check(right && selects(pipes[0], pipes[1]), "the program has the first 1024, for select()");
	while (last < pipes[1])
		if (++last > card)
			close(last);
	for (int i = 0; i < MAPS; i++) {
		munmap(maps[i], size);
		close_handle(card, handles[i]);
	}
	check(descriptors(NULL, 0) == few, "no descriptor is left");
	close(card);
}

void beyond(void)
{
	beyond_of(4096);
	beyond_of(65536);
}

/* Bytes of address space that the process has. */
static unsigned long addresses(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	need(f && fscanf(f, "%lu", &pages) == 1, "/proc/self/statm");
	fclose(f);
	return pages * page;
}

/* A program that has little address space left, which it knows to be enough. */
void tight(void)
{
	const unsigned long left = 16UL << 20, wanted = 12UL << 20;
	int card = card_open(false), d = new_dmabuf();
	struct rlimit lim;
	void *p;

	need(!getrlimit(RLIMIT_AS, &lim), "getrlimit");
	lim.rlim_cur = addresses() + left;
	need(!setrlimit(RLIMIT_AS, &lim), "setrlimit");
	check(!turn(card, d), "an import is mapped with %lu MiB of address space", left >> 20);
	p = mmap(NULL, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(p != MAP_FAILED, "and %lu of them are left for memory", wanted >> 20);
}
