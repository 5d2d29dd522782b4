// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * net - how bytes come and go.
 *
 * One net_loop a worker: a libuv loop with that worker's own SO_REUSEPORT sockets. Questions come in by UDP
 * (batches of recvmmsg/sendmmsg) and TCP (pipelined, RFC 7766) and are handed to one function that cannot tell which
 * transport brought them; it replies at once or later through a ticket. Exchanges are messages that go out to
 * authorities. Knows nothing of DNS but the two-byte length of TCP and the ID in front of each message. Called by answer/ and cmd/.
 *
 * Example:
 *
 *	struct net_loop *loop;
 *	net_loop_new(&settings, counters, &loop);
 *	net_listen(loop, &addr, on_message, ctx);
 *	net_loop_run(loop);
 */
#pragma once

#include "base/base.h"

enum net_transport { NET_UDP, NET_TCP };

struct net_settings {
	uint32_t udp_batch;     /* messages per recvmmsg, 1..NET_UDP_BATCH_MAX */
	uint32_t udp_gather_us; /* questions wait so long for others where those come that fast; 0 = never */
	uint32_t udp_buffer;  /* bytes of what clients sent that the kernel keeps for each socket; 0 = NET_UDP_BUFFER */
	uint32_t tcp_clients; /* connections of this loop */
	uint32_t tcp_clients_per_address;
	uint32_t tcp_idle_ms;  /* RFC 7766 section 6.2.3 */
	uint32_t tcp_pipeline; /* questions in flight on one connection; reading pauses above it */
	/* connections of this loop to authorities; 0 = the default below */
	uint32_t upstream_tcp_connections, upstream_tcp_per_server;
	uint32_t upstream_tcp_pipeline; /* questions in flight on one of them */
	uint32_t upstream_tcp_queries;  /* questions asked over one of them before it is closed */
	uint32_t upstream_tcp_idle_ms;
	uint32_t upstream_tcp_message_ms; /* a message must be whole so long after its first byte */
	bool accept_later;                /* no TCP connection is taken before net_loop_accept() */
	bool ipv4, ipv6;                  /* families for exchanges */
	size_t n_outgoing;
	const struct addr *outgoing; /* source addresses of exchanges; none = the kernel's choice */
	uint16_t kernel_port_first,
		kernel_port_last; /* that the kernel gives sockets; 0 = not known, each exchange has its own */
	size_t n_reroutes;
	const struct net_reroute *reroute; /* sorted or not; looked up by address without port; to.port 0 = as asked */
	struct net_limits *limits;         /* shared by the loops of a process; NULL = the loop counts for itself */
};
struct net_reroute {
	struct addr from, to;
};

/* Counts TCP connections (or what else a client holds) over several loops, so that the limits hold for the process. An IPv6 address counts as its
 * /64, since that is what one client is given (RFC 6177). Thread-safe; taken at accept and close only. */
struct net_limits;
int net_limits_new(uint32_t tcp_clients, uint32_t tcp_clients_per_address, struct net_limits **ret) _must_use_;
void net_limits_free(struct net_limits *limits);
int net_limits_take(struct net_limits *limits,
		    const struct addr *peer); /* 0, BANYAN_ELIMIT (all), BANYAN_EACCES (address) */
void net_limits_give(struct net_limits *limits, const struct addr *peer);
bool net_limits_reached(struct net_limits *limits, const struct addr *peer); /* would it be BANYAN_EACCES? */

#define NET_UDP_BATCH_MAX            64
#define NET_UDP_BUFFER               (1 << 20) /* some 10 ms of questions at line rate */
/* Unsent reply bytes of one connection: what was in work already when reading paused. A client that lets more come together
 * is closed. */
#define NET_TCP_WRITE_MAX            (256 * 1024)
#define NET_UPSTREAM_TCP_CONNECTIONS 256 /* as many servers as need TCP at once on a busy resolver */
#define NET_UPSTREAM_TCP_PER_SERVER                                                                                    \
	4 /* one is enough (RFC 7766 section 6.2.2) but where a server takes one question each */
#define NET_UPSTREAM_TCP_PIPELINE   32   /* servers begin to refuse or to queue above some dozens */
#define NET_UPSTREAM_TCP_QUERIES    1000 /* so that a connection, and what may be wrong with it, does not live for ever */
#define NET_UPSTREAM_TCP_IDLE_MS    10000 /* RFC 7766 section 6.2.3: a few seconds */
#define NET_UPSTREAM_TCP_MESSAGE_MS 3000  /* 65535 bytes at 170 kbit/s */
#define NET_LATE_MS_MAX             1000
#define NET_LATE_BYTES_MAX          (8 << 20) /* of replies that wait for their time, of one loop */
#define NET_EXCHANGES_MAX           8192      /* exchanges in flight of one loop: bounds file descriptors */
#define NET_AGAIN_MAX               256       /* sockets of one loop that are used again, idle ones too */

struct net_loop;

/* Where a reply goes. Plain value: may be kept and used later; a connection that is gone makes net_reply() a no-op. */
struct net_ticket {
	enum net_transport transport;
	bool secure; /* TCP: in a TLS session */
	struct addr peer, local;
	uint32_t scope;             /* interface of a link-local IPv6 peer, else 0 */
	uint32_t index, generation; /* UDP: the listener; TCP: the connection */
};

struct net_message {
	const uint8_t *msg;
	size_t len;
	struct net_ticket ticket;
	uint8_t *reply;   /* room for the reply */
	size_t reply_cap; /* 65535 */
	/* Other room, from which the reply need not be copied; too little for some. NULL = none. Whoever has written there, and within it,
	 * sets `reply` to it. */
	uint8_t *frame;
	size_t frame_cap;
};

#define NET_LATER (-1000) /* the reply comes through net_reply() (or net_no_reply()) */

/* Returns the length of the reply written to m->reply, 0 for no reply, or NET_LATER. */
typedef int (*net_message_fn)(void *ctx, struct net_message *m);

int net_loop_new(const struct net_settings *settings, struct counters *counters, struct net_loop **ret) _must_use_;
void net_loop_free(struct net_loop *loop);
int net_loop_run(struct net_loop *loop);   /* until net_loop_stop() */
void net_loop_stop(struct net_loop *loop); /* from any thread */
/* Runs fn(ctx) inside the loop's thread, soon. From any thread. */
int net_loop_post(struct net_loop *loop, void (*fn)(void *ctx), void *ctx) _must_use_;
int64_t net_loop_now_ms(const struct net_loop *loop); /* clock_mono_ms() at the start of this turn */
/* `asleep` is called just before the loop waits for events, `awake` before anything else is called after it has waited:
 * between the two no handler runs, so nothing that is read under RCU is in use (QSBR's offline and online go here). */
void net_loop_on_sleep(struct net_loop *loop, void (*asleep)(void *ctx), void (*awake)(void *ctx), void *ctx);
size_t net_loop_connections(const struct net_loop *loop); /* TCP clients connected; loop's thread only */

/* Is nobody else on this address and port? SO_REUSEPORT would let two daemons of one user share it unnoticed, so whoever
 * starts asks first. 0, BANYAN_EEXIST (in use), BANYAN_EUNSUPP (this machine does not have the address), BANYAN_EACCES ... */
int net_listen_probe(const struct addr *addr) _must_use_;

/* Listens on UDP and TCP. *ret_port is the port taken (for port 0), may be NULL. */
int net_listen(struct net_loop *loop, const struct addr *addr, net_message_fn fn, void *ctx, uint16_t *ret_port)
	_must_use_;
/* With settings.accept_later: from now on, before the loop runs. Whoever waits until TCP is accepted finds somebody who answers. */
int net_loop_accept(struct net_loop *loop) _must_use_;

/* ---- AF_XDP: UDP straight from the queues of an interface, beside the sockets of net_listen() ----
 * The questions are those that the listeners' sockets would get. It is possible or not: who may not, has no driver, ... goes on with sockets.
 * Opened with all rights, before they are given up. Its filter goes with net_xdp_close() and with the process, however that ends. */
#define NET_XDP_WHY_MAX 256
struct net_xdp;
int net_xdp_open(const char *interface, size_t n_listen, const struct addr *listen, struct net_xdp **ret,
		 char why[NET_XDP_WHY_MAX]) _must_use_;
void net_xdp_close(struct net_xdp *xdp); /* after the loops that listen to it are freed */
unsigned net_xdp_queues(const struct net_xdp *xdp);
char *net_xdp_describe(const struct net_xdp *xdp, char out[NET_XDP_WHY_MAX]); /* the mode; returns out */
/* One queue is one loop's: below net_xdp_queues(). After net_listen(). */
int net_xdp_listen(struct net_loop *loop, const struct net_xdp *xdp, unsigned queue) _must_use_;

/* `fn` is told of each TCP client that went away while questions of it were in flight (NET_LATER): index and generation
 * are those of their tickets. Never called from within another handler. */
void net_on_gone(struct net_loop *loop, void (*fn)(void *ctx, uint32_t index, uint32_t generation), void *ctx);

int net_reply(struct net_loop *loop, const struct net_ticket *ticket, const uint8_t *msg, size_t len);
/* UDP only: goes out so many ms later, up to NET_LATE_MS_MAX. BANYAN_ELIMIT when too many wait already. */
int net_reply_in(struct net_loop *loop, const struct net_ticket *ticket, const uint8_t *msg, size_t len,
		 uint32_t delay_ms) _must_use_;
void net_no_reply(struct net_loop *loop, const struct net_ticket *ticket); /* a NET_LATER that ends without reply */

/* ---- a reply of many messages (transfers) ----
 * Takes the place of net_reply() after a NET_LATER over TCP. `next` writes the next message and returns its length, when there is room for
 * it: a client that reads slowly is given little, and one that reads too slowly is closed. 0 = that was the last; negative = it cannot
 * be made: the connection is closed. Other questions of the connection are answered meanwhile; a second flow waits for the first.
 * `over` is called once, from within no handler, also when the client is gone. */
#define NET_FLOW_GRACE_MS 30000 /* before a flow is judged by its rate: buffers and slow starts */
struct net_flow_settings {
	int (*next)(void *ctx, uint8_t *out, size_t cap); /* cap: 65535 */
	void (*over)(void *ctx, bool whole);              /* whole: the last message is on its way */
	void *ctx;
	uint32_t whole_ms; /* that it may take; 0 = as long as it likes */
	uint32_t rate_min; /* bytes a second that the client must take, on the average; 0 = any */
};
/* BANYAN_ENOENT: the connection is gone; BANYAN_ENOMEM. `over` is not called then, and the question still waits for its reply. */
int net_flow(struct net_loop *loop, const struct net_ticket *ticket, const struct net_flow_settings *settings)
	_must_use_;

/* One timer a loop, for whoever drives the resolver: calls fn at or after `at_ms`; a later call replaces it. */
void net_wake_at(struct net_loop *loop, int64_t at_ms, void (*fn)(void *ctx), void *ctx);

/* ---- exchanges: a message to a server and what comes back ----
 * UDP: a random port for each, in a fresh socket or one that is used again (again.c), connected, so that the kernel drops what comes from elsewhere. The
 * exchange stays open (more datagrams may come: forgeries) until net_exchange_close(). TCP: connections to a server are kept and
 * shared by its exchanges; replies come in any order and find their exchange by the message ID (its first two bytes). Where two exchanges
 * of one connection have the same ID, net changes it on the way out and back: their owners see the ID that they chose. */
struct net_exchange_event {
	uint64_t id;
	enum net_transport transport;
	bool fragmented; /* the datagram came in pieces: another one's may be among them (RFC 9715) */
	int error; /* 0: msg/len hold a message; else BANYAN_E...: refused, unreachable, closed: the exchange is over */
	const uint8_t *msg;
	size_t len;
};
typedef void (*net_exchange_fn)(void *ctx, const struct net_exchange_event *event);

/* Handler of all exchanges of this loop. */
void net_on_exchange(struct net_loop *loop, net_exchange_fn fn, void *ctx);
/* `id` is the caller's, unique among open ones. `to` is rerouted if settings say so. Never calls the handler itself. */
int net_exchange_open(struct net_loop *loop, uint64_t id, enum net_transport transport, const struct addr *to,
		      const uint8_t *msg, size_t len) _must_use_;
void net_exchange_close(struct net_loop *loop, uint64_t id); /* unknown ids are ignored */

/* ---- TLS (RFC 8446 and, for transfers, RFC 9103): who the other side must be, and who we are ---- */
#define NET_TLS_WHY_MAX  400 /* bytes of a sentence */
#define NET_TLS_PINS_MAX 8   /* keys of one server: the one in use, and some for its roll */
struct net_tls_pin {
	uint8_t sha256[32]; /* of the SubjectPublicKeyInfo (RFC 7858 section 4.2) */
};
struct net_tls_trust_settings {
	const char *name;    /* in the certificate, or an address; NULL = it is not checked: against listeners only */
	const char *ca_file; /* PEM; NULL = the machine's own list. Looked at only with a name */
	bool any_alpn;       /* a server that does not select the token "dot" is good enough */
	size_t n_pins;       /* with pins, the server's key must be one of them */
	const struct net_tls_pin *pin;
};
struct net_tls_trust;
int net_tls_trust_new(const struct net_tls_trust_settings *settings, struct net_tls_trust **ret,
		      char why[NET_TLS_WHY_MAX]) _must_use_;
void net_tls_trust_free(struct net_tls_trust *trust);
struct net_tls_identity; /* a certificate and its key */
int net_tls_identity_read(const char *certificate_file, const char *key_file, struct net_tls_identity **ret,
			  char why[NET_TLS_WHY_MAX]) _must_use_;
void net_tls_identity_free(struct net_tls_identity *identity); /* it lives on as long as sessions use it */
/* Listens for TCP with TLS, and hands over messages as net_listen() does. All such listeners of a loop have one identity. */
int net_listen_tls(struct net_loop *loop, const struct addr *addr, net_message_fn fn, void *ctx, uint16_t *ret_port)
	_must_use_;
/* In the loop's thread, or before it runs: for sessions that begin from now on. Without one no connection is taken. */
void net_loop_identity(struct net_loop *loop, struct net_tls_identity *identity);

/* ---- which of our addresses ---- */
/* The one from which messages to `to` shall go so that they come from where this machine listens: the kernel's choice if it is among
 * these or one of these is the wildcard, else the first of these from which `to` can be reached. With the port that is listened on.
 * BANYAN_ENOENT: there is none. */
int net_source_for(const struct addr *to, size_t n, const struct addr *listen, struct addr *ret) _must_use_;
int net_source_check(const struct addr *addr) _must_use_; /* BANYAN_EUNSUPP: it is no address of this machine */

/* ---- messages by UDP to many, from any libuv loop: NOTIFY ---- */
struct net_sender;
struct uv_loop_s;
struct net_sender_settings {
	/* What came to where messages are sent from: from anybody. It must not close the sender. */
	void (*message)(void *ctx, const struct addr *from, const uint8_t *msg, size_t len);
	void *ctx;
};
/* Its sockets are opened when the first message of their family goes out. */
int net_sender_open(struct uv_loop_s *loop, const struct net_sender_settings *settings, struct net_sender **ret)
	_must_use_;
/* `from`: the address to send from, family 0 = any. At once or not at all: BANYAN_EAGAIN, BANYAN_EIO ... */
int net_sender_send(struct net_sender *sender, const struct addr *to, const struct addr *from, const uint8_t *msg,
		    size_t len) _must_use_;
void net_sender_close(struct net_sender *sender);

/* ---- a connection of one's own: TCP to a server, on any libuv loop (transfers) ---- */
struct net_client;
struct uv_loop_s;
struct net_client_settings {
	/* Over when nothing came for this long, connecting included. By TLS: the session must be up so long after the connection,
	 * and then only what it brings counts, not what its own machinery sends. */
	uint32_t idle_ms;
	uint32_t whole_ms;                 /* over after this long, whatever comes; 0 = no such limit */
	const struct net_tls_trust *trust; /* by TLS, to whom this trusts; lives as long as the client. NULL = plain */
	struct addr from;                  /* its own address, with any port; family 0 = the kernel's choice */
	uint32_t
		rate_min; /* over when fewer bytes a second come, from the first one on, over rate_ms; 0 = no such limit */
	uint32_t rate_ms;                                           /* 0 = NET_CLIENT_RATE_MS */
	void (*message)(void *ctx, const uint8_t *msg, size_t len); /* a whole message */
	void (*over)(void *ctx,
		     int error); /* once; nothing comes after it, and it need not be closed. Never from within open */
	void *ctx;
};
#define NET_CLIENT_RATE_MS 10000 /* a line may be quiet for seconds, for no fault of the server */
int net_client_open(struct uv_loop_s *loop, const struct addr *to, const struct net_client_settings *settings,
		    struct net_client **ret) _must_use_;
int net_client_send(struct net_client *client, const uint8_t *msg, size_t len)
	_must_use_;                                          /* waits for the connection */
const char *net_client_why(const struct net_client *client); /* within over(): a sentence, when there is more to say */
void net_client_close(struct net_client *client);            /* no function is called any more */

/* ---- a datagram of one's own: a question by UDP to a server, on any libuv loop ---- */
struct net_datagram;
struct net_datagram_settings {
	uint32_t again_ms; /* sent again when nothing has come for so long, then for twice as long, ...; 0 = never */
	uint32_t whole_ms; /* over after this long */
	uint32_t room;     /* bytes of a reply; longer ones are dropped. 0 = as long as a message can be */
	void (*message)(void *ctx, const uint8_t *msg,
			size_t len); /* what came from the server's address, forged or not */
	/* once, unless closed before; never from within open: BANYAN_ETIMEOUT, BANYAN_EIO */
	void (*over)(void *ctx, int error);
	void *ctx;
};
int net_datagram_open(struct uv_loop_s *loop, const struct addr *to, const uint8_t *msg, size_t len,
		      const struct net_datagram_settings *settings, struct net_datagram **ret) _must_use_;
void net_datagram_close(struct net_datagram *datagram); /* no function is called any more */
