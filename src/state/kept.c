// SPDX-License-Identifier: MIT
/* Mappings that the shim has kept; see kept.h. */
#include "config.h"

#include <stddef.h>

#include "kept.h"
#include "mapping.h"

/* By number: each is a mapping of the process, of which the kernel allows 65530. */
#define MOST	(sizeof(void *) == 8 ? 64 : 16)

static struct kept table[64];
static unsigned int used;	/* no later entry is in use */
static uint64_t bytes;
static uint32_t ages;

atomic_uint kept_live;
atomic_bool kept_orphaned;

static void count(int by)
{
	atomic_fetch_add_explicit(&kept_live, by, memory_order_relaxed);
	atomic_fetch_add_explicit(&mappings_live, by, memory_order_relaxed);
}

static bool described(const struct kept *k)
{
	return buffer_fd(k->buffer) >= 0 && !buffer_is_mapped(k->buffer);
}

/* Is @k the first entry of its buffer? */
static bool is_first(const struct kept *k)
{
	const struct kept *at = table;

	while (at->buffer != k->buffer)
		at++;
	return at == k;
}

uint64_t kept_bytes(void)
{
	return bytes;
}

unsigned int kept_descriptors(void)
{
	unsigned int n = 0;

	for (struct kept *k = table; k < table + used; k++)
		n += k->buffer && described(k) && is_first(k);
	return n;
}

static unsigned int first_free(void)
{
	unsigned int i = 0;

	while (i < used && table[i].buffer)
		i++;
	return i;
}

bool kept_room(void)
{
	return first_free() < MOST;
}

void kept_add(const struct kept *k)
{
	unsigned int i = first_free();

	used += i == used;
	table[i] = *k;
	table[i].age = ++ages;
	table[i].taken = false;
	k->buffer->turns->kept = true;
	bytes += k->end - k->start;
	count(1);
}

void kept_remove(struct kept *k)
{
	struct buffer *b = k->buffer;

	bytes -= k->end - k->start;
	k->buffer = NULL;
	while (used && !table[used - 1].buffer)
		used--;
	b->turns->kept = false;
	for (k = table; k < table + used; k++)
		b->turns->kept |= k->buffer == b;
	count(-1);
}

/* Was @a added after @b? */
static bool newer(const struct kept *a, const struct kept *b)
{
	return (int32_t)(a->age - b->age) > 0;
}

struct kept *kept_find(const struct buffer *b, uint64_t len, uint64_t lead, int prot)
{
	struct kept *found = NULL;

	if (!buffer_is_kept(b))
		return NULL;
	for (struct kept *k = table; k < table + used; k++)
		if (k->buffer == b && !k->taken && k->lead == lead && k->prot == prot &&
		    k->end - k->start == lead + len && (!found || newer(k, found)))
			found = k;
	return found;
}

struct kept *kept_meeting(uint64_t start, uint64_t end)
{
	for (struct kept *k = table; k < table + used; k++)
		if (k->buffer && !k->taken && k->start < end && start < k->end)
			return k;
	return NULL;
}

struct kept *kept_oldest(bool only_described)
{
	struct kept *found = NULL;

	for (struct kept *k = table; k < table + used; k++)
		if (k->buffer && !k->taken && (!only_described || described(k)) &&
		    (!found || newer(found, k)))
			found = k;
	return found;
}

struct kept *kept_orphan(void)
{
	for (struct kept *k = table; k < table + used; k++)
		if (k->buffer && !k->taken && !k->buffer->imports)
			return k;
	return NULL;
}

struct kept *kept_any(void)
{
	return used ? &table[used - 1] : NULL;
}
