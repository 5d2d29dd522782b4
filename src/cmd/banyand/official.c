// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The addresses of the root servers. Whoever listens on one is taken for that root server by all who can reach it, so nobody does by
 * mistake (draft-wkumari-dnsop-localroot-bcp, section 3.3.2).
 */
#include "daemon.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* As of 2026-08, a to m (https://www.iana.org/domains/root/servers). */
static const char *const address[OFFICIAL_COUNT] = {
	"198.41.0.4",    "2001:503:ba3e::2:30", "170.247.170.2",  "2801:1b8:10::b", "192.33.4.12",   "2001:500:2::c",
	"199.7.91.13",   "2001:500:2d::d",      "192.203.230.10", "2001:500:a8::e", "192.5.5.241",   "2001:500:2f::f",
	"192.112.36.4",  "2001:500:12::d0d",    "198.97.190.53",  "2001:500:1::53", "192.36.148.17", "2001:7fe::53",
	"192.58.128.30", "2001:503:c27::2:30",  "193.0.14.129",   "2001:7fd::1",    "199.7.83.42",   "2001:500:9f::42",
	"202.12.27.33",  "2001:dc3::35",
};

int official_at(size_t index, struct addr *ret)
{
	return addr_parse(address[index], 0, ret);
}

static bool is_official(const struct addr *addr)
{
	struct addr official;
	for (size_t i = 0; i < OFFICIAL_COUNT; i++)
		if (official_at(i, &official) == 0 && official.family == addr->family &&
		    memcmp(official.ip, addr->ip, addr->family == 4 ? 4 : 16) == 0)
			return true;
	return false;
}

static bool is_any(const struct addr *addr)
{
	static const uint8_t zero[16];
	return memcmp(addr->ip, zero, sizeof zero) == 0;
}

/* Does this machine have one of them, in the family of `any`? */
static bool machine_has_one(const struct addr *any, struct addr *ret)
{
	struct ifaddrs *all;
	bool found = false;
	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *at = all; at != NULL && !found; at = at->ifa_next) {
		struct addr addr = {.family = any->family, .port = any->port};
		if (at->ifa_addr == NULL || at->ifa_addr->sa_family != (any->family == 4 ? AF_INET : AF_INET6))
			continue;
		if (any->family == 4)
			memcpy(addr.ip, &((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr, 4);
		else
			memcpy(addr.ip, &((const struct sockaddr_in6 *)(const void *)at->ifa_addr)->sin6_addr, 16);
		found = is_official(&addr);
		if (found)
			*ret = addr;
	}
	freeifaddrs(all);
	return found;
}

static int check(const struct config_addrs *listen, char why[REFUSAL_TEXT_MAX])
{
	for (size_t i = 0; i < listen->count; i++) {
		struct addr addr = listen->item[i];
		char text[ADDR_TEXT_MAX];
		if (is_any(&addr) ? !machine_has_one(&listen->item[i], &addr) : !is_official(&addr))
			continue;
		snprintf(why, REFUSAL_TEXT_MAX,
			 "%s is the address of a root server; if this is one, say so with server.root-server: true, "
			 "else take "
			 "another address",
			 addr_format(&addr, false, text));
		return BANYAN_ECONFIG;
	}
	return 0;
}

int official_check(const struct config *config, char why[REFUSAL_TEXT_MAX])
{
	if (config->server.root_server)
		return 0;
	int rc = check(&config->server.listen, why);
	return rc == 0 ? check(&config->server.tls_listen, why) : rc;
}
