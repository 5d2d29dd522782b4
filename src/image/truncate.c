// SPDX-License-Identifier: GPL-3.0-or-later
/* Answers that do not fit: how many of their RRsets do (RFC 2181 section 9). */
#include "compose.h"

#include <string.h>

/* A record of a message that was composed here, so all of it is well-formed. */
struct placed {
	size_t owner, fixed, end; /* offsets; `fixed` is that of the type */
	unsigned section;
};

static size_t name_end(const uint8_t *msg, size_t pos)
{
	while (msg[pos] != 0 && msg[pos] < 0xc0)
		pos += msg[pos] + 1U;
	return pos + (msg[pos] == 0 ? 1 : 2);
}

static struct placed record_at(const uint8_t *msg, size_t pos, unsigned section)
{
	struct placed record = {.owner = pos, .fixed = name_end(msg, pos), .section = section};
	record.end = record.fixed + 10 + wire_get16(msg + record.fixed + 8);
	return record;
}

static size_t followed(const uint8_t *msg, size_t pos)
{
	while (msg[pos] >= 0xc0)
		pos = (msg[pos] & 0x3fU) << 8 | msg[pos + 1];
	return pos;
}

/* Label by label where they stand: addresses of servers follow each other, and nearly all differ in the first. */
static bool same_name(const uint8_t *msg, size_t a, size_t b)
{
	for (;;) {
		uint8_t first[64], second[64];
		a = followed(msg, a);
		b = followed(msg, b);
		if (a == b)
			return true;
		size_t len = msg[a];
		if (len != msg[b])
			return false;
		if (len == 0)
			return true;
		for (size_t i = 1; i <= len; i++)
			if ((msg[a + i] | 0x20) != (msg[b + i] | 0x20)) /* they differ in more than their case */
				return false;
		wire_name_lower_bytes(msg + a + 1, len, first);
		wire_name_lower_bytes(msg + b + 1, len, second);
		if (memcmp(first, second, len) != 0)
			return false;
		a += len + 1;
		b += len + 1;
	}
}

/* Are both of one RRset? */
static bool same_set(const uint8_t *msg, const struct placed *a, const struct placed *b)
{
	return a->section == b->section && memcmp(msg + a->fixed, msg + b->fixed, 2) == 0 &&
	       same_name(msg, a->owner, b->owner);
}

/* Whole RRsets from the start that end at or before `max`: pointers only lead back, so these are a good message. Returns its length. */
static size_t whole_sets(const struct compose *s, size_t max, uint16_t ret_counts[4])
{
	size_t end = WIRE_HEADER_SIZE + s->ask.len + 4U, pos = end;
	uint16_t read[4] = {1, 0, 0, 0};
	struct placed last = {.section = 0};
	memcpy(ret_counts, read, sizeof read);
	for (unsigned section = WIRE_ANSWER; section <= WIRE_ADDITIONAL; section++)
		for (unsigned i = 0; i < s->counts[section] && pos <= max; i++) {
			struct placed record = record_at(s->out, pos, section);
			if (!same_set(s->out, &record, &last)) {
				end = pos;
				memcpy(ret_counts, read, sizeof read);
			}
			pos = record.end;
			read[section]++;
			last = record;
		}
	if (pos > max)
		return end;
	memcpy(ret_counts, read, sizeof read);
	return pos;
}

static bool has_label(const uint8_t *p, const uint8_t *end, const uint8_t *label)
{
	uint8_t lower[64];
	while (end - p > label[0] && (p = memchr(p, label[0], (size_t)(end - p) - label[0])) != NULL) {
		wire_name_lower_bytes(++p, label[0], lower);
		if (memcmp(lower, label + 1, label[0]) == 0)
			return true;
	}
	return false;
}

/* Could a name of the answer be compressed against more of the question's than templates know? Then a label that they may not know stands
 * in it a second time. */
static bool repeats_label(const struct compose *s)
{
	const uint8_t *label = s->ask.lower, *from = s->out + WIRE_HEADER_SIZE + s->ask.len + 4;
	for (unsigned n = s->ask.labels; n > s->image->header->apex_labels; n--, label += label[0] + 1)
		if (has_label(from, s->out + s->len, label))
			return true;
	return false;
}

/* The end of the RRSIGs that stand at `pos`, of which there are *ret_n: those of one set follow each other. */
static size_t sigs_end(const uint8_t *data, size_t pos, size_t end, unsigned *ret_n)
{
	unsigned n = 0;
	while (pos < end) {
		struct placed record = record_at(data, pos, WIRE_ADDITIONAL);
		if (wire_get16(data + record.fixed) != WIRE_TYPE_RRSIG)
			break;
		pos = record.end;
		n++;
	}
	*ret_n = n;
	return pos;
}

/* All addresses are there; now as many of their signatures as there is room for, all those of a set or none. RFC 4035 section 3.1.1 has them
 * with their sets if they fit, lets the set stand alone if not, and wants no TC for it. */
static void add_extra_sigs(struct compose *c, const struct image_extra *extra, size_t max)
{
	const uint8_t *data = extra_data(extra) + extra->len[0];
	const uint16_t *place = extra_shifts(extra) + extra->n_shift[0], *last = place + extra->n_shift[1];
	unsigned by = c->ask.len - (unsigned)extra->base_len, n;
	for (size_t pos = 0; pos < extra->len[1];) {
		size_t end = sigs_end(data, pos, extra->len[1], &n);
		if (n == 0) {
			pos = record_at(data, pos, WIRE_ADDITIONAL).end;
			continue;
		}
		if (end - pos > max - c->len)
			return;
		memcpy(c->out + c->len, data + pos, end - pos);
		for (; place < last && *place < end; place++)
			if (*place >= pos && *place + 2U <= end) {
				uint8_t *pointer = c->out + c->len + *place - pos;
				wire_put16(pointer, (uint16_t)(wire_get16(pointer) + by));
			}
		c->len += end - pos;
		c->counts[WIRE_ADDITIONAL] = (uint16_t)(c->counts[WIRE_ADDITIONAL] + n);
		pos = end;
	}
}

bool image_truncate(struct compose *c, size_t max)
{
	uint8_t scratch[WIRE_MESSAGE_MAX];
	struct compose s = *c;
	s.out = scratch;
	s.cap = sizeof scratch;
	s.plain_extra = true;
	s.n_proofs = 0;
	compose(&s);
	c->rcode = s.rcode;
	c->referral = s.referral;
	c->any_minimised = s.any_minimised;
	c->alias = s.alias;
	memcpy(c->target, s.target, sizeof c->target);
	uint16_t kept[4] = {1, 0, 0, 0};
	size_t end = s.overflow ? WIRE_HEADER_SIZE + c->ask.len + 4U : whole_sets(&s, max, kept);
	memcpy(c->out, scratch, end);
	memcpy(c->counts, kept, sizeof kept);
	c->len = end;
	if (!s.overflow && end == s.len && s.unsigned_extra != NULL)
		add_extra_sigs(c, s.unsigned_extra, max);
	if (!s.overflow && end < s.must && repeats_label(&s))
		c->missing = s.must - max;
	return s.overflow || end < s.must;
}
