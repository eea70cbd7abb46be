// SPDX-License-Identifier: MIT
/*
 * The fuzzer's checks: of a call's outcome; of pages, by their contents; and, while no thread is at
 * work, of the shim's records, by the models of all threads.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "publish/publish_status.h"
#include "publish/stats.h"
#include "state/buffer.h"
#include "state/descriptor.h"
#include "state/private.h"
#include "state/file_table.h"
#include "state/import.h"
#include "state/offsets.h"
#include "state/kept.h"
#include "state/mapping.h"
#include "settings/settings.h"

#include "fuzz.h"

static bool open_before[ANY_FD];

void before(struct thread *t)
{
	static const int errors[] = { EINTR, EAGAIN, EMFILE, ENFILE, ENOMEM, EACCES, ENODEV };
	static const enum fake_call calls[] = {
		FAKE_OPEN, FAKE_IOCTL, FAKE_MMAP, FAKE_MUNMAP, FAKE_MREMAP, FAKE_CLOSE,
		FAKE_CLOSE_RANGE, FAKE_DUP, FAKE_FCNTL, FAKE_FSTAT, FAKE_FUTEX, FAKE_POLL,
		FAKE_SAME_FILE, FAKE_READLINK,
	};

	if (t->dirty && one_in(t, 10)) {
		if (one_in(t, 8))
			linked_fault(FAKE_MMAP, rnd(t, 3), -SIGBUS, false);
		else if (one_in(t, 2))
			linked_fault(FAKE_ANY, rnd(t, 16), errors[rnd(t, 7)], false);
		else
			linked_fault(calls[rnd(t, 14)], rnd(t, 3), errors[rnd(t, 7)], false);
	}
	errno = KEPT;
}

void after(struct thread *t, bool failed)
{
	t->err = errno;
	t->struck = linked_fault_clear();
	EXPECT(t, failed || t->err == KEPT, "a call that succeeded set errno to %d", t->err);
	if (t->struck) {
		t->blurred = true;
		t->littered |= linked_littered();
		log_step(t, "  struck: %d; %s %d", t->struck, failed ? "failed:" : "worked",
			 failed ? t->err : 0);
	}
}

void judge(struct thread *t, int got, int want)
{
	EXPECT(t, got == want || (t->struck && got == t->struck), "result %d instead of %d",
	       got, want);
}

/* What a program would see at two words of a page, or false where it would get a signal. */
static bool look(const char *addr, uint64_t words[2])
{
	return !copy_in(words, addr, 16);
}

bool page_right(struct thread *t, const struct piece *p, int page)
{
	const struct buf *b = &t->bufs[p->buf];
	int at = p->first + page;
	uint64_t words[2];

	if (!look(p->addr + page * PAGE, words))
		return p->broken || at >= b->pages;
	return !p->broken && at < b->pages && words[0] == ((uint64_t)b->id << 32 | at) &&
	       words[1] == b->view[at * PAGE / 8 + 1];
}

void piece_check(struct thread *t, const struct piece *p)
{
	uint64_t words[2] = { 0, 0 };

	if (p->buf < 0 || !(p->prot & PROT_READ))
		return;
	for (int i = 0; i < p->pages; i++) {
		if (page_right(t, p, i))
			continue;
		look(p->addr + i * PAGE, words);
		fail(t, "page %d of %p, page %d of buffer %x: found page %u of buffer %x", i,
		     (void *)p->addr, p->first + i, t->bufs[p->buf].id, (uint32_t)words[0],
		     (uint32_t)(words[0] >> 32));
	}
}

/* As the program does it, whose pages no sanitizer follows through mremap(). */
__attribute__((no_sanitize("thread", "address")))
void piece_write(struct thread *t, const struct piece *p)
{
	const struct buf *b = &t->bufs[p->buf < 0 ? 0 : p->buf];

	if (p->buf < 0 || !(p->prot & PROT_WRITE) || p->broken)
		return;
	for (int i = 0; i < p->pages && p->first + i < b->pages; i++) {
		volatile uint64_t *word = (uint64_t *)(p->addr + i * PAGE) + 1;
		uint64_t value = (uint64_t)rnd(t, 1 << 30) << 20 | t->step % 1000000;

		*word = value;
		EXPECT(t, b->view[(p->first + i) * PAGE / 8 + 1] == value,
		       "a write to page %d of %p did not arrive", i, (void *)p->addr);
	}
}

/* The records of mappings: each is a piece of somebody's, of the same extent and buffer. */
static void check_mappings(struct thread *all)
{
	unsigned int found = 0;
	bool torn = false, orphan;

	for (unsigned int i = 0; i < threads; i++) {
		torn |= all[i].torn;
		for (int j = 0; j < PIECES; j++) {
			struct thread *t = &all[i];
			struct piece *p = &t->pieces[j];
			struct mapping m = { 0 };
			uint64_t ino = 0, at = (uintptr_t)p->addr;
			bool there, kept;

			if (!p->addr)
				continue;
			piece_check(t, p);
			buffers_lock();
			there = mapping_at(at, p->pages * PAGE, &m);
			if (there)
				ino = m.buffer->ino;
			kept = kept_meeting(at, at + p->pages * PAGE);
			buffers_unlock();
			/* By a call that the shim has not seen it may be. */
			EXPECT(t, !kept || t->dirty || t->torn, "%p lies in what is kept",
			       (void *)p->addr);
			if (!there)
				continue;
			found++;
			if (t->torn)
				continue;
			EXPECT(t, p->broken || (p->buf >= 0 &&
			       (t->dirty || ino == t->bufs[p->buf].ino)),
			       "%p is taken for another buffer", (void *)p->addr);
			EXPECT(t, m.start == at && m.end == at + p->pages * PAGE,
			       "%p, %d pages, is taken for %llx to %llx", (void *)p->addr,
			       p->pages, (unsigned long long)m.start, (unsigned long long)m.end);
			EXPECT(t, !(m.prot & PROT_WRITE) == !(p->prot & PROT_WRITE),
			       "%p: direction", (void *)p->addr);
		}
	}
	EXPECT(all, torn || found == mappings_live - kept_live,
	       "%u mappings are recorded, and %u kept; %u are there", mappings_live - kept_live,
	       kept_live, found);
	buffers_lock();
	orphan = kept_orphan();
	buffers_unlock();
	EXPECT(all, !orphan, "a mapping is kept of what no handle holds");
}

static bool mapped(struct thread *t, int buf, bool *any)
{
	bool recorded = false;

	*any = false;
	for (int i = 0; i < PIECES; i++) {
		struct piece *p = &t->pieces[i];
		struct mapping m;

		if (!p->addr || p->buf != buf)
			continue;
		*any = true;
		buffers_lock();
		recorded |= mapping_at((uintptr_t)p->addr, p->pages * PAGE, &m);
		buffers_unlock();
	}
	return recorded;
}

static void check_brackets(struct thread *t)
{
	for (int i = 0; i < BUFS; i++) {
		struct buf *b = &t->bufs[i];
		unsigned long begins, ends, more_begins, more_ends;
		bool any, recorded;

		if (!b->id)
			continue;
		fake_brackets(b->ino, &begins, &ends);
		fake_repeated(b->ino, &more_begins, &more_ends);
		begins -= more_begins;
		ends -= more_ends;
		/* What is only looked at has none. */
		recorded = mapped(t, i, &any) && !observe;
		EXPECT(t, ends <= begins, "buffer %x: %lu ENDs of %lu STARTs", b->id, ends, begins);
		if (b->loose)
			continue;
		EXPECT(t, begins - ends <= recorded, "buffer %x: %lu STARTs, %lu ENDs, %s", b->id,
		       begins, ends, recorded ? "mapped" : any ? "mapped natively" : "not mapped");
		/* With a fence pending the START is owed, until the next change. */
		EXPECT(t, begins - ends == recorded || b->was_busy || b->given || t->dirty ||
		       few >= 0 || sync_now() == SYNC_OFF, "buffer %x is mapped without a bracket",
		       b->id);
	}
}

static int owner(struct thread *all, int number, bool files)
{
	for (unsigned int i = 0; i < threads; i++) {
		int fd = fd_at(&all[i], number);

		if (fd >= 0 && (!files || all[i].fds[fd].file >= 0))
			return i;
	}
	return -1;
}

static void check_descriptors(struct thread *all)
{
	unsigned int known = 0;

	for (int n = 0; n < ANY_FD; n++) {
		bool there = fake_fcntl(n, F_GETFD) >= 0, private = descriptor_private(n);
		bool ours = private || open_before[n] || owner(all, n, false) >= 0;
		bool was = false;

		known += descriptor_known(n);
		EXPECT(all, there || !ours, "descriptor %d (%s) is closed", n,
		       private ? "a private one" : "the program's");
		EXPECT(all, !private || (n >= PRIVATE_FIRST && n < PRIVATE_END),
		       "descriptor %d is a private one", n);
		EXPECT(all, ours || !there, "descriptor %d is left open", n);
		for (unsigned int i = 0; i < threads; i++)
			was |= tainted(&all[i], n);
		EXPECT(all, !descriptor_known(n) || private || was || owner(all, n, true) >= 0,
		       "descriptor %d is taken for a device", n);
	}
	EXPECT(all, known == descriptors_live, "%u descriptors are counted, %u are there",
	       descriptors_live, known);
}

static void check_imports(struct thread *all)
{
	unsigned int found = 0, seeds = 0, ghosts = 0;
	bool blurred = false;

	for (int i = 0; i < SHARED; i++) {
		struct file *f = file_lock(status_fd[i]);

		seeds += !!f;
		if (f)
			file_unlock(f);
	}
	for (unsigned int i = 0; i < threads; i++) {
		struct thread *t = &all[i];

		blurred |= t->blurred;
		ghosts += t->ghosts;
		for (int j = 0; j < HANDLES; j++) {
			struct handle *h = &t->handles[j];
			struct file *f = NULL;
			bool there = false;

			if (!h->used)
				continue;
			for (int k = 0; k < FDS && !f; k++)
				if (t->fds[k].number >= 0 && t->fds[k].file == h->file)
					f = file_lock(t->fds[k].number);
			if (f) {
				there = import_find(f, h->number);
				file_unlock(f);
			}
			found += there;
			EXPECT(t, there || !h->recorded || t->dirty ||
			       mode_now() == MODE_OFF, "handle %u of file %d%s is not recorded",
			       h->number, h->file, f ? "" : ", which is not known,");
		}
	}
	found += seeds;
	EXPECT(all, blurred || (found <= imports_live && imports_live <= found + ghosts),
	       "%u imports are recorded, %u are there, and %u may be closed unseen",
	       imports_live, found, ghosts);
}

void check_all(struct thread *all)
{
	check_mappings(all);
	for (unsigned int i = 0; i < threads; i++)
		check_brackets(&all[i]);
	check_descriptors(all);
	check_imports(all);
}

/* Mappings of dma-bufs that are left, as the kernel tells of them. */
static void check_addresses(struct thread *t)
{
	static unsigned int litter;
	char line[512], last[512] = "";
	FILE *maps = fopen("/proc/self/maps", "re");
	bool littered = false;
	unsigned int left = 0;

	EXPECT(t, maps, "/proc/self/maps");
	while (fgets(line, sizeof(line), maps)) {
		if (strstr(line, "memfd:dmabuf")) {
			memcpy(last, line, sizeof(last));
			left++;
		}
	}
	fclose(maps);
	for (unsigned int i = 0; i < threads; i++) {
		littered |= t[i].littered;
		t[i].littered = false;
	}
	EXPECT(t, littered || left <= litter, "left mapped: %s", last);
	litter = left;
}

/* The status file says what its draft does, unless somebody else writes into it, too. */
static void check_same(struct thread *all, const struct publish_status *p,
		       const struct publish_status *draft, const char *when)
{
	const struct status_file *h = &p->head, *d = &draft->head;

	EXPECT(all, !memcmp((const char *)p + sizeof(*h), (const char *)draft + sizeof(*d),
			    offsetof(struct publish_status, events) - sizeof(*h)) &&
	       h->names.used == d->names.used && h->pairs.used == d->pairs.used &&
	       h->buffers.used == d->buffers.used && h->imports.used == d->imports.used &&
	       h->mappings.used == d->mappings.used && h->imports_live == d->imports_live &&
	       h->imports_most == d->imports_most && h->no_room == d->no_room &&
	       h->blocked_most == d->blocked_most, "%s the status file is not what it should be",
	       when);
	for (int i = 0; i < STAT_COUNT; i++)
		EXPECT(all, h->counters[i] == stat_get(i), "%s counter %d is %llu in the status "
		       "file, not %llu", when, i, (unsigned long long)h->counters[i],
		       (unsigned long long)stat_get(i));
}

static unsigned long buffers_left;

static void count_buffer(struct buffer *b)
{
	(void)b;
	buffers_left++;
}

/*
 * No buffer is recorded, but for those whose START
 * was left by a jump: the shim keeps them (sync.c).
 */
static void check_buffers(struct thread *all, const char *when)
{
	unsigned long jumps = 0;

	for (unsigned int i = 0; i < threads; i++)
		jumps += all[i].jumps;
	buffers_left = 0;
	buffers_lock();
	buffers_visit(count_buffer);
	buffers_unlock();
	EXPECT(all, buffers_left <= jumps, "%s %lu buffers are recorded after %lu jumps", when,
	       buffers_left, jumps);
}

/* The status file, if there is one, has nothing that is live but those buffers. */
static void check_page(struct thread *all, const char *when)
{
	const struct publish_status *draft = publish_draft();
	unsigned int buffers = 0, imports = 0, mappings = 0;

	if (!draft)
		return;
	for (size_t i = 0; i < sizeof(draft->buffers) / sizeof(draft->buffers[0]); i++)
		buffers += draft->buffers[i].live;
	for (size_t i = 0; i < sizeof(draft->imports) / sizeof(draft->imports[0]); i++)
		imports += draft->imports[i].live;
	for (size_t i = 0; i < sizeof(draft->mappings) / sizeof(draft->mappings[0]); i++)
		mappings += draft->mappings[i].live;
	EXPECT(all, (buffers == buffers_left || draft->head.no_room) && !imports && !mappings &&
	       !draft->head.imports_live,
	       "%s %u buffers (%lu are recorded), %u imports (%u by their count) and %u mappings "
	       "are live in the status file", when, buffers, buffers_left, imports,
	       draft->head.imports_live, mappings);
	if (publish_at() && !getenv("FUZZ_STATUS_WRITTEN"))
		check_same(all, publish_at(), draft, when);
}

void check_nothing(struct thread *all, const char *when)
{
	check_buffers(all, when);
	check_page(all, when);
	EXPECT(all, !imports_live && !mappings_live && !descriptors_live,
	       "%s %u imports, %u mappings and %u descriptors are recorded", when, imports_live,
	       mappings_live, descriptors_live);
	for (int n = 0; n < ANY_FD; n++)
		EXPECT(all, open_before[n] == (fake_fcntl(n, F_GETFD) >= 0),
		       "%s descriptor %d is %s", when, n, open_before[n] ? "closed" : "left open");
	check_addresses(all);
}

void baseline(void)
{
	for (int n = 0; n < ANY_FD; n++)
		open_before[n] = fake_fcntl(n, F_GETFD) >= 0;
}
