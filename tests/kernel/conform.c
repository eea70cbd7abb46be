// SPDX-License-Identifier: MIT
/*
 * conform CARD: makes calls to a DRM device of vgem and to dma-bufs, and prints a line for each: a
 * name and the result. It expects nothing: conform.sh compares the real kernel's answers with the
 * fake one's. It does not print what a kernel may choose freely: offsets, addresses, inodes.
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>

#include "conform.h"

#define READ_WRITE	(_IOC_READ | _IOC_WRITE)

static void imports(void)
{
	int fd = node(O_RDWR), other = node(O_RDWR), a = foreign(SIZE, O_RDWR);
	int b = foreign(SIZE, O_RDWR), c = foreign(SIZE, O_RDWR), dup_fd = dup(fd), again;

	say("import a", import(fd, a));
	say("import b", import(fd, b));
	say("import a once more", import(fd, a));
	again = dup(a);
	say("import a by a duplicate", import(fd, again));
	close(again);
	say("import a by a duplicate of the device", import(dup_fd, a));
	say("import b into another open file", import(other, b));
	say("import a into another open file", import(other, a));
	say("close a", gem_close(fd, 1));
	say("close a twice", gem_close(fd, 1));
	say("export what is closed", export(fd, 1, DRM_CLOEXEC));
	say("a's number is used again", import(fd, c));
	say("and a gets the next one", import(fd, a));
	say("close by a duplicate", gem_close(dup_fd, 2));
	say("it is closed here too", gem_close(fd, 2));
	say("the other file's is not", gem_close(other, 2));
	say("close by the dumb call", destroy(fd, 3));
	say("again by the dumb call", destroy(fd, 3));
	say("close 0", gem_close(fd, 0));
	say("close 12345", gem_close(fd, 12345));
	close(c);
	say("c lives by its handle", again = export(fd, 1, DRM_CLOEXEC) >= 0);
	say("in a child: close", in_child(gem_close, fd, 1));
	say("closed for the parent", gem_close(fd, 1));
	close(fd);
	say("the file lives by its duplicate", import(dup_fd, a));
	close(dup_fd);
	say("import into a closed file", import(dup_fd, a));
	close(a);
	close(b);
	close(other);
}

static void import_errors(void)
{
	int fd = node(O_RDWR), a = foreign(SIZE, O_RDWR), memfd = memfd_create("no", MFD_CLOEXEC);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		err(2, "pipe2");
	say("import -1", import(fd, -1));
	say("import 9999", import(fd, 9999));
	say("import /dev/null", import(fd, null));
	say("import a pipe", import(fd, fds[0]));
	say("import a memfd", import(fd, memfd));
	say("import the device", import(fd, fd));
	say("a DRM ioctl on /dev/null", import(null, a));
	say("a DRM ioctl on a dma-buf", import(a, a));
	say("a DRM ioctl on -1", import(-1, a));
	say("number 1 is still free", import(fd, a));
	say("import from nowhere", answer(ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, BAD)));
	say("export from nowhere", answer(ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, BAD)));
	say("close from nowhere", answer(ioctl(fd, DRM_IOCTL_GEM_CLOSE, BAD)));
	say("close from NULL", answer(ioctl(fd, DRM_IOCTL_GEM_CLOSE, NULL)));
	say("an unknown core ioctl", answer(ioctl(fd, DRM_IOWR(0xff, struct drm_gem_close), BAD)));
	say("an unknown driver's ioctl", answer(ioctl(fd, DRM_IO(0x60), BAD)));
	say("change handle", answer(ioctl(fd, DRM_IOWR(0xd2, uint64_t), &(uint64_t){ 1 })));
	say("handle 1 is there", gem_close(fd, 1));
	close(a);
	close(null);
	close(memfd);
	close(fds[0]);
	close(fds[1]);
	close(fd);
}

/* The kernel goes by the number and takes the size for what the program knows of the struct. */
static void sizes(void)
{
	int fd = node(O_RDWR), a = foreign(SIZE, O_RDWR);
	uint32_t words[8] = { 77, 0, a, 5, 6, 7, 8, 9 };
	char name[8] = "";
	struct drm_version v = { .name = name, .name_len = 2 };

	say("import, longer", answer(ioctl(fd, _IOC(READ_WRITE, 'd', 0x2e, 32), words)));
	printf("its words: %u %u %u %u %u\n", words[0], words[1], words[2] == (uint32_t)a,
	       words[3], words[7]);
	words[0] = 1;
	say("close, shorter", answer(ioctl(fd, _IOC(_IOC_WRITE, 'd', 0x09, 4), words)));
	words[0] = 77;
	say("import, shorter", answer(ioctl(fd, _IOC(READ_WRITE, 'd', 0x2e, 8), words)));
	say("import, read only", answer(ioctl(fd, _IOC(_IOC_READ, 'd', 0x2e, 12), words)));
	words[0] = 77;
	words[2] = a;
	say("import, write only", answer(ioctl(fd, _IOC(_IOC_WRITE, 'd', 0x2e, 12), words)));
	say("its handle was not copied", words[0]);
	say("close, no size", answer(ioctl(fd, _IO('d', 0x09), words)));
	say("close, another type", answer(ioctl(fd, _IOC(_IOC_WRITE, 'e', 0x09, 8),
					   (uint32_t[2]){ 1, 0 })));
	say("so it is closed", gem_close(fd, 1));
	say("version", answer(ioctl(fd, DRM_IOCTL_VERSION, &v)));
	printf("driver: %s of %zu\n", name, (size_t)v.name_len);
	v.name = BAD;
	say("version to nowhere", answer(ioctl(fd, DRM_IOCTL_VERSION, &v)));
	close(a);
	close(fd);
}

static long cap(int fd, uint64_t which)
{
	struct drm_get_cap c = { .capability = which };
	long ret = answer(ioctl(fd, DRM_IOCTL_GET_CAP, &c));

	return ret ? ret : (long)c.value;
}

static void aliases(void)
{
	int fd = node(O_RDWR), other = node(O_RDWR), third, a = foreign(SIZE, O_RDWR), back;
	uint64_t size;
	long name;

	say("capability prime", cap(fd, DRM_CAP_PRIME));
	say("capability dumb", cap(fd, DRM_CAP_DUMB_BUFFER));
	say("capability 999", cap(fd, 999));
	say("import for a name", import(fd, a));
	say("flink", (name = flink(fd, 1)) > 0);
	say("flink again", flink(fd, 1) == name);
	say("flink what is not there", flink(fd, 7));
	say("open it here", gem_open(fd, name, &size));
	say("its size", size);
	say("open it elsewhere", gem_open(other, name, &size));
	say("open what is not there", gem_open(fd, 4321, NULL));
	say("map the alias", map_dumb(fd, 2, NULL));
	say("close the first handle", gem_close(fd, 1));
	back = export(fd, 2, DRM_CLOEXEC | DRM_RDWR);
	same("the alias exported", a, back);
	close(back);
	say("import finds the alias", import(fd, a));
	say("close the alias", gem_close(fd, 2));
	say("import is a new object", import(fd, a));
	say("so it has another name", flink(fd, 1) != name);
	say("the old one is open elsewhere", gem_open(fd, name, NULL));
	close(fd);
	third = node(O_RDWR);
	say("and still is", gem_open(third, name, NULL));
	close(third);
	close(other);
	fd = node(O_RDWR);
	say("until all files are closed", gem_open(fd, name, NULL));
	close(fd);
	close(a);
}

static void exports(void)
{
	int fd = node(O_RDWR), other = node(O_RDWR), a = foreign(SIZE, O_RDWR);
	int r = foreign(SIZE, O_RDONLY), back, own;

	say("import to export", import(fd, a));
	back = export(fd, 1, 0);
	same("exported again", a, back);
	say("its access", access_of(back));
	say("its close-on-exec", fcntl(back, F_GETFD));
	close(back);
	back = export(fd, 1, DRM_CLOEXEC);
	say("its close-on-exec if asked", fcntl(back, F_GETFD));
	close(back);
	say("import a read-only one", import(fd, r));
	back = export(fd, 2, DRM_RDWR);
	same("it, exported for writing", r, back);
	say("is still not writable", access_of(back));
	close(back);
	say("export with flags 1", export(fd, 1, 1));
	say("export with flags ~0", export(fd, 1, ~0U));
	say("export handle 0", export(fd, 0, 0));
	say("export handle 99", export(fd, 99, 0));
	close(a);
	close(r);

	say("create", dumb(fd, 64, 48, 32));
	own = export(fd, 3, DRM_CLOEXEC);
	say("exported read-only", access_of(own));
	back = export(fd, 3, DRM_CLOEXEC | DRM_RDWR);
	same("exported for writing then", own, back);
	say("the first has fixed it", access_of(back));
	close(back);
	say("write to it", map(own, SIZE, RW, MAP_SHARED, 0, NULL));
	say("read it", map(own, SIZE, PROT_READ, MAP_SHARED, 0, NULL));
	say("import what is here already", import(fd, own));
	say("import one's own elsewhere", import(other, own));
	say("which maps natively", map_dumb(other, 1, NULL));
	back = export(other, 1, DRM_CLOEXEC);
	same("exported from there", own, back);
	close(back);
	say("close it here", gem_close(fd, 3));
	say("import it back", import(fd, own));
	say("close it there", gem_close(other, 1));
	say("it is native here", map_dumb(fd, 3, NULL));
	close(own);
	say("create another", dumb(fd, 64, 48, 32));
	own = export(fd, 4, DRM_CLOEXEC | DRM_RDWR);
	say("exported for writing", access_of(own));
	say("write to that", map(own, SIZE, RW, MAP_SHARED, 0, NULL));
	close(own);
	own = export(fd, 4, DRM_CLOEXEC);
	say("it stays writable", access_of(own));
	say("close all handles of it", gem_close(fd, 4));
	say("and have it back", import(fd, own));
	say("natively", map_dumb(fd, 4, NULL));
	close(own);
	close(other);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: conform CARD");
	card = argv[1];
	imports();
	import_errors();
	sizes();
	aliases();
	exports();
	offsets();
	dmabufs();
	places();
	protections();
	descriptors();
	return 0;
}
