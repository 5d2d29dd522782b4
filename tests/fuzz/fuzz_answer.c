// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What clients send: two bytes choose how the server is set up and where the client is, the rest is the message. Whatever it is, the reply
 * is well-formed, belongs to the question and is no larger than it may be. What goes to the resolver comes back with a result made of the
 * same bytes. A client that shows a cookie gets its right server part and asks again.
 */
#include "answer/answer.h"
#include "zone/zone.h"

#include <stdlib.h>
#include <string.h>

#define NOW_S      1780000000
#define COOKIE     10 /* EDNS option (RFC 7873) */
#define RESULT_MAX 3  /* records a section */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const texts[] = {
	". 86400 SOA a.root. host. 1 2 3 4 900\n. 3600 NS a.root.\na.root. 3600 A 192.0.2.1\ntest. 3600 NS ns.test.\n"
	"ns.test. 3600 A 192.0.2.2\ntest. 3600 DS 7 13 2 aa\n. 3600 NSEC root. NS SOA NSEC\n"
	"root. 3600 NSEC test. NSEC\ntest. 3600 NSEC . NS DS NSEC\n",
	"test. 3600 SOA ns.test. host.test. 1 2 3 4 900\ntest. 3600 NS ns.test.\nns.test. 3600 A 192.0.2.2\n"
	"child.test. 3600 NS ns.child.test.\nns.child.test. 3600 A 192.0.2.3\nout.test. 60 CNAME www.elsewhere.\n"
	"*.wild.test. 60 TXT \"made\"\nold.test. 60 DNAME new.test.\n",
};
static const char *const origins[] = {".", "test."};
static const char *const clients[] = {"127.0.0.1@4000", "192.0.2.9@4000", "2001:db8::9@4000", "203.0.113.7@4000"};

static struct {
	bool made;
	uint8_t apex[ARRAY_SIZE(texts)][WIRE_NAME_MAX];
	struct image *image[ARRAY_SIZE(texts)];
	struct addr_prefix allow[3], drop[1], nat64[2], clients64[1], trust[1];
	struct addr client[ARRAY_SIZE(clients)];
} world;

static struct addr_prefix prefix_of(const char *text)
{
	struct addr_prefix prefix;
	if (addr_prefix_parse(text, &prefix) < 0)
		abort();
	return prefix;
}

static void world_make(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct zone *zone;
		struct zone_error error;
		if (wire_name_parse(origins[i], world.apex[i]) < 0)
			abort();
		struct zone_read_settings settings = {.origin = world.apex[i]};
		if (zone_read_text("fuzz", texts[i], strlen(texts[i]), &settings, NULL, NULL, &zone, &error) < 0 ||
		    image_compile(zone, &world.image[i]) < 0)
			abort();
		zone_free(zone);
	}
	world.allow[0] = prefix_of("127.0.0.0/8");
	world.allow[1] = prefix_of("192.0.2.0/24");
	world.allow[2] = prefix_of("2001:db8::/32");
	world.drop[0] = prefix_of("203.0.113.0/24");
	world.nat64[0] = prefix_of("64:ff9b::/96");
	world.nat64[1] = prefix_of("2001:db8:64::/48");
	world.clients64[0] = prefix_of("2001:db8::/32");
	world.trust[0] = prefix_of("127.0.0.0/8");
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
		if (addr_parse(clients[i], 0, &world.client[i]) < 0)
			abort();
	world.made = true;
}

static void view_make(struct answer_view *view, struct answer_zone zones[ARRAY_SIZE(texts)], uint8_t bits)
{
	*view = (struct answer_view){
		.identity = "fuzz", .version = bits & 1 ? "1" : "", .udp_size = 1232, .zone = zones};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (bits & 1U << i)
			zones[view->n_zones++] = (struct answer_zone){
				.apex = world.apex[i], .image = (bits & 12) == 12 ? NULL : world.image[i]};
	answer_view_sort(zones, view->n_zones);
	view->recursion = (bits & 4) != 0;
	view->root = bits & 8 ? world.image[0] : NULL;
	view->allow = (struct answer_networks){ARRAY_SIZE(world.allow), world.allow};
	view->drop = (struct answer_networks){1, world.drop};
	view->cookies.n_secrets = bits & 16 ? 2 : 0;
	view->cookies.required = (bits & 32) != 0;
	memset(view->cookies.secret, 7, sizeof view->cookies.secret);
	if (bits & 64)
		view->dns64 = (struct answer_dns64){.prefixes = {2, world.nat64}, .clients = {1, world.clients64}};
	view->ecs = (struct answer_ecs){.enabled = (bits & 64) != 0, .trust = {1, world.trust}};
	view->minimal_responses = view->minimal_results = (bits & 128) != 0;
	view->rotate = (bits & 128) == 0;
	view->tcp_idle_ms = 10000;
}

/* ---- replies ---- */

static void check_reply(const struct answer_request *request, size_t len, size_t most)
{
	struct wire_reader reader;
	struct wire_record record;
	int rc;
	if (len > most || wire_reader_init(&reader, request->out, len) < 0)
		abort();
	if (reader.id != wire_get16(request->msg) || (reader.flags & WIRE_QR) == 0)
		abort();
	while ((rc = wire_reader_next(&reader, &record)) > 0)
		;
	if (rc < 0 || reader.pos != len)
		abort();
}

/* Room that the question gives: its own by EDNS, what we send at most, 512 without. */
static size_t most_of(const struct answer_view *view, const struct answer_request *request)
{
	struct wire_question question;
	if (request->tcp)
		return WIRE_MESSAGE_MAX;
	if (wire_question_parse(request->msg, request->len, &question) == WIRE_SILENCE || !question.edns.present)
		return 512;
	size_t size = question.edns.udp_size < 512 ? 512 : question.edns.udp_size;
	return size < view->udp_size ? size : view->udp_size;
}

static const uint8_t *cookie_in(const uint8_t *msg, size_t len)
{
	static const uint8_t head[] = {0, COOKIE, 0, ANSWER_COOKIE_SIZE};
	return len < WIRE_HEADER_SIZE ? NULL
				      : memmem(msg + WIRE_HEADER_SIZE, len - WIRE_HEADER_SIZE, head, sizeof head);
}

/* ---- results ---- */

struct made {
	struct wire_rrset set[RESULT_MAX];
	struct wire_rdata rdata[RESULT_MAX];
};

static size_t section_make(struct made *made, const struct answer_pending *pending, const uint8_t **data, size_t *len)
{
	static const uint8_t a[4] = {192, 0, 2, 1}, text[256] = {255}, target[] = "\3www\5other";
	static const uint8_t aaaa[16] = {0x20, 1, 0xd, 0xb8},
			     sig[] = "\0\1\15\2\0\0\16\20\x7f\0\0\0\x60\0\0\0\0\1\0signed";
	static const struct {
		uint16_t type;
		struct wire_rdata rdata;
	} kinds[] = {{WIRE_TYPE_A, {a, sizeof a}},
		     {WIRE_TYPE_AAAA, {aaaa, sizeof aaaa}},
		     {WIRE_TYPE_TXT, {text, sizeof text}},
		     {WIRE_TYPE_CNAME, {target, sizeof target}},
		     {WIRE_TYPE_RRSIG, {sig, sizeof sig - 1}}};
	size_t n = 0;
	while (n<RESULT_MAX && * len> 0) {
		uint8_t choice = *(*data)++;
		(*len)--;
		if (choice % 8 >= ARRAY_SIZE(kinds))
			break;
		made->rdata[n] = kinds[choice % 8].rdata;
		made->set[n] = (struct wire_rrset){.owner = choice & 8 ? target : pending->qname,
						   .type = kinds[choice % 8].type,
						   .rclass = WIRE_CLASS_IN,
						   .ttl = choice,
						   .count = 1,
						   .rdata = &made->rdata[n]};
		n++;
	}
	return n;
}

static size_t result_answer(const struct answer_view *view, const struct answer_pending *pending,
			    const struct answer_request *request, const uint8_t *data, size_t len)
{
	static const uint16_t rcodes[] = {WIRE_RCODE_NOERROR, WIRE_RCODE_NXDOMAIN, WIRE_RCODE_SERVFAIL,
					  WIRE_RCODE_REFUSED};
	struct made answer, authority, additional;
	struct resolve_event event = {.kind = RESOLVE_QUESTION};
	uint8_t bits = len > 0 ? data[0] : 0;
	answer_ecs_ask(view, pending, &event);
	if (event.question.subnet.addr.family != 0 &&
	    event.question.subnet.bits > (event.question.subnet.addr.family == 4 ? 32 : 128))
		abort();
	struct resolve_result result = {.rcode = rcodes[bits & 3],
					.authentic = (bits & 4) != 0,
					.from_cache = (bits & 8) != 0,
					.reason = bits & 3 ? REASON_TIME_LIMIT : REASON_NONE,
					.subnet_scope = bits >> 3,
					.truncated = (bits & 0xf0) == 0xf0,
					.answer = answer.set,
					.authority = authority.set,
					.additional = additional.set};
	result.n_answer = section_make(&answer, pending, &data, &len);
	result.n_authority = section_make(&authority, pending, &data, &len);
	result.n_additional = section_make(&additional, pending, &data, &len);
	int n = answer_from_result(view, pending, &result, request->out, WIRE_MESSAGE_MAX);
	if (n < WIRE_HEADER_SIZE)
		abort();
	return (size_t)n;
}

/* The length of the reply, 0 for silence. */
static size_t ask(const struct answer_view *view, struct answer_request *request)
{
	static struct counters counters;
	struct answer_pending pending;
	size_t len = 0;
	switch (answer_question(view, &counters, request, &pending, &len)) {
	case ANSWER_PASSED:
	case ANSWER_SILENT:
		return 0;
	case ANSWER_SEND:
		break;
	case ANSWER_RECURSE:
		if (!view->recursion || pending.qname_len != wire_name_len(pending.qname))
			abort();
		len = result_answer(view, &pending, request, request->msg, request->len);
		break;
	}
	if (len > 0)
		check_reply(request, len, most_of(view, request));
	return len;
}

static void ask_with_cookie(const struct answer_view *view, struct answer_request *request, uint8_t *msg,
			    size_t replied)
{
	const uint8_t *given = cookie_in(request->out, replied), *sent = cookie_in(msg, request->len);
	if (given == NULL || sent == NULL || given + 4 + ANSWER_COOKIE_SIZE > request->out + replied ||
	    sent + 4 + ANSWER_COOKIE_SIZE > msg + request->len)
		return;
	memcpy(msg + (sent - msg) + 4, given + 4, ANSWER_COOKIE_SIZE);
	ask(view, request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t msg[WIRE_MESSAGE_MAX], out[WIRE_MESSAGE_MAX];
	struct answer_zone zones[ARRAY_SIZE(texts)];
	struct answer_view view;
	struct answer_rates *rates;
	if (!world.made)
		world_make();
	if (len < 2 || len - 2 > sizeof msg || answer_rates_new(64, &rates) < 0)
		return 0;
	view_make(&view, zones, data[0]);
	if (data[1] & 8) {
		view.limits = (struct answer_limits){
			.client_rate = 1, .rrl_window_s = 15, .rrl_slip = 2, .rrl_ipv4_bits = 24, .rrl_ipv6_bits = 56};
		for (unsigned i = 0; i < ANSWER_CLASSES; i++)
			view.limits.rrl[i] = 1;
	}
	memcpy(msg, data + 2, len - 2);
	struct answer_request request = {.msg = msg,
					 .len = len - 2,
					 .peer = world.client[data[1] & 3],
					 .tcp = (data[1] & 4) != 0,
					 .out = out,
					 .rates = rates,
					 .now_ms = (int64_t)NOW_S * 1000};
	size_t replied = ask(&view, &request);
	ask_with_cookie(&view, &request, msg, replied);
	for (unsigned i = 0; i < (data[1] >> 4); i++) /* rates */
		ask(&view, &request);
	answer_rates_free(rates);
	return 0;
}
