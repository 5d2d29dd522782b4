// SPDX-License-Identifier: GPL-3.0-or-later
/* The master of a fleet is asked: by its control socket, or like any other server. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "fleet.h"
#include "operate/operate.h"

#define SOCKET_WAIT_MS 10000
#define TORN_MAX       3 /* times that it is asked, when its version changes between two questions */

/* ---- by its control socket ---- */

static int complain(const char *who, const char *what)
{
	fprintf(stderr, "banyan status --fleet: %s: %s\n", who, what);
	return BANYAN_EIO;
}

static int socket_say(struct fleet *fleet, uint32_t samples, bool *ret_good, struct buffer *reply)
{
	_cleanup_(buffer_done) struct buffer request = {0};
	char zone[WIRE_NAME_TEXT_MAX];
	int rc = buffer_printf(&request, "fleet %s", wire_name_text(fleet->apex, zone));
	if (rc == 0 && samples > 0)
		rc = buffer_printf(&request, " %u", samples);
	return rc < 0 ? rc : operate_ask(fleet->socket, (const char *)request.data, SOCKET_WAIT_MS, ret_good, reply);
}

/* A daemon of an older version gives no samples. */
static bool is_older(const struct buffer *reply)
{
	return reply->data != NULL && strncmp((const char *)reply->data, "usage:", 6) == 0;
}

static int socket_ask(struct fleet *fleet, uint32_t samples)
{
	_cleanup_(buffer_done) struct buffer reply = {0};
	char why[FLEET_WHY_MAX];
	bool good = false;
	errno = 0;
	int rc = socket_say(fleet, samples, &good, &reply);
	if (rc == 0 && !good && samples > 0 && is_older(&reply)) {
		fprintf(stderr,
			"banyan status --fleet: %s: it gives no samples, so nobody's data are looked at; is it "
			"an older banyand?\n",
			fleet->socket);
		reply.len = 0;
		rc = socket_say(fleet, 0, &good, &reply);
	}
	if (rc < 0) {
		snprintf(why, sizeof why, "%s; is banyand running? --master ADDRESS asks a master by DNS",
			 errno != 0 ? strerror(errno) : error_text(rc));
		return complain(fleet->socket, why);
	}
	if (reply.data == NULL)
		return complain(fleet->socket, "it says nothing");
	if (!good) {
		reply.data[strcspn((char *)reply.data, "\n")] = 0;
		return complain(fleet->socket, (const char *)reply.data);
	}
	rc = fleet_master_read(&fleet->master, (const char *)reply.data);
	if (rc < 0)
		return complain(fleet->socket, "it does not say what a fleet's master should; is it an older banyand?");
	/* whoever may use the socket has the daemon's word for its keys */
	rc = fleet_master_keys(&fleet->master, fleet->apex, NULL, NULL, 0, 0, clock_wall_s(), why);
	return rc < 0 ? complain(fleet->socket, why) : 0;
}

/* ---- by DNS ---- */

struct waiting {
	bool over;
	int error;
	int (*take)(void *ctx, const struct fleet_reply *reply);
	void *ctx;
};

static void on_reply(void *ctx, int error, const struct fleet_reply *reply, int64_t rtt_us, bool over_tcp)
{
	struct waiting *waiting = ctx;
	waiting->over = true;
	waiting->error = reply == NULL ? error : waiting->take(waiting->ctx, reply);
}

int fleet_master_reply(struct fleet *fleet, const struct fleet_question *question,
		       int (*take)(void *ctx, const struct fleet_reply *reply), void *ctx)
{
	struct waiting waiting = {.take = take, .ctx = ctx};
	struct fleet_ask_settings settings = {
		.to = fleet->master_at,
		.question = *question,
		.udp_ms = fleet->time_ms,
		.tcp_ms = fleet->time_ms,
		.random = &fleet->random,
		.done = on_reply,
		.ctx = &waiting,
	};
	int rc = fleet_ask_start(&fleet->loop, &settings);
	while (rc == 0 && !waiting.over && uv_run(&fleet->loop, UV_RUN_ONCE) != 0)
		;
	return rc < 0 ? rc : waiting.error;
}

struct dns_ask {
	struct fleet *fleet;
	struct fleet_version version;
	enum fleet_ask ask;
	char why[FLEET_WHY_MAX];
};

static int take_keys(struct dns_ask *ask, const struct fleet_reply *reply)
{
	struct fleet_master *master = &ask->fleet->master;
	master->dnskey_len = 0;
	for (uint32_t i = 0; i < reply->set.count; i++)
		if (fleet_master_add_key(master, reply->rdata[i].data, reply->rdata[i].len) < 0)
			return BANYAN_ELIMIT;
	return fleet_master_keys(master, ask->fleet->apex, &ask->fleet->anchors, reply->sig, reply->n_sigs,
				 reply->set.ttl, clock_wall_s(), ask->why);
}

/* Of no use where it makes no sense: then the version has no dates. */
static void take_dates(struct dns_ask *ask, const struct fleet_reply *reply)
{
	struct zone_edition edition = {0};
	const char *why;
	int rc = 0;
	for (uint32_t i = 0; i < reply->set.count && rc == 0; i++)
		rc = zone_edition_take(reply->rdata[i].data, reply->rdata[i].len, &edition, &why);
	bool dated = rc == 0 && edition.valid_from > 0 && edition.valid_until > edition.valid_from;
	ask->version.valid_from = dated ? edition.valid_from : 0;
	ask->version.valid_until = dated ? edition.valid_until : 0;
}

static int take(void *ctx, const struct fleet_reply *reply)
{
	struct dns_ask *ask = ctx;
	const struct fleet_master *master = &ask->fleet->master;
	if (reply->rcode != WIRE_RCODE_NOERROR) {
		snprintf(ask->why, sizeof ask->why, "it answers %s: it does not serve the zone",
			 wire_rcode_text(reply->rcode));
		return BANYAN_EIO;
	}
	if (ask->ask == FLEET_DNSKEY)
		return take_keys(ask, reply);
	if (master->is_signed && reply->set.count > 0) {
		enum fleet_proof proof =
			fleet_prove(master->keys, &reply->set, reply->sig, reply->n_sigs, clock_wall_s());
		if (proof > FLEET_UNCHECKED) {
			snprintf(ask->why, sizeof ask->why,
				 "its own records do not hold by its keys (signature: %s): no node can be judged by it",
				 fleet_proof_text(proof));
			return BANYAN_EPROOF;
		}
	}
	if (ask->ask == FLEET_ZONEMD)
		fleet_digests_of(&reply->set, &ask->version.digests);
	else if (ask->ask == FLEET_EDITION)
		take_dates(ask, reply);
	if (ask->ask != FLEET_SOA)
		return 0;
	if (reply->set.count != 1 || reply->rdata[0].len < 22) {
		snprintf(ask->why, sizeof ask->why, "it does not serve the zone");
		return BANYAN_EIO;
	}
	ask->version.serial = wire_get32(reply->rdata[0].data + reply->rdata[0].len - 20);
	return 0;
}

static int dns_one(struct dns_ask *ask, enum fleet_ask which)
{
	struct fleet_question question = {.ask = which, .apex = ask->fleet->apex};
	ask->ask = which;
	return fleet_master_reply(ask->fleet, &question, take, ask);
}

static bool is_whole(const struct fleet_version *version)
{
	return version->digests.n == 0 || wire_get32(version->digests.data[0]) == version->serial;
}

static int dns_ask(struct fleet *fleet, bool again)
{
	static const enum fleet_ask asks[] = {FLEET_DNSKEY, FLEET_SOA, FLEET_EDITION, FLEET_ZONEMD};
	struct dns_ask ask = {.fleet = fleet};
	int rc = 0;
	for (unsigned i = 0; i < TORN_MAX && rc == 0; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(asks) && rc == 0; k++) {
			/* between SOA and ZONEMD, so that they are of one version with both */
			if (asks[k] == FLEET_ZONEMD && !again)
				rc = fleet_draw(fleet);
			if (rc == 0)
				rc = dns_one(&ask, asks[k]);
		}
		if (rc == 0 && is_whole(&ask.version))
			break;
	}
	if (rc != 0)
		return complain(fleet->master.name,
				ask.why[0] != 0 ? ask.why
				: rc == BANYAN_EIO || rc == BANYAN_ETIMEOUT
					? "it does not answer; is a name server running there? --master "
					  "ADDRESS@PORT for another port, --time for a longer wait"
					: error_text(rc));
	if (!is_whole(&ask.version))
		return complain(fleet->master.name, "its ZONEMD is that of another serial than its SOA");
	/* what it has offered since the first time, it has offered by now: when, it does not tell */
	ask.version.at_ms = again ? clock_wall_ms() : 0;
	fleet_master_offer(&fleet->master, &ask.version);
	fleet->master.now_ms = clock_wall_ms();
	return 0;
}

int fleet_master_ask(struct fleet *fleet, bool again)
{
	struct fleet_master *master = &fleet->master;
	int rc = fleet->socket != NULL ? socket_ask(fleet, again ? 0 : fleet->names) : dns_ask(fleet, again);
	if (rc == 0 && !again)
		master->sampled = master->version[master->n - 1];
	return rc;
}
