// SPDX-License-Identifier: MIT
/* Lines for a person on stderr or in a file; see log.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "bionic.h"
#include "log.h"
#include "next.h"

static const char *file;	/* NULL: stderr */
static bool quiet;

void log_to(const char *path)
{
	file = path;
}

void log_quiet(void)
{
	quiet = true;
}

/* A descriptor that stays open would be the program's to close, to count and to hand on. */
static void log_write(const char *line, size_t len)
{
	int fd = file ? next.open(file, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY) : STDERR_FILENO;

	if (fd < 0)
		return;
	while (write(fd, line, len) < 0 && errno == EINTR)
		;
	if (file)
		next.close(fd);
}

void log_always(const char *fmt, ...)
{
	int saved = errno;
	char line[512];
	va_list ap;
	int n, m;

	if (quiet)
		return;
	n = snprintf(line, 128, "primeshim: %.64s[%d]: ", program_invocation_short_name,
		     (int)getpid());
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	if (m > (int)sizeof(line) - n - 2)
		m = sizeof(line) - n - 2;
	line[n + m] = '\n';
	log_write(line, n + m + 1);
	errno = saved;
}

const char *log_errno(int err)
{
	static const struct {
		int err;
		const char *name;
	} names[] = {
#define NAME(e) { -(e), #e }
		NAME(EPERM), NAME(ENOENT), NAME(EINTR), NAME(EIO), NAME(ENXIO), NAME(EBADF),
		NAME(EAGAIN), NAME(ENOMEM), NAME(EACCES), NAME(EFAULT), NAME(EBUSY), NAME(EEXIST),
		NAME(ENODEV), NAME(EINVAL), NAME(ENFILE), NAME(EMFILE), NAME(ENOTTY), NAME(ENOSPC),
		NAME(ENOSYS), NAME(EOVERFLOW), NAME(EOPNOTSUPP), NAME(ESTALE),
#undef NAME
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].err == err)
			return names[i].name;
	return "another error";
}
