// SPDX-License-Identifier: MIT
/* The fuzzer's steps on mappings: anonymous memory over them, touches, munmap(), mremap(). */
#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <sys/mman.h>

#include "fuzz.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

/* Anonymous memory, often over a mapping. */
void step_anonymous(struct thread *t)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	struct piece p = { .buf = -1, .prot = PROT_READ };
	char *to = NULL;
	void *out;

	if (!room_for_pieces(t, 8))
		return;
	p.pages = 1 + rnd(t, one_in(t, 2) ? 24 : 3);
	if (p.pages < 4)
		to = place(t, p.pages);
	if (to)
		flags |= MAP_FIXED;
	before(t);
	out = shim_mmap64(to, p.pages * PAGE, p.prot, flags, -1, 0);
	after(t, out == MAP_FAILED);
	log_step(t, "anonymous %d pages at %p: %p (%d)", p.pages, (void *)to, out,
		 out == MAP_FAILED ? t->err : 0);
	judge(t, out == MAP_FAILED ? t->err : 0, 0);
	if (out == MAP_FAILED)
		return;
	if (to)
		carve(t, to, p.pages);
	p.addr = out;
	piece_new(t, &p);
}

void step_touch(struct thread *t)
{
	int i = piece_pick(t, true);

	if (i < 0)
		return;
	piece_check(t, &t->pieces[i]);
	piece_write(t, &t->pieces[i]);
}

void step_unmap(struct thread *t)
{
	int i = piece_pick(t, rnd(t, 8)), first = 0, pages, ret, buf;
	struct piece *p, now;
	char *addr;

	if (i < 0 || !room_for_pieces(t, 3))
		return;
	p = &t->pieces[i];
	pages = p->pages;
	if (one_in(t, 2)) {
		first = rnd(t, pages);
		pages = 1 + rnd(t, pages - first);
	}
	addr = p->addr + first * PAGE;
	buf = p->buf;
	before(t);
	ret = shim_munmap(addr, pages * PAGE - rnd(t, PAGE));
	after(t, ret < 0);
	log_step(t, "unmap %p, %d pages from page %d of %p: %d", (void *)addr, pages, first,
		 (void *)p->addr, ret);
	judge(t, ret < 0 ? t->err : 0, 0);
	if (t->struck && buf >= 0)
		t->bufs[buf].loose = true;
	now = *p;
	now.addr = addr;
	now.first += first;
	now.pages = pages;
	carve(t, addr, pages);
	/* Where it failed the shim has forgotten that part. */
	if (ret < 0)
		piece_new(t, &now);
}

/* In bracket only where no fence is pending. */
void step_busy(struct thread *t)
{
	struct buf *b = &t->bufs[rnd(t, BUFS)];

	if (!b->id)
		return;
	b->busy = !b->busy;
	b->was_busy = true;
	fake_busy(b->ino, b->busy);
	log_step(t, "buffer %x is %s", b->id, b->busy ? "busy" : "idle");
}

enum remap { SHRINK, GROW, MOVE, DUPLICATE, KEEP, REMAPS };

void step_remap(struct thread *t)
{
	int i = piece_pick(t, true), kind = rnd(t, REMAPS), first = 0, old, pages, flags = 0;
	int want = 0;
	char *from, *to = NULL;
	struct piece now;
	void *out;

	if (i < 0 || !room_for_pieces(t, 8))
		return;
	now = t->pieces[i];
	old = pages = now.pages;
	if (now.private)
		kind = SHRINK;
	if (one_in(t, 3)) {
		first = rnd(t, old);
		old = pages = 1 + rnd(t, old - first);
	}
	from = now.addr + first * PAGE;
	switch (kind) {
	case SHRINK:
		pages = 1 + rnd(t, old);
		break;
	case GROW:
		flags = MREMAP_MAYMOVE;
		pages = old + 1 + rnd(t, 2);
		break;
	case MOVE:
		flags = MREMAP_MAYMOVE | MREMAP_FIXED;
		pages = old + (one_in(t, 4) ? rnd(t, 2) : 0);
		to = place(t, pages);
		if (!to || (to + pages * PAGE > from && to < from + old * PAGE))
			return;
		break;
	case DUPLICATE:
		flags = MREMAP_MAYMOVE;
		old = 0;
		break;
	default:
		flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
	}
	if (one_in(t, 20)) {
		flags = MREMAP_FIXED;	/* which has to be with MAYMOVE */
		want = EINVAL;
	}
	before(t);
	out = shim_mremap(from, old * PAGE, pages * PAGE, flags, to);
	after(t, out == MAP_FAILED);
	log_step(t, "mremap %p (page %d of %p, %x), %d pages to %d, flags %d, to %p: %p (%d)",
		 (void *)from, first, (void *)now.addr, t->bufs[now.buf].id, old, pages, flags,
		 (void *)to, out, out == MAP_FAILED ? t->err : 0);
	if (t->struck)
		t->bufs[now.buf].loose = true;
	if (out == MAP_FAILED) {
		/* What the shim keeps before a piece has to go to the new place as well. */
		EXPECT(t, t->err == want || t->struck || (now.inside && flags & MREMAP_FIXED),
		       "mremap: %d instead of %d", t->err, want);
		return;
	}
	EXPECT(t, !want && (!to || out == to), "mremap gave %p", out);
	now.addr = out;
	now.pages = pages;
	now.first += first;
	if (to)
		carve(t, to, pages);
	if (kind != DUPLICATE && kind != KEEP)
		carve(t, from, old);
	piece_new(t, &now);
	piece_check(t, &now);
	piece_write(t, &now);
}
