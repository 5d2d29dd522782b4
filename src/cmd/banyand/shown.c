// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The register of a zone, shown to those whom server.fleet names (docs/fleet.md): PAGE.register.banyan.ZONE of class CHAOS, type TXT. A worker sees
 * the question and looks whether this client may; the keeper, who has the table, writes the reply. By UDP, whose addresses can be forged,
 * there is nothing but "nobody is told", or TC.
 */
#include "notifies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MAX  64   /* questions on their way to the keeper: whoever comes then asks again */
#define QUESTION_MAX 1232 /* bytes: a name and a TSIG */
#define PAGE_PEERS   50   /* in one message: 4 kB */
#define PAGES_MAX    1000
#define UDP_MAX      512 /* bytes of a reply by UDP: it never has more than one line */

struct shown_job {
	struct worker *worker;
	struct net_ticket ticket;
	char key[CONFIG_KEY_TEXT_MAX]; /* "" = unsigned */
	struct wire_tsig tsig;         /* its key is looked up again: a reload may come between */
	uint32_t page;
	uint8_t apex[WIRE_NAME_MAX];
	struct wire_question question; /* points into msg */
	size_t reply_len;
	uint8_t msg[QUESTION_MAX], reply[8192];
};

/* ---- the question, in a worker ---- */

static const uint8_t middle[16] = "\10register\6banyan";

/* The page, and where the zone's name begins; a look that costs next to nothing, since it is taken at each question. -1 = it is another one. */
static int page_of(const uint8_t *msg, size_t len, size_t *ret_apex)
{
	size_t pos = WIRE_HEADER_SIZE, digits = len > pos ? msg[pos] : 0;
	int page = 0;
	if (digits == 0 || digits > 4 || len < pos + 1 + digits + sizeof middle + 5 || (msg[2] & 0xf8) != 0 ||
	    wire_get16(msg + 4) != 1 || msg[pos + 1 + digits] != middle[0] || msg[pos + 10 + digits] != middle[9])
		return -1;
	for (size_t i = 0; i < digits; i++) {
		if (msg[pos + 1 + i] < '0' || msg[pos + 1 + i] > '9')
			return -1;
		page = page * 10 + msg[pos + 1 + i] - '0';
	}
	*ret_apex = 1 + digits + sizeof middle;
	return page;
}

static void job_free(struct shown_job *job)
{
	wire_tsig_done(&job->tsig);
	free(job);
}

/* ---- the reply, at the keeper ---- */

static int line_add(struct wire_writer *writer, const uint8_t *owner, const char *text)
{
	uint8_t data[1 + 255 + 1];
	size_t len = strlen(text);
	if (len > 255)
		return BANYAN_ESPACE;
	data[0] = (uint8_t)len;
	memcpy(data + 1, text, len + 1); /* its end is not sent */
	struct wire_rdata rdata = {.data = data, .len = (uint16_t)(len + 1)};
	return wire_writer_record(writer, WIRE_ANSWER, owner, WIRE_TYPE_TXT, WIRE_CLASS_CH, 0, &rdata);
}

static int page_add(const struct shown_job *job, const struct push_notify *push, size_t n, struct wire_writer *writer)
{
	struct push_peer_state state;
	char text[ADDR_TEXT_MAX + 32], addr[ADDR_TEXT_MAX];
	size_t pages = (n + PAGE_PEERS - 1) / PAGE_PEERS, first = (size_t)job->page * PAGE_PEERS, i = 0;
	pages = pages > PAGES_MAX ? PAGES_MAX : pages;
	snprintf(text, sizeof text, "peers=%zu pages=%zu", n, pages > 0 ? pages : 1);
	int rc = line_add(writer, job->question.qname, text);
	for (size_t at = 0; rc == 0 && i < first + PAGE_PEERS && n > 0 && push_notify_next(push, &at, &state); i++) {
		if (i < first)
			continue;
		snprintf(text, sizeof text, "%s %s", addr_format(&state.addr, true, addr),
			 state.registered ? "registered" : "configured");
		rc = line_add(writer, job->question.qname, text);
	}
	return rc;
}

static int reply_write(struct shown_job *job, struct keeper *keeper)
{
	const struct wire_question *q = &job->question;
	struct notifies_zone zone = {0};
	struct wire_writer writer;
	size_t n = notifies_zone(keeper, job->apex, &zone) ? push_notify_count(zone.push) : 0;
	bool udp = job->ticket.transport == NET_UDP, cut = udp && n > 0;
	uint16_t flags = WIRE_QR | WIRE_AA | (q->flags & WIRE_RD) | (cut ? WIRE_TC : 0);
	int rc = wire_writer_init(&writer, job->reply, udp ? UDP_MAX : sizeof job->reply, q->id, flags);
	if (rc == 0 && q->edns.present)
		rc = wire_writer_reserve(&writer, 11);
	if (rc == 0)
		rc = wire_writer_question(&writer, q->qname, q->qtype, q->qclass);
	if (rc == 0 && !cut)
		rc = page_add(job, zone.push, n, &writer);
	if (rc == 0 && q->edns.present)
		rc = wire_writer_edns(&writer, UDP_MAX, 0, false, NULL, 0);
	if (rc < 0)
		return rc;
	job->reply_len = wire_writer_finish(&writer);
	return 0;
}

static void job_back(void *ctx) /* worker */
{
	struct shown_job *job = ctx;
	struct worker *worker = job->worker;
	int len = (int)job->reply_len;
	if (len > 0 && job->key[0] != 0) {
		job->tsig.key = keys_find(&swap_read(worker->swap)->keys, job->key, NULL);
		len = job->tsig.key == NULL ? 0
					    : wire_tsig_sign(&job->tsig, job->reply, job->reply_len, sizeof job->reply);
	}
	if (len > 0)
		(void)net_reply(worker->loop, &job->ticket, job->reply, (size_t)len);
	else
		net_no_reply(worker->loop, &job->ticket);
	job_free(job);
}

static void job_write(void *ctx) /* keeper */
{
	struct shown_job *job = ctx;
	struct keeper *keeper = job->worker->keeper;
	atomic_fetch_sub(&keeper->shown_pending, 1);
	if (keeper->stopping || reply_write(job, keeper) < 0)
		job->reply_len = 0;
	if (keeper->stopping || net_loop_post(job->worker->loop, job_back, job) < 0)
		job_free(job);
}

/* ---- who may ---- */

/* The key of a signed question: false = it does not hold, or is not known. */
static bool signature_take(const struct generation *g, struct shown_job *job, const struct net_message *m,
			   size_t *ret_key)
{
	uint16_t error = 0;
	size_t len;
	int rc = wire_tsig_check_any(g->keys.key, g->keys.n, m->msg, m->len, &job->tsig, job->msg, &len, &error);
	if (rc < 0 || error != 0)
		return false;
	size_t at = 0;
	while (g->keys.key[at] != job->tsig.key)
		at++;
	snprintf(job->key, sizeof job->key, "%s", g->keys.name[at]);
	*ret_key = at;
	return wire_question_parse(job->msg, len, &job->question) == WIRE_ANSWERABLE;
}

static bool job_fill(const struct generation *g, struct shown_job *job, const struct net_message *m, size_t apex)
{
	size_t key = 0;
	memcpy(job->msg, m->msg, m->len);
	if (wire_question_parse(job->msg, m->len, &job->question) != WIRE_ANSWERABLE ||
	    job->question.qclass != WIRE_CLASS_CH || job->question.qtype != WIRE_TYPE_TXT ||
	    memcmp(job->question.lower + apex - sizeof middle, middle, sizeof middle) != 0)
		return false;
	bool is_signed = job->question.tsig;
	if (is_signed && !signature_take(g, job, m, &key))
		return false;
	memcpy(job->apex, job->question.lower + apex, job->question.qname_len - apex);
	return register_rule_allows(g->shown_to, &m->ticket.peer, is_signed, key);
}

int shown_ask(struct worker *worker, const struct net_message *m)
{
	const struct generation *g = swap_read(worker->swap);
	struct keeper *keeper = worker->keeper;
	size_t apex;
	int page = g->shown_to == NULL || m->len > QUESTION_MAX ? -1 : page_of(m->msg, m->len, &apex);
	struct shown_job *job = page < 0 ? NULL : calloc(1, sizeof *job);
	if (job == NULL)
		return SHOWN_NOT_MINE;
	job->worker = worker;
	job->ticket = m->ticket;
	job->page = (uint32_t)page;
	if (!job_fill(g, job, m, apex)) {
		job_free(job);
		return SHOWN_NOT_MINE; /* refused like any name of this class that is not there */
	}
	counter_add(&worker->counters, COUNTER_REGISTERS_SHOWN, 1);
	if (atomic_fetch_add(&keeper->shown_pending, 1) < PENDING_MAX && keeper_post(keeper, job_write, job) == 0)
		return NET_LATER;
	atomic_fetch_sub(&keeper->shown_pending, 1);
	job_free(job);
	return 0;
}
