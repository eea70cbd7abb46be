// SPDX-License-Identifier: MIT
/*
 * What ioctls do with memory that cannot be read or written: a client of every driver of the fake
 * kernel passes arguments and lists that are read-only, PROT_NONE, unmapped, behind a file's end,
 * or at the very end of a page. It makes each call in a child, which has an import mapped, and
 * prints how the call ended, which descriptors it left, and which signal came. An ordinary program,
 * which knows nothing of the shim. memory.sh compares two runs.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

#include "lib/drivers-client.h"
#include "fake/fake.h"
#include "memory-places.h"

enum { LOW = 700 };	/* the shim's own descriptors have higher numbers */

static void (*fault)(enum fake_call call, unsigned int nth, int err);

static int fd, dmabuf;		/* of the child: an open card, and what it has imported */
static uint32_t handle, own;	/* the import, and a buffer of the card's */

static const char *name_of(int err)
{
	static const struct {
		int err;
		const char *name;
	} names[] = {
		{ EPERM, "EPERM" }, { ENOENT, "ENOENT" }, { ENXIO, "ENXIO" }, { EBADF, "EBADF" },
		{ EACCES, "EACCES" }, { EFAULT, "EFAULT" }, { EBUSY, "EBUSY" },
		{ ENODEV, "ENODEV" }, { EINVAL, "EINVAL" }, { ENOTTY, "ENOTTY" },
		{ ENOSYS, "ENOSYS" },
		{ EOPNOTSUPP, "EOPNOTSUPP" }, { EMFILE, "EMFILE" }, { ENOMEM, "ENOMEM" },
	};
	static char number[16];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].err == err)
			return names[i].name;
	snprintf(number, sizeof(number), "%d", err);
	return number;
}

/* In a child: its card, with an import that is mapped where that can be. */
static void prepare(void)
{
	uint8_t *p;

	fd = card(driver);
	dmabuf = new_dmabuf(SIZE, FILL, true);
	need(dmabuf >= 0, "a dma-buf");
	own = driver->dumb_err == ENOSYS ? 0 : create(fd);
	if (import(fd, dmabuf, &handle))
		handle = 0;
	else
		map(fd, ways(driver), handle, 0, SIZE, &p);
}

/*
 * The outcome of one call, which a child makes, as a line. @rescuable: that the shim may make it
 * succeed.
 */
static void try(const char *what, const char *where, bool rescuable,
		void (*run)(const void *data), const void *data)
{
	bool before[LOW];
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		const struct rlimit none = { 0, 0 };
		int err;

		setrlimit(RLIMIT_CORE, &none);
		prepare();
		for (int n = 0; n < LOW; n++)
			before[n] = fcntl(n, F_GETFD) >= 0;
		errno = 0;
		run(data);
		err = errno;
		printf("%s, %s, %s: %s", driver->name, what, where, err ? name_of(err) : "worked");
		for (int n = 0; n < LOW; n++)
			if (before[n] != (fcntl(n, F_GETFD) >= 0))
				printf(", descriptor %d %s", n, before[n] ? "gone" : "left");
		printf("%s\n", rescuable ? " (may be rescued)" : "");
		fflush(stdout);
		_exit(0);
	}
	need(pid > 0 && waitpid(pid, &status, 0) == pid, "a child");
	if (WIFSIGNALED(status))
		printf("%s, %s, %s: signal %d\n", driver->name, what, where, WTERMSIG(status));
	else if (status)
		printf("%s, %s, %s: status %d\n", driver->name, what, where, WEXITSTATUS(status));
}

/* A call: its argument up to @size, where that lies, and an errno that it fails with unread. */
struct call {
	unsigned long request;
	size_t size;
	enum place where;
	int refused;
	void (*fill)(char *arg);
};

static void make(const void *data)
{
	const struct call *c = data;
	char arg[256] = { 0 }, *at;
	int ret;

	c->fill(arg);
	at = put(c->where, arg, c->size);
	if (c->refused)
		fault(FAKE_IOCTL, 0, c->refused);
	ret = ioctl(fd, c->request, at);
	if (ret >= 0)
		errno = 0;
}

static void put32(char *arg, size_t at, uint32_t v)
{
	memcpy(arg + at, &v, sizeof(v));
}

static void put64(char *arg, size_t at, uint64_t v)
{
	memcpy(arg + at, &v, sizeof(v));
}

static void fill_import(char *arg)
{
	put32(arg, offsetof(struct drm_prime_handle, fd), dmabuf);
}

static void fill_export(char *arg)
{
	put32(arg, offsetof(struct drm_prime_handle, handle), own ? own : handle);
}

static void fill_export_import(char *arg)
{
	put32(arg, offsetof(struct drm_prime_handle, handle), handle);
}

static void fill_export_rw(char *arg)
{
	fill_export(arg);
	put32(arg, offsetof(struct drm_prime_handle, flags), DRM_RDWR | DRM_CLOEXEC);
}

static void fill_export_wrong(char *arg)
{
	put32(arg, offsetof(struct drm_prime_handle, handle), 4242);
}

static void fill_export_flags(char *arg)
{
	fill_export(arg);
	put32(arg, offsetof(struct drm_prime_handle, flags), 1);
}

/* Where the handle comes first. */
static void fill_handle(char *arg)
{
	put32(arg, 0, handle);
}

static void fill_own(char *arg)
{
	put32(arg, 0, own);
}

static void fill_rename(char *arg)
{
	put32(arg, 0, handle);
	put32(arg, 4, 99);
}

static void fill_create(char *arg)
{
	struct drm_mode_create_dumb d = { .width = 64, .height = 64, .bpp = 32 };

	memcpy(arg, &d, sizeof(d));
}

static void fill_frame(char *arg)
{
	put32(arg, offsetof(struct drm_mode_fb_cmd, handle), handle);
}

/* All places of one driver of each class; of other drivers, whose way is the same, a few. */
static bool thorough(void)
{
	return driver - fake_drivers < 4;
}

static bool left_out(enum place where)
{
	return !thorough() && where != AT_END && where != READ_ONLY &&
	       where != SECOND_HALF_READ_ONLY && where != CLOSED && where != BEHIND_END;
}

/* In each place, with the argument as large as the kernel has it, and cut by the request. */
static void everywhere(const char *what, unsigned long request, void (*fill)(char *arg),
		       bool rescuable)
{
	struct call c = { .request = request, .size = _IOC_SIZE(request), .fill = fill };
	char text[128];

	for (c.where = 0; c.where < PLACES; c.where++)
		if (!left_out(c.where))
			try(what, places[c.where], rescuable && c.where <= ODD, make, &c);
	c.where = AT_END;
	for (size_t size = 4; size < _IOC_SIZE(request); size += 4) {
		c.request = _IOC(_IOC_DIR(request), _IOC_TYPE(request), _IOC_NR(request), size);
		c.size = size;
		snprintf(text, sizeof(text), "%s, cut to %zu bytes", what, size);
		try(text, places[c.where], rescuable, make, &c);
	}
	/* The kernel reads nothing, or writes nothing. */
	c.size = _IOC_SIZE(request);
	for (unsigned int dir = 0; dir < 4; dir++) {
		if (dir == _IOC_DIR(request) || !thorough())
			continue;
		c.request = _IOC(dir, _IOC_TYPE(request), _IOC_NR(request), c.size);
		snprintf(text, sizeof(text), "%s, direction %u", what, dir);
		c.where = CLOSED;
		try(text, places[c.where], false, make, &c);
		c.where = READ_ONLY;
		try(text, places[c.where], false, make, &c);
	}
}

/* Refused before the kernel has read the argument, as where a driver does not know the number. */
static void unread(const char *what, unsigned long request, void (*fill)(char *arg))
{
	static const int errors[] = { EINVAL, ENXIO, EOPNOTSUPP, ENODEV, EACCES, ENOTTY };
	struct call c = { .request = request, .size = _IOC_SIZE(request), .fill = fill };
	char text[128];

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		c.refused = errors[i];
		snprintf(text, sizeof(text), "%s, refused by %s", what, name_of(errors[i]));
		for (c.where = 0; c.where < PLACES; c.where++)
			if (!left_out(c.where))
				try(text, places[c.where], c.where <= ODD, make, &c);
		if (!thorough())
			break;
	}
}

/* The way to a mapping that fill_way() fills in, and the turn that fill_turn() does. */
static const struct fake_way *way;
static const struct fake_turn *turn;

static void fill_way(char *arg)
{
	if (way->selects)
		put32(arg, way->select, way->selected);
	put32(arg, way->handle, handle);
	if (way->address)
		put64(arg, way->length, SIZE);
}

static void fill_turn(char *arg)
{
	if (turn->selects)
		put32(arg, turn->select, turn->selected);
	if (turn->kind == TURN_BEGIN || turn->kind == TURN_END || turn->kind == TURN_WAIT)
		put32(arg, turn->handle, handle);
	if (turn->op)
		put32(arg, turn->op, turn->reads);
	if (turn->fixed)
		put32(arg, turn->list, handle);
}

/* A submit whose list, or a part of it, lies somewhere. */
struct submit {
	enum { ARRAY, BOX, CHUNK, CHUNKS } part;
	enum place where;
	uint32_t n;
};

static void submit(const void *data)
{
	const struct submit *s = data;
	struct {
		uint32_t id, words;
		uint64_t data;
	} chunk = { .id = turn->chunk };
	struct {
		uint32_t operation, list, n, size;
		uint64_t array;
	} box = { .n = s->n, .size = turn->stride };
	char array[256] = { 0 }, arg[256] = { 0 };
	uint64_t list, count = s->n;
	int ret;

	put32(array, turn->element, handle);
	list = (uintptr_t)put(s->part == ARRAY ? s->where : AT_END, array, turn->stride);
	if (turn->boxed) {
		box.array = list;
		list = (uintptr_t)put(s->part == BOX ? s->where : AT_END, &box, sizeof(box));
	}
	if (turn->chunk) {
		chunk.words = turn->boxed ? sizeof(box) / 4 : s->n * turn->stride / 4;
		chunk.data = list;
		list = (uintptr_t)put(s->part == CHUNK ? s->where : AT_END, &chunk, sizeof(chunk));
		list = (uintptr_t)put(s->part == CHUNKS ? s->where : AT_END, &list, sizeof(list));
		count = s->part == CHUNKS ? s->n : 1;
	}
	/* Where an address has 32 bits the kernel has no use for more. */
	put64(arg, turn->list, list);
	put32(arg, turn->count, count);
	ret = ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', turn->nr, turn->size), arg);
	if (ret >= 0)
		errno = 0;
}

static void submits(void)
{
	static const uint32_t counts[] = { 1, 2, UINT32_MAX };
	static const char *const parts[] = { "its array", "its box", "its chunk", "its chunks" };
	struct submit s = { 0 };
	char text[128];

	for (s.part = ARRAY; s.part <= CHUNKS; s.part++) {
		if ((s.part == BOX && !turn->boxed) || (s.part >= CHUNK && !turn->chunk))
			continue;
		for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
			s.n = counts[i];
			snprintf(text, sizeof(text), "%s, %s, with %u", turn->name, parts[s.part],
				 s.n);
			for (s.where = 0; s.where < PLACES; s.where++)
				if (!left_out(s.where))
					try(text, places[s.where], false, submit, &s);
		}
	}
}

static void generic(void)
{
	everywhere("import", DRM_IOCTL_PRIME_FD_TO_HANDLE, fill_import, false);
	everywhere("export", DRM_IOCTL_PRIME_HANDLE_TO_FD, fill_export, false);
	everywhere("export of an import", DRM_IOCTL_PRIME_HANDLE_TO_FD, fill_export_import, false);
	everywhere("export for writing", DRM_IOCTL_PRIME_HANDLE_TO_FD, fill_export_rw, false);
	everywhere("export of nothing", DRM_IOCTL_PRIME_HANDLE_TO_FD, fill_export_wrong, false);
	everywhere("export, flags wrong", DRM_IOCTL_PRIME_HANDLE_TO_FD, fill_export_flags, false);
	unread("export", DRM_IOCTL_PRIME_HANDLE_TO_FD, fill_export);
	everywhere("GEM_CLOSE", DRM_IOCTL_GEM_CLOSE, fill_handle, false);
	everywhere("MODE_DESTROY_DUMB", DRM_IOCTL_MODE_DESTROY_DUMB, fill_handle, false);
	everywhere("GEM_CHANGE_HANDLE", DRM_IOWR(0xd2, uint64_t), fill_rename, false);
	everywhere("GEM_OPEN", DRM_IOCTL_GEM_OPEN, fill_handle, false);
	everywhere("MODE_CREATE_DUMB", DRM_IOCTL_MODE_CREATE_DUMB, fill_create, false);
	everywhere("MODE_MAP_DUMB", DRM_IOCTL_MODE_MAP_DUMB, fill_handle, true);
	everywhere("MODE_MAP_DUMB of its own", DRM_IOCTL_MODE_MAP_DUMB, fill_own, false);
	unread("MODE_MAP_DUMB", DRM_IOCTL_MODE_MAP_DUMB, fill_handle);
	everywhere("MODE_ADDFB", DRM_IOCTL_MODE_ADDFB, fill_frame, false);
	everywhere("MODE_ADDFB2", DRM_IOCTL_MODE_ADDFB2, fill_frame, false);
	everywhere("MODE_PAGE_FLIP", DRM_IOCTL_MODE_PAGE_FLIP, fill_handle, false);
	everywhere("SYNCOBJ_WAIT", DRM_IOCTL_SYNCOBJ_WAIT, fill_handle, false);
}

static void private(void)
{
	for (way = driver->ways; way < driver->ways + FAKE_WAYS && way->name; way++) {
		unsigned long request = _IOC(_IOC_READ | _IOC_WRITE, 'd', way->nr, way->size);

		everywhere(way->name, request, fill_way, true);
		unread(way->name, request, fill_way);
	}
	for (turn = driver->turns; turn < driver->turns + FAKE_TURNS && turn->name; turn++) {
		unsigned int dir = turn->kind == TURN_BEGIN || turn->kind == TURN_END ?
				   _IOC_WRITE : _IOC_READ | _IOC_WRITE;

		everywhere(turn->name, _IOC(dir, 'd', turn->nr, turn->size), fill_turn, false);
		if (turn->kind == TURN_SUBMIT && !turn->fixed)
			submits();
	}
}

/* What is not an ioctl, and reads the program's memory in some modes. */
static void mask(const void *data)
{
	enum place where = *(const enum place *)data;
	const uint64_t none = 0;

	/* As much as the kernel has, which is less than libc has. */
	if (!sigprocmask(SIG_BLOCK, (sigset_t *)put(where, &none, sizeof(none)), NULL))
		errno = 0;
}

static void action(const void *data)
{
	enum place where = *(const enum place *)data;
	const struct sigaction act = { .sa_handler = SIG_IGN };

	if (!sigaction(4242, (struct sigaction *)put(where, &act, sizeof(act)), NULL))
		errno = 0;
}

static void signals(void)
{
	for (enum place where = 0; where < PLACES; where++) {
		try("sigprocmask", places[where], false, mask, &where);
		try("sigaction of no signal", places[where], false, action, &where);
	}
}

/* An import of each class is mapped, and read, with so many descriptors free. */
static void map_with(int free)
{
	struct rlimit was, few;
	uint64_t offset;
	uint8_t *p;

	need(!getrlimit(RLIMIT_NOFILE, &was), "getrlimit");
	for (driver = fake_drivers; driver < fake_drivers + 4; driver++) {
		fd = card(driver);
		dmabuf = new_dmabuf(SIZE, FILL, true);
		need(!import(fd, dmabuf, &handle), "an import");
		few = was;
		few.rlim_cur = 0;
		for (int left = free; left; few.rlim_cur++)
			left -= fcntl(few.rlim_cur, F_GETFD) < 0;
		need(!setrlimit(RLIMIT_NOFILE, &few), "setrlimit");
		errno = ask(fd, ways(driver), handle, 0, SIZE, &offset);
		check(!errno, "the map ioctl works");
		p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
		check(p != MAP_FAILED, "an import is mapped");
		need(p == MAP_FAILED || (p[0] == FILL && p[SIZE - 1] == FILL), "and read");
		need(!setrlimit(RLIMIT_NOFILE, &was), "setrlimit");
		if (p != MAP_FAILED)
			unmap(p, SIZE);
		close(fd);
		close(dmabuf);
	}
}

static void *lookup(const char *name)
{
	void *sym = dlsym(RTLD_DEFAULT, name);

	need(sym != NULL, name);
	return sym;
}

/*
 * memory all: the calls of every driver. memory quick: those of one driver of each class. memory
 * map N: maps with N descriptors free.
 */
int main(int argc, char **argv)
{
	bool quick = argc > 1 && !strcmp(argv[1], "quick");

	mode = "few descriptors";
	*(void **)&new_dmabuf = lookup("fake_export");
	*(void **)&fault = lookup("fake_fault");
	if (argc == 3 && !strcmp(argv[1], "map")) {
		map_with(atoi(argv[2]));
		return broken;
	}
	/* The fake kernel is to be one for all children. */
	close(new_dmabuf(PAGE, 0, true));
	for (driver = fake_drivers; driver < fake_drivers + FAKE_DRIVERS; driver++) {
		if (thorough())
			generic();
		if (thorough() || !quick)
			private();
	}
	driver = fake_drivers;
	signals();
	return broken;
}
