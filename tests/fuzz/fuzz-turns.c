// SPDX-License-Identifier: MIT
/* The fuzzer's steps that say whose turn it is with a buffer: begins and submits, like radeon's. */
#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <string.h>

#include <drm.h>

#include "settings/settings.h"

#include "fuzz.h"

#define SET_DOMAIN	_IOC(_IOC_READ | _IOC_WRITE, 'd', 0x63, 12)
#define CS		_IOC(_IOC_READ | _IOC_WRITE, 'd', 0x66, 32)

static int begin(int fd, uint32_t number, bool write)
{
	uint32_t arg[3] = { number, 1, write };

	return shim_ioctl(fd, SET_DOMAIN, arg);
}

static int submit(int fd, const uint32_t *numbers, int n)
{
	uint32_t relocs[4 * 2] = { 0 };
	struct {
		uint32_t id, words;
		uint64_t data;
	} chunk = { 1, n * 4, (uintptr_t)relocs };
	uint64_t chunks[1] = { (uintptr_t)&chunk }, arg[4] = { 1, (uintptr_t)chunks };

	for (int i = 0; i < n; i++)
		relocs[4 * i] = numbers[i];
	return shim_ioctl(fd, CS, arg);
}

void step_turn(struct thread *t)
{
	int h = handle_pick(t), other = handle_pick(t), fd, ret, begins = one_in(t, 2);
	uint32_t numbers[2];
	struct buf *b;

	if (h < 0 || t->files[t->handles[h].file].device != FAKE_SIGBUS)
		return;
	if (t->handles[other].file != t->handles[h].file)
		other = h;
	fd = t->fds[fd_of_file(t, t->handles[h].file)].number;
	numbers[0] = t->handles[h].number;
	numbers[1] = t->handles[other].number;
	b = &t->bufs[t->objects[t->handles[h].object].buf];
	before(t);
	ret = begins ? begin(fd, numbers[0], one_in(t, 2)) : submit(fd, numbers, 2);
	after(t, ret < 0);
	log_step(t, "%s of file %d handles %u (%x), %u by %d: %d", begins ? "begin" : "submit",
		 t->handles[h].file, numbers[0], b->id, numbers[1], fd, ret);
	judge(t, ret < 0 ? t->err : 0, 0);
	doubt(t, t->handles[h].file);
	/* A begin waits, and time passes. */
	if (begins && !ret)
		b->busy = false;
	/* Where the handle is not known to the shim nothing has changed. */
	for (int i = 0; i < 2; i++) {
		b = &t->bufs[t->objects[t->handles[i ? other : h].object].buf];
		b->given |= sync_now() == SYNC_DRIVER;
		b->loose |= t->struck != 0;
	}
}
