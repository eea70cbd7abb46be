// SPDX-License-Identifier: MIT
/* The fuzzer's model of what a thread has: only bookkeeping; see fuzz.h. */
#include "config.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "fuzz.h"

int fd_at(struct thread *t, int number)
{
	for (int i = 0; i < FDS; i++)
		if (t->fds[i].number == number)
			return i;
	return -1;
}

bool tainted(struct thread *t, int number)
{
	for (int i = 0; i < t->taints; i++)
		if (t->tainted[i] == number)
			return true;
	return false;
}

void taint(struct thread *t, int number)
{
	if (!tainted(t, number) && t->taints < TAINTED)
		t->tainted[t->taints++] = number;
}

int fd_new(struct thread *t, int number, int file, int buf, bool known)
{
	int i = fd_at(t, -1);

	EXPECT(t, fd_at(t, number) < 0, "%d is a new descriptor, and was one already", number);
	EXPECT(t, i >= 0, "the model is full of descriptors");
	t->fds[i] = (struct fd){
		.number = number, .file = file, .buf = buf, .known = known,
		.serial = ++t->serial,
	};
	if (file >= 0 && tainted(t, number))
		muddle(t, file);
	return i;
}

static bool file_has_fd(struct thread *t, int file, bool known)
{
	for (int i = 0; i < FDS; i++)
		if (t->fds[i].number >= 0 && t->fds[i].file == file &&
		    (!known || t->fds[i].known))
			return true;
	return false;
}

void fd_gone(struct thread *t, int fd)
{
	int file = t->fds[fd].file;

	t->fds[fd].number = -1;
	if (file >= SHARED && !file_has_fd(t, file, false)) {
		for (int i = 0; i < HANDLES; i++)
			if (t->handles[i].used && t->handles[i].file == file)
				handle_gone(t, i);
		t->files[file].used = false;
	} else if (file >= 0 && !file_has_fd(t, file, true)) {
		/* The shim has forgotten the file. */
		for (int i = 0; i < HANDLES; i++)
			if (t->handles[i].used && t->handles[i].file == file)
				t->handles[i].recorded = t->handles[i].sure = false;
	}
}

static int pick(struct thread *t, bool (*fits)(struct thread *, int, int), int what, int slots)
{
	int n = 0, chosen = -1;

	for (int i = 0; i < slots; i++)
		if (fits(t, i, what) && !rnd(t, ++n))
			chosen = i;
	return chosen;
}

static bool fd_is_file(struct thread *t, int i, int files)
{
	return t->fds[i].number >= 0 && (t->fds[i].file >= 0) == files;
}

int fd_pick(struct thread *t, bool files)
{
	return pick(t, fd_is_file, files, FDS);
}

static bool fd_is_of(struct thread *t, int i, int file)
{
	return t->fds[i].number >= 0 && t->fds[i].file == file;
}

int fd_of_file(struct thread *t, int file)
{
	return pick(t, fd_is_of, file, FDS);
}

static bool fd_is_of_buf(struct thread *t, int i, int buf)
{
	return t->fds[i].number >= 0 && t->fds[i].buf == buf;
}

int fd_of_buf(struct thread *t, int buf)
{
	return pick(t, fd_is_of_buf, buf, FDS);
}

static bool handle_is(struct thread *t, int i, int what)
{
	(void)what;
	return t->handles[i].used;
}

int handle_pick(struct thread *t)
{
	return pick(t, handle_is, 0, HANDLES);
}

static bool piece_is(struct thread *t, int i, int bufs_only)
{
	return t->pieces[i].addr && (!bufs_only || t->pieces[i].buf >= 0);
}

int piece_pick(struct thread *t, bool bufs_only)
{
	return pick(t, piece_is, bufs_only, PIECES);
}

int file_pick_new(struct thread *t)
{
	for (int i = SHARED; i < FILES; i++) {
		if (t->files[i].used)
			continue;
		t->files[i] = (struct ofile){ .used = true };
		return i;
	}
	return -1;
}

static bool buf_used(struct thread *t, int buf)
{
	for (int i = 0; i < FDS; i++)
		if (t->fds[i].number >= 0 && t->fds[i].buf == buf)
			return true;
	for (int i = 0; i < OBJECTS; i++)
		if (t->objects[i].used && t->objects[i].buf == buf)
			return true;
	for (int i = 0; i < PIECES; i++)
		if (t->pieces[i].addr && t->pieces[i].buf == buf)
			return true;
	return false;
}

void bufs_reap(struct thread *t)
{
	for (int i = 0; i < BUFS; i++) {
		struct buf *b = &t->bufs[i];

		if (!b->id || buf_used(t, i))
			continue;
		if (b->busy)
			fake_busy(b->ino, false);
		if (b->view)
			munmap((void *)b->view, b->pages * PAGE);
		*b = (struct buf){ 0 };
	}
}

int buf_new(struct thread *t)
{
	for (int i = 0; i < BUFS; i++) {
		if (t->bufs[i].id)
			continue;
		t->bufs[i] = (struct buf){
			.id = (t->index + 1) << 24 | (++t->id & 0xffffff),
		};
		return i;
	}
	return -1;
}

/* A foreign buffer becomes a new object at every import, a native one is the same again. */
int object_new_of(struct thread *t, int device, int buf, bool import)
{
	int slot = -1;

	for (int i = 0; i < OBJECTS; i++) {
		struct object *o = &t->objects[i];

		if (!o->used)
			slot = i;
		else if (!import && !o->import && o->buf == buf && o->device == device)
			return i;
	}
	if (slot >= 0)
		t->objects[slot] = (struct object){
			.used = true, .import = import, .device = device, .buf = buf,
		};
	return slot;
}

int handle_at(struct thread *t, int file, uint32_t number)
{
	for (int i = 0; i < HANDLES; i++)
		if (t->handles[i].used && t->handles[i].file == file &&
		    t->handles[i].number == number)
			return i;
	return -1;
}

int handle_add(struct thread *t, int file, int object, uint32_t number)
{
	EXPECT(t, handle_at(t, file, number) < 0, "handle %u is new, and was there", number);
	for (int i = 0; i < HANDLES; i++) {
		if (t->handles[i].used)
			continue;
		t->handles[i] = (struct handle){
			.used = true, .file = file, .object = object, .number = number,
		};
		return i;
	}
	fail(t, "the model is full of handles");
}

void handle_gone(struct thread *t, int handle)
{
	struct handle *h = &t->handles[handle];
	struct object *o = &t->objects[h->object];

	h->used = false;
	if (h->offset)
		t->old[rnd(t, OLD)] = (struct old){
			.file = h->file, .offset = h->offset, .buf = t->bufs[o->buf].id,
			.pages = t->bufs[o->buf].pages,
		};
	for (int i = 0; i < HANDLES; i++)
		if (t->handles[i].used && t->handles[i].object == h->object)
			return;
	o->used = false;
}

int piece_new(struct thread *t, const struct piece *p)
{
	for (int i = 0; i < PIECES; i++) {
		if (t->pieces[i].addr)
			continue;
		t->pieces[i] = *p;
		return i;
	}
	fail(t, "the model is full of pieces");
}

bool room_for_pieces(struct thread *t, int n)
{
	int used = 0;

	for (int i = 0; i < PIECES; i++)
		used += !!t->pieces[i].addr;
	return used <= PIECES - n;
}

/* A place for @pages within one of the thread's own pieces, or NULL. */
char *place(struct thread *t, int pages)
{
	int i = piece_pick(t, false);
	const struct piece *p;

	if (i < 0 || !pages)
		return NULL;
	p = &t->pieces[i];
	return p->pages < pages ? NULL : p->addr + rnd(t, p->pages - pages + 1) * PAGE;
}

/* [addr, addr + pages) is no longer what it was: pieces get shorter, or two. */
void carve(struct thread *t, const char *addr, int pages)
{
	for (int i = 0; i < PIECES; i++) {
		struct piece *p = &t->pieces[i], back;
		long from = (addr - p->addr) / PAGE, to = from + pages;

		if (!p->addr || from >= p->pages || to <= 0)
			continue;
		/* Its bracket may not have been ended. */
		if (t->struck && p->buf >= 0)
			t->bufs[p->buf].loose = true;
		back = *p;
		back.addr += to * PAGE;
		back.first += to;
		back.pages -= to;
		if (from > 0)
			p->pages = from;
		else
			p->addr = NULL;
		if (back.pages > 0)
			piece_new(t, &back);
	}
}
