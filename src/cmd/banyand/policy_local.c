// SPDX-License-Identifier: GPL-3.0-or-later
/* Local zones, hosts files and records: from the configuration to tables. */
#include "policy_local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the maker stands. */
struct making {
	struct policy_local_builder *builder;
	const struct config *config;
	const char *where; /* "local", "views[3]" */
	char *why;
};

static int refuse(const struct making *m, int rc, const char *what, const char *text)
{
	snprintf(m->why, REFUSAL_TEXT_MAX, "%s: %s.%s: %s", m->config->path, m->where, what, text);
	return rc;
}

/* A name of the configuration, which has looked at its form already. */
static int name_of(const struct making *m, const char *text, uint8_t out[WIRE_NAME_MAX])
{
	int rc = wire_name_parse(text, out);
	if (rc < 0)
		return refuse(m, rc, text, "this is no domain name");
	wire_name_lower(out, out);
	return 0;
}

/* ---- default zones ---- */

static int open_zones(const struct making *m, const struct forward_list *elsewhere)
{
	const struct config_list *open = &m->config->local.open;
	int rc = 0;
	for (size_t i = 0; i < open->count && rc == 0; i++) {
		uint8_t name[WIRE_NAME_MAX];
		rc = name_of(m, open->item[i], name);
		if (rc == 0)
			rc = policy_local_elsewhere(m->builder, name);
	}
	for (size_t i = 0; i < elsewhere->count && rc == 0; i++)
		rc = policy_local_elsewhere(m->builder, elsewhere->name[i]);
	return rc;
}

static bool all_open(const struct config *config)
{
	for (size_t i = 0; i < config->local.open.count; i++)
		if (strcmp(config->local.open.item[i], ".") == 0)
			return true;
	return !config->local.default_zones;
}

/* ---- files and texts ---- */

static int file_take(const struct making *m, const char *path, uint32_t ttl, bool hosts)
{
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len = 0;
	struct zone_error error;
	errno = 0;
	int rc = file_read(path, POLICY_HOSTS_MAX, &text, &len);
	if (rc < 0) {
		const char *words = rc == BANYAN_EIO && errno != 0 ? strerror(errno) : error_text(rc);
		snprintf(m->why, REFUSAL_TEXT_MAX, "%s: %s.%s names %s, which cannot be read: %s", m->config->path,
			 m->where, hosts ? "hosts" : "files", path, words);
		return rc;
	}
	rc = hosts ? policy_local_hosts(m->builder, path, (char *)text, len, ttl, &error)
		   : policy_local_text(m->builder, path, (char *)text, len, ttl, &error);
	if (rc < 0)
		snprintf(m->why, REFUSAL_TEXT_MAX, "%.511s", error.text);
	return rc;
}

/* One record of the configuration, in presentation form. */
static int text_take(const struct making *m, const char *text, uint32_t ttl, const char *what)
{
	struct zone_error error;
	char source[REFUSAL_TEXT_MAX / 2];
	snprintf(source, sizeof source, "%s: %s.%s", m->config->path, m->where, what);
	if (text[0] == '$' || text[0] == '@' || text[0] == ' ' || text[0] == '\0')
		return refuse(m, BANYAN_ECONFIG, what, "a record begins with its name");
	int rc = policy_local_text(m->builder, source, text, strlen(text), ttl, &error);
	if (rc < 0)
		snprintf(m->why, REFUSAL_TEXT_MAX, "%.511s", error.text);
	return rc;
}

/* The resolvers that clients may turn to instead of this one, at the name where they look for them (RFC 9462 section 4). */
static int designated_take(const struct making *from)
{
	struct making m = *from;
	const struct config_list *list = &m.config->local.designated;
	int rc = 0;
	m.where = "local";
	for (size_t i = 0; i < list->count && rc == 0; i++) {
		_cleanup_(buffer_done) struct buffer text = {0};
		char what[64];
		snprintf(what, sizeof what, "designated[%zu]", i);
		/* by the number of its key (RFC 9461 section 5), since older libraries do not know its name */
		const char *data = list->item[i], *path = strstr(data, " dohpath=");
		int before = path == NULL ? (int)strlen(data) : (int)(path - data);
		rc = buffer_printf(&text, "_dns.resolver.arpa. SVCB %.*s%s%s%c", before, data,
				   path == NULL ? "" : " key7=", path == NULL ? "" : path + strlen(" dohpath="), 0);
		if (rc == 0)
			rc = text_take(&m, (const char *)text.data, m.config->local.data.ttl, what);
	}
	return rc;
}

static int name_take(const struct making *m, const struct config_local_name *from, size_t index)
{
	uint8_t name[WIRE_NAME_MAX], alias[WIRE_NAME_MAX];
	char what[64];
	int rc = name_of(m, from->name, name);
	for (size_t i = 0; i < from->addresses.count && rc == 0; i++)
		rc = policy_local_host(m->builder, name, &from->addresses.item[i], from->ttl, from->reverse);
	if (rc == 0 && from->alias[0] != '\0') {
		rc = name_of(m, from->alias, alias);
		if (rc == 0)
			rc = policy_local_record(m->builder, name, WIRE_TYPE_CNAME, from->ttl, alias,
						 (uint16_t)wire_name_len(alias));
	}
	for (size_t i = 0; i < from->records.count && rc == 0; i++) {
		_cleanup_(buffer_done) struct buffer text = {0};
		snprintf(what, sizeof what, "names[%zu].records[%zu]", index, i);
		rc = buffer_printf(&text, "%s %u %s%c", from->name, from->ttl, from->records.item[i], 0);
		if (rc == 0)
			rc = text_take(m, (const char *)text.data, from->ttl, what);
	}
	return rc;
}

static int all_take(const struct making *m, const struct config_local *from)
{
	int rc = 0;
	for (size_t i = 0; i < from->n_zones && rc == 0; i++) {
		uint8_t name[WIRE_NAME_MAX];
		rc = name_of(m, from->zone[i].name, name);
		if (rc == 0)
			rc = policy_local_zone(m->builder, name, (enum policy_zone_kind)from->zone[i].kind);
	}
	for (size_t i = 0; i < from->hosts.count && rc == 0; i++)
		rc = file_take(m, from->hosts.item[i], from->ttl, true);
	for (size_t i = 0; i < from->files.count && rc == 0; i++)
		rc = file_take(m, from->files.item[i], from->ttl, false);
	for (size_t i = 0; i < from->records.count && rc == 0; i++) {
		char what[32];
		snprintf(what, sizeof what, "records[%zu]", i);
		rc = text_take(m, from->records.item[i], from->ttl, what);
	}
	for (size_t i = 0; i < from->n_names && rc == 0; i++)
		rc = name_take(m, &from->name[i], i);
	return rc;
}

static bool is_empty(const struct config_local *from)
{
	return from == NULL ||
	       from->n_zones + from->hosts.count + from->files.count + from->records.count + from->n_names == 0;
}

int policy_table_make(const struct config *config, const char *where, const struct config_local *from,
		      const struct forward_list *defaults, struct policy_table **ret, char why[REFUSAL_TEXT_MAX])
{
	struct making m = {.config = config, .where = where, .why = why};
	struct random random;
	if (defaults != NULL && all_open(config))
		defaults = NULL;
	if (defaults == NULL && is_empty(from)) {
		*ret = NULL;
		return 0;
	}
	struct policy_table *table = calloc(1, sizeof *table);
	m.builder = policy_local_builder_new();
	int rc = table == NULL || m.builder == NULL ? BANYAN_ENOMEM : 0;
	if (rc == 0 && defaults != NULL)
		rc = policy_local_defaults(m.builder);
	if (rc == 0 && defaults != NULL)
		rc = open_zones(&m, defaults);
	if (rc == 0 && defaults != NULL)
		rc = designated_take(&m);
	if (rc == 0 && from != NULL)
		rc = all_take(&m, from);
	if (rc < 0) {
		policy_local_builder_free(m.builder);
	} else {
		random_init_kernel(&random);
		rc = policy_local_build(m.builder, random_u64(&random), &table->local);
	}
	if (rc < 0) {
		free(table);
		return rc;
	}
	table->users = 1;
	*ret = table;
	return 0;
}

void policy_table_release(struct policy_table *table)
{
	if (table == NULL || --table->users > 0)
		return;
	policy_local_free(table->local);
	free(table);
}
