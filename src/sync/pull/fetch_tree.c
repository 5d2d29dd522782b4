// SPDX-License-Identifier: GPL-3.0-or-later
/* What an instance publishes (docs/published-files.md): the pointer first, then what leads to the newest version with the fewest bytes. */
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "sync/files/files.h"

#define POINTER_NAME "current"

struct pull_tree {
	struct files_pointer pointer;
	struct files_decision decision;
	uint8_t text[FILES_POINTER_MAX];
};

static void tree_fail(struct pull_fetch *fetch, struct pull_tree *tree, const char *why)
{
	free(tree);
	fetch->http->tree = NULL;
	pull_fetch_fail(fetch, "%.230s", why);
}

/* ---- the object ---- */

static int hash_of(int fd, uint64_t *ret_size, uint8_t ret_hash[32])
{
	uint8_t piece[65536];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint64_t size = 0;
	ssize_t n = 0;
	int rc = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 ? 0 : BANYAN_ENOMEM;
	while (rc == 0 && (n = pread(fd, piece, sizeof piece, (off_t)size)) > 0) {
		rc = EVP_DigestUpdate(ctx, piece, (size_t)n) == 1 ? 0 : BANYAN_ENOMEM;
		size += (uint64_t)n;
	}
	if (rc == 0 && (n < 0 || EVP_DigestFinal_ex(ctx, ret_hash, NULL) != 1))
		rc = BANYAN_EIO;
	EVP_MD_CTX_free(ctx);
	*ret_size = size;
	return rc;
}

static void object_fetched(struct pull_fetch *fetch, const struct pull_http_reply *reply)
{
	struct pull_tree *tree = fetch->http->tree;
	const struct files_object *object = tree->decision.fetch;
	uint8_t hash[32];
	uint64_t size;
	int rc = hash_of(fetch->settings.fd, &size, hash);
	bool same = rc == 0 && size == object->size && memcmp(hash, object->hash, sizeof hash) == 0;
	char path[FILES_PATH_MAX];
	snprintf(path, sizeof path, "%s", object->path);
	free(tree);
	fetch->http->tree = NULL;
	if (rc < 0)
		pull_fetch_fail(fetch, "what came cannot be read: %s", error_text(rc));
	else if (!same)
		pull_fetch_fail(fetch, "%.90s is not what the pointer says: it was damaged, or replaced", path);
	else
		pull_fetch_tell(fetch, PULL_GOT);
}

static void object_get(struct pull_fetch *fetch, struct pull_tree *tree)
{
	const struct files_object *object = tree->decision.fetch;
	char url[PULL_URL_MAX + 1];
	struct pull_http_get get = {.fd = fetch->settings.fd, .bytes_max = object->size + 1, .then = object_fetched};
	int len = snprintf(url, sizeof url, "%s%s", fetch->source.place, object->path);
	if (len < 0 || (size_t)len >= sizeof url || object->size > pull_fetch_bytes_max(fetch)) {
		tree_fail(fetch, tree, "what is published is larger than the limit, or its URL is too long");
		return;
	}
	fetch->result.form = tree->decision.is_delta ? PULL_DELTA : PULL_WIRE;
	pull_http_get(fetch, url, &get);
}

/* ---- the pointer ---- */

static int pointer_read(struct pull_fetch *fetch, struct pull_tree *tree, char why[FILES_WHY_MAX])
{
	uint8_t key[FILES_KEY_SIZE];
	const char *key_text = fetch->source.key;
	ssize_t n = pread(fetch->http->fd, tree->text, sizeof tree->text, 0);
	if (key_text[0] != '\0' && files_key_parse(key_text, key) < 0) {
		snprintf(why, FILES_WHY_MAX, "key=%.60s is no Ed25519 key: 32 bytes in base64", key_text);
		return BANYAN_EINVAL;
	}
	if (n <= 0) {
		snprintf(why, FILES_WHY_MAX, "the pointer is empty");
		return BANYAN_EMALF;
	}
	int rc = files_pointer_read(fetch->http->url, tree->text, (size_t)n, key_text[0] != '\0' ? key : NULL,
				    &tree->pointer, why);
	if (rc == 0 && !wire_name_equal(tree->pointer.apex, fetch->apex)) {
		snprintf(why, FILES_WHY_MAX, "what is published there is another zone");
		return BANYAN_EINVAL;
	}
	const char *wanted = fetch->settings.edition, *is = tree->pointer.edition.name;
	if (rc == 0 && wanted != NULL && strcmp(wanted, is) != 0) {
		snprintf(why, FILES_WHY_MAX,
			 "edition-other: what is published there is %s%s, and %s%s is what is trusted here",
			 is[0] == '\0' ? "no edition" : "edition ", is, wanted[0] == '\0' ? "none" : "edition ",
			 wanted);
		return BANYAN_EPROOF;
	}
	return rc;
}

static void decide(struct pull_fetch *fetch, struct pull_tree *tree)
{
	const struct pull_fetch_settings *s = &fetch->settings;
	struct files_held held = {.have = s->have, .serial = s->serial, .first_expiry = s->first_expiry};
	struct files_choice choice = {.keep_unchanged = s->keep_unchanged && fetch->source.key[0] != '\0',
				      .margin_s = s->margin_s,
				      .in_force = s->in_force};
	tree->decision = files_decide(&tree->pointer, &held, &choice, clock_wall_s());
	if (tree->decision.verdict == FILES_FETCH && tree->decision.is_delta && s->mode == PULL_MODE_WHOLE) {
		tree->decision.fetch = &tree->pointer.wire;
		tree->decision.is_delta = false;
	}
	fetch->result.has_serial = true;
	fetch->result.serial = tree->decision.verdict == FILES_FETCH ? tree->decision.serial : tree->pointer.serial;
	if (tree->decision.verdict != FILES_KEEP)
		return;
	fetch->result.serial = s->serial; /* the same content: as if it were the version at hand */
	fetch->result.kept_newest = tree->pointer.serial;
	fetch->result.kept_until = tree->decision.until;
}

/* ---- the tag ----
 *
 * It says until when the pointer is good: one that is as it was, and too old now, is none. "T1790000000 E..." Where a version was kept for what it
 * says, it also says by which choice, and for which newer one: "K1790000000 259200 2026082200 E...". With another choice it is none either. */

#define TAG_HEAD_MAX 64

static uint32_t margin_of(const struct pull_fetch *fetch)
{
	return fetch->settings.margin_s > 0 ? fetch->settings.margin_s : FILES_MARGIN_S;
}

static void tag_put(struct pull_fetch *fetch, const struct pull_http_reply *reply, int64_t fresh_until)
{
	const struct pull_fetch_result *result = &fetch->result;
	char tag[PULL_TAG_MAX], head[TAG_HEAD_MAX];
	bool kept = result->kept_until != 0;
	int64_t until = kept && result->kept_until < fresh_until ? result->kept_until : fresh_until;
	pull_http_tag(fetch, reply);
	memcpy(tag, result->tag, sizeof tag);
	if (kept)
		snprintf(head, sizeof head, "K%lld %u %u", (long long)until, margin_of(fetch), result->kept_newest);
	else
		snprintf(head, sizeof head, "T%lld", (long long)until);
	if (tag[0] == '\0' || snprintf(fetch->result.tag, PULL_TAG_MAX, "%s %s", head, tag) >= PULL_TAG_MAX)
		fetch->result.tag[0] = '\0';
}

/* Of what server the pointer's own tag begins at; NULL: the pointer must be read again. */
static const char *tag_open(struct pull_fetch *fetch)
{
	long long until;
	unsigned margin, newest;
	int at = 0;
	if (sscanf(fetch->tag, "T%lld %n", &until, &at) == 1 && at > 0)
		return clock_wall_s() < until ? fetch->tag + at : NULL;
	if (sscanf(fetch->tag, "K%lld %u %u %n", &until, &margin, &newest, &at) != 3 || at == 0 ||
	    clock_wall_s() >= until || !fetch->settings.keep_unchanged || fetch->source.key[0] == '\0' ||
	    margin != margin_of(fetch) || fetch->settings.first_expiry <= margin)
		return NULL;
	fetch->http->tree_newest = newest;
	fetch->http->tree_until = fetch->settings.first_expiry - margin;
	return fetch->tag + at;
}

static void tag_take(struct pull_fetch *fetch)
{
	memcpy(fetch->http->tree_tag, fetch->tag, sizeof fetch->tag);
	const char *rest = tag_open(fetch);
	if (rest != NULL)
		memmove(fetch->tag, rest, strlen(rest) + 1);
	else
		fetch->tag[0] = '\0';
}

static void pointer_fetched(struct pull_fetch *fetch, const struct pull_http_reply *reply)
{
	char why[FILES_WHY_MAX] = "";
	if (reply->status == 304) {
		snprintf(fetch->tag, sizeof fetch->tag, "%s", fetch->http->tree_tag);
		fetch->result.kept_newest = fetch->http->tree_newest;
		fetch->result.kept_until = fetch->http->tree_until;
		pull_http_unchanged(fetch);
		return;
	}
	struct pull_tree *tree = calloc(1, sizeof *tree);
	if (tree == NULL) {
		pull_fetch_fail(fetch, "out of memory");
		return;
	}
	if (pointer_read(fetch, tree, why) < 0) {
		tree_fail(fetch, tree, why);
		return;
	}
	decide(fetch, tree);
	if (!tree->decision.is_present) /* else the newest is still to be fetched when nothing has changed there */
		tag_put(fetch, reply, tree->pointer.fresh_until);
	/* an older version at the source is no fault of it: it lags */
	bool older = fetch->settings.have && pull_fetch_compare(fetch, tree->pointer.serial) == PULL_UNCHANGED;
	enum files_verdict verdict = tree->decision.verdict;
	if (verdict == FILES_REFUSE && !older) {
		tree_fail(fetch, tree, tree->decision.why);
	} else if (verdict == FILES_FETCH && fetch->settings.mode != PULL_MODE_PROBE) {
		fetch->http->tree = tree;
		object_get(fetch, tree);
	} else {
		free(tree);
		pull_fetch_tell(fetch, verdict == FILES_FETCH ? PULL_GOT : PULL_UNCHANGED);
	}
}

void pull_fetch_tree(struct pull_fetch *fetch)
{
	char url[PULL_URL_MAX + 1];
	struct pull_http_get get = {
		.conditional = fetch->settings.have,
		.fd = pull_http_small(fetch),
		.bytes_max = FILES_POINTER_MAX,
		.then = pointer_fetched,
	};
	tag_take(fetch);
	int len = snprintf(url, sizeof url, "%s" POINTER_NAME, fetch->source.place);
	if (get.fd < 0)
		pull_fetch_fail(fetch, "no memory for what comes");
	else if (len < 0 || (size_t)len >= sizeof url)
		pull_fetch_fail(fetch, "the URL is too long");
	else
		pull_http_get(fetch, url, &get);
}
