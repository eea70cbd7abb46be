// SPDX-License-Identifier: MIT
/* The submits that are under way; see submit.h. */
#include "config.h"

#include "publish/publish.h"
#include "submit.h"

/* In no program more threads submit at once. Of those that find no room nothing is known. */
#define ROOM	32

#define LONGEST_NS	UINT64_C(1000000000)

static struct {
	struct submit submit;
	uint64_t since;		/* publish_now() */
} under_way[ROOM];

unsigned int submits_open;
__thread struct submit_mine submit_mine;

static bool over(unsigned int i)
{
	return publish_now() - under_way[i].since > LONGEST_NS;
}

static void drop(unsigned int i)
{
	under_way[i] = under_way[--submits_open];
}

void submit_begin(struct submit *s, struct file *f)
{
	static uint32_t newest;

	if (!++newest)
		newest++;
	*s = (struct submit){ f, newest };
	submit_mine = (struct submit_mine){ newest, frame_noted(__builtin_frame_address(0)) };
	for (unsigned int i = submits_open; i-- > 0;)
		if (over(i))
			drop(i);
	if (submits_open == ROOM)
		return;
	under_way[submits_open].submit = *s;
	under_way[submits_open++].since = publish_now();
}

void submit_end(const struct submit *s)
{
	submit_mine.serial = 0;
	for (unsigned int i = 0; i < submits_open; i++) {
		if (under_way[i].submit.serial == s->serial) {
			drop(i);
			return;
		}
	}
}

static bool is(const struct submit *s, uint32_t serial, const struct file *f)
{
	return s->serial == serial || s->file == f;
}

bool submit_find(uint32_t serial, const struct file *f)
{
	unsigned int i = 0;

	while (i < submits_open && (!is(&under_way[i].submit, serial, f) || over(i)))
		i++;
	return i < submits_open;
}

void submits_forked(void)
{
	submits_open = 0;
}
