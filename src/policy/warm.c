// SPDX-License-Identifier: MIT
/* Mappings kept warm; see warm.h. */
#include "config.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "kernel/next.h"
#include "kernel/page.h"
#include "kernel/place.h"
#include "kernel/sandbox.h"
#include "publish/publish.h"
#include "publish/stats.h"
#include "records/snapshot.h"
#include "settings/settings.h"
#include "settle.h"
#include "state/mapping.h"
#include "state/private.h"
#include "sync.h"
#include "warm.h"

/*
 * One private descriptor for what is kept alone, of so many that RLIMIT_NOFILE allows. With less
 * than is usual the program may count them.
 */
#define DESCRIPTORS_SHARE	128
#define USUAL_FILES		1024
#define MOST_DESCRIPTORS	64

#define UNASKED	(-1)

/* How many such descriptors there may be; 0: nothing is kept; relaxed: for each call by itself. */
static atomic_int room = UNASKED;

/* Can the kernel be asked what a place shows? Relaxed, as above. */
static atomic_bool cannot_ask;
static atomic_bool unsure = true;	/* it is to be tried */
static atomic_bool stopped;

static int room_now(void)
{
	int now = atomic_load_explicit(&room, memory_order_relaxed);
	struct rlimit space, files;

	if (now != UNASKED)
		return now;
	/* With a limit of addresses the program may count on each that it has given back. */
	now = 0;
	if (!getrlimit(RLIMIT_AS, &space) && space.rlim_cur == RLIM_INFINITY &&
	    !getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur >= USUAL_FILES)
		now = files.rlim_cur / DESCRIPTORS_SHARE < MOST_DESCRIPTORS ?
		      (int)(files.rlim_cur / DESCRIPTORS_SHARE) : MOST_DESCRIPTORS;
	atomic_store_explicit(&room, now, memory_order_relaxed);
	return now;
}

/* The trap changes the pages' protection. Under a filter the kernel may not be asked. */
static bool wanted(void)
{
	return settings.warm && mode_rescues() && sync_now() != SYNC_TRAP && sandbox_none() &&
	       !atomic_load_explicit(&stopped, memory_order_relaxed) &&
	       !atomic_load_explicit(&cannot_ask, memory_order_relaxed);
}

static bool keepable(int prot, int flags)
{
	return flags == MAP_SHARED && prot && !(prot & ~(PROT_READ | PROT_WRITE));
}

unsigned int warm_note(const void *addr, size_t len, int prot, int flags)
{
	uint64_t pages = page_round(len) / page_size();

	if (!settings.warm || addr || !keepable(prot, flags) || pages > NOTE_WHOLE_MOST)
		return 0;
	return pages << NOTE_WHOLE_SHIFT;
}

/* With buffers_lock() held. */
static void tell(enum status_event_kind kind, const struct buffer *b, uint64_t start, uint64_t end)
{
	if (!published())
		return;
	publish_event((struct status_event){
		.kind = kind, .exporter = b->exporter, .ino = b->ino, .addr = start,
		.len = end - start,
	});
	publish_kept(kept_bytes());
}

/*
 * Leaves @k, with buffers_lock() held: another thread that maps over the place waits for it.
 * Without an answer of the kernel's the record has to do. The reference becomes the caller's.
 */
static struct buffer *leave(struct kept *k)
{
	struct buffer *b = k->buffer;
	uint64_t start = k->start + k->lead, end = k->end;
	uint32_t link = b->turns->link;

	const struct dmabuf_id id = buffer_id(b);

	if (place_ask(k->start, k->end, &link) != PLACE_OTHERS ||
	    place_shows(k->start, k->end, &id))
		next.munmap((void *)(uintptr_t)k->start, k->end - k->start);
	kept_remove(k);
	stat_inc(STAT_LEFT);
	tell(EVENT_LEAVE, b, start, end);
	return b;
}

/* Closes the private descriptor of @b, if nothing needs it any more. Takes over the reference. */
static void left(struct buffer *b)
{
	buffers_lock();
	settle_put(b, settle(b, NOT));
}

/* What is to be left. */
struct which {
	enum { ALL, RANGE, ORPHANS, TOO_MUCH, DESCRIBED } what;
	uint64_t start, end;	/* RANGE */
	uint64_t bytes;		/* TOO_MUCH: that are wanted */
};

static struct kept *pick(const struct which *w)
{
	switch (w->what) {
	case RANGE:
		return kept_meeting(w->start, w->end);
	case ORPHANS:
		return kept_orphan();
	case TOO_MUCH:
		return kept_bytes() + w->bytes <= settings.warm && kept_room() ? NULL :
		       kept_oldest(false);
	case DESCRIBED:
		return kept_descriptors() < (unsigned int)room_now() ? NULL : kept_oldest(true);
	default:
		return kept_oldest(false);
	}
}

/* @touched: what is mapped in the range is not kept later. */
static bool leave_each(const struct which *w, bool touched)
{
	struct buffer *b;
	bool any = false;

	do {
		struct kept *k;

		buffers_lock();
		if (touched)
			mapping_unwhole(w->start, w->end - w->start);
		k = pick(w);
		b = k ? leave(k) : NULL;
		buffers_unlock();
		if (b)
			left(b);
		any |= b != NULL;
	} while (b);
	return any;
}

static bool leave_by(const struct which *w)
{
	return atomic_load_explicit(&kept_live, memory_order_relaxed) && leave_each(w, false);
}

/* The pages that [@addr, @addr + @len) meets. */
static struct which range_of(const void *addr, size_t len)
{
	uint64_t at = (uintptr_t)addr, end = at + len, mask = page_size() - 1;

	end = end < at || end + mask < end ? UINT64_MAX : (end + mask) & ~mask;
	return (struct which){ .what = RANGE, .start = at & ~mask, .end = end };
}

bool warm_leave(const void *addr, size_t len)
{
	const struct which w = range_of(addr, len);

	return leave_by(&w);
}

bool warm_leave_all(void)
{
	return leave_by(&(struct which){ .what = ALL });
}

void warm_touched(const void *addr, size_t len)
{
	const struct which w = range_of(addr, len);

	leave_each(&w, true);
}

void warm_follow(void)
{
	if (!mode_rescues()) {
		warm_leave_all();
		return;
	}
	atomic_store_explicit(&kept_orphaned, false, memory_order_relaxed);
	leave_by(&(struct which){ .what = ORPHANS });
}

void warm_ask_again(void)
{
	atomic_store_explicit(&room, UNASKED, memory_order_relaxed);
	atomic_store_explicit(&unsure, true, memory_order_relaxed);
	atomic_store_explicit(&cannot_ask, false, memory_order_relaxed);
	place_forget();
}

void warm_stop(void)
{
	atomic_store_explicit(&stopped, true, memory_order_relaxed);
	warm_confine();
}

void warm_confine(void)
{
	leave_each(&(struct which){ .what = ALL }, false);
}

/* Is [at, at + len) a mapping that may be kept? With buffers_lock() held. */
static bool is_whole(uint64_t at, uint64_t len, struct mapping *m)
{
	return mapping_at(at, len, m) && m->start == at && m->end == at + len &&
	       m->note >> NOTE_WHOLE_SHIFT == len / page_size() && m->buffer->imports &&
	       m->buffer->turns;
}

/* Has the kernel a link for the mapping @m? Asked once for a buffer. */
static bool has_link(const struct mapping *m, uint64_t len, uint32_t *link)
{
	enum place place;

	if (*link && !atomic_load_explicit(&unsure, memory_order_relaxed))
		return true;
	place = place_ask(m->start - m->lead, m->start + len, link);
	if (place == PLACE_OURS)
		atomic_store_explicit(&unsure, false, memory_order_relaxed);
	else if (place != PLACE_NOT_NOW)
		atomic_store_explicit(&cannot_ask, true, memory_order_relaxed);
	return place == PLACE_OURS;
}

/* Will the private descriptor of @b be there for what is kept alone, once @m is not mapped? */
static bool describes(const struct buffer *b)
{
	return buffer_fd(b) >= 0 && buffer_mapped(b, false) + buffer_mapped(b, true) == 1;
}

bool warm_keep(void *addr, size_t len)
{
	uint64_t at = (uintptr_t)addr, size = page_round(len);
	struct which much = { .what = TOO_MUCH }, described = { .what = DESCRIBED };
	struct buffer *b = NULL;
	struct mapping m;
	uint32_t link = 0;
	bool whole;

	if (!wanted())
		return false;
	buffers_lock();
	whole = is_whole(at, size, &m);
	if (whole)
		link = m.buffer->turns->link;
	buffers_unlock();
	if (!whole)
		return false;
	much.bytes = m.lead + size;
	if (much.bytes > settings.warm || !room_now() || !has_link(&m, size, &link))
		return false;
	leave_by(&much);
	if (describes(m.buffer))
		leave_by(&described);
	buffers_lock();
	/* Another thread may have confined the process meanwhile: warm_confine() has the lock. */
	if (wanted() && room_now() && is_whole(at, size, &m) && !pick(&much) && kept_room() &&
	    (!describes(m.buffer) || kept_descriptors() < (unsigned int)room_now())) {
		snapshot_unmap_first(at, at + size);
		if (mapping_take(at, size, &m)) {
			b = m.buffer;
			b->turns->link = link;
			b->refs++;
			kept_add(&(struct kept){
				.buffer = b, .start = at - m.lead, .end = at + size,
				.lead = m.lead, .prot = m.prot, .importer = m.note & NOTE_IMPORTER,
			});
			snapshot_changed(at, at + size);
			tell(EVENT_KEEP, b, at, at + size);
		}
	}
	buffers_unlock();
	if (!b)
		return false;
	stat_inc(STAT_KEPT);
	sync_unmapped(b);
	return true;
}

/*
 * Has @b its private descriptor? A raw system call may have closed it; then it is none any more.
 * The START that follows need not ask.
 */
static bool has_descriptor(struct buffer *b)
{
	const struct dmabuf_id id = buffer_id(b);
	bool is, gone, mapped;
	int fd;

	buffers_lock();
	fd = buffer_fd(b);
	mapped = buffer_is_mapped(b);
	buffers_unlock();
	if (fd < 0 || mapped)
		return fd >= 0;
	is = dmabuf_is(fd, &id);
	buffers_lock();
	gone = !is && buffer_fd(b) == fd && !buffer_is_mapped(b);
	if (gone)
		buffer_set_fd(b, -1);
	else if (is && buffer_fd(b) == fd && !buffer_is_mapped(b))
		b->fresh = true;
	buffers_unlock();
	if (gone)
		descriptor_gone(fd, b);
	return is;
}

bool warm_take(struct buffer *b, size_t len, uint64_t delta, int prot, int flags, bool described,
	       struct warm *w, void **p)
{
	struct kept *k = NULL;
	enum place place;
	uint32_t link = 0;

	*w = (struct warm){ .k = NULL };
	if (!atomic_load_explicit(&kept_live, memory_order_relaxed) || !len ||
	    !keepable(prot, flags) || !wanted())
		return false;
	buffers_lock();
	k = kept_find(b, page_round(len), delta, prot);
	if (k) {
		k->taken = true;
		link = b->turns->link;
	}
	buffers_unlock();
	if (!k)
		return false;
	if (sync_now() != SYNC_OFF && !has_descriptor(b) && described) {
		buffers_lock();
		k->taken = false;
		/* Another thread may have closed the last handle, and passed this by. */
		if (!b->imports)
			atomic_store_explicit(&kept_orphaned, true, memory_order_relaxed);
		buffers_unlock();
		return false;
	}
	place = place_ask(k->start, k->end, &link);
	if (place == PLACE_OURS) {
		w->k = k;
		*p = (void *)(uintptr_t)(k->start + k->lead);
		stat_inc(STAT_WARM);
		return true;
	}
	if (place == PLACE_UNKNOWN)
		atomic_store_explicit(&cannot_ask, true, memory_order_relaxed);
	buffers_lock();
	leave(k);
	buffers_unlock();
	left(b);
	return false;
}

void warm_taken(const struct warm *w)
{
	struct buffer *b;

	if (!w->k)
		return;
	buffers_lock();
	b = w->k->buffer;
	kept_remove(w->k);
	publish_kept(kept_bytes());
	/* Where the mapping could not be recorded, nobody else closes the private descriptor. */
	if (!buffer_is_mapped(b))
		settle_put(b, settle(b, NOT));
	else
		settle_put(b, 0);
}

void warm_fork(void)
{
	mapping_unwhole(0, UINT64_MAX);
}

void warm_forked(void)
{
	struct kept *k;

	place_forget();
	do {
		struct buffer *b;

		buffers_lock();
		k = kept_any();
		b = k ? leave(k) : NULL;
		buffers_unlock();
		if (b)
			left(b);
	} while (k);
}

void warm_given_up(void)
{
	struct kept *k;

	place_forget();
	/* Nobody closes the private descriptors, as the records are not used any more. */
	while ((k = kept_any()))
		leave(k);
}
