// SPDX-License-Identifier: GPL-3.0-or-later
/* In a worker: questions that are signed, and questions for transfers. Who is allowed what, and what the others are told. */
#include "transfers.h"

#include <stdlib.h>
#include <string.h>

enum { EDE_NOT_READY = 14, EDE_PROHIBITED = 18, EDE_NOT_AUTHORITATIVE = 20, EDE_INVALID_DATA = 24 }; /* RFC 8914 */

#define TOLD_EVERY_MS 1000 /* a line of the log about refusals, of each worker: who asks on does not fill it */

/* ---- the log ---- */

static void tell(struct transfer_ask *ask, const char *what, const char *why)
{
	struct worker *worker = ask->worker;
	char name[WIRE_NAME_TEXT_MAX], peer[ADDR_TEXT_MAX], type[16];
	if (worker->transfers_told_ms != 0 && ask->request.now_ms - worker->transfers_told_ms < TOLD_EVERY_MS) {
		worker->transfers_untold++;
		return;
	}
	if (worker->transfers_untold > 0)
		log_notice(STATION, "%u more such questions were refused since the last one told of here",
			   worker->transfers_untold);
	worker->transfers_told_ms = ask->request.now_ms;
	worker->transfers_untold = 0;
	log_notice(STATION, "%s of %.255s %s by %s: %s", what, wire_name_text(ask->q.lower, name),
		   wire_type_text(ask->q.qtype, type), addr_format(&ask->request.peer, true, peer), why);
}

/* ---- signatures ---- */

static size_t tsig_room(const struct transfer_ask *ask)
{
	return ask->tsig.key == NULL ? 0 : wire_tsig_room(ask->tsig.key);
}

static int sign(struct transfer_ask *ask, int len)
{
	if (len <= 0 || ask->tsig.key == NULL)
		return len;
	len = wire_tsig_sign(&ask->tsig, ask->request.out, (size_t)len, WIRE_MESSAGE_MAX);
	return len < 0 ? 0 : len;
}

int transfer_refuse(struct transfer_ask *ask, uint16_t rcode, int ede)
{
	ask->request.room = tsig_room(ask);
	size_t len = answer_refuse(&ask->g->view, &ask->worker->counters, &ask->request, rcode, ede);
	return sign(ask, (int)len);
}

/* NOTAUTH, and in the TSIG why (RFC 8945 section 5.2). */
static int refuse_signature(struct transfer_ask *ask, uint16_t error)
{
	static const char *const words[] = {
		[WIRE_TSIG_BADSIG] = "the signature is wrong: compare the secrets of both sides",
		[WIRE_TSIG_BADKEY] = "there is no such key here: compare name and algorithm",
		[WIRE_TSIG_BADTIME] = "it was signed at another time: compare the clocks of both sides",
		[WIRE_TSIG_BADTRUNC] = "the signature is cut too short",
	};
	const struct net_message *m = ask->m;
	counter_add(&ask->worker->counters, COUNTER_TSIG_FAILED, 1);
	tell(ask, "a question", words[error]);
	size_t len = answer_refuse(&ask->g->view, &ask->worker->counters, &ask->request, WIRE_RCODE_NOTAUTH,
				   ANSWER_EDE_NONE);
	if (len == 0)
		return 0;
	int n = wire_tsig_refuse(&ask->tsig, error, m->msg, m->len, m->reply, len, WIRE_MESSAGE_MAX);
	return n < 0 ? 0 : n;
}

/* ---- who may ---- */

static int by_apex(const void *name, const void *zone)
{
	return wire_name_cmp(name, ((const struct transfer_zone *)zone)->apex);
}

/* By address and key. *ret_plain: also without TLS. */
static bool is_listed(const struct transfer_zone *zone, const struct transfer_ask *ask, bool *ret_plain)
{
	bool listed = false;
	*ret_plain = false;
	for (size_t i = 0; i < zone->n_rules; i++) {
		const struct transfer_rule *rule = &zone->rule[i];
		if ((!rule->has_prefix || addr_prefix_match(&rule->prefix, &ask->request.peer)) &&
		    (rule->key == NULL || rule->key == ask->tsig.key)) {
			listed = true;
			*ret_plain |= !rule->tls && !ask->g->transfers->tls_only;
		}
	}
	return listed;
}

/* NULL: it may have the zone, this way. Else why not. */
static const char *why_not(const struct transfer_zone *zone, const struct transfer_ask *ask, bool here)
{
	bool plain;
	if (zone == NULL)
		return here ? "refused, since nobody may have it: the zone has no option transfer"
			    : "refused, this zone is not served here";
	if (!is_listed(zone, ask, &plain))
		return "refused, since neither its address nor its key is among those of transfer";
	return plain || ask->m->ticket.secure ? NULL
					      : "refused, since it may have it over TLS only (server.tls-listen)";
}

static bool is_served(const struct generation *g, const uint8_t *name)
{
	for (size_t i = 0; i < g->config->n_zones; i++)
		if (wire_name_equal(g->answer_zone[i].apex, name))
			return true;
	return false;
}

/* The root copy, as a zone, for those who may have it: its SOA says whether there is a newer version. */
static bool shows_copy(const struct transfer_ask *ask)
{
	const struct transfers *transfers = ask->g->transfers;
	bool plain;
	if (!transfers->gives_copy || ask->q.lower[0] != 0 || ask->q.qtype != WIRE_TYPE_SOA ||
	    is_served(ask->g, ask->q.lower) || atomic_load(&ask->g->view.root) == NULL)
		return false;
	for (size_t i = 0; i < transfers->n_zones; i++)
		if (transfers->zone[i].at == TRANSFER_ROOT)
			return is_listed(&transfers->zone[i], ask, &plain); /* a serial is no secret */
	return false;
}

/* What the zones here say, signed if the question was. A key is no reason to recurse for somebody. */
static int answer_plain(struct transfer_ask *ask)
{
	struct answer_pending pending;
	const struct generation *g = ask->g;
	struct answer_view view = g->view;
	struct answer_zone root = {.apex = (const uint8_t *)"", .image = atomic_load(&g->view.root)};
	size_t len = 0;
	bool copy = shows_copy(ask);
	if (copy) {
		root.expire_s = g->root->expire_s;
		root.expires_at_s = &g->root->until_s;
		root.trouble = view.root_trouble;
		view.n_zones = 1;
		view.zone = &root;
	}
	if (copy || ask->tsig.key != NULL)
		view.recursion = false;
	ask->request.room = tsig_room(ask);
	ask->request.pass = 0;
	switch (answer_question(&view, &ask->worker->counters, &ask->request, &pending, &len)) {
	case ANSWER_SEND:
		return sign(ask, (int)len);
	case ANSWER_RECURSE:
		return answer_recurse(ask->worker->recursor, &pending, &ask->m->ticket, ask->request.out);
	default:
		return 0;
	}
}

static int answer_transfer(struct transfer_ask *ask)
{
	const struct generation *g = ask->g;
	const struct transfers *transfers = g->transfers;
	struct counters *counters = &ask->worker->counters;
	const struct transfer_zone *zone =
		transfers->n_zones == 0
			? NULL
			: bsearch(ask->q.lower, transfers->zone, transfers->n_zones, sizeof *transfers->zone, by_apex);
	bool here = zone != NULL || is_served(g, ask->q.lower);
	const char *why = why_not(zone, ask, here);
	if (zone == NULL || why != NULL) {
		counter_add(counters, COUNTER_TRANSFERS_REFUSED, 1);
		tell(ask, "a transfer", why);
		/* RFC 5936 section 2.2.1 */
		return here ? transfer_refuse(ask, WIRE_RCODE_REFUSED, EDE_PROHIBITED)
			    : transfer_refuse(ask, WIRE_RCODE_NOTAUTH, EDE_NOT_AUTHORITATIVE);
	}
	const struct loaded *loaded = zone->at == TRANSFER_ROOT ? g->root : g->zone[zone->at];
	struct push_version *version = loaded == NULL || loaded->ended ? NULL : atomic_load(&loaded->push);
	if (version == NULL) {
		counter_add(counters, COUNTER_TRANSFERS_REFUSED, 1);
		tell(ask, "a transfer", "refused, since there is no version of the zone that may be given");
		return transfer_refuse(ask, WIRE_RCODE_SERVFAIL,
				       loaded != NULL && loaded->ended ? EDE_INVALID_DATA : EDE_NOT_READY);
	}
	ask->loaded = loaded;
	return transfer_start(ask, version);
}

int transfers_answer(struct worker *worker, const struct generation *g, const struct answer_request *request,
		     struct net_message *m)
{
	static _Thread_local uint8_t plain[WIRE_MESSAGE_MAX];
	struct transfer_ask ask = {.worker = worker, .g = g, .m = m, .request = *request};
	ask.request.out = m->reply;
	ask.request.small = NULL; /* the reply grows */
	uint16_t error = 0;
	int len = 0;
	if (wire_question_parse(request->msg, request->len, &ask.q) != WIRE_ANSWERABLE)
		return 0;
	if (ask.q.tsig) {
		int rc = wire_tsig_check_any(g->keys.key, g->keys.n, m->msg, m->len, &ask.tsig, plain, &ask.request.len,
					     &error);
		if (rc < 0)
			return transfer_refuse(&ask, WIRE_RCODE_FORMERR, ANSWER_EDE_NONE);
		ask.request.msg = plain;
		if (error != 0)
			return refuse_signature(&ask, error);
		if (wire_question_parse(plain, ask.request.len, &ask.q) != WIRE_ANSWERABLE)
			return transfer_refuse(&ask, WIRE_RCODE_FORMERR, ANSWER_EDE_NONE);
	}
	bool transfer = ask.q.qtype == WIRE_TYPE_AXFR || ask.q.qtype == WIRE_TYPE_IXFR;
	len = transfer ? answer_transfer(&ask) : answer_plain(&ask);
	wire_tsig_done(&ask.tsig);
	return len;
}
