// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Many small Internets drawn from seeds, with loss, delay, repetition, reordering, forgery, hostile and broken
 * servers. Whatever happens: every client gets one answer, in time, within the limits, and it is right or SERVFAIL.
 * BANYAN_SOAK_WORLDS and BANYAN_SOAK_SEED choose how many and from where; a failure names its seed.
 */
#include "world.h"

#include "../test.h"

#define SOA         " SOA ns h 1 7200 3600 86400 60\n"
#define DOMAINS_MAX 6
#define QUESTIONS   40

struct plan {
	unsigned n_tlds, n_domains, n_cancelled;
	bool clean; /* no server misbehaves */
	unsigned tld[DOMAINS_MAX];
	unsigned alias[DOMAINS_MAX]; /* the domain that its aliases lead to */
	unsigned servers[DOMAINS_MAX];
	int host[DOMAINS_MAX]; /* whose name server it uses; -1 = its own, with glue */
};

enum kind { ASK_WWW, ASK_ALIAS, ASK_NOTHING, ASK_EMPTY, ASK_DEEP, ASK_WILD, ASK_DNAME, ASK_KINDS };

struct asked {
	enum kind kind;
	unsigned domain;
	bool cancelled;
};

static void domain_name(const struct plan *plan, unsigned d, char out[32])
{
	snprintf(out, 32, "d%u.tld%u.", d, plan->tld[d]);
}

static void make_tlds(struct world *w, const struct plan *plan)
{
	_cleanup_(buffer_done) struct buffer root = {0};
	assert_true(buffer_printf(&root, ". 86400" SOA ". NS a.root.\na.root. A 10.9.9.9\n") >= 0);
	for (unsigned t = 0; t < plan->n_tlds; t++) {
		_cleanup_(buffer_done) struct buffer text = {0};
		char addr[32], origin[32];
		snprintf(addr, sizeof addr, "10.0.0.%u", t + 1);
		snprintf(origin, sizeof origin, "tld%u.", t);
		assert_true(buffer_printf(&root, "%s 172800 NS ns.%s\nns.%s 172800 A %s\n", origin, origin, origin,
					  addr) >= 0);
		assert_true(buffer_printf(&text, "@ 900" SOA "@ NS ns\nns A %s\n", addr) >= 0);
		for (unsigned d = 0; d < plan->n_domains; d++) {
			if (plan->tld[d] != t)
				continue;
			char host[32];
			if (plan->host[d] >= 0)
				domain_name(plan, (unsigned)plan->host[d], host);
			for (unsigned s = 0; s < plan->servers[d]; s++) {
				if (plan->host[d] >= 0)
					assert_true(buffer_printf(&text, "d%u NS ns%u.%s\n", d, s, host) >= 0);
				else
					assert_true(buffer_printf(&text, "d%u NS ns%u.d%u\nns%u.d%u A 10.1.%u.%u\n", d,
								  s, d, s, d, d, s + 1) >= 0);
			}
		}
		world_serve(world_server(w, addr, 0, 5 + random_below(&w->dice, 60)),
			    world_zone(w, origin, (char *)text.data));
	}
	world_root(w, (char *)root.data);
}

static const struct image *make_domain(struct world *w, const struct plan *plan, unsigned d)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	char origin[32], target[32];
	domain_name(plan, d, origin);
	domain_name(plan, plan->alias[d], target);
	assert_true(buffer_printf(&text,
				  "@ 600" SOA "@ NS ns0\nwww A 192.0.2.%u\nalias CNAME www.%s\nempty TXT here\n"
				  "a.b.deep A 192.0.2.%u\n*.wild A 192.0.2.%u\ndn DNAME %s\n",
				  d + 1, target, d + 1, d + 1, target) >= 0);
	for (unsigned s = 0; s < 4; s++) /* more than are delegated to: others may use them */
		assert_true(buffer_printf(&text, "ns%u A 10.1.%u.%u\n", s, d, s + 1) >= 0);
	return world_zone(w, origin, (char *)text.data);
}

static unsigned draw_habits(struct world *w, const struct plan *plan)
{
	static const unsigned habits[] = {WORLD_DEAD,        WORLD_REFUSED,
					  WORLD_SERVFAIL,    WORLD_UPWARD,
					  WORLD_TRUNCATES,   WORLD_NO_EDNS,
					  WORLD_LOWERCASE,   WORLD_NO_TCP,
					  WORLD_UNREACHABLE, WORLD_GARBAGE,
					  WORLD_POISONS,     WORLD_DENIES_ENT,
					  WORLD_RECURSES,    WORLD_TRUNCATES | WORLD_NO_TCP};
	if (plan->clean || random_below(&w->dice, 100) < 55)
		return 0;
	return habits[random_below(&w->dice, ARRAY_SIZE(habits))];
}

static void make_domains(struct world *w, const struct plan *plan)
{
	const struct image *image[DOMAINS_MAX];
	for (unsigned d = 0; d < plan->n_domains; d++)
		image[d] = make_domain(w, plan, d);
	for (unsigned d = 0; d < plan->n_domains; d++) {
		for (unsigned s = 0; s < 4; s++) {
			char addr[32];
			snprintf(addr, sizeof addr, "10.1.%u.%u", d, s + 1);
			struct world_server *server =
				world_server(w, addr, draw_habits(w, plan), 5 + random_below(&w->dice, 200));
			for (unsigned z = 0; z < plan->n_domains; z++)
				if (z == d || plan->host[z] == (int)d)
					world_serve(server, image[z]);
		}
	}
}

static struct world *make_world(uint64_t seed, struct plan *plan)
{
	struct resolve_settings settings;
	resolve_settings_default(&settings);
	struct world *w = world_new(seed, &settings);
	plan->clean = random_below(&w->dice, 3) == 0;
	plan->n_tlds = 1 + random_below(&w->dice, 3);
	plan->n_domains = 2 + random_below(&w->dice, DOMAINS_MAX - 1);
	for (unsigned d = 0; d < plan->n_domains; d++) {
		plan->tld[d] = random_below(&w->dice, plan->n_tlds);
		plan->alias[d] = (d + 1) % plan->n_domains;
		plan->servers[d] = 1 + random_below(&w->dice, 3);
		plan->host[d] = random_below(&w->dice, 3) == 0 ? (int)random_below(&w->dice, plan->n_domains) : -1;
		if (plan->clean && plan->host[d] >= (int)d)
			plan->host[d] = -1; /* no loops */
	}
	make_tlds(w, plan);
	make_domains(w, plan);
	w->network = (struct world_network){.loss = plan->clean ? 0 : random_below(&w->dice, 35),
					    .repeat = random_below(&w->dice, 20),
					    .forge = random_below(&w->dice, 60),
					    .jitter_ms = random_below(&w->dice, 150)};
	return w;
}

/* ---- asking ---- */

static void ask(struct world *w, const struct plan *plan, uint64_t client, struct asked *asked)
{
	static const char *const prefix[] = {"www", "alias", "nothing", "empty", "a.b.deep", "x.y.wild", "www.dn"};
	char name[96], domain[32];
	*asked = (struct asked){.kind = random_below(&w->dice, ASK_KINDS),
				.domain = random_below(&w->dice, plan->n_domains)};
	domain_name(plan, asked->domain, domain);
	snprintf(name, sizeof name, "%s.%s", prefix[asked->kind], domain);
	world_ask(w, client, name, WIRE_TYPE_A);
}

static void check(uint64_t seed, const struct world *w, const struct plan *plan, uint64_t client,
		  const struct asked *asked, unsigned *good)
{
	const struct world_answer *answer = &w->answer[client];
	bool denies = asked->kind == ASK_NOTHING || asked->kind == ASK_EMPTY;
	bool leads_away = asked->kind == ASK_ALIAS || asked->kind == ASK_DNAME;
	unsigned domain = leads_away ? plan->alias[asked->domain] : asked->domain;
	char end[64];
	if (asked->cancelled && answer->times == 0)
		return;
	if (answer->times != 1)
		fail_msg("seed %lu client %lu: %u answers", seed, client, answer->times);
	if (answer->took_ms > w->settings.live.question_time_ms || answer->upstream > w->settings.live.upstream_max)
		fail_msg("seed %lu client %lu: %ld ms, %u messages", seed, client, answer->took_ms, answer->upstream);
	if (strstr(answer->text, "6.6.6.6") != NULL || answer->authentic)
		fail_msg("seed %lu client %lu: believed %s", seed, client, answer->text);
	if (answer->rcode == WIRE_RCODE_SERVFAIL)
		return;
	(*good)++;
	if (answer->rcode != (asked->kind == ASK_NOTHING ? WIRE_RCODE_NXDOMAIN : WIRE_RCODE_NOERROR))
		fail_msg("seed %lu client %lu: kind %d rcode %u", seed, client, asked->kind, answer->rcode);
	snprintf(end, sizeof end, " IN A 192.0.2.%u; ", domain + 1);
	size_t len = strlen(answer->text), end_len = strlen(end);
	bool ends = len >= end_len && strcmp(answer->text + len - end_len, end) == 0;
	if (denies ? len != 0 : !ends)
		fail_msg("seed %lu client %lu: kind %d says %s", seed, client, asked->kind, answer->text);
}

static uint64_t digest(const struct world *w)
{
	static const uint8_t key[16];
	return hash_sip(w->answer, sizeof w->answer, key) ^ w->sent ^ (uint64_t)w->now_ms << 20;
}

static uint64_t soak(uint64_t seed, unsigned *asked_total, unsigned *good, unsigned *clean_total, unsigned *clean_good)
{
	struct plan plan = {0};
	struct asked asked[QUESTIONS];
	struct world *w = make_world(seed, &plan);
	unsigned good_here = 0, cancelled = 0;
	for (uint64_t i = 0; i < QUESTIONS; i++) {
		ask(w, &plan, i, &asked[i]);
		if (random_below(&w->dice, 20) == 0) {
			struct resolve_event event = {.kind = RESOLVE_CANCEL};
			uint64_t client = random_below(&w->dice, (uint32_t)i + 1);
			event.cancel.client = client;
			asked[client].cancelled = true;
			world_event(w, &event);
		}
		world_run(w,
			  random_below(&w->dice, 4) == 0 ? random_below(&w->dice, 9000) : random_below(&w->dice, 200));
	}
	world_run(w, 20000);
	if (w->n_open != 0 || resolve_questions(w->engine) != 0)
		fail_msg("seed %lu: %zu exchanges and %zu questions left", seed, w->n_open,
			 resolve_questions(w->engine));
	for (uint64_t i = 0; i < QUESTIONS; i++) {
		check(seed, w, &plan, i, &asked[i], &good_here);
		cancelled += w->answer[i].times == 0;
	}
	*asked_total += QUESTIONS;
	*good += good_here;
	if (plan.clean) {
		*clean_total += QUESTIONS - cancelled;
		*clean_good += good_here;
	}
	uint64_t ret = digest(w);
	world_free(w);
	return ret;
}

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void whatever_happens(void **state)
{
	uint64_t worlds = number("BANYAN_SOAK_WORLDS", 1000), seed = number("BANYAN_SOAK_SEED", 1);
	unsigned total = 0, good = 0, clean = 0, clean_good = 0;
	for (uint64_t i = 0; i < worlds; i++)
		soak(seed + i, &total, &good, &clean, &clean_good);
	print_message("%u questions, %u answered; where no server misbehaves %u, %u\n", total, good, clean, clean_good);
	if (worlds >= 100) {
		assert_true(good > total / 2);
		assert_true(clean_good >= clean - clean / 1000);
	}
}

static void the_same_again(void **state)
{
	unsigned n = 0;
	for (uint64_t seed = 1000; seed < 1020; seed++)
		assert_true(soak(seed, &n, &n, &n, &n) == soak(seed, &n, &n, &n, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_happens),
		cmocka_unit_test(the_same_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
