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
		return edition_why(why, BANYAN_EAGAIN, "%s: another `banyan publish` is at work in this folder",
				   e->settings->folder);
	return 0;
}

static int state_load(struct edition *e, char *why)
{
	char path[PATH_MAX], was[WIRE_NAME_TEXT_MAX], is[WIRE_NAME_TEXT_MAX];
	const struct edition_settings *s = e->settings;
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len;
	snprintf(path, sizeof path, "%s/state", s->folder);
	errno = 0;
	int rc = file_read(path, STATE_MAX, &text, &len);
	if (rc == BANYAN_ENOENT) {
		memcpy(e->state.zone, s->zone, wire_name_len(s->zone));
		snprintf(e->state.name, sizeof e->state.name, "%s", s->name);
		return 0;
	}
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

static bool is_newer(uint32_t a, uint32_t b)
{
	return a != b && a - b < (uint32_t)1 << 31;
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
	if (!e->state.have || is_newer(e->before->serial, e->state.serial))
		e->state.serial = e->before->serial;
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
		rc = state_load(e, ret_why);
	if (rc == 0)
		rc = edition_claim_zone(settings, ret_why);
	if (rc == 0)
		rc = edition_claim_tree(settings, ret_why);
	if (rc < 0) {
		edition_close(e);
		return rc;
	}
	e->memo = dnssec_memo_new();
	if (e->memo == NULL) {
		edition_close(e);
		return edition_why(ret_why, BANYAN_ENOMEM, "out of memory");
	}
	before_load(e);
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
	if (edition->lock >= 0)
		close(edition->lock);
	free(edition);
}

const struct edition_state *edition_state_of(const struct edition *edition)
{
	return &edition->state;
}
