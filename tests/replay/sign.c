// SPDX-License-Identifier: GPL-3.0-or-later
/* Signs the records of a scenario's zone, with the faults that the scenario asks for. */
#include "scenario.h"

#include <openssl/evp.h>

#define DNSKEY_TTL 3600
#define DS_TTL     3600

/* ---- faults ---- */

static bool fault_hits(const struct fault *fault, const char *kind, const uint8_t *owner, uint16_t type)
{
	return strcmp(fault->kind, kind) == 0 && (fault->any_type || fault->type == type) &&
	       (fault->any_owner || wire_name_equal(fault->owner, owner));
}

static const struct fault *fault_find(const struct zone_plan *plan, const char *kind, const uint8_t *owner,
				      uint16_t type)
{
	for (unsigned i = 0; i < plan->n_faults; i++)
		if (fault_hits(&plan->fault[i], kind, owner, type))
			return &plan->fault[i];
	return NULL;
}

static void record_remove(struct test_zone *records, size_t index)
{
	free(records->record[index].rdata);
	records->record[index] = records->record[--records->n];
}

static void fault_drop(const struct fault *fault, struct test_zone *records)
{
	for (size_t i = 0; i < records->n;) {
		const struct test_record *r = &records->record[i];
		uint16_t type = r->type == WIRE_TYPE_RRSIG ? wire_get16(r->rdata) : r->type;
		if (fault_hits(fault, "drop", r->owner, type))
			record_remove(records, i);
		else
			i++;
	}
}

static void fault_ttl(const struct fault *fault, struct test_zone *records)
{
	for (size_t i = 0; i < records->n; i++) {
		struct test_record *r = &records->record[i];
		uint16_t type = r->type == WIRE_TYPE_RRSIG ? wire_get16(r->rdata) : r->type;
		if (fault_hits(fault, "ttl", r->owner, type))
			r->ttl = (uint32_t)fault->number;
	}
}

static void fault_add(struct scenario *s, const struct fault *fault, struct test_zone *records)
{
	struct item item[8] = {0};
	unsigned n = text_record(s, fault->text, item, ARRAY_SIZE(item));
	for (unsigned i = 0; i < n; i++)
		test_zone_add(records, item[i].owner, item[i].type, item[i].ttl, item[i].data, item[i].len);
}

/* Hash algorithm or flags of an NSEC3 record, before it is signed. */
static void fault_nsec3_byte(const struct fault *fault, const char *kind, unsigned at, struct test_zone *records)
{
	for (size_t i = 0; i < records->n; i++)
		if (fault_hits(fault, kind, records->record[i].owner, records->record[i].type))
			records->record[i].rdata[at] = (uint8_t)fault->number;
}

/* Where the bitmap of an NSEC or NSEC3 record begins. */
static size_t bitmap_at(const struct test_record *r)
{
	if (r->type == WIRE_TYPE_NSEC)
		return wire_name_len(r->rdata);
	size_t at = 5U + r->rdata[4]; /* RFC 5155 section 3.2 */
	return at + 1U + r->rdata[at];
}

/* "bitmap OWNER TYPE A,B,C": the record shows these types, and is signed. */
static void fault_bitmap(struct scenario *s, const struct fault *fault, struct test_zone *records)
{
	uint16_t type[64];
	char copy[sizeof fault->text], *save = NULL;
	size_t n = 0;
	memcpy(copy, fault->text, sizeof copy);
	for (char *w = strtok_r(copy, ",", &save); w != NULL && n < ARRAY_SIZE(type); w = strtok_r(NULL, ",", &save)) {
		type[n++] = text_type(s, w);
		if (n > 1 && type[n - 1] <= type[n - 2])
			bad(s, "the types of a bitmap stand in ascending order");
	}
	for (size_t i = 0; i < records->n; i++) {
		struct test_record *r = &records->record[i];
		if (!fault_hits(fault, "bitmap", r->owner, r->type))
			continue;
		size_t at = bitmap_at(r);
		uint8_t *rdata = realloc(r->rdata, at + 1024);
		assert_non_null(rdata);
		r->rdata = rdata;
		r->len = (uint16_t)(at + chain_bitmap(type, n, rdata + at));
	}
}

/* "nsec OWNER RECORD": the NSEC of this name says this instead, and is signed. */
static void fault_nsec(struct scenario *s, const struct fault *fault, struct test_zone *records)
{
	struct item item = {0};
	text_record(s, fault->text, &item, 1);
	for (size_t i = 0; i < records->n; i++) {
		struct test_record *r = &records->record[i];
		if (r->type != WIRE_TYPE_NSEC || !wire_name_equal(r->owner, item.owner))
			continue;
		free(r->rdata);
		r->rdata = malloc(item.len);
		assert_non_null(r->rdata);
		memcpy(r->rdata, item.data, item.len);
		r->len = item.len;
	}
}

static void faults_before(struct scenario *s, const struct zone_plan *plan, struct test_zone *records)
{
	for (unsigned i = 0; i < plan->n_faults; i++) {
		const struct fault *fault = &plan->fault[i];
		if (strcmp(fault->kind, "nsec") == 0)
			fault_nsec(s, fault, records);
		else if (strcmp(fault->kind, "nsec3-flags") == 0)
			fault_nsec3_byte(fault, "nsec3-flags", 1, records);
		else if (strcmp(fault->kind, "nsec3-hash") == 0)
			fault_nsec3_byte(fault, "nsec3-hash", 0, records);
		else if (strcmp(fault->kind, "bitmap") == 0)
			fault_bitmap(s, fault, records);
	}
}

static void faults_after(struct scenario *s, const struct zone_plan *plan, struct test_zone *records)
{
	for (unsigned i = 0; i < plan->n_faults; i++) {
		const struct fault *fault = &plan->fault[i];
		if (strcmp(fault->kind, "drop") == 0)
			fault_drop(fault, records);
		else if (strcmp(fault->kind, "ttl") == 0)
			fault_ttl(fault, records);
		else if (strcmp(fault->kind, "add") == 0)
			fault_add(s, fault, records);
	}
}

/* ---- signatures ---- */

/* What is signed (RFC 4034 section 3.1.8.1): the RRSIG's fields, then the set in canonical form. */
static size_t signed_data(const struct wire_rrset *set, const uint8_t *rrsig, size_t rrsig_len, uint8_t *out,
			  size_t max)
{
	uint8_t *p = out, owner[WIRE_NAME_MAX];
	size_t owner_len = wire_name_lower(set->owner, owner);
	memcpy(p, rrsig, rrsig_len);
	p += rrsig_len;
	for (uint32_t i = 0; i < set->count; i++) {
		assert_true((size_t)(p - out) + owner_len + 10 + set->rdata[i].len <= max);
		memcpy(p, owner, owner_len);
		p += owner_len;
		wire_put16(p, set->type);
		wire_put16(p + 2, WIRE_CLASS_IN);
		memcpy(p + 4, rrsig + 4, 4); /* the original TTL */
		wire_put16(p + 8, set->rdata[i].len);
		memcpy(p + 10, set->rdata[i].data, set->rdata[i].len);
		p += 10 + set->rdata[i].len;
	}
	return (size_t)(p - out);
}

static void sign_set(const struct zone_plan *plan, const struct wire_rrset *set, const struct key *key,
		     struct test_zone *records)
{
	static uint8_t data[1 << 18];
	uint8_t rdata[1200];
	const struct fault *labels = fault_find(plan, "labels", set->owner, set->type);
	const struct fault *origttl = fault_find(plan, "origttl", set->owner, set->type);
	const struct fault *signer = fault_find(plan, "signer", set->owner, set->type);
	const struct fault *algorithm = fault_find(plan, "algorithm", set->owner, set->type);
	bool expired = fault_find(plan, "expired", set->owner, set->type) != NULL;
	bool future = fault_find(plan, "future", set->owner, set->type) != NULL;
	const struct fault *strip = fault_find(plan, "strip", set->owner, set->type);
	if (strip != NULL && (strip->number == 0 || strip->number == key->algorithm))
		return;
	wire_put16(rdata, set->type);
	rdata[2] = algorithm != NULL ? (uint8_t)algorithm->number : key->algorithm;
	unsigned own = wire_name_labels(set->owner) - (set->owner[0] == 1 && set->owner[1] == '*');
	rdata[3] = (uint8_t)(labels != NULL ? labels->number : own);
	wire_put32(rdata + 4, origttl != NULL ? (uint32_t)origttl->number : set->ttl);
	wire_put32(rdata + 8, (uint32_t)(expired  ? plan->inception - 3600
					 : future ? plan->expiration + 86400
						  : plan->expiration));
	wire_put32(rdata + 12, (uint32_t)(expired  ? plan->inception - 86400
					  : future ? plan->expiration
						   : plan->inception));
	wire_put16(rdata + 16, (uint16_t)(key->tag + (fault_find(plan, "tag", set->owner, set->type) != NULL)));
	uint8_t name[WIRE_NAME_MAX];
	memcpy(name, plan->origin, wire_name_len(plan->origin));
	if (signer != NULL)
		assert_true(wire_name_parse(signer->text, name) > 0);
	size_t len = 18 + wire_name_lower(name, rdata + 18);
	uint16_t sig = keys_sign(key, data, signed_data(set, rdata, len, data, sizeof data), rdata + len);
	if (fault_find(plan, "corrupt", set->owner, set->type) != NULL)
		rdata[len + 5] ^= 0x10;
	test_zone_add(records, set->owner, WIRE_TYPE_RRSIG, set->ttl, rdata, len + sig);
	for (unsigned i = 0; i < plan->junk_sigs; i++) {
		wire_put32(rdata + len + 8, 0xdead0000 + i);
		test_zone_add(records, set->owner, WIRE_TYPE_RRSIG, set->ttl, rdata, len + sig);
	}
}

static bool has_kind(const struct zone_plan *plan, char kind)
{
	for (unsigned i = 0; i < plan->n_keys; i++)
		if (plan->key[i].kind == kind && plan->key[i].signs)
			return true;
	return false;
}

/* Which keys sign what: key-signing ones the DNSKEY set, zone-signing ones the rest; if there is one sort alone, everything. */
static bool key_signs(const struct zone_plan *plan, const struct key *key, uint16_t type)
{
	if (!key->signs)
		return false;
	bool ksk = has_kind(plan, 'k') || has_kind(plan, 'r'), zsk = has_kind(plan, 'z');
	switch (key->kind) {
	case 'k':
		return type == WIRE_TYPE_DNSKEY || !zsk;
	case 'r':
		return type == WIRE_TYPE_DNSKEY || (!zsk && !has_kind(plan, 'k'));
	case 'z':
		return type != WIRE_TYPE_DNSKEY || !ksk;
	default:
		return true;
	}
}

static void sign_set_all(struct scenario *s, const struct zone_plan *plan, const struct wire_rrset *set,
			 struct test_zone *records)
{
	const struct fault *by = fault_find(plan, "by", set->owner, set->type);
	if (by != NULL) {
		struct key key = {.kind = by->text[0],
				  .number = (unsigned)atoi(by->text + 1),
				  .algorithm = plan->key[0].algorithm};
		keys_make(s, plan, &key);
		sign_set(plan, set, &key, records);
		return;
	}
	for (unsigned i = 0; i < plan->n_keys; i++)
		if (key_signs(plan, &plan->key[i], set->type))
			sign_set(plan, set, &plan->key[i], records);
}

static void sign_sets(struct scenario *s, const struct zone_plan *plan, struct test_zone *records)
{
	struct zone *zone = test_zone_build(records);
	for (size_t i = 0; i < zone->n_nodes; i++) {
		const struct zone_node *node = &zone->node[i];
		if (node->flags & (ZONE_NODE_BELOW | ZONE_NODE_OCCLUDED))
			continue;
		for (size_t k = node->first_set; k < (size_t)node->first_set + node->n_sets; k++) {
			uint16_t type = zone->canonical[k].type;
			if ((node->flags & ZONE_NODE_CUT) && type != WIRE_TYPE_DS && type != WIRE_TYPE_NSEC)
				continue;
			sign_set_all(s, plan, &zone->canonical[k], records);
		}
	}
	zone_free(zone);
}

void sign_records(struct scenario *s, const struct zone_plan *plan, struct test_zone *records)
{
	for (unsigned i = 0; i < plan->n_keys; i++) {
		const struct key *key = &plan->key[i];
		if (key->kind == 'x')
			continue;
		test_zone_add(records, plan->origin, WIRE_TYPE_DNSKEY, DNSKEY_TTL, key->rdata, key->len);
		for (unsigned c = 0; c < plan->collide; c++) {
			struct key other;
			keys_collide(key, c, &other);
			test_zone_add(records, plan->origin, WIRE_TYPE_DNSKEY, DNSKEY_TTL, other.rdata, other.len);
		}
	}
	chain_add(plan, records);
	faults_before(s, plan, records);
	sign_sets(s, plan, records);
	faults_after(s, plan, records);
}

/* ---- DS ---- */

static void ds_add(const struct zone_plan *child, const struct key *key, const struct ds_plan *ds,
		   struct test_zone *parent)
{
	uint8_t data[WIRE_NAME_MAX + sizeof key->rdata], rdata[4 + EVP_MAX_MD_SIZE] = {0};
	size_t len = wire_name_lower(child->origin, data);
	unsigned size = 32;
	memcpy(data + len, key->rdata, key->len);
	const EVP_MD *md = ds->digest == 1 ? EVP_sha1() : ds->digest == 4 ? EVP_sha384() : EVP_sha256();
	assert_int_equal(EVP_Digest(data, len + key->len, rdata + 4, &size, md, NULL), 1);
	wire_put16(rdata, (uint16_t)(key->tag + ds->unknown_tag));
	rdata[2] = ds->algorithm != 0 ? ds->algorithm : key->algorithm;
	rdata[3] = ds->digest;
	if (ds->wrong)
		rdata[4] ^= 0xff;
	test_zone_add(parent, child->origin, WIRE_TYPE_DS, DS_TTL, rdata, 4 + size);
}

void sign_ds(struct scenario *s, const struct zone_plan *child, struct test_zone *parent)
{
	(void)s;
	bool ksk = has_kind(child, 'k');
	for (unsigned d = 0; d < child->n_ds; d++) {
		const struct ds_plan *ds = &child->ds[d];
		for (unsigned i = 0; i < child->n_keys; i++) {
			const struct key *key = &child->key[i];
			bool wanted = ds->key != 0 ? key->number == ds->key && key->kind != 'z'
				      : ds->zsk    ? key->kind == 'z'
						   : key->signs && key->kind != 'x' && (key->kind == 'k' || !ksk);
			if (wanted)
				ds_add(child, key, ds, parent);
		}
	}
}
