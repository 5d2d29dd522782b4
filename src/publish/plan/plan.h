// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * plan - what the answer to a priming question weighs, before anybody has to live with it.
 *
 * A root with any set of names, addresses and signatures is composed as a zone; whoever calls has it answered by the server's own code; the
 * message that comes back is taken apart byte by byte, and can be held against another server's. Nothing here counts bytes by a formula. The room
 * is pure: messages are asked for through struct plan_asker, files and sockets are the caller's. Called by cmd/banyan.
 * Signatures are real where there are keys to make them; else they are bytes, as many as those of the algorithm.
 *
 * Example:
 *
 *	plan_set_pattern("%.root-servers.net", 13, 1, 1, &set);
 *	struct plan_edition edition = {.set = &set, .n = 13, .cut_labels = 1, .n_signers = 1, .signer = {{8, 2048, 256}}};
 *	plan_zone(&edition, &zone);
 *	... asker.load(asker.ctx, &zone, 1) ...
 *	plan_ask(&asker, &(struct plan_question){.size = 1232, .dnssec = true}, &message);
 *	printf("%zu bytes, %u NS\n", message.len, message.part[PLAN_NS].records);
 */
#pragma once

#include "zone/zone.h"

#define PLAN_SERVERS_MAX   1024 /* of one plan: no message holds so many with their addresses, 31 bytes each at least */
#define PLAN_ADDRESSES_MAX 64   /* of one family and server */
#define PLAN_SIGNERS_MAX   8    /* keys that sign: two during a roll, two for each of several signers */
#define PLAN_SIGNATURE_MAX 8192 /* bytes of one: SLH-DSA-128s has 7856 */
#define PLAN_CURVES_MAX    8
#define PLAN_CUT_BY_NAME   UINT32_MAX
#define PLAN_RECORDS_MAX   8192 /* of a message that is taken apart: 64 KiB hold 5957 */

/* ---- servers ---- */
struct plan_server {
	uint8_t name[WIRE_NAME_MAX];
	size_t n_addresses;
	const struct addr *address;
};
struct plan_set {
	size_t n;
	struct plan_server *server;
	struct arena arena;
};
void plan_set_done(struct plan_set *set);
/* At least `n` servers with so many A and AAAA each, up to `most` as long as names come of the pattern; % in it is a letter: a, b, ... z, aa, ab ...
 * Without one, all have the same name. Addresses are made up out of 198.18.0.0/15 and 2001:db8::/32. BANYAN_EINVAL: no name comes of it, or not so many.
 * BANYAN_ELIMIT, BANYAN_ENOMEM. */
int plan_set_pattern(const char *pattern, size_t n, size_t most, unsigned n_a, unsigned n_aaaa, struct plan_set *ret)
	_must_use_;
/* One more. No addresses: one A and one AAAA are made up. BANYAN_EEXIST: the name is there already, perhaps in another case (RFC 4343), or an address is
 * given twice: as records of one set they would be one. */
int plan_set_add(struct plan_set *set, const char *name, const struct addr *address, size_t n) _must_use_;
/* Those of the NS set at the top of a zone, or of a hints file read as one. BANYAN_ENOENT: there are none. */
int plan_set_from_zone(const struct zone *zone, struct plan_set *ret) _must_use_;

/* ---- signatures ---- */
struct plan_signer {
	uint8_t algorithm;
	uint16_t bits; /* of an RSA modulus, else 0 */
	uint16_t size; /* bytes of a signature */
};
/* "rsa2048" (or "8/2048"), "ecdsa256" (13), "ecdsa384" (14), "ed25519" (15), "ed448" (16), or a number of bytes: of an algorithm to come. */
int plan_signer_parse(const char *text, struct plan_signer *ret) _must_use_;
/* Of the NS set at the top of a zone, each once; how many. */
size_t plan_signers_of_zone(const struct zone *zone, struct plan_signer ret[PLAN_SIGNERS_MAX]);
/* A key for each signer, to sign with as any zone is signed. BANYAN_EUNSUPP, BANYAN_EINVAL: there are none of such algorithms. */
struct plan_keys;
int plan_keys_new(const struct plan_signer *signer, size_t n, int64_t now, struct plan_keys **ret) _must_use_;
void plan_keys_free(struct plan_keys *keys);
char *plan_signer_text(const struct plan_signer *signer, char out[32]); /* returns out */

/* ---- a root ---- */
struct plan_edition {
	const struct plan_set *set;
	size_t n; /* of its servers, the first so many */
	/* The root delegates the last so many labels of the names: 1 for a.root-servers.net as it is today, whose addresses are glue then. 0: the names
	 * are the root's own and their addresses signed. PLAN_CUT_BY_NAME: 1 for each name of several labels, 0 for others. */
	unsigned cut_labels;
	/* Served beside the root: the zone of so many labels that holds the names; 0 = none. */
	unsigned child_labels;
	bool child_signed;
	size_t n_signers; /* 0: nothing is signed */
	struct plan_signer signer[PLAN_SIGNERS_MAX];
	/* Keys of these signers: the zone is signed, has its NSEC chain and ZONEMD, and can be proved. NULL: there are bytes in the place of signatures, as
	 * many as they would be. */
	const struct plan_keys *keys;
};
int plan_zone(const struct plan_edition *edition, struct zone **ret) _must_use_;
/* The zones beside it, at most `max`; returns how many. */
int plan_children(const struct plan_edition *edition, struct zone **ret, size_t max) _must_use_;

/* The naming schemes of RSSAC028, section 5. */
#define PLAN_SCHEMES 6
struct plan_scheme {
	const char *section, *title;
	const char *pattern;
	unsigned cut_labels, child_labels;
	bool child_signed;
	const char *words; /* what follows from it */
};
extern const struct plan_scheme plan_schemes[PLAN_SCHEMES];

/* ---- questions ---- */
struct plan_question {
	uint16_t size; /* of EDNS; 0 = none */
	bool tcp, dnssec, cookie;
};
#define PLAN_QUESTION_MAX 64
size_t plan_question_write(const struct plan_question *question, uint8_t out[PLAN_QUESTION_MAX]);
char *plan_question_text(const struct plan_question *question, char out[48]); /* returns out */
/* The most bytes that its answer may have. */
size_t plan_question_room(const struct plan_question *question);

/* Who answers. ask(): one message to `out` of WIRE_MESSAGE_MAX bytes; it can be served what load() was given last. */
struct plan_asker {
	int (*load)(void *ctx, struct zone *const *zone, size_t n); /* the root first */
	int (*ask)(void *ctx, const struct plan_question *question, uint8_t *out, size_t *ret_len);
	void *ctx;
};

/* ---- a message, taken apart ---- */
enum plan_part {
	PLAN_HEADER,
	PLAN_QUESTION,
	PLAN_NS,
	PLAN_NS_RRSIG,
	PLAN_A,
	PLAN_AAAA,
	PLAN_ADDRESS_RRSIG,
	PLAN_OPT, /* without options */
	PLAN_COOKIE,
	PLAN_OPTIONS, /* others: NSID, extended errors */
	PLAN_OTHER,   /* records that are none of these */
	PLAN_PARTS
};
const char *plan_part_text(enum plan_part part);

struct plan_share {
	unsigned records;
	size_t bytes, plain; /* as they stand; with each name written in full */
};
struct plan_record {
	enum plan_part part;
	uint16_t type, covered;
	uint16_t at, len; /* in the message */
	/* bytes as they stand, and as they would without compression */
	uint16_t owner_len, owner_plain, data_len, data_plain;
	const uint8_t *owner, *data; /* expanded */
};
struct plan_message {
	size_t len;
	uint16_t flags, rcode;
	struct plan_share part[PLAN_PARTS]; /* their bytes add up to len */
	size_t n_records;                   /* OPT is none of them */
	struct plan_record *record;
	struct arena arena;
};
/* BANYAN_EMALF: it is no reply, or its parts do not add up. */
int plan_dissect(const uint8_t *msg, size_t len, struct plan_message *ret) _must_use_;
void plan_message_done(struct plan_message *message);
int plan_ask(const struct plan_asker *asker, const struct plan_question *question, struct plan_message *ret) _must_use_;

/* ---- two messages, held against each other ---- */
enum plan_why {
	PLAN_OWNER_NAMES, /* compressed less, or more */
	PLAN_DATA_NAMES,
	PLAN_LEFT_OUT,    /* only the first has them */
	PLAN_ADDED,       /* only the second */
	PLAN_OTHER_BYTES, /* of what both have and is no record, as OPT */
	PLAN_WHYS
};
struct plan_difference {
	unsigned records;
	long bytes; /* second less first */
};
struct plan_comparison {
	long total; /* bytes; the sum of all */
	struct plan_difference part[PLAN_PARTS][PLAN_WHYS];
};
int plan_compare(const struct plan_message *first, const struct plan_message *second, struct plan_comparison *ret)
	_must_use_;

/* What of the whole reply (over TCP) a message does not have. */
struct plan_missing {
	unsigned a, aaaa, signatures, others;
	bool beyond; /* the whole reply itself is cut: what it would have is more than 64 KiB; the caller sets it, by plan_is_whole() */
};
int plan_left_out(const struct plan_message *whole, const struct plan_message *message, struct plan_missing *ret)
	_must_use_;
/* Has the reply all that the zone has for it, or has it been cut? Signatures may be missing without TC. */
bool plan_is_whole(const struct zone *zone, const struct plan_message *message, bool dnssec);

/* ---- how many fit ---- */
struct plan_fit {
	size_t whole; /* the most servers that fit with all that belongs to them; 0: not one */
	size_t each;  /* ... with one address each at least */
	size_t bytes; /* of the message with `whole` servers */
	bool all;     /* `whole` is all that there are */
};
/* Of the edition's set, whatever its n is; without its keys, since that takes long and signatures of an algorithm are of one length. `room`: bytes; for a question over TCP, whose reply is always whole, `each` is not asked for. */
int plan_fit(const struct plan_asker *asker, const struct plan_edition *edition, const struct plan_question *question,
	     size_t room, struct plan_fit *ret) _must_use_;

/* ---- a picture: bytes against the number of servers ---- */
struct plan_curve {
	char label[64];
	size_t n;      /* points: of 1, 2, ... n servers */
	size_t *bytes; /* the caller's */
};
/* Whole replies (over TCP) for 1 ... n servers, as long as they have at most `most` bytes. */
int plan_curve(const struct plan_asker *asker, const struct plan_edition *edition, const struct plan_question *question,
	       size_t most, struct plan_curve *ret) _must_use_;
int plan_svg(const struct plan_curve *curve, size_t n, const uint16_t *size, size_t n_sizes, struct buffer *out)
	_must_use_;
