// SPDX-License-Identifier: GPL-3.0-or-later
/* zone, private: records on their way into a zone. */
#pragma once

#include "zone.h"

/* One record as read. */
struct zone_record {
	const uint8_t *data; /* as in the file; if `twice`, again in canonical form behind it */
	uint32_t ttl, line;
	uint16_t type, len;
	uint16_t covered; /* of an RRSIG, else 0 */
	bool twice;
};

/* Data in canonical form. */
static inline const uint8_t *zone_record_canon(const struct zone_record *record)
{
	return record->twice ? record->data + record->len : record->data;
}

/* Records of one owner that stand together in the file. */
struct zone_run {
	const uint8_t *name, *key; /* lower case; sort key */
	uint64_t prefix;           /* the key's first 8 bytes as a number: decides most comparisons */
	size_t first;
	uint32_t count;
	uint16_t key_len;
};

#define ZONE_POOL_SIZE 32768 /* bytes fetched from the arena at once for names and RDATA, which need no alignment */

struct zone_builder {
	struct zone *zone;
	struct region records; /* of struct zone_record */
	size_t n_records;
	struct region runs; /* of struct zone_run */
	size_t n_runs;
	struct arena keys;        /* sort keys: not needed once the zone stands */
	uint8_t *pool, *key_pool; /* free bytes of the newest blocks */
	size_t pool_left, key_pool_left;
	uint8_t last_owner[WIRE_NAME_MAX]; /* as in the file: most records repeat it */
	size_t last_owner_len;
	bool last_outside;
	bool canon_differs; /* has any record RDATA that are not canonical as they stand? */
	struct zone_remark *remark;
	size_t n_remarks;
};

/* Starts a zone with this apex; `text_len` bytes of text are expected. */
int zone_builder_init(struct zone_builder *b, const uint8_t *apex, const char *source, size_t text_len) _must_use_;
/* Adds a record; what is outside the zone becomes a remark. `owner` in any case, of `owner_len` bytes. */
int zone_builder_add(struct zone_builder *b, const uint8_t *owner, size_t owner_len, uint16_t type, uint32_t ttl,
		     const uint8_t *rdata, uint16_t len, unsigned long line) _must_use_;
/* Orders everything and hands the zone over. */
int zone_builder_finish(struct zone_builder *b, struct zone **ret) _must_use_;
/* Frees what is left, after success or failure. */
void zone_builder_done(struct zone_builder *b);
/* Keeps a remark; `count` is the counter of its kind. */
void zone_builder_remark(struct zone_builder *b, size_t *count, enum reason reason, unsigned long line,
			 const uint8_t *owner, uint16_t type, const char *text);

/* Text of a file, decompressed if need be (zstd or gzip, by content). */
int zone_text_load(const char *path, size_t max, char **ret_text, size_t *ret_len, struct zone_error *ret_error)
	_must_use_;

/* Is it zstd or gzip? */
bool zone_text_is_compressed(const void *text, size_t len);
/* CR LF becomes LF, in place; the scanner takes no other. */
void zone_text_plain_lines(struct buffer *text);

/* A window on the text of a large plain file. */
struct zone_window {
	int fd;
	char *data;
	size_t len, cap;
	size_t size;       /* of the file */
	size_t total, max; /* bytes read, bytes allowed */
	bool ended;        /* the window reaches to the end of the file */
	bool cr;           /* the read before ended in a CR, which is not in the window yet */
	unsigned long first_line;
};

#define ZONE_WINDOW_SIZE   ((size_t)4 << 20) /* bytes of text at a time */
#define ZONE_WINDOW_MARGIN ((size_t)1 << 20) /* no record and what stands before it is longer, but for monsters */

/* BANYAN_ESPACE: a file that had better be read whole: small, compressed. */
int zone_window_open(const char *path, size_t max, struct zone_window *ret) _must_use_;
/* The first `used` bytes are done with; what follows comes in behind the rest. */
int zone_window_move(struct zone_window *w, size_t used) _must_use_;
void zone_window_done(struct zone_window *w);

/* Keeps records in a thread of its own, which has the builder until the pipe is finished. */
struct zone_pipe;
int zone_pipe_start(struct zone_builder *builder, struct zone_pipe **ret) _must_use_;
/* The same as zone_builder_add(), but an error may be that of a record before. */
int zone_pipe_add(struct zone_pipe *pipe, const uint8_t *owner, size_t owner_len, uint16_t type, uint32_t ttl,
		  const uint8_t *rdata, uint16_t len, unsigned long line) _must_use_;
/* Waits for the last record and frees the pipe; the first error that there was, and the line of its record. */
int zone_pipe_finish(struct zone_pipe *pipe, unsigned long *ret_line) _must_use_;

/* Rewrites text so that base64 and hexadecimal fields stand in one piece; lines keep their numbers. */
int zone_text_join(const char *text, size_t len, struct buffer *out) _must_use_;
bool zone_token_is_class(const char *token, size_t len);

/* The checks' common way to tell: fills in what the settings and the zone know, notes the first fatal reason. */
struct zone_judge {
	const struct zone *zone;
	const struct zone_prove_settings *settings;
	enum reason reason; /* the first fatal one */
};

void zone_judge_tell(struct zone_judge *judge, bool fatal, enum reason reason, const uint8_t *owner, uint16_t type,
		     unsigned long line, const char *text);
/* One SOA, apex NS, CNAME and DNAME rules, glue, occluded names; and what the reader remarked. */
void zone_structure_check(struct zone_judge *judge);

void zone_error_set(struct zone_error *error, enum reason reason, unsigned long line, const char *format, ...)
	_printf_(4, 5);
