// SPDX-License-Identifier: GPL-3.0-or-later
/* The master of a fleet: what it has offered, its keys, its register, as it tells them by its control socket. */
#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEME_SIMPLE 1 /* RFC 8976 section 2.2.2 */
#define HASH_SHA384   1
#define HASH_SHA512   2
#define SAMPLE_MAX    8000         /* bytes of an answer: what fits a line */
#define DATE_MAX      253402300799 /* the end of the year 9999: what a date in a zone can say */

/* ---- digests ---- */

static bool digest_usable(const uint8_t *rdata, size_t len)
{
	return len > 6 && rdata[4] == SCHEME_SIMPLE &&
	       ((rdata[5] == HASH_SHA384 && len == 6 + 48) || (rdata[5] == HASH_SHA512 && len == 6 + 64));
}

static int digest_order(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

static void digest_add(struct fleet_digests *digests, const uint8_t *rdata, size_t len)
{
	size_t at = 0;
	if (!digest_usable(rdata, len) || digests->n == FLEET_DIGESTS_MAX)
		return;
	while (at < digests->n && digest_order(digests->data[at], digests->len[at], rdata, len) < 0)
		at++;
	for (size_t i = digests->n; i > at; i--) {
		memcpy(digests->data[i], digests->data[i - 1], FLEET_DIGEST_MAX);
		digests->len[i] = digests->len[i - 1];
	}
	memcpy(digests->data[at], rdata, len);
	digests->len[at] = (uint8_t)len;
	digests->n++;
}

void fleet_digests_of(const struct wire_rrset *set, struct fleet_digests *ret)
{
	*ret = (struct fleet_digests){0};
	for (uint32_t i = 0; i < set->count; i++)
		digest_add(ret, set->rdata[i].data, set->rdata[i].len);
}

/* ---- versions ---- */

bool fleet_digests_equal(const struct fleet_digests *a, const struct fleet_digests *b)
{
	bool equal = a->n == b->n;
	for (size_t i = 0; equal && i < a->n; i++)
		equal = digest_order(a->data[i], a->len[i], b->data[i], b->len[i]) == 0;
	return equal;
}

void fleet_master_offer(struct fleet_master *master, const struct fleet_version *version)
{
	const struct fleet_version *last = master->n > 0 ? &master->version[master->n - 1] : NULL;
	if (last != NULL && last->serial == version->serial && fleet_digests_equal(&last->digests, &version->digests))
		return;
	if (master->n == FLEET_VERSIONS_MAX) {
		memmove(master->version, master->version + 1, (FLEET_VERSIONS_MAX - 1) * sizeof *version);
		master->n--;
	}
	master->version[master->n++] = *version;
	master->is_dated |= version->valid_until > 0;
}

int64_t fleet_version_since(const struct fleet_version *version)
{
	int64_t from_ms = version->valid_from * 1000;
	return version->at_ms > from_ms ? version->at_ms : from_ms;
}

const struct fleet_version *fleet_version_at(const struct fleet_master *master, int64_t at_ms)
{
	for (size_t i = master->n; i > 0; i--)
		if (fleet_version_since(&master->version[i - 1]) <= at_ms)
			return &master->version[i - 1];
	return NULL;
}

/* ---- what a daemon says: lines of words ---- */

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hexadecimal digits up to what is none; the bytes, -1 = too many. */
static int hex_take(const char **text, uint8_t *out, size_t cap)
{
	size_t n = 0;
	for (; nibble((*text)[0]) >= 0 && nibble((*text)[1]) >= 0; *text += 2) {
		if (n == cap)
			return -1;
		out[n++] = (uint8_t)(nibble((*text)[0]) << 4 | nibble((*text)[1]));
	}
	return (int)n;
}

static bool number_take(const char **text, unsigned long long max, unsigned long long *ret)
{
	char *end;
	if (**text < '0' || **text > '9')
		return false;
	*ret = strtoull(*text, &end, 10);
	*text = *end == ' ' ? end + 1 : end;
	return *ret <= max && (*end == ' ' || *end == 0);
}

/* "SERIAL MILLISECONDS DIGEST,DIGEST" or "-" for none, then "FROM UNTIL" where the version has dates */
static int version_line(struct fleet_master *master, const char *text)
{
	struct fleet_version version = {0};
	unsigned long long serial, at, from = 0, until = 0;
	uint8_t rdata[FLEET_DIGEST_MAX];
	if (!number_take(&text, UINT32_MAX, &serial) || !number_take(&text, INT64_MAX, &at))
		return BANYAN_EMALF;
	version.serial = (uint32_t)serial;
	version.at_ms = (int64_t)at;
	text += *text == '-';
	while (*text != 0 && *text != ' ') {
		int len = hex_take(&text, rdata, sizeof rdata);
		if (len <= 0 || (*text != ',' && *text != ' ' && *text != 0))
			return BANYAN_EMALF;
		digest_add(&version.digests, rdata, (size_t)len);
		text += *text == ',';
	}
	if (*text++ == ' ' &&
	    (!number_take(&text, DATE_MAX, &from) || !number_take(&text, DATE_MAX, &until) || *text != 0))
		return BANYAN_EMALF;
	version.valid_from = (int64_t)from;
	version.valid_until = (int64_t)until;
	fleet_master_offer(master, &version);
	return 0;
}

int fleet_master_add_key(struct fleet_master *master, const uint8_t *rdata, size_t len)
{
	if (len > UINT16_MAX || master->dnskey_len + 2 + len > sizeof master->dnskey)
		return BANYAN_ELIMIT;
	wire_put16(master->dnskey + master->dnskey_len, (uint16_t)len);
	memcpy(master->dnskey + master->dnskey_len + 2, rdata, len);
	master->dnskey_len += 2 + len;
	return 0;
}

static int key_line(struct fleet_master *master, const char *text)
{
	uint8_t rdata[4096]; /* an RSA key of 4096 bits has some 520 */
	unsigned long long ttl;
	int len = number_take(&text, UINT32_MAX, &ttl) ? hex_take(&text, rdata, sizeof rdata) : -1;
	return len < 4 || *text != 0 ? BANYAN_EMALF : fleet_master_add_key(master, rdata, (size_t)len);
}

static int sample_line(struct fleet_master *master, const char *text)
{
	uint8_t msg[SAMPLE_MAX];
	int len = hex_take(&text, msg, sizeof msg);
	return len < WIRE_HEADER_SIZE || *text != 0 ? BANYAN_EMALF : fleet_sample_take(master, msg, (size_t)len);
}

/* "ADDRESS@PORT registered|configured KEY" */
static int peer_line(struct fleet_master *master, const char *text)
{
	struct fleet_peer peer;
	char addr[ADDR_TEXT_MAX];
	size_t len = strcspn(text, " ");
	if (len >= sizeof addr)
		return BANYAN_EMALF;
	memcpy(addr, text, len);
	addr[len] = 0;
	peer.registered = strncmp(text + len, " registered", 11) == 0;
	if (addr_parse(addr, 53, &peer.addr) < 0)
		return BANYAN_EMALF;
	if (master->n_peers == FLEET_NODES_MAX)
		return 0; /* fleet_add() tells of it */
	if (master->n_peers == master->cap_peers) {
		size_t cap = master->cap_peers == 0 ? 64 : master->cap_peers * 2;
		struct fleet_peer *more = realloc(master->peer, cap * sizeof *more);
		if (more == NULL)
			return BANYAN_ENOMEM;
		master->peer = more;
		master->cap_peers = cap;
	}
	master->peer[master->n_peers++] = peer;
	return 0;
}

static int line_take(struct fleet_master *master, const char *line, bool *ret_end)
{
	unsigned long long now;
	const char *text = line + strcspn(line, " ");
	size_t word = (size_t)(text - line);
	text += *text == ' ';
	if (word == 7 && strncmp(line, "version", word) == 0)
		return version_line(master, text);
	if (word == 6 && strncmp(line, "dnskey", word) == 0)
		return key_line(master, text);
	if (word == 6 && strncmp(line, "sample", word) == 0)
		return sample_line(master, text);
	if (word == 4 && strncmp(line, "peer", word) == 0)
		return peer_line(master, text);
	if (word == 8 && strncmp(line, "identity", word) == 0)
		snprintf(master->identity, sizeof master->identity, "%s", text);
	if (word == 7 && strncmp(line, "program", word) == 0)
		snprintf(master->version_text, sizeof master->version_text, "%s", text);
	if (word == 3 && strncmp(line, "now", word) == 0) {
		if (!number_take(&text, INT64_MAX, &now))
			return BANYAN_EMALF;
		master->now_ms = (int64_t)now;
	}
	if (word == 3 && strncmp(line, "end", word) == 0) {
		*ret_end = true;
		master->tells = strcmp(text, "told") == 0;
	}
	return 0; /* words of later versions are passed over */
}

int fleet_master_read(struct fleet_master *master, const char *text)
{
	static const char first[] = "fleet 1\n";
	bool end = false;
	char line[16384];
	if (strncmp(text, first, sizeof first - 1) != 0)
		return BANYAN_EMALF;
	master->n_peers = 0;
	master->dnskey_len = 0;
	master->n = 0;
	master->is_dated = false;
	for (text += sizeof first - 1; *text != 0 && !end;) {
		size_t len = strcspn(text, "\n");
		if (len >= sizeof line)
			return BANYAN_EMALF;
		memcpy(line, text, len);
		line[len] = 0;
		int rc = line_take(master, line, &end);
		if (rc < 0)
			return rc;
		text += len + (text[len] == '\n');
	}
	master->has_history = true;
	return end && master->n > 0 ? 0 : BANYAN_EMALF;
}

/* ---- keys ---- */

int fleet_master_keys(struct fleet_master *master, const uint8_t *apex, const struct dnssec_anchors *anchors,
		      const struct wire_rdata *sigs, size_t n_sigs, uint32_t ttl, int64_t now, char why[FLEET_WHY_MAX])
{
	struct wire_rdata rdata[FLEET_SET_MAX];
	struct wire_rrset set = {
		.owner = apex, .type = WIRE_TYPE_DNSKEY, .rclass = WIRE_CLASS_IN, .ttl = ttl, .rdata = rdata};
	struct dnssec_policy policy = {.now = now};
	struct dnssec_budget budget = {.signatures = FLEET_SIGNATURES};
	struct dnssec_verdict verdict;
	struct dnssec_keyset *keys = NULL;
	for (size_t at = 0; at < master->dnskey_len && set.count < FLEET_SET_MAX;) {
		rdata[set.count] =
			(struct wire_rdata){.data = master->dnskey + at + 2, .len = wire_get16(master->dnskey + at)};
		at += 2 + (size_t)rdata[set.count++].len;
	}
	master->is_signed = set.count > 0;
	bool anchored = anchors != NULL && anchors->count > 0;
	if (!master->is_signed && anchored)
		snprintf(why, FLEET_WHY_MAX, "it has no DNSKEY, and there are trust anchors");
	if (!master->is_signed)
		return anchored ? BANYAN_EPROOF : 0;
	int rc = anchored ? dnssec_keyset_prove(&policy, &budget, &set, sigs, n_sigs, NULL, anchors, &verdict, &keys)
			  : dnssec_keyset_new(&set, &policy, &keys);
	if (rc == 0 && anchored && verdict.state != DNSSEC_SECURE) {
		snprintf(why, FLEET_WHY_MAX, "its keys are not those of the trust anchors: %s",
			 reason_words(verdict.reason));
		return BANYAN_EPROOF;
	}
	if (rc != 0) {
		snprintf(why, FLEET_WHY_MAX, "%s", error_text(rc));
		return rc;
	}
	dnssec_keyset_free(master->keys);
	master->keys = keys;
	return 0;
}

void fleet_samples_drop(struct fleet_master *master)
{
	while (master->n_samples > 0)
		free(master->sample[--master->n_samples].msg);
}

void fleet_master_done(struct fleet_master *master)
{
	fleet_samples_drop(master);
	dnssec_keyset_free(master->keys);
	free(master->peer);
}
