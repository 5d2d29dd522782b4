// SPDX-License-Identifier: GPL-3.0-or-later
/* The message parser: bytes as a question, as a reply, and every record expanded, printed and written again. */
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_question(const uint8_t *data, size_t len)
{
	struct wire_question q;
	char text[WIRE_NAME_TEXT_MAX];
	uint8_t name[WIRE_NAME_MAX];
	enum wire_verdict verdict = wire_question_parse(data, len, &q);
	if (verdict == WIRE_SILENCE || !q.has_question)
		return;
	/* a name that was accepted survives its own text form */
	int n = wire_name_parse(wire_name_text(q.qname, text), name);
	if (n != q.qname_len || memcmp(name, q.qname, (size_t)n) != 0 || wire_name_labels(name) != q.labels)
		abort();
}

static void check_record(const struct wire_reader *reader, const struct wire_record *record, struct wire_writer *writer)
{
	static uint8_t rdata[WIRE_MESSAGE_MAX + 1];
	int n = wire_record_rdata(reader, record, rdata, sizeof rdata);
	if (n < 0)
		return;
	if (wire_rdata_check(rdata, (uint16_t)n, record->type) < 0)
		abort(); /* what was expanded must be valid as uncompressed data */
	struct wire_rdata one = {rdata, (uint16_t)n};
	struct buffer text = {0};
	if (wire_record_text(record->owner, record->ttl, record->rclass, record->type, &one, &text) < 0)
		abort();
	buffer_done(&text);
	wire_rdata_canonical(rdata, (uint16_t)n, record->type);
	if (wire_rdata_check(rdata, (uint16_t)n, record->type) < 0)
		abort();
	size_t before = writer->len;
	if (wire_writer_record(writer, record->section, record->owner, record->type, record->rclass, record->ttl,
			       &one) < 0 &&
	    writer->len != before)
		abort();
}

static void check_reply(const uint8_t *data, size_t len)
{
	static uint8_t out[WIRE_MESSAGE_MAX];
	struct wire_reader reader, again;
	struct wire_record record;
	struct wire_writer writer;
	if (wire_reader_init(&reader, data, len) < 0)
		return;
	if (wire_writer_init(&writer, out, sizeof out, reader.id, reader.flags) < 0)
		abort();
	int rc;
	while ((rc = wire_reader_next(&reader, &record)) > 0)
		if (record.type != WIRE_TYPE_OPT)
			check_record(&reader, &record, &writer);
	size_t made = wire_writer_finish(&writer);
	/* what we wrote, we can read */
	if (wire_reader_init(&again, out, made) < 0)
		abort();
	while ((rc = wire_reader_next(&again, &record)) > 0)
		;
	if (rc < 0 || again.pos != made)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	check_question(data, len);
	check_reply(data, len);
	return 0;
}
