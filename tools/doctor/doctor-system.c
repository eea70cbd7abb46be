// SPDX-License-Identifier: MIT
/* primeshim doctor: the machine: devices, and who may open them; containers; seccomp. */
#include "config.h"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <drm.h>

#include "doctor.h"

/* Writes to @text the last part of a link's target in sysfs; "" without a link. */
static void link_name(const char *path, char *text, size_t len)
{
	char real[PATH_MAX];

	text[0] = '\0';
	if (realpath(path, real))
		snprintf(text, len, "%s", basename(real));
}

/* The driver of a device file: its name in sysfs, or what a render or accel node itself says. */
static void driver_of(const char *node, dev_t dev, char *name, size_t len)
{
	struct drm_version v = { .name_len = len - 1 };
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device/driver", major(dev), minor(dev));
	link_name(path, name, len);
	if (*name)
		return;
	/* open() of a primary node may make this process the display's master. */
	if (strstr(node, "/card")) {
		snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device", major(dev), minor(dev));
		link_name(path, name, len);
		return;
	}
	fd = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	v.name = name;
	if (fd >= 0 && !ioctl(fd, DRM_IOCTL_VERSION, &v))
		name[v.name_len < len ? v.name_len : len - 1] = '\0';
	else
		name[0] = '\0';
	if (fd >= 0)
		close(fd);
}

/* The names of the caller's groups. */
static const char *groups_text(char *text, size_t len)
{
	gid_t groups[256];
	int n = getgroups(256, groups);
	size_t at = 0;

	text[0] = '\0';
	for (int i = 0; i < n && at < len; i++) {
		const struct group *g = getgrgid(groups[i]);

		if (g)
			at += snprintf(text + at, len - at, "%s%s", at ? ", " : "", g->gr_name);
	}
	return *text ? text : "none";
}

/* Adds a finding about a device that the user may not open. */
static void tell_closed(const char *node, const char *driver, const struct stat *st)
{
	const struct group *g = getgrgid(st->st_gid);
	const struct passwd *user = getpwuid(getuid());
	char group[64], mine[256], advice[256];

	/* groups_text() calls getgrgid(), which overwrites @g. */
	snprintf(group, sizeof(group), "%s", g ? g->gr_name : "?");
	if (st->st_mode & S_IWGRP && st->st_gid)
		snprintf(advice, sizeof(advice),
			 "become a member, then log in anew: usermod -aG %s %s; or log "
			 "in at the machine's own seat",
			 group, user ? user->pw_name : "USER");
	else
		snprintf(advice, sizeof(advice),
			 "give a group of yours the right to read and write it (udev)");
	finding_add(FINDING_WARNING, "devices", advice,
		    "%s (%s) may not be opened: it is group %s's, and yours are %s", node, driver,
		    group, groups_text(mine, sizeof(mine)));
}

/* What a dock's owner wants to know: which device it is, what goes wrong there, and what to do. */
static void tell_evdi(const char *node)
{
	unsigned int v[3] = { 0 };
	FILE *f = fopen("/sys/module/evdi/version", "re");
	bool known = f && fscanf(f, "%u.%u.%u", &v[0], &v[1], &v[2]) == 3, old;

	if (f)
		fclose(f);
	old = known && (v[0] < 1 || (v[0] == 1 && (v[1] < 14 || (v[1] == 14 && v[2] < 3))));
	if (old)
		finding_add(FINDING_WARNING, "devices", "update evdi to 1.14.3 or newer",
			    "%s is a DisplayLink dock's display (evdi %u.%u.%u): this version dies "
			    "of its own buffers, whatever the shim does", node, v[0], v[1], v[2]);
	else
		finding_add(FINDING_NOTE, "devices",
			    "run the compositor with --mode rescue: run-with-shim --mode rescue "
			    "COMPOSITOR",
			    "%s is a DisplayLink dock's display (evdi): it has no GPU, and refuses "
			    "to map what the compositor has drawn elsewhere, of which compositors "
			    "crash", node);
}

static bool check_node(const char *node)
{
	char driver[64];
	struct stat st;

	if (stat(node, &st) < 0 || !S_ISCHR(st.st_mode))
		return false;
	driver_of(node, st.st_rdev, driver, sizeof(driver));
	if (!strcmp(driver, "evdi"))
		tell_evdi(node);
	if (!*driver)
		strcpy(driver, "driver not known");
	if (!access(node, R_OK | W_OK)) {
		finding_add(FINDING_OK, "devices", NULL, "%s (%s) may be opened", node, driver);
		return true;
	}
	tell_closed(node, driver, &st);
	return false;
}

void check_devices(void)
{
	static const char *const nodes[] = { "/dev/dri/card*", "/dev/dri/renderD*",
					     "/dev/accel/accel*" };
	size_t there = 0, usable = 0;

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		glob_t g;

		if (!glob(nodes[i], 0, NULL, &g)) {
			there += g.gl_pathc;
			for (size_t k = 0; k < g.gl_pathc; k++)
				usable += check_node(g.gl_pathv[k]);
		}
		globfree(&g);
	}
	if (!there)
		finding_add(FINDING_PROBLEM, "devices",
			    "load the display's or GPU's driver; into a container pass "
			    "/dev/dri (docker run --device /dev/dri)",
			    "no /dev/dri/card*, renderD* or "
			    "/dev/accel/accel*: there is nothing that could import a dma-buf");
	else if (!usable)
		finding_add(FINDING_PROBLEM, "devices", "see above",
			    "none of %zu devices may be opened", there);
}

/* Exporters without a DRM device. A machine may be without them. */
void check_heaps(void)
{
	glob_t g;

	finding_add(FINDING_NOTE, "exporters", NULL, "/dev/udmabuf is %s",
		    access("/dev/udmabuf", F_OK)	? "not there" :
		    access("/dev/udmabuf", R_OK | W_OK) ? "there, and not yours to open" :
							  "there");
	if (glob("/dev/dma_heap/*", 0, NULL, &g))
		finding_add(FINDING_NOTE, "exporters", NULL, "no /dev/dma_heap");
	else
		for (size_t i = 0; i < g.gl_pathc; i++)
			finding_add(FINDING_NOTE, "exporters", NULL, "%s is there%s", g.gl_pathv[i],
				    access(g.gl_pathv[i], R_OK) ? ", and not yours to open" : "");
	globfree(&g);
}

void check_container(void)
{
	static const struct {
		const char *file, *name;
	} signs[] = {
		{ "/.flatpak-info", "Flatpak" },
		{ "/run/.containerenv", "podman" },
		{ "/.dockerenv", "docker" },
		{ "/run/systemd/container", "systemd-nspawn" },
		{ "/run/pressure-vessel", "Steam's runtime" },
	};
	const char *name = getenv("SNAP") ? "snap" : NULL;

	for (size_t i = 0; !name && i < sizeof(signs) / sizeof(signs[0]); i++)
		if (!access(signs[i].file, F_OK))
			name = signs[i].name;
	if (!name)
		finding_add(FINDING_OK, "container", NULL, "none that is known");
	else if (!nlibraries)
		finding_add(FINDING_PROBLEM, "container",
			    "install primeshim in the container, or make its directory "
			    "visible there under the same path",
			    "this is one (%s), and has no libprimeshim.so", name);
	else
		finding_add(FINDING_NOTE, "container", NULL,
			    "this is one (%s), with a libprimeshim.so; the host's "
			    "programs, and other containers, have their own",
			    name);
}

long doctor_status(const char *key)
{
	FILE *f = fopen("/proc/self/status", "re");
	size_t len = strlen(key), room = 0;
	char *line = NULL;
	long n = -1;

	while (f && n < 0 && getline(&line, &room, f) > 0)
		if (!strncmp(line, key, len) && line[len] == ':')
			n = strtol(line + len + 1, NULL, 10);
	free(line);
	if (f)
		fclose(f);
	return n;
}

void check_seccomp(void)
{
	long mode = doctor_status("Seccomp");

	if (mode > 0)
		finding_add(
			FINDING_NOTE, "seccomp", NULL,
			"a filter is on (mode %ld), and programs "
			"inherit it: the shim makes no system call that might not be allowed, so "
			"it does without kcmp",
			mode);
	else
		finding_add(FINDING_OK, "seccomp", NULL, mode ? "not known" : "no filter");
	if (doctor_status("NoNewPrivs") == 1)
		finding_add(FINDING_NOTE, "seccomp", NULL,
			    "no_new_privs is set: setuid and file capabilities give "
			    "nothing here");
}
