// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * make - the other half of dnssec/: keys, and what they make.
 *
 * A room of dnssec/: keys in memory (or elsewhere, behind a function), DS records, signatures, the NSEC and NSEC3 chains, and the
 * dates by which a signature still holds or is made anew. Nothing here reads a file, a socket or the clock: the time is an
 * argument. What a whole zone is signed with at one moment is struct make_signing; publish/ walks the zone.
 * A key may be used by several threads at once.
 *
 * Example:
 *
 *	struct make_key *key;
 *	if (make_key_generate(DNSSEC_ECDSAP256SHA256, 0, MAKE_FLAGS_ZSK, &key) == 0) {
 *		_cleanup_(buffer_done) struct buffer rrsig = {0};
 *		rc = make_rrsig(&set, key, apex, now - 3600, now + 14 * 86400, &rrsig);
 *		make_key_free(key);
 *	}
 */
#pragma once

#include "dnssec/dnssec.h"

#define MAKE_FLAGS_ZSK   0x0100 /* RFC 4034 section 2.1.1: a zone key */
#define MAKE_FLAGS_KSK   0x0101 /* and a secure entry point */
#define MAKE_FLAG_REVOKE 0x0080 /* RFC 5011 section 2.1 */

#define MAKE_RSA_BITS_MIN 1024 /* RFC 5702 section 2.1 */
#define MAKE_RSA_BITS_MAX 4096 /* RFC 3110 section 2, and larger ones are refused by validators */
#define MAKE_RSA_BITS     2048 /* as the root's; when none are asked for */
#define MAKE_KEY_RDATA_MAX                                                                                             \
	(4 + 3 + MAKE_RSA_BITS_MAX / 8 + 8) /* flags to algorithm, exponent of at most 8 bytes, modulus */
#define MAKE_KEY_PEM_MAX      16384         /* bytes of text: a key of 4,096 bits has 3,300 */
#define MAKE_SIGNATURE_MAX    (MAKE_RSA_BITS_MAX / 8)
#define MAKE_RRSIG_MAX        (18 + WIRE_NAME_MAX + MAKE_SIGNATURE_MAX)
#define MAKE_DS_MAX           (4 + 48)   /* SHA-384 */
#define MAKE_BITMAP_MAX       (256 * 34) /* all windows of RFC 4034 section 4.1.2, all full */
#define MAKE_NSEC_MAX         (WIRE_NAME_MAX + MAKE_BITMAP_MAX)
#define MAKE_NSEC3_SALT_MAX   255
#define MAKE_NSEC3_MAX        (5 + MAKE_NSEC3_SALT_MAX + 21 + MAKE_BITMAP_MAX)
#define MAKE_NSEC3_LABEL_SIZE 32 /* base32hex of 20 bytes */

/* ---- keys ------------------------------------------------------------------------------------
 * A DNSKEY with its private half in memory, elsewhere, or nowhere. */
struct make_key;

/* Can keys of this algorithm be made and used here: 8, 10, 13, 14, 15, 16? */
bool make_algorithm_supported(uint8_t algorithm);
/* A new key. `bits` is for RSA alone: 0 = MAKE_RSA_BITS. BANYAN_EUNSUPP (algorithm), BANYAN_EINVAL (bits, flags). */
int make_key_generate(uint8_t algorithm, unsigned bits, uint16_t flags, struct make_key **ret) _must_use_;
/* From PKCS#8 (or what else libcrypto reads) as PEM without a password. BANYAN_EMALF: no such key; BANYAN_EINVAL: one of another algorithm;
 * BANYAN_EACCES: it is locked by a password. */
int make_key_from_pem(const char *text, size_t len, uint8_t algorithm, uint16_t flags, struct make_key **ret)
	_must_use_;
/* PKCS#8 as PEM, not locked. Appends. BANYAN_ENOENT: its private half is not here. */
int make_key_to_pem(const struct make_key *key, struct buffer *out) _must_use_;
/* From the text of a K*.private file of BIND (v1.2, v1.3) and the DNSKEY of its K*.key file. BANYAN_EMALF; BANYAN_EINVAL: the two do not belong
 * together. */
int make_key_from_bind(const char *text, size_t len, const uint8_t *rdata, size_t rdata_len, struct make_key **ret)
	_must_use_;
/* The text of a K*.private file. Appends. BANYAN_ENOENT: its private half is not here. */
int make_key_to_bind(const struct make_key *key, struct buffer *out) _must_use_;
/* The public half alone. BANYAN_EMALF, BANYAN_EUNSUPP. */
int make_key_from_rdata(const uint8_t *rdata, size_t len, struct make_key **ret) _must_use_;

/* A private half that is elsewhere: in a token, in another process. */
struct make_elsewhere {
	/* The signature over `data` as an RRSIG has it: r and s joined for ECDSA (RFC 6605 section 4). 0 or an error, which is passed on. */
	int (*sign)(void *ctx, const uint8_t *data, size_t len, uint8_t *out, size_t cap, size_t *ret_len);
	void (*done)(void *ctx); /* may be NULL; called once, when the last key that uses it is freed */
	void *ctx;
	bool parallel; /* may sign() be called by several threads at once? Otherwise one waits for the other. */
};
/* On success the key owns `elsewhere`. */
int make_key_elsewhere(const uint8_t *rdata, size_t len, const struct make_elsewhere *elsewhere, struct make_key **ret)
	_must_use_;

const uint8_t *make_key_rdata(const struct make_key *key, size_t *ret_len); /* of its DNSKEY */
uint16_t make_key_tag(const struct make_key *key);
uint8_t make_key_algorithm(const struct make_key *key);
uint16_t make_key_flags(const struct make_key *key);
bool make_key_can_sign(const struct make_key *key);
size_t make_key_signature_len(const struct make_key *key); /* bytes of each of its signatures */
/* The same key with the REVOKE bit, and so with another tag; it shares the private half. */
int make_key_revoked(const struct make_key *key, struct make_key **ret) _must_use_;
void make_key_free(struct make_key *key);

/* ---- records of one key ---------------------------------------------------------------------- */
/* RDATA of a DS (digest types 2 and 4; 1 for old parents); its length. BANYAN_EUNSUPP. A CDS has the same (RFC 7344 section 3.1), and a
 * CDNSKEY that of the DNSKEY. */
int make_ds(const uint8_t *owner, const uint8_t *dnskey_rdata, size_t len, uint8_t digest_type,
	    uint8_t out[MAKE_DS_MAX]) _must_use_;
#define MAKE_CDS_DELETE     "\0\0\0\0\0" /* RFC 8078 section 4: take all DS records away; 5 bytes */
#define MAKE_CDNSKEY_DELETE "\0\0\3\0\0" /* the same as a CDNSKEY; 5 bytes */

/* ---- signatures ------------------------------------------------------------------------------ */
/* RDATA of an RRSIG over `set`, which must be canonical (RFC 4034 section 6: zone_records() are), by `key` of the zone `signer`. Appends. Dates are
 * UNIX seconds. BANYAN_ENOENT: the key cannot sign; or what make_elsewhere.sign says. */
int make_rrsig(const struct wire_rrset *set, const struct make_key *key, const uint8_t *signer, int64_t inception,
	       int64_t expiration, struct buffer *out) _must_use_;

/* The same for many signatures: what libcrypto takes long to make is kept. One a thread. */
struct make_signer;
int make_signer_new(struct make_signer **ret) _must_use_;
void make_signer_free(struct make_signer *signer);
/* `out` holds make_rrsig_len() bytes. */
int make_signer_rrsig(struct make_signer *signer, const struct wire_rrset *set, const struct make_key *key,
		      const uint8_t *zone, int64_t inception, int64_t expiration, uint8_t *out, size_t *ret_len)
	_must_use_;
/* The RDATA up to the signature; its length. For who must know where a signature will stand before it can be made. */
size_t make_rrsig_head(const struct wire_rrset *set, const struct make_key *key, const uint8_t *zone, int64_t inception,
		       int64_t expiration, uint8_t *out);
size_t make_rrsig_len(const struct make_key *key, const uint8_t *zone);

/* ---- what a zone is signed with, at one moment ------------------------------------------------ */
struct make_zone_key {
	struct make_key *key;
	bool published;  /* stands in the DNSKEY set */
	bool signs_keys; /* signs DNSKEY, CDS and CDNSKEY */
	bool signs_data; /* signs all else */
};

struct make_rdata_list {
	size_t n;
	const struct wire_rdata *item;
};

/* A DNSKEY set that was signed where the KSK is. */
struct make_ready_dnskey {
	const char *name;                    /* where it comes from, for sentences; NULL = nobody says */
	uint32_t ttl;                        /* as it was signed */
	struct make_rdata_list keys, rrsigs; /* RDATAs */
};

enum make_denial { MAKE_NSEC, MAKE_NSEC3 };

#define MAKE_ZONEMD_SHA384 1 /* bits of make_signing.zonemd: scheme SIMPLE (RFC 8976) */
#define MAKE_ZONEMD_SHA512 2

#define MAKE_ZONE_KEYS_MAX 64 /* DNSSEC_KEYS_MAX: more are not checked by validators */

struct make_signing {
	const uint8_t *apex; /* NULL = the zone's; otherwise it must be the zone's */
	const struct make_zone_key *key;
	size_t n_keys;                    /* 0 and no ready_dnskey: the zone is not signed, but may be digested */
	struct make_rdata_list more_keys; /* DNSKEYs of other signers (RFC 8901): published, never signing */
	uint32_t dnskey_ttl;              /* of DNSKEY, CDS and CDNSKEY; 0 = that of the SOA */
	const struct make_ready_dnskey
		*ready_dnskey; /* or NULL; then it is the DNSKEY set, and `published` and more_keys are passed over */
	struct make_rdata_list cds, cdnskey; /* to be published */

	int64_t now;
	int64_t hold_until;          /* a version with dates: until then each signature must hold; 0 = now is enough */
	uint32_t validity_s;         /* from now to the expiration, without jitter */
	uint32_t validity_dnskey_s;  /* the same of what keys that sign keys make; 0 = validity_s */
	uint32_t inception_before_s; /* how far before now signatures begin, for clocks that are behind */
	uint32_t refresh_s; /* signatures that end sooner than that are made anew; less than validity less jitter */
	uint32_t jitter_s;  /* expirations are spread over so much time, each set at its own place */
	uint64_t jitter_seed;

	enum make_denial denial;
	struct {
		uint16_t iterations; /* RFC 9276 section 3.1: 0 */
		uint8_t salt_len;    /* the same: 0 */
		const uint8_t *salt;
		bool opt_out;
	} nsec3;
	unsigned zonemd;  /* bits MAKE_ZONEMD_...; 0 = none */
	unsigned threads; /* 0 = one a CPU */
};

/* When a signature made now over this set by this key ends. */
int64_t make_expiration(const struct make_signing *signing, const uint8_t *owner, uint16_t type,
			const struct make_key *key);
/* Does an RRSIG of the version before still hold for an unchanged set: dates, labels, signer, original TTL, and the tag and algorithm of `key`?
 * *ret_expiration is then when it ends. Whether this very key made it is another question: tags are not unique. */
bool make_rrsig_holds(const struct make_signing *signing, const uint8_t *apex, const struct wire_rrset *set,
		      const struct make_key *key, const struct wire_rdata *rrsig, int64_t *ret_expiration);

/* ---- denial ---------------------------------------------------------------------------------- */
/* A bitmap of types (ascending, doubles allowed); its length. */
size_t make_bitmap(const uint16_t *type, size_t n, uint8_t out[MAKE_BITMAP_MAX]);

/* One name of an NSEC3 chain. */
struct make_nsec3_name {
	uint8_t hash[20];
	const uint8_t *name;
	size_t index; /* the caller's */
};
/* Hashes all names, on `threads` threads, and brings them into the order of their hashes. BANYAN_EEXIST: two names have one hash. BANYAN_ELIMIT:
 * too many iterations. */
int make_nsec3_chain(const struct make_signing *signing, struct make_nsec3_name *name, size_t n) _must_use_;
/* "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom" + apex, in lower case; its length. BANYAN_ESPACE. */
int make_nsec3_owner(const uint8_t hash[20], const uint8_t *apex, uint8_t out[WIRE_NAME_MAX]) _must_use_;
/* RDATA up to the bitmap; its length. */
size_t make_nsec3_head(const struct make_signing *signing, const uint8_t next[20], uint8_t *out);
/* RDATA of the NSEC3PARAM (flags 0, RFC 5155 section 4.1.2); its length. */
size_t make_nsec3param(const struct make_signing *signing, uint8_t out[5 + MAKE_NSEC3_SALT_MAX]);
