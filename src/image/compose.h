// SPDX-License-Identifier: GPL-3.0-or-later
/* Composing a message from templates: the state of one answer. Private to image/. */
#pragma once

#include "block.h"

#define IMAGE_ALIASES_MAX 16 /* CNAMEs and DNAMEs followed inside the zone for one question; resolvers follow fewer */
#define IMAGE_RECOMPRESS_MAX                                                                                           \
	160 /* bytes that writing an answer anew may save: labels that only the question has, in a few names */
#define IMAGE_PROOFS_MAX 64 /* proofs in one answer: at most 3 for each alias and 3 for the end */

struct compose {
	const struct image *image;
	struct image_ask ask;
	bool dnssec, minimal;
	bool plain_extra;                         /* leave RRSIGs out of the additional section */
	const struct image_extra *unsigned_extra; /* what was given without its RRSIGs for that reason, or NULL */
	uint8_t *out;
	size_t len, cap;
	bool overflow; /* `cap` was too small; what is in `out` is of no use */
	size_t must;   /* the message is truncated if it ends before this */
	size_t missing; /* image_truncate(): by how many bytes what must be there did not fit; 0 = to write it anew would not help */
	uint16_t counts[4];
	uint16_t rcode;
	bool referral, any_minimised;
	bool expanding;                      /* a wildcard becomes the question's name */
	const struct image_slot *renamed_by; /* whose DNAME the answer begins with, or NULL */
	bool alias;                          /* the answer continues at `target` */
	uint8_t target[WIRE_NAME_MAX];
	unsigned n_proofs;
	uint32_t proof[IMAGE_PROOFS_MAX]; /* those given already: each is given once */
};

/* Writes header (counts and flags still 0) and question, then the answer for c->ask, without following aliases. */
void compose(struct compose *c);
enum image_chased { IMAGE_CHASE_TRUNCATED = 1, IMAGE_CHASE_OUT = 2 /* it ends at a name that is not this zone's */ };
/* Follows the alias that compose() found, if it did; writes the whole message anew, of at most `max` bytes, each name compressed
 * against all before it, the question's included. Returns a set of enum image_chased. */
unsigned image_chase(struct compose *c, size_t max);
/* Shortens the answer that did not fit `max` bytes to whole RRsets (RFC 2181 section 9). Returns whether TC is due. */
bool image_truncate(struct compose *c, size_t max);
