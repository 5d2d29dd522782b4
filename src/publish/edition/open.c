// SPDX-License-Identifier: GPL-3.0-or-later
/* The folder of an edition: whose it is, what is out already, and that nobody else is at it. */
#include "private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "sync/sync.h"

#define STATE_MAX 16384 /* bytes of the file */

static int lock_take(struct edition *e, char *why)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/lock", e->settings->folder);
	e->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (e->lock < 0)
		return edition_why(why, error_from_errno(errno), "%s: %s%s", path, strerror(errno),
				   errno == ENOENT ? "; make the folder of the edition" : file_advice(errno));
	if (flock(e->lock, LOCK_EX | LOCK_NB) < 0)
		return edition_why(why, BANYAN_EAGAIN,
				   "%s: another `banyan publish` is at work in this folder; if it is a --watch, end "
				   "it, run this, and start it again",
				   e->settings->folder);
	return 0;
}

/* BANYAN_EMALF: there is one, and it is damaged. */
static int state_load(struct edition *e, char *why)
{
	char path[PATH_MAX], was[WIRE_NAME_TEXT_MAX], is[WIRE_NAME_TEXT_MAX];
	const struct edition_settings *s = e->settings;
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len;
	snprintf(path, sizeof path, "%s/state", s->folder);
	errno = 0;
	int rc = file_read(path, STATE_MAX, &text, &len);
	memcpy(e->state.zone, s->zone, wire_name_len(s->zone));
	snprintf(e->state.name, sizeof e->state.name, "%s", s->name);
	if (rc == BANYAN_ENOENT)
		return 0;
	if (rc < 0)
		return edition_why(why, rc, "%s: it cannot be read: %s", path,
				   errno != 0 ? strerror(errno) : error_text(rc));
	rc = edition_state_read(path, (const char *)text, len, &e->state, why);
	if (rc < 0)
		return rc;
	if (!wire_name_equal(e->state.zone, s->zone) || strcmp(e->state.name, s->name) != 0)
		return edition_why(
			why, BANYAN_EEXIST,
			"%s: the folder is that of the edition '%s' of %.255s, not of '%s' of %.255s; give each "
			"edition a folder of its own",
			s->folder, e->state.name, wire_name_text(e->state.zone, was), s->name,
			wire_name_text(s->zone, is));
	return 0;
}

/* The version that is out: what still holds of it is taken over. A damaged one is passed over, since a new one is proved anyway. */
static void before_load(struct edition *e)
{
	const struct edition_settings *s = e->settings;
	struct zone_read_settings read = {.origin = s->zone};
	struct zone_error error;
	if (access(s->zone_file, F_OK) < 0) {
		if (e->state.have)
			log_warning("publish", "%s is not there any more: serial %u was published; all is signed anew",
				    s->zone_file, e->state.serial);
		return;
	}
	if (zone_read_file(s->zone_file, &read, NULL, NULL, &e->before, &error) < 0) {
		log_warning("publish", "the version before cannot be read: %s; all is signed anew", error.text);
		return;
	}
	/* its state may have been lost, or not have been written: a disk that was full */
	if (!e->state.have || sync_serial_newer(e->before->serial, e->state.serial))
		e->state.serial = e->before->serial;
}

/* What the state has lost, out of the version that is out and of what was taken of its source: the next source is held against that. */
static int state_rebuild(struct edition *e, const char *lost, char *why)
{
	const struct edition_settings *s = e->settings;
	struct edition_state *state = &e->state;
	struct zone *source, *plain;
	struct zone_edition says = {0};
	const char *words;
	char of_source[EDITION_WHY_MAX];
	int64_t at;
	if (zone_edition(e->before, &says, &words) < 0 || strcmp(says.name, s->name) != 0)
		return edition_why(why, BANYAN_EEXIST,
				   "%.300s; the zone file that is out, %.300s, is that of the edition '%s', not of "
				   "'%s': give each edition a folder of its own, or put back a copy of the state",
				   lost, s->zone_file, says.name, s->name);
	int rc = edition_source_kept(e, &source, &at, of_source);
	if (rc < 0)
		return edition_why(why, BANYAN_EMALF,
				   "%.300s, and %.300s: put back a copy of the state; or remove it, and then look at "
				   "the source yourself, since nothing is known of the one before",
				   lost, of_source);
	rc = edition_strip(source, &plain);
	if (rc == 0) {
		state->have = true;
		state->source_serial = source->serial;
		state->source_records = plain->n_records;
		state->made = at;
		state->valid_until = says.valid_until;
		zone_free(plain);
		log_warning("publish",
			    "%s: the next version follows serial %u of %s, and the next source is held against serial "
			    "%u of %s/source",
			    lost, state->serial, s->zone_file, source->serial, s->folder);
	}
	zone_free(source);
	return rc < 0 ? edition_why(why, rc, "%s", error_text(rc)) : 0;
}

/* A damaged state stops nothing as long as its place can be taken. One that is not there is a folder that is new, or one that somebody has
 * put in order. */
static int state_mend(struct edition *e, int rc, const char *lost, char *why)
{
	const struct edition_settings *s = e->settings;
	if (rc == 0 && (e->state.have || e->before == NULL))
		return 0;
	if (rc == 0) {
		if (state_rebuild(e, "there is no state of the edition, though a version is out", why) < 0)
			log_warning("publish",
				    "%s: there is no state of the edition, though serial %u is out: the next source is "
				    "taken as it is, without a look at its size and serial",
				    s->zone_file, e->state.serial);
		return 0;
	}
	if (e->before == NULL)
		return edition_why(why, rc,
				   "%.300s, and no zone file that can be read is out in %.300s to tell the serial: put "
				   "back a copy of one of the two; or remove the state if nothing was ever published",
				   lost, s->zone_file);
	return state_rebuild(e, lost, why);
}

static int known_load(struct edition *e, char *why)
{
	char lost[EDITION_WHY_MAX] = "";
	int of_state = state_load(e, lost);
	if (of_state < 0 && of_state != BANYAN_EMALF)
		return edition_why(why, of_state, "%s", lost);
	int rc = edition_claim(e->settings, false, why); /* whoever writes first takes them */
	if (rc < 0)
		return rc;
	before_load(e);
	return state_mend(e, of_state, lost, why);
}

int edition_open(const struct edition_settings *settings, struct edition **ret, char ret_why[EDITION_WHY_MAX])
{
	struct edition *e = calloc(1, sizeof *e);
	if (e == NULL)
		return edition_why(ret_why, BANYAN_ENOMEM, "out of memory");
	e->settings = settings;
	e->lock = -1;
	e->keys_next = INT64_MAX;
	int rc = lock_take(e, ret_why);
	if (rc == 0)
		rc = known_load(e, ret_why);
	if (rc < 0) {
		edition_close(e);
		return rc;
	}
	e->memo = dnssec_memo_new();
	e->source_memo = dnssec_memo_new();
	if (e->memo == NULL || e->source_memo == NULL) {
		edition_close(e);
		return edition_why(ret_why, BANYAN_ENOMEM, "out of memory");
	}
	edition_keys_orphans(settings);
	*ret = e;
	return 0;
}

void edition_close(struct edition *edition)
{
	if (edition == NULL)
		return;
	zone_free(edition->before);
	dnssec_memo_free(edition->memo);
	dnssec_memo_free(edition->source_memo);
	if (edition->lock >= 0)
		close(edition->lock);
	free(edition);
}

const struct edition_state *edition_state_of(const struct edition *edition)
{
	return &edition->state;
}
