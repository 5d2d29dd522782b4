// SPDX-License-Identifier: GPL-3.0-or-later
/* web, private: requests, ranges, rates, and the library's functions as far as they are used. */
#pragma once

#include "web.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* The functions of libmicrohttpd, found when it is loaded. */
#define WEB_FUNCTIONS(F)                                                                                               \
	F(MHD_start_daemon)                                                                                            \
	F(MHD_stop_daemon)                                                                                             \
	F(MHD_run)                                                                                                     \
	F(MHD_get_timeout)                                                                                             \
	F(MHD_get_daemon_info)                                                                                         \
	F(MHD_get_connection_info)                                                                                     \
	F(MHD_lookup_connection_value)                                                                                 \
	F(MHD_create_response_from_buffer)                                                                             \
	F(MHD_create_response_from_fd_at_offset64)                                                                     \
	F(MHD_create_response_from_callback)                                                                           \
	F(MHD_suspend_connection)                                                                                      \
	F(MHD_resume_connection)                                                                                       \
	F(MHD_add_response_header)                                                                                     \
	F(MHD_queue_response)                                                                                          \
	F(MHD_destroy_response)

struct web_library {
#define WEB_FUNCTION(name) __typeof__(name) *name;
	WEB_FUNCTIONS(WEB_FUNCTION)
#undef WEB_FUNCTION
	void *handle;
};

#define WEB_BUCKETS  4096  /* addresses whose rate is known; more share */
#define WEB_KEY_SIZE 9     /* family and network of a client */
#define WEB_PIECE    16384 /* bytes of a file that are sent at once, where there is a limit */

struct web_bucket {
	uint8_t key[WEB_KEY_SIZE];
	int64_t full_at; /* when it has all of its tokens again, in ms of the monotonic clock */
};

struct web_rates {
	uint32_t rate; /* tokens a second */
	uint8_t secret[16];
	struct web_bucket bucket[WEB_BUCKETS];
};

void web_rates_init(struct web_rates *rates, uint32_t rate);
void web_key(const struct sockaddr *from, uint8_t key[WEB_KEY_SIZE]);
/* May this address ask once more? */
bool web_rates_take(struct web_rates *rates, const struct sockaddr *from, int64_t now_ms);

/* ---- bandwidth (flow.c): bytes a second, 0 = no limit. Both take note of a piece, and return when it may be sent. ---- */

struct web_flow_bucket {
	uint8_t key[WEB_KEY_SIZE];
	int64_t sent_us;
};

struct web_flow {
	uint64_t each, all;
	uint8_t secret[16];
	int64_t sent_us;
	struct web_flow_bucket bucket[WEB_BUCKETS];
};

void web_flow_init(struct web_flow *flow, uint64_t each, uint64_t all);
int64_t web_flow_each(struct web_flow *flow, const struct sockaddr *from, size_t bytes, int64_t now_us);
int64_t web_flow_all(struct web_flow *flow, size_t bytes, int64_t now_us);

TAILQ_HEAD(web_waiting, web_send);

struct net_web {
	struct web_library library;
	int folder_fd, wake_fd; /* wake_fd: tells the thread to end */
	size_t n;
	struct MHD_Daemon *daemon[NET_WEB_LISTEN_MAX];
	int listen_fd[NET_WEB_LISTEN_MAX];
	pthread_t thread;
	bool running;
	struct counters *counters, own_counters;
	struct web_rates rates;
	struct web_flow flow;
	struct web_waiting waiting; /* connections whose turn has not come */
};

static inline bool web_is_limited(const struct net_web *web)
{
	return web->flow.each > 0 || web->flow.all > 0;
}

/* ---- files in pieces (send.c) ---- */

/* `fd` goes with the response; NULL: it is the caller's still. */
struct MHD_Response *web_send_make(struct net_web *web, struct MHD_Connection *connection, const struct sockaddr *from,
				   int fd, uint64_t first, uint64_t len);
/* Those whose turn has come go on, or all. Milliseconds until the next one's; -1 = nobody waits. */
int64_t web_send_turns(struct net_web *web, bool all);

/* ---- requests (request.c) ---- */

/* A plain file below the folder: a descriptor, or BANYAN_ENOENT. `ret_fixed`: it is under a number, and so never changes. */
int web_path_open(int folder_fd, const char *path, struct stat *ret, bool *ret_fixed) _must_use_;
#define WEB_TAG_MAX 80
void web_tag(const struct stat *st, char out[WEB_TAG_MAX]);
/* Does a list of tags (If-None-Match, RFC 9110 section 13.1.2) name this one? */
bool web_tag_listed(const char *header, const char *tag);

enum web_range { WEB_WHOLE, WEB_PART, WEB_NO_PART };
/* Range: one range of bytes (RFC 9110 section 14.1.2); several, or other units, are answered with the whole. */
enum web_range web_range_parse(const char *header, uint64_t size, uint64_t *ret_first, uint64_t *ret_len);

/* The library's handler of requests; `ctx` is the struct net_web. */
enum MHD_Result web_request(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
			    const char *version, const char *upload_data, size_t *upload_data_size, void **request);
