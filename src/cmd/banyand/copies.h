// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Zones that come from sources; between the files copies*.c. The copy machine (sync/pull) decides, this carries out: questions and fetches on
 * the keeper's loop, proofs in a confined child, the store on disk, and the generation that workers answer from.
 */
#pragma once

#include "daemon.h"
#include "attendant.h"
#include "prover.h"
#include "sync/pull/pull.h"

#define COPY_REFUSED_MAX                                                                                               \
	8 /* candidates of one source that did not prove, by their tags: DIR goes on to the next file */
#define COPY_WRITE_DOWN_S 600      /* between two times that a confirmation is written to disk */
#define COPY_LOOK_MS      60000    /* between two looks at the clocks */
#define COPY_PROVE_MS     1800000u /* of a proof: a zone of ten million names takes a quarter of it on a slow machine */

/* A version in use that is made ready for transfers, in a thread of libuv's pool (copies_give.c). */
struct copy_give {
	uv_work_t work;
	bool running, ready; /* ready: waits for the end of a reload */
	int fd;              /* of its wire form */
	struct transfers_journal journal;
	struct loaded *loaded;
	struct push_version *version; /* NULL = it did not come to that */
};

/* What stat() says of a file; all 0: there is none. Of a folder its files say it. */
struct copy_place {
	uint64_t device, inode;
	int64_t size, changed_s, changed_ns;
	uint64_t files; /* pull_folder_mark() */
};

/* One source, and what is under way with it. */
struct copy_source {
	struct copy *copy;
	struct pull_source source;
	struct wire_tsig_key *key; /* NULL = none */
	char tag[PULL_TAG_MAX];    /* of what it had when it last had the version with this serial, which had proved */
	uint32_t tag_serial;
	uint32_t kept_newest; /* it has a newer version that says the same, and was not fetched */
	int64_t kept_until;   /* UNIX seconds; 0 = it has not */
	char *refused[COPY_REFUSED_MAX];
	size_t n_refused;
	struct pull_fetch *probe;
	uint32_t ticket; /* of that */
	int64_t asked_ms;
	struct {
		int64_t until_ms;   /* 0 = it does not tell us of new versions */
		struct addr by, at; /* who does, and where we hear it */
	} registered;
	struct copy_place seen,
		told;    /* of file: and dir:, at the last look; when the copy machine was last told of it */
	int64_t look_ms; /* dir: no look before this */
};

/* A list of sources that is fetched itself. */
struct copy_list {
	struct copy_list *next;
	struct copy *copy;
	struct pull_source source;
	struct pull_list_state state;
	struct pull_fetch *fetch;
	int fd;
	bool wanted; /* copy_sources_set(): it is configured */
};

struct copy_files {
	int candidate, wire, image; /* -1 = none */
};

struct copy {
	struct copy *next;
	struct keeper *keeper;
	bool is_root;      /* the root copy, or a zone that is served */
	bool for_resolver; /* the resolver's root comes from it: the root copy, or the served root */
	char zone[WIRE_NAME_TEXT_MAX];
	uint8_t apex[WIRE_NAME_MAX];
	bool gone, closed; /* freed when nothing is under way */
	uv_timer_t timer;
	struct pull_copy *machine;
	int64_t looked_ms, looked_off_s; /* off: of the wall clock from the other one */
	bool told_empty;

	/* of the configuration */
	char store[PATH_MAX];
	unsigned generations;
	uint64_t size_max;
	enum config_prove prove;
	bool require_zonemd, own_anchors, publish, gives; /* gives: by transfer */
	bool dates;                                       /* those of its versions are kept */
	bool keep_unchanged;
	uint32_t keep_margin_s;
	bool any_edition; /* else: */
	char edition[ZONE_EDITION_MAX];
	struct transfers_journal journal;
	struct dnssec_anchors anchors; /* own_anchors; else those of the daemon */
	size_t n_sources;
	struct copy_source **source;
	struct copy_list *lists;

	/* the store, and what is in use */
	struct keep *keep;
	struct loaded *current; /* NULL = nothing */
	uint64_t offered;       /* to the publisher, its number */
	uint64_t newest;        /* number of what is given on as files: in use, or kept for its time; 0 = none */
	uint32_t newest_serial; /* its serial */
	struct {
		uint32_t serial;
		bool on_loopback;
	} ahead;                                   /* what was stored for later last */
	struct pull_version shelf[PULL_SHELF_MAX]; /* for events: versions with dates that are kept */
	uint64_t barred_first,
		barred_last; /* numbers of generations that did not prove once more: not from the shelf */
	int64_t confirmed_at, confirmed_written;
	bool ended; /* may not be used any more */
	enum reason trouble,
		trouble_told; /* what clients are told of its state (RFC 8914): as it is, and as workers know it */
	bool unwritable;      /* the store: told of already */

	/* a candidate on its way */
	struct pull_fetch *fetch;
	uint32_t ticket;
	size_t from;
	uint32_t base_serial; /* what changes begin at */
	struct copy_files files;
	enum pull_form form;
	char tag[PULL_TAG_MAX], text[KEEP_SOURCE_MAX];
	int64_t fetched_at;
	struct attendant_job *proof;
	struct prove_reply reply;

	/* what is kept, proved once more */
	struct attendant_job *again;
	struct copy_files again_files;
	uint64_t again_number;
	bool again_later;   /* at the end of the reload, or of what is being stored */
	uint64_t proved_as; /* how, and with which anchors, proofs were asked for last */

	struct copy_give give;

	/* in a thread of libuv's pool: the store takes it */
	uv_work_t work;
	bool storing, stored; /* stored: waits for the end of a reload */
	bool storing_again;   /* what was proved once more */
	bool storing_ahead;   /* what has its time before it */
	bool storing_gives;   /* gives and journal, as they were when it began */
	struct transfers_journal storing_journal;
	struct keep_about storing_about;
	int store_rc;
	char store_why[KEEP_WHY_MAX];
	struct loaded *fresh;
};

static inline void copy_job_end(struct attendant_job **job)
{
	if (*job != NULL)
		attendant_cancel(*job);
	*job = NULL;
}
static inline void copy_fetch_end(struct pull_fetch **fetch)
{
	if (*fetch != NULL)
		pull_fetch_cancel(*fetch);
	*fetch = NULL;
}

/* ---- copies_give.c ---- */
/* Ready for transfers, if that goes; any thread. */
struct push_version *copy_give_make(const struct copy *copy, const struct transfers_journal *journal,
				    const uint8_t *wire, size_t len);
void copy_give_look(struct copy *copy); /* makes the version in use ready if it shall be and is not */
void copy_give_end(struct copy *copy);  /* no reload is under way: takes what has become ready */
void copy_give_free(struct copy *copy);

/* ---- copies.c ---- */
void copy_tell(struct copy *copy, const struct pull_event *event);
void copy_tell_kind(struct copy *copy, enum pull_event_kind kind);
void copy_free_if_done(struct copy *copy);
struct copy *copies_find(struct keeper *keeper, const char *zone); /* NULL = the root copy */
struct pull_now copy_now(void);

/* ---- copies_config.c ---- */
struct copy_plan {
	const char *zone; /* presentation form */
	bool is_root;
	const struct config_copy *copy;
	const struct config_zone *from; /* NULL: the root copy */
};
/* Copy number i of a configuration; false: there are no more. */
bool copies_plan(const struct config *config, size_t i, struct copy_plan *ret);
bool copies_store_path(const struct config *config, const struct copy_plan *plan, char out[PATH_MAX]);
/* The settings of this configuration; the sources may be others then. */
int copy_configure(struct copy *copy, const struct config *config, const struct copy_plan *plan,
		   char why[REFUSAL_TEXT_MAX]) _must_use_;
void copy_settings(const struct copy *copy, const struct copy_plan *plan, struct pull_copy_settings *ret);

/* ---- copies_source.c ---- */
int copy_sources_set(struct copy *copy, const struct config *config, const struct config_list *texts,
		     char why[REFUSAL_TEXT_MAX]) _must_use_;
void copy_sources_done(struct copy *copy);
void copy_lists_look(struct copy *copy); /* fetches those whose time has come */
void copy_source_refused(struct copy_source *source, const char *tag);
/* copies_help.c: who fetches by HTTP, and who finds addresses */
const struct pull_helper *copies_helper(struct keeper *keeper);
const struct pull_resolver *copies_resolver(struct keeper *keeper);

/* ---- copies_register.c: sources that are asked to tell of new versions ---- */
void copy_registered(struct copy_source *source, const struct pull_fetch_result *probed);
/* It is not a source any more, or we end: it is told so, on the loop, for a second at most. Takes what of it that needs. */
void copy_register_end(struct copy_source *source);
void copy_register_begin(struct copy *copy); /* at the start: who does not know us is asked at once */

/* ---- copies_tag.c: what servers call the versions that they have given, so that nothing is sent twice ---- */
void copy_tags_read(struct copy *copy); /* when its sources are new */
/* The source has the version in use, or one that says the same, under this tag. */
void copy_tag_set(struct copy_source *source, uint32_t serial, const char *tag);
const char *copy_tag(const struct copy_source *source); /* "" = none for the version in use */

/* ---- copies_watch.c ---- */
void copy_watch(struct copy *copy); /* every second: has a file or a folder that is a source changed? */

/* ---- copies_held.c ---- */
void copy_held_set(struct copy *copy, uint32_t serial);
void copy_held_end(struct copy *copy);
bool copy_is_held(const struct copy *copy);

/* ---- copies_act.c ---- */
void copy_carry_out(struct copy *copy, const struct pull_actions *actions);
void copy_abandon(struct copy *copy); /* all that is under way */
void copy_files_done(struct copy *copy, struct copy_files *files);
extern const struct copy_files copy_no_files;

/* ---- copies_store.c ---- */
int copy_store_open(struct copy *copy, bool tell);
void copy_store_start(struct copy *copy, struct pull_event *event, struct pull_version *version);
int copy_store_use(struct copy *copy, uint64_t number, char why[KEEP_WHY_MAX]) _must_use_; /* another generation */
void copy_store_confirmed(struct copy *copy);
void copy_confirmed_write(struct copy *copy);
void copy_store_add(struct copy *copy, bool again);
void copy_prove_again(struct copy *copy);
struct prove_settings copy_how_to_prove(const struct copy *copy, const struct dnssec_anchors *anchors);
void copy_again_stop(struct copy *copy);
bool copy_anchors(struct copy *copy, struct dnssec_anchors *ret);
int copy_prove_ask(struct copy *copy, const struct copy_files *files, int base, enum prove_form form,
		   void (*done)(void *ctx, int error, const uint8_t *reply, size_t len), struct attendant_job **ret);

/* ---- copies_dates.c: versions with dates, on a shelf until their time begins ---- */
struct pull_version copy_version_of(const struct keep_about *about);
void copy_shelf_fill(struct copy *copy, struct pull_event *event);
uint64_t copy_generation_of(const struct copy *copy, uint32_t serial); /* the newest; 0 = none */
void copy_turn(struct copy *copy, const struct pull_action *action);
void copy_ahead_stored(struct copy *copy);
void copy_dated_anew(struct copy *copy);
bool copy_dates_hold(const struct copy *copy, const struct loaded *loaded);   /* by the clock */
bool copy_edition_fits(const struct copy *copy, const struct loaded *loaded); /* is it of the one that is trusted? */
void copy_newest_look(struct copy *copy); /* after a change of the store, which is in no other thread's hands */
void copy_bar(struct copy *copy, uint64_t number);

/* ---- copies_room.c ---- */
/* Something could not be written: is it the store? Then it is told of, once. */
bool copy_room_missing(struct copy *copy, char why[KEEP_WHY_MAX]);
void copy_room_stored(struct copy *copy, bool good, const char *why);

/* ---- copies_anchors.c ---- */
/* A number for how this copy is proved and with what; 0 = out of memory. */
uint64_t copy_proof_mark(const struct copy *copy, const struct dnssec_anchors *anchors);
/* Is it to be proved with other anchors or in another way by now? Then all that was decided is decided again. */
void copy_prove_look(struct copy *copy);
void copy_again_look(struct copy *copy); /* proves once more what is kept, if that is to be done and possible now */

/* ---- copies_publish.c ---- */
void copy_publish_look(struct copy *copy); /* what is kept goes to the publisher, if it shall be published and is not */
int copy_publish(struct copy *copy,
		 struct loaded *fresh); /* what is in use from now on; NULL: as it was, but perhaps ended */
