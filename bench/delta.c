// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What versions of a zone cost on the wire, each after the other. The archive of the root has all records but the RRSIGs; they are put in with the
 * times and key tags that they had, and with random bytes for signatures, since what a signature costs does not depend on whether it is good.
 *
 *	delta EVERY FILE...       the versions in order, from master files; costly measures for each EVERY-th only
 *	delta signed FILE...      versions that have their signatures
 *
 * One line a version: see print_line(). bench/delta.py makes the table.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "sync/files/files.h"

#define SIGNATURE_SIZE 256   /* RSA-2048 */
#define MESSAGE_MAX    16384 /* of a transfer: pointers reach no further, so larger ones cost more */
#define SUFFIXES_MAX   8192  /* of the names in one message */
#define DELTAS         10    /* kept by the publisher */
#define PUBLISHED_S    3600  /* after its inception a version is there */

static const uint8_t root[] = "";

static void die(const char *what)
{
	fprintf(stderr, "delta: %s\n", what);
	exit(1);
}

struct version {
	struct zone *zone;
	struct buffer wire;
	uint32_t serial, inception;
	int64_t first_expiry;
	size_t signatures;
};

/* ---- signing ---- */

static void sign_set(struct zone_maker *maker, const struct wire_rrset *set, const struct wire_rdata *like,
		     struct random *random)
{
	uint8_t rdata[19 + SIGNATURE_SIZE];
	memcpy(rdata, like->data, 19); /* times, key tag, the signer: the root */
	wire_put16(rdata, set->type);
	rdata[3] = (uint8_t)wire_name_labels(set->owner);
	wire_put32(rdata + 4, set->ttl);
	random_bytes(random, rdata + 19, SIGNATURE_SIZE);
	if (zone_maker_add(maker, set->owner, WIRE_TYPE_RRSIG, set->ttl, rdata, sizeof rdata) < 0)
		die("out of memory");
}

/* What the root signs: all at the apex, DS and NSEC elsewhere. */
static bool is_signed(const struct zone_node *node, uint16_t type)
{
	return (node->flags & ZONE_NODE_APEX) != 0 || type == WIRE_TYPE_DS || type == WIRE_TYPE_NSEC;
}

static struct zone *zone_signed(const struct zone *zone)
{
	struct zone_maker *maker;
	struct zone *ret;
	struct random random;
	const struct wire_rrset *soa = zone_node_sigs(zone, &zone->node[0], WIRE_TYPE_SOA);
	if (soa == NULL || soa->rdata[0].len != 19 + SIGNATURE_SIZE || zone_maker_new(zone->apex, "signed", &maker) < 0)
		die("a version without a signature over its SOA");
	random_init_seed(&random, zone->serial);
	for (size_t i = 0; i < zone->n_nodes; i++)
		for (uint32_t s = 0; s < zone->node[i].n_sets; s++) {
			const struct wire_rrset *set = &zone->set[zone->node[i].first_set + s];
			for (uint32_t k = 0; k < set->count; k++)
				if (zone_maker_add(maker, set->owner, set->type, set->ttl, set->rdata[k].data,
						   set->rdata[k].len) < 0)
					die("out of memory");
			if (set->type != WIRE_TYPE_RRSIG && is_signed(&zone->node[i], set->type) &&
			    zone_node_sigs(zone, &zone->node[i], set->type) == NULL)
				sign_set(maker, set, &soa->rdata[0], &random);
		}
	if (zone_maker_finish(maker, &ret) < 0)
		die("out of memory");
	return ret;
}

static void version_read(const char *path, bool sign, struct version *ret)
{
	struct zone_read_settings settings = {.origin = root};
	struct zone_error error;
	struct zone *zone;
	if (zone_read_file(path, &settings, NULL, NULL, &zone, &error) < 0)
		die(error.text);
	*ret = (struct version){.zone = sign ? zone_signed(zone) : zone, .serial = zone->serial};
	if (sign)
		zone_free(zone);
	if (zone_write_wire(ret->zone, &ret->wire) < 0)
		die("out of memory");
	const struct wire_rrset *soa = zone_node_sigs(ret->zone, &ret->zone->node[0], WIRE_TYPE_SOA);
	ret->inception = wire_get32(soa->rdata[0].data + 12);
	for (size_t i = 0; i < ret->zone->n_sets; i++)
		for (uint32_t k = 0; ret->zone->set[i].type == WIRE_TYPE_RRSIG && k < ret->zone->set[i].count; k++) {
			int64_t expiry = wire_get32(ret->zone->set[i].rdata[k].data + 8);
			ret->signatures++;
			if (ret->first_expiry == 0 || expiry < ret->first_expiry)
				ret->first_expiry = expiry;
		}
}

static void version_done(struct version *version)
{
	zone_free(version->zone);
	buffer_done(&version->wire);
}

/* ---- transfers: messages of records with compressed names ---- */

struct packer {
	size_t total; /* of the messages before, with their two bytes of length */
	size_t len;
	uint8_t msg[MESSAGE_MAX];
	size_t n;
	uint16_t suffix[SUFFIXES_MAX]; /* offsets of names that may be pointed to */
	uint16_t slot[4 * SUFFIXES_MAX];
};

static void packer_begin(struct packer *p)
{
	p->len = 12 + 5; /* header, question for the root */
	p->n = 0;
	memset(p->slot, 0, sizeof p->slot);
}

static bool suffix_is(const struct packer *p, size_t at, const uint8_t *name)
{
	for (;;) {
		while (p->msg[at] >= 0xc0)
			at = (size_t)wire_get16(p->msg + at) & 0x3fff;
		if (p->msg[at] != name[0] || memcmp(p->msg + at, name, (size_t)name[0] + 1) != 0)
			return false;
		if (name[0] == 0)
			return true;
		at += (size_t)name[0] + 1;
		name += (size_t)name[0] + 1;
	}
}

static size_t slot_of(const struct packer *p, const uint8_t *name)
{
	static const uint8_t key[16];
	size_t i = hash_quick(name, wire_name_len(name), key) % ARRAY_SIZE(p->slot);
	while (p->slot[i] != 0 && !suffix_is(p, p->slot[i], name))
		i = (i + 1) % ARRAY_SIZE(p->slot);
	return i;
}

static void put_name(struct packer *p, const uint8_t *name)
{
	size_t begin = p->len;
	const uint8_t *rest = name;
	for (; rest[0] != 0; rest += (size_t)rest[0] + 1) {
		size_t slot = slot_of(p, rest);
		if (p->slot[slot] != 0) {
			wire_put16(p->msg + p->len, (uint16_t)(0xc000 | p->slot[slot]));
			p->len += 2;
			break;
		}
		memcpy(p->msg + p->len, rest, (size_t)rest[0] + 1);
		p->len += (size_t)rest[0] + 1;
	}
	if (rest[0] == 0)
		p->msg[p->len++] = 0;
	for (; name != rest && p->n < SUFFIXES_MAX; name += (size_t)name[0] + 1, p->n++) {
		p->slot[slot_of(p, name)] = (uint16_t)begin;
		begin += (size_t)name[0] + 1;
	}
}

/* Names in data that RFC 3597 section 4 lets compress; the root has no others. */
static unsigned names_in(uint16_t type)
{
	return type == WIRE_TYPE_NS ? 1 : type == WIRE_TYPE_SOA ? 2 : 0;
}

static void put_record(struct packer *p, const struct wire_rrset *set, const struct wire_rdata *rdata)
{
	if (p->len + WIRE_NAME_MAX + 10 + rdata->len > MESSAGE_MAX) {
		p->total += p->len + 2;
		packer_begin(p);
	}
	put_name(p, set->owner);
	memset(p->msg + p->len, 0, 10);
	p->len += 10;
	size_t at = 0;
	for (unsigned n = names_in(set->type); n > 0; n--) {
		put_name(p, rdata->data + at);
		at += wire_name_len(rdata->data + at);
	}
	memcpy(p->msg + p->len, rdata->data + at, rdata->len - at);
	p->len += rdata->len - at;
}

static size_t packer_end(struct packer *p)
{
	return p->total + p->len + 2;
}

static const struct wire_rrset *soa_of(const struct zone *zone)
{
	return zone_node_set(zone, &zone->node[0], WIRE_TYPE_SOA);
}

static size_t axfr_len(const struct zone *zone)
{
	static struct packer p;
	const struct wire_rrset *soa = soa_of(zone);
	p.total = 0;
	packer_begin(&p);
	put_record(&p, soa, &soa->rdata[0]);
	for (size_t i = 0; i < zone->n_sets; i++)
		for (uint32_t k = 0; &zone->set[i] != soa && k < zone->set[i].count; k++)
			put_record(&p, &zone->set[i], &zone->set[i].rdata[k]);
	put_record(&p, soa, &soa->rdata[0]);
	return packer_end(&p);
}

/* Records of `a` that are not in `b`. */
static void put_missing(struct packer *p, const struct zone *a, const struct zone *b)
{
	for (size_t n = 0; n < a->n_nodes; n++) {
		const struct zone_node *other = zone_find(b, a->node[n].name);
		for (uint32_t s = 0; s < a->node[n].n_sets; s++) {
			const struct wire_rrset *set = &a->set[a->node[n].first_set + s], *same = NULL;
			if (set->type == WIRE_TYPE_SOA)
				continue;
			if (other != NULL)
				same = set->type == WIRE_TYPE_RRSIG
					       ? zone_node_sigs(b, other, wire_get16(set->rdata[0].data))
					       : zone_node_set(b, other, set->type);
			for (uint32_t k = 0; k < set->count; k++) {
				bool found = false;
				for (uint32_t j = 0; same != NULL && j < same->count && !found; j++)
					found = same->ttl == set->ttl &&
						wire_rdata_cmp(&same->rdata[j], &set->rdata[k]) == 0;
				if (!found)
					put_record(p, set, &set->rdata[k]);
			}
		}
	}
}

static size_t ixfr_len(const struct zone *old, const struct zone *now)
{
	static struct packer p;
	const struct wire_rrset *before = soa_of(old), *after = soa_of(now);
	p.total = 0;
	packer_begin(&p);
	put_record(&p, after, &after->rdata[0]);
	put_record(&p, before, &before->rdata[0]);
	put_missing(&p, old, now);
	put_record(&p, after, &after->rdata[0]);
	put_missing(&p, now, old);
	put_record(&p, after, &after->rdata[0]);
	return packer_end(&p);
}

/* ---- packing ---- */

static size_t zstd_len(const struct buffer *data, const struct buffer *from)
{
	size_t cap = ZSTD_compressBound(data->len);
	void *out = malloc(cap);
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, 19);
	if (from != NULL) { /* as zstd -19 --patch-from does */
		ZSTD_CCtx_setParameter(ctx, ZSTD_c_windowLog, 22);
		ZSTD_CCtx_setParameter(ctx, ZSTD_c_enableLongDistanceMatching, 1);
		ZSTD_CCtx_refPrefix(ctx, from->data, from->len);
	}
	size_t n = ZSTD_compress2(ctx, out, cap, data->data, data->len);
	ZSTD_freeCCtx(ctx);
	free(out);
	if (ZSTD_isError(n))
		die("zstd");
	return n;
}

static size_t gzip_len(const struct buffer *data)
{
	uLongf n = compressBound(data->len);
	void *out = malloc(n);
	if (compress2(out, &n, data->data, data->len, 9) != Z_OK)
		die("zlib");
	free(out);
	return n + 12; /* header and trailer of gzip for those of zlib */
}

static struct buffer text_of(const struct version *version)
{
	struct buffer text = {0};
	if (files_text(root, version->wire.data, version->wire.len, &text) < 0)
		die("no text");
	return text;
}

/* ---- the peer that keeps versions whose content is unchanged ---- */

struct peer {
	struct version held;
	uint32_t recent[DELTAS]; /* serials before the newest */
	size_t n_recent;
	uint32_t unchanged_since;
	size_t fetches, deltas;
	uint64_t bytes;
};

static bool is_recent(const struct peer *peer, uint32_t serial)
{
	for (size_t i = 0; i < peer->n_recent; i++)
		if (peer->recent[i] == serial)
			return true;
	return false;
}

/* The peer looks at the pointer at `now`, when `newest` is what is published. Returns the bytes it fetches; `newest` is read anew if it does. */
static size_t peer_look(struct peer *peer, const struct version *newest, int64_t now, bool keep)
{
	static struct files_pointer pointer;
	struct buffer delta = {0};
	pointer = (struct files_pointer){.serial = newest->serial,
					 .unchanged_since = peer->unchanged_since,
					 .made = now,
					 .fresh_until = now + 1,
					 .is_signed = true};
	pointer.wire.size = 1U << 30; /* larger than any delta */
	if (is_recent(peer, peer->held.serial)) {
		pointer.n_deltas = 1;
		pointer.delta[0].from = peer->held.serial;
	}
	struct files_held held = {
		.have = peer->held.zone != NULL, .serial = peer->held.serial, .first_expiry = peer->held.first_expiry};
	struct files_choice choice = {.keep_unchanged = keep};
	struct files_decision decision = files_decide(&pointer, &held, &choice, now);
	if (decision.verdict != FILES_FETCH)
		return 0;
	size_t bytes = 0;
	if (decision.is_delta) {
		if (zone_delta_make(peer->held.wire.data, peer->held.wire.len, newest->wire.data, newest->wire.len,
				    &delta) < 0)
			die("no delta");
		bytes = delta.len;
		buffer_done(&delta);
	} else {
		bytes = zstd_len(&newest->wire, NULL);
	}
	peer->fetches++;
	peer->deltas += decision.is_delta;
	peer->bytes += bytes;
	return bytes;
}

static void peer_hold(struct peer *peer, const char *path, bool sign)
{
	version_done(&peer->held);
	version_read(path, sign, &peer->held);
}

static void peer_publish(struct peer *peer, const struct version *before, const struct version *now)
{
	memmove(peer->recent + 1, peer->recent, sizeof peer->recent - sizeof peer->recent[0]);
	peer->recent[0] = before->serial;
	peer->n_recent += peer->n_recent < DELTAS;
	if (!zone_wire_same_content(before->wire.data, before->wire.len, now->wire.data, now->wire.len))
		peer->unchanged_since = now->serial;
}

/* ---- */

static void print_line(const struct version *old, const struct version *now, bool costly, size_t kept_bytes)
{
	struct buffer delta = {0}, again = {0};
	struct zone_error error;
	if (zone_delta_make(old->wire.data, old->wire.len, now->wire.data, now->wire.len, &delta) < 0)
		die("no delta");
	if (zone_delta_apply("delta", old->wire.data, old->wire.len, delta.data, delta.len, 0, &again, &error) < 0)
		die(error.text);
	if (again.len != now->wire.len || memcmp(again.data, now->wire.data, again.len) != 0)
		die("the delta made another zone");
	printf("%u,%u,%u,%zu,%zu,%zu,%zu,%zu,%d,%zu", old->serial, now->serial, now->inception, now->signatures,
	       now->wire.len, delta.len, axfr_len(now->zone), ixfr_len(old->zone, now->zone),
	       zone_wire_same_content(old->wire.data, old->wire.len, now->wire.data, now->wire.len), kept_bytes);
	if (costly) {
		struct buffer text = text_of(now), before = text_of(old);
		printf(",%zu,%zu,%zu,%zu,%zu,%zu", text.len, gzip_len(&text), zstd_len(&text, NULL),
		       zstd_len(&now->wire, NULL), zstd_len(&now->wire, &old->wire), zstd_len(&text, &before));
		buffer_done(&text);
		buffer_done(&before);
	}
	printf("\n");
	fflush(stdout);
	buffer_done(&delta);
	buffer_done(&again);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		die("usage: delta EVERY|signed FILE...");
	bool sign = strcmp(argv[1], "signed") != 0;
	int every = sign ? atoi(argv[1]) : 1;
	struct version old, now;
	struct peer peer = {0};
	printf("from,to,inception,signatures,wire,delta,axfr,ixfr,same,kept,text,gzip,zstd_text,zstd_wire,patch_wire,"
	       "patch_text\n");
	version_read(argv[2], sign, &old);
	peer.unchanged_since = old.serial;
	peer_hold(&peer, argv[2], sign);
	for (int i = 3; i < argc; i++) {
		size_t kept = 0;
		version_read(argv[i], sign, &now);
		/* signatures age between two versions, too */
		int64_t published = (int64_t)now.inception + PUBLISHED_S,
			aged = peer.held.first_expiry - FILES_MARGIN_S;
		if (aged < published && peer.held.serial != old.serial) {
			kept = peer_look(&peer, &old, aged, true);
			peer_hold(&peer, argv[i - 1], sign);
		}
		peer_publish(&peer, &old, &now);
		size_t more = peer_look(&peer, &now, published, true);
		if (more > 0)
			peer_hold(&peer, argv[i], sign);
		print_line(&old, &now, every > 0 && (i - 3) % every == 0, kept + more);
		version_done(&old);
		old = now;
	}
	fprintf(stderr, "a peer that keeps unchanged content: %zu fetches, %zu of them by delta, %" PRIu64 " bytes\n",
		peer.fetches, peer.deltas, peer.bytes);
	version_done(&old);
	version_done(&peer.held);
	return 0;
}
