// SPDX-License-Identifier: GPL-3.0-or-later
/* NSEC and NSEC3 records from text, for tests of denial. */
#pragma once

#include "dnssec/dnssec.h"

#define TEST_RECORDS_MAX 80

struct test_denial {
	struct dnssec_denial denial;
	uint8_t zone[WIRE_NAME_MAX];
	uint8_t labels[TEST_RECORDS_MAX];
	struct wire_rrset set[TEST_RECORDS_MAX];
	struct wire_rdata rdata[TEST_RECORDS_MAX];
	uint8_t owner[TEST_RECORDS_MAX][WIRE_NAME_MAX], data[TEST_RECORDS_MAX][700];
};

void test_denial_init(struct test_denial *denial, const char *zone);
/* "b.example. NSEC c.example. A RRSIG NSEC" or "HASH.example. NSEC3 1 0 12 aabbccdd HASH A RRSIG"; a leading "!" says that an
 * NSEC was made of a wildcard. */
void test_denial_add(struct test_denial *denial, const char *text);
/* base32hex of 20 bytes */
void test_hash_text(const uint8_t hash[20], char out[33]);
