// SPDX-License-Identifier: MIT
/* Random calls on mapped pages, and touches of them; see same.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "same.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static __thread sigjmp_buf jump;
static __thread volatile sig_atomic_t armed, code;

static void fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (!armed) {
		signal(sig, SIG_DFL);
		return;
	}
	armed = 0;
	code = info->si_code;
	siglongjmp(jump, sig);
}

void pages_start(void)
{
	struct sigaction act = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
}

/* 0, or the signal that it raised. */
static int touch(volatile uint8_t *at, bool write, uint8_t *value)
{
	int sig = sigsetjmp(jump, 1);

	if (sig)
		return sig;
	armed = 1;
	if (write)
		*at = *value;
	else
		*value = *at;
	armed = 0;
	return 0;
}

void say_touch(struct prog *p, char *at, bool write, uint8_t value)
{
	int sig = touch((uint8_t *)at, write, &value);

	if (sig)
		say(p, ", SIG%s, code %d", sig == SIGBUS ? "BUS" : "SEGV", (int)code);
	else
		say(p, ", %02x", value);
}

void step_touch(struct prog *p)
{
	bool write = one_in(p, 2);
	struct range r;

	if (!range_pick(p, &r))
		return;
	for (int i = 0; i < 3; i++) {
		int at = rnd(p, r.pages * PAGE);

		say(p, "%s%s ", i ? "; " : "", write ? "write" : "read");
		say_range(p, &r);
		say(p, "+%x", at);
		say_touch(p, r.addr + at, write, rnd(p, 256));
	}
}

/* The sum of a page, or '!' for one that cannot be read. */
static void say_pages(struct prog *p, const char *addr, int pages)
{
	uint8_t copy[PAGE];
	struct iovec to = { copy, PAGE }, from = { NULL, PAGE };

	for (int i = 0; i < pages; i++) {
		uint32_t sum = 2166136261;

		from.iov_base = (void *)(addr + i * PAGE);
		if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != PAGE) {
			say(p, " !");
			continue;
		}
		for (int j = 0; j < PAGE; j++)
			sum = (sum ^ copy[j]) * 16777619;
		say(p, " %04x", (sum ^ sum >> 16) & 0xffff);
	}
}

void step_check(struct prog *p)
{
	struct range r;

	if (!range_pick(p, &r))
		return;
	say_range(p, &r);
	say(p, ":");
	say_pages(p, r.addr, r.pages);
}

void check_maps(struct prog *p)
{
	for (int i = 0; i < MAPS; i++) {
		if (!p->maps[i].addr)
			continue;
		say(p, "map#%d:", p->maps[i].name);
		for (int j = 0; j < p->maps[i].pages; j++)
			if (p->maps[i].mine >> j & 1)
				say_pages(p, p->maps[i].addr + j * PAGE, 1);
		said(p);
	}
	for (int i = 0; i < SLOTS; i++) {
		say(p, "slot%d:", i);
		/* And the pages between, which are nobody's. */
		say_pages(p, p->arena + i * (SLOT + 1) * PAGE, SLOT + 2);
		said(p);
	}
}

void step_unmap(struct prog *p)
{
	struct range r;
	size_t len;
	int ret;

	if (!range_pick(p, &r))
		return;
	len = r.pages * PAGE;
	/* A part of a page is a page. */
	if (one_in(p, 8))
		len -= rnd(p, PAGE);
	say(p, "munmap ");
	say_range(p, &r);
	ret = CALL(p, munmap(r.addr, len));
	result(p, ret);
	if (!ret)
		range_gone(p, &r);
}

void step_protect(struct prog *p)
{
	static const int prots[] =
		{ PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC };
	int prot = prots[rnd(p, 4)];
	struct range r;

	if (prot & PROT_WRITE && avoided("made-writable"))
		prot = PROT_READ;
	if (!range_pick(p, &r))
		return;
	say(p, "mprotect ");
	say_range(p, &r);
	say(p, ", prot %d", prot);
	result(p, CALL(p, mprotect(r.addr, r.pages * PAGE, prot)));
}

void step_remap(struct prog *p)
{
	int flags = MREMAP_MAYMOVE, pages, kind = rnd(p, 6);
	struct range r, to = { .slot = -1 };
	size_t old_len;
	char *out;

	if (!range_pick(p, &r))
		return;
	pages = one_in(p, 3) ? r.pages : 1 + (int)rnd(p, r.pages + 4);
	old_len = r.pages * PAGE;
	if (pages > SLOT)
		pages = SLOT;
	say(p, "mremap ");
	say_range(p, &r);
	if (!kind && pages <= r.pages)
		flags = 0;
	if (kind == 1)
		old_len = 0;
	if (kind == 2 && one_in(p, 3)) {
		flags |= MREMAP_DONTUNMAP;
		pages = r.pages;
	}
	do {
		if (kind < 4 || !range_pick(p, &to) || to.slot < 0)
			to.slot = -1;
	} while (to.slot >= 0 && to.slot == r.slot && !one_in(p, 4));
	if (to.slot >= 0) {
		if (to.page + pages > SLOT)
			pages = SLOT - to.page;
		flags |= MREMAP_FIXED;
		to.pages = pages;
		say(p, " to ");
		say_range(p, &to);
	}
	say(p, ", %zu to %d pages, flags %d", old_len / PAGE, pages, flags);
	out = (char *)CALL(p, mremap(r.addr, old_len, pages * PAGE, flags, to.addr));
	if (out == r.addr && pages <= r.pages) {
		say(p, " = there");
		r.page += pages;
		r.pages -= pages;
		range_gone(p, &r);
		return;
	}
	/* Whether it grows where it is depends on what the kernel has put behind. */
	say_mapped(p, out, pages, to.slot, to.page);
	if (out != MAP_FAILED && old_len && !(flags & MREMAP_DONTUNMAP))
		range_gone(p, &r);
}

/* Calls that are wrong in every process. */
void step_wrong(struct prog *p)
{
	struct range r;
	int ret;

	if (!range_pick(p, &r))
		return;
	say_range(p, &r);
	switch (rnd(p, 7)) {
	case 0:
		say(p, ": munmap of 0 bytes");
		ret = CALL(p, munmap(r.addr, 0));
		break;
	case 1:
		say(p, ": munmap, unaligned");
		ret = CALL(p, munmap(r.addr + 8, PAGE));
		break;
	case 2:
		say(p, ": munmap beyond all");
		ret = CALL(p, munmap(r.addr, SIZE_MAX / 2));
		break;
	case 3:
		say(p, ": mprotect, unaligned");
		ret = CALL(p, mprotect(r.addr + 8, PAGE, PROT_READ));
		break;
	case 4:
		say(p, ": mprotect, no such protection");
		ret = CALL(p, mprotect(r.addr, PAGE, 0x1000));
		break;
	case 5:
		say(p, ": mremap, unaligned");
		ret = CALL(p, mremap(r.addr + 8, PAGE, PAGE, MREMAP_MAYMOVE)) == -1 ? -1 : 0;
		break;
	default:
		say(p, ": mremap, no such flag");
		ret = CALL(p, mremap(r.addr, PAGE, PAGE, 64)) == -1 ? -1 : 0;
	}
	result(p, ret);
}
