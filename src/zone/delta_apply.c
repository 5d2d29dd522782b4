// SPDX-License-Identifier: GPL-3.0-or-later
/* Deltas, applied. They come from strangers: each step is held against the base, the parts and the declared length, and the whole against
 * the checksum. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "private.h"
#include "wirewalk.h"

#define ADVICE "fetch it anew, or the whole zone"

static int fail(struct zone_error *error, const char *name, enum reason reason, int rc, const char *what)
{
	zone_error_set(error, reason, 0, "%s: delta: %s; " ADVICE, name, what);
	return rc;
}

int zone_delta_about(const char *name, const uint8_t *delta, size_t len, struct zone_delta_about *ret,
		     struct zone_error *ret_error)
{
	if (!zone_is_delta(delta, len))
		return fail(ret_error, name, REASON_SYNTAX, BANYAN_EMALF, "it does not begin as one");
	if (len < ZONE_DELTA_APEX)
		return fail(ret_error, name, REASON_SYNTAX, BANYAN_EMALF, "the header is cut off");
	if (memcmp(delta, zone_delta_magic, sizeof zone_delta_magic) != 0)
		return fail(ret_error, name, REASON_SYNTAX, BANYAN_EUNSUPP, "a form of another number than 1");
	int apex_len = wire_name_check(delta + ZONE_DELTA_APEX, len - ZONE_DELTA_APEX);
	if (apex_len < 0)
		return fail(ret_error, name, REASON_SYNTAX, BANYAN_EMALF, "the apex is malformed or cut off");
	struct zone_delta_about about = {
		.apex = delta + ZONE_DELTA_APEX,
		.base_serial = wire_get32(delta + ZONE_DELTA_BASE_SERIAL),
		.serial = wire_get32(delta + ZONE_DELTA_SERIAL),
		.base_len = wire_get64(delta + ZONE_DELTA_BASE_LEN),
		.len = wire_get64(delta + ZONE_DELTA_LEN),
		.n_records = wire_get64(delta + ZONE_DELTA_RECORDS),
		.edits_len = wire_get64(delta + ZONE_DELTA_EDITS_LEN),
		.edits_packed_len = wire_get64(delta + ZONE_DELTA_EDITS_PACKED_LEN),
	};
	size_t left = len - ZONE_DELTA_APEX - (size_t)apex_len;
	if (about.edits_packed_len > left)
		return fail(ret_error, name, REASON_SYNTAX, BANYAN_EMALF, "the edits are cut off");
	about.signatures_len = left - about.edits_packed_len;
	if (about.base_len > ZONE_FILE_MAX || about.len > ZONE_FILE_MAX || about.n_records > ZONE_RECORDS_MAX ||
	    about.edits_len > zone_delta_edits_max(about.base_len, about.len) || about.signatures_len > about.len)
		return fail(ret_error, name, REASON_TOO_LARGE, BANYAN_ELIMIT, "its lengths are beyond the limits");
	memcpy(about.base_hash, delta + ZONE_DELTA_BASE_HASH, sizeof about.base_hash);
	memcpy(about.hash, delta + ZONE_DELTA_HASH, sizeof about.hash);
	*ret = about;
	return 0;
}

/* ---- applying ---- */

struct part {
	const uint8_t *at, *end;
};

struct applying {
	const struct zone_delta_about *about;
	struct zone_wire_walk base;
	struct part part[ZONE_DELTA_PARTS], signatures;
	struct buffer *out;
	size_t begin; /* where the wire form begins in `out` */
	uint64_t n_records;
	uint64_t run; /* RRSIGs left in the run in hand */
	bool run_changed;
	const uint8_t *runs_begin;
	uint32_t inception, expiration;
	uint8_t owner[WIRE_NAME_MAX]; /* of the record written before; valid if n_records > 0 */
};

static bool part_take(struct part *part, size_t len, const uint8_t **ret)
{
	if ((size_t)(part->end - part->at) < len)
		return false;
	*ret = part->at;
	part->at += len;
	return true;
}

static bool get_number(struct part *part, uint64_t *ret)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (part->at == part->end)
			return false;
		uint8_t byte = *part->at++;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0) {
			*ret = v;
			return true;
		}
	}
	return false;
}

static bool get_difference(struct part *part, uint32_t from, uint32_t *ret)
{
	uint64_t v;
	if (!get_number(part, &v) || v > UINT32_MAX)
		return false;
	uint32_t z = (uint32_t)v;
	*ret = from + ((z >> 1) ^ (uint32_t) - (int32_t)(z & 1));
	return true;
}

/* Nothing is written beyond the declared length. */
static int emit(struct applying *a, const void *data, size_t len)
{
	if (len > a->about->len - (a->out->len - a->begin))
		return BANYAN_EMALF;
	return len > 0 ? buffer_append(a->out, data, len) : 0;
}

/* Is this RRSIG, which is kept, signed anew? Runs of those that stay and of those that do not take turns; only the first may be of none. */
static bool run_take(struct applying *a, bool *ret_changed)
{
	while (a->run == 0) {
		bool first = a->part[ZONE_DELTA_RUNS].at == a->runs_begin;
		if (!get_number(&a->part[ZONE_DELTA_RUNS], &a->run) || (a->run == 0 && !first))
			return false;
		a->run_changed = !a->run_changed;
	}
	a->run--;
	*ret_changed = a->run_changed;
	return true;
}

static int keep_signed(struct applying *a, const struct zone_wire_record *old)
{
	size_t at = zone_rrsig_signature_at(old->rdata, old->rdata_len);
	uint8_t head[WIRE_NAME_MAX + ZONE_WIRE_FIXED_SIZE + RRSIG_SIGNER + WIRE_NAME_MAX];
	const uint8_t *signature;
	uint32_t tag;
	if (at == 0 || !get_difference(&a->part[ZONE_DELTA_INCEPTIONS], a->inception, &a->inception) ||
	    !get_difference(&a->part[ZONE_DELTA_EXPIRATIONS], a->expiration, &a->expiration) ||
	    !get_difference(&a->part[ZONE_DELTA_KEYTAGS], wire_get16(old->rdata + RRSIG_KEYTAG), &tag) ||
	    tag > UINT16_MAX || !part_take(&a->signatures, old->rdata_len - at, &signature))
		return BANYAN_EMALF;
	size_t len = old->owner_len + ZONE_WIRE_FIXED_SIZE + at;
	memcpy(head, old->owner, len);
	uint8_t *rdata = head + old->owner_len + ZONE_WIRE_FIXED_SIZE;
	wire_put32(rdata + RRSIG_INCEPTION, a->inception);
	wire_put32(rdata + RRSIG_EXPIRATION, a->expiration);
	wire_put16(rdata + RRSIG_KEYTAG, (uint16_t)tag);
	int rc = emit(a, head, len);
	return rc < 0 ? rc : emit(a, signature, old->rdata_len - at);
}

static int keep_one(struct applying *a)
{
	struct zone_wire_record old;
	bool changed = false;
	if (zone_wire_walk_next(&a->base, &old) <= 0 || (old.type == WIRE_TYPE_RRSIG && !run_take(a, &changed)))
		return BANYAN_EMALF;
	memcpy(a->owner, old.owner, old.owner_len);
	a->n_records++;
	return changed ? keep_signed(a, &old) : emit(a, old.owner, old.len);
}

static int skip_one(struct applying *a)
{
	struct zone_wire_record old;
	return zone_wire_walk_next(&a->base, &old) <= 0 ? BANYAN_EMALF : 0;
}

/* The owner of a record that is put in: labels of its own, then the last `shared` ones of the owner before. */
static int owner_take(struct applying *a, struct part *from)
{
	const uint8_t *shared, *own;
	uint8_t name[WIRE_NAME_MAX];
	if (!part_take(from, 1, &shared))
		return BANYAN_EMALF;
	int own_len = wire_name_check(from->at, (size_t)(from->end - from->at));
	unsigned labels = a->n_records > 0 ? wire_name_labels(a->owner) : 0;
	if (own_len < 0 || *shared > labels || !part_take(from, (size_t)own_len, &own))
		return BANYAN_EMALF;
	const uint8_t *rest = *shared > 0 ? wire_name_skip(a->owner, labels - *shared) : (const uint8_t *)"";
	size_t rest_len = wire_name_len(rest), len = (size_t)own_len - 1 + rest_len;
	if (len > WIRE_NAME_MAX)
		return BANYAN_EMALF;
	memcpy(name, own, (size_t)own_len - 1);
	memcpy(name + own_len - 1, rest, rest_len);
	memcpy(a->owner, name, len);
	return (int)len;
}

static int put_one(struct applying *a)
{
	struct part *from = &a->part[ZONE_DELTA_RECORDS_NEW];
	const uint8_t *type, *rdata, *signature;
	uint64_t ttl, rdata_len;
	uint8_t fixed[ZONE_WIRE_FIXED_SIZE];
	int owner_len = owner_take(a, from);
	if (owner_len < 0 || !part_take(from, 2, &type) || !get_number(from, &ttl) || !get_number(from, &rdata_len) ||
	    ttl > UINT32_MAX || rdata_len > UINT16_MAX)
		return BANYAN_EMALF;
	size_t here = (size_t)rdata_len, left = (size_t)(from->end - from->at);
	if (wire_get16(type) == WIRE_TYPE_RRSIG) {
		size_t at = zone_rrsig_signature_at(from->at, left < here ? left : here);
		here = at > 0 ? at : here;
	}
	if (!part_take(from, here, &rdata) || !part_take(&a->signatures, (size_t)rdata_len - here, &signature))
		return BANYAN_EMALF;
	memcpy(fixed, type, 2);
	wire_put16(fixed + 2, WIRE_CLASS_IN);
	wire_put32(fixed + 4, (uint32_t)ttl);
	wire_put16(fixed + 8, (uint16_t)rdata_len);
	a->n_records++;
	int rc = emit(a, a->owner, (size_t)owner_len);
	if (rc == 0)
		rc = emit(a, fixed, sizeof fixed);
	if (rc == 0)
		rc = emit(a, rdata, here);
	return rc < 0 ? rc : emit(a, signature, (size_t)rdata_len - here);
}

/* Every record of a step uses up some of the base, or of the parts, or ends in an error: so this ends. */
static int steps_run(struct applying *a)
{
	static int (*const one[])(struct applying *) = {
		[ZONE_DELTA_KEEP] = keep_one, [ZONE_DELTA_SKIP] = skip_one, [ZONE_DELTA_PUT] = put_one};
	struct part *steps = &a->part[ZONE_DELTA_STEPS];
	uint64_t step;
	while (steps->at < steps->end) {
		if (!get_number(steps, &step) || (step & 3) >= ARRAY_SIZE(one))
			return BANYAN_EMALF;
		for (uint64_t n = step >> 2; n > 0; n--) {
			int rc = one[step & 3](a);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

/* All that was sent is used, all of the base is spoken for. */
static bool is_used_up(const struct applying *a)
{
	bool all = a->base.at == a->base.end && a->signatures.at == a->signatures.end && a->run == 0;
	for (int i = 0; i < ZONE_DELTA_PARTS; i++)
		all = all && a->part[i].at == a->part[i].end;
	return all && a->n_records == a->about->n_records && a->out->len - a->begin == a->about->len;
}

static bool parts_split(struct applying *a, const uint8_t *edits, size_t len)
{
	struct part all = {edits, edits + len};
	uint64_t part_len[ZONE_DELTA_PARTS];
	for (int i = 0; i < ZONE_DELTA_PARTS; i++)
		if (!get_number(&all, &part_len[i]))
			return false;
	for (int i = 0; i < ZONE_DELTA_PARTS; i++) {
		if (part_len[i] > len || !part_take(&all, (size_t)part_len[i], &a->part[i].at))
			return false;
		a->part[i].end = all.at;
	}
	return all.at == all.end;
}

static int edits_run(struct applying *a, const uint8_t *packed)
{
	const struct zone_delta_about *about = a->about;
	uint8_t head[ZONE_WIRE_HEADER_SIZE + WIRE_NAME_MAX];
	_cleanup_(base_free) uint8_t *edits = malloc(about->edits_len + 1);
	if (edits == NULL)
		return BANYAN_ENOMEM;
	if (ZSTD_decompress(edits, about->edits_len, packed, about->edits_packed_len) != about->edits_len ||
	    !parts_split(a, edits, about->edits_len))
		return BANYAN_EMALF;
	a->signatures = (struct part){packed + about->edits_packed_len,
				      packed + about->edits_packed_len + about->signatures_len};
	a->runs_begin = a->part[ZONE_DELTA_RUNS].at;
	a->run_changed = true; /* the first run is of those that stay */
	int rc = emit(a, head, zone_wire_header_put(about->apex, about->serial, about->n_records, head));
	if (rc == 0)
		rc = steps_run(a);
	return rc < 0 ? rc : is_used_up(a) ? 0 : BANYAN_EMALF;
}

static bool is_hash(const uint8_t *data, size_t len, const uint8_t want[32])
{
	uint8_t hash[32];
	return EVP_Digest(data, len, hash, NULL, EVP_sha256(), NULL) == 1 && memcmp(hash, want, sizeof hash) == 0;
}

/* Was the delta made for this base? */
static int base_check(const char *name, const struct zone_delta_about *about, const struct zone_wire_walk *walk,
		      const uint8_t *base, size_t base_len, struct zone_error *error)
{
	if (wire_name_equal(about->apex, walk->apex) && about->base_len == base_len &&
	    about->base_serial == walk->serial && is_hash(base, base_len, about->base_hash))
		return 0;
	zone_error_set(error, REASON_SYNTAX, 0,
		       "%s: delta: it is for another base, of serial %u; this one has serial %u%s; " ADVICE, name,
		       about->base_serial, walk->serial,
		       about->base_serial == walk->serial ? ", and other content" : "");
	return BANYAN_EINVAL;
}

int zone_delta_apply(const char *name, const uint8_t *base, size_t base_len, const uint8_t *delta, size_t delta_len,
		     size_t max_bytes, struct buffer *out, struct zone_error *ret_error)
{
	struct zone_delta_about about;
	struct applying a = {.about = &about, .out = out, .begin = out->len};
	int rc = zone_delta_about(name, delta, delta_len, &about, ret_error);
	if (rc < 0)
		return rc;
	if (about.len > (max_bytes > 0 ? max_bytes : ZONE_FILE_MAX))
		return fail(ret_error, name, REASON_TOO_LARGE, BANYAN_ELIMIT,
			    "the zone would be larger than the limit");
	if (zone_wire_walk_begin(base, base_len, &a.base) < 0)
		return fail(ret_error, name, REASON_SYNTAX, BANYAN_EINVAL, "the base is not the wire form of a zone");
	rc = base_check(name, &about, &a.base, base, base_len, ret_error);
	if (rc < 0)
		return rc;
	rc = edits_run(&a, delta + ZONE_DELTA_APEX + wire_name_len(about.apex));
	if (rc == 0 && !is_hash(out->data + a.begin, out->len - a.begin, about.hash))
		rc = BANYAN_EMALF;
	if (rc == 0)
		return 0;
	out->len = a.begin;
	return fail(ret_error, name, rc == BANYAN_EMALF ? REASON_SYNTAX : REASON_TOO_LARGE, rc,
		    rc == BANYAN_EMALF ? "it does not make the zone that it says" : error_text(rc));
}
