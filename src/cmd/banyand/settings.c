// SPDX-License-Identifier: GPL-3.0-or-later
/* Settings of the resolver that a reload changes, and what must be forgotten then. */
#include "daemon.h"

#include <stdatomic.h>
#include <string.h>

void settings_live(const struct config *config, struct resolve_live_settings *settings)
{
	settings->clients_per_question = config->resolver.clients_per_question;
	settings->upstream_max = config->resolver.upstream_queries_max;
	settings->question_time_ms = config->resolver.question_time_ms;
	settings->ttl_max = config->resolver.cache_ttl_max;
	settings->ttl_min = config->resolver.cache_ttl_min;
	settings->ttl_negative_max = config->resolver.cache_negative_ttl_max;
	settings->ttl_negative_min = config->resolver.cache_negative_ttl_min;
	settings->nxdomain_cut = (enum resolve_nxdomain_cut)config->resolver.nxdomain_cut;
	settings->aggressive_nsec = config->resolver.aggressive_nsec;
	settings->prefetch = config->resolver.prefetch;
	settings->prefetch_max = config->resolver.prefetch_max;
	settings->serve_stale = config->resolver.serve_stale;
	settings->stale_ttl_s = config->resolver.stale_ttl;
	settings->stale_age_max_s = config->resolver.stale_age_max;
	settings->stale_client_timeout_ms = config->resolver.stale_client_timeout_ms;
	settings->harden_glue = config->resolver.harden_glue;
	settings->fragments = config->resolver.fragments;
	settings->edns_size = (uint16_t)config->resolver.edns_size;
	settings->case_randomisation = config->resolver.case_randomisation;
	settings->cookies = config->resolver.cookies;
	settings->qname_minimisation = (enum resolve_minimise)config->resolver.qname_minimisation;
	settings->refuse_sha1 = config->resolver.refuse_sha1 != CONFIG_SHA1_OFF;
	settings->refuse_sha1_digest = config->resolver.refuse_sha1 == CONFIG_SHA1_ALL;
	settings->nsec3_iterations_max = config->resolver.nsec3_iterations_max;
	settings->signatures_max = config->resolver.signatures_max;
	settings->hashes_max = config->resolver.hashes_max;
	settings->key_tag_signal = config->resolver.key_tag_signal;
	settings->sentinel = config->resolver.sentinel;
}

void settings_fill(const struct config *config, struct resolve_live *ret)
{
	static _Atomic uint32_t versions;
	settings_live(config, &ret->settings);
	ret->version = atomic_fetch_add(&versions, 1) + 1; /* 0 = none has been seen */
}

bool settings_spoil_cache(const struct config *from, const struct config *to)
{
	return strcmp(from->root.edition, to->root.edition) != 0 || /* another namespace */
	       from->resolver.refuse_sha1 != to->resolver.refuse_sha1 ||
	       from->resolver.nsec3_iterations_max != to->resolver.nsec3_iterations_max ||
	       from->resolver.cache_ttl_max != to->resolver.cache_ttl_max ||
	       from->resolver.cache_ttl_min != to->resolver.cache_ttl_min ||
	       from->resolver.cache_negative_ttl_max != to->resolver.cache_negative_ttl_max ||
	       from->resolver.cache_negative_ttl_min != to->resolver.cache_negative_ttl_min;
}
