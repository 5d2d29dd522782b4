// SPDX-License-Identifier: GPL-3.0-or-later
/* Replies to questions whose whole answer lies ready in the cache: header and question copied, sets appended, TTLs as they are now. */
#include "private.h"

#include <string.h>

#define RECORD_FIXED 10 /* type, class, TTL, length */
#define POINTER_MAX  0x3fff

struct writing {
	const struct reply *reply;
	uint8_t *out;
	size_t len, max;
	uint16_t counts[4];
};

/* The owner of records: the names in front of the longest part that the question has too, then a pointer there. Returns the length. */
static size_t owner_write(const struct wire_question *q, const uint8_t *owner, uint8_t out[WIRE_NAME_MAX + 1])
{
	size_t made = 0, len = wire_name_len(owner);
	while (owner[0] != 0) {
		size_t before = q->qname_len - len; /* of the question's name, if it ends like this one */
		const uint8_t *label = q->lower;
		while (len <= q->qname_len && label < q->lower + before)
			label += label[0] + 1;
		if (len <= q->qname_len && label == q->lower + before && wire_name_equal(label, owner)) {
			wire_put16(out + made, (uint16_t)(0xc000 | (WIRE_HEADER_SIZE + before)));
			return made + 2;
		}
		size_t step = owner[0] + 1u;
		memcpy(out + made, owner, step);
		made += step;
		owner += step;
		len -= step;
	}
	out[made] = 0;
	return made + 1;
}

/* `n` records from `pack` on. NULL when they do not fit. */
static const uint8_t *records_write(struct writing *w, const uint8_t *owner, size_t owner_len, uint16_t type,
				    uint32_t ttl, unsigned n, const uint8_t *pack, const uint8_t *end)
{
	for (; n > 0; n--) {
		size_t size = end - pack < 2 ? SIZE_MAX : wire_get16(pack);
		if (size > (size_t)(end - pack) - 2 || w->max - w->len < owner_len + RECORD_FIXED + size)
			return NULL;
		uint8_t *p = w->out + w->len;
		memcpy(p, owner, owner_len);
		p += owner_len;
		wire_put16(p, type);
		wire_put16(p + 2, WIRE_CLASS_IN);
		wire_put32(p + 4, ttl);
		memcpy(p + 8, pack, 2 + size);
		w->len += owner_len + RECORD_FIXED + size;
		pack += 2 + size;
	}
	return pack;
}

/* The same, beginning with another record each time (as in result.c). */
static const uint8_t *rotated_write(struct writing *w, const uint8_t *owner, size_t owner_len,
				    const struct resolve_hit_set *set)
{
	const uint8_t *middle = set->pack, *end = set->end;
	unsigned start = w->reply->question->id % set->count;
	for (unsigned i = 0; i < start; i++) {
		if (end - middle < 2 || wire_get16(middle) > end - middle - 2)
			return NULL;
		middle += 2 + wire_get16(middle);
	}
	end = records_write(w, owner, owner_len, set->type, set->ttl, set->count - start, middle, end);
	if (end == NULL || records_write(w, owner, owner_len, set->type, set->ttl, start, set->pack, middle) == NULL)
		return NULL;
	return end;
}

static bool set_write(struct writing *w, enum wire_section section, const uint8_t *owner, size_t owner_len,
		      const struct resolve_hit_set *set)
{
	bool turn = w->reply->view->rotate && set->count > 1;
	const uint8_t *sigs =
		turn ? rotated_write(w, owner, owner_len, set)
		     : records_write(w, owner, owner_len, set->type, set->ttl, set->count, set->pack, set->end);
	if (sigs == NULL)
		return false;
	w->counts[section] = (uint16_t)(w->counts[section] + set->count);
	if (!w->reply->question->edns.do_bit)
		return true;
	w->counts[section] = (uint16_t)(w->counts[section] + set->n_sigs);
	return records_write(w, owner, owner_len, WIRE_TYPE_RRSIG, set->ttl, set->n_sigs, sigs, set->end) != NULL;
}

/* Each alias leads to the owner of the set behind it: its only record ends where the target does. */
static bool answers_write(struct writing *w, const struct resolve_hit *hit)
{
	size_t at = WIRE_HEADER_SIZE;
	for (unsigned i = 0; i < hit->n_answers; i++) {
		uint8_t owner[2];
		size_t start = w->len;
		if (at > POINTER_MAX)
			return false;
		wire_put16(owner, (uint16_t)(0xc000 | at));
		if (!set_write(w, WIRE_ANSWER, owner, sizeof owner, &hit->set[i]))
			return false;
		at = start + sizeof owner + RECORD_FIXED;
	}
	return true;
}

/* Signatures and proofs are for who asks for them (RFC 4035 section 3.2.1). */
static bool authority_write(struct writing *w, const struct resolve_hit *hit)
{
	for (unsigned i = 0; i < hit->n_authority; i++) {
		const struct resolve_hit_set *set = &hit->set[hit->n_answers + i];
		uint8_t owner[WIRE_NAME_MAX + 1];
		if (set->type != WIRE_TYPE_SOA && !w->reply->question->edns.do_bit &&
		    set->type != w->reply->question->qtype)
			continue;
		size_t len = owner_write(w->reply->question, set->owner, owner);
		if (!set_write(w, WIRE_AUTHORITY, owner, len, set))
			return false;
	}
	return true;
}

static uint16_t flags_of(const struct wire_question *q, const struct resolve_hit *hit)
{
	uint16_t flags = (uint16_t)(WIRE_QR | WIRE_RA | (q->flags & (WIRE_RD | WIRE_CD)) | hit->rcode);
	if (hit->authentic && (q->edns.do_bit || (q->flags & WIRE_AD) != 0)) /* RFC 6840 section 5.7 */
		flags |= WIRE_AD;
	return flags;
}

static bool look(const struct reply *reply, struct resolve_hit *ret)
{
	const struct answer_request *request = reply->request;
	const struct wire_question *q = reply->question;
	struct resolve_hit_ask ask = {
		.qname = q->lower,
		.qname_len = q->qname_len,
		.qtype = q->qtype,
		.additional = !reply_is_minimal(reply, reply->view->minimal_results),
		.from = &request->peer,
		.policy = reply->policy,
		.live = &reply->view->live,
		.now_ms = request->now_ms,
		.wall_ms = request->wall_ms,
	};
	return resolve_hit(request->engine, &ask, ret);
}

size_t reply_from_cache(struct reply *reply)
{
	const struct answer_view *view = reply->view;
	const struct wire_question *q = reply->question;
	struct resolve_hit hit;
	if (reply->request->engine == NULL || view->dns64.prefixes.n > 0 || (view->ecs.enabled && q->edns.has_ecs) ||
	    may_be_sentinel(q))
		return 0;
	bool nsid = reply_wants_nsid(reply);
	size_t opt = reply_opt_size(reply, nsid);
	struct writing w = {.reply = reply, .out = reply->request->out, .len = q->end, .counts = {1}};
	if (!look(reply, &hit) || q->end + opt > reply->max)
		return 0;
	w.max = reply->max - opt;
	memcpy(w.out, reply->request->msg, q->end);
	if (!answers_write(&w, &hit) || !authority_write(&w, &hit))
		return 0; /* what is left out then is decided elsewhere */
	wire_put16(w.out + 2, flags_of(q, &hit));
	for (unsigned i = 0; i < 4; i++)
		wire_put16(w.out + 4 + 2 * i, w.counts[i]);
	reply->rcode = hit.rcode;
	return reply_add_opt(reply, w.len, nsid);
}
