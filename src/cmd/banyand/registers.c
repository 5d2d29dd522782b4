// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Peers that ask to be notified (docs/registration.md): a worker sees the question, looks whether this peer may, and whether it is where it
 * says it is; the keeper, who has the table, decides; the worker replies.
 */
#include "notifies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MAX  256  /* registrations on their way to the keeper: who comes then is told that there is no room */
#define QUESTION_MAX 1232 /* bytes: a name, a SOA's question, a TSIG */
#define DNS_PORT     53

struct register_job {
	struct worker *worker;
	struct net_ticket ticket;
	uint8_t apex[WIRE_NAME_MAX];
	char key[CONFIG_KEY_TEXT_MAX]; /* "" = unsigned */
	struct wire_tsig tsig;         /* its key is looked up again: a reload may come between */
	struct push_ask ask;
	struct wire_registration reply;
	size_t len, max;
	uint8_t out[]; /* the reply without the option */
};

/* ---- rules ---- */

static int rule_fill(struct register_rule *rule, const struct keys *keys, const struct config_list *list)
{
	rule->prefix = calloc(list->count + 1, sizeof *rule->prefix);
	rule->key = calloc(keys->n + 1, sizeof *rule->key);
	if (rule->prefix == NULL || rule->key == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		char name[CONFIG_KEY_TEXT_MAX];
		size_t at;
		if (config_register_parse(list->item[i], &rule->prefix[rule->n_prefixes], name) < 0)
			continue; /* looked at when the configuration was read */
		if (name[0] == 0)
			rule->n_prefixes++;
		else if (keys_find(keys, name, &at) != NULL)
			rule->key[at] = true;
	}
	return 0;
}

static int rule_add(struct registers *registers, const struct keys *keys, const char *zone,
		    const struct config_list *list)
{
	if (list->count == 0)
		return 0;
	struct register_rule *rule = &registers->rule[registers->n++];
	int rc = wire_name_parse(zone, rule->apex);
	wire_name_lower(rule->apex, rule->apex);
	return rc < 0 ? rc : rule_fill(rule, keys, list);
}

int registers_load(const struct config *config, const struct keys *keys, struct registers **ret)
{
	struct registers *registers =
		calloc(1, sizeof *registers + (config->n_zones + 1) * sizeof(struct register_rule));
	if (registers == NULL)
		return BANYAN_ENOMEM;
	int rc = 0;
	for (size_t i = 0; i < config->n_zones && rc == 0; i++)
		rc = rule_add(registers, keys, config->zones[i].name, &config->zones[i].registering);
	if (rc == 0)
		rc = rule_add(registers, keys, ".", &config->root.registering);
	if (rc < 0 || registers->n == 0) {
		registers_free(registers);
		registers = NULL;
	}
	if (rc == 0)
		*ret = registers;
	return rc;
}

void registers_free(struct registers *registers)
{
	for (size_t i = 0; registers != NULL && i < registers->n; i++) {
		free(registers->rule[i].prefix);
		free(registers->rule[i].key);
	}
	free(registers);
}

int register_rule_make(const struct keys *keys, const struct config_list *list, struct register_rule **ret)
{
	struct register_rule *rule = list->count == 0 ? NULL : calloc(1, sizeof *rule);
	if (rule == NULL)
		return list->count == 0 ? 0 : BANYAN_ENOMEM;
	int rc = rule_fill(rule, keys, list);
	if (rc < 0)
		register_rule_free(rule);
	else
		*ret = rule;
	return rc;
}

void register_rule_free(struct register_rule *rule)
{
	if (rule == NULL)
		return;
	free(rule->prefix);
	free(rule->key);
	free(rule);
}

static const struct register_rule *rule_of(const struct registers *registers, const uint8_t *apex)
{
	for (size_t i = 0; i < registers->n; i++)
		if (wire_name_equal(registers->rule[i].apex, apex))
			return &registers->rule[i];
	return NULL;
}

bool register_rule_allows(const struct register_rule *rule, const struct addr *peer, bool is_signed, size_t key)
{
	if (is_signed && rule->key[key])
		return true;
	for (size_t i = 0; i < rule->n_prefixes; i++)
		if (addr_prefix_match(&rule->prefix[i], peer))
			return true;
	return false;
}

bool registers_allow(const struct generation *g, const uint8_t *apex, const char *key, const struct addr *peer)
{
	const struct register_rule *rule = g->registers == NULL ? NULL : rule_of(g->registers, apex);
	size_t at = 0;
	bool is_signed = key[0] != 0;
	if (rule == NULL || (is_signed && keys_find(&g->keys, key, &at) == NULL))
		return false;
	return register_rule_allows(rule, peer, is_signed, at);
}

/* ---- the question, in a worker ---- */

/* A look that costs next to nothing, since it is taken at each question. */
static bool is_soa_question(const uint8_t *msg, size_t len)
{
	size_t pos = WIRE_HEADER_SIZE;
	if (len < pos + 5 || (msg[2] & 0xf8) != 0 || wire_get16(msg + 4) != 1 || wire_get16(msg + 10) == 0)
		return false;
	while (msg[pos] != 0) {
		pos += msg[pos] + 1U;
		if (pos + 5 > len)
			return false;
	}
	return wire_get16(msg + pos + 1) == WIRE_TYPE_SOA;
}

/* The root copy is served to those who may register, also where it is no zone of its own. */
static size_t answer_from(const struct generation *g, struct answer_request *request, const struct wire_question *q,
			  struct counters *counters)
{
	struct answer_pending pending;
	size_t len = 0;
	struct answer_view view = g->view;
	struct answer_zone root = {.apex = (const uint8_t *)"", .image = g->root == NULL ? NULL : g->root->image};
	bool is_zone = false;
	for (size_t i = 0; i < g->view.n_zones && !is_zone; i++)
		is_zone = wire_name_equal(g->view.zone[i].apex, q->lower);
	if (!is_zone) {
		if (q->lower[0] != 0 || atomic_load(&g->view.root) == NULL)
			return 0;
		view.n_zones = 1;
		view.zone = &root;
	}
	view.recursion = false; /* a peer that asks with RD set means this server's own */
	return answer_question(&view, counters, request, &pending, &len) == ANSWER_SEND ? len : 0;
}

static uint16_t status_of(const struct register_rule *rule, const struct generation *g, const struct net_message *m,
			  const struct wire_question *q, bool is_signed, size_t key,
			  struct wire_registration *ret_asked)
{
	if (wire_registration_read_question(q->edns.registration, q->edns.registration_len, ret_asked) < 0)
		return WIRE_REGISTRATION_MALFORMED;
	if (!register_rule_allows(rule, &m->ticket.peer, is_signed, key))
		return WIRE_REGISTRATION_REFUSED;
	bool proved = is_signed || m->ticket.transport == NET_TCP || answer_cookie_good(&g->view, q, &m->ticket.peer);
	return proved ? WIRE_REGISTRATION_GRANTED : WIRE_REGISTRATION_UNPROVED;
}

static void count(struct counters *counters, uint16_t status)
{
	if (status == WIRE_REGISTRATION_REFUSED || status == WIRE_REGISTRATION_MALFORMED)
		counter_add(counters, COUNTER_REGISTRATIONS_REFUSED, 1);
	if (status == WIRE_REGISTRATION_UNPROVED)
		counter_add(counters, COUNTER_REGISTRATIONS_UNPROVED, 1);
}

/* Puts the option into the reply and signs it; its length, 0 = there is none. */
static int finish(struct register_job *job, uint8_t *out)
{
	uint8_t data[WIRE_REGISTRATION_SIZE];
	bool is_signed = job->key[0] != 0;
	int len = (int)job->len;
	wire_registration_write_reply(&job->reply, data);
	int with = wire_edns_add(out, job->len, job->max, WIRE_OPTION_REGISTRATION, data, sizeof data);
	if (with > 0) /* what does not fit is left out: the peer asks again */
		len = with;
	if (is_signed) {
		const struct generation *g = swap_read(job->worker->swap);
		job->tsig.key = keys_find(&g->keys, job->key, NULL);
		len = job->tsig.key == NULL ? 0 : wire_tsig_sign(&job->tsig, out, (size_t)len, WIRE_MESSAGE_MAX);
	}
	return len < 0 ? 0 : len;
}

static void job_free(struct register_job *job)
{
	wire_tsig_done(&job->tsig);
	free(job);
}

static void job_back(void *ctx) /* worker */
{
	struct register_job *job = ctx;
	struct worker *worker = job->worker;
	static _Thread_local uint8_t out[WIRE_MESSAGE_MAX];
	memcpy(out, job->out, job->len);
	int len = finish(job, out);
	if (len > 0)
		(void)net_reply(worker->loop, &job->ticket, out, (size_t)len);
	else
		net_no_reply(worker->loop, &job->ticket);
	job_free(job);
}

static void job_decide(void *ctx) /* keeper */
{
	struct register_job *job = ctx;
	struct keeper *keeper = job->worker->keeper;
	atomic_fetch_sub(&keeper->registers_pending, 1);
	if (keeper->stopping) {
		job_free(job);
		return;
	}
	job->reply = notifies_register(keeper, job->apex, job->key, &job->ask);
	if (net_loop_post(job->worker->loop, job_back, job) < 0)
		job_free(job); /* the peer asks again */
}

static struct register_job *job_new(struct worker *worker, const struct net_message *m, const struct wire_question *q,
				    size_t len)
{
	struct register_job *job = calloc(1, sizeof *job + len);
	if (job == NULL)
		return NULL;
	const struct answer_view *view = &swap_read(worker->swap)->view;
	uint16_t udp = q->edns.udp_size < view->udp_size ? q->edns.udp_size : view->udp_size;
	job->worker = worker;
	job->ticket = m->ticket;
	memcpy(job->apex, q->lower, q->qname_len);
	job->len = len;
	job->max = m->ticket.transport == NET_TCP ? WIRE_MESSAGE_MAX : udp < 512 ? 512 : udp;
	memcpy(job->out, m->reply, len);
	return job;
}

/* The reply is known but for what the keeper says. */
static int decide(struct register_job *job, uint16_t status, const struct wire_registration *asked, uint8_t *out)
{
	struct keeper *keeper = job->worker->keeper;
	job->ask = (struct push_ask){.peer = job->ticket.peer,
				     .local = job->ticket.local,
				     .release = asked->release,
				     .lifetime_s = asked->lifetime_s};
	job->ask.peer.port = asked->port == 0 ? DNS_PORT : asked->port;
	job->reply = (struct wire_registration){.status = (uint8_t)status, .port = job->ask.peer.port};
	if (status == WIRE_REGISTRATION_GRANTED) {
		if (atomic_fetch_add(&keeper->registers_pending, 1) < PENDING_MAX &&
		    keeper_post(keeper, job_decide, job) == 0)
			return NET_LATER;
		atomic_fetch_sub(&keeper->registers_pending, 1);
		job->reply.status = WIRE_REGISTRATION_FULL;
	}
	count(&job->worker->counters, status);
	int len = finish(job, out);
	job_free(job);
	return len;
}

int registers_ask(struct worker *worker, const struct net_message *m, const struct answer_request *request)
{
	const struct generation *g = swap_read(worker->swap);
	uint8_t plain[QUESTION_MAX];
	struct answer_request unsigned_request = *request;
	struct wire_question q;
	struct wire_tsig tsig = {0};
	uint16_t tsig_error = 0;
	size_t plain_len, key = 0;
	if (g->registers == NULL || m->len > QUESTION_MAX || !is_soa_question(m->msg, m->len) ||
	    wire_question_parse(m->msg, m->len, &q) != WIRE_ANSWERABLE || q.edns.registration == NULL)
		return REGISTERS_NOT_MINE;
	const struct register_rule *rule = rule_of(g->registers, q.lower);
	if (rule == NULL)
		return REGISTERS_NOT_MINE;
	if (q.tsig) {
		int rc = wire_tsig_check_any(g->keys.key, g->keys.n, m->msg, m->len, &tsig, plain, &plain_len,
					     &tsig_error);
		if (rc < 0 || tsig_error != 0 || wire_question_parse(plain, plain_len, &q) != WIRE_ANSWERABLE) {
			wire_tsig_done(&tsig);
			return REGISTERS_NOT_MINE;
		}
		unsigned_request.msg = plain;
		unsigned_request.len = plain_len;
		while (g->keys.key[key] != tsig.key)
			key++;
	}
	unsigned_request.small = NULL; /* the reply grows */
	unsigned_request.pass = 0;     /* and is made here */
	struct wire_registration asked = {0};
	size_t len = answer_from(g, &unsigned_request, &q, &worker->counters);
	uint16_t status = status_of(rule, g, m, &q, tsig.key != NULL, key, &asked);
	struct register_job *job = len == 0 ? NULL : job_new(worker, m, &q, len);
	if (job == NULL) {
		wire_tsig_done(&tsig);
		return len == 0 && tsig.key == NULL ? REGISTERS_NOT_MINE : 0;
	}
	if (tsig.key != NULL)
		snprintf(job->key, sizeof job->key, "%s", g->keys.name[key]);
	job->tsig = tsig;
	return decide(job, status, &asked, m->reply);
}
