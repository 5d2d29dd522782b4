// SPDX-License-Identifier: GPL-3.0-or-later
/* Reads the daemon's configuration: by its table, then what follows from other options, then what needs more than one. */
#include "check.h"
#include "walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What config_free() frees: the configuration and everything in it. */
struct owned {
	struct config config; /* first: a struct config * is a struct owned * */
	struct arena arena;
};

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
	int rc = walk_text(r, text, len, &root);
	if (rc == 0)
		rc = walk_read(r, root, config);
	if (rc == 0)
		rc = complete(r, config);
	return rc != 0 ? rc : check_whole(r, root, config);
}

int config_read_text(const char *name, const char *text, size_t len, struct config **ret,
		     struct config_error *ret_error)
{
	struct owned *owned = calloc(1, sizeof *owned);
	struct config_error error = {0};
	int rc = BANYAN_ENOMEM;
	if (owned != NULL) {
		struct config_reader r = {&config_table, name, "", &owned->arena, &error};
		rc = walk_folder(&r);
		if (rc == 0)
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
	int rc = walk_file(path, &data, &len, ret_error);
	if (rc < 0)
		return rc;
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
