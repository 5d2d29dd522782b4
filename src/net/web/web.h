// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * web - a folder of published files over HTTP.
 *
 * GET and HEAD of what stands in one folder, with ETag, ranges and Cache-Control, on libmicrohttpd and in a thread of its own. The library brings
 * megabytes, so it is loaded only when a listener is opened. Nothing but plain files below the folder can be reached, no name that begins with a
 * dot, no symbolic link. Files under a number (a serial) never change, all others are asked for again.
 * Called by cmd/.
 *
 * Example:
 *
 *	struct net_web *web;
 *	if (net_web_open(&(struct net_web_settings){.n_listen = 1, .listen = &addr, .folder = "/srv/banyan"}, &web, why) == 0)
 *		net_web_start(web);
 */
#pragma once

#include "base/base.h"

#define NET_WEB_LISTEN_MAX              16
#define NET_WEB_CONNECTIONS             256 /* at once; each costs 16 KiB */
#define NET_WEB_CONNECTIONS_PER_ADDRESS 32
#define NET_WEB_IDLE_S                  30 /* a connection on which nothing moves */
#define NET_WEB_RATE                    50 /* requests a second of one address; ten times as many at once */
#define NET_WEB_FRESH_S                 60 /* how long what may change may be kept by caches */
#define NET_WEB_WHY_MAX                 300

struct net_web;
struct net_web_settings {
	size_t n_listen;
	const struct addr *listen;
	const char *folder;
	uint32_t connections, connections_per_address, idle_s, rate; /* each: 0 = the default above */
	uint64_t bandwidth_each, bandwidth_all; /* bytes a second, to one address and to all; 0 = no limit */
	struct counters *counters;              /* written by its thread alone */
};

/* Loads the library, opens the folder and the sockets: before rights are dropped. */
int net_web_open(const struct net_web_settings *settings, struct net_web **ret, char why[NET_WEB_WHY_MAX]) _must_use_;
/* From now on requests are replied to, in a thread of its own. */
int net_web_start(struct net_web *web) _must_use_;
void net_web_free(struct net_web *web); /* ends the thread */
/* Where the i-th listener stands: for one that was opened with port 0. */
int net_web_address(const struct net_web *web, size_t i, struct addr *ret) _must_use_;
