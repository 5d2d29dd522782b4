// SPDX-License-Identifier: GPL-3.0-or-later
/* All nodes of a fleet, asked at once: first for their serial, those that reply for all else; and those in their registers, too. */
#include "fleet.h"

#include <stdlib.h>
#include <string.h>

#define AGAIN_MAX       2 /* times that a node is asked anew, when its version has changed between two questions */
#define SAMPLES_AT_ONCE 4

/* One node while it is asked. */
struct visit {
	struct fleet *fleet;
	uint32_t at;      /* of the node: the table may move */
	unsigned pending; /* questions on their way */
	unsigned again;
	bool extras; /* identity, version and register have been asked for */
	bool plain;  /* it does not know the key for registers: it may show its own without */
	uint32_t page, pages;
	bool same_version;      /* as the samples are of: they must be equal; else the keys must prove them */
	size_t sample, samples; /* the next one, behind the last one */
	unsigned looking;       /* those on their way */
};
struct visit_question {
	struct visit *visit;
	enum fleet_ask ask;
	size_t sample;
};

static void walk_on(struct fleet *fleet);

/* ---- the table of nodes ---- */

static size_t slot_of(const struct fleet *fleet, const struct addr *addr)
{
	size_t slot = (size_t)hash_sip(addr, sizeof *addr, fleet->hash_key) & (fleet->slots - 1);
	while (fleet->place[slot].at != 0 && !addr_equal(&fleet->node[fleet->place[slot].at - 1].addr, addr))
		slot = (slot + 1) & (fleet->slots - 1);
	return slot;
}

static bool table_grow(struct fleet *fleet)
{
	size_t cap = fleet->cap == 0 ? 64 : fleet->cap * 2;
	struct fleet_node *node = realloc(fleet->node, cap * sizeof *node);
	if (node == NULL)
		return false;
	fleet->node = node;
	struct fleet_place *place = calloc(cap * 2, sizeof *place);
	if (place == NULL)
		return false;
	free(fleet->place);
	fleet->place = place;
	fleet->slots = cap * 2;
	fleet->cap = cap;
	for (uint32_t i = 0; i < fleet->n; i++)
		place[slot_of(fleet, &node[i].addr)].at = i + 1;
	return true;
}

bool fleet_add(struct fleet *fleet, const struct fleet_peer *peer, uint32_t via, bool given)
{
	struct addr addr = {.family = peer->addr.family, .port = peer->addr.port}; /* no padding in the hash */
	memcpy(addr.ip, peer->addr.ip, sizeof addr.ip);
	if (fleet->n == fleet->cap && (fleet->n >= FLEET_NODES_MAX || !table_grow(fleet))) {
		fleet->too_many = true;
		return false;
	}
	size_t slot = slot_of(fleet, &addr);
	if (fleet->place[slot].at == 0) {
		fleet->place[slot].at = (uint32_t)fleet->n + 1;
		fleet->node[fleet->n++] = (struct fleet_node){
			.addr = addr,
			.via = via,
			.depth = via == FLEET_NOBODY ? 0 : (uint8_t)(fleet->node[via].depth + 1),
		};
	}
	struct fleet_node *node = &fleet->node[fleet->place[slot].at - 1];
	node->given |= given;
	node->registered |= peer->registered;
	node->told_by += !given;
	return true;
}

void fleet_done(struct fleet *fleet)
{
	free(fleet->node);
	free(fleet->place);
	fleet_master_done(&fleet->master);
	dnssec_anchors_done(&fleet->anchors);
}

/* ---- what others say of whom they tell ---- */

static void take_register(struct visit *visit, const struct fleet_reply *reply)
{
	struct fleet *fleet = visit->fleet;
	struct addr teller = fleet->node[visit->at].addr;
	if (visit->page == 0) {
		visit->pages = reply->pages;
		fleet->node[visit->at].peers = reply->total;
		fleet->node[visit->at].shows = FLEET_REGISTER_SHOWN;
	}
	for (size_t i = 0; i < reply->n_peers; i++)
		if (fleet_may_ask(&reply->peer[i].addr, &teller))
			(void)!fleet_add(fleet, &reply->peer[i], visit->at, false);
}

/* ---- what a node says of itself ---- */

static void take_serial(struct fleet *fleet, struct fleet_node *node, const struct fleet_reply *reply)
{
	node->rcode = reply->rcode;
	node->authoritative = reply->authoritative;
	node->has_serial = reply->rcode == WIRE_RCODE_NOERROR && reply->set.count == 1 && reply->rdata[0].len >= 22;
	memcpy(node->nsid, reply->nsid, sizeof node->nsid);
	if (!node->has_serial)
		return;
	node->serial = wire_get32(reply->rdata[0].data + reply->rdata[0].len - 20); /* RFC 1035 section 3.3.13 */
	if (fleet->master.is_signed)
		node->soa_proof =
			fleet_prove_again(&fleet->proofs, fleet->hash_key, fleet->master.keys, reply, clock_wall_s());
}

static void take_digests(struct fleet *fleet, struct fleet_node *node, const struct fleet_reply *reply)
{
	node->digest_rcode = reply->rcode;
	node->has_digest_reply = reply->rcode == WIRE_RCODE_NOERROR;
	fleet_digests_of(&reply->set, &node->digests);
	node->digest_proof = FLEET_NOT_ASKED;
	if (fleet->master.is_signed && reply->set.count > 0)
		node->digest_proof =
			fleet_prove_again(&fleet->proofs, fleet->hash_key, fleet->master.keys, reply, clock_wall_s());
}

/* Its dates, if the zone's keys have signed them. */
static void take_edition(struct fleet *fleet, struct fleet_node *node, const struct fleet_reply *reply)
{
	struct zone_edition edition = {0};
	const char *why;
	node->valid_from = node->valid_until = 0;
	if (fleet->master.is_signed && fleet_prove_again(&fleet->proofs, fleet->hash_key, fleet->master.keys, reply,
							 clock_wall_s()) > FLEET_UNCHECKED)
		return;
	for (uint32_t i = 0; i < reply->set.count; i++)
		if (zone_edition_take(reply->rdata[i].data, reply->rdata[i].len, &edition, &why) < 0)
			return;
	if (edition.valid_from > 0 && edition.valid_until > edition.valid_from) {
		node->valid_from = edition.valid_from;
		node->valid_until = edition.valid_until;
	}
}

static void take(struct visit *visit, enum fleet_ask ask, const struct fleet_reply *reply)
{
	struct fleet_node *node = &visit->fleet->node[visit->at];
	if (ask == FLEET_SOA)
		take_serial(visit->fleet, node, reply);
	else if (ask == FLEET_ZONEMD)
		take_digests(visit->fleet, node, reply);
	else if (ask == FLEET_EDITION)
		take_edition(visit->fleet, node, reply);
	else if (ask == FLEET_VERSION && reply->has_text)
		memcpy(node->version, reply->text, sizeof node->version);
	else if ((ask == FLEET_ID || ask == FLEET_HOSTNAME) && reply->has_text)
		memcpy(node->id, reply->text, sizeof node->id);
	else if (ask == FLEET_REGISTER && reply->has_text)
		take_register(visit, reply);
	else if (ask == FLEET_REGISTER && visit->page == 0)
		node->shows = FLEET_REGISTER_HIDDEN;
}

/* ---- questions of a visit ---- */

static void visit_on(struct visit *visit, enum fleet_ask ask, bool heard);
static void ask_sample(struct visit *visit, size_t sample);

/* The worst of what was found stays. Who serves the zone below a delegation, too, is asked for its DS instead. */
static void take_data(struct visit *visit, size_t sample, const struct fleet_reply *reply)
{
	struct fleet *fleet = visit->fleet;
	enum fleet_data data = reply == NULL
				       ? FLEET_DATA_REFUSED
				       : fleet_data_look(fleet, sample, visit->same_version, reply, clock_wall_s());
	struct fleet_node *node = &fleet->node[visit->at];
	visit->looking--;
	if (data > node->data) {
		node->data = data;
		node->data_at = (uint8_t)sample;
	}
	if (data == FLEET_DATA_CHILD && sample + 1 < visit->samples && fleet->master.sample[sample + 1].instead)
		ask_sample(visit, sample + 1);
}

static void on_reply(void *ctx, int error, const struct fleet_reply *reply, int64_t rtt_us, bool over_tcp)
{
	struct visit_question *question = ctx;
	struct visit *visit = question->visit;
	struct fleet *fleet = visit->fleet;
	struct fleet_node *node = &fleet->node[visit->at];
	enum fleet_ask ask = question->ask;
	size_t sample = question->sample;
	free(question);
	fleet->busy--;
	visit->pending--;
	if (reply != NULL && !over_tcp && (node->rtt_us == 0 || rtt_us < node->rtt_us))
		node->rtt_us = rtt_us;
	if (reply != NULL && over_tcp && ask == FLEET_SOA) { /* two ways: one to connect */
		node->rtt_us = rtt_us / 2;
		node->over_tcp = true;
	}
	node->heard |= reply != NULL || error == BANYAN_EMALF;
	node->is_malformed |= error == BANYAN_EMALF;
	if (ask == FLEET_DATA)
		take_data(visit, sample, reply);
	else if (reply != NULL)
		take(visit, ask, reply);
	else if (ask == FLEET_REGISTER)
		visit->pages = 0;
	visit_on(visit, ask, reply != NULL);
	walk_on(fleet);
}

/* An unsent question counts as one without reply. `sample`: of FLEET_DATA. */
static bool ask_about(struct visit *visit, enum fleet_ask ask, size_t sample)
{
	struct fleet *fleet = visit->fleet;
	const struct fleet_node *node = &fleet->node[visit->at];
	struct visit_question *question = malloc(sizeof *question);
	if (question == NULL)
		return false;
	*question = (struct visit_question){.visit = visit, .ask = ask, .sample = sample};
	struct fleet_ask_settings settings = {
		.to = node->addr,
		.question = {.ask = ask,
			     .page = (uint16_t)visit->page,
			     .apex = fleet->apex,
			     .name = fleet->master.sample[sample].name,
			     .type = fleet->master.sample[sample].type},
		.udp_ms = node->over_tcp || (ask == FLEET_REGISTER && visit->page > 0) ? 0 : fleet->time_ms,
		.tcp_ms = fleet->time_ms,
		.key = ask == FLEET_REGISTER && !visit->plain ? fleet->key : NULL,
		.random = &fleet->random,
		.done = on_reply,
		.ctx = question,
	};
	if (fleet_ask_start(&fleet->loop, &settings) < 0) {
		free(question);
		return false;
	}
	fleet->questions++;
	fleet->busy++;
	visit->pending++;
	return true;
}

static void ask_one(struct visit *visit, enum fleet_ask ask)
{
	(void)ask_about(visit, ask, 0);
}

static void ask_sample(struct visit *visit, size_t sample)
{
	visit->looking += ask_about(visit, FLEET_DATA, sample);
}

/* Some at a time, so that a node need not answer them all at once. */
static void ask_samples(struct visit *visit)
{
	while (visit->looking < SAMPLES_AT_ONCE && visit->sample < visit->samples) {
		size_t sample = visit->sample++;
		if (!visit->fleet->master.sample[sample].instead)
			ask_sample(visit, sample);
	}
}

/* It has said which version it has: what do its data say? Who shows another digest for the serial needs no further look, and of another
 * version nothing can be said where nothing is signed. */
static void begin_samples(struct visit *visit)
{
	const struct fleet_master *master = &visit->fleet->master;
	const struct fleet_node *node = &visit->fleet->node[visit->at];
	bool same_serial = node->serial == master->sampled.serial;
	visit->same_version = same_serial && fleet_digests_equal(&node->digests, &master->sampled.digests);
	if (visit->same_version || (!same_serial && master->is_signed))
		visit->samples = master->n_samples;
	ask_samples(visit);
}

static void visit_begin(struct visit *visit)
{
	struct fleet_node *node = &visit->fleet->node[visit->at];
	node->asked_ms = clock_wall_ms();
	node->data = FLEET_DATA_NOT_ASKED;
	visit->sample = visit->samples = 0;
	ask_one(visit, FLEET_SOA);
}

/* It says who it is, what it has, and whom it tells: all at once. */
static void ask_rest(struct visit *visit)
{
	struct fleet *fleet = visit->fleet;
	struct fleet_node *node = &fleet->node[visit->at];
	const struct fleet_master *master = &fleet->master;
	bool digested = false;
	for (size_t i = 0; i < master->n; i++)
		digested |= master->version[i].digests.n > 0;
	node->asked_digest = node->has_serial && digested;
	if (node->asked_digest)
		ask_one(visit, FLEET_ZONEMD);
	else if (node->has_serial)
		begin_samples(visit);
	if (node->has_serial && master->is_dated)
		ask_one(visit, FLEET_EDITION);
	if (visit->extras)
		return;
	visit->extras = true;
	ask_one(visit, FLEET_ID);
	ask_one(visit, FLEET_VERSION);
	if (!fleet->no_register && fleet->node[visit->at].depth < fleet->depth_max)
		ask_one(visit, FLEET_REGISTER);
}

/* Its version has changed between the question for the serial and the one for the digest, or those for data: all are asked anew. */
static bool is_torn(const struct visit *visit)
{
	const struct fleet_node *node = &visit->fleet->node[visit->at];
	bool digest = node->digests.n > 0 && wire_get32(node->digests.data[0]) != node->serial;
	return visit->again < AGAIN_MAX && node->has_serial && (digest || node->data > FLEET_DATA_REFUSED);
}

static void visit_on(struct visit *visit, enum fleet_ask ask, bool heard)
{
	struct fleet *fleet = visit->fleet;
	const struct fleet_node *node = &fleet->node[visit->at];
	if (ask == FLEET_SOA && heard)
		ask_rest(visit);
	if (ask == FLEET_ZONEMD && heard)
		begin_samples(visit);
	if (ask == FLEET_DATA)
		ask_samples(visit);
	if (ask == FLEET_ID && node->id[0] == 0 && heard)
		ask_one(visit, FLEET_HOSTNAME);
	if (ask == FLEET_REGISTER && heard && node->shows == FLEET_REGISTER_HIDDEN && fleet->key != NULL &&
	    !visit->plain) {
		visit->plain = true;
		ask_one(visit, FLEET_REGISTER);
	} else if (ask == FLEET_REGISTER && visit->page + 1 < visit->pages) {
		visit->page++;
		ask_one(visit, FLEET_REGISTER);
	}
	if (visit->pending == 0 && is_torn(visit)) {
		visit->again++;
		visit_begin(visit);
	}
	if (visit->pending == 0)
		free(visit);
}

/* ---- all of them ---- */

static void walk_on(struct fleet *fleet)
{
	while (fleet->next < fleet->n && fleet->busy < fleet->at_once) {
		struct visit *visit = calloc(1, sizeof *visit);
		if (visit == NULL)
			return;
		*visit = (struct visit){.fleet = fleet, .at = (uint32_t)fleet->next++};
		visit_begin(visit);
		if (visit->pending == 0)
			free(visit);
	}
}

int fleet_walk(struct fleet *fleet)
{
	int64_t started_ms = clock_mono_ms();
	walk_on(fleet);
	if (uv_run(&fleet->loop, UV_RUN_DEFAULT) != 0 || fleet->next < fleet->n)
		return BANYAN_ENOMEM;
	fleet->took_ms = clock_mono_ms() - started_ms;
	return 0;
}
