// SPDX-License-Identifier: MIT
/* The part of conform.c about mappings (offsets, dma-bufs) and about descriptors. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>
#include <linux/dma-buf.h>

#include "conform.h"

void offsets(void)
{
	int fd = node(O_RDWR), other = node(O_RDWR), dup_fd = dup(fd), a = foreign(SIZE, O_RDWR);
	int ro = node(O_RDONLY), own;
	uint64_t off = 0, off2 = 0, next = 0;
	uint8_t *p = NULL, *q = NULL;

	say("create no width", dumb(fd, 0, 8, 32));
	say("create no depth", dumb(fd, 8, 8, 0));
	say("create too much", dumb(fd, ~0U, ~0U, 32));
	say("create a native one", dumb(fd, 64, 48, 32));
	say("offset", map_dumb(fd, 1, &off));
	say("offset, once more", map_dumb(fd, 1, &off2));
	say("offsets are equal", off == off2 && off);
	say("create a second", dumb(fd, 64, 48, 32));
	say("its offset", map_dumb(fd, 2, &next));
	say("offsets differ", next != off && next);
	say("offset of nothing", map_dumb(fd, 9, NULL));
	say("offset to nowhere", answer(ioctl(fd, DRM_IOCTL_MODE_MAP_DUMB, BAD)));
	say("import to map", import(fd, a));
	say("offset of an import", map_dumb(fd, 3, NULL));
	say("map", map(fd, SIZE, RW, MAP_SHARED, off, &p));
	say("map less", map(fd, 4096, RW, MAP_SHARED, off, &q));
	say("map too much", map(fd, SIZE + 4096, RW, MAP_SHARED, off, NULL));
	say("map a bit too much", map(fd, SIZE + 1, RW, MAP_SHARED, off, NULL));
	say("map an odd length", map(fd, 5000, RW, MAP_SHARED, off, NULL));
	say("map nothing", map(fd, 0, RW, MAP_SHARED, off, NULL));
	say("map from inside", map(fd, 4096, RW, MAP_SHARED, off + 4096, NULL));
	say("map an odd offset", map(fd, 4096, RW, MAP_SHARED, off + 1, NULL));
	say("map offset 0", map(fd, 4096, RW, MAP_SHARED, 0, NULL));
	say("map offset 2^41", map(fd, 4096, RW, MAP_SHARED, 1ULL << 41, NULL));
	say("map privately", map(fd, 4096, RW, MAP_PRIVATE, off, NULL));
	say("map privately to read", map(fd, 4096, PROT_READ, MAP_PRIVATE, off, NULL));
	say("map without a type", map(fd, 4096, RW, 0, off, NULL));
	say("map by a duplicate", map(dup_fd, SIZE, RW, MAP_SHARED, off, NULL));
	say("map by another file", map(other, SIZE, RW, MAP_SHARED, off, NULL));
	say("privately by another file", map(other, SIZE, RW, MAP_PRIVATE, off, NULL));
	say("too much by another file", map(other, 2 * SIZE, RW, MAP_SHARED, off, NULL));
	say("map a read-only file to write", map(ro, SIZE, RW, MAP_SHARED, off, NULL));
	say("map a read-only file", map(ro, SIZE, PROT_READ, MAP_SHARED, off, NULL));
	say("give it to another file", import(other, own = export(fd, 1, DRM_RDWR)));
	say("map by another file then", map(other, SIZE, RW, MAP_SHARED, off, NULL));
	say("it has the same offset", map_dumb(other, 1, &off2) == 0 && off == off2);
	if (p && q) {
		p[5] = 55;
		say("both maps show it", q[5]);
		munmap(q, 4096);
	}
	say("close it", gem_close(fd, 1));
	say("map a closed one", map(fd, SIZE, RW, MAP_SHARED, off, NULL));
	say("map it by the other still", map(other, SIZE, RW, MAP_SHARED, off, &q));
	close(own);
	close(other);
	if (p && q) {
		q[6] = 66;
		say("maps live on", p[5] + p[6]);
		munmap(q, SIZE);
		munmap(p, SIZE);
	}
	say("then the offset is gone", map(fd, SIZE, RW, MAP_SHARED, off, NULL));
	close(fd);
	close(dup_fd);
	close(ro);
	close(a);
}

void dmabufs(void)
{
	int a = foreign(SIZE, O_RDWR), r = foreign(SIZE, O_RDONLY), fd = node(O_RDWR), own, back;
	struct pollfd p = { .fd = a, .events = POLLIN | POLLOUT };
	uint8_t *one = NULL, *two = NULL;
	struct stat st = { 0 };

	say("dma-buf: map", map(a, SIZE, RW, MAP_SHARED, 0, &one));
	say("dma-buf: map the end", map(a, 4096, RW, MAP_SHARED, 8192, &two));
	if (one && two) {
		one[8192] = 42;
		say("dma-buf: both maps show it", *two);
	}
	say("dma-buf: map too much", map(a, SIZE + 1, RW, MAP_SHARED, 0, NULL));
	say("dma-buf: map beyond", map(a, 4096, RW, MAP_SHARED, SIZE, NULL));
	say("dma-buf: map over the end", map(a, 8192, RW, MAP_SHARED, 8192, NULL));
	say("dma-buf: map an odd offset", map(a, 4096, RW, MAP_SHARED, 1, NULL));
	say("dma-buf: map nothing", map(a, 0, RW, MAP_SHARED, 0, NULL));
	say("dma-buf: map privately", map(a, SIZE, RW, MAP_PRIVATE, 0, NULL));
	say("dma-buf: map privately to read", map(a, SIZE, PROT_READ, MAP_PRIVATE, 0, NULL));
	say("read-only: map to write", map(r, SIZE, RW, MAP_SHARED, 0, NULL));
	say("read-only: map to write too much", map(r, 2 * SIZE, RW, MAP_SHARED, 0, NULL));
	say("read-only: map privately", map(r, SIZE, RW, MAP_PRIVATE, 0, NULL));
	say("read-only: map", map(r, SIZE, PROT_READ, MAP_SHARED, 0, NULL));
	say("size by lseek", answer(lseek(a, 0, SEEK_END)));
	say("size by fstat", fstat(a, &st) < 0 ? -errno : st.st_size);
	printf("mode by fstat: %o\n", st.st_mode & ~0777);
	printf("inodes differ: %d\n", ino(a) != ino(r));
	fstat(fd, &st);
	printf("device: mode %o, major %u\n", st.st_mode & S_IFMT, major(st.st_rdev));
	for (uint64_t flags = 0; flags < 9; flags++) {
		printf("sync %d, ", (int)flags);
		say("answer", sync_with(a, flags));
	}
	say("sync 2^32", sync_with(a, 1ULL << 32 | DMA_BUF_SYNC_READ));
	say("sync a read-only one", sync_with(r, DMA_BUF_SYNC_RW));
	say("sync from nowhere", answer(ioctl(a, DMA_BUF_IOCTL_SYNC, BAD)));
	say("sync of another size", answer(ioctl(a, _IOW('b', 0, uint32_t), BAD)));
	say("sync of the device", sync_with(fd, DMA_BUF_SYNC_RW));
	say("an unknown dma-buf ioctl", answer(ioctl(a, _IOW('b', 99, uint64_t), BAD)));
	say("poll a dma-buf", answer(poll(&p, 1, 0)));
	say("finds", p.revents);
	p.fd = fd;
	say("poll the device", answer(poll(&p, 1, 0)));
	say("finds nothing", p.revents);

	say("create to map as a dma-buf", dumb(fd, 64, 48, 32));
	own = export(fd, 1, DRM_CLOEXEC | DRM_RDWR);
	say("own: map", map(own, SIZE, RW, MAP_SHARED, 0, NULL));
	say("own: map too much", map(own, SIZE + 1, RW, MAP_SHARED, 0, NULL));
	say("own: map the end", map(own, 4096, RW, MAP_SHARED, 8192, NULL));
	say("own: map over the end", map(own, 8192, RW, MAP_SHARED, 8192, NULL));
	say("own: map privately", map(own, SIZE, PROT_READ, MAP_PRIVATE, 0, NULL));
	say("own: sync", sync_with(own, DMA_BUF_SYNC_RW));
	close(own);
	close(fd);

	/* A dma-buf that only a mapping refers to, and one that only a handle does. */
	fd = node(O_RDWR);
	say("import to let go", import(fd, a));
	close(a);
	back = export(fd, 1, DRM_CLOEXEC | DRM_RDWR);
	say("the handle's pages", map(back, 8192 + 1, PROT_READ, MAP_SHARED, 0, NULL));
	close(back);
	say("let go", gem_close(fd, 1));
	close(fd);
	if (one && two)
		say("the mapping lives on", one[8192] + *two);
	close(r);
}

void descriptors(void)
{
	int fd = node(O_RDWR), to = fcntl(fd, F_DUPFD_CLOEXEC, 100), a = foreign(SIZE, O_RDWR);
	int b = foreign(SIZE, O_RDWR), back, low;

	say("F_DUPFD", to);
	say("import by it", import(to, a));
	say("dup2 over it", answer(dup2(b, to)));
	say("it is no device now", import(to, a));
	say("import it", import(fd, to));
	say("dup3 onto itself", answer(dup3(fd, fd, 0)));
	say("dup2 onto itself", answer(dup2(fd, fd)) == fd);
	say("dup2 of nothing", answer(dup2(9999, to)));
	say("close_range", answer(close_range(to, to, 0)));
	say("what it closed", answer(fcntl(to, F_GETFD)));
	say("close", answer(close(a)));
	say("close again", answer(close(a)));
	low = dup(fd);
	close(low);
	back = export(fd, 2, DRM_CLOEXEC);
	say("an export takes the lowest number", back == low);
	same("of the right one", back, b);
	close(back);
	close(b);
	close(fd);
	fd = node(O_RDWR);
	say("a new file has no handles", gem_close(fd, 1));
	close(fd);
}
