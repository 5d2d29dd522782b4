// SPDX-License-Identifier: GPL-3.0-or-later
/* Servers that speak TLS at a pace of their own, or not as they should: each costs a client its limits and no more, and the reason is told. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <uv.h>

#include "net/net.h"
#include "paper.h"

#define DEADLINE_MS 60000
#define IDLE_MS     400
#define STEP_MS     20 /* between two bytes or messages of a server that takes its time: far below IDLE_MS */
#define RATE_MIN    1000
#define ALL         "NORMAL:-VERS-ALL:+VERS-TLS1.3"

/* What the server does. */
struct ways {
	const char *priority; /* NULL = it says nothing at all, not even of TLS */
	bool dot;             /* it selects the token */
	bool handshake_drips; /* a byte, and then another one */
	enum { SILENT, RENEWS_KEYS, DRIPS, SENDS } then;
};

struct server {
	struct ways ways;
	const struct paper *paper;
	struct addr addr;
	int listener;
	pthread_t thread;
	int fd;
};

static void pause_ms(unsigned ms)
{
	usleep(ms * 1000); /* the server's own pace, not the test's */
}

static ssize_t drip(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
	const struct server *s = ptr;
	pause_ms(STEP_MS);
	return send(s->fd, data, len > 0 ? 1 : 0, MSG_NOSIGNAL);
}

static ssize_t push(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
	const struct server *s = ptr;
	return send(s->fd, data, len, MSG_NOSIGNAL);
}

static ssize_t pull(gnutls_transport_ptr_t ptr, void *data, size_t len)
{
	const struct server *s = ptr;
	return recv(s->fd, data, len, 0);
}

/* Until the client has gone. */
static void go_on(const struct server *s, gnutls_session_t session)
{
	static const uint8_t reply[] = {0, 4, 'N', 'o', 'n', 'e'};
	static const uint8_t large[] = {0xff, 0xff};
	char rest[256];
	ssize_t n = 1;
	if (s->ways.then == DRIPS)
		n = gnutls_record_send(session, large, sizeof large);
	else if (s->ways.then == SENDS)
		n = gnutls_record_send(session, reply, sizeof reply);
	while (n >= 0 && s->ways.then == RENEWS_KEYS) {
		n = gnutls_session_key_update(session, 0);
		pause_ms(IDLE_MS / 2); /* the library takes eight a second */
	}
	while (n >= 0 && s->ways.then == DRIPS) {
		n = gnutls_record_send(session, "x", 1);
		pause_ms(STEP_MS);
	}
	while (recv(s->fd, rest, sizeof rest, 0) > 0)
		;
}

static void serve(struct server *s)
{
	gnutls_certificate_credentials_t credentials;
	gnutls_session_t session;
	char rest[256];
	if (s->ways.priority == NULL) {
		while (recv(s->fd, rest, sizeof rest, 0) > 0)
			;
		return;
	}
	gnutls_certificate_allocate_credentials(&credentials);
	gnutls_certificate_set_x509_key_file(credentials, s->paper->certificate, s->paper->key, GNUTLS_X509_FMT_PEM);
	gnutls_init(&session, GNUTLS_SERVER | GNUTLS_NO_SIGNAL);
	gnutls_priority_set_direct(session, s->ways.priority, NULL);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
	if (s->ways.dot)
		gnutls_alpn_set_protocols(session, &(gnutls_datum_t){(uint8_t *)"dot", 3}, 1, 0);
	gnutls_transport_set_ptr(session, s);
	gnutls_transport_set_push_function(session, s->ways.handshake_drips ? drip : push);
	gnutls_transport_set_pull_function(session, pull);
	int rc = gnutls_handshake(session);
	if (rc == 0)
		go_on(s, session);
	else
		gnutls_alert_send_appropriate(session, rc);
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(credentials);
}

static void *server_run(void *ctx)
{
	struct server *s = ctx;
	s->fd = accept(s->listener, NULL, NULL);
	if (s->fd >= 0) {
		serve(s);
		close(s->fd);
	}
	return NULL;
}

static void server_start(struct server *s, const struct paper *paper, struct ways ways)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof sin;
	*s = (struct server){.ways = ways, .paper = paper};
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(s->listener, 4), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&sin, &len), 0);
	s->addr = (struct addr){.family = 4, .port = ntohs(sin.sin_port), .ip = {127, 0, 0, 1}};
	assert_int_equal(pthread_create(&s->thread, NULL, server_run, s), 0);
}

static void server_stop(struct server *s)
{
	pthread_join(s->thread, NULL);
	close(s->listener);
}

/* ---- the client ---- */
struct asking {
	uv_loop_t loop;
	uv_timer_t deadline;
	struct net_client *client;
	unsigned got;
	bool over;
	int error;
	char why[NET_TLS_WHY_MAX];
};

static void on_reply(void *ctx, const uint8_t *msg, size_t len)
{
	struct asking *a = ctx;
	a->got++;
	net_client_close(a->client);
	uv_close((uv_handle_t *)&a->deadline, NULL);
}

static void on_over(void *ctx, int error)
{
	struct asking *a = ctx;
	a->over = true;
	a->error = error;
	snprintf(a->why, sizeof a->why, "%s", net_client_why(a->client));
	uv_close((uv_handle_t *)&a->deadline, NULL);
}

static void on_deadline(uv_timer_t *timer)
{
	fail_msg("no end after %d ms", DEADLINE_MS);
}

static void ask(struct asking *a, struct ways ways, bool any_alpn)
{
	struct paper paper;
	struct server server;
	struct net_tls_trust *trust;
	char why[NET_TLS_WHY_MAX];
	memset(a, 0, sizeof *a);
	paper_make(&paper, "xfr.example");
	server_start(&server, &paper, ways);
	const struct net_tls_trust_settings trust_settings = {
		.name = "xfr.example", .ca_file = paper.certificate, .any_alpn = any_alpn};
	assert_int_equal(net_tls_trust_new(&trust_settings, &trust, why), 0);
	uv_loop_init(&a->loop);
	uv_timer_init(&a->loop, &a->deadline);
	uv_timer_start(&a->deadline, on_deadline, DEADLINE_MS, 0);
	struct net_client_settings settings = {.idle_ms = IDLE_MS,
					       .rate_min = RATE_MIN,
					       .rate_ms = IDLE_MS,
					       .trust = trust,
					       .message = on_reply,
					       .over = on_over,
					       .ctx = a};
	assert_int_equal(net_client_open(&a->loop, &server.addr, &settings, &a->client), 0);
	assert_int_equal(net_client_send(a->client, (const uint8_t *)"question", 8), 0);
	uv_run(&a->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&a->loop), 0);
	server_stop(&server);
	net_tls_trust_free(trust);
	paper_done(&paper);
}

static void is_told(const struct asking *a, int error, const char *words)
{
	assert_true(a->over);
	assert_int_equal(a->error, error);
	assert_int_equal(a->got, 0);
	if (strstr(a->why, words) == NULL)
		fail_msg("'%s' should speak of '%s'", a->why, words);
}

static void handshake(void **state)
{
	struct asking a;
	ask(&a, (struct ways){.priority = NULL}, false);
	is_told(&a, BANYAN_ETIMEOUT, "no session within");
	ask(&a, (struct ways){.priority = ALL, .dot = true, .handshake_drips = true}, false);
	is_told(&a, BANYAN_ETIMEOUT, "no session within");
}

static void session(void **state)
{
	struct asking a;
	ask(&a, (struct ways){.priority = ALL, .dot = true, .then = SILENT}, false);
	is_told(&a, BANYAN_ETIMEOUT, "");
	/* records of the session's own are no sign of life: each of these comes long before it would be idle */
	ask(&a, (struct ways){.priority = ALL, .dot = true, .then = RENEWS_KEYS}, false);
	is_told(&a, BANYAN_ETIMEOUT, "");
	/* 50 bytes a second: with what TLS wraps around each of them it would be more than the least */
	ask(&a, (struct ways){.priority = ALL, .dot = true, .then = DRIPS}, false);
	is_told(&a, BANYAN_ETIMEOUT, "1000 a second are the least");
}

static void versions_and_tokens(void **state)
{
	struct asking a;
	ask(&a, (struct ways){.priority = ALL, .dot = true, .then = SENDS}, false);
	assert_false(a.over);
	assert_int_equal(a.got, 1);
	ask(&a, (struct ways){.priority = "NORMAL:-VERS-ALL:+VERS-TLS1.2", .dot = true, .then = SENDS}, false);
	is_told(&a, BANYAN_EPROOF, "1.3");
	ask(&a, (struct ways){.priority = ALL, .dot = false, .then = SENDS}, false);
	is_told(&a, BANYAN_EPROOF, "ALPN token dot");
	ask(&a, (struct ways){.priority = ALL, .dot = false, .then = SENDS}, true);
	assert_false(a.over);
	assert_int_equal(a.got, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(handshake), cmocka_unit_test(session),
					   cmocka_unit_test(versions_and_tokens)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
