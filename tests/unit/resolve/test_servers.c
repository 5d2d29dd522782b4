// SPDX-License-Identifier: GPL-3.0-or-later
/* Servers that are lame, dead, slow, old or hostile, and what one client question may cost. */
#include "world.h"

#include "../test.h"

#define SOA  " SOA ns h 1 7200 3600 86400 60\n"
#define GOOD "www.x.test. 300 IN A 192.0.2.1; "

/* x.test. has two servers; the habits of each are the test's. */
static struct world *two(unsigned first, unsigned second, const struct resolve_settings *settings)
{
	struct world *w = world_new(7, settings);
	world_root(w, ". 86400" SOA ". NS a.root.\na.root. A 10.9.9.9\ntest. NS ns.test.\nns.test. A 10.0.0.1\n");
	world_serve(world_server(w, "10.0.0.1", 0, 20),
		    world_zone(w, "test.",
			       "@" SOA "@ NS ns\nns A 10.0.0.1\n"
			       "x NS ns1.x\nx NS ns2.x\nns1.x A 10.0.1.1\nns2.x A 10.0.1.2\n"));
	const struct image *x = world_zone(w, "x.test.",
					   "@" SOA "@ NS ns1\n@ NS ns2\nns1 A 10.0.1.1\nns2 A 10.0.1.2\n"
					   "www 300 A 192.0.2.1\na.ent 300 A 192.0.2.2\n");
	world_serve(world_server(w, "10.0.1.1", first, 20), x);
	world_serve(world_server(w, "10.0.1.2", second, 20), x);
	return w;
}

static void finds_the_good_one(void **state)
{
	static const unsigned habits[] = {
		WORLD_DEAD,        WORLD_REFUSED, WORLD_SERVFAIL, WORLD_UPWARD,
		WORLD_UNREACHABLE, WORLD_GARBAGE, WORLD_RECURSES, WORLD_TRUNCATES | WORLD_NO_TCP};
	for (size_t i = 0; i < ARRAY_SIZE(habits); i++) {
		for (unsigned first = 0; first < 2; first++) {
			struct world *w = two(first ? habits[i] : 0, first ? 0 : habits[i], NULL);
			const struct world_answer *answer = world_resolve(w, "www.x.test.", WIRE_TYPE_A);
			assert_int_equal(answer->rcode, 0);
			assert_string_equal(answer->text, GOOD);
			assert_in_range(answer->upstream, 2, 5);
			assert_int_equal(w->n_open, 0);
			world_free(w);
		}
	}
}

static void fails_in_time(void **state)
{
	static const struct {
		unsigned habits;
		enum reason reason;
	} bad[] = {{WORLD_DEAD, REASON_NO_SERVERS},           {WORLD_REFUSED, REASON_LAME},
		   {WORLD_SERVFAIL, REASON_NO_SERVERS},       {WORLD_UPWARD, REASON_LAME},
		   {WORLD_UNREACHABLE, REASON_NETWORK_ERROR}, {WORLD_GARBAGE, REASON_REPLY_MALFORMED}};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct world *w = two(bad[i].habits, bad[i].habits, NULL);
		const struct world_answer *answer = world_resolve(w, "www.x.test.", WIRE_TYPE_A);
		assert_int_equal(answer->rcode, WIRE_RCODE_SERVFAIL);
		if (bad[i].habits != WORLD_DEAD)
			assert_int_equal(answer->reason, bad[i].reason);
		else /* silence may also use up the time */
			assert_true(answer->reason == REASON_NO_SERVERS || answer->reason == REASON_TIME_LIMIT);
		assert_true(answer->took_ms <= w->settings.live.question_time_ms);
		assert_int_equal(answer->text[0], '\0');
		/* for a while nobody is bothered again */
		unsigned sent = w->sent;
		world_sleep(w, 1000);
		assert_int_equal(world_resolve(w, "www.x.test.", WIRE_TYPE_A)->rcode, WIRE_RCODE_SERVFAIL);
		assert_int_equal(w->sent, sent);
		world_free(w);
	}
}

static void lame_servers_are_remembered(void **state)
{
	struct world *w = two(WORLD_REFUSED, 0, NULL);
	for (unsigned i = 0; i < 20; i++) {
		char name[32];
		snprintf(name, sizeof name, "n%u.x.test.", i);
		assert_int_equal(world_resolve(w, name, WIRE_TYPE_A)->rcode, WIRE_RCODE_NXDOMAIN);
	}
	assert_true(w->server[1].asked <= 1);
	world_free(w);
}

static void turns_to_tcp(void **state)
{
	struct world *w = two(WORLD_TRUNCATES, WORLD_TRUNCATES, NULL);
	assert_string_equal(world_resolve(w, "www.x.test.", WIRE_TYPE_A)->text, GOOD);
	assert_int_equal(w->sent_tcp, 1);
	assert_int_equal(counter_read(&w->counters, COUNTER_UPSTREAM_TCP), 1);
	world_free(w);
}

static void does_without_edns(void **state)
{
	struct world *w = two(WORLD_NO_EDNS, WORLD_NO_EDNS, NULL);
	assert_string_equal(world_resolve(w, "www.x.test.", WIRE_TYPE_A)->text, GOOD);
	assert_int_equal(w->sent, 3);
	/* and knows it the next time */
	assert_int_equal(world_resolve(w, "nothing.x.test.", WIRE_TYPE_A)->rcode, WIRE_RCODE_NXDOMAIN);
	assert_in_range(w->sent, 4, 5); /* the other server may be new */
	world_free(w);
}

static void case_by_tcp(void **state)
{
	struct world *w = two(WORLD_LOWERCASE, WORLD_LOWERCASE, NULL);
	assert_string_equal(world_resolve(w, "www.x.test.", WIRE_TYPE_A)->text, GOOD);
	assert_int_equal(w->sent_tcp, 1);
	assert_int_equal(counter_read(&w->counters, COUNTER_UPSTREAM_MISMATCHED), 1);
	world_free(w);
	/* neither case nor TCP: without, rather than not at all */
	w = two(WORLD_LOWERCASE | WORLD_NO_TCP, WORLD_LOWERCASE | WORLD_NO_TCP, NULL);
	assert_string_equal(world_resolve(w, "www.x.test.", WIRE_TYPE_A)->text, GOOD);
	world_free(w);
}

static void relaxed_about_empty_names(void **state)
{
	struct world *w = two(WORLD_DENIES_ENT, WORLD_DENIES_ENT, NULL);
	assert_string_equal(world_resolve(w, "a.ent.x.test.", WIRE_TYPE_A)->text, "a.ent.x.test. 300 IN A 192.0.2.2; ");
	/* a false denial seen on the way is not kept for the name itself */
	assert_int_equal(world_resolve(w, "a.ent.x.test.", WIRE_TYPE_A)->rcode, 0);
	world_free(w);
}

static void outlives_forgers(void **state)
{
	for (unsigned seed = 0; seed < 30; seed++) {
		struct world *w = two(0, 0, NULL);
		random_init_seed(&w->dice, seed);
		w->network.forge = 100;
		const struct world_answer *answer = world_resolve(w, "www.x.test.", WIRE_TYPE_A);
		assert_string_equal(answer->text, GOOD);
		assert_true(counter_read(&w->counters, COUNTER_UPSTREAM_MISMATCHED) > 0);
		world_free(w);
	}
}

static void learns_who_is_fast(void **state)
{
	struct world *w = two(0, 0, NULL);
	w->server[1].rtt_ms = 350;
	for (unsigned i = 0; i < 200; i++) {
		char name[32];
		snprintf(name, sizeof name, "n%u.x.test.", i);
		assert_int_equal(world_resolve(w, name, WIRE_TYPE_A)->rcode, WIRE_RCODE_NXDOMAIN);
	}
	assert_true(w->server[2].asked > 160);
	assert_true(w->server[1].asked >= 2); /* looked at again now and then */
	/* the fast one dies: the other one is found */
	w->server[2].habits = WORLD_DEAD;
	for (unsigned i = 0; i < 20; i++) {
		char name[32];
		snprintf(name, sizeof name, "m%u.x.test.", i);
		assert_int_equal(world_resolve(w, name, WIRE_TYPE_A)->rcode, WIRE_RCODE_NXDOMAIN);
	}
	assert_true(w->server[2].asked < 200 + 12);
	world_free(w);
}

/* ---- limits ---- */

/* A referral to 100 servers without glue in zones that do the same (NXNSAttack). */
/* One of two servers is dead for hours. Now and then it is tried whether it is back; nobody waits long for that. */
static void is_patient_with_nobody(void **state)
{
	struct world *w = two(WORLD_DEAD, 0, NULL);
	uint32_t longest_ms = 0;
	for (unsigned i = 0; i < 600; i++) {
		char name[32];
		snprintf(name, sizeof name, "n%u.x.test.", i);
		const struct world_answer *answer = world_resolve(w, name, WIRE_TYPE_A);
		assert_int_equal(answer->rcode, WIRE_RCODE_NXDOMAIN);
		if (answer->took_ms > longest_ms)
			longest_ms = (uint32_t)answer->took_ms;
		world_sleep(w, 20000);
	}
	assert_true(w->server[1].asked >= 5);
	assert_in_range(longest_ms, 200, 500);
	world_free(w);
}

static void limits_server_lookups(void **state)
{
	struct resolve_settings settings;
	resolve_settings_default(&settings);
	settings.ipv6 = false; /* else the denied names cost nothing the second time */
	struct world *w = world_new(9, &settings);
	world_root(w, ". 86400" SOA ". NS a.root.\na.root. A 10.9.9.9\n"
		      "evil. NS ns.evil.\nns.evil. A 10.0.0.1\nvictim. NS ns.victim.\nns.victim. A 10.0.0.2\n");
	_cleanup_(buffer_done) struct buffer text = {0};
	assert_true(buffer_printf(&text, "@" SOA "@ NS ns\nns A 10.0.0.1\n") >= 0);
	for (unsigned i = 0; i < 100; i++)
		assert_true(buffer_printf(&text, "a NS n%u.victim.\n", i) >= 0);
	world_serve(world_server(w, "10.0.0.1", 0, 10), world_zone(w, "evil.", (char *)text.data));
	struct world_server *victim = world_server(w, "10.0.0.2", 0, 10);
	world_serve(victim, world_zone(w, "victim.", "@" SOA "@ NS ns\nns A 10.0.0.2\n"));
	const struct world_answer *answer = world_resolve(w, "x.a.evil.", WIRE_TYPE_A);
	assert_int_equal(answer->rcode, WIRE_RCODE_SERVFAIL);
	/* five names without an address are enough; before them evil. is asked by UDP and, since its referral is large, by TCP */
	assert_int_equal(victim->asked, 5);
	assert_int_equal(answer->upstream, 7);
	world_free(w);
}

static void limits_messages(void **state)
{
	struct resolve_settings settings;
	resolve_settings_default(&settings);
	settings.live.upstream_max = 3;
	settings.live.qname_minimisation = RESOLVE_MINIMISE_OFF;
	struct world *w = world_new(9, &settings);
	world_root(w, ". 86400" SOA ". NS a.root.\na.root. A 10.9.9.9\na. NS ns.a.\nns.a. A 10.0.0.1\n");
	_cleanup_(buffer_done) struct buffer text = {0};
	struct world_server *server = world_server(w, "10.0.0.1", 0, 10);
	assert_true(buffer_printf(&text, "@ 0" SOA "@ NS ns\nns A 10.0.0.1\n") >= 0);
	for (unsigned i = 0; i < 10; i++)
		assert_true(buffer_printf(&text, "c%u 0 CNAME c%u.b.\n", i, i) >= 0);
	world_serve(server, world_zone(w, "a.", (char *)text.data));
	world_root(w, ". 86400" SOA ". NS a.root.\na.root. A 10.9.9.9\na. NS ns.a.\nb. NS ns.a.\nns.a. A 10.0.0.1\n");
	text.len = 0;
	assert_true(buffer_printf(&text, "@ 0" SOA "@ NS ns.a.\n") >= 0);
	for (unsigned i = 0; i < 10; i++)
		assert_true(buffer_printf(&text, "c%u 0 CNAME c%u.a.\n", i, i + 1) >= 0);
	world_serve(server, world_zone(w, "b.", (char *)text.data));
	const struct world_answer *answer = world_resolve(w, "c0.a.", WIRE_TYPE_A);
	assert_int_equal(answer->rcode, WIRE_RCODE_SERVFAIL);
	assert_int_equal(answer->reason, REASON_WORK_LIMIT);
	assert_int_equal(answer->upstream, 3);
	assert_int_equal(counter_read(&w->counters, COUNTER_WORK_LIMITED), 1);
	world_free(w);
}

static void limits_questions(void **state)
{
	struct resolve_settings settings;
	resolve_settings_default(&settings);
	settings.questions_max = 5;
	settings.live.clients_per_question = 3;
	struct world *w = two(0, 0, &settings);
	struct world *other = w;
	for (uint64_t i = 0; i < 6; i++) {
		char name[32];
		snprintf(name, sizeof name, "n%u.x.test.", (unsigned)i);
		world_ask(w, i, name, WIRE_TYPE_A);
	}
	assert_int_equal(w->answer[5].times, 1);
	assert_int_equal(w->answer[5].reason, REASON_QUEUE_FULL);
	world_run(w, 5000);
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(w->answer[i].rcode, WIRE_RCODE_NXDOMAIN);
	for (uint64_t i = 10; i < 14; i++)
		world_ask(w, i, "www.x.test.", WIRE_TYPE_A);
	assert_int_equal(w->answer[13].reason, REASON_QUEUE_FULL);
	world_run(w, 5000);
	for (uint64_t i = 10; i < 13; i++)
		assert_string_equal(w->answer[i].text, GOOD);
	world_free(other);
}

/* A slow walk of many lookups below lookups ends when the client's time is over. */
static void limits_time(void **state)
{
	struct resolve_settings settings;
	resolve_settings_default(&settings);
	settings.live.question_time_ms = 700;
	struct world *w = two(WORLD_DEAD, WORLD_DEAD, &settings);
	world_ask(w, 1, "www.x.test.", WIRE_TYPE_A);
	world_run(w, 350);
	world_ask(w, 2, "www.x.test.", WIRE_TYPE_A); /* joins, but has its own time */
	world_run(w, 351);
	assert_int_equal(w->answer[1].times, 1);
	assert_int_equal(w->answer[1].reason, REASON_TIME_LIMIT);
	assert_int_equal(w->answer[1].took_ms, 700);
	assert_int_equal(w->answer[2].times, 0);
	world_run(w, 5000);
	assert_int_equal(w->answer[2].times, 1);
	assert_int_equal(w->answer[2].took_ms, 700);
	assert_int_equal(w->n_open, 0);
	world_free(w);
}

/* A reply in fragments is asked for over TCP; where there is none, or the operator says so, it is taken. */
static void fragments(void **state)
{
	struct world *w = two(WORLD_FRAGMENTS, WORLD_FRAGMENTS, NULL);
	const struct world_answer *answer = world_resolve(w, "www.x.test.", WIRE_TYPE_A);
	assert_int_equal(answer->rcode, 0);
	assert_true(w->sent_tcp > 0);
	assert_true(counter_read(&w->counters, COUNTER_UPSTREAM_FRAGMENTED) > 0);
	world_free(w);
	w = two(WORLD_FRAGMENTS | WORLD_NO_TCP, WORLD_FRAGMENTS | WORLD_NO_TCP, NULL);
	assert_int_equal(world_resolve(w, "www.x.test.", WIRE_TYPE_A)->rcode, 0);
	world_free(w);
	struct resolve_settings settings;
	resolve_settings_default(&settings);
	settings.live.fragments = true;
	w = two(WORLD_FRAGMENTS, WORLD_FRAGMENTS, &settings);
	assert_int_equal(world_resolve(w, "www.x.test.", WIRE_TYPE_A)->rcode, 0);
	assert_int_equal(w->sent_tcp, 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fragments),
		cmocka_unit_test(finds_the_good_one),
		cmocka_unit_test(fails_in_time),
		cmocka_unit_test(lame_servers_are_remembered),
		cmocka_unit_test(turns_to_tcp),
		cmocka_unit_test(does_without_edns),
		cmocka_unit_test(case_by_tcp),
		cmocka_unit_test(relaxed_about_empty_names),
		cmocka_unit_test(outlives_forgers),
		cmocka_unit_test(learns_who_is_fast),
		cmocka_unit_test(is_patient_with_nobody),
		cmocka_unit_test(limits_server_lookups),
		cmocka_unit_test(limits_messages),
		cmocka_unit_test(limits_questions),
		cmocka_unit_test(limits_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
