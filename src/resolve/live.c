// SPDX-License-Identifier: GPL-3.0-or-later
/* Settings that change while the resolver works: those that are read at each use, and that nothing was built from. */
#include "engine.h"

static void take(struct resolve_settings *to, const struct resolve_settings *from)
{
	to->clients_per_question = from->clients_per_question;
	to->upstream_max = from->upstream_max;
	to->question_time_ms = from->question_time_ms;
	to->ttl_max = from->ttl_max;
	to->ttl_min = from->ttl_min;
	to->ttl_negative_max = from->ttl_negative_max;
	to->ttl_negative_min = from->ttl_negative_min;
	to->nxdomain_cut = from->nxdomain_cut;
	to->aggressive_nsec = from->aggressive_nsec;
	to->prefetch = from->prefetch;
	to->prefetch_max = from->prefetch_max;
	to->serve_stale = from->serve_stale;
	to->stale_ttl_s = from->stale_ttl_s;
	to->stale_age_max_s = from->stale_age_max_s;
	to->stale_client_timeout_ms = from->stale_client_timeout_ms;
	to->harden_glue = from->harden_glue;
	to->fragments = from->fragments;
	to->edns_size = from->edns_size;
	to->case_randomisation = from->case_randomisation;
	to->cookies = from->cookies;
	to->qname_minimisation = from->qname_minimisation;
	to->refuse_sha1 = from->refuse_sha1;
	to->refuse_sha1_digest = from->refuse_sha1_digest;
	to->nsec3_iterations_max = from->nsec3_iterations_max;
	to->signatures_max = from->signatures_max;
	to->hashes_max = from->hashes_max;
	to->key_tag_signal = from->key_tag_signal;
	to->sentinel = from->sentinel;
}

void resolve_live_sync(struct resolve *engine, const struct resolve_live *live)
{
	if (live == NULL || live->version == engine->live_version)
		return;
	engine->live_version = live->version;
	take(&engine->settings, &live->settings);
	resolve_trust_forget(engine); /* other algorithms may count now */
}
