// SPDX-License-Identifier: GPL-3.0-or-later
/* What the files of net/ share: the loop and the things that hang on it. */
#pragma once

#include "net/net.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <uv.h>

#define NET_LISTENERS_MAX  256 /* addresses one loop listens on: more than a host has */
#define NET_POLL_UV        0   /* the places of what the loop waits for: libuv, */
#define NET_POLL_WATCH     1   /* exchanges and the listeners that are too many, */
#define NET_POLL_LISTENERS 2   /* and the first listeners */
#define NET_POLL_XDP_MAX   256 /* queues of network cards that one loop serves: all that a card may have */
#define NET_POLL_LISTENERS_MAX                                                                                         \
	16                       /* poll() looks at each of them for each sleep; further ones are watched by an epoll */
#define NET_UDP_ROUNDS_MAX     4 /* batches taken from one socket before other sockets get their turn */
#define NET_MESSAGE_MAX        65535         /* bytes of a DNS message: RFC 1035 section 4.2.2, the length is 16 bits */
#define NET_UDP_STRIDE         (65536 + 320) /* not a power of two, so that the buffers' first lines use all cache sets */
#define NET_TCP_BACKLOG        1024          /* connections that wait for accept() */
#define NET_TCP_PAUSE          (4 * 1024)    /* unsent bytes above which no more questions are read */
#define NET_TCP_GATHER         (16 * 1024)   /* bytes of replies that are worth a write of their own */
#define NET_TCP_TURN           (256 * 1024) /* bytes of replies to one connection in a millisecond; then others have their turn */
#define NET_FLOW_UNSENT        (128 * 1024) /* bytes of a flow that the kernel keeps beside those on their way */
#define NET_TCP_READ           (8 * 1024)   /* bytes of questions read at once: what is left of them must be kept */
#define NET_TCP_SWEEP_MIN_MS   20           /* how often connections are looked at, at most */
#define NET_TCP_SWEEP_MAX_MS   1000         /* and at least */
#define NET_PORT_TRIES         64   /* random ports tried: with 8192 of 64512 taken, 64 misses in a row do not happen */
#define NET_PORT_MIN           1024 /* first port that needs no privilege */
#define NET_EXCHANGE_BUCKETS   8192 /* power of two */
#define NET_OUTBOX_MAX         16   /* datagrams that wait for the end of the turn */
#define NET_OUTBOX_BYTES       (64 * 1024) /* of them; none is larger */
#define NET_OUTBOX_FAILED_MAX  64          /* that could not be sent, and whose owners are not told yet */
#define NET_EXCHANGE_READS_MAX 16 /* datagrams taken from one exchange in one go: forgeries must not hold up the loop */
#define NET_STREAM_BUCKETS     256 /* power of two */
#define NET_STREAM_STRAYS_MAX  64  /* replies to nothing in flight, before a connection is taken for mad */
#define NET_STREAM_UNPROVED    2   /* connections to a server while none of them has brought an answer */
#define NET_STREAM_SILENT_MS   500 /* a question given up after this long without a byte casts doubt on its connection */

struct net_listener {
	struct net_loop *loop;
	uint32_t index;
	struct addr addr;
	bool wildcard; /* then the reply's source address is told by the question's destination */
	net_message_fn fn;
	void *ctx;
	int udp_fd;        /* -1: there is none */
	uint32_t udp_lost; /* as the kernel counts them */
	uv_tcp_t tcp;
	bool tls;
	struct net_listener *next; /* of those with TLS */
};

union net_control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* The buffers of one batch; the same for all UDP sockets of a loop, since one is served at a time. */
struct net_batch {
	unsigned size;
	struct mmsghdr in[NET_UDP_BATCH_MAX], out[NET_UDP_BATCH_MAX];
	struct iovec in_iov[NET_UDP_BATCH_MAX], out_iov[NET_UDP_BATCH_MAX];
	struct sockaddr_storage peer[NET_UDP_BATCH_MAX];
	union net_control in_control[NET_UDP_BATCH_MAX], out_control[NET_UDP_BATCH_MAX];
	uint8_t *bytes; /* mapped: pages are used as messages need them */
	size_t bytes_len;
};

/* What came over a stream and is not handled yet. */
struct net_inbox {
	uint8_t *data;
	size_t len, cap;
};

/* A client's TCP connection. */
struct net_conn {
	struct net_loop *loop;
	struct net_listener *listener;
	struct net_conn *prev, *next; /* of the loop's list, the longest inactive first */
	uv_tcp_t tcp;
	struct net_tls *tls; /* NULL = plain */
	struct addr peer, local;
	uint32_t scope, index, generation;
	struct net_inbox in; /* questions not handled yet */
	uint32_t in_flight;  /* questions without reply */
	bool reading, eof, closing;
	int64_t active_ms;     /* last whole question or reply */
	int64_t partial_ms;    /* since when a question is incomplete; 0 = none is */
	int64_t unsent_ms;     /* since when the oldest unsent block waits; 0 = all is sent */
	int64_t turn_ms;       /* when it has had ... */
	size_t turn;           /* ... so many bytes of replies, made at once */
	struct net_flow *flow; /* replies of many messages; the first of them is being sent */
};

struct net_conn_slot {
	struct net_conn *conn;
	uint32_t generation;
	uint32_t next_free; /* index + 1 */
};

struct net_exchange {
	struct net_loop *loop;
	struct net_exchange *next; /* in its bucket, or in the list of spare ones */
	uint64_t id;
	enum net_transport transport;
	bool open; /* false: in the spare list */
	/* UDP */
	int fd;
	struct net_again *again; /* whose socket it is, unless it is its own */
	bool fragmented;         /* the datagram that came last */
	/* TCP */
	struct net_stream *stream;
	struct net_exchange *next_on_stream;
	uint16_t own_id, wire_id; /* of the message: as its owner wrote it, as it went out */
	bool retried, answered;
	bool waiting; /* for a connection */
	struct net_exchange *prev_waiting;
	struct addr to;
	int64_t sent_ms;
	uint8_t *out; /* the message, for another try */
	size_t out_len;
};

struct net_waiters {
	struct net_exchange *first, *last;
};

/* A TCP connection to another server. */
struct net_stream {
	struct net_loop *loop;
	struct net_stream *next; /* in its bucket */
	struct addr to;
	uv_tcp_t tcp;
	uv_connect_t connect;
	bool connected, closing;
	bool retired; /* takes no more questions */
	struct net_inbox in;
	struct net_exchange *first; /* the questions without reply, and those whose owner wants more */
	uint32_t in_flight, asked, served;
	uint32_t strays;       /* messages that nobody waits for */
	int64_t partial_ms;    /* since when a message is incomplete; 0 = none is */
	int64_t heard_ms;      /* when bytes came last */
	int64_t idle_since_ms; /* when the last exchange left */
};

/* Replies that go out later: a wheel of lists, each slot a tick. */
#define NET_LATE_TICK_MS 4
#define NET_LATE_SLOTS   256 /* power of two; the wheel turns round in more than NET_LATE_MS_MAX */
struct net_late {
	struct net_late_reply *first[NET_LATE_SLOTS], *last[NET_LATE_SLOTS];
	int64_t tick; /* the last one that was done */
	size_t bytes, count;
	uv_timer_t timer;
};

/* A socket that is used again. */
struct net_again {
	int fd;
	uint8_t family;
	bool taken;
	uint32_t next; /* of those that are free: index + 1 */
	uint64_t id;   /* of the exchange that has it */
};

/* What goes out at the end of the turn. */
struct net_question {
	uint64_t id; /* of the exchange */
	uint32_t at, len;
};
struct net_failed {
	uint64_t id;
	int error;
};
struct net_questions {
	unsigned n, n_failed;
	size_t used;
	struct net_question question[NET_OUTBOX_MAX];
	struct net_failed failed[NET_OUTBOX_FAILED_MAX];
	uint8_t bytes[NET_OUTBOX_BYTES];
};
struct net_answers {
	unsigned n;
	uint32_t listener; /* index of the one that all of them leave by */
	size_t used;
	struct mmsghdr hdr[NET_OUTBOX_MAX];
	struct iovec iov[NET_OUTBOX_MAX];
	struct sockaddr_storage peer[NET_OUTBOX_MAX];
	union net_control control[NET_OUTBOX_MAX];
	uint8_t bytes[NET_OUTBOX_BYTES];
};

struct net_post {
	struct net_post *next;
	void (*fn)(void *ctx);
	void *ctx;
};

/* Questions over UDP that are left to wait for others. */
struct net_gather {
	uint32_t us;        /* so long; 0 = never */
	unsigned questions; /* that came since the loop slept last, */
	int64_t slept_us;   /* which was then */
	unsigned blind;     /* times in a row that only listeners were read */
	bool gathered;      /* did it let them wait? */
	uint32_t skip;      /* sleeps without, because it has not paid */
};

struct net_loop {
	uv_loop_t uv;
	struct net_settings settings;
	struct addr *outgoing;
	struct net_reroute *reroute; /* sorted by `from` */
	struct counters *counters;
	struct random random;
	bool awake;
	int64_t now_ms;
	void (*on_asleep)(void *ctx), (*on_awake)(void *ctx);
	void *sleep_ctx;
	uv_check_t check;
	struct pollfd poll_fd[NET_POLL_LISTENERS + NET_POLL_LISTENERS_MAX + NET_POLL_XDP_MAX];
	unsigned n_poll_fds;
	struct net_gather gather;

	pthread_mutex_t post_lock;
	struct net_post *post_first, **post_last;
	bool stop;    /* asked for, by any thread */
	bool stopped; /* known to the loop */
	uv_async_t async;

	uv_timer_t wake;
	uv_idle_t idle; /* runs while the wake is due and the sockets are still read */
	bool wake_due;
	int64_t wake_at_ms;
	void (*wake_fn)(void *ctx);
	void *wake_ctx;

	struct net_listener *listener[NET_LISTENERS_MAX];
	struct net_listener *tls_listeners;
	struct net_tls_identity *identity; /* of tls_listeners; NULL = none yet */
	uint32_t n_listeners;
	struct net_batch batch;
	struct net_xdp_queue *xdp[NET_POLL_XDP_MAX]; /* the last of poll_fd, in this order */
	unsigned n_xdp;

	struct net_late late;
	struct net_limits *limits;
	bool own_limits;
	struct net_conn *conn_first, *conn_last;
	struct net_conn_slot *slot;
	uint32_t n_slots, free_slot; /* free_slot: index + 1 */
	size_t n_conns;
	uv_timer_t sweep, resume;
	bool sweeping;
	void (*gone_fn)(void *ctx, uint32_t index, uint32_t generation);
	void *gone_ctx;
	uint8_t *tcp_in;  /* what the kernel hands over, of whichever connection */
	uint8_t *tcp_out; /* replies to one read, written at once */
	size_t tcp_out_len;

	struct net_exchange *bucket[NET_EXCHANGE_BUCKETS];
	struct net_exchange *spare;
	size_t n_exchanges;
	struct net_stream *stream_bucket[NET_STREAM_BUCKETS];
	uint32_t n_streams;
	struct net_waiters stream_waiters[NET_STREAM_BUCKETS];
	size_t n_stream_waiters;
	uv_timer_t stream_sweep, stream_feed;
	struct net_again again[NET_AGAIN_MAX];
	uint32_t n_again, again_first[2]; /* free ones of IPv4 and IPv6: index + 1 */
	int watch_fd;                     /* an epoll */
	int64_t outbox_since_ms;          /* when the first of it was put there */
	struct net_questions questions;
	struct net_answers answers;
	uint8_t *exchange_in;
	net_exchange_fn exchange_fn;
	void *exchange_ctx;
};

#define NET_TCP_IN_SIZE  65536
/* Replies gathered before a write: with NET_TCP_PAUSE below NET_TCP_WRITE_MAX, so that replies made at once never close a
 * connection, however slowly its client reads. */
#define NET_TCP_OUT_SIZE (NET_TCP_GATHER + NET_MESSAGE_MAX + 2)

/* tcp.c, for flow.c: how a connection is written to, whatever carries its bytes. */
struct net_conn *net_conn_of(struct net_loop *loop, const struct net_ticket *ticket); /* NULL = it is gone */
size_t net_conn_unsent(const struct net_conn *conn);
int net_conn_write(struct net_conn *conn, uv_buf_t *bufs, unsigned n); /* closes it when that is not possible */
void net_conn_close(struct net_conn *conn);
void net_conn_spend(struct net_conn *conn, size_t len); /* of its turn */
bool net_conn_had_turn(const struct net_conn *conn);
/* flow.c */
void net_flow_pump(struct net_conn *conn); /* as many messages as there is room for; between handlers only */
bool net_flow_overdue(const struct net_conn *conn, int64_t now);
void net_flows_drop(struct net_conn *conn);

/* loop.c: each callback from libuv begins with this. */
void net_loop_wake_up(struct net_loop *loop);
static inline void net_turn(struct net_loop *loop)
{
	if (!loop->awake)
		net_loop_wake_up(loop);
}

/* socket.c */
/* udp.c: control data that make the kernel send from `local` */
void net_control_from(struct msghdr *hdr, union net_control *control, const struct addr *local, uint32_t scope);
socklen_t net_sockaddr_from(const struct addr *addr, uint32_t scope, struct sockaddr_storage *out);
void net_sockaddr_to(const struct sockaddr_storage *sa, struct addr *out, uint32_t *ret_scope);
int net_socket(const struct addr *addr, int type);
void net_socket_set(int fd, int level, int name, int value); /* best effort */
void net_socket_buffer(int fd, int name, int force_name, uint32_t bytes);
bool net_socket_lost(int fd, uint32_t *ret); /* datagrams that found the buffer full, since it was opened */
void net_socket_no_pmtu(int fd, uint8_t family);
void net_socket_dont_fragment(int fd, uint8_t family);
void net_socket_tell_fragments(int fd, uint8_t family);
ssize_t net_socket_receive(int fd, uint8_t *out, size_t max, bool *ret_fragmented); /* as recv() */
int net_bind_error(int err);                                                        /* of bind() and listen() */
int net_socket_local(int fd, struct addr *ret);

/* udp.c */
int net_batch_init(struct net_batch *batch, uint32_t size);
void net_batch_done(struct net_batch *batch);
void net_udp_readable(struct net_listener *listener);
int net_udp_reply(struct net_loop *loop, const struct net_ticket *ticket, const uint8_t *msg, size_t len);
void net_udp_send(struct net_listener *listener, struct mmsghdr *hdr, unsigned n);
void net_udp_address(const struct net_listener *listener, const struct net_ticket *ticket, struct msghdr *hdr,
		     union net_control *control); /* to the client, whose address goes to the room at msg_name */

/* xdp.c */
void net_xdp_readable(struct net_xdp_queue *queue);
void net_xdp_close_all(struct net_loop *loop);

/* outbox.c */
void net_outbox_ask(struct net_loop *loop, uint64_t id, const uint8_t *msg, size_t len);
void net_outbox_answer(struct net_loop *loop, const struct net_ticket *ticket, const uint8_t *msg, size_t len);
void net_outbox_send(struct net_loop *loop);

/* again.c */
bool net_again_suits(const struct net_loop *loop, uint16_t port); /* might the kernel give this one? */
int net_again_take(struct net_loop *loop, const struct addr *to, uint64_t id, struct net_again **ret);
void net_again_give(struct net_loop *loop, struct net_again *again);
void net_again_readable(struct net_loop *loop, uint32_t index);
void net_again_done(struct net_loop *loop);

/* watch.c */
int net_watch_init(struct net_loop *loop);
void net_watch_done(struct net_loop *loop);
int net_watch_again(struct net_loop *loop, int fd, uint32_t index); /* < NET_AGAIN_MAX */
int net_watch_listener(struct net_loop *loop, int fd, uint32_t index);
int net_watch_add(struct net_loop *loop, int fd, uint64_t id); /* <= UINT64_MAX - NET_AGAIN_MAX - NET_LISTENERS_MAX */
void net_watch_readable(struct net_loop *loop);

/* wait.c */
void net_wait_init(struct net_loop *loop);
int net_wait_for_queue(struct net_loop *loop, struct net_xdp_queue *queue, int fd); /* after all listeners */
int net_wait_for(struct net_loop *loop, const struct net_listener *listener); /* whose place in the loop is the next */

/* late.c */
void net_late_init(struct net_loop *loop);
void net_late_done(struct net_loop *loop);

/* loop.c */
int net_bound_socket(const struct addr *addr, int type); /* or an error */
bool net_is_wildcard(const struct addr *addr);
void net_listener_closed(uv_handle_t *handle);

/* tls_listen.c */
int net_tls_listen_accept(struct net_loop *loop);
void net_tls_listen_close(struct net_loop *loop);

/* tcp.c */
void net_tcp_accept(uv_stream_t *server, int status);
int net_tcp_reply(struct net_loop *loop, const struct net_ticket *ticket, const uint8_t *msg, size_t len);
void net_tcp_no_reply(struct net_loop *loop, const struct net_ticket *ticket);
void net_tcp_resume(uv_timer_t *timer);
void net_tcp_close_all(struct net_loop *loop);

/* tls.c: a session; the bytes of both sides are the caller's to carry */
struct net_tls;
int net_tls_client(const struct net_tls_trust *trust, struct net_tls **ret) _must_use_;
int net_tls_server(struct net_tls_identity *identity, struct net_tls **ret) _must_use_;
void net_tls_free(struct net_tls *tls);
struct net_tls_identity *net_tls_identity_use(struct net_tls_identity *identity);
/* What the peer sent; none at all begins the handshake. After each call net_tls_out() may hold something for the peer.
 * BANYAN_EPROOF: net_tls_why(). */
int net_tls_take(struct net_tls *tls, const uint8_t *data, size_t len) _must_use_;
/* What the peer said; length 0: nothing more for now, or the end. */
int net_tls_read(struct net_tls *tls, uint8_t *out, size_t cap, size_t *ret_len) _must_use_;
int net_tls_write(struct net_tls *tls, const uint8_t *data, size_t len) _must_use_; /* once it is up */
bool net_tls_up(const struct net_tls *tls); /* the handshake is over, the peer is who it must be */
bool net_tls_ended(const struct net_tls *tls);
const char *net_tls_why(const struct net_tls *tls);
struct net_inbox *net_tls_out(struct net_tls *tls); /* for the peer; to be dropped when sent */

/* inbox.c */
int net_inbox_add(struct net_inbox *inbox, const uint8_t *data, size_t len);
void net_inbox_drop(struct net_inbox *inbox, size_t len); /* from its start */
void net_inbox_done(struct net_inbox *inbox);
static inline bool net_has_whole(const uint8_t *data, size_t len) /* with its length before it */
{
	return len >= 2 && len - 2 >= (size_t)(data[0] << 8 | data[1]);
}

/* stream.c */
int net_stream_join(struct net_exchange *exchange, const struct addr *to); /* over a connection to `to`, kept or new */
void net_stream_leave(struct net_exchange *exchange);
void net_stream_feed(uv_timer_t *timer);
void net_stream_close_all(struct net_loop *loop);

/* exchange.c */
int net_source_address(struct net_loop *loop, uint8_t family, struct addr *ret);
void net_exchange_tell(struct net_exchange *exchange, int error, const uint8_t *msg, size_t len);
void net_exchange_fail(struct net_exchange *exchange, int error);
int net_exchange_socket(const struct addr *to);
void net_exchange_readable(struct net_loop *loop, uint64_t id);
int net_exchange_fd(struct net_loop *loop, uint64_t id);                  /* -1: there is none */
void net_exchange_give_up(struct net_loop *loop, uint64_t id, int error); /* as if the network had ended it */
void net_exchange_close_all(struct net_loop *loop);
void net_exchange_free_spare(struct net_loop *loop);
const struct addr *net_rerouted(const struct net_loop *loop, const struct addr *to, struct addr *room);
int net_reroute_compare(const void *a, const void *b);
