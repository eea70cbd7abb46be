// SPDX-License-Identifier: MIT
/* Finding ioctls and drivers. tables.sh compares the tables with the uapi. */
#include "config.h"

#include <string.h>

#include <drm.h>

#include "drivers/drivers.h"
#include "settings/wanted.h"
#include "settings/settings.h"
#include "unit.h"
#include "settings/watch.h"

#define GEM_CLOSE	0x40086409
#define MMAP_GTT	0xc0106464	/* i915, 16 bytes */
#define MMAP_OFFSET	0xc0206464	/* i915, 32 bytes */
#define ETNAVIV_INFO	0xc0106443
#define MSM_INFO	0xc0186443

START_TEST(core_ioctls_are_every_drivers)
{
	const struct drv_ioctl *i = driver_ioctl(NULL, GEM_CLOSE);

	ck_assert_ptr_nonnull(i);
	ck_assert_int_eq(i->role, ROLE_CLOSE);
	ck_assert_ptr_eq(driver_ioctl(driver_find("i915"), GEM_CLOSE), i);
	ck_assert(!driver_ioctl_private(GEM_CLOSE));
}
END_TEST

START_TEST(private_ioctls_are_one_drivers)
{
	const struct driver *etnaviv = driver_find("etnaviv"), *msm = driver_find("msm");

	ck_assert(driver_ioctl_private(ETNAVIV_INFO));
	ck_assert_ptr_null(driver_ioctl(NULL, ETNAVIV_INFO));
	ck_assert_str_eq(driver_ioctl(etnaviv, ETNAVIV_INFO)->name, "ETNAVIV_GEM_INFO");
	/* The same number, another size: the number decides, as in the kernel. */
	ck_assert_str_eq(driver_ioctl(etnaviv, MSM_INFO)->name, "ETNAVIV_GEM_INFO");
	ck_assert_str_eq(driver_ioctl(msm, MSM_INFO)->name, "MSM_GEM_INFO");
	ck_assert_ptr_null(driver_ioctl(driver_find("rockchip"), ETNAVIV_INFO));
}
END_TEST

START_TEST(argument_that_is_too_short_is_nobodys)
{
	const struct driver *i915 = driver_find("i915");

	ck_assert_int_eq(driver_ioctl(i915, MMAP_OFFSET)->role, ROLE_MAP_OFFSET);
	ck_assert_int_eq(driver_ioctl(i915, MMAP_GTT)->role, ROLE_MAP_OFFSET);
	ck_assert_ptr_null(driver_ioctl(i915, 0xc00c6464));
	ck_assert_ptr_null(driver_ioctl(NULL, 0x40006409));
}
END_TEST

START_TEST(drivers_are_found_by_either_name)
{
	for (unsigned int i = 0; i < drivers_count; i++) {
		ck_assert_ptr_eq(driver_find(drivers[i]->name), drivers[i]);
		if (drivers[i]->module)
			ck_assert_ptr_eq(driver_find(drivers[i]->module), drivers[i]);
		ck_assert_msg(drivers[i]->exports_as[0] != NULL, "%s", drivers[i]->name);
		ck_assert_msg(!driver_is_generic(drivers[i]->name), "%s", drivers[i]->name);
	}
	ck_assert_ptr_null(driver_find("vgem"));
	ck_assert(driver_is_generic("vgem") && driver_is_generic("simpledrm"));
	ck_assert(!driver_is_generic("unheard"));
}
END_TEST

START_TEST(exporters_names_are_whole)
{
	const struct driver *tegra = driver_find("tegra"), *vmwgfx = driver_find("vmwgfx");

	ck_assert(driver_exports_as(tegra, "tegra_drm") && !driver_exports_as(tegra, "drm"));
	ck_assert(driver_exports_as(vmwgfx, "drm") && driver_exports_as(vmwgfx, "vmwgfx"));
	ck_assert(!driver_exports_as(vmwgfx, "vmw") && !driver_exports_as(vmwgfx, "system"));
}
END_TEST

static const struct {
	const char *list;
	bool etnaviv, i915, pvr, unheard;
} lists[] = {
	{ "", true, true, true, true },
	{ "etnaviv", true, false, false, false },
	{ "-i915", true, false, true, true },
	{ "etnaviv,-i915", true, false, false, false },
	{ " imagination , ,powervr", false, false, true, false },
	{ "-imagination", true, true, false, true },
	{ "etnaviv,-etnaviv", false, false, false, false },
	{ "unheard", false, false, false, true },
	{ "etna,i91", false, false, false, false },
};

START_TEST(only_wanted_drivers_are)
{
	drivers_wanted_init(lists[_i].list, "drivers");
	ck_assert_int_eq(driver_wanted("etnaviv", driver_find("etnaviv")), lists[_i].etnaviv);
	ck_assert_int_eq(driver_wanted("i915", driver_find("i915")), lists[_i].i915);
	ck_assert_int_eq(driver_wanted("powervr", driver_find("powervr")), lists[_i].pvr);
	ck_assert_int_eq(driver_wanted("unheard", NULL), lists[_i].unheard);
	drivers_wanted_init("", "drivers");
}
END_TEST

static uint8_t watched(unsigned int nr)
{
	return ioctl_watch['d' << 8 | nr];
}

static void reset(void)
{
	memset(&settings, 0, sizeof(settings));
	memset(ioctl_watch, 0, sizeof(ioctl_watch));
	watch_count(WATCH_IMPORTS | WATCH_BRACKETS | WATCH_OWED, 0);
}

START_TEST(nothing_else_is_watched)
{
	watch_init();		/* not active: mode off */
	for (unsigned int i = 0; i < 1 << 16; i++)
		ck_assert_int_eq(ioctl_watch[i], 0);
	settings.active = true;
	settings.policy = STATUS_POLICY(MODE_REDIRECT, SYNC_MAP);
	settings.keep = true;
	watch_init();
	/* An import begins everything; a refused map shows imports that nobody saw. */
	ck_assert_int_eq(watched(0x2e), WATCH_ALWAYS);
	ck_assert_int_eq(watched(0xb3), WATCH_ALWAYS);
	ck_assert_int_eq(watched(0x09), WATCH_IMPORTS);
	ck_assert_int_eq(watched(0x2d), WATCH_IMPORTS);
	ck_assert_int_eq(watched(0xbc), 0);		/* MODE_ATOMIC */
	/* A driver's count once there is one, and only those. */
	for (unsigned int nr = 0x40; nr < 0xa0; nr++)
		ck_assert_int_eq(watched(nr), 0);
	watch_driver(driver_find("etnaviv"));
	for (unsigned int nr = 0x40; nr < 0xa0; nr++)
		ck_assert_int_eq(watched(nr), nr == 0x43 ? WATCH_IMPORTS : 0);
	settings.keep = false;
	watch_init();
	ck_assert(watched(0x2d) & WATCH_EXPORTS);
	reset();
}
END_TEST

START_TEST(turns_are_watched_while_they_may_change)
{
	settings.active = true;
	settings.policy = STATUS_POLICY(MODE_REDIRECT, SYNC_DRIVER);
	watch_init();
	watch_driver(driver_find("i915"));
	watch_driver(driver_find("etnaviv"));
	ck_assert_int_eq(watched(0xbc), WATCH_BRACKETS);	/* MODE_ATOMIC */
	/* SYNCOBJ_WAIT: what it has waited for may be submitted meanwhile */
	ck_assert_int_eq(watched(0xc3), WATCH_BRACKETS | WATCH_OWED);
	/* SYNCOBJ_QUERY, I915_GEM_BUSY: they do not wait */
	ck_assert_int_eq(watched(0xcb), WATCH_OWED);
	ck_assert_int_eq(watched(0x57), WATCH_OWED);
	ck_assert_int_eq(watched(0x69), WATCH_BRACKETS);	/* EXECBUFFER2 */
	ck_assert_int_eq(watched(0x46), WATCH_BRACKETS);	/* ETNAVIV_GEM_SUBMIT */
	ck_assert_int_eq(watched(0x45), WATCH_BRACKETS);	/* ETNAVIV_GEM_CPU_FINI */
	ck_assert_int_eq(watched(0x44), WATCH_IMPORTS);	/* CPU_PREP: before a map, too */
	ck_assert(!(watch_now & WATCH_BRACKETS));
	watch_count(WATCH_BRACKETS, 2);
	ck_assert(watch_now & WATCH_BRACKETS);
	watch_count(WATCH_BRACKETS, 0);
	ck_assert(!(watch_now & WATCH_BRACKETS) && watch_now & WATCH_ALWAYS);
	reset();
}
END_TEST

TCase *driver_tests(void)
{
	TCase *t = tcase_create("drivers");

	tcase_add_test(t, core_ioctls_are_every_drivers);
	tcase_add_test(t, private_ioctls_are_one_drivers);
	tcase_add_test(t, argument_that_is_too_short_is_nobodys);
	tcase_add_test(t, drivers_are_found_by_either_name);
	tcase_add_test(t, exporters_names_are_whole);
	tcase_add_loop_test(t, only_wanted_drivers_are, 0, sizeof(lists) / sizeof(*lists));
	tcase_add_test(t, nothing_else_is_watched);
	tcase_add_test(t, turns_are_watched_while_they_may_change);
	return t;
}
