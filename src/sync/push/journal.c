// SPDX-License-Identifier: GPL-3.0-or-later
/* Differences as lists of records, and a version with them as a file. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_HEAD 10 /* bytes between owner and data: type, class, TTL, length (RFC 1035 section 3.2.1) */

/* ---- lists of records ---- */

int push_record_put(struct buffer *out, const uint8_t *owner, uint16_t type, uint32_t ttl,
		    const struct wire_rdata *rdata)
{
	uint8_t head[RECORD_HEAD];
	wire_put16(head, type);
	wire_put16(head + 2, WIRE_CLASS_IN);
	wire_put32(head + 4, ttl);
	wire_put16(head + 8, rdata->len);
	int rc = buffer_append(out, owner, wire_name_len(owner));
	if (rc == 0)
		rc = buffer_append(out, head, sizeof head);
	return rc == 0 ? buffer_append(out, rdata->data, rdata->len) : rc;
}

bool push_record_next(const uint8_t *data, size_t len, size_t *pos, struct push_record *ret)
{
	if (*pos >= len)
		return false;
	const uint8_t *owner = data + *pos, *head = owner + wire_name_len(owner);
	*ret = (struct push_record){
		.owner = owner,
		.type = wire_get16(head),
		.ttl = wire_get32(head + 4),
		.len = wire_get16(head + 8),
		.data = head + RECORD_HEAD,
	};
	*pos = (size_t)(ret->data - data) + ret->len;
	return true;
}

bool push_records_good(const uint8_t *data, size_t len)
{
	for (size_t pos = 0; pos < len;) {
		int owner = wire_name_check(data + pos, len - pos);
		if (owner < 0 || len - pos - (size_t)owner < RECORD_HEAD)
			return false;
		pos += (size_t)owner + RECORD_HEAD;
		uint16_t size = wire_get16(data + pos - 2);
		if (size > len - pos || wire_rdata_check(data + pos, size, wire_get16(data + pos - RECORD_HEAD)) < 0)
			return false;
		pos += size;
	}
	return true;
}

int push_step_new(uint32_t from, uint32_t to, const uint8_t *data, size_t len, struct push_step **ret)
{
	struct push_step *step = malloc(sizeof *step + len);
	if (step == NULL)
		return BANYAN_ENOMEM;
	atomic_init(&step->users, 1);
	step->from = from;
	step->to = to;
	step->len = len;
	memcpy(step->data, data, len);
	*ret = step;
	return 0;
}

void push_step_release(struct push_step *step)
{
	if (step != NULL && atomic_fetch_sub(&step->users, 1) == 1)
		free(step);
}

/* ---- a version as a file ----
 * magic, hash of all that follows, then numbers of four bytes (lengths: eight) and bytes: apex, serial, expire, ambiguous, SOA, number of
 * messages and the messages, size as a list, number of steps, of each from, to and its list. */

static const char magic[8] = "BANJRNL1";
static const uint8_t hash_key[16] = "banyan journal 1"; /* against damage: it need not be secret */

#define HEAD (sizeof magic + 8)

static int put32(struct buffer *out, uint32_t v)
{
	uint8_t bytes[4];
	wire_put32(bytes, v);
	return buffer_append(out, bytes, sizeof bytes);
}

static int put64(struct buffer *out, uint64_t v)
{
	int rc = put32(out, (uint32_t)(v >> 32));
	return rc == 0 ? put32(out, (uint32_t)v) : rc;
}

static int put_bytes(struct buffer *out, const void *data, size_t len)
{
	int rc = put64(out, len);
	return rc == 0 ? buffer_append(out, data, len) : rc;
}

static int put_version(struct buffer *out, const struct push_version *version)
{
	int rc = put_bytes(out, version->apex, version->apex_len);
	if (rc == 0)
		rc = put32(out, version->serial);
	if (rc == 0)
		rc = put32(out, version->expire_s);
	if (rc == 0)
		rc = put32(out, version->ambiguous);
	if (rc == 0)
		rc = put_bytes(out, version->soa.data, version->soa.len);
	if (rc == 0)
		rc = put64(out, version->n_messages);
	if (rc == 0)
		rc = put_bytes(out, version->messages.data, version->messages.len);
	if (rc == 0)
		rc = put64(out, version->plain);
	if (rc == 0)
		rc = put64(out, version->n_steps);
	for (size_t i = 0; i < version->n_steps && rc == 0; i++) {
		rc = put32(out, version->step[i]->from);
		if (rc == 0)
			rc = put32(out, version->step[i]->to);
		if (rc == 0)
			rc = put_bytes(out, version->step[i]->data, version->step[i]->len);
	}
	return rc;
}

int push_version_write(const struct push_version *version, struct buffer *out)
{
	size_t start = out->len;
	uint8_t head[HEAD] = {0};
	memcpy(head, magic, sizeof magic);
	int rc = buffer_append(out, head, sizeof head);
	if (rc == 0)
		rc = put_version(out, version);
	if (rc < 0)
		return rc;
	uint64_t hash = hash_sip(out->data + start + HEAD, out->len - start - HEAD, hash_key);
	wire_put32(out->data + start + sizeof magic, (uint32_t)(hash >> 32));
	wire_put32(out->data + start + sizeof magic + 4, (uint32_t)hash);
	return 0;
}

struct source {
	const uint8_t *at, *end;
	bool bad;
};

static uint32_t take32(struct source *s)
{
	if (s->bad || s->end - s->at < 4) {
		s->bad = true;
		return 0;
	}
	s->at += 4;
	return wire_get32(s->at - 4);
}

static uint64_t take64(struct source *s)
{
	uint64_t high = take32(s);
	return high << 32 | take32(s);
}

static const uint8_t *take_bytes(struct source *s, size_t *ret_len)
{
	uint64_t len = take64(s);
	if (s->bad || len > (uint64_t)(s->end - s->at)) {
		s->bad = true;
		*ret_len = 0;
		return s->at;
	}
	*ret_len = (size_t)len;
	s->at += len;
	return s->at - len;
}

static int take_step(struct source *s, struct push_version *version)
{
	uint32_t from = take32(s), to = take32(s);
	size_t len;
	const uint8_t *data = take_bytes(s, &len);
	const struct push_step *last = version->n_steps > 0 ? version->step[version->n_steps - 1] : NULL;
	if (s->bad || !push_records_good(data, len) || (last != NULL && last->to != from))
		return BANYAN_EMALF;
	int rc = push_step_new(from, to, data, len, &version->step[version->n_steps]);
	if (rc == 0) {
		version->step_bytes += len;
		version->n_steps++;
	}
	return rc;
}

static bool messages_good(const struct push_version *version)
{
	const uint8_t *msg;
	size_t pos = 0, len, n = 0;
	while (push_message_next(version, &pos, &msg, &len)) {
		if (len < WIRE_HEADER_SIZE || pos > version->messages.len)
			return false;
		n++;
	}
	return pos == version->messages.len && n == version->n_messages && n > 0;
}

static int take_version(struct source *s, struct push_version *version)
{
	size_t len, messages_len;
	const uint8_t *apex = take_bytes(s, &len);
	if (s->bad || wire_name_check(apex, len) != (int)len)
		return BANYAN_EMALF;
	memcpy(version->apex, apex, len);
	version->apex_len = len;
	version->serial = take32(s);
	version->expire_s = take32(s);
	version->ambiguous = take32(s) != 0;
	const uint8_t *soa = take_bytes(s, &len);
	version->n_messages = take64(s);
	const uint8_t *messages = take_bytes(s, &messages_len);
	version->plain = take64(s);
	uint64_t n_steps = take64(s);
	if (s->bad || n_steps > PUSH_STEPS_MAX || !push_records_good(soa, len))
		return BANYAN_EMALF;
	version->step = calloc(n_steps + 1, sizeof(struct push_step *));
	int rc = version->step == NULL ? BANYAN_ENOMEM : buffer_append(&version->soa, soa, len);
	if (rc == 0)
		rc = buffer_append(&version->messages, messages, messages_len);
	for (uint64_t i = 0; i < n_steps && rc == 0; i++)
		rc = take_step(s, version);
	if (rc < 0)
		return rc;
	bool ends = version->n_steps == 0 || version->step[version->n_steps - 1]->to == version->serial;
	return s->bad || s->at != s->end || !ends || !messages_good(version) ? BANYAN_EMALF : 0;
}

int push_version_read(const uint8_t *data, size_t len, struct push_version **ret)
{
	if (len < HEAD || memcmp(data, magic, sizeof magic) != 0)
		return BANYAN_EMALF;
	uint64_t hash = (uint64_t)wire_get32(data + sizeof magic) << 32 | wire_get32(data + sizeof magic + 4);
	if (hash != hash_sip(data + HEAD, len - HEAD, hash_key))
		return BANYAN_EMALF;
	struct push_version *version = calloc(1, sizeof *version);
	if (version == NULL)
		return BANYAN_ENOMEM;
	atomic_init(&version->users, 1);
	struct source source = {.at = data + HEAD, .end = data + len};
	int rc = take_version(&source, version);
	if (rc < 0) {
		push_version_release(version);
		return rc;
	}
	*ret = version;
	return 0;
}
