// SPDX-License-Identifier: MIT
/* Open DRM files; see file.h. */
#include "config.h"

#include <errno.h>

#include "descriptor.h"
#include "file.h"
#include "lock.h"
#include "next.h"
#include "pool.h"

/* One thread at a time looks for a file and makes it, or one file would become two. */
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
static struct pool pool = POOL(struct file);
static struct file *files;	/* all there are, in use or not; under descriptors_lock() */

static uint64_t handle_of(const struct hash_link *l)
{
	return ((const struct import *)l)->handle;
}

struct file *file_lock(int fd)
{
	for (;;) {
		struct file *f = descriptor_peek(fd);

		if (!f)
			return NULL;
		lock_take(&f->lock);
		/* Whoever takes a file from its last descriptor clears it with its lock held. */
		if (descriptor_peek(fd) == f)
			return f;
		lock_release(&f->lock);
	}
}

void file_unlock(struct file *f)
{
	lock_release(&f->lock);
}

static struct file *file_new(dev_t rdev)
{
	struct file *f;

	descriptors_lock();
	for (f = files; f && f->refs; f = f->all)
		;
	if (!f) {
		f = pool_get(&pool);
		if (f) {
			pthread_mutex_init(&f->lock, NULL);
			f->imports.number = handle_of;
			f->all = files;
			files = f;
		}
	}
	if (f)
		f->refs = 1;
	descriptors_unlock();
	if (!f)
		return NULL;
	lock_take(&f->lock);
	f->rdev = rdev;
	f->driver[0] = '\0';
	f->name = 0;
	f->table = NULL;
	f->wanted = true;
	lock_release(&f->lock);
	return f;
}

/* The file known here that @fd is a duplicate of, with a reference, or NULL. */
static struct file *same_file(int fd, dev_t rdev)
{
	static atomic_bool forbidden;	/* by seccomp or the kernel's configuration */

	for (int other = -1; (other = descriptor_of(rdev, other + 1)) >= 0;) {
		int ret;

		if (atomic_load_explicit(&forbidden, memory_order_relaxed))
			return NULL;
		ret = next.same_file(fd, other);
		if (!ret)
			return descriptor_file(other);
		if (ret < 0 && (errno == EPERM || errno == ENOSYS || errno == EACCES))
			atomic_store_explicit(&forbidden, true, memory_order_relaxed);
	}
	return NULL;
}

static bool join(int fd, dev_t rdev)
{
	struct file *f = same_file(fd, rdev);

	if (f)
		descriptor_add(fd, f);
	return f;
}

bool file_join(int fd, dev_t rdev)
{
	bool joined;

	lock_take(&making);
	joined = join(fd, rdev);
	lock_release(&making);
	return joined;
}

struct file *file_lock_new(int fd, dev_t rdev)
{
	struct file *f = file_lock(fd);

	if (f && f->rdev == rdev)
		return f;
	if (f) {
		file_unlock(f);
		descriptor_set(fd, NULL);
	}
	lock_take(&making);
	if (!descriptor_peek(fd) && !join(fd, rdev)) {
		f = file_new(rdev);
		if (f)
			descriptor_add(fd, f);
	}
	lock_release(&making);
	f = file_lock(fd);
	/* Another thread has closed it meanwhile, or was first with something else. */
	if (f && f->rdev != rdev) {
		file_unlock(f);
		return NULL;
	}
	return f;
}

void file_clear(struct file *f)
{
	struct hash_link *l;

	lock_take(&f->lock);
	for (size_t i = 0; (l = hash_next(&f->imports, &i));)
		import_drop(f, (struct import *)l);
	hash_free(&f->imports);
	ranges_free(&f->offsets);
	lock_release(&f->lock);
}

void files_keep(void)
{
	lock_take(&making);
}

void files_unkeep(void)
{
	lock_release(&making);
}

void files_lock(void)
{
	for (struct file *f = files; f; f = f->all)
		lock_take(&f->lock);
}

void files_unlock(void)
{
	for (struct file *f = files; f; f = f->all)
		lock_release(&f->lock);
}
