// SPDX-License-Identifier: MIT
/* The ioctls of the fake kernel's devices, as its drm_ioctl() dispatches and copies them. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>

#include "fake-internal.h"

/* Numbers that libdrm's headers may be too old for. */
struct change_handle {
	uint32_t handle, new_handle;
};
#define IOCTL_CHANGE_HANDLE	DRM_IOWR(0xd2, struct change_handle)

static struct kernel *k(void)
{
	return atomic_load_explicit(&kernel, memory_order_relaxed);
}

static struct object *object_of(uint32_t handle)
{
	return &k()->objects[k()->handles[handle].object];
}

/* A handle of a new object's, or no object. */
static int first_handle(uint32_t file, uint32_t object)
{
	int number = handle_new(file, object);

	if (number < 0 && !k()->objects[object].handles)
		object_free(object);
	return number;
}

static uint64_t ino_of(int fd)
{
	struct stat st = { 0 };

	raw_fstat(fd, &st);
	return st.st_ino;
}

/* A native object with the pages of the memfd @fd, or 0 and *@err. */
static uint32_t native_new(unsigned int device, uint64_t size, int fd, int *err)
{
	int token = keep(fd);
	uint32_t object = token < 0 ? 0 : object_new(device, size);

	*err = token < 0 ? token : -ENOMEM;
	if (object) {
		k()->objects[object].token = token;
		k()->objects[object].ino = ino_of(fd);
	} else if (token >= 0) {
		keep_drop(token);
	}
	return object;
}

static int run_version(uint32_t file, void *data)
{
	struct drm_version *v = data;
	const char *name = fake_drivers[k()->files[file].device].name;
	size_t room = v->name_len, len = strlen(name);

	v->version_major = 1;
	v->version_minor = v->version_patchlevel = 0;
	v->name_len = len;
	v->date_len = v->desc_len = 0;
	return v->name ? copy_out(v->name, name, len < room ? len : room) : 0;
}

static int run_get_cap(uint32_t file, void *data)
{
	struct drm_get_cap *cap = data;

	cap->value = 0;
	if (cap->capability == DRM_CAP_PRIME) {
		cap->value = DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT;
		return 0;
	}
	/* vgem has no displays, and so is not asked for more. */
	if (k()->files[file].device == FAKE_REFUSES)
		return -EOPNOTSUPP;
	if (cap->capability != DRM_CAP_DUMB_BUFFER)
		return -EINVAL;
	cap->value = 1;
	return 0;
}

static int delete_handle(uint32_t file, uint32_t number)
{
	uint32_t h = handle_find(file, number);

	if (!h)
		return -EINVAL;
	handle_delete(h);
	return 0;
}

static int run_gem_close(uint32_t file, void *data)
{
	return delete_handle(file, ((struct drm_gem_close *)data)->handle);
}

static int run_destroy_dumb(uint32_t file, void *data)
{
	return delete_handle(file, ((struct drm_mode_destroy_dumb *)data)->handle);
}

static int run_flink(uint32_t file, void *data)
{
	struct drm_gem_flink *flink = data;
	uint32_t h = handle_find(file, flink->handle), name = 1;
	struct object *o = object_of(h);
	uint32_t *names = k()->devices[o->device].names;

	if (!h)
		return -ENOENT;
	if (!o->name) {
		while (name < MAX_NAMES && names[name])
			name++;
		if (name == MAX_NAMES)
			return -ENOSPC;
		names[name] = k()->handles[h].object;
		o->name = name;
	}
	flink->name = o->name;
	return 0;
}

static int run_gem_open(uint32_t file, void *data)
{
	struct drm_gem_open *gem = data;
	struct device *dev = &k()->devices[k()->files[file].device];
	uint32_t object = gem->name < MAX_NAMES ? dev->names[gem->name] : 0;
	int number = object ? handle_new(file, object) : -ENOENT;

	if (number < 0)
		return number;
	gem->handle = number;
	gem->size = k()->objects[object].size;
	return 0;
}

static int run_create_dumb(uint32_t file, void *data)
{
	struct drm_mode_create_dumb *dumb = data;
	uint64_t page = sysconf(_SC_PAGESIZE), bytes = ((uint64_t)dumb->bpp + 7) / 8;
	uint64_t pitch = bytes * dumb->width, size = pitch * dumb->height;
	uint32_t object = 0;
	int fd, ret;

	if (!dumb->width || !dumb->height || !dumb->bpp || dumb->bpp > UINT32_MAX - 8 ||
	    bytes > UINT32_MAX / dumb->width || dumb->height > UINT32_MAX / pitch ||
	    size > UINT32_MAX - page)
		return -EINVAL;
	pitch = ((uint64_t)dumb->width * dumb->bpp + 7) / 8;
	size = (pitch * dumb->height + page - 1) / page * page;
	ret = fd = memory_new(size, 0);
	if (fd >= 0) {
		object = native_new(k()->files[file].device, size, fd, &ret);
		raw_close(fd);
	}
	if (object)
		ret = first_handle(file, object);
	if (ret < 0)
		return ret;
	dumb->handle = ret;
	dumb->pitch = pitch;
	dumb->size = size;
	return 0;
}

static int run_map_dumb(uint32_t file, void *data)
{
	struct drm_mode_map_dumb *map = data;
	uint32_t h = handle_find(file, map->handle);
	struct object *o = object_of(h);

	if (!h || (fake_drivers[o->device].surfaces && k()->dmabufs[o->dmabuf].unmappable))
		return -ENOENT;
	/* drm_gem_dumb_map_offset(); others have one of their own, without the check. */
	if (o->import && fake_drivers[o->device].dumb_err)
		return -fake_drivers[o->device].dumb_err;
	object_place(k()->handles[h].object);
	map->offset = o->offset;
	return 0;
}

/* The first export fixes the access mode of the dma-buf. */
static int export_object(uint32_t object, bool writable)
{
	struct object *o = &k()->objects[object];
	int fd = keep_get(o->token, true), ro, ret;
	uint32_t d;

	if (fd >= 0 && !writable) {
		ro = memory_reopen(fd, O_RDONLY);
		raw_close(fd);
		fd = ro;
	}
	if (fd < 0)
		return fd;
	d = dmabuf_new(o->ino, o->size, o->device);
	ret = d ? object_link(object, d, fd) : -ENOMEM;
	if (!ret)
		k()->dmabufs[d].object = object;
	raw_close(fd);
	return ret;
}

static int run_handle_to_fd(uint32_t file, void *data)
{
	struct drm_prime_handle *p = data;
	uint32_t h;
	int ret = 0;

	if (p->flags & ~(DRM_CLOEXEC | DRM_RDWR))
		return -EINVAL;
	h = handle_find(file, p->handle);
	if (!h)
		return -ENOENT;
	if (object_of(h)->import && fake_drivers[object_of(h)->device].no_reexport)
		return -EOPNOTSUPP;
	if (!object_of(h)->dmabuf)
		ret = export_object(k()->handles[h].object, p->flags & DRM_RDWR);
	if (ret < 0)
		return ret;
	prime_add(h, object_of(h)->dmabuf);
	ret = keep_get(k()->dmabufs[object_of(h)->dmabuf].token, p->flags & DRM_CLOEXEC);
	if (ret < 0)
		return ret;
	p->fd = ret;
	return 0;
}

/* Back to the device that exported it: the object, which may have lost its last handle. */
static uint32_t self_import(uint32_t dmabuf, int fd, int *err)
{
	struct dmabuf *d = &k()->dmabufs[dmabuf];
	int rw;

	if (d->object)
		return d->object;
	*err = rw = memory_reopen(fd, O_RDWR);
	if (rw < 0)
		return 0;
	d->object = native_new(d->device, d->size, rw, err);
	raw_close(rw);
	return d->object;
}

static uint32_t foreign_import(uint32_t file, uint32_t dmabuf, int *err)
{
	unsigned int device = k()->files[file].device;
	uint32_t object = 0;

	*err = -fake_drivers[device].import_err;
	if (*err)
		return 0;
	object = object_new(device, k()->dmabufs[dmabuf].size);
	*err = -ENOMEM;
	if (object) {
		k()->objects[object].import = true;
		k()->objects[object].ino = k()->dmabufs[dmabuf].ino;
	}
	return object;
}

static int run_fd_to_handle(uint32_t file, void *data)
{
	struct drm_prime_handle *p = data;
	uint32_t d, h, object;
	int ret = 0;

	if (raw_fcntl(p->fd, F_GETFD, 0) < 0)
		return -EBADF;
	d = dmabuf_of(p->fd);
	if (!d)
		return -EINVAL;
	h = prime_find(file, d);
	if (h) {
		p->handle = k()->handles[h].number;
		return 0;
	}
	if (k()->dmabufs[d].device == (int)k()->files[file].device)
		object = self_import(d, p->fd, &ret);
	else
		object = foreign_import(file, d, &ret);
	if (!object)
		return ret;
	ret = k()->objects[object].dmabuf ? 0 : object_link(object, d, p->fd);
	if (!ret)
		ret = handle_new(file, object);
	if (ret < 0) {
		if (!k()->objects[object].handles)
			object_free(object);
		return ret;
	}
	h = handle_find(file, ret);
	prime_add(h, d);
	/* A surface, which is no GEM object; above VMWGFX_NUM_MOB. */
	if (k()->dmabufs[d].unmappable && fake_drivers[k()->files[file].device].surfaces) {
		handle_renumber(h, ret + 32768);
		ret += 32768;
	}
	p->handle = ret;
	return 0;
}

static int run_change_handle(uint32_t file, void *data)
{
	struct change_handle *change = data;
	uint32_t h = handle_find(file, change->handle);

	return !k()->change_handle ? -EINVAL : !h ? -ENOENT :
	       handle_renumber(h, change->new_handle);
}

static int run_addfb(uint32_t file, void *data)
{
	return handle_find(file, ((struct drm_mode_fb_cmd *)data)->handle) ? 0 : -ENOENT;
}

/* drm_mode_cursor_common(): both have these first. Of the CRTCs only number 0 is missing. */
static int run_cursor(uint32_t file, void *data)
{
	const struct drm_mode_cursor *c = data;

	if (!c->flags || c->flags & ~DRM_MODE_CURSOR_FLAGS)
		return -EINVAL;
	if (!c->crtc_id)
		return -ENOENT;
	return !(c->flags & DRM_MODE_CURSOR_BO) || !c->handle || handle_find(file, c->handle) ?
	       0 : -ENOENT;
}

/* drm_syncobj_query_ioctl(). More than what is done has been submitted. */
static int run_query(uint32_t file, void *data)
{
	const struct drm_syncobj_timeline_array *a = data;
	uint64_t submitted = a->flags & DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED ? 100 : 0;
	uint64_t point = k()->reached + submitted;

	(void)file;
	if (!a->count_handles || a->flags & ~DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED)
		return -EINVAL;
	for (uint32_t i = 0, handle; i < a->count_handles; i++)
		if (copy_in(&handle, (void *)(uintptr_t)(a->handles + i * sizeof(handle)),
			    sizeof(handle)) ||
		    copy_out((void *)(uintptr_t)(a->points + i * sizeof(point)), &point,
			     sizeof(point)))
			return -EFAULT;
	return 0;
}

/* There are no displays and no fences, and nothing fails. */
static int run_nothing(uint32_t file, void *data)
{
	(void)file;
	(void)data;
	return 0;
}

static const struct {
	unsigned int cmd;
	int (*run)(uint32_t file, void *data);
} ioctls[] = {
	{ DRM_IOCTL_VERSION, run_version },
	{ DRM_IOCTL_GET_CAP, run_get_cap },
	{ DRM_IOCTL_GEM_CLOSE, run_gem_close },
	{ DRM_IOCTL_GEM_FLINK, run_flink },
	{ DRM_IOCTL_GEM_OPEN, run_gem_open },
	{ DRM_IOCTL_PRIME_HANDLE_TO_FD, run_handle_to_fd },
	{ DRM_IOCTL_PRIME_FD_TO_HANDLE, run_fd_to_handle },
	{ DRM_IOCTL_MODE_CREATE_DUMB, run_create_dumb },
	{ DRM_IOCTL_MODE_MAP_DUMB, run_map_dumb },
	{ DRM_IOCTL_MODE_DESTROY_DUMB, run_destroy_dumb },
	{ DRM_IOCTL_MODE_ADDFB, run_addfb },
	{ DRM_IOCTL_MODE_CURSOR, run_cursor },
	{ DRM_IOCTL_MODE_CURSOR2, run_cursor },
	{ DRM_IOCTL_MODE_PAGE_FLIP, run_nothing },
	{ DRM_IOCTL_MODE_DIRTYFB, run_nothing },
	{ DRM_IOCTL_MODE_ATOMIC, run_nothing },
	{ DRM_IOCTL_SYNCOBJ_WAIT, run_nothing },
	{ DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, run_nothing },
	{ DRM_IOCTL_SYNCOBJ_QUERY, run_query },
	{ IOCTL_CHANGE_HANDLE, run_change_handle },
};

/* By number alone; of the size and the directions the kernel takes what both sides know. */
int drm_ioctl(uint32_t file, unsigned int request, void *arg)
{
	bool private = _IOC_NR(request) >= DRM_COMMAND_BASE && _IOC_NR(request) < DRM_COMMAND_END;
	size_t i = 0, in = _IOC_SIZE(request), out = in;
	char data[1 << _IOC_SIZEBITS] __attribute__((aligned(8)));
	int ret;

	if (_IOC_TYPE(request) != DRM_IOCTL_BASE)
		return -ENOTTY;
	if (private) {
		in = request & (unsigned int)IOC_IN ? in : 0;
		out = request & (unsigned int)IOC_OUT ? out : 0;
		memset(data, 0, in + out + 1024);
		ret = copy_in(data, arg, in);
		if (!ret)
			ret = drm_private(file, _IOC_NR(request), data);
		return copy_out(arg, data, out) ? -EFAULT : ret;
	}
	while (i < sizeof(ioctls) / sizeof(*ioctls) &&
	       _IOC_NR(ioctls[i].cmd) != _IOC_NR(request))
		i++;
	if (i == sizeof(ioctls) / sizeof(*ioctls))
		return -EINVAL;
	if (!(request & ioctls[i].cmd & (unsigned int)IOC_IN))
		in = 0;
	if (!(request & ioctls[i].cmd & (unsigned int)IOC_OUT))
		out = 0;
	memset(data, 0, in + out + 1024);
	ret = copy_in(data, arg, in);
	if (!ret)
		ret = ioctls[i].run(file, data);
	return copy_out(arg, data, out) ? -EFAULT : ret;
}
