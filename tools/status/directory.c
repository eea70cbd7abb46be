// SPDX-License-Identifier: MIT
/* Does the shim make status files in a directory? See directory.h. */
#include "config.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "directory.h"
#include "kernel/page.h"
#include "kernel/room.h"
#include "publish/publish_status.h"

/* Asks with a file that has no name. */
static bool has_clones(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0400);
	bool clones = fd >= 0 && !ioctl(fd, FICLONE, fd);

	if (fd >= 0)
		close(fd);
	return clones;
}

const char *directory_refused(const char *dir)
{
	struct statfs fs;
	struct stat st;

	if (!dir || stat(dir, &st) < 0 || !S_ISDIR(st.st_mode))
		return NULL;
	if (st.st_uid != geteuid())
		return "it is another user's";
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return "others can write there";
	if (!statfs(dir, &fs) && (!room_is_kept(fs.f_type) || has_clones(dir)))
		return "its file system does not keep room for it, as a tmpfs does";
	return NULL;
}

bool directory_limited(void)
{
	struct rlimit lim;

	return !getrlimit(RLIMIT_FSIZE, &lim) &&
	       lim.rlim_cur < page_round(sizeof(struct publish_status));
}
