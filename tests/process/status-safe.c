// SPDX-License-Identifier: MIT
/*
 * An ordinary program that imports while others do harm to its status file, and watches what
 * happens to itself. For tests/process/status-safe.sh, over the fake kernel. The program does what
 * its words say, one after the other. It prints what is not as it is natively, and then exits
 * with 1.
 *
 *   import, map, unmap, close    a dma-buf of 4 pages
 *   churn N      N rounds of that, with contents that are watched, half unmaps and children, among
 *                memory of the program's own that nobody else may write
 *   poison WHAT  writes rubbish into its own status file: "places", such that whoever trusts them
 *                writes into memory of the program; or "all" but the policy
 *   canaries     has anybody?
 *   where        from where to where its status file is mapped, and where the policy is
 *   buffer       a dma-buf for the next import
 *   aside, join  another thread imports and maps; and has done so
 *   fork         is a fork() done before that thread, and what has its child of $PRIMESHIM_DIR?
 *   cycle        is an import that is mapped, unmapped and closed?
 *   leave N, release   so many descriptors are left; all are again
 *   memory       no more address space than there is, but for 512 KiB
 *   nowhere      chroot() into the empty directory $EMPTY
 *   block, xfsz  SIGXFSZ is blocked; has one come?
 *   wait         says "ready", and reads a line
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>

#include "kernel/status_file.h"

#define PAGE	4096UL
#define SIZE	(4 * PAGE)
#define CANARY	(1UL << 20)

struct import {
	int dmabuf;
	uint32_t handle;
	uint8_t *p;
};

static int (*fake_export)(size_t size, uint8_t fill, bool writable);
static int card = -1, spare = -1, status;
static uint8_t *canaries[9];

#define WRONG(...) do { printf("wrong: " __VA_ARGS__); putchar('\n'); status = 1; } while (0)

static int new_dmabuf(void)
{
	int fd = spare;

	spare = -1;
	return fd >= 0 ? fd : fake_export(SIZE, 0x5a, true);
}

static struct import import(void)
{
	struct import i = { .dmabuf = new_dmabuf() };
	struct drm_prime_handle p = { .fd = i.dmabuf };

	if (i.dmabuf < 0 || ioctl(card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p))
		err(1, "import");
	i.handle = p.handle;
	return i;
}

/* False where the driver refuses, as it does natively. */
static bool map(struct import *i)
{
	struct drm_mode_map_dumb m = { .handle = i->handle };

	i->p = NULL;
	if (ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &m)) {
		if (errno != EINVAL)
			WRONG("the map ioctl says %s", strerror(errno));
		return false;
	}
	i->p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, card, m.offset);
	if (i->p != MAP_FAILED)
		return true;
	i->p = NULL;
	if (errno != EINVAL)
		WRONG("mmap says %s", strerror(errno));
	return false;
}

static void close_handle(const struct import *i)
{
	struct drm_gem_close c = { .handle = i->handle };

	if (ioctl(card, DRM_IOCTL_GEM_CLOSE, &c))
		WRONG("GEM_CLOSE says %s", strerror(errno));
	if (close(i->dmabuf))
		WRONG("close says %s", strerror(errno));
}

static void place_canaries(void)
{
	/* The first is made near the status file, by poison(). */
	for (int i = 1; i < 9 && !canaries[i]; i++) {
		canaries[i] = mmap(NULL, CANARY, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (canaries[i] == MAP_FAILED)
			err(1, "mmap");
		memset(canaries[i], 0xca, CANARY);
	}
}

static void look_at_canaries(void)
{
	for (int i = 0; i < 9; i++)
		for (size_t at = 0; canaries[i] && at < CANARY; at++)
			if (canaries[i][at] != (i ? 0xca : 0)) {
				WRONG("memory of the program's own was written");
				return;
			}
}

/* What is written by one way is read by the other. */
static void watch_contents(struct import *i, uint8_t with)
{
	uint8_t *direct = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, i->dmabuf, 0);

	if (direct == MAP_FAILED)
		err(1, "mmap of the dma-buf");
	for (size_t at = 0; at < SIZE; at += 64) {
		if (i->p[at] != 0x5a || direct[at] != 0x5a)
			WRONG("a new buffer has %02x", i->p[at]);
		i->p[at] = with;
		if (direct[at] != with)
			WRONG("what was written is not in the buffer");
	}
	munmap(direct, SIZE);
}

static unsigned long churn(long n, bool child)
{
	unsigned long refused = 0;

	for (long k = 0; k < n && !status; k++) {
		struct import i = import();

		if (map(&i)) {
			watch_contents(&i, k);
			if (munmap(i.p + PAGE, PAGE) || i.p[0] != (uint8_t)k ||
			    munmap(i.p, PAGE) || munmap(i.p + 2 * PAGE, 2 * PAGE))
				WRONG("munmap");
		} else {
			refused++;
		}
		if (!child && k % 64 == 0) {
			pid_t pid = fork();
			int s = 0;

			if (!pid) {
				churn(3, true);
				look_at_canaries();
				fflush(stdout);
				_exit(status);
			}
			if (pid < 0 || waitpid(pid, &s, 0) != pid || s)
				WRONG("a child came to %d", s);
		}
		close_handle(&i);
		if (!child && k % 256 == 0)
			look_at_canaries();
	}
	return refused;
}

/* Where this process has its status file, or NULL. */
static char *find_file(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long at = 0;
	char line[4096];

	while (maps && !at && fgets(line, sizeof(line), maps))
		if (strstr(line, STATUS_SUFFIX "\n"))
			at = strtoul(line, NULL, 16);
	if (maps)
		fclose(maps);
	return (char *)at;
}

/*
 * Makes the sections lead to the program's own memory above the status file, without an end, and
 * makes the entries that they call live lie anywhere. Any process of the user could write that.
 */
static void poison(bool all)
{
	char *file = find_file();
	struct status_file *h = (struct status_file *)file;
	struct status_section *s[] = {
		&h->names, &h->pairs, &h->buffers, &h->imports, &h->mappings, &h->events
	};
	struct status_mapping *m;
	uint32_t policy, pid;

	place_canaries();
	if (!file)
		errx(1, "there is no status file");
	policy = h->policy;
	/* With another one the process takes the file for its parent's, and makes a new one. */
	pid = h->pid;
	for (unsigned long up = 64UL << 20; !canaries[0]; up += 64UL << 20) {
		uint8_t *p = mmap(file + up, CANARY, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED || up > 3UL << 30)
			errx(1, "there is no room above the status file");
		if (p > (uint8_t *)file && p - (uint8_t *)file < (long)UINT32_MAX - (long)CANARY)
			canaries[0] = p;
		else
			munmap(p, CANARY);
	}
	m = (struct status_mapping *)(file + h->mappings.offset);
	for (uint32_t i = 0; all && i < h->mappings.n; i++) {
		m[i].live = 1;
		m[i].seq = ~0U;
		m[i].start = 0;
		m[i].end = ~UINT64_C(0);
	}
	for (size_t i = 0; i < sizeof(s) / sizeof(*s); i++) {
		s[i]->offset = (uint32_t)((char *)canaries[0] - file);
		s[i]->stride = 64;
		if (all)
			s[i]->n = s[i]->used = 1 << 14;
	}
	for (char *at = file; all && at < file + sizeof(*h); at += 4)
		if (at < (char *)&h->names || at >= (char *)&h->counters)
			*(uint32_t *)at = ~0U;
	h->policy = policy;
	h->pid = pid;
}

static void *aside(void *arg)
{
	static struct import i;

	i = import();
	if (!map(&i))
		WRONG("the other thread's map is refused");
	return arg;
}

/* What of $PRIMESHIM_DIR this process has open, or mapped. */
static int held(void)
{
	const char *dir = getenv("PRIMESHIM_DIR");
	char link[64], to[4096];
	struct dirent *e;
	int n = !!find_file();
	DIR *d = opendir("/proc/self/fd");

	while (d && (e = readdir(d))) {
		ssize_t len;

		snprintf(link, sizeof(link), "/proc/self/fd/%.16s", e->d_name);
		len = readlink(link, to, sizeof(to) - 1);
		n += len > 0 && (size_t)len >= strlen(dir) && !strncmp(to, dir, strlen(dir));
	}
	if (d)
		closedir(d);
	return n;
}

/* Does the other thread wait for its file system? tests/process/status-preload.c knows. */
static bool other_waits(void)
{
	volatile int *waits = dlsym(RTLD_DEFAULT, "status_preload_waits");

	return waits && *waits;
}

static void time_fork(void)
{
	pid_t pid = fork();
	bool late = !other_waits();
	int s = 0;

	if (!pid)
		_exit(held());
	waitpid(pid, &s, 0);
	printf("fork %s, the child holds %d\n", late ? "late" : "at once", WEXITSTATUS(s));
}

static void time_cycle(void)
{
	struct import i = import();

	if (!map(&i) || munmap(i.p, SIZE))
		WRONG("the map is refused");
	close_handle(&i);
	printf("cycle %s\n", other_waits() ? "at once" : "late");
}

static void say_where(void)
{
	const struct status_file *p = (const struct status_file *)find_file();

	printf("file %lx %lx %lx\n", (long)p, (long)p + (long)p->size, (long)&p->policy);
}

static int taken[1024];
static int ntaken;

static void leave(int n)
{
	struct rlimit lim = { 1024, 1024 };
	int fd;

	if (setrlimit(RLIMIT_NOFILE, &lim))
		err(1, "setrlimit");
	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		taken[ntaken++] = fd;
	while (n-- > 0 && ntaken)
		close(taken[--ntaken]);
}

static void limit_memory(void)
{
	struct rlimit lim = { 0, RLIM_INFINITY };
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (!f || fscanf(f, "%lu", &pages) != 1)
		err(1, "statm");
	fclose(f);
	lim.rlim_cur = pages * PAGE + (512UL << 10);
	if (setrlimit(RLIMIT_AS, &lim))
		err(1, "setrlimit");
}

static void block_xfsz(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static bool xfsz_pending(void)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, SIGXFSZ);
}

static void wait_for_line(void)
{
	char line[64];

	puts("ready");
	if (!fgets(line, sizeof(line), stdin))
		exit(0);
}

int main(int argc, char **argv)
{
	struct import all[64], *i = all - 1;
	pthread_t thread;

	(void)argc;
	setvbuf(stdout, NULL, _IOLBF, 0);
	*(void **)&fake_export = dlsym(RTLD_DEFAULT, "fake_export");
	card = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	if (card < 0)
		err(1, "no card");
	while (*++argv) {
		const char *w = *argv;

		if (!strcmp(w, "import"))
			*++i = import();
		else if (!strcmp(w, "map"))
			puts(map(i) ? "mapped" : "refused");
		else if (!strcmp(w, "unmap"))
			munmap(i->p, SIZE);
		else if (!strcmp(w, "close"))
			close_handle(i--);
		else if (!strcmp(w, "churn")) {
			place_canaries();
			printf("churned, %lu refused\n", churn(atol(*++argv), false));
		} else if (!strcmp(w, "poison"))
			poison(!strcmp(*++argv, "all"));
		else if (!strcmp(w, "canaries"))
			look_at_canaries();
		else if (!strcmp(w, "buffer"))
			spare = new_dmabuf();
		else if (!strcmp(w, "aside")) {
			if (pthread_create(&thread, NULL, aside, NULL))
				err(1, "threads");
			for (int n = 0; n < 3000 && !other_waits(); n++)
				usleep(10000);
		} else if (!strcmp(w, "join"))
			pthread_join(thread, NULL);
		else if (!strcmp(w, "fork"))
			time_fork();
		else if (!strcmp(w, "cycle"))
			time_cycle();
		else if (!strcmp(w, "where"))
			say_where();
		else if (!strcmp(w, "leave"))
			leave(atoi(*++argv));
		else if (!strcmp(w, "release"))
			while (ntaken)
				close(taken[--ntaken]);
		else if (!strcmp(w, "memory"))
			limit_memory();
		else if (!strcmp(w, "nowhere")) {
			if (chroot(getenv("EMPTY")))
				err(77, "chroot");
		} else if (!strcmp(w, "block"))
			block_xfsz();
		else if (!strcmp(w, "xfsz"))
			puts(xfsz_pending() ? "SIGXFSZ has come" : "no SIGXFSZ");
		else if (!strcmp(w, "wait"))
			wait_for_line();
		else
			errx(1, "%s is no word", w);
	}
	look_at_canaries();
	return status;
}
