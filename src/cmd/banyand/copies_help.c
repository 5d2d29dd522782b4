// SPDX-License-Identifier: GPL-3.0-or-later
/* What fetches need and the keeper has: the attendant, which starts banyan-fetch, and the daemon's own resolver. */
#include "copies.h"

#include <stdlib.h>
#include <string.h>

/* ---- by HTTP ---- */

struct help {
	struct attendant_job *job;
	void (*done)(void *ctx, const char *error, const char *result, size_t len);
	void *ctx;
};

static void on_helped(void *ctx, int error, const uint8_t *reply, size_t len)
{
	struct help *help = ctx;
	void (*done)(void *done_ctx, const char *error, const char *result, size_t len) = help->done;
	void *done_ctx = help->ctx;
	free(help);
	if (error == 0)
		done(done_ctx, NULL, (const char *)reply, len);
	else
		done(done_ctx, reply != NULL && len > 0 ? (const char *)reply : error_text(error), NULL, 0);
}

static int help_start(void *ctx, const struct pull_helper_job *from, void **ret_handle)
{
	struct keeper *keeper = ctx;
	struct help *help = calloc(1, sizeof *help);
	if (help == NULL)
		return BANYAN_ENOMEM;
	help->done = from->done;
	help->ctx = from->ctx;
	struct attendant_job_settings job = {
		.kind = ATTENDANT_FETCH,
		.request = from->request,
		.request_len = from->request_len,
		.fd = {from->fd},
		.n_fds = 1,
		.time_max_ms = from->time_max_ms,
		.done = on_helped,
		.ctx = help,
	};
	int rc = keeper->attendant == NULL ? BANYAN_EIO : attendant_ask(keeper->attendant, &job, &help->job);
	if (rc < 0) {
		free(help);
		return rc;
	}
	*ret_handle = help;
	return 0;
}

static void help_cancel(void *ctx, void *handle)
{
	struct help *help = handle;
	attendant_cancel(help->job);
	free(help);
}

const struct pull_helper *copies_helper(struct keeper *keeper)
{
	static struct pull_helper helper;
	helper = (struct pull_helper){.start = help_start, .cancel = help_cancel, .ctx = keeper};
	return &helper;
}

/* ---- addresses: asked of a worker's resolver, whatever it stands on at this moment ---- */

struct lookup {
	struct keeper *keeper;
	uint8_t name[WIRE_NAME_MAX];
	void (*done)(void *ctx, size_t n, const struct addr *address, const char *why);
	void *ctx;
	bool cancelled; /* keeper's thread only */
	unsigned step;  /* AAAA, then A */
	size_t n;
	struct addr address[PULL_SOURCE_ADDRESSES_MAX];
};

static void lookup_step(void *ctx); /* worker */

static void lookup_end(void *ctx) /* keeper */
{
	struct lookup *lookup = ctx;
	if (!lookup->cancelled)
		lookup->done(lookup->ctx, lookup->n, lookup->address,
			     lookup->n > 0 ? "" : "its name has no address, or cannot be resolved");
	free(lookup);
}

static void lookup_next(void *ctx) /* keeper */
{
	struct lookup *lookup = ctx;
	struct keeper *keeper = lookup->keeper;
	if (lookup->cancelled || keeper->stopping || lookup->step == 2 ||
	    net_loop_post(keeper->workers.worker[0].loop, lookup_step, lookup) < 0)
		lookup_end(lookup);
}

static void take(struct lookup *lookup, const struct resolve_result *result)
{
	for (size_t i = 0; i < result->n_answer; i++) {
		const struct wire_rrset *set = &result->answer[i];
		uint8_t family = set->type == WIRE_TYPE_A ? 4 : set->type == WIRE_TYPE_AAAA ? 6 : 0;
		for (uint32_t k = 0; family != 0 && k < set->count && lookup->n < PULL_SOURCE_ADDRESSES_MAX; k++) {
			struct addr *addr = &lookup->address[lookup->n++];
			*addr = (struct addr){.family = family};
			memcpy(addr->ip, set->rdata[k].data, family == 4 ? 4 : 16);
		}
	}
}

static void lookup_done(void *ctx, const struct resolve_result *result) /* worker */
{
	struct lookup *lookup = ctx;
	take(lookup, result);
	lookup->step++;
	if (keeper_post(lookup->keeper, lookup_next, lookup) < 0)
		log_warning(STATION, "no memory to find the address of a source");
}

static void lookup_step(void *ctx) /* worker */
{
	struct lookup *lookup = ctx;
	struct worker *worker = &lookup->keeper->workers.worker[0];
	uint16_t type = lookup->step == 0 ? WIRE_TYPE_AAAA : WIRE_TYPE_A;
	if (answer_trace(worker->recursor, lookup->name, type, false, lookup_done, lookup) >= 0)
		return;
	lookup->step++;
	if (keeper_post(lookup->keeper, lookup_next, lookup) < 0)
		log_warning(STATION, "no memory to find the address of a source");
}

static int lookup_start(void *ctx, const char *host,
			void (*done)(void *done_ctx, size_t n, const struct addr *address, const char *why),
			void *done_ctx, void **ret_handle)
{
	struct keeper *keeper = ctx;
	struct lookup *lookup = calloc(1, sizeof *lookup);
	if (lookup == NULL)
		return BANYAN_ENOMEM;
	lookup->keeper = keeper;
	lookup->done = done;
	lookup->ctx = done_ctx;
	int rc = wire_name_parse(host, lookup->name);
	if (rc >= 0)
		rc = net_loop_post(keeper->workers.worker[0].loop, lookup_step, lookup);
	if (rc < 0) {
		free(lookup);
		return rc;
	}
	*ret_handle = lookup;
	return 0;
}

static void lookup_cancel(void *ctx, void *handle)
{
	struct lookup *lookup = handle;
	lookup->cancelled = true;
}

const struct pull_resolver *copies_resolver(struct keeper *keeper)
{
	static struct pull_resolver resolver;
	if (!keeper->resolver)
		return NULL;
	resolver = (struct pull_resolver){.start = lookup_start, .cancel = lookup_cancel, .ctx = keeper};
	return &resolver;
}
