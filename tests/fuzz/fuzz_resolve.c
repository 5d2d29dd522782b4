// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The resolver's handling of replies: the input is a play of questions, replies, silence, failures and
 * cancellations. Replies are raw bytes behind a matching question, bytes as they come, or records put together from a list of
 * names and types that belong together. Every client gets one answer, nothing exceeds its limit, and what is given out
 * is well-formed.
 */
#include "image/image.h"
#include "resolve/resolve.h"

#include "short_way.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CLIENTS      32
#define EXCHANGES    128
#define UPSTREAM_MAX 24
#define STEPS_MAX    400

#define require(what)                                                                                                  \
	do {                                                                                                           \
		if (!(what))                                                                                           \
			abort();                                                                                       \
	} while (0)

static const char root_text[] = ". 86400 SOA ns h 1 7200 3600 86400 60\n. NS a.root.\na.root. A 10.9.9.9\n"
				"com. 172800 NS ns.com.\nns.com. A 10.0.0.1\nnet. NS ns.com.\n"
				"org. NS ns.a.net.\nloop. NS ns.b.org.\n";

static const char *const names[] = {"example.com.",
				    "www.example.com.",
				    "a.b.c.example.com.",
				    "com.",
				    "net.",
				    "a.net.",
				    "ns.a.net.",
				    "ns.b.org.",
				    "b.org.",
				    "www.org.",
				    "x.loop.",
				    "ns.com.",
				    "example.net.",
				    "www.example.net.",
				    ".",
				    "ns.example.com.",
				    "*.example.com.",
				    "d.example.com.",
				    "x.d.example.com.",
				    "evil.test."};

static const uint16_t types[] = {WIRE_TYPE_A,     WIRE_TYPE_NS,    WIRE_TYPE_CNAME, WIRE_TYPE_SOA,
				 WIRE_TYPE_AAAA,  WIRE_TYPE_DNAME, WIRE_TYPE_DS,    WIRE_TYPE_TXT,
				 WIRE_TYPE_RRSIG, WIRE_TYPE_MX,    WIRE_TYPE_NSEC,  WIRE_TYPE_ANY};

struct open {
	uint64_t exchange;
	bool tcp;
	size_t len;
	uint8_t msg[512];
};

struct play {
	bool rootless; /* the root servers are asked, as the hints say */
	const uint8_t *data;
	size_t left;
	struct resolve *engine;
	struct counters counters;
	int64_t now_ms, wake_at_ms;
	size_t n_open;
	struct open open[EXCHANGES];
	unsigned waiting[CLIENTS];
	unsigned sent, asked;
};

static struct zone *zone;
static struct image *root;
static uint8_t wire_names[ARRAY_SIZE(names)][WIRE_NAME_MAX];

static uint8_t next(struct play *play)
{
	if (play->left == 0)
		return 0;
	play->left--;
	return *play->data++;
}

static void build_once(void)
{
	struct zone_error error;
	struct zone_read_settings settings = {.origin = (const uint8_t *)""};
	if (root != NULL)
		return;
	require(zone_read_text("root", root_text, strlen(root_text), &settings, NULL, NULL, &zone, &error) == 0);
	require(image_compile(zone, &root) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		require(wire_name_parse(names[i], wire_names[i]) > 0);
}

/* ---- what comes out ---- */

static void check_sets(const struct wire_rrset *set, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		require(wire_name_check(set[i].owner, WIRE_NAME_MAX) > 0);
		require(set[i].ttl <= 86400 && set[i].count > 0);
		for (uint32_t r = 0; r < set[i].count; r++)
			require(wire_rdata_check(set[i].rdata[r].data, set[i].rdata[r].len, set[i].type) == 0);
	}
}

static void check_answer(struct play *play, const struct resolve_action *action)
{
	const struct resolve_result *result = action->answer.result;
	require(action->answer.client < CLIENTS && play->waiting[action->answer.client] == 1);
	play->waiting[action->answer.client] = 0;
	check_sets(result->answer, result->n_answer);
	check_sets(result->authority, result->n_authority);
	require(result->upstream <= UPSTREAM_MAX);
	require(result->reason < REASON_COUNT);
	require(!result->authentic); /* this root is not signed */
	for (size_t i = 0; i < result->n_steps; i++)
		require(result->step[i].what != NULL && result->step[i].qname != NULL);
}

static struct open *open_find(struct play *play, uint64_t exchange)
{
	for (size_t i = 0; i < play->n_open; i++)
		if (play->open[i].exchange == exchange)
			return &play->open[i];
	return NULL;
}

static void open_remove(struct play *play, struct open *open)
{
	*open = play->open[--play->n_open];
}

static void step(struct play *play, struct resolve_event *event)
{
	event->now_ms = play->now_ms;
	event->wall_ms = play->now_ms;
	event->root = play->rootless ? NULL : root;
	const struct resolve_actions *actions = resolve_step(play->engine, event);
	play->wake_at_ms = actions->wake_at_ms;
	for (size_t i = 0; i < actions->count; i++) {
		const struct resolve_action *action = &actions->item[i];
		if (action->kind == RESOLVE_SEND) {
			struct wire_question question;
			require(open_find(play, action->send.exchange) == NULL && play->n_open < EXCHANGES);
			require(action->send.len <= sizeof play->open[0].msg);
			require(wire_question_parse(action->send.msg, action->send.len, &question) == WIRE_ANSWERABLE);
			struct open *open = &play->open[play->n_open++];
			*open = (struct open){.exchange = action->send.exchange, .tcp = action->send.tcp};
			open->len = action->send.len;
			memcpy(open->msg, action->send.msg, action->send.len);
			play->sent++;
		} else if (action->kind == RESOLVE_CLOSE) {
			struct open *open = open_find(play, action->close.exchange);
			require(open != NULL);
			open_remove(play, open);
		} else {
			check_answer(play, action);
		}
	}
}

/* ---- what goes in ---- */

static void do_question(struct play *play)
{
	struct resolve_event event = {.kind = RESOLVE_QUESTION};
	uint8_t choice = next(play), client = next(play) % CLIENTS, how = next(play);
	if (play->waiting[client])
		return;
	play->waiting[client] = 1;
	play->asked++;
	event.question.client = client;
	event.question.qname = wire_names[choice % ARRAY_SIZE(names)];
	event.question.qtype = types[how % ARRAY_SIZE(types)];
	event.question.dnssec = how & 0x40;
	event.question.trace = (how & 0x30) == 0x10;
	event.question.no_cache = (how & 0x30) == 0x30;
	short_way_ask(play->engine, event.question.qname, event.question.qtype, how & 0x80 ? 512 : 4096, play->now_ms,
		      play->now_ms);
	step(play, &event);
}

static void reply(struct play *play, const struct open *open, const uint8_t *msg, size_t len)
{
	struct resolve_event event = {.kind = RESOLVE_REPLY};
	/* of exactly this size, so that a sanitizer sees a read behind its end */
	uint8_t *copy = malloc(len + 1);
	require(copy != NULL);
	memcpy(copy, msg, len);
	copy = realloc(copy, len > 0 ? len : 1);
	event.reply.exchange = open->exchange;
	event.reply.msg = copy;
	event.reply.len = len;
	event.reply.tcp = open->tcp;
	step(play, &event);
	free(copy);
}

static size_t question_end(const struct open *open)
{
	return WIRE_HEADER_SIZE + wire_name_len(open->msg + WIRE_HEADER_SIZE) + 4;
}

/* Bytes behind a header and question that match. */
static void do_raw_reply(struct play *play, const struct open *open)
{
	uint8_t msg[1024];
	size_t at = question_end(open), want = (size_t)next(play) * 2;
	memcpy(msg, open->msg, at);
	msg[2] = next(play) | 0x80;
	msg[3] = next(play);
	msg[7] = next(play) & 7;
	msg[9] = next(play) & 7;
	msg[11] = next(play) & 7;
	for (; want > 0 && play->left > 0; want--)
		msg[at++] = next(play);
	reply(play, open, msg, at);
}

static void do_any_reply(struct play *play, const struct open *open)
{
	size_t len = next(play);
	if (len > play->left)
		len = play->left;
	const uint8_t *msg = play->data;
	play->data += len;
	play->left -= len;
	reply(play, open, msg, len);
}

static uint16_t make_rdata(struct play *play, uint16_t type, uint8_t out[600])
{
	const uint8_t *name = wire_names[next(play) % ARRAY_SIZE(names)];
	size_t name_len = wire_name_len(name), at = 0;
	memset(out, 0, 600);
	switch (type) {
	case WIRE_TYPE_A:
		out[0] = 10, out[3] = next(play);
		return 4;
	case WIRE_TYPE_AAAA:
		out[0] = 0xfd, out[15] = next(play);
		return 16;
	case WIRE_TYPE_MX:
	case WIRE_TYPE_RRSIG:
		if (type == WIRE_TYPE_RRSIG)
			wire_put16(out, types[next(play) % ARRAY_SIZE(types)]);
		at = type == WIRE_TYPE_MX ? 2 : 18;
		memcpy(out + at, name, name_len);
		return (uint16_t)(at + name_len + (type == WIRE_TYPE_RRSIG ? 8 : 0));
	case WIRE_TYPE_SOA:
		memcpy(out, name, name_len);
		out[name_len] = 0; /* mailbox */
		wire_put32(out + name_len + 17, next(play));
		return (uint16_t)(name_len + 21);
	case WIRE_TYPE_DS:
		out[3] = 2;
		return 36;
	case WIRE_TYPE_TXT:
		out[0] = 1;
		out[1] = next(play);
		return 2;
	case WIRE_TYPE_NSEC:
		memcpy(out, name, name_len);
		memcpy(out + name_len, "\0\1\100", 3);
		return (uint16_t)(name_len + 3);
	default: /* NS, CNAME, DNAME */
		memcpy(out, name, name_len);
		return (uint16_t)name_len;
	}
}

/* With the cookie of the question, or one that is nearly it, and a server's. */
static void made_edns(struct play *play, const struct open *open, struct wire_writer *writer)
{
	struct wire_question question;
	uint8_t option[44] = {0, WIRE_OPTION_COOKIE, 0, 16}, how = next(play);
	require(wire_question_parse(open->msg, open->len, &question) == WIRE_ANSWERABLE);
	if (question.edns.cookie != NULL)
		memcpy(option + 4, question.edns.cookie, 8);
	option[4] ^= (how & 3) == 3;
	option[3] = (how & 12) == 12 ? how >> 4 : 16;
	option[12] = next(play);
	uint16_t rcode = (how & 0x30) == 0x30 ? WIRE_RCODE_BADCOOKIE : 0;
	(void)!wire_writer_edns(writer, 1232, rcode, true, option, 4U + option[3]);
}

/* Records that fit each other: the way into the logic behind the parser. */
static void do_made_reply(struct play *play, const struct open *open)
{
	static uint8_t msg[4096];
	uint8_t rdata_bytes[600], how = next(play), n = next(play) % 12;
	struct wire_writer writer;
	uint16_t flags = (uint16_t)(WIRE_QR | (how & 1 ? 0 : WIRE_AA) | (how & 2 ? WIRE_RA : 0) |
				    (how & 0x30 ? 0
				     : how & 4  ? WIRE_TC
						: 0) |
				    (how & 8 ? how >> 4 : 0));
	const uint8_t *qname = open->msg + WIRE_HEADER_SIZE, *end = qname + wire_name_len(qname);
	require(wire_writer_init(&writer, msg, sizeof msg, wire_get16(open->msg), flags) == 0);
	require(wire_writer_question(&writer, qname, wire_get16(end), WIRE_CLASS_IN) == 0);
	for (unsigned section = WIRE_ANSWER; n > 0; n--) {
		uint8_t choice = next(play), owner = next(play);
		unsigned wish = 1 + (choice >> 4) % 3;
		section = wish > section ? wish : section;
		uint16_t type = types[choice % (ARRAY_SIZE(types) - 1)];
		struct wire_rdata rdata = {rdata_bytes, make_rdata(play, type, rdata_bytes)};
		(void)!wire_writer_record(&writer, section,
					  owner & 0x80 ? qname : wire_names[owner % ARRAY_SIZE(names)], type,
					  WIRE_CLASS_IN, (uint32_t)next(play) << (owner & 7), &rdata);
	}
	if (how & 0x40)
		made_edns(play, open, &writer);
	reply(play, open, msg, wire_writer_finish(&writer));
}

static void do_failure(struct play *play, struct open *open)
{
	struct resolve_event event = {.kind = RESOLVE_SEND_FAILED};
	event.failed.exchange = open->exchange;
	event.failed.error = BANYAN_EIO;
	open_remove(play, open);
	step(play, &event);
}

static void do_wait(struct play *play, bool to_the_next)
{
	struct resolve_event event = {.kind = RESOLVE_WAKE};
	if (to_the_next && play->wake_at_ms != INT64_MAX)
		play->now_ms = play->wake_at_ms > play->now_ms ? play->wake_at_ms : play->now_ms;
	else
		play->now_ms += (int64_t)next(play) * 100;
	step(play, &event);
}

static void do_cancel(struct play *play)
{
	struct resolve_event event = {.kind = RESOLVE_CANCEL};
	event.cancel.client = next(play) % CLIENTS;
	play->waiting[event.cancel.client] = 0;
	step(play, &event);
}

static void play_one(struct play *play)
{
	uint8_t act = next(play);
	struct open *open = play->n_open > 0 ? &play->open[(act >> 4) % play->n_open] : NULL;
	switch (act & 15) {
	case 0:
	case 1:
		do_question(play);
		break;
	case 2:
		do_cancel(play);
		break;
	case 3:
	case 4:
		do_wait(play, (act & 15) == 3);
		break;
	case 5:
		if (open != NULL)
			do_failure(play, open);
		break;
	case 6:
		if (open != NULL)
			do_any_reply(play, open);
		break;
	case 7:
	case 8:
		if (open != NULL)
			do_raw_reply(play, open);
		break;
	default:
		if (open != NULL)
			do_made_reply(play, open);
		break;
	}
}

/* Nobody replies any more: all must end by themselves. */
static void play_out(struct play *play)
{
	for (unsigned i = 0; play->wake_at_ms != INT64_MAX; i++) {
		require(i < 100000);
		do_wait(play, true);
	}
	require(play->n_open == 0 && resolve_questions(play->engine) == 0);
	for (unsigned i = 0; i < CLIENTS; i++)
		require(play->waiting[i] == 0);
	require(play->sent <= play->asked * UPSTREAM_MAX * 2); /* twice: a joined question may start anew */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct play play;
	struct resolve_settings settings;
	struct resolve_cache *cache;
	struct random random;
	build_once();
	random_init_seed(&random, len);
	resolve_settings_default(&settings);
	settings.live.upstream_max = UPSTREAM_MAX;
	play = (struct play){.data = data, .left = len, .now_ms = 1000, .wake_at_ms = INT64_MAX};
	uint8_t how = next(&play);
	settings.live.qname_minimisation = (enum resolve_minimise)(how % 3);
	play.rootless = (how & 0x80) != 0;
	settings.live.cookies = (how & 0x40) == 0;
	settings.live.harden_glue = (how & 0x20) == 0;
	settings.priming = (how & 0x10) == 0;
	static const struct addr hints[2] = {{.family = 4, .ip = {10, 9, 9, 9}}, {.family = 6, .ip = {0xfd}}};
	static const struct addr_prefix never = {.addr = {.family = 4, .ip = {10}}, .bits = 30};
	settings.n_hints = 2;
	settings.hint = hints;
	settings.n_never_ask = (how & 0x08) != 0;
	settings.never_ask = &never;
	require(resolve_cache_new(256 * 1024, &cache) == 0);
	require(resolve_new(&settings, cache, &random, &play.counters, &play.engine) == 0);
	for (unsigned i = 0; i < STEPS_MAX && play.left > 0; i++)
		play_one(&play);
	play_out(&play);
	resolve_free(play.engine);
	resolve_cache_free(cache);
	return 0;
}
