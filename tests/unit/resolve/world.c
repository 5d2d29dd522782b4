// SPDX-License-Identifier: GPL-3.0-or-later
/* A small Internet in virtual time. */
#include "world.h"

#include "../test.h"

const uint8_t world_evil_ip[4] = {6, 6, 6, 6};

/* Something that will arrive: a reply (len > 0) or a failure of the network. */
struct world_event {
	struct world_event *next;
	int64_t at_ms;
	uint64_t exchange;
	bool tcp;
	int error;
	struct addr from;
	size_t len;
	uint8_t msg[];
};

struct world_open {
	struct world_open *next;
	uint64_t exchange;
};

/* ---- building ---- */

struct world *world_new(uint64_t seed, const struct resolve_settings *settings)
{
	struct world *world = calloc(1, sizeof *world);
	assert_non_null(world);
	resolve_settings_default(&world->settings);
	if (settings != NULL)
		world->settings = *settings;
	random_init_seed(&world->random, seed);
	random_init_seed(&world->dice, seed ^ 0x6a09e667f3bcc908u);
	world->now_ms = 1000000;
	world->wake_at_ms = INT64_MAX;
	assert_int_equal(resolve_cache_new_random((size_t)1 << 20, &world->random, &world->cache), 0);
	assert_int_equal(resolve_new(&world->settings, world->cache, &world->random, &world->counters, &world->engine),
			 0);
	return world;
}

void world_free(struct world *world)
{
	resolve_free(world->engine);
	resolve_cache_free(world->cache);
	while (world->events != NULL) {
		struct world_event *event = world->events;
		world->events = event->next;
		free(event);
	}
	while (world->open != NULL) {
		struct world_open *open = world->open;
		world->open = open->next;
		free(open);
	}
	for (size_t i = 0; i < world->n_zones; i++) {
		image_free(world->zone[i].image);
		zone_free(world->zone[i].zone);
	}
	free(world);
}

const struct image *world_zone(struct world *world, const char *origin, const char *text)
{
	uint8_t name[WIRE_NAME_MAX];
	struct zone_error error;
	assert_true(world->n_zones < WORLD_ZONES_MAX);
	struct world_zone *zone = &world->zone[world->n_zones];
	assert_true(wire_name_parse(origin, name) > 0);
	struct zone_read_settings settings = {.origin = name, .default_ttl = 300};
	if (zone_read_text(origin, text, strlen(text), &settings, NULL, NULL, &zone->zone, &error) < 0)
		fail_msg("zone %s: line %lu: %s", origin, error.line, error.text);
	assert_int_equal(image_compile(zone->zone, &zone->image), 0);
	world->n_zones++;
	return zone->image;
}

void world_root(struct world *world, const char *text)
{
	world->root = world_zone(world, ".", text);
}

struct world_server *world_server(struct world *world, const char *addr, unsigned habits, int64_t rtt_ms)
{
	assert_true(world->n_servers < WORLD_SERVERS_MAX);
	struct world_server *server = &world->server[world->n_servers++];
	*server = (struct world_server){.habits = habits, .rtt_ms = rtt_ms};
	assert_int_equal(addr_parse(addr, 53, &server->addr), 0);
	return server;
}

void world_serve(struct world_server *server, const struct image *image)
{
	assert_true(server->n_zones < ARRAY_SIZE(server->image));
	server->image[server->n_zones++] = image;
}

/* ---- servers ---- */

/* The longest match; for DS the one above, if it is served too (RFC 4035 section 3.1.4.1). */
static const struct image *server_zone(const struct world_server *server, const struct wire_question *q)
{
	const struct image *best = NULL, *apex = NULL;
	for (size_t i = 0; i < server->n_zones; i++) {
		const uint8_t *zone = image_apex(server->image[i]);
		if (q->qtype == WIRE_TYPE_DS && wire_name_equal(q->lower, zone))
			apex = server->image[i];
		else if (wire_name_under(q->lower, zone) &&
			 (best == NULL || wire_name_labels(zone) > wire_name_labels(image_apex(best))))
			best = server->image[i];
	}
	return best != NULL ? best : apex;
}

/* A bare reply: header and question. */
static int reply_bare(const struct wire_question *q, uint16_t flags, uint8_t *out)
{
	struct wire_writer writer;
	assert_int_equal(wire_writer_init(&writer, out, 512, q->id, (uint16_t)(WIRE_QR | flags)), 0);
	assert_int_equal(wire_writer_question(&writer, q->qname, q->qtype, q->qclass), 0);
	return (int)wire_writer_finish(&writer);
}

static void add_record(struct wire_writer *writer, enum wire_section section, const char *owner, uint16_t type,
		       const void *data, uint16_t len)
{
	uint8_t name[WIRE_NAME_MAX];
	struct wire_rdata rdata = {data, len};
	assert_true(wire_name_parse(owner, name) > 0);
	assert_int_equal(wire_writer_record(writer, section, name, type, WIRE_CLASS_IN, 86400, &rdata), 0);
}

/* Appends records of names that the server is not asked about, in every section. */
static int poison(uint8_t *msg, size_t len)
{
	static const uint8_t evil_ns[] = "\2ns\4evil\7example";
	uint8_t scratch[1024];
	struct wire_writer writer;
	assert_int_equal(wire_writer_init(&writer, scratch, sizeof scratch, 0, 0), 0);
	add_record(&writer, WIRE_ADDITIONAL, "www.d0.tld0.", WIRE_TYPE_A, world_evil_ip, 4);
	add_record(&writer, WIRE_ADDITIONAL, "www.d1.tld1.", WIRE_TYPE_A, world_evil_ip, 4);
	add_record(&writer, WIRE_ADDITIONAL, "tld0.", WIRE_TYPE_NS, evil_ns, sizeof evil_ns);
	add_record(&writer, WIRE_ADDITIONAL, "ns.evil.example.", WIRE_TYPE_A, world_evil_ip, 4);
	size_t more = wire_writer_finish(&writer) - WIRE_HEADER_SIZE;
	memcpy(msg + len, scratch + WIRE_HEADER_SIZE, more);
	wire_put16(msg + 10, (uint16_t)(wire_get16(msg + 10) + 4));
	return (int)(len + more);
}

static int add_opt(uint8_t *msg, int len, bool do_bit)
{
	static const uint8_t opt[11] = {0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0};
	memcpy(msg + len, opt, sizeof opt);
	if (do_bit)
		msg[len + 7] = 0x80;
	wire_put16(msg + 10, (uint16_t)(wire_get16(msg + 10) + 1));
	return len + (int)sizeof opt;
}

/* Refers to the root, as misconfigured servers did. */
static int reply_upward(const struct wire_question *q, uint8_t *out)
{
	static const uint8_t a_root[] = "\1a\4root";
	struct wire_writer writer;
	assert_int_equal(wire_writer_init(&writer, out, 512, q->id, WIRE_QR), 0);
	assert_int_equal(wire_writer_question(&writer, q->qname, q->qtype, q->qclass), 0);
	add_record(&writer, WIRE_AUTHORITY, ".", WIRE_TYPE_NS, a_root, sizeof a_root);
	return (int)wire_writer_finish(&writer);
}

static bool is_empty_name(const struct world *world, const struct image *image, const uint8_t *name)
{
	for (size_t i = 0; i < world->n_zones; i++) {
		if (world->zone[i].image != image)
			continue;
		const struct zone_node *node = zone_find(world->zone[i].zone, name);
		return node != NULL && (node->flags & ZONE_NODE_EMPTY) != 0;
	}
	return false;
}

static int server_image(const struct world *world, const struct world_server *server, const struct wire_question *q,
			bool tcp, uint8_t *out)
{
	const struct image *image = server_zone(server, q);
	if (image == NULL)
		return reply_bare(q, WIRE_RCODE_REFUSED, out);
	size_t max = tcp ? 60000 : q->edns.present ? q->edns.udp_size : 512;
	struct image_query query = {.question = q, .dnssec = q->edns.do_bit, .max = max, .reserve = 11};
	struct image_reply reply;
	int len = image_answer(image, &query, out, &reply);
	assert_true(len >= WIRE_HEADER_SIZE);
	if ((server->habits & WORLD_DENIES_ENT) && is_empty_name(world, image, q->lower))
		out[3] |= WIRE_RCODE_NXDOMAIN;
	if (server->habits & WORLD_RECURSES)
		wire_put16(out + 2, (uint16_t)((wire_get16(out + 2) & ~WIRE_AA) | WIRE_RA));
	if (server->habits & WORLD_POISONS)
		len = poison(out, (size_t)len);
	return q->edns.present ? add_opt(out, len, q->edns.do_bit) : len;
}

int world_server_answer(struct world *world, struct world_server *server, bool tcp, const uint8_t *msg, size_t len,
			uint8_t *out)
{
	struct wire_question q;
	assert_int_equal(wire_question_parse(msg, len, &q), WIRE_ANSWERABLE);
	server->asked++;
	server->asked_tcp += tcp;
	if ((server->habits & WORLD_UNREACHABLE) || (tcp && (server->habits & WORLD_NO_TCP)))
		return BANYAN_EIO;
	if (server->habits & WORLD_DEAD)
		return 0;
	if ((server->habits & WORLD_NO_EDNS) && q.edns.present)
		return reply_bare(&q, WIRE_RCODE_FORMERR, out);
	if (server->habits & WORLD_REFUSED)
		return reply_bare(&q, WIRE_RCODE_REFUSED, out);
	if (server->habits & WORLD_SERVFAIL)
		return reply_bare(&q, WIRE_RCODE_SERVFAIL, out);
	if (server->habits & WORLD_UPWARD)
		return reply_upward(&q, out);
	if ((server->habits & WORLD_TRUNCATES) && !tcp)
		return reply_bare(&q, WIRE_TC | WIRE_AA, out);
	int made = server_image(world, server, &q, tcp, out);
	if ((server->habits & WORLD_GARBAGE) && made > q.end) {
		out[7] = 9; /* more answers than there are */
		made = q.end + (made - q.end) / 2;
	}
	if (server->habits & WORLD_LOWERCASE)
		memcpy(out + WIRE_HEADER_SIZE, q.lower, q.qname_len);
	return made;
}

/* ---- the network ---- */

static bool chance(struct world *world, unsigned percent)
{
	return percent > 0 && random_below(&world->dice, 100) < percent;
}

static void post(struct world *world, int64_t at_ms, uint64_t exchange, bool tcp, int error, const uint8_t *msg,
		 size_t len, const struct addr *from)
{
	struct world_event *event = calloc(1, sizeof *event + len);
	assert_non_null(event);
	event->at_ms = at_ms;
	event->exchange = exchange;
	event->tcp = tcp;
	event->error = error;
	event->len = len;
	event->from = *from;
	if (len > 0)
		memcpy(event->msg, msg, len);
	struct world_event **at = &world->events;
	while (*at != NULL && (*at)->at_ms <= at_ms)
		at = &(*at)->next;
	event->next = *at;
	*at = event;
}

/* Replies of somebody who sees nothing and guesses: one thing is wrong in each, and all say 6.6.6.6. */
static void forge(struct world *world, const struct resolve_action *action)
{
	uint8_t out[512];
	struct wire_question q;
	assert_int_equal(wire_question_parse(action->send.msg, action->send.len, &q), WIRE_ANSWERABLE);
	unsigned kind = random_below(&world->dice, 5);
	struct addr from = action->send.to;
	uint8_t qname[WIRE_NAME_MAX];
	memcpy(qname, q.qname, q.qname_len);
	struct wire_rdata rdata = {world_evil_ip, 4};
	struct wire_writer writer;
	uint16_t id = q.id, type = WIRE_TYPE_A, flags = WIRE_QR | WIRE_AA;
	if (kind == 0)
		id ^= (uint16_t)(1 + random_below(&world->dice, 65535));
	else if (kind == 1)
		assert_true(wire_name_parse("www.other.example.", qname) > 0);
	else if (kind == 2)
		type = WIRE_TYPE_MX;
	else if (kind == 3)
		from.ip[3] ^= 1;
	else
		flags = WIRE_AA; /* a question, no reply */
	assert_int_equal(wire_writer_init(&writer, out, sizeof out, id, flags), 0);
	assert_int_equal(wire_writer_question(&writer, qname, kind == 2 ? type : q.qtype, WIRE_CLASS_IN), 0);
	assert_int_equal(wire_writer_record(&writer, WIRE_ANSWER, qname, WIRE_TYPE_A, WIRE_CLASS_IN, 86400, &rdata), 0);
	size_t len = wire_writer_finish(&writer);
	post(world, world->now_ms + 1 + random_below(&world->dice, 30), action->send.exchange, action->send.tcp, 0, out,
	     len, &from);
}

void world_inject(struct world *world, int64_t delay_ms, const struct addr *from, const uint8_t *msg, size_t len)
{
	post(world, world->now_ms + delay_ms, world->sending->send.exchange, world->sending->send.tcp, 0, msg, len,
	     from);
}

static struct world_server *server_find(struct world *world, const struct addr *addr)
{
	for (size_t i = 0; i < world->n_servers; i++)
		if (addr_equal(&world->server[i].addr, addr))
			return &world->server[i];
	return NULL;
}

static void open_add(struct world *world, uint64_t exchange)
{
	struct world_open *open = calloc(1, sizeof *open);
	assert_non_null(open);
	*open = (struct world_open){world->open, exchange};
	world->open = open;
	world->n_open++;
}

static bool open_remove(struct world *world, uint64_t exchange)
{
	for (struct world_open **at = &world->open; *at != NULL; at = &(*at)->next) {
		if ((*at)->exchange != exchange)
			continue;
		struct world_open *open = *at;
		*at = open->next;
		free(open);
		world->n_open--;
		return true;
	}
	return false;
}

static bool open_has(const struct world *world, uint64_t exchange)
{
	for (const struct world_open *open = world->open; open != NULL; open = open->next)
		if (open->exchange == exchange)
			return true;
	return false;
}

static void on_send(struct world *world, const struct resolve_action *action)
{
	static uint8_t out[WIRE_MESSAGE_MAX];
	assert_false(open_has(world, action->send.exchange));
	open_add(world, action->send.exchange);
	world->sent++;
	world->sent_tcp += action->send.tcp;
	struct world_server *server = server_find(world, &action->send.to);
	int64_t delay_ms = server == NULL ? 50 : server->rtt_ms * (action->send.tcp ? 2 : 1);
	int len = WORLD_NOT_MINE;
	world->sending = action;
	if (world->answer_fn != NULL)
		len = world->answer_fn(world->answer_ctx, &action->send.to, action->send.tcp, action->send.msg,
				       action->send.len, out, &delay_ms);
	if (len == WORLD_NOT_MINE)
		len = server == NULL ? 0
				     : world_server_answer(world, server, action->send.tcp, action->send.msg,
							   action->send.len, out);
	if (world->network.jitter_ms > 0)
		delay_ms += random_below(&world->dice, world->network.jitter_ms);
	if (chance(world, world->network.forge))
		for (unsigned i = random_below(&world->dice, 30) + 1; i > 0; i--)
			forge(world, action);
	if (len < 0)
		post(world, world->now_ms, action->send.exchange, action->send.tcp, len, NULL, 0, &action->send.to);
	if (len <= 0 || (!action->send.tcp && chance(world, world->network.loss)))
		return;
	post(world, world->now_ms + delay_ms, action->send.exchange, action->send.tcp, 0, out, (size_t)len,
	     &action->send.to);
	if (!action->send.tcp && chance(world, world->network.repeat))
		post(world, world->now_ms + delay_ms + random_below(&world->dice, 100), action->send.exchange, false, 0,
		     out, (size_t)len, &action->send.to);
}

/* ---- answers as text ---- */

static void sets_text(const struct wire_rrset *set, size_t n, char *out, size_t max)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	for (size_t i = 0; i < n; i++)
		for (uint32_t r = 0; r < set[i].count; r++) {
			assert_true(wire_record_text(set[i].owner, set[i].ttl, set[i].rclass, set[i].type,
						     &set[i].rdata[r], &text) >= 0);
			assert_true(buffer_append(&text, "; ", 2) >= 0);
		}
	snprintf(out, max, "%.*s", (int)text.len, text.len > 0 ? (char *)text.data : "");
	for (char *p = out; *p != '\0'; p++)
		if (*p == '\t')
			*p = ' ';
}

static void trace_text(const struct resolve_result *result, char *out, size_t max)
{
	static const char *const kind[] = {"root",     "cache",  "reply",  "timeout",
					   "rejected", "failed", "policy", "proof"};
	size_t len = 0;
	out[0] = '\0';
	for (size_t i = 0; i < result->n_steps && len < max; i++) {
		const struct resolve_trace_step *step = &result->step[i];
		char qname[WIRE_NAME_TEXT_MAX], addr[ADDR_TEXT_MAX] = "-", type[16];
		if (step->addr.family != 0)
			addr_format(&step->addr, false, addr);
		wire_type_text(step->qtype, type);
		len += (size_t)snprintf(out + len, max - len, "%u %s %s %s %s%s: %s\n", step->depth, kind[step->kind],
					addr, wire_name_text(step->qname, qname), type, step->tcp ? " tcp" : "",
					step->what != NULL ? step->what : "");
	}
}

static void on_answer(struct world *world, const struct resolve_action *action)
{
	const struct resolve_result *result = action->answer.result;
	assert_true(action->answer.client < WORLD_CLIENTS_MAX);
	struct world_answer *answer = &world->answer[action->answer.client];
	unsigned times = answer->times + 1;
	*answer = (struct world_answer){.times = times,
					.rcode = result->rcode,
					.authentic = result->authentic,
					.from_cache = result->from_cache,
					.reason = result->reason,
					.upstream = result->upstream,
					.took_ms = result->took_ms,
					.n_steps = result->n_steps};
	sets_text(result->answer, result->n_answer, answer->text, sizeof answer->text);
	sets_text(result->authority, result->n_authority, answer->authority, sizeof answer->authority);
	trace_text(result, answer->trace, sizeof answer->trace);
	if (world->result_fn != NULL)
		world->result_fn(world->result_ctx, action->answer.client, result);
}

void world_event(struct world *world, struct resolve_event *event)
{
	event->now_ms = world->now_ms;
	event->wall_ms = WORLD_EPOCH_MS + world->now_ms + world->wall_off_ms;
	event->root = world->root;
	event->root_from_s = world->root_from_s;
	event->root_until_s = world->root_until_s;
	event->policy = world->policy;
	event->negatives = world->negatives;
	if (event->kind == RESOLVE_SEND_FAILED)
		open_remove(world, event->failed.exchange);
	const struct resolve_actions *actions = resolve_step(world->engine, event);
	world->wake_at_ms = actions->wake_at_ms;
	for (size_t i = 0; i < actions->count; i++) {
		switch (actions->item[i].kind) {
		case RESOLVE_SEND:
			on_send(world, &actions->item[i]);
			break;
		case RESOLVE_CLOSE:
			assert_true(open_remove(world, actions->item[i].close.exchange));
			break;
		case RESOLVE_ANSWER:
			on_answer(world, &actions->item[i]);
			break;
		case RESOLVE_ANCHORS:
			if (world->anchors_fn != NULL)
				world->anchors_fn(world->anchors_ctx, &actions->item[i]);
			break;
		}
	}
	if (world->after_fn != NULL)
		world->after_fn(world->result_ctx);
}

void world_ask(struct world *world, uint64_t client, const char *name, uint16_t type)
{
	uint8_t qname[WIRE_NAME_MAX];
	assert_true(wire_name_parse(name, qname) > 0);
	assert_true(client < WORLD_CLIENTS_MAX);
	world->answer[client] = (struct world_answer){0};
	struct resolve_event event = {.kind = RESOLVE_QUESTION};
	event.question.client = client;
	event.question.qname = qname;
	event.question.qtype = type;
	world_event(world, &event);
}

static void deliver(struct world *world, struct world_event *arrived)
{
	struct resolve_event event = {.kind = RESOLVE_REPLY};
	if (arrived->error < 0) {
		event.kind = RESOLVE_SEND_FAILED;
		event.failed.exchange = arrived->exchange;
		event.failed.error = arrived->error;
	} else {
		event.reply.exchange = arrived->exchange;
		event.reply.msg = arrived->msg;
		event.reply.len = arrived->len;
		event.reply.tcp = arrived->tcp;
		for (size_t i = 0; i < world->n_servers && !arrived->tcp; i++)
			if (addr_equal(&world->server[i].addr, &arrived->from))
				event.reply.fragmented = world->server[i].habits & WORLD_FRAGMENTS;
		event.reply.from = arrived->from;
	}
	/* a socket that was closed hears nothing */
	if (open_has(world, arrived->exchange))
		world_event(world, &event);
}

static void run(struct world *world, int64_t for_ms, bool settle)
{
	int64_t end_ms = world->now_ms + for_ms;
	for (;;) {
		if (settle && world->n_open == 0 && resolve_questions(world->engine) == 0)
			return;
		int64_t arrives_ms = world->events != NULL ? world->events->at_ms : INT64_MAX;
		int64_t next_ms = arrives_ms < world->wake_at_ms ? arrives_ms : world->wake_at_ms;
		if (next_ms > end_ms || next_ms == INT64_MAX)
			break;
		if (next_ms > world->now_ms)
			world->now_ms = next_ms;
		if (arrives_ms <= world->wake_at_ms) {
			struct world_event *arrived = world->events;
			world->events = arrived->next;
			deliver(world, arrived);
			free(arrived);
		} else {
			struct resolve_event event = {.kind = RESOLVE_WAKE};
			world_event(world, &event);
		}
	}
	if (world->wake_at_ms != INT64_MAX || world->events != NULL)
		world->now_ms = end_ms;
}

void world_run(struct world *world, int64_t for_ms)
{
	run(world, for_ms, false);
}

void world_settle(struct world *world, int64_t for_ms)
{
	run(world, for_ms, true);
}

void world_restart(struct world *world, const struct resolve_settings *settings)
{
	assert_true(world->n_open == 0 && resolve_questions(world->engine) == 0);
	resolve_free(world->engine);
	world->settings = *settings;
	world->wake_at_ms = settings->shared_anchors != NULL ? world->now_ms : INT64_MAX;
	assert_int_equal(resolve_new(&world->settings, world->cache, &world->random, &world->counters, &world->engine),
			 0);
}

void world_sleep(struct world *world, int64_t ms)
{
	world->now_ms += ms;
}

const struct world_answer *world_resolve(struct world *world, const char *name, uint16_t type)
{
	world_ask(world, 0, name, type);
	world_run(world, world->settings.live.question_time_ms + 1);
	assert_int_equal(world->answer[0].times, 1);
	return &world->answer[0];
}
