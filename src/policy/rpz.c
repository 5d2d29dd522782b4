// SPDX-License-Identifier: GPL-3.0-or-later
/* A response policy zone (draft-vixie-dnsop-dns-rpz), compiled from its records. */
#include "private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* While a zone is compiled. */
struct making {
	const struct zone *zone;
	struct policy_rpz *rpz;
	policy_remark_fn remark;
	void *remark_ctx;
	struct names_builder names[2]; /* QNAME, NSDNAME */
	struct data_builder data;
	struct prefix_rule *prefix[POLICY_TRIGGERS];
	size_t n_prefixes[POLICY_TRIGGERS], cap_prefixes[POLICY_TRIGGERS];
};

static void ignore(struct making *m, const struct zone_node *node, const char *text)
{
	m->rpz->stats.ignored++;
	if (m->remark != NULL)
		m->remark(m->remark_ctx, node->name, text);
}

/* ---- what to do ---- */

/* Types that a zone has for its own sake; they are no local data. */
static bool type_of_zone(uint16_t type)
{
	switch (type) {
	case WIRE_TYPE_SOA:
	case WIRE_TYPE_NS:
	case WIRE_TYPE_DNAME:
	case WIRE_TYPE_RRSIG:
	case WIRE_TYPE_NSEC:
	case WIRE_TYPE_NSEC3:
	case WIRE_TYPE_NSEC3PARAM:
	case WIRE_TYPE_DNSKEY:
	case WIRE_TYPE_DS:
	case WIRE_TYPE_CDS:
	case WIRE_TYPE_CDNSKEY:
	case WIRE_TYPE_ZONEMD:
		return true;
	default:
		return false;
	}
}

/* The targets that stand for actions; RULE_NONE = a real name, RULE_DATA = a reserved name of no known meaning. */
static enum rule_action special_target(const uint8_t *target, const uint8_t *trigger)
{
	static const struct {
		const char *name;
		enum rule_action action;
	} special[] = {
		{"", RULE_NXDOMAIN},
		{"\1*", RULE_NODATA},
		{"\14rpz-passthru", RULE_PASS},
		{"\10rpz-drop", RULE_DROP},
		{"\14rpz-tcp-only", RULE_TCP_ONLY},
	};
	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (wire_name_equal(target, (const uint8_t *)special[i].name))
			return special[i].action;
	if (wire_name_equal(target, trigger))
		return RULE_PASS; /* the older way to write it */
	if (wire_name_labels(target) == 1 && target[0] > 4 && memcmp(target + 1, "rpz-", 4) == 0)
		return RULE_DATA;
	return RULE_NONE;
}

/* The rule that the records of a node make; `trigger` is its name without the zone. RULE_NONE = none. */
static int rule_of(struct making *m, const struct zone_node *node, const uint8_t *trigger, struct rule *ret)
{
	const struct wire_rrset *cname = zone_node_set(m->zone, node, WIRE_TYPE_CNAME);
	enum rule_action action = cname == NULL ? RULE_NONE : special_target(cname->rdata[0].data, trigger);
	*ret = (struct rule){.action = (uint8_t)action};
	if (action == RULE_DATA) {
		ignore(m, node, "the action is not known");
		ret->action = RULE_NONE;
	}
	if (action != RULE_NONE)
		return 0;
	size_t sets = 0;
	int rc = data_begin(&m->data, 0, 0);
	for (size_t i = 0; i < node->n_sets && rc == 0; i++) {
		const struct wire_rrset *set = &m->zone->set[node->first_set + i];
		if (type_of_zone(set->type) || (cname != NULL && set != cname))
			continue;
		sets++;
		for (uint32_t r = 0; r < set->count && rc == 0; r++)
			rc = data_record(&m->data, set->type, set->ttl, set->rdata[r].data, set->rdata[r].len);
	}
	if (rc == 0 && sets > 0) {
		ret->action = RULE_DATA;
		rc = data_end(&m->data, &ret->data);
	}
	return rc;
}

/* ---- addresses as names: prefix length, then the address backwards ---- */

static bool label_number(const uint8_t *label, unsigned base, unsigned max, unsigned *ret)
{
	unsigned value = 0;
	if (label[0] == 0 || label[0] > 4)
		return false;
	for (unsigned i = 1; i <= label[0]; i++) {
		unsigned c = label[i], digit = c >= '0' && c <= '9'   ? c - '0'
					       : c >= 'a' && c <= 'f' ? c - 'a' + 10
								      : 99;
		if (digit >= base)
			return false;
		value = value * base + digit;
	}
	*ret = value;
	return value <= max;
}

/* Words of an IPv6 address, the last one first, "zz" for the longest run of zeros. */
static bool words_parse(const uint8_t *const *label, unsigned n, uint8_t ip[16])
{
	unsigned at = 16;
	bool gap = false;
	for (unsigned i = 0; i < n; i++) {
		unsigned word;
		if (label[i][0] == 2 && memcmp(label[i] + 1, "zz", 2) == 0) {
			unsigned left = 2 * (n - 1 - i);
			if (gap || left + 2 > at)
				return false;
			gap = true;
			at = left; /* the bytes between are 0 */
			continue;
		}
		if (at == 0 || !label_number(label[i], 16, 0xffff, &word))
			return false;
		at -= 2;
		wire_put16(ip + at, (uint16_t)word);
	}
	return at == 0;
}

static bool prefix_parse(const uint8_t *name, struct addr_prefix *ret)
{
	const uint8_t *label[10];
	unsigned n = 0, bits, octet;
	struct addr_prefix prefix = {0}, whole;
	char text[ADDR_TEXT_MAX], both[ADDR_TEXT_MAX + 8];
	for (; *name != 0; name += *name + 1) {
		if (n == ARRAY_SIZE(label))
			return false;
		label[n++] = name;
	}
	if (n < 2 || !label_number(label[0], 10, 128, &bits))
		return false;
	prefix.bits = (uint8_t)bits;
	if (n == 5 && bits <= 32 && label_number(label[1], 10, 255, &octet) &&
	    label_number(label[2], 10, 255, &octet) && label_number(label[3], 10, 255, &octet) &&
	    label_number(label[4], 10, 255, &octet)) {
		prefix.addr.family = 4;
		for (unsigned i = 0; i < 4; i++) {
			(void)label_number(label[4 - i], 10, 255, &octet);
			prefix.addr.ip[i] = (uint8_t)octet;
		}
	} else {
		prefix.addr.family = 6;
		if (!words_parse(label + 1, n - 1, prefix.addr.ip))
			return false;
	}
	/* bits behind the prefix are a slip */
	snprintf(both, sizeof both, "%s/%u", addr_format(&prefix.addr, false, text), bits);
	if (addr_prefix_parse(both, &whole) < 0 || memcmp(whole.addr.ip, prefix.addr.ip, 16) != 0)
		return false;
	*ret = prefix;
	return true;
}

static int take_prefix(struct making *m, const struct zone_node *node, const uint8_t *relative, const uint8_t *address,
		       enum policy_trigger trigger)
{
	struct prefix_rule made = {0};
	if (node->n_sets == 0)
		return 0; /* on the way to a rule */
	if (!prefix_parse(address, &made.prefix)) {
		ignore(m, node,
		       "the name is no prefix of addresses: LENGTH.D.C.B.A, or LENGTH and words backwards, zz for ::");
		return 0;
	}
	int rc = rule_of(m, node, relative, &made.rule);
	if (rc < 0 || made.rule.action == RULE_NONE)
		return rc;
	if (m->n_prefixes[trigger] == m->cap_prefixes[trigger]) {
		size_t cap = m->cap_prefixes[trigger] > 0 ? m->cap_prefixes[trigger] * 2 : 64;
		struct prefix_rule *grown = reallocarray(m->prefix[trigger], cap, sizeof *grown);
		if (grown == NULL)
			return BANYAN_ENOMEM;
		m->prefix[trigger] = grown;
		m->cap_prefixes[trigger] = cap;
	}
	m->prefix[trigger][m->n_prefixes[trigger]++] = made;
	m->rpz->stats.rules[trigger]++;
	return 0;
}

/* ---- names ---- */

/* A node that is no wildcard itself, with the wildcard below it. */
static int take_name(struct making *m, const struct zone_node *node, const uint8_t *relative, const uint8_t *name,
		     enum policy_trigger trigger)
{
	uint8_t star[WIRE_NAME_MAX];
	struct rule own = {0}, below = {0};
	const struct zone_node *wildcard = NULL;
	int rc = rule_of(m, node, relative, &own);
	const struct zone_node *end = m->zone->node + m->zone->n_nodes;
	if (rc == 0 && node + 1 < end && wire_name_under(node[1].name, node->name) &&
	    wire_name_wildcard(node->name, star) >= 0)
		wildcard = zone_find(m->zone, star);
	if (rc == 0 && wildcard != NULL) {
		uint8_t trigger_name[WIRE_NAME_MAX];
		rc = wire_name_wildcard(relative, trigger_name);
		if (rc >= 0)
			rc = rule_of(m, wildcard, trigger_name, &below);
	}
	if (*name == 0)
		own.action = RULE_NONE; /* the root itself: take_apex() has said so */
	if (rc < 0 || (own.action == RULE_NONE && below.action == RULE_NONE))
		return rc;
	m->rpz->stats.rules[trigger] += (own.action != RULE_NONE) + (below.action != RULE_NONE);
	struct names_builder *names = &m->names[trigger == POLICY_TRIGGER_NSDNAME];
	if (*name == 0) {
		names_done(&names->names);
		free(names->offset);
		return names_begin(names, (struct rule){0}, below);
	}
	return names_add(names, name, own, below);
}

/* Which kind of trigger a name is; *ret_name is what it is about. */
static enum policy_trigger trigger_of(const uint8_t *relative, uint8_t ret_name[WIRE_NAME_MAX])
{
	static const struct {
		const char *label;
		enum policy_trigger trigger;
	} special[] = {
		{"\15rpz-client-ip", POLICY_TRIGGER_CLIENT_IP},
		{"\6rpz-ip", POLICY_TRIGGER_IP},
		{"\10rpz-nsip", POLICY_TRIGGER_NSIP},
		{"\13rpz-nsdname", POLICY_TRIGGER_NSDNAME},
	};
	unsigned labels = wire_name_labels(relative);
	size_t len = wire_name_len(relative);
	memcpy(ret_name, relative, len);
	if (labels == 0)
		return POLICY_TRIGGER_QNAME;
	const uint8_t *last = wire_name_skip(relative, labels - 1);
	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (wire_name_equal(last, (const uint8_t *)special[i].label)) {
			ret_name[last - relative] = 0;
			return special[i].trigger;
		}
	return POLICY_TRIGGER_QNAME;
}

static int take_node(struct making *m, const struct zone_node *node)
{
	uint8_t relative[WIRE_NAME_MAX], name[WIRE_NAME_MAX];
	size_t len = wire_name_len(node->name) - wire_name_len(m->zone->apex);
	memcpy(relative, node->name, len);
	relative[len] = 0;
	enum policy_trigger trigger = trigger_of(relative, name);
	if (trigger != POLICY_TRIGGER_QNAME && trigger != POLICY_TRIGGER_NSDNAME)
		return take_prefix(m, node, relative, name, trigger);
	if (name[0] == 1 && name[1] == '*')
		return 0; /* taken with the name above */
	return take_name(m, node, relative, name, trigger);
}

static int take_apex(struct making *m)
{
	const struct zone_node *apex = zone_find(m->zone, m->zone->apex);
	const struct wire_rrset *soa = apex == NULL ? NULL : zone_node_set(m->zone, apex, WIRE_TYPE_SOA);
	if (soa == NULL)
		return BANYAN_EMALF;
	for (size_t i = 0; i < apex->n_sets; i++)
		if (!type_of_zone(m->zone->set[apex->first_set + i].type))
			ignore(m, apex, "a rule for the root itself would break all names");
	int rc = data_begin(&m->data, 0, 0);
	if (rc == 0)
		rc = data_record(&m->data, WIRE_TYPE_SOA, soa->ttl, soa->rdata[0].data, soa->rdata[0].len);
	return rc < 0 ? rc : data_end(&m->data, &m->rpz->soa);
}

static int compile(struct making *m, uint64_t seed)
{
	struct policy_rpz *rpz = m->rpz;
	int rc = take_apex(m);
	for (unsigned i = 0; i < 2 && rc == 0; i++)
		rc = names_begin(&m->names[i], (struct rule){0}, (struct rule){0});
	for (size_t i = 0; i < m->zone->n_nodes && rc == 0; i++)
		rc = take_node(m, &m->zone->node[i]);
	if (rc == 0)
		rc = names_finish(&m->names[0], seed, &rpz->qname);
	if (rc == 0)
		rc = names_finish(&m->names[1], seed, &rpz->nsdname);
	if (rc == 0)
		rc = prefixes_build(m->prefix[POLICY_TRIGGER_CLIENT_IP], m->n_prefixes[POLICY_TRIGGER_CLIENT_IP],
				    &rpz->client);
	if (rc == 0)
		rc = prefixes_build(m->prefix[POLICY_TRIGGER_IP], m->n_prefixes[POLICY_TRIGGER_IP], &rpz->ip);
	if (rc == 0)
		rc = prefixes_build(m->prefix[POLICY_TRIGGER_NSIP], m->n_prefixes[POLICY_TRIGGER_NSIP], &rpz->nsip);
	if (rc < 0)
		return rc;
	rpz->data = m->data.pool;
	m->data.pool = (struct data_pool){0};
	wire_name_lower(m->zone->apex, rpz->name);
	rpz->stats.serial = m->zone->serial;
	rpz->stats.bytes = sizeof *rpz + names_bytes(&rpz->qname) + names_bytes(&rpz->nsdname) +
			   prefixes_bytes(&rpz->client) + prefixes_bytes(&rpz->ip) + prefixes_bytes(&rpz->nsip) +
			   rpz->data.cap;
	return 0;
}

int policy_rpz_compile(const struct zone *zone, uint64_t seed, policy_remark_fn remark, void *remark_ctx,
		       struct policy_rpz **ret)
{
	struct making m = {.zone = zone, .remark = remark, .remark_ctx = remark_ctx};
	m.rpz = calloc(1, sizeof *m.rpz);
	int rc = m.rpz == NULL ? BANYAN_ENOMEM : compile(&m, seed);
	names_builder_done(&m.names[0]);
	names_builder_done(&m.names[1]);
	data_builder_done(&m.data);
	for (unsigned i = 0; i < POLICY_TRIGGERS; i++)
		free(m.prefix[i]);
	if (rc < 0)
		policy_rpz_free(m.rpz);
	else
		*ret = m.rpz;
	return rc;
}

void policy_rpz_free(struct policy_rpz *rpz)
{
	if (rpz == NULL)
		return;
	names_done(&rpz->qname);
	names_done(&rpz->nsdname);
	prefixes_done(&rpz->client);
	prefixes_done(&rpz->ip);
	prefixes_done(&rpz->nsip);
	free(rpz->data.bytes);
	free(rpz);
}

const struct policy_rpz_stats *policy_rpz_stats(const struct policy_rpz *rpz)
{
	return &rpz->stats;
}

const uint8_t *policy_rpz_name(const struct policy_rpz *rpz)
{
	return rpz->name;
}
