// SPDX-License-Identifier: GPL-3.0-or-later
/* The policy's values: names, defaults, limits. One row an option, for files, for options of the command line and for their help. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "private.h"

#define DAY   86400LL
#define YEARS (100LL * 366 * DAY) /* more is a slip of the pen */

enum kind { KIND_SPAN, KIND_BITS, KIND_YES, KIND_ALGORITHM, KIND_TRUST };

static const struct row {
	const char *name;
	enum kind kind;
	size_t at;
	int64_t value, min; /* default, least */
	const char *help;
} rows[] = {
#define AT(field) offsetof(struct keys_policy, field)
	{"algorithm", KIND_ALGORITHM, AT(algorithm), DNSSEC_ECDSAP256SHA256, 0, "8, 10, 13, 14, 15 or 16, or its name"},
	{"csk", KIND_YES, AT(csk), 0, 0, "one key for both"},
	{"offline", KIND_YES, AT(offline), 0, 0, "the KSK is elsewhere: DNSKEY sets come as key responses"},
	{"ksk-only", KIND_YES, AT(ksk_only), 0, 0, "the folder of an offline KSK"},
	{"trust", KIND_TRUST, AT(trust), KEYS_TRUST_PARENT, 0, "parent (DS), anchor (told by hand) or rfc5011"},
	{"zsk-bits", KIND_BITS, AT(zsk_bits), 2048, 1024, "of RSA"},
	{"ksk-bits", KIND_BITS, AT(ksk_bits), 2048, 1024, "of RSA"},
	{"zsk-lifetime", KIND_SPAN, AT(zsk_lifetime_s), 90 * DAY, 0, "0 = rolled when asked"},
	{"ksk-lifetime", KIND_SPAN, AT(ksk_lifetime_s), 0, 0, "of a KSK or CSK; 0 = rolled when asked"},
	{"dnskey-ttl", KIND_SPAN, AT(dnskey_ttl_s), 2 * DAY, 0, "of the DNSKEY set"},
	{"data-ttl", KIND_SPAN, AT(data_ttl_s), 6 * DAY, 0, "the longest of all other data"},
	{"propagation", KIND_SPAN, AT(propagation_s), 3600, 0, "until the last server has a version"},
	{"signing", KIND_SPAN, AT(signing_s), 0, 0, "until all data are signed with a new key"},
	{"ds-ttl", KIND_SPAN, AT(ds_ttl_s), DAY, 0, "of the DS at the parent"},
	{"parent-propagation", KIND_SPAN, AT(parent_propagation_s), 3600, 0, "until the parent's last server has it"},
	{"publish-safety", KIND_SPAN, AT(publish_safety_s), 3600, 0, "on top of RFC 7583"},
	{"retire-safety", KIND_SPAN, AT(retire_safety_s), 3600, 0, "the same, for old keys"},
	{"double-ds", KIND_YES, AT(double_ds), 0, 0, "roll the KSK by double-DS, not double-KSK"},
	{"liberal", KIND_YES, AT(liberal), 0, 0, "algorithm rolls: key and signatures at once"},
	{"cds", KIND_YES, AT(cds), 1, 0, "CDS and CDNSKEY records tell the parent"},
	{"hold", KIND_SPAN, AT(hold_s), 30 * DAY, 0, "RFC 5011: a new KSK stands by so long"},
	{"query", KIND_SPAN, AT(query_s), 0, 0, "RFC 5011: how often resolvers ask; 0 = by its rule"},
	{"validity", KIND_SPAN, AT(validity_s), 21 * DAY, 1, "of signatures of the DNSKEY set"},
	{"revoke-after", KIND_SPAN, AT(revoke_after_s), 60 * DAY, 0, "RFC 5011: from the new KSK's first signature"},
	{"revoked", KIND_SPAN, AT(revoked_s), 30 * DAY, 0, "RFC 5011: so long it stays in the set, revoked"},
	{"slot", KIND_SPAN, AT(slot_s), 10 * DAY, 1, "a bundle of a key response begins every slot"},
#undef AT
};

static void *field(struct keys_policy *policy, const struct row *row)
{
	return (uint8_t *)policy + row->at;
}

static void put(struct keys_policy *policy, const struct row *row, int64_t value)
{
	switch (row->kind) {
	case KIND_SPAN:
		*(int64_t *)field(policy, row) = value;
		break;
	case KIND_BITS:
		*(uint32_t *)field(policy, row) = (uint32_t)value;
		break;
	case KIND_YES:
		*(bool *)field(policy, row) = value != 0;
		break;
	default:
		*(uint8_t *)field(policy, row) = (uint8_t)value;
	}
}

void keys_policy_init(struct keys_policy *policy)
{
	memset(policy, 0, sizeof *policy);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		put(policy, &rows[i], rows[i].value);
}

/* "90d", "2h", "30m", "10s", "3600" */
static bool span_read(const char *text, int64_t *ret)
{
	static const struct {
		const char *unit;
		int64_t s;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", DAY}, {"w", 7 * DAY}};
	char *end;
	if (*text < '0' || *text > '9' || strlen(text) > 15)
		return false;
	int64_t n = strtoll(text, &end, 10);
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].unit) == 0 && n <= YEARS / units[i].s) {
			*ret = n * units[i].s;
			return true;
		}
	}
	return false;
}

static const uint8_t algorithms[] = {DNSSEC_RSASHA256,       DNSSEC_RSASHA512, DNSSEC_ECDSAP256SHA256,
				     DNSSEC_ECDSAP384SHA384, DNSSEC_ED25519,   DNSSEC_ED448};

int keys_algorithm_parse(const char *text)
{
	char number[8];
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		snprintf(number, sizeof number, "%u", algorithms[i]);
		if (strcmp(text, number) == 0 || strcasecmp(text, dnssec_algorithm_text(algorithms[i])) == 0)
			return algorithms[i];
	}
	return BANYAN_EINVAL;
}

static const char *const trusts[] = {"parent", "anchor", "rfc5011"};

static bool value_read(const struct row *row, const char *text, int64_t *ret)
{
	static const char *const yes[] = {"no", "yes", "false", "true"};
	char *end;
	switch (row->kind) {
	case KIND_SPAN:
		return span_read(text, ret) && *ret >= row->min;
	case KIND_BITS:
		*ret = strtoll(text, &end, 10);
		return *text >= '1' && *text <= '9' && *end == '\0' && *ret >= row->min && *ret <= 4096;
	case KIND_ALGORITHM:
		*ret = keys_algorithm_parse(text);
		return *ret > 0;
	case KIND_TRUST:
		for (size_t i = 0; i < ARRAY_SIZE(trusts); i++)
			if (strcmp(text, trusts[i]) == 0)
				return *ret = (int64_t)i, true;
		return false;
	default:
		for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
			if (strcmp(text, yes[i]) == 0)
				return *ret = i & 1, true;
		return false;
	}
}

static const char *kind_text(enum kind kind)
{
	switch (kind) {
	case KIND_SPAN:
		return "a length of time as 90d, 12h, 30m or 10s";
	case KIND_BITS:
		return "a number of bits from 1024 to 4096";
	case KIND_ALGORITHM:
		return "8, 10, 13, 14, 15 or 16, or a name as ECDSAP256SHA256";
	case KIND_TRUST:
		return "parent, anchor or rfc5011";
	default:
		return "yes or no";
	}
}

int keys_policy_set(struct keys_policy *policy, const char *name, const char *value, char why[KEYS_WHY_MAX])
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t v;
		if (strcmp(rows[i].name, name) != 0)
			continue;
		if (!value_read(&rows[i], value, &v))
			return keys_wrong(why, BANYAN_EINVAL, "%s is %s, not '%.40s'", name, kind_text(rows[i].kind),
					  value);
		put(policy, &rows[i], v);
		return 0;
	}
	return keys_wrong(why, BANYAN_ENOENT, "there is no '%.40s' in a policy for keys", name);
}

int keys_policy_check(const struct keys_policy *policy, char why[KEYS_WHY_MAX])
{
	int64_t come_s = policy->propagation_s + policy->dnskey_ttl_s + policy->publish_safety_s;
	int64_t go_s = policy->signing_s + policy->propagation_s + policy->data_ttl_s + policy->retire_safety_s;
	int64_t zsk_s = come_s + go_s, slot_s = come_s > go_s ? come_s : go_s; /* it has a slot for either */
	if (policy->dnskey_ttl_s == 0)
		return keys_wrong(why, BANYAN_EINVAL,
				  "dnskey-ttl is 0, by which no roll can reckon: make it 1 s at least");
	if (policy->offline && policy->csk)
		return keys_wrong(why, BANYAN_EINVAL, "csk and offline do not go together: a CSK signs the data, here");
	if (policy->ksk_only && (policy->csk || policy->offline))
		return keys_wrong(why, BANYAN_EINVAL, "ksk-only goes with neither csk nor offline");
	if (!policy->csk && policy->zsk_lifetime_s != 0 && policy->zsk_lifetime_s < zsk_s)
		return keys_wrong(why, BANYAN_EINVAL,
				  "zsk-lifetime is %" PRId64 " s, but to roll a ZSK takes %" PRId64
				  " s with these TTLs: make it longer, or the TTLs shorter",
				  policy->zsk_lifetime_s, zsk_s);
	if (policy->ksk_lifetime_s != 0 && policy->ksk_lifetime_s < 2 * zsk_s)
		return keys_wrong(why, BANYAN_EINVAL,
				  "ksk-lifetime is %" PRId64 " s: with these TTLs it must be %" PRId64 " s at least",
				  policy->ksk_lifetime_s, 2 * zsk_s);
	if (policy->offline && policy->slot_s < slot_s)
		return keys_wrong(why, BANYAN_EINVAL,
				  "slot is %" PRId64 " s, but a ZSK needs %" PRId64
				  " s to come or go with these TTLs: make it longer, or the TTLs shorter",
				  policy->slot_s, slot_s);
	if (policy->offline && policy->validity_s <= policy->slot_s)
		return keys_wrong(why, BANYAN_EINVAL, "validity must be longer than slot: bundles must overlap");
	return 0;
}

static int row_write(const struct keys_policy *policy, const struct row *row, struct buffer *out)
{
	const uint8_t *at = (const uint8_t *)policy + row->at;
	switch (row->kind) {
	case KIND_SPAN:
		return buffer_printf(out, "%s %" PRId64 "s\n", row->name, *(const int64_t *)(const void *)at);
	case KIND_BITS:
		return buffer_printf(out, "%s %u\n", row->name, *(const uint32_t *)(const void *)at);
	case KIND_ALGORITHM:
		return buffer_printf(out, "%s %u\n", row->name, *at);
	case KIND_TRUST:
		return buffer_printf(out, "%s %s\n", row->name, trusts[*at % ARRAY_SIZE(trusts)]);
	default:
		return buffer_printf(out, "%s %s\n", row->name, *(const bool *)at ? "yes" : "no");
	}
}

int keys_policy_write(const struct keys_policy *policy, struct buffer *out)
{
	int rc = 0;
	for (size_t i = 0; i < ARRAY_SIZE(rows) && rc >= 0; i++)
		rc = row_write(policy, &rows[i], out);
	return rc < 0 ? rc : 0;
}

int keys_policy_help(struct buffer *out)
{
	struct keys_policy policy;
	keys_policy_init(&policy);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buffer_done) struct buffer value = {0};
		char span[32];
		if (row_write(&policy, &rows[i], &value) < 0)
			return BANYAN_ENOMEM;
		value.data[value.len - 1] = '\0';
		const char *text = (const char *)value.data + strlen(rows[i].name) + 1;
		if (rows[i].kind == KIND_SPAN && rows[i].value > 0)
			text = clock_span(rows[i].value, span);
		if (buffer_printf(out, "  %-18s %s (default %s)\n", rows[i].name, rows[i].help, text) < 0)
			return BANYAN_ENOMEM;
	}
	return 0;
}
