// SPDX-License-Identifier: GPL-3.0-or-later
/* Walks through a small Internet: delegations, aliases, denials, servers that misbehave. */
#include "world.h"

#include "../test.h"

#include <unistd.h>

#define SOA " SOA ns h 1 7200 3600 86400 60\n"

/* . -> com, net; com -> example, glueless, loop1; net -> other, loop2 */
static struct world *small(const struct resolve_settings *settings)
{
	struct world *w = world_new(1, settings);
	world_root(w, ". 86400" SOA ". NS a.root.\na.root. A 10.9.9.9\n"
		      "com. 172800 NS ns.com.\nns.com. 172800 A 10.0.0.1\n"
		      "net. NS ns.net.\nns.net. A 10.0.0.2\n");
	world_serve(world_server(w, "10.0.0.1", 0, 20),
		    world_zone(w, "com.",
			       "@ 900" SOA "@ NS ns\nns A 10.0.0.1\n"
			       "example 3600 NS ns1.example\nns1.example 3600 A 10.0.1.1\n"
			       "glueless NS ns1.other.net.\n"
			       "loop1 NS ns.loop2.net.\n"));
	world_serve(world_server(w, "10.0.0.2", 0, 30), world_zone(w, "net.",
								   "@ 900" SOA "@ NS ns\nns A 10.0.0.2\n"
								   "other NS ns1.other\nns1.other A 10.0.1.2\n"
								   "loop2 NS ns.loop1.com.\n"));
	world_serve(world_server(w, "10.0.1.1", 0, 10),
		    world_zone(w, "example.com.",
			       "@ 600" SOA "@ NS ns1\nns1 A 10.0.1.1\nwww 300 A 192.0.2.1\nalias CNAME www\n"
			       "far CNAME www.other.net.\nloop CNAME loop.other.net.\na.b.c.d.e.f TXT deep\n"
			       "long 1000000 A 192.0.2.9\n"
			       "d 300 DNAME other.net.\n"));
	struct world_server *other = world_server(w, "10.0.1.2", 0, 10);
	world_serve(other, world_zone(w, "other.net.",
				      "@ 600" SOA "@ NS ns1\nns1 A 10.0.1.2\nwww 120 A 192.0.2.2\n"
				      "loop CNAME loop.example.com.\n"));
	world_serve(other, world_zone(w, "glueless.com.", "@" SOA "@ NS ns1.other.net.\nwww A 192.0.2.3\n"));
	return w;
}

static void expect(struct world *w, const char *name, uint16_t type, uint16_t rcode, const char *text)
{
	const struct world_answer *answer = world_resolve(w, name, type);
	assert_int_equal(answer->rcode, rcode);
	assert_string_equal(answer->text, text);
	assert_int_equal(w->n_open, 0);
	assert_int_equal(resolve_questions(w->engine), 0);
}

static void follows_referrals(void **state)
{
	struct world *w = small(NULL);
	expect(w, "www.example.com.", WIRE_TYPE_A, 0, "www.example.com. 300 IN A 192.0.2.1; ");
	assert_int_equal(w->answer[0].upstream, 2); /* the root is no server */
	assert_false(w->answer[0].from_cache);
	assert_false(w->answer[0].authentic);
	world_sleep(w, 10500);
	expect(w, "WWW.Example.com.", WIRE_TYPE_A, 0, "www.example.com. 289 IN A 192.0.2.1; ");
	assert_true(w->answer[0].from_cache);
	assert_int_equal(w->sent, 2);
	world_free(w);
}

static void minimises(void **state)
{
	struct world *w = small(NULL);
	struct resolve_event event = {.kind = RESOLVE_QUESTION};
	uint8_t name[WIRE_NAME_MAX];
	assert_true(wire_name_parse("a.b.c.d.e.f.example.com.", name) > 0);
	event.question.qname = name;
	event.question.qtype = WIRE_TYPE_TXT;
	event.question.trace = true;
	world_event(w, &event);
	world_run(w, 10000);
	assert_int_equal(w->answer[0].times, 1);
	assert_string_equal(w->answer[0].text, "a.b.c.d.e.f.example.com. 300 IN TXT \"deep\"; ");
	/* com. hears of example.com. only, example.com. of one label more each time */
	assert_true(strstr(w->answer[0].trace, "0 root - a.b.c.d.e.f.example.com. TXT: referral to com.\n"
					       "0 reply 10.0.0.1 example.com. A: referral to example.com.\n"
					       "0 reply 10.0.1.1 f.example.com. A: no such data\n"
					       "0 reply 10.0.1.1 e.f.example.com. A: no such data\n") != NULL);
	assert_true(strstr(w->answer[0].trace, "a.b.c.d.e.f.example.com. TXT: answer, 1 record\n") != NULL);
	world_free(w);
	/* and without */
	struct resolve_settings settings;
	resolve_settings_default(&settings);
	settings.live.qname_minimisation = false;
	w = small(&settings);
	expect(w, "a.b.c.d.e.f.example.com.", WIRE_TYPE_TXT, 0, "a.b.c.d.e.f.example.com. 300 IN TXT \"deep\"; ");
	assert_int_equal(w->answer[0].upstream, 2);
	world_free(w);
}

static void resolves_names_of_servers(void **state)
{
	struct world *w = small(NULL);
	expect(w, "www.glueless.com.", WIRE_TYPE_A, 0, "www.glueless.com. 300 IN A 192.0.2.3; ");
	assert_int_equal(w->answer[0].upstream, 4); /* com, net, other.net, glueless.com */
	world_free(w);
}

static void sees_delegation_loops(void **state)
{
	struct world *w = small(NULL);
	const struct world_answer *answer = world_resolve(w, "www.loop1.com.", WIRE_TYPE_A);
	assert_int_equal(answer->rcode, WIRE_RCODE_SERVFAIL);
	assert_int_equal(answer->reason, REASON_DELEGATION_LOOP);
	assert_in_range(answer->upstream, 2, 12);
	/* the failure is remembered (RFC 9520), but not for long */
	unsigned sent = w->sent;
	answer = world_resolve(w, "www.loop1.com.", WIRE_TYPE_A);
	assert_int_equal(answer->reason, REASON_DELEGATION_LOOP);
	assert_int_equal(w->sent, sent);
	world_free(w);
}

static void follows_aliases(void **state)
{
	struct world *w = small(NULL);
	expect(w, "alias.example.com.", WIRE_TYPE_A, 0,
	       "alias.example.com. 300 IN CNAME www.example.com.; www.example.com. 300 IN A 192.0.2.1; ");
	expect(w, "far.example.com.", WIRE_TYPE_A, 0,
	       "far.example.com. 299 IN CNAME www.other.net.; www.other.net. 120 IN A 192.0.2.2; ");
	assert_int_equal(w->answer[0].upstream, 3); /* example.com is known; net, other.net */
	world_sleep(w, 121000);
	unsigned sent = w->sent;
	expect(w, "far.example.com.", WIRE_TYPE_A, 0,
	       "far.example.com. 178 IN CNAME www.other.net.; www.other.net. 120 IN A 192.0.2.2; ");
	assert_int_equal(w->sent, sent + 1);
	expect(w, "far.example.com.", WIRE_TYPE_CNAME, 0, "far.example.com. 178 IN CNAME www.other.net.; ");
	assert_int_equal(world_resolve(w, "loop.example.com.", WIRE_TYPE_A)->rcode, WIRE_RCODE_SERVFAIL);
	assert_int_equal(w->answer[0].reason, REASON_ALIAS_LOOP);
	world_free(w);
}

static void follows_dname(void **state)
{
	struct world *w = small(NULL);
	expect(w, "www.d.example.com.", WIRE_TYPE_A, 0,
	       "d.example.com. 299 IN DNAME other.net.; www.d.example.com. 299 IN CNAME www.other.net.; "
	       "www.other.net. 120 IN A 192.0.2.2; ");
	/* the next name below it needs no question to the DNAME's zone */
	unsigned sent = w->sent;
	expect(w, "ns1.d.example.com.", WIRE_TYPE_A, 0,
	       "d.example.com. 299 IN DNAME other.net.; ns1.d.example.com. 299 IN CNAME ns1.other.net.; "
	       "ns1.other.net. 600 IN A 10.0.1.2; ");
	assert_int_equal(w->sent, sent + 1);
	world_free(w);
}

static void remembers_denials(void **state)
{
	struct world *w = small(NULL);
	expect(w, "nothing.example.com.", WIRE_TYPE_A, WIRE_RCODE_NXDOMAIN, "");
	/* the smaller of TTL (600) and MINIMUM (60) */
	assert_string_equal(w->answer[0].authority,
			    "example.com. 60 IN SOA ns.example.com. h.example.com. 1 7200 3600 86400 60; ");
	unsigned sent = w->sent;
	world_sleep(w, 20000);
	expect(w, "nothing.example.com.", WIRE_TYPE_MX, WIRE_RCODE_NXDOMAIN, "");
	assert_non_null(strstr(w->answer[0].authority, "example.com. 40 IN SOA"));
	assert_int_equal(w->sent, sent);
	expect(w, "www.example.com.", WIRE_TYPE_MX, 0, "");
	assert_non_null(strstr(w->answer[0].authority, "example.com. 60 IN SOA"));
	sent = w->sent;
	expect(w, "www.example.com.", WIRE_TYPE_MX, 0, "");
	assert_int_equal(w->sent, sent);
	world_sleep(w, 61000);
	expect(w, "www.example.com.", WIRE_TYPE_MX, 0, "");
	assert_int_equal(w->sent, sent + 1);
	/* the root's own denials come from the image, which costs nothing */
	sent = w->sent;
	expect(w, "nowhere.", WIRE_TYPE_A, WIRE_RCODE_NXDOMAIN, "");
	assert_int_equal(w->sent, sent);
	world_free(w);
}

static void caps_ttls(void **state)
{
	struct world *w = small(NULL);
	expect(w, "long.example.com.", WIRE_TYPE_A, 0, "long.example.com. 86400 IN A 192.0.2.9; ");
	world_free(w);
}

/* com. removes example.com.; example.com. itself goes on and is asked all the time. */
static void lays_ghosts(void **state)
{
	struct world *w = small(NULL);
	expect(w, "www.example.com.", WIRE_TYPE_A, 0, "www.example.com. 300 IN A 192.0.2.1; ");
	w->server[0].image[0] = world_zone(w, "com.", "@ 900" SOA "@ NS ns\nns A 10.0.0.1\n");
	for (unsigned i = 0; i < 36; i++) { /* asks for its NS, which would be more than 3600 seconds each time */
		world_sleep(w, 99000);
		world_resolve(w, "example.com.", WIRE_TYPE_NS);
		assert_int_equal(w->answer[0].rcode, 0);
	}
	world_sleep(w, 99000);
	expect(w, "www.example.com.", WIRE_TYPE_A, WIRE_RCODE_NXDOMAIN, "");
	world_free(w);
}

static void shares_questions(void **state)
{
	struct world *w = small(NULL);
	for (uint64_t i = 0; i < 40; i++)
		world_ask(w, i, i % 2 ? "www.example.com." : "WWW.example.COM.", WIRE_TYPE_A);
	assert_int_equal(resolve_questions(w->engine), 40);
	world_run(w, 5000);
	for (uint64_t i = 0; i < 40; i++) {
		assert_int_equal(w->answer[i].times, 1);
		assert_string_equal(w->answer[i].text, "www.example.com. 300 IN A 192.0.2.1; ");
	}
	assert_int_equal(w->sent, 2);
	assert_int_equal(counter_read(&w->counters, COUNTER_SHARED), 39);
	world_free(w);
}

static void cancel(struct world *w, uint64_t client)
{
	struct resolve_event event = {.kind = RESOLVE_CANCEL};
	event.cancel.client = client;
	world_event(w, &event);
}

static void cancels(void **state)
{
	struct world *w = small(NULL);
	world_ask(w, 1, "www.glueless.com.", WIRE_TYPE_A);
	world_ask(w, 2, "www.glueless.com.", WIRE_TYPE_A);
	world_run(w, 25);
	cancel(w, 1);
	assert_int_equal(w->n_open, 1); /* the other one still waits */
	cancel(w, 77);                  /* nobody */
	cancel(w, 2);
	assert_int_equal(w->n_open, 0);
	assert_int_equal(resolve_questions(w->engine), 0);
	assert_true(w->wake_at_ms == INT64_MAX);
	world_run(w, 5000);
	assert_int_equal(w->answer[1].times + w->answer[2].times, 0);
	world_free(w);
}

static void needs_a_root(void **state)
{
	struct world *w = small(NULL);
	const struct image *root = w->root;
	w->root = NULL;
	assert_int_equal(world_resolve(w, "www.example.com.", WIRE_TYPE_A)->reason, REASON_NO_ROOT);
	w->root = root; /* not remembered as a failure */
	expect(w, "www.example.com.", WIRE_TYPE_A, 0, "www.example.com. 300 IN A 192.0.2.1; ");
	w->root = NULL; /* what is known still works */
	expect(w, "alias.example.com.", WIRE_TYPE_A, 0,
	       "alias.example.com. 300 IN CNAME www.example.com.; www.example.com. 300 IN A 192.0.2.1; ");
	expect(w, "www.glueless.com.", WIRE_TYPE_A, WIRE_RCODE_SERVFAIL, ""); /* net. is not */
	world_free(w);
}

static void refuses_what_is_no_type(void **state)
{
	struct world *w = small(NULL);
	static const uint16_t types[] = {0, WIRE_TYPE_OPT, WIRE_TYPE_TSIG, WIRE_TYPE_AXFR, WIRE_TYPE_IXFR, 200};
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		expect(w, "www.example.com.", types[i], WIRE_RCODE_NOTIMP, "");
	const struct world_answer *answer = world_resolve(w, "www.example.com.", WIRE_TYPE_ANY);
	assert_int_equal(answer->rcode, 0);
	assert_int_equal(answer->times, 1);
	world_free(w);
}

/* The AD bit: only for what stands, signed, in the root itself. Uses the real signed root zone. */
static void authentic_from_the_root(void **state)
{
	const char *path = *state;
	struct world *w = world_new(3, NULL);
	struct zone_error error;
	struct zone_read_settings settings = {.origin = (const uint8_t *)""};
	struct world_zone *zone = &w->zone[w->n_zones++];
	assert_int_equal(zone_read_file(path, &settings, NULL, NULL, &zone->zone, &error), 0);
	assert_int_equal(image_compile(zone->zone, &zone->image), 0);
	w->root = zone->image;
	const struct world_answer *answer = world_resolve(w, "com.", WIRE_TYPE_DS);
	assert_int_equal(answer->rcode, 0);
	assert_true(answer->authentic);
	assert_non_null(strstr(answer->text, "com. 86400 IN DS "));
	answer = world_resolve(w, "no-such-tld.", WIRE_TYPE_A);
	assert_int_equal(answer->rcode, WIRE_RCODE_NXDOMAIN);
	assert_true(answer->authentic);
	assert_int_equal(w->sent, 0);
	answer = world_resolve(w, "www.example.com.", WIRE_TYPE_A); /* nobody answers */
	assert_int_equal(answer->rcode, WIRE_RCODE_SERVFAIL);
	assert_false(answer->authentic);
	assert_true(w->sent > 0);
	world_free(w);
}

/* `--real-root`: only what needs the real root zone among the shared data; without them 77, which Meson takes for skipped. */
static int main_real_root(void)
{
	static char path[512];
	const char *shared = getenv("BANYAN_SHARED");
	snprintf(path, sizeof path, "%s/data/rootzones/signed/root-2026073102.zone.zst",
		 shared != NULL ? shared : BANYAN_SHARED_DEFAULT);
	if (access(path, R_OK) < 0) {
		printf("skipped: there is no %s\n", path);
		return 77;
	}
	const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(authentic_from_the_root, path)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--real-root") == 0)
		return main_real_root();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_referrals),
		cmocka_unit_test(minimises),
		cmocka_unit_test(resolves_names_of_servers),
		cmocka_unit_test(sees_delegation_loops),
		cmocka_unit_test(follows_aliases),
		cmocka_unit_test(follows_dname),
		cmocka_unit_test(remembers_denials),
		cmocka_unit_test(caps_ttls),
		cmocka_unit_test(lays_ghosts),
		cmocka_unit_test(shares_questions),
		cmocka_unit_test(cancels),
		cmocka_unit_test(needs_a_root),
		cmocka_unit_test(refuses_what_is_no_type),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
