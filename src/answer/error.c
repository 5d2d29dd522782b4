// SPDX-License-Identifier: GPL-3.0-or-later
/* Replies that carry no data. */
#include "private.h"

#include <string.h>

#define TSIG_BADKEY 17

uint16_t reply_flags(const struct reply *reply)
{
	/* CD is copied by who recurses (RFC 4035 section 3.2.2) and cleared by others (section 3.1.6) */
	uint16_t copied = WIRE_OPCODE_MASK | WIRE_RD | (reply->recursion ? WIRE_CD : 0);
	return (uint16_t)(WIRE_QR | (reply->question->flags & copied) | (reply->recursion ? WIRE_RA : 0) |
			  (reply->rcode & WIRE_RCODE_MASK));
}

size_t reply_bare(struct reply *reply)
{
	const struct wire_question *question = reply->question;
	uint8_t *out = reply->request->out;
	memset(out, 0, WIRE_HEADER_SIZE);
	wire_put16(out, question->id);
	wire_put16(out + 2, reply_flags(reply));
	if (!question->has_question)
		return WIRE_HEADER_SIZE;
	wire_put16(out + 4, 1);
	memcpy(out + WIRE_HEADER_SIZE, question->qname, question->qname_len);
	size_t pos = WIRE_HEADER_SIZE + question->qname_len;
	wire_put16(out + pos, question->qtype);
	wire_put16(out + pos + 2, question->qclass);
	return pos + 4;
}

/* The TSIG record of the question: the last one of its message, found by reading it whole. */
static bool find_tsig(const struct answer_request *request, struct wire_reader *reader, struct wire_record *ret)
{
	bool found = false;
	if (wire_reader_init(reader, request->msg, request->len) < 0)
		return false;
	while (wire_reader_next(reader, ret) > 0)
		found = ret->type == WIRE_TYPE_TSIG;
	return found;
}

size_t reply_tsig_unknown(struct reply *reply)
{
	struct wire_reader reader;
	struct wire_record record;
	uint8_t algorithm[WIRE_NAME_MAX];
	size_t end;
	reply->rcode = WIRE_RCODE_FORMERR;
	const uint8_t *msg = reply->request->msg;
	if (!find_tsig(reply->request, &reader, &record))
		return reply_add_opt(reply, reply_bare(reply), false);
	int len = wire_name_expand(msg, reply->request->len, record.rdata_pos, algorithm, &end);
	if (len < 0 || end + 10 > record.rdata_pos + record.rdata_len)
		return reply_add_opt(reply, reply_bare(reply), false);
	reply->rcode = WIRE_RCODE_NOTAUTH;
	/* TSIG is the last record, behind OPT */
	size_t pos = reply_add_opt(reply, reply_bare(reply), reply_wants_nsid(reply));
	size_t owner = wire_name_len(record.owner), rdlen = (size_t)len + 16;
	if (pos + owner + 10 + rdlen > reply->max)
		return pos;
	uint8_t *p = reply->request->out + pos;
	memcpy(p, record.owner, owner);
	p += owner;
	wire_put16(p, WIRE_TYPE_TSIG);
	wire_put16(p + 2, WIRE_CLASS_ANY);
	wire_put32(p + 4, 0);
	wire_put16(p + 8, (uint16_t)rdlen);
	memcpy(p + 10, algorithm, (size_t)len);
	p += 10 + len;
	memcpy(p, msg + end, 8); /* time signed, fudge: as they came */
	wire_put16(p + 8, 0);    /* no MAC: RFC 8945 section 5.3.2 */
	wire_put16(p + 10, reply->question->id);
	wire_put16(p + 12, TSIG_BADKEY);
	wire_put16(p + 14, 0);
	wire_put16(reply->request->out + 10, (uint16_t)(wire_get16(reply->request->out + 10) + 1));
	return (size_t)(p + 16 - reply->request->out);
}
