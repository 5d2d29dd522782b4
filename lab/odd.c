// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The lab's odd servers, one process for all: one refuses everything it was told to serve (lame), one takes its time,
 * one truncates each UDP reply, one never says anything. Apart from that they answer from plain zones.
 */
#include "lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/net.h"
#include "wire/wire.h"
#include "zone/zone.h"

#define ODD_SLOW_MS     300 /* below the first timeout of most resolvers, far above any other server here */
#define ODD_PENDING_MAX 256 /* slow replies that wait; more are dropped, as a slow server would */
#define ODD_ZONES_MAX   32
#define ODD_SERVERS_MAX 8
#define ODD_CONF_MAX    65536
#define ODD_UDP_SIZE    1232

enum odd_kind { ODD_LAME, ODD_SLOW, ODD_TRUNCATING, ODD_DEAD, ODD_KINDS };

static const char *const odd_kinds[ODD_KINDS] = {"lame", "slow", "truncating", "dead"};

struct odd_pending {
	struct net_ticket ticket;
	int64_t at_ms;
	size_t len;
	uint8_t msg[ODD_UDP_SIZE];
};

struct odd;
struct odd_server {
	struct odd *odd;
	enum odd_kind kind;
};

struct odd {
	struct net_loop *loop;
	size_t n_zones, n_servers;
	struct zone *zone[ODD_ZONES_MAX];
	struct odd_server server[ODD_SERVERS_MAX];
	size_t first, n_pending; /* a ring: all wait equally long, so the first is the next */
	struct odd_pending pending[ODD_PENDING_MAX];
};

static const struct zone *odd_find_zone(const struct odd *odd, const uint8_t *name)
{
	for (size_t i = 0; i < odd->n_zones; i++)
		if (wire_name_under(name, odd->zone[i]->apex))
			return odd->zone[i];
	return NULL;
}

/* Writes answer or SOA; returns the RCODE. */
static int odd_sections(struct wire_writer *writer, const struct zone *zone, const struct wire_question *question)
{
	const struct zone_node *node = zone_find(zone, question->lower);
	const struct wire_rrset *set = node == NULL ? NULL : zone_node_set(zone, node, question->qtype);
	if (set != NULL)
		return wire_writer_rrset(writer, WIRE_ANSWER, set, set->ttl) < 0 ? WIRE_RCODE_SERVFAIL
										 : WIRE_RCODE_NOERROR;
	set = zone_node_set(zone, zone_find(zone, zone->apex), WIRE_TYPE_SOA);
	if (set != NULL && wire_writer_rrset(writer, WIRE_AUTHORITY, set, set->ttl) < 0)
		return WIRE_RCODE_SERVFAIL;
	return node == NULL ? WIRE_RCODE_NXDOMAIN : WIRE_RCODE_NOERROR;
}

static int odd_reply(const struct odd_server *server, struct net_message *m)
{
	struct wire_question question;
	if (wire_question_parse(m->msg, m->len, &question) != WIRE_ANSWERABLE)
		return 0;
	const struct zone *zone = server->kind == ODD_LAME ? NULL : odd_find_zone(server->odd, question.lower);
	bool truncate = server->kind == ODD_TRUNCATING && m->ticket.transport == NET_UDP;
	uint16_t flags = WIRE_QR | (question.flags & WIRE_RD) | (zone != NULL ? WIRE_AA : 0) | (truncate ? WIRE_TC : 0);
	size_t cap = m->ticket.transport == NET_UDP ? ODD_UDP_SIZE : m->reply_cap;
	struct wire_writer writer;
	if (wire_writer_init(&writer, m->reply, cap < m->reply_cap ? cap : m->reply_cap, question.id, flags) < 0 ||
	    wire_writer_question(&writer, question.qname, question.qtype, question.qclass) < 0 ||
	    (question.edns.present && wire_writer_reserve(&writer, 11) < 0)) /* an OPT without options */
		return 0;
	int rcode = WIRE_RCODE_REFUSED;
	if (zone != NULL)
		rcode = truncate ? WIRE_RCODE_NOERROR : odd_sections(&writer, zone, &question);
	if (question.edns.present && wire_writer_edns(&writer, ODD_UDP_SIZE, rcode, question.edns.do_bit, NULL, 0) < 0)
		return 0;
	size_t len = wire_writer_finish(&writer);
	wire_put16(m->reply + 2, (wire_get16(m->reply + 2) & ~WIRE_RCODE_MASK) | rcode);
	return (int)len;
}

static void odd_wake(void *ctx);

static void odd_wake_next(struct odd *odd)
{
	if (odd->n_pending > 0)
		net_wake_at(odd->loop, odd->pending[odd->first].at_ms, odd_wake, odd);
}

static void odd_wake(void *ctx)
{
	struct odd *odd = ctx;
	while (odd->n_pending > 0 && odd->pending[odd->first].at_ms <= clock_mono_ms()) {
		struct odd_pending *pending = &odd->pending[odd->first];
		net_reply(odd->loop, &pending->ticket, pending->msg, pending->len);
		odd->first = (odd->first + 1) % ODD_PENDING_MAX;
		odd->n_pending--;
	}
	odd_wake_next(odd);
}

static int odd_wait(struct odd *odd, const struct net_message *m, size_t len)
{
	if (odd->n_pending == ODD_PENDING_MAX || len > ODD_UDP_SIZE)
		return 0;
	struct odd_pending *pending = &odd->pending[(odd->first + odd->n_pending) % ODD_PENDING_MAX];
	pending->ticket = m->ticket;
	pending->at_ms = clock_mono_ms() + ODD_SLOW_MS;
	pending->len = len;
	memcpy(pending->msg, m->reply, len);
	if (odd->n_pending++ == 0)
		odd_wake_next(odd);
	return NET_LATER;
}

static int odd_on_message(void *ctx, struct net_message *m)
{
	const struct odd_server *server = ctx;
	if (server->kind == ODD_DEAD)
		return 0;
	int len = odd_reply(server, m);
	return server->kind == ODD_SLOW && len > 0 ? odd_wait(server->odd, m, len) : len;
}

static int odd_add_server(struct odd *odd, const char *address, const char *kind)
{
	struct addr addr;
	int rc = addr_parse(address, 53, &addr);
	if (rc < 0 || odd->n_servers == ODD_SERVERS_MAX)
		return rc < 0 ? rc : BANYAN_ELIMIT;
	struct odd_server *server = &odd->server[odd->n_servers];
	*server = (struct odd_server){.odd = odd, .kind = ODD_KINDS};
	for (unsigned i = 0; i < ODD_KINDS; i++)
		if (strcmp(kind, odd_kinds[i]) == 0)
			server->kind = i;
	if (server->kind == ODD_KINDS)
		return BANYAN_EINVAL;
	odd->n_servers++;
	return net_listen(odd->loop, &addr, odd_on_message, server, NULL);
}

static int odd_add_zone(struct odd *odd, const char *dir, const char *name, const char *file)
{
	char path[4096];
	uint8_t apex[WIRE_NAME_MAX];
	struct zone_error error;
	int rc = wire_name_parse(name, apex);
	if (rc < 0 || odd->n_zones == ODD_ZONES_MAX)
		return rc < 0 ? rc : BANYAN_ELIMIT;
	const struct zone_read_settings settings = {.origin = apex};
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	rc = zone_read_file(path, &settings, NULL, NULL, &odd->zone[odd->n_zones], &error);
	if (rc < 0)
		log_error("lab", "%s", error.text);
	else
		odd->n_zones++;
	return rc;
}

static int odd_configure(struct odd *odd, const char *dir)
{
	char path[4096];
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len;
	snprintf(path, sizeof(path), "%s/operators/odd/odd.conf", dir);
	int rc = file_read(path, ODD_CONF_MAX, &text, &len);
	char *save = NULL;
	for (char *line = rc < 0 ? NULL : strtok_r((char *)text, "\n", &save); line != NULL && rc >= 0;
	     line = strtok_r(NULL, "\n", &save)) {
		char what[16], name[300], value[300];
		if (sscanf(line, "%15s %299s %299s", what, name, value) != 3)
			rc = BANYAN_EMALF;
		else if (strcmp(what, "server") == 0)
			rc = odd_add_server(odd, name, value);
		else if (strcmp(what, "zone") == 0)
			rc = odd_add_zone(odd, dir, name, value);
		else
			rc = BANYAN_EMALF;
		if (rc < 0)
			log_error("lab", "%s: '%s': %s", path, line, error_text(rc));
	}
	return rc;
}

int lab_odd(const char *dir)
{
	static struct counters counters;
	static struct odd odd;
	const struct net_settings settings = {.udp_batch = 8,
					      .tcp_clients = 64,
					      .tcp_clients_per_address = 64,
					      .tcp_idle_ms = 10000,
					      .tcp_pipeline = 16,
					      .ipv4 = true,
					      .ipv6 = true};
	int rc = net_loop_new(&settings, &counters, &odd.loop);
	if (rc == 0)
		rc = odd_configure(&odd, dir);
	if (rc >= 0)
		rc = net_loop_run(odd.loop);
	for (size_t i = 0; i < odd.n_zones; i++)
		zone_free(odd.zone[i]);
	if (odd.loop != NULL)
		net_loop_free(odd.loop);
	return rc < 0 ? rc : 0;
}
