// SPDX-License-Identifier: GPL-3.0-or-later
/* What runs and how it is: the answer to `banyan status`. */
#include "operate/operate.h"
#include "json.h"

#include <inttypes.h>
#include <stdio.h>

/* Prints unless an earlier print has failed. */
#define PRINT(rc, out, ...) ((rc) = (rc) < 0 ? (rc) : buffer_printf((out), __VA_ARGS__))

static int zone_text(const struct operate_zone *zone, const char *what, struct buffer *out)
{
	char loaded[32], expiry[32];
	int rc = 0;
	if (!zone->loaded)
		return buffer_printf(out, "%s %s: not loaded (%s): %s\n", what, zone->name, zone->file, zone->proof);
	PRINT(rc, out, "%s %s: serial %" PRIu32 ", %zu names, %zu records, loaded %s from %s\n", what, zone->name,
	      zone->serial, zone->names, zone->records, clock_format(zone->loaded_at, loaded), zone->file);
	PRINT(rc, out, "  %s\n", zone->proof);
	if (zone->first_expiry != 0)
		PRINT(rc, out, "  first signature expires %s\n", clock_format(zone->first_expiry, expiry));
	return rc;
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
