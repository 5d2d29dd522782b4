// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * NOTIFY out: one struct push_notify for each zone that has somebody to tell, a timer and a socket on the keeper's loop. Registered peers stay over
 * a reload. A version is told of when it has been published to the workers, so who comes for it gets it.
 */
#include "notifies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SOA_MAX (2 * WIRE_NAME_MAX + 20)

struct zone_notify {
	struct zone_notify *next;
	struct push_notify *push;
	struct offered offered;
	bool marked; /* notifies_adopt(): it is still configured */
};

struct notifies {
	struct keeper *keeper;
	struct push_notify_settings settings;
	struct random random;
	struct net_sender *sender;
	uv_timer_t timer;
	struct zone_notify *zone;
	/* names of keys, numbered from 1: the same over all reloads */
	size_t n_names, cap_names;
	char **name;
	char *kept;     /* while the first configuration is taken: registrations of before the start */
	char *versions; /* likewise: the versions of then */
	bool has_news;  /* versions that are not written down yet */
	struct registers_state state;
};

/* ---- keys by number ---- */

static const struct wire_tsig_key *key_of(void *ctx, uint16_t number)
{
	struct notifies *notifies = ctx;
	const struct generation *g = swap_read(&notifies->keeper->swap);
	return number == 0 || number > notifies->n_names ? NULL : keys_find(&g->keys, notifies->name[number - 1], NULL);
}

/* 0: there is no memory, or there are 65,535 of them. */
static uint16_t key_number(struct notifies *notifies, const char *name)
{
	for (size_t i = 0; i < notifies->n_names; i++)
		if (strcasecmp(notifies->name[i], name) == 0)
			return (uint16_t)(i + 1);
	if (notifies->n_names == UINT16_MAX)
		return 0;
	if (notifies->n_names == notifies->cap_names) {
		size_t cap = notifies->cap_names + 8;
		char **more = realloc(notifies->name, cap * sizeof *more);
		if (more == NULL)
			return 0;
		notifies->name = more;
		notifies->cap_names = cap;
	}
	char *copy = strdup(name);
	if (copy == NULL)
		return 0;
	notifies->name[notifies->n_names++] = copy;
	return (uint16_t)notifies->n_names;
}

static uint16_t key_number_of(void *ctx, const char *name)
{
	return key_number(ctx, name);
}

static const char *key_name_of(void *ctx, uint16_t number)
{
	const struct notifies *notifies = ctx;
	return number > 0 && number <= notifies->n_names ? notifies->name[number - 1] : "";
}

/* ---- registrations over restarts ---- */

static void save(struct notifies *notifies, bool now)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	if (!now && !registers_due(&notifies->state))
		return;
	int rc = buffer_printf(&text, "registrations 1\n");
	for (struct zone_notify *zone = notifies->zone; rc == 0 && zone != NULL; zone = zone->next)
		rc = registers_write(&text, zone->push, key_name_of, notifies);
	if (rc == 0)
		registers_save(&notifies->state, swap_read(&notifies->keeper->swap)->config, &text, now);
}

void notifies_look(struct keeper *keeper)
{
	if (keeper->notifies != NULL)
		save(keeper->notifies, false);
}

/* Before the first version is published, so that they hear of what came while nobody was here. */
static void restore(struct notifies *notifies, const struct zone_notify *zone, const char *name)
{
	const struct generation *g = swap_read(&notifies->keeper->swap);
	if (notifies->kept == NULL)
		return;
	size_t n =
		registers_restore(notifies->kept, g, push_notify_apex(zone->push), zone->push, key_number_of, notifies);
	if (n > 0)
		log_info(STATION, "zone %s: %zu registration%s of before the start", name, n, n == 1 ? "" : "s");
}

/* Versions are rare, so they are written down at once. */
static void versions_keep(struct notifies *notifies, const struct config *config)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	char name[WIRE_NAME_TEXT_MAX];
	int rc = 0;
	for (struct zone_notify *zone = notifies->zone; notifies->has_news && rc == 0 && zone != NULL;
	     zone = zone->next)
		rc = offered_write(&zone->offered, wire_name_text(push_notify_apex(zone->push), name), &text);
	if (notifies->has_news && rc == 0)
		versions_save(config, &text);
	notifies->has_news = false;
}

/* ---- sending ---- */

static void on_timer(uv_timer_t *timer);

/* Whoever has not said where he knows us: server.notify-source, else where we listen. Family 0 = the kernel's choice. */
static struct addr source_for(const struct notifies *notifies, const struct addr *to)
{
	const struct config *config = swap_read(&notifies->keeper->swap)->config;
	const struct config_addrs *listen = &config->server.listen, *source = &config->server.notify_source;
	struct addr from;
	for (size_t i = 0; i < source->count; i++)
		if (source->item[i].family == to->family)
			return source->item[i];
	return net_source_for(to, listen->count, listen->item, &from) == 0 ? from : (struct addr){0};
}

/* All that is due goes out; then the timer is set. A message that the socket does not take now counts as lost on the way. */
static void notifies_run(struct notifies *notifies)
{
	int64_t now_ms = clock_mono_ms(), wake_ms = INT64_MAX;
	for (struct zone_notify *zone = notifies->zone; zone != NULL; zone = zone->next) {
		uint8_t out[PUSH_MESSAGE_MAX];
		struct push_message message;
		int len;
		while ((len = push_notify_send(zone->push, now_ms, out, sizeof out, &message)) > 0) {
			if (message.from.family == 0)
				message.from = source_for(notifies, &message.to);
			(void)!net_sender_send(notifies->sender, &message.to, &message.from, out, (size_t)len);
		}
		int64_t at_ms = push_notify_wake(zone->push);
		wake_ms = at_ms < wake_ms ? at_ms : wake_ms;
	}
	if (wake_ms == INT64_MAX)
		uv_timer_stop(&notifies->timer);
	else
		uv_timer_start(&notifies->timer, on_timer, wake_ms > now_ms ? (uint64_t)(wake_ms - now_ms) : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
	notifies_run(timer->data);
}

static void on_reply(void *ctx, const struct addr *from, const uint8_t *msg, size_t len)
{
	struct notifies *notifies = ctx;
	bool taken = false;
	for (struct zone_notify *zone = notifies->zone; zone != NULL && !taken; zone = zone->next)
		taken = push_notify_take(zone->push, from, msg, len, clock_mono_ms());
	if (taken)
		notifies_run(notifies);
}

/* ---- zones ---- */

static struct zone_notify *zone_find_notify(struct notifies *notifies, const uint8_t *apex)
{
	struct zone_notify *zone = notifies->zone;
	while (zone != NULL && !wire_name_equal(push_notify_apex(zone->push), apex))
		zone = zone->next;
	return zone;
}

static struct zone_notify *zone_get(struct notifies *notifies, const uint8_t *apex)
{
	struct zone_notify *zone = zone_find_notify(notifies, apex);
	if (zone != NULL)
		return zone;
	zone = calloc(1, sizeof *zone);
	if (zone == NULL || push_notify_new(apex, &notifies->settings, &zone->push) < 0) {
		free(zone);
		return NULL;
	}
	zone->next = notifies->zone;
	notifies->zone = zone;
	if (notifies->versions != NULL) {
		char name[WIRE_NAME_TEXT_MAX];
		offered_read(&zone->offered, notifies->versions, wire_name_text(apex, name));
	}
	return zone;
}

/* The data of the SOA; 0 = it does not come. */
static size_t soa_of(const struct image *image, uint8_t out[SOA_MAX])
{
	_cleanup_(base_free) uint8_t *msg = malloc(WIRE_MESSAGE_MAX);
	struct wire_question q = {
		.qname = image_apex(image), .qtype = WIRE_TYPE_SOA, .qclass = WIRE_CLASS_IN, .has_question = true};
	struct image_reply reply;
	struct wire_reader reader;
	struct wire_record record;
	q.qname_len = (uint8_t)wire_name_len(q.qname);
	q.labels = (uint8_t)wire_name_labels(q.qname);
	q.end = (uint16_t)(WIRE_HEADER_SIZE + q.qname_len + 4);
	wire_name_lower(q.qname, q.lower);
	struct image_query query = {.question = &q, .minimal = true, .max = WIRE_MESSAGE_MAX};
	int len = msg == NULL ? BANYAN_ENOMEM : image_answer(image, &query, msg, &reply);
	if (len < 0 || wire_reader_init(&reader, msg, (size_t)len) < 0 || wire_reader_next(&reader, &record) <= 0 ||
	    record.type != WIRE_TYPE_SOA)
		return 0;
	int soa_len = wire_record_rdata(&reader, &record, out, SOA_MAX);
	return soa_len < 22 ? 0 : (size_t)soa_len;
}

/* It is not refused: the address may come later. */
static void from_check(const struct config_notify *told)
{
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];
	if (told->from.family != 0 && net_source_check(&told->from) == BANYAN_EUNSUPP)
		log_warning(STATION,
			    "notify: %s is no address of this machine; until it is, %s is notified from another one",
			    addr_format(&told->from, false, from), addr_format(&told->addr, true, to));
}

static int zone_peers(struct notifies *notifies, struct zone_notify *zone, const struct config_list *const list[2])
{
	_cleanup_(base_free) struct push_peer *peer = calloc(list[0]->count + list[1]->count + 1, sizeof *peer);
	size_t n = 0;
	if (peer == NULL)
		return BANYAN_ENOMEM;
	for (int l = 0; l < 2; l++)
		for (size_t i = 0; i < list[l]->count; i++) {
			struct config_notify told;
			if (config_notify_parse(list[l]->item[i], &told) < 0)
				continue; /* looked at when the configuration was read */
			peer[n].addr = told.addr;
			peer[n].from = told.from;
			if (told.key[0] != 0 && (peer[n].key = key_number(notifies, told.key)) == 0)
				return BANYAN_ENOMEM;
			from_check(&told);
			n++;
		}
	return push_notify_configure(zone->push, peer, n, clock_mono_ms());
}

static void zone_adopt(struct notifies *notifies, const char *name, const struct image *image,
		       const struct config_list *const notify[2], bool registering)
{
	uint8_t apex[WIRE_NAME_MAX], soa[SOA_MAX];
	if (wire_name_parse(name, apex) < 0 || (notify[0]->count + notify[1]->count == 0 && !registering))
		return;
	wire_name_lower(apex, apex);
	struct zone_notify *zone = zone_get(notifies, apex);
	if (zone == NULL || zone_peers(notifies, zone, notify) < 0) {
		log_error(STATION, "zone %s: no memory to notify its peers", name);
		return;
	}
	zone->marked = true;
	if (registering)
		restore(notifies, zone, name);
	if (image == NULL)
		return;
	notifies->has_news |= offered_take(&zone->offered, image, clock_wall_ms());
	size_t soa_len = soa_of(image, soa);
	if (push_notify_publish(zone->push, image_serial(image), soa, soa_len, clock_mono_ms()) &&
	    push_notify_count(zone->push) > 0)
		log_info(STATION, "zone %s: serial %u: %zu peer%s to be notified", name, image_serial(image),
			 push_notify_count(zone->push), push_notify_count(zone->push) == 1 ? "" : "s");
}

static void zones_sweep(struct notifies *notifies)
{
	for (struct zone_notify **at = &notifies->zone; *at != NULL;) {
		struct zone_notify *zone = *at;
		if (zone->marked) {
			zone->marked = false;
			at = &zone->next;
			continue;
		}
		*at = zone->next;
		push_notify_free(zone->push);
		offered_done(&zone->offered);
		free(zone);
	}
}

/* ---- life ---- */

static struct notifies *notifies_new(struct keeper *keeper)
{
	struct notifies *notifies = calloc(1, sizeof *notifies);
	struct net_sender_settings sender = {.message = on_reply, .ctx = notifies};
	if (notifies == NULL || net_sender_open(&keeper->loop, &sender, &notifies->sender) < 0) {
		free(notifies);
		return NULL;
	}
	notifies->keeper = keeper;
	random_init_kernel(&notifies->random);
	push_notify_settings_default(&notifies->settings);
	notifies->settings.key = key_of;
	notifies->settings.key_ctx = notifies;
	notifies->settings.random = &notifies->random;
	notifies->settings.counters = &keeper->counters;
	uv_timer_init(&keeper->loop, &notifies->timer);
	notifies->timer.data = notifies;
	return notifies;
}

static bool is_wanted(const struct config *config)
{
	bool wanted = config->root.notify.count + config->root.registering.count > 0;
	for (size_t i = 0; i < config->n_zones && !wanted; i++)
		wanted = config->zones[i].notify.count + config->zones[i].registering.count > 0;
	return wanted;
}

void notifies_forget_keys(struct keeper *keeper)
{
	for (struct zone_notify *zone = keeper->notifies == NULL ? NULL : keeper->notifies->zone; zone != NULL;
	     zone = zone->next)
		push_notify_forget_keys(zone->push);
}

void notifies_adopt(struct keeper *keeper)
{
	static const struct config_list none;
	const struct generation *g = swap_read(&keeper->swap);
	const struct config *config = g->config;
	if (keeper->notifies == NULL && !is_wanted(config))
		return;
	bool first = keeper->notifies == NULL;
	if (first)
		keeper->notifies = notifies_new(keeper);
	struct notifies *notifies = keeper->notifies;
	if (notifies == NULL) {
		log_error(STATION, "no memory to notify peers of new versions");
		return;
	}
	notifies->settings.rate = config->server.notify_rate;
	notifies->settings.registered_max = config->server.registrations;
	notifies->settings.per_address_max = config->server.registrations_per_address;
	notifies->settings.lifetime_max_s = config->server.registration_time_s;
	if (first) {
		notifies->kept = registers_read(config);
		notifies->versions = versions_read(config);
	}
	bool root_is_zone = false;
	for (size_t i = 0; i < config->n_zones; i++) {
		const struct config_zone *from = &config->zones[i];
		bool is_root = strcmp(from->name, ".") == 0;
		const struct config_list *const lists[] = {&from->notify, is_root ? &config->root.notify : &none};
		root_is_zone = root_is_zone || is_root;
		zone_adopt(notifies, from->name, g->zone[i] == NULL ? NULL : g->zone[i]->image, lists,
			   from->registering.count + (is_root ? config->root.registering.count : 0) > 0);
	}
	const struct config_list *const lists[] = {&config->root.notify, &none};
	if (!root_is_zone)
		zone_adopt(notifies, ".", g->root == NULL ? NULL : g->root->image, lists,
			   config->root.registering.count > 0);
	free(notifies->kept);
	free(notifies->versions);
	notifies->kept = notifies->versions = NULL;
	zones_sweep(notifies);
	versions_keep(notifies, config);
	notifies_run(notifies);
}

struct wire_registration notifies_register(struct keeper *keeper, const uint8_t *apex, const char *key,
					   struct push_ask *ask)
{
	struct notifies *notifies = keeper->notifies;
	struct zone_notify *zone = notifies == NULL ? NULL : zone_find_notify(notifies, apex);
	struct wire_registration refused = {.status = WIRE_REGISTRATION_FULL, .port = ask->peer.port};
	if (zone == NULL || (key[0] != 0 && (ask->key = key_number(notifies, key)) == 0))
		return refused;
	struct wire_registration reply = push_notify_register(zone->push, ask, clock_mono_ms());
	notifies_run(notifies);
	return reply;
}

static void on_closed(uv_handle_t *handle)
{
	struct notifies *notifies = handle->data;
	for (size_t i = 0; i < notifies->n_names; i++)
		free(notifies->name[i]);
	free(notifies->name);
	free(notifies);
}

void notifies_end(struct keeper *keeper)
{
	struct notifies *notifies = keeper->notifies;
	if (notifies == NULL)
		return;
	save(notifies, true);
	keeper->notifies = NULL;
	zones_sweep(notifies);
	net_sender_close(notifies->sender);
	uv_close((uv_handle_t *)&notifies->timer, on_closed);
}

/* ---- status ---- */

bool notifies_zone(struct keeper *keeper, const uint8_t *apex, struct notifies_zone *ret)
{
	struct zone_notify *zone = keeper->notifies == NULL ? NULL : zone_find_notify(keeper->notifies, apex);
	if (zone != NULL)
		*ret = (struct notifies_zone){.push = zone->push, .offered = &zone->offered};
	return zone != NULL;
}

const char *notifies_key_name(struct keeper *keeper, uint16_t number)
{
	return keeper->notifies == NULL ? "" : key_name_of(keeper->notifies, number);
}

static void describe_peer(const struct notifies *notifies, const struct push_peer_state *from, struct operate_peer *ret)
{
	int64_t now_ms = clock_mono_ms(), now_s = clock_wall_s();
	*ret = (struct operate_peer){
		.addr = from->addr,
		.key = from->key > 0 && from->key <= notifies->n_names ? notifies->name[from->key - 1] : "",
		.registered = from->registered,
		.benched = from->benched,
		.waiting = from->waiting,
		.has_serial = from->has_serial,
		.serial = from->serial,
		.failures = from->failures,
	};
	if (from->registered) {
		ret->since = now_s - (now_ms - from->since_ms) / 1000;
		ret->until = now_s + (from->until_ms - now_ms) / 1000;
	}
}

/* One zone; its peers in `peer`, which the caller frees. */
static void describe_zone(const struct notifies *notifies, const struct zone_notify *zone, struct operate_notified *ret)
{
	struct push_peer_state state;
	wire_name_text(push_notify_apex(zone->push), ret->zone);
	ret->n = push_notify_count(zone->push);
	ret->n_registered = push_notify_registered(zone->push);
	size_t shown = ret->n < OPERATE_PEERS_MAX ? ret->n : OPERATE_PEERS_MAX;
	ret->peer = calloc(shown + 1, sizeof *ret->peer);
	for (size_t at = 0; ret->peer != NULL && ret->n_shown < shown && push_notify_next(zone->push, &at, &state);)
		describe_peer(notifies, &state, &ret->peer[ret->n_shown++]);
}

size_t notifies_describe(struct keeper *keeper, struct operate_notified **ret)
{
	size_t n = 0;
	struct notifies *notifies = keeper->notifies;
	for (struct zone_notify *zone = notifies == NULL ? NULL : notifies->zone; zone != NULL; zone = zone->next)
		n++;
	struct operate_notified *list = n == 0 ? NULL : calloc(n, sizeof *list);
	if (list == NULL)
		return 0;
	n = 0;
	for (struct zone_notify *zone = notifies->zone; zone != NULL; zone = zone->next)
		describe_zone(notifies, zone, &list[n++]);
	*ret = list;
	return n;
}

void notifies_described(struct operate_notified *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].peer);
	free(list);
}
