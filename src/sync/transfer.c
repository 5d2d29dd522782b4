// SPDX-License-Identifier: GPL-3.0-or-later
/* One transfer, message by message: the serial, then differences or the whole. */
#include "private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTION_EXPIRE 9    /* RFC 7314 */
#define OPTIONS_SIZE  4    /* of the question: an empty one */
#define UDP_SIZE      1232 /* said in each EDNS; over TCP it means nothing */
#define SOA_NUMBERS   20   /* bytes: serial, refresh, retry, expire, minimum at the end of a SOA */

int sync_transfer_new(const struct sync_transfer_settings *settings, struct sync_transfer **ret)
{
	struct sync_transfer *t = calloc(1, sizeof *t);
	if (t == NULL || (t->soa = malloc(WIRE_MESSAGE_MAX)) == NULL) {
		free(t);
		return BANYAN_ENOMEM;
	}
	t->settings = *settings;
	wire_name_lower(settings->apex, t->apex);
	t->settings.apex = t->apex;
	if (t->settings.bytes_max == 0)
		t->settings.bytes_max = SYNC_BYTES_DEFAULT;
	t->tsig.key = settings->key;
	random_init_seed(&t->random, settings->seed);
	*ret = t;
	return 0;
}

void sync_transfer_free(struct sync_transfer *t)
{
	if (t == NULL)
		return;
	wire_tsig_done(&t->tsig);
	buffer_done(&t->changes);
	free(t->soa);
	free(t);
}

static enum sync_progress fail(struct sync_transfer *t, const char *format, ...) _printf_(2, 3);
static enum sync_progress fail(struct sync_transfer *t, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(t->why, sizeof t->why, format, args);
	va_end(args);
	return SYNC_FAILED;
}

/* ---- asking ---- */

static uint16_t qtype_of(const struct sync_transfer *t)
{
	static const uint16_t types[] = {
		[STEP_SERIAL] = WIRE_TYPE_SOA, [STEP_IXFR] = WIRE_TYPE_IXFR, [STEP_AXFR] = WIRE_TYPE_AXFR};
	return types[t->step];
}

/* The version at hand, as an IXFR question names it: a SOA of which only the serial counts (RFC 1995 section 3). */
static int write_version(const struct sync_transfer *t, struct wire_writer *writer)
{
	uint8_t soa[2 + SOA_NUMBERS] = {0};
	wire_put32(soa + 2, t->settings.serial);
	struct wire_rdata rdata = {soa, sizeof soa};
	return wire_writer_record(writer, WIRE_AUTHORITY, t->apex, WIRE_TYPE_SOA, WIRE_CLASS_IN, 0, &rdata);
}

/* How long the primary may still use its own copy (RFC 7314): a chain of secondaries would else keep a zone for ever. */
static int write_expire(struct wire_writer *writer)
{
	uint8_t option[OPTIONS_SIZE] = {0};
	wire_put16(option, OPTION_EXPIRE);
	int rc = wire_writer_reserve(writer, 11 + sizeof option);
	return rc < 0 ? rc : wire_writer_edns(writer, UDP_SIZE, 0, false, option, sizeof option);
}

int sync_transfer_ask(struct sync_transfer *t, uint8_t *out, size_t cap)
{
	struct wire_writer writer;
	t->expire_s = 0;
	t->id = random_u16(&t->random);
	t->answered = false;
	t->expect = EXPECT_FIRST;
	int rc = wire_writer_init(&writer, out, cap, t->id, 0);
	if (rc == 0)
		rc = wire_writer_question(&writer, t->apex, qtype_of(t), WIRE_CLASS_IN);
	if (rc == 0 && t->step == STEP_IXFR)
		rc = write_version(t, &writer);
	if (rc == 0 && !t->plain)
		rc = write_expire(&writer);
	if (rc < 0)
		return rc;
	size_t len = wire_writer_finish(&writer);
	if (t->settings.key == NULL)
		return (int)len;
	wire_tsig_done(&t->tsig);
	t->tsig.key = t->settings.key;
	return wire_tsig_sign(&t->tsig, out, len, cap);
}

/* ---- reading: what surrounds the records ---- */

/* Primaries that know no IXFR say so in many ways. */
static bool knows_no_ixfr(const struct sync_transfer *t, uint16_t rcode)
{
	return t->step == STEP_IXFR && !t->answered &&
	       (rcode == WIRE_RCODE_NOTIMP || rcode == WIRE_RCODE_FORMERR || rcode == WIRE_RCODE_REFUSED ||
		rcode == WIRE_RCODE_SERVFAIL);
}

/* Primaries from before EDNS, or that take no option (RFC 6891 section 7): the same question is asked without. */
static bool knows_no_edns(const struct sync_transfer *t, uint16_t rcode)
{
	return !t->plain && !t->answered &&
	       (rcode == WIRE_RCODE_FORMERR || (rcode == WIRE_RCODE_NOTIMP && t->step == STEP_SERIAL));
}

/* 0, or BANYAN_EMALF with the reason told. */
static int check_header(struct sync_transfer *t, const struct wire_reader *reader)
{
	char type[16];
	const char *asked = wire_type_text(qtype_of(t), type);
	if (reader->id != t->id || !(reader->flags & WIRE_QR) || (reader->flags & WIRE_OPCODE_MASK) != 0)
		fail(t, "what it sent is no reply to the question for %s", asked);
	else if (reader->counts[0] == 1 && (reader->qtype != qtype_of(t) || !wire_name_equal(reader->qname, t->apex)))
		fail(t, "its reply to the question for %s is about something else", asked);
	else if (reader->flags & WIRE_TC)
		fail(t, "its reply to the question for %s is truncated", asked);
	else
		return 0;
	return BANYAN_EMALF;
}

static int check_signature(struct sync_transfer *t, const uint8_t *msg, size_t len)
{
	if (t->settings.key == NULL)
		return 0;
	int rc = wire_tsig_take(&t->tsig, msg, len);
	if (rc == BANYAN_EPROOF)
		fail(t, "its reply is not signed with the key, or clocks differ; compare name, algorithm and secret of "
			"the key "
			"on both sides, and the clocks");
	else if (rc < 0)
		fail(t, "its reply cannot be read: %s", error_text(rc));
	return rc;
}

/* ---- reading: records ---- */

static int add_change(struct sync_transfer *t, uint8_t op, const struct wire_record *record, const uint8_t *data,
		      uint16_t len)
{
	uint8_t owner[WIRE_NAME_MAX];
	wire_name_lower(record->owner, owner);
	struct sync_change change = {
		.op = op, .owner = owner, .type = record->type, .ttl = record->ttl, .data = data, .len = len};
	if (t->changes.len > t->settings.bytes_max) {
		fail(t, "the zone is larger than the limit of %llu bytes", (unsigned long long)t->settings.bytes_max);
		return BANYAN_ELIMIT;
	}
	t->n_changes++;
	int rc = sync_change_put(&t->changes, &change);
	if (rc < 0)
		fail(t, "%s", error_text(rc));
	return rc;
}

static uint32_t serial_of(const uint8_t *soa, uint16_t len)
{
	return wire_get32(soa + len - SOA_NUMBERS);
}

static void keep_soa(struct sync_transfer *t, const struct wire_record *record, const uint8_t *data, uint16_t len)
{
	memcpy(t->soa, data, len);
	t->soa_len = len;
	t->soa_ttl = record->ttl;
	t->serial = serial_of(data, len);
}

/* The first SOA: SYNC_WAIT when more is to come. */
static enum sync_progress take_first(struct sync_transfer *t, const struct wire_record *record, const uint8_t *data,
				     uint16_t len)
{
	if (record->type != WIRE_TYPE_SOA)
		return fail(t, "its answer does not begin with a SOA");
	keep_soa(t, record, data, len);
	bool newer = !t->settings.have || sync_serial_newer(t->serial, t->settings.serial);
	if (t->step == STEP_SERIAL) {
		t->expect = EXPECT_NOTHING;
		if (!newer)
			return SYNC_CURRENT;
		t->step = t->settings.have && !t->settings.whole ? STEP_IXFR : STEP_AXFR;
		return SYNC_ASK;
	}
	if (t->step == STEP_IXFR && !newer)
		return SYNC_CURRENT;
	t->is_whole = t->step == STEP_AXFR;
	t->expect = t->step == STEP_AXFR ? EXPECT_WHOLE : EXPECT_SECOND;
	return SYNC_WAIT;
}

/* A SOA between two parts of differences, or at the end of them. */
static enum sync_progress take_turn(struct sync_transfer *t, uint32_t serial)
{
	if (t->expect == EXPECT_DELETED) {
		t->diff_serial = serial;
		t->expect = EXPECT_ADDED;
		return SYNC_WAIT;
	}
	if (serial != t->diff_serial)
		return fail(t, "its differences do not follow each other: from serial %u to %u", t->diff_serial,
			    serial);
	if (serial == t->serial) {
		t->expect = EXPECT_NOTHING;
		return SYNC_CHANGED;
	}
	t->expect = EXPECT_DELETED;
	return SYNC_WAIT;
}

static enum sync_progress take_record(struct sync_transfer *t, const struct wire_record *record, const uint8_t *data,
				      uint16_t len)
{
	bool soa = record->type == WIRE_TYPE_SOA && wire_name_equal(record->owner, t->apex);
	uint32_t serial = soa ? serial_of(data, len) : 0;
	switch (t->expect) {
	case EXPECT_FIRST:
		return take_first(t, record, data, len);
	case EXPECT_SECOND:
		if (soa && serial == t->settings.serial && serial != t->serial) {
			t->expect = EXPECT_DELETED;
			return SYNC_WAIT;
		}
		t->is_whole = true; /* RFC 1995 section 4: it may give all of it instead */
		t->expect = EXPECT_WHOLE;
		/* fall through */
	case EXPECT_WHOLE:
		if (soa) {
			t->expect = EXPECT_NOTHING;
			return serial == t->serial ? SYNC_CHANGED
						   : fail(t, "the zone changed while it was sent, from serial %u to %u",
							  t->serial, serial);
		}
		return add_change(t, SYNC_ADD, record, data, len) < 0 ? SYNC_FAILED : SYNC_WAIT;
	case EXPECT_DELETED:
	case EXPECT_ADDED:
		if (soa)
			return take_turn(t, serial);
		return add_change(t, t->expect == EXPECT_ADDED ? SYNC_ADD : SYNC_DELETE, record, data, len) < 0
			       ? SYNC_FAILED
			       : SYNC_WAIT;
	case EXPECT_NOTHING:
		break;
	}
	return fail(t, "records follow behind the end of the zone");
}

static enum sync_progress take_records(struct sync_transfer *t, struct wire_reader *reader)
{
	enum sync_progress progress = SYNC_WAIT;
	struct wire_record record;
	char owner[WIRE_NAME_TEXT_MAX], type[16];
	int rc;
	while ((rc = wire_reader_next(reader, &record)) > 0) {
		static _Thread_local uint8_t data[WIRE_MESSAGE_MAX];
		if (record.section != WIRE_ANSWER)
			continue;
		int len = wire_record_rdata(reader, &record, data, sizeof data);
		if (len < 0 || sync_type_is_meta(record.type) || record.rclass != WIRE_CLASS_IN ||
		    (record.type == WIRE_TYPE_SOA && len < SOA_NUMBERS + 2))
			return fail(t, "the record %.200s %s is malformed", wire_name_text(record.owner, owner),
				    wire_type_text(record.type, type));
		if (progress == SYNC_ASK)
			continue; /* what else stands beside the SOA that was asked for */
		if (t->expect == EXPECT_FIRST && !wire_name_equal(record.owner, t->apex))
			return fail(t, "its answer begins with another name");
		progress = take_record(t, &record, data, (uint16_t)len);
		if (progress == SYNC_FAILED || progress == SYNC_CURRENT)
			return progress;
	}
	if (rc < 0)
		return fail(t, "a message is malformed");
	return progress;
}

/* Of the first message of an answer, behind its records. */
static void take_expire(struct sync_transfer *t, struct wire_reader *reader)
{
	struct wire_record record;
	uint16_t len;
	while (wire_reader_next(reader, &record) > 0)
		; /* OPT stands at the end */
	const uint8_t *data =
		!reader->has_edns ? NULL
				  : wire_edns_find(reader->msg + reader->opt_pos, reader->opt_len, OPTION_EXPIRE, &len);
	if (data != NULL && len == 4)
		t->expire_s = wire_get32(data);
}

/* SYNC_FAILED when it sends without end: differences that change nothing, or nothing at all. */
static enum sync_progress check_amount(struct sync_transfer *t, const struct wire_reader *reader, size_t len)
{
	t->bytes += len;
	t->n_empty += reader->counts[WIRE_ANSWER] == 0;
	if (t->bytes > t->settings.bytes_max)
		return fail(t, "it sends more than the limit of %llu bytes", (unsigned long long)t->settings.bytes_max);
	if (t->n_empty > SYNC_EMPTY_MAX)
		return fail(t, "it sends messages without end that have no record");
	return SYNC_WAIT;
}

enum sync_progress sync_transfer_take(struct sync_transfer *t, const uint8_t *msg, size_t len)
{
	struct wire_reader reader;
	if (wire_reader_init(&reader, msg, len) < 0)
		return fail(t, "a message is malformed");
	if (check_header(t, &reader) < 0 || check_amount(t, &reader, len) == SYNC_FAILED)
		return SYNC_FAILED;
	uint16_t rcode = reader.flags & WIRE_RCODE_MASK;
	if (knows_no_edns(t, rcode)) {
		t->plain = true;
		return SYNC_ASK;
	}
	bool other_way = knows_no_ixfr(t, rcode);
	if (!other_way && rcode == WIRE_RCODE_NOTAUTH && t->settings.key != NULL && !t->answered)
		return fail(
			t,
			"it does not accept the key; compare name, algorithm and secret on both sides, and the clocks");
	if (check_signature(t, msg, len) < 0)
		return SYNC_FAILED;
	if (other_way) {
		t->step = STEP_AXFR;
		return SYNC_ASK;
	}
	char type[16];
	if (rcode != WIRE_RCODE_NOERROR)
		return fail(t, "it answers %s to the question for %s", wire_rcode_text(rcode),
			    wire_type_text(qtype_of(t), type));
	bool first = !t->answered;
	t->answered = true;
	enum sync_progress progress = take_records(t, &reader);
	if (first)
		take_expire(t, &reader);
	if (t->step == STEP_SERIAL && progress == SYNC_WAIT)
		return fail(t, "it gives no SOA for the zone");
	/* the end must be signed, too (RFC 8945 section 5.3.1) */
	if (progress != SYNC_WAIT && progress != SYNC_FAILED && t->settings.key != NULL && t->tsig.n_unsigned > 0)
		return fail(t, "the end of its answer is not signed");
	return progress;
}

const char *sync_transfer_why(const struct sync_transfer *t)
{
	return t->why;
}

uint32_t sync_transfer_serial(const struct sync_transfer *t)
{
	return t->serial;
}

uint32_t sync_transfer_expire_s(const struct sync_transfer *t)
{
	return t->expire_s;
}

bool sync_transfer_is_whole(const struct sync_transfer *t)
{
	return t->is_whole;
}

size_t sync_transfer_changes(const struct sync_transfer *t)
{
	return t->n_changes;
}

uint64_t sync_transfer_bytes(const struct sync_transfer *t)
{
	return t->bytes;
}
