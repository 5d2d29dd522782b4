// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Editions: the words of the TXT at the apex, read and written. edition=NAME, valid-from=YYYYMMDDHHmmSS, valid-until=YYYYMMDDHHmmSS, each a
 * character-string of its own, in one record or in several. They are signed and digested with the zone, so they hold however it came.
 */
#include "zone.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DATE_LEN 14 /* YYYYMMDDHHmmSS, UTC: as in RRSIG records (RFC 4034 section 3.2) */

bool zone_edition_name_good(const char *name)
{
	size_t len = strlen(name);
	return len > 0 && len < ZONE_EDITION_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

int zone_edition_when(const struct zone_edition *edition, int64_t now)
{
	if (edition->valid_until == 0)
		return 0;
	return now < edition->valid_from ? -1 : now >= edition->valid_until;
}

/* ---- reading ---- */

static const char *name_take(const char *value, struct zone_edition *edition)
{
	if (edition->name[0] != '\0')
		return "edition= stands there more than once";
	if (!zone_edition_name_good(value))
		return "edition= must be followed by a name of at most 63 letters, digits, '-', '_' and '.'";
	memcpy(edition->name, value, strlen(value) + 1);
	return NULL;
}

static const char *date_take(const char *value, int64_t *date)
{
	int64_t at;
	if (*date != 0)
		return "valid-from= or valid-until= stands there more than once";
	if (strlen(value) != DATE_LEN || strspn(value, "0123456789") != DATE_LEN || clock_parse(value, &at) < 0 ||
	    at <= 0)
		return "valid-from= and valid-until= must be followed by a date in the form YYYYMMDDHHmmSS";
	*date = at;
	return NULL;
}

static bool begins(const char *text, const char *word, const char **ret_value)
{
	size_t len = strlen(word);
	*ret_value = text + len;
	return strncmp(text, word, len) == 0;
}

/* One character-string; NULL: it is one of ours and good, or not ours. */
static const char *string_take(const uint8_t *data, size_t len, struct zone_edition *edition)
{
	char text[256];
	const char *value;
	memcpy(text, data, len);
	text[len] = '\0';
	if (memchr(text, '\0', len) != NULL) /* no value of ours has one */
		return begins(text, "edition=", &value) || begins(text, "valid-", &value) ? "it has a byte of value 0"
											  : NULL;
	if (begins(text, "edition=", &value))
		return name_take(value, edition);
	if (begins(text, "valid-from=", &value))
		return date_take(value, &edition->valid_from);
	if (begins(text, "valid-until=", &value))
		return date_take(value, &edition->valid_until);
	return NULL;
}

int zone_edition_take(const uint8_t *rdata, size_t len, struct zone_edition *edition, const char **ret_why)
{
	for (size_t at = 0; at < len; at += 1 + (size_t)rdata[at]) {
		const char *why = rdata[at] < len - at ? string_take(rdata + at + 1, rdata[at], edition)
						       : "a string in it is cut off";
		if (why != NULL) {
			*ret_why = why;
			return BANYAN_EMALF;
		}
	}
	return 0;
}

int zone_edition(const struct zone *zone, struct zone_edition *ret, const char **ret_why)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct wire_rrset *set = apex == NULL ? NULL : zone_node_set(zone, apex, WIRE_TYPE_TXT);
	struct zone_edition edition = {0};
	for (uint32_t i = 0; set != NULL && i < set->count; i++) {
		int rc = zone_edition_take(set->rdata[i].data, set->rdata[i].len, &edition, ret_why);
		if (rc != 0)
			return rc;
	}
	if ((edition.valid_from == 0) != (edition.valid_until == 0)) {
		*ret_why = "valid-from= and valid-until= must stand there together";
		return BANYAN_EMALF;
	}
	if (edition.valid_until < edition.valid_from ||
	    (edition.valid_until != 0 && edition.valid_until == edition.valid_from)) {
		*ret_why = "valid-until= must be later than valid-from=";
		return BANYAN_EMALF;
	}
	*ret = edition;
	return 0;
}

/* ---- writing ---- */

static int string_put(uint8_t out[ZONE_EDITION_RDATA], size_t *len, const char *word, const char *value)
{
	char text[ZONE_EDITION_MAX + 16];
	int n = snprintf(text, sizeof text, "%s%s", word, value);
	if (n < 0 || (size_t)n >= sizeof text || *len + 1 + (size_t)n > ZONE_EDITION_RDATA)
		return BANYAN_EINVAL;
	out[(*len)++] = (uint8_t)n;
	memcpy(out + *len, text, (size_t)n);
	*len += (size_t)n;
	return 0;
}

static int date_put(uint8_t out[ZONE_EDITION_RDATA], size_t *len, const char *word, int64_t date)
{
	char text[32];
	time_t t = (time_t)date;
	struct tm tm;
	if (date <= 0 || gmtime_r(&t, &tm) == NULL || tm.tm_year > 8099 ||
	    strftime(text, sizeof text, "%Y%m%d%H%M%S", &tm) != DATE_LEN)
		return BANYAN_EINVAL;
	return string_put(out, len, word, text);
}

int zone_edition_write(const struct zone_edition *edition, uint8_t out[ZONE_EDITION_RDATA], size_t *ret_len)
{
	size_t len = 0;
	bool dated = edition->valid_from != 0 || edition->valid_until != 0;
	if (!zone_edition_name_good(edition->name) || (dated && edition->valid_until <= edition->valid_from))
		return BANYAN_EINVAL;
	int rc = string_put(out, &len, "edition=", edition->name);
	if (rc == 0 && dated)
		rc = date_put(out, &len, "valid-from=", edition->valid_from);
	if (rc == 0 && dated)
		rc = date_put(out, &len, "valid-until=", edition->valid_until);
	if (rc == 0)
		*ret_len = len;
	return rc;
}
