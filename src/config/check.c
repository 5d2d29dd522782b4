// SPDX-License-Identifier: GPL-3.0-or-later
/* What no single row can say: options that contradict each other, things that stand twice. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <net/if.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

const struct tree_node *check_place(const struct tree_node *root, const char *section, const char *key, size_t index)
{
	const struct tree_node *at = NULL;
	const char *names[] = {section, key};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i] == NULL)
			continue;
		const struct tree_node *k = i == 0 ? root->child : at->child;
		while (k != NULL && strcmp(k->text, names[i]) != 0)
			k = k->next;
		if (k == NULL)
			return at;
		at = k->value;
	}
	if (at != NULL && at->kind == TREE_LIST && index != SIZE_MAX) {
		const struct tree_node *item = at->child;
		while (item != NULL && index-- > 0)
			item = item->next;
		return item != NULL ? item : at;
	}
	return at;
}

/* ---- things that stand twice ---- */

/* An item of a list, kept with its place so that sorting does not lose it. */
struct sorted {
	const void *item;
	size_t index;
};

static int by_index(const struct sorted *a, const struct sorted *b)
{
	return (a->index > b->index) - (a->index < b->index);
}

static int by_zone(const void *pa, const void *pb)
{
	const struct sorted *a = pa, *b = pb;
	const struct config_zone *za = a->item, *zb = b->item;
	int c = strcasecmp(za->name, zb->name);
	return c != 0 ? c : by_index(a, b);
}

static int addr_order(const struct addr *a, const struct addr *b)
{
	int c = a->family != b->family ? a->family - b->family : memcmp(a->ip, b->ip, sizeof a->ip);
	return c != 0 ? c : a->port - b->port;
}

static int by_addr(const void *pa, const void *pb)
{
	const struct sorted *a = pa, *b = pb;
	int c = addr_order(a->item, b->item); /* of a reroute, `from` comes first */
	return c != 0 ? c : by_index(a, b);
}

/* Finds a pair that `same` calls equal: 1 and the indices, the later one second; 0 without one. */
static int find_pair(const void *items, size_t count, size_t size, int (*order)(const void *, const void *),
		     bool (*same)(const void *, const void *), size_t ret[2])
{
	if (count < 2)
		return 0;
	_cleanup_(base_free) struct sorted *list = malloc(count * sizeof *list);
	if (list == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < count; i++)
		list[i] = (struct sorted){(const char *)items + i * size, i};
	qsort(list, count, sizeof *list, order);
	for (size_t i = 1; i < count; i++)
		if (same(list[i - 1].item, list[i].item)) {
			ret[0] = list[i - 1].index;
			ret[1] = list[i].index;
			return 1;
		}
	return 0;
}

static bool same_zone(const void *a, const void *b)
{
	return strcasecmp(((const struct config_zone *)a)->name, ((const struct config_zone *)b)->name) == 0;
}

static bool same_addr(const void *a, const void *b)
{
	return addr_order(a, b) == 0;
}

/* One copy is enough: without sources of its own the resolver uses the one that is served. */
static int check_root_twice(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	const struct config_list *own = &config->root.copy.sources;
	bool explicit = own->count > 0 && !(own->count == 1 && strcasecmp(own->item[0], "auto") == 0);
	for (size_t i = 0; config->resolver.enabled && explicit && i < config->n_zones; i++)
		if (strcmp(config->zones[i].name, ".") == 0 && config->zones[i].copy.sources.count > 0)
			return value_fail(r, check_place(root, "zones", NULL, i),
					  "zones[%zu].sources: the root comes from root.sources, too, and would be "
					  "fetched, proved and kept twice; write all sources here and leave out "
					  "root.sources: then the resolver uses this copy",
					  i);
	return 0;
}

static int check_zones(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	size_t pair[2];
	for (size_t i = 0; i < config->n_zones; i++) {
		const struct config_zone *z = &config->zones[i];
		const struct tree_node *at = NULL;
		if (z->file[0] == 0 && z->copy.sources.count == 0) {
			at = check_place(root, "zones", NULL, i);
			return value_fail(r, at,
					  "zones[%zu]: found neither file nor sources; the zone must come from "
					  "somewhere",
					  i);
		}
		if (z->prove == CONFIG_PROVE_FULL && z->anchors.count == 0 && strcmp(z->name, ".") != 0) {
			at = check_place(root, "zones", NULL, i);
			return value_fail(r, at,
					  "zones[%zu].prove: found full without anchors; only the root has "
					  "built-in trust anchors, so name a file in anchors",
					  i);
		}
		if (z->prove == CONFIG_PROVE_STRUCTURE && z->require_zonemd) {
			at = check_place(root, "zones", NULL, i);
			return value_fail(r, at,
					  "zones[%zu].require-zonemd: found true with prove: structure, which "
					  "does not look at ZONEMD; allowed is full or digest",
					  i);
		}
	}
	int rc = check_root_twice(r, root, config);
	if (rc < 0)
		return rc;
	rc = find_pair(config->zones, config->n_zones, sizeof *config->zones, by_zone, same_zone, pair);
	if (rc <= 0)
		return rc;
	return value_fail(r, check_place(root, "zones", NULL, pair[1]),
			  "zones[%zu].name: '%.255s' stands here again; "
			  "it is zones[%zu] already",
			  pair[1], config->zones[pair[1]].name, pair[0]);
}

/* Interfaces may come and go, so only what can be none is refused: see dev_valid_name() of Linux. */
static int check_xdp(const struct config_reader *r, const struct tree_node *root, const struct config_list *xdp)
{
	for (size_t i = 0; i < xdp->count; i++) {
		const char *name = xdp->item[i];
		if (name[0] == '\0' || strlen(name) >= IF_NAMESIZE || strpbrk(name, "/: \t\n") != NULL)
			return value_fail(
				r, check_place(root, "server", "xdp", i),
				"server.xdp: found '%.64s'; allowed is the name of a network interface, such as eth0",
				name);
		for (size_t k = 0; k < i; k++)
			if (strcmp(xdp->item[k], name) == 0)
				return value_fail(r, check_place(root, "server", "xdp", i),
						  "server.xdp: %s stands here twice", name);
	}
	return 0;
}

static int check_tls(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	char addr[ADDR_TEXT_MAX];
	const struct config_addrs *listen = &config->server.tls_listen;
	for (size_t i = 0; i < listen->count; i++)
		if (listen->item[i].port == 53)
			return value_fail(r, check_place(root, "server", "tls-listen", i),
					  "server.tls-listen: %s has port 53, which is that of plain DNS; write @853",
					  addr_format(&listen->item[i], true, addr));
	if (listen->count > 0 && (config->server.tls_certificate[0] == 0 || config->server.tls_key[0] == 0))
		return value_fail(r, check_place(root, "server", "tls-listen", SIZE_MAX),
				  "server.tls-listen: it needs server.tls-certificate and server.tls-key");
	return 0;
}

#define BANDWIDTH_MIN                                                                                                  \
	65536 /* bytes a second: below it those who fetch give up, since they take it for a connection that has stalled */

static int check_bandwidth(const struct config_reader *r, const struct tree_node *root, const char *key, uint64_t value)
{
	if (value == 0 || value >= BANDWIDTH_MIN)
		return 0;
	return value_fail(r, check_place(root, "server", key, SIZE_MAX),
			  "server.%s: %llu bytes a second are too few for anybody to wait for; write 64K or more, or 0 "
			  "for no limit",
			  key, (unsigned long long)value);
}

static int check_files(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	char addr[ADDR_TEXT_MAX];
	bool folder = config->server.files_folder[0] != '\0';
	int rc;
	const struct config_addrs *listen = &config->server.files_listen;
	if (listen->count > 0 && !folder)
		return value_fail(r, check_place(root, "server", "files-listen", 0),
				  "server.files-listen: found without server.files-folder, which it is to serve");
	for (size_t i = 0; i < listen->count; i++)
		if (listen->item[i].port == 53)
			return value_fail(r, check_place(root, "server", "files-listen", i),
					  "server.files-listen: %s has no port, or that of DNS; write one for HTTP, "
					  "such as %s@80",
					  addr_format(&listen->item[i], false, addr), addr);
	rc = check_bandwidth(r, root, "files-bandwidth", config->server.files_bandwidth);
	if (rc == 0)
		rc = check_bandwidth(r, root, "files-bandwidth-per-client", config->server.files_bandwidth_each);
	if (rc < 0)
		return rc;
	if (config->root.publish && !folder)
		return value_fail(r, check_place(root, "root", "publish", SIZE_MAX),
				  "root.publish: found without server.files-folder, into which it is to be published");
	for (size_t i = 0; i < config->n_zones; i++)
		if (config->zones[i].publish && !folder)
			return value_fail(
				r, check_place(root, "zones", NULL, i),
				"zones[].publish: found without server.files-folder, into which it is to be published");
	return 0;
}

static int check_server(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	char addr[ADDR_TEXT_MAX];
	size_t pair[2];
	const struct config_addrs *listen = &config->server.listen;
	int rc = find_pair(listen->item, listen->count, sizeof *listen->item, by_addr, same_addr, pair);
	if (rc < 0)
		return rc;
	if (rc > 0)
		return value_fail(r, check_place(root, "server", "listen", pair[1]),
				  "server.listen: %s stands here twice",
				  addr_format(&listen->item[pair[1]], true, addr));
	rc = check_tls(r, root, config);
	if (rc == 0)
		rc = check_xdp(r, root, &config->server.xdp);
	if (rc == 0)
		rc = check_files(r, root, config);
	if (rc < 0)
		return rc;
	if (config->server.tcp_clients_per_address > config->server.tcp_clients)
		return value_fail(r, check_place(root, "server", "tcp-clients-per-address", SIZE_MAX),
				  "server.tcp-clients-per-address: found %u; allowed is at most server.tcp-clients, "
				  "which is %u",
				  config->server.tcp_clients_per_address, config->server.tcp_clients);
	/* one byte is the NUL (unix(7)) */
	size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	if (strlen(config->server.control) > max)
		return value_fail(r, check_place(root, "server", "control", SIZE_MAX),
				  "server.control: found a path of %zu bytes; allowed for a Unix socket are %zu",
				  strlen(config->server.control), max);
	return 0;
}

static bool is_anybodys(const struct config_forward *list, size_t n, bool validate, size_t *ret_at)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].zone, ".") == 0 && !(validate && list[i].validate)) {
			*ret_at = i;
			return true;
		}
	return false;
}

/* Whom the resolver of an edition would ask besides: those of another namespace, without anything that tells one from the other. */
static int check_namespace(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	const char *name = config->root.edition;
	const struct tree_node *at = check_place(root, "root", "edition", SIZE_MAX);
	const struct config_list *sources = &config->root.copy.sources;
	bool validate = config->resolver.validate,
	     hints = config->root.hints.count > 0 || config->root.hints_file[0] != 0;
	size_t i;
	if (config->root.fallback && !hints)
		return value_fail(
			r, at,
			"root.edition: with root.fallback the root servers that everybody knows would be asked, "
			"and they know nothing of edition %s; write root.fallback: false, or name its servers in "
			"root.hints or root.hints-file",
			name);
	if (config->root.anchors_built_in == CONFIG_BUILT_IN_ON)
		return value_fail(
			r, check_place(root, "root", "anchors-built-in", SIZE_MAX),
			"root.anchors-built-in: found on with root.edition; these are the anchors of the root that "
			"everybody knows, and edition %s has its own: name them in root.anchors, and leave this out",
			name);
	if (validate && config->root.anchors.count == 0 && config->root.anchors_xml[0] == 0)
		return value_fail(
			r, at,
			"root.edition: edition %s is signed with keys of its own; name the file of its trust anchors "
			"in root.anchors",
			name);
	for (i = 0; i < sources->count; i++)
		if (strcasecmp(sources->item[i], "builtin") == 0)
			return value_fail(
				r, check_place(root, "root", "sources", i),
				"root.sources: builtin stands for sources of the root that everybody knows, which is "
				"refused with root.edition; name sources of edition %s",
				name);
	if (is_anybodys(config->forward, config->n_forward, validate, &i))
		return value_fail(
			r, check_place(root, "forward", NULL, i),
			"forward[%zu]: all names are forwarded and nothing is proved, so nothing tells whether what "
			"comes is of root.edition %s; prove it (validate: true), or leave out root.edition",
			i, name);
	if (is_anybodys(config->stub, config->n_stub, validate, &i))
		return value_fail(
			r, check_place(root, "stub", NULL, i),
			"stub[%zu]: every walk begins there and nothing is proved, so nothing tells whether that is "
			"root.edition %s; prove it (validate: true), or name these servers in root.hints",
			i, name);
	return 0;
}

static int check_edition(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	const char *name = config->root.edition;
	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")] == 0)
		return name[0] != 0 && config->resolver.enabled ? check_namespace(r, root, config) : 0;
	return value_fail(
		r, check_place(root, "root", "edition", SIZE_MAX),
		"\"%s\" is no name of an edition: write letters, digits, '-', '_' and '.', as they stand behind "
		"edition= in the TXT of that root",
		name);
}

static int check_anchors(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	if (config->root.anchors_xml_signature[0] == 0)
		return 0;
	if (config->root.anchors_xml[0] == 0)
		return value_fail(r, check_place(root, "root", "anchors-xml-signature", SIZE_MAX),
				  "root.anchors-xml-signature: found without root.anchors-xml, which it is to prove");
	if (config->root.anchors_xml_authority[0] == 0)
		return value_fail(
			r, check_place(root, "root", "anchors-xml-signature", SIZE_MAX),
			"root.anchors-xml-signature: found without root.anchors-xml-authority, up to which it "
			"must lead");
	return 0;
}

static int check_outgoing(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	char addr[ADDR_TEXT_MAX];
	for (size_t i = 0; i < config->resolver.outgoing.count; i++) {
		const struct addr *a = &config->resolver.outgoing.item[i];
		if (a->family == 4 ? config->resolver.ipv4 : config->resolver.ipv6)
			continue;
		return value_fail(r, check_place(root, "resolver", "outgoing", i),
				  "resolver.outgoing: found %s, but resolver.ipv%u is false",
				  addr_format(a, false, addr), a->family);
	}
	return 0;
}

static int check_resolver(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	char addr[ADDR_TEXT_MAX];
	size_t pair[2];
	if (config->resolver.enabled && !config->resolver.ipv4 && !config->resolver.ipv6)
		return value_fail(r, check_place(root, "resolver", "ipv6", SIZE_MAX),
				  "resolver.ipv6: found false like resolver.ipv4; a resolver needs one of them");
	if (config->resolver.cache_ttl_min > config->resolver.cache_ttl_max)
		return value_fail(r, check_place(root, "resolver", "cache-ttl-min", SIZE_MAX),
				  "resolver.cache-ttl-min: found %us; allowed is at most resolver.cache-ttl-max, which "
				  "is %us",
				  config->resolver.cache_ttl_min, config->resolver.cache_ttl_max);
	int rc = find_pair(config->resolver.reroute, config->resolver.n_reroutes, sizeof *config->resolver.reroute,
			   by_addr, same_addr, pair);
	if (rc < 0)
		return rc;
	if (rc > 0)
		return value_fail(r, check_place(root, "resolver", "reroute", pair[1]),
				  "resolver.reroute: %s is rerouted twice",
				  addr_format(&config->resolver.reroute[pair[1]].from, false, addr));
	return check_outgoing(r, root, config);
}

static int by_forward(const void *pa, const void *pb)
{
	const struct sorted *a = pa, *b = pb;
	int c = strcasecmp(((const struct config_forward *)a->item)->zone,
			   ((const struct config_forward *)b->item)->zone);
	return c != 0 ? c : by_index(a, b);
}

static bool same_forward(const void *a, const void *b)
{
	return strcasecmp(((const struct config_forward *)a)->zone, ((const struct config_forward *)b)->zone) == 0;
}

static int check_twice(const struct config_reader *r, const struct tree_node *root, const char *section,
		       const struct config_forward *list, size_t n)
{
	size_t pair[2];
	int rc = find_pair(list, n, sizeof *list, by_forward, same_forward, pair);
	if (rc <= 0)
		return rc;
	return value_fail(r, check_place(root, section, NULL, pair[1]),
			  "%s[%zu].zone: '%.255s' stands here again; it is %s[%zu] already", section, pair[1],
			  list[pair[1]].zone, section, pair[0]);
}

/* Is the name a forward or stub zone, too? */
static bool is_forwarded(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_forward; i++)
		if (strcasecmp(config->forward[i].zone, name) == 0)
			return true;
	for (size_t i = 0; i < config->n_stub; i++)
		if (strcasecmp(config->stub[i].zone, name) == 0)
			return true;
	return false;
}

static int check_exceptions(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	for (size_t i = 0; i < config->n_forward; i++) {
		const struct config_list *except = &config->forward[i].except;
		for (size_t k = 0; k < except->count; k++) {
			bool again = is_forwarded(config, except->item[k]);
			for (size_t j = 0; j < i && !again; j++)
				for (size_t m = 0; m < config->forward[j].except.count; m++)
					again |= strcasecmp(config->forward[j].except.item[m], except->item[k]) == 0;
			for (size_t m = 0; m < k; m++)
				again |= strcasecmp(except->item[m], except->item[k]) == 0;
			if (again)
				return value_fail(r, check_place(root, "forward", NULL, i),
						  "forward[%zu].except: '%.255s' stands here again; one place must "
						  "decide for a name",
						  i, except->item[k]);
		}
	}
	return 0;
}

/* Would a message to this address come back here? A wildcard stands for loopback at least. */
static bool is_own(const struct config *config, const struct addr *addr)
{
	static const uint8_t zero[16], loopback6[16] = {[15] = 1};
	bool loopback = addr->family == 4 ? addr->ip[0] == 127 : memcmp(addr->ip, loopback6, sizeof zero) == 0;
	for (size_t i = 0; i < config->server.listen.count; i++) {
		const struct addr *listen = &config->server.listen.item[i];
		if (addr_order(listen, addr) == 0)
			return true;
		if (loopback && listen->family == addr->family && listen->port == addr->port &&
		    memcmp(listen->ip, zero, sizeof zero) == 0)
			return true;
	}
	return false;
}

/* A question that is forwarded to the one who forwards it never ends. */
static int check_loops(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	char text[ADDR_TEXT_MAX];
	for (size_t i = 0; i < config->n_forward; i++)
		for (size_t k = 0; k < config->forward[i].servers.count; k++)
			if (is_own(config, &config->forward[i].servers.item[k]))
				return value_fail(
					r, check_place(root, "forward", NULL, i),
					"forward[%zu].servers: %s is an address of server.listen; name another "
					"resolver, or another port",
					i, addr_format(&config->forward[i].servers.item[k], true, text));
	return 0;
}

static int check_forwards(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	int rc = check_twice(r, root, "forward", config->forward, config->n_forward);
	if (rc == 0)
		rc = check_twice(r, root, "stub", config->stub, config->n_stub);
	for (size_t i = 0; rc == 0 && i < config->n_stub; i++)
		for (size_t k = 0; rc == 0 && k < config->n_forward; k++)
			if (strcasecmp(config->stub[i].zone, config->forward[k].zone) == 0)
				rc = value_fail(r, check_place(root, "stub", NULL, i),
						"stub[%zu].zone: '%.255s' is forward[%zu] already", i,
						config->stub[i].zone, k);
	if (rc == 0)
		rc = check_loops(r, root, config);
	return rc == 0 ? check_exceptions(r, root, config) : rc;
}

int check_whole(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	int rc = check_server(r, root, config);
	if (rc == 0)
		rc = check_zones(r, root, config);
	if (rc == 0)
		rc = check_anchors(r, root, config);
	if (rc == 0)
		rc = check_edition(r, root, config);
	if (rc == 0)
		rc = check_resolver(r, root, config);
	if (rc == 0)
		rc = check_forwards(r, root, config);
	if (rc == 0)
		rc = check_policy(r, root, config);
	if (rc == 0)
		rc = check_peers(r, root, config);
	if (rc == 0)
		rc = check_transfers(r, root, config);
	return rc;
}
