// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The resolver's handling of replies: an engine on a small root, its authorities played by the input.
 *
 * The input is a list of moves: a client asks, an authority replies (bytes as they are, or records built from a small
 * vocabulary, so that deep states are reached), nothing comes for a while, sending fails, a client goes. Whatever the
 * moves, each client gets one answer within the time that settings allow, and no exchange is left open.
 */
#include "resolve/resolve.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define EXCHANGES_MAX 256
#define CLIENTS_MAX   64
#define MOVES_MAX     400

static const char root_text[] = ". 86400 SOA a. b. 1 1800 900 604800 86400\n. 86400 NS a.\na. 86400 A 192.0.2.1\n"
				"com. 172800 NS ns.com.\ncom. 172800 NS ns.net.\nns.com. 172800 A 192.0.2.2\n"
				"net. 172800 NS ns.net.\nns.net. 172800 A 192.0.2.3\nns.net. 172800 AAAA 2001:db8::3\n"
				"org. 172800 NS ns.example.com.\n";

static const char *const vocabulary[] = {".",
					 "com.",
					 "net.",
					 "org.",
					 "ns.com.",
					 "ns.net.",
					 "example.com.",
					 "a.example.com.",
					 "b.a.example.com.",
					 "example.net.",
					 "ns.example.com.",
					 "www.example.org.",
					 "example.org.",
					 "x.com.",
					 "*.example.com.",
					 "ns.example.net."};
static const uint16_t types[] = {WIRE_TYPE_A,     WIRE_TYPE_NS,   WIRE_TYPE_CNAME, WIRE_TYPE_SOA,
				 WIRE_TYPE_DNAME, WIRE_TYPE_AAAA, WIRE_TYPE_DS,    WIRE_TYPE_RRSIG,
				 WIRE_TYPE_NSEC,  WIRE_TYPE_TXT,  WIRE_TYPE_MX,    WIRE_TYPE_ANY};

struct exchange {
	bool open, tcp;
	uint64_t id;
	size_t len;
	uint8_t msg[512];
};

struct play {
	const uint8_t *data, *end;
	struct resolve *engine;
	struct exchange exchange[EXCHANGES_MAX];
	bool client[CLIENTS_MAX];
	int64_t now_ms, asked_ms[CLIENTS_MAX], wake_at_ms;
};

static struct image *root;

static uint8_t next(struct play *play)
{
	return play->data < play->end ? *play->data++ : 0;
}

static const uint8_t *next_name(struct play *play, uint8_t name[WIRE_NAME_MAX])
{
	if (wire_name_parse(vocabulary[next(play) % ARRAY_SIZE(vocabulary)], name) < 0)
		abort();
	return name;
}

static void root_make(void)
{
	struct zone_read_settings settings = {.origin = (const uint8_t *)""};
	struct zone_error error;
	struct zone *zone;
	if (zone_read_text("root", root_text, strlen(root_text), &settings, NULL, NULL, &zone, &error) < 0 ||
	    image_compile(zone, &root) < 0)
		abort();
	zone_free(zone);
}

static struct exchange *exchange_by_id(struct play *play, uint64_t id)
{
	for (unsigned i = 0; i < EXCHANGES_MAX; i++)
		if (play->exchange[i].open && play->exchange[i].id == id)
			return &play->exchange[i];
	return NULL;
}

static void note_send(struct play *play, const struct resolve_action *action)
{
	if (exchange_by_id(play, action->send.exchange) != NULL || action->send.len > sizeof play->exchange[0].msg ||
	    action->send.to.port != 53)
		abort();
	for (unsigned i = 0; i < EXCHANGES_MAX; i++) {
		struct exchange *exchange = &play->exchange[i];
		if (exchange->open)
			continue;
		*exchange = (struct exchange){
			.open = true, .tcp = action->send.tcp, .id = action->send.exchange, .len = action->send.len};
		memcpy(exchange->msg, action->send.msg, action->send.len);
		return;
	}
	abort(); /* the engine has more open than its clients can cause */
}

static void note_answer(struct play *play, const struct resolve_action *action)
{
	const struct resolve_result *result = action->answer.result;
	uint64_t client = action->answer.client;
	if (client >= CLIENTS_MAX || !play->client[client] || result->upstream > 20)
		abort(); /* one answer each, and never more work than was allowed */
	for (size_t i = 0; i < result->n_answer + result->n_authority; i++) {
		const struct wire_rrset *set =
			i < result->n_answer ? &result->answer[i] : &result->authority[i - result->n_answer];
		if (set->ttl > 86400 || set->count == 0)
			abort();
		for (uint32_t r = 0; r < set->count; r++)
			if (wire_rdata_check(set->rdata[r].data, set->rdata[r].len, set->type) < 0)
				abort();
	}
	play->client[client] = false;
}

static void step(struct play *play, struct resolve_event *event)
{
	event->now_ms = play->now_ms;
	event->root = root;
	const struct resolve_actions *actions = resolve_step(play->engine, event);
	play->wake_at_ms = actions->wake_at_ms;
	for (size_t i = 0; i < actions->count; i++) {
		const struct resolve_action *action = &actions->item[i];
		struct exchange *exchange;
		switch (action->kind) {
		case RESOLVE_SEND:
			note_send(play, action);
			break;
		case RESOLVE_CLOSE:
			exchange = exchange_by_id(play, action->close.exchange);
			if (exchange == NULL)
				abort();
			exchange->open = false;
			break;
		case RESOLVE_ANSWER:
			note_answer(play, action);
			break;
		}
	}
}

static struct exchange *pick_exchange(struct play *play)
{
	unsigned from = next(play);
	for (unsigned i = 0; i < EXCHANGES_MAX; i++) {
		struct exchange *exchange = &play->exchange[(from + i) % EXCHANGES_MAX];
		if (exchange->open)
			return exchange;
	}
	return NULL;
}

static void move_question(struct play *play)
{
	uint8_t name[WIRE_NAME_MAX];
	uint64_t client = next(play) % CLIENTS_MAX;
	uint8_t flags = next(play);
	if (play->client[client])
		return;
	play->client[client] = true;
	play->asked_ms[client] = play->now_ms;
	struct resolve_event event = {.kind = RESOLVE_QUESTION};
	event.question.client = client;
	event.question.qname = next_name(play, name);
	event.question.qtype = types[next(play) % ARRAY_SIZE(types)];
	event.question.dnssec = flags & 1;
	event.question.checking_disabled = flags & 2;
	event.question.trace = flags & 4;
	event.question.no_cache = (flags & 24) == 24;
	step(play, &event);
}

/* RDATA from the vocabulary; returns its length. */
static uint16_t build_rdata(struct play *play, uint16_t type, uint8_t *out)
{
	uint8_t name[WIRE_NAME_MAX];
	size_t len;
	switch (type) {
	case WIRE_TYPE_A:
		memcpy(out, "\xc0\0\2", 3);
		out[3] = next(play);
		return 4;
	case WIRE_TYPE_AAAA:
		memset(out, 0, 16);
		memcpy(out, "\x20\1\xd\xb8", 4);
		out[15] = next(play);
		return 16;
	case WIRE_TYPE_SOA:
		len = wire_name_len(next_name(play, name));
		memcpy(out, name, len);
		memset(out + len, 0, 21);
		out[len + 19] = next(play);
		return (uint16_t)(len + 21);
	case WIRE_TYPE_NS:
	case WIRE_TYPE_CNAME:
	case WIRE_TYPE_DNAME:
		len = wire_name_len(next_name(play, name));
		memcpy(out, name, len);
		return (uint16_t)len;
	case WIRE_TYPE_MX:
		len = wire_name_len(next_name(play, name));
		memset(out, 0, 2);
		memcpy(out + 2, name, len);
		return (uint16_t)(len + 2);
	default:
		len = next(play) % 40;
		for (size_t i = 0; i < len; i++)
			out[i] = next(play);
		return (uint16_t)len;
	}
}

static size_t build_reply(struct play *play, const struct exchange *exchange, uint8_t *out)
{
	struct wire_reader reader;
	struct wire_writer writer;
	uint8_t name[WIRE_NAME_MAX], rdata[600];
	uint8_t flags = next(play);
	if (wire_reader_init(&reader, exchange->msg, exchange->len) < 0)
		abort();
	uint16_t word = (uint16_t)(WIRE_QR | (flags & 1 ? WIRE_AA : 0) | ((flags & 6) == 6 ? WIRE_TC : 0) |
				   ((flags & 24) == 24 ? WIRE_RA : 0) | (flags & 0xe0 ? flags >> 5 : 0));
	if (wire_writer_init(&writer, out, 4096, (uint16_t)(reader.id + ((flags & 0x1f) == 0x1f)), word) < 0 ||
	    wire_writer_question(&writer, reader.qname, reader.qtype, reader.qclass) < 0)
		abort();
	unsigned n = next(play) % 24, section = WIRE_ANSWER;
	for (unsigned i = 0; i < n; i++) {
		uint8_t how = next(play);
		const uint8_t *owner = how & 1 ? reader.qname : next_name(play, name);
		uint16_t type = how & 2 ? reader.qtype : types[next(play) % ARRAY_SIZE(types)];
		if (how & 4 && section < WIRE_ADDITIONAL)
			section++;
		struct wire_rdata one = {rdata, build_rdata(play, type, rdata)};
		uint32_t ttl = how & 8 ? (uint32_t)(how >> 4) * 100000000U : (uint32_t)(how >> 4);
		(void)!wire_writer_record(&writer, (enum wire_section)section, owner, type, WIRE_CLASS_IN, ttl, &one);
	}
	return wire_writer_finish(&writer);
}

static void move_reply(struct play *play, bool raw)
{
	static uint8_t msg[65535];
	struct exchange *exchange = pick_exchange(play);
	size_t len;
	if (exchange == NULL)
		return;
	if (raw) {
		/* the exchange's own header and question, then the input as it is */
		size_t keep = next(play) % 4 != 0 ? exchange->len : 2;
		size_t want = (size_t)next(play) * 4, left = (size_t)(play->end - play->data);
		len = want < left ? want : left;
		memcpy(msg, exchange->msg, keep);
		if (keep > 2) {
			msg[2] |= 0x80;
			msg[3] = next(play);
			memcpy(msg + 6, "\0\2\0\2\0\2", 6);
		}
		len = (size_t)(play->end - play->data) < len ? (size_t)(play->end - play->data) : len;
		memcpy(msg + keep, play->data, len);
		play->data += len;
		len += keep;
	} else {
		len = build_reply(play, exchange, msg);
	}
	uint8_t *exact = malloc(len + 1); /* reads behind its end are seen */
	memcpy(exact, msg, len);
	struct resolve_event event = {.kind = RESOLVE_REPLY};
	event.reply.exchange = exchange->id;
	event.reply.msg = exact;
	event.reply.len = len;
	event.reply.tcp = exchange->tcp;
	step(play, &event);
	free(exact);
}

static void wake(struct play *play, int64_t ms)
{
	play->now_ms += ms;
	struct resolve_event event = {.kind = RESOLVE_WAKE};
	step(play, &event);
}

static void move_failure(struct play *play)
{
	struct exchange *exchange = pick_exchange(play);
	if (exchange == NULL)
		return;
	struct resolve_event event = {.kind = RESOLVE_SEND_FAILED};
	event.failed.exchange = exchange->id;
	event.failed.error = BANYAN_EIO;
	exchange->open = false;
	step(play, &event);
}

static void move_cancel(struct play *play)
{
	uint64_t client = next(play) % CLIENTS_MAX;
	struct resolve_event event = {.kind = RESOLVE_CANCEL};
	event.cancel.client = client;
	play->client[client] = false;
	step(play, &event);
}

/* Nothing more comes: everybody must have an answer when the time that settings allow is over. */
static void finish(struct play *play, uint32_t question_time_ms)
{
	for (unsigned i = 0; i < 10000 && play->wake_at_ms != INT64_MAX; i++)
		wake(play, play->wake_at_ms > play->now_ms ? play->wake_at_ms - play->now_ms : 1);
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (play->client[i])
			abort();
	for (unsigned i = 0; i < EXCHANGES_MAX; i++)
		if (play->exchange[i].open)
			abort();
	if (resolve_questions(play->engine) != 0)
		abort();
	(void)question_time_ms;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct play play;
	static struct counters counters;
	struct resolve_cache *cache;
	struct resolve_settings settings;
	struct random random;
	if (root == NULL)
		root_make();
	play = (struct play){.data = data, .end = data + len, .now_ms = 1000, .wake_at_ms = INT64_MAX};
	random_init_seed(&random, len);
	resolve_settings_default(&settings);
	settings.upstream_max = 20;
	settings.questions_max = CLIENTS_MAX / 2;
	settings.case_randomisation = len > 0 && data[0] & 1;
	if (resolve_cache_new(1 << 20, &cache) < 0 ||
	    resolve_new(&settings, cache, &random, &counters, &play.engine) < 0)
		abort();
	for (unsigned i = 0; i < MOVES_MAX && play.data < play.end; i++) {
		uint8_t move = next(&play);
		switch (move % 8) {
		case 0:
		case 1:
			move_question(&play);
			break;
		case 2:
		case 3:
		case 4:
			move_reply(&play, false);
			break;
		case 5:
			move_reply(&play, true);
			break;
		case 6:
			wake(&play, (int64_t)next(&play) * 20);
			break;
		default:
			if (move & 8)
				move_failure(&play);
			else
				move_cancel(&play);
			break;
		}
	}
	finish(&play, settings.question_time_ms);
	resolve_free(play.engine);
	resolve_cache_free(cache);
	return 0;
}
