// SPDX-License-Identifier: MIT
/* Random calls on devices, handles and dma-bufs, right and wrong; see same.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>
#include <linux/dma-buf.h>

#include "same.h"

/*
 * An ioctl on an argument of @size bytes, which now and then is where it cannot be written, or
 * read. Says where, and the result.
 */
static int call_at(struct prog *p, int fd, unsigned long request, void *arg, size_t size)
{
	void *at = arg;
	int ret;

	if (one_in(p, 16)) {
		at = one_in(p, 3) ? p->none : one_in(p, 2) ? NULL : p->read_only;
		say(p, at == p->none ? " at PROT_NONE" : at ? " at read-only memory" : " at NULL");
	}
	if (at == p->read_only) {
		/* Raw, as this is not the program's doing. */
		syscall(SYS_mprotect, at, PAGE, PROT_READ | PROT_WRITE);
		memcpy(at, arg, size);
		syscall(SYS_mprotect, at, PAGE, PROT_READ);
	}
	ret = CALL(p, ioctl(fd, request, at));
	result(p, ret);
	return ret;
}

#define CALL_AT(p, fd, request, arg)	call_at(p, fd, request, &(arg), sizeof(arg))

/* Handles of a file that threads share have numbers that differ from run to run. */
static void say_handle(struct prog *p, const struct handle *h)
{
	if (threads > 1)
		say(p, " handle#%d", h->name);
	else
		say(p, " handle %u", h->number);
}

static struct handle *handle_at(struct prog *p, int file, uint32_t number)
{
	for (int i = 0; i < HANDLES; i++)
		if (p->handles[i].used && p->handles[i].file == file &&
		    p->handles[i].number == number)
			return &p->handles[i];
	return NULL;
}

static void handle_new(struct prog *p, int file, uint32_t number, int pages)
{
	struct handle *h = handle_at(p, file, number);

	for (int i = 0; i < HANDLES && !h; i++)
		if (!p->handles[i].used)
			h = &p->handles[i];
	if (!h)
		h = &p->handles[rnd(p, HANDLES)];
	if (!h->used || h->file != file || h->number != number)
		*h = (struct handle){ .used = true, .file = file, .number = number, .pages = pages,
				      .name = ++p->handle_names, .depth = p->depth };
	say(p, ",");
	say_handle(p, h);
}

/* Mostly one that can be used by *@fd; now and then not. NULL: there is none at all. */
static struct handle *handle_pick(struct prog *p, int *fd)
{
	struct handle *h = NULL;
	int seen = 0;

	for (int i = 0; i < HANDLES; i++)
		if (p->handles[i].used && one_in(p, ++seen))
			h = &p->handles[i];
	*fd = !h || one_in(p, 20) ? fd_mine(p) : fd_of(p, h->file);
	return h && *fd >= 0 ? h : NULL;
}

void step_open(struct prog *p)
{
	static const int flags[] = { O_RDWR, O_RDWR | O_CLOEXEC, O_RDWR | O_NONBLOCK, O_RDONLY };
	int how = flags[rnd(p, avoided("read-only-card") ? 3 : 4)], ret;
	char path[32];

	/* One open file is everybody's; each thread has its own handles there. */
	if (status_card >= 0 && one_in(p, 3)) {
		say(p, "dup(the shared card)");
		result(p, fd_got(p, CALL(p, dup(status_card))));
		return;
	}
	snprintf(path, sizeof(path), "/dev/dri/card%d", device);
	ret = CALL(p, open(path, how));
	say(p, "open(card, %x)", (unsigned int)how);
	result(p, fd_got(p, ret));
}

void step_buffer(struct prog *p)
{
	int pages = 1 + rnd(p, MOST), fill = rnd(p, 256), ret;
	bool rw = writable || !one_in(p, 4);

	ret = CALL(p, new_dmabuf(pages * PAGE, fill, rw));
	say(p, "a dma-buf of %d pages, %s", pages, rw ? "rw" : "ro");
	/* Not the shim's call, nor a kernel's. */
	p->err = ret < 0 ? p->err : KEPT;
	result(p, fd_got(p, ret));
}

void step_dumb(struct prog *p)
{
	int fd = fd_card(p), pages = 1 + rnd(p, MOST);
	struct drm_mode_create_dumb d = { .width = PAGE / 4, .height = pages, .bpp = 32 };

	if (fd < 0)
		return;
	say(p, "%d: CREATE_DUMB of %d pages", fd, pages);
	if (!CALL_AT(p, fd, DRM_IOCTL_MODE_CREATE_DUMB, d))
		handle_new(p, p->fds[fd].file, d.handle, pages);
}

void step_import(struct prog *p)
{
	bool odd = one_in(p, 12);
	int fd = odd ? fd_mine(p) : fd_card(p), from = odd ? fd_pick(p) : fd_dmabuf(p);
	struct drm_prime_handle prime = { .fd = from };
	struct ident *id = from < NUMBERS && from >= 0 &&
		p->fds[from].mine ? ident_of(p, from) : NULL;

	/* The shim's own dma-bufs can be seen by who looks for them (documented). */
	if (fd < 0 || (!id && from >= HIGH))
		return;
	/* A handle of GEM_OPEN whose map was refused was exported by the shim (documented). */
	if (avoided("two-handles") && p->opened[p->fds[fd].file])
		return;
	say(p, "%d: FD_TO_HANDLE(%d)", fd, from);
	if (!CALL_AT(p, fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, prime))
		handle_new(p, p->fds[fd].file, prime.handle, id ? id->pages : 1);
}

void step_export(struct prog *p)
{
	struct drm_prime_handle prime = { .flags = rnd(p, 2) ? DRM_CLOEXEC : 0 };
	int fd;
	struct handle *h = handle_pick(p, &fd);

	if (!h)
		return;
	/* The shim adds it (documented), but for PRIMESHIM_EXPORT=keep. */
	if (writable || one_in(p, 2))
		prime.flags |= DRM_RDWR;
	if (one_in(p, 20))
		prime.flags |= 1U << rnd(p, 31);
	if (writable)
		prime.flags |= DRM_RDWR;
	prime.handle = one_in(p, 20) ? 0xdead : h->number;
	say(p, "%d: HANDLE_TO_FD", fd);
	if (prime.handle == h->number)
		say_handle(p, h);
	say(p, ", flags %x", prime.flags);
	if (!CALL_AT(p, fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, prime))
		say(p, ", %d", fd_got(p, prime.fd));
}

void step_close_handle(struct prog *p)
{
	int fd, ret;
	struct handle *h = handle_pick(p, &fd);
	struct drm_gem_close c = { 0 };
	struct drm_mode_destroy_dumb d = { 0 };
	bool dumb = one_in(p, 3);

	/*
	 * A parent would not know: its offset would be stale, or another thread's, and the shim may
	 * map a stale one if the handle is of the same buffer again (documented).
	 */
	if (!h || h->depth < p->depth)
		return;
	c.handle = d.handle = one_in(p, 20) ? 0xdead : h->number;
	say(p, "%d: %s", fd, dumb ? "DESTROY_DUMB" : "GEM_CLOSE");
	if (c.handle == h->number)
		say_handle(p, h);
	ret = dumb ? CALL_AT(p, fd, DRM_IOCTL_MODE_DESTROY_DUMB, d) :
		     CALL_AT(p, fd, DRM_IOCTL_GEM_CLOSE, c);
	h = handle_at(p, p->fds[fd].file, c.handle);
	if (!ret && h)
		h->used = false;
}

void step_flink(struct prog *p)
{
	int fd, to = fd_card(p);
	struct handle *h = handle_pick(p, &fd);
	struct drm_gem_flink flink = { 0 };
	struct drm_gem_open gem = { 0 };

	if (!h || to < 0 || (avoided("two-handles") && p->fds[to].file == p->fds[fd].file))
		return;
	flink.handle = h->number;
	say(p, "%d: GEM_FLINK", fd);
	say_handle(p, h);
	if (CALL_AT(p, fd, DRM_IOCTL_GEM_FLINK, flink))
		return;
	gem.name = flink.name;
	say(p, ", %d: GEM_OPEN", to);
	if (CALL_AT(p, to, DRM_IOCTL_GEM_OPEN, gem))
		return;
	p->opened[p->fds[to].file] = true;
	handle_new(p, p->fds[to].file, gem.handle, gem.size / PAGE);
}

/* The driver's way to an offset. */
static const struct fake_way *way(void)
{
	static struct fake_way dumb =
		{ .name = "MODE_MAP_DUMB", .nr = 0xb3, .size = 16, .value = 8 };

	return driver->ways[0].name ? &driver->ways[0] : &dumb;
}

static unsigned long ask_with(uint64_t *arg, uint32_t handle)
{
	const struct fake_way *w = way();
	uint32_t selected = w->selected;

	memcpy((char *)arg + w->handle, &handle, sizeof(handle));
	if (w->selects)
		memcpy((char *)arg + w->select, &selected, sizeof(selected));
	return _IOC(_IOC_READ | _IOC_WRITE, 'd', w->nr, w->size);
}

int ask_offset(int fd, uint32_t handle, uint64_t *offset)
{
	uint64_t arg[16] = { 0 };
	int ret = ioctl(fd, ask_with(arg, handle), arg);

	memcpy(offset, (char *)arg + way()->value, sizeof(*offset));
	return ret;
}

void step_ask(struct prog *p)
{
	uint64_t arg[16] = { 0 }, offset;
	unsigned long request;
	struct offset *o = &p->offsets[rnd(p, OFFSETS)];
	int fd;
	struct handle *h = handle_pick(p, &fd);
	bool wrong = one_in(p, 24);

	if (!h)
		return;
	request = ask_with(arg, wrong ? 0xdead : h->number);
	say(p, "%d: %s", fd, way()->name);
	if (!wrong)
		say_handle(p, h);
	if (call_at(p, fd, request, arg, way()->size))
		return;
	memcpy(&offset, (char *)arg + way()->value, sizeof(offset));
	if (p->fds[fd].file != h->file)
		h = handle_at(p, p->fds[fd].file, h->number);
	if (!h)
		return;
	/* What an offset is the driver says, or the shim (documented); but it stays. */
	say(p, ", %s", !h->offset ? "an offset" : h->offset == offset ? "the same" : "another");
	if (!h->offset)
		*o = (struct offset){ h->file, ++p->offset_names, h->name, h->pages, offset };
	h->offset = offset;
}

/* What the driver's programs say of whose turn it is. */
void step_turn(struct prog *p)
{
	const struct fake_turn *t = &driver->turns[rnd(p, FAKE_TURNS)];
	uint64_t arg[24] = { 0 }, list = 0;
	uint32_t op, n = 1;
	char element[64] = { 0 };
	int fd;
	struct handle *h = handle_pick(p, &fd);

	if (!h || !t->name || t->chunk || t->fixed || t->size > sizeof(arg))
		return;
	op = one_in(p, 2) ? t->reads : t->reads | t->writes;
	if (t->kind == TURN_SUBMIT) {
		memcpy(element + t->element, &h->number, 4);
		list = (uintptr_t)element;
		memcpy((char *)arg + t->list, &list, sizeof(list));
		if (t->count)
			memcpy((char *)arg + t->count, &n, sizeof(n));
	} else if (t->kind != TURN_SUBMIT_ANY && t->kind != TURN_WAIT_ANY) {
		memcpy((char *)arg + t->handle, &h->number, 4);
		if (t->op)
			memcpy((char *)arg + t->op, &op, 4);
		if (t->selects)
			memcpy((char *)arg + t->select, &(uint32_t){ t->selected }, 4);
	}
	say(p, "%d: %s", fd, t->name);
	say_handle(p, h);
	call_at(p, fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', t->nr, t->size), arg, t->size);
}

/* The program's own brackets, on the dma-buf itself. */
void step_sync(struct prog *p)
{
	int fd = one_in(p, 10) ? fd_mine(p) : fd_dmabuf(p);
	struct dma_buf_sync s = { .flags = rnd(p, 8) };

	if (fd < 0)
		return;
	say(p, "%d: DMA_BUF_IOCTL_SYNC(%x)", fd, (unsigned int)s.flags);
	CALL_AT(p, fd, DMA_BUF_IOCTL_SYNC, s);
}

void step_poll(struct prog *p)
{
	struct pollfd fds[2] = { { .events = POLLIN | POLLOUT }, { .events = POLLIN } };
	int n = 1 + rnd(p, 2), ret;
	struct timespec none = { 0 };

	fds[0].fd = fd_mine(p);
	fds[1].fd = one_in(p, 4) ? p->low + (int)rnd(p, p->lows) : fd_mine(p);
	if (one_in(p, 16)) {
		say(p, "ppoll(PROT_NONE)");
		result(p, CALL(p, ppoll((struct pollfd *)p->none, 1, &none, NULL)));
		return;
	}
	ret = one_in(p, 2) ? CALL(p, poll(fds, n, rnd(p, 2))) : CALL(p, ppoll(fds, n, &none, NULL));
	say(p, "poll(%d, %d; %d)", fds[0].fd, fds[1].fd, n);
	result(p, ret);
	/* A child of another thread may have the other end of a pipe for a while. */
	if (threads == 1)
		say(p, " (%x, %x)", (unsigned int)fds[0].revents,
		    (unsigned int)fds[1].revents);
}
