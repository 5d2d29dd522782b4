// SPDX-License-Identifier: GPL-3.0-or-later
/* What primaries send when a zone has changed (RFC 1996). */
#include "private.h"

#include <string.h>

/* The SOA that may stand in the answer section. */
static bool take_record(const struct wire_reader *reader, const struct wire_record *record, struct sync_notify *notify)
{
	uint8_t soa[WIRE_NAME_MAX * 2 + 20];
	if (record->type == WIRE_TYPE_TSIG)
		notify->is_signed = true;
	if (record->section != WIRE_ANSWER || record->type != WIRE_TYPE_SOA ||
	    !wire_name_equal(record->owner, reader->qname))
		return true;
	int len = wire_record_rdata(reader, record, soa, sizeof soa);
	if (len < 22)
		return false;
	notify->has_serial = true;
	notify->serial = wire_get32(soa + len - 20);
	return true;
}

bool sync_notify_parse(const uint8_t *msg, size_t len, struct sync_notify *ret)
{
	struct wire_reader reader;
	struct wire_record record;
	if (wire_reader_init(&reader, msg, len) < 0 || (reader.flags & WIRE_QR) ||
	    (reader.flags & WIRE_OPCODE_MASK) >> WIRE_OPCODE_SHIFT != WIRE_OPCODE_NOTIFY || reader.counts[0] != 1 ||
	    reader.qtype != WIRE_TYPE_SOA || reader.qclass != WIRE_CLASS_IN)
		return false;
	struct sync_notify notify = {.id = reader.id};
	wire_name_lower(reader.qname, notify.apex);
	int rc;
	while ((rc = wire_reader_next(&reader, &record)) > 0)
		if (!take_record(&reader, &record, &notify))
			return false;
	if (rc < 0)
		return false;
	*ret = notify;
	return true;
}

int sync_notify_reply(const struct sync_notify *notify, uint16_t rcode, struct wire_tsig *tsig, uint8_t *out,
		      size_t cap)
{
	struct wire_writer writer;
	uint16_t flags =
		(uint16_t)(WIRE_QR | WIRE_AA | WIRE_OPCODE_NOTIFY << WIRE_OPCODE_SHIFT | (rcode & WIRE_RCODE_MASK));
	int rc = wire_writer_init(&writer, out, cap, notify->id, flags);
	if (rc == 0)
		rc = wire_writer_question(&writer, notify->apex, WIRE_TYPE_SOA, WIRE_CLASS_IN);
	if (rc < 0)
		return rc;
	size_t len = wire_writer_finish(&writer);
	return tsig == NULL ? (int)len : wire_tsig_sign(tsig, out, len, cap);
}
