// SPDX-License-Identifier: MIT
/* What all of a plot consists of: text, the axis of time, signs; see plot.h. */
#include "config.h"

#include "plot.h"

void plot_text(FILE *f, const char *text)
{
	static const char *const escapes[] = { ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;",
					       ['"'] = "&quot;" };
	char clean[768];

	clean_text(text, clean, sizeof(clean));
	for (const unsigned char *c = (unsigned char *)clean; *c; c++)
		if (*c < sizeof(escapes) / sizeof(escapes[0]) && escapes[*c])
			fputs(escapes[*c], f);
		else
			putc(*c, f);
}

double plot_x(const struct plot *p, uint64_t at)
{
	double all = p->to > p->from ? p->to - p->from : 1;

	if (at < p->from)
		at = p->from;
	return PLOT_LEFT + (at - p->from) / all * (PLOT_RIGHT - PLOT_LEFT);
}

void plot_sign(FILE *f, enum mark_kind kind, bool rescued, double x, double y)
{
	switch (kind) {
	case MARK_REFUSAL:
		fprintf(f, "<path class=\"%s\" d=\"M%.1f %.1fl4.5 -8h-9z\"/>",
			rescued ? "rescued" : "refusal", x, y + 4);
		break;
	case MARK_FAULT:
		fprintf(f, "<path class=\"fault\" d=\"M%.1f %.1fl7 7m0 -7l-7 7\"/>", x - 3.5,
			y - 3.5);
		break;
	case MARK_DENIAL:
		fprintf(f, "<path class=\"denial\" d=\"M%.1f %.1fh7v7h-7z\"/>", x - 3.5, y - 3.5);
		break;
	case MARK_FALLBACK:
		fprintf(f,
			"<path class=\"fallback\" d=\"M%.1f %.1fl4.5 4.5l-4.5 4.5l-4.5 -4.5z\"/>",
			x, y - 4.5);
		break;
	case MARK_TOUCH:
		fprintf(f, "<path class=\"touch\" d=\"M%.1f %.1fl4.8 8.4h-9.6z\"/>", x, y - 4.6);
		break;
	default:
		fprintf(f, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\"/>",
			kind == MARK_OWED ? "owed" : "again", x, y,
			kind == MARK_OWED ? "2.8" : "1.8");
	}
}
