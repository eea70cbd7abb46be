// SPDX-License-Identifier: MIT
/* What is mapped at a place; see place.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "next.h"
#include "place.h"
#include "sandbox.h"

static atomic_int number;	/* process_number(); relaxed: all threads find the same */

static char *put_hex(char *to, uint64_t n)
{
	int shift = 60;

	while (shift && !(n >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[n >> shift & 15];
	return to;
}

/* Of a dma-buf's mapping: "/dmabuf:" and a name that the program may change. Never 0. */
static uint32_t hash_of(const char *text, ssize_t len)
{
	uint32_t hash = 2166136261U;

	for (ssize_t i = 0; i < len; i++) {
		hash = (hash ^ (unsigned char)text[i]) * 16777619U;
		if (text[i] == ':')
			break;
	}
	return hash | 1;
}

/*
 * The process's number as /proc has it; 0: unknown. By /proc/self the kernel takes an eighth more
 * instructions for the rest of a path.
 */
static int process_number(void)
{
	int now = atomic_load_explicit(&number, memory_order_relaxed);
	char text[16];
	ssize_t len;

	if (now)
		return now;
	len = next.readlink("/proc/self", text, sizeof(text));
	for (ssize_t i = 0; i < len && text[i] >= '0' && text[i] <= '9'; i++)
		now = now * 10 + (text[i] - '0');
	atomic_store_explicit(&number, now, memory_order_relaxed);
	return now;
}

#define TEXT_LEN	64

static char *put(char *to, const char *text)
{
	while (*text)
		*to++ = *text++;
	return to;
}

static char *put_decimal(char *to, unsigned int n)
{
	char digits[10];
	int i = 0;

	for (; n || !i; n /= 10)
		digits[i++] = '0' + n % 10;
	while (i)
		*to++ = digits[--i];
	return to;
}

/* The link of the mapping [@start, @end), of the process @pid (0: this one), or -1. */
static ssize_t read_map(int pid, uint64_t start, uint64_t end, char *text)
{
	char path[80], *to = put(path, "/proc/");

	to = pid ? put_decimal(to, pid) : put(to, "self");
	to = put_hex(put(to, "/map_files/"), start);
	*to++ = '-';
	*put_hex(to, end) = '\0';
	return next.readlink(path, text, TEXT_LEN);
}

enum place place_ask(uint64_t start, uint64_t end, uint32_t *link)
{
	char text[TEXT_LEN];
	uint32_t now;
	ssize_t len;

	if (!sandbox_none())
		return PLACE_UNKNOWN;
	len = read_map(process_number(), start, end, text);
	/* A /proc of other processes: the user or the program has mounted another. */
	if (len < 0 && process_number())
		len = read_map(0, start, end, text);
	/* Where /proc itself is gone nothing is known. */
	if (len < 0 && (errno == ENOMEM || errno == EINTR))
		return PLACE_NOT_NOW;
	if (len < 0 && errno == ENOENT && next.readlink("/proc/self/exe", text, 1) > 0)
		return PLACE_OTHERS;
	if (len < 0)
		return PLACE_UNKNOWN;
	now = hash_of(text, len);
	if (*link && *link != now)
		return PLACE_OTHERS;
	*link = now;
	return PLACE_OURS;
}

/*
 * Does @line of /proc/self/maps, which meets [*@at, @end), tell of one mapping of the file @id?
 */
static bool goes_on(const char *line, uint64_t *at, uint64_t end, const struct dmabuf_id *id)
{
	uint64_t from, to, ino;
	unsigned long major, minor;
	char *p;

	from = strtoull(line, &p, 16);
	to = strtoull(p + 1, &p, 16);
	if (to <= *at || *at >= end)
		return true;
	strtoull(p + strlen(" rwxp "), &p, 16);
	major = strtoul(p, &p, 16);
	minor = strtoul(p + 1, &p, 16);
	ino = strtoull(p, NULL, 10);
	if (from > *at || to < end || ino != id->ino || makedev(major, minor) != id->dev)
		return false;
	*at = to;
	return true;
}

bool place_shows(uint64_t start, uint64_t end, const struct dmabuf_id *id)
{
	int fd = sandbox_none() ? next.open("/proc/self/maps", O_RDONLY | O_CLOEXEC) : -1;
	char text[8192], *line, *behind;
	uint64_t at = start;
	size_t have = 0;
	bool right = fd >= 0;
	ssize_t n;

	while (right && at < end &&
	       (n = read(fd, text + have, sizeof(text) - 1 - have)) > 0) {
		have += n;
		text[have] = '\0';
		for (line = text; right && (behind = strchr(line, '\n')); line = behind + 1)
			right = goes_on(line, &at, end, id);
		have -= line - text;
		memmove(text, line, have);
	}
	if (fd >= 0)
		next.close(fd);
	return right && at >= end;
}

void place_forget(void)
{
	atomic_store_explicit(&number, 0, memory_order_relaxed);
}
