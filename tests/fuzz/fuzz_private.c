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

/* What is behind the text says nothing: digits there are not those of a number at its end. (No sanitizer looks into strtoul().) */
static int read_before(const char *behind, const uint8_t *text, size_t len, const uint8_t *rdata, size_t rdata_len)
{
	_cleanup_(buffer_done) struct buffer copy = {0};
	struct make_key *key;
	if (buffer_append(&copy, text, len) != 0 || buffer_append(&copy, behind, strlen(behind) + 1) != 0)
		return 0;
	int rc = make_key_from_bind((const char *)copy.data, len, rdata, rdata_len, &key);
	if (rc == 0)
		make_key_free(key);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	struct make_key *key = NULL, *again = NULL;
	size_t rdata_len = len < 2 ? SIZE_MAX : wire_get16(data);
	if (rdata_len > len - 2 || len < 2)
		return 0;
	const uint8_t *rdata = data + 2, *body = rdata + rdata_len;
	if (read_before("77777777", body, len - 2 - rdata_len, rdata, rdata_len) !=
	    read_before("\n", body, len - 2 - rdata_len, rdata, rdata_len))
		abort();
	if (make_key_from_bind((const char *)body, len - 2 - rdata_len, rdata, rdata_len, &key) != 0) {
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
