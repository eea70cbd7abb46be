// SPDX-License-Identifier: MIT
/* Open DRM files, and the lock over all that is remembered; see file.h. */
#include "config.h"

#include <pthread.h>

#include "file.h"
#include "pool.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ranges files;	/* by descriptor */
static struct pool pool = POOL(struct file);

void state_lock(void)
{
	pthread_mutex_lock(&lock);
}

void state_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

struct file *file_find(int fd)
{
	struct range *r = fd < 0 ? NULL : ranges_find(&files, fd);

	return r ? r->obj : NULL;
}

static void forget_imports(struct file *f)
{
	while (f->imports.n)
		import_drop(f, f->imports.v[f->imports.n - 1].obj);
}

struct file *file_get(int fd, dev_t rdev)
{
	struct file *f = file_find(fd);

	if (!f) {
		f = pool_get(&pool);
		if (!f)
			return NULL;
		if (ranges_insert(&files, fd, (uint64_t)fd + 1, f, 0) < 0) {
			pool_put(&pool, f);
			return NULL;
		}
		f->fd = fd;
		f->rdev = rdev;
		f->cursor = SYNTHETIC_FIRST;
	}
	if (f->rdev != rdev) {
		forget_imports(f);
		f->rdev = rdev;
		f->driver[0] = '\0';
	}
	return f;
}
