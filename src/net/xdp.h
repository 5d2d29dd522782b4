// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the files of AF_XDP share (xdp*.c).
 *
 * The filter (xdp_filter.c) is a program in the kernel that looks at each frame of an interface before the network stack does. It
 * takes exactly what the daemon would answer itself, and passes all else on: xdp_open.c attaches it and opens libknot's sockets, one a
 * queue, xdp_places.c tells it the addresses, and xdp.c takes the questions out of the queues.
 */
#pragma once

#include "private.h"

#include <libknot/xdp/xdp.h>
#include <linux/if_xdp.h>
#include <net/if.h>

#define XDP_QUEUES_MAX 256  /* as libknot's map of sockets; network cards have 64 or 128 */
#define XDP_PLACES_MAX 4096 /* addresses, each with its VLAN, that are answered: more than machines have */
#define XDP_VLANS_MAX  256  /* of one interface; they are looked through one by one */
#define XDP_BATCH                                                                                                      \
	32 /* frames taken at once: as many as one system call sends where the driver copies (TX_BATCH_SIZE) */
#define XDP_ROUNDS_MAX 8 /* batches taken from one queue before others have their turn */
/* Longest frame that is taken: Ethernet, a VLAN's tag, 1500 bytes. libknot's buffers hold 1790; longer questions are for the kernel. */
#define XDP_FRAME_MAX  1518
#define XDP_FRAME_MIN  54 /* headers of Ethernet, IPv4, UDP, DNS */
#define XDP_PREFETCH   32 /* bytes of a question, behind which its second line of memory begins */
#define XDP_KICK_MS    1  /* frames that the driver could not take at once are offered again so much later */
#define XDP_KICKS_MAX  4  /* system calls in a row to send one batch */

/* ---- the filter ---- */

/* What the filter finds a frame's destination by; no padding. */
struct xdp_key {
	uint8_t ip[16];
	uint16_t port;   /* network order */
	uint16_t vlan;   /* host order, 0 = no tag */
	uint32_t family; /* 4 or 6 */
};
struct xdp_value {
	uint8_t mac[6]; /* frames to others are not ours */
	uint8_t unused[2];
};

struct xdp_filter {
	int program, options, sockets, places; /* descriptors; the maps are kept by the program */
};
/* BANYAN_E...; `why` tells more. */
int xdp_filter_load(struct xdp_filter *ret, char why[NET_XDP_WHY_MAX]) _must_use_;
int xdp_filter_add(const struct xdp_filter *filter, const struct xdp_key *key, const struct xdp_value *value)
	_must_use_;
void xdp_filter_done(struct xdp_filter *filter);

/* ---- places ---- */

/* A VLAN of the interface; the first is the interface itself. */
struct xdp_vlan {
	uint16_t id;
	uint32_t index; /* of its interface */
	uint32_t mtu;
	uint8_t mac[6];
};
struct xdp_place {
	struct addr addr; /* with port */
	uint32_t vlan;    /* index into the table of VLANs */
};
struct xdp_places {
	uint32_t n_vlans, n_places, n_own, n_queues;
	struct xdp_vlan vlan[XDP_VLANS_MAX];
	struct xdp_place *place;
	struct addr *own;     /* addresses and broadcast addresses of this machine, sorted: never a client's */
	uint64_t own_ends[4]; /* a bit for each last byte that one of them has: most clients are told apart by it */
	bool tags_stripped;   /* the card takes tags of VLANs off before the filter sees them */
};
/* Finds which of `listen` can be asked through the interface. BANYAN_ENOENT: none; BANYAN_EINVAL: it is the loopback; BANYAN_EUNSUPP: no
 * Ethernet. */
int xdp_places_find(const char *interface, size_t n_listen, const struct addr *listen, struct xdp_places *ret)
	_must_use_;
void xdp_places_done(struct xdp_places *places);
void xdp_places_sort(struct xdp_places *places);                               /* once all are there */
bool xdp_places_own(const struct xdp_places *places, const struct addr *addr); /* the port is ignored */

/* ---- sockets ---- */

struct net_xdp {
	char interface[IF_NAMESIZE];
	struct xdp_places places;
	int link; /* what holds the filter to the interface: it goes with this descriptor, however the process ends */
	const char *driver; /* who runs the filter, as operators say: "native", "generic" */
	bool zero_copy;
	char not_native[NET_XDP_WHY_MAX]; /* why the driver does not run it; "" = it does */
	unsigned n_queues;
	knot_xdp_socket_t *socket[XDP_QUEUES_MAX];
};

/* A queue in the loop of a worker. */
struct net_xdp_queue {
	struct net_loop *loop;
	const struct net_xdp *xdp;
	knot_xdp_socket_t *socket;
	uv_timer_t kick;
	struct xdp_statistics seen;
	bool no_frames; /* for replies, until the next batch */
	uint32_t n_out;
	knot_xdp_msg_t in[XDP_BATCH], out[XDP_BATCH];
};

/* Is the checksum of a datagram right, or that of the headers alone, as a sender on this machine leaves it for a network card to
 * finish? `udp` is its header, `len` with it. */
bool xdp_checksum_good(const struct addr *from, const struct addr *to, const uint8_t *udp, size_t len);
