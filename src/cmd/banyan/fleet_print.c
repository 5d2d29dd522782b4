// SPDX-License-Identifier: GPL-3.0-or-later
/* What was found of a fleet: a table in the order of the tree, or JSON, and one line that sums it up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet.h"
#include "print.h"

#define NODE_WIDTH_MAX 48
#define NAME_WIDTH_MAX 24

struct order {
	uint32_t *first,
		*next; /* of each node: its first child, the one after it with the same parent; FLEET_NOBODY = none */
	uint32_t top;
	int node_width, name_width;
};

/* ---- the tree ---- */

static int order_make(const struct fleet *fleet, struct order *ret)
{
	*ret = (struct order){.top = FLEET_NOBODY, .node_width = 4, .name_width = 8};
	ret->first = malloc((fleet->n + 1) * sizeof *ret->first);
	ret->next = malloc((fleet->n + 1) * sizeof *ret->next);
	if (ret->first == NULL || ret->next == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < fleet->n; i++)
		ret->first[i] = FLEET_NOBODY;
	for (size_t i = fleet->n; i > 0;
	     i--) { /* from the end, so that they come in the order in which they were found */
		const struct fleet_node *node = &fleet->node[i - 1];
		char addr[ADDR_TEXT_MAX];
		uint32_t *head = node->via == FLEET_NOBODY ? &ret->top : &ret->first[node->via];
		ret->next[i - 1] = *head;
		*head = (uint32_t)(i - 1);
		int width = (int)strlen(addr_format(&node->addr, true, addr)) + 2 * node->depth;
		ret->node_width = width > ret->node_width ? width : ret->node_width;
		width = (int)strlen(node->nsid[0] != 0 ? node->nsid : node->id);
		ret->name_width = width > ret->name_width ? width : ret->name_width;
	}
	ret->node_width = ret->node_width > NODE_WIDTH_MAX ? NODE_WIDTH_MAX : ret->node_width;
	ret->name_width = ret->name_width > NAME_WIDTH_MAX ? NAME_WIDTH_MAX : ret->name_width;
	return 0;
}

static void order_done(struct order *order)
{
	free(order->first);
	free(order->next);
}

/* The node behind this one, in the order of the tree: its first child, else the next of its parent's ... */
static uint32_t order_next(const struct fleet *fleet, const struct order *order, uint32_t at)
{
	if (order->first[at] != FLEET_NOBODY)
		return order->first[at];
	while (at != FLEET_NOBODY && order->next[at] == FLEET_NOBODY)
		at = fleet->node[at].via;
	return at == FLEET_NOBODY ? at : order->next[at];
}

/* ---- the sum ---- */

struct sum {
	size_t state[FLEET_STATES], in_grace, hidden;
	enum fleet_exit status;
};

static struct sum sum_of(const struct fleet *fleet)
{
	struct sum sum = {0};
	for (size_t i = 0; i < fleet->n; i++) {
		const struct fleet_node *node = &fleet->node[i];
		enum fleet_exit status = node->state >= FLEET_LIES                         ? FLEET_EXIT_TROUBLE
					 : node->state != FLEET_CURRENT && !node->in_grace ? FLEET_EXIT_BEHIND
											   : FLEET_EXIT_CURRENT;
		sum.state[node->state]++;
		sum.in_grace += node->in_grace;
		sum.status = status > sum.status ? status : sum.status;
	}
	return sum;
}

/* ---- text ---- */

static void lag_text(const struct fleet_node *node, char out[80])
{
	char span[32];
	out[0] = 0;
	if (node->behind == 0)
		return;
	int len = snprintf(out, 80, "%s%u", node->lag_at_least ? ">=" : "", node->behind);
	if (node->has_lag)
		snprintf(out + len, 80 - (size_t)len, ", %s%s", node->lag_at_least ? ">=" : "",
			 clock_span(node->lag_ms / 1000, span));
}

static void print_node(const struct fleet *fleet, const struct order *order, const struct fleet_node *node)
{
	char addr[ADDR_TEXT_MAX], serial[16] = "", rtt[24] = "", lag[80], why[FLEET_WHY_MAX];
	static const char *const states[FLEET_STATES] = {"current", "BEHIND", "AHEAD", "LIES", "FAILS", "SILENT"};
	if (node->has_serial)
		snprintf(serial, sizeof serial, "%u", node->serial);
	if (node->rtt_us > 0)
		snprintf(rtt, sizeof rtt, "%.1f ms", (double)node->rtt_us / 1000);
	int indent = 2 * node->depth;
	lag_text(node, lag);
	fleet_reason_words(&fleet->master, node, why);
	printf("%*s%-*s  %-7s  %-10s  %9s  %-*s  %-20s  %s%s%s\n", indent, "",
	       order->node_width > indent ? order->node_width - indent : 0, addr_format(&node->addr, true, addr),
	       states[node->state], serial, rtt, order->name_width, node->nsid[0] != 0 ? node->nsid : node->id,
	       node->version, lag, lag[0] != 0 && node->reason != NULL ? "; " : "", why);
}

/* Versions with dates: the one in use may not be the last one that is offered. */
static void print_dates(const struct fleet_master *master, const struct fleet_version *last)
{
	const struct fleet_version *now = fleet_version_at(master, master->now_ms);
	char from[32], until[32];
	if (last->valid_until == 0)
		return;
	printf("it is valid from %s until %s", clock_format(last->valid_from, from),
	       clock_format(last->valid_until, until));
	if (now == NULL)
		printf("; until then the one before is in use");
	else if (now != last)
		printf("; until then serial %u is in use", now->serial);
	printf("%s\n", master->now_ms >= last->valid_until * 1000 ? ": ITS TIME IS OVER" : "");
}

static void print_master(const struct fleet *fleet)
{
	const struct fleet_master *master = &fleet->master;
	const struct fleet_version *last = &master->version[master->n - 1];
	char zone[WIRE_NAME_TEXT_MAX], at[32], span[32];
	printf("zone %s: master %s", wire_name_text(fleet->apex, zone), master->name);
	if (master->identity[0] != 0)
		printf(" (%s)", master->identity);
	printf(", serial %u", last->serial);
	if (last->at_ms > 0)
		printf(" since %s (%s)", clock_format(last->at_ms / 1000, at),
		       clock_span((master->now_ms - last->at_ms) / 1000, span));
	printf(", %s, %s\n", master->is_signed ? "signed" : "not signed",
	       last->digests.n > 0 ? "with a digest" : "without a digest: what nodes serve cannot be compared");
	print_dates(master, last);
}

static void print_table(const struct fleet *fleet, const struct order *order, const struct sum *sum)
{
	print_master(fleet);
	if (fleet->n > 0 && (!fleet->trouble_only || sum->status != FLEET_EXIT_CURRENT))
		printf("\n%-*s  %-7s  %-10s  %9s  %-*s  %-20s  %s\n", order->node_width, "NODE", "STATE", "SERIAL",
		       "RTT", order->name_width, "IDENTITY", "VERSION", "BEHIND, WHY");
	for (uint32_t at = order->top; at != FLEET_NOBODY; at = order_next(fleet, order, at))
		if (!fleet->trouble_only || fleet->node[at].state != FLEET_CURRENT)
			print_node(fleet, order, &fleet->node[at]);
	printf("\n%zu node%s asked in %.1f s:", fleet->n, fleet->n == 1 ? "" : "s", (double)fleet->took_ms / 1000);
	const char *comma = " ";
	for (unsigned i = 0; i < FLEET_STATES; i++) {
		if (sum->state[i] == 0)
			continue;
		printf("%s%zu %s", comma, sum->state[i], fleet_state_text((enum fleet_state)i));
		comma = ", ";
	}
	printf("%s\n", fleet->n == 0 ? " nobody is told of new versions" : "");
	if (fleet->too_many)
		printf("there are more nodes than %u: these are not all\n", FLEET_NODES_MAX);
}

/* ---- JSON ---- */

static const char *truth(bool value)
{
	return value ? "true" : "false";
}

static void json_serial(const struct fleet *fleet, const struct fleet_node *node)
{
	const struct fleet_version *then = fleet_version_at(&fleet->master, node->asked_ms);
	if (then == NULL)
		then = &fleet->master.version[0];
	if (node->has_serial)
		printf("\"serial\": %u, \"serials_behind\": %d, ", node->serial,
		       (int32_t)(then->serial - node->serial));
	else
		printf("\"serial\": null, \"serials_behind\": null, ");
	if (node->behind > 0)
		printf("\"versions_behind\": %u, ", node->behind);
	else
		printf("\"versions_behind\": %s, ", node->state == FLEET_CURRENT ? "0" : "null");
	if (node->behind > 0 && node->has_lag)
		printf("\"lag_s\": %.3f, ", (double)node->lag_ms / 1000);
	else
		printf("\"lag_s\": %s, ", node->state == FLEET_CURRENT ? "0" : "null");
	printf("\"lag_at_least\": %s, \"in_grace\": %s, ", truth(node->lag_at_least), truth(node->in_grace));
}

static void json_dates(int64_t from, int64_t until)
{
	char at[32];
	print_json_optional("valid_from", from > 0 ? clock_format(from, at) : NULL);
	printf(", ");
	print_json_optional("valid_until", until > 0 ? clock_format(until, at) : NULL);
	printf(", ");
}

static void json_node(const struct fleet *fleet, const struct fleet_node *node)
{
	static const char *const shows[] = {"unknown", "hidden", "shown"};
	char addr[ADDR_TEXT_MAX], why[FLEET_WHY_MAX];
	printf("    {");
	print_json_optional("address", addr_format(&node->addr, true, addr));
	printf(", ");
	print_json_optional("via",
			    node->via == FLEET_NOBODY ? NULL : addr_format(&fleet->node[node->via].addr, true, addr));
	printf(", \"depth\": %u, \"given\": %s, \"registered\": %s, \"told_by\": %u, ", node->depth, truth(node->given),
	       truth(node->registered), node->told_by);
	print_json_optional("state", fleet_state_text(node->state));
	printf(", ");
	print_json_optional("reason", node->reason);
	printf(", ");
	print_json_optional("words", fleet_reason_words(&fleet->master, node, why));
	printf(", ");
	json_serial(fleet, node);
	printf("\"digest_matches\": %s, ", node->is_checked                                   ? "true"
					   : node->state == FLEET_LIES && node->digests.n > 0 ? "false"
											      : "null");
	print_json_optional("soa_signature",
			    node->soa_proof == FLEET_NOT_ASKED ? NULL : fleet_proof_text(node->soa_proof));
	printf(", ");
	print_json_optional("digest_signature",
			    node->digest_proof == FLEET_NOT_ASKED ? NULL : fleet_proof_text(node->digest_proof));
	printf(", ");
	json_dates(node->valid_from, node->valid_until);
	print_json_optional("data", fleet_data_text(node->data));
	printf(", ");
	if (node->rtt_us > 0)
		printf("\"round_trip_ms\": %.3f, ", (double)node->rtt_us / 1000);
	else
		printf("\"round_trip_ms\": null, ");
	printf("\"tcp\": %s, \"authoritative\": %s, ", truth(node->over_tcp), truth(node->authoritative));
	print_json_optional("rcode", node->heard ? wire_rcode_text(node->rcode) : NULL);
	printf(", ");
	print_json_optional("nsid", node->nsid);
	printf(", ");
	print_json_optional("id", node->id);
	printf(", ");
	print_json_optional("version", node->version);
	printf(", \"register\": \"%s\", \"peers\": %u}", shows[node->shows], node->peers);
}

static void json_master(const struct fleet_master *master)
{
	char at[32];
	const struct fleet_version *last = &master->version[master->n - 1];
	const struct fleet_version *now = fleet_version_at(master, master->now_ms);
	printf("  \"master\": {");
	print_json_optional("name", master->name);
	printf(", ");
	print_json_optional("identity", master->identity);
	printf(", ");
	print_json_optional("version", master->version_text);
	printf(", \"serial\": %u, ", last->serial);
	print_json_optional("offered_at", last->at_ms > 0 ? clock_format(last->at_ms / 1000, at) : NULL);
	printf(", ");
	json_dates(last->valid_from, last->valid_until);
	if (now == NULL)
		printf("\"serial_in_use\": null, ");
	else
		printf("\"serial_in_use\": %u, ", now->serial);
	printf("\"versions_known\": %zu, \"signed\": %s, \"digest\": %s, \"samples\": %zu},\n", master->n,
	       truth(master->is_signed), truth(last->digests.n > 0), master->n_samples);
}

static void print_json(const struct fleet *fleet, const struct order *order, const struct sum *sum)
{
	char zone[WIRE_NAME_TEXT_MAX], at[32];
	const char *comma = "";
	printf("{\n  ");
	print_json_optional("zone", wire_name_text(fleet->apex, zone));
	printf(", ");
	print_json_optional("at", clock_format(fleet->master.now_ms / 1000, at));
	printf(",\n");
	json_master(&fleet->master);
	printf("  \"nodes\": [\n");
	for (uint32_t i = order->top; i != FLEET_NOBODY; i = order_next(fleet, order, i)) {
		if (fleet->trouble_only && fleet->node[i].state == FLEET_CURRENT)
			continue;
		printf("%s", comma);
		json_node(fleet, &fleet->node[i]);
		comma = ",\n";
	}
	printf("\n  ],\n  \"summary\": {\"nodes\": %zu, ", fleet->n);
	for (unsigned i = 0; i < FLEET_STATES; i++)
		printf("\"%s\": %zu, ", fleet_state_text((enum fleet_state)i), sum->state[i]);
	printf("\"in_grace\": %zu, \"complete\": %s, \"questions\": %zu, \"took_ms\": %lld, \"exit\": %d}\n}\n",
	       sum->in_grace, truth(!fleet->too_many), fleet->questions, (long long)fleet->took_ms, sum->status);
}

int fleet_print(const struct fleet *fleet)
{
	struct order order;
	struct sum sum = sum_of(fleet);
	if (order_make(fleet, &order) < 0) {
		order_done(&order);
		return FLEET_EXIT_UNKNOWN;
	}
	if (fleet->json)
		print_json(fleet, &order, &sum);
	else
		print_table(fleet, &order, &sum);
	order_done(&order);
	return (int)sum.status;
}
