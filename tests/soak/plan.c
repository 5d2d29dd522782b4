// SPDX-License-Identifier: GPL-3.0-or-later
/* The zones of the soak. */
#include "plan.h"

#include "test.h"
#include "unit/zone/signer.h"

#define SOA            " SOA ns0 h 1 7200 3600 86400 %u\n"
#define ALGORITHM      13
#define TTL_MIN        20
#define TTL_MAX        1200
#define SIGNED_DAYS    20 /* of validity: longer than any soak */
#define ZIPF_SCALE     1000000
#define ROOT_TTL       "86400"
#define NAMES_PER_KIND 40

static unsigned domain_tld(unsigned d)
{
	return d % PLAN_TLDS;
}

static bool domain_is_signed(unsigned d)
{
	return d % 2 == 1 && domain_tld(d) != 0; /* the first TLD is not signed */
}

/* The domain that its aliases lead to. */
static unsigned domain_alias(unsigned d)
{
	return (d + 2) % PLAN_DOMAINS;
}

static void domain_name(unsigned d, char out[32])
{
	snprintf(out, 32, "d%u.tld%u.", d, domain_tld(d));
}

/* Domain d is served by these of the shared servers. */
static unsigned domain_server(unsigned d, unsigned n)
{
	return (d * 7 + n * 13) % PLAN_SERVERS;
}

static unsigned domain_servers(unsigned d)
{
	return 2 + d % 2;
}

/* ---- zones ---- */

static const struct image *add_built(struct world *w, const struct test_zone *made)
{
	assert_true(w->n_zones < WORLD_ZONES_MAX);
	struct world_zone *zone = &w->zone[w->n_zones++];
	zone->zone = test_zone_build(made);
	assert_int_equal(image_compile(zone->zone, &zone->image), 0);
	return zone->image;
}

/* The DS of the signer's key, SHA-256 (RFC 4034 section 5.1). */
static void add_ds(const struct signer *signer, const char *origin, struct buffer *text)
{
	uint8_t owner[WIRE_NAME_MAX], data[WIRE_NAME_MAX + sizeof signer->dnskey], ds[4 + 32];
	unsigned digest_len = 32;
	int owner_len = wire_name_parse(origin, owner);
	assert_true(owner_len > 0);
	memcpy(data, owner, (size_t)owner_len);
	memcpy(data + owner_len, signer->dnskey, signer->dnskey_len);
	wire_put16(ds, dnssec_key_tag(signer->dnskey, signer->dnskey_len));
	ds[2] = signer->algorithm;
	ds[3] = 2;
	assert_int_equal(
		EVP_Digest(data, (size_t)owner_len + signer->dnskey_len, ds + 4, &digest_len, EVP_sha256(), NULL), 1);
	struct wire_rdata rdata = {ds, sizeof ds};
	assert_true(wire_record_text(owner, 3600, WIRE_CLASS_IN, WIRE_TYPE_DS, &rdata, text) >= 0);
	assert_true(buffer_printf(text, "\n") >= 0);
}

/* Makes the zone; when it is signed, its DS goes into the parent's text. */
static const struct image *make_zone(struct world *w, const char *origin, const char *text, bool is_signed,
				     struct buffer *parent)
{
	if (!is_signed)
		return world_zone(w, origin, text);
	struct signer signer;
	struct test_zone made = {0};
	signer_init(&signer, ALGORITHM);
	signer.inception = (uint32_t)(WORLD_EPOCH_MS / 1000 - 3600);
	signer.expiration = signer.inception + SIGNED_DAYS * 86400;
	signer_make(&signer, origin, text, &made);
	if (parent != NULL)
		add_ds(&signer, origin, parent);
	const struct image *image = add_built(w, &made);
	test_zone_free(&made);
	signer_done(&signer);
	return image;
}

static const struct image *make_domain(struct world *w, unsigned d, struct buffer *parent)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	char origin[32], target[32];
	unsigned ttl = TTL_MIN + d * 37 % (TTL_MAX - TTL_MIN);
	domain_name(d, origin);
	domain_name(domain_alias(d), target);
	assert_true(buffer_printf(&text,
				  "$TTL %u\n@" SOA
				  "www A 192.0.2.%u\nalias CNAME www.%s\nempty TXT here\na.b.deep A 192.0.2.%u\n"
				  "*.wild A 192.0.2.%u\ndn DNAME %s\n",
				  ttl, ttl, d + 1, target, d + 1, d + 1, target) >= 0);
	for (unsigned n = 0; n < domain_servers(d); n++) {
		assert_true(buffer_printf(&text, "@ NS ns%u\nns%u A 10.1.0.%u\n", n, n, domain_server(d, n) + 1) >= 0);
		assert_true(buffer_printf(parent, "d%u 3600 NS ns%u.d%u\nns%u.d%u 3600 A 10.1.0.%u\n", d, n, d, n, d,
					  domain_server(d, n) + 1) >= 0);
	}
	return make_zone(w, origin, (char *)text.data, domain_is_signed(d), parent);
}

static void make_tld(struct world *w, unsigned t, struct world_server *const *servers, struct buffer *root)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	char origin[32];
	snprintf(origin, sizeof origin, "tld%u.", t);
	assert_true(buffer_printf(&text, "$ORIGIN %s\n$TTL 900\n@" SOA, origin, 300) >= 0);
	for (unsigned n = 0; n < PLAN_TLD_SERVERS; n++) {
		assert_true(buffer_printf(&text, "@ NS ns%u\nns%u A 10.0.%u.%u\n", n, n, t, n + 1) >= 0);
		assert_true(buffer_printf(root, "%s " ROOT_TTL " NS ns%u.%s\nns%u.%s " ROOT_TTL " A 10.0.%u.%u\n",
					  origin, n, origin, n, origin, t, n + 1) >= 0);
	}
	for (unsigned d = t; d < PLAN_DOMAINS; d += PLAN_TLDS) {
		const struct image *image = make_domain(w, d, &text);
		for (unsigned n = 0; n < domain_servers(d); n++)
			world_serve(servers[domain_server(d, n)], image);
	}
	const struct image *image = make_zone(w, origin, (char *)text.data, t != 0, root);
	for (unsigned n = 0; n < PLAN_TLD_SERVERS; n++) {
		char addr[32];
		snprintf(addr, sizeof addr, "10.0.%u.%u", t, n + 1);
		world_serve(world_server(w, addr, 0, 10 + 30 * n), image);
	}
}

struct world *plan_world(uint64_t seed, struct plan *ret_plan)
{
	struct world_server *servers[PLAN_SERVERS];
	struct world *w = world_new(seed, NULL);
	for (unsigned i = 0; i < PLAN_SERVERS; i++) {
		char addr[32];
		snprintf(addr, sizeof addr, "10.1.0.%u", i + 1);
		servers[i] = world_server(w, addr, 0, 5 + i * 3);
	}
	_cleanup_(buffer_done) struct buffer root = {0};
	assert_true(
		buffer_printf(
			&root,
			"$TTL 86400\n@ SOA a.root. h. 1 7200 3600 86400 86400\n@ NS a.root.\na.root. A 10.9.9.9\n") >=
		0);
	for (unsigned t = 0; t < PLAN_TLDS; t++)
		make_tld(w, t, servers, &root);
	w->root = make_zone(w, ".", (char *)root.data, true, NULL);
	uint32_t sum = 0;
	for (unsigned d = 0; d < PLAN_DOMAINS; d++)
		ret_plan->weight[d] = sum += ZIPF_SCALE / (d + 1);
	return w;
}

/* ---- questions and answers ---- */

void plan_ask(const struct plan *plan, struct random *dice, struct asked *ret)
{
	char domain[32];
	uint32_t at = random_below(dice, plan->weight[PLAN_DOMAINS - 1]);
	unsigned d = 0, n = random_below(dice, NAMES_PER_KIND);
	while (plan->weight[d] <= at)
		d++;
	*ret = (struct asked){.kind = random_below(dice, ASK_KINDS), .domain = d};
	domain_name(d, domain);
	static const char *const prefix[] = {"www", "alias", "nothing%u", "empty", "a.b.deep", "x%u.y.wild", "www.dn"};
	char first[32];
	snprintf(first, sizeof first, prefix[ret->kind], n);
	snprintf(ret->name, sizeof ret->name, "%s.%s", first, domain);
}

const char *plan_wrong(const struct asked *asked, const struct resolve_result *result)
{
	bool denies = asked->kind == ASK_NOTHING || asked->kind == ASK_EMPTY;
	bool leads_away = asked->kind == ASK_ALIAS || asked->kind == ASK_DNAME;
	unsigned domain = leads_away ? domain_alias(asked->domain) : asked->domain;
	const uint8_t want[4] = {192, 0, 2, (uint8_t)(domain + 1)};
	if (result->rcode != (asked->kind == ASK_NOTHING ? WIRE_RCODE_NXDOMAIN : WIRE_RCODE_NOERROR))
		return "the wrong RCODE";
	bool stale = result->reason == REASON_STALE || result->reason == REASON_STALE_NXDOMAIN; /* not proved anew */
	if (result->authentic != (domain_is_signed(asked->domain) && domain_is_signed(domain) && !stale))
		return result->authentic ? "authentic, though nobody signed it" : "not authentic, though all is signed";
	const struct wire_rrset *found = NULL;
	for (size_t i = 0; i < result->n_answer; i++) {
		const struct wire_rrset *set = &result->answer[i];
		if (set->type != WIRE_TYPE_A)
			continue;
		if (found != NULL || set->count != 1 || set->rdata[0].len != 4)
			return "not one address";
		found = set;
	}
	if (denies)
		return result->n_answer == 0 ? NULL : "records where there are none";
	if (found == NULL)
		return "no address";
	return memcmp(found->rdata[0].data, want, 4) == 0 ? NULL : "the address of somebody else";
}
