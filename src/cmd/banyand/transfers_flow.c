// SPDX-License-Identifier: GPL-3.0-or-later
/* In a worker: a transfer that is allowed, from its first message to its last. */
#include "transfers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { EDE_NOT_READY = 14 }; /* RFC 8914 */

/* One that goes out over TCP in the course of time. */
struct transfer_job {
	struct worker *worker;
	struct push_transfer *transfer;
	struct addr peer;
	uint32_t serial;
	int64_t begun_ms;
	char zone[WIRE_NAME_TEXT_MAX];
};

static const char *kind_words(const struct push_transfer *transfer, char out[64])
{
	switch (push_transfer_kind(transfer)) {
	case PUSH_DIFFERENCES:
		snprintf(out, 64, "differences from serial %" PRIu32, push_transfer_from(transfer));
		return out;
	case PUSH_WHOLE:
		return push_transfer_asked_ixfr(transfer) ? "all of it, where differences were asked for" : "all of it";
	default:
		return "its SOA alone";
	}
}

static int on_next(void *ctx, uint8_t *out, size_t cap)
{
	struct transfer_job *job = ctx;
	int len = push_transfer_next(job->transfer, out, cap);
	if (len > 0)
		counter_add(&job->worker->counters, COUNTER_TRANSFERS_BYTES, (uint64_t)len);
	return len;
}

static void on_over(void *ctx, bool whole)
{
	struct transfer_job *job = ctx;
	struct counters *counters = &job->worker->counters;
	char peer[ADDR_TEXT_MAX], kind[64];
	bool differences = push_transfer_kind(job->transfer) == PUSH_DIFFERENCES;
	counter_add(counters, whole ? COUNTER_TRANSFERS_OUT : COUNTER_TRANSFERS_BROKEN, 1);
	if (whole && differences)
		counter_add(counters, COUNTER_TRANSFERS_DIFFERENCES, 1);
	log_write(whole ? LOG_LEVEL_INFO : LOG_LEVEL_NOTICE, STATION,
		  "zone %s: serial %" PRIu32 " to %s, %s: %s%u message%s, %" PRIu64 " bytes, %lld ms", job->zone,
		  job->serial, addr_format(&job->peer, true, peer), kind_words(job->transfer, kind),
		  whole ? "" : "broken off, since the client went away or reads too slowly, after ",
		  push_transfer_messages(job->transfer), push_transfer_messages(job->transfer) == 1 ? "" : "s",
		  push_transfer_bytes(job->transfer), (long long)(clock_mono_ms() - job->begun_ms));
	net_limits_give(job->worker->transfer_limits, &job->peer);
	push_transfer_free(job->transfer);
	free(job);
}

/* BANYAN_ELIMIT, BANYAN_EACCES: too many at once. The transfer is the job's from now on, if it is good. */
static int job_start(struct transfer_ask *ask, struct push_version *version, struct push_transfer *transfer)
{
	struct worker *worker = ask->worker;
	struct net_flow_settings flow = ask->g->transfers->flow;
	int rc = net_limits_take(worker->transfer_limits, &ask->request.peer);
	if (rc < 0)
		return rc;
	struct transfer_job *job = calloc(1, sizeof *job);
	if (job != NULL) {
		*job = (struct transfer_job){
			.worker = worker,
			.transfer = transfer,
			.peer = ask->request.peer,
			.serial = push_version_serial(version),
			.begun_ms = ask->request.now_ms,
		};
		wire_name_text(ask->q.lower, job->zone);
	}
	flow.next = on_next;
	flow.over = on_over;
	flow.ctx = job;
	rc = job == NULL ? BANYAN_ENOMEM : net_flow(worker->loop, &ask->m->ticket, &flow);
	if (rc < 0) {
		free(job);
		net_limits_give(worker->transfer_limits, &ask->request.peer);
	}
	return rc;
}

/* Of a copy: what is left of it (RFC 7314 section 2). */
static uint32_t expire_of(const struct transfer_ask *ask, const struct push_version *version)
{
	int64_t until_s = atomic_load(&ask->loaded->until_s), left_s = until_s - ask->request.wall_ms / 1000;
	uint32_t expire_s = push_version_expire_s(version);
	return until_s == 0 || left_s >= expire_s ? expire_s : left_s > 0 ? (uint32_t)left_s : 0;
}

/* The OPT of each message: what any reply to this question would have, and when the zone expires if that is asked. */
static size_t opt_of(struct transfer_ask *ask, const struct push_version *version, uint8_t out[PUSH_OPT_MAX])
{
	uint8_t *reply = ask->request.out;
	if (!ask->q.edns.present)
		return 0;
	size_t start = WIRE_HEADER_SIZE + ask->q.qname_len + 4;
	ask->request.expire_s = ask->q.edns.expire ? expire_of(ask, version) : 0;
	size_t len = answer_bare(&ask->g->view, &ask->request, reply);
	if (len <= start || len - start > PUSH_OPT_MAX)
		return 0;
	memcpy(out, reply + start, len - start);
	return len - start;
}

int transfer_start(struct transfer_ask *ask, struct push_version *version)
{
	struct counters *counters = &ask->worker->counters;
	uint8_t opt[PUSH_OPT_MAX];
	uint16_t udp_max = ask->q.edns.present ? ask->q.edns.udp_size : 512;
	struct push_transfer_settings settings = {
		.version = version,
		.question = ask->request.msg,
		.question_len = ask->request.len,
		.tcp = ask->request.tcp,
		.udp_max = udp_max < 512                     ? 512
			   : udp_max < ask->g->view.udp_size ? udp_max
							     : ask->g->view.udp_size,
		.opt = opt,
		.opt_len = opt_of(ask, version, opt),
		.tsig = ask->tsig.key == NULL ? NULL : &ask->tsig,
	};
	struct push_transfer *transfer;
	int rc = push_transfer_new(&settings, &transfer);
	if (rc < 0) /* no serial in an IXFR, or AXFR over UDP, which does not exist (RFC 5936 section 4.2) */
		return transfer_refuse(ask, rc == BANYAN_ENOMEM ? WIRE_RCODE_SERVFAIL : WIRE_RCODE_FORMERR,
				       ANSWER_EDE_NONE);
	if (ask->request.tcp && push_transfer_kind(transfer) != PUSH_CURRENT) {
		rc = job_start(ask, version, transfer);
		if (rc == 0)
			return NET_LATER;
		push_transfer_free(transfer);
		counter_add(counters, COUNTER_TRANSFERS_LIMITED, 1);
		return transfer_refuse(ask, WIRE_RCODE_SERVFAIL, EDE_NOT_READY); /* the client will try again */
	}
	int len = push_transfer_next(transfer, ask->request.out, WIRE_MESSAGE_MAX);
	push_transfer_free(transfer);
	counter_add(counters, COUNTER_TRANSFERS_SHORT, 1);
	return len < 0 ? transfer_refuse(ask, WIRE_RCODE_SERVFAIL, ANSWER_EDE_NONE) : len;
}
