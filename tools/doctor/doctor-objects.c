// SPDX-License-Identifier: MIT
/*
 * primeshim doctor COMMAND: the objects that ld.so loads with it, and whether the shim sees all
 * their calls. The ld.so of this program's own machine lists the objects: it maps them, and runs
 * none.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

/*
 * The functions of libc that make mappings, descriptors of buffers and ioctls, without the prefixes
 * and suffixes that libc gives to their names.
 */
static const char *const calls[] = {
	"ioctl", "mmap", "munmap", "mremap", "mprotect", "pkey_mprotect", "remap_file_pages",
	"close", "close_range", "closefrom", "dup", "fcntl", "poll", "ppoll", "pidfd_getfd",
};

static const char *const before[] = { "__libc_", "__GI_", "__", "_" };
static const char *const behind[] = { "_time64", "_nocancel", "_chk", "64", "2", "3", "4" };

struct object {
	const char *path;
	bool drm;		/* it needs libdrm, or is libdrm */
	bool syscall;
	char missed[256];
};

static unsigned int seen, wrong;

static bool ends(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && !strncmp(s + len - n, end, n);
}

/* Does libc's function @name make one of those calls? */
static bool is_call(const char *name)
{
	size_t len;

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		if (!strncmp(name, before[i], strlen(before[i]))) {
			name += strlen(before[i]);
			break;
		}
	}
	len = strlen(name);
	for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++)
		if (ends(name, len, behind[i]))
			len -= strlen(behind[i]);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strlen(calls[i]) == len && !strncmp(calls[i], name, len))
			return true;
	return false;
}

static void used(const char *name, void *arg)
{
	struct object *o = arg;
	size_t at = strlen(o->missed);

	o->syscall |= !strcmp(name, "syscall");
	if (is_call(name) && !library_defines(name))
		snprintf(o->missed + at, sizeof(o->missed) - at, "%s%s", at ? ", " : "", name);
}

static void needed(const char *name, void *arg)
{
	struct object *o = arg;

	o->drm |= !strncmp(name, "libdrm", 6);
}

/* Is @path a part of libc? libc makes its own calls. */
static bool is_libc(const char *path)
{
	static const char *const parts[] = {
		"ld-", "ld.so", "libc.so", "libc-", "libc.musl", "libpthread.so", "libdl.so",
		"librt.so", "libm.so", "linux-vdso", "linux-gate", "libprimeshim.so",
		"libthread_db", "libresolv.so", "libnss_",
	};
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strncmp(name, parts[i], strlen(parts[i])))
			return true;
	return false;
}

static void check_object(const char *path, const struct elf_file *f)
{
	struct object o = { .path = path };

	seen++;
	elf_used(f, used, &o);
	elf_needed(f, needed, &o);
	if (o.missed[0]) {
		wrong++;
		finding_add(FINDING_WARNING, "symbols",
			    "report it to primeshim, with the program's name and version",
			    "%s calls %s, which the shim does not define, so it misses such calls",
			    path, o.missed);
	}
	/* The first object is the program. Of a Go program check_program() says so. */
	if ((seen == 1 || o.drm) && !f->go && elf_calls_kernel(f)) {
		wrong++;
		finding_add(FINDING_WARNING, "raw calls",
			    "strace -f -e ioctl shows what it imports; the shim learns of an "
			    "import when the driver refuses its map",
			    "%s has instructions for system calls of its own, which the shim does "
			    "not see", path);
	}
	if (o.syscall && o.drm) {
		wrong++;
		finding_add(
			FINDING_WARNING, "raw calls",
			"the shim learns of an import that is made so when it is mapped",
			"%s uses libdrm and makes system calls by syscall(), which the shim does "
			"not see",
			path);
	}
}

/* "\tlibdrm.so.2 => /usr/lib/... (0x...)", "\t/lib/... (0x...)" */
static void check_line(char *line)
{
	char *path = strchr(line, '/'), *end;
	struct elf_file f;

	end = path ? strstr(path, " (0x") : NULL;
	if (!end)
		return;
	*end = '\0';
	if (is_libc(path) || elf_file_open(path, &f) < 0)
		return;
	check_object(path, &f);
	elf_file_close(&f);
}

/* If a library is missing, ld.so prints no list, but names the library. */
static void tell_missing(char *const *argv)
{
	static const char mark[] = "error while loading shared libraries: ";
	char *said = doctor_run(argv, NULL, true), *at = said ? strstr(said, mark) : NULL;

	if (at) {
		at += strlen(mark);
		at[strcspn(at, "\n")] = '\0';
		finding_add(FINDING_PROBLEM, "libraries", "install it, or set LD_LIBRARY_PATH",
			    "the program does not start: %s", at);
	}
	free(said);
}

void check_objects(const char *path, const struct elf_file *f)
{
	char *argv[] = { doctor_elf.loader, "--list", (char *)path, NULL };
	bool listed = elf_same_machine(f, &doctor_elf) && !strcmp(f->loader, doctor_elf.loader);
	char *said = listed ? doctor_run(argv, NULL, false) : NULL, *save;

	check_object(path, f);
	for (char *s = said ? strtok_r(said, "\n", &save) : NULL; s;
	     s = strtok_r(NULL, "\n", &save))
		check_line(s);
	if (said && !*said)
		tell_missing(argv);
	free(said);
	if (!wrong)
		finding_add(FINDING_OK, "symbols", NULL, "the shim sees the calls of %s%s", path,
			    listed && seen > 1 ? " and the libraries that it starts with" : "");
	if (!listed)
		finding_add(FINDING_NOTE, "symbols", NULL,
			    "%s's libraries are not looked at: they are another ld.so's", path);
}
