// SPDX-License-Identifier: GPL-3.0-or-later
/* The description of an edition -> plain settings: names in wire form, anchors and records read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd.h"
#include "publish.h"

static int wrong(const struct publishing *p, const char *option, const char *value, const char *why)
{
	fprintf(stderr, "banyan publish: %s: %s: found '%s'; %s\n", p->config->path, option, value, why);
	return CMD_ERROR;
}

/* A name in lower case; NULL = out of memory or malformed. */
static uint8_t *name_of(struct publishing *p, const char *text)
{
	uint8_t wire[WIRE_NAME_MAX], lower[WIRE_NAME_MAX];
	if (wire_name_parse(text, wire) < 0)
		return NULL;
	return arena_dup(&p->arena, lower, wire_name_lower(wire, lower));
}

/* ---- the apex ---- */

static int servers_make(struct publishing *p)
{
	const struct config_edition_apex *apex = &p->config->apex;
	struct edition_server *server = arena_alloc0(&p->arena, (apex->n_servers + 1) * sizeof *server);
	for (size_t i = 0; server != NULL && i < apex->n_servers; i++) {
		uint8_t wire[WIRE_NAME_MAX];
		if (wire_name_parse(apex->server[i].name, wire) < 0)
			return wrong(p, "apex.name-servers[].name", apex->server[i].name, "allowed is a domain name");
		wire_name_lower(wire, server[i].name);
		server[i].n_addresses = apex->server[i].addresses.count;
		server[i].address = apex->server[i].addresses.item;
	}
	if (server == NULL)
		return CMD_ERROR;
	p->settings.change.n_servers = apex->n_servers;
	p->settings.change.server = server;
	return CMD_OK;
}

static int apex_make(struct publishing *p)
{
	const struct config_edition_apex *apex = &p->config->apex;
	struct edition_change *change = &p->settings.change;
	change->ns_ttl = apex->ns_ttl_s;
	change->address_ttl = apex->address_ttl_s;
	change->soa_refresh = apex->soa_refresh_s;
	change->soa_retry = apex->soa_retry_s;
	change->soa_expire = apex->soa_expire_s;
	change->soa_minimum = apex->soa_minimum_s;
	change->soa_ttl = apex->soa_ttl_s;
	if (apex->soa_mname[0] != '\0' && (change->soa_mname = name_of(p, apex->soa_mname)) == NULL)
		return wrong(p, "apex.soa-mname", apex->soa_mname, "allowed is a domain name");
	if (apex->soa_rname[0] != '\0' && (change->soa_rname = name_of(p, apex->soa_rname)) == NULL)
		return wrong(p, "apex.soa-rname", apex->soa_rname, "allowed is a domain name");
	return servers_make(p);
}

/* ---- records ---- */

static int removed_make(struct publishing *p)
{
	const struct config_list *list = &p->config->records.remove;
	const uint8_t **name = arena_alloc0(&p->arena, (list->count + 1) * sizeof *name);
	if (name == NULL)
		return CMD_ERROR;
	for (size_t i = 0; i < list->count; i++) {
		name[i] = name_of(p, list->item[i]);
		if (name[i] == NULL)
			return wrong(p, "records.remove", list->item[i], "allowed is a domain name");
		if (wire_name_equal(name[i], p->settings.zone) || !wire_name_under(name[i], p->settings.zone))
			return wrong(p, "records.remove", list->item[i], "allowed is a name below that of the zone");
	}
	p->settings.change.n_remove = list->count;
	p->settings.change.remove = name;
	return CMD_OK;
}

/* The line that brings a record, as somebody wrote it. */
static const char *added_line(const struct publishing *p, unsigned long line)
{
	const struct config_list *list = &p->config->records.add;
	return line > 0 && line <= list->count ? list->item[line - 1] : "a record";
}

/* Why records of this type cannot come by records.add: what would become of them nobody would be told. NULL: they can. */
static const char *added_refusal(const struct publishing *p, uint16_t type, bool apex)
{
	switch (type) {
	case WIRE_TYPE_SOA:
		return "the SOA is the source's; apex.soa-mname and those that follow change it";
	case WIRE_TYPE_RRSIG:
	case WIRE_TYPE_NSEC:
	case WIRE_TYPE_NSEC3:
	case WIRE_TYPE_NSEC3PARAM:
		return "signatures and the records that deny are made here, by what stands under signing";
	case WIRE_TYPE_DNSKEY:
		return apex ? "the keys of the zone are those of its folder; bring one in by `banyan key`" : NULL;
	case WIRE_TYPE_CDS:
	case WIRE_TYPE_CDNSKEY:
		return apex ? "what the parent is told of the keys follows from the keys; `banyan key` rolls them, and "
			      "keys.cds says whether it is told at all"
			    : NULL;
	case WIRE_TYPE_ZONEMD:
		return apex ? "the digest is made here; signing.zonemd says which" : NULL;
	case WIRE_TYPE_NS:
		return apex && p->config->edition.name[0] == '\0' ? "an edition with an apex other than its source's "
								    "is a namespace of its own and needs a "
								    "name: give edition.name"
								  : NULL;
	default:
		return NULL;
	}
}

static int added_check(const struct publishing *p)
{
	const struct zone *extra = p->extra;
	for (size_t i = 0; i < extra->n_sets; i++) {
		bool apex = wire_name_equal(extra->set[i].owner, extra->apex);
		const char *why = added_refusal(p, extra->set[i].type, apex);
		if (why != NULL)
			return wrong(p, "records.add", added_line(p, extra->line[i]), why);
	}
	if (extra->n_remarks > 0)
		return wrong(
			p, "records.add", added_line(p, extra->remark[0].line),
			extra->remark[0].reason == REASON_OUT_OF_ZONE
				? "it is outside the zone (edition.zone)"
				: "another line gives this set another TTL; all its records have one (RFC 2181 section "
				  "5.2)");
	return CMD_OK;
}

static int added_make(struct publishing *p)
{
	const struct config_list *list = &p->config->records.add;
	_cleanup_(buffer_done) struct buffer text = {0};
	struct zone_read_settings settings = {.origin = p->settings.zone};
	struct zone_error error;
	int rc = 0;
	for (size_t i = 0; i < list->count && rc == 0; i++)
		rc = buffer_printf(&text, "%s\n", list->item[i]);
	if (rc < 0 || list->count == 0)
		return rc < 0 ? CMD_ERROR : CMD_OK;
	if (zone_read_text("records.add", (const char *)text.data, text.len, &settings, NULL, NULL, &p->extra, &error) <
	    0) {
		fprintf(stderr, "banyan publish: %s: %s\n", p->config->path, error.text);
		return CMD_ERROR;
	}
	p->settings.change.add = p->extra;
	return added_check(p);
}

/* ---- the source ---- */

/* ALGORITHM:NAME:SECRET. It is used elsewhere; here it is only looked at. */
static int tsig_check(struct publishing *p)
{
	const char *text = p->config->source.tsig, *name = strchr(text, ':');
	const char *secret = name != NULL ? strchr(name + 1, ':') : NULL;
	struct wire_tsig_key *made;
	for (size_t i = 0; i < p->n_sources && text[0] == '\0'; i++)
		if (p->source[i].at.key[0] != '\0')
			return wrong(p, "source.from", p->source[i].at.text,
				     "its key is not at hand: give source.tsig");
	if (text[0] == '\0')
		return CMD_OK;
	char *algorithm = secret == NULL ? NULL : arena_printf(&p->arena, "%.*s", (int)(name - text), text);
	char *key = secret == NULL ? NULL : arena_printf(&p->arena, "%.*s", (int)(secret - name - 1), name + 1);
	if (algorithm == NULL || key == NULL || wire_tsig_key_new(algorithm, key, secret + 1, &made) < 0) {
		fprintf(stderr,
			"banyan publish: %s: source.tsig: allowed is ALGORITHM:NAME:SECRET, as "
			"hmac-sha256:name:BASE64\n",
			p->config->path);
		return CMD_ERROR;
	}
	wire_tsig_key_free(made);
	return CMD_OK;
}

/* A path in the description begins where that is. */
static char *source_text(struct publishing *p, const char *text)
{
	const char *slash = strrchr(p->config->path, '/');
	for (size_t i = 0; i < 2; i++) {
		const char *scheme = i == 0 ? "file:" : "dir:";
		size_t len = strlen(scheme);
		if (slash != NULL && strncmp(text, scheme, len) == 0 && text[len] != '/')
			return arena_printf(&p->arena, "%s%.*s%s", scheme, (int)(slash - p->config->path + 1),
					    p->config->path, text + len);
	}
	return arena_printf(&p->arena, "%s", text);
}

/* What people write on a command line. */
static char *source_given(struct publishing *p)
{
	const char *text = p->run->source;
	return arena_printf(&p->arena, "%s%s", strchr(text, ':') == NULL ? "file:" : "", text);
}

static int source_add(struct publishing *p, const char *option, const char *text)
{
	char why[PULL_WHY_MAX];
	if (text == NULL)
		return CMD_ERROR;
	if (p->n_sources == PUBLISH_SOURCES_MAX)
		return wrong(p, option, text, "that is one source too many");
	struct pull_source *source = &p->source[p->n_sources++].at;
	if (pull_source_parse(text, source, why) < 0) {
		fprintf(stderr, "banyan publish: %s: %s: %s\n", p->config->path, option, why);
		return CMD_ERROR;
	}
	if (source->kind == PULL_SOURCE_LIST || source->kind == PULL_SOURCE_BUILTIN || source->tree)
		return wrong(p, option, text,
			     "a source of an edition is a file, a folder, a transfer or a URL of a file");
	return CMD_OK;
}

static int source_make(struct publishing *p)
{
	const struct config_edition_source *source = &p->config->source;
	int status;
	if (p->run->source != NULL) {
		status = source_add(p, "--source", source_given(p));
	} else if (source->from[0] == '\0') {
		fprintf(stderr, "banyan publish: %s: source.from: there is none; give it there, or --source\n",
			p->config->path);
		status = CMD_ERROR;
	} else {
		status = source_add(p, "source.from", source_text(p, source->from));
		for (size_t i = 0; i < source->fallback.count && status == CMD_OK; i++)
			status = source_add(p, "source.fallback", source_text(p, source->fallback.item[i]));
	}
	if (status != CMD_OK)
		return status;
	for (size_t i = 0; i < p->config->source.anchors.count; i++) {
		struct zone_error error;
		if (zone_anchors_read(p->config->source.anchors.item[i], &p->anchors, &error) < 0) {
			fprintf(stderr, "banyan publish: %s: source.anchors: %s\n", p->config->path, error.text);
			return CMD_ERROR;
		}
	}
	p->settings.source_anchors = &p->anchors;
	p->settings.source_shrink_max_percent = p->config->source.shrink_max_percent;
	return tsig_check(p);
}

/* ---- signing ---- */

static int salt_make(struct publishing *p)
{
	const char *text = p->config->signing.nsec3_salt;
	size_t len = strlen(text) / 2;
	uint8_t *salt = arena_alloc(&p->arena, len + 1);
	if (salt == NULL)
		return CMD_ERROR;
	for (size_t i = 0; i < len; i++) {
		char two[3] = {text[2 * i], text[2 * i + 1], '\0'};
		salt[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	p->settings.signing.nsec3.salt = salt;
	p->settings.signing.nsec3.salt_len = (uint8_t)len;
	return CMD_OK;
}

static int signing_make(struct publishing *p)
{
	static const unsigned zonemd[] = {
		[CONFIG_ZONEMD_NONE] = 0,
		[CONFIG_ZONEMD_SHA384] = MAKE_ZONEMD_SHA384,
		[CONFIG_ZONEMD_SHA512] = MAKE_ZONEMD_SHA512,
		[CONFIG_ZONEMD_BOTH] = MAKE_ZONEMD_SHA384 | MAKE_ZONEMD_SHA512,
	};
	const struct config_edition_signing *s = &p->config->signing;
	struct make_signing *signing = &p->settings.signing;
	signing->validity_s = s->validity_s;
	signing->validity_dnskey_s = s->validity_keys_s;
	signing->inception_before_s = s->inception_before_s;
	signing->refresh_s = s->refresh_s;
	signing->jitter_s = s->jitter_s;
	signing->denial = s->denial == CONFIG_DENIAL_NSEC3 ? MAKE_NSEC3 : MAKE_NSEC;
	signing->nsec3.iterations = (uint16_t)s->nsec3_iterations;
	signing->nsec3.opt_out = s->nsec3_opt_out;
	signing->zonemd = zonemd[s->zonemd];
	signing->threads = s->threads;
	return salt_make(p);
}

static void keys_make(struct publishing *p)
{
	const struct config_edition_keys *k = &p->config->keys;
	struct keys_policy *policy = &p->settings.keys;
	keys_policy_init(policy);
	policy->algorithm = (uint8_t)k->algorithm;
	policy->csk = !k->split;
	policy->offline = k->offline_ksk;
	policy->liberal = k->liberal;
	policy->double_ds = k->double_ds;
	policy->cds = k->cds;
	policy->trust = (uint8_t)k->trust;
	policy->zsk_bits = k->zsk_bits;
	policy->ksk_bits = k->ksk_bits;
	policy->zsk_lifetime_s = k->zsk_lifetime_s;
	policy->ksk_lifetime_s = k->ksk_lifetime_s;
	policy->dnskey_ttl_s = k->ttl_s;
	policy->propagation_s = k->propagation_s + edition_schedule_held_s(&p->settings);
	policy->ds_ttl_s = k->parent_ds_ttl_s;
	policy->parent_propagation_s = k->parent_delay_s;
	policy->publish_safety_s = k->publish_safety_s;
	policy->retire_safety_s = k->retire_safety_s;
	policy->hold_s = k->hold_down_s;
	policy->query_s = k->query_s;
	policy->revoke_after_s = k->revoke_after_s;
	policy->revoked_s = k->revoked_s;
	policy->slot_s = k->slot_s;
	policy->validity_s = p->config->signing.validity_keys_s;
}

static void schedule_make(struct publishing *p)
{
	const struct config_edition_schedule *s = &p->config->schedule;
	p->settings.scheduled = s->every_s > 0;
	p->settings.schedule.every_s = s->every_s;
	p->settings.schedule.ahead_s = s->ahead_s;
	p->settings.schedule.valid_s = s->valid_s;
}

static int schedule_check(const struct publishing *p)
{
	char why[EDITION_WHY_MAX];
	if (edition_schedule_check(&p->settings, why) == 0)
		return CMD_OK;
	fprintf(stderr, "banyan publish: %s:%u: schedule: %s\n", p->config->path, p->config->schedule.line, why);
	return CMD_ERROR;
}

int publish_settings_make(struct publishing *p)
{
	const struct config_edition *c = p->config;
	struct edition_settings *s = &p->settings;
	uint8_t zone[WIRE_NAME_MAX];
	if (wire_name_parse(c->edition.zone, zone) < 0)
		return wrong(p, "edition.zone", c->edition.zone, "allowed is a domain name");
	wire_name_lower(zone, s->zone);
	s->name = c->edition.name;
	s->folder = c->edition.folder;
	s->zone_file = c->output.zone_file;
	s->tree = c->output.tree;
	s->tree_key = c->output.tree_key;
	s->tree_deltas = c->output.tree_deltas;
	s->serial = (enum edition_serial_rule)c->edition.serial;
	s->keys_folder = c->keys.folder;
	s->keys_token = c->keys.token;
	schedule_make(p);
	keys_make(p);
	int status = apex_make(p);
	if (status == CMD_OK)
		status = removed_make(p);
	if (status == CMD_OK)
		status = added_make(p);
	if (status == CMD_OK)
		status = signing_make(p);
	if (status == CMD_OK)
		status = schedule_check(p);
	return status == CMD_OK ? source_make(p) : status;
}

void publish_settings_done(struct publishing *p)
{
	zone_free(p->extra);
	dnssec_anchors_done(&p->anchors);
	arena_done(&p->arena);
}
