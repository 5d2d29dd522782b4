// SPDX-License-Identifier: GPL-3.0-or-later
/* What is known of a name and from where, for people and for programs. */
#include "operate/operate.h"
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#define PRINT(rc, out, ...) ((rc) = (rc) < 0 ? (rc) : buffer_printf((out), __VA_ARGS__))

struct words {
	char name[WIRE_NAME_TEXT_MAX], target[WIRE_NAME_TEXT_MAX], type[16], addr[ADDR_TEXT_MAX];
};

static void words_of(const struct resolve_fact *fact, struct words *ret)
{
	wire_name_text(fact->name, ret->name);
	wire_type_text(fact->type, ret->type);
	ret->target[0] = ret->addr[0] = 0;
	if (fact->target != NULL)
		wire_name_text(fact->target, ret->target);
	if (fact->addr.family != 0)
		addr_format(&fact->addr, true, ret->addr);
}

static int records_text(const struct resolve_fact *fact, struct buffer *out)
{
	int rc = 0;
	for (size_t i = 0; i < fact->n_sets && rc == 0; i++) {
		for (uint32_t k = 0; k < fact->set[i].count && rc == 0; k++) {
			const struct wire_rrset *set = &fact->set[i];
			PRINT(rc, out, "    ");
			if (rc == 0)
				rc = wire_record_text(set->owner, set->ttl, set->rclass, set->type, &set->rdata[k],
						      out);
			PRINT(rc, out, "\n");
		}
	}
	return rc;
}

static int failure_text(const struct resolve_fact *fact, const struct words *w, struct buffer *out)
{
	const char *advice = operate_advice(fact->reason);
	int rc = buffer_printf(out, "%s %s failed a moment ago, and that is remembered: %s (%s).\n", w->name, w->type,
			       reason_words(fact->reason), reason_code(fact->reason));
	if (fact->detail != NULL)
		PRINT(rc, out, "What was wrong: %s.\n", fact->detail);
	if (advice != NULL)
		PRINT(rc, out, "What to do: %s.\n", advice);
	return rc;
}

static int server_text(const struct resolve_fact *fact, const struct words *w, struct buffer *out)
{
	int rc = buffer_printf(out, "    %s %s", w->target, w->addr[0] != 0 ? w->addr : "(address not known)");
	if (fact->rtt_ms > 0)
		PRINT(rc, out, ", round trip %" PRIu32 " ms", fact->rtt_ms);
	if (fact->silences > 0)
		PRINT(rc, out, ", silent %u time%s in a row", fact->silences, fact->silences == 1 ? "" : "s");
	if (fact->lame)
		PRINT(rc, out, ", does not serve the zone");
	PRINT(rc, out, "\n");
	return rc;
}

/* "for 12 s more: said by ... 192.0.2.1 3 s ago, signatures proved by key 20326 (RSASHA256)" */
static int origin_text(const struct resolve_fact *fact, const struct words *w, struct buffer *out)
{
	int rc = fact->expired ? buffer_printf(out, "expired, and given only when no server can be asked: ")
			       : buffer_printf(out, "for %" PRIu32 " s more: ", fact->ttl_s);
	PRINT(rc, out, "%s", fact->rank);
	if (fact->root_serial != 0)
		PRINT(rc, out, ", serial %" PRIu32, fact->root_serial);
	if (w->addr[0] != 0)
		PRINT(rc, out, ", %s,", w->addr);
	if (fact->age_s >= 0)
		PRINT(rc, out, " %" PRId64 " s ago", fact->age_s);
	PRINT(rc, out, "; %s", fact->security);
	if (fact->algorithm != NULL)
		PRINT(rc, out, " by key %u (%s)", fact->key_tag, fact->algorithm);
	PRINT(rc, out, ".\n");
	return rc;
}

/* Does a rule answer for the name, so that nobody is ever asked for it? */
static bool is_ended(const struct operate_why *why, const char *name)
{
	for (size_t i = 0; i < why->n_rules; i++)
		if (why->rule[i].ends && strcasecmp(why->rule[i].name, name) == 0)
			return true;
	return false;
}

static int fact_text(const struct operate_why *why, const struct resolve_fact *fact, struct buffer *out)
{
	struct words w;
	int rc = 0;
	words_of(fact, &w);
	switch (fact->kind) {
	case RESOLVE_FACT_ROOT:
		PRINT(rc, out, "%s %s is answered by the proved root zone, serial %" PRIu32 ": %s.\n", w.name, w.type,
		      why->root != NULL ? why->root->serial : 0, wire_rcode_text(fact->rcode));
		return rc;
	case RESOLVE_FACT_SET:
		PRINT(rc, out, "%s %s is in the cache ", w.name, w.type);
		rc = rc < 0 ? rc : origin_text(fact, &w, out);
		return rc < 0 ? rc : records_text(fact, out);
	case RESOLVE_FACT_ALIAS:
		PRINT(rc, out, "%s is an alias of %s ", w.name, w.target);
		return rc < 0 ? rc : origin_text(fact, &w, out);
	case RESOLVE_FACT_DENIAL:
		if (fact->rcode == WIRE_RCODE_NXDOMAIN)
			PRINT(rc, out, "%s does not exist, nor anything below it", w.name);
		else
			PRINT(rc, out, "%s has no %s", w.name, w.type);
		PRINT(rc, out, "; the cache knows that ");
		rc = rc < 0 ? rc : origin_text(fact, &w, out);
		return rc < 0 ? rc : records_text(fact, out);
	case RESOLVE_FACT_FAILURE:
		return failure_text(fact, &w, out);
	case RESOLVE_FACT_UNKNOWN:
		if (is_ended(why, w.name))
			return 0;
		PRINT(rc, out, "Nothing is known of %s %s: a question for it would walk; banyan trace shows how.\n",
		      w.name, w.type);
		return rc;
	case RESOLVE_FACT_CUT:
		PRINT(rc, out,
		      "The deepest delegation known on the way is %s, for %" PRIu32 " s more; its servers are:\n",
		      w.name, fact->ttl_s);
		return rc;
	case RESOLVE_FACT_SERVER:
		return server_text(fact, &w, out);
	}
	return rc;
}

static int rules_text(const struct operate_why *why, struct buffer *out)
{
	int rc = 0;
	if (why->view != NULL)
		PRINT(rc, out, "The client is in the view %s.\n", why->view);
	for (size_t i = 0; i < why->n_rules; i++) {
		const struct operate_rule *rule = &why->rule[i];
		if (rule->noted)
			PRINT(rc, out, "%s matches %s, which is only told of.\n", rule->name, rule->rule);
		else
			PRINT(rc, out, "%s is decided by %s: %s (%s).\n", rule->name, rule->rule, rule->action,
			      reason_code(rule->reason));
	}
	if (why->rules_open)
		PRINT(rc, out,
		      "Policy zones have rules about addresses or servers, which are looked at when it is resolved.\n");
	return rc;
}

int operate_why_text(const struct operate_why *why, struct buffer *out)
{
	char name[WIRE_NAME_TEXT_MAX], type[16];
	int rc = buffer_printf(out, "%s %s\n", wire_name_text(why->qname, name), wire_type_text(why->qtype, type));
	if (why->zone != NULL)
		PRINT(rc, out,
		      "This server is authoritative for %s (%s, serial %" PRIu32 ", %s): that zone answers it.\n",
		      why->zone->name, why->zone->file, why->zone->serial, why->zone->proof);
	if (rc == 0)
		rc = rules_text(why, out);
	for (size_t i = 0; why->facts != NULL && i < why->facts->count && rc == 0; i++)
		rc = fact_text(why, &why->facts->item[i], out);
	return rc;
}

static const char *kind_code(enum resolve_fact_kind kind)
{
	static const char *const codes[] = {
		[RESOLVE_FACT_ROOT] = "root",       [RESOLVE_FACT_SET] = "data",
		[RESOLVE_FACT_ALIAS] = "alias",     [RESOLVE_FACT_DENIAL] = "denial",
		[RESOLVE_FACT_FAILURE] = "failure", [RESOLVE_FACT_UNKNOWN] = "unknown",
		[RESOLVE_FACT_CUT] = "delegation",  [RESOLVE_FACT_SERVER] = "server",
	};
	return codes[kind];
}

static int records_json(struct json *json, const struct resolve_fact *fact)
{
	json_open(json, "records", '[');
	for (size_t i = 0; i < fact->n_sets; i++) {
		const struct wire_rrset *set = &fact->set[i];
		for (uint32_t k = 0; k < set->count; k++) {
			_cleanup_(buffer_done) struct buffer text = {0};
			int rc = wire_record_text(set->owner, set->ttl, set->rclass, set->type, &set->rdata[k], &text);
			if (rc == 0)
				rc = buffer_append(&text, "", 1);
			if (rc < 0)
				return rc;
			json_text(json, NULL, (const char *)text.data);
		}
	}
	json_close(json, ']');
	return 0;
}

static int fact_json(struct json *json, const struct resolve_fact *fact)
{
	struct words w;
	int rc = 0;
	words_of(fact, &w);
	json_open(json, NULL, '{');
	json_text(json, "kind", kind_code(fact->kind));
	json_text(json, "name", w.name);
	json_text(json, "type", w.type);
	json_text(json, "rcode", wire_rcode_text(fact->rcode));
	json_text(json, "reason", reason_code(fact->reason));
	if (operate_advice(fact->reason) != NULL)
		json_text(json, "advice", operate_advice(fact->reason));
	json_number(json, "ttl_s", fact->ttl_s);
	if (fact->target != NULL)
		json_text(json, "target", w.target);
	if (fact->rank != NULL)
		json_text(json, "rank", fact->rank);
	if (fact->security != NULL)
		json_text(json, "security", fact->security);
	if (fact->detail != NULL)
		json_text(json, "detail", fact->detail);
	if (fact->kind != RESOLVE_FACT_SERVER && fact->security != NULL) {
		if (fact->addr.family != 0)
			json_text(json, "said_by", w.addr);
		if (fact->root_serial != 0)
			json_number(json, "root_serial", fact->root_serial);
		if (fact->age_s >= 0)
			json_number(json, "age_s", fact->age_s);
		json_bool(json, "expired", fact->expired);
	}
	if (fact->algorithm != NULL) {
		json_number(json, "key_tag", fact->key_tag);
		json_text(json, "algorithm", fact->algorithm);
	}
	if (fact->kind == RESOLVE_FACT_SERVER && fact->addr.family != 0) {
		json_text(json, "address", w.addr);
		json_number(json, "rtt_ms", fact->rtt_ms);
		json_number(json, "silences", fact->silences);
		json_bool(json, "lame", fact->lame);
	}
	if (fact->n_sets > 0)
		rc = records_json(json, fact);
	json_close(json, '}');
	return rc;
}

static void rules_json(struct json *json, const struct operate_why *why)
{
	if (why->view != NULL)
		json_text(json, "view", why->view);
	json_open(json, "rules", '[');
	for (size_t i = 0; i < why->n_rules; i++) {
		json_open(json, NULL, '{');
		json_text(json, "name", why->rule[i].name);
		json_text(json, "rule", why->rule[i].rule);
		json_text(json, "action", why->rule[i].action);
		json_text(json, "reason", reason_code(why->rule[i].reason));
		json_bool(json, "noted", why->rule[i].noted);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_bool(json, "rules_open", why->rules_open);
}

int operate_why_json(const struct operate_why *why, struct buffer *out)
{
	struct json json = {.out = out};
	char name[WIRE_NAME_TEXT_MAX], type[16];
	int rc = 0;
	json_open(&json, NULL, '{');
	json_text(&json, "qname", wire_name_text(why->qname, name));
	json_text(&json, "qtype", wire_type_text(why->qtype, type));
	if (why->zone != NULL) {
		json_text(&json, "zone", why->zone->name);
		json_text(&json, "proof", why->zone->proof);
		json_number(&json, "serial", why->zone->serial);
	}
	rules_json(&json, why);
	json_open(&json, "facts", '[');
	for (size_t i = 0; why->facts != NULL && i < why->facts->count && rc == 0; i++)
		rc = fact_json(&json, &why->facts->item[i]);
	json_close(&json, ']');
	json_close(&json, '}');
	if (rc < 0 || json.error < 0)
		return rc < 0 ? rc : json.error;
	return buffer_append(out, "\n", 1);
}
