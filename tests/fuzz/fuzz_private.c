// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Private keys as BIND and ldns write them (K*.private): any text, beside any DNSKEY. The input is the length of the DNSKEY's RDATA (2 bytes), the
 * RDATA, the text. What is taken signs so that the DNSKEY proves it, and is written and read as the same key.
 */
#include "dnssec/make/make.h"

#include <stdlib.h>
#include <string.h>

#define NOW 1790000000LL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void sign(const struct make_key *key)
{
	_cleanup_(buffer_done) struct buffer rrsig = {0};
	size_t len;
	const uint8_t *rdata = make_key_rdata(key, &len);
	struct wire_rdata item = {.data = rdata, .len = (uint16_t)len};
	struct wire_rrset set = {.owner = (const uint8_t *)"",
				 .type = WIRE_TYPE_DNSKEY,
				 .rclass = WIRE_CLASS_IN,
				 .ttl = 3600,
				 .count = 1,
				 .rdata = &item};
	struct dnssec_key *check;
	enum reason reason;
	if (make_rrsig(&set, key, set.owner, NOW - 1, NOW + 1, &rrsig) != 0 || dnssec_key_new(rdata, len, &check) != 0)
		abort();
	struct wire_rdata sig = {.data = rrsig.data, .len = (uint16_t)rrsig.len};
	if ((make_key_flags(key) & MAKE_FLAG_REVOKE) == 0 && dnssec_rrsig_verify(&set, &sig, check, NOW, &reason) != 0)
		abort();
	dnssec_key_free(check);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	struct make_key *key = NULL, *again = NULL;
	size_t rdata_len = len < 2 ? SIZE_MAX : wire_get16(data);
	if (rdata_len > len - 2 || len < 2)
		return 0;
	const uint8_t *rdata = data + 2;
	if (make_key_from_bind((const char *)rdata + rdata_len, len - 2 - rdata_len, rdata, rdata_len, &key) != 0) {
		if (key != NULL)
			abort();
		return 0;
	}
	sign(key);
	if (make_key_to_bind(key, &text) != 0 ||
	    make_key_from_bind((const char *)text.data, text.len, rdata, rdata_len, &again) != 0 ||
	    make_key_tag(again) != make_key_tag(key))
		abort();
	make_key_free(again);
	make_key_free(key);
	return 0;
}
