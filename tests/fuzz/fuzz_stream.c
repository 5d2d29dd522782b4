// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What a client sends over TCP or TLS, in pieces as it likes: a loop with both listeners, which says each message back, in a thread of its own; the
 * client is a session in memory for TLS, and a socket. The first byte chooses: TLS or not, and whether bytes are changed on their way. What
 * comes back is, message by message, what was whole; of a session that was tampered with it is the begin of that, and never anything else.
 */
#include "net/private.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define PLAIN_MAX 200000 /* bytes that a client sends */
#define WAIT_S    10     /* for the server; only a fault takes so long */

static struct net_loop *loop;
static struct counters counters;
static uint16_t plain_port, tls_port;
static struct net_tls_trust *trust;

static int on_message(void *ctx, struct net_message *m)
{
	memcpy(m->reply, m->msg, m->len);
	return (int)m->len;
}

static void *run(void *ctx)
{
	net_loop_run(loop);
	return NULL;
}

static void file_write(char path[], gnutls_datum_t *text)
{
	int fd = mkstemp(path);
	if (fd < 0 || write(fd, text->data, text->size) != (ssize_t)text->size)
		abort();
	close(fd);
	gnutls_free(text->data);
}

/* For nobody's name: the client trusts whoever it is. */
static void certificate_make(char certificate_path[], char key_path[])
{
	static const uint8_t serial[] = {1};
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	gnutls_datum_t out;
	if (gnutls_global_init() < 0)
		abort();
	gnutls_x509_privkey_init(&key);
	gnutls_x509_crt_init(&crt);
	if (gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) < 0)
		abort();
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_serial(crt, serial, sizeof serial);
	gnutls_x509_crt_set_activation_time(crt, time(NULL) - 86400);
	gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 86400 * 365);
	gnutls_x509_crt_set_dn(crt, "CN=fuzz", NULL);
	gnutls_x509_crt_set_key(crt, key);
	if (gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0) < 0 ||
	    gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &out) < 0)
		abort();
	file_write(certificate_path, &out);
	if (gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &out) < 0)
		abort();
	file_write(key_path, &out);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
}

static void world_make(void)
{
	static const struct net_settings settings = {.udp_batch = 1,
						     .tcp_clients = 100,
						     .tcp_clients_per_address = 100,
						     .tcp_idle_ms = 60000,
						     .tcp_pipeline = 16,
						     .ipv4 = true};
	char certificate[] = "/tmp/banyan-fuzz-certificate.XXXXXX", key[] = "/tmp/banyan-fuzz-key.XXXXXX";
	char why[NET_TLS_WHY_MAX];
	struct addr addr = {.family = 4, .ip = {127, 0, 0, 1}};
	struct net_tls_identity *identity;
	pthread_t thread;
	certificate_make(certificate, key);
	if (net_loop_new(&settings, &counters, &loop) < 0 ||
	    net_tls_identity_read(certificate, key, &identity, why) < 0 ||
	    net_tls_trust_new(&(struct net_tls_trust_settings){0}, &trust, why) < 0 ||
	    net_listen(loop, &addr, on_message, NULL, &plain_port) < 0 ||
	    net_listen_tls(loop, &addr, on_message, NULL, &tls_port) < 0)
		fprintf(stderr, "%s\n", why), abort();
	net_loop_identity(loop, identity);
	net_tls_identity_free(identity);
	unlink(certificate);
	unlink(key);
	if (pthread_create(&thread, NULL, run, NULL) != 0)
		abort();
	pthread_detach(thread);
}

/* ---- a client ---- */

struct client {
	int fd;
	struct net_tls *tls;     /* NULL = plain */
	const uint8_t *at, *end; /* of the input: how the pieces are cut, and what is changed on the way */
	bool tampers, tampered, over, shut;
	struct net_inbox sent, heard; /* in clear */
};

static uint8_t take(struct client *c)
{
	return c->at < c->end ? *c->at++ : 0;
}

/* Each client has an address of its own, so that ports do not run out; it ends by a reset. */
static int connect_from(uint16_t port)
{
	static uint32_t number;
	struct timeval wait = {.tv_sec = WAIT_S};
	struct linger reset = {.l_onoff = 1};
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010000 + ++number % 0xfe0000)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		abort();
	return fd;
}

static void socket_write(struct client *c, const uint8_t *data, size_t len)
{
	while (len > 0 && !c->over) {
		ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);
		if (n <= 0) {
			c->over = true;
			return;
		}
		data += n;
		len -= (size_t)n;
	}
}

/* What the session has for the server: as it is, or changed. */
static void session_flush(struct client *c)
{
	struct net_inbox *out = net_tls_out(c->tls);
	if (out->len == 0)
		return;
	if (c->tampers && take(c) % 4 == 1) {
		out->data[(take(c) << 8 | take(c)) % out->len] ^= (uint8_t)(take(c) | 1);
		c->tampered = true;
	}
	socket_write(c, out->data, out->len);
	net_inbox_drop(out, out->len);
}

/* The next bytes from the server, in clear; false: it has ended. */
static bool hear(struct client *c)
{
	static uint8_t raw[65536], plain[16384];
	if (c->tampered && !c->shut) { /* the server may wait for more of what never was */
		c->shut = true;
		shutdown(c->fd, SHUT_WR);
	}
	ssize_t n = c->over ? 0 : recv(c->fd, raw, sizeof raw, 0);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		fprintf(stderr, "the server is silent after %zu bytes, of %zu heard\n", c->sent.len, c->heard.len);
		abort();
	}
	if (n <= 0)
		return !(c->over = true);
	if (c->tls == NULL)
		return net_inbox_add(&c->heard, raw, (size_t)n) == 0;
	size_t len;
	if (net_tls_take(c->tls, raw, (size_t)n) < 0)
		c->over = true;
	while (!c->over && net_tls_up(c->tls)) {
		if (net_tls_read(c->tls, plain, sizeof plain, &len) < 0)
			c->over = true;
		if (len == 0)
			break;
		if (net_inbox_add(&c->heard, plain, len) < 0)
			abort();
	}
	session_flush(c);
	return !c->over && !net_tls_ended(c->tls);
}

static void say(struct client *c, const uint8_t *data, size_t len)
{
	if (net_inbox_add(&c->sent, data, len) < 0)
		abort();
	if (c->tls == NULL) {
		socket_write(c, data, len);
	} else if (net_tls_write(c->tls, data, len) == 0) {
		session_flush(c);
	}
}

/* How long what must come back is: all that is whole. */
static size_t whole(const struct net_inbox *sent)
{
	size_t pos = 0;
	while (sent->len > 0 && net_has_whole(sent->data + pos, sent->len - pos))
		pos += 2 + (size_t)(sent->data[pos] << 8 | sent->data[pos + 1]);
	return pos;
}

/* An empty message is one that is answered with nothing. */
static void expected_make(const struct net_inbox *sent, struct net_inbox *ret)
{
	for (size_t pos = 0, end = whole(sent); pos < end;) {
		size_t n = 2 + (size_t)(sent->data[pos] << 8 | sent->data[pos + 1]);
		if (n > 2 && net_inbox_add(ret, sent->data + pos, n) < 0)
			abort();
		pos += n;
	}
}

static void compare(struct client *c)
{
	struct net_inbox expected = {0};
	expected_make(&c->sent, &expected);
	while (c->heard.len < expected.len && hear(c))
		;
	bool begins = c->heard.len <= expected.len &&
		      (c->heard.len == 0 || memcmp(c->heard.data, expected.data, c->heard.len) == 0);
	if (!begins || (!c->tampered && c->heard.len < expected.len)) {
		fprintf(stderr, "%zu bytes sent, %zu awaited, %zu heard\n", c->sent.len, expected.len, c->heard.len);
		abort();
	}
	net_inbox_done(&expected);
}

/* Pieces: a byte that says how they are made, and their bytes; or many of one value. */
static void speak(struct client *c)
{
	static uint8_t many[65536];
	while (c->at < c->end && !c->over && c->sent.len < PLAIN_MAX) {
		uint8_t how = take(c);
		if (how < 0xc0) { /* so many of the input's own */
			size_t n = how < c->end - c->at ? how : (size_t)(c->end - c->at);
			say(c, c->at, n);
			c->at += n;
		} else if (how < 0xe0) { /* a long message */
			size_t n = (size_t)(take(c) << 8 | take(c));
			uint8_t head[] = {(uint8_t)(n >> 8), (uint8_t)n};
			memset(many, how, n);
			say(c, head, sizeof head);
			say(c, many, n);
		} else if (c->heard.len < whole(&c->sent) && !c->tampered) { /* it listens in between */
			struct net_inbox expected = {0};
			expected_make(&c->sent, &expected);
			if (expected.len > c->heard.len)
				(void)hear(c);
			net_inbox_done(&expected);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (loop == NULL)
		world_make();
	if (len < 1)
		return 0;
	bool tls = data[0] & 1;
	struct client c = {.at = data + 1, .end = data + len, .tampers = tls && data[0] & 2};
	c.fd = connect_from(tls ? tls_port : plain_port);
	if (tls && data[0] & 4) { /* no session at all: what comes back says so, or nothing */
		socket_write(&c, c.at, (size_t)(c.end - c.at));
		shutdown(c.fd, SHUT_WR);
		while (hear(&c))
			;
		if (c.heard.len > PLAIN_MAX)
			abort();
	} else {
		if (tls && net_tls_client(trust, &c.tls) < 0)
			abort();
		if (tls && net_tls_take(c.tls, NULL, 0) == 0) {
			session_flush(&c);
			while (!net_tls_up(c.tls) && hear(&c))
				;
			session_flush(&c);
		}
		if (!tls || net_tls_up(c.tls)) {
			speak(&c);
			compare(&c);
		} else if (!c.tampered) {
			abort(); /* no session, for no reason */
		}
	}
	net_tls_free(c.tls);
	net_inbox_done(&c.sent);
	net_inbox_done(&c.heard);
	close(c.fd);
	return 0;
}
