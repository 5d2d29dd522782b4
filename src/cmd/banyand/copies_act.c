// SPDX-License-Identifier: GPL-3.0-or-later
/* What the copy machine wants done: questions for serials, fetches, proofs. */
#include "copies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct copy_files copy_no_files = {-1, -1, -1};

void copy_files_done(struct copy *copy, struct copy_files *files)
{
	const int fd[] = {files->candidate, files->wire, files->image};
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		if (fd[i] >= 0)
			keep_incoming_done(copy->keep, fd[i]);
	*files = copy_no_files;
}

static struct pull_fetch_settings settings_of(struct copy *copy, size_t at, const struct pull_action *action)
{
	struct copy_source *source = copy->source[at];
	struct random random;
	random_init_kernel(&random);
	return (struct pull_fetch_settings){
		.source = &source->source,
		.apex = copy->apex,
		.have = action->have,
		.serial = action->serial,
		.tag = copy_tag(source),
		.refused = (const char *const *)source->refused,
		.n_refused = source->n_refused,
		.key = source->key,
		.bytes_max = copy->size_max,
		.fd = -1,
		.keep_unchanged = copy->keep_unchanged,
		.edition = copy->any_edition ? NULL : copy->edition,
		.margin_s = copy->keep_margin_s,
		.first_expiry = copy->current != NULL ? copy->current->first_expiry : 0,
		.in_force = copy->dates && (copy->current == NULL || !copy_dates_hold(copy, copy->current)),
		.seed = random_u64(&random),
		.helper = copies_helper(copy->keeper),
		.resolver = copies_resolver(copy->keeper),
	};
}

/* ---- serials ---- */

static size_t source_at(const struct copy *copy, const struct copy_source *source)
{
	for (size_t i = 0; i < copy->n_sources; i++)
		if (copy->source[i] == source)
			return i;
	return PULL_NO_SOURCE;
}

/* The same newer version is told once. */
static void kept_look(struct copy_source *source, const struct pull_fetch_result *result)
{
	struct copy *copy = source->copy;
	char until[32];
	bool again = source->kept_until != 0 && source->kept_newest == result->kept_newest;
	source->kept_newest = result->kept_newest;
	source->kept_until = result->kept_until;
	if (result->kept_until == 0 || again)
		return;
	counter_add(&copy->keeper->counters, COUNTER_COPY_KEPT, 1);
	log_info(STATION,
		 "copy of %s: %s has serial %u, which says the same as %u: that is kept, until %s at the latest",
		 copy->zone, source->source.text, result->kept_newest, result->serial,
		 clock_format(result->kept_until, until));
}

/* Unchanged, by the word of the source: what it calls that now will do the next time. */
static void unchanged_look(struct copy_source *source, const struct pull_fetch_result *result)
{
	const struct copy *copy = source->copy;
	if (result->fetched == PULL_UNCHANGED && copy->current != NULL && result->has_serial &&
	    result->serial == copy->newest_serial && result->tag[0] != '\0')
		copy_tag_set(source, result->serial, result->tag);
}

static void on_probed(void *ctx, const struct pull_fetch_result *result)
{
	struct copy_source *source = ctx;
	struct copy *copy = source->copy;
	struct pull_event event = {
		.kind = PULL_EVENT_PROBED,
		.ticket = source->ticket,
		.source = source_at(copy, source),
		.good = result->fetched == PULL_GOT || result->fetched == PULL_UNCHANGED,
		.has_serial = result->has_serial,
		.serial = result->serial,
		.ms = result->round_trip_ms,
		.expire_s = result->expire_s,
		.why = result->why,
	};
	source->probe = NULL;
	if (result->fetched == PULL_UNCHANGED && !event.has_serial && copy->current != NULL) {
		event.has_serial = true; /* what came from it last is the newest that is here */
		event.serial = copy->newest_serial;
	}
	counter_add(&copy->keeper->counters, COUNTER_COPY_BYTES, result->bytes);
	kept_look(source, result);
	unchanged_look(source, result);
	copy_registered(source, result);
	copy_tell(copy, &event);
}

static void probe_failed(struct copy *copy, const struct pull_action *action, int rc)
{
	copy_tell(copy, &(struct pull_event){.kind = PULL_EVENT_PROBED,
					     .ticket = action->ticket,
					     .source = action->source,
					     .why = error_text(rc)});
}

/* Where this daemon answers it hears NOTIFY, too; a source with register=on is told so. */
static bool hears(void *ctx, const struct addr *from, struct addr *ret)
{
	struct keeper *keeper = ctx;
	const struct config_addrs *listen = &swap_read(&keeper->swap)->config->server.listen;
	return net_source_for(from, listen->count, listen->item, ret) == 0;
}

static int probe(struct copy *copy, const struct pull_action *action)
{
	struct copy_source *source = copy->source[action->source];
	struct pull_fetch_settings settings = settings_of(copy, action->source, action);
	settings.mode = PULL_MODE_PROBE;
	settings.hears = hears;
	settings.hears_ctx = copy->keeper;
	settings.done = on_probed;
	settings.ctx = source;
	source->ticket = action->ticket;
	source->asked_ms = clock_mono_ms();
	counter_add(&copy->keeper->counters, COUNTER_COPY_PROBES, 1);
	int rc = pull_fetch_start(&copy->keeper->loop, &settings, &source->probe);
	if (rc < 0)
		source->probe = NULL;
	return rc;
}

/* ---- a candidate ---- */

/* The files of the candidate are in use, and not those of what is proved once more. */
static bool is_storing(const struct copy *copy)
{
	return copy->storing && !copy->storing_again;
}

/* It could not begin. */
static void fetch_failed(struct copy *copy, int rc)
{
	char room[KEEP_WHY_MAX] = "the version before it is still being stored";
	bool no_room = copy_room_missing(copy, room) || rc == BANYAN_EAGAIN;
	copy_tell(copy, &(struct pull_event){.kind = PULL_EVENT_FETCHED,
					     .ticket = copy->ticket,
					     .source = copy->from,
					     .fetched = no_room ? PULL_NO_ROOM : PULL_FAILED,
					     .why = no_room ? room : error_text(rc)});
}

static void on_fetched(void *ctx, const struct pull_fetch_result *result)
{
	struct copy *copy = ctx;
	char from[ADDR_TEXT_MAX], room[KEEP_WHY_MAX];
	copy->fetch = NULL;
	copy->form = result->form;
	copy->fetched_at = clock_wall_s();
	memcpy(copy->tag, result->tag, sizeof copy->tag);
	counter_add(&copy->keeper->counters, COUNTER_COPY_BYTES, result->bytes);
	counter_add(&copy->keeper->counters, COUNTER_COPY_DELTAS, copy->form == PULL_DELTA);
	if (result->fetched == PULL_GOT)
		log_info(STATION, "copy of %s: %llu bytes%s from %s%s%s%s in %u ms", copy->zone,
			 (unsigned long long)result->bytes, copy->form == PULL_DELTA ? " with a delta" : "", copy->text,
			 result->from.family != 0 ? " (" : "",
			 result->from.family != 0 ? addr_format(&result->from, true, from) : "",
			 result->from.family != 0 ? ")" : "", result->whole_ms);
	bool no_room = result->fetched == PULL_FAILED && copy_room_missing(copy, room);
	if (result->fetched != PULL_GOT)
		copy_files_done(copy, &copy->files);
	struct pull_event event = {
		.kind = PULL_EVENT_FETCHED,
		.ticket = copy->ticket,
		.source = copy->from,
		.fetched = no_room ? PULL_NO_ROOM : result->fetched,
		.has_serial = result->has_serial,
		.serial = result->serial,
		.ms = result->whole_ms,
		.expire_s = result->expire_s,
		.why = no_room ? room : result->why,
	};
	if (copy->from < copy->n_sources) {
		kept_look(copy->source[copy->from], result);
		unchanged_look(copy->source[copy->from], result);
	}
	copy_tell(copy, &event);
}

static int fetch(struct copy *copy, const struct pull_action *action)
{
	struct pull_fetch_settings settings = settings_of(copy, action->source, action);
	copy->ticket = action->ticket;
	if (is_storing(copy)) /* the machine has given it up, but the disk has not: its files are in use */
		return BANYAN_EAGAIN;
	copy->from = action->source;
	copy->base_serial = action->serial;
	snprintf(copy->text, sizeof copy->text, "%.250s", copy->source[action->source]->source.text);
	copy_files_done(copy, &copy->files);
	copy->files.candidate = settings.fd = keep_incoming(copy->keep);
	if (settings.fd < 0)
		return settings.fd;
	settings.mode = action->changes ? PULL_MODE_CHANGES : PULL_MODE_WHOLE;
	settings.done = on_fetched;
	settings.ctx = copy;
	counter_add(&copy->keeper->counters, COUNTER_COPY_FETCHES, 1);
	int rc = pull_fetch_start(&copy->keeper->loop, &settings, &copy->fetch);
	if (rc < 0)
		copy->fetch = NULL;
	return rc;
}

/* ---- its proof ---- */

static enum prove_form form_of(enum pull_form form)
{
	switch (form) {
	case PULL_WIRE:
		return PROVE_WIRE;
	case PULL_CHANGES:
		return PROVE_CHANGES;
	case PULL_DELTA:
		return PROVE_DELTA;
	default:
		return PROVE_TEXT;
	}
}

static enum pull_verdict verdict_of(const struct prove_reply *reply)
{
	switch (reply->error) {
	case 0:
		return PULL_GOOD;
	case BANYAN_EPROOF:
	case BANYAN_EMALF:
	case BANYAN_ELIMIT:
	case BANYAN_EINVAL:
	case BANYAN_EUNSUPP:
		return PULL_BAD;
	case BANYAN_EAGAIN:
		return PULL_CHANGES_MISFIT;
	default:
		return PULL_OURS;
	}
}

/* A child that crashed, ran out of its limits or tried what it may not has met a candidate made for that. */
static enum pull_verdict verdict_of_child(int error)
{
	return error == BANYAN_EIO ? PULL_OURS : PULL_BAD;
}

static void on_proved(void *ctx, int error, const uint8_t *reply, size_t len)
{
	struct copy *copy = ctx;
	struct pull_version version;
	char room[KEEP_WHY_MAX];
	struct pull_event event = {.kind = PULL_EVENT_PROVED, .ticket = copy->ticket, .source = copy->from};
	copy->proof = NULL;
	if (error == 0)
		error = prove_reply_read(reply, len, &copy->reply) < 0 ? BANYAN_EOTHER : 0;
	if (error < 0) {
		event.verdict = verdict_of_child(error);
		event.why = len > 0 && reply != NULL ? (const char *)reply
						     : "the process that proves it ended without a word";
	} else {
		event.verdict = verdict_of(&copy->reply);
		event.why = copy->reply.words;
		version = (struct pull_version){
			.serial = copy->reply.serial,
			.refresh_s = copy->reply.refresh_s,
			.retry_s = copy->reply.retry_s,
			.expire_s = copy->reply.expire_s,
			.first_expiry = copy->reply.first_expiry,
			.valid_from = copy->reply.edition.valid_from,
			.valid_until = copy->reply.edition.valid_until,
		};
		event.version = &version;
	}
	if (event.verdict == PULL_OURS && copy_room_missing(copy, room))
		event.why = room;
	if (event.verdict == PULL_BAD) {
		counter_add(&copy->keeper->counters, COUNTER_COPY_REFUSED, 1);
		copy_source_refused(copy->source[copy->from], copy->tag);
	}
	copy_tell(copy, &event);
}

static int prove(struct copy *copy, const struct pull_action *action)
{
	char why[KEEP_WHY_MAX];
	bool apart = copy->form == PULL_CHANGES || copy->form == PULL_DELTA;
	copy->ticket = action->ticket;
	if (copy->storing) /* what was kept, proved once more: one at a time */
		return BANYAN_EAGAIN;
	uint64_t from = apart ? copy_generation_of(copy, copy->base_serial) : 0;
	int base = from != 0 ? keep_open_wire(copy->keep, from, why) : -1;
	copy->files.wire = keep_incoming(copy->keep);
	copy->files.image = keep_incoming(copy->keep);
	int rc = copy_prove_ask(copy, &copy->files, base, form_of(copy->form), on_proved, &copy->proof);
	if (base >= 0)
		close(base);
	return rc;
}

static void prove_failed(struct copy *copy, int rc)
{
	char room[KEEP_WHY_MAX];
	bool no_room = copy_room_missing(copy, room);
	copy_tell(copy, &(struct pull_event){.kind = PULL_EVENT_PROVED,
					     .ticket = copy->ticket,
					     .source = copy->from,
					     .verdict = PULL_OURS,
					     .why = no_room ? room : error_text(rc)});
}

static void drop(struct copy *copy)
{
	copy_job_end(&copy->proof);
	copy_files_done(copy, &copy->files);
}

static void cancel(struct copy *copy, const struct pull_action *action)
{
	for (size_t i = 0; i < copy->n_sources; i++) {
		struct copy_source *source = copy->source[i];
		if (source->probe != NULL && source->ticket == action->ticket) {
			copy_fetch_end(&source->probe);
			return;
		}
	}
	if (copy->ticket != action->ticket || is_storing(copy))
		return;
	copy_fetch_end(&copy->fetch);
	drop(copy);
}

/* Not what is being stored: that comes to its end. */
void copy_abandon(struct copy *copy)
{
	for (size_t i = 0; i < copy->n_sources; i++) {
		copy_fetch_end(&copy->source[i]->probe);
	}
	copy_fetch_end(&copy->fetch);
	if (!is_storing(copy))
		drop(copy);
}

/* ---- what it tells ---- */

static void state_tell(struct copy *copy, const struct pull_action *action)
{
	static const enum log_level level[] = {
		[PULL_EMPTY] = LOG_LEVEL_INFO,   [PULL_CURRENT] = LOG_LEVEL_NOTICE, [PULL_LAGGING] = LOG_LEVEL_WARNING,
		[PULL_HELD] = LOG_LEVEL_WARNING, [PULL_EXPIRED] = LOG_LEVEL_ERROR,  [PULL_EARLY] = LOG_LEVEL_ERROR,
	};
	bool ended = action->state == PULL_EXPIRED || action->state == PULL_EARLY;
	const char *then = !ended               ? ""
			   : copy->for_resolver ? "; the root servers are asked"
						: "; its names get SERVFAIL";
	const char *colon = action->text[0] != 0 ? ": " : "";
	char serial[32] = "";
	if (action->have)
		snprintf(serial, sizeof serial, " (serial %u)", action->serial);
	log_write(level[action->state], STATION, "copy of %s%s: %s%s%s%s%s", copy->zone,
		  copy->for_resolver ? " for the resolver" : "", pull_state_text(action->state), serial, colon,
		  action->text, then);
	counter_add(&copy->keeper->counters, COUNTER_COPY_EXPIRED, action->state == PULL_EXPIRED);
}

static void note(struct copy *copy, const struct pull_action *action)
{
	bool known = action->source < copy->n_sources;
	log_write(action->warning ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, STATION, "copy of %s: %s%s%s", copy->zone,
		  known ? copy->source[action->source]->source.text : "", known ? ": " : "", action->text);
}

static void one(struct copy *copy, const struct pull_action *action)
{
	int rc;
	switch (action->kind) {
	case PULL_PROBE:
		rc = probe(copy, action);
		if (rc < 0)
			probe_failed(copy, action, rc);
		break;
	case PULL_FETCH:
		rc = fetch(copy, action);
		if (rc < 0)
			fetch_failed(copy, rc);
		break;
	case PULL_PROVE:
		rc = prove(copy, action);
		if (rc < 0)
			prove_failed(copy, rc);
		break;
	case PULL_TURN:
		copy_turn(copy, action);
		break;
	case PULL_ADOPT:
		copy->ticket = action->ticket;
		copy->storing_ahead = action->ahead;
		copy_store_add(copy, false);
		break;
	case PULL_DROP:
		drop(copy);
		break;
	case PULL_CANCEL:
		cancel(copy, action);
		break;
	case PULL_STATE:
		state_tell(copy, action);
		break;
	case PULL_NOTE:
		note(copy, action);
		break;
	case PULL_CONFIRMED:
		copy_store_confirmed(copy);
		break;
	}
}

void copy_carry_out(struct copy *copy, const struct pull_actions *actions)
{
	for (size_t i = 0; i < actions->n && !copy->gone; i++)
		one(copy, &actions->item[i]);
}
