// SPDX-License-Identifier: MIT
/*
 * Draws what is around the lanes of a plot; see plot.h. People who are colour blind can tell its
 * colours apart (Okabe and Ito), and no two things differ by colour alone.
 */
#include "config.h"

#include <string.h>

#include "status/summary.h"
#include "plot.h"

static const char style[] =
	"text{font:11px sans-serif;fill:#24292f}"
	".h{font-size:19px;font-weight:bold}.p{font-size:13px;font-weight:bold}"
	".s{fill:#57606a}.t{font-size:9.5px;fill:#57606a}.r{text-anchor:end}.m{text-anchor:middle}"
	".g{stroke:#d8dee4;stroke-width:1}.band{fill:#f6f8fa}.rule{stroke:#afb8c1;stroke-width:1}"
	".import{fill:#e3e9f0;stroke:#8a9bae;stroke-width:.8}.more{fill:#8a9bae}"
	".mapping{fill:#46535f}.native{fill:#fff;stroke:#46535f;stroke-width:1}"
	".read{fill:#56b4e9}.rw{fill:#e69f00}.start{fill:#24292f}.wait{fill:url(#wait)}"
	".end{stroke:#24292f;stroke-width:1.2}.killed{stroke:#d55e00;stroke-width:1.6}"
	".flip{stroke:#007a58;stroke-width:1.2;stroke-dasharray:4 3}"
	".fliptext{fill:#007a58;paint-order:stroke;stroke:#fff;stroke-width:3}"
	".refusal{fill:#d55e00;stroke:#fff;stroke-width:.7}"
	".rescued{fill:#fff;stroke:#d55e00;stroke-width:1.3}"
	".fault{stroke:#d55e00;stroke-width:2.2;fill:none}.denial{fill:#a0387a}"
	".fallback{fill:#0072b2;stroke:#fff;stroke-width:.7}"
	".owed{fill:#fff;stroke:#57606a;stroke-width:1.2}"
	".touch{fill:#a0387a;stroke:#fff;stroke-width:.7}.again{fill:#57606a}";

static void label(FILE *f, double x, double y, const char *class, const char *text)
{
	fprintf(f, "<text x=\"%.1f\" y=\"%.1f\"", x, y);
	if (*class)
		fprintf(f, " class=\"%s\"", class);
	putc('>', f);
	plot_text(f, text);
	fputs("</text>\n", f);
}

/* Cuts @text after @n characters, with an ellipsis. */
static const char *shorten(char *text, size_t n)
{
	char *c = text;

	for (; *c; c++)
		if ((*c & 0xc0) != 0x80 && !n--) {
			strcpy(c, "\xe2\x80\xa6");
			break;
		}
	return text;
}

/* The distance of ticks: 1, 2 or 5 times a power of ten, so that there are at most 12. */
static double tick_of(double all)
{
	static const double steps[] = { 1, 2, 5, 10 };
	double ten = 1;
	unsigned int i = 0;

	while (ten * 10 * 12 < all)
		ten *= 10;
	while (i < 3 && ten * steps[i] * 12 < all)
		i++;
	return ten * steps[i];
}

static void draw_axis(const struct plot *p)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "s", 1e9 }, { "ms", 1e6 }, { "\xc2\xb5s", 1e3 }, { "ns", 1 } };
	double all = p->to > p->from ? p->to - p->from : 1, tick = tick_of(all);
	unsigned int u = 0;
	char text[64];

	while (units[u].ns > 1 && tick < units[u].ns / 10)
		u++;
	for (double at = 0; at <= all * 1.000001; at += tick) {
		double x = PLOT_LEFT + at / all * (PLOT_RIGHT - PLOT_LEFT);

		fprintf(p->f, "<path class=\"g\" d=\"M%.1f %.1fV%.1f\"/>\n", x, PLOT_TOP - 6,
			p->height - 36);
		snprintf(text, sizeof(text), "%.*f", tick < units[u].ns ? 1 : 0, at / units[u].ns);
		label(p->f, x, PLOT_TOP - 12, "t m", text);
		label(p->f, x, p->height - 22, "t m", text);
	}
	snprintf(text, sizeof(text), "%s since the beginning", units[u].name);
	label(p->f, PLOT_LEFT - 14, PLOT_TOP - 12, "t r", text);
	label(p->f, PLOT_LEFT - 14, p->height - 22, "t r", text);
}

static void draw_legend(FILE *f)
{
	static const struct {
		const char *svg, *text;
		enum mark_kind kind;
		bool rescued;
		double width;
	} entries[] = {
		{ "<rect class=\"import\" x=\"0\" y=\"-8\" width=\"22\" height=\"10\" rx=\"2\"/>",
		  "import", 0, 0, 70 },
		{ "<rect class=\"mapping\" x=\"0\" y=\"-5\" width=\"22\" height=\"3\"/>",
		  "mapped (dma-buf)", 0, 0, 128 },
		{ "<rect class=\"native\" x=\"0\" y=\"-5\" width=\"22\" height=\"2.6\"/>",
		  "(driver)", 0, 0, 74 },
		{ "<rect class=\"read\" x=\"0\" y=\"-8\" width=\"22\" height=\"10\"/>", "read", 0,
		  0, 60 },
		{ "<rect class=\"rw\" x=\"0\" y=\"-8\" width=\"22\" height=\"10\"/>",
		  "read-write bracket", 0, 0, 132 },
		{ "<rect class=\"rw\" x=\"0\" y=\"-8\" width=\"22\" height=\"10\"/>"
		  "<rect class=\"wait\" x=\"0\" y=\"-8\" width=\"22\" height=\"10\"/>",
		  "waits in START", 0, 0, 112 },
		{ NULL, "refused", MARK_REFUSAL, false, 58 },
		{ NULL, "refused, rescued", MARK_REFUSAL, true, 110 },
		{ NULL, "SIGBUS", MARK_FAULT, false, 60 },
		{ NULL, "fallback", MARK_FALLBACK, false, 64 },
		{ NULL, "denied", MARK_DENIAL, false, 56 },
		{ NULL, "touch", MARK_TOUCH, false, 52 },
		{ NULL, "busy", MARK_OWED, false, 50 },
	};
	double x = 24;

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		fprintf(f, "<g transform=\"translate(%.0f 92)\">", x);
		if (entries[i].svg)
			fputs(entries[i].svg, f);
		else
			plot_sign(f, entries[i].kind, entries[i].rescued, 5, -3);
		label(f, entries[i].svg ? 28 : 14, 1, "s", entries[i].text);
		fputs("</g>\n", f);
		x += entries[i].width + 8;
	}
}

struct totals {
	size_t spans[SPAN_KINDS], marks[MARK_KINDS], rescued;
	uint64_t waited;
};

static void add_totals(struct totals *n, const struct timeline *t)
{
	for (size_t i = 0; i < t->nspans; i++) {
		n->spans[t->spans[i].kind] += !t->spans[i].split;
		if (t->spans[i].kind == SPAN_BRACKET)
			n->waited += t->spans[i].granted - t->spans[i].from;
	}
	for (size_t i = 0; i < t->nmarks; i++) {
		n->marks[t->marks[i].kind]++;
		n->rescued += t->marks[i].kind == MARK_REFUSAL &&
			      t->marks[i].event.outcome != OUTCOME_REFUSED;
	}
}

static void totals_text(char *text, size_t len, const struct totals *n)
{
	static const struct {
		enum mark_kind kind;
		const char *what;
	} kinds[] = { { MARK_FAULT, "fault" }, { MARK_FALLBACK, "fallback" },
		      { MARK_DENIAL, "denial" }, { MARK_TOUCH, "touch" } };
	char imports[48], maps[48], brackets[48], refused[48], waited[32], one[64];
	size_t at;

	snprintf(text, len, "%s, %s, %s with %s in START, %s",
		 count_text(imports, sizeof(imports), n->spans[SPAN_IMPORT], "import"),
		 count_text(maps, sizeof(maps), n->spans[SPAN_MAPPING], "mapping"),
		 count_text(brackets, sizeof(brackets), n->spans[SPAN_BRACKET], "bracket"),
		 time_text(waited, sizeof(waited), n->waited),
		 count_text(refused, sizeof(refused), n->marks[MARK_REFUSAL], "refusal"));
	if (n->marks[MARK_REFUSAL]) {
		at = strlen(text);
		snprintf(text + at, len - at, " (%zu rescued)", n->rescued);
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		at = strlen(text);
		if (n->marks[kinds[i].kind])
			snprintf(text + at, len - at, ", %s",
				 count_text(one, sizeof(one), n->marks[kinds[i].kind],
					    kinds[i].what));
	}
}

static void draw_title(const struct plot *p)
{
	const struct status *first = p->strips[0].status;
	struct totals n = { 0 };
	char title[160], command[256], text[512], time[32];

	for (size_t i = 0; i < p->nstrips; i++)
		add_totals(&n, &p->strips[i].t);
	if (p->nstrips == 1)
		clean_text(first->head.program, title, sizeof(title));
	else
		snprintf(title, sizeof(title), "%zu processes", p->nstrips);
	totals_text(text, sizeof(text), &n);
	/* Screen readers and a browser's tab show this. */
	fputs("<title>", p->f);
	plot_text(p->f, title);
	fputs(": imports of dma-bufs over time</title>\n<desc>", p->f);
	plot_text(p->f, text);
	fprintf(p->f,
		"</desc>\n<style>%s</style>\n<defs><pattern id=\"wait\" width=\"4\" height=\"4\" "
		"patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
		"<rect width=\"2.2\" height=\"4\" class=\"start\"/></pattern></defs>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		style);
	label(p->f, 24, 34, "h", title);
	clean_text(status_command(first, command, sizeof(command)), title, sizeof(title));
	if (p->nstrips == 1)
		label(p->f, 24, 52, "s", shorten(title, 150));
	snprintf(title, sizeof(title), ", %s", time_text(time, sizeof(time), p->to - p->from));
	strncat(text, title, sizeof(text) - strlen(text) - 1);
	label(p->f, 24, p->nstrips == 1 ? 69 : 56, "", text);
	label(p->f, PLOT_RIGHT, 34, "t r", "primeshim " PACKAGE_VERSION);
}

static void draw_head(const struct plot *p, const struct strip *s)
{
	const struct status *status = s->status;
	struct totals n = { 0 };
	char text[512], command[256];
	size_t at;

	add_totals(&n, &s->t);
	/* The grid must not cross the text. */
	fprintf(p->f,
		"<rect x=\"24\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"#fff\"/>\n"
		"<path class=\"rule\" d=\"M24 %.1fH%.1f\"/>\n",
		s->y, PLOT_RIGHT - 24, STRIP_HEAD, s->y, PLOT_RIGHT);
	snprintf(text, sizeof(text), "%s [%u]", status->head.program, status->head.pid);
	label(p->f, 24, s->y + 15, "p", text);
	snprintf(text, sizeof(text), "mode %s, sync %s", mode_name(status->head.start_policy),
		 sync_name(status->head.start_policy));
	label(p->f, 24, s->y + 28, "t", text);
	snprintf(text, sizeof(text), "%s after %s%s", life_name(status->life),
		 time_text(command, sizeof(command), s->t.to - s->t.from),
		 status->head.forked ? ", a fork" : "");
	if (status->lost) {
		at = strlen(text);
		snprintf(text + at, sizeof(text) - at, ", %u earlier events lost", status->lost);
	}
	if (p->nstrips > 1) {
		strncat(text, ": ", sizeof(text) - strlen(text) - 1);
		at = strlen(text);
		totals_text(text + at, sizeof(text) - at, &n);
	}
	label(p->f, PLOT_LEFT, s->y + 14, "s", text);
	clean_text(status_command(status, command, sizeof(command)), text, sizeof(text));
	if (p->nstrips > 1)
		label(p->f, PLOT_LEFT, s->y + 28, "t", shorten(text, 150));
}

/* Darkens every second lane, below the grid. */
static void draw_bands(const struct plot *p, const struct strip *s)
{
	for (size_t i = 0; i < s->nlanes; i++)
		if (s->lanes[i].shown && s->lanes[i].band)
			fprintf(p->f, "<rect class=\"band\" x=\"24\" y=\"%.1f\" width=\"%.1f\" "
				"height=\"%.1f\"/>\n", s->lanes[i].y, PLOT_RIGHT - 24, LANE_HEIGHT);
}

static void name_lane(const struct plot *p, const struct strip *s, const struct lane *l)
{
	char text[128], bytes[32];

	span_label(&s->t, l->first, text, sizeof(text));
	label(p->f, 32, l->y + 14, "", shorten(text, 36));
	snprintf(text, sizeof(text), "%s, dma-buf %llu",
		 bytes_text(bytes, sizeof(bytes), l->first->bytes),
		 (unsigned long long)l->first->ino);
	label(p->f, 32, l->y + 26, "t", text);
}

static void draw_strip(const struct plot *p, const struct strip *s)
{
	char text[128];

	draw_head(p, s);
	for (size_t i = 0; i < s->nlanes; i++)
		if (s->lanes[i].shown)
			name_lane(p, s, &s->lanes[i]);
	if (s->shown < s->nlanes) {
		snprintf(text, sizeof(text), "%zu more with less to show are left out",
			 s->nlanes - s->shown);
		label(p->f, 32, s->y + s->height - 5, "t", text);
	}
}

void plot_draw(const struct plot *p)
{
	fprintf(p->f,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%.0f\" "
		"height=\"%.0f\" "
		"viewBox=\"0 0 %.0f %.0f\">\n",
		PLOT_WIDTH, p->height, PLOT_WIDTH, p->height);
	draw_title(p);
	draw_legend(p->f);
	for (size_t i = 0; i < p->nstrips; i++)
		draw_bands(p, &p->strips[i]);
	draw_axis(p);
	for (size_t i = 0; i < p->nstrips; i++)
		draw_strip(p, &p->strips[i]);
	for (size_t i = 0; i < p->nstrips; i++) {
		for (size_t j = 0; j < p->strips[i].nlanes; j++)
			if (p->strips[i].lanes[j].shown)
				plot_lane(p, &p->strips[i], j);
		plot_process_marks(p, &p->strips[i]);
	}
	fputs("</svg>\n", p->f);
}
