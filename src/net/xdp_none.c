// SPDX-License-Identifier: GPL-3.0-or-later
/* In place of AF_XDP where it was not built in. */
#include "private.h"

#include <stdio.h>

int net_xdp_open(const char *interface, size_t n_listen, const struct addr *listen, struct net_xdp **ret,
		 char why[NET_XDP_WHY_MAX])
{
	snprintf(why, NET_XDP_WHY_MAX,
		 "this banyand was built without it (libbpf, or a libknot that has it, was not there)");
	return BANYAN_EUNSUPP;
}

void net_xdp_close(struct net_xdp *xdp)
{
}

unsigned net_xdp_queues(const struct net_xdp *xdp)
{
	return 0;
}

char *net_xdp_describe(const struct net_xdp *xdp, char out[NET_XDP_WHY_MAX])
{
	out[0] = '\0';
	return out;
}

int net_xdp_listen(struct net_loop *loop, const struct net_xdp *xdp, unsigned queue)
{
	return BANYAN_EUNSUPP;
}

void net_xdp_close_all(struct net_loop *loop)
{
}
