// SPDX-License-Identifier: MIT
/* The fake kernel's tables: open files, handles, objects, dma-bufs, offsets. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-internal.h"

/* Each of these has the lock. */
static struct kernel *k(void)
{
	return atomic_load_explicit(&kernel, memory_order_relaxed);
}

/*
 * Hashes and pools chain entries by a member, which is named by where it is in the entry number 0
 * and how big an entry is.
 */
struct chain {
	char *first;
	size_t size;
};
#define CHAIN(table, member) ((struct chain){ (char *)&k()->table[0].member, \
					      sizeof(k()->table[0]) })

static uint32_t *next_of(struct chain c, uint32_t i)
{
	return (uint32_t *)(c.first + i * c.size);
}

static uint32_t take(struct pool *p, struct chain c, uint32_t max)
{
	uint32_t i = p->free;

	if (i)
		p->free = *next_of(c, i);
	else if (p->used < max - 1)
		i = ++p->used;
	p->live += !!i;
	return i;
}

static void give_back(struct pool *p, struct chain c, uint32_t i)
{
	*next_of(c, i) = p->free;
	p->free = i;
	p->live--;
}

static uint32_t *bucket(enum hash hash, uint64_t a, uint64_t b)
{
	uint64_t mixed = (a * 0x9e3779b97f4a7c15 + b) * 0xff51afd7ed558ccd;

	return &k()->hashes[hash][(mixed >> 32) % BUCKETS];
}

static void enchain(uint32_t *head, struct chain c, uint32_t i)
{
	*next_of(c, i) = *head;
	*head = i;
}

static void unchain(uint32_t *head, struct chain c, uint32_t i)
{
	while (*head && *head != i)
		head = next_of(c, *head);
	if (*head)
		*head = *next_of(c, i);
}

uint32_t file_new(uint64_t ino, unsigned int device, int access, int token)
{
	uint32_t i = take(&k()->file_pool, CHAIN(files, next_by_ino), MAX_FILES);
	struct file *f = &k()->files[i];

	if (!i)
		return 0;
	/* Of the numbers none is in use, and few have ever been: to clear them takes memory. */
	*f->used = 1;	/* there is no handle 0 */
	f->ino = ino;
	f->device = device;
	f->access = access;
	f->token = token;
	enchain(bucket(BY_FILE, ino, 0), CHAIN(files, next_by_ino), i);
	return i;
}

uint32_t file_of(int fd)
{
	struct stat st;
	uint32_t i;

	if (raw_fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode) || st.st_dev != k()->sockets)
		return 0;
	i = *bucket(BY_FILE, st.st_ino, 0);
	while (i && k()->files[i].ino != st.st_ino)
		i = k()->files[i].next_by_ino;
	return i;
}

static void mark(struct file *f, uint32_t number, bool used)
{
	uint64_t bit = 1ULL << number % 64, *word = &f->used[number / 64];
	uint64_t full_bit = 1ULL << number / 64 % 64, *full = &f->full[number / 64 / 64];
	uint64_t fuller_bit = 1ULL << number / 64 / 64;

	*word = used ? *word | bit : *word & ~bit;
	*full = ~*word ? *full & ~full_bit : *full | full_bit;
	f->fuller = ~*full ? f->fuller & ~fuller_bit : f->fuller | fuller_bit;
}

void file_reap(uint32_t file)
{
	struct file *f = &k()->files[file];
	int token = f->token;

	if (!f->ino || !keep_hung_up(token))
		return;
	*f->used &= ~1ULL;
	for (uint32_t i = 0; i * 64 < f->top; i++) {
		while (f->used[i]) {
			uint32_t number = i * 64 + __builtin_ctzll(f->used[i]);
			uint32_t handle = handle_find(file, number);

			/* Without one where a process was killed amid this. */
			if (handle)
				handle_delete(handle);
			else
				mark(f, number, false);
		}
	}
	unchain(bucket(BY_FILE, f->ino, 0), CHAIN(files, next_by_ino), file);
	f->ino = 0;
	give_back(&k()->file_pool, CHAIN(files, next_by_ino), file);
	keep_drop(token);
}

/* A process was killed while it had the lock: nothing is left in two places. */
void tables_repair(void)
{
	for (int i = 0; i < FAKE_DRIVERS; i++)
		memset(k()->devices[i].freed, 0, sizeof(k()->devices[i].freed));
}

void files_reap(void)
{
	for (uint32_t i = 1; i <= k()->file_pool.used; i++)
		file_reap(i);
}

static bool taken(const struct file *f, uint32_t number)
{
	return f->used[number / 64] >> number % 64 & 1;
}

static uint32_t lowest_free(const struct file *f)
{
	uint32_t i = 0;

	_Static_assert(MAX_HANDLES / 64 / 64 < 64, "fuller has a bit for each word of full");
	i = __builtin_ctzll(~f->fuller);
	if (i >= MAX_HANDLES / 64 / 64)
		return 0;
	i = i * 64 + __builtin_ctzll(~f->full[i]);
	return i * 64 + __builtin_ctzll(~f->used[i]);
}

static void number_handle(uint32_t handle, uint32_t number)
{
	struct handle *h = &k()->handles[handle];

	h->number = number;
	if (number >= k()->files[h->file].top)
		k()->files[h->file].top = number + 1;
	mark(&k()->files[h->file], number, true);
	enchain(bucket(BY_NUMBER, h->file, number), CHAIN(handles, next_by_number), handle);
}

static void unnumber_handle(uint32_t handle)
{
	struct handle *h = &k()->handles[handle];

	unchain(bucket(BY_NUMBER, h->file, h->number), CHAIN(handles, next_by_number), handle);
	mark(&k()->files[h->file], h->number, false);
}

int handle_new(uint32_t file, uint32_t object)
{
	uint32_t number = lowest_free(&k()->files[file]);
	uint32_t i = number ? take(&k()->handle_pool, CHAIN(handles, next_by_number), MAX_POOL) : 0;

	if (!i)
		return -ENOSPC;
	k()->handles[i] = (struct handle){ .file = file, .object = object };
	number_handle(i, number);
	enchain(&k()->objects[object].handles, CHAIN(handles, next_of_object), i);
	return number;
}

int handle_renumber(uint32_t handle, uint32_t number)
{
	if (!number || number >= MAX_HANDLES)
		return -EINVAL;
	if (number == k()->handles[handle].number)
		return 0;
	if (taken(&k()->files[k()->handles[handle].file], number))
		return -ENOSPC;
	unnumber_handle(handle);
	number_handle(handle, number);
	return 0;
}

uint32_t handle_find(uint32_t file, uint32_t number)
{
	uint32_t i = *bucket(BY_NUMBER, file, number);

	while (i && (k()->handles[i].file != file || k()->handles[i].number != number))
		i = k()->handles[i].next_by_number;
	return i;
}

void prime_add(uint32_t handle, uint32_t dmabuf)
{
	struct handle *h = &k()->handles[handle];

	if (h->dmabuf)
		return;
	h->dmabuf = dmabuf;
	enchain(bucket(BY_PRIME, h->file, dmabuf), CHAIN(handles, next_by_prime), handle);
}

uint32_t prime_find(uint32_t file, uint32_t dmabuf)
{
	uint32_t i = *bucket(BY_PRIME, file, dmabuf);

	while (i && (k()->handles[i].file != file || k()->handles[i].dmabuf != dmabuf))
		i = k()->handles[i].next_by_prime;
	return i;
}

void handle_delete(uint32_t handle)
{
	struct handle *h = &k()->handles[handle];
	uint32_t object = h->object;

	if (h->dmabuf)
		unchain(bucket(BY_PRIME, h->file, h->dmabuf), CHAIN(handles, next_by_prime),
			handle);
	unnumber_handle(handle);
	unchain(&k()->objects[object].handles, CHAIN(handles, next_of_object), handle);
	give_back(&k()->handle_pool, CHAIN(handles, next_by_number), handle);
	if (!k()->objects[object].handles)
		object_free(object);
}

uint32_t object_new(unsigned int device, uint64_t size)
{
	uint32_t i = take(&k()->object_pool, CHAIN(objects, next_by_offset), MAX_POOL);

	if (i)
		k()->objects[i] = (struct object){ .device = device, .size = size, .token = -1 };
	return i;
}

void object_free(uint32_t object)
{
	struct object *o = &k()->objects[object];
	struct device *dev = &k()->devices[o->device];
	struct dmabuf *d = &k()->dmabufs[o->dmabuf];

	if (o->name)
		dev->names[o->name] = 0;
	if (o->offset) {
		unchain(bucket(BY_OFFSET, o->device, o->offset), CHAIN(objects, next_by_offset),
			object);
		/* The last one to go is the first to be used again. */
		memmove(dev->freed + 1, dev->freed, sizeof(dev->freed) - sizeof(*dev->freed));
		dev->freed[0] = (struct freed){ o->offset, o->size };
	}
	if (o->dmabuf && !--d->refs)
		keep_drop(d->token);
	if (o->dmabuf && d->object == object)
		d->object = 0;
	if (o->token >= 0)
		keep_drop(o->token);
	give_back(&k()->object_pool, CHAIN(objects, next_by_offset), object);
}

void object_place(uint32_t object)
{
	struct object *o = &k()->objects[object];
	struct device *dev = &k()->devices[o->device];
	size_t i = 0;

	if (o->offset)
		return;
	while (i < MAX_FREED && dev->freed[i].size != o->size)
		i++;
	if (i < MAX_FREED) {
		o->offset = dev->freed[i].offset;
		memmove(dev->freed + i, dev->freed + i + 1,
			(MAX_FREED - i - 1) * sizeof(*dev->freed));
		dev->freed[MAX_FREED - 1] = (struct freed){ 0 };
	} else {
		/* DRM_FILE_PAGE_OFFSET_START of a 64-bit kernel; each device has its own. */
		o->offset = (1ULL << 32) + dev->next_offset;
		dev->next_offset += o->size;
	}
	enchain(bucket(BY_OFFSET, o->device, o->offset), CHAIN(objects, next_by_offset), object);
}

uint32_t object_at(unsigned int device, uint64_t offset)
{
	uint32_t i = *bucket(BY_OFFSET, device, offset);

	while (i && (k()->objects[i].device != device || k()->objects[i].offset != offset))
		i = k()->objects[i].next_by_offset;
	return i;
}

uint32_t object_around(unsigned int device, uint64_t offset)
{
	for (uint32_t i = 1; i <= k()->object_pool.used; i++) {
		const struct object *o = &k()->objects[i];

		if (o->handles && o->device == device && o->offset && offset >= o->offset &&
		    offset < o->offset + o->size)
			return i;
	}
	return 0;
}

bool object_allowed(uint32_t object, uint32_t file)
{
	uint32_t i = k()->objects[object].handles;

	while (i && k()->handles[i].file != file)
		i = k()->handles[i].next_of_object;
	return i;
}

int object_link(uint32_t object, uint32_t dmabuf, int fd)
{
	struct dmabuf *d = &k()->dmabufs[dmabuf];
	int token = d->refs ? d->token : keep(fd);

	if (token < 0)
		return token;
	d->token = token;
	d->refs++;
	k()->objects[object].dmabuf = dmabuf;
	return 0;
}

static void forget(uint32_t dmabuf)
{
	unchain(bucket(BY_INO, k()->dmabufs[dmabuf].ino, 0), CHAIN(dmabufs, next_by_ino), dmabuf);
	give_back(&k()->dmabuf_pool, CHAIN(dmabufs, next_by_ino), dmabuf);
}

uint32_t dmabuf_new(uint64_t ino, uint64_t size, int device)
{
	uint32_t i = take(&k()->dmabuf_pool, CHAIN(dmabufs, next_by_ino), MAX_POOL);

	/* What nobody refers to is forgotten, in the order of the table. */
	for (uint32_t n = 0; !i && n < MAX_POOL; n++) {
		uint32_t old = k()->recycle = k()->recycle % (MAX_POOL - 1) + 1;

		if (k()->dmabufs[old].refs || k()->dmabufs[old].busy)
			continue;
		forget(old);
		i = take(&k()->dmabuf_pool, CHAIN(dmabufs, next_by_ino), MAX_POOL);
	}
	if (!i)
		return 0;
	k()->dmabufs[i] = (struct dmabuf){ .ino = ino, .size = size, .device = device };
	enchain(bucket(BY_INO, ino, 0), CHAIN(dmabufs, next_by_ino), i);
	return i;
}

uint32_t dmabuf_find(uint64_t ino)
{
	uint32_t i = *bucket(BY_INO, ino, 0);

	while (i && k()->dmabufs[i].ino != ino)
		i = k()->dmabufs[i].next_by_ino;
	return i;
}

uint32_t dmabuf_of(int fd)
{
	struct stat st;

	if (raw_fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_dev != k()->memfds)
		return 0;
	return dmabuf_find(st.st_ino);
}
