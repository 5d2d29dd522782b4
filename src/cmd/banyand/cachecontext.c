// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Under which settings a cache was learned. A setting at its default says nothing: so a new setting, or a new default, does not part a
 * daemon from the file of the one before it. What is said here once is said in the same words for ever.
 */
#include "daemon.h"

#include <string.h>

#define RULES_VERSION 1 /* to be raised when a fault in the proofs themselves was mended: then all is proved again */

static const uint8_t context_key[16] = "banyan's context";

static void addrs_tell(struct buffer *out, const struct config_addrs *addrs)
{
	char text[ADDR_TEXT_MAX];
	for (size_t i = 0; i < addrs->count; i++)
		(void)!buffer_printf(out, " %s", addr_format(&addrs->item[i], true, text));
}

static void forwards_tell(struct buffer *out, const char *kind, const struct config_forward *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		(void)!buffer_printf(out, "\n%s %s %d", kind, list[i].zone, list[i].validate);
		addrs_tell(out, &list[i].servers);
		for (size_t k = 0; k < list[i].except.count; k++)
			(void)!buffer_printf(out, " except %s", list[i].except.item[k]);
	}
}

static void anchors_tell(struct buffer *out, const struct config *config)
{
	for (size_t i = 0; i < config->root.anchors.count; i++)
		(void)!buffer_printf(out, "\nanchors %s", config->root.anchors.item[i]);
}

static void reroutes_tell(struct buffer *out, const struct config *config)
{
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];
	for (size_t i = 0; i < config->resolver.n_reroutes; i++)
		(void)!buffer_printf(out, "\nreroute %s %s", addr_format(&config->resolver.reroute[i].from, true, from),
				     addr_format(&config->resolver.reroute[i].to, true, to));
}

static void number_tell(struct buffer *out, const char *name, uint32_t value, uint32_t usual)
{
	if (value != usual)
		(void)!buffer_printf(out, "\n%s %u", name, value);
}

static void text_tell(struct buffer *out, const char *name, const char *value, const char *usual)
{
	if (strcmp(value, usual) != 0)
		(void)!buffer_printf(out, "\n%s %s", name, value);
}

/* From whom, and for how long. What was learned otherwise is not taken over: with these settings it might never have been. */
static uint64_t learned_of(const struct config *config, const struct config *usual)
{
	_cleanup_(buffer_done) struct buffer out = {0};
	(void)!buffer_printf(&out, "2");
	number_tell(&out, "ttl-max", config->resolver.cache_ttl_max, usual->resolver.cache_ttl_max);
	number_tell(&out, "ttl-min", config->resolver.cache_ttl_min, usual->resolver.cache_ttl_min);
	number_tell(&out, "negative-ttl-max", config->resolver.cache_negative_ttl_max,
		    usual->resolver.cache_negative_ttl_max);
	number_tell(&out, "negative-ttl-min", config->resolver.cache_negative_ttl_min,
		    usual->resolver.cache_negative_ttl_min);
	number_tell(&out, "port", config->resolver.upstream_port, usual->resolver.upstream_port);
	number_tell(&out, "harden-glue", config->resolver.harden_glue, usual->resolver.harden_glue);
	text_tell(&out, "root", config->root.file, usual->root.file);
	text_tell(&out, "edition", config->root.edition, usual->root.edition);
	text_tell(&out, "hints", config->root.hints_file, usual->root.hints_file);
	if (config->root.hints.count > 0)
		(void)!buffer_printf(&out, "\nhints");
	addrs_tell(&out, &config->root.hints);
	number_tell(&out, "anchors built in", config->root.anchors_built_in, usual->root.anchors_built_in);
	text_tell(&out, "anchors", config->root.anchors_xml, usual->root.anchors_xml);
	anchors_tell(&out, config);
	reroutes_tell(&out, config);
	forwards_tell(&out, "forward", config->forward, config->n_forward);
	forwards_tell(&out, "stub", config->stub, config->n_stub);
	return hash_sip(out.data, out.len, context_key);
}

/* How signatures are judged. What was judged otherwise is judged again: what that takes is most often in the cache as well. */
static uint32_t rules_of(const struct keeper *keeper, const struct config *config, const struct config *usual)
{
	_cleanup_(buffer_done) struct buffer out = {0};
	(void)!buffer_printf(&out, "rules %d", RULES_VERSION);
	number_tell(&out, "validate", config->resolver.validate, usual->resolver.validate);
	number_tell(&out, "refuse-sha1", config->resolver.refuse_sha1, usual->resolver.refuse_sha1);
	number_tell(&out, "nsec3-iterations", config->resolver.nsec3_iterations_max,
		    usual->resolver.nsec3_iterations_max);
	negatives_tell_context(keeper, &out);
	uint32_t rules = (uint32_t)hash_sip(out.data, out.len, context_key);
	return rules == 0 ? 1 : rules;
}

struct cache_context cache_context_of(const struct keeper *keeper, const struct config *config)
{
	struct config *usual;
	struct cache_context context = {0};
	if (config_default(&usual) < 0)
		return context; /* out of memory: matches nothing */
	context.learned = learned_of(config, usual);
	context.rules = rules_of(keeper, config, usual);
	config_free(usual);
	return context;
}

/* As files of version 1 have it: these settings, whatever their defaults were, and the last ones only from some day on. `sha1`: what
 * resolver.refuse-sha1 was. */
static uint64_t context_1(const struct keeper *keeper, const struct config *config, unsigned sha1, bool with_built_in)
{
	_cleanup_(buffer_done) struct buffer out = {0};
	(void)!buffer_printf(&out, "%d %u %u %u %u %u %u %u", config->resolver.validate, sha1,
			     config->resolver.nsec3_iterations_max, config->resolver.cache_ttl_max,
			     config->resolver.cache_ttl_min, config->resolver.cache_negative_ttl_max,
			     config->resolver.cache_negative_ttl_min, config->resolver.upstream_port);
	if (with_built_in)
		(void)!buffer_printf(&out, "\nanchors %d %s", config->root.anchors_built_in, config->root.anchors_xml);
	anchors_tell(&out, config);
	negatives_tell_context(keeper, &out);
	reroutes_tell(&out, config);
	forwards_tell(&out, "forward", config->forward, config->n_forward);
	forwards_tell(&out, "stub", config->stub, config->n_stub);
	return hash_sip(out.data, out.len, context_key);
}

static bool matches_1(const struct keeper *keeper, const struct config *config, uint64_t context)
{
	if (config->root.edition[0] != 0) /* those are of before there were any */
		return false;
	for (unsigned sha1 = CONFIG_SHA1_OFF; sha1 <= CONFIG_SHA1_ALL; sha1++)
		if (context == context_1(keeper, config, sha1, true) ||
		    context == context_1(keeper, config, sha1, false))
			return true;
	return false;
}

bool cache_context_matches(const struct keeper *keeper, const struct config *config,
			   const struct resolve_cache_head *head, bool *ret_unproved)
{
	struct cache_context now = cache_context_of(keeper, config);
	bool matches = head->version == 1 ? matches_1(keeper, config, head->context) : head->context == now.learned;
	if (matches)
		*ret_unproved = head->version == 1 || head->rules != now.rules;
	return matches;
}
