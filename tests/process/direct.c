// SPDX-License-Identifier: MIT
/*
 * A program that maps dma-bufs by their own descriptors, over the fake kernel: after each step the
 * number of STARTs and ENDs is exactly so much. An ordinary program, which knows nothing of the
 * shim but for the setting that it is told. For direct.sh.
 *
 *   direct off|observe|sync   all of it; with sync the shim brackets
 *   direct sync trap          the same where the first touch is caught
 *   direct calls N            maps, syncs and unmaps N times, for strace
 *   direct reader             maps two dma-bufs ten times each, and never syncs
 *   direct syncer             maps two dma-bufs, and syncs one of them itself
 *   direct readonly           tries to write a read-only dma-buf
 *   direct left               ends with one mapped
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "lib/drivers-client.h"

static void (*fake_brackets)(uint64_t ino, unsigned long *begins, unsigned long *ends);
static void (*fake_repeated)(uint64_t ino, unsigned long *begins, unsigned long *ends);
static unsigned long (*bracket_faults)(void);
static void (*on_sync)(void (*hook)(uint64_t ino, uint64_t flags));

static bool by_shim, trap;
static int dmabuf;
static uint64_t ino;
static unsigned long begins, ends;	/* that there should be */

static void use(int fd)
{
	struct stat st;

	need(fd >= 0 && !fstat(fd, &st), "a dma-buf");
	dmabuf = fd;
	ino = st.st_ino;
	fake_brackets(ino, &begins, &ends);
}

/* So many STARTs and ENDs of the shim's since the last step, and so many of the program's own. */
static void step4(int shim_begins, int shim_ends, int own_begins, int own_ends, const char *what)
{
	unsigned long b, e;
	char text[256];

	begins += own_begins + (by_shim ? shim_begins : 0);
	ends += own_ends + (by_shim ? shim_ends : 0);
	fake_brackets(ino, &b, &e);
	snprintf(text, sizeof(text), "%s: %+d START, %+d END", what, shim_begins, shim_ends);
	if (b != begins || e != ends)
		printf("# %lu, %lu; there should be %lu, %lu\n", b, e, begins, ends);
	check(b == begins && e == ends, text);
	begins = b;
	ends = e;
}

static void step(int shim_begins, int shim_ends, const char *what)
{
	step4(shim_begins, shim_ends, 0, 0, what);
}

static uint8_t *direct(int prot)
{
	uint8_t *p = mmap(NULL, SIZE, prot, MAP_SHARED, dmabuf, 0);

	need(p != MAP_FAILED, "mmap of a dma-buf");
	return p;
}

static void own(uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	need(!ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync), "DMA_BUF_IOCTL_SYNC");
}

static uint64_t last_end;	/* flags of the last END of that dma-buf */

static void seen(uint64_t number, uint64_t flags)
{
	if (number == ino && flags & DMA_BUF_SYNC_END)
		last_end = flags;
}

/* The lowest free descriptor. */
static int lowest(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void reader(void)
{
	int low = lowest(), other;
	uint8_t *p, *q;

	use(new_dmabuf(SIZE, FILL, true));
	low = lowest();
	p = direct(PROT_READ);
	step(1, 0, "mapped for reading");
	check(p[SIZE - 1] == FILL, "the bytes are there");
	check(lowest() == low, "no low descriptor is taken");
	q = direct(PROT_READ);
	step(1, 1, "mapped once more: the bracket for reading begins anew");
	munmap(q, SIZE);
	step(0, 0, "one of two is unmapped");
	munmap(p, SIZE);
	step(0, 1, "both are");
	p = direct(PROT_READ | PROT_WRITE);
	step(1, 0, "mapped for writing");
	munmap(p + PAGE, PAGE);
	munmap(p, PAGE);
	step(0, 0, "unmapped in part");
	munmap(p + 2 * PAGE, 2 * PAGE);
	step(0, 1, "and the rest");
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dmabuf, 2 * PAGE);
	step(1, 0, "a part is mapped");
	munmap(p, PAGE);
	step(0, 1, "and unmapped");
	p = direct(PROT_READ);
	other = dup(dmabuf);
	close(dmabuf);
	close(other);
	step(1, 0, "mapped, and its descriptors closed");
	munmap(p, SIZE);
	step(0, 1, "unmapped after that");
}

/* The program's own descriptor may be where the shim keeps its private ones. */
static void high(void)
{
	static const int numbers[] = { 4100, 1030, 770 };

	for (int i = 0; i < 3; i++) {
		uint8_t *p;
		int low;

		use(new_dmabuf(SIZE, FILL, true));
		low = dmabuf;
		dmabuf = dup2(low, numbers[i]);
		if (dmabuf >= 0) {
			p = direct(PROT_READ);
			step(1, 0, "mapped by a high descriptor");
			check(!close(dmabuf), "which the program can close");
			munmap(p, SIZE);
			step(0, 1, "and unmapped");
		}
		close(low);
	}
}

static void places(void)
{
	uint8_t *p, *to;

	use(new_dmabuf(SIZE, FILL, true));
	to = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	p = direct(PROT_READ);
	p = mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	need(p == to, "mremap");
	step(1, 0, "mapped and moved");
	check(p[0] == FILL, "the bytes have moved along");
	p = mmap(p, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	need(p == to, "MAP_FIXED");
	step(0, 1, "mapped over");
	p = mmap(p, SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, dmabuf, 0);
	need(p == to, "MAP_FIXED");
	step(1, 0, "mapped at a place");
	p = mmap(p, SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, dmabuf, 0);
	need(p == to, "MAP_FIXED");
	step(1, 1, "mapped there again");
	munmap(p, SIZE);
	step(0, 1, "unmapped");
	p = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, dmabuf, 0);
	check(p == MAP_FAILED && errno == EINVAL, "MAP_PRIVATE is refused as natively");
	p = mmap(NULL, 2 * SIZE, PROT_READ, MAP_SHARED, dmabuf, 0);
	check(p == MAP_FAILED && errno == EINVAL, "so is more than there is");
	step(0, 0, "neither");
	close(dmabuf);
}

static void children(void)
{
	uint8_t *p;
	int status;

	use(new_dmabuf(SIZE, FILL, true));
	p = direct(PROT_READ);
	step(1, 0, "mapped before fork()");
	if (!fork()) {
		munmap(p, SIZE);
		exit(0);
	}
	need(wait(&status) > 0 && !status, "a child");
	step(0, 0, "a child has unmapped it, and exited");
	if (!fork()) {
		p = direct(PROT_READ);
		munmap(p, SIZE);
		_exit(0);
	}
	need(wait(&status) > 0 && !status, "a child");
	/* The child's old mapping stays, and so does what it has begun: _exit() runs nothing. */
	step(1, 0, "a child maps it once more");
	munmap(p, SIZE);
	step(0, 1, "unmapped in the parent");
	close(dmabuf);
}

static void readonly(void)
{
	uint8_t *p;

	use(new_dmabuf(SIZE, FILL, false));
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	check(p == MAP_FAILED && errno == EACCES, "a read-only one cannot be mapped for writing");
	step(0, 0, "refused");
	p = direct(PROT_READ);
	step(1, 0, "for reading it can");
	munmap(p, SIZE);
	step(0, 1, "and unmapped");
	close(dmabuf);
}

static void syncer(void)
{
	unsigned long more_begins, more_ends;
	uint8_t *p, *q;

	use(new_dmabuf(SIZE, FILL, true));
	p = direct(PROT_READ | PROT_WRITE);
	step(1, 0, "mapped");
	own(DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
	step4(0, 1, 1, 0, "its own START ends the shim's bracket");
	check(!by_shim || last_end == (DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ),
	      "by an END for reading, which undoes nothing");
	own(DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	step4(0, 0, 0, 1, "its own END");
	q = direct(PROT_READ);
	step(0, 0, "mapped once more");
	own(DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	own(DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	step4(0, 0, 1, 1, "its own bracket");
	munmap(q, SIZE);
	munmap(p, SIZE);
	step(0, 0, "unmapped");
	munmap(direct(PROT_READ), SIZE);
	step(0, 0, "mapped anew, and unmapped");
	fake_repeated(ino, &more_begins, &more_ends);
	check(!more_begins && !more_ends, "the brackets do not overlap");
	close(dmabuf);

	use(new_dmabuf(SIZE, FILL, true));
	own(DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
	step4(0, 0, 1, 0, "one that it syncs before it maps it");
	p = direct(PROT_READ);
	step(0, 0, "mapped");
	munmap(p, SIZE);
	own(DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	step4(0, 0, 0, 1, "unmapped, and its own END");
	close(dmabuf);

	use(new_dmabuf(SIZE, FILL, true));
	p = direct(PROT_READ);
	need(ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &(struct dma_buf_sync){ .flags = 1 << 4 }) < 0 &&
	     errno == EINVAL, "EINVAL");
	step(1, 0, "a call that the kernel refuses says nothing");
	munmap(p, SIZE);
	step(0, 1, "unmapped");
	close(dmabuf);
}

static void importer(void)
{
	uint32_t handle;
	uint8_t *p, *q;
	int fd, other;

	driver = named("vgem");
	fd = card(driver);
	use(new_dmabuf(SIZE, FILL, true));
	need(!import(fd, dmabuf, &handle), "an import");
	p = direct(PROT_READ);
	step(1, 0, "imported, and mapped by its descriptor");
	other = export(fd, handle, 0);
	step(0, 1, "handed over");
	check(p[0] == FILL, "the bytes are there");
	step(trap, 0, "touched without a begin");
	munmap(p, SIZE);
	step(0, trap, "unmapped");
	/* The shim brackets mappings of imports whatever the setting is. */
	need(!map(fd, ways(driver), handle, 0, SIZE, &q), "map");
	by_shim = true;
	step(1, 0, "mapped as an import");
	by_shim = !strcmp(mode, "sync");
	p = direct(PROT_READ);
	step(0, 0, "and by its descriptor, in the open bracket for writing");
	munmap(p, SIZE);
	step(0, 0, "which is unmapped");
	p = direct(PROT_READ);
	step(0, 0, "and mapped again");
	own(DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	own(DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	step4(0, 0, 1, 1, "its own bracket leaves the import's");
	close(other);
	other = export(fd, handle, 0);
	by_shim = true;
	step(0, 1, "handed over");
	by_shim = !strcmp(mode, "sync");
	check(p[0] == FILL, "what the program syncs itself can be read");
	step(0, 0, "without a word");
	unmap(q, SIZE);
	step(0, 0, "the import is unmapped, and exported");
	munmap(p, SIZE);
	step(0, 0, "and so is the other");
	close(other);
	close_handle(fd, handle);
	close(dmabuf);
	close(fd);
	driver = NULL;
}

static void others(void)
{
	uint8_t *p;
	int fd;

	fd = memfd_create("memory", MFD_CLOEXEC);
	need(fd >= 0 && !ftruncate(fd, SIZE), "a memfd");
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(p != MAP_FAILED && !p[0], "other files are mapped as ever");
	munmap(p, SIZE);
	close(fd);
	errno = 0;
	p = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, -1, 0);
	check(p == MAP_FAILED && errno == EBADF, "and what is no file is refused");
}

static void calls(int n)
{
	int fd = memfd_create("memory", MFD_CLOEXEC);

	use(new_dmabuf(SIZE, FILL, true));
	need(fd >= 0 && !ftruncate(fd, SIZE), "a memfd");
	for (int i = 0; i < n; i++) {
		uint8_t *p = direct(PROT_READ | PROT_WRITE), *q;

		q = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
		own(DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
		own(DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
		munmap(q, SIZE);
		munmap(p, SIZE);
	}
}

/* What a report is to say. */
static void say(const char *what)
{
	int fds[2] = { new_dmabuf(SIZE, FILL, strcmp(what, "readonly")),
		       new_dmabuf(SIZE, FILL, true) };

	if (!strcmp(what, "readonly")) {
		need(mmap(NULL, SIZE, PROT_WRITE, MAP_SHARED, fds[0], 0) == MAP_FAILED, "refused");
		return;
	}
	for (int i = 0; i < 20; i++) {
		uint8_t *p;

		use(fds[i % 2]);
		p = direct(PROT_READ);
		if (!strcmp(what, "left"))
			return;
		if (!strcmp(what, "syncer") && i % 2) {
			own(DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
			own(DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
		}
		munmap(p, SIZE);
	}
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);	/* a child has none of it then */
	new_dmabuf = dlsym(RTLD_DEFAULT, "fake_export");
	fake_brackets = dlsym(RTLD_DEFAULT, "fake_brackets");
	fake_repeated = dlsym(RTLD_DEFAULT, "fake_repeated");
	bracket_faults = dlsym(RTLD_DEFAULT, "fake_bracket_faults");
	on_sync = dlsym(RTLD_DEFAULT, "fake_on_sync");
	need(new_dmabuf && fake_brackets && fake_repeated && bracket_faults && on_sync,
	     "the fake kernel");
	on_sync(seen);
	mode = argc > 1 ? argv[1] : "";
	if (!strcmp(mode, "calls")) {
		calls(argc > 2 ? atoi(argv[2]) : 1);
		return broken;
	}
	if (strcmp(mode, "off") && strcmp(mode, "observe") && strcmp(mode, "sync")) {
		say(mode);
		return broken;
	}
	by_shim = !strcmp(mode, "sync");
	trap = argc > 2;
	reader();
	high();
	places();
	children();
	readonly();
	syncer();
	importer();
	others();
	check(!bracket_faults(), "no bracket is ended in another direction");
	return broken;
}
