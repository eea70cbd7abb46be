// SPDX-License-Identifier: MIT
/*
 * The records of mappings, while another thread maps something in the gap that a refused MAP_FIXED
 * or MREMAP_FIXED leaves.
 */
#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hooks/mmap_hooks.h"
#include "kernel/next.h"
#include "kernel/page.h"
#include "policy/guard.h"
#include "policy/mapped.h"
#include "records/request.h"
#include "state/mapping.h"
#include "unit.h"

static struct next real;
static struct buffer *mine, *others;
static char *place;
static size_t len;
static int answer;		/* the errno of each call that maps */
static bool unmaps;		/* before the call is refused */
static bool recorded;		/* what the other thread maps is an import */
static unsigned int protects;	/* calls for PROT_NONE */
static void *last;		/* what the last of them was for */

static struct buffer *buffer(uint64_t ino)
{
	const struct dmabuf_id id = { .dev = 11, .ino = ino };

	return buffer_get(&id, len);
}

static void hold(struct buffer *b)
{
	buffers_lock();
	b->refs++;
	buffers_unlock();
}

/* The kernel unmaps the place and refuses the call; then another thread is given the gap. */
static void *refuse(void)
{
	if (unmaps) {
		ck_assert_int_eq(real.munmap(place, len), 0);
		ck_assert_ptr_eq(real.mmap64(place, len, PROT_READ | PROT_WRITE,
					     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), place);
	}
	if (unmaps && recorded) {
		hold(others);
		mapped_begin(others, place, len, 0, PROT_READ, 0, -1, NULL);
	}
	errno = answer;
	return MAP_FAILED;
}

static void *fake_mmap64(void *addr, size_t size, int prot, int flags, int fd, int64_t off)
{
	(void)addr, (void)size, (void)prot, (void)flags, (void)fd, (void)off;
	return refuse();
}

static void *fake_mremap(void *old, size_t old_len, size_t size, int flags, ...)
{
	(void)old, (void)old_len, (void)size, (void)flags;
	return refuse();
}

static int counted_mprotect(void *addr, size_t size, int prot)
{
	if (prot == PROT_NONE) {
		protects++;
		last = addr;
	}
	return real.mprotect(addr, size, prot);
}

static void setup(void)
{
	real = next;
	len = 2 * page_size();
	mine = buffer(1);
	others = buffer(2);
	place = real.mmap64(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(place, MAP_FAILED);
	hold(mine);
	mapped_begin(mine, place, len, 0, PROT_READ | PROT_WRITE, 0, -1, NULL);
	next.mmap64 = fake_mmap64;
	next.mremap = fake_mremap;
	unmaps = true;
	recorded = false;
}

static void teardown(void)
{
	next = real;
	mapped_end(place, len);
	ck_assert_uint_eq(atomic_load(&mappings_live), 0);
	munmap(place, len);
	buffers_lock();
	buffer_put(mine);
	buffer_put(others);
	buffers_unlock();
}

/* The buffer that the place is taken for, or NULL. */
static struct buffer *taken_for(void)
{
	struct mapping m;
	bool known;

	buffers_lock();
	known = mapping_at((uintptr_t)place, len, &m);
	buffers_unlock();
	return known ? m.buffer : NULL;
}

static void map_with(int flags, int fd, int prot, uint64_t off)
{
	const struct mmap_call c = { place, len, prot, flags | MAP_FIXED, fd, off, false };
	void *out;

	ck_assert_int_eq(mmap_hook(&c, &out), -answer);
}

static void map_over(int fd, int prot, uint64_t off)
{
	map_with(MAP_SHARED, fd, prot, off);
}

START_TEST(what_fills_the_gap_of_a_refused_map_is_not_taken_for_an_import)
{
	static const int errors[] = { EINVAL, EACCES, ENXIO };
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	answer = errors[_i];
	map_over(fd, PROT_READ | PROT_WRITE, 0);
	ck_assert_ptr_null(taken_for());
	close(fd);
}
END_TEST

START_TEST(an_import_in_the_gap_stays_recorded)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	void *out;

	recorded = true;
	answer = EINVAL;
	map_over(fd, PROT_READ, 0);
	ck_assert_ptr_eq(taken_for(), others);
	answer = EFAULT;
	ck_assert_int_eq(mremap_hook((char *)place + 16 * len, len, len,
				     MREMAP_MAYMOVE | MREMAP_FIXED, place, &out), -EFAULT);
	ck_assert_ptr_eq(taken_for(), others);
	close(fd);
}
END_TEST

START_TEST(what_is_refused_before_the_place_is_unmapped_changes_nothing)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	unmaps = false;
	answer = EBADF;
	map_over(-1, PROT_READ, 0);
	answer = ENOMEM;
	map_over(fd, PROT_READ, 0);
	answer = EACCES;
	map_over(fd, PROT_READ | PROT_WRITE, 0);
	answer = EINVAL;
	map_over(fd, PROT_READ, 100);
	ck_assert_ptr_eq(taken_for(), mine);
	close(fd);
}
END_TEST

/* do_mmap() of all kernels, and vma_to_resize() before the unmap of 6.17. */
START_TEST(nor_does_what_the_kernel_refuses_by_itself)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	void *out;

	unmaps = false;
	answer = EINVAL;
	map_with(MAP_SHARED | MAP_HUGETLB, fd, PROT_READ, 0);
	map_with(MAP_SHARED | MAP_GROWSDOWN, fd, PROT_READ, 0);
	map_with(4, fd, PROT_READ, 0);
	answer = EACCES;
	map_with(MAP_SHARED, fd, PROT_READ | PROT_WRITE | PROT_EXEC, 0);
	answer = EFAULT;
	ck_assert_int_eq(mremap_hook((char *)place + 16 * len, len, len,
				     MREMAP_MAYMOVE | MREMAP_FIXED, place, &out), -EFAULT);
	ck_assert_ptr_eq(taken_for(), mine);
	close(fd);
}
END_TEST

/* As guard_set() is called for each change of turns, and threads map meanwhile. */
START_TEST(a_mapping_that_was_added_is_guarded_as_well)
{
	char *added = real.mmap64(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				  -1, 0);

	next.mprotect = counted_mprotect;
	protects = 0;
	buffers_lock();
	guard_set(mine, true);
	ck_assert_uint_eq(protects, 1);
	ck_assert_ptr_eq(last, place);
	ck_assert_int_eq(mapping_add((uintptr_t)added, len, 0, mine, PROT_READ, 0), 0);
	last = NULL;
	/* Both, in the order of their addresses. */
	guard_set(mine, true);
	ck_assert_uint_eq(protects, 3);
	ck_assert_ptr_eq(last, added > place ? added : place);
	buffers_unlock();
	buffers_lock();
	guard_set(mine, false);
	buffers_unlock();
	mapped_end(added, len);
	munmap(added, len);
}
END_TEST

TCase *mapped_tests(void)
{
	TCase *t = tcase_create("mapped");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, what_fills_the_gap_of_a_refused_map_is_not_taken_for_an_import, 0,
			    3);
	tcase_add_test(t, an_import_in_the_gap_stays_recorded);
	tcase_add_test(t, what_is_refused_before_the_place_is_unmapped_changes_nothing);
	tcase_add_test(t, nor_does_what_the_kernel_refuses_by_itself);
	tcase_add_test(t, a_mapping_that_was_added_is_guarded_as_well);
	return t;
}
