// SPDX-License-Identifier: GPL-3.0-or-later
/* What resolve/ proves of messages: bytes as a message, its RRsets as keys, DS, signed sets and denials, all tried on each other. */
#include "dnssec/dnssec.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define SETS_MAX    24
#define RECORDS_MAX 48
#define NOW         1785546000 /* the corpus is signed for this time */

static const struct dnssec_policy policies[] = {
	{.now = NOW, .nsec3_iterations_max = 50},
	{.now = NOW, .nsec3_iterations_max = 0, .refuse_sha1 = true, .skew_s = 3600},
};

/* A message taken apart: RRsets of the same owner, type and class, with the RRSIGs that cover them. */
struct parts {
	size_t n, n_records;
	struct part {
		struct wire_rrset set;
		uint8_t owner[WIRE_NAME_MAX];
		struct wire_rdata rdata[RECORDS_MAX], sigs[RECORDS_MAX];
		size_t n_sigs;
	} part[SETS_MAX];
	uint8_t memory[2 * WIRE_MESSAGE_MAX], *end;
};

static struct part *part_get(struct parts *parts, const uint8_t *owner, uint16_t type)
{
	for (size_t i = 0; i < parts->n; i++)
		if (parts->part[i].set.type == type && wire_name_equal(parts->part[i].owner, owner))
			return &parts->part[i];
	if (parts->n == SETS_MAX)
		return NULL;
	struct part *part = &parts->part[parts->n++];
	memcpy(part->owner, owner, wire_name_len(owner));
	part->n_sigs = 0;
	part->set = (struct wire_rrset){
		.owner = part->owner, .type = type, .rclass = WIRE_CLASS_IN, .ttl = 60, .rdata = part->rdata};
	return part;
}

static void parts_add(struct parts *parts, const struct wire_record *record, const uint8_t *rdata, uint16_t len)
{
	bool sig = record->type == WIRE_TYPE_RRSIG;
	struct part *part = part_get(parts, record->owner, sig ? wire_get16(rdata) : record->type);
	if (part == NULL)
		return;
	memcpy(parts->end, rdata, len);
	struct wire_rdata item = {parts->end, len};
	parts->end += len;
	if (sig && part->n_sigs < RECORDS_MAX)
		part->sigs[part->n_sigs++] = item;
	else if (!sig && part->set.count < RECORDS_MAX)
		part->rdata[part->set.count++] = item;
}

static bool parts_read(struct parts *parts, const uint8_t *data, size_t len, uint8_t qname[WIRE_NAME_MAX])
{
	static uint8_t rdata[WIRE_MESSAGE_MAX + 1];
	struct wire_reader reader;
	struct wire_record record;
	parts->n = 0;
	parts->end = parts->memory;
	if (len > WIRE_MESSAGE_MAX || wire_reader_init(&reader, data, len) < 0 || reader.counts[0] == 0)
		return false;
	memcpy(qname, reader.qname, wire_name_len(reader.qname));
	for (size_t n = 0; n < RECORDS_MAX && wire_reader_next(&reader, &record) > 0; n++) {
		int rdata_len = wire_record_rdata(&reader, &record, rdata, sizeof rdata);
		if (rdata_len < 0 || (record.type == WIRE_TYPE_RRSIG && rdata_len < 18) ||
		    (size_t)rdata_len > sizeof parts->memory - (size_t)(parts->end - parts->memory))
			continue;
		parts_add(parts, &record, rdata, (uint16_t)rdata_len);
	}
	return true;
}

static void verdict_check(const struct dnssec_verdict *verdict, const struct dnssec_policy *policy)
{
	bool secure = verdict->state == DNSSEC_SECURE;
	if (secure != (verdict->reason == REASON_NONE) || (secure && verdict->expires < policy->now))
		abort();
}

/* All sets by these keys. Order and doubles of a set must not matter. */
static void prove_all(struct parts *parts, const struct dnssec_keyset *keyset, const struct dnssec_policy *policy)
{
	for (size_t i = 0; i < parts->n; i++) {
		struct part *part = &parts->part[i];
		struct dnssec_budget budget = {.signatures = 6}, before = budget;
		struct dnssec_verdict verdict, again;
		int rc = dnssec_set_prove(policy, &budget, keyset, &part->set, part->sigs, part->n_sigs, &verdict);
		if (rc < 0)
			continue;
		verdict_check(&verdict, policy);
		struct wire_rdata turned[RECORDS_MAX + 1];
		for (uint32_t r = 0; r < part->set.count; r++)
			turned[part->set.count - r] = part->rdata[r];
		turned[0] = turned[part->set.count];
		struct wire_rrset set = part->set;
		set.rdata = turned;
		set.count += set.count > 0;
		if (dnssec_set_prove(policy, &before, keyset, &set, part->sigs, part->n_sigs, &again) != 0 ||
		    again.state != verdict.state || again.reason != verdict.reason ||
		    before.signatures != budget.signatures)
			abort();
	}
}

static void prove_keys(struct parts *parts, const struct part *keys, const struct dnssec_policy *policy)
{
	struct dnssec_keyset *keyset = NULL;
	if (dnssec_keyset_new(&keys->set, policy, &keyset) == 0) {
		prove_all(parts, keyset, policy);
		dnssec_keyset_free(keyset);
	}
	for (size_t i = 0; i < parts->n; i++) {
		const struct wire_rrset *ds = &parts->part[i].set;
		struct dnssec_budget budget = {.signatures = 6};
		struct dnssec_verdict verdict;
		if (ds->type != WIRE_TYPE_DS || ds->count == 0)
			continue;
		keyset = NULL;
		if (dnssec_keyset_prove(policy, &budget, &keys->set, keys->sigs, keys->n_sigs, ds, NULL, &verdict,
					&keyset) < 0)
			continue;
		verdict_check(&verdict, policy);
		if ((keyset != NULL) != (verdict.state == DNSSEC_SECURE) ||
		    (verdict.state != DNSSEC_INSECURE) != dnssec_ds_usable(ds, policy, NULL))
			abort();
		dnssec_keyset_free(keyset);
	}
}

static void deny(const struct dnssec_denial *denial, const uint8_t *name, const struct dnssec_policy *policy)
{
	struct dnssec_budget budget = {.hashes = 2000};
	enum dnssec_denied gone = DNSSEC_DENIED_NOT, denied;
	bool flag = false, compact = false;
	(void)!dnssec_deny_name(policy, &budget, denial, name, &compact, &gone);
	for (uint16_t type = 1; type < 64; type += 7)
		(void)!dnssec_deny_type(policy, &budget, denial, name, type, &denied);
	(void)!dnssec_deny_type(policy, &budget, denial, name, WIRE_TYPE_DS, &denied);
	(void)!dnssec_deny_type(policy, &budget, denial, name, WIRE_TYPE_ANY, &denied);
	for (unsigned labels = 0; labels <= WIRE_LABELS_MAX; labels += 1 + labels / 4)
		(void)!dnssec_deny_closer(policy, &budget, denial, name, (uint8_t)labels, &denied);
	if (dnssec_deny_ds(policy, &budget, denial, name, &flag, &denied) == 0 && flag && denied == DNSSEC_DENIED_NOT)
		abort();
	if (budget.hashes > 2000 || (compact && gone != DNSSEC_DENIED))
		abort();
}

static void deny_all(const struct parts *parts, const uint8_t *qname, const struct dnssec_policy *policy)
{
	struct wire_rrset set[SETS_MAX];
	uint8_t labels[SETS_MAX];
	struct dnssec_denial denial = {.set = set, .labels = labels};
	for (size_t i = 0; i < parts->n; i++) {
		const struct wire_rrset *s = &parts->part[i].set;
		if (s->count == 0 || (s->type != WIRE_TYPE_NSEC && s->type != WIRE_TYPE_NSEC3))
			continue;
		labels[denial.n] = parts->part[i].n_sigs > 0 ? parts->part[i].sigs[0].data[3] : WIRE_LABELS_MAX;
		set[denial.n++] = *s;
	}
	for (unsigned skip = 0; skip <= wire_name_labels(qname) && skip < 6; skip++) {
		denial.zone = wire_name_skip(qname, wire_name_labels(qname) - skip);
		deny(&denial, qname, policy);
		for (size_t i = 0; i < denial.n; i++)
			deny(&denial, set[i].owner, policy);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct parts parts;
	uint8_t qname[WIRE_NAME_MAX];
	if (!parts_read(&parts, data, len, qname))
		return 0;
	for (size_t p = 0; p < ARRAY_SIZE(policies); p++) {
		for (size_t i = 0; i < parts.n; i++)
			if (parts.part[i].set.type == WIRE_TYPE_DNSKEY)
				prove_keys(&parts, &parts.part[i], &policies[p]);
		deny_all(&parts, qname, &policies[p]);
	}
	return 0;
}
