// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Deltas: from the wire form of one version of a zone to that of another, byte for byte. docs/published-files.md draws the form.
 *
 * Most versions of a signed zone change hardly anything but their signatures, which nothing makes shorter. So a record that is signed
 * anew costs its signature and next to nothing else: its other fields stand in columns of their own, in which one value follows itself
 * thousands of times. Nothing depends on a zone being like that: any two versions make a delta.
 */
#include <openssl/evp.h>
#include <string.h>

#include "private.h"
#include "wirewalk.h"

const uint8_t zone_delta_magic[8] = {0x89, 'B', 'N', 'Y', 'D', '\n', 0, 1};

bool zone_is_delta(const void *data, size_t len)
{
	return len >= sizeof zone_delta_magic - 2 && memcmp(data, zone_delta_magic, sizeof zone_delta_magic - 2) == 0;
}

/* ---- making ---- */

struct making {
	struct buffer part[ZONE_DELTA_PARTS];
	struct buffer signatures;
	uint64_t count; /* of the step in hand */
	enum zone_delta_step step;
	uint64_t run; /* of RRSIGs in hand */
	bool run_changed;
	uint32_t inception, expiration; /* of the RRSIG signed anew before */
	const uint8_t *owner;           /* of the record before, in the new version */
	bool failed;
};

static void put(struct making *m, struct buffer *to, const void *data, size_t len)
{
	m->failed |= len > 0 && buffer_append(to, data, len) < 0;
}

/* Seven bits a byte, the low ones first; the top bit says that more follow. */
static void put_number(struct making *m, enum zone_delta_part part, uint64_t v)
{
	uint8_t out[10];
	size_t n = 0;
	for (; v >= 0x80; v >>= 7)
		out[n++] = (uint8_t)(v | 0x80);
	out[n++] = (uint8_t)v;
	put(m, &m->part[part], out, n);
}

/* A difference modulo 2^32, small ones of either sign as small numbers. */
static void put_difference(struct making *m, enum zone_delta_part part, uint32_t to, uint32_t from)
{
	uint32_t d = to - from;
	put_number(m, part, (uint32_t)(d << 1) ^ (uint32_t) - (int32_t)(d >> 31));
}

static void step_end(struct making *m)
{
	if (m->count > 0)
		put_number(m, ZONE_DELTA_STEPS, m->count << 2 | (uint64_t)m->step);
	m->count = 0;
}

static void step_add(struct making *m, enum zone_delta_step step)
{
	if (step != m->step)
		step_end(m);
	m->step = step;
	m->count++;
}

static void run_add(struct making *m, bool changed)
{
	if (changed != m->run_changed) {
		put_number(m, ZONE_DELTA_RUNS, m->run);
		m->run = 0;
		m->run_changed = changed;
	}
	m->run++;
}

static void record_put(struct making *m, const struct zone_wire_record *record)
{
	struct buffer *to = &m->part[ZONE_DELTA_RECORDS_NEW];
	uint8_t shared = m->owner != NULL ? (uint8_t)wire_name_common(m->owner, record->owner) : 0, type[2];
	size_t own = (size_t)(wire_name_skip(record->owner, wire_name_labels(record->owner) - shared) - record->owner);
	size_t signature =
		record->type == WIRE_TYPE_RRSIG ? zone_rrsig_signature_at(record->rdata, record->rdata_len) : 0;
	size_t here = signature > 0 ? signature : record->rdata_len;
	put(m, to, &shared, 1);
	put(m, to, record->owner, own);
	put(m, to, "", 1);
	wire_put16(type, record->type);
	put(m, to, type, 2);
	put_number(m, ZONE_DELTA_RECORDS_NEW, record->ttl);
	put_number(m, ZONE_DELTA_RECORDS_NEW, record->rdata_len);
	put(m, to, record->rdata, here);
	put(m, &m->signatures, record->rdata + here, record->rdata_len - here);
}

/* Does one RRSIG become the other by new times, key tag and signature? */
static bool is_signed_anew(const struct zone_wire_record *old, const struct zone_wire_record *now)
{
	size_t signature = zone_rrsig_signature_at(now->rdata, now->rdata_len);
	return old->type == WIRE_TYPE_RRSIG && signature > 0 && old->len == now->len && old->ttl == now->ttl &&
	       zone_rrsig_signature_at(old->rdata, old->rdata_len) == signature &&
	       memcmp(old->rdata, now->rdata, RRSIG_EXPIRATION) == 0 &&
	       memcmp(old->rdata + RRSIG_SIGNER, now->rdata + RRSIG_SIGNER, signature - RRSIG_SIGNER) == 0;
}

static void record_sign(struct making *m, const struct zone_wire_record *old, const struct zone_wire_record *now)
{
	size_t signature = zone_rrsig_signature_at(now->rdata, now->rdata_len);
	uint32_t inception = wire_get32(now->rdata + RRSIG_INCEPTION);
	uint32_t expiration = wire_get32(now->rdata + RRSIG_EXPIRATION);
	put_difference(m, ZONE_DELTA_INCEPTIONS, inception, m->inception);
	put_difference(m, ZONE_DELTA_EXPIRATIONS, expiration, m->expiration);
	put_difference(m, ZONE_DELTA_KEYTAGS, wire_get16(now->rdata + RRSIG_KEYTAG),
		       wire_get16(old->rdata + RRSIG_KEYTAG));
	m->inception = inception;
	m->expiration = expiration;
	put(m, &m->signatures, now->rdata + signature, now->rdata_len - signature);
}

static uint16_t covered(const struct zone_wire_record *record)
{
	return record->type == WIRE_TYPE_RRSIG && record->rdata_len >= 2 ? wire_get16(record->rdata) : 0;
}

/* About the canonical order. A wrong guess makes the delta larger, never wrong. */
static int record_order(const struct zone_wire_record *a, const struct zone_wire_record *b, bool same_owner)
{
	int d = same_owner ? 0 : wire_name_cmp(a->owner, b->owner);
	if (d == 0)
		d = (int)a->type - (int)b->type;
	if (d == 0)
		d = (int)covered(a) - (int)covered(b);
	return d;
}

static int data_order(const struct zone_wire_record *a, const struct zone_wire_record *b)
{
	size_t min = a->rdata_len < b->rdata_len ? a->rdata_len : b->rdata_len;
	int d = min > 0 ? memcmp(a->rdata, b->rdata, min) : 0;
	return d != 0 ? d : (int)a->rdata_len - (int)b->rdata_len;
}

/* What becomes of the old record, given the next new one: KEEP uses up both, SKIP the old one, PUT the new one. */
static enum zone_delta_step decide(struct making *m, const struct zone_wire_record *old,
				   const struct zone_wire_record *now)
{
	bool same_owner = old->owner_len == now->owner_len && memcmp(old->owner, now->owner, old->owner_len) == 0;
	int d = record_order(old, now, same_owner);
	if (d != 0)
		return d < 0 ? ZONE_DELTA_SKIP : ZONE_DELTA_PUT;
	bool same = same_owner && old->len == now->len && memcmp(old->owner, now->owner, old->len) == 0;
	if (same || (same_owner && is_signed_anew(old, now))) {
		if (old->type == WIRE_TYPE_RRSIG)
			run_add(m, !same);
		if (!same)
			record_sign(m, old, now);
		return ZONE_DELTA_KEEP;
	}
	return data_order(old, now) <= 0 ? ZONE_DELTA_SKIP : ZONE_DELTA_PUT;
}

static int edits_make(struct making *m, struct zone_wire_walk *base, struct zone_wire_walk *now)
{
	struct zone_wire_record old, new;
	int left_old = zone_wire_walk_next(base, &old), left_new = zone_wire_walk_next(now, &new);
	while (left_old > 0 || left_new > 0) {
		enum zone_delta_step step = left_new <= 0   ? ZONE_DELTA_SKIP
					    : left_old <= 0 ? ZONE_DELTA_PUT
							    : decide(m, &old, &new);
		step_add(m, step);
		if (step == ZONE_DELTA_PUT)
			record_put(m, &new);
		if (step != ZONE_DELTA_PUT)
			left_old = zone_wire_walk_next(base, &old);
		if (step != ZONE_DELTA_SKIP) {
			m->owner = new.owner;
			left_new = zone_wire_walk_next(now, &new);
		}
		if (left_old < 0 || left_new < 0)
			return BANYAN_EMALF;
	}
	step_end(m);
	if (m->run > 0)
		put_number(m, ZONE_DELTA_RUNS, m->run);
	return left_old < 0 || left_new < 0 ? BANYAN_EMALF : m->failed ? BANYAN_ENOMEM : 0;
}

/* All parts in one piece, their lengths before them. */
static int edits_join(const struct making *m, struct buffer *out)
{
	struct making head = {0};
	int rc = 0;
	for (int i = 0; i < ZONE_DELTA_PARTS; i++)
		put_number(&head, ZONE_DELTA_STEPS, m->part[i].len);
	rc = head.failed ? BANYAN_ENOMEM : buffer_append(out, head.part[0].data, head.part[0].len);
	buffer_done(&head.part[0]);
	for (int i = 0; i < ZONE_DELTA_PARTS && rc == 0; i++)
		rc = m->part[i].len > 0 ? buffer_append(out, m->part[i].data, m->part[i].len) : 0;
	return rc;
}

static int sha256(const uint8_t *data, size_t len, uint8_t out[32])
{
	return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : BANYAN_EOTHER;
}

static int delta_write(const struct zone_delta_about *about, const struct buffer *edits,
		       const struct buffer *signatures, struct buffer *out)
{
	_cleanup_(buffer_done) struct buffer packed = {0};
	size_t apex_len = wire_name_len(about->apex);
	int rc = zone_pack(edits->data, edits->len, &packed);
	if (rc == 0)
		rc = buffer_reserve(out, ZONE_DELTA_APEX + apex_len + packed.len + signatures->len);
	if (rc != 0)
		return BANYAN_ENOMEM;
	uint8_t *p = out->data + out->len;
	memcpy(p, zone_delta_magic, sizeof zone_delta_magic);
	wire_put32(p + ZONE_DELTA_BASE_SERIAL, about->base_serial);
	wire_put64(p + ZONE_DELTA_BASE_LEN, about->base_len);
	memcpy(p + ZONE_DELTA_BASE_HASH, about->base_hash, sizeof about->base_hash);
	wire_put32(p + ZONE_DELTA_SERIAL, about->serial);
	wire_put64(p + ZONE_DELTA_RECORDS, about->n_records);
	wire_put64(p + ZONE_DELTA_LEN, about->len);
	memcpy(p + ZONE_DELTA_HASH, about->hash, sizeof about->hash);
	wire_put64(p + ZONE_DELTA_EDITS_LEN, edits->len);
	wire_put64(p + ZONE_DELTA_EDITS_PACKED_LEN, packed.len);
	memcpy(p + ZONE_DELTA_APEX, about->apex, apex_len);
	out->len += ZONE_DELTA_APEX + apex_len;
	memcpy(p + ZONE_DELTA_APEX + apex_len, packed.data, packed.len);
	out->len += packed.len;
	return signatures->len > 0 ? buffer_append(out, signatures->data, signatures->len) : 0;
}

int zone_delta_make(const uint8_t *base, size_t base_len, const uint8_t *now, size_t now_len, struct buffer *out)
{
	struct making m = {0};
	struct zone_wire_walk old, new;
	_cleanup_(buffer_done) struct buffer edits = {0};
	int rc = zone_wire_walk_begin(base, base_len, &old);
	if (rc == 0)
		rc = zone_wire_walk_begin(now, now_len, &new);
	if (rc != 0)
		return rc;
	if (!wire_name_equal(old.apex, new.apex))
		return BANYAN_EINVAL;
	struct zone_delta_about about = {.apex = new.apex,
					 .base_serial = old.serial,
					 .serial = new.serial,
					 .base_len = base_len,
					 .len = now_len,
					 .n_records = new.n_records};
	rc = sha256(base, base_len, about.base_hash);
	if (rc == 0)
		rc = sha256(now, now_len, about.hash);
	if (rc == 0)
		rc = edits_make(&m, &old, &new);
	if (rc == 0)
		rc = edits_join(&m, &edits);
	if (rc == 0)
		rc = delta_write(&about, &edits, &m.signatures, out);
	for (int i = 0; i < ZONE_DELTA_PARTS; i++)
		buffer_done(&m.part[i]);
	buffer_done(&m.signatures);
	return rc;
}
