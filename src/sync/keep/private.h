// SPDX-License-Identifier: GPL-3.0-or-later
/* What the files of sync/keep share: a folder, its generations, and the two kinds of text files in it. */
#pragma once

#include "keep.h"
#include "wire/wire.h"

#include <limits.h>

#define KEEP_STATION   "keep"
#define KEEP_SUM_LEN   32   /* SHA-256 */
#define KEEP_NAME_MAX  64   /* bytes of a file name in the folder */
#define KEEP_MODE      0640 /* of files: what is kept has been proved, but a zone need not be public */
#define KEEP_DIR_MODE  0750
#define KEEP_TEXT_MAX  8192 /* bytes of a text file: what is written takes 2,000 at most */
#define KEEP_FILES_MAX 4096 /* files that a folder may have: far more than any run can leave there */

struct keep_file {
	bool there;
	uint64_t len;
	uint8_t sum[KEEP_SUM_LEN];
};

struct keep_generation {
	struct keep_about about;
	struct keep_file wire, image;
	bool has_highest;
	uint32_t highest; /* when it was added */
	bool verified;    /* the checksums were right once in this process */
	char damage[160]; /* "" = usable */
	bool unread; /* ... but only because the disk did not give it: it may be good, and is not deleted for that */
};

struct keep_state {
	uint64_t current, next; /* numbers; next: below it all generations were finished */
	bool has_highest;
	uint32_t highest;
};

struct keep_inbox {
	int fd; /* -1 = free */
	bool taken;
	char name[KEEP_NAME_MAX];
};

struct keep {
	int folder, lock; /* lock: -1 when only looking */
	struct keep_settings settings;
	char apex_text[WIRE_NAME_TEXT_MAX];
	char path[PATH_MAX];
	struct keep_state state;
	uint64_t current; /* what the state says, or what is used because that one is damaged; 0 = none */
	size_t n;
	struct keep_generation *item; /* by number, the newest first; damaged ones too */
	struct keep_inbox inbox[KEEP_INCOMING_MAX];
	uint64_t n_incoming; /* for their names */
	bool highest_unsure; /* the state was damaged: what is kept says how high it is at least */
};

/* The file of a generation: kind "about", "wire" or "image". */
void keep_name(uint64_t number, const char *kind, char out[KEEP_NAME_MAX]);
struct keep_generation *keep_find(const struct keep *keep, uint64_t number);
/* Is `serial` older than the highest? */
bool keep_is_older(const struct keep *keep, uint32_t serial);
/* Writes a sentence and returns `rc`. */
int keep_refuse(char why[KEEP_WHY_MAX], int rc, const char *format, ...) _printf_(3, 4);

/* ---- text.c: what the text files say ---- */
int keep_about_write(const char *apex, const struct keep_generation *generation, struct buffer *out) _must_use_;
/* BANYAN_EMALF: checksum wrong or something missing. BANYAN_EEXIST: of another zone. */
int keep_about_read(const char *apex, uint8_t *data, size_t len, struct keep_generation *ret) _must_use_;
int keep_state_write(const char *apex, const struct keep_state *state, struct buffer *out) _must_use_;
int keep_state_read(const char *apex, uint8_t *data, size_t len, struct keep_state *ret) _must_use_;

/* ---- sum.c: checksums ---- */
int keep_sum(const void *data, size_t len, uint8_t out[KEEP_SUM_LEN]) _must_use_;
/* Of a whole file, from its begin. */
int keep_sum_fd(int fd, struct keep_file *ret) _must_use_;

/* The zone that text of either kind says it is of; false: it says none. */
bool keep_text_zone(const uint8_t *data, size_t len, char out[WIRE_NAME_TEXT_MAX]);

/* ---- load.c: what is in the folder ---- */
/* Fills in the name of the zone from whichever file says it first. */
int keep_zone_find(struct keep *keep, char why[KEEP_WHY_MAX]) _must_use_;
/* Reads it all, and sweeps what a crash has left. */
int keep_load(struct keep *keep, char why[KEEP_WHY_MAX]) _must_use_;
/* Reads all of a generation's files and notes its damage: 0 or BANYAN_EMALF. Other errors say nothing about it. */
int keep_verify(struct keep *keep, struct keep_generation *generation) _must_use_;
/* keep->current becomes this one, or the usable one that stands nearest: an older one if there is one. */
int keep_settle(struct keep *keep, uint64_t number) _must_use_;

/* ---- change.c ---- */
/* Writes the state, and takes it over as soon as it is seen in the folder. */
int keep_state_save(struct keep *keep, const struct keep_state *state) _must_use_;
/* Deletes the files of a generation, the one that makes them one first; when that fails, none. */
int keep_files_delete(struct keep *keep, uint64_t number);
