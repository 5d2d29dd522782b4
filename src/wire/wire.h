// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * wire - bytes <-> names, questions, records, messages.
 *
 * Whatever comes from the network or goes to it passes here: a question is parsed without
 * allocation into struct wire_question, a reply is read record by record with struct wire_reader,
 * a message is written with struct wire_writer (name compression, truncation by RRset). Names are
 * uncompressed wire form (RFC 1035 section 3.1) of 1..255 bytes, RDATA is uncompressed wire form.
 * Called by every station above; only this one (with dnssec/ and net/xdp) knows libknot.
 *
 * Example, reading a reply:
 *
 *	struct wire_reader r;
 *	struct wire_record rec;
 *	if (wire_reader_init(&r, msg, len) < 0) return BANYAN_EMALF;
 *	while ((rc = wire_reader_next(&r, &rec)) > 0)
 *		if (rec.section == WIRE_ANSWER && rec.type == WIRE_TYPE_A) ...
 */
#pragma once

#include "base/base.h"

#define WIRE_NAME_MAX      255 /* RFC 1035 section 2.3.4 */
#define WIRE_LABELS_MAX    127 /* the same, counted in labels without the root */
#define WIRE_NAME_TEXT_MAX 1024
#define WIRE_HEADER_SIZE   12
#define WIRE_MESSAGE_MAX   65535
#define WIRE_POINTERS_MAX  127 /* compression pointers followed for one name: one a label is the most that makes sense */

enum wire_type {
	WIRE_TYPE_A = 1,
	WIRE_TYPE_NS = 2,
	WIRE_TYPE_CNAME = 5,
	WIRE_TYPE_SOA = 6,
	WIRE_TYPE_PTR = 12,
	WIRE_TYPE_MX = 15,
	WIRE_TYPE_TXT = 16,
	WIRE_TYPE_SIG = 24,
	WIRE_TYPE_AAAA = 28,
	WIRE_TYPE_SRV = 33,
	WIRE_TYPE_DNAME = 39,
	WIRE_TYPE_OPT = 41,
	WIRE_TYPE_DS = 43,
	WIRE_TYPE_RRSIG = 46,
	WIRE_TYPE_NSEC = 47,
	WIRE_TYPE_DNSKEY = 48,
	WIRE_TYPE_NSEC3 = 50,
	WIRE_TYPE_NSEC3PARAM = 51,
	WIRE_TYPE_CDS = 59,
	WIRE_TYPE_CDNSKEY = 60,
	WIRE_TYPE_ZONEMD = 63,
	WIRE_TYPE_SVCB = 64,
	WIRE_TYPE_HTTPS = 65,
	WIRE_TYPE_HINFO = 13,
	WIRE_TYPE_TSIG = 250,
	WIRE_TYPE_TKEY = 249,
	WIRE_TYPE_IXFR = 251,
	WIRE_TYPE_AXFR = 252,
	WIRE_TYPE_MAILB = 253,
	WIRE_TYPE_MAILA = 254,
	WIRE_TYPE_ANY = 255,
};

enum wire_class { WIRE_CLASS_IN = 1, WIRE_CLASS_CH = 3, WIRE_CLASS_NONE = 254, WIRE_CLASS_ANY = 255 };

enum wire_rcode {
	WIRE_RCODE_NOERROR = 0,
	WIRE_RCODE_FORMERR = 1,
	WIRE_RCODE_SERVFAIL = 2,
	WIRE_RCODE_NXDOMAIN = 3,
	WIRE_RCODE_NOTIMP = 4,
	WIRE_RCODE_REFUSED = 5,
	WIRE_RCODE_YXDOMAIN = 6,
	WIRE_RCODE_NOTAUTH = 9,
	WIRE_RCODE_BADVERS = 16,
	WIRE_RCODE_BADCOOKIE = 23,
};

enum wire_opcode { WIRE_OPCODE_QUERY = 0, WIRE_OPCODE_NOTIFY = 4, WIRE_OPCODE_UPDATE = 5 };

/* Bits of the 16-bit flags word (host order) at offset 2 of a message. */
enum wire_flag {
	WIRE_QR = 0x8000,
	WIRE_AA = 0x0400,
	WIRE_TC = 0x0200,
	WIRE_RD = 0x0100,
	WIRE_RA = 0x0080,
	WIRE_AD = 0x0020,
	WIRE_CD = 0x0010,
	WIRE_OPCODE_MASK = 0x7800,
	WIRE_OPCODE_SHIFT = 11,
	WIRE_RCODE_MASK = 0x000f,
};

enum wire_option {
	WIRE_OPTION_NSID = 3,
	WIRE_OPTION_ECS = 8,
	WIRE_OPTION_EXPIRE = 9,
	WIRE_OPTION_COOKIE = 10,
	WIRE_OPTION_KEEPALIVE = 11,
	WIRE_OPTION_PADDING = 12,
	WIRE_OPTION_EDE = 15,
	WIRE_OPTION_REGISTRATION = 65353, /* private use (RFC 6891 section 9); docs/registration.md */
};

enum wire_section { WIRE_ANSWER = 1, WIRE_AUTHORITY = 2, WIRE_ADDITIONAL = 3 };

static inline uint16_t wire_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t wire_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline void wire_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}
static inline void wire_put32(uint8_t *p, uint32_t v)
{
	wire_put16(p, (uint16_t)(v >> 16));
	wire_put16(p + 2, (uint16_t)v);
}
static inline uint64_t wire_get64(const uint8_t *p)
{
	return (uint64_t)wire_get32(p) << 32 | wire_get32(p + 4);
}
static inline void wire_put64(uint8_t *p, uint64_t v)
{
	wire_put32(p, (uint32_t)(v >> 32));
	wire_put32(p + 4, (uint32_t)v);
}

/* ---- names ------------------------------------------------------------------------------------
 * Functions that take a name trust it to be well-formed; those with `len`/`max` arguments do not. */

/* Length in bytes (1..255) of a well-formed uncompressed name, the root label included. */
size_t wire_name_len(const uint8_t *name);
/* The same for bytes from outside: length of the uncompressed name at `p`, or BANYAN_EMALF. */
int wire_name_check(const uint8_t *p, size_t max) _must_use_;
/* Number of labels without the root ("." = 0, "com." = 1). */
unsigned wire_name_labels(const uint8_t *name);
bool wire_name_equal(const uint8_t *a, const uint8_t *b); /* ASCII case ignored (RFC 4343) */
/* Canonical order (RFC 4034 section 6.1): <0, 0, >0; case ignored. */
int wire_name_cmp(const uint8_t *a, const uint8_t *b);
/* Is `name` equal to or below `apex`? */
bool wire_name_under(const uint8_t *name, const uint8_t *apex);
/* The name without its first `n` labels (a pointer into it). n <= wire_name_labels(name). */
const uint8_t *wire_name_skip(const uint8_t *name, unsigned n);
/* Copies to lower case; returns the length. `out` may be `name`. */
size_t wire_name_lower(const uint8_t *name, uint8_t *out);
void wire_name_lower_bytes(const uint8_t *name, size_t len, uint8_t *out); /* the same, when its length is known */
/* Labels that both names share at their ends. */
unsigned wire_name_common(const uint8_t *a, const uint8_t *b);
/* "*" + suffix; BANYAN_ESPACE if longer than 255. */
int wire_name_wildcard(const uint8_t *suffix, uint8_t out[WIRE_NAME_MAX]) _must_use_;
/* DNAME substitution (RFC 6672 section 2.2): owner's suffix in `name` becomes target; BANYAN_ESPACE = YXDOMAIN. */
int wire_name_substitute(const uint8_t *name, const uint8_t *owner, const uint8_t *target, uint8_t out[WIRE_NAME_MAX])
	_must_use_;
/* Presentation form with escapes and a final dot. `out` holds WIRE_NAME_TEXT_MAX bytes; returns out. */
char *wire_name_text(const uint8_t *name, char out[WIRE_NAME_TEXT_MAX]);
/* From presentation form (a missing final dot is taken as there). Returns the length. */
int wire_name_parse(const char *text, uint8_t out[WIRE_NAME_MAX]) _must_use_;
/* Expands the possibly compressed name at `pos` of a message; only earlier offsets may be pointed to.
 * Returns the length in `out`; *ret_end is the position behind the name in the message. BANYAN_EMALF. */
int wire_name_expand(const uint8_t *msg, size_t len, size_t pos, uint8_t out[WIRE_NAME_MAX], size_t *ret_end)
	_must_use_;
/* Sets the case of each letter at random (0x20). */
void wire_name_randomise_case(uint8_t *name, struct random *random);

/* ---- questions --------------------------------------------------------------------------------
 * What a server must know of a message before it looks anything up. */
struct wire_edns {
	bool present, do_bit;
	bool nsid; /* client asks for NSID (RFC 5001) */
	uint8_t version;
	uint16_t udp_size;     /* as sent */
	const uint8_t *cookie; /* RFC 7873 option data in the message, or NULL */
	uint16_t cookie_len;
	const uint8_t *ecs; /* RFC 7871 option data in the message, or NULL */
	uint16_t ecs_len;
	const uint8_t *registration; /* data of WIRE_OPTION_REGISTRATION in the message, or NULL */
	uint16_t registration_len;
	bool has_ecs, has_keepalive, has_padding;
	bool expire; /* client asks when the zone expires (RFC 7314) */
};

enum wire_verdict {
	WIRE_ANSWERABLE,  /* one question, well-formed */
	WIRE_SILENCE,     /* shorter than a header, or QR is set: send nothing (RFC 1035, RFC 5358 spirit) */
	WIRE_SAY_FORMERR, /* header readable, rest malformed: FORMERR, no question echoed unless has_question */
	WIRE_SAY_NOTIMP,  /* opcode we do not serve */
	WIRE_SAY_BADVERS, /* EDNS version above 0 (RFC 6891 section 6.1.3) */
	WIRE_COOKIE_ONLY, /* no question, but a cookie (RFC 7873 section 5.4) */
};

struct wire_question {
	uint16_t id, flags; /* flags as received, host order */
	uint8_t opcode;
	bool has_question;
	const uint8_t *qname; /* in the message, case as sent */
	uint8_t qname_len, labels;
	uint16_t qtype, qclass;
	uint16_t end;                 /* position behind the question section */
	uint8_t lower[WIRE_NAME_MAX]; /* qname in lower case */
	struct wire_edns edns;
	bool tsig; /* a TSIG is the last record */
};

/* Parses any message as a question, without allocation. Only opcode QUERY is ANSWERABLE. */
enum wire_verdict wire_question_parse(const uint8_t *msg, size_t len, struct wire_question *ret);

/* ---- asking to be notified (docs/registration.md) ----------------------------------------------
 * The data of an EDNS option, in a question for the SOA of a zone and in the reply to it. */
#define WIRE_REGISTRATION_SIZE 8
enum wire_registration_status {
	WIRE_REGISTRATION_GRANTED,
	WIRE_REGISTRATION_REFUSED,   /* this peer may not */
	WIRE_REGISTRATION_UNPROVED,  /* ask again with the cookie that came with this, or over TCP, or signed */
	WIRE_REGISTRATION_FULL,      /* no room for it now */
	WIRE_REGISTRATION_MALFORMED, /* another version, or what makes no sense */
};
struct wire_registration {
	bool release;        /* question: it wants to be told no more */
	uint8_t status;      /* reply: enum wire_registration_status */
	uint16_t port;       /* where notifications go; 0 = 53 */
	uint32_t lifetime_s; /* asked, granted; 0 with a release */
};
void wire_registration_write_question(const struct wire_registration *from, uint8_t out[WIRE_REGISTRATION_SIZE]);
void wire_registration_write_reply(const struct wire_registration *from, uint8_t out[WIRE_REGISTRATION_SIZE]);
/* BANYAN_EMALF: it is too short or too long. BANYAN_EUNSUPP: another version. */
int wire_registration_read_question(const uint8_t *data, size_t len, struct wire_registration *ret) _must_use_;
int wire_registration_read_reply(const uint8_t *data, size_t len, struct wire_registration *ret) _must_use_;

/* Puts one more option into the OPT that is the last record of a message; its new length. BANYAN_EINVAL: there is none at the end. */
int wire_edns_add(uint8_t *msg, size_t len, size_t cap, uint16_t code, const uint8_t *data, size_t data_len) _must_use_;
/* The data of the first option of this code in `options`; NULL = there is none. */
const uint8_t *wire_edns_find(const uint8_t *options, size_t len, uint16_t code, uint16_t *ret_len);

/* ---- RRsets ---------------------------------------------------------------------------------- */
/* One RDATA in its uncompressed wire form. */
struct wire_rdata {
	const uint8_t *data;
	uint16_t len;
};

/* An RRset: one owner, type and TTL, and its RDATAs. RRSIGs of a name form one RRset of type RRSIG. */
struct wire_rrset {
	const uint8_t *owner; /* uncompressed */
	uint16_t type, rclass;
	uint32_t ttl;
	uint32_t count;
	const struct wire_rdata *rdata;
};

/* ---- RDATA -----------------------------------------------------------------------------------
 * Expands compressed names inside RDATA at msg[pos .. pos+rdlen) to uncompressed form and checks that the
 * data fit the type (names, fixed lengths). Returns the length written or BANYAN_EMALF / BANYAN_ESPACE. */
int wire_rdata_expand(const uint8_t *msg, size_t len, size_t pos, uint16_t rdlen, uint16_t type, uint8_t *out,
		      size_t max) _must_use_;
/* Does uncompressed RDATA fit its type? 0 or BANYAN_EMALF. */
int wire_rdata_check(const uint8_t *data, uint16_t len, uint16_t type) _must_use_;
/* Lower-cases, in place, the names in RDATA of the types that RFC 4034 section 6.2 and RFC 6840 section 5.1 list. */
void wire_rdata_canonical(uint8_t *data, uint16_t len, uint16_t type);
/* Canonical order of two RDATAs (RFC 4034 section 6.3). */
int wire_rdata_cmp(const struct wire_rdata *a, const struct wire_rdata *b);
/* Offset of the n-th name inside RDATA of `type` (NS, CNAME, MX, SRV ...), or -1. */
int wire_rdata_name_at(const uint8_t *data, uint16_t len, uint16_t type, unsigned n);
/* Is `type` set in the bitmap (window blocks, RFC 4034 section 4.1.2) at `map`? */
bool wire_bitmap_has(const uint8_t *map, size_t len, uint16_t type);
/* Number of types set in the bitmap; BANYAN_EMALF if it is malformed. */
int wire_bitmap_count(const uint8_t *map, size_t len) _must_use_;
/* Types are written into `out` (ascending); returns their number, BANYAN_EMALF or BANYAN_ESPACE. */
int wire_bitmap_types(const uint8_t *map, size_t len, uint16_t *out, size_t max) _must_use_;

/* ---- text ------------------------------------------------------------------------------------ */
const char *wire_type_text(uint16_t type, char out[16]); /* "NS", "TYPE65280" */
bool wire_type_known(uint16_t type);                     /* or nothing but a number here (RFC 3597) */
int wire_type_parse(const char *text) _must_use_;        /* 0..65535 or BANYAN_EINVAL */
const char *wire_rcode_text(uint16_t rcode);             /* "NXDOMAIN", "RCODE77" (static buffer a thread) */
const char *wire_class_text(uint16_t rclass);
/* "owner TTL class type rdata" without newline, malformed data as RFC 3597. Appends to `out`. */
int wire_record_text(const uint8_t *owner, uint32_t ttl, uint16_t rclass, uint16_t type, const struct wire_rdata *rdata,
		     struct buffer *out) _must_use_;
/* The same with type and data as RFC 3597 section 5 writes those of any type. */
int wire_record_generic(const uint8_t *owner, uint32_t ttl, uint16_t rclass, uint16_t type,
			const struct wire_rdata *rdata, struct buffer *out) _must_use_;
/* The data alone. */
int wire_rdata_text(uint16_t type, const struct wire_rdata *rdata, struct buffer *out) _must_use_;

/* ---- reading messages ------------------------------------------------------------------------ */
struct wire_record {
	enum wire_section section;
	uint8_t owner[WIRE_NAME_MAX]; /* uncompressed, case as sent */
	uint16_t type, rclass;
	uint32_t ttl;     /* as sent; a set top bit counts as 0 (RFC 2181 section 8) */
	size_t rdata_pos; /* position of the RDATA in the message */
	uint16_t rdata_len;
};

struct wire_reader {
	const uint8_t *msg;
	size_t len, pos;
	uint16_t id, flags, counts[4]; /* header as received */
	uint8_t qname[WIRE_NAME_MAX];  /* first question, if counts[0] > 0 */
	uint16_t qtype, qclass;
	size_t question_end;
	uint16_t read[4]; /* records read so far, by section */
	/* Filled when the OPT record is passed: */
	bool has_edns, edns_do;
	uint8_t edns_version, ext_rcode;
	uint16_t edns_udp_size;
	size_t opt_pos; /* options in the message */
	uint16_t opt_len;
};

/* Reads header and question section (0 or 1 questions). BANYAN_EMALF. */
int wire_reader_init(struct wire_reader *reader, const uint8_t *msg, size_t len) _must_use_;
/* The next record: 1, 0 at the end, BANYAN_EMALF. OPT and TSIG records come like all others. */
int wire_reader_next(struct wire_reader *reader, struct wire_record *ret) _must_use_;
/* RCODE with its extended bits, as far as read. */
uint16_t wire_reader_rcode(const struct wire_reader *reader);
/* Expanded RDATA of a record: see wire_rdata_expand(). */
int wire_record_rdata(const struct wire_reader *reader, const struct wire_record *record, uint8_t *out, size_t max)
	_must_use_;

/* ---- writing messages ------------------------------------------------------------------------ */
#define WIRE_COMPRESS_MAX 96 /* suffixes remembered for compression; beyond it names are written plainly */

struct wire_writer {
	uint8_t *msg;
	size_t len, cap; /* cap: hard size of the message (EDNS/UDP limit) less `reserve` */
	size_t reserve;  /* bytes kept free for OPT */
	uint16_t counts[4];
	unsigned n_suffixes;
	uint16_t suffix[WIRE_COMPRESS_MAX]; /* offsets of names that later ones may point to */
};

/* Starts a message of at most `cap` bytes with the given header. */
int wire_writer_init(struct wire_writer *writer, uint8_t *msg, size_t cap, uint16_t id, uint16_t flags) _must_use_;
/* Adds a question; case is kept. */
int wire_writer_question(struct wire_writer *writer, const uint8_t *qname, uint16_t qtype, uint16_t qclass) _must_use_;
/* Keeps `bytes` free at the end for wire_writer_edns(). */
int wire_writer_reserve(struct wire_writer *writer, size_t bytes) _must_use_;
/* Adds all records of an RRset or none: BANYAN_ESPACE leaves the message as it was. `ttl` overrides the set's. */
int wire_writer_rrset(struct wire_writer *writer, enum wire_section section, const struct wire_rrset *set, uint32_t ttl)
	_must_use_;
/* Only the RRSIGs in `sigs` that cover `type`, under `owner`; none is no error. */
int wire_writer_rrsigs(struct wire_writer *writer, enum wire_section section, const struct wire_rrset *sigs,
		       uint16_t type, const uint8_t *owner, uint32_t ttl) _must_use_;
int wire_writer_record(struct wire_writer *writer, enum wire_section section, const uint8_t *owner, uint16_t type,
		       uint16_t rclass, uint32_t ttl, const struct wire_rdata *rdata) _must_use_;
/* Adds the OPT record; `options` are complete options (code, length, data) of `options_len` bytes. Uses the reserve. */
int wire_writer_edns(struct wire_writer *writer, uint16_t udp_size, uint16_t rcode, bool do_bit, const uint8_t *options,
		     size_t options_len) _must_use_;
/* Writes the counts; returns the message's length. */
size_t wire_writer_finish(struct wire_writer *writer);

/* ---- packing many records (transfers) ---------------------------------------------------------
 * Records one by one into a message, each name compressed as far as what stands before it allows; case is kept. Pointers reach 16 KiB,
 * so messages of that size are the smallest in sum. After BANYAN_ESPACE the message is full: the next call is wire_packer_begin(). */
struct wire_packer;
int wire_packer_new(struct wire_packer **ret) _must_use_;
void wire_packer_free(struct wire_packer *packer);
/* Records go to msg[start .. cap); what is before that is the caller's and is never pointed to. */
void wire_packer_begin(struct wire_packer *packer, uint8_t *msg, size_t start, size_t cap);
int wire_packer_add(struct wire_packer *packer, const uint8_t *owner, uint16_t type, uint16_t rclass, uint32_t ttl,
		    const uint8_t *data, uint16_t len) _must_use_;
size_t wire_packer_len(const struct wire_packer *packer);     /* of the message so far */
unsigned wire_packer_count(const struct wire_packer *packer); /* records in it */

/* ---- transaction signatures (RFC 8945) -------------------------------------------------------
 * The clock that signatures are made and checked with is the system's. */
#define WIRE_MAC_MAX 64 /* bytes: HMAC-SHA512 */

struct wire_tsig_key;
/* `algorithm` as "hmac-sha256", `name` in presentation form, `secret` in base64. BANYAN_EINVAL, BANYAN_ENOMEM. */
int wire_tsig_key_new(const char *algorithm, const char *name, const char *secret, struct wire_tsig_key **ret)
	_must_use_;
void wire_tsig_key_free(struct wire_tsig_key *key);

/* One exchange: a question and its reply of one or many messages. Zeroed but for the key at the start. */
struct wire_tsig {
	const struct wire_tsig_key *key;
	size_t mac_len;
	uint8_t mac[WIRE_MAC_MAX]; /* of the last signed message */
	uint64_t signed_at;
	bool answered;       /* the first message of the reply was good */
	unsigned n_unsigned; /* messages since the last signed one */
	struct buffer held;  /* and those messages */
};
void wire_tsig_done(struct wire_tsig *tsig);
/* Adds a TSIG to a question, or to the reply to one that was checked; returns the new length. BANYAN_ESPACE. */
int wire_tsig_sign(struct wire_tsig *tsig, uint8_t *msg, size_t len, size_t cap) _must_use_;
/* Is the question signed with the key? 0, BANYAN_EPROOF, BANYAN_EMALF, BANYAN_ENOMEM. */
int wire_tsig_check(struct wire_tsig *tsig, const uint8_t *msg, size_t len) _must_use_;
/* The same for the next message of the reply to a question that was signed. Between two signed ones there may be some without;
 * the last one must have one: see n_unsigned. */
int wire_tsig_take(struct wire_tsig *tsig, const uint8_t *msg, size_t len) _must_use_;

/* A server that has some keys. What it may have to say of a TSIG (RFC 8945 section 3): */
enum wire_tsig_error {
	WIRE_TSIG_BADSIG = 16,
	WIRE_TSIG_BADKEY = 17,
	WIRE_TSIG_BADTIME = 18,
	WIRE_TSIG_BADTRUNC = 22,
};
/* Looks for the key of a question and checks it. *ret_error: 0, or one of the above; ret->key: the key, NULL if none is meant.
 * ret_msg (`len` bytes of room) gets the question without its TSIG. BANYAN_ENOENT: it has none. BANYAN_EMALF, BANYAN_ENOMEM. */
int wire_tsig_check_any(const struct wire_tsig_key *const *key, size_t n, const uint8_t *msg, size_t len,
			struct wire_tsig *ret, uint8_t *ret_msg, size_t *ret_len, uint16_t *ret_error) _must_use_;
/* Signs the next message of a reply of many; the first is wire_tsig_sign()'s (RFC 8945 section 5.3.1). */
int wire_tsig_sign_next(struct wire_tsig *tsig, uint8_t *msg, size_t len, size_t cap) _must_use_;
/* Adds the TSIG of a refusal to the reply in `msg`; its new length. */
int wire_tsig_refuse(const struct wire_tsig *tsig, uint16_t error, const uint8_t *question, size_t question_len,
		     uint8_t *msg, size_t len, size_t cap) _must_use_;
size_t wire_tsig_room(const struct wire_tsig_key *key); /* bytes that its TSIG takes, without an error's */

int wire_error_from_knot(int knot_error);
