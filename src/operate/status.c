// SPDX-License-Identifier: GPL-3.0-or-later
/* What runs and how it is: the answer to `banyan status`. */
#include "operate/operate.h"
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Prints unless an earlier print has failed. */
#define PRINT(rc, out, ...) ((rc) = (rc) < 0 ? (rc) : buffer_printf((out), __VA_ARGS__))

static int source_text(const struct operate_copy_source *source, struct buffer *out)
{
	char span[32], when[32];
	int rc = 0;
	PRINT(rc, out, "    %s:", source->name);
	if (source->has_serial)
		PRINT(rc, out, " serial %" PRIu32 " %s ago", source->serial, clock_span(source->seen_s, span));
	else
		PRINT(rc, out, " its serial is not known");
	if (source->behind != 0)
		PRINT(rc, out, ", %s by %" PRId32 "%s", source->behind > 0 ? "behind" : "ahead",
		      source->behind > 0 ? source->behind : -source->behind, source->lags ? ", lags" : "");
	if (source->kept_until != 0)
		PRINT(rc, out, ", kept instead of %" PRIu32 ", which says the same, until %s", source->kept_newest,
		      clock_format(source->kept_until, when));
	if (source->probe_ms != 0)
		PRINT(rc, out, ", answers in %" PRIu32 " ms", source->probe_ms);
	if (source->proved)
		PRINT(rc, out, ", proved");
	if (source->benched_s > 0)
		PRINT(rc, out, ", on the bench for %s", clock_span(source->benched_s, span));
	if (source->why[0] != 0)
		PRINT(rc, out, "; FAILED: %s", source->why);
	PRINT(rc, out, "\n");
	return rc;
}

static int edition_text(const struct operate_copy *copy, struct buffer *out)
{
	char from[32], until[32];
	int rc = 0;
	if (copy->edition[0] == 0 && copy->valid_until == 0)
		return 0;
	PRINT(rc, out, "  edition %s", copy->edition[0] != 0 ? copy->edition : "without a name");
	if (copy->valid_until != 0)
		PRINT(rc, out, ", valid from %s until %s", clock_format(copy->valid_from, from),
		      clock_format(copy->valid_until, until));
	if (copy->has_next)
		PRINT(rc, out, "; serial %" PRIu32 " is kept for %s", copy->next_serial,
		      clock_format(copy->next_from, from));
	PRINT(rc, out, "\n");
	return rc;
}

static int copy_text(const struct operate_copy *copy, struct buffer *out)
{
	char when[32], span[32];
	int rc = 0;
	PRINT(rc, out, "  copy: %s%s%s\n", copy->state, copy->why[0] != 0 ? ": " : "", copy->why);
	rc = rc == 0 ? edition_text(copy, out) : rc;
	if (copy->confirmed_at != 0)
		PRINT(rc, out, "  a source confirmed it last %s", clock_format(copy->confirmed_at, when));
	if (copy->confirmed_at != 0)
		PRINT(rc, out, ", it may be used until %s\n", clock_format(copy->usable_until, when));
	PRINT(rc, out, "  %zu version%s kept in %s, sources %s%s\n", copy->generations,
	      copy->generations == 1 ? "" : "s", copy->store, copy->next_s == 0 ? "are being asked" : "are asked in ",
	      copy->next_s == 0 ? "" : clock_span(copy->next_s, span));
	for (size_t i = 0; rc == 0 && i < copy->n_sources; i++)
		rc = source_text(&copy->source[i], out);
	return rc;
}

static int zone_text(const struct operate_zone *zone, const char *what, struct buffer *out)
{
	char loaded[32], expiry[32];
	int rc = 0;
	if (!zone->loaded) {
		PRINT(rc, out, "%s %s: not loaded (%s): %s\n", what, zone->name, zone->file, zone->proof);
		return rc == 0 && zone->copy != NULL ? copy_text(zone->copy, out) : rc;
	}
	PRINT(rc, out, "%s %s: serial %" PRIu32 ", %zu names, %zu records, loaded %s from %s\n", what, zone->name,
	      zone->serial, zone->names, zone->records, clock_format(zone->loaded_at, loaded), zone->file);
	PRINT(rc, out, "  %s\n", zone->proof);
	if (zone->first_expiry != 0)
		PRINT(rc, out, "  first signature expires %s\n", clock_format(zone->first_expiry, expiry));
	return rc == 0 && zone->copy != NULL ? copy_text(zone->copy, out) : rc;
}

static int policy_zone_text(const struct operate_policy_zone *zone, struct buffer *out)
{
	char loaded[32], asked[32];
	int rc = 0;
	if (!zone->loaded)
		PRINT(rc, out, "policy zone %s: there is no version of it yet, so names pass\n", zone->name);
	else
		PRINT(rc, out, "policy zone %s: serial %" PRIu32 ", %zu rules, %zu left out, %zu KiB, loaded %s\n",
		      zone->name, zone->serial, zone->rules, zone->ignored, zone->bytes / 1024,
		      clock_format(zone->loaded_at, loaded));
	if (zone->fetched && zone->asked_at != 0)
		PRINT(rc, out, "  its primaries were asked %s\n", clock_format(zone->asked_at, asked));
	if (zone->failures > 0)
		PRINT(rc, out, "  they FAILED %u time%s in a row: %s\n", zone->failures, zone->failures == 1 ? "" : "s",
		      zone->failure);
	return rc;
}

static void uptime_text(int64_t seconds, char out[64])
{
	int days = (int)(seconds / 86400), hours = (int)(seconds / 3600 % 24), minutes = (int)(seconds / 60 % 60);
	if (days > 0)
		snprintf(out, 64, "%d d %d h", days, hours);
	else if (hours > 0)
		snprintf(out, 64, "%d h %d min", hours, minutes);
	else if (minutes > 0)
		snprintf(out, 64, "%d min %d s", minutes, (int)(seconds % 60));
	else
		snprintf(out, 64, "%d s", (int)seconds);
}

static int resolver_text(const struct operate_status *s, struct buffer *out)
{
	int rc = 0;
	if (!s->resolver)
		return buffer_printf(out, "resolver: off\n");
	PRINT(rc, out, "resolver: on, cache %zu bytes of %zu in %zu RRsets\n", s->cache_bytes, s->cache_budget,
	      s->cache_count);
	if (!s->root_wanted)
		PRINT(rc, out, "root copy: none configured: %s\n",
		      s->root_servers ? "the root servers are asked" : "nothing can be resolved");
	else if (rc == 0)
		rc = zone_text(&s->root, "root copy", out);
	return rc;
}

int operate_status_text(const struct operate_status *s, struct buffer *out)
{
	char uptime[64], config_at[32];
	int rc = 0;
	uptime_text(s->now - s->started_at, uptime);
	PRINT(rc, out, "banyand %s, up %s, %u worker%s\n", s->version, uptime, s->workers, s->workers == 1 ? "" : "s");
	PRINT(rc, out, "configuration: %s, loaded %s\n", s->config_path, clock_format(s->config_at, config_at));
	if (s->last_reload[0] != 0)
		PRINT(rc, out, "last reload FAILED, the configuration before it is kept: %s\n", s->last_reload);
	if (s->attendant != NULL && strcmp(s->attendant, "running") != 0)
		PRINT(rc, out,
		      "the process that fetches and proves has ENDED: no zone gets a new version until banyand is "
		      "restarted\n");
	for (size_t i = 0; rc == 0 && i < s->n_zones; i++)
		rc = zone_text(&s->zone[i], "zone", out);
	if (rc == 0)
		rc = resolver_text(s, out);
	for (size_t i = 0; rc == 0 && i < s->n_policy_zones; i++)
		rc = policy_zone_text(&s->policy_zone[i], out);
	for (size_t i = 0; rc == 0 && i < s->n_notified; i++)
		rc = operate_notified_text(&s->notified[i], out);
	for (int c = 0; rc == 0 && c < COUNTER_COUNT; c++)
		if (s->counters.value[c] != 0)
			rc = buffer_printf(out, "%-22s %" PRIu64 "\n", counter_name((enum counter)c),
					   s->counters.value[c]);
	return rc;
}

static void source_json(struct json *json, const struct operate_copy_source *source)
{
	json_open(json, NULL, '{');
	json_text(json, "source", source->name);
	if (source->has_serial) {
		json_number(json, "serial", source->serial);
		json_number(json, "seen_s", source->seen_s);
		json_number(json, "behind", source->behind);
	}
	if (source->kept_until != 0) {
		json_number(json, "kept_instead_of", source->kept_newest);
		json_time(json, "kept_until", source->kept_until);
	}
	json_bool(json, "lags", source->lags);
	json_bool(json, "proved", source->proved);
	json_number(json, "probe_ms", source->probe_ms);
	json_number(json, "fetch_ms", source->fetch_ms);
	json_number(json, "failures", source->failures);
	json_text(json, "failure", source->why);
	json_number(json, "benched_s", source->benched_s);
	json_close(json, '}');
}

static void copy_json(struct json *json, const struct operate_copy *copy)
{
	json_open(json, "copy", '{');
	json_text(json, "state", copy->state);
	json_text(json, "why", copy->why);
	json_text(json, "store", copy->store);
	json_time(json, "confirmed_at", copy->confirmed_at);
	json_time(json, "usable_until", copy->usable_until);
	json_number(json, "next_s", copy->next_s);
	json_number(json, "failures", copy->failures);
	json_number(json, "generations", (int64_t)copy->generations);
	if (copy->has_floor)
		json_number(json, "highest_serial", copy->floor);
	if (copy->edition[0] != 0)
		json_text(json, "edition", copy->edition);
	if (copy->valid_until != 0) {
		json_time(json, "valid_from", copy->valid_from);
		json_time(json, "valid_until", copy->valid_until);
	}
	if (copy->has_next) {
		json_number(json, "next_serial", copy->next_serial);
		json_time(json, "next_from", copy->next_from);
	}
	json_open(json, "sources", '[');
	for (size_t i = 0; i < copy->n_sources; i++)
		source_json(json, &copy->source[i]);
	json_close(json, ']');
	json_close(json, '}');
}

static void zone_json(struct json *json, const char *key, const struct operate_zone *zone)
{
	json_open(json, key, '{');
	json_text(json, "name", zone->name);
	json_text(json, "file", zone->file);
	json_bool(json, "loaded", zone->loaded);
	json_bool(json, "proved", zone->proved);
	json_text(json, "proof", zone->proof);
	if (zone->loaded) {
		json_number(json, "serial", zone->serial);
		json_number(json, "names", (int64_t)zone->names);
		json_number(json, "records", (int64_t)zone->records);
		json_time(json, "loaded_at", zone->loaded_at);
		json_time(json, "first_expiry", zone->first_expiry);
	}
	if (zone->copy != NULL)
		copy_json(json, zone->copy);
	json_close(json, '}');
}

static void policy_zone_json(struct json *json, const struct operate_policy_zone *zone)
{
	json_open(json, NULL, '{');
	json_text(json, "name", zone->name);
	json_text(json, "file", zone->file);
	json_bool(json, "loaded", zone->loaded);
	if (zone->loaded) {
		json_number(json, "serial", zone->serial);
		json_number(json, "rules", (int64_t)zone->rules);
		json_number(json, "ignored", (int64_t)zone->ignored);
		json_number(json, "bytes", (int64_t)zone->bytes);
		json_time(json, "loaded_at", zone->loaded_at);
	}
	if (zone->fetched) {
		json_time(json, "asked_at", zone->asked_at);
		json_number(json, "failures", zone->failures);
		json_text(json, "failure", zone->failure);
	}
	json_close(json, '}');
}

static void resolver_json(struct json *json, const struct operate_status *s)
{
	json_open(json, "resolver", '{');
	json_bool(json, "enabled", s->resolver);
	if (s->resolver) {
		json_number(json, "cache_bytes", (int64_t)s->cache_bytes);
		json_number(json, "cache_budget", (int64_t)s->cache_budget);
		json_number(json, "cache_rrsets", (int64_t)s->cache_count);
		if (s->root_wanted)
			zone_json(json, "root", &s->root);
	}
	json_close(json, '}');
}

int operate_status_json(const struct operate_status *s, struct buffer *out)
{
	struct json json = {.out = out};
	json_open(&json, NULL, '{');
	json_text(&json, "version", s->version);
	json_time(&json, "started_at", s->started_at);
	json_number(&json, "uptime_s", s->now - s->started_at);
	json_number(&json, "workers", s->workers);
	json_text(&json, "configuration", s->config_path);
	json_time(&json, "configuration_loaded_at", s->config_at);
	json_text(&json, "failed_reload", s->last_reload);
	json_text(&json, "attendant", s->attendant == NULL ? "none" : s->attendant);
	json_open(&json, "zones", '[');
	for (size_t i = 0; i < s->n_zones; i++)
		zone_json(&json, NULL, &s->zone[i]);
	json_close(&json, ']');
	json_open(&json, "policy_zones", '[');
	for (size_t k = 0; k < s->n_policy_zones; k++)
		policy_zone_json(&json, &s->policy_zone[k]);
	json_close(&json, ']');
	json_open(&json, "notified", '[');
	for (size_t i = 0; i < s->n_notified; i++)
		operate_notified_json(&json, &s->notified[i]);
	json_close(&json, ']');
	resolver_json(&json, s);
	json_open(&json, "counters", '{');
	for (int c = 0; c < COUNTER_COUNT; c++)
		json_number(&json, counter_name((enum counter)c), (int64_t)s->counters.value[c]);
	json_close(&json, '}');
	json_close(&json, '}');
	return json.error < 0 ? json.error : buffer_append(out, "\n", 1);
}
