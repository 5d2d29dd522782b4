// SPDX-License-Identifier: GPL-3.0-or-later
/* One fetch under way: what the ways to fetch share. */
#pragma once

#include <uv.h>

#include "private.h"
#include "sync/sync.h"

#define PULL_PEEK_BYTES     2048 /* of the begin of a file: its SOA stands there */
#define PULL_PROBE_IDLE_MS  5000 /* of one question for a serial by TCP */
#define PULL_PROBE_UDP_MS   2500 /* by UDP: asked at 0, 0.7 and 2.1 s */
#define PULL_PROBE_AGAIN_MS 700
#define PULL_POINTER_MAX    65536             /* bytes of a pointer */
#define PULL_COPY_STEP      ((size_t)4 << 20) /* bytes of a file copied in one turn of the loop */
#define PULL_DIR_MAX        10000             /* files looked at in a folder */

struct pull_fetch {
	struct pull_fetch_settings settings;
	struct pull_source source;
	uint8_t apex[WIRE_NAME_MAX];
	char tag[PULL_TAG_MAX];
	struct uv_loop_s *loop;
	uv_timer_t step, limit;
	unsigned handles;
	bool over;
	int64_t started_ms;
	struct pull_fetch_result result;
	/* whom to ask */
	size_t n_addresses, at;
	struct addr address[PULL_SOURCE_ADDRESSES_MAX];
	void *resolving;
	void (*resolved)(struct pull_fetch *fetch);
	/* a serial by DNS */
	struct net_datagram *datagram;
	struct net_client *client;
	struct net_tls_trust *trust; /* XOT */
	struct wire_tsig tsig;
	uint16_t id;
	bool plain;        /* without EDNS */
	struct addr hears; /* where NOTIFY from address[at] is heard; family 0 = nowhere, or it is not asked for */
	int64_t asked_ms;
	/* a transfer */
	struct sync_pull *pull;
	/* HTTP */
	void *helping;
	struct pull_http *http;
	/* a file */
	int file_fd;
	uint64_t copied;
};

/* The ends. They call done() and free the fetch. */
void pull_fetch_tell(struct pull_fetch *fetch, enum pull_fetched fetched);
void pull_fetch_fail(struct pull_fetch *fetch, const char *format, ...) _printf_(2, 3);
/* By serial: is what the source has newer than what is at hand? */
enum pull_fetched pull_fetch_compare(const struct pull_fetch *fetch, uint32_t serial);
uint64_t pull_fetch_bytes_max(const struct pull_fetch *fetch);
uint32_t pull_fetch_left_ms(const struct pull_fetch *fetch);
/* Calls fn(fetch) from a clean stack. */
void pull_fetch_next(struct pull_fetch *fetch, uv_timer_cb fn);
/* Finds the addresses of `host`, then calls `then`; fails the fetch when there are none. */
void pull_fetch_resolve(struct pull_fetch *fetch, const char *host, uint16_t port,
			void (*then)(struct pull_fetch *fetch));

/* The ways. Each is begun with addresses found, where it needs them, and from a clean stack. */
void pull_fetch_probe_dns(struct pull_fetch *fetch);
void pull_fetch_transfer(struct pull_fetch *fetch);
int pull_fetch_trust(struct pull_fetch *fetch) _must_use_; /* XOT, before both: fails the fetch when it fails */
void pull_fetch_file(struct pull_fetch *fetch);
void pull_fetch_http(struct pull_fetch *fetch);
void pull_http_done(struct pull_fetch *fetch);

/* The serial in the SOA at the begin of a zone: master file or wire form; false when it is not seen there. A hint, proved by nothing. */
bool pull_serial_hint(const uint8_t *data, size_t len, const uint8_t *apex, uint32_t *ret);
/* All of it; BANYAN_EIO. */
int pull_fd_write(int fd, const void *data, size_t len) _must_use_;
