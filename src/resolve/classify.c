// SPDX-License-Identifier: GPL-3.0-or-later
/* What is this reply? Answer, alias, referral, denial, or of no use, and why. */
#include "reply.h"

static int found(struct reading *reading, enum reading_kind kind, enum reason reason, const char *what)
{
	reading->kind = kind;
	reading->reason = reason;
	reading->what = what;
	return 0;
}

/* RCODEs that say nothing of the name. Returns 1 when the reply is one of them. */
static int classify_rcode(const struct reply *reply, const struct ask *ask, struct reading *reading)
{
	switch (reply->rcode) {
	case WIRE_RCODE_NOERROR:
	case WIRE_RCODE_NXDOMAIN:
	case WIRE_RCODE_YXDOMAIN: /* RFC 6672: a DNAME that leads to too long a name */
		return 0;
	case WIRE_RCODE_FORMERR:
	case WIRE_RCODE_NOTIMP:
	case WIRE_RCODE_BADVERS:
		if (ask->edns)
			found(reading, READING_NO_EDNS, REASON_REPLY_MALFORMED, "does not know EDNS");
		else
			found(reading, READING_BROKEN, REASON_REPLY_MALFORMED, wire_rcode_text(reply->rcode));
		return 1;
	case WIRE_RCODE_BADCOOKIE:
		found(reading, READING_COOKIE, REASON_NO_SERVERS, "wants a cookie");
		return 1;
	case WIRE_RCODE_REFUSED:
	case WIRE_RCODE_NOTAUTH:
		/* what a forwarder refuses is this name, not a zone */
		found(reading, ask->forward != NULL ? READING_FAILED : READING_LAME, REASON_LAME,
		      wire_rcode_text(reply->rcode));
		return 1;
	default:
		found(reading, READING_FAILED, REASON_NO_SERVERS, wire_rcode_text(reply->rcode));
		return 1;
	}
}

/* A server that recurses instead of knowing: its cache is not the zone. */
static bool is_recursive(const struct reply *reply, const struct ask *ask)
{
	return ask->forward == NULL && (reply->flags & WIRE_AA) == 0 && (reply->flags & WIRE_RA) != 0;
}

static int classify_denial(const struct reply *reply, const struct ask *ask, const struct reply_take *take,
			   struct reading *reading)
{
	bool nx = reply->rcode == WIRE_RCODE_NXDOMAIN;
	if (is_recursive(reply, ask))
		return found(reading, READING_LAME, REASON_LAME, "not authoritative");
	if (resolve_negative_foreign(reply, ask, reading->name))
		return found(reading, READING_LAME, REASON_LAME, "denies for another zone");
	int rc = resolve_negative_take(reply, ask, take, reading);
	if (rc < 0)
		return rc;
	if (ask->forward != NULL && (reply->flags & (WIRE_AA | WIRE_RA)) == 0)
		return found(reading, READING_FAILED, REASON_LAME, "does not recurse");
	if (ask->forward == NULL && (reply->flags & WIRE_AA) == 0 && !reading->has_soa)
		return found(reading, READING_LAME, REASON_LAME, "neither answer nor referral");
	return nx ? found(reading, READING_NXDOMAIN, REASON_NONE, "no such name")
		  : found(reading, READING_NODATA, REASON_NONE, "no such data");
}

static int classify_referral(const struct reply *reply, const struct ask *ask, const struct reply_take *take,
			     struct reading *reading, const struct reply_set *ns)
{
	reading->ns = ns;
	reading->name = ns->owner;
	const struct reply_set *ds = resolve_reply_find(reply, WIRE_AUTHORITY, ns->owner, WIRE_TYPE_DS);
	if (ds != NULL) {
		struct reply_take as_referral = *take;
		if (!ask->root)
			as_referral.rank = RANK_REFERRAL;
		reading->ds = resolve_reply_take(&as_referral, ds);
		if (reading->ds == NULL)
			return BANYAN_ENOMEM;
	} else if (!ask->root) {
		int rc = resolve_proof_of_referral(reply, ask, take, reading);
		if (rc < 0)
			return rc;
	}
	return found(reading, READING_REFERRAL, REASON_NONE, "referral");
}

static bool has_soa(const struct reply *reply)
{
	for (unsigned i = 0; i < reply->n_sets; i++)
		if (reply->set[i].section == WIRE_AUTHORITY && reply->set[i].type == WIRE_TYPE_SOA)
			return true;
	return false;
}

/* NOERROR and the chain does not end in data: referral, NODATA, or a server that does not serve the zone. */
static int classify_empty(const struct reply *reply, const struct ask *ask, const struct reply_take *take,
			  struct reading *reading)
{
	if (ask->forward != NULL)
		return classify_denial(reply, ask, take, reading);
	const struct reply_set *ns = resolve_scrub_referral(reply, ask->zone, reading->name);
	if (ns != NULL && !has_soa(reply))
		return classify_referral(reply, ask, take, reading, ns);
	if ((reply->flags & WIRE_AA) == 0 && resolve_scrub_upward(reply, ask->zone))
		return found(reading, READING_LAME, REASON_LAME, "upward referral");
	return classify_denial(reply, ask, take, reading);
}

static int classify_chain(const struct reply *reply, const struct ask *ask, const struct reply_take *take,
			  struct reading *reading, int chain)
{
	if (chain == BANYAN_ESPACE)
		return found(reading, READING_YXDOMAIN, REASON_NONE, "name too long after DNAME");
	if (chain == BANYAN_ELIMIT)
		return found(reading, READING_BROKEN, REASON_ALIAS_LOOP, "endless chain of aliases");
	if (chain >= 0)
		chain = resolve_proof_of_answers(reply, ask, take, reading) < 0 ? BANYAN_ENOMEM : chain;
	if (chain < 0)
		return chain;
	if (is_recursive(reply, ask) && reading->n_answers > 0)
		return found(reading, READING_LAME, REASON_LAME, "not authoritative");
	if (chain > 0)
		return found(reading, READING_ANSWER, REASON_NONE, "answer");
	/* The chain leaves the zone: what the reply says of its end is not for this server to say. */
	if (reading->n_aliases > 0 && !resolve_scrub_speaks(ask, reading->name))
		return found(reading, READING_ALIAS, REASON_NONE, "alias");
	if (reply->rcode == WIRE_RCODE_NXDOMAIN)
		return classify_denial(reply, ask, take, reading);
	/* Inside the zone but unfinished: ask for its end by itself. */
	if (reading->n_aliases > 0 && !has_soa(reply))
		return found(reading, READING_ALIAS, REASON_NONE, "alias");
	if (reply->rcode == WIRE_RCODE_YXDOMAIN)
		return found(reading, READING_FAILED, REASON_REPLY_MALFORMED, "YXDOMAIN without DNAME");
	return classify_empty(reply, ask, take, reading);
}

int resolve_classify(const struct reply *reply, const struct ask *ask, const struct reply_take *take,
		     struct reading *ret)
{
	*ret = (struct reading){.name = ask->qname};
	if (classify_rcode(reply, ask, ret))
		return 0;
	if ((reply->flags & WIRE_OPCODE_MASK) != 0)
		return found(ret, READING_BROKEN, REASON_REPLY_MALFORMED, "not the reply to a query");
	if (reply->flags & WIRE_TC)
		return ask->tcp ? found(ret, READING_BROKEN, REASON_REPLY_MALFORMED, "truncated over TCP")
				: found(ret, READING_TRUNCATED, REASON_NONE, "truncated");
	struct reply_take ranked = *take;
	ranked.rank = ask->root                                        ? RANK_ROOT
		      : reply->flags & WIRE_AA && ask->forward == NULL ? RANK_AUTHORITY
								       : RANK_ANSWER;
	int chain = resolve_alias_chain(reply, ask, &ranked, ret);
	return classify_chain(reply, ask, &ranked, ret, chain);
}
