// SPDX-License-Identifier: MIT
/* The answers of timeline syncobjs; see timeline.h. */
#include "config.h"

#include <stddef.h>

#include "file.h"
#include "timeline.h"

/* Programs ask one or a few. */
#define ROOM	64

static struct {
	const struct file *file;
	uint32_t handle;
	uint32_t asked;		/* file->asked then */
	uint64_t point;
} answers[ROOM];

bool timeline_rises(const struct file *f, uint32_t handle, uint64_t point)
{
	size_t i = (handle + (uintptr_t)f / sizeof(*f)) % ROOM;
	bool known = answers[i].file == f && answers[i].handle == handle &&
		     answers[i].asked == f->asked;
	bool rises = known && point > answers[i].point;

	answers[i].file = f;
	answers[i].handle = handle;
	answers[i].asked = f->asked;
	answers[i].point = point;
	return rises;
}

void timeline_forget(struct file *f)
{
	f->asked++;
}
