// SPDX-License-Identifier: MIT
/* The DRM uAPI as the shim uses it; see drm_node.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <drm.h>

#include "drm_node.h"
#include "next.h"
#include "sandbox.h"

#define DRM_MAJOR	226
#define ACCEL_MAJOR	261

int drm_node(int fd, dev_t *rdev)
{
	struct stat st;

	if (sandbox_fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISCHR(st.st_mode) ||
	    (major(st.st_rdev) != DRM_MAJOR && major(st.st_rdev) != ACCEL_MAJOR))
		return -ENOTTY;
	*rdev = st.st_rdev;
	return 0;
}

int drm_driver(int fd, char *name, size_t len)
{
	struct drm_version v = { .name = name, .name_len = len - 1 };
	int ret = next_ioctl_retry(fd, DRM_IOCTL_VERSION, &v);

	if (ret < 0)
		return ret;
	/* The kernel says how long the name is, and copies what fits. */
	name[v.name_len < len ? v.name_len : len - 1] = '\0';
	return 0;
}

int drm_export(int fd, uint32_t handle)
{
	struct drm_prime_handle p = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };
	int ret = next_ioctl_retry(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &p);

	return ret < 0 ? ret : p.fd;
}
