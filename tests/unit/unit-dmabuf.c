// SPDX-License-Identifier: MIT
/* The dma-buf calls that an ordinary file answers, too. Real kernels test the others. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/dmabuf.h"
#include "lib/room.h"
#include "unit.h"

#define PAGE 4096
#define PAGES 4

/* A file whose page n is filled with 'a' + n. */
static int file(void)
{
	int fd = memfd_create("buffer", MFD_CLOEXEC);
	char page[PAGE];

	for (int i = 0; i < PAGES; i++) {
		memset(page, 'a' + i, PAGE);
		ck_assert_int_eq(write(fd, page, PAGE), PAGE);
	}
	return fd;
}

static int maps_of(const char *name)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	int n = 0;

	while (fgets(line, sizeof(line), f))
		n += !!strstr(line, name);
	fclose(f);
	return n;
}

static int map(int fd, void *addr, uint64_t delta, size_t len, int flags, void **p, size_t *head)
{
	return dmabuf_mmap(fd, PAGES * PAGE, addr, len, PROT_READ, MAP_SHARED | flags, delta, p,
			   head);
}

START_TEST(interior_map_points_into_a_map_of_the_whole)
{
	int fd = file();
	size_t head;
	char *q;
	void *p;

	ck_assert_int_eq(map(fd, NULL, PAGE, PAGE + 1, 0, &p, &head), 0);
	q = p;
	ck_assert_int_eq(q[0], 'b');
	ck_assert_int_eq(q[PAGE], 'c');
	ck_assert_uint_eq(head, PAGE);
	ck_assert_int_eq(q[-(long)head], 'a');
	munmap(q - head, head + 2 * PAGE);
	ck_assert_int_eq(maps_of("memfd:buffer"), 0);
	close(fd);
}
END_TEST

START_TEST(interior_map_stays_within_the_buffer)
{
	static const struct { uint64_t delta; size_t len; } bad[] = {
		{ PAGE, PAGES * PAGE }, { PAGES * PAGE, 1 }, { PAGE, 0 }, { PAGE + 1, 1 },
		{ PAGE, SIZE_MAX }, { PAGE, SIZE_MAX - PAGE }, { -(uint64_t)PAGE, 2 * PAGE },
	};
	int fd = file();
	size_t head;
	void *p;

	ck_assert_int_eq(map(fd, NULL, bad[_i].delta, bad[_i].len, 0, &p, &head), -EINVAL);
	ck_assert_int_eq(maps_of("memfd:buffer"), 0);
	close(fd);
}
END_TEST

START_TEST(placed_interior_map_replaces_no_more_than_it_may)
{
	int fd = file();
	char *spot = room_new(4 * PAGE);
	size_t head;
	void *p;

	ck_assert_int_eq(mprotect(spot, 4 * PAGE, PROT_READ | PROT_WRITE), 0);
	memset(spot, 'x', 4 * PAGE);
	/* No room for the head. */
	ck_assert_int_eq(map(fd, spot + 2 * PAGE, 2 * PAGE, PAGE, MAP_FIXED, &p, &head), -EEXIST);
	ck_assert_int_eq(spot[2 * PAGE], 'x');
	ck_assert_int_eq(spot[PAGE], 'x');

	munmap(spot, 2 * PAGE);
	ck_assert_int_eq(map(fd, spot + 2 * PAGE, 2 * PAGE, PAGE, MAP_FIXED, &p, &head), 0);
	ck_assert_ptr_eq(p, spot + 2 * PAGE);
	ck_assert_int_eq(spot[2 * PAGE], 'c');
	ck_assert_int_eq(spot[3 * PAGE], 'x');
#ifdef MAP_FIXED_NOREPLACE
	munmap(spot, 3 * PAGE);
	ck_assert_int_eq(map(fd, spot + 3 * PAGE, PAGE, PAGE, MAP_FIXED_NOREPLACE, &p, &head),
			 -EEXIST);
	ck_assert_int_eq(spot[3 * PAGE], 'x');
	ck_assert_int_eq(map(fd, spot + 2 * PAGE, PAGE, PAGE, MAP_FIXED_NOREPLACE, &p, &head), 0);
	ck_assert_ptr_eq(p, spot + 2 * PAGE);
	ck_assert_int_eq(spot[2 * PAGE], 'b');
#endif
	room_free(spot, 4 * PAGE);
	close(fd);
}
END_TEST

START_TEST(what_is_no_dmabuf_is_not_identified)
{
	struct dmabuf_id id;
	uint64_t size;
	char name[8];
	int fd = memfd_create("empty", MFD_CLOEXEC);

	ck_assert_int_eq(dmabuf_identify(-1, &id, &size), -EBADF);
	ck_assert_int_eq(dmabuf_identify(fd, &id, &size), -EINVAL);
	ck_assert_int_eq(dmabuf_exporter(fd, name, sizeof(name)), -ENOENT);
	ck_assert_int_eq(dmabuf_exporter(-1, name, sizeof(name)), -ENOENT);
	close(fd);
}
END_TEST

TCase *dmabuf_tests(void)
{
	TCase *t = tcase_create("dmabuf");

	tcase_add_test(t, interior_map_points_into_a_map_of_the_whole);
	tcase_add_loop_test(t, interior_map_stays_within_the_buffer, 0, 7);
	tcase_add_test(t, placed_interior_map_replaces_no_more_than_it_may);
	tcase_add_test(t, what_is_no_dmabuf_is_not_identified);
	return t;
}
