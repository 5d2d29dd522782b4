// SPDX-License-Identifier: GPL-3.0-or-later
/* A message from a client, parsed without allocation into what a server must know. */
#include "wire.h"

#include <string.h>

static int parse_options(const uint8_t *p, size_t len, struct wire_edns *edns)
{
	while (len > 0) {
		if (len < 4)
			return BANYAN_EMALF;
		uint16_t code = wire_get16(p), size = wire_get16(p + 2);
		if (size > len - 4)
			return BANYAN_EMALF;
		switch (code) {
		case WIRE_OPTION_NSID:
			edns->nsid = true;
			break;
		case WIRE_OPTION_COOKIE:
			/* RFC 7873 section 5.2.2: 8 bytes of client cookie, alone or with 8 to 32 of server cookie */
			if (size != 8 && (size < 16 || size > 40))
				return BANYAN_EMALF;
			if (edns->cookie == NULL) {
				edns->cookie = p + 4;
				edns->cookie_len = size;
			}
			break;
		case WIRE_OPTION_ECS:
			edns->has_ecs = true;
			edns->ecs = p + 4;
			edns->ecs_len = size;
			break;
		case WIRE_OPTION_EXPIRE:
			edns->expire = true;
			break;
		case WIRE_OPTION_KEEPALIVE:
			edns->has_keepalive = true;
			break;
		case WIRE_OPTION_PADDING:
			edns->has_padding = true;
			break;
		case WIRE_OPTION_REGISTRATION:
			edns->registration = p + 4;
			edns->registration_len = size;
			break;
		default:
			break; /* RFC 6891 section 6.1.2: unknown options are ignored */
		}
		p += size + 4;
		len -= size + 4U;
	}
	return 0;
}

/* Skips a possibly compressed owner name; only its end matters. */
static int skip_owner(const uint8_t *msg, size_t len, size_t *pos)
{
	size_t p = *pos, made = 0;
	for (;;) {
		if (p >= len)
			return BANYAN_EMALF;
		uint8_t c = msg[p];
		if (c == 0) {
			*pos = p + 1;
			return 0;
		}
		if (c >= 0xc0) {
			size_t to = p + 1 < len ? (size_t)(c & 0x3f) << 8 | msg[p + 1] : p;
			if (to >= p || to < WIRE_HEADER_SIZE)
				return BANYAN_EMALF;
			*pos = p + 2;
			return 0;
		}
		made += c + 1U;
		if (c > 63 || made >= WIRE_NAME_MAX)
			return BANYAN_EMALF;
		p += c + 1U;
	}
}

/* The records behind the question: only OPT and TSIG matter, but all must be well-formed. */
static int parse_records(const uint8_t *msg, size_t len, size_t pos, struct wire_question *q)
{
	size_t n_before = (size_t)wire_get16(msg + 6) + wire_get16(msg + 8);
	size_t n = n_before + wire_get16(msg + 10);
	for (size_t i = 0; i < n; i++) {
		size_t owner = pos;
		if (skip_owner(msg, len, &pos) < 0 || len - pos < 10)
			return BANYAN_EMALF;
		uint16_t type = wire_get16(msg + pos), rclass = wire_get16(msg + pos + 2);
		uint32_t ttl = wire_get32(msg + pos + 4);
		uint16_t rdlen = wire_get16(msg + pos + 8);
		pos += 10;
		if (rdlen > len - pos || q->tsig)
			return BANYAN_EMALF; /* RFC 8945 section 5.1: TSIG is the last record */
		if (type == WIRE_TYPE_OPT) {
			/* RFC 6891 section 6.1.1: one OPT, root owner, additional section */
			if (q->edns.present || i < n_before || msg[owner] != 0)
				return BANYAN_EMALF;
			q->edns.present = true;
			q->edns.udp_size = rclass;
			q->edns.version = (uint8_t)(ttl >> 16);
			q->edns.do_bit = ttl & 0x8000;
			if (q->edns.version == 0 && parse_options(msg + pos, rdlen, &q->edns) < 0)
				return BANYAN_EMALF;
		} else if (type == WIRE_TYPE_TSIG) {
			if (i < n_before)
				return BANYAN_EMALF;
			q->tsig = true;
		}
		pos += rdlen;
	}
	return pos == len ? 0 : BANYAN_EMALF;
}

/* The question's name is never compressed: there is nothing before it to point to. */
static int parse_qname(const uint8_t *msg, size_t len, struct wire_question *q)
{
	size_t pos = WIRE_HEADER_SIZE;
	unsigned labels = 0;
	int n = wire_name_check(msg + pos, len - pos);
	if (n < 0 || len - pos < (size_t)n + 4)
		return BANYAN_EMALF;
	for (const uint8_t *p = msg + pos; *p != 0; p += *p + 1)
		labels++;
	q->qname = msg + pos;
	q->qname_len = (uint8_t)n;
	q->labels = (uint8_t)labels;
	wire_name_lower_bytes(q->qname, (size_t)n, q->lower);
	pos += (size_t)n;
	q->qtype = wire_get16(msg + pos);
	q->qclass = wire_get16(msg + pos + 2);
	q->end = (uint16_t)(pos + 4);
	q->has_question = true;
	return 0;
}

enum wire_verdict wire_question_parse(const uint8_t *msg, size_t len, struct wire_question *ret)
{
	if (len < WIRE_HEADER_SIZE || len > WIRE_MESSAGE_MAX)
		return WIRE_SILENCE;
	struct wire_question *q = ret;
	q->id = wire_get16(msg);
	q->flags = wire_get16(msg + 2);
	q->opcode = (uint8_t)((q->flags & WIRE_OPCODE_MASK) >> WIRE_OPCODE_SHIFT);
	q->has_question = false;
	q->qname = NULL;
	q->qname_len = q->labels = 0;
	q->qtype = q->qclass = 0;
	q->end = WIRE_HEADER_SIZE;
	q->tsig = false;
	q->edns = (struct wire_edns){0};
	if (q->flags & WIRE_QR)
		return WIRE_SILENCE; /* answering answers makes loops */
	uint16_t qdcount = wire_get16(msg + 4);
	if (q->opcode != WIRE_OPCODE_QUERY) {
		/* other opcodes give their sections other meanings, but records have one form: a question is echoed, and
		 * to an OPT belongs an OPT (RFC 6891 section 6.1.1) */
		bool readable = qdcount == 0 || (qdcount == 1 && parse_qname(msg, len, q) == 0);
		if (!readable || parse_records(msg, len, q->end, q) < 0)
			q->edns = (struct wire_edns){0};
		return WIRE_SAY_NOTIMP;
	}
	if (qdcount == 0 && parse_records(msg, len, WIRE_HEADER_SIZE, q) == 0 && q->edns.cookie != NULL)
		return WIRE_COOKIE_ONLY;
	if (qdcount != 1) /* RFC 9619: exactly one question */
		return WIRE_SAY_FORMERR;
	if (parse_qname(msg, len, q) < 0 || parse_records(msg, len, q->end, q) < 0)
		return WIRE_SAY_FORMERR;
	if (wire_get16(msg + 6) != 0 || (wire_get16(msg + 8) != 0 && q->qtype != WIRE_TYPE_IXFR))
		return WIRE_SAY_FORMERR; /* a question carries no answers; an SOA only in IXFR (RFC 1995 section 3) */
	if (q->edns.present && q->edns.version != 0)
		return WIRE_SAY_BADVERS;
	return WIRE_ANSWERABLE;
}
