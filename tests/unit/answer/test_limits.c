// SPDX-License-Identifier: GPL-3.0-or-later
/* Access lists, rates, response rate limiting and cookies. */
#include "test.h"

#include "../../../src/answer/private.h"
#include "../../../src/answer/rates.h"

#define ZONE                                                                                                           \
	"test. 3600 SOA ns.test. host.test. 1 2 3 4 900\ntest. 3600 NS ns.test.\nns.test. 3600 A 192.0.2.2\n"          \
	"www.test. 60 A 192.0.2.3\n*.wild.test. 60 A 192.0.2.4\nsub.test. 60 NS ns.sub.test.\nns.sub.test. 60 A "      \
	"192.0.2.5\n"

static struct counters counters;
static struct image *image;
static uint8_t apex[WIRE_NAME_MAX];
static struct answer_zone zones[1];
static struct answer_view view;
static struct answer_rates *rates;
static int64_t now_ms;
static uint8_t out[WIRE_MESSAGE_MAX];
static size_t out_len;

static int load(void **state)
{
	struct zone *zone;
	struct zone_error error;
	struct zone_read_settings settings = {.origin = apex};
	assert_true(wire_name_parse("test.", apex) > 0);
	assert_int_equal(zone_read_text("test", ZONE, strlen(ZONE), &settings, NULL, NULL, &zone, &error), 0);
	assert_int_equal(image_compile(zone, &image), 0);
	zone_free(zone);
	zones[0] = (struct answer_zone){.apex = apex, .image = image};
	return 0;
}

static int unload(void **state)
{
	image_free(image);
	return 0;
}

static int fresh(void **state)
{
	memset(&counters, 0, sizeof(counters));
	view = (struct answer_view){.n_zones = 1, .zone = zones, .identity = "", .version = "", .udp_size = 1232};
	view.limits =
		(struct answer_limits){.rrl_window_s = 15, .rrl_slip = 2, .rrl_ipv4_bits = 24, .rrl_ipv6_bits = 56};
	now_ms = 1000;
	return answer_rates_new(1024, &rates);
}

static int done(void **state)
{
	answer_rates_free(rates);
	return 0;
}

static struct addr peer_of(const char *text)
{
	struct addr peer;
	assert_int_equal(addr_parse(text, 4711, &peer), 0);
	return peer;
}

static struct answer_networks networks(struct addr_prefix *room, size_t n, const char *const *text)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(addr_prefix_parse(text[i], &room[i]), 0);
	return (struct answer_networks){.n = n, .item = room};
}

/* Asks; `cookie` is the data of that option, NULL = no EDNS. */
static enum answer_outcome ask_with(const char *from, const char *name, bool tcp, uint16_t flags, const uint8_t *cookie,
				    size_t cookie_len)
{
	struct wire_writer writer;
	struct answer_pending pending;
	uint8_t qname[WIRE_NAME_MAX], msg[512], options[64];
	assert_true(wire_name_parse(name, qname) > 0);
	assert_int_equal(wire_writer_init(&writer, msg, sizeof(msg), 0x4711, flags), 0);
	assert_int_equal(wire_writer_question(&writer, qname, WIRE_TYPE_A, WIRE_CLASS_IN), 0);
	if (cookie != NULL) {
		wire_put16(options, WIRE_OPTION_COOKIE);
		wire_put16(options + 2, (uint16_t)cookie_len);
		memcpy(options + 4, cookie, cookie_len);
		assert_int_equal(wire_writer_edns(&writer, 1232, 0, false, options, 4 + cookie_len), 0);
	}
	struct answer_request request = {.msg = msg,
					 .len = wire_writer_finish(&writer),
					 .peer = peer_of(from),
					 .tcp = tcp,
					 .out = out,
					 .rates = rates,
					 .now_ms = now_ms};
	out_len = 0;
	return answer_question(&view, &counters, &request, &pending, &out_len);
}

static enum answer_outcome ask(const char *from, const char *name)
{
	return ask_with(from, name, false, 0, NULL, 0);
}

static bool is_tc(void)
{
	return wire_get16(out + 2) & WIRE_TC;
}

static uint16_t reply_rcode(void)
{
	struct wire_reader reader;
	struct wire_record record;
	assert_int_equal(wire_reader_init(&reader, out, out_len), 0);
	while (wire_reader_next(&reader, &record) > 0)
		continue;
	return wire_reader_rcode(&reader);
}

/* ---- access ---- */

static void longest_network_decides(void **state)
{
	struct addr_prefix room[3][4];
	view.recursion = true;
	view.allow = networks(room[0], 2, (const char *const[]){"10.0.0.0/8", "192.0.2.7/32"});
	view.deny = networks(room[1], 2, (const char *const[]){"10.1.0.0/16", "0.0.0.0/0"});
	view.drop = networks(room[2], 2, (const char *const[]){"10.1.1.0/24", "192.0.2.0/24"});
	static const struct {
		const char *peer;
		enum access access;
	} want[] = {{"10.2.0.1", ACCESS_ALLOW},  {"10.1.2.1", ACCESS_REFUSE},   {"10.1.1.1", ACCESS_DROP},
		    {"192.0.2.7", ACCESS_ALLOW}, {"192.0.2.8", ACCESS_DROP},    {"198.51.100.1", ACCESS_REFUSE},
		    {"::1", ACCESS_REFUSE},      {"2001:db8::1", ACCESS_REFUSE}};
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		struct addr peer = peer_of(want[i].peer);
		assert_int_equal(view_access(&view, &peer), want[i].access);
	}
	/* who is dropped still gets what this server is authoritative for, but no word on anything else */
	assert_int_equal(ask_with("10.1.1.1", "www.test.", false, WIRE_RD, NULL, 0), ANSWER_SEND);
	assert_int_equal(ask_with("10.1.1.1", "www.example.", false, WIRE_RD, NULL, 0), ANSWER_SILENT);
	assert_int_equal(ask_with("10.1.2.1", "www.example.", false, WIRE_RD, NULL, 0), ANSWER_SEND);
	assert_int_equal(reply_rcode(), WIRE_RCODE_REFUSED);
	assert_int_equal(ask_with("10.2.0.1", "www.example.", false, WIRE_RD, NULL, 0), ANSWER_RECURSE);
	/* equally long: drop before deny before allow */
	view.deny = networks(room[1], 1, (const char *const[]){"10.0.0.0/8"});
	struct addr peer = peer_of("10.2.0.1");
	assert_int_equal(view_access(&view, &peer), ACCESS_REFUSE);
	view.drop = view.deny;
	assert_int_equal(view_access(&view, &peer), ACCESS_DROP);
}

/* ---- rates ---- */

static void bucket_gives_its_rate(void **state)
{
	struct rate rate = {.per_s = 100};
	unsigned passed = 0;
	for (unsigned i = 0; i < 10000; i++) { /* 1000 a second for ten seconds */
		passed += rates_take(rates, "k", 1, &rate, now_ms) == 0;
		now_ms += 1;
	}
	assert_in_range(passed, 1090, 1100); /* the bucket was full: one second more */
	now_ms += 1000;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(rates_take(rates, "k", 1, &rate, now_ms), 0);
	assert_int_equal(rates_take(rates, "k", 1, &rate, now_ms), 1);
	assert_int_equal(rates_take(rates, "k", 1, &rate, now_ms), 2);
	assert_int_equal(rates_take(rates, "other", 5, &rate, now_ms), 0);
}

/* Whoever is below the rate is never limited, whoever is above gets nothing from soon after the start to the end: it
 * does not come in waves. */
static void window_does_not_oscillate(void **state)
{
	struct rate rate = {.per_s = 100, .window_s = 15};
	unsigned passed[60] = {0}, below = 0;
	for (unsigned second = 0; second < 60; second++)
		for (unsigned i = 0; i < 1000; i++) {
			passed[second] +=
				i % 5 != 0 || rates_take(rates, "above", 5, &rate, now_ms) != 0 ? 0 : 1; /* 200 */
			below += i % 11 == 0 && rates_take(rates, "below", 5, &rate, now_ms) == 0;       /* 90 */
			now_ms++;
		}
	assert_int_equal(below, 60 * 91);
	assert_true(passed[0] >= 100);
	for (unsigned second = 3; second < 60; second++)
		assert_int_equal(passed[second], 0);
	now_ms += 14000; /* the debt is fifteen seconds: it is paid after as many, no sooner and no later */
	assert_true(rates_take(rates, "above", 5, &rate, now_ms) > 0);
	now_ms += 2000;
	assert_int_equal(rates_take(rates, "above", 5, &rate, now_ms), 0);
}

/* The table is full of others: they make room for each other, and nothing grows. */
static void table_is_bounded(void **state)
{
	struct rate rate = {.per_s = 1};
	for (unsigned i = 0; i < 100000; i++) {
		assert_int_equal(rates_take(rates, &i, sizeof(i), &rate, now_ms), 0);
		now_ms += i % 64 == 0;
	}
	unsigned last = 99999;
	assert_int_equal(rates_take(rates, &last, sizeof(last), &rate, now_ms), 1); /* it is known still */
}

static void clients_have_a_rate(void **state)
{
	struct addr_prefix room[2], exempt[1];
	view.recursion = true;
	view.allow = networks(room, 2, (const char *const[]){"0.0.0.0/0", "::/0"});
	view.limits.client_rate = 10;
	view.limits.client_exempt = networks(exempt, 1, (const char *const[]){"10.9.0.0/16"});
	unsigned recursed = 0, silent = 0, tc = 0;
	for (unsigned i = 0; i < 100; i++) {
		enum answer_outcome outcome = ask_with("10.0.0.1", "www.example.", false, WIRE_RD, NULL, 0);
		recursed += outcome == ANSWER_RECURSE;
		silent += outcome == ANSWER_SILENT;
		tc += outcome == ANSWER_SEND && is_tc();
	}
	assert_int_equal(recursed, 10);
	assert_int_equal(silent, 45);
	assert_int_equal(tc, 45);
	assert_int_equal(counter_read(&counters, COUNTER_CLIENT_RATE_LIMITED), 90);
	assert_int_equal(ask_with("10.0.0.1", "www.example.", true, WIRE_RD, NULL, 0), ANSWER_SEND);
	assert_int_equal(reply_rcode(), WIRE_RCODE_REFUSED);
	assert_int_equal(ask_with("10.0.0.1", "www.test.", false, WIRE_RD, NULL, 0), ANSWER_SEND); /* no recursion */
	assert_int_equal(ask_with("10.0.0.2", "www.example.", false, WIRE_RD, NULL, 0), ANSWER_RECURSE);
	for (unsigned i = 0; i < 100; i++) {
		char name[32], v6[32];
		snprintf(name, sizeof(name), "n%u.example.", i);
		snprintf(v6, sizeof(v6), "2001:db8:0:%x::1", i); /* one /56 */
		assert_int_equal(ask_with("10.9.0.1", name, false, WIRE_RD, NULL, 0), ANSWER_RECURSE);
		assert_int_equal(ask_with(v6, name, false, WIRE_RD, NULL, 0) == ANSWER_RECURSE, i < 10);
	}
}

/* ---- response rate limiting ---- */

struct tally {
	unsigned whole, tc, none;
};

static struct tally flood(unsigned n, const char *from, const char *format)
{
	struct tally tally = {0};
	for (unsigned i = 0; i < n; i++) {
		char name[64];
		snprintf(name, sizeof(name), format, i);
		if (ask(from, name) == ANSWER_SILENT)
			tally.none++;
		else if (is_tc())
			tally.tc++;
		else
			tally.whole++;
	}
	return tally;
}

static void classes_have_rates_of_their_own(void **state)
{
	struct addr_prefix exempt[1];
	view.limits.rrl[ANSWER_DATA] = 10;
	view.limits.rrl[ANSWER_NXDOMAIN] = 20;
	view.limits.rrl[ANSWER_REFERRAL] = 30;
	view.limits.rrl[ANSWER_ERROR] = 40;
	view.limits.rrl_exempt = networks(exempt, 1, (const char *const[]){"10.9.0.0/16"});
	assert_int_equal(flood(100, "10.0.0.1", "www.test.").whole, 10);
	assert_int_equal(flood(1, "10.0.0.1", "ns.test.").whole, 1); /* another name */
	assert_int_equal(flood(100, "10.0.0.1", "x%u.wild.test.").whole, 10);
	assert_int_equal(flood(100, "10.0.0.1", "no%u.test.").whole, 20);
	assert_int_equal(flood(100, "10.0.0.1", "x%u.sub.test.").whole, 30);
	struct tally errors = flood(100, "10.0.0.1", "x%u.elsewhere.");
	assert_int_equal(errors.whole, 40);
	assert_int_equal(errors.tc, 30); /* slip 2 */
	assert_int_equal(errors.none, 30);
	assert_int_equal(flood(1, "10.0.0.77", "www.test.").whole, 0); /* the same /24 */
	assert_int_equal(flood(1, "10.0.1.1", "www.test.").whole, 1);
	assert_int_equal(flood(100, "10.9.0.1", "www.test.").whole, 100);
	assert_int_equal(ask_with("10.0.0.1", "www.test.", true, 0, NULL, 0), ANSWER_SEND); /* TCP */
	assert_false(is_tc());
	now_ms += 17000;
	assert_int_equal(flood(100, "10.0.0.1", "www.test.").whole, 10);
}

static void slip_and_leak(void **state)
{
	view.limits.rrl[ANSWER_DATA] = 10;
	view.limits.rrl_slip = 0;
	assert_int_equal(flood(100, "10.0.0.1", "www.test.").none, 90);
	view.limits.rrl_slip = 1;
	assert_int_equal(flood(100, "10.0.1.1", "www.test.").tc, 90);
	view.limits.rrl_slip = 3;
	view.limits.rrl_leak = 10;
	struct tally tally = flood(100, "10.0.2.1", "www.test.");
	assert_int_equal(tally.whole, 10 + 9);
	assert_int_equal(tally.tc, 27); /* 30 less those that leak */
	assert_int_equal(counter_read(&counters, COUNTER_RRL_LEAKED), 9);
	assert_int_equal(counter_read(&counters, COUNTER_RRL_SLIPPED), 90 + 27);
}

/* ---- cookies ---- */

static void from_hex(const char *text, uint8_t *bytes)
{
	for (size_t i = 0; text[2 * i] != 0; i++) {
		unsigned value;
		assert_int_equal(sscanf(text + 2 * i, "%2x", &value), 1);
		bytes[i] = (uint8_t)value;
	}
}

/* RFC 9018 appendix A. */
static void cookies_of_the_rfc(void **state)
{
	struct answer_cookies cookies = {.n_secrets = 1};
	uint8_t client[8], want[24], made[24], old[24];
	struct addr peer = peer_of("198.51.100.100");
	from_hex("e5e973e5a6b2a43f48e7dc849e37bfcf", cookies.secret[0]);
	from_hex("2464c4abcf10c957", client);
	from_hex("2464c4abcf10c957010000005cf79f111f8130c3eee29480", want);
	cookie_make(&cookies, client, &peer, 1559731985, made);
	assert_memory_equal(made, want, 24);
	assert_int_equal(cookie_check(&cookies, want, 24, &peer, 1559731985), 1);
	/* A.2: half an hour later it is good, but to be renewed */
	assert_int_equal(cookie_check(&cookies, want, 24, &peer, 1559734385), 0);
	from_hex("2464c4abcf10c957010000005cf7a871d4a564a1442aca77", want);
	cookie_make(&cookies, client, &peer, 1559734385, made);
	assert_memory_equal(made, want, 24);
	assert_int_equal(cookie_check(&cookies, want, 24, &peer, 1559734385 + 3601), -1);
	assert_int_equal(cookie_check(&cookies, want, 24, &peer, 1559734385 - 301), -1);
	assert_int_equal(cookie_check(&cookies, want, 24, &peer, 1559734385 - 299), 1);
	/* A.3: another client */
	peer = peer_of("203.0.113.203");
	assert_int_equal(cookie_check(&cookies, want, 24, &peer, 1559734385), -1);
	/* A.4: IPv6, and a rolled secret: the old one is still accepted, the new one makes */
	peer = peer_of("2001:db8:220:1:59de:d0f4:8769:82b8");
	from_hex("dd3bdf9344b678b185a6f5cb60fca715", cookies.secret[0]);
	from_hex("22681ab97d52c298010000005cf7c57926556bd0934c72f8", old);
	cookie_make(&cookies, old, &peer, 1559741817, made);
	assert_memory_equal(made, old, 24);
	cookies.n_secrets = 2;
	memcpy(cookies.secret[1], cookies.secret[0], 16);
	from_hex("445536bcd2513298075a5d379663c962", cookies.secret[0]);
	assert_int_equal(cookie_check(&cookies, old, 24, &peer, 1559741961), 0);
	from_hex("22681ab97d52c298010000005cf7c609a6bb79d16625507a", want);
	cookie_make(&cookies, old, &peer, 1559741961, made);
	assert_memory_equal(made, want, 24);
}

static const uint8_t *cookie_of_reply(void)
{
	struct wire_reader reader;
	struct wire_record record;
	assert_int_equal(wire_reader_init(&reader, out, out_len), 0);
	while (wire_reader_next(&reader, &record) > 0)
		continue;
	if (!reader.has_edns || reader.opt_len < 28 || wire_get16(out + reader.opt_pos) != WIRE_OPTION_COOKIE)
		return NULL;
	assert_int_equal(wire_get16(out + reader.opt_pos + 2), 24);
	return out + reader.opt_pos + 4;
}

static void cookies_free_from_limits(void **state)
{
	uint8_t cookie[24] = "client!!";
	const uint8_t *got;
	view.limits.rrl[ANSWER_DATA] = 5;
	view.cookies.n_secrets = 1;
	assert_int_equal(flood(5, "10.0.0.1", "www.test.").whole, 5);
	assert_int_equal(ask_with("10.0.0.1", "www.test.", false, 0, cookie, 8), ANSWER_SILENT);
	assert_int_equal(ask_with("10.0.0.1", "www.test.", false, 0, cookie, 8),
			 ANSWER_SEND); /* what slips is BADCOOKIE */
	assert_int_equal(reply_rcode(), WIRE_RCODE_BADCOOKIE);
	assert_non_null(got = cookie_of_reply());
	assert_memory_equal(got, "client!!", 8);
	memcpy(cookie, got, 24);
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(ask_with("10.0.0.1", "www.test.", false, 0, cookie, 24), ANSWER_SEND);
		assert_int_equal(reply_rcode(), WIRE_RCODE_NOERROR);
		assert_false(is_tc());
		assert_memory_equal(cookie_of_reply(), cookie, 24);
	}
	assert_int_equal(flood(10, "10.0.0.1", "www.test.").whole, 0);
	cookie[20] ^= 1; /* forged */
	assert_int_equal(ask_with("10.0.0.1", "www.test.", true, 0, cookie, 24), ANSWER_SEND);
	assert_memory_equal(cookie_of_reply(), "client!!", 8);
	assert_memory_not_equal(cookie_of_reply(), cookie, 24);
}

static void cookies_required(void **state)
{
	uint8_t cookie[24] = "client!!";
	view.cookies.n_secrets = 1;
	view.cookies.required = true;
	assert_int_equal(ask("10.0.0.1", "www.test."), ANSWER_SEND);
	assert_true(is_tc());
	assert_int_equal(wire_get16(out + 6), 0);
	assert_int_equal(ask_with("10.0.0.1", "www.test.", true, 0, NULL, 0), ANSWER_SEND);
	assert_int_equal(wire_get16(out + 6), 1);
	assert_int_equal(ask_with("10.0.0.1", "www.test.", false, 0, cookie, 8), ANSWER_SEND);
	assert_int_equal(reply_rcode(), WIRE_RCODE_BADCOOKIE);
	memcpy(cookie, cookie_of_reply(), 24);
	assert_int_equal(ask_with("10.0.0.1", "www.test.", false, 0, cookie, 24), ANSWER_SEND);
	assert_int_equal(reply_rcode(), WIRE_RCODE_NOERROR);
	assert_int_equal(wire_get16(out + 6), 1);
	assert_int_equal(ask_with("10.0.0.2", "www.test.", false, 0, cookie, 24), ANSWER_SEND); /* not this client's */
	assert_int_equal(reply_rcode(), WIRE_RCODE_BADCOOKIE);
}

static void cookies_malformed(void **state)
{
	uint8_t cookie[48] = "client!!";
	view.cookies.n_secrets = 1;
	static const uint8_t bad[] = {0, 1, 7, 9, 15, 41};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(ask_with("10.0.0.1", "www.test.", false, 0, cookie, bad[i]), ANSWER_SEND);
		assert_int_equal(reply_rcode(), WIRE_RCODE_FORMERR);
	}
	for (size_t len = 16; len <= 40; len++) { /* lengths of other makers: no error, just not good here */
		assert_int_equal(ask_with("10.0.0.1", "www.test.", false, 0, cookie, len), ANSWER_SEND);
		assert_int_equal(reply_rcode(), WIRE_RCODE_NOERROR);
		assert_non_null(cookie_of_reply());
	}
	view.cookies.n_secrets = 0; /* switched off: not known */
	assert_int_equal(ask_with("10.0.0.1", "www.test.", false, 0, cookie, 8), ANSWER_SEND);
	assert_null(cookie_of_reply());
}

/* ---- pulses ---- */

/* The replies, of `len` bytes each, that come at once and may go out within 20 ms; asked for over `asked_ms` before. */
static unsigned pulse(const char *from, const struct answer_pending *pending, unsigned questions, unsigned asked_ms,
		      size_t len, int64_t *ret_last_ms, unsigned *ret_never)
{
	struct addr peer = peer_of(from);
	unsigned soon = 0;
	for (unsigned i = 0; i < questions; i++) {
		pulse_begin(&view, rates, pending, &peer, now_ms);
		now_ms += asked_ms / questions;
	}
	*ret_last_ms = 0;
	*ret_never = 0;
	for (unsigned i = 0; i < questions; i++) {
		int64_t wait_ms = pulse_wait_ms(&view, rates, pending, &peer, len, now_ms);
		soon += wait_ms >= 0 && wait_ms < 20;
		*ret_never += wait_ms < 0;
		if (wait_ms > *ret_last_ms)
			*ret_last_ms = wait_ms;
	}
	return soon;
}

static void gathered_replies_are_spread(void **state)
{
	struct answer_pending pending = {.edns = true, .udp_size = 1232};
	int64_t last_ms;
	unsigned never;
	view.limits.client_pulse = 16384;
	/* 16 KiB at once and 64 times as much a second: 37 KiB within 20 ms */
	unsigned soon = pulse("10.0.0.1", &pending, 900, 900, 1000, &last_ms, &never);
	assert_true(soon >= 30 && soon <= 38);
	assert_true(last_ms > 800 && last_ms < 900);
	assert_int_equal(never, 0);
	now_ms += 5000;
	soon = pulse("10.0.0.1", &pending, 2000, 2000, 1000, &last_ms, &never); /* more than a second's worth */
	assert_true(soon <= 38);
	assert_true(last_ms <= ANSWER_PULSE_WAIT_MS);
	assert_true(never > 900 && never < 1000);
}

static void even_clients_wait_for_nothing(void **state)
{
	struct answer_pending pending = {.edns = true, .udp_size = 1232};
	struct addr peer = peer_of("10.0.0.1");
	view.limits.client_pulse = 16384;
	for (unsigned i = 0; i < 40; i++) /* what is in flight */
		pulse_begin(&view, rates, &pending, &peer, now_ms);
	for (unsigned i = 0; i < 20000; i++) { /* 12 MB/s, far above the rate of the bucket */
		now_ms += i % 10 == 0;
		pulse_begin(&view, rates, &pending, &peer, now_ms);
		assert_int_equal(pulse_wait_ms(&view, rates, &pending, &peer, 1232, now_ms), 0);
	}
}

static void pulses_of_who_is_real(void **state)
{
	struct addr_prefix prefix[1];
	int64_t last_ms;
	unsigned never;
	struct answer_pending pending = {.edns = true, .udp_size = 1232, .proved = true};
	view.limits.client_pulse = 16384;
	view.limits.client_exempt = networks(prefix, 1, (const char *const[]){"192.0.2.0/24"});
	assert_int_equal(pulse("10.0.0.1", &pending, 500, 500, 1000, &last_ms, &never), 500);
	pending.proved = false;
	assert_int_equal(pulse("192.0.2.1", &pending, 500, 500, 1000, &last_ms, &never), 500);
	pending.tcp = true;
	assert_int_equal(pulse("10.0.0.2", &pending, 500, 500, 1000, &last_ms, &never), 500);
	pending.tcp = false;
	assert_true(pulse("10.0.0.2", &pending, 500, 500, 1000, &last_ms, &never) < 50);
	view.limits.client_pulse = 0;
	assert_int_equal(pulse("10.0.0.3", &pending, 500, 500, 1000, &last_ms, &never), 500);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(longest_network_decides),
		TEST(bucket_gives_its_rate),
		TEST(window_does_not_oscillate),
		TEST(table_is_bounded),
		TEST(clients_have_a_rate),
		TEST(classes_have_rates_of_their_own),
		TEST(slip_and_leak),
		TEST(cookies_of_the_rfc),
		TEST(cookies_free_from_limits),
		TEST(cookies_required),
		TEST(cookies_malformed),
		TEST(gathered_replies_are_spread),
		TEST(even_clients_wait_for_nothing),
		TEST(pulses_of_who_is_real),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
