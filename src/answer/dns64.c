// SPDX-License-Identifier: GPL-3.0-or-later
/* The rules of RFC 6147: when addresses are made, and of what. */
#include "dns64.h"
#include "private.h"

#include <stdio.h>
#include <string.h>

#define MADE_MAX    64    /* made addresses of one answer */
#define TTL_DEFAULT 600   /* section 5.1.7: of made records when the denial of AAAA has no SOA */
#define TTL_FOREVER 86400 /* of what is known beforehand */
#define ARPA_LABELS 34    /* 32 digits, ip6, arpa */

/* ---- addresses: RFC 6052 section 2.2 ---- */

/* Where the four bytes of IPv4 stand: byte 8 stays zero. */
static void embed(const struct addr_prefix *prefix, const uint8_t v4[4], uint8_t out[16])
{
	memset(out, 0, 16);
	memcpy(out, prefix->addr.ip, prefix->bits / 8);
	for (unsigned i = 0, at = prefix->bits / 8; i < 4; i++, at++) {
		if (at == 8)
			at++;
		out[at] = v4[i];
	}
}

static bool extract(const struct addr_prefix *prefix, const uint8_t v6[16], uint8_t out[4])
{
	uint8_t again[16];
	for (unsigned i = 0, at = prefix->bits / 8; i < 4; i++, at++) {
		if (at == 8)
			at++;
		out[i] = v6[at];
	}
	embed(prefix, out, again);
	return memcmp(again, v6, 16) == 0;
}

static bool is_well_known(const struct addr_prefix *prefix)
{
	static const uint8_t well_known[16] = {0x00, 0x64, 0xff, 0x9b};
	return prefix->bits == 96 && memcmp(prefix->addr.ip, well_known, 16) == 0;
}

/* Section 3.1 of RFC 6052: the well-known prefix does not stand for addresses that are not global (RFC 6890). */
static bool is_global(const uint8_t v4[4])
{
	static const struct {
		uint8_t ip[4], bits;
	} special[] = {{{0}, 8},         {{10}, 8},       {{100, 64}, 10},      {{127}, 8},
		       {{169, 254}, 16}, {{172, 16}, 12}, {{192, 0, 0}, 24},    {{192, 0, 2}, 24},
		       {{192, 168}, 16}, {{198, 18}, 15}, {{198, 51, 100}, 24}, {{203, 0, 113}, 24},
		       {{240}, 4}};
	for (size_t i = 0; i < ARRAY_SIZE(special); i++) {
		struct addr_prefix prefix = {.addr = {.family = 4}, .bits = special[i].bits};
		struct addr addr = {.family = 4};
		memcpy(prefix.addr.ip, special[i].ip, 4);
		memcpy(addr.ip, v4, 4);
		if (addr_prefix_match(&prefix, &addr))
			return false;
	}
	return true;
}

static bool is_excluded(const struct answer_dns64 *dns64, const struct wire_rdata *rdata)
{
	struct addr addr = {.family = 6};
	memcpy(addr.ip, rdata->data, 16);
	return view_has(&dns64->exclude, &addr);
}

/* ---- names ---- */

static const uint8_t ipv4only_arpa[] = "\10ipv4only\4arpa";

/* The address that a name under ip6.arpa stands for. */
static bool address_of_name(const uint8_t *name, uint8_t out[16])
{
	if (wire_name_labels(name) != ARPA_LABELS || !wire_name_under(name, (const uint8_t *)"\3ip6\4arpa"))
		return false;
	for (unsigned i = 0; i < 32; i++, name += 2) {
		uint8_t c = name[1] | 0x20;
		int digit = name[1] >= '0' && name[1] <= '9' ? name[1] - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
		if (name[0] != 1 || digit < 0)
			return false;
		uint8_t *byte = &out[15 - i / 2];
		*byte = (uint8_t)(i % 2 == 0 ? digit : *byte | digit << 4);
	}
	return true;
}

/* Section 5.3.1: a PTR of a made address is that of the IPv4 address within. */
static bool map_ptr(const struct answer_dns64 *dns64, const uint8_t *qname, uint8_t out[WIRE_NAME_MAX])
{
	uint8_t v6[16], v4[4];
	char text[64];
	if (!address_of_name(qname, v6))
		return false;
	for (size_t i = 0; i < dns64->prefixes.n; i++)
		if (extract(&dns64->prefixes.item[i], v6, v4)) {
			snprintf(text, sizeof(text), "%u.%u.%u.%u.in-addr.arpa.", v4[3], v4[2], v4[1], v4[0]);
			return wire_name_parse(text, out) > 0;
		}
	return false;
}

/* ---- what is asked ---- */

void dns64_begin(const struct answer_view *view, const struct net_ticket *ticket, struct waiting *waiting)
{
	const struct answer_pending *pending = &waiting->pending;
	waiting->dns64 = DNS64_OFF;
	waiting->proved = false;
	if (view->dns64.prefixes.n == 0 || pending->qclass != WIRE_CLASS_IN ||
	    (view->dns64.clients.n > 0 && !view_has(&view->dns64.clients, &ticket->peer)))
		return;
	/* section 5.5: who sets DO and CD validates by itself, and would find anything made to be forged */
	if (pending->qtype == WIRE_TYPE_AAAA && !(pending->dnssec && (pending->flags & WIRE_CD) != 0))
		waiting->dns64 = DNS64_AAAA;
	else if (pending->qtype == WIRE_TYPE_PTR && map_ptr(&view->dns64, pending->qname, waiting->mapped))
		waiting->dns64 = DNS64_PTR;
}

struct found {
	unsigned usable, excluded;
};

static struct found addresses(const struct answer_dns64 *dns64, const struct resolve_result *result)
{
	struct found found = {0};
	for (size_t i = 0; i < result->n_answer; i++)
		for (uint32_t j = 0; result->answer[i].type == WIRE_TYPE_AAAA && j < result->answer[i].count; j++)
			*(is_excluded(dns64, &result->answer[i].rdata[j]) ? &found.excluded : &found.usable) += 1;
	return found;
}

/* Section 5.1.7: made records live no longer than the denial of real ones. */
static uint32_t denial_ttl(const struct resolve_result *result)
{
	for (size_t i = 0; i < result->n_authority; i++)
		if (result->authority[i].type == WIRE_TYPE_SOA)
			return result->authority[i].ttl;
	return TTL_DEFAULT;
}

static bool has_type(const struct resolve_result *result, uint16_t type)
{
	for (size_t i = 0; i < result->n_answer; i++)
		if (result->answer[i].type == type)
			return true;
	return false;
}

const struct resolve_result *dns64_known(const struct answer_view *view, struct waiting *waiting, struct arena *arena)
{
	static const uint8_t address[2][4] = {{192, 0, 0, 170}, {192, 0, 0, 171}};
	const struct wire_rdata rdata[2] = {{address[0], 4}, {address[1], 4}};
	if (waiting->dns64 != DNS64_AAAA || !wire_name_equal(waiting->pending.qname, ipv4only_arpa))
		return NULL;
	const struct wire_rrset set = {waiting->pending.qname, WIRE_TYPE_A, WIRE_CLASS_IN, TTL_FOREVER, 2, rdata};
	const struct resolve_result result = {.n_answer = 1, .answer = &set};
	waiting->dns64 = DNS64_A;
	waiting->ttl = TTL_FOREVER;
	return dns64_make(view, waiting, &result, arena);
}

enum dns64_next dns64_next(const struct answer_view *view, struct waiting *waiting, const struct resolve_result *result)
{
	struct found found;
	switch (waiting->dns64) {
	case DNS64_AAAA:
		found = addresses(&view->dns64, result);
		if (found.usable > 0)
			return found.excluded > 0 ? DNS64_MAKE : DNS64_SEND;
		/* section 5.5: that there are none must be proved, or leaving out signatures would be a way around DNSSEC */
		if (result->rcode == WIRE_RCODE_NXDOMAIN || resolve_validate_failure(result->reason))
			return DNS64_SEND;
		waiting->dns64 = DNS64_A; /* other errors count as an empty answer: section 5.1.2 */
		waiting->ttl = denial_ttl(result);
		waiting->proved = result->authentic;
		return DNS64_ASK_A;
	case DNS64_A:
		if (result->rcode == WIRE_RCODE_NOERROR && has_type(result, WIRE_TYPE_A))
			return DNS64_MAKE;
		waiting->dns64 = DNS64_OFF;
		return DNS64_ASK_AGAIN;
	case DNS64_PTR:
		return DNS64_MAKE;
	case DNS64_OFF:
		break;
	}
	return DNS64_SEND;
}

/* ---- what is made ---- */

/* AAAA of the A records, one for each prefix; BANYAN_ENOMEM. */
static int make_set(const struct answer_dns64 *dns64, const struct wire_rrset *from, uint32_t ttl_max,
		    struct arena *arena, struct wire_rrset *ret)
{
	struct wire_rdata *rdata = arena_alloc(arena, MADE_MAX * sizeof(*rdata));
	uint8_t *bytes = arena_alloc(arena, MADE_MAX * 16);
	uint32_t n = 0;
	if (rdata == NULL || bytes == NULL)
		return BANYAN_ENOMEM;
	bool known = wire_name_equal(from->owner, ipv4only_arpa); /* RFC 7050: it is there to be made */
	for (size_t i = 0; i < dns64->prefixes.n; i++)
		for (uint32_t j = 0; j < from->count && n < MADE_MAX; j++) {
			const struct addr_prefix *prefix = &dns64->prefixes.item[i];
			if (is_well_known(prefix) && !known && !is_global(from->rdata[j].data))
				continue;
			embed(prefix, from->rdata[j].data, bytes + 16 * n);
			rdata[n] = (struct wire_rdata){bytes + 16 * n, 16};
			n++;
		}
	uint32_t ttl = from->ttl < ttl_max ? from->ttl : ttl_max;
	*ret = (struct wire_rrset){from->owner, WIRE_TYPE_AAAA, WIRE_CLASS_IN, ttl, n, rdata};
	return 0;
}

static int keep_set(const struct answer_dns64 *dns64, const struct wire_rrset *from, struct arena *arena,
		    struct wire_rrset *ret)
{
	struct wire_rdata *rdata = arena_alloc(arena, from->count * sizeof(*rdata));
	uint32_t n = 0;
	if (rdata == NULL)
		return BANYAN_ENOMEM;
	for (uint32_t i = 0; i < from->count; i++)
		if (!is_excluded(dns64, &from->rdata[i]))
			rdata[n++] = from->rdata[i];
	*ret = *from;
	ret->rdata = rdata;
	ret->count = n;
	return 0;
}

/* The alias from the name under ip6.arpa to the one under in-addr.arpa. */
static int make_alias(const struct waiting *waiting, struct arena *arena, struct wire_rrset *ret)
{
	uint8_t *target = arena_dup(arena, waiting->mapped, wire_name_len(waiting->mapped));
	struct wire_rdata *rdata = arena_alloc(arena, sizeof(*rdata));
	if (target == NULL || rdata == NULL)
		return BANYAN_ENOMEM;
	*rdata = (struct wire_rdata){target, (uint16_t)wire_name_len(target)};
	*ret = (struct wire_rrset){waiting->pending.qname, WIRE_TYPE_CNAME, WIRE_CLASS_IN, TTL_DEFAULT, 1, rdata};
	return 0;
}

const struct resolve_result *dns64_make(const struct answer_view *view, const struct waiting *waiting,
					const struct resolve_result *result, struct arena *arena)
{
	struct resolve_result *made = arena_dup(arena, result, sizeof(*result));
	struct wire_rrset *set = arena_alloc(arena, (result->n_answer + 1) * sizeof(*set));
	size_t n = 0;
	int rc = made == NULL || set == NULL ? BANYAN_ENOMEM : 0;
	if (rc == 0 && waiting->dns64 == DNS64_PTR)
		rc = make_alias(waiting, arena, &set[n++]);
	for (size_t i = 0; rc == 0 && i < result->n_answer; i++) {
		const struct wire_rrset *from = &result->answer[i];
		if (from->type == WIRE_TYPE_RRSIG && waiting->dns64 != DNS64_PTR)
			continue; /* they cover what is changed */
		set[n] = *from;
		if (waiting->dns64 == DNS64_A && from->type == WIRE_TYPE_A)
			rc = make_set(&view->dns64, from, waiting->ttl, arena, &set[n]);
		else if (waiting->dns64 == DNS64_AAAA && from->type == WIRE_TYPE_AAAA)
			rc = keep_set(&view->dns64, from, arena, &set[n]);
		n += set[n].count > 0;
	}
	if (rc < 0)
		return NULL;
	made->answer = set;
	made->n_answer = n;
	/* nobody signed this; but section 5.5 has AD set where both that there is no AAAA and the A are proved */
	made->authentic = waiting->dns64 == DNS64_A && waiting->proved && result->authentic;
	if (waiting->dns64 == DNS64_A) {
		made->reason = REASON_DNS64;
		made->n_authority = made->n_additional = 0;
	}
	return made;
}
