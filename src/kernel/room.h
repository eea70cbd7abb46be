/* SPDX-License-Identifier: MIT */
/*
 * Which file systems keep the room of a file for good, so that no store into a mapping of the file
 * raises SIGBUS? The file systems listed here do: they write a file's blocks in place. No file
 * system does where files can be clones of each other: two files then share blocks (after cp, or a
 * snapshot), and the next store needs new blocks. XFS can be made with clones or without, so the
 * caller asks the kernel besides to clone a file, which is empty, onto itself (FICLONE): that must
 * fail. An overlay passes this request on to its upper file system, and reports nothing else of it.
 *
 * Not listed: btrfs (a kernel before 6.17 wants new blocks for each mapped store even of a file
 * that has FS_NOCOW_FL; a later kernel does so after a snapshot); bcachefs, ZFS, NILFS and UBIFS,
 * which write no block in place; and NFS, CIFS, Ceph, 9P and FUSE, where a store may wait for a
 * server.
 */
#ifndef PRIMESHIM_ROOM_H
#define PRIMESHIM_ROOM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include <linux/magic.h>

#ifndef FICLONE
#define FICLONE _IOW(0x94, 9, int)	/* linux/fs.h, 4.5 */
#endif
#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342	/* linux/magic.h, 4.20 */
#endif
#ifndef F2FS_SUPER_MAGIC
#define F2FS_SUPER_MAGIC 0xf2f52010	/* 3.8 */
#endif
#ifndef OVERLAYFS_SUPER_MAGIC
#define OVERLAYFS_SUPER_MAGIC 0x794c7630	/* 4.5 */
#endif

/* @type: f_type of statfs(). */
static inline bool room_is_kept(uint32_t type)
{
	switch (type) {
	case TMPFS_MAGIC:
	case RAMFS_MAGIC:
	case EXT4_SUPER_MAGIC:		/* also the number of ext2 and ext3 */
	case XFS_SUPER_MAGIC:
	case F2FS_SUPER_MAGIC:
	case OVERLAYFS_SUPER_MAGIC:
		return true;
	}
	return false;
}

#endif
