// SPDX-License-Identifier: MIT
/* primeshim doctor: the library itself, other preloaded objects, and the settings. */
#include "config.h"

#include <err.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"
#include "lib/memory.h"
#include "lib/proc.h"
#include "lib/run.h"

/* Where distributions and "make install" put the library, for all machines. */
static const char *const places[] = {
	PKGLIBDIR "/" LIBRARY,
	"/usr/lib/*/primeshim/" LIBRARY,
	"/usr/lib/primeshim/" LIBRARY,
	"/usr/lib32/primeshim/" LIBRARY,
	"/usr/lib64/primeshim/" LIBRARY,
	"/usr/local/lib/*/primeshim/" LIBRARY,
	"/usr/local/lib/primeshim/" LIBRARY,
};

struct library *libraries;
size_t nlibraries;
struct elf_file doctor_elf;
char doctor_path[PATH_MAX];

static char **defined;
static size_t ndefined;

void doctor_self(void)
{
	ssize_t n = readlink("/proc/self/exe", doctor_path, PATH_MAX - 1);

	if (n < 0 || elf_file_open(doctor_path, &doctor_elf) < 0)
		errx(2, "doctor: /proc/self/exe cannot be read: mount /proc");
}

char *doctor_run(char *const *argv, const char *preload, bool wants_err)
{
	char *first = memory_text("LD_PRELOAD=%s", preload ? preload : ""), **env, *said;
	size_t n = 0, at = 2;

	while (environ[n])
		n++;
	env = memory_new(n + 3, sizeof(*env));
	env[0] = first;
	env[1] = "PRIMESHIM_LOG=0";
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], "LD_PRELOAD=", 11) &&
		    strncmp(environ[i], "PRIMESHIM_LOG=", 14))
			env[at++] = environ[i];
	said = run_program(argv, env, wants_err, true, NULL);
	free(first);
	free(env);
	return said;
}

/* ld.so's error for an object that it cannot preload, or NULL. The caller frees it. */
static char *preload_error(const char *object)
{
	static const char *const marks[] = {
		"cannot be preloaded (",
		"error while loading shared libraries: ",	/* a library that it needs */
	};
	char *argv[] = { doctor_path, "--version", NULL };
	char *said = doctor_run(argv, object, true), *why = NULL;

	for (int i = 0; said && !why && i < 2; i++) {
		char *at = strstr(said, marks[i]);
		size_t n;

		if (!at)
			continue;
		at += strlen(marks[i]);
		n = strcspn(at, "\n");
		at[n] = '\0';
		/* "...): ignored." */
		if (!i && strrchr(at, ')'))
			*strrchr(at, ')') = '\0';
		why = strdup(at);
	}
	free(said);
	return why;
}

static void add_library(const char *path)
{
	struct elf_file f;
	struct stat st, other;
	char *copy;

	if (stat(path, &st) < 0 || elf_file_open(path, &f) < 0)
		return;
	for (size_t i = 0; i < nlibraries; i++) {
		if (elf_same_machine(&libraries[i].elf, &f) ||
		    (!stat(libraries[i].path, &other) && other.st_ino == st.st_ino &&
		     other.st_dev == st.st_dev)) {
			elf_file_close(&f);
			return;
		}
	}
	copy = memory_text("%s", path);
	libraries = memory_more(libraries, nlibraries + 1, sizeof(*libraries));
	libraries[nlibraries++] = (struct library){ copy, f };
	if (nlibraries > 1 && elf_same_machine(&f, &doctor_elf)) {
		libraries[nlibraries - 1] = libraries[0];
		libraries[0] = (struct library){ copy, f };
	}
}

/* What $LIB means to that ld.so, "lib/x86_64-linux-gnu"; the caller frees it. NULL: not known. */
static char *lib_of(char *loader)
{
	static const char mark[] = "dl_dst_lib=\"";
	char *argv[] = { loader, "--list-diagnostics", NULL };
	char *said = *loader ? doctor_run(argv, NULL, false) : NULL;
	char *at = said ? strstr(said, mark) : NULL, *lib = NULL;

	if (at) {
		at += strlen(mark);
		lib = strndup(at, strcspn(at, "\"\n"));
	}
	free(said);
	return lib;
}

void find_libraries(const char *library, const struct elf_file *program, char *preload, size_t len)
{
	static const char tail[] = "/primeshim/" LIBRARY;
	int prefix = strlen(library) - strlen(tail);
	struct elf_file loader = *program;
	char path[PATH_MAX], *lib;

	add_library(library);
	if (prefix <= 0 || strcmp(library + prefix, tail))
		return;
	/* /usr/lib, /usr/lib64, /usr/lib/x86_64-linux-gnu */
	while (prefix && strncmp(library + prefix, "/lib", 4))
		prefix--;
	lib = lib_of(loader.loader);
	snprintf(path, sizeof(path), "%.*s/%s%s", prefix, library, lib ? lib : "", tail);
	if (lib && *lib && !access(path, F_OK)) {
		add_library(path);
		snprintf(preload, len, "%.*s/$LIB%s", prefix, library, tail);
	}
	free(lib);
}

static void add_defined(const char *name, void *arg)
{
	(void)arg;
	defined = memory_more(defined, ndefined + 1, sizeof(*defined));
	defined[ndefined++] = memory_text("%s", name);
}

bool library_defines(const char *name)
{
	for (size_t i = 0; i < ndefined; i++)
		if (!strcmp(defined[i], name))
			return true;
	return false;
}

void check_library(void)
{
	char own[PATH_MAX + 32], self[PATH_MAX], name[64];
	char *why;

	strcpy(self, doctor_path);
	snprintf(own, sizeof(own), "%s/../.libs/" LIBRARY, dirname(self));
	if (realpath(own, self))
		add_library(self);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		glob_t g;

		if (!glob(places[i], 0, NULL, &g))
			for (size_t k = 0; k < g.gl_pathc; k++)
				add_library(g.gl_pathv[k]);
		globfree(&g);
	}
	if (!nlibraries)
		finding_add(FINDING_PROBLEM, "library",
			    "build primeshim with make, or install its library, here "
			    "and in each container that programs run in",
			    "no " LIBRARY " in %s, nor where "
			    "distributions put it",
			    PKGLIBDIR);
	for (size_t i = 0; i < nlibraries; i++) {
		const struct library *l = &libraries[i];

		elf_machine_name(&l->elf, name, sizeof(name));
		if (!elf_same_machine(&l->elf, &doctor_elf)) {
			finding_add(FINDING_OK, "library", NULL, "%s, for %s", l->path, name);
			continue;
		}
		why = strpbrk(l->path, " :") ? strdup("its path has a space or a colon") :
		      preload_error(l->path);
		if (why)
			finding_add(FINDING_PROBLEM, "library",
				    "install or build it where programs may load from, "
				    "for this libc",
				    "%s, for %s, cannot be preloaded: %s", l->path, name, why);
		else
			finding_add(FINDING_OK, "library", NULL, "%s, for %s, is loaded", l->path,
				    name);
		free(why);
	}
	if (nlibraries)
		elf_defined(&libraries[0].elf, add_defined, NULL);
}

/* Looks for the object that this process has loaded under that name. */
struct wanted {
	const char *name;
	char path[PATH_MAX];
};

static int is_wanted(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct wanted *w = arg;
	const char *is = strrchr(info->dlpi_name, '/'), *name = strrchr(w->name, '/');

	(void)size;
	if (!is || strcmp(is + 1, name ? name + 1 : w->name))
		return 0;
	snprintf(w->path, sizeof(w->path), "%s", info->dlpi_name);
	return 1;
}

struct clash {
	char names[256];
	unsigned int n;
	bool maps;		/* it defines mmap or ioctl, which the shim cannot do without */
};

static void add_clash(const char *name, void *arg)
{
	struct clash *c = arg;
	size_t at = strlen(c->names);

	if (!library_defines(name))
		return;
	c->n++;
	c->maps |= !strncmp(name, "mmap", 4) || !strcmp(name, "ioctl");
	snprintf(c->names + at, sizeof(c->names) - at, "%s%s", at ? ", " : "", name);
}

/* Looks at another preloaded object. @first: it comes before the shim. */
static void check_object(const char *from, const char *name, bool first)
{
	struct wanted w = { .name = name };
	struct clash c = { .n = 0 };
	struct elf_file f;

	snprintf(w.path, sizeof(w.path), "%s", name);
	dl_iterate_phdr(is_wanted, &w);
	if (elf_file_open(w.path, &f) < 0)
		return;
	elf_defined(&f, add_clash, &c);
	elf_file_close(&f);
	if (!c.n)
		finding_add(FINDING_OK, "preload", NULL,
			    "%s (%s) defines nothing that the shim does", name, from);
	else if (first)
		finding_add(
			c.maps ? FINDING_PROBLEM : FINDING_WARNING, "preload",
			"put the shim first, as run-with-shim does",
			"%s (%s) comes before the shim and "
			"defines %s: if it makes the system calls itself, the shim does not see "
			"them",
			name, from, c.names);
	else
		finding_add(FINDING_NOTE, "preload", NULL,
			    "%s (%s) defines %s, too: the shim goes first, and calls it", name,
			    from, c.names);
}

/* Looks at the objects of @list, which is like LD_PRELOAD; cuts it up. */
static void check_list(const char *from, char *list, bool file)
{
	bool shim = strstr(list, LIBRARY), seen = false;
	char *save;

	for (char *s = strtok_r(list, " :\t\n", &save); s; s = strtok_r(NULL, " :\t\n", &save)) {
		const char *slash = strrchr(s, '/');
		bool ours = !strcmp(slash ? slash + 1 : s, LIBRARY);
		char *why = preload_error(s);

		seen = seen || ours;
		if (ours)
			finding_add(FINDING_OK, "preload", NULL, "%s has the shim, %s", from, s);
		if (why)
			finding_add(ours || file ? FINDING_PROBLEM : FINDING_WARNING, "preload",
				    ours ? "correct its path" :
				    file ? "correct /etc/ld.so.preload: every program says so" :
				    "correct LD_PRELOAD, or leave that out",
				    "%s (%s) cannot be preloaded: %s", s, from, why);
		else if (!ours)
			/* If the list does not have the shim, the launcher puts it first. */
			check_object(from, s, shim && !seen);
		free(why);
	}
}

void check_preloads(void)
{
	const char *value = getenv("LD_PRELOAD");
	char *list = value ? strdup(value) : NULL, *text = NULL;
	FILE *f = fopen("/etc/ld.so.preload", "re");
	size_t room = 0;

	if (list)
		check_list("LD_PRELOAD", list, false);
	free(list);
	if (!f)
		return;
	if (getdelim(&text, &room, '\0', f) < 0)
		goto out;
	/* A comment ends with its line. */
	for (char *c = text; (c = strchr(c, '#'));)
		memset(c, ' ', strcspn(c, "\n"));
	check_list("/etc/ld.so.preload", text, true);
out:
	free(text);
	fclose(f);
}

/* Asks the shim itself, which reports errors in the environment and in the files. */
void check_settings(void)
{
	char *argv[] = { doctor_path, "--version", NULL }, *said, *save;
	const char *mode = getenv("PRIMESHIM_MODE");

	if (mode && !strcmp(mode, "off"))
		finding_add(FINDING_PROBLEM, "settings", "unset it",
			    "PRIMESHIM_MODE=off: the shim does nothing");
	if (!nlibraries || !elf_same_machine(&libraries[0].elf, &doctor_elf))
		return;
	said = doctor_run(argv, libraries[0].path, true);
	for (char *s = said ? strtok_r(said, "\n", &save) : NULL; s;
	     s = strtok_r(NULL, "\n", &save)) {
		const char *what = strstr(s, "]: ");

		if (!strncmp(s, "primeshim: ", 11) && what)
			finding_add(FINDING_WARNING, "settings",
				    "correct it; libprimeshim(7) has them all", "%s", what + 3);
	}
	free(said);
}
