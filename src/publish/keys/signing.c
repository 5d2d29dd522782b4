// SPDX-License-Identifier: GPL-3.0-or-later
/* From the state to what a zone is signed with; and the steps between two versions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"

#define ROUNDS_MAX 8 /* each makes all the keys that are wanted: two at most */
#define DIGEST     2 /* SHA-256: RFC 8624 section 3.3 */

static void forget_given(struct keys_folder *folder)
{
	for (size_t i = 0; i < folder->n_other; i++)
		make_key_free(folder->other[i]);
	folder->n_other = 0;
}

/* The keys of the bundle that is in force; NULL when the KSK is here. */
static int in_force(struct keys_folder *folder, int64_t now, struct keys_in_force *ret, char why[KEYS_WHY_MAX])
{
	const struct keys_request *request;
	memset(ret, 0, sizeof *ret);
	if (!folder->policy.offline)
		return 0;
	const struct keys_bundle *bundle = keys_bundle_at(folder, now, &request, why);
	if (bundle == NULL)
		return BANYAN_EPROOF;
	for (size_t i = 0; i < bundle->n_keys; i++) {
		ret->key[ret->n].algorithm = bundle->key[i].data[3];
		ret->key[ret->n++].tag = dnssec_key_tag(bundle->key[i].data, bundle->key[i].len);
	}
	return 0;
}

/* The first key that is to take over at `now`, and whose private half cannot be used; `ret_rc` tells why not. NULL: there is none. */
static struct keys_key *find_lost(struct keys_folder *folder, const struct keys_state *ahead, int *ret_rc,
				  char why[KEYS_WHY_MAX])
{
	for (size_t i = 0; i < folder->state.n; i++) {
		struct keys_key *key = &folder->state.key[i];
		struct make_key *made;
		if (key->phase == KEYS_ACTIVE || ahead->key[i].phase != KEYS_ACTIVE ||
		    keys_see_active(&folder->state, key->role) == NULL)
			continue;
		*ret_rc = keys_private(folder, key, &made, why);
		if (*ret_rc != 0)
			return key;
	}
	return NULL;
}

/* Looks one step ahead, before anything is saved: were the key before retired while the new one is not to be had, nobody could sign any more. A
 * ZSK whose file is gone is given up, since nothing hangs from it yet; for all others the keys stay as they are until somebody has mended it. */
static int look_ahead(struct keys_folder *folder, const struct keys_in_force *force, int64_t now,
		      struct keys_actions *all, bool *ret_stay, char why[KEYS_WHY_MAX])
{
	_cleanup_(base_free) struct keys_state *ahead = malloc(sizeof *ahead);
	if (ahead == NULL)
		return keys_wrong(why, BANYAN_ENOMEM, "out of memory");
	*ret_stay = false;
	for (size_t i = 0; i < KEYS_MAX && !*ret_stay; i++) {
		struct keys_actions none;
		int rc = 0;
		*ahead = folder->state;
		keys_step(ahead, &folder->policy, force, now, &none);
		struct keys_key *key = find_lost(folder, ahead, &rc, why);
		if (key == NULL)
			break;
		*ret_stay = rc != BANYAN_ENOENT || key->role != KEYS_ZSK || keys_way_algorithm(key->way) ||
			    keys_place_token(key->place);
		if (*ret_stay) {
			log_warning("keys",
				    "%s; key %u was to sign from now on, and the one before it stays until then", why,
				    key->tag);
			continue;
		}
		log_warning(
			"keys",
			"%s; key %u was to sign from now on: it is given up, and the one before it stays; `banyan key "
			"roll zsk` makes another",
			why, key->tag);
		keys_enter(&folder->state, key, KEYS_REMOVED, now, all);
	}
	folder->failed = KEYS_FAILED_OTHER;
	return 0;
}

/* A new zone whose KSK is elsewhere: the folder, with its policy and a ZSK, is what `banyan key ksr` begins with. The sentence of why nothing can
 * be signed yet stays. */
static int make_first(struct keys_folder *folder, int64_t now, char why[KEYS_WHY_MAX])
{
	struct keys_key *key;
	char wrong[KEYS_WHY_MAX];
	int rc = keys_generate(folder, KEYS_ZSK, folder->policy.algorithm, folder->token, now, &key, wrong);
	return rc == 0 ? BANYAN_EPROOF : keys_wrong(why, rc, "%s", wrong);
}

int keys_advance(struct keys_folder *folder, int64_t now, struct keys_actions *ret_actions, char why[KEYS_WHY_MAX])
{
	struct keys_actions actions = {0}, all = {0};
	struct keys_in_force force;
	bool stay = false, again = true;
	folder->failed = KEYS_FAILED_OTHER;
	int rc = keys_check(&folder->state, &folder->policy, NULL, why);
	if (rc == 0)
		rc = in_force(folder, now, &force, why);
	if (rc == 0)
		rc = look_ahead(folder, folder->policy.offline ? &force : NULL, now, &all, &stay, why);
	if (rc == BANYAN_EPROOF && folder->state.n == 0)
		rc = make_first(folder, now, why);
	for (int round = 0; rc == 0 && again && !stay && round < ROUNDS_MAX; round++) {
		keys_step(&folder->state, &folder->policy, folder->policy.offline ? &force : NULL, now, &actions);
		again = false;
		for (size_t i = 0; i < actions.n && rc == 0; i++) {
			const struct keys_action *a = &actions.item[i];
			struct keys_key *key;
			if (a->kind != KEYS_DO_GENERATE) {
				keys_act(&all, a);
				continue;
			}
			rc = keys_generate(folder, a->role, a->algorithm, folder->token, now, &key, why);
			again = true;
		}
	}
	if (rc == 0)
		rc = keys_save(folder, why);
	if (rc == 0 && ret_actions != NULL)
		*ret_actions = all;
	return rc;
}

/* One key's place in the zone; it may have none. */
static int give_key(struct keys_folder *folder, const struct keys_key *key, struct make_signing *signing,
		    char why[KEYS_WHY_MAX])
{
	struct keys_does does = keys_key_does(&folder->state, key);
	struct make_key *made;
	int rc;
	if (!does.published && !does.signs_keys && !does.signs_data)
		return 0;
	if (does.signs_keys || does.signs_data) {
		rc = keys_private(folder, key, &made, why);
	} else {
		rc = make_key_from_rdata(key->rdata, key->rdata_len, &made);
		if (rc == 0)
			folder->other[folder->n_other++] = made;
		else
			keys_wrong(why, rc, "%s: key %u: %s", folder->path, key->tag, error_text(rc));
	}
	if (rc != 0)
		return rc;
	folder->zone_key[signing->n_keys++] = (struct make_zone_key){
		.key = made, .published = does.published, .signs_keys = does.signs_keys, .signs_data = does.signs_data};
	return 0;
}

/* RFC 7344: what the parent should have. */
static int give_cds(struct keys_folder *folder, struct make_signing *signing)
{
	size_t n = 0;
	if (!folder->policy.cds || folder->policy.offline || folder->policy.trust != KEYS_TRUST_PARENT)
		return 0;
	/* RFC 8901 section 8: they would speak for all signers, and with ours alone the parent would drop the others' DS */
	if (folder->state.multi)
		return 0;
	for (size_t i = 0; i < folder->state.n; i++) {
		const struct keys_key *key = &folder->state.key[i];
		if (!keys_key_does(&folder->state, key).ds)
			continue;
		int len = make_ds(folder->state.apex, key->rdata, key->rdata_len, DIGEST, folder->cds_bytes[n]);
		if (len < 0)
			return len;
		folder->cds[n] = (struct wire_rdata){.data = folder->cds_bytes[n], .len = (uint16_t)len};
		folder->cdnskey[n++] = (struct wire_rdata){.data = key->rdata, .len = key->rdata_len};
	}
	signing->cds = (struct make_rdata_list){.n = n, .item = folder->cds};
	signing->cdnskey = (struct make_rdata_list){.n = n, .item = folder->cdnskey};
	return 0;
}

/* With an offline KSK: the set is the bundle's, and all that signs must be in it. */
static int give_ready(struct keys_folder *folder, int64_t now, struct make_signing *signing, char why[KEYS_WHY_MAX])
{
	const struct keys_request *request;
	struct keys_in_force force;
	if (!folder->policy.offline)
		return 0;
	char from[32], here[32];
	const struct keys_bundle *bundle = keys_bundle_at(folder, now, &request, why);
	int rc = bundle == NULL ? BANYAN_EPROOF : in_force(folder, now, &force, why);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < folder->state.n; i++) {
		const struct keys_key *key = &folder->state.key[i];
		if (keys_key_does(&folder->state, key).signs_data && !keys_in_force_has(&force, key))
			return keys_wrong(
				why, BANYAN_EPROOF,
				"%s: key %u signs the zone, but the key response %s does not have it from %s on (it is "
				"%s here: is the clock right?), and no other key of it may sign yet",
				folder->path, key->tag, request->id, clock_format(bundle->from, from),
				clock_format(now, here));
	}
	rc = keys_bundle_ready(folder, request, bundle);
	if (rc != 0)
		return keys_wrong(why, rc, "out of memory");
	signing->ready_dnskey = &folder->ready;
	return 0;
}

int keys_signing(struct keys_folder *folder, int64_t now, struct make_signing *ret, char why[KEYS_WHY_MAX])
{
	struct make_signing signing = *ret;
	int rc = 0;
	folder->failed = KEYS_FAILED_OTHER;
	forget_given(folder);
	signing.apex = folder->state.apex;
	signing.key = folder->zone_key;
	signing.n_keys = 0;
	signing.ready_dnskey = NULL;
	signing.cds = signing.cdnskey = (struct make_rdata_list){0};
	signing.dnskey_ttl = (uint32_t)folder->policy.dnskey_ttl_s;
	if (signing.validity_dnskey_s == 0)
		signing.validity_dnskey_s = (uint32_t)folder->policy.validity_s;
	for (size_t i = 0; i < folder->state.n && rc == 0; i++)
		rc = give_key(folder, &folder->state.key[i], &signing, why);
	if (rc == 0)
		rc = give_ready(folder, now, &signing, why);
	if (rc == 0 && signing.n_keys == 0)
		rc = keys_wrong(why, BANYAN_ENOENT, "%s: there are no keys to sign with", folder->path);
	if (rc == 0 && give_cds(folder, &signing) != 0)
		rc = keys_wrong(why, BANYAN_EOTHER, "%s: CDS records cannot be made", folder->path);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < folder->state.n_foreign; i++)
		folder->foreign[i] = (struct wire_rdata){.data = folder->state.foreign[i].rdata,
							 .len = folder->state.foreign[i].rdata_len};
	signing.more_keys = (struct make_rdata_list){.n = folder->state.n_foreign, .item = folder->foreign};
	folder->trouble[0] = '\0';
	*ret = signing;
	return 0;
}

int keys_offered(struct keys_folder *folder, int64_t now, char why[KEYS_WHY_MAX])
{
	/* it may be known only since the zone was made */
	keys_ttl_note(&folder->state.data_ttl, folder->policy.data_ttl_s, folder->policy.propagation_s);
	keys_state_offered(&folder->state, now);
	return keys_save(folder, why);
}

int64_t keys_folder_next(const struct keys_folder *folder, int64_t now)
{
	int64_t next = keys_next(&folder->state, &folder->policy);
	int64_t bundle = folder->policy.offline ? keys_bundle_next(folder, now) : KEYS_NEVER;
	return bundle < next ? bundle : next;
}

static int anchor_write(const struct keys_folder *folder, bool dnskey, const uint8_t *data, size_t len,
			struct buffer *out)
{
	struct wire_rdata rdata = {.data = data, .len = (uint16_t)len};
	uint8_t ds[MAKE_DS_MAX];
	if (!dnskey) {
		int ds_len = make_ds(folder->state.apex, data, len, DIGEST, ds);
		if (ds_len < 0)
			return ds_len;
		rdata = (struct wire_rdata){.data = ds, .len = (uint16_t)ds_len};
	}
	int rc = wire_record_text(folder->state.apex, (uint32_t)folder->policy.dnskey_ttl_s, WIRE_CLASS_IN,
				  dnskey ? WIRE_TYPE_DNSKEY : WIRE_TYPE_DS, &rdata, out);
	if (rc >= 0)
		rc = buffer_printf(out, "\n");
	return rc < 0 ? rc : 0;
}

static int anchors_bundle(struct keys_folder *folder, bool dnskey, int64_t now, struct buffer *out,
			  char why[KEYS_WHY_MAX])
{
	const struct keys_request *request;
	const struct keys_bundle *bundle = keys_bundle_at(folder, now, &request, why);
	if (bundle == NULL)
		return BANYAN_EPROOF;
	for (size_t i = 0; i < bundle->n_keys; i++) {
		const struct wire_rdata *key = &bundle->key[i];
		int rc = wire_get16(key->data) == MAKE_FLAGS_KSK
				 ? anchor_write(folder, dnskey, key->data, key->len, out)
				 : 0;
		if (rc != 0)
			return keys_wrong(why, rc, "%s: %s", folder->path, error_text(rc));
	}
	return 0;
}

int keys_anchors(struct keys_folder *folder, bool dnskey, int64_t now, struct buffer *out, char why[KEYS_WHY_MAX])
{
	_cleanup_(base_free) struct keys_state *state = malloc(sizeof *state);
	if (folder->policy.offline)
		return anchors_bundle(folder, dnskey, now, out, why);
	if (state == NULL)
		return keys_wrong(why, BANYAN_ENOMEM, "out of memory");
	if (folder->policy.ksk_only)
		keys_state_at(&folder->state, now, state);
	else
		*state = folder->state;
	for (size_t i = 0; i < state->n; i++) {
		const struct keys_key *key = &state->key[i];
		/* before the DS of the first key may be given to others it works as an anchor already */
		bool first = keys_for_keys(key) && key->way == KEYS_FIRST && key->phase == KEYS_PUBLISHED;
		if (!keys_key_does(state, key).ds && !first)
			continue;
		int rc = anchor_write(folder, dnskey, key->rdata, key->rdata_len, out);
		if (rc != 0)
			return keys_wrong(why, rc, "%s: %s", folder->path, error_text(rc));
	}
	return 0;
}
