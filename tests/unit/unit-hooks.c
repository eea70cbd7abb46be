// SPDX-License-Identifier: MIT
/* The ioctl hooks, with a kernel whose answers a real kernel cannot be made to give. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>
#include <linux/dma-buf.h>

#include "hooks/sync_hooks.h"
#include "state/descriptor.h"
#include "state/file_table.h"
#include "state/import.h"
#include "state/offsets.h"
#include "ioctl_hooks.h"
#include "kernel/next.h"
#include "settings/settings.h"
#include "unit.h"

#define FD 300	/* not open */
#define CHANGE_HANDLE 0xc00864d2	/* drm_gem_change_handle: handle, new_handle; 6.18 */

static struct next real;
static int answer;		/* 0, or the errno that the fake kernel gives */
static int calls;
static void *passed;		/* the argument of the last */
static void (*meanwhile)(void);	/* another thread, while the kernel is at work */

static int fake_ioctl(int fd, ioctl_request request, ...)
{
	va_list ap;

	(void)fd;
	va_start(ap, request);
	passed = va_arg(ap, void *);
	va_end(ap);
	calls++;
	if (meanwhile)
		meanwhile();
	errno = answer;
	return answer ? -1 : 0;
}

static int stats;		/* calls of fstat() */

static int fake_fstat(int fd, struct stat *st)
{
	(void)fd;
	(void)st;
	stats++;
	errno = EBADF;
	return -1;
}

static struct import *import(uint32_t handle, uint64_t ino)
{
	const struct dmabuf_id id = { .dev = 11, .ino = ino };
	const struct buffer *before;
	struct file *f = file_lock_new(FD, 226);
	struct import *imp = import_set(f, handle, &id, 4096, &before);

	file_unlock(f);
	return imp;
}

static struct import *import_at(uint32_t handle)
{
	struct file *f = file_lock(FD);
	struct import *imp = f ? import_find(f, handle) : NULL;

	if (f)
		file_unlock(f);
	return imp;
}

static void setup(void)
{
	real = next;
	next.ioctl = fake_ioctl;
	answer = calls = stats = 0;
	meanwhile = NULL;
}

static void teardown(void)
{
	descriptor_set(FD, NULL);
	next = real;
}

START_TEST(changed_handle_is_followed_where_the_kernel_changed_it)
{
	uint32_t arg[2] = { 1, 9 };
	struct import *imp = import(1, 100);

	answer = EINVAL;	/* 7.2 */
	ck_assert_int_eq(ioctl_hook(fake_ioctl, FD, CHANGE_HANDLE, arg), -EINVAL);
	ck_assert_ptr_eq(import_at(1), imp);
	answer = 0;
	ck_assert_int_eq(ioctl_hook(fake_ioctl, FD, CHANGE_HANDLE, arg), 0);
	ck_assert_ptr_null(import_at(1));
	ck_assert_ptr_eq(import_at(9), imp);
}
END_TEST

START_TEST(close_that_fails_loses_nothing)
{
	struct drm_gem_close arg = { .handle = 1 };

	import(1, 100);
	answer = EINTR;
	ck_assert_int_eq(ioctl_hook(fake_ioctl, FD, DRM_IOCTL_GEM_CLOSE, &arg), -EINTR);
	ck_assert_ptr_nonnull(import_at(1));
	answer = 0;
	ck_assert_int_eq(ioctl_hook(fake_ioctl, FD, DRM_IOCTL_GEM_CLOSE, &arg), 0);
	ck_assert_ptr_null(import_at(1));
	ck_assert_int_eq(calls, 2);
}
END_TEST

/* drm_ioctl() closes the handle, and then finds that it cannot copy the argument back. */
START_TEST(close_at_memory_that_can_only_be_read_is_one)
{
	static const struct drm_mode_destroy_dumb arg = { .handle = 1 };
	static const struct drm_mode_create_dumb dumb = { .handle = 1 };

	import(1, 100);
	answer = EFAULT;
	/* Nothing is copied back here: it is the handle that could not be read. */
	ck_assert_int_eq(ioctl_hook(fake_ioctl, FD, DRM_IOCTL_GEM_CLOSE, (void *)&arg), -EFAULT);
	ck_assert_ptr_nonnull(import_at(1));
	/* Its handle has not been written. */
	ck_assert_int_eq(ioctl_hook(fake_ioctl, FD, DRM_IOCTL_MODE_CREATE_DUMB, (void *)&dumb),
			 -EFAULT);
	ck_assert_ptr_nonnull(import_at(1));
	ck_assert_int_eq(ioctl_hook(fake_ioctl, FD, DRM_IOCTL_MODE_DESTROY_DUMB, (void *)&arg),
			 -EFAULT);
	ck_assert_ptr_null(import_at(1));
}
END_TEST

static void number_used_again(void)
{
	import(1, 101);
}

START_TEST(import_under_a_number_just_closed_survives_the_close)
{
	struct drm_gem_close arg = { .handle = 1 };

	import(1, 100);
	meanwhile = number_used_again;
	ck_assert_int_eq(ioctl_hook(fake_ioctl, FD, DRM_IOCTL_GEM_CLOSE, &arg), 0);
	ck_assert_uint_eq(import_at(1)->buffer->ino, 101);
}
END_TEST

START_TEST(failed_import_is_not_recorded_and_made_once)
{
	struct drm_prime_handle arg = { .handle = 1, .fd = -1 };

	answer = EINTR;
	ck_assert_int_eq(ioctl_hook(fake_ioctl, FD, DRM_IOCTL_PRIME_FD_TO_HANDLE, &arg), -EINTR);
	answer = EAGAIN;
	ck_assert_int_eq(ioctl_hook(fake_ioctl, FD, DRM_IOCTL_PRIME_FD_TO_HANDLE, &arg), -EAGAIN);
	ck_assert_int_eq(calls, 2);
	ck_assert_uint_eq(atomic_load(&imports_live), 0);
}
END_TEST

/* The kernel is asked first whether the argument can be read: DESTROY_DUMB, below. */
#define ASKED	3

START_TEST(argument_is_not_read_where_the_kernel_did_not)
{
	static const unsigned long requests[] = {
		DRM_IOCTL_PRIME_FD_TO_HANDLE, DRM_IOCTL_PRIME_HANDLE_TO_FD, DRM_IOCTL_GEM_CLOSE,
		DRM_IOCTL_MODE_DESTROY_DUMB, DRM_IOCTL_MODE_MAP_DUMB, CHANGE_HANDLE,
	};

	/*
	 * An export that is made writable asks the kernel first, whom valgrind does not see read.
	 */
	settings.keep = true;
	import(1, 100);
	answer = EFAULT;
	ck_assert_int_eq(ioctl_hook(fake_ioctl, FD, requests[_i], (void *)8), -EFAULT);
	/* EINVAL of a descriptor that is no DRM node says nothing about the argument either. */
	answer = EINVAL;
	ck_assert_int_eq(ioctl_hook(fake_ioctl, -1, requests[_i], (void *)8), -EINVAL);
	settings.keep = false;
}
END_TEST

/* The answers of other kinds of devices, which take an integer, say, for an argument. */
START_TEST(argument_of_what_is_no_drm_node_is_not_read)
{
	static const unsigned long requests[] = {
		DRM_IOCTL_PRIME_FD_TO_HANDLE, DRM_IOCTL_PRIME_HANDLE_TO_FD, DRM_IOCTL_GEM_CLOSE,
		DRM_IOCTL_MODE_DESTROY_DUMB, DRM_IOCTL_MODE_MAP_DUMB, CHANGE_HANDLE,
		DMA_BUF_IOCTL_SYNC,
	};
	struct drm_prime_handle arg = { .handle = 7 };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	import(1, 100);
	ck_assert_int_eq(ioctl_hook(fake_ioctl, null, requests[_i], (void *)8), 0);
	ck_assert_int_eq(calls, 1);
	/* Nor is another one passed on. */
	passed = NULL;
	ck_assert_int_eq(ioctl_hook(fake_ioctl, null, requests[_i], &arg), 0);
	ck_assert_ptr_eq(passed, &arg);
	close(null);
}
END_TEST

START_TEST(request_cut_short_goes_straight_on)
{
	/* drm_ioctl() goes by the number and takes any size. */
	ck_assert_int_eq(ioctl_hook(fake_ioctl, FD, _IOC(_IOC_WRITE, 'd', 0x09, 0), (void *)8), 0);
	ck_assert_int_eq(ioctl_hook(fake_ioctl, FD, _IOC(_IOC_READ | _IOC_WRITE, 'd', 0x2e, 8),
				    (void *)8), 0);
	ck_assert_int_eq(calls, 2);
}
END_TEST

/* Another thread has written over what poll() found: fewer entries are ready than it has said. */
START_TEST(array_of_poll_is_not_overrun)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	uint8_t *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);

	ck_assert(p != MAP_FAILED && !mprotect(p + page, page, PROT_NONE));
	waited_by_poll((struct pollfd *)(p + page) - 3, 2);
	munmap(p, 2 * page);
}
END_TEST

/* Nor is all memory behind the array walked through. */
START_TEST(walk_behind_array_of_poll_ends)
{
	const size_t n = 100000;
	struct pollfd *fds = calloc(n, sizeof(*fds));

	ck_assert_ptr_nonnull(fds);
	next.fstat = fake_fstat;
	fds[1].revents = fds[n - 1].revents = POLLIN;
	waited_by_poll(fds, 2);
	ck_assert_int_eq(stats, 1);
	free(fds);
}
END_TEST

/* Another thread unmaps memory that the kernel has just read or written. */
static char *unmapped;

static void unmap(void)
{
	ck_assert(!munmap(unmapped, sysconf(_SC_PAGESIZE)));
}

static void map_for_a_while(void)
{
	unmapped = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert(unmapped != MAP_FAILED);
}

START_TEST(array_of_poll_may_be_gone)
{
	next.fstat = fake_fstat;
	map_for_a_while();
	unmap();
	waited_by_poll((struct pollfd *)unmapped, 1);
	ck_assert_int_eq(stats, 0);
}
END_TEST

/* Of a query of a timeline: the handles, then the points. */
START_TEST(lists_of_a_query_may_be_gone)
{
	struct drm_syncobj_timeline_array arg = { .count_handles = 2 };
	uint64_t here[2] = { 1, 1 };

	import(1, 100);
	map_for_a_while();
	arg.handles = (uintptr_t)(_i ? (void *)here : unmapped);
	arg.points = (uintptr_t)(_i ? unmapped : (void *)here);
	meanwhile = unmap;
	ck_assert_int_eq(ioctl_hook(fake_ioctl, FD, DRM_IOCTL_SYNCOBJ_QUERY, &arg), 0);
	ck_assert_int_eq(calls, 1);
}
END_TEST

TCase *hook_tests(void)
{
	TCase *t = tcase_create("hooks");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, changed_handle_is_followed_where_the_kernel_changed_it);
	tcase_add_test(t, close_that_fails_loses_nothing);
	tcase_add_test(t, close_at_memory_that_can_only_be_read_is_one);
	tcase_add_test(t, import_under_a_number_just_closed_survives_the_close);
	tcase_add_test(t, failed_import_is_not_recorded_and_made_once);
	tcase_add_loop_test(t, argument_is_not_read_where_the_kernel_did_not, 0, ASKED);
	tcase_add_loop_test(t, argument_is_not_read_where_the_kernel_did_not, ASKED + 1, 6);
	tcase_add_test(t, request_cut_short_goes_straight_on);
	tcase_add_test(t, walk_behind_array_of_poll_ends);
	return t;
}

TCase *unreadable_hook_tests(void)
{
	TCase *t = tcase_create("hooks, unreadable");

	tcase_set_tags(t, "unreadable");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, argument_of_what_is_no_drm_node_is_not_read, 0, 7);
	tcase_add_loop_test(t, argument_is_not_read_where_the_kernel_did_not, ASKED, ASKED + 1);
	tcase_add_test(t, array_of_poll_is_not_overrun);
	tcase_add_test(t, array_of_poll_may_be_gone);
	tcase_add_loop_test(t, lists_of_a_query_may_be_gone, 0, 2);
	return t;
}
