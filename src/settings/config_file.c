// SPDX-License-Identifier: MIT
/*
 * Reads primeshim.conf; see config_file.h. The text goes into pages that are unmapped afterwards,
 * and not through stdio: the program being started may be an allocator.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_file.h"
#include "kernel/bionic.h"
#include "kernel/next.h"
#include "log.h"

#define NAME	"primeshim.conf"
#define BLANK	" \t"

/* A file of another kind would fill a screen with lines. */
enum { MOST_TOLD = 8 };

struct config {
	const char *path;
	const char *program;
	config_set *set;
	int rank;		/* rank of the file's settings for all programs */
	int section;		/* 0: another program's, 1: for all, 2: this program's */
	unsigned int line;
	unsigned int wrong;
};

static void wrong(struct config *c, const char *before, const char *what)
{
	if (++c->wrong < MOST_TOLD)
		log_always("%s:%u: %s%s; this line is ignored", c->path, c->line, before, what);
	else if (c->wrong == MOST_TOLD)
		log_always("%s:%u: this line is wrong, too, and more are not told of", c->path,
			   c->line);
}

/* Cuts blanks off both ends. */
static char *trim(char *s)
{
	size_t n;

	s += strspn(s, BLANK);
	n = strlen(s);
	while (n && strchr(BLANK, s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

static void read_section(struct config *c, char *s)
{
	size_t n = strlen(s);

	/* The settings after a bad section header belong to no program. */
	c->section = 0;
	if (s[n - 1] != ']') {
		wrong(c, "a section is written as [program]", "");
		return;
	}
	s[n - 1] = '\0';
	s = trim(s + 1);
	if (!*s)
		wrong(c, "a section needs the name of a program, or *", "");
	else if (!strcmp(s, "*"))
		c->section = 1;
	else if (!strcmp(s, c->program))
		c->section = 2;
}

static void read_setting(struct config *c, char *s)
{
	char *value = strchr(s, '='), *key = s;
	char why[CONFIG_WHY_LEN];

	if (!c->section)
		return;
	if (!value) {
		wrong(c, "neither key = value, nor [program], nor a comment (#)", "");
		return;
	}
	*value = '\0';
	key = trim(key);
	value = trim(value + 1);
	if (!c->set(c->rank + c->section - 1, key, value, why))
		wrong(c, "", why);
}

/* @s has @len bytes and a '\0' behind them. */
static void read_line(struct config *c, char *s, size_t len)
{
	c->line++;
	if (len && s[len - 1] == '\r')
		s[--len] = '\0';
	if (s[strspn(s, BLANK)] == '#')
		return;
	/* A terminal obeys control characters, and a '\0' would hide the text behind it. */
	for (size_t i = 0; i < len; i++) {
		if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f) {
			wrong(c, "has a control character in it", "");
			return;
		}
	}
	s = trim(s);
	if (*s == '[')
		read_section(c, s);
	else if (*s)
		read_setting(c, s);
}

void config_text_read(const char *path, char *text, size_t len, const char *program, int rank,
		      config_set *set)
{
	struct config c = {
		.path = path, .program = program, .set = set, .rank = rank, .section = 1
	};
	char *end = text + len, *next_line;

	/* The UTF-8 byte order mark, which some editors write. */
	if (len >= 3 && !memcmp(text, "\357\273\277", 3))
		text += 3;
	for (; text < end; text = next_line + 1) {
		next_line = memchr(text, '\n', end - text);
		if (!next_line)
			next_line = end;
		*next_line = '\0';
		read_line(&c, text, next_line - text);
	}
}

/* Reads up to @len bytes: their number, or a negative errno. */
static ssize_t read_all(int fd, char *text, size_t len)
{
	size_t n = 0;

	while (n < len) {
		ssize_t got = read(fd, text + n, len - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		n += got;
	}
	return n;
}

/*
 * Reads the file into @text, which has room for CONFIG_FILE_LEN + 2 bytes. Returns the text's
 * length; 0 where it is not read.
 */
static size_t load(const char *path, int fd, char *text)
{
	struct stat st;
	ssize_t n;

	/*
	 * A FIFO or device may never end. It was opened with O_NONBLOCK, so the open did not block.
	 */
	if (next.fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		log_always("%s: not a file, and not read", path);
		return 0;
	}
	n = read_all(fd, text, CONFIG_FILE_LEN + 1);
	if (n < 0) {
		log_always("%s: not read: %s", path, log_errno(n));
		return 0;
	}
	if (n <= CONFIG_FILE_LEN)
		return n;
	log_always("%s: longer than %d bytes: the lines beyond are ignored", path, CONFIG_FILE_LEN);
	for (n = CONFIG_FILE_LEN; n && text[n - 1] != '\n'; n--)
		;
	return n;
}

static void read_file(const char *path, const char *program, int rank, config_set *set)
{
	int fd = next.open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const size_t room = CONFIG_FILE_LEN + 2;
	char *text;
	size_t n;

	if (fd < 0) {
		int err = errno;

		/* A directory that this user may not search counts as having no file. */
		if (err != ENOENT && err != ENOTDIR && !access(path, F_OK))
			log_always("%s: not read: %s", path, log_errno(-err));
		return;
	}
	text = next_pages(room);
	n = text ? load(path, fd, text) : 0;
	next.close(fd);
	if (n)
		config_text_read(path, text, n, program, rank, set);
	if (text)
		next.munmap(text, room);
}

void config_files_read(const char *program, config_set *set)
{
	/* secure_getenv() returns NULL in a process of raised privileges. */
	const char *config = secure_getenv("XDG_CONFIG_HOME"), *home = secure_getenv("HOME");
	char path[PATH_MAX];
	int n = -1;

	read_file("/etc/" NAME, program, 1, set);
	if (config && *config == '/')
		n = snprintf(path, sizeof(path), "%s/" NAME, config);
	else if (home && *home == '/')
		n = snprintf(path, sizeof(path), "%s/.config/" NAME, home);
	if (n > 0 && n < (int)sizeof(path))
		read_file(path, program, 3, set);
}
