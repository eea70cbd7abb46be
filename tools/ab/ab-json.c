// SPDX-License-Identifier: MIT
/* The result of primeshim ab for programs. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ab-stats.h"
#include "ab.h"
#include "lib/json-text.h"

/* { "exit 0": 3, "SIGSEGV": 2 } */
static struct json_object *ends(const struct run *runs, unsigned int n)
{
	struct json_object *o = json_object_new_object(), *had;
	char name[32];

	for (unsigned int i = 0; i < n; i++) {
		end_name(runs[i].end, name, sizeof(name));
		if (json_object_object_get_ex(o, name, &had))
			json_object_int_inc(had, 1);
		else
			json_object_object_add(o, name, json_object_new_int(1));
	}
	return o;
}

/* Of sorted numbers; null without any. The values, in the order of the runs, are added later. */
static struct json_object *summary(const double *sorted, unsigned int n)
{
	struct json_object *o;

	if (!n)
		return NULL;
	o = json_object_new_object();
	json_object_object_add(o, "median", json_object_new_double(stats_median(sorted, n)));
	json_object_object_add(o, "deviation", json_object_new_double(stats_deviation(sorted, n)));
	return o;
}

static struct json_object *measure(const struct ab *ab, enum side s, enum measure m)
{
	double *v = measures_sorted(ab, s, m);
	struct json_object *o = summary(v, ab->done[s]), *values;

	free(v);
	if (!o)
		return NULL;
	values = json_object_new_array();
	for (unsigned int i = 0; i < ab->done[s]; i++)
		json_object_array_add(values, json_object_new_double(ab->runs[s][i].measures[m]));
	json_object_object_add(o, "values", values);
	return o;
}

static struct json_object *count(const struct ab *ab, enum side s, enum count c)
{
	struct json_object *o, *values;
	unsigned int n;
	double *v = counts_sorted(ab, s, c, &n);

	o = summary(v, n);
	free(v);
	if (!o)
		return NULL;
	values = json_object_new_array();
	for (unsigned int i = 0; i < ab->done[s]; i++)
		if (ab->runs[s][i].counted)
			json_object_array_add(values,
					      json_object_new_uint64(ab->runs[s][i].counts[c]));
	json_object_object_add(o, "values", values);
	return o;
}

static struct json_object *side(const struct ab *ab, enum side s)
{
	struct json_object *o = json_object_new_object(), *complaint = NULL;
	const struct way *w = &ab->ways[s];

	json_text(o, "mode", w->mode ? w->mode : "none");
	json_text(o, "sync", w->sync);
	json_number(o, "runs", ab->done[s]);
	json_object_object_add(o, "ended", ends(ab->runs[s], ab->done[s]));
	for (int m = 0; m < NMEASURES; m++)
		json_object_object_add(o, measure_names[m], measure(ab, s, m));
	for (int c = 0; c < NCOUNTS; c++)
		json_object_object_add(o, count_names[c], count(ab, s, c));
	if (ab->complaint[s]) {
		complaint = json_object_new_object();
		json_number(complaint, "run", ab->complained[s]);
		json_text(complaint, "line", ab->complaint[s]);
	}
	json_object_object_add(o, "stderr", complaint);
	return o;
}

static struct json_object *ratio(const struct ab *ab, enum measure m)
{
	double *a = measures_sorted(ab, SIDE_A, m), *b = measures_sorted(ab, SIDE_B, m);
	struct ratio r = stats_ratio(a, ab->done[SIDE_A], b, ab->done[SIDE_B]);
	struct json_object *o = NULL;

	free(a);
	free(b);
	if (!r.known || !ends_alike(ab))
		return NULL;
	o = json_object_new_object();
	json_object_object_add(o, "estimate", json_object_new_double(r.estimate));
	json_object_object_add(o, "low", r.enough ? json_object_new_double(r.low) : NULL);
	json_object_object_add(o, "high", r.enough ? json_object_new_double(r.high) : NULL);
	return o;
}

static struct json_object *output(const struct ab *ab, const struct output *o)
{
	struct json_object *result = json_object_new_object(), *of;
	static const char *const names[NSIDES] = { "a", "b" };

	json_text(result, "file", o->path);
	json_text(result, "verdict", output_verdict(ab, o));
	for (int s = 0; s < NSIDES; s++) {
		of = json_object_new_object();
		json_number(of, "found", o->found[s]);
		json_flag(of, "varies", o->varies[s]);
		json_object_object_add(result, names[s], of);
	}
	return result;
}

void print_json(const struct ab *ab)
{
	struct json_object *all = json_object_new_object(), *list;
	char name[32];
	bool partial = ab->done[SIDE_A] < ab->n || ab->done[SIDE_B] < ab->n;

	json_words(all, "command", ab->command);
	json_number(all, "wanted", ab->n);
	json_flag(all, "partial", partial);
	end_name((struct end){ END_SIGNAL, ab->stopped }, name, sizeof(name));
	json_text(all, "stopped_by", ab->stopped ? name : NULL);
	json_object_object_add(all, "a", side(ab, SIDE_A));
	json_object_object_add(all, "b", side(ab, SIDE_B));
	json_flag(all, "alike", ends_alike(ab));
	list = json_object_new_object();
	for (int m = 0; m < NMEASURES; m++)
		json_object_object_add(list, measure_names[m], ratio(ab, m));
	json_object_object_add(all, "ratio", list);
	list = json_object_new_array();
	for (size_t i = 0; i < ab->noutputs; i++)
		json_object_array_add(list, output(ab, &ab->outputs[i]));
	json_object_object_add(all, "outputs", list);
	json_print(all);
}
