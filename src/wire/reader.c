// SPDX-License-Identifier: GPL-3.0-or-later
/* A message read record by record. */
#include "wire.h"

#include <string.h>

int wire_reader_init(struct wire_reader *reader, const uint8_t *msg, size_t len)
{
	if (len < WIRE_HEADER_SIZE || len > WIRE_MESSAGE_MAX)
		return BANYAN_EMALF;
	*reader = (struct wire_reader){.msg = msg, .len = len, .pos = WIRE_HEADER_SIZE};
	reader->id = wire_get16(msg);
	reader->flags = wire_get16(msg + 2);
	for (int i = 0; i < 4; i++)
		reader->counts[i] = wire_get16(msg + 4 + 2 * i);
	if (reader->counts[0] > 1)
		return BANYAN_EMALF;
	if (reader->counts[0] == 1) {
		size_t end;
		if (wire_name_expand(msg, len, reader->pos, reader->qname, &end) < 0 || len - end < 4)
			return BANYAN_EMALF;
		reader->qtype = wire_get16(msg + end);
		reader->qclass = wire_get16(msg + end + 2);
		reader->pos = end + 4;
	}
	reader->question_end = reader->pos;
	return 0;
}

static void reader_note_opt(struct wire_reader *reader, const struct wire_record *record, uint32_t ttl)
{
	reader->has_edns = true;
	reader->edns_udp_size = record->rclass;
	reader->ext_rcode = (uint8_t)(ttl >> 24);
	reader->edns_version = (uint8_t)(ttl >> 16);
	reader->edns_do = ttl & 0x8000;
	reader->opt_pos = record->rdata_pos;
	reader->opt_len = record->rdata_len;
}

int wire_reader_next(struct wire_reader *reader, struct wire_record *ret)
{
	unsigned section = WIRE_ANSWER;
	while (section <= WIRE_ADDITIONAL && reader->read[section] == reader->counts[section])
		section++;
	if (section > WIRE_ADDITIONAL)
		return 0;
	size_t end;
	if (wire_name_expand(reader->msg, reader->len, reader->pos, ret->owner, &end) < 0 || reader->len - end < 10)
		return BANYAN_EMALF;
	const uint8_t *p = reader->msg + end;
	uint32_t ttl = wire_get32(p + 4);
	ret->section = (enum wire_section)section;
	ret->type = wire_get16(p);
	ret->rclass = wire_get16(p + 2);
	ret->ttl = ttl > INT32_MAX ? 0 : ttl;
	ret->rdata_pos = end + 10;
	ret->rdata_len = wire_get16(p + 8);
	if (ret->rdata_len > reader->len - ret->rdata_pos)
		return BANYAN_EMALF;
	if (ret->type == WIRE_TYPE_OPT) {
		/* RFC 6891 section 6.1.1 */
		if (reader->has_edns || section != WIRE_ADDITIONAL || ret->owner[0] != 0)
			return BANYAN_EMALF;
		reader_note_opt(reader, ret, ttl);
	}
	reader->read[section]++;
	reader->pos = ret->rdata_pos + ret->rdata_len;
	return 1;
}

uint16_t wire_reader_rcode(const struct wire_reader *reader)
{
	return (uint16_t)((unsigned)reader->ext_rcode << 4 | (reader->flags & WIRE_RCODE_MASK));
}

int wire_record_rdata(const struct wire_reader *reader, const struct wire_record *record, uint8_t *out, size_t max)
{
	return wire_rdata_expand(reader->msg, reader->len, record->rdata_pos, record->rdata_len, record->type, out,
				 max);
}
