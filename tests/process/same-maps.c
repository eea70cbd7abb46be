// SPDX-License-Identifier: MIT
/* Random mappings, by offsets, of dma-bufs and of memory; see same.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "same.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define RESERVED	(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
#define SLOT_BYTES	((SLOT + 1) * PAGE)	/* and a page between it and the next one */

/* By number, as if it had always been so. */
static char *raw_mmap(void *addr, size_t len, int prot, int flags)
{
#ifdef SYS_mmap2
	return (char *)syscall(SYS_mmap2, addr, len, prot, flags, -1, 0);
#else
	return (char *)syscall(SYS_mmap, addr, len, prot, flags, -1, 0);
#endif
}

/*
 * Where the kernel puts nothing by itself, as it goes from the top of the address space down: a
 * hole there stays a hole.
 */
bool maps_start(struct prog *p)
{
	uintptr_t base = sizeof(void *) == 8 ? (uintptr_t)1 << 36 : (uintptr_t)1 << 29;

	base += p->index * (1UL << 24);
	p->arena = raw_mmap((void *)base, SLOTS * SLOT_BYTES + PAGE, PROT_NONE,
			    RESERVED | MAP_FIXED_NOREPLACE);
	p->hints = (char *)base + (1UL << 23);
	p->read_only = raw_mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
	p->none = raw_mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
	return p->arena == (char *)base && p->read_only != MAP_FAILED && p->none != MAP_FAILED;
}

/* The first page of a slot comes after one that stays as it is. */
static char *slot_at(struct prog *p, int slot, int page)
{
	return p->arena + slot * SLOT_BYTES + (1 + page) * PAGE;
}

static void slot_range(struct prog *p, struct range *r)
{
	*r = (struct range){ .slot = rnd(p, SLOTS), .map = -1, .page = rnd(p, SLOT) };
	if (one_in(p, 2))
		r->page = 0;
	r->pages = 1 + rnd(p, SLOT - r->page);
	r->addr = slot_at(p, r->slot, r->page);
}

bool range_pick(struct prog *p, struct range *r)
{
	int seen = 0, end;

	if (one_in(p, 3)) {
		slot_range(p, r);
		return true;
	}
	*r = (struct range){ .slot = -1, .map = -1 };
	for (int i = 0; i < MAPS; i++)
		if (p->maps[i].addr && one_in(p, ++seen))
			r->map = i;
	if (r->map < 0)
		return false;
	r->page = one_in(p, 2) ? 0 : rnd(p, p->maps[r->map].pages);
	if (!(p->maps[r->map].mine >> r->page & 1))
		return false;
	for (end = r->page; end < p->maps[r->map].pages && p->maps[r->map].mine >> end & 1; end++)
		;
	r->pages = one_in(p, 2) ? end - r->page : 1 + (int)rnd(p, end - r->page);
	r->addr = p->maps[r->map].addr + r->page * PAGE;
	return true;
}

void say_range(struct prog *p, const struct range *r)
{
	if (r->slot >= 0)
		say(p, "slot%d", r->slot);
	else
		say(p, "map#%d", p->maps[r->map].name);
	say(p, "+%d-%d", r->page, r->page + r->pages - 1);
}

int map_new(struct prog *p, char *addr, int pages)
{
	struct map *m = NULL;

	for (int i = 0; i < MAPS && !m; i++)
		if (!p->maps[i].addr)
			m = &p->maps[i];
	if (!m) {
		m = &p->maps[rnd(p, MAPS)];
		for (int i = 0; i < m->pages; i++)
			if (m->mine >> i & 1)
				munmap(m->addr + i * PAGE, PAGE);
	}
	*m = (struct map){ addr, ++p->map_names, pages, (uint32_t)((1ULL << pages) - 1) };
	return m->name;
}

void range_gone(struct prog *p, const struct range *r)
{
	if (r->slot >= 0)
		return;
	for (int i = 0; i < r->pages; i++)
		p->maps[r->map].mine &= ~(1U << (r->page + i));
	if (!p->maps[r->map].mine)
		p->maps[r->map].addr = NULL;
}

/* Slots stay the program's: a hole is told, and filled. */
void slots_mend(struct prog *p)
{
	unsigned char in_core;

	for (int i = 0; i < SLOTS; i++) {
		for (int j = 0; j < SLOT; j++) {
			char *at = slot_at(p, i, j);

			if (!mincore(at, PAGE, &in_core) || errno != ENOMEM)
				continue;
			say(p, "; hole slot%d+%d", i, j);
			if (raw_mmap(at, PAGE, PROT_NONE, RESERVED | MAP_FIXED_NOREPLACE) != at)
				say(p, " cannot be filled");
		}
	}
}

/* @out was given for a mapping at that place of a slot, or anywhere. */
void say_mapped(struct prog *p, char *out, int pages, int slot, int page)
{
	if (out == MAP_FAILED)
		say(p, " = %s", errno_name(p->err));
	else if (slot >= 0 && out == slot_at(p, slot, page))
		say(p, " = there%s", p->err == KEPT ? "" : ", errno changed");
	else
		say(p, " = map#%d%s%s", map_new(p, out, pages),
		    p->err == KEPT ? "" : ", errno changed", slot >= 0 ? ", elsewhere" : "");
}

/* Maps, now and then at a place: over pages of the program's, or where nothing is. */
static void map_somewhere(struct prog *p, size_t len, int prot, int flags, int fd, int64_t off)
{
	int pages = (len + PAGE - 1) / PAGE, kind = rnd(p, 8);
	struct range r = { .slot = -1 };
	char *addr = NULL, *out;

	if (kind < 3) {
		slot_range(p, &r);
		if (pages > SLOT - r.page)
			r.page = pages > SLOT ? 0 : SLOT - pages;
		addr = slot_at(p, r.slot, r.page);
		flags |= kind ? MAP_FIXED : one_in(p, 2) ? MAP_FIXED_NOREPLACE : 0;
		say(p, "%s slot%d+%d, ",
		    kind ? "fixed at" : flags & MAP_FIXED_NOREPLACE ? "only at" :
		    "hint", r.slot, r.page);
		if (pages > SLOT && kind)
			return;
	} else if (kind == 3) {
		addr = p->hints + (p->step % 100) * (1 << 16);
		say(p, "where nothing is, ");
	}
	if (addr && one_in(p, 16)) {
		addr += 100;
		say(p, "unaligned, ");
	}
	say(p, "%zu bytes, prot %d, flags %x", len, prot, (unsigned int)flags);
	out = (char *)CALL(p, mmap(addr, len, prot, flags, fd, off));
	say_mapped(p, out, pages, r.slot, r.page);
	if (kind == 3 && out != MAP_FAILED && out != addr)
		say(p, ", not there");
	if (out != MAP_FAILED && one_in(p, 2))
		say_touch(p, out, false, 0);
}

static int some_prot(struct prog *p)
{
	static const int prots[] = { PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ,
				     PROT_READ, PROT_NONE, PROT_READ | PROT_EXEC };

	return prots[rnd(p, 6)];
}

/* An offset whose handle is gone may be anything of another thread's. */
static bool live(struct prog *p, const struct offset *o)
{
	for (int i = 0; i < HANDLES; i++)
		if (p->handles[i].used && p->handles[i].name == o->handle)
			return true;
	return false;
}

/* By an offset that has been given, of a handle that may be closed; or by one that has not. */
void step_map(struct prog *p)
{
	const struct offset *o = &p->offsets[rnd(p, OFFSETS)];
	int fd, pages = o->pages, prot = some_prot(p);
	int flags = one_in(p, 16) ? MAP_PRIVATE : MAP_SHARED;
	uint64_t off = o->offset, delta = 0;
	size_t len;

	for (int i = 0; i < OFFSETS && !o->offset; i++)
		o = &p->offsets[i];
	off = o->offset;
	pages = o->pages;
	fd = one_in(p, 24) ? fd_mine(p) : fd_of(p, o->file);
	if (!off || fd < 0 || (threads > 1 && (!live(p, o) || p->fds[fd].file != o->file)))
		return;
	/* Where a driver refuses what is within a buffer, the shim does not (documented). */
	if (pages > 1 && driver->ranges && one_in(p, 3) && !avoided("inner"))
		delta = rnd(p, pages);
	len = (pages - delta) * PAGE;
	if (one_in(p, 4))
		len = 1 + rnd(p, len);
	if (one_in(p, 16))
		len += PAGE * (1 + rnd(p, 3));
	if (one_in(p, 40))
		len = 0;
	if (one_in(p, 40))
		flags |= MAP_POPULATE;
	say(p, "mmap %d: offset#%d+%d", fd, o->name, (int)delta);
	off += delta * PAGE;
	if (one_in(p, 40)) {
		off += 100;
		say(p, ", unaligned");
	} else if (one_in(p, 40)) {
		off = (1ULL << 43) + p->step * PAGE;
		say(p, ", no offset");
	}
	say(p, ", ");
	map_somewhere(p, len, prot, flags, fd, off);
}

/* As programs do it that have nothing imported. */
void step_map_dmabuf(struct prog *p)
{
	int fd = one_in(p, 12) ? fd_mine(p) : fd_dmabuf(p), pages;
	struct ident *id = ident_of(p, fd);

	if (fd < 0)
		return;
	pages = id ? 1 + (int)rnd(p, id->pages) : 1;
	say(p, "mmap %d, a dma-buf: ", fd);
	map_somewhere(p, pages * PAGE, some_prot(p), MAP_SHARED, fd, 0);
}

void step_anonymous(struct prog *p)
{
	int pages = 1 + rnd(p, 6);

	say(p, "mmap: ");
	map_somewhere(p, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
