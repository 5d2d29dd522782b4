// SPDX-License-Identifier: GPL-3.0-or-later
/* Notifications for copies (RFC 1996): who may send one is known to workers, what follows from it is decided in the keeper. A storm of them is
 * one word that is there already, and one for each address, so that whoever forges one's does not drown the other's. */
#include "copies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEWS        ((uint64_t)1 << 63)
#define NEWS_SERIAL ((uint64_t)1 << 62) /* the bits below 32: the serial */

struct copy_door {
	uint8_t apex[WIRE_NAME_MAX];
	bool is_root;
	const struct config_copy *copy; /* its networks; of the same generation */
	size_t n_addrs, n_keys;
	struct addr *addr;          /* of the sources */
	struct wire_tsig_key **key; /* of the sources */
	/* by the address they came from, and of somebody else at the end: n_addrs + 1; 0 = nothing that the keeper does not know */
	_Atomic uint64_t *news;
};

/* ---- made with a generation ---- */

void copies_doors_free(struct copy_door *door, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < door[i].n_keys; k++)
			wire_tsig_key_free(door[i].key[k]);
		free(door[i].key);
		free(door[i].addr);
		free(door[i].news);
	}
	free(door);
}

static int door_addrs(struct copy_door *door, const struct pull_source *source)
{
	struct addr *more = realloc(door->addr, (door->n_addrs + source->n_addresses + 1) * sizeof *more);
	if (more == NULL)
		return BANYAN_ENOMEM;
	door->addr = more;
	memcpy(more + door->n_addrs, source->address, source->n_addresses * sizeof *more);
	door->n_addrs += source->n_addresses;
	return 0;
}

static int door_key(struct copy_door *door, const struct config *config, const struct pull_source *source,
		    char why[REFUSAL_TEXT_MAX])
{
	char name[WIRE_NAME_TEXT_MAX];
	size_t len = strlen(source->key);
	if (len == 0 || (source->kind != PULL_SOURCE_XFR && source->kind != PULL_SOURCE_XOT))
		return 0;
	struct wire_tsig_key **more = realloc(door->key, (door->n_keys + 1) * sizeof(struct wire_tsig_key *));
	if (more == NULL)
		return BANYAN_ENOMEM;
	door->key = more;
	snprintf(name, sizeof name, "%.1000s%s", source->key, source->key[len - 1] == '.' ? "" : ".");
	int rc = key_load(config, name, &door->key[door->n_keys], why);
	door->n_keys += rc == 0;
	return rc;
}

static int door_source(struct copy_door *door, const struct config *config, const struct copy_plan *plan,
		       const char *text, char why[REFUSAL_TEXT_MAX])
{
	_cleanup_(base_free) struct pull_source *source = malloc(sizeof *source);
	char word[PULL_WHY_MAX];
	if (source == NULL)
		return BANYAN_ENOMEM;
	int rc = pull_source_parse(text, source, word);
	if (rc < 0) {
		snprintf(why, REFUSAL_TEXT_MAX, "%s: sources of %s%.255s: %s", config->path,
			 plan->is_root ? "the root copy, " : "zone ", plan->zone, word);
		return BANYAN_ECONFIG;
	}
	rc = door_addrs(door, source);
	return rc == 0 ? door_key(door, config, source, why) : rc;
}

static int door_make(struct copy_door *door, const struct config *config, const struct copy_plan *plan,
		     char why[REFUSAL_TEXT_MAX])
{
	char store[PATH_MAX];
	const struct config_list *sources = &plan->copy->sources;
	bool is_auto = sources->count == 1 && strcmp(sources->item[0], "auto") == 0;
	door->is_root = plan->is_root;
	door->copy = plan->copy;
	(void)!wire_name_parse(plan->zone, door->apex);
	wire_name_lower(door->apex, door->apex);
	if (!copies_store_path(config, plan, store)) {
		snprintf(why, REFUSAL_TEXT_MAX,
			 "%s: %s has sources, but there is no folder in which its copies could be kept: name one in %s",
			 config->path, plan->is_root ? "the root copy" : plan->zone,
			 plan->is_root ? "root.store" : "store of that zone");
		return BANYAN_ECONFIG;
	}
	int rc = 0;
	for (size_t i = 0; rc == 0 && !is_auto && i < sources->count; i++)
		rc = door_source(door, config, plan, sources->item[i], why);
	if (rc < 0)
		return rc;
	door->news = calloc(door->n_addrs + 1, sizeof *door->news);
	return door->news == NULL ? BANYAN_ENOMEM : 0;
}

int copies_doors_make(const struct config *config, struct copy_door **ret, size_t *ret_n, char why[REFUSAL_TEXT_MAX])
{
	struct copy_plan plan;
	size_t n = 0;
	while (copies_plan(config, n, &plan))
		n++;
	struct copy_door *door = calloc(n + 1, sizeof *door);
	int rc = door == NULL ? BANYAN_ENOMEM : 0;
	for (size_t i = 0; rc == 0 && i < n && copies_plan(config, i, &plan); i++)
		rc = door_make(&door[i], config, &plan, why);
	if (rc < 0) {
		copies_doors_free(door, door == NULL ? 0 : n);
		return rc;
	}
	*ret = door;
	*ret_n = n;
	return 0;
}

const uint8_t *copies_door_apex(const struct generation *g, const char *zone)
{
	uint8_t apex[WIRE_NAME_MAX];
	(void)!wire_name_parse(zone, apex);
	for (size_t i = 0; i < g->n_doors; i++)
		if (!g->door[i].is_root && wire_name_equal(g->door[i].apex, apex))
			return g->door[i].apex;
	return (const uint8_t *)"";
}

/* ---- in the keeper ---- */

static size_t source_of(const struct copy *copy, const struct addr *addr)
{
	for (size_t i = 0; i < copy->n_sources; i++)
		for (size_t k = 0; k < copy->source[i]->source.n_addresses; k++)
			if (addr_equal(&copy->source[i]->source.address[k], addr))
				return i;
	return PULL_NO_SOURCE;
}

static struct copy *copy_behind(struct keeper *keeper, const struct copy_door *door)
{
	struct copy *copy = keeper->copies;
	while (copy != NULL && (copy->is_root != door->is_root || !wire_name_equal(copy->apex, door->apex)))
		copy = copy->next;
	return copy;
}

static void door_look(struct keeper *keeper, const struct copy_door *door)
{
	struct copy *copy = copy_behind(keeper, door);
	for (size_t from = 0; from <= door->n_addrs; from++) {
		uint64_t news = atomic_exchange(&door->news[from], 0);
		if (news == 0 || copy == NULL)
			continue;
		struct pull_event event = {
			.kind = PULL_EVENT_NOTIFIED,
			.source = from < door->n_addrs ? source_of(copy, &door->addr[from]) : PULL_NO_SOURCE,
			.has_serial = (news & NEWS_SERIAL) != 0,
			.serial = (uint32_t)news,
		};
		copy_tell(copy, &event);
	}
}

/* Telling one copy may put another generation in the place of this one, whose doors are these. */
static void on_notified(void *ctx)
{
	struct keeper *keeper = ctx;
	const struct generation *g = swap_read(&keeper->swap);
	struct copy_door *door = g->door;
	for (size_t i = 0, n = g->n_doors; i < n; i++)
		door_look(keeper, &door[i]);
}

/* ---- in a worker ---- */

static bool same_host(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, a->family == 4 ? 4 : 16) == 0;
}

/* By whom: a place in news, or -1 for who may not. */
static int64_t who(const struct copy_door *door, const struct addr *peer)
{
	for (size_t i = 0; i < door->n_addrs; i++)
		if (same_host(&door->addr[i], peer))
			return (int64_t)i;
	for (size_t i = 0; i < door->copy->notify_from.count; i++)
		if (addr_prefix_match(&door->copy->notify_from.item[i], peer))
			return (int64_t)door->n_addrs;
	return -1;
}

/* A good signature says enough, wherever it comes from; a bad one, that nothing of it is to be believed. */
static int64_t who_signed(const struct copy_door *door, const struct answer_request *request, struct wire_tsig *tsig)
{
	for (size_t i = 0; i < door->n_keys; i++) {
		tsig->key = door->key[i];
		if (wire_tsig_check(tsig, request->msg, request->len) == 0) {
			int64_t from = who(door, &request->peer);
			return from >= 0 ? from : (int64_t)door->n_addrs;
		}
		wire_tsig_done(tsig);
		*tsig = (struct wire_tsig){0};
	}
	return -1;
}

static void post(struct keeper *keeper, struct copy_door *door, const struct sync_notify *notify, int64_t from)
{
	uint64_t news = NEWS | (notify->has_serial ? NEWS_SERIAL | notify->serial : 0), was = 0;
	/* what the keeper has not seen yet stays if it says more: no serial is always news, else the newest is */
	while (!atomic_compare_exchange_weak(&door->news[from], &was, news))
		if (was != 0 && ((was & NEWS_SERIAL) == 0 ||
				 (notify->has_serial && !sync_serial_newer(notify->serial, (uint32_t)was))))
			return;
	if (was == 0)
		(void)!keeper_post(keeper, on_notified, keeper);
}

int copies_notify(struct keeper *keeper, const struct answer_request *request, struct counters *counters)
{
	struct sync_notify notify;
	struct wire_tsig tsig = {0};
	bool is_mine = false, good = false, is_signed = false;
	if (keeper == NULL || request->len < 12 || (request->msg[2] & 0xf8) != WIRE_OPCODE_NOTIFY << 3)
		return FEEDS_NOT_MINE;
	const struct generation *g = swap_read(&keeper->swap);
	if (g->n_doors == 0 || !sync_notify_parse(request->msg, request->len, &notify))
		return FEEDS_NOT_MINE;
	for (size_t i = 0; i < g->n_doors;
	     i++) { /* the root may come in by two: as the resolver's copy, and as a zone */
		struct copy_door *door = &g->door[i];
		if (!wire_name_equal(door->apex, notify.apex))
			continue;
		is_mine = true;
		struct wire_tsig second = {0}; /* the reply is signed by what the first one has made of it */
		int64_t from = !notify.is_signed ? who(door, &request->peer)
						 : who_signed(door, request, is_signed ? &second : &tsig);
		wire_tsig_done(&second);
		is_signed = is_signed || (notify.is_signed && from >= 0);
		if (from < 0)
			continue;
		good = true;
		post(keeper, door, &notify, from);
	}
	if (!is_mine)
		return FEEDS_NOT_MINE;
	counter_add(counters, good ? COUNTER_COPY_NOTIFIES : COUNTER_COPY_NOTIFIES_REFUSED, 1);
	int len = sync_notify_reply(&notify, good ? WIRE_RCODE_NOERROR : WIRE_RCODE_NOTAUTH, is_signed ? &tsig : NULL,
				    request->out, WIRE_MESSAGE_MAX);
	wire_tsig_done(&tsig);
	return len < 0 ? 0 : len;
}
