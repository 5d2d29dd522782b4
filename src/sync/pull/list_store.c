// SPDX-License-Identifier: GPL-3.0-or-later
/* Publication lists at rest: a copy of each in a folder, so that it is fetched once a week and not at each start. */
#include "private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEYS_BYTES_MAX 65536 /* of a file of public keys */
#define PATH_BYTES_MAX 4096

/* In the folder the list has a name that its URL gives it. */
static int path_of(const char *folder, const struct pull_source *source, char ret[PATH_BYTES_MAX])
{
	char digest[65];
	if (source->here)
		return snprintf(ret, PATH_BYTES_MAX, "%s", source->place) < PATH_BYTES_MAX ? 0 : BANYAN_ELIMIT;
	int rc = pull_sha256_text(source->place, strlen(source->place), digest);
	if (rc < 0)
		return rc;
	return snprintf(ret, PATH_BYTES_MAX, "%s/list-%.16s", folder, digest) < PATH_BYTES_MAX ? 0 : BANYAN_ELIMIT;
}

static int parse(const struct pull_source *source, const char *zone, int64_t now, const struct pull_list_state *before,
		 const char *text, size_t len, struct pull_list *ret, char why[PULL_WHY_MAX])
{
	uint8_t *keys = NULL;
	size_t keys_len;
	if (source->key[0] != '\0') {
		int rc = file_read(source->key, KEYS_BYTES_MAX, &keys, &keys_len);
		if (rc < 0)
			return pull_wrong(why, rc, "the key file %.120s cannot be read: %s", source->key,
					  error_text(rc));
	}
	struct pull_list_settings settings = {
		.zone = zone,
		.now = now,
		.keys = (const char *)keys,
		.has_serial = before != NULL && before->have && before->list.has_serial,
		.serial = before != NULL ? before->list.serial : 0,
	};
	int rc = pull_list_parse(text, len, &settings, ret, why);
	free(keys);
	return rc;
}

/* Not before a week has gone, unless it cannot be used any more before. */
static int64_t due_after(const struct pull_list *list, int64_t fetched)
{
	int64_t due = fetched + PULL_LIST_WEEK_S;
	return list->expires != 0 && list->expires < due ? list->expires : due;
}

int pull_list_load(const char *folder, const struct pull_source *source, const char *zone, int64_t now,
		   struct pull_list_state *ret)
{
	char path[PATH_BYTES_MAX];
	struct pull_list_state state = {.due = now};
	struct stat st = {0};
	uint8_t *text = NULL;
	size_t len = 0;
	int rc = path_of(folder, source, path);
	if (rc < 0)
		return rc;
	rc = stat(path, &st) < 0 ? BANYAN_ENOENT : file_read(path, PULL_LIST_BYTES_MAX, &text, &len);
	if (rc == BANYAN_ENOMEM)
		return rc;
	if (rc < 0) {
		pull_wrong(state.why, rc, "%.160s: %s", source->here ? path : "no copy of the list yet",
			   source->here ? error_text(rc) : "it is to be fetched first");
		*ret = state;
		return 0;
	}
	rc = parse(source, zone, now, NULL, (const char *)text, len, &state.list, state.why);
	free(text);
	state.have = rc == 0;
	/* a clock that was set back must not keep it for ever */
	int64_t fetched = st.st_mtime <= now ? st.st_mtime : now;
	if (state.have)
		state.due = source->here ? now : due_after(&state.list, fetched);
	*ret = state;
	return 0;
}

int pull_list_take(const char *folder, const struct pull_source *source, const char *zone, int64_t now,
		   const char *text, size_t len, struct pull_list_state *state)
{
	struct pull_list list = {0};
	char path[PATH_BYTES_MAX];
	state->due = now + (state->have ? PULL_LIST_RETRY_S : PULL_LIST_FIRST_S);
	if (text == NULL)
		return 0;
	int rc = parse(source, zone, now, state, text, len, &list, state->why);
	if (rc < 0)
		return rc;
	rc = path_of(folder, source, path);
	if (rc == 0)
		rc = file_write_atomic(path, text, len);
	if (rc < 0)
		pull_wrong(state->why, rc, "the list cannot be kept in %.120s: %s", folder, error_text(rc));
	if (state->have)
		pull_list_done(&state->list);
	state->have = true;
	state->list = list;
	state->due = due_after(&list, now);
	return 0;
}
