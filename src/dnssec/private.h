// SPDX-License-Identifier: GPL-3.0-or-later
/* dnssec, private: keys, parsed signatures, the state of one check of a zone. */
#pragma once

#include <openssl/evp.h>

#include "dnssec.h"
#include "ecdsa.h"

#define DNSSEC_FLAG_ZONE        0x0100 /* RFC 4034 section 2.1.1 */
#define DNSSEC_FLAG_REVOKE      0x0080 /* RFC 5011 section 2.1 */
#define DNSSEC_RSA_BITS_MIN     512    /* RFC 3110 and RFC 5702 allow no smaller key */
#define DNSSEC_RSA_BITS_MAX     4096   /* the same; larger ones also cost too much */
#define DNSSEC_RSA_EXPONENT_MAX 8      /* bytes: real ones have 1 or 3; a long one makes each check slow */
#define NSEC3_HASH_SIZE         20     /* SHA-1, the only hash of RFC 5155 */
#define NSEC3_HASH_SHA1         1
#define NSEC3_OPT_OUT           1  /* the only flag there is */
#define RRSIG_FIXED_SIZE        18 /* RRSIG RDATA before the signer's name (RFC 4034 section 3.1) */

struct dnssec_key {
	uint64_t id;            /* unique in the process, unlike the address of a key that is freed */
	EVP_PKEY *pkey;         /* NULL for ECDSA */
	struct ecdsa_key ecdsa; /* of ECDSA */
	const EVP_MD *md;       /* NULL for the Edwards curves, which take the message itself */
	uint16_t flags, tag;
	uint8_t algorithm;
	uint8_t coordinate; /* bytes of r and s of ECDSA; 0 for others */
};

/* Fields of one RRSIG RDATA; pointers into it. */
struct rrsig {
	uint16_t covered, tag;
	uint8_t algorithm, labels;
	uint32_t original_ttl, expiration, inception;
	const uint8_t *signer, *signature;
	uint16_t signer_len, signature_len;
};

int rrsig_parse(const struct wire_rdata *rdata, struct rrsig *ret) _must_use_;
/* RFC 1982 arithmetic: the moment nearest to `now` that has these 32 bits (RFC 4034 section 3.1.5). */
int64_t rrsig_time(uint32_t stamp, int64_t now);
/* Labels of an owner as the labels field counts them: without root and leading "*" (RFC 4034 section 3.1.3). */
unsigned rrsig_labels(const uint8_t *owner);
/* REASON_NONE, or why a signature of this time cannot count. */
enum reason rrsig_time_check(const struct rrsig *sig, int64_t now);

/* What is signed (RFC 4034 section 3.1.8.1), laid out in `out`: `head` is the RRSIG's RDATA up to the signature, `labels` its field. */
int rrsig_signed_data(struct buffer *out, const struct wire_rrset *set, const uint8_t *head, size_t head_len,
		      unsigned labels) _must_use_;

/* What verifies: contexts that libcrypto takes long to make, kept for the next signature. One a thread. */
#define VERIFIER_SLOTS 8
struct verifier {
	EVP_MD_CTX *md_ctx;
	struct verifier_slot {
		uint64_t key; /* its id */
		EVP_PKEY_CTX *ctx;
	} slot[VERIFIER_SLOTS];
	unsigned next_slot;
	struct ecdsa_scratch ecdsa;
	struct buffer data;
};

void verifier_done(struct verifier *verifier);
/* What `sig` (parsed from `rrsig`) says that it was made over, into verifier->data. */
int verifier_data(struct verifier *verifier, const struct wire_rrset *set, const struct wire_rdata *rrsig,
		  const struct rrsig *sig) _must_use_;
/* Does it verify over verifier->data? 0, BANYAN_EPROOF or another error. */
int verifier_compute(struct verifier *verifier, const struct rrsig *sig, const struct dnssec_key *key) _must_use_;
/* Both: does it verify over `set`? No other check is made. */
int verifier_check(struct verifier *verifier, const struct wire_rrset *set, const struct wire_rdata *rrsig,
		   const struct rrsig *sig, const struct dnssec_key *key) _must_use_;

/* Stands for one key, one signature and the data that it was made over. */
struct memo_sum {
	uint8_t byte[32];
};
int memo_sum(EVP_MD_CTX *ctx, const struct wire_rdata *key, const struct rrsig *sig, const struct buffer *data,
	     struct memo_sum *ret) _must_use_;
bool memo_has(const struct dnssec_memo *memo, const struct memo_sum *sum);
/* These and no others; a sum of zeros stands for none. */
int memo_replace(struct dnssec_memo *memo, const struct memo_sum *sums, size_t n) _must_use_;

/* Digests by their numbers, fetched once a process. */
enum digest { DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512, DIGEST_COUNT };
const EVP_MD *digest_md(enum digest digest);
/* Decodes a label of 32 base32hex digits (RFC 4648 section 7). */
bool nsec3_label_decode(const uint8_t *label, uint8_t out[NSEC3_HASH_SIZE]);
int nsec3_hash(EVP_MD_CTX *ctx, const uint8_t *name, uint16_t iterations, const uint8_t *salt, uint8_t salt_len,
	       uint8_t out[NSEC3_HASH_SIZE]) _must_use_;

/* ---- a check of a zone ---- */
enum check_name_flag {
	NAME_APEX = 1,
	NAME_CUT = 2,
	NAME_BELOW = 4,       /* below a cut: not authoritative */
	NAME_UNDER_DNAME = 8, /* hidden by a DNAME; signers differ in whether they sign it (RFC 6672 section 2.4) */
	NAME_NSEC3_ONLY = 16, /* the owner of an NSEC3 record */
	NAME_HAS_NSEC = 32,
	NAME_HAS_DS = 64,
	NAME_HAS_DNAME = 128,
};

struct check_name {
	const uint8_t *owner;
	size_t first; /* index of its first RRset */
	uint32_t count, flags;
};

/* What the signatures over an RRset amount to; a higher one wins. */
enum set_state { SET_UNSIGNED, SET_UNSUPPORTED, SET_FAULTY, SET_GOOD };

/* One RRSIG to verify. */
struct check_job {
	size_t sigs, covered; /* indices of RRsets; covered SIZE_MAX = there is none */
	uint32_t item;        /* which RDATA of `sigs` */
	uint16_t reason;      /* result: enum reason, NONE = good */
	uint16_t key;         /* index of the key that verified it */
	bool early;           /* its algorithm has no key in the zone: see job_find_key() */
	bool unsupported;     /* could not be checked: counts for nothing */
	bool pending;         /* must be computed */
	bool known;           /* was computed for an earlier check: it is in the memo */
};

struct check_key {
	struct dnssec_key *key; /* NULL: not usable */
	struct wire_rdata rdata;
	uint16_t flags, tag;
	uint8_t algorithm;
	bool anchored;
};

struct check {
	const struct dnssec_zone_check *in;
	struct dnssec_zone_result *out;
	const struct dnssec_records *records;
	struct check_name *name;
	size_t n_names;
	struct check_job *job;
	struct memo_sum *sum; /* one a job, zeros for what is not good; NULL without a memo */
	size_t n_jobs, jobs_per_block;
	struct check_key key[DNSSEC_KEYS_MAX];
	size_t n_keys;
	size_t soa, dnskey, zonemd, nsec3param; /* indices of apex RRsets, SIZE_MAX = none */
	bool has_nsec, has_nsec3;
	bool apex_denies_zonemd, apex_claims_zonemd; /* what the signed bitmap of the apex says */
	bool at_soa[256];                            /* algorithms that have signed the SOA */
	uint8_t *state;                              /* for each RRset: enum set_state */
	struct {
		bool wanted, done;
		uint8_t value[64];
		size_t len;
		int error;
	} digest[2]; /* SHA-384, SHA-512 */
};

#define NO_INDEX SIZE_MAX

static inline void check_set(const struct check *c, size_t index, struct wire_rrset *ret)
{
	c->records->get(c->records->ctx, index, ret);
}

static inline bool name_authoritative(const struct check_name *name)
{
	return (name->flags & (NAME_BELOW | NAME_NSEC3_ONLY)) == 0 &&
	       ((name->flags & NAME_UNDER_DNAME) == 0 || (name->flags & NAME_HAS_NSEC) != 0);
}

/* Tells a finding. `owner` may be NULL, `index` NO_INDEX. */
void check_report(struct check *c, bool fatal, enum reason reason, const uint8_t *owner, uint16_t type, size_t index,
		  const char *format, ...) _printf_(7, 8);
/* The types at a name as an NSEC or NSEC3 bitmap must show them; returns the bitmap's length. `map` holds BITMAP_MAX bytes. */
#define BITMAP_MAX (256 * 34)
size_t check_bitmap(const struct check *c, const struct check_name *name, uint8_t map[BITMAP_MAX]);
/* Compares and reports; `index` is the RRset of the NSEC or NSEC3. */
void check_bitmap_compare(struct check *c, const uint8_t *owner, uint16_t type, size_t index, const uint8_t *is,
			  size_t is_len, const uint8_t *must, size_t must_len);

void check_keys_load(struct check *c);
void check_keys_done(struct check *c);
void check_anchors(struct check *c);
int check_jobs_make(struct check *c) _must_use_;
int check_jobs_run(struct check *c) _must_use_;
void check_jobs_report(struct check *c);
void check_nsec(struct check *c);
int check_nsec3(struct check *c) _must_use_;
void check_zonemd_plan(struct check *c);               /* which digests are needed */
int check_zonemd_run(struct check *c, unsigned which); /* computes one of them */
void check_zonemd(struct check *c);                    /* judges */
