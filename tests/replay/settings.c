// SPDX-License-Identifier: GPL-3.0-or-later
/* SET: one row a setting of the resolver; FORWARD, STUB and WALK. */
#include "scenario.h"

struct row {
	const char *name;
	size_t at, size;
	bool is_bool;
};

#define ROW(name, field)                                                                                               \
	{                                                                                                              \
		name, offsetof(struct resolve_settings, field), sizeof(((struct resolve_settings *)NULL)->field),      \
			_Generic(((struct resolve_settings *)NULL)->field, bool                                        \
				 : true, default                                                                       \
				 : false)                                                                              \
	}

static const struct row rows[] = {
	ROW("minimise", live.qname_minimisation),
	ROW("priming", priming),
	ROW("harden-glue", live.harden_glue),
	ROW("case", live.case_randomisation),
	ROW("cookies", live.cookies),
	ROW("ipv4", ipv4),
	ROW("ipv6", ipv6),
	ROW("ttl-max", live.ttl_max),
	ROW("ttl-min", live.ttl_min),
	ROW("ttl-negative-max", live.ttl_negative_max),
	ROW("ttl-negative-min", live.ttl_negative_min),
	ROW("nxdomain-cut", live.nxdomain_cut),
	ROW("aggressive-nsec", live.aggressive_nsec),
	ROW("prefetch", live.prefetch),
	ROW("prefetch-max", live.prefetch_max),
	ROW("serve-stale", live.serve_stale),
	ROW("stale-ttl", live.stale_ttl_s),
	ROW("stale-max-age", live.stale_age_max_s),
	ROW("stale-client-timeout", live.stale_client_timeout_ms),
	ROW("upstream-max", live.upstream_max),
	ROW("questions-max", questions_max),
	ROW("clients-per-question", live.clients_per_question),
	ROW("question-time", live.question_time_ms),
	ROW("edns-size", live.edns_size),
	ROW("ecs-ipv4-prefix", ecs_ipv4_bits),
	ROW("ecs-ipv6-prefix", ecs_ipv6_bits),
	ROW("ecs-cache-size", ecs_cache_bytes),
	ROW("zone-questions-max", zone_questions_max),
	ROW("zone-questions-min", zone_questions_min),
	ROW("validate", validate),
	ROW("refuse-sha1", live.refuse_sha1),
	ROW("refuse-sha1-digest", live.refuse_sha1_digest),
	ROW("key-tag-signal", live.key_tag_signal),
	ROW("sentinel", live.sentinel),
	ROW("nsec3-iterations-max", live.nsec3_iterations_max),
	ROW("signatures-max", live.signatures_max),
	ROW("hashes-max", live.hashes_max),
	ROW("signature-skew", signature_skew_s),
};

void settings_forward(struct scenario *s)
{
	size_t n = s->settings.n_forwards;
	if (s->started || n == FORWARDS_MAX)
		bad(s, "%s stands before the first step, at most %d times", s->word[0], FORWARDS_MAX);
	struct resolve_forward *forward = &s->forward[n];
	text_name(s, s->word[1], s->forward_zone[n]);
	*forward = (struct resolve_forward){.kind = s->word[0][0] == 'F'   ? RESOLVE_FORWARD_ZONE
						    : s->word[0][0] == 'S' ? RESOLVE_STUB_ZONE
									   : RESOLVE_WALK_ZONE,
					    .zone = s->forward_zone[n],
					    .addr = s->forward_addr[n]};
	for (unsigned i = 2; i < s->n_words; i++) {
		if (strcmp(s->word[i], "tcp") == 0)
			forward->tcp = true;
		else if (strcmp(s->word[i], "first") == 0)
			forward->first = true;
		else if (strcmp(s->word[i], "insecure") == 0)
			forward->insecure = true;
		else if (forward->n_addrs < ZONE_ADDR_MAX)
			s->forward_addr[n][forward->n_addrs++] = text_addr(s, s->word[i]);
	}
	s->settings.forward = s->forward;
	s->settings.n_forwards++;
}

void settings_hints(struct scenario *s)
{
	if (s->started)
		bad(s, "HINTS stands before the first step");
	s->settings.n_hints = s->n_words - 1;
	s->settings.hint = s->hint;
	for (unsigned i = 1; i < s->n_words; i++)
		s->hint[i - 1] = text_addr(s, s->word[i]);
}

void settings_never_ask(struct scenario *s)
{
	if (s->started)
		bad(s, "NEVER-ASK stands before the first step");
	s->settings.n_never_ask = s->n_words - 1;
	s->settings.never_ask = s->never_ask;
	for (unsigned i = 1; i < s->n_words; i++)
		if (addr_prefix_parse(s->word[i], &s->never_ask[i - 1]) < 0)
			bad(s, "%s is no prefix", s->word[i]);
}

/* ECS ZONE [server=PREFIX | trust=PREFIX]... */
void settings_ecs(struct scenario *s)
{
	static struct addr_prefix prefix[8];
	static uint8_t zone[8][WIRE_NAME_MAX];
	static const uint8_t *zones[8];
	size_t n = s->settings.n_ecs_zones;
	if (s->started || n == ARRAY_SIZE(zones) || s->n_words > ARRAY_SIZE(prefix))
		bad(s, "ECS stands before the first step, at most %zu times", ARRAY_SIZE(zones));
	text_name(s, s->word[1], zone[n]);
	zones[n] = zone[n];
	s->settings.ecs_zone = zones;
	s->settings.n_ecs_zones++;
	s->view.ecs.enabled = true;
	for (unsigned i = 2; i < s->n_words; i++) {
		const char *text = strchr(s->word[i], '=');
		if (text == NULL || addr_prefix_parse(text + 1, &prefix[i]) < 0)
			bad(s, "\"%s\" has no prefix", s->word[i]);
		if (s->word[i][0] == 't') {
			s->view.ecs.trust = (struct answer_networks){.n = 1, .item = &prefix[i]};
			continue;
		}
		s->settings.ecs_server = &prefix[i];
		s->settings.n_ecs_servers = 1;
	}
}

/* How replies look: settings of answer/; false: another name. */
static bool view_set(struct scenario *s)
{
	const struct {
		const char *name;
		bool *at;
	} flags[] = {{"rotate", &s->view.rotate}, {"minimal-responses", &s->view.minimal_results}};
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (strcmp(flags[i].name, s->word[1]) != 0)
			continue;
		*flags[i].at = text_number(s, s->word[2]) != 0;
		return true;
	}
	return false;
}

void settings_set(struct scenario *s)
{
	if (view_set(s))
		return;
	const struct row *row = rows;
	while (row < rows + ARRAY_SIZE(rows) && strcmp(row->name, s->word[1]) != 0)
		row++;
	if (row == rows + ARRAY_SIZE(rows))
		bad(s, "%s is no setting", s->word[1]);
	if (s->started)
		bad(s, "SET stands before the first step");
	uint64_t value = text_number(s, s->word[2]);
	uint8_t *at = (uint8_t *)&s->settings + row->at;
	if (row->is_bool)
		*(bool *)at = value != 0;
	else if (row->size == 1)
		*at = (uint8_t)value;
	else if (row->size == 2)
		*(uint16_t *)at = (uint16_t)value;
	else if (row->size == 4)
		*(uint32_t *)at = (uint32_t)value;
	else
		*(uint64_t *)at = value;
}
