// SPDX-License-Identifier: MIT
/* All drivers that have a table, and looking one up. */
#include "config.h"

#include <string.h>

#include <drm.h>

#include "drivers.h"

#define DRIVERS(X)							\
	X(amdgpu) X(amdxdna) X(armada) X(asahi) X(ethosu) X(etnaviv) X(evdi) X(exynos) X(i915)	\
	X(imagination) X(ivpu) X(lima) X(loongson) X(msm) X(nouveau) X(nvidia_drm) X(omapdrm)	\
	X(panfrost) X(panthor) X(qaic) X(qxl) X(radeon) X(rocket) X(rockchip) X(tegra) X(v3d)	\
	X(vc4) X(virtio_gpu) X(vmwgfx) X(xe)

#define DECLARE(x)	extern const struct driver x##_driver;
#define ENTRY(x)	&x##_driver,

DRIVERS(DECLARE)
const struct driver *const drivers[] = { DRIVERS(ENTRY) };
const unsigned int drivers_count = sizeof(drivers) / sizeof(*drivers);

const struct driver *driver_find(const char *name)
{
	for (unsigned int i = 0; i < drivers_count; i++)
		if (!strcmp(drivers[i]->name, name) ||
		    (drivers[i]->module && !strcmp(drivers[i]->module, name)))
			return drivers[i];
	return NULL;
}

unsigned int driver_ioctl_need(const struct drv_ioctl *i)
{
	unsigned int last = i->handle > i->value ? i->handle : i->value;

	switch (i->role) {
	case ROLE_MAP_OFFSET:
	case ROLE_TELL_OFFSET:
	case ROLE_MAP_ADDRESS:
		return last + sizeof(uint64_t);
	case ROLE_SUBMIT:
	case ROLE_SUBMIT_ANY:
	case ROLE_WAIT_ANY:
	case ROLE_FRAME:
	case ROLE_SCANOUT:
		return 0;
	default:
		return last + sizeof(uint32_t);
	}
}

static const struct drv_ioctl *find(const struct driver *d, uint32_t request)
{
	for (unsigned int i = 0; i < d->n; i++)
		if (_IOC_NR(d->ioctls[i].request) == _IOC_NR(request) &&
		    _IOC_SIZE(request) >= driver_ioctl_need(&d->ioctls[i]))
			return &d->ioctls[i];
	return NULL;
}

bool driver_ioctl_private(uint32_t request)
{
	return _IOC_NR(request) >= DRM_COMMAND_BASE && _IOC_NR(request) < DRM_COMMAND_END;
}

const struct drv_ioctl *driver_ioctl(const struct driver *d, uint32_t request)
{
	if (!driver_ioctl_private(request))
		d = &generic_driver;
	return d ? find(d, request) : NULL;
}

bool driver_counts(const char *exp_name)
{
	for (unsigned int i = 0; i < drivers_count; i++)
		if (drivers[i]->quirks & QUIRK_COUNTS && driver_exports_as(drivers[i], exp_name))
			return true;
	return false;
}

bool driver_exports_as(const struct driver *d, const char *name)
{
	for (size_t i = 0; i < 3 && d->exports_as[i]; i++)
		if (!strcmp(d->exports_as[i], name))
			return true;
	return false;
}
