// SPDX-License-Identifier: MIT
/* Finds status files, and finds out what has become of their processes; see status.h. */
#include "config.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "lib/memory.h"
#include "lib/proc.h"
#include "status.h"

static const char *const call_names[] = { "import", "learned import", "map ioctl", "map ioctl",
					  "mmap", "direct mmap" };
static const char *const outcome_names[] = { "native", "offset", "dma-buf", "refused", "denied" };
static const char *const life_names[] = { "running", "exited", "replaced", "killed" };
static const char *const mode_names[] = STATUS_MODES;
static const char *const sync_names[] = STATUS_SYNCS;

const char *call_name(unsigned int call)
{
	return call < CALL_COUNT ? call_names[call] : "?";
}

const char *outcome_name(unsigned int outcome)
{
	return outcome < OUTCOME_COUNT ? outcome_names[outcome] : "?";
}

const char *native_name(int native)
{
	const char *name;

	if (!native)
		return "ok";
	if (native == NATIVE_UNASKED)
		return "not asked";
	if (native == NATIVE_SIGBUS)
		return "SIGBUS";
	if (native == KERNEL_ENOTSUPP)
		return "ENOTSUPP";
	name = strerrorname_np(native);
	return name ? name : "?";
}

const char *life_name(enum life life)
{
	return life_names[life];
}

const char *mode_name(uint32_t policy)
{
	return STATUS_MODE(policy) < MODE_COUNT ? mode_names[STATUS_MODE(policy)] : "?";
}

const char *sync_name(uint32_t policy)
{
	return STATUS_SYNC(policy) < SYNC_COUNT ? sync_names[STATUS_SYNC(policy)] : "?";
}

const char *status_directory(void)
{
	static char directory[PATH_MAX];
	const char *dir = getenv("PRIMESHIM_DIR"), *run = getenv("XDG_RUNTIME_DIR");

	if (dir && *dir)
		return dir;
	if (run && *run)
		snprintf(directory, sizeof(directory), "%s/primeshim", run);
	else
		snprintf(directory, sizeof(directory), "/tmp/primeshim-%u", (unsigned int)getuid());
	return directory;
}

static bool ends_in(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && !strncmp(s + len - n, end, n);
}

/*
 * If a line of @pid's maps shows a status file, returns its path, which the caller frees; else
 * NULL. For a process in a container that is a path through /proc/PID/root.
 */
static char *status_in_line(pid_t pid, char *line)
{
	char *path = strchr(line, '/'), *there = NULL;
	struct stat st;
	unsigned long ino;

	if (!path)
		return NULL;
	path[strcspn(path, "\n")] = '\0';
	if (!ends_in(path, strlen(path), STATUS_SUFFIX) ||
	    sscanf(line, "%*s %*s %*s %*s %lu", &ino) != 1)
		return NULL;
	if (!stat(path, &st) && st.st_ino == ino)
		return strdup(path);
	return asprintf(&there, "/proc/%d/root%s", (int)pid, path) < 0 ? NULL : there;
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_overlay(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && (uint32_t)fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

/*
 * Does the line of a process's maps show the file @st at @path? Overlays and btrfs give stat()
 * another device than maps has, and an overlay may give another inode. A status file's name has the
 * nanosecond in which it was made, so the name tells as much.
 */
static bool line_shows(char *line, const char *path, const struct stat *st)
{
	unsigned int maj, min;
	unsigned long ino;
	char *name = strchr(line, '/');

	if (!name || sscanf(line, "%*s %*s %*s %x:%x %lu", &maj, &min, &ino) != 3)
		return false;
	name[strcspn(name, "\n")] = '\0';
	if (ino == st->st_ino && makedev(maj, min) == st->st_dev)
		return true;
	return !strcmp(file_name(name), file_name(path)) &&
	       (ino == st->st_ino || is_overlay(path));
}

/* Has @pid mapped the file @st at @path? 1, 0, or -1: not known. */
static int maps_file(pid_t pid, const char *path, const struct stat *st)
{
	FILE *f = proc_open(pid, "maps");
	char *line = NULL;
	size_t room = 0;
	int found = 0;

	if (!f)
		return errno == EACCES || errno == EPERM ? -1 : 0;
	while (!found && getline(&line, &room, f) > 0)
		found = line_shows(line, path, st);
	free(line);
	fclose(f);
	return found;
}

/* The process has ended since the file was read: reads what it wrote last. */
static void read_rest(struct status *p)
{
	char why[PATH_MAX + 128];
	struct status rest;

	if (status_read(p->path, &rest, why, sizeof(why)) < 0)
		return;
	status_free(p);
	*p = rest;
}

/* Does the program that made this file still run, as @pid? */
static void find_life(struct status *p, pid_t pid)
{
	struct stat st;

	if (p->head.state != STATUS_EXITED) {
		if (!stat(p->path, &st) && maps_file(pid, p->path, &st)) {
			p->life = LIFE_RUNNING;
			return;
		}
		read_rest(p);
	}
	p->life = p->head.state == STATUS_EXITED ? LIFE_EXITED : LIFE_KILLED;
}

/* If the same process made another file later, the earlier program has called exec(). */
static void find_replaced(struct status *files, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		for (size_t j = i + 1; files[i].life == LIFE_KILLED && j < n; j++)
			if (files[j].head.pid == files[i].head.pid &&
			    files[j].head.ppid == files[i].head.ppid)
				files[i].life = LIFE_REPLACED;
}

static bool has_shim(pid_t pid)
{
	FILE *f = proc_open(pid, "maps");
	bool found = false;
	char *line = NULL;
	size_t room = 0;

	while (f && !found && getline(&line, &room, f) > 0)
		found = strstr(line, LIBRARY);
	free(line);
	if (f)
		fclose(f);
	return found;
}

char *status_setting_of(pid_t pid, const char *name)
{
	FILE *f = has_shim(pid) ? proc_open(pid, "environ") : NULL;
	char *word = NULL, *value = NULL;
	size_t room = 0, len = strlen(name);

	while (f && !value && getdelim(&word, &room, '\0', f) > 0)
		if (!strncmp(word, name, len) && word[len] == '=')
			value = memory_text("%s", word + len + 1);
	free(word);
	if (f)
		fclose(f);
	return value;
}

char *status_directory_of(pid_t pid)
{
	char *value = status_setting_of(pid, "PRIMESHIM_DIR"), *dir = NULL;

	if (value && *value == '/')
		dir = memory_text("/proc/%d/root%s", (int)pid, value);
	free(value);
	return dir;
}

/* Says why @pid has no status file. */
static void explain(pid_t pid, char *why, size_t len)
{
	char *dir = status_directory_of(pid);

	if (!has_shim(pid))
		snprintf(why, len,
			 "process %d is not under the shim: start it with run-with-shim",
			 (int)pid);
	else if (dir)
		snprintf(why, len,
			 "process %d is under the shim, and has not imported a dma-buf yet, or "
			 "could make no status file, of which its stderr has a line", (int)pid);
	else
		snprintf(why, len,
			 "process %d is under the shim, without a status file: start it with "
			 "PRIMESHIM_DIR set, as run-with-shim --report does", (int)pid);
	free(dir);
}

char *status_path_of(pid_t pid, char *why, size_t len)
{
	FILE *f = proc_open(pid, "maps");
	char *line = NULL, *path = NULL;
	size_t room = 0;

	if (!f) {
		snprintf(why, len, errno == ENOENT ? "there is no process %d" :
			 "process %d is not yours: look at it as its user, or as root", (int)pid);
		return NULL;
	}
	while (!path && getline(&line, &room, f) > 0)
		path = status_in_line(pid, line);
	/* For another user's process open() works, and read() fails. */
	if (!path && ferror(f))
		snprintf(why, len, "process %d is not yours: look at it as its user, or as root",
			 (int)pid);
	else if (!path)
		explain(pid, why, len);
	free(line);
	fclose(f);
	return path;
}

bool status_again(const char *path, pid_t pid, struct status *p)
{
	char why[PATH_MAX + 128];

	if (status_read(path, p, why, sizeof(why)) < 0)
		return false;
	find_life(p, pid);
	return true;
}

static int by_time(const void *a, const void *b)
{
	const struct status *p = a, *q = b;

	return p->head.made_real < q->head.made_real ? -1 : p->head.made_real > q->head.made_real;
}

static struct status *load_one(const char *path, size_t *n)
{
	struct status *p = memory_new(1, sizeof(*p));
	char why[PATH_MAX + 128];

	if (status_read(path, p, why, sizeof(why)) < 0)
		errx(2, "%s", why);
	find_life(p, p->head.pid);
	*n = 1;
	return p;
}

static struct status *load_pid(pid_t pid, size_t *n)
{
	char why[256], *path = status_path_of(pid, why, sizeof(why));
	struct status *p;

	if (!path)
		errx(2, "%s", why);
	p = load_one(path, n);
	p->life = p->head.state == STATUS_EXITED ? LIFE_EXITED : LIFE_RUNNING;
	free(path);
	return p;
}

static size_t left_out;

size_t status_left_out(void)
{
	return left_out;
}

static struct status *load_directory(const char *dir, size_t *n)
{
	DIR *d = opendir(dir);
	char path[PATH_MAX], why[PATH_MAX + 128];
	struct status *files = NULL;
	struct dirent *e;

	if (!d && errno == ENOENT)
		errx(2,
		     "%s: there is no such directory: is PRIMESHIM_DIR what it was for the "
		     "program? See primeshim(1)",
		     dir);
	if (!d)
		err(2, "%s", dir);
	*n = 0;
	while ((e = readdir(d))) {
		if (!ends_in(e->d_name, strlen(e->d_name), STATUS_SUFFIX) ||
		    (size_t)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= sizeof(path))
			continue;
		files = memory_more(files, *n + 1, sizeof(*files));
		if (status_read(path, &files[*n], why, sizeof(why)) < 0) {
			warnx("%s; left out", why);
			left_out++;
		} else {
			(*n)++;
		}
	}
	closedir(d);
	for (size_t i = 0; i < *n; i++)
		find_life(&files[i], files[i].head.pid);
	if (*n)
		qsort(files, *n, sizeof(*files), by_time);
	find_replaced(files, *n);
	return files;
}

pid_t pid_of(const char *text)
{
	char *end;
	long pid = strtol(text, &end, 10);

	return *text >= '0' && *text <= '9' && !*end && pid > 0 && pid <= INT_MAX ? pid : 0;
}

struct status *status_load(const char *where, size_t *n)
{
	struct stat st;

	if (!where)
		where = status_directory();
	if (pid_of(where))
		return load_pid(pid_of(where), n);
	if (!stat(where, &st) && S_ISREG(st.st_mode))
		return load_one(where, n);
	return load_directory(where, n);
}

void status_free_all(struct status *files, size_t n)
{
	for (size_t i = 0; i < n; i++)
		status_free(&files[i]);
	free(files);
}
