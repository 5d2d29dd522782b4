// SPDX-License-Identifier: GPL-3.0-or-later
/* Serials of versions: each newer than the one before (RFC 1982), whatever the rule. And the words of this station. */
#include "private.h"

#include <stdio.h>
#include <time.h>

#include "sync/sync.h"

int edition_why(char why[EDITION_WHY_MAX], int rc, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(why, EDITION_WHY_MAX, format, args);
	va_end(args);
	return rc;
}

/* YYYYMMDD00 */
static uint32_t serial_of_date(int64_t now)
{
	time_t seconds = (time_t)now;
	struct tm tm;
	if (gmtime_r(&seconds, &tm) == NULL)
		return 0;
	return ((uint32_t)(tm.tm_year + 1900) * 10000 + (uint32_t)(tm.tm_mon + 1) * 100 + (uint32_t)tm.tm_mday) * 100;
}

uint32_t edition_serial_next(enum edition_serial_rule rule, const uint32_t *last, uint32_t source, int64_t now)
{
	uint32_t wanted = rule == EDITION_SERIAL_DATE   ? serial_of_date(now)
			  : rule == EDITION_SERIAL_TIME ? (uint32_t)now
							: source;
	if (last == NULL)
		return wanted;
	return rule != EDITION_SERIAL_NEXT && sync_serial_newer(wanted, *last) ? wanted : *last + 1;
}
