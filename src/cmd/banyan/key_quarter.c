// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan key ksr, sign-ksr and skr: an offline KSK, a quarter at a time. */
#include <stdio.h>
#include <string.h>

#include "key.h"

#define ANCHOR_FILE_MAX ((size_t)1 << 20)

static void tell_sum(const char *what, const struct buffer *text)
{
	struct keys_request request;
	char why[KEYS_WHY_MAX], from[32], until[32];
	if (keys_request_read(what, (const char *)text->data, text->len, &request, why) != 0)
		return;
	fprintf(stderr, "%s %s from %s until %s, %zu bundles\nsum %.16s %.16s %.16s %.16s\n", what, request.id,
		clock_format(request.from, from), clock_format(request.until, until), request.n, request.sum,
		request.sum + 16, request.sum + 32, request.sum + 48);
	keys_request_done(&request);
}

/* Nobody asked in time. */
static void tell_gap(struct keys_folder *folder, const struct buffer *text)
{
	struct keys_request request;
	struct keys_gap gap;
	char why[KEYS_WHY_MAX];
	if (keys_request_read("request", (const char *)text->data, text->len, &request, why) != 0)
		return;
	if (keys_ksr_gap(folder, request.from, &gap))
		fprintf(stderr, "there is a gap: %s; it is signed by `banyan key sign-ksr --after-gap`\n",
			keys_gap_text(&gap, why));
	keys_request_done(&request);
}

/* A slip in the year would be signed, and then in the way of all that comes. */
static bool is_far(struct keys_folder *folder, const struct key_options *options)
{
	char from[32], here[32];
	if (options->ahead || keys_folder_state(folder)->bundles_until != 0 ||
	    options->from <= options->now + keys_folder_policy(folder)->slot_s)
		return false;
	fprintf(stderr,
		"banyan key: the first request would begin at %s, and it is %s here: until then nothing can be "
		"published. Is "
		"--from right? If it is, say --ahead, too\n",
		clock_format(options->from, from), clock_format(options->now, here));
	return true;
}

int key_ksr(const struct key_options *options)
{
	_cleanup_(key_closed) struct keys_folder *folder = NULL;
	_cleanup_(buffer_done) struct buffer text = {0};
	char why[KEYS_WHY_MAX];
	if (key_open(options, true, &folder) != 0)
		return CMD_ERROR;
	if (is_far(folder, options))
		return CMD_NO;
	int rc = keys_ksr(folder, options->now, options->from, (unsigned)options->slots, &text, why);
	if (rc != 0)
		return key_tell(rc, why);
	tell_sum("request", &text);
	tell_gap(folder, &text);
	return key_write(options->out, &text);
}

static int read_at(const char *file, struct buffer *out)
{
	int rc = file_read(file, KEYS_REQUEST_MAX, &out->data, &out->len);
	if (rc != 0)
		fprintf(stderr, "banyan key: %s: %s\n", file, error_text(rc));
	return rc;
}

static int read_file(const struct key_options *options, struct buffer *out)
{
	if (options->n_words != 1) {
		fprintf(stderr, "banyan key: one FILE is expected; banyan key --help\n");
		return BANYAN_EINVAL;
	}
	return read_at(options->word[0], out);
}

/* The response is written also when this fails: the folder has the record of what was signed. */
static bool tell_record(const struct key_options *options, const struct buffer *record)
{
	if (options->record == NULL)
		return fwrite(record->data, 1, record->len, stderr) == record->len;
	if (record->len == 0 || key_write(options->record, record) == CMD_OK)
		return true;
	fprintf(stderr, "banyan key: the record of what is signed is in %s, too (record-*.txt)\n", options->folder);
	return false;
}

int key_sign_ksr(const struct key_options *options)
{
	_cleanup_(key_closed) struct keys_folder *folder = NULL;
	_cleanup_(buffer_done) struct buffer ksr = {0}, skr = {0}, record = {0};
	enum keys_before order = options->first ? KEYS_FIRST_ONE : options->after_gap ? KEYS_AFTER_GAP : KEYS_CONTINUES;
	char why[KEYS_WHY_MAX];
	if (options->replace)
		order = (enum keys_before)(order | KEYS_REPLACES);
	if (options->first && options->after_gap) {
		fprintf(stderr,
			"banyan key: --first and --after-gap do not go together: what is first comes after nothing\n");
		return CMD_ERROR;
	}
	if (read_file(options, &ksr) != 0 || key_open(options, true, &folder) != 0)
		return CMD_ERROR;
	int rc = keys_sign_ksr(folder, options->word[0], (const char *)ksr.data, ksr.len, order, options->now, &skr,
			       &record, why);
	bool recorded = tell_record(options, &record);
	if (rc != 0)
		return key_tell(rc, why);
	tell_sum("response", &skr);
	int status = key_write(options->out, &skr);
	if (status != CMD_OK)
		fprintf(stderr, "banyan key: the request is signed: the same command gives the same response again\n");
	return recorded ? status : CMD_ERROR;
}

static int read_anchor(const char *file, int64_t now, struct dnssec_anchors *ret)
{
	_cleanup_(base_free) uint8_t *text = NULL;
	struct dnssec_text_error error = {0};
	size_t len;
	int rc = file_read(file, ANCHOR_FILE_MAX, &text, &len);
	if (rc != 0) {
		fprintf(stderr, "banyan key: %s: %s\n", file, error_text(rc));
		return rc;
	}
	rc = dnssec_anchors_parse(file, (const char *)text, len, ret, &error);
	if (rc != 0)
		fprintf(stderr, "banyan key: %s\n", error.text);
	return rc;
}

int key_skr(const struct key_options *options)
{
	_cleanup_(key_closed) struct keys_folder *folder = NULL;
	_cleanup_(dnssec_anchors_done) struct dnssec_anchors anchors = {0};
	_cleanup_(buffer_done) struct buffer text = {0}, request = {0};
	char why[KEYS_WHY_MAX];
	if (read_file(options, &text) != 0 || (options->request != NULL && read_at(options->request, &request) != 0) ||
	    (options->anchor != NULL && read_anchor(options->anchor, options->now, &anchors) != 0) ||
	    key_open(options, true, &folder) != 0)
		return CMD_ERROR;
	struct keys_taking how = {.name = options->word[0],
				  .text = (const char *)text.data,
				  .len = text.len,
				  .request_name = options->request,
				  .request = (const char *)request.data,
				  .request_len = request.len,
				  .anchors = options->anchor != NULL ? &anchors : NULL,
				  .late = options->late};
	int rc = keys_take(folder, &how, options->now, why);
	if (rc == 0)
		tell_sum("response", &text);
	return key_tell(rc, why);
}
