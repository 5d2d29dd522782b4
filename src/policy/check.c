// SPDX-License-Identifier: GPL-3.0-or-later
/* Which rule counts for a name: local data first, then policy zones in their order, in each the triggers in theirs
 * (draft-vixie-dnsop-dns-rpz section 5). */
#include "private.h"

#include <stdio.h>
#include <string.h>

/* ---- one zone ---- */

static bool has_late_triggers(const struct policy_rpz *rpz)
{
	const size_t *rules = rpz->stats.rules;
	return rules[POLICY_TRIGGER_IP] + rules[POLICY_TRIGGER_NSDNAME] + rules[POLICY_TRIGGER_NSIP] > 0;
}

static struct rule match_name(const struct names *names, const uint8_t *name, struct policy_rule *ret)
{
	unsigned labels;
	bool wildcard;
	struct rule rule = names_match(names, name, &labels, &wildcard);
	if (rule.action != RULE_NONE) {
		ret->name = wire_name_skip(name, wire_name_labels(name) - labels);
		ret->wildcard = wildcard;
	}
	return rule;
}

/* Of several addresses the longest prefix counts, of equal ones the smallest address (section 5.6, 5.7). */
static struct rule match_addrs(const struct prefixes *prefixes, const struct addr *addr, size_t n,
			       struct policy_rule *ret)
{
	struct rule best = {0};
	for (size_t i = 0; i < n; i++) {
		struct addr_prefix prefix;
		struct rule rule = prefixes_match(prefixes, &addr[i], &prefix);
		if (rule.action == RULE_NONE)
			continue;
		/* IPv4 prefixes count as those of mapped addresses, 96 bits longer */
		unsigned bits = prefix.bits + (prefix.addr.family == 4 ? 96u : 0u);
		unsigned best_bits = ret->prefix.bits + (ret->prefix.addr.family == 4 ? 96u : 0u);
		if (best.action != RULE_NONE &&
		    (bits < best_bits || (bits == best_bits && memcmp(prefix.addr.ip, ret->prefix.addr.ip, 16) >= 0)))
			continue;
		best = rule;
		ret->prefix = prefix;
	}
	return best;
}

/* Of several servers the first in canonical order counts (section 5.5). */
static struct rule match_servers(const struct names *names, const struct policy_subject *s, struct policy_rule *ret)
{
	struct rule best = {0};
	const uint8_t *best_name = NULL;
	for (size_t i = 0; i < s->n_ns; i++) {
		struct policy_rule found;
		struct rule rule = match_name(names, s->ns[i], &found);
		if (rule.action == RULE_NONE || (best_name != NULL && wire_name_cmp(s->ns[i], best_name) >= 0))
			continue;
		best = rule;
		best_name = s->ns[i];
		ret->name = found.name;
		ret->wildcard = found.wildcard;
	}
	return best;
}

static struct rule match_early(const struct policy_rpz *rpz, const struct policy_subject *s, struct policy_rule *ret)
{
	struct rule rule = {0};
	*ret = (struct policy_rule){.trigger = POLICY_TRIGGER_CLIENT_IP, .zone = rpz->name};
	if (s->client != NULL)
		rule = match_addrs(&rpz->client, s->client, 1, ret);
	if (rule.action != RULE_NONE)
		return rule;
	ret->trigger = POLICY_TRIGGER_QNAME;
	return match_name(&rpz->qname, s->name, ret);
}

static struct rule match_late(const struct policy_rpz *rpz, const struct policy_subject *s, struct policy_rule *ret)
{
	*ret = (struct policy_rule){.trigger = POLICY_TRIGGER_IP, .zone = rpz->name};
	struct rule rule = match_addrs(&rpz->ip, s->addr, s->n_addrs, ret);
	if (rule.action == RULE_NONE) {
		ret->trigger = POLICY_TRIGGER_NSDNAME;
		rule = match_servers(&rpz->nsdname, s, ret);
	}
	if (rule.action == RULE_NONE) {
		ret->trigger = POLICY_TRIGGER_NSIP;
		rule = match_addrs(&rpz->nsip, s->ns_addr, s->n_ns_addrs, ret);
	}
	return rule;
}

/* ---- what it means ---- */

static enum policy_action action_given(struct rule rule)
{
	switch (rule.action) {
	case RULE_NXDOMAIN:
		return POLICY_NXDOMAIN;
	case RULE_NODATA:
		return POLICY_NODATA;
	case RULE_DROP:
		return POLICY_DROP;
	case RULE_TCP_ONLY:
		return POLICY_TCP_ONLY;
	case RULE_DATA:
		return POLICY_DATA;
	default:
		return POLICY_PASS;
	}
}

static enum policy_action action_of(const struct policy_rpz_use *use, struct rule rule)
{
	switch (use->override) {
	case POLICY_OVERRIDE_PASSTHRU:
		return POLICY_PASS;
	case POLICY_OVERRIDE_NXDOMAIN:
		return POLICY_NXDOMAIN;
	case POLICY_OVERRIDE_NODATA:
		return POLICY_NODATA;
	case POLICY_OVERRIDE_DROP:
		return POLICY_DROP;
	case POLICY_OVERRIDE_TCP_ONLY:
		return POLICY_TCP_ONLY;
	case POLICY_OVERRIDE_REFUSE:
		return POLICY_REFUSE;
	case POLICY_OVERRIDE_CNAME:
		return POLICY_DATA;
	default:
		return action_given(rule);
	}
}

/* 1 = the rule decides, 0 = it is only to be told of. */
static bool take(const struct policy_rpz_use *use, struct rule rule, struct policy_rule *told, struct policy_hit *ret)
{
	const struct policy_rpz *rpz = use->rpz;
	bool noted = ret->noted;
	struct policy_rule note = ret->note;
	told->log = use->log;
	if (use->override == POLICY_OVERRIDE_DISABLED) {
		if (!noted) {
			ret->noted = true;
			ret->note = *told;
		}
		return false;
	}
	*ret = (struct policy_hit){.rule = *told, .noted = noted, .note = note, .action = action_of(use, rule)};
	if (ret->action == POLICY_PASS)
		return true;
	ret->keep_signed = !use->break_dnssec;
	ret->reason = use->reason;
	if (use->override == POLICY_OVERRIDE_CNAME)
		ret->cname = use->cname;
	else if (ret->action == POLICY_DATA)
		ret->data = data_at(&rpz->data, rule.data);
	ret->wildcard_cname = true;
	if (use->add_soa && policy_data_find(data_at(&rpz->data, rpz->soa), WIRE_TYPE_SOA, &ret->soa)) {
		ret->soa_owner = rpz->name;
		ret->soa_additional = true;
	}
	return true;
}

/* ---- all of it ---- */

bool policy_is_infrastructure(const uint8_t *name, uint16_t qtype)
{
	static const struct {
		uint8_t len;
		const char *text;
	} heads[] = {{4, "_ta-"}, {24, "root-key-sentinel-is-ta-"}, {25, "root-key-sentinel-not-ta-"}};
	if (name[0] == 0 || qtype == WIRE_TYPE_DNSKEY || qtype == WIRE_TYPE_DS)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		if (name[0] > heads[i].len && memcmp(name + 1, heads[i].text, heads[i].len) == 0)
			return true;
	return wire_name_under(name, (const uint8_t *)"\14root-servers\3net");
}

bool policy_wants_servers(const struct policy_view *view)
{
	for (size_t i = 0; i < view->n_rpz; i++)
		if (view->rpz[i].rpz->stats.rules[POLICY_TRIGGER_NSDNAME] +
			    view->rpz[i].rpz->stats.rules[POLICY_TRIGGER_NSIP] >
		    0)
			return true;
	return false;
}

/* The view's own zones and data, and where they say nothing those of all views. */
static enum policy_verdict check_local(const struct policy_subject *s, struct policy_hit *ret)
{
	const struct policy_view *view = s->view;
	enum policy_verdict verdict = POLICY_NOTHING;
	bool zone = false;
	if (view->local != NULL)
		verdict = policy_local_check(view->local, s->name, s->qtype, ret, &zone);
	if (verdict == POLICY_NOTHING && !zone && view->common != NULL)
		verdict = policy_local_check(view->common, s->name, s->qtype, ret, &zone);
	return verdict;
}

enum policy_verdict policy_check(const struct policy_subject *s, struct policy_hit *ret)
{
	const struct policy_view *view = s->view;
	bool late = false, informed = false;
	struct policy_rule told;
	ret->noted = false;
	if (check_local(s, ret) == POLICY_HIT) {
		if (ret->action != POLICY_PASS)
			return POLICY_HIT;
		informed = true;
		told = ret->rule;
	}
	if (view->n_rpz == 0 && !informed)
		return POLICY_NOTHING;
	*ret = (struct policy_hit){.noted = informed};
	if (informed)
		ret->note = told;
	bool spared = s->local_only || policy_is_infrastructure(s->name, s->qtype);
	for (size_t i = 0; i < view->n_rpz && !spared; i++) {
		const struct policy_rpz_use *use = &view->rpz[i];
		struct rule rule = match_early(use->rpz, s, &told);
		if (rule.action == RULE_NONE && s->resolved)
			rule = match_late(use->rpz, s, &told);
		else if (rule.action != RULE_NONE && late)
			return POLICY_LATER; /* a zone that comes before may still say something else */
		if (rule.action != RULE_NONE && take(use, rule, &told, ret))
			return POLICY_HIT;
		late |= !s->resolved && has_late_triggers(use->rpz);
	}
	return late ? POLICY_LATER : POLICY_NOTHING;
}

/* ---- in words ---- */

const char *policy_action_text(enum policy_action action)
{
	static const char *const text[POLICY_ACTIONS] = {"let through",   "no such name", "no data",   "no reply",
							 "over TCP only", "refused",      "local data"};
	return action < POLICY_ACTIONS ? text[action] : "nothing";
}

char *policy_rule_text(const struct policy_rule *rule, char out[POLICY_TEXT_MAX])
{
	static const char *const trigger[POLICY_TRIGGERS] = {"local record", "client-ip", "qname",
							     "rpz-ip",       "nsdname",   "nsip"};
	char name[WIRE_NAME_TEXT_MAX], zone[WIRE_NAME_TEXT_MAX], addr[ADDR_TEXT_MAX];
	int n = 0;
	if (rule->zone != NULL && rule->trigger == POLICY_TRIGGER_LOCAL) {
		snprintf(out, POLICY_TEXT_MAX, "local zone %.300s", wire_name_text(rule->zone, zone));
		return out;
	}
	if (rule->zone != NULL)
		n = snprintf(out, POLICY_TEXT_MAX, "policy zone %.300s ", wire_name_text(rule->zone, zone));
	if (rule->name != NULL)
		snprintf(out + n, POLICY_TEXT_MAX - (size_t)n, "%s %s%s", trigger[rule->trigger],
			 rule->wildcard ? "*." : "", wire_name_text(rule->name, name));
	else
		snprintf(out + n, POLICY_TEXT_MAX - (size_t)n, "%s %s/%u", trigger[rule->trigger],
			 addr_format(&rule->prefix.addr, false, addr), rule->prefix.bits);
	return out;
}
