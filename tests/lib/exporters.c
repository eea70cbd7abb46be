// SPDX-License-Identifier: MIT
/* Real dma-bufs for the tests on real kernels; see exporters.h. */
#include "config.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <linux/videodev2.h>
#include <xf86drm.h>

#include "exporters.h"

int open_card(const char *driver)
{
	char path[32];

	for (int i = 0; i < 16; i++) {
		drmVersionPtr v;
		int fd, hit;

		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		v = drmGetVersion(fd);
		/* cirrus has become cirrus-qemu after 6.12. */
		hit = v && !strncmp(v->name, driver, strcspn(v->name, "-")) &&
		      strlen(driver) == strcspn(v->name, "-");
		drmFreeVersion(v);
		if (hit)
			return fd;
		close(fd);
	}
	return -1;
}

static void *map(int fd, size_t size, off_t off)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, off);

	if (p == MAP_FAILED)
		err(2, "the exporter's own mmap");
	return p;
}

static struct export udmabuf(size_t size)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = size };
	struct export e = { .size = size, .owner = -1 };
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	int mem = memfd_create("udmabuf", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (dev < 0 || mem < 0 || ftruncate(mem, size) < 0 ||
	    fcntl(mem, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		err(2, "udmabuf");
	create.memfd = mem;
	e.dmabuf = ioctl(dev, UDMABUF_CREATE, &create);
	if (e.dmabuf < 0)
		err(2, "UDMABUF_CREATE");
	e.view = map(mem, size, 0);
	close(mem);
	close(dev);
	return e;
}

static struct export heap(size_t size, int flags)
{
	struct dma_heap_allocation_data alloc = { .len = size, .fd_flags = flags | O_CLOEXEC };
	struct export e = { .size = size, .owner = -1 };
	int dev = open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC);

	if (dev < 0 || ioctl(dev, DMA_HEAP_IOCTL_ALLOC, &alloc) < 0)
		err(2, "/dev/dma_heap/system");
	e.dmabuf = alloc.fd;
	close(dev);
	return e;
}

/* vivid's capture device: one frame buffer of the default format, at least @size bytes. */
static struct export vivid(size_t size, int access)
{
	struct v4l2_requestbuffers req = {
		.count = 1, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP,
	};
	struct v4l2_exportbuffer exp = { .type = req.type, .flags = access | O_CLOEXEC };
	struct v4l2_buffer buf = { .type = req.type, .memory = req.memory };
	struct export e = { .owner = open("/dev/video0", O_RDWR | O_CLOEXEC) };

	if (e.owner < 0 || ioctl(e.owner, VIDIOC_REQBUFS, &req) < 0 ||
	    ioctl(e.owner, VIDIOC_QUERYBUF, &buf) < 0 || ioctl(e.owner, VIDIOC_EXPBUF, &exp) < 0)
		err(2, "vivid's /dev/video0");
	e.dmabuf = exp.fd;
	e.size = lseek(e.dmabuf, 0, SEEK_END);
	if (e.size < size)
		errx(2, "vivid's buffer is too small");
	e.view = map(e.owner, e.size, buf.m.offset);
	return e;
}

static struct export dumb(const char *driver, size_t size)
{
	struct drm_mode_create_dumb create = { .width = 1024, .bpp = 32 };
	struct drm_mode_map_dumb where = { 0 };
	struct export e = { .owner = open_card(driver) };

	create.height = (size + 4095) / 4096;
	if (e.owner < 0)
		errx(2, "no DRM device with the driver %s", driver);
	if (drmIoctl(e.owner, DRM_IOCTL_MODE_CREATE_DUMB, &create) < 0)
		err(2, "%s: MODE_CREATE_DUMB", driver);
	where.handle = create.handle;
	if (drmIoctl(e.owner, DRM_IOCTL_MODE_MAP_DUMB, &where) < 0 ||
	    drmPrimeHandleToFD(e.owner, create.handle, DRM_CLOEXEC | DRM_RDWR, &e.dmabuf) < 0)
		err(2, "%s: export of a dumb buffer", driver);
	e.size = create.size;
	e.view = map(e.owner, e.size, where.offset);
	return e;
}

struct export export_new(const char *name, size_t size)
{
	struct export e;

	if (!strcmp(name, "udmabuf"))
		return udmabuf(size);
	if (!strcmp(name, "vivid"))
		return vivid(size, O_RDWR);
	if (strcmp(name, "heap"))
		return dumb(name, size);
	e = heap(size, O_RDWR);
	e.view = map(e.dmabuf, size, 0);
	return e;
}

struct export export_readonly(const char *name, size_t size)
{
	return strcmp(name, "vivid") ? heap(size, O_RDONLY) : vivid(size, O_RDONLY);
}

void export_free(struct export *e)
{
	if (e->view)
		munmap(e->view, e->size);
	close(e->dmabuf);
	if (e->owner >= 0)
		close(e->owner);
}

int export_count(void)
{
	FILE *f = fopen("/sys/kernel/debug/dma_buf/bufinfo", "re");
	char line[512];
	int n = -1;

	if (!f)
		err(2, "/sys/kernel/debug/dma_buf/bufinfo");
	/* Every kernel's list ends with the line that says so. */
	while (fgets(line, sizeof(line), f))
		sscanf(line, "Total %d objects", &n);
	fclose(f);
	if (n < 0)
		errx(2, "bufinfo has no total");
	return n;
}
