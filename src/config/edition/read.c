// SPDX-License-Identifier: GPL-3.0-or-later
/* Reads the description of an edition along its table: every key must be a row, every row gets a value; then what needs more than one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/value.h"
#include "private.h"

#define WHERE_MAX 160 /* bytes of the place of an option in a message */
#define SEEN_MAX  256 /* rows of the table */
#define KEYS_MAX  512 /* bytes of all keys of one place */

/* What config_edition_free() frees. */
struct owned {
	struct config_edition edition; /* first: a struct config_edition * is a struct owned * */
	struct arena arena;
};

static int mapping_read(const struct config_reader *r, const char *prefix, const char *where,
			const struct tree_node *map, void *base);

static int unknown_key(const struct config_reader *r, const char *prefix, const char *where,
		       const struct tree_node *key)
{
	char found[VALUE_FOUND_MAX], keys[KEYS_MAX] = "";
	size_t len = 0;
	for (size_t i = 0; prefix[0] == '\0' && i < edition_sections_count && len < sizeof keys; i++)
		len += (size_t)snprintf(keys + len, sizeof keys - len, "%s%s", len > 0 ? ", " : "",
					edition_sections[i].name);
	for (size_t i = 0; prefix[0] != '\0' && i < edition_options_count && len < sizeof keys; i++) {
		const char *known = schema_key(&edition_options[i], prefix);
		if (known != NULL)
			len += (size_t)snprintf(keys + len, sizeof keys - len, "%s%s", len > 0 ? ", " : "", known);
	}
	return value_fail(r, key, "%s%sthere is no option %s; known here are %s", where, where[0] != '\0' ? ": " : "",
			  value_found(key, found), keys);
}

static int maps_read(const struct config_reader *r, const struct config_option *option, const char *where,
		     const struct tree_node *list, void *base)
{
	static const char allowed[] = "a list of mappings with name and addresses";
	struct config_any_list *to = (void *)((char *)base + option->offset);
	char item[WHERE_MAX], prefix[SCHEMA_PREFIX_MAX];
	if (list == NULL || list->kind == TREE_NULL)
		return 0;
	if (list->kind != TREE_LIST)
		return value_refuse(r, list, where, NULL, allowed);
	if (list->count > option->max)
		return value_fail(r, list, "%s: found a list of %zu; allowed are at most %zu", where, list->count,
				  (size_t)option->max);
	if (list->count > 0 && (to->item = arena_alloc0(r->arena, list->count * option->item_size)) == NULL)
		return BANYAN_ENOMEM;
	for (const struct tree_node *n = list->child; n != NULL; n = n->next, to->count++) {
		snprintf(item, sizeof item, "%.120s[%zu]", where, to->count);
		if (n->kind != TREE_MAP)
			return value_refuse(r, n, item, NULL, "a mapping with name and addresses");
		int rc = mapping_read(r, schema_prefix(option, prefix), item, n,
				      (char *)to->item + to->count * option->item_size);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int defaults_set(const struct config_reader *r, const char *prefix, void *base)
{
	int rc = 0;
	for (size_t i = 0; i < edition_options_count && rc == 0; i++)
		if (schema_key(&edition_options[i], prefix) != NULL)
			rc = value_default(r, &edition_options[i], base);
	return rc;
}

/* Reads one mapping whose keys are the rows of `prefix`; `where` names it in messages. */
static int mapping_read(const struct config_reader *r, const char *prefix, const char *where,
			const struct tree_node *map, void *base)
{
	const struct tree_node *seen[SEEN_MAX] = {NULL};
	char path[WHERE_MAX];
	int rc = defaults_set(r, prefix, base);
	for (const struct tree_node *key = map->child; key != NULL && rc == 0; key = key->next) {
		const struct config_option *option = edition_option_find(prefix, key->text);
		if (option == NULL || key->kind == TREE_NULL)
			return unknown_key(r, prefix, where, key);
		const struct tree_node **slot = &seen[option - edition_options];
		if (*slot != NULL)
			return value_fail(r, key, "%s.%s: stands here again; it stood in line %u already", where,
					  key->text, (*slot)->line);
		*slot = key;
		snprintf(path, sizeof path, "%s.%s", where, key->text);
		rc = option->type == CONFIG_MAPS ? maps_read(r, option, path, key->value, base)
						 : value_read(r, option, path, key->value, base);
	}
	for (size_t i = 0; i < edition_options_count && rc == 0; i++) {
		const char *key = schema_key(&edition_options[i], prefix);
		if (key != NULL && edition_options[i].fallback == NULL && seen[i] == NULL)
			return value_fail(r, map->line > 0 ? map : NULL, "%s: '%s' is missing", where, key);
	}
	return rc;
}

static int section_read(const struct config_reader *r, const char *name, const struct tree_node *value,
			struct config_edition *edition)
{
	static const struct tree_node empty = {.kind = TREE_MAP};
	if (value == NULL || value->kind == TREE_NULL)
		value = &empty;
	if (value->kind != TREE_MAP)
		return value_refuse(r, value, name, NULL, "a mapping of options");
	return mapping_read(r, name, name, value, edition);
}

static int tree_apply(const struct config_reader *r, const struct tree_node *root, struct config_edition *edition)
{
	const struct tree_node *seen[SEEN_MAX] = {NULL};
	if (root->kind != TREE_MAP && root->kind != TREE_NULL)
		return value_refuse(r, root, "top", NULL, "a mapping of sections");
	for (const struct tree_node *key = root->child; key != NULL; key = key->next) {
		size_t i = 0;
		while (i < edition_sections_count && strcmp(edition_sections[i].name, key->text) != 0)
			i++;
		if (i == edition_sections_count)
			return unknown_key(r, "", "", key);
		if (seen[i] != NULL)
			return value_fail(r, key, "%s: stands here again; it stood in line %u already", key->text,
					  seen[i]->line);
		seen[i] = key;
	}
	int rc = 0;
	for (size_t i = 0; i < edition_sections_count && rc == 0; i++)
		rc = section_read(r, edition_sections[i].name, seen[i] != NULL ? seen[i]->value : NULL, edition);
	return rc;
}

/* ---- what needs more than one option ---- */

/* The value of section.key, or the nearest place above. */
static const struct tree_node *place(const struct tree_node *root, const char *section, const char *key)
{
	for (const struct tree_node *s = root->child; s != NULL; s = s->next) {
		if (strcmp(s->text, section) != 0 || s->value == NULL)
			continue;
		for (const struct tree_node *k = s->value->child; k != NULL; k = k->next)
			if (strcmp(k->text, key) == 0)
				return k->value != NULL ? k->value : k;
		return s;
	}
	return NULL;
}

static bool name_is_good(const char *name)
{
	size_t len = strlen(name);
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

static bool salt_is_good(const char *salt)
{
	size_t len = strlen(salt);
	return len % 2 == 0 && strspn(salt, "0123456789abcdefABCDEF") == len;
}

static int check_identity(const struct config_reader *r, const struct tree_node *root, const struct config_edition *e)
{
	if (!name_is_good(e->edition.name))
		return value_fail(
			r, place(root, "edition", "name"),
			"edition.name: found '%s'; allowed are letters, digits, hyphens, underscores and dots",
			e->edition.name);
	if (e->edition.name[0] == '\0' && e->apex.n_servers > 0)
		return value_fail(
			r, place(root, "apex", "name-servers"),
			"apex.name-servers: an edition with an apex other than its source's is a namespace of its "
			"own and needs a name: give edition.name");
	if (e->edition.name[0] == '\0' && e->schedule.every_s > 0)
		return value_fail(r, place(root, "schedule", "every"),
				  "schedule.every: an edition with dates needs a name: give edition.name");
	for (size_t i = 0; i < e->apex.n_servers; i++)
		for (size_t j = 0; j < i; j++)
			if (strcasecmp(e->apex.server[i].name, e->apex.server[j].name) == 0)
				return value_fail(r, place(root, "apex", "name-servers"),
						  "apex.name-servers: %s stands there twice", e->apex.server[i].name);
	return 0;
}

static int check_times(const struct config_reader *r, const struct tree_node *root, const struct config_edition *e)
{
	const struct config_edition_signing *s = &e->signing;
	uint32_t shortest = s->validity_s < s->validity_keys_s ? s->validity_s : s->validity_keys_s;
	if ((uint64_t)s->refresh_s + s->jitter_s >= shortest)
		return value_fail(
			r, place(root, "signing", "refresh"),
			"signing.refresh: with signing.jitter it is not shorter than what signatures live: each "
			"would be made anew each time; lower refresh or jitter, or raise validity");
	if (!salt_is_good(s->nsec3_salt))
		return value_fail(r, place(root, "signing", "nsec3-salt"),
				  "signing.nsec3-salt: found '%s'; allowed are bytes in hexadecimal", s->nsec3_salt);
	if (e->schedule.every_s > 0 && e->schedule.valid_s <= e->schedule.every_s)
		return value_fail(
			r, place(root, "schedule", "valid"),
			"schedule.valid: it must be longer than schedule.every, or there would be times without a "
			"valid version");
	if (e->schedule.every_s > 0 && e->schedule.ahead_s >= e->schedule.every_s)
		return value_fail(r, place(root, "schedule", "ahead"),
				  "schedule.ahead: it must be shorter than schedule.every");
	return 0;
}

static int complete(const struct config_reader *r, struct config_edition *e)
{
	const char *folder = e->edition.folder;
	e->path = arena_printf(r->arena, "%s", r->name);
	if (e->keys.folder[0] == '\0')
		e->keys.folder = arena_printf(r->arena, "%s/keys", folder);
	if (e->output.zone_file[0] == '\0')
		e->output.zone_file = arena_printf(r->arena, "%s/zone", folder);
	return e->path == NULL || e->keys.folder == NULL || e->output.zone_file == NULL ? BANYAN_ENOMEM : 0;
}

static int read_all(const struct config_reader *r, const char *text, size_t len, struct config_edition *edition)
{
	struct tree_node *root;
	struct tree_error error = {0};
	int rc = tree_read(r->arena, text, len, &root, &error);
	if (rc == BANYAN_ECONFIG || rc == BANYAN_ELIMIT) {
		struct tree_node at = {.line = error.line, .column = error.column};
		return value_fail(r, &at, "%s", error.text);
	}
	if (rc == 0)
		rc = tree_apply(r, root, edition);
	if (rc == 0)
		rc = complete(r, edition);
	if (rc == 0)
		rc = check_identity(r, root, edition);
	return rc == 0 ? check_times(r, root, edition) : rc;
}

int config_edition_read_text(const char *name, const char *text, size_t len, struct config_edition **ret,
			     struct config_error *ret_error)
{
	struct owned *owned = calloc(1, sizeof *owned);
	struct config_error error = {0};
	const char *slash = strrchr(name, '/');
	int rc = BANYAN_ENOMEM;
	if (owned != NULL) {
		struct config_reader r = {.name = name, .arena = &owned->arena, .error = &error};
		r.folder = arena_printf(r.arena, "%.*s", slash != NULL ? (int)(slash - name + 1) : 0, name);
		if (r.folder != NULL)
			rc = read_all(&r, text, len, &owned->edition);
	}
	if (rc < 0) {
		if (error.text[0] == '\0')
			snprintf(error.text, sizeof error.text, "%.200s: %s", name, error_text(rc));
		*ret_error = error;
		config_edition_free(owned != NULL ? &owned->edition : NULL);
		return rc;
	}
	*ret = &owned->edition;
	return 0;
}

int config_edition_read_file(const char *path, struct config_edition **ret, struct config_error *ret_error)
{
	_cleanup_(base_free) uint8_t *data = NULL;
	size_t len = 0;
	errno = 0;
	int rc = file_read(path, CONFIG_FILE_MAX, &data, &len);
	if (rc < 0) {
		*ret_error = (struct config_error){0};
		snprintf(ret_error->text, sizeof ret_error->text,
			 "%.200s: cannot be read: %s; give the description of an edition", path,
			 rc == BANYAN_EINVAL ? "it is no file"
			 : errno != 0        ? strerror(errno)
					     : error_text(rc));
		return rc;
	}
	return config_edition_read_text(path, (const char *)data, len, ret, ret_error);
}

void config_edition_free(struct config_edition *edition)
{
	struct owned *owned = (struct owned *)edition;
	if (owned == NULL)
		return;
	struct arena arena = owned->arena;
	free(owned);
	arena_done(&arena);
}
