// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * dnssec - signatures, denial and digests, checked.
 *
 * A zone's records arrive as a table of RRsets in canonical order (RFC 4034 section 6) through
 * struct dnssec_records, so that the signatures can be shared out among threads; nothing here reads
 * a file, a socket or the clock: the time is an argument. What is found is told to a reporter, one
 * finding a fault, each with a stable reason. Called by zone/ (proving a zone) and resolve/ (proving a reply).
 *
 * Example:
 *
 *	struct dnssec_anchors anchors = { 0 };
 *	dnssec_anchors_builtin(&anchors);
 *	struct dnssec_zone_check check = { .records = records, .apex = apex, .anchors = &anchors, .now = now,
 *					   .report = on_finding, .report_ctx = ctx };
 *	struct dnssec_zone_result result;
 *	if (dnssec_zone_check(&check, &result) == 0 && result.proved) ...
 */
#pragma once

#include "wire/wire.h"

enum dnssec_algorithm {
	DNSSEC_RSASHA1 = 5,
	DNSSEC_RSASHA1_NSEC3 = 7,
	DNSSEC_RSASHA256 = 8,
	DNSSEC_RSASHA512 = 10,
	DNSSEC_ECDSAP256SHA256 = 13,
	DNSSEC_ECDSAP384SHA384 = 14,
	DNSSEC_ED25519 = 15,
	DNSSEC_ED448 = 16,
};

#define DNSSEC_ANCHORS_MAX          64 /* per zone: rolls need two or three, a generous list a dozen */
#define DNSSEC_NSEC3_ITERATIONS_MAX 50 /* RFC 9276 section 3.2: above it, not proved */
#define DNSSEC_KEYS_MAX             64 /* DNSKEYs of one zone that are tried */
#define DNSSEC_SIGS_PER_SET_MAX     16 /* RRSIGs tried over one RRset (KeyTrap, CVE-2023-50387) */

/* ---- trust anchors ---- */
struct dnssec_anchor {
	uint8_t owner[WIRE_NAME_MAX];
	uint16_t type; /* WIRE_TYPE_DS or WIRE_TYPE_DNSKEY */
	uint16_t len;
	uint8_t rdata[1024];
};
struct dnssec_anchors {
	size_t count;
	struct dnssec_anchor *item; /* malloced */
};
int dnssec_anchors_builtin(struct dnssec_anchors *anchors) _must_use_; /* root KSKs 20326 and 38696, as DS */
int dnssec_anchors_add(struct dnssec_anchors *anchors, const uint8_t *owner, uint16_t type,
		       const struct wire_rdata *rdata) _must_use_;
void dnssec_anchors_done(struct dnssec_anchors *anchors);

/* ---- keys, signatures, digests of one record ---- */
uint16_t dnssec_key_tag(const uint8_t *dnskey_rdata, size_t len); /* RFC 4034 appendix B */
bool dnssec_algorithm_supported(uint8_t algorithm);
const char *dnssec_algorithm_text(uint8_t algorithm); /* "RSASHA256", "unknown algorithm" */

struct dnssec_key; /* one parsed public key */
int dnssec_key_new(const uint8_t *dnskey_rdata, size_t len, struct dnssec_key **ret) _must_use_;
void dnssec_key_free(struct dnssec_key *key);

/* Does RRSIG `rrsig` by `key` verify over `set` at `now`? 0, or BANYAN_EPROOF with *ret_why. `set` must be canonical
 * (sorted, no duplicates); names in its RDATA lower-cased. `set->owner` is the name as it stands (wildcards are rebuilt
 * from the labels field). */
int dnssec_rrsig_verify(const struct wire_rrset *set, const struct wire_rdata *rrsig, struct dnssec_key *key,
			int64_t now, enum reason *ret_why) _must_use_;
/* Does the DS match the DNSKEY? 1, 0, or BANYAN_EUNSUPP (digest type). */
int dnssec_ds_match(const uint8_t *owner, const struct wire_rdata *ds, const struct wire_rdata *dnskey) _must_use_;
/* NSEC3 hash (RFC 5155 section 5), SHA-1; 20 bytes out. */
int dnssec_nsec3_hash(const uint8_t *name, uint16_t iterations, const uint8_t *salt, uint8_t salt_len, uint8_t out[20])
	_must_use_;

/* ---- a whole zone ---- */
/* All RRsets of a zone in canonical order and form, by index: `get` fills *ret (valid until the records go). The RRSIGs of
 * a name stand as one RRset per covered type, in ascending order of that type. */
struct dnssec_records {
	size_t count;
	void *ctx;
	void (*get)(void *ctx, size_t index, struct wire_rrset *ret);
};

struct dnssec_finding {
	enum reason reason;
	bool fatal;           /* does the proof fail by this alone? */
	const uint8_t *owner; /* may be NULL */
	uint16_t type;        /* 0 = none */
	size_t index;         /* RRset in the records; SIZE_MAX = none */
	char text[256];       /* details in words */
};

enum dnssec_zonemd_state {
	DNSSEC_ZONEMD_PROVED,
	DNSSEC_ZONEMD_ABSENT_PROVED,
	DNSSEC_ZONEMD_NOT_PROVED,
	DNSSEC_ZONEMD_UNSIGNED_OK
};

struct dnssec_zone_check {
	struct dnssec_records records;
	const uint8_t *apex;
	const struct dnssec_anchors *anchors;
	int64_t now;
	unsigned threads; /* 0 = one a CPU */
	bool digest_only; /* ZONEMD alone, no DNSSEC */
	bool require_zonemd;
	bool refuse_sha1; /* algorithms 5 and 7 count as unsupported (RFC 9905) */
	void (*report)(void *ctx, const struct dnssec_finding *finding); /* called from one thread, in record order */
	void *report_ctx;
};

struct dnssec_zone_result {
	bool proved;
	enum reason reason; /* the first fatal one */
	bool signed_zone;
	enum dnssec_zonemd_state zonemd;
	enum reason zonemd_reason;
	size_t rrsets, records, signatures, signatures_good;
	int64_t first_expiry, last_inception; /* UNIX seconds over all RRSIGs */
	size_t first_expiry_index;
	uint32_t serial;
	uint16_t anchor_tag; /* key tag of the anchor that held */
	bool nsec3, opt_out;
};
int dnssec_zone_check(const struct dnssec_zone_check *check, struct dnssec_zone_result *ret) _must_use_;
/* The digest alone: ZONEMD SIMPLE (RFC 8976 section 3.3.1); hash 1 = SHA-384, 2 = SHA-512. */
int dnssec_zonemd_compute(const struct dnssec_records *records, const uint8_t *apex, uint8_t hash, uint8_t out[64],
			  size_t *ret_len) _must_use_;
