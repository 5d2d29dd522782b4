// SPDX-License-Identifier: GPL-3.0-or-later
/* What a copy keeps: its generations on disk, the one in use mapped from there, and what is proved once more after a restart. */
#include "copies.h"
#include "publisher.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIRMED_MAX 256 /* bytes of the file that says when a source last confirmed which serial */

/* ---- when a source last confirmed it ---- */

static bool confirmed_path(const struct copy *copy, char out[PATH_MAX])
{
	return snprintf(out, PATH_MAX, "%s/confirmed", copy->store) < PATH_MAX;
}

/* "SERIAL UNIX-SECONDS ON-LOOPBACK": of another version than the current one it says nothing. */
static void confirmed_read(const struct copy *copy, const struct keep_about *about, int64_t *ret_at, bool *ret_loopback)
{
	_cleanup_(base_free) uint8_t *text = NULL;
	char path[PATH_MAX];
	size_t len;
	unsigned serial, loopback;
	long long at;
	*ret_at = about->fetched_at;
	*ret_loopback = false;
	if (!confirmed_path(copy, path) || file_read(path, CONFIRMED_MAX, &text, &len) < 0 ||
	    sscanf((const char *)text, "%u %lld %u", &serial, &at, &loopback) != 3 || serial != about->serial)
		return;
	*ret_loopback = loopback != 0;
	if (at > *ret_at && at <= clock_wall_s())
		*ret_at = at;
}

void copy_confirmed_write(struct copy *copy)
{
	char path[PATH_MAX], text[CONFIRMED_MAX];
	if (copy->current == NULL || !confirmed_path(copy, path))
		return;
	int len = snprintf(text, sizeof text, "%u %lld %u\n", copy->current->serial, (long long)copy->confirmed_at,
			   copy->current->on_loopback);
	if (file_write_atomic(path, text, (size_t)len) < 0)
		log_warning(STATION,
			    "copy of %s: %s cannot be written: %s%s; after a restart it counts as older than it is",
			    copy->zone, path, strerror(errno), file_advice(errno));
	copy->confirmed_written = copy->confirmed_at;
}

void copy_store_confirmed(struct copy *copy)
{
	copy->confirmed_at = clock_wall_s();
	if (copy->confirmed_at - copy->confirmed_written >= COPY_WRITE_DOWN_S ||
	    copy->confirmed_at < copy->confirmed_written)
		copy_confirmed_write(copy);
}

/* ---- a generation becomes what workers answer from ---- */

static struct loaded *loaded_new(const struct copy *copy, const struct keep_about *about)
{
	struct loaded *loaded = calloc(1, sizeof *loaded);
	if (loaded == NULL)
		return NULL;
	snprintf(loaded->own_name, sizeof loaded->own_name, "%s", copy->zone);
	snprintf(loaded->own_file, sizeof loaded->own_file, "%s", about->source);
	loaded->own = (struct config_zone){.name = loaded->own_name, .file = loaded->own_file, .prove = copy->prove};
	loaded->from = &loaded->own;
	loaded->users = 1;
	loaded->copied = true;
	loaded->prove = copy->prove;
	loaded->proved = true;
	loaded->serial = about->serial;
	loaded->records = about->records;
	loaded->loaded_at = about->fetched_at;
	loaded->first_expiry = about->first_expiry;
	loaded->last_inception = about->last_inception;
	loaded->expire_s = about->expire_s;
	snprintf(loaded->proof, sizeof loaded->proof, "%s", about->proof);
	loaded->edition.valid_from = about->valid_from;
	loaded->edition.valid_until = about->valid_until;
	snprintf(loaded->edition.name, sizeof loaded->edition.name, "%s", about->edition);
	return loaded;
}

/* NULL: `why`. */
static struct loaded *loaded_map(struct copy *copy, uint64_t number, char why[KEEP_WHY_MAX])
{
	const struct keep_about *about = keep_about_of(copy->keep, number);
	struct loaded *loaded = about == NULL ? NULL : loaded_new(copy, about);
	snprintf(why, KEEP_WHY_MAX, "out of memory");
	if (loaded == NULL)
		return NULL;
	int rc = keep_map(copy->keep, number, KEEP_IMAGE, &loaded->mapped, why);
	if (rc == 0 && loaded->mapped.image == NULL) {
		snprintf(why, KEEP_WHY_MAX, "it has no image");
		rc = BANYAN_ENOENT;
	}
	if (rc == 0) {
		rc = image_open(loaded->mapped.image, loaded->mapped.image_len, &loaded->image);
		snprintf(why, KEEP_WHY_MAX, "its image cannot be used: %s", error_text(rc));
	}
	if (rc == 0)
		return loaded;
	loaded->image = NULL;
	loaded_release(loaded);
	return NULL;
}

int copy_store_use(struct copy *copy, uint64_t number, char why[KEEP_WHY_MAX])
{
	struct loaded *fresh = loaded_map(copy, number, why);
	if (fresh == NULL)
		return BANYAN_EIO;
	if (copy->ahead.serial == fresh->serial)
		fresh->on_loopback = copy->ahead.on_loopback;
	else if (copy->current != NULL)
		fresh->on_loopback = copy->current->on_loopback;
	copy->confirmed_at = fresh->loaded_at;
	int rc = copy_publish(copy, fresh);
	if (rc == 0 && copy->keeper->publisher != NULL && copy->newest == number) {
		char unread[KEEP_WHY_MAX]; /* the publisher goes without it then */
		publisher_offer_kept(copy->keeper, copy->apex, keep_open_wire(copy->keep, number, unread));
	}
	return rc;
}

int copy_store_open(struct copy *copy, bool tell)
{
	char why[KEEP_WHY_MAX];
	struct keep_settings settings = {.generations_max = copy->generations};
	int rc = keep_open(copy->store, copy->apex, &settings, &copy->keep, why);
	if (rc < 0) {
		copy->keep = NULL;
		if (tell)
			log_error(STATION, "copy of %s: its store cannot be used: %s; reload when that is done",
				  copy->zone, why);
		return rc;
	}
	uint64_t number = keep_current(copy->keep);
	if (number == 0)
		return 0;
	copy->current = loaded_map(copy, number, why);
	if (copy->current == NULL) {
		log_warning(STATION, "copy of %s: generation %llu is made anew: %s", copy->zone,
			    (unsigned long long)number, why);
		return 0;
	}
	confirmed_read(copy, keep_about_of(copy->keep, number), &copy->confirmed_at, &copy->current->on_loopback);
	copy->confirmed_written = copy->confirmed_at;
	copy_newest_look(copy);
	copy->ended = copy->current->ended = !copy_dates_hold(copy, copy->current);
	if (!copy->ended)
		log_notice(STATION, "copy of %s: serial %u from %s is in use at once; it is proved once more meanwhile",
			   copy->zone, copy->current->serial, copy->store);
	return 0;
}

void copy_store_start(struct copy *copy, struct pull_event *event, struct pull_version *version)
{
	const struct keep_about *about =
		copy->current == NULL ? NULL : keep_about_of(copy->keep, keep_current(copy->keep));
	event->has_floor = keep_highest(copy->keep, &event->floor);
	if (about == NULL)
		return;
	*version = copy_version_of(about);
	copy_shelf_fill(copy, event);
	event->version = version;
	event->confirmed_at = copy->confirmed_at;
}

/* ---- a proof is asked for ---- */

/* What is trusted now, keys that have rolled included. */
bool copy_anchors(struct copy *copy, struct dnssec_anchors *ret)
{
	struct keeper *keeper = copy->keeper;
	const struct generation *g = swap_read(&keeper->swap);
	memset(ret, 0, sizeof *ret);
	if (copy->own_anchors || keeper->workers.shared_anchors == NULL) {
		const struct dnssec_anchors *from = copy->own_anchors ? &copy->anchors : &g->trusted;
		for (size_t i = 0; i < from->count; i++)
			if (dnssec_anchors_add(ret, from->item[i].owner, from->item[i].type,
					       &(struct wire_rdata){from->item[i].rdata, from->item[i].len}) < 0)
				return false;
		return true;
	}
	return resolve_anchors_trusted(keeper->workers.shared_anchors, &g->anchors, g->config->root.anchors_roll,
				       ret) == 0;
}

struct prove_settings copy_how_to_prove(const struct copy *copy, const struct dnssec_anchors *anchors)
{
	return (struct prove_settings){
		.form = PROVE_WIRE,
		.apex = copy->apex,
		.prove = copy->prove,
		.require_zonemd = copy->require_zonemd,
		.known_only = copy->apex[0] == 0,
		.edition = copy->any_edition ? NULL : copy->edition,
		.anchors = anchors,
	};
}

int copy_prove_ask(struct copy *copy, const struct copy_files *files, int base, enum prove_form form,
		   void (*done)(void *ctx, int error, const uint8_t *reply, size_t len), struct attendant_job **ret)
{
	_cleanup_(buffer_done) struct buffer request = {0};
	struct dnssec_anchors anchors;
	if (files->wire < 0 || files->image < 0)
		return BANYAN_ELIMIT;
	if (copy->keeper->attendant == NULL)
		return BANYAN_EIO;
	if (!copy_anchors(copy, &anchors)) {
		dnssec_anchors_done(&anchors);
		return BANYAN_ENOMEM;
	}
	struct prove_settings prove = copy_how_to_prove(copy, &anchors);
	prove.form = form;
	prove.now = clock_wall_s();
	prove.bytes_max = copy->size_max;
	copy->proved_as = copy_proof_mark(copy, &anchors);
	int rc = prove_request_write(&prove, &request);
	dnssec_anchors_done(&anchors);
	if (rc < 0)
		return rc;
	struct attendant_job_settings job = {
		.kind = ATTENDANT_PROVE,
		.request = request.data,
		.request_len = request.len,
		.fd = {files->candidate, base, files->wire, files->image},
		.n_fds = 4,
		.time_max_ms = COPY_PROVE_MS,
		.done = done,
		.ctx = copy,
	};
	return attendant_ask(copy->keeper->attendant, &job, ret);
}

/* ---- adding: in a thread of the pool, since it waits for the disk ---- */

static void about_fill(const struct copy *copy, const struct prove_reply *reply, struct keep_about *about)
{
	*about = (struct keep_about){
		.serial = reply->serial,
		.fetched_at = copy->fetched_at,
		.proved_at = clock_wall_s(),
		.first_expiry = reply->first_expiry,
		.last_inception = reply->last_inception,
		.refresh_s = reply->refresh_s,
		.retry_s = reply->retry_s,
		.expire_s = reply->expire_s,
		.records = reply->records,
		.zonemd_len = reply->zonemd_len,
		.zonemd_scheme = reply->zonemd_scheme,
		.zonemd_algorithm = reply->zonemd_algorithm,
		.valid_from = reply->edition.valid_from,
		.valid_until = reply->edition.valid_until,
	};
	snprintf(about->edition, sizeof about->edition, "%s", reply->edition.name);
	memcpy(about->zonemd, reply->zonemd, sizeof about->zonemd);
	snprintf(about->source, sizeof about->source, "%s", copy->text);
	snprintf(about->proof, sizeof about->proof, "%s", reply->proof);
}

/* For the publisher, if the zone is to be published, and for transfers: who is told of it shall get it. */
static void wire_take(struct copy *copy, uint64_t number)
{
	struct keep_mapped mapped = {0};
	char why[KEEP_WHY_MAX];
	if (!copy->publish && !copy->storing_gives)
		return;
	if (keep_map(copy->keep, number, KEEP_WIRE, &mapped, why) < 0) {
		log_warning(STATION, "copy of %s: it is not passed on: %s", copy->zone, why);
		return;
	}
	if (copy->publish && buffer_append(&copy->fresh->wire, mapped.wire, mapped.wire_len) < 0)
		log_warning(STATION, "copy of %s: no memory to publish it", copy->zone);
	if (copy->storing_gives)
		copy->fresh->push = copy_give_make(copy, &copy->storing_journal, mapped.wire, mapped.wire_len);
	keep_unmap(&mapped);
}

static void store_work(uv_work_t *work)
{
	struct copy *copy = work->data;
	struct copy_files *files = copy->storing_again ? &copy->again_files : &copy->files;
	const struct keep_about *about = &copy->storing_about;
	uint64_t number = 0;
	uint32_t highest;
	background_begin();
	copy->fresh = NULL;
	copy->store_rc = 0;
	/* the machine has decided that it may be older: by the operator's word */
	if (!copy->storing_again && keep_highest(copy->keep, &highest) && highest != about->serial &&
	    !sync_serial_newer(about->serial, highest))
		copy->store_rc = keep_forget_highest(copy->keep, copy->store_why);
	if (copy->store_rc == 0)
		copy->store_rc = (copy->storing_ahead ? keep_add_ahead : keep_add)(
			copy->keep, about, files->wire, files->image, &number, copy->store_why);
	copy_files_done(copy, files);
	if (copy->store_rc < 0 || copy->storing_ahead)
		return;
	copy->fresh = loaded_map(copy, number, copy->store_why);
	if (copy->fresh == NULL)
		copy->store_rc = BANYAN_EIO;
	else
		copy->fresh->on_loopback = copy->reply.on_loopback;
	if (copy->fresh != NULL)
		wire_take(copy, number);
}

static void store_tell(struct copy *copy)
{
	bool again = copy->storing_again, good = copy->store_rc == 0;
	copy_room_stored(copy, good, copy->store_why);
	struct pull_event event = {.kind = PULL_EVENT_STORED,
				   .ticket = copy->ticket,
				   .source = copy->from,
				   .good = good,
				   .why = copy->store_why};
	copy->storing_again = copy->storing_ahead = false;
	if (!again) {
		copy_tell(copy, &event);
	} else if (good) {
		struct pull_version version;
		event = (struct pull_event){.kind = PULL_EVENT_START};
		copy_store_start(copy, &event, &version);
		copy_tell(copy, &event);
	}
}

/* In use from now on, and written down; then the machine hears of it. */
static void store_end(struct copy *copy)
{
	copy->stored = false;
	if (copy->store_rc == 0 && copy->storing_ahead) {
		copy_ahead_stored(copy);
		copy_confirmed_write(copy);
	} else if (copy->store_rc == 0) {
		if (!copy->storing_again) {
			copy->confirmed_at = clock_wall_s();
			counter_add(&copy->keeper->counters, COUNTER_COPY_ADOPTED, 1);
			if (copy->from < copy->n_sources)
				copy_tag_set(copy->source[copy->from], copy->fresh->serial, copy->tag);
			log_notice(STATION, "copy of %s: serial %u from %s, %zu records, %s", copy->zone,
				   copy->fresh->serial, copy->text, copy->fresh->records, copy->fresh->proof);
		}
		copy->store_rc = copy_publish(copy, copy->fresh);
		snprintf(copy->store_why, sizeof copy->store_why, "%s", error_text(copy->store_rc));
		copy->fresh = NULL;
		copy_confirmed_write(copy);
	}
	store_tell(copy);
	if (copy->again_later && !copy->keeper->reloading)
		copy_prove_again(copy);
}

static void store_done(uv_work_t *work, int status)
{
	struct copy *copy = work->data;
	copy->storing = false;
	if (copy->gone || copy->keeper->stopping) {
		loaded_release(copy->fresh);
		copy->fresh = NULL;
		copy_free_if_done(copy);
		return;
	}
	copy->stored = true;
	if (!copy->keeper->reloading)
		store_end(copy);
}

void copies_publish(struct keeper *keeper)
{
	for (struct copy *copy = keeper->copies; copy != NULL; copy = copy->next) {
		copy_give_end(copy);
		if (copy->stored)
			store_end(copy);
		if (copy->again_later)
			copy_prove_again(copy);
	}
}

void copy_again_stop(struct copy *copy)
{
	copy->again_later = false;
	copy_job_end(&copy->again);
	copy_files_done(copy, &copy->again_files);
}

void copy_store_add(struct copy *copy, bool again)
{
	sigset_t all, before;
	copy->storing_ahead = copy->storing_ahead && !again;
	if (!again && !copy->storing_ahead && copy->again != NULL) /* what is newer takes its place anyway */
		copy_again_stop(copy);
	copy->storing = true;
	copy->storing_again = again;
	copy->storing_gives = copy->gives;
	copy->storing_journal = copy->journal;
	about_fill(copy, &copy->reply, &copy->storing_about); /* before the next fetch writes over it */
	copy->storing_about.number = again ? copy->again_number : 0;
	copy->work.data = copy;
	sigfillset(&all); /* as in reload.c: the pool's threads take no signals */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int err = uv_queue_work(&copy->keeper->loop, &copy->work, store_work, store_done);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err == 0)
		return;
	copy->storing = false;
	copy->store_rc = BANYAN_ENOMEM;
	snprintf(copy->store_why, sizeof copy->store_why, "out of memory");
	copy_files_done(copy, again ? &copy->again_files : &copy->files);
	store_tell(copy);
}

/* ---- once more, after a restart: the anchors may be others, and the disk may have lied ---- */

/* What does not prove any more is not used, whatever that costs; the one before it is tried. It stays on disk: the anchors may be wrong, and
 * be mended. */
static void again_failed(struct copy *copy, const char *why)
{
	char words[KEEP_WHY_MAX];
	struct pull_event event = {.kind = PULL_EVENT_START};
	struct pull_version version;
	uint64_t number = copy->again_number, older = 0;
	log_error(STATION, "copy of %s: generation %llu does not prove any more and is not used: %s", copy->zone,
		  (unsigned long long)number, why);
	copy_bar(copy, number);
	for (size_t i = 0; older == 0 && i < keep_count(copy->keep); i++)
		if (keep_about_at(copy->keep, i)->number < number)
			older = keep_about_at(copy->keep, i)->number;
	struct loaded *fresh = NULL;
	if (older != 0 && keep_roll_back(copy->keep, older, words) == 0)
		fresh = loaded_map(copy, older, words);
	if (older == 0 &&
	    keep_count(copy->keep) > 0) /* none of them proves: when that is mended, the newest is to be used */
		(void)!keep_roll_back(copy->keep, keep_about_at(copy->keep, 0)->number, words);
	if (fresh != NULL) {
		copy->confirmed_at = fresh->loaded_at;
		log_warning(STATION, "copy of %s: serial %u, the one before it, is used instead", copy->zone,
			    fresh->serial);
	}
	copy->ended = fresh == NULL;
	if (copy_publish(copy, fresh) < 0)
		log_error(STATION, "copy of %s: out of memory", copy->zone);
	if (fresh == NULL) {
		loaded_release(copy->current);
		copy->current = NULL;
	}
	copy_store_start(copy, &event, &version);
	copy_tell(copy, &event);
	if (fresh != NULL)
		copy_prove_again(copy);
}

static void again_good(struct copy *copy)
{
	const struct keep_about *was = keep_about_of(copy->keep, copy->again_number);
	char why[KEEP_WHY_MAX];
	if (was == NULL)
		return;
	struct keep_about about = *was;
	about.proved_at = clock_wall_s();
	about.first_expiry = copy->reply.first_expiry;
	about.last_inception = copy->reply.last_inception;
	about.valid_from = copy->reply.edition.valid_from;
	about.valid_until = copy->reply.edition.valid_until;
	snprintf(about.edition, sizeof about.edition, "%s", copy->reply.edition.name);
	bool dated_anew = about.valid_from != was->valid_from || about.valid_until != was->valid_until;
	snprintf(about.proof, sizeof about.proof, "%s", copy->reply.proof);
	if (keep_update(copy->keep, &about, why) < 0)
		log_warning(STATION, "copy of %s: %s", copy->zone, why);
	if (copy->current != NULL) {
		log_info(STATION, "copy of %s: serial %u proved once more", copy->zone, about.serial);
		copy_files_done(copy, &copy->again_files);
		if (dated_anew) /* it was kept by a version of this program that did not look at dates */
			copy_dated_anew(copy);
		return;
	}
	/* its image was of no use: the new one takes its place */
	copy->fetched_at = was->fetched_at;
	snprintf(copy->text, sizeof copy->text, "%s", was->source);
	copy_store_add(copy, true);
}

static void on_again(void *ctx, int error, const uint8_t *reply, size_t len)
{
	struct copy *copy = ctx;
	struct prove_reply *was = &copy->reply;
	char room[KEEP_WHY_MAX];
	copy->again = NULL;
	if (copy->proof != NULL || copy->storing || keep_current(copy->keep) != copy->again_number) {
		copy_files_done(copy,
				&copy->again_files); /* something newer is on its way, which may come to nothing */
		copy->again_later = true;
		return;
	}
	if (error == 0 && prove_reply_read(reply, len, was) < 0)
		error = BANYAN_EOTHER;
	/* it did prove once: a process that was killed, for want of memory as a rule, or met a limit, says nothing against it */
	bool ours = error != 0 || (was->error != 0 && was->error != BANYAN_EPROOF && was->error != BANYAN_EMALF);
	if (error == 0 && was->error == 0) {
		again_good(copy);
		return;
	}
	if (copy->keeper
		    ->reloading) { /* what comes out of it would bring the version back; and the anchors may be others then */
		copy_files_done(copy, &copy->again_files);
		copy->again_later = true;
		return;
	}
	const char *why = error != 0 ? (len > 0 ? (const char *)reply : error_text(error)) : was->words;
	if (ours && copy_room_missing(copy, room))
		why = room;
	copy_files_done(copy, &copy->again_files);
	if (ours || (error == 0 && was->dated_until != 0))
		log_warning(STATION, "copy of %s: what is kept cannot be proved once more: %s", copy->zone, why);
	else
		again_failed(copy, why);
}

void copy_prove_again(struct copy *copy)
{
	char why[KEEP_WHY_MAX];
	uint64_t number = keep_current(copy->keep);
	if (number == 0 || copy->again != NULL || copy->storing)
		return;
	int wire = keep_open_wire(copy->keep, number, why);
	if (wire < 0) {
		log_warning(STATION, "copy of %s: %s", copy->zone, why);
		return;
	}
	copy->again_later = false;
	copy->again_number = number;
	copy->again_files = (struct copy_files){wire, keep_incoming(copy->keep), keep_incoming(copy->keep)};
	int rc = copy_prove_ask(copy, &copy->again_files, -1, PROVE_WIRE, on_again, &copy->again);
	close(wire);
	copy->again_files.candidate = -1;
	if (rc < 0) {
		copy->again = NULL;
		copy_files_done(copy, &copy->again_files);
		log_warning(STATION, "copy of %s: what is kept cannot be proved once more: %s", copy->zone,
			    copy_room_missing(copy, why) ? why : error_text(rc));
	}
}
