// SPDX-License-Identifier: GPL-3.0-or-later
/* Who is told of new versions of a zone, for `banyan status`. */
#include "operate/operate.h"
#include "json.h"

#include <inttypes.h>

#define PRINT(rc, out, ...) ((rc) = (rc) < 0 ? (rc) : buffer_printf((out), __VA_ARGS__))

static int peer_text(const struct operate_peer *peer, struct buffer *out)
{
	char addr[ADDR_TEXT_MAX], until[32];
	int rc = 0;
	PRINT(rc, out, "  %s%s%s: %s%s", addr_format(&peer->addr, true, addr), peer->key[0] != 0 ? " with key " : "",
	      peer->key, peer->registered ? "registered until " : "configured",
	      peer->registered ? clock_format(peer->until, until) : "");
	if (peer->has_serial)
		PRINT(rc, out, ", knows of serial %" PRIu32, peer->serial);
	if (peer->waiting)
		PRINT(rc, out, ", has not confirmed the newest yet");
	if (peer->failures > 0)
		PRINT(rc, out, ", has not replied for %u version%s%s", peer->failures, peer->failures == 1 ? "" : "s",
		      peer->benched ? " and is told but once each" : "");
	PRINT(rc, out, "\n");
	return rc;
}

int operate_notified_text(const struct operate_notified *zone, struct buffer *out)
{
	int rc = 0;
	PRINT(rc, out, "notified of zone %s: %zu peer%s, %zu of them registered\n", zone->zone, zone->n,
	      zone->n == 1 ? "" : "s", zone->n_registered);
	for (size_t i = 0; i < zone->n_shown && rc == 0; i++)
		rc = peer_text(&zone->peer[i], out);
	if (zone->n > zone->n_shown)
		PRINT(rc, out, "  and %zu more\n", zone->n - zone->n_shown);
	return rc;
}

static void peer_json(struct json *json, const struct operate_peer *peer)
{
	char addr[ADDR_TEXT_MAX];
	json_open(json, NULL, '{');
	json_text(json, "address", addr_format(&peer->addr, true, addr));
	json_text(json, "key", peer->key);
	json_bool(json, "registered", peer->registered);
	if (peer->registered) {
		json_time(json, "since", peer->since);
		json_time(json, "until", peer->until);
	}
	if (peer->has_serial)
		json_number(json, "serial", peer->serial);
	json_bool(json, "waiting", peer->waiting);
	json_bool(json, "benched", peer->benched);
	json_number(json, "failures", peer->failures);
	json_close(json, '}');
}

void operate_notified_json(struct json *json, const struct operate_notified *zone)
{
	json_open(json, NULL, '{');
	json_text(json, "zone", zone->zone);
	json_number(json, "peers", (int64_t)zone->n);
	json_number(json, "registered", (int64_t)zone->n_registered);
	json_open(json, "list", '[');
	for (size_t i = 0; i < zone->n_shown; i++)
		peer_json(json, &zone->peer[i]);
	json_close(json, ']');
	json_close(json, '}');
}
