/* SPDX-License-Identifier: MIT */
/*
 * Which descriptor leads to which open DRM file. The shim uses kcmp(2) to find duplicates that it
 * did not see being made. These functions take the locks themselves.
 */
#ifndef PRIMESHIM_FILE_TABLE_H
#define PRIMESHIM_FILE_TABLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "file.h"

/* The file at @fd with its lock taken; NULL where @fd is no known file. */
struct file *file_lock(int fd);
void file_unlock(struct file *f);

/*
 * The same for a descriptor of the device @rdev; makes the record where there is none. A record of
 * another device at @fd goes. A duplicate of a known descriptor joins that descriptor's file. NULL
 * without memory.
 */
struct file *file_lock_new(int fd, dev_t rdev);

/*
 * Makes the unknown @fd known, as a duplicate of a known descriptor or as another file, so that the
 * kernel is asked about it only once. False without memory.
 */
bool file_join(int fd, dev_t rdev);

/*
 * Asks the kernel anew whether @fd, a file without imports, is a duplicate. False: the file has
 * imports, or there is no memory.
 */
bool file_rejoin(int fd, dev_t rdev);

/*
 * Around fork(). file_table_keep(), taken before descriptors_lock() and released after it, keeps
 * other threads from making a record. file_table_lock() takes the lock of every file, with
 * descriptors_lock() held.
 */
void file_table_keep(void);
void file_table_unkeep(void);
void file_table_lock(void);
void file_table_unlock(void);

/* Is none of these locks held? For a child with one thread; see fork.h. */
bool file_table_free(void);

#endif
