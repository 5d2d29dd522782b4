// SPDX-License-Identifier: GPL-3.0-or-later
/* What was derived for zones: with parsed keys in the engine's table (LRU), without in the shared cache. */
#include "trust.h"

#include <stdlib.h>
#include <string.h>

/* ---- the table ---- */

static struct trust **bucket_of(struct resolve *engine, const uint8_t *zone)
{
	uint8_t lower[WIRE_NAME_MAX];
	size_t len = wire_name_lower(zone, lower);
	return &engine->trust->bucket[hash_sip(lower, len, engine->hash_key) & (TRUST_BUCKETS - 1)];
}

static void lru_unlink(struct trust_table *table, struct trust *trust)
{
	*(trust->newer != NULL ? &trust->newer->older : &table->newest) = trust->older;
	*(trust->older != NULL ? &trust->older->newer : &table->oldest) = trust->newer;
}

static void lru_front(struct trust_table *table, struct trust *trust)
{
	trust->newer = NULL;
	trust->older = table->newest;
	*(table->newest != NULL ? &table->newest->newer : &table->oldest) = trust;
	table->newest = trust;
}

static void trust_remove(struct resolve *engine, struct trust *trust)
{
	struct trust **at = bucket_of(engine, trust->zone);
	while (*at != trust)
		at = &(*at)->next;
	*at = trust->next;
	lru_unlink(engine->trust, trust);
	engine->trust->count--;
	dnssec_keyset_free(trust->keyset);
	free(trust->detail);
	free(trust);
}

static void table_clear(struct resolve *engine)
{
	while (engine->trust->oldest != NULL)
		trust_remove(engine, engine->trust->oldest);
}

void resolve_trust_forget(struct resolve *engine)
{
	if (engine->trust != NULL)
		table_clear(engine);
}

void resolve_trust_free(struct resolve *engine)
{
	if (engine->trust != NULL)
		table_clear(engine);
	free(engine->trust);
	engine->trust = NULL;
}

/* The table, in step with flushes of the cache and with the root image; NULL when there is no memory for one. */
static struct trust_table *table_of(struct resolve *engine)
{
	uint32_t flushes = resolve_cache_flushes(engine->cache);
	uint32_t serial = engine->root == NULL ? 0 : image_serial(engine->root);
	if (engine->trust == NULL) {
		engine->trust = calloc(1, sizeof *engine->trust);
		if (engine->trust == NULL)
			return NULL;
		engine->trust->flushes = flushes;
		engine->trust->root_serial = serial;
	}
	if (engine->trust->flushes != flushes) {
		table_clear(engine);
		engine->trust->flushes = flushes;
	}
	if (engine->trust->root_serial != serial) {
		for (struct trust *trust = *bucket_of(engine, (const uint8_t *)""); trust != NULL; trust = trust->next)
			if (trust->zone[0] == 0)
				trust->expires_ms = 0;
		engine->trust->root_serial = serial;
	}
	return engine->trust;
}

static struct trust *table_find(struct resolve *engine, const uint8_t *zone)
{
	for (struct trust *trust = *bucket_of(engine, zone); trust != NULL; trust = trust->next)
		if (wire_name_equal(trust->zone, zone))
			return trust;
	return NULL;
}

static struct trust *table_add(struct resolve *engine, const uint8_t *zone)
{
	struct trust_table *table = table_of(engine);
	if (table == NULL)
		return NULL;
	struct trust *old = table_find(engine, zone);
	if (old != NULL)
		trust_remove(engine, old);
	else if (table->count >= TRUST_ZONES_MAX)
		trust_remove(engine, table->oldest);
	struct trust *trust = calloc(1, sizeof *trust);
	if (trust == NULL)
		return NULL;
	wire_name_lower(zone, trust->zone);
	struct trust **bucket = bucket_of(engine, zone);
	trust->next = *bucket;
	*bucket = trust;
	lru_front(table, trust);
	table->count++;
	return trust;
}

/* ---- the shared cache: u8 state, u16 reason, detail ---- */

static void share(struct resolve *engine, const struct trust *trust)
{
	uint8_t data[3 + TRUST_DETAIL_MAX];
	size_t len = trust->detail == NULL ? 0 : strlen(trust->detail);
	data[0] = (uint8_t)trust->state;
	wire_put16(data + 1, (uint16_t)trust->reason);
	if (len > 0)
		memcpy(data + 3, trust->detail, len);
	resolve_evictions_count(engine, resolve_cache_put_trust(engine->cache, engine->cache_ms, trust->zone,
								trust->expires_ms, data, 3 + len));
}

/* Keys of a zone that another worker has proved. */
static struct dnssec_keyset *shared_keys(struct resolve *engine, const uint8_t *zone)
{
	struct dnssec_policy policy = resolve_policy(engine);
	struct dnssec_keyset *keyset = NULL;
	struct wire_rrset wire[2];
	const struct rrset *set =
		resolve_cache_set(engine->cache, &engine->step, engine->cache_ms, zone, WIRE_TYPE_DNSKEY);
	if (set == NULL || set->security != SECURITY_SECURE ||
	    resolve_rrset_wire(&engine->step, set, engine->cache_ms, false, wire) != 1 ||
	    dnssec_keyset_new(wire, &policy, &keyset) < 0)
		return NULL;
	return keyset;
}

static struct trust *take_shared(struct resolve *engine, const uint8_t *zone)
{
	struct store_value value;
	struct dnssec_keyset *keyset = NULL;
	if (!resolve_cache_trust(engine->cache, &engine->step, engine->cache_ms, zone, &value) || value.len < 3)
		return NULL;
	if (value.data[0] == TRUST_SECURE && (keyset = shared_keys(engine, zone)) == NULL)
		return NULL;
	struct trust *trust = table_add(engine, zone);
	if (trust == NULL) {
		dnssec_keyset_free(keyset);
		return NULL;
	}
	trust->state = (enum trust_state)value.data[0];
	trust->reason = (enum reason)wire_get16(value.data + 1);
	trust->expires_ms = value.expires_ms;
	trust->keyset = keyset;
	if (value.len > 3)
		trust->detail = strndup((const char *)value.data + 3, value.len - 3);
	return trust;
}

/* ---- what is known ---- */

const struct trust *resolve_trust_known(struct resolve *engine, const uint8_t *zone)
{
	static const struct trust no_anchor = {.state = TRUST_INSECURE};
	static const struct trust negative_anchor = {.state = TRUST_INSECURE, .reason = REASON_NEGATIVE_ANCHOR};
	unsigned labels;
	switch (resolve_anchor_scope(engine, zone, &labels)) {
	case ANCHOR_NONE:
		return &no_anchor;
	case ANCHOR_NEGATIVE:
		return &negative_anchor;
	case ANCHOR_POSITIVE:
		break;
	}
	struct trust_table *table = table_of(engine);
	if (table == NULL)
		return NULL;
	struct trust *trust = table_find(engine, zone);
	if (trust == NULL || trust->expires_ms <= engine->cache_ms)
		return take_shared(engine, zone);
	if (table->newest != trust) {
		lru_unlink(table, trust);
		lru_front(table, trust);
	}
	return trust;
}

void resolve_trust_put(struct resolve *engine, const uint8_t *zone, enum trust_state state, enum reason reason,
		       const char *detail, int64_t expires_ms, struct dnssec_keyset *keyset)
{
	/* `zone` may stand in the entry that goes, `detail` in that of the zone above */
	uint8_t name[WIRE_NAME_MAX];
	wire_name_lower(zone, name);
	char *words = detail == NULL ? NULL : strndup(detail, TRUST_DETAIL_MAX);
	struct trust *trust = table_add(engine, name);
	if (trust == NULL) {
		free(words);
		dnssec_keyset_free(keyset);
		return;
	}
	int64_t least = engine->cache_ms + TRUST_TTL_MIN_MS;
	int64_t most = engine->cache_ms + (int64_t)TRUST_TTL_MAX_S * 1000;
	trust->state = state;
	trust->reason = reason;
	trust->detail = words;
	trust->expires_ms = expires_ms < least ? least : expires_ms > most ? most : expires_ms;
	trust->keyset = keyset;
	if (state != TRUST_NO_CUT && name[0] != 0)
		share(engine, trust);
}
