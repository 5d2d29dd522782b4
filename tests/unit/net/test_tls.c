// SPDX-License-Identifier: GPL-3.0-or-later
/* Messages over TLS: clients that trust the server, or must not; servers without a certificate, and clients without TLS. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <uv.h>

#include "net/net.h"
#include "paper.h"

#define DEADLINE_MS 60000
#define LONG        60000 /* more than one record holds (RFC 8446 section 5.1) */

/* ---- the server: says everything back, now or a little later ---- */
struct server {
	struct net_loop *loop;
	struct counters counters;
	pthread_t thread;
	struct addr addr;
};

static int on_message(void *ctx, struct net_message *m)
{
	struct server *s = ctx;
	if (m->msg[0] == 'L') { /* later */
		net_reply(s->loop, &m->ticket, m->msg, m->len);
		return NET_LATER;
	}
	memcpy(m->reply, m->msg, m->len);
	return (int)m->len;
}

static void *server_run(void *ctx)
{
	struct server *s = ctx;
	net_loop_run(s->loop);
	return NULL;
}

static void server_start(struct server *s, const struct paper *paper)
{
	static const struct net_settings settings = {.udp_batch = 1,
						     .tcp_clients = 20,
						     .tcp_clients_per_address = 20,
						     .tcp_idle_ms = 5000,
						     .tcp_pipeline = 16,
						     .ipv4 = true};
	struct net_tls_identity *identity = NULL;
	char why[NET_TLS_WHY_MAX];
	memset(s, 0, sizeof *s);
	assert_int_equal(net_loop_new(&settings, &s->counters, &s->loop), 0);
	if (paper != NULL)
		assert_int_equal(net_tls_identity_read(paper->certificate, paper->key, &identity, why), 0);
	net_loop_identity(s->loop, identity);
	net_tls_identity_free(identity);
	s->addr = (struct addr){.family = 4, .ip = {127, 0, 0, 1}};
	assert_int_equal(net_listen_tls(s->loop, &s->addr, on_message, s, &s->addr.port), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, server_run, s), 0);
}

static void server_stop(struct server *s)
{
	net_loop_stop(s->loop);
	pthread_join(s->thread, NULL);
	net_loop_free(s->loop);
}

/* ---- the client ---- */
struct asking {
	uv_loop_t loop;
	uv_timer_t timer;
	struct net_client *client;
	unsigned want, got, wrong;
	size_t len[8];
	bool over;
	int error;
	char why[NET_TLS_WHY_MAX];
};

static uint8_t byte_at(unsigned which, size_t i)
{
	return i == 0 ? (which % 2 == 0 ? 'N' : 'L') : (uint8_t)(which * 31 + i * 7);
}

static void finish(struct asking *a)
{
	uv_close((uv_handle_t *)&a->timer, NULL);
}

static void on_reply(void *ctx, const uint8_t *msg, size_t len)
{
	struct asking *a = ctx;
	bool known = false;
	for (unsigned k = 0; k < a->want && !known; k++) {
		size_t i = 0;
		while (len == a->len[k] && i < len && msg[i] == byte_at(k, i))
			i++;
		known = i == len;
	}
	a->wrong += !known;
	if (++a->got == a->want) {
		net_client_close(a->client);
		finish(a);
	}
}

static void on_over(void *ctx, int error)
{
	struct asking *a = ctx;
	a->over = true;
	a->error = error;
	snprintf(a->why, sizeof a->why, "%s", net_client_why(a->client));
	finish(a);
}

static void on_deadline(uv_timer_t *timer)
{
	fail_msg("no end after %d ms", DEADLINE_MS);
}

/* Asks with messages of these lengths, all at once. */
static void ask(struct asking *a, const struct addr *to, const struct net_tls_trust *trust, unsigned n,
		const size_t *len)
{
	memset(a, 0, sizeof *a);
	a->want = n;
	memcpy(a->len, len, n * sizeof *len);
	uv_loop_init(&a->loop);
	uv_timer_init(&a->loop, &a->timer);
	uv_timer_start(&a->timer, on_deadline, DEADLINE_MS, 0);
	struct net_client_settings settings = {
		.idle_ms = 5000, .trust = trust, .message = on_reply, .over = on_over, .ctx = a};
	assert_int_equal(net_client_open(&a->loop, to, &settings, &a->client), 0);
	for (unsigned k = 0; k < n; k++) {
		uint8_t *msg = malloc(len[k]);
		for (size_t i = 0; i < len[k]; i++)
			msg[i] = byte_at(k, i);
		assert_int_equal(net_client_send(a->client, msg, len[k]), 0);
		free(msg);
	}
	uv_run(&a->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&a->loop), 0);
}

static struct net_tls_trust *trust_in(const char *name, const char *ca, size_t n_pins, const struct net_tls_pin *pin)
{
	struct net_tls_trust_settings settings = {.name = name, .ca_file = ca, .n_pins = n_pins, .pin = pin};
	struct net_tls_trust *trust;
	char why[NET_TLS_WHY_MAX];
	if (net_tls_trust_new(&settings, &trust, why) < 0)
		fail_msg("%s", why);
	return trust;
}

static void messages(void **state)
{
	static const size_t len[] = {12, 500, LONG, 65535, 13, 16384, 16383, 1};
	struct paper paper;
	struct server server;
	struct asking a;
	paper_make(&paper, "xfr.example");
	server_start(&server, &paper);
	struct net_tls_pin other[2] = {{{1}}, paper.pin};
	struct net_tls_trust *trusts[] = {
		trust_in("xfr.example", paper.certificate, 0, NULL), trust_in(NULL, NULL, 2, other),
		trust_in("xfr.example", paper.certificate, 1, &paper.pin), trust_in(NULL, NULL, 0, NULL)};
	for (size_t i = 0; i < ARRAY_SIZE(trusts); i++) {
		ask(&a, &server.addr, trusts[i], 8, len);
		assert_false(a.over);
		assert_int_equal(a.got, 8);
		assert_int_equal(a.wrong, 0);
		net_tls_trust_free(trusts[i]);
	}
	server_stop(&server);
	assert_int_equal(server.counters.value[COUNTER_TCP_QUESTIONS], 32);
	assert_int_equal(server.counters.value[COUNTER_TLS_FAILED], 0);
	paper_done(&paper);
}

static void not_the_one(void **state)
{
	static const size_t len[] = {12};
	struct paper paper, other;
	struct server server;
	struct asking a;
	paper_make(&paper, "xfr.example");
	paper_make(&other, "xfr.example");
	server_start(&server, &paper);
	struct {
		struct net_tls_trust *trust;
		const char *why;
	} wrong[] = {
		{trust_in("other.example", paper.certificate, 0, NULL), "certificate"}, /* another name */
		{trust_in("xfr.example", other.certificate, 0, NULL),
		 "certificate"}, /* signed by nobody whom we trust */
		{trust_in(NULL, NULL, 1, &other.pin), "pinned"},
		{trust_in("xfr.example", paper.certificate, 1, &other.pin), "pinned"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		ask(&a, &server.addr, wrong[i].trust, 1, len);
		assert_true(a.over);
		assert_int_equal(a.error, BANYAN_EPROOF);
		assert_int_equal(a.got, 0);
		if (strstr(a.why, wrong[i].why) == NULL)
			fail_msg("'%s' should speak of '%s'", a.why, wrong[i].why);
		net_tls_trust_free(wrong[i].trust);
	}
	server_stop(&server);
	assert_int_equal(server.counters.value[COUNTER_TCP_QUESTIONS], 0); /* nobody was told a question */
	paper_done(&paper);
	paper_done(&other);
}

static void without(void **state)
{
	static const size_t len[] = {12};
	struct paper paper;
	struct server server;
	struct asking a;
	paper_make(&paper, "xfr.example");
	server_start(&server, &paper);
	ask(&a, &server.addr, NULL, 1, len); /* a client that does not speak TLS */
	assert_true(a.over);
	assert_int_equal(a.got, 0);
	server_stop(&server);
	assert_int_equal(server.counters.value[COUNTER_TLS_FAILED], 1);
	server_start(&server, NULL); /* a server that has no certificate */
	struct net_tls_trust *trust = trust_in(NULL, NULL, 0, NULL);
	ask(&a, &server.addr, trust, 1, len);
	assert_true(a.over);
	assert_true(a.error < 0);
	net_tls_trust_free(trust);
	server_stop(&server);
	paper_done(&paper);
}

static void bad_files(void **state)
{
	struct paper paper, other;
	struct net_tls_identity *identity;
	struct net_tls_trust *trust;
	char why[NET_TLS_WHY_MAX] = "";
	paper_make(&paper, "xfr.example");
	paper_make(&other, "xfr.example");
	assert_int_equal(net_tls_identity_read(paper.certificate, other.key, &identity, why), BANYAN_ECONFIG);
	assert_non_null(strstr(why, other.key));
	assert_int_equal(net_tls_identity_read("/nonexistent", paper.key, &identity, why), BANYAN_ECONFIG);
	assert_non_null(strstr(why, "/nonexistent"));
	struct net_tls_trust_settings settings = {.name = "a.example", .ca_file = paper.key};
	assert_int_equal(net_tls_trust_new(&settings, &trust, why), BANYAN_ECONFIG);
	assert_non_null(strstr(why, paper.key));
	paper_done(&paper);
	paper_done(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(messages), cmocka_unit_test(not_the_one),
					   cmocka_unit_test(without), cmocka_unit_test(bad_files)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
