// SPDX-License-Identifier: GPL-3.0-or-later
/* Chains of CNAME and DNAME in one answer, followed only as far as the answering zone reaches. */
#include "reply.h"
#include "resolve.h"

#include <string.h>

static bool is_many(uint16_t qtype)
{
	return qtype == WIRE_TYPE_ANY || qtype == WIRE_TYPE_RRSIG;
}

int resolve_alias_synthesise(struct arena *arena, const uint8_t *name, const struct rrset *dname, struct rrset **ret)
{
	uint8_t target[WIRE_NAME_MAX];
	int len = wire_name_substitute(name, dname->owner, resolve_rrset_rdata(dname, 0).data, target);
	if (len < 0)
		return BANYAN_ESPACE;
	struct rrset *cname =
		resolve_rrset_single(arena, name, WIRE_TYPE_CNAME, target, (uint16_t)wire_name_len(target));
	if (cname == NULL)
		return BANYAN_ENOMEM;
	cname->synthesised = true;
	cname->rank = dname->rank;
	cname->origin = dname->origin;
	cname->stored_ms = dname->stored_ms;
	cname->expires_ms = dname->expires_ms; /* RFC 6672 section 3.1 */
	*ret = cname;
	return 0;
}

static int chain_add(struct reading *reading, struct rrset *set)
{
	if (set == NULL)
		return BANYAN_ENOMEM;
	if (reading->n_answers == READING_ANSWERS_MAX)
		return BANYAN_ELIMIT;
	reading->answer[reading->n_answers++] = set;
	return 0;
}

/* Data of the asked type at `name`: 1 when there are any. */
static int chain_data(const struct reply *reply, const struct ask *ask, const struct reply_take *take,
		      const uint8_t *name, struct reading *reading)
{
	int found = 0;
	for (unsigned i = 0; i < reply->n_sets; i++) {
		const struct reply_set *set = &reply->set[i];
		bool wanted = ask->qtype == WIRE_TYPE_ANY     ? set->count > 0
			      : ask->qtype == WIRE_TYPE_RRSIG ? set->n_sigs > 0
							      : set->type == ask->qtype && set->count > 0;
		if (!wanted || set->section != WIRE_ANSWER || !wire_name_equal(set->owner, name))
			continue;
		if (reading->n_answers == READING_ANSWERS_MAX && found)
			break; /* ANY promises no completeness */
		int rc = chain_add(reading, resolve_reply_take(take, set));
		if (rc < 0)
			return rc;
		found = 1;
	}
	return found;
}

/* The DNAME of the answer that governs `name`, owned inside the zone; NULL = none. */
static const struct reply_set *chain_dname(const struct reply *reply, const uint8_t *zone, const uint8_t *name)
{
	for (unsigned i = 0; i < reply->n_sets; i++) {
		const struct reply_set *set = &reply->set[i];
		if (set->section == WIRE_ANSWER && set->type == WIRE_TYPE_DNAME && set->count == 1 &&
		    resolve_scrub_set(set, zone) && wire_name_under(name, set->owner) &&
		    !wire_name_equal(name, set->owner))
			return set;
	}
	return NULL;
}

/* One step from `name`: 1 and the CNAME that leads on, 0 when there is none. */
static int chain_step(const struct reply *reply, const struct ask *ask, const struct reply_take *take,
		      const uint8_t *name, struct reading *reading, struct rrset **ret)
{
	const struct reply_set *set = chain_dname(reply, ask->zone, name);
	struct rrset *cname = NULL;
	int rc;
	if (set != NULL) {
		struct rrset *dname = resolve_reply_take(take, set);
		rc = chain_add(reading, dname);
		if (rc < 0)
			return rc;
		rc = resolve_alias_synthesise(take->arena, name, dname, &cname);
		if (rc < 0)
			return rc;
	} else {
		set = resolve_reply_find(reply, WIRE_ANSWER, name, WIRE_TYPE_CNAME);
		if (set == NULL || set->count != 1)
			return 0;
		cname = resolve_reply_take(take, set);
	}
	rc = chain_add(reading, cname);
	if (rc < 0)
		return rc;
	*ret = cname;
	return 1;
}

int resolve_alias_chain(const struct reply *reply, const struct ask *ask, const struct reply_take *take,
			struct reading *reading)
{
	const uint8_t *name = ask->qname;
	reading->name = name;
	while (resolve_scrub_speaks(ask, name)) {
		struct rrset *cname;
		int rc = 0;
		/* nothing stands below a DNAME: what a server says there was made of it (RFC 6672 section 2.3) */
		if (chain_dname(reply, ask->zone, name) == NULL) {
			rc = chain_data(reply, ask, take, name, reading);
			if (rc != 0 || ask->qtype == WIRE_TYPE_CNAME || is_many(ask->qtype))
				return rc;
		}
		rc = chain_step(reply, ask, take, name, reading, &cname);
		if (rc <= 0)
			return rc;
		if (ask->qtype == WIRE_TYPE_CNAME)
			return 1; /* what a DNAME makes is what was asked for */
		if (++reading->n_aliases > RESOLVE_ALIASES_MAX)
			return BANYAN_ELIMIT;
		name = reading->name = resolve_rrset_rdata(cname, 0).data;
	}
	return 0;
}
