// SPDX-License-Identifier: GPL-3.0-or-later
/* Prefixes of addresses: sorted, each with a link to the next wider one around it; the longest match is a binary search. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

#define ENTRY_TAIL 12 /* bytes behind the address */

static size_t ip_size(unsigned f)
{
	return f == 0 ? 4 : 16;
}

static size_t entry_size(unsigned f)
{
	return ip_size(f) + ENTRY_TAIL;
}

static int rule_cmp(const void *a, const void *b)
{
	const struct prefix_rule *x = a, *y = b;
	if (x->prefix.addr.family != y->prefix.addr.family)
		return x->prefix.addr.family < y->prefix.addr.family ? -1 : 1;
	int c = memcmp(x->prefix.addr.ip, y->prefix.addr.ip, 16);
	if (c != 0)
		return c;
	if (x->prefix.bits != y->prefix.bits)
		return x->prefix.bits < y->prefix.bits ? -1 : 1;
	return x->wider < y->wider ? -1 : x->wider > y->wider; /* here still: its place among equals */
}

static bool covers(const uint8_t *ip, unsigned bits, const uint8_t *other)
{
	unsigned whole = bits / 8, rest = bits % 8;
	return memcmp(ip, other, whole) == 0 &&
	       (rest == 0 || ((ip[whole] ^ other[whole]) & (uint8_t)(0xff00 >> rest)) == 0);
}

/* Leaves out equal ones and sets `wider`, by a stack of the prefixes around the present one. Returns how many stay. */
static size_t rules_link(struct prefix_rule *rule, size_t n)
{
	size_t made = 0, base = 0;
	uint32_t around = 0; /* index + 1 within the family */
	for (size_t i = 0; i < n; i++) {
		struct prefix_rule *last = made > 0 ? &rule[made - 1] : NULL;
		if (last != NULL && last->prefix.addr.family != rule[i].prefix.addr.family) {
			base = made;
			around = 0;
		} else if (last != NULL && last->prefix.bits == rule[i].prefix.bits &&
			   memcmp(last->prefix.addr.ip, rule[i].prefix.addr.ip, 16) == 0) {
			continue;
		}
		while (around != 0) {
			const struct addr_prefix *p = &rule[base + around - 1].prefix;
			if (covers(p->addr.ip, p->bits, rule[i].prefix.addr.ip))
				break;
			around = rule[base + around - 1].wider;
		}
		rule[made] = rule[i];
		rule[made].wider = around;
		around = (uint32_t)(++made - base);
	}
	return made;
}

static void entry_write(uint8_t *p, unsigned f, const struct prefix_rule *rule)
{
	size_t size = ip_size(f);
	memcpy(p, rule->prefix.addr.ip, size);
	memcpy(p + size, &rule->wider, 4);
	memcpy(p + size + 4, &rule->rule.data, 4);
	p[size + 8] = rule->prefix.bits;
	p[size + 9] = rule->rule.action;
	p[size + 10] = p[size + 11] = 0;
}

int prefixes_build(struct prefix_rule *rule, size_t n, struct prefixes *ret)
{
	struct prefixes made = {0};
	if (n > UINT32_MAX / 2)
		return BANYAN_ELIMIT;
	for (size_t i = 0; i < n; i++)
		rule[i].wider = (uint32_t)i;
	if (n > 1)
		qsort(rule, n, sizeof *rule, rule_cmp);
	n = rules_link(rule, n);
	for (size_t i = 0; i < n; i++)
		made.count[rule[i].prefix.addr.family == 6]++;
	for (unsigned f = 0; f < 2; f++) {
		made.entry[f] = malloc(made.count[f] * entry_size(f) + 1);
		if (made.entry[f] == NULL) {
			prefixes_done(&made);
			return BANYAN_ENOMEM;
		}
		for (size_t i = 0; i < made.count[f]; i++)
			entry_write(made.entry[f] + i * entry_size(f), f, &rule[f == 0 ? i : made.count[0] + i]);
	}
	*ret = made;
	return 0;
}

void prefixes_done(struct prefixes *prefixes)
{
	free(prefixes->entry[0]);
	free(prefixes->entry[1]);
	*prefixes = (struct prefixes){0};
}

size_t prefixes_bytes(const struct prefixes *prefixes)
{
	return prefixes->count[0] * entry_size(0) + prefixes->count[1] * entry_size(1);
}

struct rule prefixes_match(const struct prefixes *prefixes, const struct addr *addr, struct addr_prefix *ret)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	unsigned f = addr->family == 6;
	const uint8_t *ip = addr->ip;
	if (f == 1 && memcmp(ip, mapped, sizeof mapped) == 0) {
		ip += sizeof mapped; /* RFC 4291 section 2.5.5.2: that IPv4 address */
		f = 0;
	}
	uint32_t low = 0, high = addr->family == 0 ? 0 : prefixes->count[f];
	size_t size = entry_size(f);
	while (low < high) { /* entries at or before the address */
		uint32_t middle = low + (high - low) / 2;
		if (memcmp(prefixes->entry[f] + middle * size, ip, ip_size(f)) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low > 0) {
		const uint8_t *p = prefixes->entry[f] + (low - 1) * size, *tail = p + ip_size(f);
		if (covers(p, tail[8], ip)) {
			struct rule rule = {.action = tail[9]};
			memcpy(&rule.data, tail + 4, 4);
			*ret = (struct addr_prefix){.addr.family = f == 0 ? 4 : 6, .bits = tail[8]};
			memcpy(ret->addr.ip, p, ip_size(f));
			return rule;
		}
		memcpy(&low, tail, 4);
	}
	return (struct rule){0};
}
