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

	ioctl_hooks_init();		/* not active: mode off */
	for (unsigned int nr = 0; nr < 256; nr++)
		watched += !!ioctl_watch[nr];
	ck_assert_int_eq(watched, 0);
	settings.active = true;
	ioctl_hooks_init();
	for (unsigned int nr = 0; nr < 256; nr++)
		watched += !!ioctl_watch[nr];
	ck_assert_int_eq(watched, NGENERIC);
	/* An import begins everything; a refused map shows imports that nobody saw. */
	ck_assert_int_eq(ioctl_watch[0x2e], WATCH_ALWAYS);
	ck_assert_int_eq(ioctl_watch[0xb3], WATCH_ALWAYS);
	ck_assert_int_eq(ioctl_watch[0x09], WATCH_IMPORTS);
	settings.active = false;
	for (unsigned int nr = 0; nr < 256; nr++)
		ioctl_watch[nr] = 0;
}
END_TEST

TCase *driver_tests(void)
{
	TCase *t = tcase_create("drivers");

	tcase_add_loop_test(t, generic_table_matches_the_uapi, 0, NGENERIC);
	tcase_add_test(t, nothing_else_is_watched);
	return t;
}
