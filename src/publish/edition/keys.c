// SPDX-License-Identifier: GPL-3.0-or-later
/* The keys that an edition is signed with now, out of its folder of keys; they come and go as is due. */
#include "private.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_TRIES   60 /* `banyan key` has it for a moment: to make RSA keys, for some seconds */
#define LOCK_WAIT_MS 100

struct edition_keys {
	const struct edition_settings *settings;
	struct keys_folder *folder;
	int64_t now;
};

void edition_keys_end(struct edition_keys *keys)
{
	if (keys != NULL && keys->folder != NULL)
		keys_close(keys->folder);
	free(keys);
}

/* The longest TTL of what keys of data sign: so long it may be in caches, with an old signature. */
static int64_t longest_ttl(const struct zone *zone)
{
	uint32_t most = 0;
	for (size_t i = 0; i < zone->n_nodes; i++) {
		const struct zone_node *node = &zone->node[i];
		if ((node->flags & (ZONE_NODE_BELOW | ZONE_NODE_OCCLUDED)) != 0)
			continue;
		bool apex = (node->flags & ZONE_NODE_APEX) != 0;
		bool cut = (node->flags & ZONE_NODE_CUT) != 0 && !apex;
		for (uint16_t s = 0; s < node->n_sets; s++) {
			const struct wire_rrset *set = &zone->set[node->first_set + s];
			bool of_keys = apex && (set->type == WIRE_TYPE_DNSKEY || set->type == WIRE_TYPE_CDS ||
						set->type == WIRE_TYPE_CDNSKEY);
			bool is_signed = set->type != WIRE_TYPE_RRSIG && !of_keys &&
					 (!cut || set->type == WIRE_TYPE_DS || set->type == WIRE_TYPE_NSEC);
			if (is_signed && set->ttl > most)
				most = set->ttl;
		}
	}
	return most;
}

/* Nothing is believed for longer than its signature is good, whatever its TTL (RFC 4035 section 5.3.3). */
static int64_t longest_signed(const struct edition_settings *settings, int64_t ttl_s)
{
	int64_t validity_s = settings->signing.validity_s;
	return validity_s > 0 && ttl_s > validity_s ? validity_s : ttl_s;
}

static int64_t longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* What may be in caches: the source, as it may have been out before it was signed; the version that is out; and what an edition brings. The version
 * that is being made is looked at when it is made. */
static int64_t data_ttl(const struct edition_settings *settings, const struct zone *plain, const struct zone *out)
{
	const struct edition_change *change = &settings->change;
	int64_t ttl_s = longer(longer(change->ns_ttl, change->address_ttl), change->soa_ttl);
	if (change->add != NULL)
		ttl_s = longer(ttl_s, longest_ttl(change->add));
	if (out != NULL)
		ttl_s = longer(ttl_s, longest_ttl(out));
	return longer(longest_ttl(plain), longest_signed(settings, ttl_s));
}

static int keys_folder_take(const struct edition_settings *settings, const struct keys_policy *policy, bool write,
			    struct keys_folder **ret, char *why)
{
	struct keys_open open = {
		.path = settings->keys_folder, .apex = settings->zone, .policy = policy, .write = write};
	int rc = BANYAN_EAGAIN;
	for (unsigned i = 0; rc == BANYAN_EAGAIN && i < LOCK_TRIES; i++) {
		if (i > 0)
			poll(NULL, 0, LOCK_WAIT_MS);
		rc = keys_open(&open, ret, why);
	}
	return rc;
}

static bool is_known(const struct keys_state *state, const struct wire_rdata *dnskey)
{
	for (size_t i = 0; i < state->n; i++) {
		const struct keys_key *key = &state->key[i];
		/* all but the flags, of which one may have come: REVOKE */
		if (key->rdata_len == dnskey->len && memcmp(key->rdata + 2, dnskey->data + 2, dnskey->len - 2U) == 0)
			return true;
	}
	return false;
}

/* Are these the keys of the version that is out? A folder that is lost, or not mounted, is no reason to begin anew: whoever trusts the old keys would
 * believe nothing of what the new ones sign. `folder`: NULL = it was not opened yet. */
static int keys_are_those_of(const struct edition_settings *settings, const struct zone *out,
			     struct keys_folder *folder, char why[EDITION_WHY_MAX])
{
	char path[PATH_MAX];
	const struct zone_node *apex = out != NULL ? zone_find(out, settings->zone) : NULL;
	const struct wire_rrset *set = apex != NULL ? zone_node_set(out, apex, WIRE_TYPE_DNSKEY) : NULL;
	if (set == NULL)
		return 0;
	for (uint32_t i = 0; folder != NULL && i < set->count; i++)
		if (set->rdata[i].len > 4 && is_known(keys_folder_state(folder), &set->rdata[i]))
			return 0;
	snprintf(path, sizeof path, "%s/state", settings->keys_folder);
	if (folder == NULL && access(path, F_OK) == 0)
		return 0;
	return edition_why(why, BANYAN_EPROOF,
			   "%s: the keys that have signed %s are not here: is the folder mounted? Bring it back, or "
			   "`banyan key import` the keys; to begin anew, with new keys and a new trust anchor for "
			   "everybody, move %s away",
			   settings->keys_folder, settings->zone_file, settings->zone_file);
}

/* A folder that cannot be opened or written is the disk's fault, wherever its keys are. */
static enum reason reason_of(const struct keys_folder *folder, int rc)
{
	enum keys_failed failed = folder != NULL     ? keys_folder_failed(folder)
				  : rc == BANYAN_EIO ? KEYS_FAILED_DISK
						     : KEYS_FAILED_OTHER;
	return failed == KEYS_FAILED_DISK    ? REASON_OUTPUT_NOT_WRITTEN
	       : failed == KEYS_FAILED_TOKEN ? REASON_TOKEN_GONE
					     : REASON_KEYS_UNUSABLE;
}

int edition_keys_begin(const struct edition_settings *settings, const struct zone *plain, const struct zone *out,
		       int64_t now, bool dry, struct edition_keys **ret, enum reason *ret_reason,
		       char why[EDITION_WHY_MAX])
{
	struct keys_policy policy = settings->keys;
	struct edition_keys *keys = calloc(1, sizeof *keys);
	char words[KEYS_WHY_MAX] = "", whose[EDITION_WHY_MAX] = "";
	if (keys == NULL)
		return edition_why(why, BANYAN_ENOMEM, "out of memory");
	keys->settings = settings;
	keys->now = now;
	policy.data_ttl_s = data_ttl(settings, plain, out);
	int rc = keys_policy_check(&policy, words);
	bool other = rc == 0 && (rc = keys_are_those_of(settings, out, NULL, whose)) != 0;
	if (rc == 0)
		rc = keys_folder_take(settings, &policy, !dry, &keys->folder, words);
	bool shared = rc == 0 && (rc = edition_claim_keys(settings, !dry, whose)) != 0;
	other = other || (rc == 0 && (rc = keys_are_those_of(settings, out, keys->folder, whose)) != 0);
	if (rc == 0 && settings->keys_token[0] != '\0')
		keys_folder_token(keys->folder, settings->keys_token);
	if (rc == 0 && !dry)
		rc = keys_advance(keys->folder, now, NULL, words);
	if (rc < 0) {
		*ret_reason = reason_of(shared || other ? NULL : keys->folder, rc);
		edition_keys_end(keys);
		return edition_why(why, rc, "%s", shared || other ? whose : words);
	}
	*ret = keys;
	return 0;
}

int edition_keys_fill(struct edition_keys *keys, struct make_signing *signing, enum reason *ret_reason,
		      char why[EDITION_WHY_MAX])
{
	char words[KEYS_WHY_MAX] = "";
	int rc = keys_signing(keys->folder, keys->now, signing, words);
	if (rc == 0)
		return 0;
	*ret_reason = reason_of(keys->folder, rc);
	return edition_why(why, rc, "%s", words);
}

int edition_keys_outlive(struct edition_keys *keys, const struct zone *zone, char why[EDITION_WHY_MAX])
{
	struct keys_policy policy = *keys_folder_policy(keys->folder);
	char words[KEYS_WHY_MAX] = "";
	int64_t ttl_s = longest_signed(keys->settings, longest_ttl(zone));
	if (ttl_s <= policy.data_ttl_s)
		return 0;
	policy.data_ttl_s = ttl_s;
	int rc = keys_policy_check(&policy, words);
	if (rc != 0)
		return edition_why(why, rc, "%s", words);
	keys_folder_policy_set(keys->folder, &policy);
	return 0;
}

static void orphan_tell(void *ctx, const char *place)
{
	const struct edition_settings *settings = ctx;
	log_warning("publish",
		    "%s: %s is the private half of no key of the state and never signs: its making was cut "
		    "off, or the key was removed long ago; `banyan key list` tells what to do",
		    settings->keys_folder, place);
}

void edition_keys_orphans(const struct edition_settings *settings)
{
	struct keys_open open = {.path = settings->keys_folder, .apex = settings->zone};
	struct edition_settings told = *settings;
	struct keys_folder *folder;
	char words[KEYS_WHY_MAX];
	if (keys_open(&open, &folder, words) != 0)
		return; /* there is none yet, or whoever needs it will say what is wrong */
	(void)!keys_orphans(folder, orphan_tell, &told);
	keys_close(folder);
}

int edition_keys_anchors(const struct edition_keys *keys, bool dnskey, struct buffer *out, char why[EDITION_WHY_MAX])
{
	char words[KEYS_WHY_MAX] = "";
	int rc = keys_anchors(keys->folder, dnskey, keys->now, out, words);
	return rc < 0 ? edition_why(why, rc, "%s", words) : 0;
}

int edition_keys_offered(struct edition_keys *keys, int64_t now, char why[EDITION_WHY_MAX])
{
	char words[KEYS_WHY_MAX] = "";
	int rc = keys_offered(keys->folder, now, words);
	return rc < 0 ? edition_why(why, rc, "%s", words) : 0;
}

const char *edition_keys_trouble(const struct edition_keys *keys)
{
	return keys_trouble(keys->folder);
}

int64_t edition_keys_next(const struct edition_keys *keys)
{
	return keys_folder_next(keys->folder, keys->now);
}

void edition_keys_mark(const struct edition_settings *settings, char out[EDITION_KEYS_MARK_MAX])
{
	char path[PATH_MAX];
	struct stat st;
	out[0] = '\0';
	if (snprintf(path, sizeof path, "%s/state", settings->keys_folder) < (int)sizeof path && stat(path, &st) == 0)
		snprintf(out, EDITION_KEYS_MARK_MAX, "%llx-%lld.%09ld", (unsigned long long)st.st_ino,
			 (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}
