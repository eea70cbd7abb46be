// SPDX-License-Identifier: MIT
/* primeshim ab --json. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

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

static const char *const keys[NNUMBERS] = {
	"wall_seconds", "cpu_seconds", "memory_bytes", "imports", "maps_refused", "maps_rescued",
	"maps_of_dmabuf", "sync_begins", "sync_blocked_ns",
};

static void add_double(struct json_object *to, const char *key, double v)
{
	json_object_object_add(to, key, json_object_new_double(v));
}

/* The values are in the order of the runs. Null without any. */
static struct json_object *number(const struct ab *ab, enum side s, enum number k)
{
	struct json_object *o = NULL, *values;
	unsigned int n;
	double *v = numbers_sorted(ab, s, k, &n);

	if (n) {
		o = json_object_new_object();
		values = json_object_new_array();
		add_double(o, "median", stats_median(v, n));
		add_double(o, "deviation", stats_deviation(v, n));
		for (const struct run *r = ab->runs[s]; r < ab->runs[s] + ab->done[s]; r++)
			if (k < NMEASURES || r->counted)
				json_object_array_add(values, k < NMEASURES ?
					json_object_new_double(r->numbers[k]) :
					json_object_new_uint64(r->numbers[k]));
		json_object_object_add(o, "values", values);
	}
	free(v);
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
	for (int k = 0; k < NNUMBERS; k++)
		json_object_object_add(o, keys[k], number(ab, s, k));
	if (ab->complaint[s]) {
		complaint = json_object_new_object();
		json_number(complaint, "run", ab->complained[s]);
		json_text(complaint, "line", ab->complaint[s]);
	}
	json_object_object_add(o, "stderr", complaint);
	return o;
}

static struct json_object *ratio(const struct ab *ab, enum number k)
{
	struct ratio r = numbers_ratio(ab, k);
	struct json_object *o = r.known ? json_object_new_object() : NULL;

	if (!o)
		return NULL;
	add_double(o, "estimate", r.estimate);
	json_object_object_add(o, "low", r.enough ? json_object_new_double(r.low) : NULL);
	json_object_object_add(o, "high", r.enough ? json_object_new_double(r.high) : NULL);
	return o;
}

static struct json_object *output(const struct ab *ab, const struct ab_output *o)
{
	struct json_object *result = json_object_new_object(), *of;
	static const char *const names[NSIDES] = { "a", "b" };

	json_text(result, "file", o->path);
	json_text(result, "verdict", ab_output_verdict(ab, o));
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
	for (int k = 0; k < NMEASURES; k++)
		json_object_object_add(list, keys[k], ratio(ab, k));
	json_object_object_add(all, "ratio", list);
	list = json_object_new_array();
	for (size_t i = 0; i < ab->noutputs; i++)
		json_object_array_add(list, output(ab, &ab->outputs[i]));
	json_object_object_add(all, "outputs", list);
	json_print(all);
}
