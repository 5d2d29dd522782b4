// SPDX-License-Identifier: GPL-3.0-or-later
/* A message taken apart: each byte belongs to one part. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

#define FIXED_SIZE 10 /* of a record between owner and data */

static const char *const part_texts[PLAN_PARTS] = {
	"header",        "question",      "NS", "RRSIG of NS", "A", "AAAA", "RRSIG of addresses", "OPT", "cookie",
	"other options", "other records",
};

const char *plan_part_text(enum plan_part part)
{
	return part_texts[part];
}

void plan_message_done(struct plan_message *message)
{
	free(message->record);
	arena_done(&message->arena);
	*message = (struct plan_message){0};
}

static void share_add(struct plan_share *share, unsigned records, size_t bytes, size_t plain)
{
	share->records += records;
	share->bytes += bytes;
	share->plain += plain;
}

static enum plan_part part_of(uint16_t section, uint16_t type, uint16_t covered)
{
	bool answer = section == WIRE_ANSWER, additional = section == WIRE_ADDITIONAL;
	if (answer && type == WIRE_TYPE_NS)
		return PLAN_NS;
	if (answer && type == WIRE_TYPE_RRSIG && covered == WIRE_TYPE_NS)
		return PLAN_NS_RRSIG;
	if (additional && type == WIRE_TYPE_A)
		return PLAN_A;
	if (additional && type == WIRE_TYPE_AAAA)
		return PLAN_AAAA;
	if (additional && type == WIRE_TYPE_RRSIG && (covered == WIRE_TYPE_A || covered == WIRE_TYPE_AAAA))
		return PLAN_ADDRESS_RRSIG;
	return PLAN_OTHER;
}

static int take_opt(const uint8_t *options, size_t len, size_t record_len, struct plan_message *m)
{
	share_add(&m->part[PLAN_OPT], 1, record_len - len, record_len - len);
	while (len > 0) {
		size_t size = len < 4 ? SIZE_MAX : 4U + wire_get16(options + 2);
		if (size > len)
			return BANYAN_EMALF;
		bool cookie = wire_get16(options) == WIRE_OPTION_COOKIE;
		share_add(&m->part[cookie ? PLAN_COOKIE : PLAN_OPTIONS], 1, size, size);
		options += size;
		len -= size;
	}
	return 0;
}

/* Keeps owner and data, written out. */
static int take_record(const struct wire_reader *reader, const struct wire_record *found, size_t at,
		       struct plan_message *m)
{
	_cleanup_(base_free) uint8_t *data = malloc(WIRE_MESSAGE_MAX);
	if (data == NULL)
		return BANYAN_ENOMEM;
	if (m->n_records == PLAN_RECORDS_MAX)
		return BANYAN_ELIMIT;
	int data_plain = wire_record_rdata(reader, found, data, WIRE_MESSAGE_MAX);
	if (data_plain < 0)
		return data_plain;
	size_t owner_plain = wire_name_len(found->owner);
	struct plan_record *record = &m->record[m->n_records];
	*record = (struct plan_record){
		.type = found->type,
		.covered = found->type == WIRE_TYPE_RRSIG && data_plain >= 2 ? wire_get16(data) : 0,
		.at = (uint16_t)at,
		.len = (uint16_t)(found->rdata_pos + found->rdata_len - at),
		.owner_len = (uint16_t)(found->rdata_pos - FIXED_SIZE - at),
		.owner_plain = (uint16_t)owner_plain,
		.data_len = found->rdata_len,
		.data_plain = (uint16_t)data_plain,
		.owner = arena_dup(&m->arena, found->owner, owner_plain),
		.data = arena_dup(&m->arena, data, (size_t)data_plain + 1),
	};
	if (record->owner == NULL || record->data == NULL)
		return BANYAN_ENOMEM;
	record->part = part_of(found->section, found->type, record->covered);
	share_add(&m->part[record->part], 1, record->len, owner_plain + FIXED_SIZE + (size_t)data_plain);
	m->n_records++;
	return 0;
}

static int take_records(struct wire_reader *reader, struct plan_message *m)
{
	for (;;) {
		struct wire_record found;
		size_t at = reader->pos;
		int rc = wire_reader_next(reader, &found);
		if (rc <= 0)
			return rc;
		if (found.type == WIRE_TYPE_OPT)
			rc = take_opt(reader->msg + found.rdata_pos, found.rdata_len, reader->pos - at, m);
		else
			rc = take_record(reader, &found, at, m);
		if (rc != 0)
			return rc;
	}
}

static size_t sum_of(const struct plan_message *m)
{
	size_t sum = 0;
	for (unsigned i = 0; i < PLAN_PARTS; i++)
		sum += m->part[i].bytes;
	return sum;
}

int plan_dissect(const uint8_t *msg, size_t len, struct plan_message *ret)
{
	struct wire_reader reader;
	struct plan_message m = {.len = len};
	if (len > WIRE_MESSAGE_MAX || wire_reader_init(&reader, msg, len) < 0 || (reader.flags & WIRE_QR) == 0)
		return BANYAN_EMALF;
	m.flags = reader.flags;
	size_t most = (size_t)reader.counts[1] + reader.counts[2] + reader.counts[3];
	m.record = calloc((most < PLAN_RECORDS_MAX ? most : PLAN_RECORDS_MAX) + 1, sizeof *m.record);
	if (m.record == NULL)
		return BANYAN_ENOMEM;
	share_add(&m.part[PLAN_HEADER], 0, WIRE_HEADER_SIZE, WIRE_HEADER_SIZE);
	size_t question = reader.pos - WIRE_HEADER_SIZE;
	share_add(&m.part[PLAN_QUESTION], reader.counts[0], question, question);
	int rc = take_records(&reader, &m);
	m.rcode = wire_reader_rcode(&reader);
	if (rc == 0 && sum_of(&m) != len)
		rc = BANYAN_EMALF;
	if (rc != 0) {
		plan_message_done(&m);
		return rc;
	}
	*ret = m;
	return 0;
}
