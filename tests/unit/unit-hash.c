// SPDX-License-Identifier: MIT
/* The hash table: a hundred thousand numbers that come and go in any order; and without memory. */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "kernel/next.h"
#include "unit.h"

#define N 100000

struct thing {
	struct hash_link link;
	uint64_t number;
	bool in;	/* what the table should say of it */
	int seen;
};

static struct thing things[N + 1];

static uint64_t number(const struct hash_link *l)
{
	return ((const struct thing *)l)->number;
}

/* Numbers as they come: handles, inodes, and strides that would meet in a plain modulus. */
static const uint64_t strides[] = { 1, 16, 4096, 1 << 20, 1ULL << 32, 0x9e3779b1 };
#define STRIDES (int)(sizeof(strides) / sizeof(strides[0]))

static void number_things(uint64_t stride)
{
	memset(things, 0, sizeof(things));
	for (size_t i = 0; i < N; i++)
		things[i].number = (i + 1) * stride;
}

static void insert(struct hash *h, size_t i)
{
	must(hash_insert(h, &things[i].link) == 0);
	things[i].in = true;
}

static void take_out(struct hash *h, size_t i)
{
	hash_remove(h, &things[i].link);
	things[i].in = false;
}

/* Everything that is in, and nothing else, is found and visited, and visited once. */
static void agrees(const struct hash *h)
{
	struct hash_link *l;
	size_t n = 0, longest = 0;

	for (size_t i = 0; i < N; i++) {
		things[i].seen = 0;
		n += things[i].in;
		if (hash_find(h, things[i].number) != (things[i].in ? &things[i] : NULL))
			ck_abort_msg("number %zu is wrong", i);
	}
	ck_assert_uint_eq(h->n, n);
	ck_assert_ptr_null(hash_find(h, 0));
	for (size_t i = 0; (l = hash_next(h, &i)); i++) {
		size_t length = 0;

		for (; l; l = l->next, length++)
			((struct thing *)l)->seen++;
		longest = length > longest ? length : longest;
	}
	for (size_t i = 0; i < N; i++)
		if (things[i].seen != things[i].in)
			ck_abort_msg("number %zu was visited %d times", i, things[i].seen);
	/* At two to a bucket, of 65536, chance alone makes none of a dozen or two. */
	ck_assert_uint_le(longest, 32);
}

START_TEST(what_is_in_is_found)
{
	struct hash h = { .number = number };

	number_things(strides[_i]);
	for (size_t i = 0; i < N; i++) {
		insert(&h, i);
		must(h.n <= 2 * h.size);
		must(!(h.size & (h.size - 1)));
		if (i == 0 || i == 1023 || i == 1024 || i == 1025)
			agrees(&h);
	}
	agrees(&h);
	srand(_i);
	for (size_t n = 0; n < N / 2; n++) {
		size_t i = rand() % N;

		if (things[i].in)
			take_out(&h, i);
	}
	agrees(&h);
	for (size_t i = 0; i < N; i++)
		if (!things[i].in && i % 3)
			insert(&h, i);
	agrees(&h);
	hash_free(&h);
	ck_assert_ptr_null(hash_find(&h, things[0].number));
	/* And from the beginning. */
	number_things(strides[_i]);
	insert(&h, 7);
	ck_assert_ptr_eq(hash_find(&h, things[7].number), &things[7]);
	hash_free(&h);
}
END_TEST

START_TEST(emptying_while_visiting_reaches_all)
{
	struct hash h = { .number = number };
	struct hash_link *l;
	size_t n = 0;

	number_things(1);
	for (size_t i = 0; i < N; i++)
		insert(&h, i);
	for (size_t i = 0; (l = hash_next(&h, &i)); n++)
		hash_remove(&h, l);
	ck_assert_uint_eq(n, N);
	ck_assert_uint_eq(h.n, 0);
	hash_free(&h);
}
END_TEST

static void *no_memory(void *addr, size_t len, int prot, int flags, int fd, int64_t off)
{
	(void)addr, (void)len, (void)prot, (void)flags, (void)fd, (void)off;
	errno = ENOMEM;
	return MAP_FAILED;
}

/* What is reserved stays so. */
static int no_access(void *addr, size_t len, int prot)
{
	(void)addr, (void)len, (void)prot;
	errno = ENOMEM;
	return -1;
}

START_TEST(without_memory_only_the_first_is_refused)
{
	struct hash h = { .number = number };
	const struct next real = next;

	number_things(1);
	next.mmap64 = no_memory;
	ck_assert_int_eq(hash_insert(&h, &things[0].link), -ENOMEM);
	ck_assert_uint_eq(h.n, 0);
	ck_assert_ptr_null(hash_find(&h, 1));
	next = real;
	insert(&h, 0);
	next.mmap64 = no_memory;
	next.mprotect = no_access;
	for (size_t i = 1; i < 5000; i++)
		insert(&h, i);
	next = real;
	ck_assert_uint_lt(2 * h.size, h.n);
	for (size_t i = 0; i < 5000; i++)
		must(hash_find(&h, i + 1) == &things[i]);
	ck_assert_ptr_null(hash_find(&h, 5001));
	/* It makes up for it. */
	for (size_t i = 5000; i < 5010; i++)
		insert(&h, i);
	ck_assert_uint_le(h.n, 2 * h.size);
	agrees(&h);
	hash_free(&h);
}
END_TEST

TCase *hash_tests(void)
{
	TCase *t = tcase_create("hash");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, what_is_in_is_found, 0, STRIDES);
	tcase_add_test(t, emptying_while_visiting_reaches_all);
	tcase_add_test(t, without_memory_only_the_first_is_refused);
	return t;
}
