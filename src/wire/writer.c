// SPDX-License-Identifier: GPL-3.0-or-later
/* A message written record by record, with name compression and whole RRsets only. */
#include "wire.h"

#include <string.h>

#include <libknot/descriptor.h>

int wire_writer_init(struct wire_writer *writer, uint8_t *msg, size_t cap, uint16_t id, uint16_t flags)
{
	if (cap < WIRE_HEADER_SIZE)
		return BANYAN_ESPACE;
	writer->msg = msg;
	writer->len = WIRE_HEADER_SIZE;
	writer->cap = cap < WIRE_MESSAGE_MAX ? cap : WIRE_MESSAGE_MAX;
	writer->reserve = 0;
	writer->n_suffixes = 0;
	memset(writer->counts, 0, sizeof writer->counts);
	memset(msg, 0, WIRE_HEADER_SIZE);
	wire_put16(msg, id);
	wire_put16(msg + 2, flags);
	return 0;
}

static size_t writer_room(const struct wire_writer *writer)
{
	return writer->cap - writer->reserve - writer->len;
}

/* Is the name at `offset` of the message (compressed by us) equal to `name`? Case counts as equal: RFC 1035 section 2.3.3. */
static bool suffix_equal(const uint8_t *msg, size_t offset, const uint8_t *name)
{
	for (;;) {
		uint8_t c = msg[offset];
		if (c >= 0xc0) {
			offset = (size_t)(c & 0x3f) << 8 | msg[offset + 1];
			continue;
		}
		if (c != *name)
			return false;
		if (c == 0)
			return true;
		for (unsigned i = 1; i <= c; i++) {
			uint8_t x = msg[offset + i], y = name[i];
			if (x != y && ((x | 0x20) != (y | 0x20) || (x | 0x20) < 'a' || (x | 0x20) > 'z'))
				return false;
		}
		offset += c + 1U;
		name += c + 1;
	}
}

/* Among the first `known` suffixes: those of the name that is being written are not complete yet. */
static int writer_find(const struct wire_writer *writer, unsigned known, const uint8_t *name)
{
	for (unsigned i = 0; i < known; i++)
		if (suffix_equal(writer->msg, writer->suffix[i], name))
			return writer->suffix[i];
	return -1;
}

/* Writes a name, compressed if allowed; each new suffix is remembered for later names. */
static int put_name(struct wire_writer *writer, const uint8_t *name, bool compress)
{
	unsigned known = compress ? writer->n_suffixes : 0;
	while (*name != 0) {
		int at = writer_find(writer, known, name);
		if (at >= 0) {
			if (writer_room(writer) < 2)
				return BANYAN_ESPACE;
			wire_put16(writer->msg + writer->len, (uint16_t)(0xc000 | at));
			writer->len += 2;
			return 0;
		}
		if (writer_room(writer) < *name + 1U)
			return BANYAN_ESPACE;
		size_t offset = writer->len;
		memcpy(writer->msg + offset, name, *name + 1U);
		writer->len += *name + 1U;
		name += *name + 1;
		/* only names that later pointers can reach are worth remembering (14 bits) */
		if (compress && offset < 0x4000 && writer->n_suffixes < WIRE_COMPRESS_MAX)
			writer->suffix[writer->n_suffixes++] = (uint16_t)offset;
	}
	if (writer_room(writer) < 1)
		return BANYAN_ESPACE;
	writer->msg[writer->len++] = 0;
	return 0;
}

static int put_bytes(struct wire_writer *writer, const void *data, size_t len)
{
	if (writer_room(writer) < len)
		return BANYAN_ESPACE;
	if (len > 0)
		memcpy(writer->msg + writer->len, data, len);
	writer->len += len;
	return 0;
}

static int put_u16(struct wire_writer *writer, uint16_t v)
{
	uint8_t b[2];
	wire_put16(b, v);
	return put_bytes(writer, b, 2);
}

/* What a failed write is taken back to. */
struct writer_mark {
	size_t len;
	unsigned n_suffixes;
	uint16_t counts[4];
};

static struct writer_mark writer_mark(const struct wire_writer *writer)
{
	struct writer_mark mark = {.len = writer->len, .n_suffixes = writer->n_suffixes};
	memcpy(mark.counts, writer->counts, sizeof mark.counts);
	return mark;
}

static void writer_back(struct wire_writer *writer, const struct writer_mark *mark)
{
	writer->len = mark->len;
	writer->n_suffixes = mark->n_suffixes;
	memcpy(writer->counts, mark->counts, sizeof mark->counts);
}

int wire_writer_question(struct wire_writer *writer, const uint8_t *qname, uint16_t qtype, uint16_t qclass)
{
	struct writer_mark mark = writer_mark(writer);
	if (put_name(writer, qname, true) < 0 || put_u16(writer, qtype) < 0 || put_u16(writer, qclass) < 0) {
		writer_back(writer, &mark);
		return BANYAN_ESPACE;
	}
	writer->counts[0]++;
	return 0;
}

int wire_writer_reserve(struct wire_writer *writer, size_t bytes)
{
	if (writer_room(writer) < bytes)
		return BANYAN_ESPACE;
	writer->reserve += bytes;
	return 0;
}

/* Names inside RDATA are compressed only in the types of RFC 1035 (RFC 3597 section 4). */
static int put_rdata(struct wire_writer *writer, uint16_t type, const struct wire_rdata *rdata)
{
	const knot_rdata_descriptor_t *desc = knot_get_rdata_descriptor(type);
	const uint8_t *p = rdata->data, *end = p + rdata->len;
	for (int i = 0; i < KNOT_MAX_RDATA_BLOCKS && desc->block_types[i] != KNOT_RDATA_WF_END && p < end; i++) {
		int block = desc->block_types[i], rc;
		size_t n = (size_t)(end - p);
		if (block == KNOT_RDATA_WF_COMPRESSIBLE_DNAME) {
			int len = wire_name_check(p, n);
			if (len < 0)
				return BANYAN_EMALF;
			n = (size_t)len;
			rc = put_name(writer, p, true);
		} else {
			if (block > 0 && (size_t)block < n)
				n = (size_t)block;
			rc = put_bytes(writer, p, n);
		}
		if (rc < 0)
			return rc;
		p += n;
	}
	return put_bytes(writer, p, (size_t)(end - p));
}

static int put_record(struct wire_writer *writer, enum wire_section section, const uint8_t *owner, uint16_t type,
		      uint16_t rclass, uint32_t ttl, const struct wire_rdata *rdata)
{
	uint8_t fixed[10];
	int rc = put_name(writer, owner, true);
	if (rc < 0)
		return rc;
	wire_put16(fixed, type);
	wire_put16(fixed + 2, rclass);
	wire_put32(fixed + 4, ttl);
	wire_put16(fixed + 8, 0);
	rc = put_bytes(writer, fixed, sizeof fixed);
	if (rc < 0)
		return rc;
	size_t start = writer->len;
	rc = put_rdata(writer, type, rdata);
	if (rc < 0)
		return rc;
	wire_put16(writer->msg + start - 2, (uint16_t)(writer->len - start));
	writer->counts[section]++;
	return 0;
}

int wire_writer_record(struct wire_writer *writer, enum wire_section section, const uint8_t *owner, uint16_t type,
		       uint16_t rclass, uint32_t ttl, const struct wire_rdata *rdata)
{
	struct writer_mark mark = writer_mark(writer);
	int rc = put_record(writer, section, owner, type, rclass, ttl, rdata);
	if (rc < 0)
		writer_back(writer, &mark);
	return rc;
}

int wire_writer_rrset(struct wire_writer *writer, enum wire_section section, const struct wire_rrset *set, uint32_t ttl)
{
	struct writer_mark mark = writer_mark(writer);
	for (uint32_t i = 0; i < set->count; i++) {
		int rc = put_record(writer, section, set->owner, set->type, set->rclass, ttl, &set->rdata[i]);
		if (rc < 0) {
			writer_back(writer, &mark);
			return rc;
		}
	}
	return 0;
}

int wire_writer_rrsigs(struct wire_writer *writer, enum wire_section section, const struct wire_rrset *sigs,
		       uint16_t type, const uint8_t *owner, uint32_t ttl)
{
	struct writer_mark mark = writer_mark(writer);
	for (uint32_t i = 0; i < sigs->count; i++) {
		if (sigs->rdata[i].len < 2 || wire_get16(sigs->rdata[i].data) != type)
			continue;
		int rc = put_record(writer, section, owner, WIRE_TYPE_RRSIG, sigs->rclass, ttl, &sigs->rdata[i]);
		if (rc < 0) {
			writer_back(writer, &mark);
			return rc;
		}
	}
	return 0;
}

int wire_writer_edns(struct wire_writer *writer, uint16_t udp_size, uint16_t rcode, bool do_bit, const uint8_t *options,
		     size_t options_len)
{
	uint8_t opt[11] = {0};
	writer->reserve = 0;
	if (writer_room(writer) < sizeof opt + options_len)
		return BANYAN_ESPACE;
	wire_put16(opt + 1, WIRE_TYPE_OPT);
	wire_put16(opt + 3, udp_size);
	opt[5] = (uint8_t)(rcode >> 4);
	opt[7] = do_bit ? 0x80 : 0;
	wire_put16(opt + 9, (uint16_t)options_len);
	int rc = put_bytes(writer, opt, sizeof opt);
	if (rc == 0)
		rc = put_bytes(writer, options, options_len);
	writer->counts[WIRE_ADDITIONAL]++;
	return rc;
}

size_t wire_writer_finish(struct wire_writer *writer)
{
	for (int i = 0; i < 4; i++)
		wire_put16(writer->msg + 4 + 2 * i, writer->counts[i]);
	return writer->len;
}
