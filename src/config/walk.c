// SPDX-License-Identifier: GPL-3.0-or-later
/* Walks the tree along a table: every key must be a row, every row gets a value. */
#include "walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
static const char *did_you_mean(const struct config_table *table, const char *prefix, const char *key)
{
	size_t len = strlen(key);
	struct nearest nearest = {.key = key, .distance = len < 4 ? 2 : len / 3 + 1};
	if (prefix[0] == '\0')
		for (const struct config_section *s = table->sections; s->name != NULL; s++)
			nearest_try(&nearest, s->name, s->name);
	for (size_t i = 0; i < table->n_options; i++) {
		const char *known = schema_key(&table->options[i], prefix);
		if (known != NULL)
			nearest_try(&nearest, known, known);
	}
	for (size_t i = 0; i < table->n_options && nearest.text == NULL; i++) {
		const char *dot = strrchr(table->options[i].path, '.');
		if (dot != NULL && strcmp(dot + 1, key) == 0)
			return table->options[i].path;
	}
	return nearest.text;
}

static size_t known_keys(const struct config_table *table, const char *prefix, char *out, size_t cap)
{
	size_t len = 0;
	out[0] = '\0';
	if (prefix[0] == '\0') {
		for (const struct config_section *s = table->sections; s->name != NULL && len < cap; s++)
			len += (size_t)snprintf(out + len, cap - len, "%s%s", len > 0 ? ", " : "", s->name);
		return len;
	}
	for (size_t i = 0; i < table->n_options && len < cap; i++) {
		const char *known = schema_key(&table->options[i], prefix);
		if (known != NULL)
			len += (size_t)snprintf(out + len, cap - len, "%s%s", len > 0 ? ", " : "", known);
	}
	return len;
}

static int unknown_key(const struct config_reader *r, const char *prefix, const char *where,
		       const struct tree_node *key)
{
	char found[VALUE_FOUND_MAX], keys[512];
	const char *near = did_you_mean(r->table, prefix, key->text);
	const char *dot = where[0] != '\0' ? ": " : "";
	if (near != NULL)
		return value_fail(r, key, "%s%sthere is no option %s; did you mean '%s'?", where, dot,
				  value_found(key, found), near);
	known_keys(r->table, prefix, keys, sizeof keys);
	return value_fail(r, key, "%s%sthere is no option %s; known here are %s", where, dot, value_found(key, found),
			  keys);
}

/* ---- mappings ---- */

#define WHERE_MAX    160 /* bytes of the place of an option in a message: "views[3].local-data[17].name" */
#define SEEN_MAX     512 /* rows between the first and the last option of one mapping */
#define SECTIONS_MAX 64  /* of one table */

static int maps_read(const struct config_reader *r, const struct config_option *option, const char *where,
		     const struct tree_node *list, void *base);

/* Reads one mapping whose keys are the rows of `prefix`; `where` names it in messages ("server", "zones[3]"). */
static int mapping_read(const struct config_reader *r, const char *prefix, const char *where,
			const struct tree_node *map, void *base)
{
	const struct tree_node *seen[SEEN_MAX] = {NULL};
	const struct config_table *table = r->table;
	size_t first = table->n_options;
	char path[WHERE_MAX];
	for (size_t i = 0; i < table->n_options; i++) {
		if (schema_key(&table->options[i], prefix) == NULL)
			continue;
		if (i < first)
			first = i;
		int rc = value_default(r, &table->options[i], base);
		if (rc < 0)
			return rc;
	}
	for (const struct tree_node *key = map->child; key != NULL; key = key->next) {
		const struct config_option *option = schema_find(table, prefix, key->text);
		if (option == NULL || key->kind == TREE_NULL)
			return unknown_key(r, prefix, where, key);
		const struct tree_node **slot = &seen[(size_t)(option - table->options) - first];
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
	for (size_t i = first; i < table->n_options; i++) {
		const char *key = schema_key(&table->options[i], prefix);
		if (key != NULL && table->options[i].fallback == NULL && seen[i - first] == NULL)
			return value_fail(r, map->line > 0 ? map : NULL, "%s: '%s' is missing", where, key);
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
		return value_refuse(r, list, where, NULL, schema_allowed(r->table, option, words));
	if (list->count > option->max)
		return value_fail(r, list, "%s: found a list of %zu; allowed is %s", where, list->count,
				  schema_allowed(r->table, option, words));
	if (list->count > 0 && (to->item = arena_alloc0(r->arena, list->count * option->item_size)) == NULL)
		return BANYAN_ENOMEM;
	for (const struct tree_node *n = list->child; n != NULL; n = n->next, to->count++) {
		snprintf(item, sizeof item, "%s[%zu]", where, to->count);
		if (n->kind != TREE_MAP)
			return value_refuse(r, n, item, NULL, schema_allowed_item(r->table, option, words));
		int rc = mapping_read(r, schema_prefix(option, prefix), item, n,
				      (char *)to->item + to->count * option->item_size);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int section_read(const struct config_reader *r, const char *name, const struct tree_node *value, void *base)
{
	static const struct tree_node empty = {.kind = TREE_MAP};
	const struct config_option *option = schema_find(r->table, "", name);
	if (option != NULL)
		return maps_read(r, option, name, value, base);
	if (value == NULL || value->kind == TREE_NULL)
		value = &empty;
	if (value->kind != TREE_MAP)
		return value_refuse(r, value, name, NULL, "a mapping of options");
	return mapping_read(r, name, name, value, base);
}

int walk_read(const struct config_reader *r, const struct tree_node *root, void *base)
{
	const struct tree_node *seen[SECTIONS_MAX] = {NULL};
	const struct config_section *section = r->table->sections;
	if (root->kind != TREE_MAP && root->kind != TREE_NULL)
		return value_refuse(r, root, "top", NULL, "a mapping of sections");
	for (const struct tree_node *key = root->child; key != NULL; key = key->next) {
		size_t i = 0;
		while (section[i].name != NULL && strcmp(section[i].name, key->text) != 0)
			i++;
		if (section[i].name == NULL)
			return unknown_key(r, "", "", key);
		if (seen[i] != NULL)
			return value_fail(r, key, "%s: stands here again; it stood in line %u already", key->text,
					  seen[i]->line);
		seen[i] = key;
	}
	for (size_t i = 0; section[i].name != NULL; i++) {
		int rc = section_read(r, section[i].name, seen[i] != NULL ? seen[i]->value : NULL, base);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- a text or a file ---- */

int walk_text(const struct config_reader *r, const char *text, size_t len, struct tree_node **ret)
{
	struct tree_error error = {0};
	int rc = tree_read(r->arena, text, len, ret, &error);
	if (rc == BANYAN_ECONFIG || rc == BANYAN_ELIMIT) {
		struct tree_node at = {.line = error.line, .column = error.column};
		return value_fail(r, &at, "%s", error.text);
	}
	return rc;
}

int walk_folder(struct config_reader *r)
{
	const char *slash = strrchr(r->name, '/');
	r->folder = arena_printf(r->arena, "%.*s", slash != NULL ? (int)(slash - r->name + 1) : 0, r->name);
	return r->folder != NULL ? 0 : BANYAN_ENOMEM;
}

int walk_file(const char *path, uint8_t **ret, size_t *ret_len, struct config_error *ret_error)
{
	errno = 0;
	int rc = file_read(path, CONFIG_FILE_MAX, ret, ret_len);
	if (rc == 0)
		return 0;
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
