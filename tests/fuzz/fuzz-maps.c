// SPDX-License-Identifier: MIT
/* The fuzzer's steps that map: the map ioctl, mmap() of its offset, and how both are judged. */
#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>

#include "state/mapping.h"

#include "fuzz.h"

#define SYNTHETIC	(1ULL << 41)

/* Natively, without the shim. 0, or -1 and errno. */
long map_ioctl(int fd, uint32_t number, uint64_t *offset)
{
	struct drm_mode_map_dumb m = { .handle = number };
	int ret = fake_ioctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &m);

	*offset = m.offset;
	return ret;
}

/* A fault that says something of the dma-buf, which the shim may remember. */
static bool lasting(int err)
{
	return err == -SIGBUS || err == EACCES || err == ENODEV;
}

/* Another handle of the same buffer in the file has been given @offset too, or none has any. */
static bool same_offset(struct thread *t, int handle, uint64_t offset)
{
	struct handle *h = &t->handles[handle];

	for (int i = 0; i < HANDLES; i++) {
		struct handle *o = &t->handles[i];

		if (o->used && o->sure && o->file == h->file && o->offset != offset &&
		    t->objects[o->object].buf == t->objects[h->object].buf &&
		    o->offset >= SYNTHETIC && offset >= SYNTHETIC)
			return false;
	}
	return true;
}

void step_map_ioctl(struct thread *t)
{
	int i = handle_pick(t), fd, ret, want;
	struct drm_mode_map_dumb m = { 0 };
	struct handle *h;
	struct object *o;
	uint64_t offset;
	bool rescue, sure;

	if (i < 0)
		return;
	h = &t->handles[i];
	o = &t->objects[h->object];
	fd = fd_of_file(t, h->file);
	m.handle = h->number;
	before(t);
	ret = shim_ioctl(t->fds[fd].number, DRM_IOCTL_MODE_MAP_DUMB, &m);
	after(t, ret < 0);
	want = map_ioctl(t->fds[fd].number, h->number, &offset) < 0 ? errno : 0;
	if (!want && o->native)
		EXPECT(t, offset == o->native, "the model's offset");
	if (!want)
		o->native = offset;
	rescue = want == EINVAL && redirect && !t->bufs[o->buf].doubtful;
	sure = !t->struck && !t->files[h->file].muddled && !t->disordered;
	log_step(t, "map ioctl of file %d handle %u (%x) by %d: %d, %llx; natively %d", h->file,
		 h->number, t->bufs[o->buf].id, t->fds[fd].number, ret < 0 ? t->err : 0,
		 (unsigned long long)m.offset, want);
	if (t->struck) {
		/* The shim makes an END and a START here, if the import is mapped. */
		t->bufs[o->buf].loose = true;
		t->bufs[o->buf].doubtful |= lasting(t->struck);
		t->files[h->file].split = true;
		t->fds[fd].known = false;
		h->recorded = false;
	}
	if (ret < 0) {
		judge(t, t->err, want);
		EXPECT(t, !rescue || t->struck, "the shim gave no offset");
		return;
	}
	EXPECT(t, !want || (redirect && want == EINVAL), "natively this fails with %d", want);
	/* With these for a fault it looks like a driver that refuses, or a render node. */
	EXPECT(t, m.offset >= SYNTHETIC ? want || t->struck == ENODEV || t->struck == EACCES :
					  m.offset == o->native,
	       "offset %llx", (unsigned long long)m.offset);
	EXPECT(t, !sure || t->files[h->file].split || !h->sure || h->offset == m.offset,
	       "the offset was %llx", (unsigned long long)h->offset);
	EXPECT(t, !sure || t->files[h->file].split || same_offset(t, i, m.offset),
	       "another handle has another offset");
	/* A refusal teaches the shim the handle. */
	if (want && sure)
		h->recorded = t->fds[fd].known = true;
	h->offset = m.offset;
	/* In a split file what one descriptor imported may be unknown by another. */
	h->sure = sure && h->recorded && t->fds[fd].known && (want || !t->files[h->file].split);
	h->via = t->fds[fd].serial;
}

/* What a mapping of @file at @offset may show: a buffer, and from which page. */
static bool may_show(struct thread *t, int file, uint64_t offset, uint32_t id, int *first,
		     bool *broken)
{
	*broken = false;
	for (int i = 0; i < HANDLES; i++) {
		struct handle *h = &t->handles[i];
		struct object *o;
		struct buf *b;
		uint64_t from;

		if (!h->used || h->file != file)
			continue;
		o = &t->objects[h->object];
		b = &t->bufs[o->buf];
		if (o->native == offset && o->import && o->device == FAKE_SIGBUS && !id) {
			*broken = true;
			*first = o->buf;
			return true;
		}
		if (b->id != id)
			continue;
		from = h->offset && offset >= h->offset && offset < h->offset + b->pages * PAGE ?
		       h->offset : o->native;
		if (from && offset >= from && offset < from + b->pages * PAGE) {
			*first = (offset - from) / PAGE;
			return true;
		}
		for (int j = 0; j < OLD; j++) {
			struct old *old = &t->old[j];

			if (old->file == file && old->buf == id && offset >= old->offset &&
			    offset < old->offset + b->pages * PAGE) {
				*first = (offset - old->offset) / PAGE;
				return true;
			}
		}
	}
	return false;
}

/* Which buffer is mapped there, by its stamp; 0 where it cannot be touched. */
static uint32_t seen(const char *addr)
{
	uint64_t word = 0;
	int fds[2];

	/*
	 * A write-only page can be read on most machines, but not by process_vm_readv(). Calls by
	 * number, as a sanitizer that sees some of those on a descriptor takes others for a race.
	 */
	if (fake_pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return 0;
	if (syscall(SYS_write, fds[1], addr, 8) != 8 || syscall(SYS_read, fds[0], &word, 8) != 8)
		word = 0;
	fake_close(fds[0]);
	fake_close(fds[1]);
	return word >> 32;
}

static int buf_with(struct thread *t, uint32_t id)
{
	for (int i = 0; i < BUFS; i++)
		if (id && t->bufs[i].id == id)
			return i;
	return -1;
}

/* Are there pages of a file? Anonymous ones may be the shim's own tables, put into a gap. */
static bool of_a_file(const char *at)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long from, to, ino;
	bool found = false;

	while (f && !found && fscanf(f, "%lx-%lx %*s %*s %*s %lu%*[^\n]", &from, &to, &ino) == 3)
		found = from <= (uintptr_t)at && (uintptr_t)at < to && ino;
	if (f)
		fclose(f);
	return found;
}

/*
 * A MAP_FIXED that failed by a fault may have unmapped what was there, or have left pages that
 * fault. (What other threads put into a gap is theirs; but faults are for one thread.)
 */
static void recheck(struct thread *t, char *addr, int pages)
{
	for (char *at = addr; at < addr + pages * PAGE; at += PAGE) {
		struct piece gone = { .addr = at, .pages = 1, .buf = -1 };
		unsigned char in_core;
		bool gap = threads == 1 && mincore(at, PAGE, &in_core) < 0;

		for (int i = 0; i < PIECES; i++) {
			struct piece p = t->pieces[i];
			int page = (at - p.addr) / PAGE;

			if (!p.addr || at < p.addr || page >= p.pages)
				continue;
			if (!gap && (p.buf < 0 || !(p.prot & PROT_READ) || page_right(t, &p, page)))
				continue;
			carve(t, at, 1);
			t->torn |= !gap;
			if (threads == 1 && !gap && of_a_file(at))
				piece_new(t, &gone);
			break;
		}
	}
}

struct map_try {
	int fd, handle, buf;	/* or -1 */
	uint64_t offset, delta;
	size_t len;
	int prot, flags;
	char *addr;
};

/* Only a right mapping will do. */
static bool must(struct thread *t, const struct map_try *m)
{
	struct fd *fd = &t->fds[m->fd];
	struct ofile *f = &t->files[fd->file];
	struct handle *h;
	struct buf *b;

	if (!redirect || t->struck || m->handle < 0)
		return false;
	h = &t->handles[m->handle];
	b = &t->bufs[m->buf];
	if (!h->sure || b->doubtful || f->muddled || t->disordered || !fd->known ||
	    (f->split && h->via != fd->serial) || !m->len)
		return false;
	if (m->delta + m->len > (uint64_t)b->pages * PAGE || !(m->flags & MAP_SHARED))
		return false;
	if (m->delta % PAGE || (m->delta && m->flags & MAP_FIXED))
		return false;
	/* A device that was opened for reading is refused before anybody asks the driver. */
	if (m->prot & PROT_WRITE && (!b->writable || f->read_only))
		return false;
	/* Whether a native mapping works is found out by reading. */
	return m->prot & PROT_READ || (b->origin < 0 && !t->dirty);
}

/*
 * Does the shim follow that mapping? A driver's, of an import that it does not know, it does not.
 */
static bool recorded(void *addr, int pages)
{
	struct mapping m;
	bool known;

	buffers_lock();
	known = mapping_at((uintptr_t)addr, pages * PAGE, &m);
	buffers_unlock();
	return known;
}

/* Is the refusal the file's own, which comes when the place is unmapped? Not a check before it. */
static bool refused_by_file(struct thread *t, const struct map_try *m)
{
	bool read_only = t->files[t->fds[m->fd].file].read_only;

	return m->delta % PAGE == 0 &&
	       !(read_only && m->flags & MAP_SHARED && m->prot & PROT_WRITE);
}

/*
 * A dup2() behind the shim's back may have put the file at a number of another one's. The shim then
 * goes by the other one's offsets: for a buffer of which both have the same handle (limits.md).
 */
static bool mistaken(struct thread *t, int file, uint32_t id)
{
	for (int i = 0; i < HANDLES && t->files[file].muddled; i++) {
		const struct handle *h = &t->handles[i];

		if (h->used && h->file == file && t->bufs[t->objects[h->object].buf].id == id)
			return true;
	}
	return false;
}

static void judge_map(struct thread *t, const struct map_try *m, void *out)
{
	int native_err, pages = (m->len + PAGE - 1) / PAGE, file = t->fds[m->fd].file;
	struct piece p = { .addr = out, .pages = pages, .prot = m->prot };
	uint32_t id;
	void *native;

	if (lasting(t->struck) && m->buf >= 0)
		t->bufs[m->buf].doubtful = true;
	for (int i = 0; i < BUFS && t->struck; i++)
		t->bufs[i].loose |= m->buf < 0 || m->buf == i;
	if (out == MAP_FAILED) {
		native = fake_mmap64(NULL, m->len, m->prot, m->flags & ~MAP_FIXED,
				     t->fds[m->fd].number, m->offset);
		native_err = native == MAP_FAILED ? errno : 0;
		if (!native_err)
			fake_munmap(native, m->len);
		/* Another thread's object may come or go at an offset that is nobody's here. */
		if (m->handle < 0 && native_err == (t->err == EINVAL ? EACCES : EINVAL))
			native_err = t->err;
		judge(t, t->err, native_err);
		EXPECT(t, !must(t, m), "the shim does not map it");
		if (m->flags & MAP_FIXED && t->struck)
			recheck(t, m->addr, pages);
		else if (m->flags & MAP_FIXED && refused_by_file(t, m))
			carve(t, m->addr, pages);
		return;
	}
	EXPECT(t, !(m->flags & MAP_FIXED) || out == m->addr, "MAP_FIXED gave %p", out);
	/* No exporter's mapping faults for good beside others of the same that do not. */
	if (t->struck == -SIGBUS) {
		buffers_lock();
		mapping_unwhole((uintptr_t)out, pages * PAGE);
		buffers_unlock();
	}
	if (m->flags & MAP_FIXED)
		carve(t, m->addr, pages);
	id = seen(out);
	p.buf = buf_with(t, id);
	if (id && p.buf < 0)
		fail(t, "%p shows buffer %x, which is gone or another thread's", out, id);
	p.broken = !id;
	if (!id && t->struck == -SIGBUS) {
		p.buf = m->buf;
	} else if (!may_show(t, file, m->offset, id, &p.first, &p.broken)) {
		EXPECT(t, mistaken(t, file, id), "%p shows buffer %x", out, id);
		t->bufs[p.buf].loose = true;
		EXPECT(t, !shim_munmap(out, m->len), "munmap: %d", errno);
		return;
	} else if (p.broken) {
		p.buf = p.first;
	}
	if (p.broken)
		p.first = 0;
	EXPECT(t, !must(t, m) || !p.broken, "the mapping is the driver's, which faults");
	EXPECT(t, !observe || t->struck ||
	       p.broken == (t->files[file].device == FAKE_SIGBUS &&
			    t->bufs[p.buf].origin != FAKE_SIGBUS), "this is not native");
	if (p.buf >= 0 && recorded(out, pages))
		t->bufs[p.buf].given = false;
	p.inside = m->delta;
	p.private = m->flags & MAP_PRIVATE;
	piece_new(t, &p);
	piece_check(t, &p);
	piece_write(t, &p);
}

void step_map(struct thread *t)
{
	static const int prots[] = {
		PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_WRITE
	};
	struct map_try m = { .handle = handle_pick(t), .buf = -1, .flags = MAP_SHARED };
	struct handle *h = m.handle < 0 ? NULL : &t->handles[m.handle];
	struct old *old = &t->old[rnd(t, OLD)];
	int pages = 1 + rnd(t, MOST_PAGES);
	void *out;

	if (!room_for_pieces(t, 8))
		return;
	if (one_in(t, 10) && old->offset && old->file >= SHARED && t->files[old->file].used) {
		m.handle = -1;
		h = NULL;
		m.fd = fd_of_file(t, old->file);
		m.offset = old->offset;
	} else if (h && h->offset) {
		m.fd = fd_of_file(t, h->file);
		m.offset = h->offset;
		m.buf = t->objects[h->object].buf;
		pages = t->bufs[m.buf].pages;
	} else {
		return;
	}
	m.len = pages * PAGE;
	if (pages > 1 && one_in(t, 3)) {
		m.delta = rnd(t, pages) * PAGE;
		m.len -= m.delta;
	}
	if (one_in(t, 4))
		m.len = 1 + rnd(t, m.len);
	if (one_in(t, 24))
		m.len += PAGE * (1 + rnd(t, 3));
	if (one_in(t, 40))
		m.delta += 1 + rnd(t, PAGE - 1);
	m.offset += m.delta;
	m.prot = prots[rnd(t, 4)];
	if (one_in(t, 16))
		m.flags = MAP_PRIVATE;
	m.addr = one_in(t, 4) ? place(t, (m.len + PAGE - 1) / PAGE) : NULL;
	if (m.addr)
		m.flags |= MAP_FIXED;
	before(t);
	out = shim_mmap64(m.addr, m.len, m.prot, m.flags, t->fds[m.fd].number, m.offset);
	after(t, out == MAP_FAILED);
	log_step(t, "map file %d by %d at %llx + %llx (handle %d, %x), %zu bytes, prot %d, "
		 "flags %x, to %p: %p (%d)", t->fds[m.fd].file, t->fds[m.fd].number,
		 (unsigned long long)(m.offset - m.delta), (unsigned long long)m.delta,
		 h ? (int)h->number : -1, m.buf < 0 ? 0 : t->bufs[m.buf].id, m.len, m.prot,
		 m.flags, (void *)m.addr, out, out == MAP_FAILED ? t->err : 0);
	judge_map(t, &m, out);
	if (t->struck) {
		struct fd *fd = &t->fds[m.fd];

		fd->known = false;
		t->files[fd->file].split = true;
		if (h)
			h->recorded = h->sure = false;
	}
}

void step_bad_map(struct thread *t)
{
	int i = piece_pick(t, true), fd = fd_pick(t, rnd(t, 2)), number, want, ret = 0;
	size_t len = one_in(t, 2) ? 0 : PAGE;
	uint64_t off = one_in(t, 2) ? 100 : (1ULL << 42) + rnd(t, 2) * PAGE;
	void *out, *native;

	if (one_in(t, 2) && i >= 0) {
		before(t);
		ret = shim_munmap(t->pieces[i].addr + (len ? 1 : 0), len);
		after(t, ret < 0);
		log_step(t, "bad munmap: %d", ret);
		judge(t, ret < 0 ? t->err : 0, EINVAL);
		return;
	}
	number = fd < 0 || one_in(t, 4) ? ANY_FD - 100 : t->fds[fd].number;
	if (fd >= 0 && t->fds[fd].buf >= 0)
		off = 100;
	before(t);
	out = shim_mmap64(NULL, len, PROT_READ, MAP_SHARED, number, off);
	after(t, out == MAP_FAILED);
	native = fake_mmap64(NULL, len, PROT_READ, MAP_SHARED, number, off);
	want = native == MAP_FAILED ? errno : 0;
	log_step(t, "bad map of %d at %llx: %d, natively %d", number, (unsigned long long)off,
		 t->err, want);
	/* That fault makes a mapping of anything. */
	if (t->struck == -SIGBUS) {
		if (out != MAP_FAILED)
			shim_munmap(out, PAGE);
		return;
	}
	EXPECT(t, out == MAP_FAILED && want, "a bad map worked");
	judge(t, t->err, want);
}
