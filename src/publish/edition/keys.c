// SPDX-License-Identifier: GPL-3.0-or-later
/* The keys that an edition is signed with now, out of its folder of keys; they come and go as is due. */
#include "private.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LOCK_TRIES   60 /* `banyan key` has it for a moment: to make RSA keys, for some seconds */
#define LOCK_WAIT_MS 100

struct edition_keys {
	struct keys_folder *folder;
	int64_t now;
};

void edition_keys_end(struct edition_keys *keys)
{
	if (keys != NULL && keys->folder != NULL)
		keys_close(keys->folder);
	free(keys);
}

/* The longest TTL of what is signed: so long an old signature may be in caches. */
static int64_t data_ttl(const struct zone *plain)
{
	uint32_t most = 0;
	for (size_t i = 0; i < plain->n_nodes; i++) {
		const struct zone_node *node = &plain->node[i];
		if ((node->flags & (ZONE_NODE_BELOW | ZONE_NODE_OCCLUDED)) != 0)
			continue;
		for (uint16_t s = 0; s < node->n_sets; s++) {
			const struct wire_rrset *set = &plain->set[node->first_set + s];
			if (((node->flags & ZONE_NODE_CUT) == 0 || set->type == WIRE_TYPE_DS) && set->ttl > most)
				most = set->ttl;
		}
	}
	return most;
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

int edition_keys_begin(const struct edition_settings *settings, const struct zone *plain, int64_t now, bool dry,
		       struct edition_keys **ret, char why[EDITION_WHY_MAX])
{
	struct keys_policy policy = settings->keys;
	struct edition_keys *keys = calloc(1, sizeof *keys);
	char words[KEYS_WHY_MAX] = "";
	if (keys == NULL)
		return edition_why(why, BANYAN_ENOMEM, "out of memory");
	keys->now = now;
	policy.data_ttl_s = data_ttl(plain);
	int rc = keys_policy_check(&policy, words);
	if (rc == 0)
		rc = keys_folder_take(settings, &policy, !dry, &keys->folder, words);
	if (rc == 0 && settings->keys_token[0] != '\0')
		keys_folder_token(keys->folder, settings->keys_token);
	if (rc == 0 && !dry)
		rc = keys_advance(keys->folder, now, NULL, words);
	if (rc < 0) {
		edition_keys_end(keys);
		return edition_why(why, rc, "%s", words);
	}
	*ret = keys;
	return 0;
}

int edition_keys_fill(struct edition_keys *keys, struct make_signing *signing, char why[EDITION_WHY_MAX])
{
	char words[KEYS_WHY_MAX] = "";
	int rc = keys_signing(keys->folder, keys->now, signing, words);
	return rc < 0 ? edition_why(why, rc, "%s", words) : 0;
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
