// SPDX-License-Identifier: MIT
/* The shim asks the kernel whether memory can be read or written, without a signal or a change. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kernel/next.h"
#include "kernel/readable.h"
#include "unit.h"

#define PAGE 4096
#define RW (PROT_READ | PROT_WRITE)

static volatile sig_atomic_t signals;

static void count(int sig)
{
	(void)sig;
	signals++;
}

/* The middle one of three pages, of a file of @len bytes, or of none; the others are closed. */
static char *page(int prot, int flags, off_t len)
{
	char *p = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *middle;
	int fd = len < 0 ? -1 : memfd_create("file", MFD_CLOEXEC);

	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert(fd < 0 || !ftruncate(fd, len));
	flags |= MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0);
	middle = mmap(p + PAGE, PAGE, prot, flags, fd, 0);
	ck_assert_ptr_eq(middle, p + PAGE);
	if (fd >= 0)
		close(fd);
	return middle;
}

static void unmap(char *middle)
{
	munmap(middle - PAGE, 3 * PAGE);
}

static void setup(void)
{
	signals = 0;
	signal(SIGSEGV, count);
	signal(SIGBUS, count);
}

static void teardown(void)
{
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	ck_assert_int_eq(signals, 0);
}

START_TEST(pages_are_what_they_are)
{
	static const struct {
		int prot, flags;
		off_t len;	/* of the file; -1: there is none */
		int read, write;
	} kinds[] = {
		{ RW, MAP_PRIVATE, -1, 1, 1 },
		{ RW, MAP_SHARED, -1, 1, 1 },
		{ PROT_READ, MAP_PRIVATE, -1, 1, 0 },
		{ PROT_READ, MAP_SHARED, -1, 1, 0 },
		{ RW, MAP_PRIVATE, PAGE, 1, 1 },
		{ RW, MAP_SHARED, PAGE, 1, 1 },
		{ RW, MAP_SHARED, 5, 1, 1 },
		{ PROT_READ, MAP_PRIVATE, PAGE, 1, 0 },
		{ PROT_READ, MAP_SHARED, PAGE, 1, 0 },
		/* Behind the end of the file: a touch would be SIGBUS. */
		{ RW, MAP_PRIVATE, 0, 0, 0 },
		{ RW, MAP_SHARED, 0, 0, 0 },
		{ PROT_READ, MAP_SHARED, 0, 0, 0 },
	};
	char *p = page(kinds[_i].prot, kinds[_i].flags, kinds[_i].len);

	for (int at = 0; at < 8; at++) {
		ck_assert_int_eq(ask_readable(p + at, 1), kinds[_i].read);
		ck_assert_int_eq(ask_writable(p + at, 1), kinds[_i].write);
		ck_assert_int_eq(ask_readable(p + PAGE - 8 + at, 1), kinds[_i].read);
		ck_assert_int_eq(ask_writable(p + PAGE - 8 + at, 1), kinds[_i].write);
	}
	ck_assert_int_eq(ask_readable(p, PAGE), kinds[_i].read);
	ck_assert_int_eq(ask_writable(p, PAGE), kinds[_i].write);
	unmap(p);
}
END_TEST

START_TEST(nothing_is_changed)
{
	char *p = page(RW, MAP_SHARED, PAGE), was[PAGE];

	memset(was, 0xa5, PAGE);
	was[0] = was[1] = 0;
	memcpy(p, was, PAGE);
	ck_assert_int_eq(ask_readable(p, PAGE), 1);
	ck_assert_int_eq(ask_writable(p, PAGE), 1);
	ck_assert_int_eq(memcmp(p, was, PAGE), 0);
	unmap(p);
}
END_TEST

START_TEST(no_descriptor_is_needed)
{
	struct rlimit was, none;
	char *p = page(RW, MAP_SHARED, PAGE), *end = page(RW, MAP_SHARED, 0);

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(ask_readable(p, 1), 1);
	ck_assert_int_eq(ask_writable(p, 1), 1);
	ck_assert_int_eq(ask_readable(end, 1), 0);
	ck_assert_int_eq(ask_writable(end, 1), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
	unmap(p);
	unmap(end);
}
END_TEST

static struct next real;
static int answer;

static int stub(uint32_t *word, int op, uint32_t value, const void *timeout, uint32_t *other,
		uint32_t value3)
{
	(void)word, (void)op, (void)value, (void)timeout, (void)other, (void)value3;
	errno = answer;
	return answer ? -1 : 0;
}

START_TEST(what_cannot_be_asked_is_neither)
{
	static const int errors[] = { ENOSYS, EPERM, EACCES, EINVAL, ENOMEM };
	static const int said[] = { EAGAIN, ETIMEDOUT, EINTR, 0 };
	uint32_t word = 0;

	real = next;
	next.futex = stub;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		answer = errors[i];
		ck_assert_int_eq(ask_readable(&word, 4), -answer);
		ck_assert_int_eq(ask_writable(&word, 4), -answer);
	}
	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++) {
		answer = said[i];
		ck_assert_int_eq(ask_readable(&word, 4), 1);
	}
	answer = EFAULT;
	ck_assert_int_eq(ask_readable(&word, 4), 0);
	ck_assert_int_eq(ask_writable(&word, 4), 0);
	/* Nothing is asked of nothing, nor of the page that we are in. */
	ck_assert_int_eq(ask_readable(NULL, 0), 1);
	ck_assert(readable(NULL, 0) && writable(NULL, 0));
	answer = ENOSYS;
	ck_assert(readable(__builtin_frame_address(0), 1));
	next = real;
}
END_TEST

START_TEST(unreadable_memory_is_found)
{
	char *p = page(RW, MAP_PRIVATE, -1), *none = page(PROT_NONE, MAP_PRIVATE, -1);
	char *two = page(RW, MAP_PRIVATE, -1);

	ck_assert_int_eq(ask_readable(none, 1), 0);
	ck_assert_int_eq(ask_writable(none, 1), 0);
	/* One byte more than there is, at both ends. */
	ck_assert_int_eq(ask_readable(p, PAGE + 1), 0);
	ck_assert_int_eq(ask_writable(p, PAGE + 1), 0);
	ck_assert_int_eq(ask_readable(p - 1, 2), 0);
	ck_assert_int_eq(ask_writable(p - 1, 2), 0);
	ck_assert_int_eq(ask_readable(p + PAGE - 1, 2), 0);
	/* A page that can be read only, before and behind one that can be written. */
	ck_assert(!mprotect(two + PAGE, PAGE, PROT_READ));
	ck_assert_int_eq(ask_readable(two, 2 * PAGE), 1);
	ck_assert_int_eq(ask_writable(two, 2 * PAGE), 0);
	ck_assert_int_eq(ask_writable(two + PAGE - 1, 2), 0);
	ck_assert_int_eq(ask_writable(two + PAGE - 1, 1), 1);
	unmap(p);
	unmap(none);
	unmap(two);
	ck_assert_int_eq(ask_readable(p, 1), 0);
	ck_assert_int_eq(ask_writable(p, 1), 0);
}
END_TEST

START_TEST(ends_of_the_address_space_are_found)
{
	const uintptr_t ends[] = {
		0, 1, 8, 4095, UINTPTR_MAX, UINTPTR_MAX - 3, UINTPTR_MAX - 4095
	};
	const size_t sizes[] = { 1, 4, 16, PAGE, SIZE_MAX };

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
			ck_assert_int_eq(ask_readable((void *)ends[i], sizes[k]), 0);
			ck_assert_int_eq(ask_writable((void *)ends[i], sizes[k]), 0);
		}
	}
}
END_TEST

TCase *readable_tests(void)
{
	TCase *t = tcase_create("readable");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, pages_are_what_they_are, 0, 12);
	tcase_add_test(t, nothing_is_changed);
	tcase_add_test(t, no_descriptor_is_needed);
	tcase_add_test(t, what_cannot_be_asked_is_neither);
	return t;
}

TCase *unreadable_tests(void)
{
	TCase *t = tcase_create("unreadable");

	tcase_set_tags(t, "unreadable");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, unreadable_memory_is_found);
	tcase_add_test(t, ends_of_the_address_space_are_found);
	return t;
}
