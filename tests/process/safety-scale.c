// SPDX-License-Identifier: MIT
/*
 * What many imports, files and descriptors cost. The program asks the kernel for its memory. For
 * system calls it marks the part of strace's output that safety.sh counts.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "safety.h"

#define CALLS	100	/* between two marks */

static void mark(int number)
{
	syscall(SYS_getpgid, -number);
}

static unsigned int room(void)
{
	struct rlimit lim;

	getrlimit(RLIMIT_NOFILE, &lim);
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
	return lim.rlim_cur < 1000000 ? lim.rlim_cur : 1000000;
}

/* Pages of its own. The fake kernel's tables are shared memory. */
static long own_memory(void)
{
	long all = 0, resident = 0, shared = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	need(f && fscanf(f, "%ld %ld %ld", &all, &resident, &shared) == 3, "statm");
	fclose(f);
	return resident - shared;
}

static long cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Calls on a file that has no import, and on one that has been opened just now. */
static void calls(int number)
{
	int other = card_open(false), wrong = 0;

	mark(number);
	for (int i = 0; i < CALLS; i++)
		wrong += begin(other, 77) != ENOENT || close_handle(other, 77) != EINVAL;
	mark(number + 1);
	for (int i = 0; i < CALLS; i++) {
		int one = card_open(false);

		wrong += begin(one, 77) != ENOENT;
		close(one);
	}
	mark(number + 2);
	check(!wrong, "%d calls on files that have no import went wrong", wrong);
	close(other);
}

void ioctls(void)
{
	unsigned int n = rounds(300), most = room() - 100;
	int card = card_open(false), d = new_dmabuf(), *list = calloc(n, sizeof(int));
	uint32_t handle = 0;

	n = n < most ? n : most;
	need(list && !import(card, d, &handle), "import");
	calls(1);
	for (unsigned int i = 0; i < n; i++) {
		list[i] = dup(card);
		step();
	}
	calls(4);
	for (unsigned int i = 0; i < n; i++) {
		close(list[i]);
		list[i] = card_open(false);
		need(!import(list[i], d, &handle), "import");
		step();
	}
	calls(7);
	free(list);
}

/* A file with an import of its own. */
static int open_file(uint32_t *handle, int *wrong)
{
	int d = new_dmabuf(), fd = card_open(false);

	*wrong += import(fd, d, handle) != 0;
	close(d);
	step();
	return fd;
}

void opens(void)
{
	unsigned int n = rounds(600), most = room() - 100;
	uint32_t handle = 0;
	int wrong = 0;

	need(n > 4 * CALLS, "more than 400");
	n = n < most ? n : most;
	for (unsigned int i = 0; i < n; i++) {
		if (i == CALLS || i == n - CALLS)
			mark(i == CALLS ? 1 : 3);
		if (i == 2 * CALLS)
			mark(2);
		open_file(&handle, &wrong);
	}
	mark(4);
	check(!wrong, "%u files with an import each: %d calls went wrong", n, wrong);
}

/* Such files, and then duplicates as far as there is room. */
static long open_files(unsigned int n, unsigned int dups)
{
	int *list = calloc(n + dups, sizeof(int)), wrong = 0;
	uint32_t handle = 0;
	uint8_t *p;

	need(list, "memory");
	for (unsigned int i = 0; i < n; i++)
		list[i] = open_file(&handle, &wrong);
	for (unsigned int i = n; i < n + dups; i++) {
		list[i] = dup(list[i % n]);
		wrong += list[i] < 0;
		step();
	}
	/* Each has one handle, and all have the same number. */
	for (unsigned int i = 0; i < n + dups; i += 1 + (n + dups) / 500) {
		wrong += map(list[i], handle, &p) || !shows(p) || munmap(p, size);
		step();
	}
	for (unsigned int i = 0; i < n + dups; i++) {
		wrong += close(list[i]) != 0;
		step();
	}
	free(list);
	check(!wrong, "%u files with an import each, %u duplicates: %d calls went wrong", n, dups,
	      wrong);
	return own_memory();
}

void files(void)
{
	unsigned int n = rounds(600), most = room() - 100, dups;
	int before = descriptors(NULL, 0);
	long first, last;

	n = n < most / 2 ? n : most / 2;
	dups = n * 9 < most - n ? n * 9 : most - n;
	first = open_files(n, dups);
	last = open_files(n, dups);
	check(last - first < 64, "the second time it takes %ld pages more", last - first);
	check(descriptors(NULL, 0) <= before + 1, "no descriptor is left");
}

void imports(void)
{
	unsigned long n = rounds(10000);
	int card = card_open(false), wrong = 0, before = descriptors(NULL, 0);
	long early = 0, first = 0, t = cpu_us();
	uint32_t handle = 0;
	uint8_t *p;

	for (unsigned long i = 0; i < n; i++) {
		int d = new_dmabuf(), other = i % 8 ? card : card_open(false);

		wrong += import(other, d, &handle) != 0;
		if (i % 4 == 0)
			wrong += map(other, handle, &p) || munmap(p, size);
		wrong += close_handle(other, handle) != 0;
		if (other != card)
			close(other);
		close(d);
		if (i == n / 10) {
			first = cpu_us() - t;
			early = own_memory();
		}
		if (i == n - n / 10)
			t = cpu_us();
		step();
	}
	t = cpu_us() - t;
	printf("# of %lu imports: us for the first tenth %ld, for the last %ld\n", n, first, t);
	check(!wrong, "%lu imports made and closed one after the other: %d calls went wrong", n,
	      wrong);
	check(own_memory() - early < 64, "they take %ld pages more than a tenth of them",
	      own_memory() - early);
	check(descriptors(NULL, 0) == before, "no descriptor is left");
}
