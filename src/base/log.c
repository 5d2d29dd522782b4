// SPDX-License-Identifier: GPL-3.0-or-later
/* The log: one line a message on standard error. */
#include "base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_LINE_MAX 1024 /* longer messages are cut: a log line is for reading */

static _Atomic int log_level_now = LOG_LEVEL_NOTICE;

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&log_level_now, (int)level, memory_order_relaxed);
}

enum log_level log_get_level(void)
{
	return (enum log_level)atomic_load_explicit(&log_level_now, memory_order_relaxed);
}

void log_write(enum log_level level, const char *station, const char *format, ...)
{
	static const char *const words[] = {"error", "warning", "notice", "info", "debug"};
	static const int syslog_level[] = {3, 4, 5, 6, 7};
	if (level > log_get_level())
		return;
	char line[LOG_LINE_MAX + 2];
	int n;
	if (getenv("JOURNAL_STREAM") != NULL) /* sd-daemon(3): the journal reads the level from a prefix */
		n = snprintf(line, LOG_LINE_MAX, "<%d>%s: ", syslog_level[level], station);
	else
		n = snprintf(line, LOG_LINE_MAX, "%s %s: ", words[level], station);
	va_list args;
	va_start(args, format);
	int m = vsnprintf(line + n, LOG_LINE_MAX - (size_t)n, format, args);
	va_end(args);
	size_t len = strlen(line);
	(void)m;
	/* text from outside must not forge lines */
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return; /* nowhere to tell it */
}
