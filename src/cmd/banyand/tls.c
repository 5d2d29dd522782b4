// SPDX-License-Identifier: GPL-3.0-or-later
/* Listeners with TLS: their certificate is read at the start, and again at each reload, so that a renewed one takes over. */
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>

int tls_listen(struct worker *worker, const struct config *config, net_message_fn fn, char why[REFUSAL_TEXT_MAX])
{
	for (size_t i = 0; i < config->server.tls_listen.count; i++) {
		const struct addr *addr = &config->server.tls_listen.item[i];
		char text[ADDR_TEXT_MAX];
		int rc = net_listen_tls(worker->loop, addr, fn, worker, NULL);
		if (rc < 0) {
			snprintf(why, REFUSAL_TEXT_MAX, "cannot listen on %s with TLS: %s",
				 addr_format(addr, true, text), error_text(rc));
			return rc;
		}
	}
	return 0;
}

int tls_identity_read(const struct config *config, struct net_tls_identity **ret, char why[REFUSAL_TEXT_MAX])
{
	char reason[NET_TLS_WHY_MAX];
	*ret = NULL;
	if (config->server.tls_listen.count == 0)
		return 0;
	if (secret_is_everybodys(config->server.tls_key, why))
		return BANYAN_EACCES;
	int rc = net_tls_identity_read(config->server.tls_certificate, config->server.tls_key, ret, reason);
	if (rc < 0)
		snprintf(why, REFUSAL_TEXT_MAX, "server.tls-certificate, server.tls-key: %s", reason);
	return rc;
}

struct change {
	struct worker *worker;
	struct net_tls_identity *identity;
};

static void on_change(void *ctx)
{
	struct change *change = ctx;
	net_loop_identity(change->worker->loop, change->identity);
	net_tls_identity_free(change->identity);
	free(change);
}

/* Each worker takes it in its own thread; sessions that are open keep the one that they began with. */
void tls_renew(struct keeper *keeper, const struct config *config)
{
	for (unsigned i = 0; i < keeper->workers.count; i++) {
		char why[REFUSAL_TEXT_MAX];
		struct change *change = malloc(sizeof *change);
		if (change == NULL)
			return;
		change->worker = &keeper->workers.worker[i];
		int rc = tls_identity_read(config, &change->identity, why);
		if (rc < 0)
			log_error(STATION, "%s; the one before stays", why);
		if (rc == 0 && change->identity != NULL && net_loop_post(change->worker->loop, on_change, change) == 0)
			continue;
		net_tls_identity_free(rc == 0 ? change->identity : NULL);
		free(change);
		return;
	}
}
