// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The offline side: a ceremony in the place of the last one, whose response was never taken and cannot be: it came too late, or the online side has
 * lost what it asked for. What stood before a ceremony is kept until the next one (before-SUM, by the sum of the request that was signed).
 *
 * To go back is a save of its own, and an order of files as that of a ceremony (sign.c): the response before goes to where a pending one is, the
 * state is saved, the response takes its place. Whoever is cut off after that is before the last ceremony, and signs without --replace.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ceremony.h"

#define BEFORE     "before-"
#define SUM_PART   16 /* digits of a sum in a file's name */
#define STATE_PART "state"
#define SKR_PART   "skr"

static void before_file(const char *sum, const char *part, char out[KEYS_FILE_MAX])
{
	snprintf(out, KEYS_FILE_MAX, BEFORE "%.*s.%s", SUM_PART, sum, part);
}

int ceremony_keep(struct ceremony *c, const char *file, struct keys_request *response)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	return keys_request_write(response, &text) != 0 ? keys_wrong(c->why, BANYAN_ENOMEM, "out of memory")
							: keys_request_keep(c->folder, file, &text, c->why);
}

int ceremony_note(struct ceremony *c)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	char file[KEYS_FILE_MAX];
	int rc = 0;
	before_file(c->request.answers, SKR_PART, file);
	/* a last response that was replaced may end when this one does */
	if (c->has_before)
		rc = ceremony_keep(c, file, &c->before);
	else if (unlinkat(c->folder->fd, KEYS_ANSWER_FILE, 0) < 0 && errno != ENOENT)
		rc = keys_wrong(c->why, error_from_errno(errno), "%s/" KEYS_ANSWER_FILE " cannot be removed: %s",
				c->folder->path, strerror(errno));
	if (rc != 0)
		return rc;
	if (keys_state_write(&c->folder->state, &c->folder->policy, &text) != 0)
		return keys_wrong(c->why, BANYAN_ENOMEM, "out of memory");
	before_file(c->request.answers, STATE_PART, file);
	return keys_request_keep(c->folder, file, &text, c->why);
}

void ceremony_noted(const struct ceremony *c)
{
	DIR *dir = opendir(c->folder->path);
	size_t begin = strlen(BEFORE);
	for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
		if (strncmp(e->d_name, BEFORE, begin) != 0 ||
		    strncmp(e->d_name + begin, c->request.answers, SUM_PART) == 0)
			continue;
		if (unlinkat(c->folder->fd, e->d_name, 0) < 0)
			log_warning("keys", "%s/%s: it is not needed any more and cannot be removed: %s",
				    c->folder->path, e->d_name, strerror(errno));
	}
	if (dir != NULL)
		closedir(dir);
}

/* What was made and asked for since then is not lost. */
static int carry(struct ceremony *c)
{
	const struct keys_state *since = &c->folder->state;
	c->state->asked_zsk |= since->asked_zsk;
	c->state->asked_ksk |= since->asked_ksk;
	if (since->asked_algorithm != 0)
		c->state->asked_algorithm = since->asked_algorithm;
	for (size_t i = 0; i < since->n; i++) {
		const struct keys_key *key = &since->key[i];
		struct keys_key *added;
		bool there = false;
		for (size_t j = 0; j < c->state->n; j++)
			there |= c->state->key[j].rdata_len == key->rdata_len &&
				 memcmp(c->state->key[j].rdata, key->rdata, key->rdata_len) == 0;
		int rc = there ? 0
			       : keys_add(c->state, key->role, key->rdata, key->rdata_len, key->place, c->now, &added);
		if (rc != 0)
			return keys_wrong(c->why, rc, "%s: key %u cannot be kept: %s", c->folder->path, key->tag,
					  error_text(rc));
	}
	return 0;
}

/* The state before the response `last`, and the response before that. */
static int load_noted(struct ceremony *c, const struct keys_request *last)
{
	_cleanup_(base_free) uint8_t *text = NULL;
	char file[KEYS_FILE_MAX], name[2 * KEYS_PLACE_MAX];
	struct keys_policy policy;
	size_t len;
	before_file(last->answers, STATE_PART, file);
	snprintf(name, sizeof name, "%s/%s", c->folder->path, file);
	int rc = folder_read(c->folder->fd, file, KEYS_STATE_BYTES_MAX, &text, &len);
	if (rc == BANYAN_ENOENT)
		return ceremony_refuse(c,
				       "--replace was said, but what stood before the response %s is not here (%s): if "
				       "--replace was cut off, leave it out; otherwise bring this folder back from a "
				       "backup of before that ceremony, and leave --replace out",
				       last->id, file);
	if (rc != 0)
		return keys_wrong(c->why, rc, "%s: %s", name, error_text(rc));
	rc = keys_state_read(name, (const char *)text, len, c->state, &policy, c->why);
	if (rc != 0)
		return rc;
	if (!wire_name_equal(c->state->apex, c->folder->state.apex) || c->state->bundles_until > last->from)
		return keys_wrong(c->why, BANYAN_EMALF, "%s: this is not what stood before the response %s", name,
				  last->id);
	c->has_before = false;
	if (c->state->bundles_until == 0)
		return 0;
	before_file(last->answers, SKR_PART, file);
	rc = keys_request_load(c->folder, file, &c->before, c->why);
	if (rc != 0)
		return rc;
	c->has_before = c->before.response && c->before.until == c->state->bundles_until;
	return c->has_before ? 0
			     : keys_wrong(c->why, BANYAN_EMALF, "%s/%s: this is not the response before %s",
					  c->folder->path, file, last->id);
}

int ceremony_back(struct ceremony *c)
{
	struct keys_request last = c->before;
	if (!c->has_before)
		return ceremony_refuse(c, "--replace was said, but nothing was signed here: leave --replace out");
	c->before = (struct keys_request){0};
	int rc = load_noted(c, &last);
	if (rc == 0)
		rc = carry(c);
	if (rc == 0 && !c->has_before && c->order == KEYS_CONTINUES)
		c->order = KEYS_FIRST_ONE;
	if (rc == 0)
		rc = ceremony_passed(
			c,
			"THE RESPONSE %s (sum %.16s...) IS REPLACED (--replace): the KSKs go on from where they "
			"stood before it. It must not have been taken, and must not be: destroy it",
			last.id, last.sum);
	keys_request_done(&last);
	return rc;
}

int ceremony_undo(struct ceremony *c)
{
	_cleanup_(base_free) struct keys_state *was = malloc(sizeof *was);
	if (was == NULL)
		return keys_wrong(c->why, BANYAN_ENOMEM, "out of memory");
	int rc = c->has_before ? ceremony_keep(c, KEYS_PENDING_FILE, &c->before) : 0;
	if (rc != 0)
		return rc;
	*was = c->folder->state;
	c->folder->state = *c->state;
	rc = keys_save(c->folder, c->why);
	if (rc != 0) {
		c->folder->state = *was;
		return rc;
	}
	if (c->has_before)
		rc = ceremony_keep(c, KEYS_ANSWER_FILE, &c->before);
	if (rc != 0)
		return rc;
	return ceremony_passed(c, "this folder is as it was before the response that is replaced; whoever is cut off "
				  "from here on leaves --replace out");
}
