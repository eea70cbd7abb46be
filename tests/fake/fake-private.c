// SPDX-License-Identifier: MIT
/* The private ioctls of the fake kernel's drivers, by the table of fake-drivers.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
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

static uint32_t get32(const char *data, uint8_t at)
{
	uint32_t v;

	memcpy(&v, data + at, sizeof(v));
	return v;
}

static uint64_t get64(const char *data, uint8_t at)
{
	uint64_t v;

	memcpy(&v, data + at, sizeof(v));
	return v;
}

/* A begin or a wait, which time passes with; or one that does not wait. */
static int wait_for(uint32_t handle, bool nowait)
{
	struct dmabuf *d = &k()->dmabufs[object_of(handle)->dmabuf];

	if (nowait && d->busy)
		return -EBUSY;
	d->busy = false;
	return 0;
}

/* The handles of an array in the program's memory. */
static int submit_array(uint32_t file, uint64_t array, uint32_t n, const struct fake_turn *t,
			uint32_t stride)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t number;

		if (copy_in(&number, (void *)(uintptr_t)(array + i * stride + t->element), 4))
			return -EFAULT;
		if (!handle_find(file, number))
			return -ENOENT;
	}
	return 0;
}

static int submit_chunks(uint32_t file, uint64_t array, uint32_t n, const struct fake_turn *t)
{
	for (uint32_t i = 0; i < n; i++) {
		struct {
			uint32_t id, words;
			uint64_t data;
		} chunk;
		struct {
			uint32_t operation, list, n, size;
			uint64_t array;
		} box = { 0 };
		uint64_t at;
		int ret;

		if (copy_in(&at, (void *)(uintptr_t)(array + i * 8), 8) ||
		    copy_in(&chunk, (void *)(uintptr_t)at, sizeof(chunk)))
			return -EFAULT;
		if (chunk.id != t->chunk)
			continue;
		if (t->boxed && copy_in(&box, (void *)(uintptr_t)chunk.data, sizeof(box)))
			return -EFAULT;
		ret = t->boxed ? submit_array(file, box.array, box.n, t, box.size) :
		      submit_array(file, chunk.data, chunk.words * 4 / t->stride, t, t->stride);
		if (ret)
			return ret;
	}
	return 0;
}

static int run_submit(uint32_t file, const struct fake_turn *t, const char *data)
{
	uint32_t n = get32(data, t->count);

	if (k()->submit_err)
		return -k()->submit_err;
	if (t->kind == TURN_SUBMIT_ANY || t->fixed)
		return 0;
	if (t->chunk)
		return submit_chunks(file, get64(data, t->list), n, t);
	return submit_array(file, get64(data, t->list), n, t, t->stride);
}

static int run_turn(uint32_t file, const struct fake_turn *t, char *data)
{
	bool nowait = t->kind == TURN_ASK || (t->nowait && get32(data, t->op) & t->nowait) ||
		      (t->timeout && !get64(data, t->timeout));
	uint32_t h = handle_find(file, get32(data, t->handle));

	switch (t->kind) {
	case TURN_SUBMIT:
	case TURN_SUBMIT_ANY:
		return run_submit(file, t, data);
	case TURN_WAIT_ANY:
		if (t->fence) {
			uint32_t signaled = get32(data, t->handle) <= k()->reached;

			memcpy(data + t->result, &signaled, sizeof(signaled));
		}
		return 0;
	}
	if (!h)
		return -ENOENT;
	if (t->status) {
		uint32_t busy = k()->dmabufs[object_of(h)->dmabuf].busy;

		/* amdgpu's is a union, all of which is written. */
		if (t->result == t->handle)
			memset(data, 0, t->size);
		memcpy(data + t->result, &busy, sizeof(busy));
		return 0;
	}
	return t->kind == TURN_END ? 0 : wait_for(h, nowait);
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

/* The driver's way to a mapping that @request asks for. */
static int run_way(uint32_t file, const struct fake_way *w, char *data)
{
	uint64_t value;
	uint32_t h;
	int ret;

	h = handle_find(file, get32(data, w->handle));
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
				     MAP_SHARED, O_RDWR, start, &p);
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
	const struct fake_turn *t = d->turns;

	if (!strcmp(d->name, "i915") && nr == 0x61)
		return run_set_tiling(file, (const uint32_t *)data);
	for (; t < d->turns + FAKE_TURNS && t->name; t++)
		if (t->nr == nr && (!t->selects || get32(data, t->select) == t->selected))
			return run_turn(file, t, data);
	for (; w < d->ways + FAKE_WAYS && w->name; w++) {
		if (w->nr != nr)
			continue;
		if (!w->selects || get32(data, w->select) == w->selected)
			return run_way(file, w, data);
		/* Another question of several, which is answered in the same place. */
		if (!strcmp(d->name, "msm")) {
			memset(data + w->value, 0x77, sizeof(uint64_t));
			return 0;
		}
	}
	return -EINVAL;
}

bool is_submit(uint32_t file, unsigned int nr)
{
	const struct fake_driver *d = &fake_drivers[k()->files[file].device];

	for (const struct fake_turn *t = d->turns; t < d->turns + FAKE_TURNS && t->name; t++)
		if (t->nr == nr && (t->kind == TURN_SUBMIT || t->kind == TURN_SUBMIT_ANY))
			return true;
	return false;
}
