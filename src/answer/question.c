// SPDX-License-Identifier: GPL-3.0-or-later
/* answer_question(): what becomes of a message from a client. */
#include "private.h"

#include <string.h>

/* RFC 8914; the last by RFC 9824 section 3.5 */
enum {
	EDE_NOT_READY = 14,
	EDE_PROHIBITED = 18,
	EDE_NOT_AUTHORITATIVE = 20,
	EDE_NOT_SUPPORTED = 21,
	EDE_INVALID_TYPE = 30
};

#define TYPE_NXNAME 128 /* RFC 9824 section 3.5: never a question */

static enum counter rcode_counter(uint16_t rcode)
{
	switch (rcode) {
	case WIRE_RCODE_FORMERR:
		return COUNTER_FORMERR;
	case WIRE_RCODE_SERVFAIL:
		return COUNTER_SERVFAIL;
	case WIRE_RCODE_NXDOMAIN:
		return COUNTER_NXDOMAIN;
	case WIRE_RCODE_NOTIMP:
		return COUNTER_NOTIMP;
	case WIRE_RCODE_BADVERS:
		return COUNTER_BADVERS;
	case WIRE_RCODE_REFUSED:
	case WIRE_RCODE_NOTAUTH:
		return COUNTER_REFUSED;
	default:
		return COUNTER_NOERROR;
	}
}

static size_t reply_error(struct reply *reply, uint16_t rcode, int ede)
{
	reply->rcode = rcode;
	reply->ede = ede;
	return reply_add_opt(reply, reply_bare(reply), reply_wants_nsid(reply));
}

/* ---- sending, within limits ---- */

/* What a limited client gets: nothing but the way to show that it is not forged: a cookie if it knows them, else TC. */
static size_t reply_slip(struct reply *reply)
{
	if (reply->has_cookie && !reply->cookie_valid)
		return reply_error(reply, WIRE_RCODE_BADCOOKIE, ANSWER_NO_EDE);
	size_t len = reply_error(reply, WIRE_RCODE_NOERROR, ANSWER_NO_EDE);
	uint8_t *out = reply->request->out;
	wire_put16(out + 2, wire_get16(out + 2) | WIRE_TC);
	return len;
}

static enum answer_outcome send_counted(struct reply *reply, struct counters *counters, size_t len, size_t *ret_len)
{
	counter_add(counters, rcode_counter(reply->rcode), 1);
	if (wire_get16(reply->request->out + 2) & WIRE_TC)
		counter_add(counters, COUNTER_TRUNCATED, 1);
	*ret_len = len;
	return ANSWER_SEND;
}

static enum answer_outcome send_reply(struct reply *reply, struct counters *counters, size_t len, size_t *ret_len)
{
	switch (limit_reply(reply)) {
	case LIMIT_DROP:
		counter_add(counters, COUNTER_RRL_DROPPED, 1);
		return ANSWER_SILENT;
	case LIMIT_SLIP:
		counter_add(counters, COUNTER_RRL_SLIPPED, 1);
		len = reply_slip(reply);
		break;
	case LIMIT_LEAK:
		counter_add(counters, COUNTER_RRL_LEAKED, 1);
		break;
	case LIMIT_PASS:
		break;
	}
	return send_counted(reply, counters, len, ret_len);
}

/* A client of the resolver asks too often. */
static enum answer_outcome send_limited(struct reply *reply, struct counters *counters, enum limit limit,
					size_t *ret_len)
{
	counter_add(counters, COUNTER_CLIENT_RATE_LIMITED, 1);
	if (reply->request->tcp)
		return send_counted(reply, counters, reply_error(reply, WIRE_RCODE_REFUSED, EDE_PROHIBITED), ret_len);
	return limit == LIMIT_SLIP ? send_counted(reply, counters, reply_slip(reply), ret_len) : ANSWER_SILENT;
}

/* ---- which engine ---- */

static size_t reply_max(const struct answer_view *view, const struct wire_question *q, bool tcp)
{
	if (tcp)
		return WIRE_MESSAGE_MAX;
	uint16_t theirs = q->edns.present ? q->edns.udp_size : 0;
	uint16_t size = theirs < view->udp_size ? theirs : view->udp_size;
	return size < ANSWER_UDP_MIN ? ANSWER_UDP_MIN : size;
}

bool reply_is_minimal(const struct reply *reply, bool otherwise)
{
	if (reply->policy == NULL || reply->policy->minimal_responses == POLICY_CHOICE_DEFAULT)
		return otherwise;
	return reply->policy->minimal_responses == POLICY_CHOICE_YES;
}

static void remember(const struct reply *reply, struct answer_pending *pending)
{
	const struct wire_question *q = reply->question;
	*pending = (struct answer_pending){
		.id = q->id,
		.flags = q->flags,
		.qtype = q->qtype,
		.qclass = q->qclass,
		.edns = q->edns.present,
		.dnssec = q->edns.do_bit,
		.nsid = q->edns.nsid,
		.has_cookie = reply->has_cookie,
		.minimal = reply_is_minimal(reply, reply->view->minimal_results),
		.proved = reply->cookie_valid,
		.keepalive = reply->keepalive,
		.tcp = reply->request->tcp,
		.peer = reply->request->peer,
		.udp_size = (uint16_t)reply_max(reply->view, q, false),
		.qname_len = q->qname_len,
	};
	memcpy(pending->qname, q->qname, q->qname_len);
	memcpy(pending->cookie, reply->cookie, sizeof(pending->cookie));
	ecs_remember(reply->view, q, pending);
}

/* An answer out of an image; its length, or 0 if it is a referral that `skip_referral` does not want, or negative. */
static int from_image(struct reply *reply, const struct image *image, bool skip_referral)
{
	bool nsid = reply_wants_nsid(reply);
	const struct wire_question *q = reply->question;
	size_t reserve = reply_opt_size(reply, nsid);
	if (WIRE_HEADER_SIZE + q->qname_len + 4 + reserve > reply->max) {
		nsid = false;
		reserve = reply_opt_size(reply, nsid);
	}
	struct image_query query = {
		.question = q,
		.dnssec = q->edns.do_bit,
		.minimal = reply_is_minimal(reply, reply->view->minimal_responses),
		.max = reply->max,
		.reserve = reserve,
	};
	struct image_reply answer;
	int len = image_answer(image, &query, reply->request->out, &answer);
	if (len < 0 || (answer.referral && skip_referral))
		return len < 0 ? len : 0;
	reply->rcode = answer.rcode;
	reply->class = answer.referral                       ? ANSWER_REFERRAL
		       : answer.rcode == WIRE_RCODE_NXDOMAIN ? ANSWER_NXDOMAIN
							     : ANSWER_DATA;
	reply->limit_name = reply->class != ANSWER_DATA || answer.wildcard ? image_apex(image) : q->lower;
	if (reply->recursion)
		reply->request->out[3] |= WIRE_RA;
	return (int)reply_add_opt(reply, (size_t)len, nsid);
}

static bool is_elsewhere(const struct answer_view *view, const uint8_t *name)
{
	for (size_t i = 0; i < view->n_elsewhere; i++)
		if (wire_name_under(name, view->elsewhere[i]))
			return true;
	return false;
}

bool may_be_sentinel(const struct wire_question *q)
{
	static const char prefix[] = "root-key-sentinel-";
	return q->lower[0] >= sizeof(prefix) - 1 && memcmp(q->lower + 1, prefix, sizeof(prefix) - 1) == 0;
}

/* A name that the local root denies needs no resolver: the finished denial goes out as it is (RFC 8198 in its simplest
 * form). Its length, or 0 when the root does not deny the name. */
static size_t from_root(struct reply *reply)
{
	const struct answer_view *view = reply->view;
	const struct wire_question *q = reply->question;
	const struct image *root = view->root;
	if (root == NULL || image_holds(root, q) || is_elsewhere(view, q->lower) || reply_is_policed(reply) ||
	    may_be_sentinel(q))
		return 0;
	int len = from_image(reply, root, true);
	if (len <= 0 || reply->rcode != WIRE_RCODE_NXDOMAIN) { /* a wildcard or DNAME at the top: the resolver's work */
		reply->rcode = WIRE_RCODE_NOERROR;
		return 0;
	}
	uint8_t *out = reply->request->out;
	out[2] &= (uint8_t) ~(WIRE_AA >> 8); /* this server recurses for the client; it is not its root server */
	out[3] |= (uint8_t)(q->flags & WIRE_CD);
	reply->unlimited = true;
	if (view->root_signed && (q->edns.do_bit || (q->flags & WIRE_AD) != 0)) /* RFC 6840 sections 5.7 and 5.8 */
		out[3] |= WIRE_AD;
	return view->root_trouble == REASON_NONE ? (size_t)len : reply_add_word(reply, (size_t)len, view->root_trouble);
}

static uint32_t expire_of(const struct answer_zone *zone, int64_t now_s)
{
	int64_t at_s = zone->expires_at_s == NULL ? 0 : atomic_load_explicit(zone->expires_at_s, memory_order_relaxed);
	if (at_s == 0)
		return zone->expire_s;
	int64_t left = at_s - now_s;
	return left <= 0 ? 0 : left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
}

/* 0 stays 0: a referral that was not wanted. */
static inline size_t with_word(struct reply *reply, const struct answer_zone *zone, size_t len)
{
	return zone->trouble == REASON_NONE || len == 0 ? len : reply_add_word(reply, len, zone->trouble);
}

static size_t from_zone(struct reply *reply, const struct answer_zone *zone, bool skip_referral)
{
	const struct wire_question *q = reply->question;
	/* DS belongs to the parent's side of a cut (RFC 4035 section 3.1.4.1); a zone further up cannot speak for it */
	if (q->qtype == WIRE_TYPE_DS && q->labels > 0 && q->labels == wire_name_labels(zone->apex)) {
		const struct answer_zone *parent = view_find(reply->view, q->lower + q->lower[0] + 1);
		int len = parent != NULL && parent->image != NULL ? from_image(reply, parent->image, true) : 0;
		if (len > 0)
			return with_word(reply, parent, (size_t)len);
	}
	if (zone->image == NULL && zone->trouble != REASON_NONE)
		return with_word(reply, zone, reply_error(reply, WIRE_RCODE_SERVFAIL, ANSWER_NO_EDE));
	if (zone->image == NULL)
		return reply_error(reply, WIRE_RCODE_SERVFAIL, EDE_NOT_READY);
	if (q->edns.expire && q->qtype == WIRE_TYPE_SOA && q->labels == wire_name_labels(zone->apex))
		reply->expire_s = expire_of(zone, reply->request->wall_ms / 1000);
	int len = from_image(reply, zone->image, skip_referral);
	if (len < 0)
		return reply_error(reply, WIRE_RCODE_SERVFAIL, ANSWER_NO_EDE);
	return with_word(reply, zone, (size_t)len);
}

/* Types that are no data (RFC 6895 section 3.1): what to say to who asks for them, or NOERROR. */
static uint16_t meta_type(uint16_t qtype, int *ret_ede)
{
	switch (qtype) {
	case 0:
	case WIRE_TYPE_OPT:
	case WIRE_TYPE_TSIG:
	case TYPE_NXNAME:
		*ret_ede = EDE_INVALID_TYPE; /* they stand in messages, never in questions */
		return WIRE_RCODE_FORMERR;
	case WIRE_TYPE_TKEY:
	case WIRE_TYPE_MAILA:
	case WIRE_TYPE_MAILB:
		*ret_ede = EDE_NOT_SUPPORTED;
		return WIRE_RCODE_NOTIMP;
	case WIRE_TYPE_AXFR:
	case WIRE_TYPE_IXFR:
		*ret_ede = EDE_NOT_SUPPORTED;
		return WIRE_RCODE_REFUSED; /* RFC 5936 section 2.2.1: this server gives no transfers */
	default:
		return WIRE_RCODE_NOERROR;
	}
}

static enum answer_outcome answer_class_in(struct reply *reply, struct counters *counters,
					   struct answer_pending *ret_pending, size_t *ret_len)
{
	const struct wire_question *q = reply->question;
	int meta_ede = ANSWER_NO_EDE;
	uint16_t meta = meta_type(q->qtype, &meta_ede);
	if (meta != WIRE_RCODE_NOERROR)
		return send_reply(reply, counters, reply_error(reply, meta, meta_ede), ret_len);
	bool wants_recursion = q->flags & WIRE_RD;
	bool recurse = wants_recursion && reply->recursion;
	const struct answer_zone *zone = view_find(reply->view, q->lower);
	/* what a zone only delegates is not its own: who may recurse gets the answer, others the referral */
	size_t len = zone != NULL ? from_zone(reply, zone, recurse) : 0;
	if (len > 0)
		return send_reply(reply, counters, len, ret_len);
	enum limit limit = recurse ? limit_client(reply) : LIMIT_PASS;
	if (limit != LIMIT_PASS)
		return send_limited(reply, counters, limit, ret_len);
	if (recurse && (len = from_root(reply)) > 0) {
		counter_add(counters, COUNTER_ROOT_DENIALS, 1);
		return send_reply(reply, counters, len, ret_len);
	}
	if (recurse) {
		counter_add(counters, COUNTER_RECURSIONS, 1);
		if ((len = reply_from_cache(reply)) > 0) {
			counter_add(counters, COUNTER_CACHE_HITS, 1);
			return send_counted(reply, counters, len, ret_len);
		}
		remember(reply, ret_pending);
		return ANSWER_RECURSE;
	}
	if (wants_recursion && reply->access == ACCESS_DROP) {
		counter_add(counters, COUNTER_CLIENTS_DROPPED, 1);
		return ANSWER_SILENT;
	}
	int ede = wants_recursion && reply->view->recursion ? EDE_PROHIBITED : EDE_NOT_AUTHORITATIVE;
	return send_reply(reply, counters, reply_error(reply, WIRE_RCODE_REFUSED, ede), ret_len);
}

/* A message without question asks for a cookie, or whether the one it has is good. */
static uint16_t cookie_only_rcode(const struct reply *reply)
{
	if (!reply->has_cookie)
		return WIRE_RCODE_FORMERR;
	bool bad = reply->question->edns.cookie_len > 8 && !reply->cookie_valid;
	return bad ? WIRE_RCODE_BADCOOKIE : WIRE_RCODE_NOERROR;
}

static void reply_begin(struct reply *reply, const struct answer_view *view, const struct answer_request *request,
			const struct wire_question *q)
{
	size_t max = reply_max(view, q, request->tcp);
	*reply = (struct reply){
		.view = view,
		.request = request,
		.question = q,
		.max = max > request->room + WIRE_HEADER_SIZE ? max - request->room : max,
		.access = view_access(view, &request->peer),
		.ede = ANSWER_NO_EDE,
		.class = ANSWER_ERROR,
	};
}

static void reply_know(struct reply *reply)
{
	const struct wire_question *q = reply->question;
	reply_admit(reply);
	reply->recursion = reply->access == ACCESS_ALLOW;
	reply->keepalive = reply->request->tcp && q->edns.has_keepalive;
	reply_take_cookie(reply);
}

size_t answer_refuse(const struct answer_view *view, struct counters *counters, const struct answer_request *request,
		     uint16_t rcode, int ede)
{
	struct wire_question q;
	struct reply reply;
	size_t len = 0;
	if (wire_question_parse(request->msg, request->len, &q) != WIRE_ANSWERABLE)
		return 0;
	reply_begin(&reply, view, request, &q);
	reply_know(&reply);
	return send_reply(&reply, counters, reply_error(&reply, rcode, ede), &len) == ANSWER_SEND ? len : 0;
}

size_t answer_bare(const struct answer_view *view, const struct answer_request *request, uint8_t *out)
{
	struct wire_question q;
	struct reply reply;
	struct answer_request to = *request;
	to.out = out;
	if (wire_question_parse(request->msg, request->len, &q) != WIRE_ANSWERABLE)
		return 0;
	reply_begin(&reply, view, &to, &q);
	reply_know(&reply);
	reply.max = WIRE_MESSAGE_MAX;
	reply.expire_s = request->expire_s;
	return reply_error(&reply, WIRE_RCODE_NOERROR, ANSWER_NO_EDE);
}

/* What the caller wants to answer itself. */
static bool is_passed(const struct answer_request *request, const struct wire_question *q)
{
	bool transfer = q->qclass == WIRE_CLASS_IN && (q->qtype == WIRE_TYPE_AXFR || q->qtype == WIRE_TYPE_IXFR);
	return (q->tsig && (request->pass & ANSWER_PASS_SIGNED)) ||
	       (transfer && !q->tsig && (request->pass & ANSWER_PASS_TRANSFERS)) ||
	       (q->labels == 0 && q->qtype == WIRE_TYPE_SOA && (request->pass & ANSWER_PASS_ROOT) && !q->tsig);
}

enum answer_outcome answer_question(const struct answer_view *view, struct counters *counters,
				    struct answer_request *request, struct answer_pending *ret_pending, size_t *ret_len)
{
	struct wire_question q;
	enum wire_verdict verdict = wire_question_parse(request->msg, request->len, &q);
	if (verdict == WIRE_SILENCE) {
		counter_add(counters, COUNTER_DROPPED, 1);
		return ANSWER_SILENT;
	}
	if (verdict == WIRE_ANSWERABLE && is_passed(request, &q))
		return ANSWER_PASSED;
	struct reply reply;
	reply_begin(&reply, view, request, &q);
	if (request->small != NULL && reply.max <= request->small_cap)
		request->out = request->small;
	reply_know(&reply);
	size_t len;
	switch (verdict) {
	case WIRE_SAY_FORMERR:
		len = reply_error(&reply, WIRE_RCODE_FORMERR, ANSWER_NO_EDE);
		break;
	case WIRE_SAY_NOTIMP:
		len = reply_error(&reply, WIRE_RCODE_NOTIMP, EDE_NOT_SUPPORTED);
		break;
	case WIRE_SAY_BADVERS:
		len = reply_error(&reply, WIRE_RCODE_BADVERS, ANSWER_NO_EDE);
		break;
	case WIRE_COOKIE_ONLY: /* RFC 7873 section 5.4 */
		len = reply_error(&reply, cookie_only_rcode(&reply), ANSWER_NO_EDE);
		break;
	default:
		if (!request->tcp && view->cookies.required && !reply.cookie_valid) {
			counter_add(counters, COUNTER_COOKIE_REQUIRED, 1);
			return send_counted(&reply, counters, reply_slip(&reply), ret_len);
		}
		if (q.tsig)
			len = reply_tsig_unknown(&reply);
		else if (!ecs_good(view, &q))
			len = reply_error(&reply, WIRE_RCODE_FORMERR, ANSWER_NO_EDE);
		else if (q.qclass == WIRE_CLASS_IN)
			return answer_class_in(&reply, counters, ret_pending, ret_len);
		else if (q.qclass == WIRE_CLASS_CH)
			len = reply_add_opt(&reply, reply_chaos(&reply), reply_wants_nsid(&reply));
		else
			len = reply_error(&reply, WIRE_RCODE_REFUSED, EDE_NOT_AUTHORITATIVE);
	}
	return send_reply(&reply, counters, len, ret_len);
}
