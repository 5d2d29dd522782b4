// SPDX-License-Identifier: GPL-3.0-or-later
/* One version of a zone on its way out: made once, read by many. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_MAX (WIRE_MESSAGE_MAX - PUSH_ROOM) /* bytes of a message that holds one large record */

/* ---- its messages ---- */

struct maker {
	struct push_version *version;
	struct wire_packer *packer;
	bool begun;
	uint8_t msg[WIRE_MESSAGE_MAX];
};

/* Only the first message needs the question (RFC 5936 section 2.2.1). */
static void message_begin(struct maker *m, size_t cap)
{
	struct push_version *version = m->version;
	size_t pos = WIRE_HEADER_SIZE;
	memset(m->msg, 0, WIRE_HEADER_SIZE);
	if (version->n_messages == 0) {
		memcpy(m->msg + pos, version->apex, version->apex_len);
		pos += version->apex_len;
		wire_put16(m->msg + pos, WIRE_TYPE_AXFR);
		wire_put16(m->msg + pos + 2, WIRE_CLASS_IN);
		pos += 4;
		wire_put16(m->msg + 4, 1);
	}
	wire_packer_begin(m->packer, m->msg, pos, cap);
	m->begun = true;
}

static int message_end(struct maker *m)
{
	uint8_t size[2];
	size_t len = wire_packer_len(m->packer);
	wire_put16(m->msg + 6, (uint16_t)wire_packer_count(m->packer));
	wire_put16(size, (uint16_t)len);
	int rc = buffer_append(&m->version->messages, size, sizeof size);
	if (rc == 0)
		rc = buffer_append(&m->version->messages, m->msg, len);
	m->version->n_messages++;
	m->begun = false;
	return rc;
}

static int message_add(struct maker *m, const struct wire_rrset *set, const struct wire_rdata *rdata)
{
	if (!m->begun)
		message_begin(m, PUSH_MESSAGE);
	int rc = wire_packer_add(m->packer, set->owner, set->type, WIRE_CLASS_IN, set->ttl, rdata->data, rdata->len);
	if (rc != BANYAN_ESPACE)
		return rc;
	if (wire_packer_count(m->packer) > 0) {
		rc = message_end(m);
		if (rc < 0)
			return rc;
		message_begin(m, PUSH_MESSAGE);
		rc = wire_packer_add(m->packer, set->owner, set->type, WIRE_CLASS_IN, set->ttl, rdata->data,
				     rdata->len);
		if (rc != BANYAN_ESPACE)
			return rc;
	}
	message_begin(m, RECORD_MAX);
	return wire_packer_add(m->packer, set->owner, set->type, WIRE_CLASS_IN, set->ttl, rdata->data, rdata->len);
}

/* RFC 5936 section 2.2: the SOA at both ends. */
static int make_messages(struct maker *m, const struct zone *zone, const struct wire_rrset *soa)
{
	int rc = message_add(m, soa, &soa->rdata[0]);
	for (size_t i = 0; i < zone->n_sets && rc == 0; i++) {
		const struct wire_rrset *set = &zone->set[i];
		size_t owner_len = wire_name_len(set->owner);
		for (uint32_t k = 0; k < set->count && rc == 0 && set != soa; k++) {
			m->version->plain += owner_len + 10 + set->rdata[k].len;
			rc = message_add(m, set, &set->rdata[k]);
		}
	}
	if (rc == 0)
		rc = message_add(m, soa, &soa->rdata[0]);
	return rc == 0 ? message_end(m) : rc;
}

bool push_message_next(const struct push_version *version, size_t *pos, const uint8_t **ret, size_t *ret_len)
{
	const struct buffer *messages = &version->messages;
	if (messages->len - *pos < 2)
		return false;
	*ret_len = wire_get16(messages->data + *pos);
	*ret = messages->data + *pos + 2;
	*pos += 2 + *ret_len;
	return true;
}

/* ---- back to a zone ---- */

static int add_records(struct zone_maker *maker, const struct push_version *version, const uint8_t *msg, size_t len,
		       bool *soa_seen)
{
	static _Thread_local uint8_t data[WIRE_MESSAGE_MAX];
	struct wire_reader reader;
	struct wire_record record;
	int rc = wire_reader_init(&reader, msg, len);
	while (rc == 0 && (rc = wire_reader_next(&reader, &record)) > 0) {
		int size = wire_record_rdata(&reader, &record, data, sizeof data);
		bool soa = record.type == WIRE_TYPE_SOA && wire_name_equal(record.owner, version->apex);
		rc = size < 0 ? size : 0;
		if (rc == 0 && !(soa && *soa_seen))
			rc = zone_maker_add(maker, record.owner, record.type, record.ttl, data, (uint16_t)size);
		*soa_seen |= soa;
	}
	return rc;
}

int push_version_zone(const struct push_version *version, struct zone **ret)
{
	struct zone_maker *maker;
	const uint8_t *msg;
	size_t pos = 0, len;
	bool soa_seen = false;
	int rc = zone_maker_new(version->apex, "the version before", &maker);
	if (rc < 0)
		return rc;
	while (rc == 0 && push_message_next(version, &pos, &msg, &len))
		rc = add_records(maker, version, msg, len, &soa_seen);
	if (rc == 0)
		return zone_maker_finish(maker, ret);
	zone_maker_free(maker);
	return rc;
}

/* ---- what leads to it ---- */

static int put_soa(struct buffer *out, const struct push_version *version)
{
	return buffer_append(out, version->soa.data, version->soa.len);
}

static int put_changes(struct buffer *out, const struct push_version *version, const struct zone_diff_record *item,
		       size_t n)
{
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct wire_rrset *set = item[i].set;
		if (set->type != WIRE_TYPE_SOA || !wire_name_equal(set->owner, version->apex))
			rc = push_record_put(out, set->owner, set->type, set->ttl, &set->rdata[item[i].index]);
	}
	return rc;
}

/* NULL: the difference is larger than the zone. */
static int make_step(const struct push_version *before, const struct push_version *version, const struct zone *zone,
		     struct push_step **ret)
{
	_cleanup_(buffer_done) struct buffer list = {0};
	_cleanup_(zone_diff_done) struct zone_diff diff = {0};
	struct zone *old;
	int rc = push_version_zone(before, &old);
	if (rc != 0)
		return rc;
	rc = zone_diff(old, zone, &diff);
	if (rc == 0 && diff.n_gone + diff.n_come >= 2 * zone->n_records) {
		zone_free(old);
		*ret = NULL;
		return 0;
	}
	if (rc == 0)
		rc = put_soa(&list, before);
	if (rc == 0)
		rc = put_changes(&list, before, diff.gone, diff.n_gone);
	if (rc == 0)
		rc = put_soa(&list, version);
	if (rc == 0)
		rc = put_changes(&list, version, diff.come, diff.n_come);
	zone_free(old);
	if (rc < 0)
		return rc;
	*ret = NULL;
	return list.len >= version->plain ? 0
					  : push_step_new(before->serial, version->serial, list.data, list.len, ret);
}

static bool same_content(const struct push_version *a, const struct push_version *b)
{
	return a->messages.len == b->messages.len && memcmp(a->messages.data, b->messages.data, a->messages.len) == 0;
}

/* The steps of `before` and, unless NULL, this one, which is the version's from now on. */
static int take_steps(struct push_version *version, const struct push_version *before, struct push_step *last)
{
	version->step = calloc(before->n_steps + 1, sizeof(struct push_step *));
	if (version->step == NULL) {
		push_step_release(last);
		return BANYAN_ENOMEM;
	}
	for (size_t i = 0; i < before->n_steps; i++) {
		version->step[i] = before->step[i];
		atomic_fetch_add(&version->step[i]->users, 1);
		version->step_bytes += version->step[i]->len;
	}
	version->n_steps = before->n_steps;
	if (last != NULL) {
		version->step[version->n_steps++] = last;
		version->step_bytes += last->len;
	}
	return 0;
}

void push_steps_trim(struct push_version *version, const struct push_limits *limits)
{
	size_t steps_max = limits->steps_max < PUSH_STEPS_MAX ? limits->steps_max : PUSH_STEPS_MAX;
	size_t bytes_max = limits->bytes_max < version->plain ? limits->bytes_max : version->plain, n = 0;
	while (n < version->n_steps && (version->n_steps - n > steps_max || version->step_bytes > bytes_max)) {
		version->step_bytes -= version->step[n]->len;
		push_step_release(version->step[n++]);
	}
	version->n_steps -= n;
	if (n > 0)
		memmove(version->step, version->step + n, version->n_steps * sizeof(struct push_step *));
}

static int make_steps(struct push_version *version, const struct push_version *before, const struct zone *zone,
		      const struct push_limits *limits)
{
	struct push_step *last = NULL;
	if (!wire_name_equal(before->apex, version->apex))
		return BANYAN_EINVAL;
	if (before->serial == version->serial) {
		if (!same_content(before, version)) {
			version->ambiguous = true;
			return 0;
		}
		version->ambiguous = before->ambiguous;
	} else if (before->ambiguous || !sync_serial_newer(version->serial, before->serial) || limits->steps_max == 0 ||
		   limits->bytes_max == 0) {
		return 0; /* a serial that went back begins anew */
	} else {
		int rc = make_step(before, version, zone, &last);
		if (rc < 0 || last == NULL)
			return rc;
	}
	int rc = take_steps(version, before, last);
	if (rc == 0)
		push_steps_trim(version, limits);
	return rc;
}

/* ---- making one ---- */

static const struct wire_rrset *soa_of(const struct zone *zone)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct wire_rrset *soa = apex == NULL ? NULL : zone_node_set(zone, apex, WIRE_TYPE_SOA);
	return soa != NULL && soa->rdata[0].len >= 22 ? soa : NULL;
}

static void shrink(struct buffer *buffer)
{
	uint8_t *data = realloc(buffer->data, buffer->len);
	if (data == NULL)
		return;
	buffer->data = data;
	buffer->cap = buffer->len;
}

static int version_make(struct push_version *version, const struct zone *zone, const struct wire_rrset *soa)
{
	struct maker *maker = malloc(sizeof *maker);
	if (maker == NULL)
		return BANYAN_ENOMEM;
	*maker = (struct maker){.version = version};
	int rc = wire_packer_new(&maker->packer);
	if (rc == 0) {
		rc = make_messages(maker, zone, soa);
		wire_packer_free(maker->packer);
	}
	free(maker);
	if (rc == 0)
		rc = push_record_put(&version->soa, soa->owner, soa->type, soa->ttl, &soa->rdata[0]);
	if (rc == 0)
		shrink(&version->messages);
	version->plain += version->soa.len;
	return rc;
}

int push_version_new(const struct zone *zone, const struct push_version *before, const struct push_limits *limits,
		     struct push_version **ret)
{
	const struct wire_rrset *soa = soa_of(zone);
	struct push_version *version = calloc(1, sizeof *version);
	if (version == NULL)
		return BANYAN_ENOMEM;
	atomic_init(&version->users, 1);
	version->apex_len = wire_name_lower(zone->apex, version->apex);
	version->serial = zone->serial;
	if (soa != NULL)
		version->expire_s = wire_get32(soa->rdata[0].data + soa->rdata[0].len - 8);
	int rc = soa == NULL ? BANYAN_EMALF : version_make(version, zone, soa);
	if (rc == 0 && before != NULL)
		rc = make_steps(version, before, zone, limits);
	if (rc < 0) {
		push_version_release(version);
		return rc;
	}
	*ret = version;
	return 0;
}

struct push_version *push_version_hold(struct push_version *version)
{
	atomic_fetch_add(&version->users, 1);
	return version;
}

void push_version_release(struct push_version *version)
{
	if (version == NULL || atomic_fetch_sub(&version->users, 1) > 1)
		return;
	for (size_t i = 0; i < version->n_steps; i++)
		push_step_release(version->step[i]);
	free(version->step);
	buffer_done(&version->soa);
	buffer_done(&version->messages);
	free(version);
}

/* ---- what it is ---- */

uint32_t push_version_serial(const struct push_version *version)
{
	return version->serial;
}

uint32_t push_version_expire_s(const struct push_version *version)
{
	return version->expire_s;
}

const uint8_t *push_version_apex(const struct push_version *version)
{
	return version->apex;
}

size_t push_version_steps(const struct push_version *version)
{
	return version->n_steps;
}

size_t push_version_step_bytes(const struct push_version *version)
{
	return version->step_bytes;
}

size_t push_version_bytes(const struct push_version *version)
{
	return version->messages.len;
}

size_t push_version_messages(const struct push_version *version)
{
	return version->n_messages;
}
