// SPDX-License-Identifier: MIT
/* The driver tables: numbers and places as the kernel's uapi has them, written out by hand. */
#include "config.h"

#include "drivers/drivers.h"
#include "ioctl_hooks.h"
#include "settings.h"
#include "unit.h"

static const struct {
	unsigned int request;
	enum role role;
	int handle, value, size;
} generic[] = {
	{ 0xc00c642e, ROLE_IMPORT, 0, 8, 12 },		/* PRIME_FD_TO_HANDLE */
	{ 0xc00c642d, ROLE_EXPORT, 0, 8, 12 },		/* PRIME_HANDLE_TO_FD */
	{ 0x40086409, ROLE_CLOSE, 0, 0, 4 },		/* GEM_CLOSE */
	{ 0xc00464b4, ROLE_CLOSE, 0, 0, 4 },		/* MODE_DESTROY_DUMB */
	{ 0xc00864d2, ROLE_RENAME, 0, 4, 8 },		/* GEM_CHANGE_HANDLE */
	{ 0xc01064b3, ROLE_MAP_OFFSET, 0, 8, 16 },	/* MODE_MAP_DUMB */
};

#define NGENERIC (int)(sizeof(generic) / sizeof(generic[0]))

START_TEST(generic_table_matches_the_uapi)
{
	const struct drv_ioctl *d = &generic_driver.ioctls[generic[_i].request & 0xff];

	ck_assert_int_eq(d->role, generic[_i].role);
	ck_assert_int_eq(d->handle, generic[_i].handle);
	ck_assert_int_eq(d->value, generic[_i].value);
	ck_assert_int_eq(d->size, generic[_i].size);
}
END_TEST

START_TEST(nothing_else_is_watched)
{
	int watched = 0;

	settings.active = true;
	for (unsigned int nr = 0; nr < 256; nr++)
		watched += ioctl_watched(0xc0006400 | nr);
	ck_assert_int_eq(watched, NGENERIC);
	ck_assert(ioctl_watched(0xc00c642e));
	ck_assert(ioctl_watched(0xffffffffc00c642eUL));	/* sign-extended, as musl passes it */
	ck_assert(!ioctl_watched(0x5401));		/* TCGETS */
	ck_assert(!ioctl_watched(0xc00c622e));		/* another type, the same number */
	settings.active = false;
	ck_assert(!ioctl_watched(0xc00c642e));
}
END_TEST

TCase *driver_tests(void)
{
	TCase *t = tcase_create("drivers");

	tcase_add_loop_test(t, generic_table_matches_the_uapi, 0, NGENERIC);
	tcase_add_test(t, nothing_else_is_watched);
	return t;
}
