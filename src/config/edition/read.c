// SPDX-License-Identifier: GPL-3.0-or-later
/* Reads the description of an edition: by its table, then what needs more than one option. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/walk.h"
#include "private.h"

/* What config_edition_free() frees. */
struct owned {
	struct config_edition edition; /* first: a struct config_edition * is a struct owned * */
	struct arena arena;
};

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

static int check_keys(const struct config_reader *r, const struct tree_node *root, const struct config_edition *e)
{
	uint32_t algorithm = e->keys.algorithm;
	if (algorithm == 9 || algorithm == 11 ||
	    algorithm == 12) /* never assigned, or of no use for new keys (RFC 8624) */
		return value_fail(r, place(root, "keys", "algorithm"),
				  "keys.algorithm: found %u; to sign with are 8, 10, 13, 14, 15 and 16", algorithm);
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
	int rc = walk_text(r, text, len, &root);
	if (rc == 0)
		rc = walk_read(r, root, edition);
	if (rc == 0) {
		const struct tree_node *at = place(root, "schedule", "valid");
		edition->schedule.line = at != NULL ? at->line : 0;
		rc = complete(r, edition);
	}
	if (rc == 0)
		rc = check_identity(r, root, edition);
	if (rc == 0)
		rc = check_keys(r, root, edition);
	return rc == 0 ? check_times(r, root, edition) : rc;
}

int config_edition_read_text(const char *name, const char *text, size_t len, struct config_edition **ret,
			     struct config_error *ret_error)
{
	struct owned *owned = calloc(1, sizeof *owned);
	struct config_error error = {0};
	int rc = BANYAN_ENOMEM;
	if (owned != NULL) {
		struct config_reader r = {&edition_table, name, "", &owned->arena, &error};
		rc = walk_folder(&r);
		if (rc == 0)
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
	int rc = walk_file(path, &data, &len, ret_error);
	if (rc < 0)
		return rc;
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
