// SPDX-License-Identifier: MIT
/* The fuzzer's step that maps a dma-buf by its own descriptor; with PRIMESHIM_DIRECT=sync alone. */
#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <sys/mman.h>

#include "settings/settings.h"
#include "state/mapping.h"

#include "fuzz.h"

/* As natively: 0 or an errno. */
static int native_map(size_t len, int prot, int fd, uint64_t offset)
{
	void *p = fake_mmap64(NULL, len, prot, MAP_SHARED, fd, offset);

	if (p == MAP_FAILED)
		return errno;
	fake_munmap(p, len);
	return 0;
}

void step_direct(struct thread *t)
{
	static const int prots[] = { PROT_READ, PROT_READ | PROT_WRITE, PROT_WRITE };
	int i = fd_pick(t, false), want, flags = MAP_SHARED;
	struct piece p = { .prot = prots[rnd(t, 3)] };
	struct mapping m;
	struct buf *b;
	void *out;

	if (settings.direct != DIRECT_SYNC || i < 0 || !room_for_pieces(t, 8))
		return;
	p.buf = t->fds[i].buf;
	b = &t->bufs[p.buf];
	p.first = one_in(t, 3) ? (int)rnd(t, b->pages) : 0;
	p.pages = 1 + rnd(t, b->pages - p.first);
	want = native_map(p.pages * PAGE, p.prot, t->fds[i].number, p.first * PAGE);
	/* What a refused MAP_FIXED leaves of its place is for step_map() to try. */
	p.addr = one_in(t, 4) && !want && !t->dirty ? place(t, p.pages) : NULL;
	if (p.addr)
		flags |= MAP_FIXED;
	before(t);
	out = shim_mmap64(p.addr, p.pages * PAGE, p.prot, flags, t->fds[i].number, p.first * PAGE);
	after(t, out == MAP_FAILED);
	log_step(t, "map dma-buf %x by %d from page %d, %d pages, prot %d, to %p: %p (%d)", b->id,
		 t->fds[i].number, p.first, p.pages, p.prot, (void *)p.addr, out,
		 out == MAP_FAILED ? t->err : 0);
	b->loose |= t->struck;
	if (out == MAP_FAILED) {
		judge(t, t->err, want);
		return;
	}
	EXPECT(t, !want || t->struck == -SIGBUS, "natively this fails with %d", want);
	if (p.addr)
		carve(t, p.addr, p.pages);
	p.addr = out;
	p.broken = t->struck == -SIGBUS;
	buffers_lock();
	if (mapping_at((uintptr_t)out, p.pages * PAGE, &m))
		b->given = false;
	else
		EXPECT(t, t->struck || t->child, "the mapping is not recorded");
	buffers_unlock();
	piece_new(t, &p);
	piece_check(t, &p);
	piece_write(t, &p);
}
