// SPDX-License-Identifier: MIT
/*
 * What is around the fuzzer's threads. --few N: of the numbers at which the shim keeps descriptors
 * all but N are taken. --hostile: somebody of the same user writes what he likes into the report's
 * file, all the time, but for the one word that asks for another mode; --truncate: and makes the
 * file shorter and longer.
 */
#define _GNU_SOURCE
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shared_page.h"

#include "fuzz.h"

int few = -1;
bool hostile, truncating;

static pthread_t writer;
static atomic_bool done;

void few_start(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int n = PRIVATE_FIRST; n < PRIVATE_END - few; n++)
		if (dup3(null, n, O_CLOEXEC) != n)
			abort();
	close(null);
}

/* This process's file, once it is there. */
static int find_file(const char *dir)
{
	char prefix[16], path[512];
	struct dirent *e;
	int fd = -1;
	DIR *d;

	snprintf(prefix, sizeof(prefix), "%d-", (int)getpid());
	d = opendir(dir);
	while (d && fd < 0 && (e = readdir(d))) {
		if (strncmp(e->d_name, prefix, strlen(prefix)))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	if (d)
		closedir(d);
	return fd;
}

/* By write(), as a mapping would fault where the file is short. */
static void write_words(int fd, off_t size, uint32_t *random)
{
	enum { POLICY = offsetof(struct shared_page, policy) };
	uint32_t words[16];
	off_t at;

	for (int i = 0; i < 16; i++) {
		*random = *random * 1664525 + 1013904223;
		/* Small numbers and large ones: lengths, links, sequence numbers. */
		words[i] = i % 3 ? *random : *random >> 24;
	}
	*random = *random * 1664525 + 1013904223;
	/* Half of it where the header is. */
	at = (*random >> 8) % (*random & 1 ? 512 : size) / 4 * 4;
	if (at + (off_t)sizeof(words) > POLICY && at < POLICY + 4)
		at = POLICY + 4;
	if (pwrite(fd, words, sizeof(words), at) < 0)
		sched_yield();
}

static void *write_all(void *dir)
{
	uint32_t random = time(NULL);
	struct stat st;
	int fd = -1;

	/* A descriptor of the fuzzer's own, so that the baseline has one for it; see hostile_start(). */
	while (!atomic_load(&done) && (fd = find_file(dir)) < 0)
		usleep(1000);
	if (fd >= 0 && !fstat(fd, &st)) {
		dup3(fd, HOSTILE_FD, O_CLOEXEC);
		close(fd);
		while (!atomic_load(&done)) {
			for (int i = 0; i < 100; i++)
				write_words(HOSTILE_FD, st.st_size, &random);
			if (truncating && random % 64 == 0) {
				ftruncate(HOSTILE_FD, random % 2 ? random % st.st_size : 0);
				usleep(random % 2000);
				ftruncate(HOSTILE_FD, st.st_size);
			}
		}
	}
	return NULL;
}

void hostile_start(void)
{
	char *dir = getenv("PRIMESHIM_DIR");
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup3(null, HOSTILE_FD, O_CLOEXEC);
	close(null);
	if (!dir || pthread_create(&writer, NULL, write_all, dir))
		abort();
}

void hostile_end(void)
{
	atomic_store(&done, true);
	pthread_join(writer, NULL);
}
