// SPDX-License-Identifier: MIT
/*
 * Every fault at every call: runs a fixed scenario on each of the fake kernel's devices again and
 * again, each time with another system call that fails. Each step must return that errno, or what
 * the kernel returns natively, or right pages. Afterwards nothing may be left, and another import
 * must work. Each run is a process of its own, since faults may leave traces.
 */
#define _GNU_SOURCE
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>

#include "state/descriptor.h"
#include "state/file_table.h"
#include "state/import.h"
#include "state/offsets.h"
#include "state/mapping.h"
#include "settings/settings.h"

#include "linked.h"
#include "lib/room.h"

enum {
	PAGE = 4096, PAGES = 6, LENGTH = PAGES * PAGE, MOST_FDS = 2048, KEPT = 4242, HIGH = 60,
	STAMP = 0x5a000000, NOT_STRUCK = 3,
};

static const char *const devices[FAKE_CLASSES] = { "refuses", "no mmap", "sigbus", "forwards" };

/* What a run is about. */
static int device, errnum;
static unsigned int nth;
static bool drm;		/* the dma-buf is another device's, not one of a foreign exporter */

/* Its state: what the program has. */
static int fd = -1, other = -1, dmabuf = -1, again = -1, dups[2] = { -1, -1 };
static uint32_t handle;
static uint64_t offset, ino;
static volatile uint32_t *view;
static char *spot;		/* where something is moved to */
static const char *step, *struck_in = "still to come";
static int struck;
static bool littered;		/* the fault may leave pages mapped; see linked.h */
static char *maps[4];
static bool before[MOST_FDS];

static void fail(const char *what, long got)
{
	fprintf(stderr, "faults: device \"%s\"%s, errno %d at call %u (%s): %s: %s (%ld)\n",
		devices[device], drm ? ", a DRM exporter" : "", errnum, nth, struck_in, step, what,
		got);
	_exit(1);
}

static void need(bool ok, const char *what, long got)
{
	if (!ok)
		fail(what, got);
}

/* The outcome of a step: 0 or an errno. It is native where it is @native, or the fault. */
static int outcome(bool failed, int native)
{
	int err = failed ? errno : 0;
	bool new = false;

	need(failed || errno == KEPT, "it worked and set errno", errno);
	if (!struck) {
		struck = linked_struck();
		new = struck;
		littered = linked_littered();
		if (struck)
			struck_in = step;
	}
	need(!err || err == native || (new && err == struck), "this errno", err);
	errno = KEPT;
	return err;
}

/* What a program would see of a page: 1 its stamp, 0 something else, -1 a signal. */
static int looks(const char *addr, int page)
{
	uint32_t word = 0;
	int saved = errno, ret = copy_in(&word, addr, 4);

	errno = saved;
	return ret ? -1 : word == (STAMP | (uint32_t)page);
}

/* Pages of the import at @addr: right, or the driver's that fault, where that is native. */
static void check(const char *addr, int first, int pages, bool faults)
{
	for (int i = 0; i < pages; i++) {
		int seen = looks(addr + i * PAGE, first + i);

		need(seen == 1 || (seen < 0 && faults), "the page", seen < 0 ? -1 : first + i);
	}
}

static bool import(int into, int from, uint32_t *out)
{
	struct drm_prime_handle p = { .fd = from };
	int ret = shim_ioctl(into, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p);

	if (outcome(ret < 0, 0))
		return false;
	*out = p.handle;
	need(fake_handle(into, p.handle).ino == ino, "another buffer", p.handle);
	return true;
}

/* Does the shim have to do its job? Where nothing has failed so far. */
static bool perfect(void)
{
	return mode_rescues() && !struck;
}

/* May an import's pages be the driver's, that fault? */
static bool may_fault(void)
{
	return struck == -SIGBUS || (device == FAKE_SIGBUS && !perfect());
}

static bool map_ioctl(int by)
{
	int native = device == FAKE_REFUSES ? EINVAL : 0, ret;
	struct drm_mode_map_dumb m = { .handle = handle };

	ret = shim_ioctl(by, DRM_IOCTL_MODE_MAP_DUMB, &m);
	ret = outcome(ret < 0, native);
	need(!ret || !perfect(), "the shim gave no offset", ret);
	offset = ret ? 0 : m.offset;
	return !ret;
}

/* A part of the import, mapped: NULL where that failed natively. */
static char *map(int by, int first, int pages, int prot)
{
	bool native_works = device == FAKE_SIGBUS || device == FAKE_FORWARDS;
	int native = first || !native_works ? EINVAL : 0, err;
	char *out = shim_mmap64(NULL, pages * PAGE, prot, MAP_SHARED, by, offset + first * PAGE);

	err = outcome(out == MAP_FAILED, native);
	need(!err || !perfect(), "the shim does not map it", err);
	if (err)
		return NULL;
	check(out, first, pages, may_fault());
	if (prot & PROT_WRITE && looks(out, first) == 1) {
		volatile uint32_t *word = (uint32_t *)out + 1;

		*word = view[first * PAGE / 4 + 1] + 77;
		need(view[first * PAGE / 4 + 1] == *word, "a write did not arrive", *word);
	}
	return out;
}

static void unmap(char *addr, int pages)
{
	if (addr && outcome(shim_munmap(addr, pages * PAGE) < 0, 0))
		/* The fault was its own. */
		need(!outcome(shim_munmap(addr, pages * PAGE) < 0, 0), "munmap", errno);
}

static void close_it(int *n)
{
	if (*n >= 0)
		outcome(shim_close(*n) < 0, 0);
	*n = -1;
}

static void move(void)
{
	char *p;

	if (!maps[0])
		return;
	p = shim_mremap(maps[0], LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, spot);
	if (outcome(p == MAP_FAILED, 0))
		return;
	need(p == spot, "mremap", 0);
	maps[0] = spot;
	check(spot, 0, PAGES, may_fault());
}

static void share(void)
{
	struct drm_prime_handle p = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };
	int ret = shim_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &p);

	if (outcome(ret < 0, 0))
		return;
	again = p.fd;
	need(p.fd < 700, "its number", p.fd);
}

/* What the program does, from the import to the last close. */
static void scenario(void)
{
	struct drm_gem_close gone = { 0 };
	bool imported;
	uint32_t twice;
	char *p;
	int ret;

	step = "import";
	imported = import(fd, dmabuf, &handle) || import(fd, dmabuf, &handle);
	step = "second import";
	if (import(fd, dmabuf, &twice))
		need(twice == handle, "another handle", twice);
	step = "export";
	share();
	step = "map ioctl";
	if (map_ioctl(fd)) {
		step = "mmap to read";
		maps[0] = map(fd, 0, PAGES, PROT_READ);
		step = "mmap to write";
		maps[1] = map(fd, 0, PAGES, PROT_READ | PROT_WRITE);
		step = "mmap of a part";
		maps[2] = map(fd, 2, 3, PROT_READ | PROT_WRITE);
	}
	step = "mremap";
	move();
	step = "munmap of a part";
	if (maps[2]) {
		unmap(maps[2] + PAGE, 2);
		check(maps[2], 2, 1, may_fault());
		unmap(maps[2], 1);
		maps[2] = NULL;
	}
	step = "dup";
	dups[0] = shim_dup(fd);
	outcome(dups[0] < 0, 0);
	step = "dup2";
	ret = shim_dup2(fd, HIGH);
	if (!outcome(ret < 0, 0))
		dups[1] = HIGH;
	step = "mmap by a dup";
	if (offset && dups[0] >= 0)
		unmap(map(dups[0], 0, PAGES, PROT_READ), PAGES);
	step = "map ioctl by a dup2";
	if (dups[1] >= 0 && map_ioctl(HIGH))
		unmap(map(HIGH, 1, 2, PROT_READ), 2);
	step = "GEM_CLOSE";
	gone.handle = handle;
	ret = shim_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &gone);
	if (!outcome(ret < 0, 0) && offset) {
		step = "mmap of what is closed";
		p = shim_mmap64(NULL, PAGE, PROT_READ, MAP_SHARED, fd, offset);
		outcome(p == MAP_FAILED, EINVAL);
		/* But for a fault that makes any mmap work. */
		need(p == MAP_FAILED || struck == -SIGBUS, "it worked", 0);
		if (p != MAP_FAILED)
			unmap(p, 1);
	}
	step = "import again";
	if (maps[1])
		check(maps[1], 0, PAGES, may_fault());
	if (import(fd, dmabuf, &handle) && map_ioctl(fd)) {
		step = "mmap again";
		maps[3] = map(fd, 0, PAGES, PROT_READ);
	}
	step = "close_range";
	ret = shim_close_range(HIGH, ~0U, 0);
	/* Where the shim made several of it the first may have worked. */
	if (outcome(ret < 0, 0) && fake_fcntl(HIGH, F_GETFD) >= 0) {
		errno = KEPT;
		close_it(&dups[1]);
	}
	errno = KEPT;
	dups[1] = -1;
	step = "munmap";
	for (int i = 0; i < 4; i++)
		unmap(maps[i], PAGES);
	step = "close";
	close_it(&again);
	close_it(&dups[0]);
	close_it(&fd);
	need(imported, "the import never worked", 0);
}

/* With nothing armed any more: a new open file and its import. */
static void afterwards(void)
{
	static const char *const nodes[] = {
		"/dev/dri/card0", "/dev/dri/card1", "/dev/dri/card2", "/dev/dri/card3"
	};
	int was = struck;

	step = "afterwards";
	linked_fault_clear();
	fd = fake_open(nodes[device], O_RDWR | O_CLOEXEC);
	struck = 0;
	errno = KEPT;
	need(import(fd, dmabuf, &handle), "an import", errno);
	unmap(map_ioctl(fd) ? map(fd, 0, PAGES, PROT_READ) : NULL, PAGES);
	struck = was;
	close_it(&fd);
	close_it(&dmabuf);
}

static bool dmabuf_left(void)
{
	char line[512];
	FILE *f = fopen("/proc/self/maps", "re");
	bool left = false;

	while (f && fgets(line, sizeof(line), f))
		left |= !!strstr(line, "memfd:");
	if (f)
		fclose(f);
	return left;
}

static void nothing_left(void)
{
	unsigned long begins, ends;

	step = "the end";
	fake_brackets(ino, &begins, &ends);
	need(begins == ends || struck, "STARTs without END", begins - ends);
	need(ends <= begins, "ENDs without START", ends - begins);
	need(begins || sync_now() == SYNC_OFF || mode_now() != MODE_REDIRECT,
	     "no START at all", 0);
	need(!imports_live, "imports are recorded", imports_live);
	need(!mappings_live, "mappings are recorded", mappings_live);
	need(!descriptors_live, "descriptors are recorded", descriptors_live);
	if (other >= 0)
		fake_close(other);
	for (int n = 0; n < MOST_FDS; n++)
		need(before[n] == (fake_fcntl(n, F_GETFD) >= 0), "a descriptor is left", n);
	need(munmap((void *)view, LENGTH) == 0 && (littered || !dmabuf_left()), "pages are left",
	     0);
}

/* The dma-buf: of a foreign exporter, or another DRM device's. Each page says which it is. */
static void make_dmabuf(void)
{
	struct drm_mode_create_dumb dumb = { .width = PAGE / 4, .height = PAGES, .bpp = 32 };
	struct drm_prime_handle p = { .flags = DRM_CLOEXEC | DRM_RDWR };

	if (drm) {
		other = fake_open(device == FAKE_REFUSES ? "/dev/dri/card3" : "/dev/dri/card0",
				  O_RDWR | O_CLOEXEC);
		need(!fake_ioctl(other, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), "a dumb buffer", errno);
		p.handle = dumb.handle;
		need(!fake_ioctl(other, DRM_IOCTL_PRIME_HANDLE_TO_FD, &p), "its export", errno);
		ino = fake_handle(other, dumb.handle).ino;
		dmabuf = p.fd;
	} else {
		struct drm_gem_close gone = { 0 };

		dmabuf = fake_export(LENGTH, 0, true);
		p.fd = dmabuf;
		/* The inode is asked of a handle, which is let go again. */
		need(!fake_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p), "an import", errno);
		ino = fake_handle(fd, p.handle).ino;
		gone.handle = p.handle;
		fake_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &gone);
	}
	view = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	need(view != MAP_FAILED, "its view", errno);
	for (int i = 0; i < PAGES; i++)
		view[i * PAGE / 4] = STAMP | i;
}

/* In a child: 0, NOT_STRUCK, or 1 after a message. */
static int run(void)
{
	char path[] = "/dev/dri/card0";

	path[sizeof(path) - 2] += device;
	step = "the start";
	for (int n = 0; n < MOST_FDS; n++)
		before[n] = fake_fcntl(n, F_GETFD) >= 0;
	fd = fake_open(path, O_RDWR | O_CLOEXEC);
	make_dmabuf();
	spot = room_new(LENGTH);
	need(fd >= 0, "a device", errno);
	if (errnum)
		linked_fault(errnum == -SIGBUS ? FAKE_MMAP : FAKE_ANY, nth, errnum, true);
	errno = KEPT;
	scenario();
	afterwards();
	room_free(spot, LENGTH);
	nothing_left();
	return struck ? 0 : NOT_STRUCK;
}

static int usage(const char *what)
{
	fprintf(stderr, "faults: %s; --quick: fewer errors\n", what);
	return 2;
}

/* Those of the runs so far: each of them makes one, if it is asked to. */
static void remove_pages(void)
{
	const char *dir = getenv("PRIMESHIM_DIR");
	DIR *d = dir ? opendir(dir) : NULL;
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strstr(e->d_name, STATUS_SUFFIX))
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
}

int main(int argc, char **argv)
{
	static const int errors[] = {
		ENOMEM, -SIGBUS, EMFILE, EINTR, EAGAIN, ENFILE, EACCES, ENODEV
	};
	bool quick = argc == 2 && !strcmp(argv[1], "--quick");
	struct rlimit lim = { MOST_FDS, MOST_FDS };
	unsigned long runs = 0, failures = 0;

	if (argc > 1 && !quick)
		return usage("bad options");
	setrlimit(RLIMIT_NOFILE, &lim);
	syscall(SYS_close_range, 3, ~0U, 0);
	linked_start();
	fake_change_handle(false);
	for (int k = 0; k < FAKE_CLASSES * 2; k++) {
		device = k % FAKE_CLASSES;
		drm = k / FAKE_CLASSES;
		for (int e = -1; e < (quick ? 3 : 8); e++) {
			int status = 0;

			errnum = e < 0 ? 0 : errors[e];
			for (nth = 0; !status; nth++, runs++) {
				pid_t pid = fork();

				if (!pid)
					_exit(run());
				if (pid < 0 || waitpid(pid, &status, 0) != pid)
					return usage("cannot fork");
				remove_pages();
				if (status && status != NOT_STRUCK << 8) {
					if (WIFSIGNALED(status))
						fprintf(stderr,
							"faults: device \"%s\"%s, errno %d at "
							"call %u: signal %d\n", devices[device],
							drm ? ", a DRM exporter" : "", errnum, nth,
							WTERMSIG(status));
					failures++;
					status = failures > 20;
				}
			}
		}
	}
	printf("faults: %lu runs, %lu failures\n", runs, failures);
	return failures != 0;
}
