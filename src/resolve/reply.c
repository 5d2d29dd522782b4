// SPDX-License-Identifier: GPL-3.0-or-later
/* Reads a message into RRsets, signatures beside the data that they cover. */
#include "reply.h"

#include <string.h>

struct gather {
	struct arena *arena;
	struct reply *reply;
	struct reply_set *last; /* records of a set stand together nearly always */
};

/* For telling owners apart quickly; the names are compared after it. */
static uint32_t owner_hash(const uint8_t *lower, size_t len)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < len; i++)
		h = (h ^ lower[i]) * 16777619u;
	return h;
}

static bool set_is(const struct reply_set *set, uint8_t section, uint16_t type, uint32_t hash, const uint8_t *owner)
{
	return set->type == type && set->section == section && set->owner_hash == hash &&
	       wire_name_equal(set->owner, owner);
}

static int set_for(struct gather *g, uint8_t section, uint16_t type, const uint8_t *owner, struct reply_set **ret)
{
	uint8_t lower[WIRE_NAME_MAX];
	size_t len = wire_name_lower(owner, lower);
	uint32_t hash = owner_hash(lower, len);
	struct reply *reply = g->reply;
	if (g->last != NULL && set_is(g->last, section, type, hash, owner)) {
		*ret = g->last;
		return 0;
	}
	for (unsigned i = 0; i < reply->n_sets; i++) {
		if (set_is(&reply->set[i], section, type, hash, owner)) {
			*ret = g->last = &reply->set[i];
			return 0;
		}
	}
	if (reply->n_sets == REPLY_SETS_MAX)
		return BANYAN_ELIMIT;
	struct reply_set *set = &reply->set[reply->n_sets];
	*set = (struct reply_set){.owner_hash = hash, .ttl = UINT32_MAX, .type = type, .section = section};
	set->owner = arena_dup(g->arena, lower, len);
	if (set->owner == NULL)
		return BANYAN_ENOMEM;
	reply->n_sets++;
	*ret = g->last = set;
	return 0;
}

/* RFC 2181 section 5: an RRset holds no record twice. */
static bool is_double(const struct reply_record *first, const struct reply_record *record)
{
	for (; first != NULL; first = first->next)
		if (first->len == record->len && memcmp(first->data, record->data, record->len) == 0)
			return true;
	return false;
}

static int set_add(struct gather *g, struct reply_set *set, bool sig, const struct wire_record *rec,
		   const uint8_t *data, uint16_t len)
{
	struct reply_record **list = sig ? &set->sigs : &set->data;
	uint16_t *count = sig ? &set->n_sigs : &set->count;
	struct reply_record record = {.next = *list, .data = data, .ttl = rec->ttl, .len = len};
	if (rec->ttl < set->ttl)
		set->ttl = rec->ttl; /* RFC 2181 section 5.2: different TTLs count as the lowest */
	if (is_double(*list, &record))
		return 0;
	if (*count == REPLY_RECORDS_MAX)
		return BANYAN_ELIMIT;
	struct reply_record *kept = arena_alloc(g->arena, sizeof *kept + len);
	if (kept == NULL)
		return BANYAN_ENOMEM;
	*kept = record;
	if (len > 0)
		memcpy(kept + 1, data, len);
	kept->data = (const uint8_t *)(kept + 1);
	*list = kept;
	(*count)++;
	return 0;
}

static int gather_record(struct gather *g, const struct wire_reader *reader, const struct wire_record *rec,
			 uint8_t *scratch)
{
	if (rec->type == WIRE_TYPE_OPT) {
		g->reply->has_edns = true;
		return 0;
	}
	if (rec->rclass != WIRE_CLASS_IN || rec->type == WIRE_TYPE_TSIG)
		return 0;
	int len = wire_record_rdata(reader, rec, scratch, WIRE_MESSAGE_MAX);
	if (len < 0)
		return len;
	bool sig = rec->type == WIRE_TYPE_RRSIG && len >= 2;
	struct reply_set *set;
	int rc = set_for(g, (uint8_t)rec->section, sig ? wire_get16(scratch) : rec->type, rec->owner, &set);
	return rc < 0 ? rc : set_add(g, set, sig, rec, scratch, (uint16_t)len);
}

static void find_cookie(const struct wire_reader *reader, struct reply *reply)
{
	const uint8_t *p = reader->msg + reader->opt_pos;
	for (size_t left = reader->has_edns ? reader->opt_len : 0; left >= 4;) {
		size_t len = wire_get16(p + 2);
		if (len > left - 4)
			return;
		if (wire_get16(p) == WIRE_OPTION_COOKIE) {
			reply->cookie = p + 4;
			reply->cookie_len = len;
			return;
		}
		p += 4 + len;
		left -= 4 + len;
	}
}

int resolve_reply_read(struct arena *arena, const uint8_t *msg, size_t len, struct reply *ret)
{
	struct wire_reader reader;
	int rc = wire_reader_init(&reader, msg, len);
	if (rc < 0)
		return rc;
	struct reply reply = {.id = reader.id, .flags = reader.flags, .has_question = reader.counts[0] > 0};
	size_t records = (size_t)reader.counts[1] + reader.counts[2] + reader.counts[3];
	reply.set = arena_alloc(arena, (records < REPLY_SETS_MAX ? records : REPLY_SETS_MAX) * sizeof *reply.set);
	if (reply.set == NULL)
		return BANYAN_ENOMEM;
	uint8_t scratch[WIRE_MESSAGE_MAX];
	struct gather gather = {.arena = arena, .reply = &reply};
	struct wire_record rec;
	while ((rc = wire_reader_next(&reader, &rec)) > 0) {
		rc = gather_record(&gather, &reader, &rec, scratch);
		if (rc < 0)
			return rc;
	}
	if (rc < 0)
		return rc;
	reply.rcode = wire_reader_rcode(&reader);
	find_cookie(&reader, &reply);
	*ret = reply;
	return 0;
}

const struct reply_set *resolve_reply_find(const struct reply *reply, enum wire_section section, const uint8_t *owner,
					   uint16_t type)
{
	for (unsigned i = 0; i < reply->n_sets; i++) {
		const struct reply_set *set = &reply->set[i];
		if (set->section == section && set->type == type && set->count > 0 &&
		    wire_name_equal(set->owner, owner))
			return set;
	}
	return NULL;
}

/* Lists are newest first; a pack keeps the order of the message. */
static void pack_list(uint8_t *end, const struct reply_record *record)
{
	for (; record != NULL; record = record->next) {
		end -= 2 + record->len;
		wire_put16(end, record->len);
		if (record->len > 0)
			memcpy(end + 2, record->data, record->len);
	}
}

static size_t list_size(const struct reply_record *record)
{
	size_t size = 0;
	for (; record != NULL; record = record->next)
		size += 2 + (size_t)record->len;
	return size;
}

struct rrset *resolve_reply_take(const struct reply_take *take, const struct reply_set *set)
{
	size_t data_size = list_size(set->data), size = data_size + list_size(set->sigs);
	struct rrset *ret = arena_alloc(take->arena, sizeof *ret);
	uint8_t *pack = arena_alloc(take->arena, size);
	if (ret == NULL || pack == NULL)
		return NULL;
	pack_list(pack + data_size, set->data);
	pack_list(pack + size, set->sigs);
	uint32_t ttl = set->ttl < take->ttl_min ? take->ttl_min : set->ttl;
	ttl = ttl > take->ttl_max ? take->ttl_max : ttl;
	*ret = (struct rrset){.owner = set->owner,
			      .type = set->type,
			      .count = set->count,
			      .n_sigs = set->n_sigs,
			      .rank = take->rank,
			      .origin = take->origin,
			      .expires_ms = take->now_ms + (int64_t)ttl * 1000,
			      .pack = pack,
			      .size = (uint32_t)size};
	return ret;
}
