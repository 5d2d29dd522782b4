// SPDX-License-Identifier: GPL-3.0-or-later
/* Editions composed as zones, with signatures of the right length. */
#include "plan.h"
#include "private.h"

#include <stdlib.h>
#include <string.h>

#define TTL_S         518400 /* as in the root: NS and addresses live six days */
#define SOA_TTL_S     86400
#define SERIAL        1
#define INCEPTION_S   1767225600 /* 2026-01-01: dates weigh the same whichever they are */
#define EXPIRATION_S  1769040000
#define RRSIG_FIXED   18 /* RFC 4034 section 3.1, up to the signer's name */
#define DNSKEY_MAX    (4 + 1 + 3 + 512 + 1)
#define KEY_FLAGS_CSK 257
#define PROTOCOL      3

struct composer {
	const struct plan_edition *edition;
	const uint8_t *apex;
	struct zone_maker *maker;
	int error;
};

static void add(struct composer *c, const uint8_t *owner, uint16_t type, uint32_t ttl_s, const uint8_t *rdata,
		size_t len)
{
	if (c->error == 0)
		c->error = zone_maker_add(c->maker, owner, type, ttl_s, rdata, (uint16_t)len);
}

static void add_soa(struct composer *c, const uint8_t *primary)
{
	static const uint32_t numbers[] = {SERIAL, 1800, 900, 604800, 86400};
	static const uint8_t mailbox[] = {5, 'n', 's', 't', 'l', 'd', 0};
	uint8_t rdata[2 * WIRE_NAME_MAX + sizeof numbers];
	size_t len = wire_name_len(primary);
	memcpy(rdata, primary, len);
	memcpy(rdata + len, mailbox, sizeof mailbox);
	len += sizeof mailbox;
	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++, len += 4)
		wire_put32(rdata + len, numbers[i]);
	add(c, c->apex, WIRE_TYPE_SOA, SOA_TTL_S, rdata, len);
}

static void add_ns(struct composer *c, const uint8_t *owner, const uint8_t *name)
{
	add(c, owner, WIRE_TYPE_NS, TTL_S, name, wire_name_len(name));
}

static void add_addresses(struct composer *c, const struct plan_server *server)
{
	for (size_t i = 0; i < server->n_addresses; i++) {
		bool v4 = server->address[i].family == 4;
		add(c, server->name, v4 ? WIRE_TYPE_A : WIRE_TYPE_AAAA, TTL_S, server->address[i].ip, v4 ? 4 : 16);
	}
}

/* Bytes that nobody takes for text or zeros; the same in each run. */
static void fill(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(i * 167 + 13);
}

/* A public key as long as the signer's would be. */
static size_t key_write(const struct plan_signer *signer, unsigned index, uint8_t out[DNSKEY_MAX])
{
	static const uint8_t exponent[] = {3, 1, 0, 1};
	size_t len = 4, size = signer->algorithm == 16 ? 57 : signer->algorithm == 15 ? 32 : signer->size;
	wire_put16(out, KEY_FLAGS_CSK);
	out[2] = PROTOCOL;
	out[3] = signer->algorithm;
	if (signer->bits > 0) {
		memcpy(out + len, exponent, sizeof exponent);
		len += sizeof exponent;
	} else if (signer->algorithm == 253) {
		out[len++] = 0; /* RFC 4034 appendix A.1.1: whose algorithm it is, a name */
		size = 32;
	}
	fill(out + len, size);
	out[len] = (uint8_t)(0x80 | index); /* each its own; of a modulus the highest bit is set */
	return len + size;
}

static void add_keys(struct composer *c)
{
	for (unsigned i = 0; i < c->edition->n_signers; i++) {
		uint8_t rdata[DNSKEY_MAX];
		size_t len = key_write(&c->edition->signer[i], i, rdata);
		add(c, c->apex, WIRE_TYPE_DNSKEY, SOA_TTL_S, rdata, len);
	}
}

/* RFC 4034 section 3.1 */
static void add_signature(struct composer *c, const struct wire_rrset *set, unsigned index)
{
	const struct plan_signer *signer = &c->edition->signer[index];
	uint8_t key[DNSKEY_MAX], rdata[RRSIG_FIXED + WIRE_NAME_MAX + PLAN_SIGNATURE_MAX];
	size_t key_len = key_write(signer, index, key), len = RRSIG_FIXED;
	wire_put16(rdata, set->type);
	rdata[2] = signer->algorithm;
	rdata[3] = (uint8_t)wire_name_labels(set->owner);
	wire_put32(rdata + 4, set->ttl);
	wire_put32(rdata + 8, EXPIRATION_S);
	wire_put32(rdata + 12, INCEPTION_S);
	wire_put16(rdata + 16, dnssec_key_tag(key, (uint16_t)key_len));
	memcpy(rdata + len, c->apex, wire_name_len(c->apex));
	len += wire_name_len(c->apex);
	fill(rdata + len, signer->size);
	add(c, set->owner, WIRE_TYPE_RRSIG, set->ttl, rdata, len + signer->size);
}

/* All that the zone has authority for gets a signature of each signer. */
static int sign(const struct plan_edition *edition, const struct zone *plain, struct zone **ret)
{
	struct composer c = {.edition = edition, .apex = plain->apex};
	int rc = zone_maker_new(plain->apex, "plan", &c.maker);
	if (rc != 0)
		return rc;
	for (size_t n = 0; n < plain->n_nodes; n++) {
		const struct zone_node *node = &plain->node[n];
		bool ours = (node->flags & (ZONE_NODE_CUT | ZONE_NODE_BELOW)) == 0;
		for (unsigned s = 0; s < node->n_sets; s++) {
			const struct wire_rrset *set = &plain->set[node->first_set + s];
			for (uint32_t i = 0; i < set->count; i++)
				add(&c, set->owner, set->type, set->ttl, set->rdata[i].data, set->rdata[i].len);
			for (unsigned i = 0; ours && i < edition->n_signers; i++)
				add_signature(&c, set, i);
		}
	}
	if (c.error == 0)
		return zone_maker_finish(c.maker, ret);
	zone_maker_free(c.maker);
	return c.error;
}

static int finish(struct composer *c, bool signed_zone, struct zone **ret)
{
	struct zone *plain;
	if (c->error != 0) {
		zone_maker_free(c->maker);
		return c->error;
	}
	int rc = zone_maker_finish(c->maker, &plain);
	if (rc != 0 || !signed_zone) {
		if (rc == 0)
			*ret = plain;
		return rc;
	}
	rc = c->edition->keys != NULL ? plan_keys_sign(c->edition->keys, plain, ret) : sign(c->edition, plain, ret);
	zone_free(plain);
	return rc;
}

/* The last `labels` labels of a name; NULL: it has not so many, or no more. */
static const uint8_t *tail_of(const uint8_t *name, unsigned labels)
{
	unsigned has = (unsigned)wire_name_labels(name);
	return labels == 0 || labels > has ? NULL : wire_name_skip(name, has - labels);
}

static const uint8_t *cut_of(const uint8_t *name, unsigned labels)
{
	return tail_of(name, labels != PLAN_CUT_BY_NAME ? labels : wire_name_labels(name) > 1);
}

/* A delegation to the server; with the keys of the zone beside it, if that is what is delegated. */
static void add_cut(struct composer *c, const uint8_t *cut, const struct plan_server *server)
{
	const struct plan_edition *edition = c->edition;
	const uint8_t *apex = tail_of(server->name, edition->child_labels);
	add_ns(c, cut, server->name);
	if (edition->keys != NULL && edition->child_signed && apex != NULL && wire_name_equal(apex, cut) &&
	    c->error == 0)
		c->error = plan_keys_ds(edition->keys, cut, c->maker);
}

int plan_zone(const struct plan_edition *edition, struct zone **ret)
{
	static const uint8_t root[] = {0};
	const struct plan_server *server = edition->set->server;
	struct composer c = {.edition = edition, .apex = root};
	if (edition->n == 0 || edition->n > edition->set->n || edition->n_signers > PLAN_SIGNERS_MAX)
		return BANYAN_EINVAL;
	int rc = zone_maker_new(root, "plan", &c.maker);
	if (rc != 0)
		return rc;
	add_soa(&c, server[0].name);
	for (size_t i = 0; i < edition->n; i++) {
		const uint8_t *cut = cut_of(server[i].name, edition->cut_labels);
		add_ns(&c, root, server[i].name);
		if (cut != NULL)
			add_cut(&c, cut, &server[i]);
		add_addresses(&c, &server[i]);
	}
	add_keys(&c);
	return finish(&c, edition->n_signers > 0, ret);
}

static int child(const struct plan_edition *edition, const uint8_t *apex, struct zone **ret)
{
	const struct plan_server *server = edition->set->server;
	struct composer c = {.edition = edition, .apex = apex};
	int rc = zone_maker_new(apex, "plan", &c.maker);
	if (rc != 0)
		return rc;
	bool begun = false;
	for (size_t i = 0; i < edition->n; i++) {
		if (!wire_name_under(server[i].name, apex))
			continue;
		if (!begun)
			add_soa(&c, server[i].name);
		begun = true;
		add_ns(&c, apex, server[i].name);
		add_addresses(&c, &server[i]);
	}
	if (edition->child_signed)
		add_keys(&c);
	return finish(&c, edition->child_signed && edition->n_signers > 0, ret);
}

int plan_children(const struct plan_edition *edition, struct zone **ret, size_t max)
{
	size_t n = 0;
	int rc = 0;
	for (size_t i = 0; i < edition->n && rc == 0; i++) {
		const uint8_t *apex = tail_of(edition->set->server[i].name, edition->child_labels);
		bool known = apex == NULL;
		for (size_t k = 0; k < n && !known; k++)
			known = wire_name_equal(ret[k]->apex, apex);
		if (known)
			continue;
		rc = n == max ? BANYAN_ELIMIT : child(edition, apex, &ret[n]);
		n += rc == 0;
	}
	if (rc == 0)
		return (int)n;
	while (n > 0)
		zone_free(ret[--n]);
	return rc;
}
