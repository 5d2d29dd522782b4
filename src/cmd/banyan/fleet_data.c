// SPDX-License-Identifier: GPL-3.0-or-later
/* What a node says of names in the zone, held against what the master says of them, or against the zone's keys. */
#include "fleet.h"

#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX 256 /* of one reply: the root's longest has some sixty */
#define BYTES_MAX   (2 * WIRE_MESSAGE_MAX)

struct record {
	enum wire_section section;
	uint16_t type, covered; /* covered: of an RRSIG, else 0 */
	uint32_t ttl;
	const uint8_t *owner;
	struct wire_rdata
		rdata; /* names in lower case, where the type has names that compare so (RFC 4034 section 6.2) */
};
struct message {
	struct wire_reader reader;
	uint16_t rcode;
	bool authoritative;
	size_t n, used;
	struct record record[RECORDS_MAX];
	uint8_t bytes[BYTES_MAX];
};

/* ---- reading ---- */

static int take(struct message *m, const struct wire_record *found)
{
	size_t owner_len = wire_name_len(found->owner);
	if (m->n == RECORDS_MAX || sizeof m->bytes - m->used < owner_len)
		return BANYAN_ELIMIT;
	uint8_t *owner = m->bytes + m->used, *data = owner + owner_len;
	wire_name_lower(found->owner, owner);
	m->used += owner_len;
	int len = wire_record_rdata(&m->reader, found, data, sizeof m->bytes - m->used);
	if (len < 0)
		return len;
	wire_rdata_canonical(data, (uint16_t)len, found->type);
	m->used += (size_t)len;
	m->record[m->n++] = (struct record){
		.section = found->section,
		.type = found->type,
		.covered = found->type == WIRE_TYPE_RRSIG && len > 18 ? wire_get16(data) : 0,
		.ttl = found->ttl,
		.owner = owner,
		.rdata = {data, (uint16_t)len},
	};
	return 0;
}

static int message_read(const uint8_t *msg, size_t len, struct message *ret)
{
	struct wire_record found;
	ret->n = ret->used = 0;
	int rc = wire_reader_init(&ret->reader, msg, len);
	while (rc == 0 && (rc = wire_reader_next(&ret->reader, &found)) > 0)
		rc = found.type == WIRE_TYPE_OPT || found.rclass != WIRE_CLASS_IN ? 0 : take(ret, &found);
	ret->rcode = rc < 0 ? 0 : wire_reader_rcode(&ret->reader);
	ret->authoritative = ret->reader.flags & WIRE_AA;
	return rc;
}

int fleet_sample_take(struct fleet_master *master, const uint8_t *msg, size_t len)
{
	static struct message m;
	if (master->n_samples == FLEET_SAMPLES_MAX)
		return BANYAN_ELIMIT;
	int rc = message_read(msg, len, &m);
	if (rc == BANYAN_ELIMIT)
		return 0; /* too long a one to look at */
	if (rc < 0 || m.reader.counts[0] != 1)
		return BANYAN_EMALF;
	struct fleet_sample *sample = &master->sample[master->n_samples], *before = sample - 1;
	uint8_t *copy = malloc(len);
	if (copy == NULL)
		return BANYAN_ENOMEM;
	memcpy(copy, msg, len);
	*sample = (struct fleet_sample){.type = m.reader.qtype, .len = len, .msg = copy};
	wire_name_lower(m.reader.qname, sample->name);
	sample->instead = master->n_samples > 0 && sample->type == WIRE_TYPE_DS && before->type == WIRE_TYPE_NS &&
			  wire_name_equal(sample->name, before->name);
	master->n_samples++;
	return 0;
}

/* ---- held against the master's ---- */

static bool same_set(const struct record *a, const struct record *b)
{
	return a->type == b->type && a->covered == b->covered && wire_name_equal(a->owner, b->owner);
}

static bool is_extra(const struct record *record)
{
	return record->section == WIRE_ADDITIONAL;
}

/* A negative answer's TTLs depend on the server (RFC 2308 section 3, RFC 9077), those of signatures follow their sets. */
static bool has_ttl(uint16_t type)
{
	return type != WIRE_TYPE_SOA && type != WIRE_TYPE_NSEC && type != WIRE_TYPE_NSEC3 && type != WIRE_TYPE_RRSIG;
}

static bool same_record(const struct record *a, const struct record *b)
{
	return same_set(a, b) && a->rdata.len == b->rdata.len &&
	       memcmp(a->rdata.data, b->rdata.data, a->rdata.len) == 0 && (a->ttl == b->ttl || !has_ttl(a->type));
}

/* `extras`: those of the additional section count, too. */
static const struct record *find(const struct message *m, const struct record *wanted, bool extras,
				 bool (*same)(const struct record *a, const struct record *b))
{
	for (size_t i = 0; i < m->n; i++)
		if ((extras || !is_extra(&m->record[i])) && same(&m->record[i], wanted))
			return &m->record[i];
	return NULL;
}

static bool has_ns(const struct message *m, enum wire_section section)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->record[i].section == section && m->record[i].type == WIRE_TYPE_NS &&
		    wire_name_equal(m->record[i].owner, m->reader.qname))
			return true;
	return false;
}

/* Is `got` the answer of who serves the zone below the delegation, too? The servers are his to name then. */
static bool is_of_child(const struct message *expected, const struct message *got)
{
	return !expected->authoritative && has_ns(expected, WIRE_AUTHORITY) && got->authoritative &&
	       has_ns(got, WIRE_ANSWER);
}

/* May it stand there? Sets that the master does not show in its shortest answer are no business of ours, unless they answer the question. */
static bool is_allowed(const struct message *expected, const struct record *record)
{
	if (find(expected, record, true, same_set) != NULL)
		return find(expected, record, true, same_record) != NULL;
	return record->section != WIRE_ANSWER || !wire_name_equal(record->owner, expected->reader.qname) ||
	       (record->type != expected->reader.qtype && record->type != WIRE_TYPE_CNAME);
}

static enum fleet_data compare(const struct message *expected, const struct message *got)
{
	/* beside an answer a server may say in its authority section who serves the zone, or not */
	enum wire_section last =
		expected->n > 0 && expected->record[0].section == WIRE_ANSWER ? WIRE_ANSWER : WIRE_AUTHORITY;
	if (got->rcode != expected->rcode)
		return FLEET_DATA_DIFFERS;
	for (size_t i = 0; i < expected->n && expected->record[i].section <= last; i++)
		if (find(got, &expected->record[i], false, same_record) == NULL)
			return FLEET_DATA_DIFFERS;
	for (size_t i = 0; i < got->n; i++)
		if (!is_allowed(expected, &got->record[i]))
			return FLEET_DATA_DIFFERS;
	return FLEET_DATA_SAME;
}

/* ---- held against the keys ---- */

/* One set, the first record of which is at `first`. What a delegation says of servers is not signed. */
static enum fleet_proof prove_set(const struct fleet_master *master, const uint8_t *apex, const struct message *m,
				  size_t first, int64_t now)
{
	struct wire_rdata rdata[FLEET_SET_MAX], sig[FLEET_SIGS_MAX];
	const struct record *head = &m->record[first];
	struct wire_rrset set = {
		.owner = head->owner, .type = head->type, .rclass = WIRE_CLASS_IN, .ttl = head->ttl, .rdata = rdata};
	size_t n_sigs = 0;
	if (!wire_name_under(head->owner, apex) || (head->type == WIRE_TYPE_NS && !wire_name_equal(head->owner, apex)))
		return FLEET_NOT_ASKED;
	for (size_t i = 0; i < m->n; i++) {
		const struct record *record = &m->record[i];
		if (is_extra(record) || !wire_name_equal(record->owner, head->owner))
			continue;
		if (record->type == head->type && i < first)
			return FLEET_NOT_ASKED; /* it was, with the first of the set */
		if (record->type == head->type && set.count < FLEET_SET_MAX)
			rdata[set.count++] = record->rdata;
		else if (record->covered == head->type && n_sigs < FLEET_SIGS_MAX)
			sig[n_sigs++] = record->rdata;
	}
	return fleet_prove(master->keys, &set, sig, n_sigs, now);
}

static enum fleet_data prove(const struct fleet_master *master, const uint8_t *apex, const struct message *m,
			     int64_t now)
{
	bool proved = false;
	for (size_t i = 0; i < m->n; i++) {
		if (is_extra(&m->record[i]) || m->record[i].type == WIRE_TYPE_RRSIG)
			continue;
		enum fleet_proof proof = prove_set(master, apex, m, i, now);
		if (proof == FLEET_BAD || proof == FLEET_UNSIGNED)
			return FLEET_DATA_UNPROVED;
		proved |= proof != FLEET_NOT_ASKED; /* also by a key of before: SOA and ZONEMD have told of that */
	}
	return proved ? FLEET_DATA_PROVED : FLEET_DATA_UNPROVED;
}

/* ---- a reply ---- */

static enum fleet_data look(const struct fleet_master *master, const uint8_t *apex, const struct fleet_sample *sample,
			    bool same_version, const struct fleet_reply *reply, int64_t now)
{
	static struct message expected, got; /* one at a time */
	if (message_read(sample->msg, sample->len, &expected) < 0)
		return FLEET_DATA_NOT_ASKED;
	if (reply->rcode != WIRE_RCODE_NOERROR && reply->rcode != WIRE_RCODE_NXDOMAIN)
		return FLEET_DATA_REFUSED;
	if (message_read(reply->msg, reply->len, &got) < 0)
		return FLEET_DATA_DIFFERS;
	if (is_of_child(&expected, &got))
		return FLEET_DATA_CHILD;
	return same_version ? compare(&expected, &got) : prove(master, apex, &got, now);
}

enum fleet_data fleet_data_look(struct fleet *fleet, size_t at, bool same_version, const struct fleet_reply *reply,
				int64_t now)
{
	const struct fleet_master *master = &fleet->master;
	/* behind the ID, which differs each time; nodes of one make send the same bytes */
	uint64_t part[3] = {at, same_version, hash_sip(reply->msg + 2, reply->len - 2, fleet->hash_key)};
	uint64_t mark = hash_sip(part, sizeof part, fleet->hash_key);
	struct fleet_looked *looked = &fleet->looked[mark % FLEET_LOOKED];
	if (looked->mark != mark || mark == 0) {
		looked->data = look(master, fleet->apex, &master->sample[at], same_version, reply, now);
		looked->mark = mark;
	}
	return looked->data;
}

const char *fleet_data_text(enum fleet_data data)
{
	static const char *const texts[] = {
		[FLEET_DATA_NOT_ASKED] = "not asked", [FLEET_DATA_CHILD] = "not asked",
		[FLEET_DATA_SAME] = "same",           [FLEET_DATA_PROVED] = "proved",
		[FLEET_DATA_REFUSED] = "none",        [FLEET_DATA_DIFFERS] = "differs",
		[FLEET_DATA_UNPROVED] = "unproved",
	};
	return texts[data];
}
