// SPDX-License-Identifier: GPL-3.0-or-later
/* Master files, read with libzscanner. */
#include "private.h"

#include <libzscanner/scanner.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ZONE_TTL_DEFAULT 3600        /* seconds, for records before any TTL (RFC 1035 leaves it open) */
#define ZONE_TTL_MAX     0x7fffffffU /* RFC 2181 section 8 */

struct reading {
	struct zone_builder builder;
	struct zone_pipe *pipe; /* the builder is on another thread; or NULL */
	const struct zone_read_settings *settings;
	struct zone_error *error;
	size_t max, total; /* bytes of text, with what was included */
	bool join;         /* rewrite fields that are split by white space */
	bool split;        /* the scanner stumbled over such a field */
};

/* One file being scanned. */
struct source {
	const char *name;
	const char *text;
	size_t len;
	unsigned long first_line;   /* of the text, which is only a part of the file if there is a window */
	struct zone_window *window; /* or NULL */
	unsigned depth;
	const char *ttl_at; /* the first $TTL in the text, or NULL */
	bool ttl_seen;      /* it stood before the text */
	bool generic;       /* does RDATA in the form of RFC 3597 occur, so far? */
};

static int read_source(struct reading *r, struct source *source, const uint8_t *origin, uint32_t *ttl);

/* The first $TTL stands for all later records without TTL; before it the last one stated holds (RFC 1035 section 5.1,
 * RFC 2308 section 4). The scanner knows only the former, so the latter needs to know where that is. */
static const char *find_ttl(const char *text, size_t len)
{
	const char *end = text + len;
	for (const char *p = text; (p = memchr(p, '$', (size_t)(end - p))) != NULL; p++)
		if ((p == text || p[-1] == '\n') && end - p >= 4 && strncasecmp(p, "$TTL", 4) == 0)
			return p;
	return NULL;
}

/* Is there any "\#"? Then RDATA may not fit their type. */
static bool find_generic(const char *text, size_t len)
{
	const char *end = text + len;
	for (const char *p = text; (p = memchr(p, '\\', (size_t)(end - p))) != NULL; p++)
		if (p + 1 < end && p[1] == '#')
			return true;
	return false;
}

/* The line at fault, as far as it fits and can be shown. */
static void excerpt(const struct source *source, unsigned long line, char *out, size_t size)
{
	const char *p = source->text != NULL ? source->text : "", *end = p + source->len;
	for (unsigned long i = source->first_line; i < line && p < end; i++) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p != NULL ? p + 1 : end;
	}
	size_t n = 0;
	while (p < end && *p != '\n' && n + 1 < size) {
		unsigned char c = (unsigned char)*p++;
		out[n++] = c == '\t' ? ' ' : c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	out[n] = '\0';
}

static int fail_line(struct reading *r, const struct source *source, enum reason reason, unsigned long line, int error,
		     const char *what, const char *advice)
{
	char shown[100];
	excerpt(source, line, shown, sizeof shown);
	zone_error_set(r->error, reason, line, "%s:%lu: %s, in \"%s\"; %s", source->name, line, what, shown, advice);
	return error;
}

/* Does a class other than IN stand before the type? The scanner takes it for an unknown type. */
static bool line_has_class(const struct source *source, unsigned long line)
{
	char text[WIRE_NAME_TEXT_MAX + 64], *save = NULL;
	excerpt(source, line, text, sizeof text);
	bool owner = text[0] != ' ';
	for (char *token = strtok_r(text, " ", &save); token != NULL; token = strtok_r(NULL, " ", &save)) {
		if (!owner && zone_token_is_class(token, strlen(token)) && strcasecmp(token, "IN") != 0)
			return true;
		if (!owner && (*token < '0' || *token > '9') && strcasecmp(token, "IN") != 0)
			return false;
		owner = false;
	}
	return false;
}

static int scanner_error(struct reading *r, const struct source *source, const zs_scanner_t *s)
{
	char what[160];
	const char *advice = "mend the line";
	if (s->error.code == ZS_UNSUPPORTED_TYPE || s->error.code == ZS_CANNOT_TEXT_DATA)
		advice = "write the type as TYPEnnn and its data as \\# LENGTH HEX (RFC 3597)";
	else if (s->error.code == ZS_UNCLOSED_MULTILINE)
		advice = "close the parenthesis";
	else if (s->error.code == ZS_BAD_PREVIOUS_OWNER)
		advice = "give the first record an owner";
	r->split = s->error.code == ZS_BAD_BASE64_CHAR || s->error.code == ZS_BAD_HEX_CHAR ||
		   s->error.code == ZS_BAD_HEX_RDATA;
	if (s->error.code == ZS_UNSUPPORTED_TYPE && line_has_class(source, (unsigned long)s->line_counter))
		return fail_line(r, source, REASON_CLASS_MIXED, (unsigned long)s->line_counter, BANYAN_EMALF,
				 "another class in a zone of class IN", "take the record out");
	snprintf(what, sizeof what, "%s", zs_strerror(s->error.code));
	return fail_line(r, source, REASON_SYNTAX, (unsigned long)s->line_counter, BANYAN_EMALF, what, advice);
}

/* Types that stand for questions or for one message, never for data at rest (RFC 6895 section 3.1). */
static bool type_is_meta(uint16_t type)
{
	return type == 0 || type == WIRE_TYPE_OPT || (type >= 128 && type <= 255);
}

static int builder_error(struct reading *r, const char *name, unsigned long line, int rc)
{
	zone_error_set(r->error, REASON_TOO_LARGE, line, "%s:%lu: %s", name, line,
		       rc == BANYAN_ELIMIT ? "the zone has more records than the limit allows" : "out of memory");
	return rc;
}

static int take_record(struct reading *r, const struct source *source, const zs_scanner_t *s)
{
	unsigned long line = (unsigned long)s->line_counter;
	char type[16], what[160];
	if (s->r_class != r->builder.zone->rclass) {
		snprintf(what, sizeof what, "class %s in a zone of class IN", wire_class_text(s->r_class));
		return fail_line(r, source, REASON_CLASS_MIXED, line, BANYAN_EMALF, what, "take the record out");
	}
	if (type_is_meta(s->r_type)) {
		snprintf(what, sizeof what, "the type %s cannot stand in a zone", wire_type_text(s->r_type, type));
		return fail_line(r, source, REASON_SYNTAX, line, BANYAN_EMALF, what, "take the record out");
	}
	if (s->r_ttl > ZONE_TTL_MAX)
		return fail_line(r, source, REASON_SYNTAX, line, BANYAN_EMALF, "the TTL is above 2147483647",
				 "RFC 2181 section 8 allows no more");
	if (source->generic && wire_rdata_check(s->r_data, (uint16_t)s->r_data_length, s->r_type) < 0) {
		snprintf(what, sizeof what, "the data do not fit the type %s", wire_type_text(s->r_type, type));
		return fail_line(r, source, REASON_RDATA_MALFORMED, line, BANYAN_EMALF, what, "correct them");
	}
	uint16_t len = (uint16_t)s->r_data_length;
	int rc = r->pipe != NULL ? zone_pipe_add(r->pipe, s->r_owner, s->r_owner_length, s->r_type, s->r_ttl, s->r_data,
						 len, line)
				 : zone_builder_add(&r->builder, s->r_owner, s->r_owner_length, s->r_type, s->r_ttl,
						    s->r_data, len, line);
	return rc < 0 ? builder_error(r, source->name, line, rc) : 0;
}

/* $INCLUDE: the scanner gives the path (behind "./" if it is relative) and, as text, the origin (empty: as it is). */
static int take_include(struct reading *r, const struct source *source, const zs_scanner_t *s, uint32_t *ttl)
{
	unsigned long line = (unsigned long)s->line_counter;
	const char *file = s->include_filename, *slash = strrchr(source->name, '/');
	if (!r->settings->include)
		return fail_line(r, source, REASON_INCLUDE_DENIED, line, BANYAN_EACCES, "$INCLUDE is not allowed",
				 "allow it (--include) if you trust the file, or paste the other file in");
	if (source->depth >= ZONE_INCLUDE_DEPTH_MAX)
		return fail_line(r, source, REASON_INCLUDE_DENIED, line, BANYAN_ELIMIT, "$INCLUDE is nested too deeply",
				 "does a file include itself?");
	char path[4096];
	if (strncmp(file, "./", 2) == 0)
		file += 2;
	int n = file[0] == '/' || slash == NULL
			? snprintf(path, sizeof path, "%s", file)
			: snprintf(path, sizeof path, "%.*s/%s", (int)(slash - source->name), source->name, file);
	uint8_t origin[WIRE_NAME_MAX];
	memcpy(origin, s->zone_origin, s->zone_origin_length <= sizeof origin ? s->zone_origin_length : 0);
	if (n >= (int)sizeof path || (s->buffer[0] != '\0' && wire_name_parse((const char *)s->buffer, origin) < 0))
		return fail_line(r, source, REASON_SYNTAX, line, BANYAN_EMALF, "$INCLUDE cannot be read",
				 "mend the line");
	_cleanup_(base_free) char *text = NULL;
	struct source inner = {.name = path, .depth = source->depth + 1};
	int rc = zone_text_load(path, r->max - r->total, &text, &inner.len, r->error);
	inner.text = text;
	return rc < 0 ? rc : read_source(r, &inner, origin, ttl);
}

static void look_ahead(struct source *source)
{
	source->ttl_at = source->ttl_seen ? NULL : find_ttl(source->text, source->len);
	source->generic |= find_generic(source->text, source->len);
}

/* Between two records, near the end of the window: it moves on. */
static int advance(struct source *source, zs_scanner_t *s)
{
	struct zone_window *w = source->window;
	source->ttl_seen |= source->ttl_at != NULL && source->ttl_at < s->input.current;
	int rc = zone_window_move(w, (size_t)(s->input.current - w->data));
	if (rc < 0)
		return rc;
	source->text = w->data;
	source->len = w->len;
	source->first_line = w->first_line;
	look_ahead(source);
	/* the scanner keeps its state from one string to the next; an empty one it would not take for an end */
	return w->len == 0 || zs_set_input_string(s, w->data, w->len) == 0 ? 0 : BANYAN_ENOMEM;
}

static bool is_near_end(const struct source *source, const zs_scanner_t *s)
{
	return source->window != NULL && !source->window->ended &&
	       (size_t)(s->input.end - s->input.current) < ZONE_WINDOW_MARGIN;
}

/* Did the scanner come to the end of the window inside a record (or of a very long comment)? It took that for the end of the file. */
static bool is_cut(const struct source *source, const zs_scanner_t *s)
{
	return source->window != NULL && !source->window->ended && s->input.eof;
}

static int scan(struct reading *r, struct source *source, zs_scanner_t *s, uint32_t *ttl)
{
	int rc = 0;
	while (rc == 0) {
		if (is_near_end(source, s))
			rc = advance(source, s);
		if (rc < 0 || zs_parse_record(s) != 0)
			break;
		if (is_cut(source, s))
			return BANYAN_ESPACE;
		switch (s->state) {
		case ZS_STATE_DATA:
			rc = take_record(r, source, s);
			/* RFC 1035 section 5.1: the last stated TTL holds on, as long as there is no $TTL */
			if (!source->ttl_seen && (source->ttl_at == NULL || s->input.current <= source->ttl_at))
				s->default_ttl = s->r_ttl;
			break;
		case ZS_STATE_INCLUDE: {
			uint32_t inner = s->default_ttl;
			rc = take_include(r, source, s, &inner);
			break;
		}
		case ZS_STATE_EOF:
			*ttl = s->default_ttl;
			return 0;
		case ZS_STATE_NONE:
			break;
		default:
			return scanner_error(r, source, s);
		}
	}
	return rc < 0 ? rc : scanner_error(r, source, s);
}

static int read_source(struct reading *r, struct source *source, const uint8_t *origin, uint32_t *ttl)
{
	char name[WIRE_NAME_TEXT_MAX];
	_cleanup_(buffer_done) struct buffer joined = {0};
	r->total += source->window != NULL ? source->window->size : source->len;
	if (source->window == NULL)
		source->first_line = 1;
	if (r->join) {
		if (zone_text_join(source->text, source->len, &joined) < 0)
			return BANYAN_ENOMEM;
		source->text = (const char *)joined.data;
		source->len = joined.len;
	}
	zs_scanner_t *s = malloc(sizeof *s);
	if (s == NULL)
		return BANYAN_ENOMEM;
	look_ahead(source);
	int rc = BANYAN_EINVAL;
	if (zs_init(s, wire_name_text(origin, name), WIRE_CLASS_IN, *ttl) == 0) {
		rc = zs_set_input_string(s, source->text, source->len) == 0 ? scan(r, source, s, ttl) : BANYAN_ENOMEM;
		zs_deinit(s);
	}
	free(s);
	return rc;
}

/* Scanning and keeping by two threads. */
static int read_piped(struct reading *r, struct source *source, uint32_t *ttl)
{
	unsigned long line;
	int rc = zone_pipe_start(&r->builder, &r->pipe);
	if (rc < 0) /* without a thread it takes longer */
		return read_source(r, source, r->settings->origin, ttl);
	rc = read_source(r, source, r->settings->origin, ttl);
	int built = zone_pipe_finish(r->pipe, &line);
	r->pipe = NULL;
	return built < 0 ? builder_error(r, source->name, line, built) : rc;
}

static int read_whole(struct reading *r, struct source *source, struct zone **ret)
{
	uint32_t ttl = r->settings->default_ttl > 0 ? r->settings->default_ttl : ZONE_TTL_DEFAULT;
	r->total = 0;
	int rc = zone_builder_init(&r->builder, r->settings->origin, source->name,
				   source->window != NULL ? source->window->size : source->len);
	if (rc == 0)
		rc = source->window != NULL && cpu_count() > 1 ? read_piped(r, source, &ttl)
							       : read_source(r, source, r->settings->origin, &ttl);
	if (rc == 0) {
		rc = zone_builder_finish(&r->builder, ret);
		if (rc == BANYAN_ELIMIT)
			zone_error_set(r->error, REASON_TOO_LARGE, 0, "%s: a name has more than %d RRsets",
				       source->name, ZONE_SETS_PER_NODE_MAX);
	}
	zone_builder_done(&r->builder);
	return rc;
}

static struct reading reading_begin(const char *name, const struct zone_read_settings *settings,
				    struct zone_error *error)
{
	zone_error_set(error, REASON_TOO_LARGE, 0, "%s: out of memory", name);
	return (struct reading){
		.settings = settings,
		.error = error,
		.max = settings->max_bytes > 0 ? settings->max_bytes : ZONE_FILE_MAX,
	};
}

static void tell_remarks(const struct zone *zone, zone_remark_fn remark, void *remark_ctx)
{
	for (size_t i = 0; remark != NULL && i < zone->n_remarks; i++) {
		const struct zone_remark *m = &zone->remark[i];
		remark(remark_ctx, m->reason, m->line, m->owner, m->type, m->text);
	}
}

int zone_read_text(const char *name, const char *text, size_t len, const struct zone_read_settings *settings,
		   zone_remark_fn remark, void *remark_ctx, struct zone **ret, struct zone_error *ret_error)
{
	struct reading r = reading_begin(name, settings, ret_error);
	if (len > r.max) {
		zone_error_set(ret_error, REASON_TOO_LARGE, 0,
			       "%s: the text has more than %zu bytes, which is the limit", name, r.max);
		return BANYAN_ELIMIT;
	}
	int rc = read_whole(&r, &(struct source){.name = name, .text = text, .len = len}, ret);
	if (rc == BANYAN_EMALF && r.split) {
		/* seldom, and only then paid for: once more, with the fields joined */
		r.join = true;
		rc = read_whole(&r, &(struct source){.name = name, .text = text, .len = len}, ret);
	}
	if (rc == 0)
		tell_remarks(*ret, remark, remark_ctx);
	return rc;
}

/* A large plain file, through a window. BANYAN_ESPACE: it has to be read whole. */
static int read_window(const char *path, const struct zone_read_settings *settings, struct zone **ret,
		       struct zone_error *ret_error)
{
	struct zone_window window;
	struct reading r = reading_begin(path, settings, ret_error);
	int rc = strcmp(path, "-") == 0 ? BANYAN_ESPACE : zone_window_open(path, r.max, &window);
	if (rc < 0)
		return BANYAN_ESPACE; /* whatever is wrong with it, reading it whole will tell */
	struct source source = {
		.name = path, .text = window.data, .len = window.len, .first_line = 1, .window = &window};
	rc = read_whole(&r, &source, ret);
	zone_window_done(&window);
	return rc == BANYAN_EIO || rc == BANYAN_ELIMIT || (rc == BANYAN_EMALF && r.split) ? BANYAN_ESPACE : rc;
}

int zone_read_file(const char *path, const struct zone_read_settings *settings, zone_remark_fn remark, void *remark_ctx,
		   struct zone **ret, struct zone_error *ret_error)
{
	_cleanup_(base_free) char *text = NULL;
	size_t len, max = settings->max_bytes > 0 ? settings->max_bytes : ZONE_FILE_MAX;
	int rc = read_window(path, settings, ret, ret_error);
	if (rc == 0)
		tell_remarks(*ret, remark, remark_ctx);
	if (rc != BANYAN_ESPACE)
		return rc;
	rc = zone_text_load(path, max, &text, &len, ret_error);
	if (rc < 0)
		return rc;
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	if (zone_is_wire(text, len))
		return zone_read_wire(name, (const uint8_t *)text, len, settings, ret, ret_error);
	return zone_read_text(name, text, len, settings, remark, remark_ctx, ret, ret_error);
}
