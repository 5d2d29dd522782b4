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
	bool fixed; /* not to be rolled by RFC 5011 */
	uint8_t rdata[1024];
};
struct dnssec_anchors {
	size_t count;
	struct dnssec_anchor *item; /* malloced */
};
int dnssec_anchors_builtin(struct dnssec_anchors *anchors) _must_use_; /* root KSKs 20326 and 38696, as DS */
/* One that is there already is not added again. */
int dnssec_anchors_add(struct dnssec_anchors *anchors, const uint8_t *owner, uint16_t type,
		       const struct wire_rdata *rdata) _must_use_;
void dnssec_anchors_done(struct dnssec_anchors *anchors);

/* What is wrong with a text, and where; the text says it all ("file:line: ..."). */
struct dnssec_text_error {
	unsigned long line; /* 0 = the whole */
	char text[512];
};
/* Adds the anchors of a text: DS and DNSKEY records (TTL, class and final dot may lack; mnemonics, parentheses, comments),
 * trust-anchors, managed-keys and trusted-keys blocks of BIND, the auto-trust-anchor-file of Unbound (keys in the states
 * VALID and MISSING). `source` is its name in errors. BANYAN_ENOENT: there is none in it. */
int dnssec_anchors_parse(const char *source, const char *text, size_t len, struct dnssec_anchors *anchors,
			 struct dnssec_text_error *ret_error) _must_use_;
#define DNSSEC_XML_MAX                                                                                                 \
	((size_t)1 << 20) /* bytes of root-anchors.xml (2 kB in 2026), of its signature and of certificates */
/* The same for IANA's root-anchors.xml (RFC 9718): those that validFrom and validUntil allow at `now`. */
int dnssec_anchors_parse_xml(const char *source, const char *xml, size_t len, int64_t now,
			     struct dnssec_anchors *anchors, struct dnssec_text_error *ret_error) _must_use_;
struct dnssec_anchors_signature {
	const char *source;                   /* name of the signed file, in errors */
	const uint8_t *data, *signature, *ca; /* the file; CMS or PKCS #7 in DER; certificates in PEM or DER */
	size_t len, signature_len, ca_len;
	const char *
		email; /* whose signature it must be: "dnssec@iana.org"; NULL = anyone's that the authority certifies */
	int64_t now;
};
/* Is the file signed by whom it should be? 0, BANYAN_EPROOF, BANYAN_EMALF. */
int dnssec_anchors_check_signature(const struct dnssec_anchors_signature *signature,
				   struct dnssec_text_error *ret_error) _must_use_;

/* ---- keys, signatures, digests of one record ---- */
uint16_t dnssec_key_tag(const uint8_t *dnskey_rdata, size_t len); /* RFC 4034 appendix B */
bool dnssec_algorithm_supported(uint8_t algorithm);
const char *dnssec_algorithm_text(uint8_t algorithm); /* "RSASHA256", "unknown algorithm" */

/* Tables for keys that check again and again, which are then more than twice as fast: made by dnssec_tables_make(), on a thread
 * that may be busy for 25 ms, after `wanted` was called, on any thread. Set up before threads are started; without it there are
 * none. */
#define DNSSEC_TABLES_MAX 16 /* 150 kB each; the zones that most others hang from */
void dnssec_tables_setup(void (*wanted)(void *ctx), void *ctx);
size_t dnssec_tables_make(void); /* how many */

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

/* The signatures of the last zone that was checked with it: those that come again are not computed again. One check at a time. Dates, keys and
 * all else are judged anew. */
struct dnssec_memo;
struct dnssec_memo *dnssec_memo_new(void); /* NULL: out of memory */
void dnssec_memo_free(struct dnssec_memo *memo);
size_t dnssec_memo_count(const struct dnssec_memo *memo);

struct dnssec_zone_check {
	struct dnssec_records records;
	const uint8_t *apex;
	const struct dnssec_anchors *anchors;
	int64_t now;
	unsigned threads; /* 0 = one a CPU */
	bool digest_only; /* ZONEMD alone, no DNSSEC */
	bool require_zonemd;
	bool refuse_sha1;         /* algorithms 5 and 7 count as unsupported (RFC 9905) */
	bool known_only;          /* a key of the zone with an unknown algorithm is fatal */
	struct dnssec_memo *memo; /* NULL: everything is computed */
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
	size_t signatures_known;              /* of the good ones: found in the memo */
	int64_t first_expiry, last_inception; /* UNIX seconds over all RRSIGs */
	size_t first_expiry_index;
	uint32_t serial;
	uint16_t anchor_tag; /* key tag of the anchor that held */
	bool nsec3, opt_out;
};
int dnssec_zone_check(const struct dnssec_zone_check *check, struct dnssec_zone_result *ret) _must_use_;
/* A zone whose signatures all hold from `from` to `until` is proved but for its dates: by how many seconds is the clock off, that says
 * `now`? At least so many: < 0 = it is behind, > 0 = it is ahead (or the zone is an old one), 0 = nothing says so. */
static inline int64_t dnssec_clock_off(int64_t from, int64_t until, int64_t now)
{
	return now < from ? now - from : now > until ? now - until : 0;
}
/* The digest alone: ZONEMD SIMPLE (RFC 8976 section 3.3.1); hash 1 = SHA-384, 2 = SHA-512. */
int dnssec_zonemd_compute(const struct dnssec_records *records, const uint8_t *apex, uint8_t hash, uint8_t out[64],
			  size_t *ret_len) _must_use_;

/* ---- the sets of a message --------------------------------------------------------------------
 * What resolve/ proves of replies (RFC 4035 section 5, RFC 6840). Each function does a bounded amount of work and pays for it from a
 * budget; nothing here asks the network. Sets need not be canonical: they are sorted and lower-cased on the way. */
enum dnssec_state { DNSSEC_BOGUS, DNSSEC_INSECURE, DNSSEC_SECURE };

struct dnssec_policy {
	int64_t now;                   /* UNIX seconds */
	bool refuse_sha1;              /* algorithms 5 and 7: as if unknown (RFC 9905 section 2) */
	bool refuse_sha1_digest;       /* the digest of DS records likewise */
	uint16_t nsec3_iterations_max; /* above it NSEC3 proves nothing: insecure (RFC 9276 section 3.2) */
	int64_t skew_s;                /* dates may be off by this much */
};

/* What may still be spent; at 0 the functions say BANYAN_ELIMIT (KeyTrap CVE-2023-50387, CVE-2023-50868). */
struct dnssec_budget {
	uint32_t signatures; /* public-key operations */
	uint32_t hashes;     /* SHA-1 blocks of NSEC3 hashing: iterations + 1 for each name, more with a long salt */
};

struct dnssec_verdict {
	enum dnssec_state state;
	enum reason reason; /* of BOGUS and INSECURE */
	int64_t expires;    /* SECURE: UNIX seconds at which the signature that held ends, with the skew allowed */
	uint32_t ttl_max;   /* SECURE: the original TTL that was signed (RFC 4035 section 5.3.3) */
	uint8_t labels;     /* SECURE: the labels field: less than the owner's = made of a wildcard */
	uint8_t algorithm;  /* of the signature that held or of the last one that did not */
	uint16_t key_tag;
};

/* The keys of one zone that may sign in it. A key is parsed when it is first needed: one thread at a time. */
struct dnssec_keyset;
/* Proves a DNSKEY set with its signatures (RDATAs of the RRSIGs that cover it) by DS records or by trust anchors (of this owner; DS
 * and DNSKEY ones); exactly one of `ds` and `anchors` is not NULL. SECURE: *ret is the set. INSECURE: all DS have algorithms or digests
 * that are not supported (RFC 4035 section 5.2). BANYAN_ELIMIT or BANYAN_ENOMEM. */
int dnssec_keyset_prove(const struct dnssec_policy *policy, struct dnssec_budget *budget,
			const struct wire_rrset *dnskey, const struct wire_rdata *sigs, size_t n_sigs,
			const struct wire_rrset *ds, const struct dnssec_anchors *anchors,
			struct dnssec_verdict *ret_verdict, struct dnssec_keyset **ret) _must_use_;
/* Keys that were proved before (from a cache): no signature is checked. */
int dnssec_keyset_new(const struct wire_rrset *dnskey, const struct dnssec_policy *policy, struct dnssec_keyset **ret)
	_must_use_;
void dnssec_keyset_free(struct dnssec_keyset *keyset);
const uint8_t *dnssec_keyset_zone(const struct dnssec_keyset *keyset);
/* Is there a DS here that this validator can use? false: the zone below counts as insecure. */
bool dnssec_ds_usable(const struct wire_rrset *ds, const struct dnssec_policy *policy, enum reason *ret_why);

/* Proves one RRset by the keys of the zone that signed it. The signer must be the keyset's zone and at or above the owner. */
int dnssec_set_prove(const struct dnssec_policy *policy, struct dnssec_budget *budget,
		     const struct dnssec_keyset *keyset, const struct wire_rrset *set, const struct wire_rdata *sigs,
		     size_t n_sigs, struct dnssec_verdict *ret) _must_use_;
/* The signer's name of an RRSIG (points into it), its covered type and labels; BANYAN_EMALF. */
int dnssec_rrsig_signer(const struct wire_rdata *rrsig, const uint8_t **ret_signer) _must_use_;

/* ---- denial, from NSEC or NSEC3 records that are proved themselves ---- */
struct dnssec_denial {
	const uint8_t *zone; /* apex; records outside it are ignored */
	size_t n;
	const struct wire_rrset *set; /* NSEC and NSEC3 RRsets; of each the first RDATA */
	/* The labels field of each set's signature (dnssec_verdict.labels): an NSEC that was made of a wildcard denies nothing
	 * (CVE-2017-15105) and is passed over. NULL: the caller has left these out. */
	const uint8_t *labels;
};

enum dnssec_denied {
	DNSSEC_DENIED_NOT,     /* these records do not prove it */
	DNSSEC_DENIED,         /* proved */
	DNSSEC_DENIED_OPT_OUT, /* proved as far as an opt-out span can: an unsigned delegation may be there: insecure */
	DNSSEC_DENIED_INSECURE, /* NSEC3 with too many iterations or an unknown hash: insecure */
};
/* No such name: neither it nor a wildcard for it (RFC 4035 section 5.4, RFC 5155 section 8.4). With compact denial (RFC 9824: NSEC at
 * the name with NXNAME) *ret_compact is set, may be NULL. */
int dnssec_deny_name(const struct dnssec_policy *policy, struct dnssec_budget *budget,
		     const struct dnssec_denial *denial, const uint8_t *name, bool *ret_compact,
		     enum dnssec_denied *ret) _must_use_;
/* The name (or the wildcard that stands for it, or an empty non-terminal) has no such type (RFC 5155 sections 8.5 to 8.7). For
 * type DS only a record of the parent's side counts (RFC 6840 section 4.4, RFC 5155 section 8.6). */
int dnssec_deny_type(const struct dnssec_policy *policy, struct dnssec_budget *budget,
		     const struct dnssec_denial *denial, const uint8_t *name, uint16_t type, enum dnssec_denied *ret)
	_must_use_;
/* An answer was made of a wildcard with `labels` labels: the name itself and all closer wildcards do not exist
 * (RFC 4035 section 5.3.4, RFC 5155 section 8.8). */
int dnssec_deny_closer(const struct dnssec_policy *policy, struct dnssec_budget *budget,
		       const struct dnssec_denial *denial, const uint8_t *name, uint8_t labels, enum dnssec_denied *ret)
	_must_use_;
/* Is `name` a delegation without DS (RFC 4035 section 5.2, RFC 5155 section 8.9)? DENIED: it is; OPT_OUT: it may be, insecure too.
 * *ret_cut: false = proved that it is no delegation at all (no NS, or no such name), the zone goes on below. */
int dnssec_deny_ds(const struct dnssec_policy *policy, struct dnssec_budget *budget, const struct dnssec_denial *denial,
		   const uint8_t *name, bool *ret_cut, enum dnssec_denied *ret) _must_use_;

/* ---- trust anchors that roll (RFC 5011) --------------------------------------------------------
 * The keys of one zone on their way to trust and out of it. The caller asks for the zone's DNSKEY set when `next` has come, hands
 * it over, keeps the state, and starts its chains from dnssec_rollover_anchors(). */
#define DNSSEC_ROLLOVER_KEYS_MAX 32 /* kept of one zone: the present ones, those to come, those that were revoked */
#define DNSSEC_ROLLOVER_HOLD_S                                                                                         \
	(30 * (int64_t)86400) /* RFC 5011 sections 2.4.1 and 2.4.2: before a key is trusted, before one is forgotten */
#define DNSSEC_ROLLOVER_TEXT_MAX (DNSSEC_ROLLOVER_KEYS_MAX * 2048 + 4096) /* bytes of a state as text */

enum dnssec_rollover_state {                          /* RFC 5011 section 4 */
			     DNSSEC_ROLLOVER_START,   /* not known */
			     DNSSEC_ROLLOVER_ADDPEND, /* seen, and must be seen until its time has come */
			     DNSSEC_ROLLOVER_VALID,   /* trusted */
			     DNSSEC_ROLLOVER_MISSING, /* trusted, but not in the set now */
			     DNSSEC_ROLLOVER_REVOKED, /* by itself; never trusted again */
			     DNSSEC_ROLLOVER_REMOVED, /* the same, for so long that it may go from the set */
};

struct dnssec_rollover_key {
	enum dnssec_rollover_state state;
	int64_t since;     /* UNIX seconds at which it came into this state */
	int64_t until;     /* ADDPEND, REVOKED: when it may go on to the next; otherwise 0 */
	uint16_t tag, len; /* as it is without the REVOKE bit */
	uint8_t rdata[1024];
};

struct dnssec_rollover {
	uint8_t zone[WIRE_NAME_MAX];
	int64_t proved;   /* when the set was last proved; 0 = never */
	int64_t next;     /* when to ask for the set again; 0 = now */
	uint32_t retry_s; /* after how long, when no answer came */
	size_t n;
	struct dnssec_rollover_key key[DNSSEC_ROLLOVER_KEYS_MAX];
};

struct dnssec_rollover_change {
	uint16_t tag;
	enum dnssec_rollover_state from, to;
	int64_t until;
};

struct dnssec_rollover_report {
	bool proved;
	enum reason reason; /* why not */
	bool outdated; /* none of the trusted keys is in the set any more: the anchors are too old, or the set is forged */
	bool deleted; /* all anchors are revoked: as if there had never been one (section 5) */
	size_t n;
	struct dnssec_rollover_change change[2 * DNSSEC_ROLLOVER_KEYS_MAX];
	char text[1024]; /* not proved: what is wrong and what to do */
};

void dnssec_rollover_init(struct dnssec_rollover *rollover, const uint8_t *zone);
/* Are there anchors of this zone that may roll? */
bool dnssec_rollover_wanted(const struct dnssec_anchors *configured, const uint8_t *zone);
/* Did the state grow from these anchors: does one of them name a key in it (or is there none yet)? Otherwise its keys are those of
 * another root or of anchors that the operator has taken back, and must not be trusted. */
bool dnssec_rollover_fits(const struct dnssec_rollover *rollover, const struct dnssec_anchors *configured);
/* The zone's DNSKEY set came with its signatures: proves it by what is trusted, moves the keys, sets `next`. */
int dnssec_rollover_update(struct dnssec_rollover *rollover, const struct dnssec_anchors *configured,
			   const struct dnssec_policy *policy, const struct wire_rrset *dnskey,
			   const struct wire_rdata *sigs, size_t n_sigs, struct dnssec_rollover_report *ret) _must_use_;
/* No set came: sets `next`. */
void dnssec_rollover_unanswered(struct dnssec_rollover *rollover, int64_t now);
/* Adds what is trusted for the zone: the configured anchors of it that are not revoked, and the keys that are valid or missing. */
int dnssec_rollover_anchors(const struct dnssec_rollover *rollover, const struct dnssec_anchors *configured,
			    struct dnssec_anchors *anchors) _must_use_;
const char *dnssec_rollover_state_text(enum dnssec_rollover_state state); /* "ADDPEND" */
/* "key 38696: seen for the first time; trusted from 2026-10-11T00:00:00Z on, if it stays" */
char *dnssec_rollover_change_text(const struct dnssec_rollover_change *change, char out[160]);
/* As lines that people can read, and back. BANYAN_EMALF: told with the line; *rollover is untouched. */
int dnssec_rollover_write(const struct dnssec_rollover *rollover, struct buffer *out) _must_use_;
int dnssec_rollover_read(const char *source, const char *text, size_t len, const uint8_t *zone,
			 struct dnssec_rollover *rollover, struct dnssec_text_error *ret_error) _must_use_;
