// SPDX-License-Identifier: GPL-3.0-or-later
/* IP addresses with ports, and prefixes of them. */
#include "base.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int number_parse(const char *text, unsigned long max, unsigned long *ret)
{
	size_t len = strlen(text);
	if (len == 0 || len > 9 || strspn(text, "0123456789") != len)
		return BANYAN_EINVAL;
	unsigned long v = strtoul(text, NULL, 10);
	if (v > max)
		return BANYAN_EINVAL;
	*ret = v;
	return 0;
}

static int ip_parse(const char *text, struct addr *ret)
{
	struct addr a = {0};
	if (inet_pton(AF_INET, text, a.ip) == 1)
		a.family = 4;
	else if (inet_pton(AF_INET6, text, a.ip) == 1)
		a.family = 6;
	else
		return BANYAN_EINVAL;
	*ret = a;
	return 0;
}

int addr_parse(const char *text, uint16_t default_port, struct addr *ret)
{
	char copy[ADDR_TEXT_MAX];
	struct addr a;
	unsigned long port = default_port;
	if (strlen(text) >= sizeof copy)
		return BANYAN_EINVAL;
	strcpy(copy, text);
	char *at = strchr(copy, '@');
	if (at != NULL) {
		*at = '\0';
		if (number_parse(at + 1, 65535, &port) < 0)
			return BANYAN_EINVAL;
	}
	if (ip_parse(copy, &a) < 0)
		return BANYAN_EINVAL;
	a.port = (uint16_t)port;
	*ret = a;
	return 0;
}

char *addr_format(const struct addr *addr, bool with_port, char out[ADDR_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN];
	if (addr->family == 0)
		snprintf(out, ADDR_TEXT_MAX, "-");
	else {
		inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->ip, ip, sizeof ip);
		if (with_port)
			snprintf(out, ADDR_TEXT_MAX, "%s@%u", ip, addr->port);
		else
			snprintf(out, ADDR_TEXT_MAX, "%s", ip);
	}
	return out;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

int addr_prefix_parse(const char *text, struct addr_prefix *ret)
{
	char copy[ADDR_TEXT_MAX];
	struct addr_prefix p;
	if (strlen(text) >= sizeof copy)
		return BANYAN_EINVAL;
	strcpy(copy, text);
	char *slash = strchr(copy, '/');
	if (slash != NULL)
		*slash = '\0';
	if (ip_parse(copy, &p.addr) < 0)
		return BANYAN_EINVAL;
	unsigned long bits = p.addr.family == 4 ? 32 : 128;
	if (slash != NULL && number_parse(slash + 1, bits, &bits) < 0)
		return BANYAN_EINVAL;
	p.bits = (uint8_t)bits;
	/* bits behind the prefix do not count: 192.0.2.1/24 is 192.0.2.0/24 */
	for (unsigned i = 0; i < 16; i++) {
		unsigned from = i * 8;
		if (from >= bits)
			p.addr.ip[i] = 0;
		else if (bits - from < 8)
			p.addr.ip[i] &= (uint8_t)(0xff00 >> (bits - from));
	}
	*ret = p;
	return 0;
}

bool addr_is_loopback(const struct addr *addr)
{
	static const uint8_t one[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
	return addr->family == 4 ? addr->ip[0] == 127 : addr->family == 6 && memcmp(addr->ip, one, sizeof one) == 0;
}

/* ---- from how far away ---- */

struct reach {
	uint8_t ip[16], bits;
	enum addr_reach reach;
};

static const struct reach reach4[] = {
	{{0}, 8, ADDR_OF_MACHINE}, /* Linux connects to itself */
	{{127}, 8, ADDR_OF_MACHINE},     {{169, 254}, 16, ADDR_OF_LINK},
	{{224}, 4, ADDR_OF_LINK}, /* many, and no one */
	{{240}, 4, ADDR_OF_LINK},        {{10}, 8, ADDR_OF_SITE},
	{{172, 16}, 12, ADDR_OF_SITE},   {{192, 168}, 16, ADDR_OF_SITE},
	{{100, 64}, 10, ADDR_OF_SITE},                                  /* RFC 6598 */
	{{192, 0, 0}, 24, ADDR_OF_SITE}, {{198, 18}, 15, ADDR_OF_SITE}, /* RFC 2544 */
};
static const struct reach reach6[] = {
	{{0}, 127, ADDR_OF_MACHINE}, /* :: and ::1 */
	{{0xfe, 0x80}, 10, ADDR_OF_LINK},
	{{0xff}, 8, ADDR_OF_LINK},
	{{0xfc}, 7, ADDR_OF_SITE},
	{{0xfe, 0xc0}, 10, ADDR_OF_SITE},
	{{0, 0x64, 0xff, 0x9b, 0, 1}, 48, ADDR_OF_SITE}, /* RFC 8215 */
};
/* Where an address of IPv4 stands in one of IPv6: compatible and mapped (RFC 4291), translated (RFC 6052), 6to4 (RFC 3056). */
static const struct {
	uint8_t ip[16], bits, at;
} stands_for[] = {
	{{[10] = 0xff, [11] = 0xff}, 96, 12},
	{{0}, 96, 12},
	{{0, 0x64, 0xff, 0x9b}, 96, 12},
	{{0x20, 0x02}, 16, 2},
};

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	return memcmp(a, b, whole) == 0 && (rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0);
}

static enum addr_reach reach_find(const struct reach *list, size_t n, const uint8_t *ip)
{
	for (size_t i = 0; i < n; i++)
		if (same_bits(list[i].ip, ip, list[i].bits))
			return list[i].reach;
	return ADDR_OF_WORLD;
}

enum addr_reach addr_reach(const struct addr *addr)
{
	if (addr->family == 4)
		return reach_find(reach4, ARRAY_SIZE(reach4), addr->ip);
	enum addr_reach reach = reach_find(reach6, ARRAY_SIZE(reach6), addr->ip);
	for (size_t i = 0; i < ARRAY_SIZE(stands_for) && reach == ADDR_OF_WORLD; i++)
		if (same_bits(stands_for[i].ip, addr->ip, stands_for[i].bits))
			return reach_find(reach4, ARRAY_SIZE(reach4), addr->ip + stands_for[i].at);
	return reach;
}

const char *addr_reach_text(enum addr_reach reach)
{
	static const char *const text[] = {"this machine", "this link", "a private network", "the Internet"};
	return text[reach];
}

bool addr_prefix_match(const struct addr_prefix *prefix, const struct addr *addr)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	const uint8_t *ip = addr->ip;
	uint8_t family = addr->family;
	if (family == 6 && prefix->addr.family == 4 && memcmp(ip, mapped, sizeof mapped) == 0) {
		ip += sizeof mapped; /* IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2) is that IPv4 client */
		family = 4;
	}
	if (family != prefix->addr.family)
		return false;
	unsigned whole = prefix->bits / 8, rest = prefix->bits % 8;
	if (memcmp(ip, prefix->addr.ip, whole) != 0)
		return false;
	return rest == 0 || (ip[whole] & (uint8_t)(0xff00 >> rest)) == prefix->addr.ip[whole];
}
