// SPDX-License-Identifier: GPL-3.0-or-later
/* AF_XDP on the interfaces that the operator names: queues are shared out among the workers; where it is not possible, sockets serve. */
#include "daemon.h"

#include <stdlib.h>

/* Worker after worker takes a queue. Those of several interfaces go on where the last one ended. */
static int share_out(struct workers *workers, const struct net_xdp *xdp, unsigned *next)
{
	int rc = 0;
	for (unsigned i = 0; rc == 0 && i < net_xdp_queues(xdp); i++)
		rc = net_xdp_listen(workers->worker[(*next)++ % workers->count].loop, xdp, i);
	return rc;
}

int workers_xdp_start(const struct config *config, struct workers *workers)
{
	const struct config_list *names = &config->server.xdp;
	char text[NET_XDP_WHY_MAX];
	unsigned next = 0;
	if (names->count == 0)
		return 0;
	workers->xdp = calloc(names->count, sizeof(struct net_xdp *));
	if (workers->xdp == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < names->count; i++) {
		struct net_xdp *xdp;
		if (net_xdp_open(names->item[i], config->server.listen.count, config->server.listen.item, &xdp, text) <
		    0) {
			log_warning(STATION, "no AF_XDP on %s, ordinary sockets serve it: %s", names->item[i], text);
			continue;
		}
		workers->xdp[workers->n_xdp++] = xdp;
		int rc = share_out(workers, xdp, &next);
		if (rc < 0)
			return rc;
		log_notice(STATION, "%s: %s", names->item[i], net_xdp_describe(xdp, text));
	}
	return 0;
}

void workers_xdp_done(struct workers *workers)
{
	for (size_t i = 0; i < workers->n_xdp; i++)
		net_xdp_close(workers->xdp[i]);
	free(workers->xdp);
}
