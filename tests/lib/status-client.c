// SPDX-License-Identifier: MIT
/*
 * An ordinary program that does what its words say with imports, one word after the other. For
 * tests/cli/status.sh over the fake kernel; on a real kernel a driver's name comes first
 * (IMPORTER=EXPORTER).
 *
 *   import       a new dma-buf of 4 pages, imported         map      its map ioctl and mmap
 *   write, read  through the mapping                         unmap, half, move, close
 *   many N       N times import, map, write, unmap, close   threads N   N threads do "many 50"
 *   hold N       N imports that stay
 *   fork         the child goes on, its parent waits        exec     goes on as a new program
 *   wait         says "ready", and reads a line             exit, _exit
 *   kill, term, bus, segv, abort: the signal
 *   sync         the program's own DMA_BUF_IOCTL_SYNC       closeall  closes all from 3 on, raw
 *   try          an import that may be refused              readonly  one without write access
 *   unmappable   an import whose exporter has no mmap       private  as map, and MAP_PRIVATE
 *   own          a buffer of the device's own, exported and imported back
 *   fail         exits with 1
 * ACCESS=r in the environment: the device is opened for reading alone.
 */
#define _GNU_SOURCE
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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include <drm.h>
#include <drm_mode.h>

#include "room.h"
#ifdef REAL
#include "exporters.h"
#endif

#define SIZE (4 * 4096UL)

#ifdef REAL
static const char *exporter;
#else
static int (*fake_export)(size_t size, uint8_t fill, bool writable);
static int (*fake_export_unmappable)(size_t size, uint8_t fill);
#endif
static int card = -1;

struct import {
	int dmabuf;
	uint32_t handle;
	uint8_t *p;
};

static void open_device(const char *pair)
{
#ifdef REAL
	char *importer = strdup(pair);

	importer[strcspn(importer, "=")] = '\0';
	exporter = strchr(pair, '=') + 1;
	card = open_card(importer);
#else
	(void)pair;
	*(void **)&fake_export = dlsym(RTLD_DEFAULT, "fake_export");
	*(void **)&fake_export_unmappable = dlsym(RTLD_DEFAULT, "fake_export_unmappable");
	card = open(getenv("CARD") ? getenv("CARD") : "/dev/dri/card0",
		    (getenv("ACCESS") ? O_RDONLY : O_RDWR) | O_CLOEXEC);
#endif
	if (card < 0)
		err(1, "no card");
}

enum kind { PLAIN, READONLY, UNMAPPABLE };

static int new_dmabuf(enum kind kind)
{
#ifdef REAL
	(void)kind;
	return export_new(exporter, SIZE).dmabuf;
#else
	return kind == UNMAPPABLE ? fake_export_unmappable(SIZE, 0x5a) :
	       fake_export(SIZE, 0x5a, kind == PLAIN);
#endif
}

static struct import import(enum kind kind)
{
	struct import i = { .dmabuf = new_dmabuf(kind) };
	struct drm_prime_handle p = { .fd = i.dmabuf };

	if (i.dmabuf < 0 || ioctl(card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p))
		err(1, "import");
	i.handle = p.handle;
	return i;
}

static struct import import_own(void)
{
	struct drm_mode_create_dumb dumb = { .width = SIZE / 4, .height = 1, .bpp = 32 };
	struct drm_prime_handle p = { .flags = DRM_CLOEXEC | DRM_RDWR };

	if (ioctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &dumb))
		err(1, "CREATE_DUMB");
	p.handle = dumb.handle;
	if (ioctl(card, DRM_IOCTL_PRIME_HANDLE_TO_FD, &p) ||
	    ioctl(card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p))
		err(1, "the device's own buffer");
	return (struct import){ .dmabuf = p.fd, .handle = p.handle };
}

static void try_import(void)
{
	struct drm_prime_handle p = { .fd = new_dmabuf(PLAIN) };

	if (ioctl(card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p))
		printf("import: %s\n", strerror(errno));
}

static void own_sync(const struct import *i)
{
	struct dma_buf_sync s = { .flags = DMA_BUF_SYNC_RW | DMA_BUF_SYNC_START };

	if (ioctl(i->dmabuf, DMA_BUF_IOCTL_SYNC, &s))
		err(1, "sync");
	s.flags = DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END;
	if (ioctl(i->dmabuf, DMA_BUF_IOCTL_SYNC, &s))
		err(1, "sync");
}

static void close_all(void)
{
#ifdef SYS_close_range
	syscall(SYS_close_range, 3, ~0U, 0);
#endif
}

static void map_as(struct import *i, bool say, int flags)
{
	struct drm_mode_map_dumb m = { .handle = i->handle };

	i->p = NULL;
	if (ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &m)) {
		if (say)
			printf("refused: %s\n", errno == EINVAL ? "EINVAL" : strerror(errno));
		return;
	}
	i->p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, card, m.offset);
	if (i->p == MAP_FAILED) {
		printf("mmap: %s\n", strerror(errno));
		i->p = NULL;
	} else if (say) {
		puts("mapped");
	}
}

static void map(struct import *i, bool say)
{
	map_as(i, say, MAP_SHARED);
}

static void close_handle(const struct import *i)
{
	struct drm_gem_close c = { .handle = i->handle };

	if (ioctl(card, DRM_IOCTL_GEM_CLOSE, &c))
		err(1, "GEM_CLOSE");
	close(i->dmabuf);
}

static void many(long n)
{
	while (n-- > 0) {
		struct import i = import(PLAIN);

		map(&i, false);
		if (i.p) {
			i.p[0]++;
			munmap(i.p, SIZE);
		}
		close_handle(&i);
	}
}

static void hold(long n)
{
	while (n-- > 0)
		close(import(PLAIN).dmabuf);
}

static void *thread(void *arg)
{
	many(50);
	return arg;
}

static void threads(long n)
{
	pthread_t t[64];

	for (long i = 0; i < n && i < 64; i++)
		if (pthread_create(&t[i], NULL, thread, NULL))
			errx(1, "threads");
	for (long i = 0; i < n && i < 64; i++)
		pthread_join(t[i], NULL);
}

static void in_child(void)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid)
		return;
	waitpid(pid, &status, 0);
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void again(char *self, char **words)
{
	char **argv = calloc(66, sizeof(*argv));
	int n = 0;

	argv[n++] = self;
#ifdef REAL
	if (asprintf(&argv[n++], "%s=%s", getenv("IMPORTER"), exporter) < 0)
		err(1, "exec");
#endif
	for (; *words && n < 65; words++)
		argv[n++] = *words;
	fflush(stdout);
	execv("/proc/self/exe", argv);
	err(1, "exec");
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

	setvbuf(stdout, NULL, _IOLBF, 0);
#ifdef REAL
	if (argc < 2 || !strchr(argv[1], '='))
		errx(1, "IMPORTER=EXPORTER first");
	open_device(argv[1]);
	argv[1][strcspn(argv[1], "=")] = '\0';
	setenv("IMPORTER", argv[1], 1);
	argv++;
#else
	open_device(NULL);
#endif
	(void)argc;
	while (*++argv) {
		const char *w = *argv;

		if (!strcmp(w, "import"))
			*++i = import(PLAIN);
		else if (!strcmp(w, "readonly"))
			*++i = import(READONLY);
		else if (!strcmp(w, "unmappable"))
			*++i = import(UNMAPPABLE);
		else if (!strcmp(w, "own"))
			*++i = import_own();
		else if (!strcmp(w, "try"))
			try_import();
		else if (!strcmp(w, "map"))
			map(i, true);
		else if (!strcmp(w, "private"))
			map_as(i, true, MAP_PRIVATE);
		else if (!strcmp(w, "sync"))
			own_sync(i);
		else if (!strcmp(w, "closeall"))
			close_all();
		else if (!strcmp(w, "write"))
			i->p[1] = 1;
		else if (!strcmp(w, "read"))
			printf("read %d\n", i->p[0]);
		else if (!strcmp(w, "unmap"))
			munmap(i->p, SIZE);
		else if (!strcmp(w, "half"))
			munmap(i->p + 4096, 4096);
		else if (!strcmp(w, "move"))
			i->p = mremap(i->p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
				      room_new(SIZE));
		else if (!strcmp(w, "close"))
			close_handle(i--);
		else if (!strcmp(w, "many"))
			many(atol(*++argv));
		else if (!strcmp(w, "hold"))
			hold(atol(*++argv));
		else if (!strcmp(w, "threads"))
			threads(atol(*++argv));
		else if (!strcmp(w, "fork"))
			in_child();
		else if (!strcmp(w, "exec"))
			again("again", argv + 1);
		else if (!strcmp(w, "wait"))
			wait_for_line();
		else if (!strcmp(w, "kill"))
			raise(SIGKILL);
		else if (!strcmp(w, "bus"))
			raise(SIGBUS);
		else if (!strcmp(w, "term"))
			raise(SIGTERM);
		else if (!strcmp(w, "segv"))
			raise(SIGSEGV);
		else if (!strcmp(w, "abort"))
			abort();
		else if (!strcmp(w, "exit"))
			return 0;
		else if (!strcmp(w, "fail"))
			return 1;
		else if (!strcmp(w, "_exit"))
			_exit(0);
		else
			errx(1, "%s is no word", w);
	}
	return 0;
}
