// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * zone - records at rest.
 *
 * A zone is read once from master-file text (or records one by one), sorted into canonical order
 * and then never changed: one region of memory, freed whole. Nodes stand in canonical order of their owner,
 * RRsets of a node by type. The RRSIGs of a node stand as one wire_rrset per covered type (ascending), since
 * each takes the TTL of what it covers: several RRsets of type RRSIG stand side by side; zone_node_sigs() finds
 * the one for a type. Owner names are lower case; RDATA keep the case that they have in the file (zone_records()
 * gives them in canonical form). The reader keeps the line of each record, so that a finding can name it.
 * Called by cmd/, image/ (compile), sync/, publish/.
 * Beside text a zone has a wire form: its records in canonical order as bytes, the same bytes for the same zone.
 *
 * Example:
 *
 *	struct zone_read_settings settings = { .origin = (const uint8_t *)"", .include = false };
 *	struct zone_error error;
 *	struct zone *zone;
 *	if (zone_read_file("root.zone", &settings, &zone, &error) < 0)
 *		log_error("zone", "%s", error.text);
 */
#pragma once

#include "dnssec/dnssec.h"

#define ZONE_FILE_MAX          ((size_t)4 << 30)   /* bytes of text after decompression: a TLD of ten million names */
#define ZONE_RECORDS_MAX       ((size_t)100000000) /* records of one zone */
#define ZONE_SETS_PER_NODE_MAX 4096                /* RRsets of one name: no honest name has a hundred */
#define ZONE_INCLUDE_DEPTH_MAX 8                   /* $INCLUDE inside $INCLUDE: stops a file that includes itself */
#define ZONE_REMARKS_MAX       100                 /* remarks kept of one kind: the report stays readable */
#define ZONE_ANCHORS_FILE_MAX  ((size_t)1 << 20)   /* bytes of a file of trust anchors: thousands of them */

enum zone_node_flag {
	ZONE_NODE_APEX = 1,
	ZONE_NODE_CUT = 2,      /* has NS and is not the apex */
	ZONE_NODE_BELOW = 4,    /* below a cut: glue or occluded */
	ZONE_NODE_OCCLUDED = 8, /* below a DNAME */
	ZONE_NODE_EMPTY = 16,   /* empty non-terminal (has no RRsets) */
	ZONE_NODE_WILDCARD = 32,
	ZONE_NODE_NSEC3 = 64, /* holds NSEC3 records only */
};

struct zone_node {
	const uint8_t *name; /* lower case */
	uint32_t first_set;  /* index of its first RRset; RRsets of one node are neighbours */
	uint16_t n_sets;
	uint16_t flags;
};

/* What the reader saw and could not put into the zone, or had to change to put it there. */
struct zone_remark {
	enum reason reason; /* OUT_OF_ZONE, TTL_MIXED */
	unsigned long line;
	const uint8_t *owner;
	uint16_t type;
	const char *text;
};

struct zone {
	const uint8_t *apex; /* lower case */
	uint16_t rclass;
	uint32_t serial; /* of the SOA; 0 if there is none */
	size_t n_nodes, n_sets, n_records;
	const struct zone_node *node; /* canonical order; empty non-terminals included */
	const struct wire_rrset *set; /* canonical order; a set of mixed TTLs has the lowest (RFC 2181 section 5.2) */
	const struct wire_rrset *canonical; /* the same with RDATA in canonical form; often the same table */
	const uint32_t *line;               /* line of the first record of each RRset, 0 = unknown */
	const struct zone_remark *remark;   /* the first ZONE_REMARKS_MAX of each kind */
	size_t n_remarks;
	size_t n_out_of_zone, n_ttl_mixed, n_duplicates; /* records, sets, records */
	const char *source;                              /* file name, for messages */
	struct arena arena;
};

struct zone_read_settings {
	const uint8_t *origin; /* wire form, required */
	bool include;          /* $INCLUDE allowed? */
	uint32_t default_ttl;  /* for records before any TTL; 0 = 3600 */
	size_t max_bytes;      /* 0 = ZONE_FILE_MAX */
};

/* Why reading failed: file, line, what was found, what to do. */
struct zone_error {
	enum reason reason;
	unsigned long line;
	char text[512];
};

/* Remarks that the reader cannot put into the zone (out-of-zone records, mixed TTLs ...) go here, if not NULL. */
typedef void (*zone_remark_fn)(void *ctx, enum reason reason, unsigned long line, const uint8_t *owner, uint16_t type,
			       const char *text);

/* Reads a master file or the wire form of a zone, told apart by content, as are zstd and gzip; "-" = standard input. */
int zone_read_file(const char *path, const struct zone_read_settings *settings, zone_remark_fn remark, void *remark_ctx,
		   struct zone **ret, struct zone_error *ret_error) _must_use_;
int zone_read_text(const char *name, const char *text, size_t len, const struct zone_read_settings *settings,
		   zone_remark_fn remark, void *remark_ctx, struct zone **ret, struct zone_error *ret_error) _must_use_;
void zone_free(struct zone *zone);

/* Records one by one, in any order; those outside of the zone become remarks. `source` is a name for messages. */
struct zone_maker;
int zone_maker_new(const uint8_t *apex, const char *source, struct zone_maker **ret) _must_use_;
int zone_maker_add(struct zone_maker *maker, const uint8_t *owner, uint16_t type, uint32_t ttl, const uint8_t *rdata,
		   uint16_t len) _must_use_;
int zone_maker_finish(struct zone_maker *maker, struct zone **ret) _must_use_; /* frees the maker, also on failure */
void zone_maker_free(struct zone_maker *maker);
/* The zone as a master file that zone_read_text() reads as the same, its SOA first. Appends to `out`. */
int zone_write_text(const struct zone *zone, struct buffer *out) _must_use_;

/* The zone in its wire form (docs/published-files.md): the same bytes for the same zone. Appends to `out`. */
int zone_write_wire(const struct zone *zone, struct buffer *out) _must_use_;
size_t zone_wire_len(const struct zone *zone); /* bytes that it writes */
/* Does it begin as a wire form does? */
bool zone_is_wire(const void *data, size_t len);
/* Refuses what zone_write_wire() would not have written, with the offset. The apex must be settings->origin: BANYAN_EINVAL. BANYAN_EMALF,
 * BANYAN_EUNSUPP (a form that is not known), BANYAN_ELIMIT, BANYAN_ENOMEM. `data` is not needed afterwards. */
int zone_read_wire(const char *name, const uint8_t *data, size_t len, const struct zone_read_settings *settings,
		   struct zone **ret, struct zone_error *ret_error) _must_use_;

/* ---- deltas: from the wire form of one version to that of another, docs/published-files.md -------------------------------- */
struct zone_delta_about {
	const uint8_t *apex; /* in the delta */
	uint32_t base_serial, serial;
	uint64_t base_len, len; /* of the wire forms */
	uint64_t n_records;
	uint8_t base_hash[32], hash[32]; /* SHA-256 of the wire forms */
	size_t edits_len, edits_packed_len, signatures_len;
};

/* zstd (RFC 8878), as small as it gets, in some 6 MiB. Appends. */
int zone_pack(const uint8_t *data, size_t len, struct buffer *out) _must_use_;
bool zone_is_delta(const void *data, size_t len);
/* Any two wire forms of one apex make a delta; it is small when they have much in common. Appends to `out`. BANYAN_EINVAL: two apexes. */
int zone_delta_make(const uint8_t *base, size_t base_len, const uint8_t *now, size_t now_len, struct buffer *out)
	_must_use_;
/* What its header says: nothing is proved by that. */
int zone_delta_about(const char *name, const uint8_t *delta, size_t len, struct zone_delta_about *ret,
		     struct zone_error *ret_error) _must_use_;
/* Appends the wire form that comes out: exactly the bytes that the delta was made for, or an error. What those bytes are worth remains to
 * be read (zone_read_wire()) and proved. `max_bytes` bounds them, 0 = ZONE_FILE_MAX. BANYAN_EINVAL: made for another base. */
int zone_delta_apply(const char *name, const uint8_t *base, size_t base_len, const uint8_t *delta, size_t delta_len,
		     size_t max_bytes, struct buffer *out, struct zone_error *ret_error) _must_use_;
/* Is all the same but serial, RRSIGs and ZONEMD? The SOA counts but for its serial. False also for what is no wire form. */
bool zone_wire_same_content(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

/* The node of exactly this name (any case), or NULL. */
const struct zone_node *zone_find(const struct zone *zone, const uint8_t *name);
/* The last node whose name is <= `name` in canonical order. */
const struct zone_node *zone_find_before(const struct zone *zone, const uint8_t *name);
/* The node's RRset of this type, or NULL; for RRSIG the first of them (that of the lowest covered type). */
const struct wire_rrset *zone_node_set(const struct zone *zone, const struct zone_node *node, uint16_t type);
/* The node's RRSIGs that cover this type, or NULL. */
const struct wire_rrset *zone_node_sigs(const struct zone *zone, const struct zone_node *node, uint16_t covered);

/* The zone's records as dnssec/ wants them: canonical order and form. */
struct dnssec_records zone_records(const struct zone *zone);

/* ---- differences ---------------------------------------------------------------------------- */
/* A record of one of two versions: set->rdata[index], under set->owner with set->ttl. */
struct zone_diff_record {
	const struct wire_rrset *set; /* of the zone that has it: valid as long as that is */
	uint32_t index;
};

/* Records that go and come between two versions, each in canonical order; the SOA is among them. One whose TTL or case has changed
 * goes and comes. */
struct zone_diff {
	size_t n_gone, n_come;
	struct zone_diff_record *gone, *come;
};
/* In time linear in both. BANYAN_EINVAL: they are two zones. */
int zone_diff(const struct zone *from, const struct zone *to, struct zone_diff *ret) _must_use_;
void zone_diff_done(struct zone_diff *diff);

/* ---- editions: what a zone says of itself in the TXT at its apex (docs/published-files.md) ---- */

#define ZONE_EDITION_MAX   64  /* bytes of a name with its NUL: letters, digits, '-', '_', '.' */
#define ZONE_EDITION_RDATA 256 /* bytes of the TXT record that says it all */

struct zone_edition {
	char name[ZONE_EDITION_MAX];     /* "" = none: the plain zone */
	int64_t valid_from, valid_until; /* UNIX seconds, from the first to before the second; both 0 = it says none */
};
/* BANYAN_EMALF: it says something of that kind, but not well; `ret_why` is a sentence. */
int zone_edition(const struct zone *zone, struct zone_edition *ret, const char **ret_why) _must_use_;
/* The same of one TXT record: fills in what it says. */
int zone_edition_take(const uint8_t *rdata, size_t len, struct zone_edition *edition, const char **ret_why) _must_use_;
/* The RDATA of the TXT record that says it. BANYAN_EINVAL: no such name, or dates that are none. */
int zone_edition_write(const struct zone_edition *edition, uint8_t out[ZONE_EDITION_RDATA], size_t *ret_len) _must_use_;
bool zone_edition_name_good(const char *name);
/* May it be used at this time, by its dates? Less than 0: its time has not begun; more: it has ended. */
int zone_edition_when(const struct zone_edition *edition, int64_t now);

/* ---- proving -------------------------------------------------------------------------------- */
/* One line of a proof's report: a fault (fatal or not) with record and line. */
struct zone_finding {
	enum reason reason;
	bool fatal;
	unsigned long line;
	const uint8_t *owner;
	uint16_t type;
	const char *text;
};

struct zone_prove_settings {
	const struct dnssec_anchors *anchors;
	int64_t now;
	unsigned threads;
	bool digest_only, require_zonemd, refuse_sha1;
	bool known_only;          /* refuse types and algorithms that are not known here (localroot draft, section 4) */
	bool structure_only;      /* for zones that carry no proof: structure checks alone */
	const char *edition;      /* it must be this one; "" = the plain zone; NULL = any */
	bool dates;               /* `now` must be within the dates of its edition, if it has such */
	struct dnssec_memo *memo; /* NULL: everything is computed */
	void (*report)(void *ctx, const struct zone_finding *finding);
	void *report_ctx;
};

struct zone_proof {
	struct dnssec_zone_result dnssec;
	struct zone_edition edition; /* as it says; with dates only when what it says is well-formed */
	bool structure_good;
	bool proved;        /* structure and DNSSEC/ZONEMD as asked */
	enum reason reason; /* the first fatal one */
};

/* Checks structure (SOA, NS, CNAME/DNAME rules, glue, occluded names), then dnssec_zone_check(). */
int zone_prove(const struct zone *zone, const struct zone_prove_settings *settings, struct zone_proof *ret) _must_use_;

/* Trust anchors from a file of DS or DNSKEY records (master-file form). */
int zone_anchors_read(const char *path, struct dnssec_anchors *anchors, struct zone_error *ret_error) _must_use_;
