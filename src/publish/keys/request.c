// SPDX-License-Identifier: GPL-3.0-or-later
/* Key requests and responses as text: people read it, sums protect it on its way, the reader takes nothing that the writer would not write. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"

#define LINE_BYTES_MAX 1024 /* a DNSKEY of RSA with 4096 bits has 700 */

void keys_sum(const uint8_t *text, size_t len, char out[KEYS_SUM_MAX])
{
	uint8_t digest[32];
	EVP_Digest(text, len, digest, NULL, EVP_sha256(), NULL);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

void keys_request_done(struct keys_request *request)
{
	arena_done(&request->arena);
	memset(request, 0, sizeof *request);
}

/* ---- writing ---- */

static int time_write(const char *name, int64_t t, struct buffer *out)
{
	char text[32];
	return buffer_printf(out, "%s %s\n", name, clock_format(t, text));
}

static int bundle_write(const struct keys_bundle *b, struct buffer *out)
{
	int rc = time_write("bundle", b->from, out);
	if (rc >= 0)
		rc = time_write("inception", b->inception, out);
	if (rc >= 0)
		rc = time_write("expiration", b->expiration, out);
	for (size_t i = 0; i < b->n_keys && rc >= 0; i++) {
		const struct wire_rdata *k = &b->key[i];
		rc = buffer_printf(out, "dnskey %u %u %u %u ", dnssec_key_tag(k->data, k->len), wire_get16(k->data),
				   k->data[2], k->data[3]);
		if (rc >= 0)
			rc = keys_base64_append(out, k->data + 4, k->len - 4U);
		if (rc >= 0)
			rc = buffer_printf(out, "\n");
	}
	for (size_t i = 0; i < b->n_signatures && rc >= 0; i++) {
		const struct keys_signature *s = &b->signature[i];
		rc = buffer_printf(out, "signature %u %u ", s->tag, s->algorithm);
		if (rc >= 0)
			rc = keys_base64_append(out, s->bytes.data, s->bytes.len);
		if (rc >= 0)
			rc = buffer_printf(out, "\n");
	}
	return rc;
}

int keys_request_write(struct keys_request *request, struct buffer *out)
{
	char zone[WIRE_NAME_TEXT_MAX];
	size_t start = out->len;
	int rc = buffer_printf(out, "%s 1\nzone %s\nid %s\n", request->response ? "banyan-skr" : "banyan-ksr",
			       wire_name_text(request->apex, zone), request->id);
	if (rc >= 0 && request->response)
		rc = buffer_printf(out, "answers %s\n", request->answers);
	if (rc >= 0)
		rc = time_write("made", request->made, out);
	if (rc >= 0)
		rc = time_write("from", request->from, out);
	if (rc >= 0)
		rc = time_write("until", request->until, out);
	if (rc >= 0)
		rc = buffer_printf(out, "ttl %u\n", request->ttl);
	for (size_t i = 0; i < request->n && rc >= 0; i++)
		rc = bundle_write(&request->bundle[i], out);
	if (rc < 0)
		return rc;
	keys_sum(out->data + start, out->len - start, request->sum);
	rc = buffer_printf(out, "sum %s\n", request->sum);
	return rc < 0 ? rc : 0;
}

/* ---- reading ---- */

struct reading {
	const char *name, *text, *pos, *end;
	unsigned long line;
	char word[LINE_BYTES_MAX]; /* the first of the line; */
	char *value;               /* the rest */
	char *why;
};

static int malformed(struct reading *r, const char *what)
{
	return keys_wrong(r->why, BANYAN_EMALF, "%s:%lu: %s", r->name, r->line, what);
}

/* The next line; 0 at the end. */
static int line_next(struct reading *r)
{
	if (r->pos == r->end)
		return 0;
	const char *end = memchr(r->pos, '\n', (size_t)(r->end - r->pos));
	r->line++;
	if (end == NULL || end - r->pos >= LINE_BYTES_MAX)
		return malformed(r, "this line has no end: the file was cut off");
	size_t len = (size_t)(end - r->pos);
	for (size_t i = 0; i < len; i++)
		if (r->pos[i] < 0x20 || r->pos[i] > 0x7e)
			return malformed(r, "only printable ASCII stands in these files");
	memcpy(r->word, r->pos, len);
	r->word[len] = '\0';
	r->pos = end + 1;
	char *space = strchr(r->word, ' ');
	if (space == NULL)
		return malformed(r, "a word and its value are expected");
	*space = '\0';
	r->value = space + 1;
	return 1;
}

static int expect(struct reading *r, const char *word)
{
	int rc = line_next(r);
	if (rc < 0)
		return rc;
	if (rc == 0 || strcmp(r->word, word) != 0) {
		char text[64];
		snprintf(text, sizeof text, "'%s' is expected here", word);
		return malformed(r, text);
	}
	return 0;
}

static int time_take(struct reading *r, int64_t *ret)
{
	char again[32];
	if (clock_parse(r->value, ret) != 0 || strcmp(clock_format(*ret, again), r->value) != 0)
		return malformed(r, "a time as 2026-10-01T00:00:00Z is expected");
	return 0;
}

static int time_expect(struct reading *r, const char *word, int64_t *ret)
{
	int rc = expect(r, word);
	return rc != 0 ? rc : time_take(r, ret);
}

static bool number_take(char **text, unsigned long max, unsigned long *ret)
{
	char *end;
	if (**text < '0' || **text > '9')
		return false;
	unsigned long v = strtoul(*text, &end, 10);
	if (v > max || (*end != ' ' && *end != '\0'))
		return false;
	*text = *end == ' ' ? end + 1 : end;
	*ret = v;
	return true;
}

static int bytes_take(struct reading *r, struct arena *arena, const char *base64, const uint8_t *head, size_t head_len,
		      struct wire_rdata *ret)
{
	uint8_t data[KEYS_RDATA_MAX];
	if (head_len > 0)
		memcpy(data, head, head_len);
	int len = keys_base64_read(base64, strlen(base64), data + head_len, sizeof data - head_len);
	if (len <= 0)
		return malformed(r, "this is no base64, or too much of it");
	ret->len = (uint16_t)(head_len + (size_t)len);
	ret->data = arena_dup(arena, data, ret->len);
	return ret->data == NULL ? BANYAN_ENOMEM : 0;
}

static int key_take(struct reading *r, struct arena *arena, struct keys_bundle *b)
{
	unsigned long tag, flags, protocol, algorithm;
	char *text = r->value;
	if (b->n_keys == KEYS_BUNDLE_KEYS_MAX || b->n_signatures > 0)
		return malformed(r, "too many keys, or one behind the signatures");
	if (!number_take(&text, 65535, &tag) || !number_take(&text, 65535, &flags) ||
	    !number_take(&text, 255, &protocol) || !number_take(&text, 255, &algorithm) || protocol != 3)
		return malformed(r, "a key as 'dnskey TAG FLAGS 3 ALGORITHM BASE64' is expected");
	uint8_t head[4] = {(uint8_t)(flags >> 8), (uint8_t)flags, 3, (uint8_t)algorithm};
	struct wire_rdata *k = &b->key[b->n_keys];
	int rc = bytes_take(r, arena, text, head, sizeof head, k);
	if (rc != 0)
		return rc;
	if (dnssec_key_tag(k->data, k->len) != tag)
		return malformed(r, "the key has another tag than it says");
	if (b->n_keys > 0 && wire_rdata_cmp(&b->key[b->n_keys - 1], k) >= 0)
		return malformed(r, "keys stand in canonical order, each once");
	b->n_keys++;
	return 0;
}

static int signature_take(struct reading *r, struct arena *arena, struct keys_bundle *b)
{
	unsigned long tag, algorithm;
	char *text = r->value;
	if (b->n_signatures == KEYS_BUNDLE_KEYS_MAX || b->n_keys == 0)
		return malformed(r, "too many signatures, or one before the keys");
	if (!number_take(&text, 65535, &tag) || !number_take(&text, 255, &algorithm))
		return malformed(r, "a signature as 'signature TAG ALGORITHM BASE64' is expected");
	struct keys_signature *s = &b->signature[b->n_signatures];
	int rc = bytes_take(r, arena, text, NULL, 0, &s->bytes);
	if (rc != 0)
		return rc;
	s->tag = (uint16_t)tag;
	s->algorithm = (uint8_t)algorithm;
	b->n_signatures++;
	return 0;
}

static int bundle_take(struct reading *r, struct keys_request *request)
{
	struct keys_bundle *b = &request->bundle[request->n];
	if (request->n == KEYS_BUNDLES_MAX)
		return malformed(r, "too many bundles");
	memset(b, 0, sizeof *b);
	int rc = time_take(r, &b->from);
	if (rc == 0)
		rc = time_expect(r, "inception", &b->inception);
	if (rc == 0)
		rc = time_expect(r, "expiration", &b->expiration);
	if (rc != 0)
		return rc;
	if (b->inception > b->from || b->expiration <= b->from || b->expiration - b->inception > INT32_MAX ||
	    b->inception < 0 || b->expiration > UINT32_MAX)
		return malformed(r, "these dates of a bundle do not fit each other");
	if (b->from < request->from || b->from >= request->until ||
	    (request->n == 0 ? b->from != request->from : b->from <= request->bundle[request->n - 1].from))
		return malformed(r, "bundles stand in the order of time, from the first second of the request on");
	request->n++;
	return 0;
}

static int head_take(struct reading *r, struct keys_request *request)
{
	unsigned long ttl = 0;
	int rc = line_next(r);
	if (rc < 0)
		return rc;
	request->response = rc > 0 && strcmp(r->word, "banyan-skr") == 0;
	if (rc == 0 || strcmp(r->value, "1") != 0 || (!request->response && strcmp(r->word, "banyan-ksr") != 0))
		return malformed(
			r, "this is neither a key signing request ('banyan-ksr 1') nor a response ('banyan-skr 1')");
	rc = expect(r, "zone");
	if (rc == 0 && wire_name_parse(r->value, request->apex) < 0)
		rc = malformed(r, "this is no name of a zone");
	if (rc == 0)
		rc = expect(r, "id");
	if (rc == 0 && (strlen(r->value) >= KEYS_ID_MAX || strspn(r->value, "0123456789abcdefTZ-") != strlen(r->value)))
		rc = malformed(r, "this is no id");
	if (rc == 0)
		memcpy(request->id, r->value, strlen(r->value) + 1);
	if (rc == 0 && request->response)
		rc = expect(r, "answers");
	if (rc == 0 && request->response &&
	    (strlen(r->value) != KEYS_SUM_MAX - 1 || strspn(r->value, "0123456789abcdef") != KEYS_SUM_MAX - 1))
		rc = malformed(r, "the sum of the request is expected");
	if (rc == 0 && request->response)
		memcpy(request->answers, r->value, KEYS_SUM_MAX);
	if (rc == 0)
		rc = time_expect(r, "made", &request->made);
	if (rc == 0)
		rc = time_expect(r, "from", &request->from);
	if (rc == 0)
		rc = time_expect(r, "until", &request->until);
	if (rc == 0)
		rc = expect(r, "ttl");
	if (rc == 0 && (!number_take(&r->value, INT32_MAX, &ttl) || *r->value != '\0'))
		rc = malformed(r, "a TTL is expected");
	request->ttl = (uint32_t)ttl;
	return rc;
}

/* The sum stands over all that is before its line, and nothing is behind it. */
static int sum_take(struct reading *r, struct keys_request *request, const char *line_start)
{
	keys_sum((const uint8_t *)r->text, (size_t)(line_start - r->text), request->sum);
	if (strcmp(r->value, request->sum) != 0)
		return malformed(r, "the sum is another one: the file was changed on its way");
	if (r->pos != r->end)
		return malformed(r, "something stands behind the sum");
	return 1;
}

static int body_take(struct reading *r, struct keys_request *request)
{
	for (;;) {
		const char *start = r->pos;
		struct keys_bundle *b = request->n > 0 ? &request->bundle[request->n - 1] : NULL;
		int rc = line_next(r);
		if (rc <= 0)
			return rc < 0 ? rc : malformed(r, "the sum is missing: the file was cut off");
		if (strcmp(r->word, "bundle") == 0)
			rc = bundle_take(r, request);
		else if (strcmp(r->word, "dnskey") == 0 && b != NULL)
			rc = key_take(r, &request->arena, b);
		else if (strcmp(r->word, "signature") == 0 && b != NULL)
			rc = signature_take(r, &request->arena, b);
		else if (strcmp(r->word, "sum") == 0)
			rc = sum_take(r, request, start);
		else
			rc = malformed(r, "this is not expected here");
		if (rc != 0)
			return rc < 0 ? rc : 0;
	}
}

static int whole_check(struct reading *r, const struct keys_request *request)
{
	if (request->n == 0)
		return malformed(r, "there are no bundles");
	for (size_t i = 0; i < request->n; i++)
		if (request->bundle[i].n_keys == 0 || request->bundle[i].n_signatures == 0)
			return malformed(r, "a bundle has no keys, or no signatures");
	return 0;
}

int keys_request_read(const char *name, const char *text, size_t len, struct keys_request *ret, char why[KEYS_WHY_MAX])
{
	struct keys_request request = {0};
	struct reading r = {.name = name, .text = text, .pos = text, .end = text + len, .why = why};
	r.value = r.word;
	request.bundle = arena_alloc0(&request.arena, KEYS_BUNDLES_MAX * sizeof *request.bundle);
	int rc = request.bundle == NULL ? BANYAN_ENOMEM : len > KEYS_REQUEST_MAX ? malformed(&r, "it is too long") : 0;
	if (rc == 0)
		rc = head_take(&r, &request);
	if (rc == 0)
		rc = body_take(&r, &request);
	if (rc == 0)
		rc = whole_check(&r, &request);
	if (rc == BANYAN_ENOMEM)
		keys_wrong(why, rc, "%s: out of memory", name);
	if (rc != 0) {
		keys_request_done(&request);
		return rc;
	}
	*ret = request;
	return 0;
}
