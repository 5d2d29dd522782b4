// SPDX-License-Identifier: GPL-3.0-or-later
/* The command fleet: what `banyan status --fleet` must know of this server to judge others: its versions, its keys, its register. */
#include "notifies.h"

#include <inttypes.h>
#include <string.h>

/* The zone as it is in use, or NULL. */
static const struct loaded *zone_of(const struct generation *g, const uint8_t *apex)
{
	for (size_t i = 0; i < g->config->n_zones; i++)
		if (g->zone[i] != NULL && g->zone[i]->image != NULL &&
		    wire_name_equal(image_apex(g->zone[i]->image), apex))
			return g->zone[i];
	return apex[0] == 0 && g->root != NULL && g->root->image != NULL ? g->root : NULL;
}

struct telling {
	struct buffer *out;
	int rc;
};

static void tell_key(void *ctx, const struct wire_record *record, const uint8_t *rdata, uint16_t len)
{
	struct telling *telling = ctx;
	if (telling->rc == 0)
		telling->rc = buffer_printf(telling->out, "dnskey %" PRIu32 " ", record->ttl);
	for (uint16_t i = 0; i < len && telling->rc == 0; i++)
		telling->rc = buffer_printf(telling->out, "%02x", rdata[i]);
	if (telling->rc == 0)
		telling->rc = buffer_append(telling->out, "\n", 1);
}

/* Those that stand in its history; or, of a zone of whose versions nobody is told, the one that is there. */
static int tell_versions(const struct loaded *loaded, const struct offered *offered, struct buffer *out)
{
	struct offered now = {0};
	if (offered != NULL && offered->n > 0)
		return offered_write(offered, "version", out);
	(void)offered_take(&now, loaded->image, loaded->loaded_at * 1000);
	int rc = offered_write(&now, "version", out);
	offered_done(&now);
	return rc;
}

static int tell_peers(struct keeper *keeper, const struct push_notify *push, struct buffer *out)
{
	struct push_peer_state state;
	char addr[ADDR_TEXT_MAX];
	int rc = 0;
	for (size_t at = 0; rc == 0 && push_notify_next(push, &at, &state);) {
		const char *key = notifies_key_name(keeper, state.key);
		rc = buffer_printf(out, "peer %s %s %s\n", addr_format(&state.addr, true, addr),
				   state.registered ? "registered" : "configured", key[0] == 0 ? "-" : key);
	}
	return rc;
}

static int tell(struct keeper *keeper, const struct loaded *loaded, const uint8_t *apex, struct buffer *out)
{
	const struct generation *g = swap_read(&keeper->swap);
	struct notifies_zone zone = {0};
	struct telling telling = {.out = out};
	bool told = notifies_zone(keeper, apex, &zone);
	int rc = buffer_printf(out, "fleet 1\nnow %" PRId64 "\nidentity %s\nprogram Banyan %s\n", clock_wall_ms(),
			       g->identity, BANYAN_VERSION);
	if (rc == 0)
		rc = tell_versions(loaded, told ? zone.offered : NULL, out);
	offered_set(loaded->image, WIRE_TYPE_DNSKEY, tell_key, &telling);
	if (rc == 0)
		rc = telling.rc;
	if (rc == 0 && told)
		rc = tell_peers(keeper, zone.push, out);
	return rc < 0 ? rc : buffer_printf(out, "end %s\n", told ? "told" : "nobody");
}

void control_fleet(void *ctx, struct operate_call *call, int argc, char **argv)
{
	struct keeper *keeper = ctx;
	uint8_t apex[WIRE_NAME_MAX];
	if (argc > 2 || wire_name_parse(argc == 2 ? argv[1] : ".", apex) < 0) {
		control_fail(call, "usage: fleet [ZONE]");
		return;
	}
	const struct loaded *loaded = zone_of(swap_read(&keeper->swap), apex);
	if (loaded == NULL) {
		control_fail(call, "this daemon has no such zone in use; `banyan status` tells which it has");
		return;
	}
	operate_call_done(call, tell(keeper, loaded, apex, operate_call_reply(call)) == 0);
}
