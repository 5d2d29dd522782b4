// SPDX-License-Identifier: GPL-3.0-or-later
/* Writes the configurations of the lab: each operator's, the odd servers', the resolver's, and lab.conf for lab_run(). */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOCKET_PATH_MAX 107                                 /* unix(7): sun_path has 108 bytes */
#define SOCKET_PATH     "/operators/pinecloud/control.sock" /* the longest */

static int write_in_dir(const struct lab_world *world, const char *name, const struct buffer *text)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", world->settings->dir, name);
	return lab_write_file(path, text->data, text->len, false);
}

/* The control socket needs an absolute path, since the daemon does not know its configuration's folder as its own. */
static void print_server(const char *dir, const char *run, const char *identity, struct buffer *out)
{
	lab_print(out, "  rundir: %s/%s\n  identity: %s\n  user: \"\"\n", dir, run, identity);
}

static int write_operator(const struct lab_world *world, const char *dir, const struct lab_operator *operator)
{
	_cleanup_(buffer_done) struct buffer out = {0};
	char text[ADDR_TEXT_MAX], name[300];
	lab_print(&out,
		  "# Operator %s of the lab; written by `banyan lab make`.\nserver:\n  listen:\n", operator->name);
	for (unsigned i = 0; i < operator->n_servers; i++) {
		lab_print(&out, "    - \"%s\"\n", addr_format(&operator->server[i].v4, true, text));
		lab_print(&out, "    - \"%s\"\n", addr_format(&operator->server[i].v6_real, true, text));
	}
	snprintf(name, sizeof(name), "operators/%s", operator->name);
	print_server(dir, name, operator->name, &out);
	lab_print(&out, "  workers: 1\nresolver:\n  enabled: false\nzones:\n");
	for (size_t i = 0; i < operator->zones.count; i++) {
		const struct lab_zone *zone = operator->zones.item[i];
		lab_print(&out, "  - name: \"%s\"\n    file: ../../zones/%s\n    prove: structure\n", zone->name,
			  lab_write_file_name(zone, name));
	}
	snprintf(name, sizeof(name), "operators/%s/banyan.yaml", operator->name);
	return write_in_dir(world, name, &out);
}

static int write_odd(const struct lab_world *world)
{
	static const char *const kinds[LAB_ODD_COUNT] = {[LAB_ODD_LAME] = "lame",
							 [LAB_ODD_SLOW] = "slow",
							 [LAB_ODD_TRUNCATING] = "truncating",
							 [LAB_ODD_DEAD] = "dead"};
	_cleanup_(buffer_done) struct buffer out = {0};
	const struct lab_operator *operator= & world->operator[LAB_OP_ODD];
	char text[ADDR_TEXT_MAX], file[300];
	for (unsigned i = 0; i < operator->n_servers; i++)
		lab_print(&out, "server %s %s\n", addr_format(&operator->server[i].v4, true, text), kinds[i]);
	for (size_t i = 0; i < operator->zones.count; i++) {
		const struct lab_zone *zone = operator->zones.item[i];
		lab_print(&out, "zone %s zones/%s\n", zone->name, lab_write_file_name(zone, file));
	}
	return write_in_dir(world, "operators/odd/odd.conf", &out);
}

static int write_resolver(const struct lab_world *world, const char *dir)
{
	_cleanup_(buffer_done) struct buffer out = {0};
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];
	lab_print(&out,
		  "# A resolver on the lab's own root; written by `banyan lab make`.\nserver:\n  listen: [\"%s\"]\n",
		  addr_format(&world->settings->resolver, true, to));
	print_server(dir, "resolver", "lab-resolver", &out);
	lab_print(&out, "root:\n  file: ../zones/root.zone\n  anchors: [../root/root.ds]\n  fallback: false\n");
	/* the lab's hosts have addresses that nobody should have, and names for them */
	lab_print(&out, "local:\n  open: [8.b.d.0.1.0.0.2.ip6.arpa]\n");
	lab_print(&out, "resolver:\n  enabled: true\n  upstream-port: %u\n", world->settings->port);
	lab_print(&out,
		  "  # Without root privileges ::1 is the only IPv6 address here, so each server has a port of it.\n");
	lab_print(&out, "  reroute:\n");
	for (unsigned i = 0; i < LAB_OP_COUNT; i++) {
		const struct lab_operator *operator= & world->operator[i];
		for (unsigned n = 0; n < operator->n_servers; n++)
			lab_print(&out, "    - \"%s -> %s\"\n", addr_format(&operator->server[n].v6, false, from),
				  addr_format(&operator->server[n].v6_real, true, to));
	}
	return write_in_dir(world, "resolver/banyan.yaml", &out);
}

/* What `lab run` needs to know: the processes, and for each a server to ask whether it is ready, and for what. */
static int write_run(const struct lab_world *world)
{
	_cleanup_(buffer_done) struct buffer out = {0};
	char text[ADDR_TEXT_MAX];
	for (unsigned i = 0; i < LAB_OP_COUNT; i++) {
		const struct lab_operator *operator= & world->operator[i];
		const struct lab_zone *last = operator->zones.item[operator->zones.count - 1];
		unsigned server = i == LAB_OP_ODD ? LAB_ODD_LAME : operator->n_servers - 1;
		lab_print(&out, "%s %s %s %s\n", i == LAB_OP_ODD ? "odd" : "operator", operator->name,
			  addr_format(&operator->server[server].v4, true, text), last->name);
	}
	lab_print(&out, "resolver resolver %s .\n", addr_format(&world->settings->resolver, true, text));
	return write_in_dir(world, "lab.conf", &out);
}

int lab_write_configs(struct lab_world *world)
{
	_cleanup_(base_free) char *dir = realpath(world->settings->dir, NULL);
	if (dir == NULL)
		return BANYAN_EIO;
	if (strlen(dir) + strlen(SOCKET_PATH) > SOCKET_PATH_MAX) {
		log_error("lab", "%s: is too long by %zu bytes: the operators' control sockets would not fit", dir,
			  strlen(dir) + strlen(SOCKET_PATH) - SOCKET_PATH_MAX);
		return BANYAN_ELIMIT;
	}
	int rc = write_odd(world);
	for (unsigned i = 0; i < LAB_OP_COUNT && rc == 0; i++)
		if (i != LAB_OP_ODD)
			rc = write_operator(world, dir, &world->operator[i]);
	if (rc == 0)
		rc = write_resolver(world, dir);
	return rc < 0 ? rc : write_run(world);
}
