// SPDX-License-Identifier: MIT
/* The ioctls of the fake kernel's drivers that are their own, by the table of fake-drivers.h. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "fake-internal.h"

static struct kernel *k(void)
{
	return atomic_load_explicit(&kernel, memory_order_relaxed);
}

static struct object *object_of(uint32_t handle)
{
	return &k()->objects[k()->handles[handle].object];
}

/* I915_GEM_SET_TILING: handle, mode. */
static int run_set_tiling(uint32_t file, const uint32_t *data)
{
	uint32_t h = handle_find(file, data[0]);

	if (!h)
		return -ENOENT;
	object_of(h)->tiled = data[1];
	return 0;
}

static uint64_t get64(const char *data, uint8_t at)
{
	uint64_t v;

	memcpy(&v, data + at, sizeof(v));
	return v;
}

/* The driver's way to a mapping that @request asks for; its fields may be zero-extended. */
static int run_way(uint32_t file, const struct fake_way *w, char *data)
{
	uint64_t value;
	uint32_t h;
	int ret;

	h = handle_find(file, (uint32_t)get64(data, w->handle));
	if (!h)
		return -ENOENT;
	if (object_of(h)->import && w->err)
		return -w->err;
	if (w->address) {
		uint64_t start = get64(data, w->start), len = get64(data, w->length);
		void *p;

		if (!len || len > object_of(h)->size || start > object_of(h)->size - len)
			return -EINVAL;
		ret = drm_map_object(k()->handles[h].object, NULL, len, PROT_READ | PROT_WRITE,
				     MAP_SHARED, start, &p);
		if (ret)
			return ret;
		value = (uintptr_t)p;
	} else {
		object_place(k()->handles[h].object);
		value = object_of(h)->offset;
	}
	memcpy(data + w->value, &value, sizeof(value));
	return 0;
}

int drm_private(uint32_t file, unsigned int nr, char *data)
{
	const struct fake_driver *d = &fake_drivers[k()->files[file].device];
	const struct fake_way *w = d->ways;

	if (!strcmp(d->name, "i915") && nr == 0x61)
		return run_set_tiling(file, (const uint32_t *)data);
	for (; w < d->ways + FAKE_WAYS && w->name; w++) {
		if (w->nr != nr)
			continue;
		if (!w->selects || (uint32_t)get64(data, w->select) == w->selected)
			return run_way(file, w, data);
		/* Another question of several, which is answered in the same place. */
		if (!strcmp(d->name, "msm")) {
			memset(data + w->value, 0x77, sizeof(uint64_t));
			return 0;
		}
	}
	return -EINVAL;
}
