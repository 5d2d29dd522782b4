// SPDX-License-Identifier: GPL-3.0-or-later
/* The zones that a resolver answers itself unless it is told otherwise. */
#include "local.h"

#include <string.h>

#define TTL 10800 /* RFC 6303 section 3 */

/* IANA's registry of locally served zones (RFC 6303 section 4, RFC 7793, RFC 8375, RFC 9462, RFC 9665) and the names of the
 * special-use registry that resolvers shall not look up. Whole blocks stand with a first and last number. */
static const struct {
	const char *name; /* %u stands for the number */
	uint8_t first, last;
} zones[] = {
	{"10.in-addr.arpa", 0, 0},
	{"%u.172.in-addr.arpa", 16, 31},
	{"168.192.in-addr.arpa", 0, 0},
	{"0.in-addr.arpa", 0, 0},
	{"127.in-addr.arpa", 0, 0},
	{"254.169.in-addr.arpa", 0, 0},
	{"2.0.192.in-addr.arpa", 0, 0},
	{"100.51.198.in-addr.arpa", 0, 0},
	{"113.0.203.in-addr.arpa", 0, 0},
	{"255.255.255.255.in-addr.arpa", 0, 0},
	{"%u.100.in-addr.arpa", 64, 127}, /* RFC 7793 */
	{"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", 0, 0},
	{"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", 0, 0},
	{"d.f.ip6.arpa", 0, 0},
	{"8.e.f.ip6.arpa", 0, 0},
	{"9.e.f.ip6.arpa", 0, 0},
	{"a.e.f.ip6.arpa", 0, 0},
	{"b.e.f.ip6.arpa", 0, 0},
	{"8.b.d.0.1.0.0.2.ip6.arpa", 0, 0},
	{"home.arpa", 0, 0},          /* RFC 8375 */
	{"resolver.arpa", 0, 0},      /* RFC 9462 section 6.4, */
	{"_dns.resolver.arpa", 0, 0}, /* and section 4: a name that exists, whether it has data or not */
	{"service.arpa", 0, 0},       /* RFC 9665 */
	{"empty.as112.arpa", 0, 0},   /* RFC 7535: where the AS112 service sends what nobody should ask */
	{"invalid", 0, 0},            /* RFC 6761 section 6.4 */
	{"test", 0, 0},               /* RFC 6761 section 6.2 */
	{"local", 0, 0},              /* RFC 6762 section 22.1 */
	{"onion", 0, 0},              /* RFC 7686 section 2 */
	{"alt", 0, 0},                /* RFC 9476 section 2 */
};

/* Names in them that have data: RFC 6761 section 6.3 and the way back. */
static const struct {
	const char *name;
	uint16_t type;
	uint8_t len;
	uint8_t rdata[16];
} records[] = {
	{"localhost", WIRE_TYPE_A, 4, {127, 0, 0, 1}},
	{"localhost", WIRE_TYPE_AAAA, 16, {[15] = 1}},
	{"1.0.0.127.in-addr.arpa", WIRE_TYPE_PTR, 11, "\11localhost"},
	{"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", WIRE_TYPE_PTR, 11, "\11localhost"},
};

static int zone_add(struct policy_local_builder *builder, const char *text, enum policy_zone_kind kind)
{
	uint8_t name[WIRE_NAME_MAX];
	int rc = wire_name_parse(text, name);
	if (rc >= 0)
		rc = policy_local_zone(builder, name, kind);
	if (rc == 0)
		builder->item[builder->n - 1].is_default = true;
	return rc;
}

/* "%u.172.in-addr.arpa" and 16 -> "16.172.in-addr.arpa" */
static const char *zone_text(const char *pattern, unsigned number, char out[WIRE_NAME_MAX])
{
	char *p = out;
	if (pattern[0] != '%')
		return pattern;
	if (number >= 100)
		*p++ = (char)('0' + number / 100);
	*p++ = (char)('0' + number / 10 % 10);
	*p++ = (char)('0' + number % 10);
	strcpy(p, pattern + 2);
	return out;
}

int policy_local_defaults(struct policy_local_builder *builder)
{
	char text[WIRE_NAME_MAX];
	int rc = zone_add(builder, "localhost", POLICY_ZONE_REDIRECT);
	for (size_t i = 0; i < ARRAY_SIZE(zones); i++)
		for (unsigned n = zones[i].first; n <= zones[i].last && rc == 0; n++)
			rc = zone_add(builder, zone_text(zones[i].name, n, text), POLICY_ZONE_STATIC);
	for (size_t i = 0; i < ARRAY_SIZE(records) && rc == 0; i++) {
		uint8_t name[WIRE_NAME_MAX];
		rc = wire_name_parse(records[i].name, name);
		if (rc >= 0)
			rc = policy_local_record(builder, name, records[i].type, TTL, records[i].rdata, records[i].len);
		if (rc == 0)
			builder->item[builder->n - 1].is_default = true;
	}
	return rc;
}

int policy_local_elsewhere(struct policy_local_builder *builder, const uint8_t *name)
{
	uint8_t lower[WIRE_NAME_MAX];
	bool inside = false;
	if (wire_name_lower(name, lower) == 1)
		return 0;
	policy_local_forget(builder, lower);
	for (size_t i = 0; i < builder->n && !inside; i++)
		inside = builder->item[i].is_default && builder->item[i].zone &&
			 wire_name_under(lower, builder->item[i].name);
	return inside ? policy_local_zone(builder, lower, POLICY_ZONE_OFF) : 0;
}
