// SPDX-License-Identifier: GPL-3.0-or-later
/* DS records: what a parent says of a key. */
#include "private.h"

#include <string.h>

#include "dnssec/private.h"

int make_ds(const uint8_t *owner, const uint8_t *dnskey_rdata, size_t len, uint8_t digest_type,
	    uint8_t out[MAKE_DS_MAX])
{
	uint8_t name[WIRE_NAME_MAX];
	unsigned digest_len = 0;
	const EVP_MD *md = digest_type == 1   ? digest_md(DIGEST_SHA1)
			   : digest_type == 2 ? digest_md(DIGEST_SHA256)
			   : digest_type == 4 ? digest_md(DIGEST_SHA384)
					      : NULL;
	if (md == NULL)
		return BANYAN_EUNSUPP;
	if (len < 5)
		return BANYAN_EMALF;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool done = ctx != NULL && EVP_DigestInit_ex2(ctx, md, NULL) && /* RFC 4034 section 5.1.4 */
		    EVP_DigestUpdate(ctx, name, wire_name_lower(owner, name)) &&
		    EVP_DigestUpdate(ctx, dnskey_rdata, len) && EVP_DigestFinal_ex(ctx, out + 4, &digest_len);
	EVP_MD_CTX_free(ctx);
	if (!done)
		return BANYAN_ENOMEM;
	wire_put16(out, dnssec_key_tag(dnskey_rdata, len));
	out[2] = dnskey_rdata[3];
	out[3] = digest_type;
	return 4 + (int)digest_len;
}
