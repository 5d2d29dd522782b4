// SPDX-License-Identifier: GPL-3.0-or-later
/* root-anchors.xml: what it says, when it holds, what is refused; and its signature by an authority made here. */
#include "../test.h"

#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "dnssec/dnssec.h"

#define NOW   1791676800LL /* 2026-10-11T00:00:00Z */
#define HEX_A "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
#define HEX_B "683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"
#define HEX_C "49AAC11D7B6F6446702E54A1607371607A1A41855200FD2CE1CDDE32F24E8FB5"
#define HEAD                                                                                                           \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TrustAnchor id=\"0\" "                                           \
	"source=\"http://data.iana.org/root-anchors/root-anchors.xml\">\n<Zone>.</Zone>\n"
#define ANCHOR(times, tag, digest)                                                                                     \
	"<KeyDigest id=\"K\" " times ">\n<KeyTag>" tag                                                                 \
	"</KeyTag>\n<Algorithm>8</Algorithm>\n<DigestType>2</DigestType>\n"                                            \
	"<Digest>" digest "</Digest>\n</KeyDigest>\n"
#define TAIL "</TrustAnchor>\n"
#define IANA                                                                                                           \
	HEAD ANCHOR("validFrom=\"2010-07-15T00:00:00+00:00\" validUntil=\"2019-01-11T00:00:00+00:00\"", "19036",       \
		    HEX_C) ANCHOR("validFrom=\"2017-02-02T00:00:00+00:00\"", "20326", HEX_A)                           \
		ANCHOR("validFrom=\"2024-07-18T00:00:00+00:00\"", "38696", HEX_B) TAIL

static struct dnssec_text_error error;

static int read_at(const char *xml, int64_t now, struct dnssec_anchors *anchors)
{
	dnssec_anchors_done(anchors);
	error.text[0] = '\0';
	return dnssec_anchors_parse_xml("x", xml, strlen(xml), now, anchors, &error);
}

static void times(void **state)
{
	(void)state;
	struct dnssec_anchors anchors = {0}, builtin = {0};
	assert_int_equal(dnssec_anchors_builtin(&builtin), 0);
	assert_int_equal(read_at(IANA, NOW, &anchors), 0);
	assert_int_equal(anchors.count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_memory_equal(anchors.item[i].rdata, builtin.item[i].rdata, builtin.item[i].len);
	assert_int_equal(read_at(IANA, 1500000000, &anchors), 0); /* 2017 */
	assert_int_equal(anchors.count, 2);
	assert_int_equal(wire_get16(anchors.item[0].rdata), 19036);
	assert_int_equal(read_at(IANA, 1300000000, &anchors), 0); /* 2011 */
	assert_int_equal(anchors.count, 1);
	assert_int_equal(read_at(IANA, 1200000000, &anchors), BANYAN_ENOENT); /* 2008 */
	assert_non_null(strstr(error.text, "none of its 3 anchors is valid at 2008-01-10"));
	/* to the second, and in another time zone */
	static const char zone[] = HEAD ANCHOR(
		"validFrom=\"2026-10-11T02:00:00+02:00\" validUntil=\"2026-10-10T23:00:01-01:00\"", "1", HEX_A) TAIL;
	assert_int_equal(read_at(zone, NOW, &anchors), 0);
	assert_int_equal(read_at(zone, NOW - 1, &anchors), BANYAN_ENOENT);
	assert_int_equal(read_at(zone, NOW + 1, &anchors), BANYAN_ENOENT);
	static const char z[] = HEAD ANCHOR("validFrom=\"2026-10-11T00:00:00Z\"", "1", HEX_A) TAIL;
	assert_int_equal(read_at(z, NOW, &anchors), 0);
	dnssec_anchors_done(&anchors);
	dnssec_anchors_done(&builtin);
}

static void public_key(void **state)
{
	(void)state;
	/* RFC 4034 section 5.4 with its SHA-256 digest of RFC 4509: the key is not the root's, so the zone is given */
	static const char text[] =
		"<TrustAnchor><Zone>dskey.example.com.</Zone><KeyDigest "
		"validFrom=\"2020-01-01T00:00:00Z\"><KeyTag>60485</KeyTag>"
		"<Algorithm>5</Algorithm><DigestType>2</"
		"DigestType><Digest>D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A"
		"</Digest><PublicKey>AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZ\n"
		"DRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/"
		"rljwvFw==\n"
		"</PublicKey><Flags>256</Flags></KeyDigest></TrustAnchor>";
	char copy[sizeof text];
	struct dnssec_anchors anchors = {0};
	int rc = read_at(text, NOW, &anchors);
	if (rc < 0)
		fail_msg("%s", error.text);
	assert_int_equal(anchors.count, 1);
	memcpy(copy, text, sizeof text);
	strstr(copy, "D4B7")[1] = '5';
	assert_int_equal(read_at(copy, NOW, &anchors), BANYAN_EMALF);
	assert_non_null(strstr(error.text, "not the one of the digest"));
	dnssec_anchors_done(&anchors);
}

static void refused(void **state)
{
	(void)state;
	static const struct {
		const char *xml, *error;
	} cases[] = {
		{"", "this is no XML"},
		{"no xml", "x:1: this is no XML"},
		{"<TrustAnchor></TrustAnchor>", "there is no KeyDigest"},
		{"<Other/>", "no TrustAnchor document (RFC 9718), but Other"},
		{HEAD "<KeyDigest>", "this is no XML"},
		{HEAD ANCHOR("validFrom=\"yesterday\"", "1", HEX_A) TAIL, "x:4: a date is not readable: yesterday"},
		{HEAD ANCHOR("validFrom=\"2026-10-11T00:00:00+99:00\"", "1", HEX_A) TAIL, "a date is not readable"},
		{HEAD ANCHOR("", "70000", HEX_A) TAIL, "70000 is no key tag"},
		{HEAD ANCHOR("", "1", "ABCD") TAIL, "the digest has not the length"},
		{HEAD ANCHOR("", "", HEX_A) TAIL, "an element is missing: KeyTag"},
		{HEAD ANCHOR("", "1</KeyTag><KeyTag>2", HEX_A) TAIL, "twice: KeyTag"},
		{"<TrustAnchor>" ANCHOR("", "1", HEX_A) TAIL, "missing: Zone"},
		/* entities */
		{"<!DOCTYPE a [<!ENTITY b \"1\">]><TrustAnchor><Zone>&b;</Zone></TrustAnchor>",
		 "a DOCTYPE is not allowed"},
		{"<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><TrustAnchor/>", "a DOCTYPE is not allowed"},
		{"<TrustAnchor><a><b><c><d><e><f><g><h/></g></f></e></d></c></b></a></TrustAnchor>", "too deep"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dnssec_anchors anchors = {0};
		assert_true(read_at(cases[i].xml, NOW, &anchors) < 0);
		if (strstr(error.text, cases[i].error) == NULL)
			fail_msg("%zu: %s", i, error.text);
		dnssec_anchors_done(&anchors);
	}
	struct buffer big = {0};
	struct dnssec_anchors anchors = {0};
	assert_true(buffer_printf(&big, "<TrustAnchor><Zone>") >= 0);
	for (unsigned i = 0; i < 2000; i++)
		assert_true(buffer_printf(&big, "a") >= 0);
	assert_int_equal(read_at((char *)big.data, NOW, &anchors), BANYAN_ELIMIT);
	assert_int_equal(dnssec_anchors_parse_xml("x", (char *)big.data, DNSSEC_XML_MAX + 1, NOW, &anchors, &error),
			 BANYAN_ELIMIT);
	buffer_done(&big);
}

/* ---- the signature ---- */

struct identity {
	EVP_PKEY *key;
	X509 *certificate;
};

static void extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(certificate, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* A certificate for a year around NOW; without an issuer an authority's own. */
static struct identity identity(const char *name, const char *email, const struct identity *issuer)
{
	struct identity i = {.key = EVP_EC_gen("P-256"), .certificate = X509_new()};
	X509 *c = i.certificate, *by = issuer != NULL ? issuer->certificate : c;
	time_t base = NOW;
	static long serial = 1;
	assert_true(X509_set_version(c, 2) && ASN1_INTEGER_set(X509_get_serialNumber(c), serial++));
	assert_non_null(X509_time_adj_ex(X509_getm_notBefore(c), -180, 0, &base));
	assert_non_null(X509_time_adj_ex(X509_getm_notAfter(c), 180, 0, &base));
	assert_true(X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC, (const uint8_t *)name, -1,
					       -1, 0));
	assert_true(X509_set_issuer_name(c, X509_get_subject_name(by)) && X509_set_pubkey(c, i.key));
	extension(c, by, NID_basic_constraints, issuer != NULL ? "critical,CA:FALSE" : "critical,CA:TRUE");
	extension(c, by, NID_subject_key_identifier, "hash");
	if (issuer != NULL)
		extension(c, by, NID_authority_key_identifier, "keyid");
	if (email != NULL) {
		char alternative[100];
		snprintf(alternative, sizeof alternative, "email:%s", email);
		extension(c, by, NID_subject_alt_name, alternative);
		extension(c, by, NID_ext_key_usage, "emailProtection");
	}
	assert_true(X509_sign(c, issuer != NULL ? issuer->key : i.key, EVP_sha256()) > 0);
	return i;
}

static void identity_done(struct identity *i)
{
	EVP_PKEY_free(i->key);
	X509_free(i->certificate);
}

static int sign(const struct identity *who, const char *text, uint8_t **ret)
{
	BIO *bio = BIO_new_mem_buf(text, -1);
	CMS_ContentInfo *cms = CMS_sign(who->certificate, who->key, NULL, bio, CMS_DETACHED | CMS_BINARY);
	assert_non_null(cms);
	*ret = NULL;
	int len = i2d_CMS_ContentInfo(cms, ret);
	CMS_ContentInfo_free(cms);
	BIO_free(bio);
	return len;
}

static void signatures(void **state)
{
	(void)state;
	struct identity ca = identity("authority", NULL, NULL), other = identity("authority", NULL, NULL),
			iana = identity("IANA", "dnssec@iana.org", &ca),
			clerk = identity("clerk", "clerk@iana.org", &ca),
			fake = identity("IANA", "dnssec@iana.org", &other);
	uint8_t *ca_der = NULL, *other_der = NULL, *good, *by_clerk, *by_fake;
	int ca_len = i2d_X509(ca.certificate, &ca_der), other_len = i2d_X509(other.certificate, &other_der);
	int good_len = sign(&iana, IANA, &good), clerk_len = sign(&clerk, IANA, &by_clerk),
	    fake_len = sign(&fake, IANA, &by_fake);
	struct dnssec_anchors_signature s = {"x",
					     (const uint8_t *)IANA,
					     good,
					     ca_der,
					     sizeof IANA - 1,
					     (size_t)good_len,
					     (size_t)ca_len,
					     "dnssec@iana.org",
					     NOW};
	if (dnssec_anchors_check_signature(&s, &error) < 0)
		fail_msg("%s", error.text);
	/* PEM, with something else before it */
	BIO *pem = BIO_new(BIO_s_mem());
	char *bytes;
	BIO_printf(pem, "the authority:\n");
	assert_true(PEM_write_bio_X509(pem, other.certificate) && PEM_write_bio_X509(pem, ca.certificate));
	s.ca_len = (size_t)BIO_get_mem_data(pem, &bytes);
	s.ca = (uint8_t *)bytes;
	assert_int_equal(dnssec_anchors_check_signature(&s, &error), 0);
	s.ca = ca_der;
	s.ca_len = (size_t)ca_len;
	/* another file, another time, another authority, another person */
	s.len--;
	assert_int_equal(dnssec_anchors_check_signature(&s, &error), BANYAN_EPROOF);
	s.len++;
	s.now = NOW + 181 * 86400;
	assert_int_equal(dnssec_anchors_check_signature(&s, &error), BANYAN_EPROOF);
	s.now = NOW - 181 * 86400;
	assert_int_equal(dnssec_anchors_check_signature(&s, &error), BANYAN_EPROOF);
	s.now = NOW;
	s.ca = other_der;
	s.ca_len = (size_t)other_len;
	assert_int_equal(dnssec_anchors_check_signature(&s, &error), BANYAN_EPROOF);
	s.ca = ca_der;
	s.ca_len = (size_t)ca_len;
	s.signature = by_fake;
	s.signature_len = (size_t)fake_len;
	assert_int_equal(dnssec_anchors_check_signature(&s, &error), BANYAN_EPROOF);
	s.signature = by_clerk;
	s.signature_len = (size_t)clerk_len;
	assert_int_equal(dnssec_anchors_check_signature(&s, &error), BANYAN_EPROOF);
	assert_non_null(strstr(error.text, "not by dnssec@iana.org"));
	s.email = NULL;
	assert_int_equal(dnssec_anchors_check_signature(&s, &error), 0);
	/* no byte of the signature's value may change; what is no signature is said to be none */
	s.signature = good;
	for (int at = good_len - 30; at < good_len; at += 7) {
		good[at] ^= 1;
		s.signature_len = (size_t)good_len;
		assert_true(dnssec_anchors_check_signature(&s, &error) < 0);
		good[at] ^= 1;
	}
	s.signature_len = (size_t)good_len / 2;
	assert_int_equal(dnssec_anchors_check_signature(&s, &error), BANYAN_EMALF);
	s.ca_len = 10;
	assert_int_equal(dnssec_anchors_check_signature(&s, &error), BANYAN_EMALF);
	BIO_free(pem);
	OPENSSL_free(ca_der);
	OPENSSL_free(other_der);
	OPENSSL_free(good);
	OPENSSL_free(by_clerk);
	OPENSSL_free(by_fake);
	identity_done(&ca);
	identity_done(&other);
	identity_done(&iana);
	identity_done(&clerk);
	identity_done(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times),
		cmocka_unit_test(public_key),
		cmocka_unit_test(refused),
		cmocka_unit_test(signatures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
