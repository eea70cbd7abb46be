// SPDX-License-Identifier: MIT
/*
 * A client of every driver that the fake kernel plays: imports a dma-buf, maps it as that driver's
 * programs do, writes, reads back through the exporter, and unmaps; and the same with the driver's
 * own buffers. An ordinary program, which knows nothing of the shim but for the mode it is told:
 * what it expects follows from that and from fake-drivers.h. For drivers.sh.
 *
 *   drivers native|redirect|rescue|observe|deny|off
 *   drivers MODE keep	PRIMESHIM_EXPORT=keep: the exports alone
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
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>

#include "fake-drivers.h"

#define PAGE	4096
#define SIZE	(4 * PAGE)
#define FILL	0x5a

static int (*new_dmabuf)(size_t size, uint8_t fill, bool writable);
static int (*new_unmappable)(size_t size, uint8_t fill);
static unsigned long (*device_maps)(void);
static void *(*kept_address)(void);

static const char *mode;
static bool shim, rescues, denies;
static const struct fake_driver *driver;
static const char *way_name = "";
static int broken;

static void check(bool ok, const char *promise)
{
	int err = errno;

	printf("%s - %s%s%s, %s: %s", ok ? "ok" : "not ok", driver ? driver->name : "all",
	       *way_name ? ", " : "", way_name, mode, promise);
	printf(ok ? "\n" : " (errno %d)\n", err);
	broken |= !ok;
}

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	check(false, what);
	exit(1);
}

static int card(const struct fake_driver *d)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/dri/card%d", (int)(d - fake_drivers));
	fd = open(path, O_RDWR | O_CLOEXEC);
	need(fd >= 0, path);
	return fd;
}

static const struct fake_driver *named(const char *name)
{
	for (int i = 0; i < FAKE_DRIVERS; i++)
		if (!strcmp(fake_drivers[i].name, name))
			return &fake_drivers[i];
	need(false, name);
	return NULL;
}

static int import(int fd, int dmabuf, uint32_t *handle)
{
	struct drm_prime_handle p = { .fd = dmabuf };

	if (ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p))
		return errno;
	*handle = p.handle;
	return 0;
}

static int export(int fd, uint32_t handle, uint32_t flags)
{
	struct drm_prime_handle p = { .handle = handle, .flags = flags | DRM_CLOEXEC };

	return ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &p) ? -1 : p.fd;
}

static uint32_t create(int fd)
{
	struct drm_mode_create_dumb d = { .width = PAGE / 4, .height = SIZE / PAGE, .bpp = 32 };

	need(!ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &d), "an own buffer is made");
	return d.handle;
}

static void close_handle(int fd, uint32_t handle)
{
	ioctl(fd, DRM_IOCTL_GEM_CLOSE, &(struct drm_gem_close){ .handle = handle });
}

/* The ways of a driver; where it has none, MODE_MAP_DUMB. */
static const struct fake_way *ways(const struct fake_driver *d)
{
	static struct fake_way dumb[2] = {
		{ .name = "MODE_MAP_DUMB", .nr = 0xb3, .size = 16, .handle = 0, .value = 8 },
	};

	if (d->ways[0].name)
		return d->ways;
	dumb[0].err = d->dumb_err;
	return dumb;
}

/* Asks for a mapping from @start on. 0 and an offset or an address, or an errno. */
static int ask(int fd, const struct fake_way *w, uint32_t handle, uint64_t start, uint64_t len,
	       uint64_t *value)
{
	uint64_t arg[16] = { 0 };
	char *p = (char *)arg;

	memcpy(p + w->handle, &handle, sizeof(handle));
	if (w->selects)
		p[w->select] = w->selected;
	if (w->address) {
		memcpy(p + w->start, &start, sizeof(start));
		memcpy(p + w->length, &len, sizeof(len));
	}
	if (ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', w->nr, w->size), arg))
		return errno;
	memcpy(value, p + w->value, sizeof(*value));
	return 0;
}

/* The pages from @start on. 0, an errno, or -SIGBUS if they cannot be touched. */
static int map(int fd, const struct fake_way *w, uint32_t handle, uint64_t start, uint64_t len,
	       uint8_t **out)
{
	uint64_t value = 0;
	int fds[2], err;

	*out = NULL;
	err = ask(fd, w, handle, start, len, &value);
	if (err)
		return err;
	if (w->address) {
		*out = (uint8_t *)(uintptr_t)value;
	} else {
		*out = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, value + start);
		if (*out == MAP_FAILED) {
			*out = NULL;
			return errno;
		}
	}
	need(!pipe(fds), "a pipe");
	err = write(fds[1], *out, 1) == 1 ? 0 : errno == EFAULT ? -SIGBUS : errno;
	close(fds[0]);
	close(fds[1]);
	return err;
}

static void unmap(uint8_t *p, size_t len)
{
	if (p)
		need(!munmap(p, len), "munmap");
}

/* @p and the exporter's own mapping show the same, both ways. */
static bool shared(uint8_t *p, int dmabuf, uint64_t start, uint64_t len)
{
	uint8_t *view = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	bool right = p && view != MAP_FAILED;

	for (uint64_t i = 0; right && i < len; i += 512) {
		right = p[i] == view[start + i];
		p[i] = i / 512 + 1;
		right &= view[start + i] == (uint8_t)(i / 512 + 1);
		view[start + i] = i / 512 + 77;
		right &= p[i] == (uint8_t)(i / 512 + 77);
	}
	if (view != MAP_FAILED)
		munmap(view, SIZE);
	return right;
}

/* What mapping an import comes to natively. */
static int natively(const struct fake_way *w)
{
	return w->err ? w->err : driver->import_map == MAPS_NOTHING ? EINVAL :
	       driver->import_map == MAPS_SIGBUS ? -SIGBUS : 0;
}

/* An import, mapped, in a mode where nothing is done about it. */
static void import_natively(int fd, const struct fake_way *w, uint32_t handle, int dmabuf)
{
	bool refused = denies && !w->err && !driver->own_mmap;
	int want = refused ? EINVAL : natively(w), err;
	unsigned long before = device_maps();
	uint8_t *p;

	err = map(fd, w, handle, 0, SIZE, &p);
	check(err == want, refused ? "the mmap is denied" : "mapping an import is as natively");
	if (refused)
		check(device_maps() == before, "the device is not asked");
	else if (!want && driver->import_map == MAPS_OTHER)
		check(!err && p[0] == 0xee, "it is other memory");
	else if (!want)
		check(!err && shared(p, dmabuf, 0, SIZE), "it shows the buffer");
	if (err <= 0)
		unmap(p, SIZE);
}

/* Does redirect or rescue leave a mapping that works natively to the driver? */
static bool left(const struct fake_way *w)
{
	if (natively(w) || driver->import_map == MAPS_OTHER)
		return false;
	return driver->keeps_address || driver->no_reexport || !strcmp(mode, "rescue");
}

static void import_rescued(int fd, const struct fake_way *w, uint32_t handle, int dmabuf)
{
	unsigned long before = device_maps(), asked;
	uint8_t *p, *again;
	int err;

	err = map(fd, w, handle, 0, SIZE, &p);
	asked = device_maps() - before;
	check(!err && shared(p, dmabuf, 0, SIZE), "an import shows the buffer, both ways");
	check(left(w) ? asked == 1 : asked <= (natively(w) == -SIGBUS && !strcmp(mode, "rescue")),
	      left(w) ? "by the driver's mapping" : "by the dma-buf");
	if (driver->keeps_address)
		check(kept_address() == p, "where the driver thinks that it is");
	before = device_maps();
	err = map(fd, w, handle, 0, SIZE, &again);
	check(!err && shared(again, dmabuf, 0, SIZE), "so does a second mapping");
	check(device_maps() - before == left(w), "made as the first, without asking again");
	if (!err)
		unmap(again, SIZE);
	if (!err)
		unmap(p, SIZE);
	if (w->address || driver->ranges) {
		err = map(fd, w, handle, PAGE, 2 * PAGE, &p);
		check(!err && shared(p, dmabuf, PAGE, 2 * PAGE), "a part shows that part");
		if (!err)
			unmap(p, 2 * PAGE);
	}
}

static void imports(const struct fake_way *w)
{
	int fd = card(driver), dmabuf = new_dmabuf(SIZE, FILL, true), err;
	uint64_t value;
	uint32_t handle;

	need(dmabuf >= 0, "a foreign dma-buf");
	err = import(fd, dmabuf, &handle);
	check(err == driver->import_err, "importing is as natively");
	if (!err && rescues)
		import_rescued(fd, w, handle, dmabuf);
	else if (!err)
		import_natively(fd, w, handle, dmabuf);
	if (!err) {
		close_handle(fd, handle);
		check(ask(fd, w, handle, 0, SIZE, &value) == ENOENT, "the closed handle is ENOENT");
	}
	close(dmabuf);
	close(fd);
}

/* The device's own buffer under @handle of @fd stays with the driver. */
static void own_map(int fd, const struct fake_way *w, uint32_t handle, int dmabuf, const char *text)
{
	unsigned long before = device_maps();
	uint8_t *p;
	int err = map(fd, w, handle, 0, SIZE, &p);

	check(!err && shared(p, dmabuf, 0, SIZE) && device_maps() == before + 1, text);
	if (!err)
		unmap(p, SIZE);
}

static void own(const struct fake_way *w)
{
	int fd = card(driver), fd2 = card(driver), dmabuf;
	uint32_t handle = create(fd), again = 0;

	dmabuf = export(fd, handle, DRM_RDWR);
	need(dmabuf >= 0, "an own buffer is exported");
	own_map(fd, w, handle, dmabuf, "an own buffer is the driver's");
	need(!import(fd, dmabuf, &again) && again == handle, "imported back it has its handle");
	need(!import(fd2, dmabuf, &again), "imported into another open file");
	/*
	 * Without an import yet nobody notes who exported it; then it may be another's, and what
	 * works is taken, but for a driver whose mapping does not count: there both are right.
	 */
	if (driver->import_map != MAPS_OTHER || !rescues) {
		own_map(fd, w, handle, dmabuf, "imported back, too");
		own_map(fd2, w, again, dmabuf, "and in another open file");
	}
	close(dmabuf);
	close(fd2);
	close(fd);
}

/* Made and exported by one device, imported and mapped by another in the same process. */
static void renderonly(void)
{
	const struct fake_driver *kms = named("gud");
	int owner = card(kms), fd = card(driver), dmabuf, err;
	uint32_t handle = create(owner), there;
	uint8_t *p;

	dmabuf = export(owner, handle, 0);
	need(dmabuf >= 0, "one device exports");
	if (driver != kms && !import(fd, dmabuf, &there)) {
		err = map(fd, ways(driver), there, 0, SIZE, &p);
		if (rescues)
			check(!err && shared(p, dmabuf, 0, SIZE),
			      "another device's buffer, exported for reading, shows right");
		else
			check(err == (denies && !ways(driver)->err && !driver->own_mmap ? EINVAL :
				      natively(ways(driver))),
			      "another device's buffer is as natively, or denied");
		if (err <= 0)
			unmap(p, SIZE);
	}
	close(dmabuf);
	close(fd);
	close(owner);
}

/* PRIME_HANDLE_TO_FD without DRM_RDWR. */
static void exports(bool kept)
{
	int fd = card(driver), dmabuf, want = rescues && !kept ? O_RDWR : O_RDONLY;
	struct drm_prime_handle *p = malloc(sizeof(*p));
	uint32_t handle = create(fd);

	dmabuf = export(fd, handle, 0);
	check((fcntl(dmabuf, F_GETFL) & O_ACCMODE) == want,
	      want == O_RDWR ? "an export for reading is one for writing" : "exports are kept");
	check(fcntl(dmabuf, F_GETFD) == FD_CLOEXEC, "and O_CLOEXEC");
	close(dmabuf);
	*p = (struct drm_prime_handle){ .handle = create(fd) };
	need(!ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, p), "export by an argument on the heap");
	check((fcntl(p->fd, F_GETFL) & O_ACCMODE) == want && !fcntl(p->fd, F_GETFD) && !p->flags,
	      "the same by an argument on the heap, whose flags stay");
	close(p->fd);
	check(ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, (void *)8) < 0 && errno == EFAULT,
	      "an export to nowhere is EFAULT");
	*p = (struct drm_prime_handle){ .handle = create(fd), .flags = 0x10000000 };
	check(ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, p) < 0 && errno == EINVAL,
	      "unknown flags are EINVAL");
	p->handle = 4242;
	p->flags = 0;
	check(ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, p) < 0 && errno == ENOENT,
	      "an unknown handle is ENOENT");
	free(p);
	close(fd);
}

/* One by one, with an import alive. */
static void peculiarities(void)
{
	int dmabuf = new_dmabuf(SIZE, FILL, true), fd, none;
	uint64_t arg[4] = { 0 };
	uint32_t handle, tiled[4];
	unsigned long before;
	uint8_t *p;

	driver = named("msm");
	fd = card(driver);
	need(!import(fd, dmabuf, &handle), "import");
	arg[0] = handle | 1ULL << 32;	/* MSM_INFO_GET_IOVA */
	check(!ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', 0x43, 24), arg) &&
	      arg[1] == 0x7777777777777777, "another question of MSM_GEM_INFO gets its own answer");
	check(mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0x7777777777777000) == MAP_FAILED,
	      "which is no offset");
	close(fd);

	driver = named("amdgpu");
	fd = card(driver);
	need(!import(fd, dmabuf, &handle), "import");
	check(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', 0x41, 8), (void *)8) < 0 &&
	      errno == EFAULT, "a union that is nowhere is EFAULT");
	close(fd);

	driver = named("i915");
	fd = card(driver);
	need(!import(fd, dmabuf, &handle), "import");
	tiled[0] = create(fd);
	tiled[1] = 1;
	need(!ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', 0x61, 16), tiled), "SET_TILING");
	before = device_maps();
	check(!map(fd, &driver->ways[0], tiled[0], 0, SIZE, &p) && p[0] == 0x5a &&
	      device_maps() == before + 1, "an own tiled buffer is seen through the GTT");
	unmap(p, SIZE);
	check(!map(fd, &driver->ways[0], tiled[0], PAGE, PAGE, &p) && p[0] == 0x5a,
	      "and so is a part of it");
	unmap(p, PAGE);
	close(fd);

	/* A dma-buf that cannot be mapped: what the driver does of it is right then. */
	none = new_unmappable(SIZE, FILL);
	driver = named("omapdrm");
	fd = card(driver);
	need(!import(fd, none, &handle), "import");
	check(map(fd, ways(driver), handle, 0, SIZE, &p) == (denies ? EINVAL : 0) &&
	      (denies || p[0] == FILL), "an import without an mmap of its own is the driver's");
	if (!denies)
		unmap(p, SIZE);
	close(fd);
	driver = named("gud");
	fd = card(driver);
	need(!import(fd, none, &handle), "import");
	check(map(fd, ways(driver), handle, 0, SIZE, &p) == EINVAL,
	      "where the driver refuses, so is that");
	close(fd);

	driver = named("vmwgfx");
	fd = card(driver);
	need(!import(fd, none, &handle), "import");
	check(handle > 32768, "a surface has a handle of another kind");
	check(map(fd, ways(driver), handle, 0, SIZE, &p) == ENOENT, "which is no buffer's");
	close(fd);
	close(none);
	close(dmabuf);
}

int main(int argc, char **argv)
{
	new_dmabuf = dlsym(RTLD_DEFAULT, "fake_export");
	new_unmappable = dlsym(RTLD_DEFAULT, "fake_export_unmappable");
	device_maps = dlsym(RTLD_DEFAULT, "fake_device_maps");
	kept_address = dlsym(RTLD_DEFAULT, "fake_kept_address");
	mode = argc > 1 ? argv[1] : "";
	need(new_dmabuf && new_unmappable && device_maps && kept_address, "the fake kernel");
	shim = strcmp(mode, "native");
	rescues = !strcmp(mode, "redirect") || !strcmp(mode, "rescue");
	denies = !strcmp(mode, "deny");

	if (argc > 2 && !strcmp(argv[2], "keep")) {
		driver = named("gud");
		exports(true);
		return broken;
	}
	for (driver = fake_drivers; driver < fake_drivers + FAKE_DRIVERS; driver++) {
		for (const struct fake_way *w = ways(driver); w->name; w++) {
			way_name = w->name;
			imports(w);
			own(w);
			if (w == &driver->ways[FAKE_WAYS - 1])
				break;
		}
		way_name = "";
		renderonly();
	}
	peculiarities();
	driver = named("gud");
	exports(false);
	return broken;
}
