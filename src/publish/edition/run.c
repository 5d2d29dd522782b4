// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One run: source -> plain -> edition -> signed -> proved -> in its place. A refusal at any step leaves all as it was.
 *
 * Whether there is anything new is found out by making the version again under the serial that is out: what comes out as the same bytes
 * needs no new one. The signatures that were made on the way are taken over by the version that follows, so nothing is signed twice.
 */
#include "private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/files/files.h"

#define TOGETHER_MAX_S 3600 /* 24 versions a day at most, where jitter spreads signatures over all of it */

struct running {
	struct edition *e;
	const struct edition_settings *settings;
	const struct edition_request *request;
	int64_t now, start_ns;
	struct zone *plain; /* the source's */
	struct edition_keys *keys;
	struct make_signing signing;
	struct edition_version version;
	struct edition_made made;
	struct edition_result *result;
};

static int refuse(struct running *r, int rc, enum reason reason)
{
	r->result->outcome = EDITION_REFUSED;
	r->result->reason = reason;
	if (r->result->why[0] == '\0')
		edition_why(r->result->why, rc, "%s", error_text(rc));
	size_t len = strlen(r->result->why);
	if (reason == REASON_TOKEN_GONE) /* so far they are the words of the library that asked it */
		snprintf(r->result->why + len, sizeof r->result->why - len,
			 "; is the token there, its module installed, its PIN the one that the policy names? "
			 "`p11tool --list-tokens` shows what this machine has");
	return rc;
}

static bool has_last(const struct edition *e)
{
	return e->state.have || e->before != NULL;
}

/* ---- which version is due ---- */

/* The dates that a scheduled version has. Its signatures must outlive them. */
static void dates_set(struct running *r)
{
	struct publish_version due = edition_version_due(r->e, r->now);
	r->version.says.valid_from = due.valid_from;
	r->version.says.valid_until = due.valid_until;
	r->signing.hold_until = due.signed_until;
	int64_t lives = due.signed_until - r->now;
	if (lives > r->signing.refresh_s)
		r->signing.refresh_s = (uint32_t)lives;
}

static int serial_set(struct running *r, uint32_t source)
{
	const struct edition_settings *s = r->settings;
	const uint32_t *last = has_last(r->e) ? &r->e->state.serial : NULL;
	if (!s->scheduled) {
		r->version.serial = edition_serial_next(s->serial, last, source, r->now);
		return 0;
	}
	struct publish_schedule schedule = edition_schedule(s);
	struct publish_version due = edition_version_due(r->e, r->now);
	return publish_schedule_serial(&schedule, &due, last, &r->version.serial);
}

/* ---- making ---- */

static int sign_failed(struct running *r, int rc)
{
	const char *trouble = edition_keys_trouble(r->keys);
	edition_why(r->result->why, rc, "%.500s%s%.400s", r->result->sign.text, trouble != NULL ? ": " : "",
		    trouble != NULL ? trouble : "");
	return refuse(r, rc,
		      trouble != NULL                              ? REASON_TOKEN_GONE
		      : rc == BANYAN_ENOENT || rc == BANYAN_EPROOF ? REASON_KEYS_UNUSABLE
								   : REASON_SIGNING_FAILED);
}

/* A version under this serial, signed; what holds of `before` is taken over. */
static int version_make(struct running *r, uint32_t serial, const struct zone *before, struct zone **ret)
{
	struct zone *edition;
	struct edition_version version = r->version;
	version.serial = serial;
	int rc = edition_apply(r->plain, &r->settings->change, &version, &edition, r->result->why);
	if (rc < 0)
		return refuse(r, rc, REASON_EDITION_MISFIT);
	int64_t start = clock_mono_ns();
	size_t made = r->result->sign.made, dropped = r->result->sign.dropped;
	rc = publish_sign(edition, before, &r->signing, ret, &r->result->sign);
	r->result->sign_ns += clock_mono_ns() - start;
	zone_free(edition);
	if (rc < 0)
		return sign_failed(r, rc);
	/* of both passes, if there are two */
	r->result->sign.made += made;
	r->result->sign.dropped += dropped;
	return 0;
}

/* The signature of the digest is made anew each time, whatever the digest. When it must be; INT64_MAX: this is another record. */
static int64_t zonemd_sign_at(const struct running *r, const struct zone_diff_record *record)
{
	const struct wire_rdata *rdata = &record->set->rdata[record->index];
	if (record->set->type != WIRE_TYPE_RRSIG || rdata->len < 12 || wire_get16(rdata->data) != WIRE_TYPE_ZONEMD)
		return INT64_MAX;
	int64_t left = (int32_t)(wire_get32(rdata->data + 8) - (uint32_t)r->now); /* RFC 4034 section 3.1.5 */
	return r->now + left - r->signing.refresh_s;
}

/* Does what was made again say what is out, and is nothing in that due? */
static bool same_zone(struct running *r, const struct zone *out, const struct zone *again)
{
	struct zone_diff diff;
	if (zone_diff(out, again, &diff) < 0)
		return false;
	bool same = true;
	for (size_t i = 0; i < diff.n_come && same; i++)
		same = zonemd_sign_at(r, &diff.come[i]) != INT64_MAX;
	for (size_t i = 0; i < diff.n_gone && same; i++) {
		int64_t at = zonemd_sign_at(r, &diff.gone[i]);
		same = at > r->now && at != INT64_MAX;
		if (same && at < r->result->sign.next)
			r->result->sign.next = at;
	}
	zone_diff_done(&diff);
	return same;
}

/* Makes the next version, unless it says what the one that is out says; *ret_new tells. */
static int next_make(struct running *r, bool new_source, bool *ret_new)
{
	struct edition *e = r->e;
	struct zone *again = NULL;
	const struct zone *before = e->before;
	int rc = 0;
	*ret_new = true;
	if (!new_source && before != NULL) {
		rc = version_make(r, before->serial, before, &again);
		if (rc == 0 && !r->request->force && same_zone(r, before, again)) {
			zone_free(again);
			*ret_new = false;
			return 0;
		}
		before = again;
	}
	if (rc == 0)
		rc = version_make(r, r->version.serial, before, &r->made.zone);
	zone_free(again);
	return rc;
}

/* It is not touched any more while it is in force: what proves now must prove then, up to the last second. */
static size_t times_to_prove(const struct running *r, int64_t time[3])
{
	size_t n = 0;
	time[n++] = r->now;
	if (r->version.says.valid_from > r->now)
		time[n++] = r->version.says.valid_from;
	if (r->version.says.valid_until - 1 > time[n - 1])
		time[n++] = r->version.says.valid_until - 1;
	return n;
}

static int prove(struct running *r)
{
	struct dnssec_anchors anchors = {0};
	struct dnssec_text_error error;
	_cleanup_(buffer_done) struct buffer text = {0};
	int64_t start = clock_mono_ns(), time[3];
	size_t n_times = times_to_prove(r, time);
	int rc = edition_keys_anchors(r->keys, true, &text, r->result->why);
	if (rc == 0 && (rc = dnssec_anchors_parse("anchors", (const char *)text.data, text.len, &anchors, &error)) < 0)
		edition_why(r->result->why, rc, "the anchors of the edition cannot be read: %s", error.text);
	if (rc == 0)
		rc = edition_prove(r->settings, &anchors, time, n_times, &r->made, r->result->why);
	dnssec_anchors_done(&anchors);
	r->result->prove_ns += clock_mono_ns() - start;
	return rc;
}

/* What was taken over from a version that somebody has touched may not prove: then all is signed anew. */
static int make_and_prove(struct running *r, bool new_source, bool *ret_new)
{
	int rc = next_make(r, new_source, ret_new);
	if (rc < 0 || !*ret_new)
		return rc;
	rc = prove(r);
	if (rc < 0 && r->e->before != NULL) {
		log_warning("publish", "%s; all is signed anew", r->result->why);
		edition_made_done(&r->made);
		r->result->why[0] = '\0';
		rc = version_make(r, r->version.serial, NULL, &r->made.zone);
		if (rc < 0)
			return rc;
		rc = prove(r);
	}
	return rc < 0 ? refuse(r, rc, REASON_OUTPUT_NOT_PROVED) : 0;
}

/* ---- out with it ---- */

static void state_set(struct running *r, const struct zone *source)
{
	struct edition_state *state = &r->e->state;
	state->have = true;
	state->source_serial = source->serial;
	state->source_records = r->plain->n_records;
	state->serial = r->made.zone->serial;
	state->made = r->now;
	state->sign_at = r->result->sign.next;
	state->valid_until = r->version.says.valid_until;
}

static void warn(struct running *r, const char *why)
{
	if (r->result->warning[0] == '\0')
		edition_why(r->result->warning, 0, "%s", why);
}

/* What belongs to the version that is out could not be written; it is tried again the next time. */
static void unfinished(struct running *r, const char *why)
{
	r->result->unfinished = true;
	warn(r, why);
}

/* The tree follows the zone file; if it cannot, it is tried again the next time. */
static void tree_follow(struct running *r, const struct buffer *wire)
{
	char why[EDITION_WHY_MAX];
	struct edition *e = r->e;
	if (r->settings->tree[0] == '\0')
		return;
	if (edition_tree_write(r->settings, wire, r->now, why) < 0) {
		unfinished(r, why);
		return;
	}
	bool new = e->state.tree_serial != e->state.serial;
	e->state.tree_serial = e->state.serial;
	e->tree_written_at = r->now;
	if (new &&edition_state_save(r->settings, &e->state, why) < 0)
		unfinished(r, why);
}

/* The keys begin to count from now on, and the anchors that belong to them are told. Where there is a tree, only when it has the version, too: who
 * fetches from there has what was before. */
static void keys_follow(struct running *r)
{
	char why[EDITION_WHY_MAX];
	_cleanup_(buffer_done) struct buffer text = {0};
	bool everywhere = r->settings->tree[0] == '\0' || r->e->state.tree_serial == r->e->state.serial;
	int64_t took_s = (clock_mono_ns() - r->start_ns) / INT64_C(1000000000);
	if (everywhere && edition_keys_offered(r->keys, r->now + took_s, why) < 0)
		unfinished(r, why);
	if (edition_keys_anchors(r->keys, false, &text, why) < 0 || edition_anchors_save(r->settings, &text, why) < 0)
		unfinished(r, why);
	r->e->keys_next = edition_keys_next(r->keys);
}

static int put_out(struct running *r, const struct zone *source)
{
	struct edition *e = r->e;
	struct edition_state was = e->state;
	char why[EDITION_WHY_MAX] = "";
	bool out = false;
	state_set(r, source);
	if (r->request->dry) {
		e->state = was;
		return 0;
	}
	int rc = edition_claim(r->settings, true, why);
	/* first: a version whose source is lost could not be signed anew */
	if (rc == 0)
		rc = edition_kept_save(e, source, why);
	if (rc == 0)
		rc = edition_write(r->settings, &r->made, &e->state, &out, why);
	if (rc < 0 && !out) {
		e->state = was;
		edition_why(r->result->why, rc, "%s", why);
		return refuse(r, rc, REASON_OUTPUT_NOT_WRITTEN);
	}
	if (rc < 0)
		unfinished(r, why);
	tree_follow(r, &r->made.wire);
	keys_follow(r);
	zone_free(e->before);
	e->before = r->made.zone;
	r->made.zone = NULL;
	return 0;
}

/* Nothing new: what was not done the last time may be done now. */
static void unchanged(struct running *r, const struct zone *source)
{
	struct edition *e = r->e;
	char why[EDITION_WHY_MAX];
	_cleanup_(buffer_done) struct buffer wire = {0};
	r->result->outcome = EDITION_UNCHANGED;
	if (r->request->dry)
		return;
	if (edition_claim(r->settings, true, why) <
	    0) { /* an edition of before there were claims, or one that has moved */
		warn(r, why);
		return;
	}
	if (edition_kept_save(e, source, why) < 0) /* a scheduled version to come will be made of it */
		unfinished(r, why);
	if (e->state.sign_at != r->result->sign.next) {
		e->state.sign_at = r->result->sign.next;
		if (edition_state_save(r->settings, &e->state, why) < 0)
			unfinished(r, why);
	}
	bool due = e->state.tree_serial != e->state.serial || files_renewal_due(e->tree_written_at, 0, r->now);
	if (due && zone_write_wire(e->before, &wire) == 0)
		tree_follow(r, &wire);
	if (r->keys != NULL)
		keys_follow(r);
}

/* ---- the run ---- */

static int source_take(struct running *r, const struct zone *source)
{
	const struct edition_settings *s = r->settings;
	struct edition_source_check check = {
		.anchors = s->source_anchors,
		.now = r->now,
		.threads = s->signing.threads,
		.memo = r->e->source_memo,
		.shrink_max_percent = s->source_shrink_max_percent,
		.accept_shrink = r->request->accept_shrink,
		.accept_serial = r->request->accept_serial,
		.before = &r->e->state,
	};
	enum reason reason = REASON_NONE;
	int rc = edition_strip(source, &r->plain);
	if (rc < 0)
		return refuse(r, rc, REASON_EDITION_MISFIT);
	rc = edition_source_check(&check, source, r->plain, &reason, r->result->why);
	return rc < 0 ? refuse(r, rc, reason) : 0;
}

/* A scheduled version does not change before the next one is due, whatever the source does; and none ends sooner than the one before it, whatever
 * the clock says. */
static bool waits(const struct running *r)
{
	return r->settings->scheduled && r->e->state.have && r->e->before != NULL && !r->request->force &&
	       r->e->state.valid_until >= r->version.says.valid_until;
}

/* A version of a later time than the one that is due is out: its own clock, or this one, was wrong. */
static void out_of_time(struct running *r)
{
	char until[32], now[32], why[EDITION_WHY_MAX];
	if (r->e->state.valid_until <= r->version.says.valid_until)
		return;
	edition_why(why, 0,
		    "the version that is out, serial %" PRIu32
		    ", is valid until %s, later than what is due by the clock "
		    "of this machine, which says %s: a clock was wrong, or the schedule was another one, and nothing "
		    "follows until then; if all is right now, run once with --force" EDITION_ONCE,
		    r->e->state.serial, clock_format(r->e->state.valid_until, until), clock_format(r->now, now));
	warn(r, why);
}

/* Who signs the keys elsewhere hears of it before it is too late. */
static void ready_look(struct running *r)
{
	char until[32], why[EDITION_WHY_MAX];
	int64_t needed = r->signing.hold_until > r->now ? r->signing.hold_until : r->now;
	if (r->result->sign.ready_until >= needed + r->settings->signing.refresh_s)
		return;
	edition_why(why, 0, "the last of the DNSKEY sets that were signed elsewhere ends at %s: hold the next ceremony",
		    clock_format(r->result->sign.ready_until, until));
	warn(r, why);
}

static int run(struct running *r, const struct zone *source)
{
	struct edition *e = r->e;
	bool new_source = !e->state.have || source->serial != e->state.source_serial, is_new = false;
	memcpy(r->version.says.name, r->settings->name, strlen(r->settings->name) + 1);
	int rc = source_take(r, source);
	if (rc < 0)
		return rc;
	r->signing = r->settings->signing;
	r->signing.now = r->now;
	if (r->settings->scheduled)
		dates_set(r);
	if (waits(r)) { /* and so do its keys: what they are to become is not out before the next version is */
		out_of_time(r);
		r->result->sign.next = r->e->state.sign_at;
		unchanged(r, source);
		return 0;
	}
	enum reason reason = REASON_KEYS_UNUSABLE;
	rc = edition_keys_begin(r->settings, r->plain, e->before, r->now, r->request->dry, &r->keys, &reason,
				r->result->why);
	if (rc == 0)
		rc = edition_keys_fill(r->keys, &r->signing, &reason, r->result->why);
	if (rc < 0)
		return refuse(r, rc, reason);
	e->keys_next = edition_keys_next(r->keys);
	rc = serial_set(r, source->serial);
	if (rc < 0)
		return refuse(r, rc, REASON_SIGNING_FAILED);
	rc = make_and_prove(r, new_source, &is_new);
	if (rc < 0)
		return rc;
	ready_look(r);
	if (is_new && (rc = edition_keys_outlive(r->keys, r->made.zone, r->result->why)) < 0)
		return refuse(r, rc, REASON_KEYS_UNUSABLE);
	if (is_new) {
		r->result->serial = r->made.zone->serial;
		r->result->records = r->made.zone->n_records;
		r->result->outcome = EDITION_PUBLISHED;
		return put_out(r, source);
	}
	unchanged(r, source);
	return 0;
}

int edition_run(struct edition *edition, const struct zone *source, const struct edition_request *request, int64_t now,
		struct edition_result *ret)
{
	struct running r = {.e = edition,
			    .settings = edition->settings,
			    .request = request,
			    .now = now,
			    .result = ret,
			    .made = {.memo = edition->memo},
			    .start_ns = clock_mono_ns()};
	*ret = (struct edition_result){.source_serial = source->serial, .serial = edition->state.serial};
	int rc = run(&r, source);
	ret->whole_ns = clock_mono_ns() - r.start_ns;
	edition_keys_mark(edition->settings, edition->keys_mark); /* while nobody else can write there */
	edition_keys_end(r.keys);
	edition_made_done(&r.made);
	zone_free(r.plain);
	return rc;
}

bool edition_asked(const struct edition *edition)
{
	char mark[EDITION_KEYS_MARK_MAX];
	edition_keys_mark(edition->settings, mark);
	return strcmp(mark, edition->keys_mark) != 0;
}

/* Signatures that are due within so many seconds are made anew in one version, the first of them so much later than it could be. */
static int64_t together(const struct edition_settings *settings)
{
	int64_t share = settings->signing.refresh_s / 8;
	return share < TOGETHER_MAX_S ? share : TOGETHER_MAX_S;
}

int64_t edition_due(const struct edition *edition, int64_t now)
{
	const struct edition_settings *s = edition->settings;
	int64_t due = edition->keys_next;
	if (!edition->state.have)
		return now;
	if (s->scheduled) { /* it does not change in between */
		struct publish_schedule schedule = edition_schedule(s);
		due = edition_version_due(edition, now).valid_until > edition->state.valid_until
			      ? now
			      : publish_schedule_next(&schedule, now);
	} else if (edition->state.sign_at != INT64_MAX && edition->state.sign_at + together(s) < due) {
		due = edition->state.sign_at + together(s);
	}
	if (s->tree[0] != '\0') {
		int64_t renewal = edition->tree_written_at + FILES_FRESH_DEFAULT_S / 8;
		due = renewal < due ? renewal : due;
	}
	return due;
}
