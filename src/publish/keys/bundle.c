// SPDX-License-Identifier: GPL-3.0-or-later
/* One bundle: a DNSKEY set, its signatures, and whether they hold. */
#include <string.h>

#include "request.h"

#define RRSIG_HEAD 18 /* bytes before the signer's name (RFC 4034 section 3.1) */

void keys_bundle_set(const struct keys_request *request, const struct keys_bundle *bundle, struct wire_rrset *ret)
{
	*ret = (struct wire_rrset){.owner = request->apex,
				   .type = WIRE_TYPE_DNSKEY,
				   .rclass = WIRE_CLASS_IN,
				   .ttl = request->ttl,
				   .count = (uint32_t)bundle->n_keys,
				   .rdata = bundle->key};
}

int keys_signature_rdata(const struct keys_request *request, const struct keys_bundle *bundle,
			 const struct keys_signature *signature, struct buffer *out)
{
	uint8_t head[RRSIG_HEAD + WIRE_NAME_MAX];
	wire_put16(head, WIRE_TYPE_DNSKEY);
	head[2] = signature->algorithm;
	head[3] = (uint8_t)wire_name_labels(request->apex);
	wire_put32(head + 4, request->ttl);
	wire_put32(head + 8, (uint32_t)bundle->expiration);
	wire_put32(head + 12, (uint32_t)bundle->inception);
	wire_put16(head + 16, signature->tag);
	size_t len = RRSIG_HEAD + wire_name_lower(request->apex, head + RRSIG_HEAD);
	int rc = buffer_append(out, head, len);
	return rc != 0 ? rc : buffer_append(out, signature->bytes.data, signature->bytes.len);
}

bool keys_bundle_signed_by(const struct keys_request *request, const struct keys_bundle *bundle,
			   const struct wire_rdata *dnskey, int64_t at)
{
	uint16_t tag = dnssec_key_tag(dnskey->data, dnskey->len);
	struct dnssec_key *key;
	struct wire_rrset set;
	bool good = false;
	keys_bundle_set(request, bundle, &set);
	if (dnssec_key_new(dnskey->data, dnskey->len, &key) != 0)
		return false;
	for (size_t i = 0; i < bundle->n_signatures && !good; i++) {
		_cleanup_(buffer_done) struct buffer rdata = {0};
		const struct keys_signature *s = &bundle->signature[i];
		enum reason why;
		if (s->tag != tag || s->algorithm != dnskey->data[3] ||
		    keys_signature_rdata(request, bundle, s, &rdata) != 0)
			continue;
		struct wire_rdata rrsig = {.data = rdata.data, .len = (uint16_t)rdata.len};
		good = dnssec_rrsig_verify(&set, &rrsig, key, at, &why) == 0;
	}
	dnssec_key_free(key);
	return good;
}

int keys_bundle_sign(struct keys_request *request, struct keys_bundle *bundle, const struct make_key *key)
{
	_cleanup_(buffer_done) struct buffer rrsig = {0};
	struct wire_rrset set;
	if (bundle->n_signatures == KEYS_BUNDLE_KEYS_MAX)
		return BANYAN_ELIMIT;
	keys_bundle_set(request, bundle, &set);
	int rc = make_rrsig(&set, key, request->apex, bundle->inception, bundle->expiration, &rrsig);
	if (rc != 0)
		return rc;
	size_t head = RRSIG_HEAD + wire_name_len(request->apex);
	struct keys_signature *s = &bundle->signature[bundle->n_signatures];
	s->tag = make_key_tag(key);
	s->algorithm = make_key_algorithm(key);
	s->bytes.len = (uint16_t)(rrsig.len - head);
	s->bytes.data = arena_dup(&request->arena, rrsig.data + head, s->bytes.len);
	if (s->bytes.data == NULL)
		return BANYAN_ENOMEM;
	bundle->n_signatures++;
	return 0;
}

bool keys_is_ksk(const struct wire_rdata *dnskey)
{
	return (dnskey->data[1] & 1) != 0;
}

bool keys_bundle_has(const struct keys_bundle *bundle, const struct wire_rdata *dnskey)
{
	for (size_t i = 0; i < bundle->n_keys; i++)
		if (wire_rdata_cmp(&bundle->key[i], dnskey) == 0)
			return true;
	return false;
}

int keys_bundle_add(struct keys_request *request, struct keys_bundle *bundle, const uint8_t *rdata, size_t len)
{
	struct wire_rdata key = {.data = arena_dup(&request->arena, rdata, len), .len = (uint16_t)len};
	size_t at = 0;
	if (key.data == NULL)
		return BANYAN_ENOMEM;
	while (at < bundle->n_keys && wire_rdata_cmp(&bundle->key[at], &key) < 0)
		at++;
	if (at < bundle->n_keys && wire_rdata_cmp(&bundle->key[at], &key) == 0)
		return 0;
	if (bundle->n_keys == KEYS_BUNDLE_KEYS_MAX)
		return BANYAN_ELIMIT;
	memmove(&bundle->key[at + 1], &bundle->key[at], (bundle->n_keys - at) * sizeof bundle->key[0]);
	bundle->key[at] = key;
	bundle->n_keys++;
	return 0;
}
