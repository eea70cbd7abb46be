// SPDX-License-Identifier: MIT
/* Clears the record of an open DRM file; see file.h. */
#include "config.h"

#include "file.h"
#include "import.h"

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
