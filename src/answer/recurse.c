// SPDX-License-Identifier: GPL-3.0-or-later
/* Drives the resolver with sockets: its actions become exchanges and replies, what comes back becomes its events. */
#include "dns64.h"
#include "private.h"
#include "waiting.h"

#include <stdlib.h>
#include <string.h>

/* The question that is being started: if its result comes in the same step, the reply needs no ticket. */
struct direct {
	uint64_t client;
	uint8_t *out;
	int len;
};

struct failure {
	uint64_t exchange;
	int error;
};

struct answer_recursor {
	struct answer_recursor_settings settings;
	struct waitings waitings;
	struct net_limits *clients; /* questions in flight of each; NULL = no limit */
	uint32_t n_counted;
	struct failure *failure; /* sendings that failed at once, to be told after the actions are done */
	size_t n_failures, failures_cap;
	uint64_t *again; /* clients for whom something more is asked, after the actions are done */
	size_t n_again, again_cap;
	struct arena made; /* results that are changed before they go out */
	uint8_t reply[WIRE_MESSAGE_MAX];
};

/* ---- what one client may have in flight ---- */

/* Nobody can be above it as long as all together are below. */
static bool has_too_many(struct answer_recursor *recursor, const struct addr *peer)
{
	const struct answer_recursor_settings *s = &recursor->settings;
	if (recursor->clients == NULL || recursor->n_counted < s->client_questions_max ||
	    view_has(&s->view(s->view_ctx)->limits.client_exempt, peer) || !net_limits_reached(recursor->clients, peer))
		return false;
	counter_add(s->counters, COUNTER_CLIENT_LIMITED, 1);
	return true;
}

static void count_in(struct answer_recursor *recursor, struct waiting *waiting)
{
	if (recursor->clients == NULL || net_limits_take(recursor->clients, &waiting->ticket.peer) < 0)
		return;
	waiting->counted = true;
	recursor->n_counted++;
}

static void let_go(struct answer_recursor *recursor, struct waiting *waiting)
{
	if (waiting->counted) {
		net_limits_give(recursor->clients, &waiting->ticket.peer);
		recursor->n_counted--;
	}
	waiting_give(&recursor->waitings, waiting);
}

/* ---- results ---- */

static void count_reply(struct counters *counters, const uint8_t *reply)
{
	uint16_t flags = wire_get16(reply + 2);
	switch (flags & WIRE_RCODE_MASK) {
	case WIRE_RCODE_NOERROR:
		counter_add(counters, COUNTER_NOERROR, 1);
		break;
	case WIRE_RCODE_NXDOMAIN:
		counter_add(counters, COUNTER_NXDOMAIN, 1);
		break;
	case WIRE_RCODE_SERVFAIL:
		counter_add(counters, COUNTER_SERVFAIL, 1);
		break;
	case WIRE_RCODE_REFUSED:
		counter_add(counters, COUNTER_REFUSED, 1);
		break;
	default:
		break;
	}
	if ((flags & WIRE_TC) != 0)
		counter_add(counters, COUNTER_TRUNCATED, 1);
}

/* Without memory for it the client gets what there is. */
static bool again_add(struct answer_recursor *recursor, uint64_t client)
{
	if (recursor->n_again == recursor->again_cap) {
		size_t cap = recursor->again_cap == 0 ? 64 : recursor->again_cap * 2;
		uint64_t *again = reallocarray(recursor->again, cap, sizeof(*again));
		if (again == NULL)
			return false;
		recursor->again = again;
		recursor->again_cap = cap;
	}
	recursor->again[recursor->n_again++] = client;
	return true;
}

/* What goes out instead of the result; NULL when something else is asked first. */
static const struct resolve_result *dns64_result(struct answer_recursor *recursor, uint64_t client,
						 struct waiting *waiting, const struct resolve_result *result)
{
	const struct answer_view *view = recursor->settings.view(recursor->settings.view_ctx);
	switch (dns64_next(view, waiting, result)) {
	case DNS64_ASK_A:
	case DNS64_ASK_AGAIN:
		return again_add(recursor, client) ? NULL : result;
	case DNS64_MAKE: {
		arena_reset(&recursor->made);
		const struct resolve_result *made = dns64_make(view, waiting, result, &recursor->made);
		counter_add(recursor->settings.counters, COUNTER_DNS64, 1);
		return made != NULL ? made : result;
	}
	case DNS64_SEND:
		break;
	}
	return result;
}

static void log_rule(const struct answer_pending *pending, const struct resolve_result *result)
{
	char peer[ADDR_TEXT_MAX], name[WIRE_NAME_TEXT_MAX], type[16];
	log_notice("policy", "%s asked for %s %s: %s", addr_format(&pending->peer, false, peer),
		   wire_name_text(pending->qname, name), wire_type_text(pending->qtype, type),
		   result->rule != NULL ? result->rule : "a rule holds");
}

/* The reply that a client had to wait for. */
static void reply_late(struct answer_recursor *recursor, const struct waiting *waiting, const uint8_t *reply,
		       size_t len)
{
	const struct answer_recursor_settings *s = &recursor->settings;
	const struct net_ticket *ticket = &waiting->ticket;
	int64_t wait_ms = pulse_wait_ms(s->view(s->view_ctx), s->rates, &waiting->pending, &ticket->peer, len,
					net_loop_now_ms(s->loop));
	if (wait_ms == 0) {
		net_reply(s->loop, ticket, reply, len);
		return;
	}
	int rc = wait_ms < 0 ? BANYAN_ELIMIT : net_reply_in(s->loop, ticket, reply, len, (uint32_t)wait_ms);
	counter_add(s->counters, rc < 0 ? COUNTER_CLIENT_PULSE_DROPPED : COUNTER_CLIENT_PULSE_SPREAD, 1);
}

static void on_result(struct answer_recursor *recursor, uint64_t client, const struct resolve_result *result,
		      struct direct *direct)
{
	const struct answer_recursor_settings *s = &recursor->settings;
	struct waiting *waiting = waiting_find(&recursor->waitings, client);
	if (waiting == NULL)
		return;
	if (waiting->traced != NULL) {
		void (*traced)(void *ctx, const struct resolve_result *result) = waiting->traced;
		void *ctx = waiting->trace_ctx;
		let_go(recursor, waiting);
		traced(ctx, result);
		return;
	}
	if (result->log)
		log_rule(&waiting->pending, result);
	result = dns64_result(recursor, client, waiting, result);
	if (result == NULL)
		return;
	bool at_once = direct != NULL && direct->client == client;
	uint8_t *out = at_once ? direct->out : recursor->reply;
	int len = answer_from_result(s->view(s->view_ctx), &waiting->pending, result, out, WIRE_MESSAGE_MAX);
	if (len > 0)
		count_reply(s->counters, out);
	if (at_once)
		direct->len = len > 0 ? len : 0;
	else if (len > 0)
		reply_late(recursor, waiting, out, (size_t)len);
	else
		net_no_reply(s->loop, &waiting->ticket);
	let_go(recursor, waiting);
}

/* ---- actions ---- */

/* Without memory for it the failure stays untold, and the engine's own timeout finds it. */
static void failure_add(struct answer_recursor *recursor, uint64_t exchange, int error)
{
	if (recursor->n_failures == recursor->failures_cap) {
		size_t cap = recursor->failures_cap == 0 ? 64 : recursor->failures_cap * 2;
		struct failure *failure = reallocarray(recursor->failure, cap, sizeof(*failure));
		if (failure == NULL)
			return;
		recursor->failure = failure;
		recursor->failures_cap = cap;
	}
	recursor->failure[recursor->n_failures++] = (struct failure){.exchange = exchange, .error = error};
}

static void perform(struct answer_recursor *recursor, const struct resolve_actions *actions, struct direct *direct)
{
	struct net_loop *loop = recursor->settings.loop;
	for (size_t i = 0; i < actions->count; i++) {
		const struct resolve_action *action = &actions->item[i];
		switch (action->kind) {
		case RESOLVE_SEND: {
			enum net_transport transport = action->send.tcp ? NET_TCP : NET_UDP;
			int rc = net_exchange_open(loop, action->send.exchange, transport, &action->send.to,
						   action->send.msg, action->send.len);
			if (rc < 0)
				failure_add(recursor, action->send.exchange, rc);
			break;
		}
		case RESOLVE_CLOSE:
			net_exchange_close(loop, action->close.exchange);
			break;
		case RESOLVE_ANSWER:
			on_result(recursor, action->answer.client, action->answer.result, direct);
			break;
		case RESOLVE_ANCHORS:
			if (recursor->settings.anchors != NULL)
				recursor->settings.anchors(recursor->settings.anchors_ctx, action);
			break;
		}
	}
}

static void on_wake(void *ctx);

/* What is asked of the resolver for a client. */
static struct resolve_event question_of(struct answer_recursor *recursor, const struct waiting *waiting,
					uint64_t client)
{
	const struct answer_pending *pending = &waiting->pending;
	const struct answer_view *view = recursor->settings.view(recursor->settings.view_ctx);
	struct resolve_event event = {
		.kind = RESOLVE_QUESTION,
		.question =
			{
				.client = client,
				.qname = waiting->dns64 == DNS64_PTR ? waiting->mapped : pending->qname,
				.qtype = waiting->dns64 == DNS64_A ? WIRE_TYPE_A : pending->qtype,
				.from = pending->peer,
				.tcp = pending->tcp,
				.dnssec = pending->dnssec,
				.checking_disabled = (pending->flags & WIRE_CD) != 0,
				.additional = !pending->minimal,
				.cached_only = has_too_many(recursor, &waiting->ticket.peer),
			},
	};
	answer_ecs_ask(view, pending, &event);
	return event;
}

/* One event, the failures of sending that its actions meet, and what is to be asked after it. */
static void step(struct answer_recursor *recursor, struct resolve_event *event, struct direct *direct)
{
	const struct answer_recursor_settings *s = &recursor->settings;
	struct resolve_event more = *event;
	for (;;) {
		more.now_ms = net_loop_now_ms(s->loop);
		more.wall_ms = clock_wall_ms();
		const struct answer_view *view = s->view(s->view_ctx);
		more.root = view->root;
		more.root_from_s = view->root_from_s;
		more.root_until_s = view->root_until_s;
		more.root_on_loopback = view->root_on_loopback;
		more.policy = view->policy;
		more.negatives = view->negatives;
		more.live = view->live.version != 0 ? &view->live : NULL;
		const struct resolve_actions *actions = resolve_step(s->engine, &more);
		int64_t wake_at_ms = actions->wake_at_ms;
		perform(recursor, actions, direct);
		struct waiting *waiting = NULL;
		while (waiting == NULL && recursor->n_failures == 0 && recursor->n_again > 0)
			waiting = waiting_find(&recursor->waitings, recursor->again[--recursor->n_again]);
		if (recursor->n_failures > 0) {
			struct failure failure = recursor->failure[--recursor->n_failures];
			more = (struct resolve_event){
				.kind = RESOLVE_SEND_FAILED,
				.failed = {.exchange = failure.exchange, .error = failure.error},
			};
		} else if (waiting != NULL) {
			more = question_of(recursor, waiting, waiting_client(&recursor->waitings, waiting));
		} else {
			net_wake_at(s->loop, wake_at_ms, on_wake, recursor);
			return;
		}
	}
}

static void on_wake(void *ctx)
{
	struct answer_recursor *recursor = ctx;
	struct resolve_event event = {.kind = RESOLVE_WAKE};
	step(recursor, &event, NULL);
}

static void on_exchange(void *ctx, const struct net_exchange_event *got)
{
	struct answer_recursor *recursor = ctx;
	struct resolve_event event;
	memset(&event, 0, sizeof(event));
	if (got->error != 0) {
		event.kind = RESOLVE_SEND_FAILED;
		event.failed.exchange = got->id;
		event.failed.error = got->error;
	} else {
		event.kind = RESOLVE_REPLY;
		event.reply.exchange = got->id;
		event.reply.msg = got->msg;
		event.reply.len = got->len;
		event.reply.tcp = got->transport == NET_TCP;
		event.reply.fragmented = got->fragmented;
	}
	step(recursor, &event, NULL);
}

/* A TCP client is gone: nobody waits for the answers to its questions any more. */
static void on_gone(void *ctx, uint32_t index, uint32_t generation)
{
	struct answer_recursor *recursor = ctx;
	uint64_t client;
	struct waiting *waiting;
	while ((waiting = waiting_of_conn(&recursor->waitings, index, generation, &client)) != NULL) {
		struct resolve_event event = {.kind = RESOLVE_CANCEL, .cancel = {.client = client}};
		let_go(recursor, waiting);
		step(recursor, &event, NULL);
	}
}

/* ---- questions ---- */

int answer_recurse(struct answer_recursor *recursor, const struct answer_pending *pending,
		   const struct net_ticket *ticket, uint8_t *out)
{
	uint64_t client;
	struct waiting *waiting = waiting_take(&recursor->waitings, ticket, &client);
	if (waiting == NULL)
		return 0;
	waiting->pending = *pending;
	const struct answer_view *view = recursor->settings.view(recursor->settings.view_ctx);
	dns64_begin(view, ticket, waiting);
	arena_reset(&recursor->made);
	const struct resolve_result *known = dns64_known(view, waiting, &recursor->made);
	if (known != NULL) {
		int len = answer_from_result(view, &waiting->pending, known, out, WIRE_MESSAGE_MAX);
		if (len > 0)
			count_reply(recursor->settings.counters, out);
		let_go(recursor, waiting);
		return len > 0 ? len : 0;
	}
	struct resolve_event event = question_of(recursor, waiting, client);
	struct direct direct = {.client = client, .out = out, .len = NET_LATER};
	step(recursor, &event, &direct);
	if (direct.len == NET_LATER && (waiting = waiting_find(&recursor->waitings, client)) != NULL) {
		count_in(recursor, waiting);
		pulse_begin(view, recursor->settings.rates, pending, &ticket->peer,
			    net_loop_now_ms(recursor->settings.loop));
	}
	return direct.len;
}

int answer_trace(struct answer_recursor *recursor, const uint8_t *qname, uint16_t qtype, bool cold,
		 void (*done)(void *ctx, const struct resolve_result *result), void *ctx)
{
	uint64_t client;
	struct waiting *waiting = waiting_take(&recursor->waitings, NULL, &client);
	if (waiting == NULL)
		return BANYAN_ENOMEM;
	waiting->traced = done;
	waiting->trace_ctx = ctx;
	struct resolve_event event = {
		.kind = RESOLVE_QUESTION,
		.question = {.client = client, .qname = qname, .qtype = qtype, .trace = true, .no_cache = cold},
	};
	step(recursor, &event, NULL);
	return 0;
}

/* ---- life ---- */

int answer_recursor_new(const struct answer_recursor_settings *settings, struct answer_recursor **ret)
{
	struct answer_recursor *recursor = calloc(1, sizeof(*recursor));
	if (recursor == NULL)
		return BANYAN_ENOMEM;
	recursor->settings = *settings;
	net_on_exchange(settings->loop, on_exchange, recursor);
	net_on_gone(settings->loop, on_gone, recursor);
	net_wake_at(settings->loop, 0, on_wake, recursor); /* what the engine does by itself begins with the loop */
	if (settings->client_questions_max > 0 &&
	    net_limits_new(settings->questions_max, settings->client_questions_max, &recursor->clients) < 0) {
		answer_recursor_free(recursor);
		return BANYAN_ENOMEM;
	}
	*ret = recursor;
	return 0;
}

void answer_recursor_free(struct answer_recursor *recursor)
{
	if (recursor == NULL)
		return;
	net_on_exchange(recursor->settings.loop, NULL, NULL);
	net_on_gone(recursor->settings.loop, NULL, NULL);
	net_wake_at(recursor->settings.loop, INT64_MAX, NULL, NULL);
	waitings_done(&recursor->waitings);
	net_limits_free(recursor->clients);
	free(recursor->failure);
	free(recursor->again);
	arena_done(&recursor->made);
	free(recursor);
}
