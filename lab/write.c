// SPDX-License-Identifier: GPL-3.0-or-later
/* Writes the lab's zones: apex, hosts, records, and each delegation with the glue and DS that its parent owes it. */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int lab_write_file(const char *path, const void *data, size_t len, bool append)
{
	/* not file_write_atomic(): a lab that is cut short is made anew, and two thousand fsyncs take a while */
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0644);
	const char *p = data;
	size_t left = len;
	while (fd >= 0 && left > 0) {
		ssize_t n = write(fd, p, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		p += n;
		left -= n;
	}
	int err = errno;
	if (fd >= 0 && close(fd) == 0 && left == 0)
		return 0;
	log_error("lab", "%s: cannot be written: %s", path, strerror(err));
	return BANYAN_EIO;
}

const char *lab_write_file_name(const struct lab_zone *zone, char out[300])
{
	if (strcmp(zone->name, ".") == 0)
		strcpy(out, "root.zone");
	else
		snprintf(out, 300, "%szone", zone->name);
	return out;
}

static int make_dir(const char *path)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 0;
	int err = errno;
	log_error("lab", "%s: cannot be made: %s", path, strerror(err));
	return error_from_errno(err);
}

int lab_write_dirs(const struct lab_world *world)
{
	static const char *const dirs[] = {"", "/keys", "/unsigned", "/zones", "/root", "/resolver", "/operators"};
	char path[4096];
	int rc = 0;
	for (size_t i = 0; i < ARRAY_SIZE(dirs) && rc == 0; i++) {
		snprintf(path, sizeof(path), "%s%s", world->settings->dir, dirs[i]);
		rc = make_dir(path);
	}
	for (size_t i = 0; i < LAB_OP_COUNT && rc == 0; i++) {
		snprintf(path, sizeof(path), "%s/operators/%s", world->settings->dir, world->operator[i].name);
		rc = make_dir(path);
	}
	return rc;
}

static bool is_root(const struct lab_zone *zone)
{
	return strcmp(zone->name, ".") == 0;
}

static bool name_below(const char *name, const char *apex)
{
	size_t len = strlen(name), apex_len = strlen(apex);
	if (strcmp(apex, ".") == 0)
		return true;
	return len >= apex_len && strcmp(name + len - apex_len, apex) == 0 &&
	       (len == apex_len || name[len - apex_len - 1] == '.');
}

static void print_host(const struct lab_host *host, uint32_t ttl, struct buffer *out)
{
	char text[ADDR_TEXT_MAX];
	if (host->families & LAB_V4)
		lab_print(out, "%s %u IN A %s\n", host->name, ttl, addr_format(&host->server->v4, false, text));
	if (host->families & LAB_V6)
		lab_print(out, "%s %u IN AAAA %s\n", host->name, ttl, addr_format(&host->server->v6, false, text));
}

static void print_apex(const struct lab_world *world, const struct lab_zone *zone, struct buffer *out)
{
	lab_print(out, "%s %u IN SOA %s hostmaster.%s %u 1800 900 604800 %u\n", zone->name, LAB_TTL_DAY, zone->ns[0]->name,
		  is_root(zone) ? zone->operator->domain : zone->name, world->serial,
		  is_root(zone) ? LAB_TTL_DAY : LAB_TTL_HOUR);
	for (size_t i = 0; i < zone->n_ns; i++)
		lab_print(out, "%s %u IN NS %s\n", zone->name, is_root(zone) ? 518400 : LAB_TTL_DAY, zone->ns[i]->name);
	for (size_t i = 0; i < zone->n_keys; i++) {
		lab_print(out, "%s %u IN DNSKEY ", zone->name, is_root(zone) ? LAB_TTL_GLUE : LAB_TTL_HOUR);
		lab_keys_print_dnskey(&zone->key[i], out);
		lab_print(out, "\n");
	}
	for (size_t i = 0; i < zone->hosts.count; i++)
		print_host(zone->hosts.item[i], LAB_TTL_DAY, out);
	if (zone->records.len > 0 && buffer_append(out, zone->records.data, zone->records.len) < 0)
		lab_out_of_memory();
}

/* Has the zone no DS? Then opt-out may leave it out of its parent's chain. */
static bool is_insecure(const struct lab_zone *zone)
{
	return zone->security.algorithm == 0 && zone->security.foreign == 0;
}

/* Where a delegation stands: in the part that is signed, or behind it. */
static struct buffer *delegation_place(struct lab_zone *parent, const struct lab_zone *child, struct buffer *out)
{
	bool opt_out = parent->security.algorithm != 0 && parent->security.denial == LAB_OPT_OUT;
	return opt_out && is_insecure(child) ? &parent->tail : out;
}

static void print_ds(const struct lab_world *world, const struct lab_zone *parent, const struct lab_zone *child,
		     struct buffer *out)
{
	if (parent->security.algorithm == 0)
		return;
	if (child->security.algorithm != 0) {
		for (unsigned type = 2; type <= (child->security.two_ds ? 4 : 2); type += 2) {
			lab_print(out, "%s %u IN DS ", child->name, LAB_TTL_DAY);
			lab_keys_print_ds(child, type, out);
			lab_print(out, "\n");
		}
	}
	struct random random;
	lab_stream(world, child->name, &random);
	for (unsigned i = 0; i < child->security.foreign; i++) {
		lab_print(out, "%s %u IN DS %u 253 2 ", child->name, LAB_TTL_DAY, random_u16(&random));
		for (unsigned n = 0; n < 4; n++)
			lab_print(out, "%016llx", (unsigned long long)random_u64(&random));
		lab_print(out, "\n");
	}
}

/* The glue of one server of `child`, if the parent owes it and does not have it yet. */
static void print_glue(struct lab_zone *parent, const struct lab_zone *child, const struct lab_host *host,
		       struct lab_table *done, struct buffer *out)
{
	if (!name_below(host->name, parent->name) || host->zone == parent || lab_table_get(done, host->name) != NULL)
		return;
	if (child->no_sibling_glue && !name_below(host->name, child->name))
		return;
	const struct lab_zone *cut = host->zone;
	while (cut->parent != parent)
		cut = cut->parent;
	lab_table_put(done, host->name, parent);
	print_host(host, is_root(parent) ? LAB_TTL_GLUE : LAB_TTL_DAY, delegation_place(parent, cut, out));
}

static void print_delegations(const struct lab_world *world, struct lab_zone *zone, struct buffer *out)
{
	struct lab_table done = {0};
	for (size_t i = 0; i < zone->children.count; i++) {
		const struct lab_zone *child = zone->children.item[i];
		struct buffer *place = delegation_place(zone, child, out);
		for (size_t n = 0; n < child->n_ns; n++)
			lab_print(place, "%s %u IN NS %s\n", child->name, is_root(zone) ? LAB_TTL_GLUE : LAB_TTL_DAY,
				  child->ns[n]->name);
		print_ds(world, zone, child, place);
		for (size_t n = 0; n < child->n_ns; n++)
			print_glue(zone, child, child->ns[n], &done, out);
	}
	if (is_root(zone)) /* its own servers' addresses, which are glue here */
		for (size_t n = 0; n < zone->n_ns; n++)
			print_glue(zone, zone, zone->ns[n], &done, out);
	free(done.slot);
}

static int write_zone(struct lab_world *world, struct lab_zone *zone)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	char path[4096], file[300];
	print_apex(world, zone, &text);
	print_delegations(world, zone, &text);
	snprintf(path, sizeof(path), "%s/%s/%s", world->settings->dir,
		 zone->security.algorithm != 0 ? "unsigned" : "zones", lab_write_file_name(zone, file));
	return lab_write_file(path, text.data, text.len, false);
}

/* The anchor of the root, as DS, and the hints for resolvers that ask root servers. */
static int write_root(struct lab_world *world)
{
	_cleanup_(buffer_done) struct buffer anchor = {0}, hints = {0};
	char path[4096];
	const struct lab_zone *root = lab_zone_find(world, ".");
	lab_print(&anchor, ". %u IN DS ", LAB_TTL_DAY);
	lab_keys_print_ds(root, 2, &anchor);
	lab_print(&anchor, "\n");
	for (size_t i = 0; i < root->n_ns; i++) {
		lab_print(&hints, ". 518400 IN NS %s\n", root->ns[i]->name);
		print_host(root->ns[i], 518400, &hints);
	}
	snprintf(path, sizeof(path), "%s/root/root.ds", world->settings->dir);
	int rc = lab_write_file(path, anchor.data, anchor.len, false);
	snprintf(path, sizeof(path), "%s/root/root.hints", world->settings->dir);
	return rc < 0 ? rc : lab_write_file(path, hints.data, hints.len, false);
}

int lab_write(struct lab_world *world)
{
	char path[4096];
	int rc = write_root(world);
	for (size_t i = 0; i < world->zones.count && rc == 0; i++)
		rc = write_zone(world, world->zones.item[i]);
	if (rc == 0)
		rc = lab_write_configs(world);
	snprintf(path, sizeof(path), "%s/expected.csv", world->settings->dir);
	return rc < 0 ? rc : lab_write_file(path, world->expected.data, world->expected.len, false);
}
