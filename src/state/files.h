/* SPDX-License-Identifier: MIT */
/*
 * Which descriptor is which open DRM file. Duplicates that nobody saw being made are found by
 * kcmp(2). Takes the locks itself.
 */
#ifndef PRIMESHIM_FILES_H
#define PRIMESHIM_FILES_H

#include <stdbool.h>
#include <sys/types.h>

#include "file.h"

/* The file at @fd with its lock taken, or NULL. */
struct file *file_lock(int fd);
void file_unlock(struct file *f);

/*
 * The same, created if need be, for a descriptor of the device @rdev. What was known of another
 * device there goes; a duplicate of a descriptor that is known joins it. NULL without memory.
 */
struct file *file_lock_new(int fd, dev_t rdev);

/*
 * @fd, which is not known, is known from now on: as a duplicate of one that is, or as another file,
 * so that it is asked only once. False without memory.
 */
bool file_join(int fd, dev_t rdev);

/* @fd is a file without imports: ask anew whether it is a duplicate. False: it has imports. */
bool file_rejoin(int fd, dev_t rdev);

/*
 * Around fork(): no file is made, before descriptors_lock() and until after its end; and every
 * file's lock, with descriptors_lock() held.
 */
void files_keep(void);
void files_unkeep(void);
void file_table_lock(void);
void file_table_unlock(void);

/* Has nobody any of these locks? In a child with one thread; see fork.h. */
bool files_free(void);

#endif
