// SPDX-License-Identifier: MIT
/* Files, imports and offsets. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "kernel/next.h"
#include "state/descriptor.h"
#include "state/private.h"
#include "state/file_table.h"
#include "state/import.h"
#include "state/offsets.h"
#include "state/submit.h"
#include "unit.h"

#define MIB (1ULL << 20)

#define FD 300	/* not open, so that kcmp() takes it for nobody's duplicate */

static struct buffer *buffer(uint64_t ino, uint64_t size)
{
	const struct dmabuf_id id = { .dev = 11, .ino = ino };

	return buffer_get(&id, size);
}

static struct file *file(int fd, dev_t rdev)
{
	struct file *f = file_lock_new(fd, rdev);

	file_unlock(f);
	return f;
}

static struct import *import(struct file *f, uint32_t handle, uint64_t ino, uint64_t size)
{
	const struct dmabuf_id id = { .dev = 11, .ino = ino };
	const struct buffer *before;

	return import_set(f, handle, &id, size, &before);
}

/* Each test leaves nothing behind: the tests also run in one process, under valgrind. */
static void close_all(void)
{
	descriptor_set(FD, NULL);
	descriptor_set(FD + 1, NULL);
	ck_assert_uint_eq(atomic_load(&imports_live), 0);
	ck_assert_uint_eq(atomic_load(&descriptors_live), 0);
}

START_TEST(one_dmabuf_is_one_buffer_and_goes_with_its_last_user)
{
	struct buffer *a = buffer(1, MIB), *b = buffer(1, MIB), *c = buffer(2, MIB);

	ck_assert_ptr_eq(a, b);
	ck_assert_ptr_ne(a, c);
	ck_assert_uint_eq(a->refs, 2);
	buffer_put(a);
	buffer_put(b);
	buffer_put(c);
	/* Gone: the same inode is now a new record with nothing known about it. */
	a = buffer(1, 2 * MIB);
	ck_assert_uint_eq(a->refs, 1);
	ck_assert_uint_eq(buffer_size(a), 2 * MIB);
	ck_assert_int_eq(buffer_fd(a), -1);
	buffer_put(a);
}
END_TEST

/* As where two threads map and unmap a buffer: one has taken the descriptor out, to close it. */
START_TEST(private_descriptor_that_its_buffer_was_given_again_stays)
{
	struct buffer *b = buffer(1, MIB);
	int number;

	buffer_count_mapped(b, false, false, 1);
	ck_assert_int_eq(descriptor_hide(open("/dev/null", O_RDWR | O_CLOEXEC), b), 0);
	number = buffer_fd(b);
	ck_assert_int_ge(number, 0);
	/* The other has been given the same number meanwhile. */
	descriptor_drop(number, b, true);
	ck_assert_int_ge(fcntl(number, F_GETFD), 0);
	ck_assert(descriptor_known(number));
	buffer_count_mapped(b, false, false, -1);
	buffer_set_fd(b, -1);
	descriptor_drop(number, b, true);
	ck_assert_int_lt(fcntl(number, F_GETFD), 0);
	ck_assert(!descriptor_known(number));
	buffer_put(b);
}
END_TEST

static struct next real;
static struct file *asked;	/* of FD, which another thread closes while kcmp() is asked */

static int closed_meanwhile(pid_t pid, int fd, int other)
{
	(void)pid, (void)fd, (void)other;
	next.same_file = real.same_file;
	/* That thread has it at another number, too, and so puts it back. */
	asked->refs++;
	descriptor_set(FD, NULL);
	descriptor_set(FD, asked);
	errno = EBADF;
	return -1;
}

START_TEST(file_that_is_put_back_while_a_duplicate_is_looked_for_stays)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), kept = open("/dev/null", O_RDWR);
	struct file *f;

	real = next;
	ck_assert_int_eq(dup2(kept, FD), FD);
	f = asked = file(FD, 226);
	next.same_file = closed_meanwhile;
	file(null, 226);
	ck_assert_ptr_eq(next.same_file, real.same_file);
	ck_assert_ptr_eq(descriptor_peek(FD), f);
	ck_assert_ptr_ne(descriptor_peek(null), f);
	descriptor_set(null, NULL);
	close(null);
	close(kept);
	close(FD);
	close_all();
}
END_TEST

START_TEST(import_again_keeps_the_record_and_its_offset)
{
	struct file *f = file(FD, 226);
	struct import *imp = import(f, 1, 100, MIB);
	uint64_t off = offset_synthetic(f, imp);

	ck_assert_ptr_eq(import(f, 1, 100, MIB), imp);
	ck_assert_uint_eq(offset_synthetic(f, imp), off);
	ck_assert_uint_eq(imp->buffer->refs, 1);
	close_all();
}
END_TEST

START_TEST(number_used_again_for_another_dmabuf_replaces_the_record)
{
	struct file *f = file(FD, 226);
	struct import *imp = import(f, 1, 100, MIB);
	uint64_t off = offset_synthetic(f, imp), delta;

	imp = import(f, 1, 101, 2 * MIB);
	ck_assert_uint_eq(imp->buffer->ino, 101);
	ck_assert_ptr_null(offset_find(f, off, &delta));
	ck_assert_uint_eq(f->imports.n, 1);
	close_all();
}
END_TEST

START_TEST(same_handle_number_in_two_files_is_two_imports)
{
	struct file *f = file(FD, 226), *g = file(FD + 1, 226);

	import(f, 1, 100, MIB);
	import(g, 1, 101, MIB);
	ck_assert_uint_eq(import_find(f, 1)->buffer->ino, 100);
	ck_assert_uint_eq(import_find(g, 1)->buffer->ino, 101);
	import_drop(g, import_find(g, 1));
	ck_assert_ptr_nonnull(import_find(f, 1));
	ck_assert_ptr_null(import_find(g, 1));
	close_all();
}
END_TEST

START_TEST(another_device_at_the_descriptor_forgets_the_imports)
{
	struct file *f = file(FD, 226);

	offset_synthetic(f, import(f, 1, 100, MIB));
	f = file(FD, 227);
	ck_assert_ptr_null(import_find(f, 1));
	close_all();
	ck_assert_ptr_null(file_lock(-1));
}
END_TEST

START_TEST(record_made_during_a_close_survives_it)
{
	struct file *f = file(FD, 226);
	uint32_t clock;

	import(f, 1, 100, MIB);
	clock = import_clock();
	ck_assert(import_older(import_find(f, 1), clock));
	import(f, 1, 101, MIB);		/* another thread got the number first */
	ck_assert(!import_older(import_find(f, 1), clock));
	import(f, 2, 102, MIB);
	clock = import_clock();
	import(f, 2, 102, MIB);		/* closed and imported again: also younger */
	ck_assert(!import_older(import_find(f, 2), clock));
	close_all();
}
END_TEST

START_TEST(renamed_handle_keeps_its_offset)
{
	struct file *f = file(FD, 226);
	struct import *imp = import(f, 1, 100, MIB), *found;
	uint64_t off = offset_synthetic(f, imp), delta;

	import(f, 9, 109, MIB);
	import_rename(f, imp, 9);
	ck_assert_ptr_null(import_find(f, 1));
	ck_assert_ptr_eq(import_find(f, 9), imp);
	found = offset_find(f, off, &delta);
	ck_assert_ptr_eq(found, imp);
	ck_assert_uint_eq(found->handle, 9);
	ck_assert_uint_eq(atomic_load(&imports_live), 1);
	close_all();
}
END_TEST

START_TEST(synthetic_offsets_are_in_the_window_and_apart)
{
	struct file *f = file(FD, 226);
	uint64_t end = 0, delta;

	for (uint32_t h = 1; h <= 1000; h++) {
		/* Odd sizes: what is not a whole page at the end cannot be mapped. */
		struct import *imp = import(f, h, 1000 + h, 4096 + h * 1000);
		uint64_t off = offset_synthetic(f, imp);

		ck_assert_uint_ge(off, SYNTHETIC_FIRST);
		ck_assert_uint_ge(off, end);
		ck_assert_uint_eq(off % 4096, 0);
		end = off + (4096 + h * 1000) / 4096 * 4096;
		ck_assert_uint_le(end, SYNTHETIC_END);
		ck_assert_ptr_eq(offset_find(f, off, &delta), imp);
		ck_assert_uint_eq(delta, 0);
		ck_assert_ptr_eq(offset_find(f, end - 1, &delta), imp);
		ck_assert_uint_eq(delta, end - off - 1);
	}
	close_all();
}
END_TEST

START_TEST(window_is_used_again_and_full_is_said)
{
	const uint64_t half = (SYNTHETIC_END - SYNTHETIC_FIRST) / 2;
	struct file *f = file(FD, 226);
	uint64_t a, b;

	a = offset_synthetic(f, import(f, 1, 1, half));
	if (a > SYNTHETIC_FIRST) {
		/* The cursor is not at the beginning: one of these starts there. */
		import_drop(f, import_find(f, 1));
		a = offset_synthetic(f, import(f, 1, 1, half));
	}
	ck_assert_uint_eq(a, SYNTHETIC_FIRST);
	b = offset_synthetic(f, import(f, 2, 2, half));
	ck_assert_uint_eq(b, SYNTHETIC_FIRST + half);
	ck_assert_uint_eq(offset_synthetic(f, import(f, 3, 3, half)), 0);
	import_drop(f, import_find(f, 1));
	ck_assert_uint_eq(offset_synthetic(f, import_find(f, 3)), SYNTHETIC_FIRST);
	ck_assert_uint_eq(offset_synthetic(f, import(f, 4, 4, 2 * half + 4096)), 0);
	close_all();
}
END_TEST

START_TEST(handles_of_one_dmabuf_share_the_offset)
{
	struct file *f = file(FD, 226);
	struct import *a = import(f, 1, 100, MIB), *b = import(f, 2, 100, MIB), *c;
	uint64_t off = offset_synthetic(f, a), delta;

	ck_assert_uint_eq(offset_synthetic(f, b), off);
	c = import(f, 3, 100, MIB);
	ck_assert_uint_eq(offset_synthetic(f, c), off);
	import_drop(f, a);
	ck_assert_ptr_nonnull(offset_find(f, off, &delta));
	import_drop(f, b);
	ck_assert_ptr_eq(offset_find(f, off, &delta), c);
	import_drop(f, c);
	ck_assert_ptr_null(offset_find(f, off, &delta));
	close_all();
}
END_TEST

START_TEST(native_offset_stays_with_the_handles_that_were_told_it)
{
	struct file *f = file(FD, 226);
	struct import *a = import(f, 1, 100, MIB), *b = import(f, 2, 100, MIB);
	struct import *c = import(f, 3, 100, MIB);
	uint64_t delta;

	offset_native(f, a, 1ULL << 32);
	offset_native(f, b, 1ULL << 32);
	ck_assert_uint_eq(a->native, 1ULL << 32);
	ck_assert_uint_eq(b->native, 1ULL << 32);
	import_drop(f, b);
	ck_assert_ptr_eq(offset_find(f, (1ULL << 32) + 4096, &delta), a);
	/* The driver has said nothing of it for the third, whose record may be stale. */
	import_drop(f, a);
	ck_assert_ptr_null(offset_find(f, 1ULL << 32, &delta));
	ck_assert_uint_eq(c->native, 0);
	ck_assert_uint_eq(offset_synthetic(f, c), offset_synthetic(f, c));
	import_drop(f, c);
	close_all();
}
END_TEST

START_TEST(offset_of_a_closed_file_is_not_another_files)
{
	struct file *f = file(FD, 226), *g = file(FD + 1, 226);
	struct import *a = import(f, 1, 100, MIB), *b = import(g, 1, 100, MIB);
	uint64_t at = offset_synthetic(f, a), delta;

	/* One dma-buf in two files: each has an offset of its own. */
	ck_assert_ptr_null(offset_find(g, at, &delta));
	ck_assert_uint_ne(offset_synthetic(g, b), at);
	import_drop(f, a);
	ck_assert_ptr_null(offset_find(f, at, &delta));
	ck_assert_ptr_eq(offset_find(g, offset_synthetic(g, b), &delta), b);
	close_all();
}
END_TEST

/* @born and the @clock taken before a close. */
static const struct { uint32_t born, clock; bool older; } ages[] = {
	{ 5, 5, true }, { 6, 5, false }, { 4, 5, true },
	{ UINT32_MAX, UINT32_MAX, true }, { UINT32_MAX, 0, true }, { UINT32_MAX, 5, true },
	{ 0, UINT32_MAX, false }, { 5, UINT32_MAX - 5, false },
	{ UINT32_MAX, UINT32_MAX - 5, false },
	{ 0, INT32_MAX, true }, { INT32_MAX, 0, false }, { 1U << 31, INT32_MAX, false },
	{ INT32_MAX, 1U << 31, true },
};

START_TEST(clock_may_wrap)
{
	const struct import imp = { .born = ages[_i].born };

	ck_assert_int_eq(import_older(&imp, ages[_i].clock), ages[_i].older);
}
END_TEST

#define MANY 100000

/* Each third import is a second handle of the one before it, each second has an offset of ours. */
static struct file *many_imports(void)
{
	struct file *f = file(FD, 226);

	for (uint32_t h = 1; h <= MANY; h++) {
		struct import *imp = import(f, h, h % 3 ? 1000 + h : 999 + h, 4096);

		must(imp);
		if (h % 2)
			offset_synthetic(f, imp);
		if (h % 5 == 0)
			offset_native(f, imp, (1ULL << 32) + h * 4096ULL);
	}
	ck_assert_uint_eq(atomic_load(&imports_live), MANY);
	ck_assert_uint_eq(f->imports.n, MANY);
	return f;
}

enum { FORWARDS, BACKWARDS, SHUFFLED, BY_CLOSE, WAYS };

START_TEST(many_imports_leave_nothing_behind)
{
	static uint32_t order[MANY];
	struct file *f = many_imports();

	srand(1);
	for (uint32_t i = 0; i < MANY; i++)
		order[i] = _i == BACKWARDS ? MANY - i : i + 1;
	for (uint32_t i = MANY - 1; _i == SHUFFLED && i; i--) {
		uint32_t j = rand() % (i + 1), was = order[i];

		order[i] = order[j];
		order[j] = was;
	}
	for (uint32_t i = 0; i < MANY && _i != BY_CLOSE; i++) {
		struct import *imp = import_find(f, order[i]);

		must(imp);
		import_drop(f, imp);
		must(!import_find(f, order[i]));
	}
	if (_i != BY_CLOSE) {
		ck_assert_uint_eq(f->imports.n, 0);
		ck_assert_uint_eq(f->offsets.pages, 0);
	}
	close_all();
	/* Nor a buffer: each inode is new again. */
	for (uint32_t h = 1; h <= MANY; h += 997) {
		struct buffer *b = buffer(1000 + h, MIB);

		ck_assert_uint_eq(b->refs, 1);
		ck_assert_uint_eq(buffer_size(b), MIB);
		buffer_put(b);
	}
}
END_TEST

START_TEST(native_offset_given_to_another_is_taken_from_the_first)
{
	struct file *f = file(FD, 226);
	struct import *a = import(f, 1, 100, MIB), *b = import(f, 2, 101, MIB);
	uint64_t delta;

	offset_native(f, a, 1ULL << 32);
	ck_assert_ptr_eq(offset_find(f, (1ULL << 32) + 4096, &delta), a);
	ck_assert_uint_eq(delta, 4096);
	offset_native(f, b, (1ULL << 32) + 4096);
	ck_assert_ptr_null(offset_find(f, 1ULL << 32, &delta));
	ck_assert_uint_eq(a->native, 0);
	ck_assert_ptr_eq(offset_find(f, (1ULL << 32) + 4096, &delta), b);
	offset_native(f, b, 3ULL << 32);	/* moved */
	ck_assert_ptr_null(offset_find(f, (1ULL << 32) + 4096, &delta));
	ck_assert_ptr_eq(offset_find(f, 3ULL << 32, &delta), b);
	offset_native(f, b, UINT64_MAX - 4096);	/* nonsense is not remembered */
	ck_assert_ptr_null(offset_find(f, UINT64_MAX - 4096, &delta));
	close_all();
}
END_TEST

START_TEST(submit_that_was_left_by_a_jump_ends_after_a_second)
{
	struct file *f = file(FD, 1), *other = file(FD + 1, 2);
	struct submit left, s, in_parent;

	buffers_lock();
	submit_begin(&left, f);
	submit_begin(&s, other);
	ck_assert_uint_ne(left.serial, s.serial);
	ck_assert(submit_open(left.serial) && submit_open_of(f) && submit_open_of(other));
	ck_assert(!submit_open(0));
	submit_end(&s);
	ck_assert(submit_open(left.serial) && !submit_open(s.serial) && !submit_open_of(other));
	buffers_unlock();
	usleep(1100000);
	buffers_lock();
	ck_assert(!submit_open(left.serial) && !submit_open_of(f));
	/* It may come to its end after all. */
	submit_end(&left);
	submit_begin(&in_parent, f);
	submits_forked();
	ck_assert(!submit_open(in_parent.serial) && !submit_open_of(f));
	buffers_unlock();
}
END_TEST

START_TEST(more_submits_at_once_than_there_is_room_for)
{
	struct file *f = file(FD, 1), *other = file(FD + 1, 2);
	struct submit s[100];

	buffers_lock();
	for (int i = 0; i < 100; i++)
		submit_begin(&s[i], i < 50 ? f : other);
	ck_assert(submit_open(s[0].serial) && submit_open_of(f));
	for (int i = 99; i >= 0; i--)
		submit_end(&s[i]);
	ck_assert(!submit_open_of(f) && !submit_open_of(other) && !submits_open);
	buffers_unlock();
}
END_TEST

TCase *state_tests(void)
{
	TCase *t = tcase_create("state");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, one_dmabuf_is_one_buffer_and_goes_with_its_last_user);
	tcase_add_test(t, private_descriptor_that_its_buffer_was_given_again_stays);
	tcase_add_test(t, file_that_is_put_back_while_a_duplicate_is_looked_for_stays);
	tcase_add_test(t, import_again_keeps_the_record_and_its_offset);
	tcase_add_test(t, number_used_again_for_another_dmabuf_replaces_the_record);
	tcase_add_test(t, same_handle_number_in_two_files_is_two_imports);
	tcase_add_test(t, another_device_at_the_descriptor_forgets_the_imports);
	tcase_add_test(t, record_made_during_a_close_survives_it);
	tcase_add_test(t, renamed_handle_keeps_its_offset);
	tcase_add_test(t, synthetic_offsets_are_in_the_window_and_apart);
	tcase_add_test(t, window_is_used_again_and_full_is_said);
	tcase_add_test(t, handles_of_one_dmabuf_share_the_offset);
	tcase_add_test(t, native_offset_stays_with_the_handles_that_were_told_it);
	tcase_add_test(t, offset_of_a_closed_file_is_not_another_files);
	tcase_add_test(t, submit_that_was_left_by_a_jump_ends_after_a_second);
	tcase_add_test(t, more_submits_at_once_than_there_is_room_for);
	tcase_add_loop_test(t, clock_may_wrap, 0, sizeof(ages) / sizeof(ages[0]));
	tcase_add_loop_test(t, many_imports_leave_nothing_behind, 0, WAYS);
	tcase_add_test(t, native_offset_given_to_another_is_taken_from_the_first);
	return t;
}
