// SPDX-License-Identifier: GPL-3.0-or-later
/* An interface's questions by AF_XDP: the filter is attached, a socket opened for each queue; or it is told why not. */
#include "xdp.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <libknot/error.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BUSY_PAUSE_NS (20 * 1000 * 1000)
#define BUSY_TRIES    50  /* a second; what is busy then is somebody else's */
#define ERRNO_LAST    999 /* libknot's own codes come after those of the system */

static const char *knot_words(int rc)
{
	return rc < -ERRNO_LAST ? knot_strerror(rc) : strerror(-rc);
}

/* A link, and no attached program: the kernel takes the program off when the descriptor is closed, after kill -9 too. */
static int attach(struct net_xdp *xdp, const struct xdp_filter *filter, uint32_t mode, char why[NET_XDP_WHY_MAX])
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = mode);
	int index = (int)xdp->places.vlan[0].index;
	xdp->link = bpf_link_create(filter->program, index, BPF_XDP, &options);
	if (xdp->link >= 0)
		return 0;
	int rc = xdp->link;
	uint32_t other = 0;
	xdp->link = -1;
	if ((rc == -EBUSY || rc == -EEXIST) && bpf_xdp_query_id(index, 0, &other) == 0 && other != 0)
		snprintf(why, NET_XDP_WHY_MAX,
			 "another program (bpf id %u) is attached to it; \"ip link set dev %s xdp off\" takes it off",
			 other, xdp->interface);
	else
		snprintf(why, NET_XDP_WHY_MAX, "the filter cannot be attached: %s",
			 rc == -EINVAL       ? "Invalid argument (Linux 5.9 or later is needed)"
			 : rc == -EOPNOTSUPP ? "the driver has no such mode"
			 : rc == -EEXIST     ? "File exists (an interface on top of it has a program)"
					     : strerror(-rc));
	return rc == -EBUSY || rc == -EEXIST ? BANYAN_EEXIST : error_from_errno(-rc);
}

static void shut(struct net_xdp *xdp)
{
	if (xdp->link >= 0) /* first, so that nothing is taken that nobody would read */
		close(xdp->link);
	xdp->link = -1;
	for (unsigned i = 0; i < XDP_QUEUES_MAX; i++) {
		if (xdp->socket[i] != NULL)
			knot_xdp_deinit(xdp->socket[i]);
		xdp->socket[i] = NULL;
	}
}

/* The kernel lets go of a queue some time after its socket was closed: a daemon that is started again comes too early. */
static int socket_open(struct net_xdp *xdp, unsigned queue)
{
	static const struct timespec pause = {.tv_nsec = BUSY_PAUSE_NS};
	int rc;
	for (unsigned tries = 0;; tries++) {
		/* the port is the filter's business */
		rc = knot_xdp_init(&xdp->socket[queue], xdp->interface, (int)queue, KNOT_XDP_FILTER_UDP,
				   xdp->places.place[0].addr.port, 0, KNOT_XDP_LOAD_BPF_NEVER, NULL);
		if (rc != -EBUSY || tries == BUSY_TRIES)
			break;
		nanosleep(&pause, NULL);
	}
	if (rc != KNOT_EOK)
		xdp->socket[queue] = NULL;
	return rc;
}

static int sockets_open(struct net_xdp *xdp, char why[NET_XDP_WHY_MAX])
{
	for (unsigned i = 0; i < xdp->n_queues; i++) {
		int rc = socket_open(xdp, i);
		if (rc != KNOT_EOK) {
			snprintf(why, NET_XDP_WHY_MAX, "no socket for queue %u: %s", i, knot_words(rc));
			return BANYAN_EUNSUPP;
		}
	}
	struct xdp_options options = {0};
	socklen_t len = sizeof(options);
	int fd = knot_xdp_socket_fd(xdp->socket[0]);
	xdp->zero_copy = getsockopt(fd, SOL_XDP, XDP_OPTIONS, &options, &len) == 0 &&
			 (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
	return 0;
}

/* In the driver where it can, else behind it, where the kernel has made its own buffer of the frame already. */
static int start(struct net_xdp *xdp, const struct xdp_filter *filter, char why[NET_XDP_WHY_MAX])
{
	static const struct {
		uint32_t mode;
		const char *name;
	} modes[] = {{XDP_FLAGS_DRV_MODE, "native"}, {XDP_FLAGS_SKB_MODE, "generic"}};
	int rc = 0;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		rc = attach(xdp, filter, modes[i].mode, why);
		if (rc == 0)
			rc = sockets_open(xdp, why);
		if (rc == 0) {
			xdp->driver = modes[i].name;
			return 0;
		}
		shut(xdp);
		if (i == 0)
			snprintf(xdp->not_native, sizeof(xdp->not_native), "%s", why);
		if (rc == BANYAN_EEXIST)
			break;
	}
	return rc;
}

static int fill(const struct net_xdp *xdp, const struct xdp_filter *filter, char why[NET_XDP_WHY_MAX])
{
	for (uint32_t i = 0; i < xdp->places.n_places; i++) {
		const struct xdp_place *place = &xdp->places.place[i];
		const struct xdp_vlan *vlan = &xdp->places.vlan[place->vlan];
		struct xdp_key key = {.family = place->addr.family, .port = htons(place->addr.port), .vlan = vlan->id};
		struct xdp_value value = {0};
		memcpy(key.ip, place->addr.ip, sizeof(key.ip));
		memcpy(value.mac, vlan->mac, sizeof(value.mac));
		int rc = xdp_filter_add(filter, &key, &value);
		if (rc < 0) {
			snprintf(why, NET_XDP_WHY_MAX, "the filter does not take an address: %s", error_text(rc));
			return rc;
		}
	}
	return 0;
}

static int places_find(struct net_xdp *xdp, size_t n_listen, const struct addr *listen, char why[NET_XDP_WHY_MAX])
{
	if (if_nametoindex(xdp->interface) == 0) {
		snprintf(why, NET_XDP_WHY_MAX, "there is no such interface");
		return BANYAN_ENOENT;
	}
	int rc = xdp_places_find(xdp->interface, n_listen, listen, &xdp->places);
	if (rc == BANYAN_ENOENT)
		snprintf(why, NET_XDP_WHY_MAX, "no address of server.listen can be asked through it");
	else if (rc == BANYAN_EINVAL)
		snprintf(why, NET_XDP_WHY_MAX, "it is the loopback");
	else if (rc == BANYAN_EUNSUPP)
		snprintf(why, NET_XDP_WHY_MAX, "it is no Ethernet");
	else if (rc < 0)
		snprintf(why, NET_XDP_WHY_MAX, "its addresses cannot be listed: %s", error_text(rc));
	return rc;
}

int net_xdp_open(const char *interface, size_t n_listen, const struct addr *listen, struct net_xdp **ret,
		 char why[NET_XDP_WHY_MAX])
{
	struct net_xdp *xdp = calloc(1, sizeof(*xdp));
	if (xdp == NULL) {
		snprintf(why, NET_XDP_WHY_MAX, "%s", error_text(BANYAN_ENOMEM));
		return BANYAN_ENOMEM;
	}
	(void)libbpf_set_print(NULL); /* it would write to standard error what is told in `why` */
	xdp->link = -1;
	snprintf(xdp->interface, sizeof(xdp->interface), "%s", interface);
	int rc = places_find(xdp, n_listen, listen, why);
	if (rc == 0 && xdp->places.n_queues > XDP_QUEUES_MAX) {
		snprintf(why, NET_XDP_WHY_MAX, "it has %u queues; allowed are %d (\"ethtool -L\" sets them)",
			 xdp->places.n_queues, XDP_QUEUES_MAX);
		rc = BANYAN_ELIMIT;
	}
	struct xdp_filter filter;
	if (rc == 0) {
		xdp->n_queues = xdp->places.n_queues;
		rc = xdp_filter_load(&filter, why);
	}
	if (rc == 0) {
		rc = fill(xdp, &filter, why);
		if (rc == 0)
			rc = start(xdp, &filter, why);
		xdp_filter_done(&filter); /* the link and libknot's sockets hold what they need */
	}
	if (rc < 0) {
		net_xdp_close(xdp);
		return rc;
	}
	*ret = xdp;
	return 0;
}

void net_xdp_close(struct net_xdp *xdp)
{
	if (xdp == NULL)
		return;
	shut(xdp);
	xdp_places_done(&xdp->places);
	free(xdp);
}

unsigned net_xdp_queues(const struct net_xdp *xdp)
{
	return xdp->n_queues;
}

char *net_xdp_describe(const struct net_xdp *xdp, char out[NET_XDP_WHY_MAX])
{
	int n = snprintf(out, NET_XDP_WHY_MAX, "AF_XDP in %s mode, %s, %u queue%s, %u address%s", xdp->driver,
			 xdp->zero_copy ? "zero-copy" : "copied", xdp->n_queues, xdp->n_queues == 1 ? "" : "s",
			 xdp->places.n_places, xdp->places.n_places == 1 ? "" : "es");
	if (xdp->not_native[0] != '\0' && n > 0 && n < NET_XDP_WHY_MAX)
		n += snprintf(out + n, (size_t)(NET_XDP_WHY_MAX - n), "; not native: %s", xdp->not_native);
	if (xdp->places.tags_stripped && xdp->places.n_vlans > 1 && n > 0 && n < NET_XDP_WHY_MAX)
		snprintf(out + n, (size_t)(NET_XDP_WHY_MAX - n),
			 "; its VLANs are left to the kernel (\"ethtool -K %s rxvlan off\" shows their tags)",
			 xdp->interface);
	return out;
}
