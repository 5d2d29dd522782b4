// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A slow, plain way to say what a zone answers, straight from the RFCs and with linear searches only: what images are
 * compared with. And a signer that makes no real signatures, so that small zones get chains of NSEC or NSEC3 to prove with.
 */
#pragma once

#include "image/image.h"

enum test_chain { CHAIN_NONE, CHAIN_NSEC, CHAIN_NSEC3, CHAIN_OPTOUT };

/* Reads zone text; with a chain, adds records of denial and an RRSIG of dummy bytes to all that a signer would sign. */
struct zone *test_zone(const char *origin, const char *text, enum test_chain chain);

/* Compiles it, or returns what image_compile() said. What was made must be an image to whom does not trust it. */
int test_compile(const struct zone *zone, struct image **ret);

/* An answer as sorted lines "section owner ttl type rdata", each once. */
struct test_answer {
	uint16_t rcode;
	bool aa, tc;
	size_t n_lines;
	char **line;
	bool repeated; /* a line came twice */
};
void test_answer_add(struct test_answer *answer, enum wire_section section, const uint8_t *owner, uint32_t ttl,
		     uint16_t type, const struct wire_rdata *rdata);
void test_answer_sort(struct test_answer *answer);
void test_answer_done(struct test_answer *answer);

void reference_answer(const struct zone *zone, const uint8_t *qname, uint16_t qtype, bool dnssec,
		      struct test_answer *ret);
