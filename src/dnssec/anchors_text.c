// SPDX-License-Identifier: GPL-3.0-or-later
/* Trust anchors as BIND, Unbound, IANA and master files write them. */
#include "anchors_text.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define UNBOUND_STATE_VALID   2 /* of ;;state=N: the key may be used, and so may one that is missing for now */
#define UNBOUND_STATE_MISSING 3
#define FLAG_ZONE             0x0100
#define FLAG_REVOKE           0x0080

/* One file being read. */
struct reading {
	struct statements statements;
	struct statement statement;
	struct dnssec_anchors *anchors;
	uint8_t origin[WIRE_NAME_MAX], owner[WIRE_NAME_MAX];
	bool has_owner;
	size_t records;     /* DS and DNSKEY records, those passed over as well */
	size_t passed_over; /* keys that Unbound's file says are not to be used */
};

static const struct mnemonic {
	const char *name;
	uint8_t number;
} algorithms[] = {{"DSA", 3},
		  {"RSASHA1", 5},
		  {"DSA-NSEC3-SHA1", 6},
		  {"NSEC3DSA", 6},
		  {"RSASHA1-NSEC3-SHA1", 7},
		  {"NSEC3RSASHA1", 7},
		  {"RSASHA256", 8},
		  {"RSASHA512", 10},
		  {"ECC-GOST", 12},
		  {"ECCGOST", 12},
		  {"ECDSAP256SHA256", 13},
		  {"ECDSA256", 13},
		  {"ECDSAP384SHA384", 14},
		  {"ECDSA384", 14},
		  {"ED25519", 15},
		  {"ED448", 16}},
  digests[] = {{"SHA-1", 1}, {"SHA1", 1}, {"SHA-256", 2}, {"SHA256", 2}, {"GOST", 3}, {"SHA-384", 4}, {"SHA384", 4}};

static int fail(struct reading *r, const char *what, const struct statement_word *word)
{
	return text_error(r->statements.error, r->statements.source, r->statement.line, BANYAN_EMALF, what,
			  word != NULL ? (int)(word->len < 64 ? word->len : 64) : 0, word != NULL ? word->text : "");
}

/* A decimal number of at most `max`; -1: it is none. */
static long number_read(const struct statement_word *word, long max)
{
	long value = 0;
	if (word->len == 0 || word->len > 9)
		return -1;
	for (size_t i = 0; i < word->len; i++) {
		if (word->text[i] < '0' || word->text[i] > '9')
			return -1;
		value = value * 10 + (word->text[i] - '0');
	}
	return value <= max ? value : -1;
}

static long mnemonic_read(const struct statement_word *word, const struct mnemonic *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (word_is(word, list[i].name))
			return list[i].number;
	return number_read(word, 255);
}

/* "86400", "1d", "1w2d3h": is it a TTL? */
static bool is_ttl(const struct statement_word *word)
{
	bool digit = false;
	for (size_t i = 0; i < word->len; i++) {
		char c = word->text[i];
		if (c >= '0' && c <= '9')
			digit = true;
		else if (!digit || strchr("smhdwSMHDW", c) == NULL)
			return false;
	}
	return digit;
}

static int hex_read(struct reading *r, unsigned from, uint8_t *out, size_t max, size_t *ret_len)
{
	size_t n = 0;
	for (unsigned w = from; w < r->statement.n; w++)
		for (size_t i = 0; i < r->statement.word[w].len; i++, n++) {
			char c = r->statement.word[w].text[i];
			int v = c >= '0' && c <= '9'   ? c - '0'
				: c >= 'a' && c <= 'f' ? c - 'a' + 10
				: c >= 'A' && c <= 'F' ? c - 'A' + 10
						       : -1;
			if (v < 0 || n / 2 == max)
				return fail(r,
					    v < 0 ? "%.*s is no hexadecimal digest"
						  : "the digest ending in %.*s is too long",
					    &r->statement.word[w]);
			out[n / 2] = (uint8_t)(n % 2 == 0 ? v << 4 : out[n / 2] | v);
		}
	if (n == 0 || n % 2 != 0)
		return fail(r, n == 0 ? "the digest is missing%.*s" : "the digest has an odd number of digits%.*s",
			    NULL);
	*ret_len = n / 2;
	return 0;
}

static int base64_read(struct reading *r, unsigned from, uint8_t *out, size_t max, size_t *ret_len)
{
	char text[ANCHOR_WORD_MAX + 4];
	uint8_t data[ANCHOR_WORD_MAX];
	size_t n = 0, pad = 0;
	for (unsigned w = from; w < r->statement.n; w++) {
		const struct statement_word *word = &r->statement.word[w];
		if (n + word->len > ANCHOR_WORD_MAX)
			return fail(r, "the key is too long%.*s", NULL);
		memcpy(text + n, word->text, word->len);
		n += word->len;
	}
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
			    c == '/';
		pad += c == '=';
		if ((!good && c != '=') || (c != '=' && pad > 0))
			return fail(r, "the key is not base64%.*s", NULL);
	}
	if (n == 0 || n % 4 != 0 || pad > 2)
		return fail(r, n == 0 ? "the key is missing%.*s" : "the key is not whole: its base64 is cut short%.*s",
			    NULL);
	int len = EVP_DecodeBlock(data, (const unsigned char *)text, (int)n);
	if (len < 0 || (size_t)len - pad > max)
		return fail(r, "the key is not base64, or too long%.*s", NULL);
	memcpy(out, data, (size_t)len - pad);
	*ret_len = (size_t)len - pad;
	return 0;
}

static int ds_read(struct reading *r, unsigned at, uint8_t *out, size_t *ret_len)
{
	static const uint8_t sizes[] = {0, 20, 32, 32, 48};
	const struct statement_word *w = r->statement.word + at;
	size_t len = 0;
	if (r->statement.n < at + 4)
		return fail(r, "a DS needs four fields: key tag, algorithm, digest type, digest%.*s", NULL);
	long tag = number_read(&w[0], 65535), algorithm = mnemonic_read(&w[1], algorithms, ARRAY_SIZE(algorithms)),
	     digest = mnemonic_read(&w[2], digests, ARRAY_SIZE(digests));
	if (tag < 0)
		return fail(r, "%.*s is no key tag (0 to 65535)", &w[0]);
	if (algorithm < 0)
		return fail(r, "%.*s is no DNSSEC algorithm; write its number or its mnemonic, as RSASHA256", &w[1]);
	if (digest < 0)
		return fail(r, "%.*s is no digest type; write 2 or SHA-256, 4 or SHA-384", &w[2]);
	wire_put16(out, (uint16_t)tag);
	out[2] = (uint8_t)algorithm;
	out[3] = (uint8_t)digest;
	int rc = hex_read(r, at + 3, out + 4, 128, &len);
	if (rc == 0 && digest < (long)ARRAY_SIZE(sizes) && len != sizes[digest])
		return fail(r, "the digest has not the length of digest type %.*s; is it cut short?", &w[2]);
	*ret_len = len + 4;
	return rc;
}

static int dnskey_read(struct reading *r, unsigned at, uint8_t *out, size_t *ret_len)
{
	const struct statement_word *w = r->statement.word + at;
	size_t len = 0;
	if (r->statement.n < at + 4)
		return fail(r, "a DNSKEY needs four fields: flags, protocol, algorithm, key%.*s", NULL);
	long flags = number_read(&w[0], 65535), protocol = number_read(&w[1], 255),
	     algorithm = mnemonic_read(&w[2], algorithms, ARRAY_SIZE(algorithms));
	if (flags < 0 || (flags & FLAG_ZONE) == 0)
		return fail(r, "the flags %.*s are not those of a zone's key (257, or 256)", &w[0]);
	if ((flags & FLAG_REVOKE) != 0)
		return fail(r, "the flags %.*s say that the key is revoked; take it out", &w[0]);
	if (protocol != 3)
		return fail(r, "the protocol is %.*s; it is always 3", &w[1]);
	if (algorithm < 0)
		return fail(r, "%.*s is no DNSSEC algorithm; write its number or its mnemonic, as RSASHA256", &w[2]);
	wire_put16(out, (uint16_t)flags);
	out[2] = 3;
	out[3] = (uint8_t)algorithm;
	int rc = base64_read(r, at + 3, out + 4, sizeof r->anchors->item->rdata - 4, &len);
	*ret_len = len + 4;
	return rc;
}

static int owner_read(struct reading *r, const struct statement_word *word, uint8_t out[WIRE_NAME_MAX])
{
	char text[WIRE_NAME_TEXT_MAX];
	if (word->len == 0 || word->len >= sizeof text)
		return fail(r, "%.*s... is no name", word);
	memcpy(text, word->text, word->len);
	text[word->len] = '\0';
	if (strcmp(text, "@") == 0) {
		memcpy(out, r->origin, wire_name_len(r->origin));
		return 0;
	}
	int len = wire_name_parse(text, out);
	if (len < 0)
		return fail(r, "%.*s is no name", word);
	bool absolute = text[word->len - 1] == '.';
	if (absolute || r->origin[0] == 0)
		return 0;
	size_t more = wire_name_len(r->origin);
	if ((size_t)len - 1 + more > WIRE_NAME_MAX)
		return fail(r, "%.*s is too long a name under this $ORIGIN", word);
	memcpy(out + len - 1, r->origin, more);
	return 0;
}

static int anchor_add(struct reading *r, uint16_t type, unsigned at, bool fixed)
{
	uint8_t data[sizeof r->anchors->item->rdata];
	size_t len = 0;
	int rc = type == WIRE_TYPE_DS ? ds_read(r, at, data, &len) : dnskey_read(r, at, data, &len);
	if (rc < 0)
		return rc;
	r->records++;
	if (r->statement.state >= 0 && r->statement.state != UNBOUND_STATE_VALID &&
	    r->statement.state != UNBOUND_STATE_MISSING) {
		r->passed_over++;
		return 0;
	}
	struct wire_rdata rdata = {.data = data, .len = (uint16_t)len};
	size_t before = r->anchors->count;
	rc = dnssec_anchors_add(r->anchors, r->owner, type, &rdata);
	if (rc == BANYAN_ELIMIT)
		return text_error(r->statements.error, r->statements.source, r->statement.line, rc,
				  "more than %d trust anchors; leave only those in use", DNSSEC_ANCHORS_MAX);
	if (rc < 0)
		return text_error(r->statements.error, r->statements.source, r->statement.line, rc, "%s",
				  error_text(rc));
	for (size_t i = before; i < r->anchors->count; i++)
		r->anchors->item[i].fixed = fixed;
	return 0;
}

/* NAME initial-key | static-key | initial-ds | static-ds FIELDS, and of the oldest form NAME FIELDS. */
static int block_statement(struct reading *r)
{
	static const struct {
		const char *word;
		uint16_t type;
		bool fixed;
	} kinds[] = {{"initial-key", WIRE_TYPE_DNSKEY, false},
		     {"static-key", WIRE_TYPE_DNSKEY, true},
		     {"initial-ds", WIRE_TYPE_DS, false},
		     {"static-ds", WIRE_TYPE_DS, true}};
	const struct statement *s = &r->statement;
	if (s->n < 2)
		return fail(r, "a name and a key are expected%.*s", NULL);
	int rc = owner_read(r, &s->word[0], r->owner);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (word_is(&s->word[1], kinds[i].word))
			return anchor_add(r, kinds[i].type, 2, kinds[i].fixed);
	if (number_read(&s->word[1], 65535) >= 0)
		return anchor_add(r, WIRE_TYPE_DNSKEY, 1, true); /* trusted-keys */
	return fail(r, "%.*s is none of initial-key, initial-ds, static-key, static-ds", &s->word[1]);
}

static int directive(struct reading *r)
{
	const struct statement *s = &r->statement;
	if (word_is(&s->word[0], "$TTL") && s->n == 2 && is_ttl(&s->word[1]))
		return 0;
	if (word_is(&s->word[0], "$ORIGIN") && s->n == 2) {
		uint8_t origin[WIRE_NAME_MAX];
		int rc = owner_read(r, &s->word[1], origin);
		if (rc == 0)
			memcpy(r->origin, origin, wire_name_len(origin));
		return rc;
	}
	return fail(r, "%.*s is not understood here; $ORIGIN and $TTL are", &s->word[0]);
}

static bool is_type(const struct statement_word *word)
{
	return word_is(word, "DS") || word_is(word, "DNSKEY");
}

/* [owner] [TTL] [class] DS | DNSKEY fields */
static int record_statement(struct reading *r)
{
	const struct statement *s = &r->statement;
	unsigned at = 0;
	if (s->word[0].text[0] == '$')
		return directive(r);
	if (!s->indented) {
		int rc = owner_read(r, &s->word[at++], r->owner);
		if (rc < 0)
			return rc;
		r->has_owner = true;
	} else if (!r->has_owner) {
		return fail(r, "the line begins with blanks, but no record before it gives an owner%.*s", NULL);
	}
	/* TTL and class in either order, each at most once */
	for (bool ttl = false, class = false; at < s->n && !is_type(&s->word[at]); at++) {
		const struct statement_word *word = &s->word[at];
		if (!class && (word_is(word, "IN") || word_is(word, "CLASS1")))
			class = true;
		else if (!ttl && is_ttl(word))
			ttl = true;
		else
			return fail(
				r,
				"%.*s: here should stand DS or DNSKEY, with a TTL and the class IN before it at most; "
				"other records are no trust anchors",
				word);
	}
	if (at == s->n)
		return fail(r, "neither DS nor DNSKEY stands behind %.*s", &s->word[0]);
	return anchor_add(r, word_is(&s->word[at], "DS") ? WIRE_TYPE_DS : WIRE_TYPE_DNSKEY, at + 1, false);
}

int dnssec_anchors_parse(const char *source, const char *text, size_t len, struct dnssec_anchors *anchors,
			 struct dnssec_text_error *ret_error)
{
	struct reading *r = calloc(1, sizeof *r);
	if (r == NULL)
		return text_error(ret_error, source, 0, BANYAN_ENOMEM, "no memory");
	r->anchors = anchors;
	r->statements = (struct statements){
		.p = text, .end = text + len, .line = 1, .fresh_line = true, .error = ret_error, .source = source};

	int rc;
	while ((rc = statement_next(&r->statements, &r->statement)) > 0) {
		rc = r->statement.block ? block_statement(r) : record_statement(r);
		if (rc < 0)
			break;
	}
	if (rc == 0 && r->records == 0)
		rc = text_error(ret_error, source, 0, BANYAN_ENOENT, "there is no record; give DS or DNSKEY records");
	else if (rc == 0 && r->records == r->passed_over)
		rc = text_error(ret_error, source, 0, BANYAN_ENOENT,
				"none of its %zu keys is in the state VALID or MISSING, so none may be trusted",
				r->passed_over);
	free(r);
	return rc;
}
