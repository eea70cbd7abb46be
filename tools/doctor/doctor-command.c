// SPDX-License-Identifier: MIT
/*
 * primeshim doctor COMMAND: would ld.so preload the shim into that program? The launcher asks so by
 * --launch, and refuses to run a program with a problem.
 */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "doctor.h"
#include "lib/memory.h"

/* The launcher prints the part before the first ';'. */
#define WAYS_OUT \
	"list the library in /etc/ld.so.preload, or run a copy without that; the settings are " \
	"then in /etc/primeshim.conf; or put a copy of the library that is setuid (chmod u+s) " \
	"into a trusted directory such as /usr/lib, and its bare name into LD_PRELOAD (ld.so(8))"

/* Programs that distributions install with a capability, and what for. */
static const struct {
	const char *name, *cap, *why;
} privileged[] = {
	{ "kwin_wayland", "cap_sys_nice",
	  ": KDE's compositor has cap_sys_nice, to run at a realtime priority, and goes "
	  "without" },
	{ "gnome-shell", "cap_sys_nice",
	  ": GNOME's compositor has cap_sys_nice on some distributions, and goes without" },
	{ "sunshine", "cap_sys_admin",
	  ": Sunshine has cap_sys_admin for the KMS capture, and captures by other ways "
	  "without" },
	{ "gamescope", "cap_sys_nice",
	  ": gamescope has cap_sys_nice for its priority, and goes without" },
};

/* Programs that start others in a place without the library. */
static const struct {
	const char *name, *advice;
} containers[] = {
	{ "flatpak", "flatpak override --user --filesystem=DIRECTORY:ro --env=LD_PRELOAD=DIRECTORY/"
		     "libprimeshim.so APP, with a copy of the library in that DIRECTORY" },
	{ "snap", "use the program's build for your distribution" },
	{ "docker", "install the library in the image, and set LD_PRELOAD there (-e)" },
	{ "podman", "install the library in the image, and set LD_PRELOAD there (-e)" },
	{ "toolbox", "install the library in the container, and run run-with-shim there" },
	{ "distrobox", "install the library in the container, and run run-with-shim there" },
	{ "bwrap", "bind the library's directory into the sandbox, under the same path" },
	{ "firejail", "let it keep LD_PRELOAD and the library's directory in its profile" },
	{ "steam",
	  "set the game's launch options to run-with-shim %command%; its container has to see "
	  "the library" },
};

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/*
 * Writes to @path the program that exec would run for @name. Returns 0; or 127 or 126, like a shell
 * that does not find a program or may not execute it, after a finding about @what.
 */
static int find_program(const char *name, const char *what, char path[PATH_MAX])
{
	const char *dirs = getenv("PATH"), *found = NULL;
	struct stat st;

	path[0] = '\0';
	if (strchr(name, '/') && strlen(name) < PATH_MAX) {
		strcpy(path, name);
		found = stat(path, &st) < 0 ? NULL : path;
	}
	for (; dirs && !strchr(name, '/') && *name; dirs = *dirs ? dirs + 1 : NULL) {
		int len = strcspn(dirs, ":");
		size_t n = snprintf(path, PATH_MAX, "%.*s%s%s", len, dirs, len ? "/" : "./", name);

		dirs += len;
		if (n >= PATH_MAX || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		found = path;
		if (!access(path, X_OK))
			break;
	}
	if (!found) {
		finding_add(FINDING_PROBLEM, "command", "check its name, or give a path",
			    "%s %s", what, strchr(name, '/') ? "does not exist" : "is not in PATH");
		return 127;
	}
	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		finding_add(FINDING_PROBLEM, "command", "give the path of a program",
			    "%s is a directory", what);
	else if (access(path, X_OK))
		finding_add(FINDING_PROBLEM, "command", "chmod +x it, or run its interpreter",
			    "%s is not executable", what);
	else
		return 0;
	return 126;
}

/* The program that "env [-S] [A=B]... PROGRAM" runs; NULL for other forms. */
static char *find_env(char **save)
{
	static const char *const plain[] = { "-S", "-v", "-vS", "--split-string" };
	char *word;

	while ((word = strtok_r(NULL, " \t\r\n", save))) {
		size_t i = 0;

		while (i < 4 && strcmp(word, plain[i]))
			i++;
		if (i == 4 && !strchr(word, '='))
			return *word == '-' ? NULL : word;
	}
	return NULL;
}

/* Writes a script's interpreter to @name; for env, what env runs. False: @path is no script. */
static bool find_interpreter(const char *path, char *name, size_t len)
{
	char line[256], *save, *word, *program = NULL;
	FILE *f = fopen(path, "re");
	bool script = f && fgets(line, sizeof(line), f) && !strncmp(line, "#!", 2);

	if (f)
		fclose(f);
	word = script ? strtok_r(line + 2, " \t\r\n", &save) : NULL;
	if (!word)
		return false;
	if (strchr(word, '/') && !strcmp(file_name(word), "env"))
		program = find_env(&save);
	snprintf(name, len, "%s%s", strchr(word, '/') ? "" : "./", word);
	if (program)
		snprintf(name, len, "%s", program);
	return true;
}

/* Would exec change the user or group? Then ld.so ignores LD_PRELOAD. */
static void check_ids(const char *what, const char *path)
{
	struct statvfs fs;
	struct stat st;
	bool user, group;

	if (stat(path, &st) < 0)
		return;
	user = st.st_mode & S_ISUID;
	group = (st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
	if (!user && !group)
		return;
	if (doctor_status("NoNewPrivs") == 1)
		finding_add(FINDING_OK, "setuid", NULL,
			    "%s is, which gives nothing under no_new_privs", path);
	else if (!statvfs(path, &fs) && fs.f_flag & ST_NOSUID)
		finding_add(FINDING_OK, "setuid", NULL,
			    "%s is, but its file system is mounted nosuid", path);
	else if ((!user || st.st_uid == getuid()) && (!group || st.st_gid == getgid()))
		finding_add(FINDING_OK, "setuid", NULL, "%s is, to your own %s", path,
			    user ? "user" : "group");
	else
		finding_add(FINDING_PROBLEM, "setuid", WAYS_OUT,
			    "%s is set%s to %s: ld.so ignores LD_PRELOAD for it", what,
			    user && st.st_uid != getuid() ? "uid" : "gid",
			    user && st.st_uid != getuid() ? st.st_uid ? "another user" : "root" :
			    st.st_gid			  ? "another group" :
							    "root");
}

/*
 * The first capability that the file gives and this process may not have, or -1. If the file has
 * the effective bit, exec() says EPERM then, root's as well (bprm_caps_from_vfs_caps()).
 */
static int beyond_bounds(cap_t caps)
{
	cap_flag_value_t given, effective = CAP_CLEAR;

	for (cap_value_t c = 0; cap_valid(c) && effective != CAP_SET; c++)
		cap_get_flag(caps, c, CAP_EFFECTIVE, &effective);
	for (cap_value_t c = 0; cap_valid(c) && effective == CAP_SET; c++)
		if (!cap_get_flag(caps, c, CAP_PERMITTED, &given) && given == CAP_SET &&
		    !cap_get_bound(c))
			return c;
	return -1;
}

static void check_bounds(const char *what, cap_t caps)
{
	int beyond = beyond_bounds(caps);
	char *name = beyond < 0 ? NULL : cap_to_name(beyond);

	if (beyond < 0)
		return;
	finding_add(FINDING_PROBLEM, "capabilities",
		    "run a copy without capabilities; or let the container have it (--cap-add)",
		    "%s has %s, which is outside of the bounding set here: the kernel does not "
		    "execute it (EPERM)", what, name ? name : "a capability");
	cap_free(name);
}

/* False: the file has none. */
static bool check_capabilities(const char *what, const char *path)
{
	char *text, *advice;
	const char *who = "";
	cap_t caps = cap_get_file(path);

	if (!caps)
		return errno != ENODATA && errno != ENOTSUP;
	text = cap_to_text(caps, NULL);
	for (size_t i = 0; i < sizeof(privileged) / sizeof(privileged[0]); i++)
		if (!strcmp(file_name(path), privileged[i].name) && text &&
		    strstr(text, privileged[i].cap))
			who = privileged[i].why;
	check_bounds(what, caps);
	/* Inheritable capabilities alone give nothing, and root has all. */
	if (!text || !strpbrk(strpbrk(text, "=+") ? strpbrk(text, "=+") : "", "ep") || !getuid()) {
		finding_add(FINDING_NOTE, "capabilities", NULL,
			    "%s has %s, which changes nothing for you", path, text ? text : "some");
	} else {
		advice = memory_text(WAYS_OUT "; or drop them (setcap -r %s)%s", path, who);
		finding_add(FINDING_PROBLEM, "capabilities", advice,
			    "%s has file capabilities (%s): ld.so ignores LD_PRELOAD for it", what,
			    text);
		free(advice);
	}
	cap_free(text);
	cap_free(caps);
	return true;
}

/* Does the library need glibc, or musl? */
struct libc {
	bool musl, glibc;
};

static void is_libc(const char *name, void *arg)
{
	struct libc *l = arg;

	l->musl |= !strncmp(name, "libc.musl-", 10) || !strcmp(name, "libc.so");
	l->glibc |= !strcmp(name, "libc.so.6");
}

/* The library for a program's machine; or NULL, after a finding. */
static const struct library *library_for(const char *what, const struct elf_file *f)
{
	char name[64], have[64], *advice;

	for (size_t i = 0; i < nlibraries; i++)
		if (elf_same_machine(&libraries[i].elf, f))
			return &libraries[i];
	if (!nlibraries)
		return NULL;
	elf_machine_name(f, name, sizeof(name));
	advice = memory_text("build primeshim for %s; or install the library of that architecture "
			     "(on Debian libprimeshim:ARCH)", name);
	finding_add(FINDING_PROBLEM, "architecture", advice,
		    "%s is a program for %s, and the library is for %s", what, name,
		    elf_machine_name(&libraries[0].elf, have, sizeof(have)));
	free(advice);
	return NULL;
}

/*
 * Does ld.so load the program, and is it the ld.so of the library's libc? ld.so itself is fine,
 * too.
 */
static bool check_loader(const char *what, const char *path, const struct elf_file *f)
{
	const struct library *l;
	struct libc libc = { .musl = false };
	char name[64];
	bool musl = strstr(f->loader, "/ld-musl");

	if (!*f->loader && strcmp(file_name(path), "ld.so") &&
	    fnmatch("ld-*.so*", file_name(path), 0)) {
		finding_add(FINDING_PROBLEM, "static", "use a dynamically linked build",
			    "%s is statically linked%s: LD_PRELOAD has no effect on it", what,
			    f->go ? ", and a Go program, which makes raw system calls" : "");
		return false;
	}
	l = library_for(what, f);
	if (!l)
		return false;
	elf_needed(&l->elf, is_libc, &libc);
	if (*f->loader && musl != libc.musl && (libc.musl || libc.glibc)) {
		finding_add(FINDING_PROBLEM, "libc", "build primeshim with that libc",
			    "%s is for %s, the library is for %s", what, musl ? "musl" : "glibc",
			    libc.musl ? "musl" : "glibc");
		return false;
	}
	finding_add(FINDING_OK, "architecture", NULL, "%s is %sfor %s, as is %s", path,
		    *f->loader ? "dynamically linked and " : "",
		    elf_machine_name(f, name, sizeof(name)), l->path);
	return true;
}

static void check_program(const char *what, const char *path)
{
	size_t before = nfindings;
	struct elf_file f;

	check_ids(what, path);
	if (!check_capabilities(what, path) && nfindings == before)
		finding_add(FINDING_OK, "privileges", NULL,
			    "%s takes no privileges: no setuid, no setgid, no file capabilities",
			    path);
	if (elf_file_open(path, &f) < 0) {
		finding_add(FINDING_WARNING, "command", "give its interpreter",
			    "%s is no ELF program", path);
		return;
	}
	if (check_loader(what, path, &f)) {
		if (f.go)
			finding_add(FINDING_WARNING, "raw calls",
				    "the shim sees only the calls of its C libraries",
				    "%s is a Go program: it makes system calls without libc, which "
				    "the shim does not see", path);
		check_objects(path, &f);
	}
	elf_file_close(&f);
}

static void check_lists(const char *name)
{
	static const char *const lists[] = { "PRIMESHIM_ONLY", "PRIMESHIM_EXCEPT" };

	for (int i = 0; i < 2; i++) {
		const char *list = getenv(lists[i]);
		bool in = false;

		if (!list || !*list)
			continue;
		for (const char *at = list; *at && !in; at += strcspn(at, ",")) {
			at += *at == ',';
			in = strcspn(at, ",") == strlen(name) && !strncmp(at, name, strlen(name));
		}
		if (in == (i == 1))
			finding_add(FINDING_PROBLEM, "settings", "unset it, or change it",
				    "%s=%s leaves %s out", lists[i], list, name);
	}
}

/* Warns of programs that start containers, by their names. */
static void check_container_program(const char *path)
{
	for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++)
		if (!strcmp(file_name(path), containers[i].name))
			finding_add(FINDING_WARNING, "container", containers[i].advice,
				    "%s starts programs in a container, which may not have the "
				    "library", path);
}

/* The program that runs for a command in the end, and how the findings name it. */
struct target {
	char path[PATH_MAX], what[2 * PATH_MAX];
};

/*
 * Follows a script to its interpreter, and so on. Returns 0; 127 or 126, after a finding; or -1:
 * the kernel follows no further.
 */
static int find_target(const char *command, struct target *t)
{
	char name[PATH_MAX];
	int failed;

	snprintf(name, sizeof(name), "%s", command);
	snprintf(t->what, sizeof(t->what), "%s", command);
	for (int i = 0; i < 5; i++) {
		failed = find_program(name, t->what, t->path);
		if (failed || !find_interpreter(t->path, name, sizeof(name)))
			return failed;
		snprintf(t->what, sizeof(t->what), "%s: its interpreter %s", command, name);
		finding_add(FINDING_OK, "command", NULL, "%s is a script, run by %s", t->path,
			    name);
		if (strstr(t->path, "/flatpak/exports/bin/"))
			finding_add(FINDING_WARNING, "container", containers[0].advice,
				    "%s is run by Flatpak, in a container which may not have the "
				    "library", t->path);
	}
	return -1;
}

void check_command(const char *command)
{
	char real[PATH_MAX];
	struct target t;
	int failed;

	failed = find_target(command, &t);
	if (failed < 0)
		finding_add(FINDING_PROBLEM, "command", "the kernel goes no further",
			    "%s has interpreters of interpreters", command);
	if (failed)
		return;
	/* A script's process has the interpreter's name. env's is soon another's. */
	if (!strcmp(t.what, command) || strcmp(file_name(t.path), "env"))
		check_lists(file_name(t.path));
	/* Capabilities and known names belong to the file itself. */
	if (!realpath(t.path, real))
		strcpy(real, t.path);
	check_container_program(real);
	check_program(t.what, real);
}

int launch_command(const char *library, const char *command)
{
	char preload[PATH_MAX];
	struct target t;
	struct elf_file f;
	int failed = find_target(command, &t);

	snprintf(preload, sizeof(preload), "%s", library);
	if (!failed) {
		check_ids(t.what, t.path);
		check_capabilities(t.what, t.path);
	}
	if (!failed && !elf_file_open(t.path, &f)) {
		find_libraries(library, &f, preload, sizeof(preload));
		check_loader(t.what, t.path, &f);
		elf_file_close(&f);
	}
	for (size_t i = 0; i < nfindings; i++) {
		if (findings[i].severity != FINDING_PROBLEM)
			continue;
		printf("%s: %.*s\n", findings[i].text, (int)strcspn(findings[i].advice, ";"),
		       findings[i].advice);
		return failed > 0 ? failed : 2;
	}
	puts(preload);
	return 0;
}
