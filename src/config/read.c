// SPDX-License-Identifier: GPL-3.0-or-later
/* Walks the tree along the schema: every key must be a row, every row gets a value. */
#include "value.h"
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What config_free() frees: the configuration and everything in it. */
struct owned {
	struct config config; /* first: a struct config * is a struct owned * */
	struct arena arena;
};

/* ---- did you mean ---- */

#define KEY_MAX 64 /* longer ones resemble no option */

/* Optimal string alignment distance: a letter changed, left out, added, or two swapped count one each. */
static size_t distance(const char *a, const char *b)
{
	size_t row[3][KEY_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);
	if (la > KEY_MAX || lb > KEY_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *now = row[i % 3], *before = row[(i + 2) % 3], *before2 = row[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t cost = before[j - 1] + (a[i - 1] != b[j - 1]);
			if (before[j] + 1 < cost)
				cost = before[j] + 1;
			if (now[j - 1] + 1 < cost)
				cost = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before2[j - 2] + 1 < cost)
				cost = before2[j - 2] + 1;
			now[j] = cost;
		}
	}
	return row[la % 3][lb];
}

struct nearest {
	const char *key;
	const char *text; /* what to suggest */
	size_t distance;
};

static void nearest_try(struct nearest *nearest, const char *known, const char *suggestion)
{
	size_t d = distance(nearest->key, known);
	if (d < nearest->distance) {
		nearest->distance = d;
		nearest->text = suggestion;
	}
}

/* The known key of the same place that is most alike, else the same key at another place. */
static const char *did_you_mean(const char *prefix, const char *key)
{
	size_t len = strlen(key);
	struct nearest nearest = {.key = key, .distance = len < 4 ? 2 : len / 3 + 1};
	if (prefix[0] == '\0')
		for (size_t i = 0; i < config_sections_count; i++)
			nearest_try(&nearest, config_sections[i].name, config_sections[i].name);
	for (size_t i = 0; i < config_options_count; i++) {
		const char *known = schema_key(&config_options[i], prefix);
		if (known != NULL)
			nearest_try(&nearest, known, known);
	}
	for (size_t i = 0; i < config_options_count && nearest.text == NULL; i++) {
		const char *dot = strrchr(config_options[i].path, '.');
		if (dot != NULL && strcmp(dot + 1, key) == 0)
			return config_options[i].path;
	}
	return nearest.text;
}

static size_t known_keys(const char *prefix, char *out, size_t cap)
{
	size_t len = 0;
	out[0] = '\0';
	if (prefix[0] == '\0') {
		for (size_t i = 0; i < config_sections_count && len < cap; i++)
			len += (size_t)snprintf(out + len, cap - len, "%s%s", len > 0 ? ", " : "",
						config_sections[i].name);
		return len;
	}
	for (size_t i = 0; i < config_options_count && len < cap; i++) {
		const char *known = schema_key(&config_options[i], prefix);
		if (known != NULL)
			len += (size_t)snprintf(out + len, cap - len, "%s%s", len > 0 ? ", " : "", known);
	}
	return len;
}

static int unknown_key(const struct config_reader *r, const char *prefix, const char *where,
		       const struct tree_node *key)
{
	char found[VALUE_FOUND_MAX], keys[512];
	const char *near = did_you_mean(prefix, key->text);
	const char *dot = where[0] != '\0' ? ": " : "";
	if (near != NULL)
		return value_fail(r, key, "%s%sthere is no option %s; did you mean '%s'?", where, dot,
				  value_found(key, found), near);
	known_keys(prefix, keys, sizeof keys);
	return value_fail(r, key, "%s%sthere is no option %s; known here are %s", where, dot, value_found(key, found),
			  keys);
}

/* ---- mappings ---- */

#define WHERE_MAX 160 /* bytes of the place of an option in a message: "views[3].local-data[17].name" */
#define SEEN_MAX  512 /* rows between the first and the last option of one mapping */

static int maps_read(const struct config_reader *r, const struct config_option *option, const char *where,
		     const struct tree_node *list, void *base);

/* Reads one mapping whose keys are the rows of `prefix`; `where` names it in messages ("server", "zones[3]"). */
static int mapping_read(const struct config_reader *r, const char *prefix, const char *where,
			const struct tree_node *map, void *base)
{
	const struct tree_node *seen[SEEN_MAX] = {NULL};
	size_t first = config_options_count;
	char path[WHERE_MAX];
	for (size_t i = 0; i < config_options_count; i++) {
		if (schema_key(&config_options[i], prefix) == NULL)
			continue;
		if (i < first)
			first = i;
		int rc = value_default(r, &config_options[i], base);
		if (rc < 0)
			return rc;
	}
	for (const struct tree_node *key = map->child; key != NULL; key = key->next) {
		const struct config_option *option = schema_find(prefix, key->text);
		if (option == NULL || key->kind == TREE_NULL)
			return unknown_key(r, prefix, where, key);
		const struct tree_node **slot = &seen[(size_t)(option - config_options) - first];
		if (*slot != NULL)
			return value_fail(r, key, "%s.%s: stands here again; it stood in line %u already", where,
					  key->text, (*slot)->line);
		*slot = key;
		snprintf(path, sizeof path, "%s.%s", where, key->text);
		int rc = option->type == CONFIG_MAPS ? maps_read(r, option, path, key->value, base)
						     : value_read(r, option, path, key->value, base);
		if (rc < 0)
			return rc;
	}
	for (size_t i = first; i < config_options_count; i++) {
		const char *key = schema_key(&config_options[i], prefix);
		if (key != NULL && config_options[i].fallback == NULL && seen[i - first] == NULL)
			return value_fail(r, map, "%s: '%s' is missing", where, key);
	}
	return 0;
}

static int maps_read(const struct config_reader *r, const struct config_option *option, const char *where,
		     const struct tree_node *list, void *base)
{
	struct config_any_list *to = (void *)((char *)base + option->offset);
	char words[SCHEMA_WORDS_MAX], item[WHERE_MAX], prefix[SCHEMA_PREFIX_MAX];
	if (list == NULL || list->kind == TREE_NULL)
		return 0;
	if (list->kind != TREE_LIST)
		return value_refuse(r, list, where, NULL, schema_allowed(option, words));
	if (list->count > option->max)
		return value_fail(r, list, "%s: found a list of %zu; allowed is %s", where, list->count,
				  schema_allowed(option, words));
	if (list->count > 0 && (to->item = arena_alloc0(r->arena, list->count * option->item_size)) == NULL)
		return BANYAN_ENOMEM;
	for (const struct tree_node *n = list->child; n != NULL; n = n->next, to->count++) {
		snprintf(item, sizeof item, "%s[%zu]", where, to->count);
		if (n->kind != TREE_MAP)
			return value_refuse(r, n, item, NULL, schema_allowed_item(option, words));
		int rc = mapping_read(r, schema_prefix(option, prefix), item, n,
				      (char *)to->item + to->count * option->item_size);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int section_read(const struct config_reader *r, const char *name, const struct tree_node *value,
			struct config *config)
{
	static const struct tree_node empty = {.kind = TREE_MAP};
	const struct config_option *option = schema_find("", name);
	if (option != NULL)
		return maps_read(r, option, name, value, config);
	if (value == NULL || value->kind == TREE_NULL)
		value = &empty;
	if (value->kind != TREE_MAP)
		return value_refuse(r, value, name, NULL, "a mapping of options");
	return mapping_read(r, name, name, value, config);
}

static int tree_apply(const struct config_reader *r, const struct tree_node *root, struct config *config)
{
	const struct tree_node *seen[SEEN_MAX] = {NULL};
	if (root->kind != TREE_MAP && root->kind != TREE_NULL)
		return value_refuse(r, root, "top", NULL, "a mapping of sections");
	for (const struct tree_node *key = root->child; key != NULL; key = key->next) {
		size_t i = 0;
		while (i < config_sections_count && strcmp(config_sections[i].name, key->text) != 0)
			i++;
		if (i == config_sections_count)
			return unknown_key(r, "", "", key);
		if (seen[i] != NULL)
			return value_fail(r, key, "%s: stands here again; it stood in line %u already", key->text,
					  seen[i]->line);
		seen[i] = key;
	}
	for (size_t i = 0; i < config_sections_count; i++) {
		int rc = section_read(r, config_sections[i].name, seen[i] != NULL ? seen[i]->value : NULL, config);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- the whole ---- */

#define RUNDIR "/run/banyan"

/* Fills what follows from other options. */
static int complete(const struct config_reader *r, struct config *config)
{
	config->server.control_optional = config->server.rundir[0] == '\0' && config->server.control[0] == '\0';
	if (config->server.rundir[0] == '\0')
		config->server.rundir = geteuid() == 0 || access(RUNDIR, W_OK) == 0 ? RUNDIR : ".";
	if (config->server.control[0] == '\0')
		config->server.control = arena_printf(r->arena, "%s/control.sock", config->server.rundir);
	config->path = arena_printf(r->arena, "%s", r->name);
	return config->server.control == NULL || config->path == NULL ? BANYAN_ENOMEM : 0;
}

static int read_all(const struct config_reader *r, const char *text, size_t len, struct config *config)
{
	struct tree_node *root;
	struct tree_error error = {0};
	int rc = tree_read(r->arena, text, len, &root, &error);
	if (rc == BANYAN_ECONFIG || rc == BANYAN_ELIMIT) {
		struct tree_node at = {.line = error.line, .column = error.column};
		return value_fail(r, &at, "%s", error.text);
	}
	if (rc < 0 || (rc = tree_apply(r, root, config)) < 0 || (rc = complete(r, config)) < 0)
		return rc;
	return check_whole(r, root, config);
}

static char *folder_of(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	return arena_printf(arena, "%.*s", slash != NULL ? (int)(slash - path + 1) : 0, path);
}

int config_read_text(const char *name, const char *text, size_t len, struct config **ret,
		     struct config_error *ret_error)
{
	struct owned *owned = calloc(1, sizeof *owned);
	struct config_error error = {0};
	int rc = BANYAN_ENOMEM;
	if (owned != NULL) {
		struct config_reader r = {.name = name, .arena = &owned->arena, .error = &error};
		r.folder = folder_of(r.arena, name);
		if (r.folder != NULL)
			rc = read_all(&r, text, len, &owned->config);
	}
	if (rc < 0) {
		if (error.text[0] == '\0')
			snprintf(error.text, sizeof error.text, "%.200s: %s", name, error_text(rc));
		*ret_error = error;
		config_free(owned != NULL ? &owned->config : NULL);
		return rc;
	}
	*ret = &owned->config;
	return 0;
}

int config_read_file(const char *path, struct config **ret, struct config_error *ret_error)
{
	_cleanup_(base_free) uint8_t *data = NULL;
	size_t len = 0;
	errno = 0;
	int rc = file_read(path, CONFIG_FILE_MAX, &data, &len);
	if (rc < 0) {
		const char *why = rc == BANYAN_EIO && errno != 0 ? strerror(errno) : error_text(rc);
		ret_error->line = ret_error->column = 0;
		if (rc == BANYAN_ELIMIT)
			snprintf(ret_error->text, sizeof ret_error->text, "%.200s: larger than %d bytes", path,
				 CONFIG_FILE_MAX);
		else if (rc == BANYAN_EINVAL)
			snprintf(ret_error->text, sizeof ret_error->text, "%.200s: is no file", path);
		else
			snprintf(ret_error->text, sizeof ret_error->text, "%.200s: cannot be read: %s", path, why);
		return rc;
	}
	return config_read_text(path, (const char *)data, len, ret, ret_error);
}

int config_default(struct config **ret)
{
	struct config_error error;
	return config_read_text("default", "", 0, ret, &error);
}

void config_free(struct config *config)
{
	struct owned *owned = (struct owned *)config;
	if (owned == NULL)
		return;
	struct arena arena = owned->arena;
	free(owned);
	arena_done(&arena);
}
