// SPDX-License-Identifier: GPL-3.0-or-later
/* The world of keys_world.h. */
#include "../test.h"

#include "keys_world.h"

#define START      1790000000LL
#define SETUP_DAYS 14     /* in so many at most somebody sets up a resolver */
#define OTHER      0xffff /* tag of the other signer's key, which no key of ours has */

static void fault(struct world *world, const char *format, ...) _printf_(2, 3);
static void fault(struct world *world, const char *format, ...)
{
	va_list args;
	if (world->faults++ > 0)
		return;
	va_start(args, format);
	vsnprintf(world->fault, sizeof world->fault, format, args);
	va_end(args);
}

static int64_t some(struct world *world, int64_t most_s)
{
	return most_s > 0 ? (int64_t)(random_u64(&world->random) % (uint64_t)(most_s + 1)) : 0;
}

void world_init(struct world *world, uint64_t seed, const struct keys_policy *policy)
{
	memset(world, 0, sizeof *world);
	keys_state_init(&world->state, (const uint8_t *)"\7example");
	world->policy = *policy;
	world->now = START;
	world->strict = true;
	random_init_seed(&world->random, seed);
}

static void make_key(struct world *world, const struct keys_action *action)
{
	struct keys_key *key;
	uint8_t rdata[36] = {1, action->role == KEYS_ZSK ? 0 : 1, 3, action->algorithm};
	int rc;
	do {
		random_bytes(&world->random, rdata + 4, 32);
		rc = dnssec_key_tag(rdata, sizeof rdata) == OTHER
			     ? BANYAN_EEXIST
			     : keys_add(&world->state, action->role, rdata, sizeof rdata, "", world->now, &key);
	} while (rc == BANYAN_EEXIST);
	assert_int_equal(rc, 0);
	world->generated++;
}

static void step(struct world *world, struct keys_actions *actions)
{
	bool again;
	do {
		again = false;
		keys_step(&world->state, &world->policy, NULL, world->now, actions);
		for (size_t i = 0; i < actions->n; i++) {
			if (actions->item[i].kind == KEYS_DO_GENERATE) {
				make_key(world, &actions->item[i]);
				again = true;
			}
		}
	} while (again);
}

static bool version_same(const struct version *a, const struct version *b)
{
	return a->n == b->n && a->dnskey_ttl_s == b->dnskey_ttl_s && a->data_ttl_s == b->data_ttl_s &&
	       memcmp(a->key, b->key, sizeof a->key[0] * a->n) == 0;
}

static void offer(struct world *world)
{
	struct version version;
	memset(&version, 0, sizeof version);
	version.from = world->now;
	version.dnskey_ttl_s = world->policy.dnskey_ttl_s;
	version.data_ttl_s = world->policy.data_ttl_s;
	for (size_t i = 0; i < world->state.n; i++) {
		const struct keys_key *key = &world->state.key[i];
		struct keys_does does = keys_key_does(&world->state, key);
		if (!does.published && !does.signs_keys && !does.signs_data)
			continue;
		does.ds = false;
		version.key[version.n].algorithm = key->algorithm;
		version.key[version.n].role = key->role;
		version.key[version.n].tag = key->tag;
		version.key[version.n++].does = does;
	}
	keys_state_offered(&world->state, world->now);
	if (world->n > 0 && version_same(&version, &world->version[world->n - 1]))
		return;
	assert_true(world->n < VERSIONS_MAX);
	world->version[world->n++] = version;
}

/* ---- the parent ---- */

static void ds_wanted(const struct world *world, struct ds_version *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->ttl_s = world->policy.trust == KEYS_TRUST_PARENT ? world->policy.ds_ttl_s : 0;
	for (size_t i = 0; i < world->state.n; i++) {
		const struct keys_key *key = &world->state.key[i];
		if (!keys_key_does(&world->state, key).ds)
			continue;
		ret->key[ret->n].algorithm = key->algorithm;
		ret->key[ret->n++].tag = key->tag;
	}
}

static bool ds_has(const struct ds_version *ds, uint16_t tag)
{
	for (size_t i = 0; i < ds->n; i++)
		if (ds->key[i].tag == tag)
			return true;
	return false;
}

/* It sees what is wanted, takes its time, changes its set at once, and somebody tells us some time later. */
static void parent(struct world *world)
{
	struct ds_version wanted;
	if (world->policy.trust == KEYS_TRUST_5011)
		return;
	ds_wanted(world, &wanted);
	const struct ds_version *now = world->n_ds > 0 ? &world->ds[world->n_ds - 1] : NULL;
	bool same = now != NULL && now->n == wanted.n;
	for (size_t i = 0; same && i < wanted.n; i++)
		same = now->key[i].tag == wanted.key[i].tag && now->key[i].algorithm == wanted.key[i].algorithm;
	if (world->parent_due == 0 && world->tell_due == 0 && wanted.n > 0 && !same) {
		world->parent_due = world->now + some(world, 3 * 86400);
		world->wanted = wanted;
	}
	if (world->parent_due != 0 && world->parent_due <= world->now) {
		assert_true(world->n_ds < VERSIONS_MAX);
		world->wanted.from = world->now;
		world->ds[world->n_ds++] = world->wanted;
		world->parent_due = 0;
		world->tell_due = world->now + some(world, 86400);
	}
	if (world->tell_due == 0 || world->tell_due > world->now)
		return;
	char why[KEYS_WHY_MAX];
	world->tell_due = 0;
	now = &world->ds[world->n_ds - 1];
	for (size_t i = 0; i < world->state.n; i++) {
		const struct keys_key *key = &world->state.key[i];
		bool has = ds_has(now, key->tag);
		if (key->role != KEYS_ZSK && has && key->ds_seen == 0)
			assert_int_equal(keys_tell_ds(&world->state, key->tag, true, world->now, why), 0);
		if (key->role != KEYS_ZSK && !has && key->ds_seen != 0 && key->ds_gone == 0)
			assert_int_equal(keys_tell_ds(&world->state, key->tag, false, world->now, why), 0);
	}
}

/* ---- another signer ---- */

static void other_signer(struct world *world)
{
	bool news = world->n_other == 0;
	if (!world->state.multi)
		return;
	struct version *last = news ? NULL : &world->other[world->n_other - 1];
	for (size_t i = 0; i < world->state.n && !news; i++) {
		bool has = false;
		for (size_t j = 0; j < last->n; j++)
			has |= last->key[j].tag == world->state.key[i].tag;
		news = !has && world->state.key[i].phase == KEYS_PUBLISHED && world->state.key[i].role != KEYS_KSK;
	}
	if (news && world->share_due == 0)
		world->share_due = world->now + (world->n_other == 0 ? 0 : some(world, 4 * 86400));
	if (world->share_due == 0 || world->share_due > world->now)
		return;
	world->share_due = 0;
	struct version version;
	memset(&version, 0, sizeof version);
	version.from = world->now;
	version.dnskey_ttl_s = world->policy.dnskey_ttl_s;
	for (size_t i = 0; i < world->state.n; i++) {
		const struct keys_key *key = &world->state.key[i];
		char why[KEYS_WHY_MAX];
		if (key->role == KEYS_KSK || key->phase == KEYS_GENERATED || key->phase == KEYS_REMOVED)
			continue;
		version.key[version.n].algorithm = key->algorithm;
		version.key[version.n].tag = key->tag;
		version.key[version.n++].does.published = true;
		/* the other's servers are as slow as ours: it says so when all have the set */
		assert_int_equal(keys_tell_shared(&world->state, key->tag, world->now, why), 0);
	}
	assert_true(world->n_other < VERSIONS_MAX);
	world->other[world->n_other++] = version;
}

/* ---- resolvers that follow RFC 5011 ---- */

static size_t validator_key(struct validator *v, uint16_t tag)
{
	size_t i = 0;
	while (i < v->n && v->key[i].tag != tag)
		i++;
	if (i == v->n) {
		assert_true(v->n < KEYS_MAX);
		memset(&v->key[v->n], 0, sizeof v->key[0]);
		v->key[v->n++].tag = tag;
	}
	return i;
}

static void validator_take(struct world *world, struct validator *v, const struct version *version)
{
	bool good = false;
	for (size_t i = 0; i < version->n; i++)
		good |= version->key[i].does.published && !version->key[i].does.revoked &&
			version->key[i].does.signs_keys && v->key[validator_key(v, version->key[i].tag)].trusted;
	if (!good) {
		fault(world, "a resolver of RFC 5011 trusts no key of the set at %lld",
		      (long long)(world->now - START));
		return;
	}
	for (size_t i = 0; i < v->n; i++)
		v->key[i].here = false;
	for (size_t i = 0; i < version->n; i++) {
		if (!version->key[i].does.published || version->key[i].role == KEYS_ZSK)
			continue;
		size_t k = validator_key(v, version->key[i].tag);
		v->key[k].here = true;
		if (version->key[i].does.revoked && version->key[i].does.signs_keys) {
			v->key[k].revoked = true;
			v->key[k].trusted = false;
		} else if (!v->key[k].revoked && v->key[k].since == 0) {
			v->key[k].since = world->now;
		} else if (!v->key[k].revoked && world->now - v->key[k].since >= world->policy.hold_s) {
			v->key[k].trusted = true;
		}
	}
	for (size_t i = 0; i < v->n; i++)
		if (!v->key[i].here && !v->key[i].trusted)
			v->key[i].since = 0; /* AddPend and gone: from the start again */
}

static int64_t query_s(const struct world *world)
{
	int64_t half = world->policy.dnskey_ttl_s / 2;
	return world->policy.query_s > 0 ? world->policy.query_s
	       : half < 3600             ? 3600
	       : half > 15 * 86400       ? 15 * 86400
					 : half;
}

static void validator_ask(struct world *world, struct validator *v)
{
	v->next = world->now + query_s(world);
	v->missed = !v->missed && some(world, 4) == 0;
	if (v->missed)
		return;
	/* any version that a cache or a late server may have, but none older than was seen */
	size_t first = world->n - 1;
	while (first > v->seen_version &&
	       world->version[first].from > world->now - world->policy.propagation_s - world->policy.dnskey_ttl_s)
		first--;
	size_t pick = first + (size_t)some(world, (int64_t)(world->n - 1 - first));
	v->seen_version = pick;
	validator_take(world, v, &world->version[pick]);
}

/* New ones begin with the anchors of the day. */
static void validators(struct world *world)
{
	if (world->policy.trust != KEYS_TRUST_5011)
		return;
	if (world->n_validators < VALIDATORS_MAX && world->n > 0 &&
	    (world->n_validators < 6 ||
	     world->now - world->validator[world->n_validators - 1].start > some(world, SETUP_DAYS * 86400))) {
		struct validator *v = &world->validator[world->n_validators++];
		v->next = world->now + some(world, query_s(world));
		v->start = world->now;
		v->seen_version = world->n - 1;
		for (size_t i = 0; i < world->state.n; i++) {
			if (!keys_key_does(&world->state, &world->state.key[i]).ds)
				continue;
			size_t k = validator_key(v, world->state.key[i].tag);
			v->key[k].trusted = true;
			v->key[k].since = world->now;
		}
	}
	for (size_t i = 0; i < world->n_validators; i++)
		if (world->validator[i].next <= world->now)
			validator_ask(world, &world->validator[i]);
}

/* ---- time ---- */

/* A publisher that is woken must find something to do: else it would sign the zone again and again. */
static void check_wakes(struct world *world)
{
	static struct keys_state state;
	struct keys_actions actions;
	bool moves = false;
	if (keys_next(&world->state, &world->policy) > world->now)
		return;
	state = world->state;
	keys_step(&state, &world->policy, NULL, world->now, &actions);
	for (size_t i = 0; i < actions.n; i++)
		moves |= actions.item[i].kind == KEYS_DO_MOVED || actions.item[i].kind == KEYS_DO_GENERATE;
	moves |= state.n_foreign != world->state.n_foreign;
	if (!moves)
		fault(world, "a step is due at %lld, and there is nothing to do", (long long)(world->now - START));
}

static void sooner(int64_t due, int64_t *next)
{
	if (due != 0 && due < *next)
		*next = due;
}

void world_run(struct world *world, int64_t until)
{
	until += START;
	while (world->now < until) {
		struct keys_actions actions;
		step(world, &actions);
		int64_t lag_s = some(world, 3) == 0 ? some(world, world->lag_max_s) : 0;
		int64_t offered = world->now + lag_s;
		/* the world does not wait for the publisher */
		while (world->now < offered) {
			int64_t next = offered;
			for (size_t i = 0; i < world->n_validators; i++)
				sooner(world->validator[i].next, &next);
			world->now = next;
			if (world->n > 0)
				validators(world);
		}
		offer(world);
		parent(world);
		other_signer(world);
		validators(world);
		check_wakes(world);
		int64_t next = keys_next(&world->state, &world->policy);
		if (next <= world->now)
			next = world->now + 1;
		next = next == KEYS_NEVER ? until : next + (some(world, 2) == 0 ? some(world, world->lag_max_s) : 0);
		sooner(world->parent_due, &next);
		sooner(world->tell_due, &next);
		sooner(world->share_due, &next);
		for (size_t i = 0; i < world->n_validators; i++)
			sooner(world->validator[i].next, &next);
		if (next > until)
			next = until;
		world->now = next <= world->now ? world->now + 1 : next;
	}
}

/* ---- the model check ---- */

struct window {
	int64_t from, to;
};

static bool meet(struct window a, struct window b)
{
	return a.from < b.to && b.from < a.to;
}

static struct window window_of(const struct version *v, size_t i, size_t n, int64_t ttl_s, int64_t propagation_s)
{
	struct window w = {.from = v[i].from, .to = INT64_MAX};
	if (i + 1 < n)
		w.to = v[i + 1].from + propagation_s + ttl_s;
	return w;
}

/* Is the data of `r` signed by a key of the set `k`? algorithm 0: any. */
static bool data_proved(const struct version *k, const struct version *r, uint8_t algorithm)
{
	for (size_t i = 0; i < r->n; i++) {
		if (!r->key[i].does.signs_data || (algorithm != 0 && r->key[i].algorithm != algorithm))
			continue;
		for (size_t j = 0; j < k->n; j++)
			if (k->key[j].tag == r->key[i].tag && k->key[j].algorithm == r->key[i].algorithm &&
			    k->key[j].does.published && !k->key[j].does.revoked)
				return true;
	}
	return false;
}

static bool keys_proved(const struct ds_version *ds, const struct version *k, uint8_t algorithm)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->key[i].does.published && !k->key[i].does.revoked && k->key[i].does.signs_keys &&
		    (algorithm == 0 || k->key[i].algorithm == algorithm) && ds_has(ds, k->key[i].tag))
			return true;
	return false;
}

static void check_data(struct world *world, const struct version *k, const struct version *r)
{
	if (!data_proved(k, r, 0))
		fault(world, "data of %lld have no signature of a key of the set of %lld", (long long)(r->from - START),
		      (long long)(k->from - START));
	for (size_t i = 0; world->strict && i < k->n; i++)
		if (k->key[i].does.published && !k->key[i].does.revoked && !data_proved(k, r, k->key[i].algorithm))
			fault(world, "data of %lld have no signature of algorithm %u, which is in the set of %lld",
			      (long long)(r->from - START), k->key[i].algorithm, (long long)(k->from - START));
}

static void check_keys(struct world *world, const struct ds_version *ds, const struct version *k)
{
	if (!keys_proved(ds, k, 0))
		fault(world, "the set of %lld hangs from no DS of %lld", (long long)(k->from - START),
		      (long long)(ds->from - START));
	for (size_t i = 0; world->strict && i < ds->n; i++)
		if (!keys_proved(ds, k, ds->key[i].algorithm))
			fault(world, "the set of %lld has no key for algorithm %u of the DS of %lld",
			      (long long)(k->from - START), ds->key[i].algorithm, (long long)(ds->from - START));
}

void world_check(struct world *world)
{
	int64_t prop = world->policy.propagation_s;
	for (size_t i = 0; i < world->n; i++) {
		int64_t ttl = world->real_ttl_s ? world->real_ttl_s : world->version[i].dnskey_ttl_s;
		struct window wk = window_of(world->version, i, world->n, ttl, prop);
		for (size_t j = 0; j < world->n; j++) {
			ttl = world->real_ttl_s ? world->real_ttl_s : world->version[j].data_ttl_s;
			if (meet(wk, window_of(world->version, j, world->n, ttl, prop)))
				check_data(world, &world->version[i], &world->version[j]);
		}
		for (size_t d = 0; d < world->n_ds; d++) {
			struct window wd = {.from = world->ds[d].from, .to = INT64_MAX};
			if (d + 1 < world->n_ds)
				wd.to = world->ds[d + 1].from + world->ds[d].ttl_s +
					(world->policy.trust == KEYS_TRUST_PARENT ? world->policy.parent_propagation_s
										  : 0);
			if (meet(wk, wd))
				check_keys(world, &world->ds[d], &world->version[i]);
		}
	}
	for (size_t i = 0; i < world->n_other; i++) {
		struct window wk = window_of(world->other, i, world->n_other, world->other[i].dnskey_ttl_s, prop);
		for (size_t j = 0; j < world->n; j++)
			if (meet(wk, window_of(world->version, j, world->n, world->version[j].data_ttl_s, prop)) &&
			    !data_proved(&world->other[i], &world->version[j], 0))
				fault(world,
				      "data of %lld have no signature of a key of the other signer's set of %lld",
				      (long long)(world->version[j].from - START),
				      (long long)(world->other[i].from - START));
	}
}

const struct keys_key *world_key(const struct world *world, uint16_t tag)
{
	for (size_t i = 0; i < world->state.n; i++)
		if (world->state.key[i].tag == tag)
			return &world->state.key[i];
	return NULL;
}
