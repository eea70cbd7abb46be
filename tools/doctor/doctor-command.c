// SPDX-License-Identifier: MIT
/*
 * primeshim doctor COMMAND: would ld.so preload the shim into that program? By the same rules as
 * the launcher, which refuses at the first; here each is told.
 */
#include "config.h"

#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "doctor.h"

#define WAYS_OUT                                                                                       \
	"list the library in /etc/ld.so.preload, with settings in /etc/primeshim.conf; or put a copy " \
	"that is setuid (chmod u+s) into a trusted directory such as /usr/lib, and its bare name into "   \
	"LD_PRELOAD (ld.so(8)); or "

/* Programs that are known to be installed with privileges, and what for. */
static const struct {
	const char *name, *why;
} privileged[] = {
	{ "kwin_wayland",
	  ": KDE's compositor has cap_sys_nice, to run at a realtime priority, and goes "
	  "without" },
	{ "gnome-shell",
	  ": GNOME's compositor has cap_sys_nice on some distributions, and goes without" },
	{ "sunshine",
	  ": Sunshine has cap_sys_admin for the KMS capture, and captures by other ways "
	  "without" },
	{ "gamescope", ": gamescope has cap_sys_nice for its priority, and goes without" },
};

/* Programs that start others where the library is not. */
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

/* The program that exec would run for @name, in @path; or false, and why not is told. */
static bool find_program(const char *name, char path[PATH_MAX])
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
	if (!found)
		finding_add(FINDING_PROBLEM, "command", "check its name, or give a path",
			    "%s is not %s", name, strchr(name, '/') ? "there" : "in PATH");
	else if (!stat(path, &st) && S_ISDIR(st.st_mode))
		finding_add(FINDING_PROBLEM, "command", "give the path of a program",
			    "%s is a directory", name);
	else if (access(path, X_OK))
		finding_add(FINDING_PROBLEM, "command", "chmod +x it, or run its interpreter",
			    "%s is not executable", path);
	else
		return true;
	return false;
}

/*
 * The interpreter of a script, in @name; false: @path is none. "#!/usr/bin/env [-S] [A=B]...
 * PROGRAM" is the program that env finds.
 */
static bool find_interpreter(const char *path, char *name, size_t len)
{
	char line[256], *save, *word;
	FILE *f = fopen(path, "re");
	bool script = f && fgets(line, sizeof(line), f) && !strncmp(line, "#!", 2);

	if (f)
		fclose(f);
	word = script ? strtok_r(line + 2, " \t\r\n", &save) : NULL;
	if (!word)
		return false;
	snprintf(name, len, "%s", word);
	if (strcmp(file_name(word), "env"))
		return true;
	while ((word = strtok_r(NULL, " \t\r\n", &save)))
		if (*word != '-' && !strchr(word, '='))
			break;
	if (word)
		snprintf(name, len, "%s", word);
	return true;
}

/* Would exec change who the process is? Then ld.so ignores LD_PRELOAD. */
static void check_ids(const char *path)
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
		finding_add(FINDING_PROBLEM, "setuid", WAYS_OUT "run a copy, which is not setuid",
			    "%s is set%s to %s: ld.so ignores LD_PRELOAD for it", path,
			    user && st.st_uid != getuid() ? "uid" : "gid",
			    (user && st.st_uid != getuid() ? st.st_uid : st.st_gid) ? "another" :
										      "root");
}

static void check_capabilities(const char *path)
{
	char *text, *advice;
	const char *who = "";
	cap_t caps = cap_get_file(path);

	if (!caps)
		return;
	text = cap_to_text(caps, NULL);
	for (size_t i = 0; i < sizeof(privileged) / sizeof(privileged[0]); i++)
		if (!strcmp(file_name(path), privileged[i].name))
			who = privileged[i].why;
	/* Inheritable ones alone give nothing, and root has them all. */
	if (!text || !strpbrk(strpbrk(text, "=+") ? strpbrk(text, "=+") : "", "ep") || !getuid()) {
		finding_add(FINDING_NOTE, "capabilities", NULL,
			    "%s has %s, which changes nothing for you", path, text ? text : "some");
	} else {
		if (asprintf(&advice,
			     WAYS_OUT "drop them (setcap -r %s)%s; or run a copy, which has none",
			     path, who) < 0)
			err(2, "doctor");
		finding_add(FINDING_PROBLEM, "capabilities", advice,
			    "%s has file capabilities (%s): ld.so ignores LD_PRELOAD for it", path,
			    text);
		free(advice);
	}
	cap_free(text);
	cap_free(caps);
}

/* Does the library need that one of glibc's or musl's? */
struct libc {
	bool musl, glibc;
};

static void is_libc(const char *name, void *arg)
{
	struct libc *l = arg;

	l->musl |= !strncmp(name, "libc.musl-", 10) || !strcmp(name, "libc.so");
	l->glibc |= !strcmp(name, "libc.so.6");
}

/* The library for a program's machine, or NULL, which is told. */
static const struct library *library_for(const char *path, const struct elf_file *f)
{
	char name[64], have[64];

	elf_machine_name(f, name, sizeof(name));
	for (size_t i = 0; i < nlibraries; i++)
		if (elf_same_machine(&libraries[i].elf, f))
			return &libraries[i];
	if (nlibraries)
		finding_add(FINDING_PROBLEM, "architecture",
			    "install the library of that architecture (on Debian "
			    "libprimeshim:ARCH), or build primeshim for it",
			    "%s is a program for %s, and there is "
			    "a library for %s",
			    path, name, elf_machine_name(&libraries[0].elf, have, sizeof(have)));
	return NULL;
}

/* By ld.so, and by the one that the library is for? */
static bool check_loader(const char *path, const struct elf_file *f)
{
	const struct library *l;
	struct libc libc = { .musl = false };
	char name[64];
	bool musl = strstr(f->loader, "/ld-musl");

	if (!*f->loader && strncmp(file_name(path), "ld", 2)) {
		finding_add(FINDING_PROBLEM, "static", "use a dynamically linked build",
			    "%s is linked statically%s: LD_PRELOAD has no effect on it", path,
			    f->go ? ", and a Go program, which makes raw system calls" : "");
		return false;
	}
	l = library_for(path, f);
	if (!l)
		return false;
	elf_needed(&l->elf, is_libc, &libc);
	if (*f->loader && musl != libc.musl && (libc.musl || libc.glibc)) {
		finding_add(FINDING_PROBLEM, "libc", "build primeshim with that libc",
			    "%s is for %s, the library "
			    "is for %s",
			    path, musl ? "musl" : "glibc", libc.musl ? "musl" : "glibc");
		return false;
	}
	finding_add(FINDING_OK, "architecture", NULL, "%s is for %s, as is %s", path,
		    elf_machine_name(f, name, sizeof(name)), l->path);
	return true;
}

static void check_program(const char *path)
{
	struct elf_file f;

	check_ids(path);
	check_capabilities(path);
	if (elf_file_open(path, &f) < 0) {
		finding_add(FINDING_WARNING, "command", "give its interpreter",
			    "%s is no ELF program", path);
		return;
	}
	if (check_loader(path, &f)) {
		if (f.go)
			finding_add(
				FINDING_WARNING, "raw calls",
				"only what its C libraries do is seen",
				"%s is a Go "
				"program: it makes system calls without libc, which the shim does not see",
				path);
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

void check_command(const char *command)
{
	char path[PATH_MAX], real[PATH_MAX], name[PATH_MAX];
	const char *is;

	snprintf(name, sizeof(name), "%s", command);
	check_lists(file_name(command));
	for (int i = 0; i < 5; i++) {
		if (!find_program(name, path))
			return;
		if (!find_interpreter(path, name, sizeof(name))) {
			/* Where capabilities are, and by what it is known. */
			is = realpath(path, real) ? real : path;
			for (size_t k = 0; k < sizeof(containers) / sizeof(containers[0]); k++)
				if (!strcmp(file_name(is), containers[k].name))
					finding_add(
						FINDING_WARNING, "container", containers[k].advice,
						"%s starts programs in a container, which may not have the "
						"library",
						is);
			check_program(is);
			return;
		}
		finding_add(FINDING_OK, "command", NULL, "%s is a script, run by %s", path, name);
		if (strstr(path, "/flatpak/exports/bin/"))
			finding_add(
				FINDING_WARNING, "container", containers[0].advice,
				"%s is run by Flatpak, in a container which may not have the library",
				path);
	}
	finding_add(FINDING_PROBLEM, "command", "the kernel goes no further",
		    "%s: interpreters of interpreters", command);
}
