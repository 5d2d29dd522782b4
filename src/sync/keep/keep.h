// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * sync/keep - generations of a zone on disk.
 *
 * A folder holds the last few versions of one zone that were proved, each as a wire form (zone_write_wire()) and, if there is one, an
 * image (image_bytes()). What keep_add() has taken is there after a crash at any moment, kill -9 and loss of power included: the
 * current generation is always a whole one, the old or the new, and the last good one is never lost. The highest serial that was ever
 * taken is kept over restarts: an older one (RFC 1982) is refused until the operator says otherwise.
 * Nothing here decides whether a version is good: who adds it has proved it. Not for several threads at once; adding waits for the
 * disk. Called by cmd/ (the daemon's copies) and by `banyan copy`, which only looks.
 *
 * In the folder: `lock`; `state` (which generation is current, the highest serial); for generation N `N.about` (what keep_about says, and
 * the checksums), `N.wire` and `N.image`; `incoming-*` while a candidate comes. `state` and `.about` are text that people can read, with
 * a checksum in the last line.
 *
 * Example:
 *
 *	struct keep_settings settings = {.generations_max = 5};
 *	struct keep *keep;
 *	char why[KEEP_WHY_MAX];
 *	if (keep_open("/var/lib/banyan/root", apex, &settings, &keep, why) < 0) ...
 *	int wire = keep_incoming(keep), image = keep_incoming(keep);  // a child writes to them
 *	rc = keep_add(keep, &about, wire, image, &number, why);       // now it is on disk, and current
 *	keep_incoming_done(keep, wire);
 *	keep_incoming_done(keep, image);
 *	struct keep_mapped mapped;
 *	if (keep_map(keep, keep_current(keep), KEEP_IMAGE, &mapped, why) == 0)
 *		image_open(mapped.image, mapped.image_len, &opened);
 */
#pragma once

#include "base/base.h"

#define KEEP_GENERATIONS_DEFAULT                                                                                       \
	5 /* two days of the root: enough to go back to before a fault that took a night to be seen */
#define KEEP_GENERATIONS_MAX 100 /* of one zone */
#define KEEP_INCOMING_MAX    8   /* candidates' files at once: three each, and one whose end is not there yet */
#define KEEP_SOURCE_MAX      256 /* bytes of words */
#define KEEP_PROOF_MAX       256 /* likewise */
#define KEEP_EDITION_MAX     64  /* bytes of a name */
#define KEEP_WHY_MAX         512 /* bytes of a sentence */

/* One generation. The times are UNIX seconds, 0 = not known. */
struct keep_about {
	uint64_t number; /* grows with each one that is added and never comes again; given by keep_add() */
	uint32_t serial;
	int64_t fetched_at, proved_at;
	int64_t first_expiry, last_inception;  /* of its signatures */
	uint32_t refresh_s, retry_s, expire_s; /* of its SOA */
	size_t records;
	uint8_t zonemd[64]; /* the digest that was proved; zonemd_len = 0: none */
	uint8_t zonemd_len, zonemd_scheme, zonemd_algorithm;
	char source[KEEP_SOURCE_MAX];    /* where it came from, as it is configured */
	char proof[KEEP_PROOF_MAX];      /* how it was proved */
	char edition[KEEP_EDITION_MAX];  /* what it says of its edition (zone_edition()); "" = none */
	int64_t valid_from, valid_until; /* likewise, UNIX seconds; both 0 = it has no dates */
};

struct keep_settings {
	unsigned generations_max; /* 0 = KEEP_GENERATIONS_DEFAULT */
	bool look_only; /* changes nothing and takes no lock: the list of a folder that a daemon may have open */
};

struct keep;

/* Opens the folder of the zone `apex` (wire form, lower case), and makes it if need be (its parent must be there). What a crash has left is
 * swept away, generations that are damaged are skipped with a word in the log. `apex` NULL, only when looking: whatever zone the folder
 * is of. BANYAN_EAGAIN: another process has it open. BANYAN_EEXIST:
 * it is another zone's. */
int keep_open(const char *dir, const uint8_t *apex, const struct keep_settings *settings, struct keep **ret,
	      char why[KEEP_WHY_MAX]) _must_use_;
void keep_close(struct keep *keep); /* NULL is fine; what was mapped stays */

/* ---- adding ---- */

/* A new empty file in the folder, to be written by whoever makes a candidate: a descriptor for reading and writing, or an error.
 * BANYAN_ELIMIT: too many at once. */
int keep_incoming(struct keep *keep) _must_use_;
/* Closes it; what keep_add() has not taken is gone. For each keep_incoming() one, after keep_add() too. */
void keep_incoming_done(struct keep *keep, int fd);

/* Takes two files of keep_incoming() (image_fd = -1: there is none) as the next generation and makes it current. When it returns 0, that is
 * durable; then the oldest beyond generations_max go, never the current one, and one with the very same wire form (whose image another
 * version of the program had made). On failure everything is as it was, but the two files are gone.
 * about->number other than 0: it is that generation once more, whose serial may be older than the highest, which stays.
 * BANYAN_EINVAL: its serial is older than the highest that was taken (the caller asks keep_highest() first), or no such files. */
int keep_add(struct keep *keep, const struct keep_about *about, int wire_fd, int image_fd, uint64_t *ret_number,
	     char why[KEEP_WHY_MAX]) _must_use_;
/* The same, but the current one stays: it is for later, when keep_roll_back() makes it current. There must be a current one. */
int keep_add_ahead(struct keep *keep, const struct keep_about *about, int wire_fd, int image_fd, uint64_t *ret_number,
		   char why[KEEP_WHY_MAX]) _must_use_;
/* Was proved again: the times and the words of `about` take the place of those of its number; all else stays. */
int keep_update(struct keep *keep, const struct keep_about *about, char why[KEEP_WHY_MAX]) _must_use_;

/* ---- looking ---- */

const char *keep_zone(const struct keep *keep); /* its name as text */
size_t keep_count(const struct keep *keep);     /* usable generations */
/* Number i of them, the newest first. Valid until the next call that changes something. */
const struct keep_about *keep_about_at(const struct keep *keep, size_t i);
const struct keep_about *keep_about_of(const struct keep *keep, uint64_t number); /* NULL = there is none */
uint64_t keep_current(const struct keep *keep);                                   /* its number, 0 = none */
/* Has the operator gone back, so that there are newer ones that shall not be used? Those that are kept for later do not count: they have dates. */
bool keep_is_rolled_back(const struct keep *keep);
/* Generations that cannot be used: the words of number i say why. They go with the next keep_add(). NULL: no more. */
const char *keep_damaged_at(const struct keep *keep, size_t i, uint64_t *ret_number);

/* ---- using ---- */

enum keep_part { KEEP_WIRE = 1, KEEP_IMAGE = 2 };
#define KEEP_COPY_MAX                                                                                                  \
	((size_t)64                                                                                                    \
	 << 20) /* bytes: what is smaller is read and not mapped, so that no failure of a disk can end the process */
struct keep_mapped {
	const uint8_t *wire, *image; /* aligned to a page; NULL: not asked for, or not there */
	size_t wire_len, image_len;
	struct region memory[2]; /* of the two */
};
/* The parts of a generation as memory, their checksums right. BANYAN_EMALF: they are not; the generation counts as damaged from now
 * on, and keep_current() may be another one. */
int keep_map(struct keep *keep, uint64_t number, unsigned parts, struct keep_mapped *ret, char why[KEEP_WHY_MAX])
	_must_use_;
void keep_unmap(struct keep_mapped *mapped);
/* The wire form for reading, its checksum right: a descriptor, which is the caller's. */
int keep_open_wire(struct keep *keep, uint64_t number, char why[KEEP_WHY_MAX]) _must_use_;

/* ---- the operator's hand ---- */

/* The highest serial (RFC 1982) that was ever taken; false: none. */
bool keep_highest(const struct keep *keep, uint32_t *ret_serial);
/* From now on any serial is taken. */
int keep_forget_highest(struct keep *keep, char why[KEEP_WHY_MAX]) _must_use_;
/* An older generation (or a newer one, after a roll back) becomes the current one, durably. */
int keep_roll_back(struct keep *keep, uint64_t number, char why[KEEP_WHY_MAX]) _must_use_;
/* Deletes a generation. BANYAN_EINVAL: it is the current one. */
int keep_drop(struct keep *keep, uint64_t number, char why[KEEP_WHY_MAX]) _must_use_;
