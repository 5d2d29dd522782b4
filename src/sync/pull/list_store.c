// SPDX-License-Identifier: GPL-3.0-or-later
/* Publication lists at rest: a copy of each in a folder, so that it is fetched once a week and not at each start. */
#include "private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEYS_BYTES_MAX  65536 /* of a file of public keys */
#define PATH_BYTES_MAX  4096
#define FLOOR_BYTES_MAX 32

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

/* ---- the highest serial: a file beside the list, for lists that stand on this machine, too ---- */

static int floor_path(const char *folder, const struct pull_source *source, char ret[PATH_BYTES_MAX])
{
	char digest[65];
	int rc = pull_sha256_text(source->place, strlen(source->place), digest);
	if (rc < 0)
		return rc;
	return snprintf(ret, PATH_BYTES_MAX, "%s/list-%.16s.serial", folder, digest) < PATH_BYTES_MAX ? 0
												      : BANYAN_ELIMIT;
}

/* What stands there and is no number counts as none: then it was written by somebody else. */
static void floor_read(const char *folder, const struct pull_source *source, struct pull_list_state *state)
{
	char path[PATH_BYTES_MAX], *end;
	uint8_t *text;
	size_t len;
	if (floor_path(folder, source, path) < 0 || file_read(path, FLOOR_BYTES_MAX, &text, &len) < 0)
		return;
	state->floor = strtoull((const char *)text, &end, 10);
	state->has_floor = text[0] >= '0' && text[0] <= '9' && *end == '\n';
	free(text);
}

/* Behind the list itself: what a crash leaves is never a floor above the list that is there. */
static void floor_raise(const char *folder, const struct pull_source *source, const struct pull_list *list,
			struct pull_list_state *state)
{
	char path[PATH_BYTES_MAX], text[FLOOR_BYTES_MAX];
	if (list->proof != PULL_LIST_SIGNED || (state->has_floor && list->serial <= state->floor))
		return;
	state->has_floor = true;
	state->floor = list->serial;
	int len = snprintf(text, sizeof text, "%llu\n", (unsigned long long)list->serial);
	int rc = floor_path(folder, source, path);
	if (rc == 0)
		rc = file_write_atomic(path, text, (size_t)len);
	if (rc < 0)
		pull_wrong(state->why, rc, "its serial cannot be kept in %.120s: %s", folder, error_text(rc));
}

/* ---- the list ---- */

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
	struct pull_list_settings settings = {.zone = zone, .now = now, .keys = (const char *)keys};
	bool had = before->have && before->list.has_serial;
	settings.has_serial = had || before->has_floor;
	settings.serial = had ? before->list.serial : 0;
	if (before->has_floor && before->floor > settings.serial)
		settings.serial = before->floor;
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
	floor_read(folder, source, &state);
	if (rc < 0) {
		pull_wrong(state.why, rc, "%.160s: %s", source->here ? path : "no copy of the list yet",
			   source->here ? error_text(rc) : "it is to be fetched first");
		*ret = state;
		return 0;
	}
	rc = parse(source, zone, now, &state, (const char *)text, len, &state.list, state.why);
	free(text);
	state.have = rc == 0;
	if (state.have)
		floor_raise(folder, source, &state.list, &state);
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
	if (state->have && state->list.expires != 0 && now >= state->list.expires) {
		pull_wrong(state->why, BANYAN_EPROOF, "the list has expired, and there is no newer one");
		pull_list_done(&state->list);
		state->have = false;
	}
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
	floor_raise(folder, source, &list, state);
	if (state->have)
		pull_list_done(&state->list);
	state->have = true;
	state->list = list;
	state->due = due_after(&list, now);
	return 0;
}
