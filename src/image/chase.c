// SPDX-License-Identifier: GPL-3.0-or-later
/* The slow way of answering: chains of aliases inside the zone, and what has to be compressed anew. */
#include "compose.h"

#include <string.h>

static void write_counts(struct compose *c)
{
	for (int i = 0; i < 4; i++)
		wire_put16(c->out + 4 + 2 * i, c->counts[i]);
}

static bool same_set(const struct wire_record *a, const struct wire_record *b)
{
	return a->section == b->section && a->type == b->type && wire_name_equal(a->owner, b->owner);
}

struct chase {
	struct wire_writer writer;
	struct compose hop; /* the answer for one name of the chain, in `scratch` */
	unsigned n_dnames;
	const struct image_slot *dname[IMAGE_ALIASES_MAX + 1]; /* whose DNAME stands in the answer already */
	unsigned n_names;
	uint8_t name[IMAGE_ALIASES_MAX + 1][WIRE_NAME_MAX], lower[IMAGE_ALIASES_MAX + 1][WIRE_NAME_MAX];
	uint8_t scratch[WIRE_MESSAGE_MAX], rdata[WIRE_MESSAGE_MAX];
};

static void chase_compose(struct chase *chase, unsigned i)
{
	struct compose *hop = &chase->hop;
	hop->ask.qname = chase->name[i];
	hop->ask.lower = chase->lower[i];
	hop->ask.len = (uint8_t)wire_name_len(chase->name[i]);
	hop->ask.labels = (uint8_t)wire_name_labels(chase->name[i]);
	compose(hop);
	write_counts(hop);
}

static void add_name(struct chase *chase, const uint8_t *name)
{
	memcpy(chase->name[chase->n_names], name, wire_name_len(name));
	wire_name_lower(name, chase->lower[chase->n_names]);
	chase->n_names++;
}

static bool seen(const struct chase *chase, const uint8_t *name)
{
	for (unsigned i = 0; i < chase->n_names; i++)
		if (wire_name_equal(chase->lower[i], name))
			return true;
	return false;
}

/* Has the DNAME that renamed this hop's name been given for an earlier one? */
static bool dname_given(struct chase *chase)
{
	const struct image_slot *slot = chase->hop.renamed_by;
	for (unsigned i = 0; i < chase->n_dnames; i++)
		if (chase->dname[i] == slot)
			return true;
	if (slot != NULL)
		chase->dname[chase->n_dnames++] = slot;
	return false;
}

static bool is_dname(const struct wire_record *record, const struct wire_rdata *rdata)
{
	return record->type == WIRE_TYPE_DNAME ||
	       (record->type == WIRE_TYPE_RRSIG && rdata->len >= 2 && wire_get16(rdata->data) == WIRE_TYPE_DNAME);
}

/* Copies one section of the hop's answer into the message, whole RRsets only. False: something that must be there does
 * not fit. */
static bool copy_section(struct chase *chase, enum wire_section section, bool skip_dname)
{
	struct compose *hop = &chase->hop;
	struct wire_reader reader;
	struct wire_record record, last = {.section = 0};
	struct wire_writer before = chase->writer;
	if (hop->overflow || wire_reader_init(&reader, hop->out, hop->len) < 0)
		return false;
	while (wire_reader_next(&reader, &record) > 0) {
		if (record.section != section)
			continue;
		if (!same_set(&record, &last))
			before = chase->writer;
		last = record;
		int len = wire_record_rdata(&reader, &record, chase->rdata, sizeof chase->rdata);
		struct wire_rdata rdata = {.data = chase->rdata, .len = (uint16_t)len};
		if (len >= 0 && skip_dname && is_dname(&record, &rdata))
			continue;
		if (len >= 0 && wire_writer_record(&chase->writer, section, record.owner, record.type, record.rclass,
						   record.ttl, &rdata) == 0)
			continue;
		chase->writer = before;
		return record.rdata_pos + record.rdata_len > hop->must;
	}
	return true;
}

/* Answers of all names of the chain, in its order. The chain is followed to its end also when they do not fit: the RCODE is that
 * of the last name (RFC 6604 section 3). */
static bool copy_answers(struct chase *chase, const uint8_t *apex, unsigned *ret_flags)
{
	struct compose *hop = &chase->hop;
	bool fits = true;
	for (unsigned i = 0; i < chase->n_names; i++) {
		hop->n_proofs = 0;
		chase_compose(chase, i);
		fits = fits && copy_section(chase, WIRE_ANSWER, dname_given(chase));
		if (!hop->alias)
			continue;
		if (!wire_name_under(hop->target, apex))
			*ret_flags |= IMAGE_CHASE_OUT;
		else if (chase->n_names <= IMAGE_ALIASES_MAX &&
			 !seen(chase, hop->target)) /* RFC 1034 section 3.6.2: loops */
			add_name(chase, hop->target);
	}
	return fits;
}

/* Proofs of all names of the chain, then what the last one brings. */
static bool copy_rest(struct chase *chase)
{
	chase->hop.n_proofs = 0; /* now kept from hop to hop: each proof once */
	for (unsigned i = 0; i < chase->n_names; i++) {
		chase_compose(chase, i);
		if (!copy_section(chase, WIRE_AUTHORITY, false))
			return false;
	}
	return copy_section(chase, WIRE_ADDITIONAL, false);
}

unsigned image_chase(struct compose *c, size_t max)
{
	struct chase chase;
	unsigned flags = 0;
	chase.hop = *c;
	chase.hop.out = chase.scratch;
	chase.hop.cap = sizeof chase.scratch;
	chase.n_names = chase.n_dnames = 0;
	add_name(&chase, c->ask.qname);
	if (wire_writer_init(&chase.writer, c->out, max, 0, 0) < 0 ||
	    wire_writer_question(&chase.writer, c->ask.qname, c->ask.qtype, WIRE_CLASS_IN) < 0)
		return IMAGE_CHASE_TRUNCATED; /* cannot be: compose() had room for it */
	bool fits = copy_answers(&chase, slot_name(c->image->apex), &flags);
	c->rcode = chase.hop.rcode;
	if (chase.hop.referral)
		flags |= IMAGE_CHASE_OUT;
	if (!fits || !copy_rest(&chase))
		flags |= IMAGE_CHASE_TRUNCATED;
	c->len = wire_writer_finish(&chase.writer);
	memcpy(c->counts, chase.writer.counts, sizeof c->counts);
	return flags;
}
