// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Registrations over restarts (docs/registration.md): one file in the state folder, written once a minute when something has changed and at the
 * end. What is read back is asked for again, as the peer did: rules and limits of today hold, and no lifetime grows.
 */
#include "notifies.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_BYTES_MAX ((size_t)64 << 20) /* 65,536 zones do not all have full tables */
#define STATE_SAVE_MS   60000              /* between two times that it is written */
#define STATE_NAME      "registrations.state"
#define STATE_FIRST     "registrations 1\n"
#define VERSIONS_NAME   "versions.state"

#define VERSIONS_FIRST "versions 1\n"

static bool state_path(const struct config *config, const char *name, char out[PATH_MAX])
{
	char folder[PATH_MAX];
	anchors_folder(config, folder);
	return folder[0] != 0 && snprintf(out, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
}

/* The file's text if it begins as it should, or NULL. */
static char *state_read(const struct config *config, const char *name, const char *first, const char *what)
{
	char path[PATH_MAX];
	uint8_t *text = NULL;
	size_t len;
	if (!state_path(config, name, path) || file_read(path, STATE_BYTES_MAX, &text, &len) < 0)
		return NULL;
	if (len > 0 && strlen((const char *)text) == len && strncmp((const char *)text, first, strlen(first)) == 0)
		return (char *)text;
	log_warning(STATION, "%s: not a list of %s", path, what);
	free(text);
	return NULL;
}

/* ---- written ---- */

int registers_write(struct buffer *out, const struct push_notify *push, const char *(*key_name)(void *ctx, uint16_t),
		    void *ctx)
{
	struct push_peer_state state;
	char zone[WIRE_NAME_TEXT_MAX], peer[ADDR_TEXT_MAX], local[ADDR_TEXT_MAX];
	int rc = 0;
	wire_name_text(push_notify_apex(push), zone);
	for (size_t at = 0; rc == 0 && push_notify_next(push, &at, &state);) {
		if (!state.registered)
			continue;
		const char *key = key_name(ctx, state.key);
		int64_t until = clock_wall_s() + (state.until_ms - clock_mono_ms()) / 1000;
		rc = buffer_printf(out, "%s %s %s %s %lld\n", zone, addr_format(&state.addr, true, peer),
				   state.local.family == 0 ? "-" : addr_format(&state.local, true, local),
				   key[0] == 0 ? "-" : key, (long long)until);
	}
	return rc;
}

void registers_save(struct registers_state *state, const struct config *config, struct buffer *text, bool now)
{
	char path[PATH_MAX];
	uint64_t mark;
	static const uint8_t hash_key[16]; /* it need not be secret */
	if (!now && clock_mono_ms() - state->saved_ms < STATE_SAVE_MS)
		return;
	state->saved_ms = clock_mono_ms();
	mark = hash_sip(text->data, text->len, hash_key);
	if (mark == state->saved || !state_path(config, STATE_NAME, path))
		return;
	errno = 0;
	if (file_write_atomic(path, text->data, text->len) == 0)
		state->saved = mark;
	else
		log_warning(STATION, "registrations cannot be written to %s: %s; after a restart peers register anew",
			    path, strerror(errno));
}

bool registers_due(const struct registers_state *state)
{
	return clock_mono_ms() - state->saved_ms >= STATE_SAVE_MS;
}

/* ---- and read ---- */

char *registers_read(const struct config *config)
{
	return state_read(config, STATE_NAME, STATE_FIRST, "registrations; peers register anew");
}

/* false: not such a line, or over, or not for this zone. A rest of less than the shortest lifetime is not made longer. */
static bool line_read(const char *line, const uint8_t *apex, uint32_t least_s, char key[CONFIG_KEY_TEXT_MAX],
		      struct push_ask *ret)
{
	char zone[WIRE_NAME_TEXT_MAX], peer[80], local[80], name[WIRE_NAME_TEXT_MAX];
	uint8_t wire[WIRE_NAME_MAX];
	long long until;
	*ret = (struct push_ask){0};
	if (sscanf(line, "%1019s %79s %79s %1019s %lld", zone, peer, local, name, &until) != 5 ||
	    wire_name_parse(zone, wire) < 0 || !wire_name_equal(wire, apex) || addr_parse(peer, 0, &ret->peer) < 0 ||
	    (strcmp(local, "-") != 0 && addr_parse(local, 0, &ret->local) < 0))
		return false;
	int64_t left = until - clock_wall_s();
	if (left < (int64_t)least_s || left > UINT32_MAX)
		return false;
	ret->lifetime_s = (uint32_t)left;
	int len = snprintf(key, CONFIG_KEY_TEXT_MAX, "%s", strcmp(name, "-") == 0 ? "" : name);
	return len < CONFIG_KEY_TEXT_MAX;
}

size_t registers_restore(const char *text, const struct generation *g, const uint8_t *apex, struct push_notify *push,
			 uint16_t (*key_number)(void *ctx, const char *name), void *ctx)
{
	size_t n = 0;
	char key[CONFIG_KEY_TEXT_MAX];
	struct push_ask ask;
	for (const char *line = strchr(text, '\n'); line != NULL && line[1] != 0; line = strchr(line + 1, '\n')) {
		if (!line_read(line + 1, apex, PUSH_LIFETIME_MIN_S, key, &ask) ||
		    !registers_allow(g, apex, key, &ask.peer))
			continue;
		ask.key = key[0] == 0 ? 0 : key_number(ctx, key);
		if (key[0] != 0 && ask.key == 0)
			continue;
		n += push_notify_register(push, &ask, clock_mono_ms()).status == WIRE_REGISTRATION_GRANTED;
	}
	return n;
}

/* ---- versions that were offered ---- */

char *versions_read(const struct config *config)
{
	return state_read(config, VERSIONS_NAME, VERSIONS_FIRST,
			  "versions; how far others lag behind is told from now on");
}

void versions_save(const struct config *config, const struct buffer *text)
{
	char path[PATH_MAX];
	_cleanup_(buffer_done) struct buffer all = {0};
	if (!state_path(config, VERSIONS_NAME, path) || buffer_printf(&all, VERSIONS_FIRST) < 0 ||
	    buffer_append(&all, text->data, text->len) < 0)
		return;
	errno = 0;
	if (file_write_atomic(path, all.data, all.len) < 0)
		log_warning(STATION, "the versions that were offered cannot be written to %s: %s", path,
			    strerror(errno));
}
