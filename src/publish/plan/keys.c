// SPDX-License-Identifier: GPL-3.0-or-later
/* Keys made for one plan: what they sign is a zone like any other. */
#include <stdlib.h>

#include "plan.h"
#include "private.h"
#include "publish/publish.h"

#define VALIDITY_S         (14 * 86400) /* as the root's */
#define INCEPTION_BEFORE_S 3600
#define FLAGS              257 /* each signs all, keys too */
#define DS_SHA256          2
#define DS_TTL_S           86400

struct plan_keys {
	int64_t now;
	size_t n;
	struct make_zone_key key[PLAN_SIGNERS_MAX];
};

void plan_keys_free(struct plan_keys *keys)
{
	if (keys == NULL)
		return;
	while (keys->n > 0)
		make_key_free(keys->key[--keys->n].key);
	free(keys);
}

int plan_keys_new(const struct plan_signer *signer, size_t n, int64_t now, struct plan_keys **ret)
{
	struct plan_keys *keys = calloc(1, sizeof *keys);
	if (keys == NULL)
		return BANYAN_ENOMEM;
	keys->now = now;
	for (size_t i = 0; i < n; i++) {
		struct make_zone_key *key = &keys->key[i];
		int rc = make_key_generate(signer[i].algorithm, signer[i].bits, FLAGS, &key->key);
		if (rc != 0) {
			plan_keys_free(keys);
			return rc;
		}
		key->published = key->signs_keys = key->signs_data = true;
		keys->n++;
	}
	*ret = keys;
	return 0;
}

int plan_keys_sign(const struct plan_keys *keys, const struct zone *plain, struct zone **ret)
{
	struct make_signing signing = {
		.key = keys->key,
		.n_keys = keys->n,
		.now = keys->now,
		.validity_s = VALIDITY_S,
		.inception_before_s = INCEPTION_BEFORE_S,
		.zonemd = MAKE_ZONEMD_SHA384,
	};
	struct publish_sign_result result;
	return publish_sign(plain, NULL, &signing, ret, &result);
}

int plan_keys_ds(const struct plan_keys *keys, const uint8_t *owner, struct zone_maker *maker)
{
	int rc = 0;
	for (size_t i = 0; i < keys->n && rc == 0; i++) {
		uint8_t ds[MAKE_DS_MAX];
		size_t len;
		const uint8_t *rdata = make_key_rdata(keys->key[i].key, &len);
		int ds_len = make_ds(owner, rdata, len, DS_SHA256, ds);
		rc = ds_len < 0 ? ds_len : zone_maker_add(maker, owner, WIRE_TYPE_DS, DS_TTL_S, ds, (uint16_t)ds_len);
	}
	return rc;
}
