// SPDX-License-Identifier: GPL-3.0-or-later
/* The time, and its text forms. */
#include "base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t clock_mono_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t clock_mono_ms(void)
{
	return clock_mono_ns() / 1000000;
}

int64_t clock_wall_s(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec;
}

int64_t clock_wall_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Reads `n` digits at *p; -1 if they are not there. */
static int digits(const char **p, int n)
{
	int v = 0;
	for (int i = 0; i < n; i++) {
		if ((*p)[i] < '0' || (*p)[i] > '9')
			return -1;
		v = v * 10 + ((*p)[i] - '0');
	}
	*p += n;
	return v;
}

static int to_unix(int year, int month, int day, int hour, int minute, int second, int64_t *ret_unix_s)
{
	static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > month_days[month - 1] || hour < 0 || hour > 23 ||
	    minute < 0 || minute > 59 || second < 0 || second > 60)
		return BANYAN_EINVAL;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (month == 2 && day == 29 && !leap)
		return BANYAN_EINVAL;
	struct tm tm = {.tm_year = year - 1900,
			.tm_mon = month - 1,
			.tm_mday = day,
			.tm_hour = hour,
			.tm_min = minute,
			.tm_sec = second};
	*ret_unix_s = timegm(&tm);
	return 0;
}

/* YYYY-MM-DD[(T| )HH:MM[:SS]][Z] */
static int parse_iso(const char *p, int64_t *ret_unix_s)
{
	int hour = 0, minute = 0, second = 0;
	int year = digits(&p, 4);
	if (year < 0 || *p++ != '-')
		return BANYAN_EINVAL;
	int month = digits(&p, 2);
	if (month < 0 || *p++ != '-')
		return BANYAN_EINVAL;
	int day = digits(&p, 2);
	if (day < 0)
		return BANYAN_EINVAL;
	if (*p == 'T' || *p == ' ') {
		p++;
		hour = digits(&p, 2);
		if (hour < 0 || *p++ != ':' || (minute = digits(&p, 2)) < 0)
			return BANYAN_EINVAL;
		if (*p == ':') {
			p++;
			if ((second = digits(&p, 2)) < 0)
				return BANYAN_EINVAL;
		}
	}
	if (*p == 'Z')
		p++;
	if (*p != '\0')
		return BANYAN_EINVAL;
	return to_unix(year, month, day, hour, minute, second, ret_unix_s);
}

int clock_parse(const char *text, int64_t *ret_unix_s)
{
	size_t len = strlen(text);
	size_t n_digits = strspn(text, "0123456789");
	if (len == 0)
		return BANYAN_EINVAL;
	if (n_digits != len)
		return parse_iso(text, ret_unix_s);
	if (len == 14) { /* as in RRSIG records: YYYYMMDDHHmmSS */
		const char *p = text;
		int year = digits(&p, 4), month = digits(&p, 2), day = digits(&p, 2);
		int hour = digits(&p, 2), minute = digits(&p, 2), second = digits(&p, 2);
		return to_unix(year, month, day, hour, minute, second, ret_unix_s);
	}
	if (len > 12)
		return BANYAN_EINVAL;
	*ret_unix_s = strtoll(text, NULL, 10);
	return 0;
}

char *clock_span(int64_t seconds, char out[32])
{
	long long days = seconds / 86400, hours = seconds / 3600 % 24, minutes = seconds / 60 % 60;
	if (days > 0)
		snprintf(out, 32, "%lld d %lld h", days, hours);
	else if (hours > 0)
		snprintf(out, 32, "%lld h %lld min", hours, minutes);
	else if (minutes > 0)
		snprintf(out, 32, "%lld min %lld s", minutes, (long long)(seconds % 60));
	else
		snprintf(out, 32, "%lld s", (long long)seconds);
	return out;
}

char *clock_format(int64_t unix_s, char *out)
{
	time_t t = (time_t)unix_s;
	struct tm tm;
	if (gmtime_r(&t, &tm) == NULL || tm.tm_year > 8099)
		snprintf(out, 32, "@%lld", (long long)unix_s);
	else
		strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}
