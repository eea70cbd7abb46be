// SPDX-License-Identifier: MIT
/* Names and texts of spans and marks; see timeline.h. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "lib/text.h"
#include "timeline.h"

static const char *const span_words[] = { "import", "mapping", "bracket" };
static const char *const mark_words[] = { "import", "refusal", "fault",	 "denial", "fallback",
					  "owed",   "touch",   "policy", "process" };

const char *span_word(enum span_kind kind)
{
	return span_words[kind];
}

const char *mark_word(enum mark_kind kind)
{
	return mark_words[kind];
}

const char *direction_name(unsigned int prot)
{
	static const char *const names[] = { "NONE", "READ", "WRITE", "RW" };

	return names[prot & 3];
}

const char *clean_text(const char *text, char *out, size_t len)
{
	snprintf(out, len, "%s", text);
	text_tame(out, true);
	return out;
}

const char *span_label(const struct timeline *t, const struct span *s, char *text, size_t len)
{
	const struct span *imp = s->kind == SPAN_IMPORT ? s : s->import >= 0 ?
				 &t->spans[s->import] : NULL;
	char importer[STATUS_NAME_LEN * 2], exporter[STATUS_NAME_LEN * 2];

	if (imp)
		snprintf(text, len, "%s handle %u <- %s",
			 clean_text(device_name(t->status, imp->importer), importer,
				    sizeof(importer)), imp->handle,
			 clean_text(device_name(t->status, imp->exporter), exporter,
				    sizeof(exporter)));
	else
		snprintf(text, len, "dma-buf %llu <- %s", (unsigned long long)s->ino,
			 clean_text(device_name(t->status, s->exporter), exporter,
				    sizeof(exporter)));
	return text;
}

static const char *answer(const struct status_event *e)
{
	return e->outcome == OUTCOME_NATIVE ? "the program gets the driver's" :
	       e->outcome == OUTCOME_REFUSED ? "the program is told so" :
	       e->outcome == OUTCOME_DENIED ? "the program is told EINVAL" :
	       "the program gets the dma-buf";
}

const char *mark_text(const struct timeline *t, const struct mark *m, char *text, size_t len)
{
	const struct status_event *e = &m->event;
	const char *call = e->kind == EVENT_MAP ? "mmap" : "map ioctl";

	switch (m->kind) {
	case MARK_AGAIN:
		snprintf(text, len, "imported again");
		break;
	case MARK_REFUSAL:
		snprintf(text, len, "%s refused: %s; %s", call, native_name(e->native), answer(e));
		break;
	case MARK_FAULT:
		snprintf(text, len, "native mapping would raise SIGBUS; %s", answer(e));
		break;
	case MARK_DENIAL:
		snprintf(text, len, "%s denied", call);
		break;
	case MARK_FALLBACK:
		snprintf(text, len, "fallback: the dma-buf cannot be mapped: %s",
			 native_name(e->reason));
		break;
	case MARK_OWED:
		snprintf(text, len, "START left out: busy");
		break;
	case MARK_TOUCH:
		snprintf(text, len, "touched at 0x%llx out of turn", (unsigned long long)e->addr);
		break;
	case MARK_POLICY:
		snprintf(text, len, "mode %s, sync %s from here on", mode_name(e->handle),
			 sync_name(e->handle));
		break;
	default:
		snprintf(text, len, "%s", t->status->life == LIFE_REPLACED ? "exec" : "exit");
	}
	return text;
}
