// SPDX-License-Identifier: GPL-3.0-or-later
/* image_answer(): compose from templates; the rare cases (aliases, truncation) go the slow way. */
#include "compose.h"

#include <string.h>

static void finish(struct compose *c, const struct wire_question *question, bool truncated)
{
	/* RFC 1034 section 4.3.1: RD is copied; RFC 4035 section 3.1.6: CD and AD are clear when the answer is authoritative */
	uint16_t flags = (uint16_t)(WIRE_QR | (question->flags & WIRE_RD) | (c->rcode & WIRE_RCODE_MASK));
	if (!c->referral)
		flags |= WIRE_AA;
	if (truncated)
		flags |= WIRE_TC;
	wire_put16(c->out, question->id);
	wire_put16(c->out + 2, flags);
	for (int i = 0; i < 4; i++)
		wire_put16(c->out + 4 + 2 * i, c->counts[i]);
}

bool image_holds(const struct image *image, const struct wire_question *question)
{
	struct image_ask ask = {question->qname, question->lower, question->qname_len, question->labels,
				question->qtype};
	return question->labels <= image->header->apex_labels || image_find(image, &ask) != image->apex;
}

int image_answer(const struct image *image, const struct image_query *q, uint8_t *out, struct image_reply *ret)
{
	const struct wire_question *question = q->question;
	if (q->max > WIRE_MESSAGE_MAX || q->max < q->reserve || question->labels < image->header->apex_labels ||
	    q->max - q->reserve < WIRE_HEADER_SIZE + question->qname_len + 4U)
		return BANYAN_EINVAL;
	size_t max = q->max - q->reserve;
	struct compose c;
	c.image = image;
	c.ask = (struct image_ask){question->qname, question->lower, question->qname_len, question->labels,
				   question->qtype};
	c.dnssec = q->dnssec;
	c.minimal = q->minimal;
	c.plain_extra = false;
	c.out = out;
	c.cap = max;
	c.n_proofs = 0;
	c.missing = 0;
	bool truncated = false, alias_out = false;
	compose(&c);
	if (c.overflow)
		truncated = image_truncate(&c, max);
	/* templates know nothing of the question's first labels; where these are what is missing, the answer is worth writing anew */
	if (truncated && !c.alias && c.missing > 0 && c.missing <= IMAGE_RECOMPRESS_MAX)
		truncated = image_chase(&c, max) & IMAGE_CHASE_TRUNCATED;
	if (c.alias) {
		alias_out = !wire_name_under(c.target, slot_name(image->apex));
		if (!alias_out) {
			unsigned chased = image_chase(&c, max);
			truncated = chased & IMAGE_CHASE_TRUNCATED;
			alias_out = chased & IMAGE_CHASE_OUT;
		}
	}
	finish(&c, question, truncated);
	ret->rcode = c.rcode;
	ret->authoritative = !c.referral;
	ret->truncated = truncated;
	ret->referral = c.referral;
	ret->alias_out = alias_out;
	ret->any_minimised = c.any_minimised;
	ret->wildcard = c.expanding;
	memcpy(ret->counts, c.counts, sizeof ret->counts);
	return (int)c.len;
}
