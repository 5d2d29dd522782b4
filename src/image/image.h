// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * image - a zone compiled into ready-made answers.
 *
 * image_compile() turns a zone into one contiguous, read-only, position-independent block: for each
 * name the finished wire form of its answers (referral with glue, DS and signatures; negative answers with
 * their proof; apex sets) as templates and the offsets to patch. image_answer() then is: look up, copy,
 * patch; it allocates nothing. Called by answer/ (to answer clients) and resolve/ (the local root is a function call).
 * layout.h (private) draws the tables.
 *
 * Example:
 *
 *	struct image *image;
 *	if (image_compile(zone, &image) == 0) {
 *		struct image_query q = { .question = &question, .dnssec = question.edns.do_bit, .max = 1232, .reserve = 11 };
 *		struct image_reply reply;
 *		int len = image_answer(image, &q, out, &reply);
 *	}
 */
#pragma once

#include "zone/zone.h"

struct image; /* the block */

int image_compile(const struct zone *zone, struct image **ret) _must_use_;
/* Wraps (and checks: magic, version, bounds, checksum) bytes that image_compile made, e.g. mapped from a file. */
int image_open(const void *data, size_t len, struct image **ret) _must_use_;
/* The whole block, as image_open() takes it. Its checksum is made here: one thread at a time. */
const void *image_bytes(const struct image *image, size_t *ret_len);
void image_free(struct image *image);

const uint8_t *image_apex(const struct image *image);
uint32_t image_serial(const struct image *image);
size_t image_names(const struct image *image);

/* Does the zone hold the name, or anything between it and the apex? A cheap look before image_answer(). */
bool image_holds(const struct image *image, const struct wire_question *question);

/* One of its names that has data of its own or is delegated, chosen by a number (a random one, to look at samples), and a type to ask for: NS
 * of a delegation. It lives as long as the image. */
const uint8_t *image_sample(const struct image *image, uint64_t number, uint16_t *ret_type);

struct image_query {
	const struct wire_question *question;
	bool dnssec;    /* add signatures and proofs (DO) */
	bool minimal;   /* in the additional section only addresses of name servers, not those of MX and SRV targets */
	size_t max;     /* bytes the whole message may have, OPT included (TC when more is needed) */
	size_t reserve; /* bytes of `max` that the caller needs for OPT */
};

struct image_reply {
	uint16_t rcode;
	bool authoritative, truncated;
	bool referral;
	bool alias_out; /* the answer ends in a CNAME/DNAME whose target is outside this zone */
	uint16_t counts[4];
	bool any_minimised; /* RFC 8482 */
	bool wildcard;      /* expanded: any name would have got this */
};

/* Writes a whole message (header with the question's ID, opcode and RD copied, RA, AD and CD clear; question; sections; no OPT) to
 * `out` of at least q->max bytes. Returns its length. The question's name must be at or below the image's apex and its
 * class IN. Truncation: RFC 2181 section 9, RFC 9471 (in-domain glue missing = TC). */
int image_answer(const struct image *image, const struct image_query *q, uint8_t *out, struct image_reply *ret)
	_must_use_;
