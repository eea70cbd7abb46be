// SPDX-License-Identifier: MIT
/*
 * Another process of the same user, which writes rubbish into every status file of a directory
 * until SIGTERM comes. It prints a line when it begins, and at its end how many words it has
 * written, and into how many files.
 *
 *   status-writer DIR rest|all	"rest" leaves the policy alone, which is the one word that is read
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/status_file.h"

#define MOST	64

static struct {
	ino_t ino;
	char *at;
	size_t size;
} files[MOST];
static unsigned int nfiles;
static volatile sig_atomic_t ended;
static uint64_t state = 1;

static void end(int sig)
{
	(void)sig;
	ended = true;
}

static uint32_t below(uint32_t n)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (state >> 33) % n;
}

static bool known(ino_t ino)
{
	for (unsigned int i = 0; i < nfiles; i++)
		if (files[i].ino == ino)
			return true;
	return false;
}

/* The oldest goes where there is no room: its process has most likely ended. */
static void add(const char *path)
{
	struct stat st;
	char *at;
	int fd;

	if (stat(path, &st) || known(st.st_ino) || (size_t)st.st_size < sizeof(struct status_file))
		return;
	/* The owner may change the mode of a file. */
	chmod(path, 0600);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	at = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return;
	if (nfiles == MOST) {
		munmap(files[0].at, files[0].size);
		memmove(files, files + 1, --nfiles * sizeof(*files));
	}
	files[nfiles].ino = st.st_ino;
	files[nfiles].at = at;
	files[nfiles++].size = st.st_size;
}

static void look(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[4096];

	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (strstr(e->d_name, STATUS_SUFFIX))
			add(path);
	}
	if (d)
		closedir(d);
}

/* Half of them numbers that are nearly right: of the head, which says how the rest lies. */
static void write_word(char *file, size_t size, bool policy)
{
	static const uint32_t numbers[] = {
		0, 1, 2, 7, 0xff, 0x1000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	size_t at = below(below(2) ? sizeof(struct status_file) : size) & ~(size_t)3;
	uint32_t n = below(2) ? numbers[below(10)] : below(UINT32_MAX);

	if (at + sizeof(n) > size || (at == offsetof(struct status_file, policy) && !policy))
		return;
	if (at == offsetof(struct status_file, policy) && below(2))
		n = STATUS_POLICY(below(MODE_COUNT), below(SYNC_TRAP));
	__atomic_store_n((uint32_t *)(file + at), n, __ATOMIC_RELAXED);
}

int main(int argc, char **argv)
{
	unsigned long words = 0, seen = 0;

	if (argc != 3)
		errx(2, "usage: status-writer DIR rest|all");
	signal(SIGTERM, end);
	for (unsigned int round = 0; !ended; round++) {
		unsigned int before = nfiles;

		if (!nfiles || round % 16 == 0)
			look(argv[1]);
		seen += nfiles > before ? nfiles - before : 0;
		for (unsigned int i = 0; i < nfiles; i++)
			for (unsigned int n = 0; n < 1000; n++, words++)
				write_word(files[i].at, files[i].size, !strcmp(argv[2], "all"));
		if (!before && nfiles) {
			puts("writing");
			fflush(stdout);
		}
	}
	printf("%lu words in %lu files\n", words, seen);
	return words ? 0 : 1;
}
