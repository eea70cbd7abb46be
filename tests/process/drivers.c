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

#include "lib/drivers-client.h"

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

/* An own buffer that may be another device's, for all that is known: either mapping shows it. */
static void doubtful_map(int fd, const struct fake_way *w, uint32_t handle, int dmabuf,
			 const char *text)
{
	uint8_t *p;
	int err = map(fd, w, handle, 0, SIZE, &p);

	check(!err && shared(p, dmabuf, 0, SIZE), text);
	if (!err)
		unmap(p, SIZE);
}

/*
 * The device's own buffers. Where the process has an import already, the shim notes who exports;
 * before it does not.
 */
static void own(const struct fake_way *w, bool noted)
{
	int fd = card(driver), fd2 = card(driver), other = -1, foreign = -1, dmabuf;
	uint32_t handle = create(fd), again = 0;

	if (noted) {
		other = card(named("gud"));
		foreign = new_dmabuf(SIZE, FILL, true);
		need(foreign >= 0 && !import(other, foreign, &again), "an import elsewhere");
	}
	dmabuf = export(fd, handle, DRM_RDWR);
	need(dmabuf >= 0, "an own buffer is exported");
	own_map(fd, w, handle, dmabuf, "an own buffer is the driver's");
	need(!import(fd, dmabuf, &again) && again == handle, "imported back it has its handle");
	need(!import(fd2, dmabuf, &again), "imported into another open file");
	if (noted || !rescues) {
		own_map(fd, w, handle, dmabuf, "imported back, it is the driver's");
		own_map(fd2, w, again, dmabuf, "and in another open file");
	} else {
		doubtful_map(fd, w, handle, dmabuf, "imported back unnoted it shows right");
		doubtful_map(fd2, w, again, dmabuf, "and in another open file");
	}
	close(dmabuf);
	if (noted) {
		close(foreign);
		close(other);
	}
	close(fd2);
	close(fd);
}

/* Made and exported by one device, imported and mapped by another in the same process. */
static void renderonly(void)
{
	const struct fake_driver *kms = named("gud");
	int owner = card(kms), fd = card(driver), dmabuf, err;
	uint32_t handle = create(owner), there;
	unsigned long before;
	uint8_t *p;

	dmabuf = export(owner, handle, 0);
	need(dmabuf >= 0, "one device exports");
	if (driver != kms && !import(fd, dmabuf, &there)) {
		before = device_maps();
		err = map(fd, ways(driver), there, 0, SIZE, &p);
		if (rescues)
			check(!err && shared(p, dmabuf, 0, SIZE),
			      "another device's buffer, exported for reading, shows right");
		else
			check(err == (denies && !ways(driver)->err && !driver->own_mmap ? EINVAL :
				      natively(ways(driver))),
			      "another device's buffer is as natively, or denied");
		/* Both devices export under the name "drm". */
		if (!strcmp(mode, "redirect") && !left(ways(driver)))
			check(device_maps() == before,
			      "by the dma-buf, whatever the exporter is called");
		if (err <= 0)
			unmap(p, SIZE);
	}
	close(dmabuf);
	close(fd);
	close(owner);
}

int main(int argc, char **argv)
{
	new_dmabuf = dlsym(RTLD_DEFAULT, "fake_export");
	new_unmappable = dlsym(RTLD_DEFAULT, "fake_export_unmappable");
	device_maps = dlsym(RTLD_DEFAULT, "fake_device_maps");
	kept_address = dlsym(RTLD_DEFAULT, "fake_kept_address");
	mode = argc > 1 ? argv[1] : "";
	need(new_dmabuf && new_unmappable && device_maps && kept_address, "the fake kernel");
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
			own(w, false);
			own(w, true);
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
