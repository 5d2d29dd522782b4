// SPDX-License-Identifier: GPL-3.0-or-later
/* Trust anchors that roll: the state machine of RFC 5011 section 4. Time and key sets are arguments. */
#include "message.h"

#include <stdio.h>
#include <string.h>

#define FLAG_SEP           0x0001 /* RFC 4034 section 2.1.1: what a trust anchor may be */
#define HOUR_S             3600
#define DAY_S              86400
#define INTERVAL_MAX_S     (15 * DAY_S) /* RFC 5011 section 2.3 */
#define UPDATE_SIGNATURES  24           /* checked in one update: a root in the middle of a roll has three */
#define DS_DIGESTS_MATCHED 64           /* of configured DS records, in one update */

/* One update at work. */
struct update {
	struct dnssec_rollover *rollover;
	const struct dnssec_anchors *configured;
	const struct dnssec_policy *policy;
	struct wire_rrset set; /* canonical */
	const struct wire_rdata *sigs;
	size_t n_sigs;
	unsigned digests;
	uint32_t signatures;
	struct dnssec_rollover_report *report;
};

void dnssec_rollover_init(struct dnssec_rollover *rollover, const uint8_t *zone)
{
	*rollover = (struct dnssec_rollover){.retry_s = HOUR_S};
	wire_name_lower(zone, rollover->zone);
}

bool dnssec_rollover_wanted(const struct dnssec_anchors *configured, const uint8_t *zone)
{
	for (size_t i = 0; i < configured->count; i++)
		if (!configured->item[i].fixed && wire_name_equal(configured->item[i].owner, zone))
			return true;
	return false;
}

void dnssec_rollover_unanswered(struct dnssec_rollover *rollover, int64_t now)
{
	rollover->next = now + rollover->retry_s;
}

/* ---- keys ---- */

static bool trusted(const struct dnssec_rollover_key *key)
{
	return key->state == DNSSEC_ROLLOVER_VALID || key->state == DNSSEC_ROLLOVER_MISSING;
}

static bool gone(const struct dnssec_rollover_key *key)
{
	return key->state == DNSSEC_ROLLOVER_REVOKED || key->state == DNSSEC_ROLLOVER_REMOVED;
}

static struct dnssec_rollover_key *key_find(struct dnssec_rollover *rollover, const struct wire_rdata *rdata)
{
	for (size_t i = 0; i < rollover->n; i++) {
		struct dnssec_rollover_key *key = &rollover->key[i];
		if (key->len == rdata->len && memcmp(key->rdata, rdata->data, rdata->len) == 0)
			return key;
	}
	return NULL;
}

/* Does this anchor name this key? */
static bool anchor_names(const uint8_t *zone, const struct dnssec_anchor *anchor, const struct wire_rdata *key)
{
	struct wire_rdata rdata = {.data = anchor->rdata, .len = anchor->len};
	if (!wire_name_equal(anchor->owner, zone))
		return false;
	return anchor->type == WIRE_TYPE_DNSKEY ? wire_rdata_cmp(&rdata, key) == 0
						: dnssec_ds_match(zone, &rdata, key) == 1;
}

bool dnssec_rollover_fits(const struct dnssec_rollover *rollover, const struct dnssec_anchors *configured)
{
	bool fits = rollover->n == 0;
	for (size_t i = 0; i < configured->count && !fits; i++)
		for (size_t k = 0; k < rollover->n && !fits; k++)
			fits = anchor_names(rollover->zone, &configured->item[i],
					    &(struct wire_rdata){rollover->key[k].rdata, rollover->key[k].len});
	return fits;
}

static bool configured_names(struct update *u, const struct wire_rdata *key)
{
	for (size_t i = 0; i < u->configured->count && u->digests < DS_DIGESTS_MATCHED; i++) {
		const struct dnssec_anchor *anchor = &u->configured->item[i];
		u->digests += anchor->type == WIRE_TYPE_DS &&
			      wire_get16(anchor->rdata) == dnssec_key_tag(key->data, key->len);
		if (anchor_names(u->rollover->zone, anchor, key))
			return true;
	}
	return false;
}

static void changed(struct update *u, uint16_t tag, enum dnssec_rollover_state from, enum dnssec_rollover_state to,
		    int64_t until)
{
	struct dnssec_rollover_report *report = u->report;
	if (report->n < ARRAY_SIZE(report->change))
		report->change[report->n++] = (struct dnssec_rollover_change){tag, from, to, until};
}

static void key_move(struct update *u, struct dnssec_rollover_key *key, enum dnssec_rollover_state to, int64_t until)
{
	changed(u, key->tag, key->state, to, until);
	key->state = to;
	key->since = u->policy->now;
	key->until = until;
}

static void key_forget(struct dnssec_rollover *rollover, struct dnssec_rollover_key *key)
{
	struct dnssec_rollover_key *last = &rollover->key[--rollover->n];
	if (key != last)
		*key = *last;
}

/* A place for one more key: what was removed long ago gives way. NULL: there is none. */
static struct dnssec_rollover_key *key_add(struct update *u, const struct wire_rdata *rdata)
{
	struct dnssec_rollover *r = u->rollover;
	if (rdata->len > sizeof r->key->rdata)
		return NULL;
	if (r->n == DNSSEC_ROLLOVER_KEYS_MAX) {
		struct dnssec_rollover_key *oldest = NULL;
		for (size_t i = 0; i < r->n; i++)
			if (r->key[i].state == DNSSEC_ROLLOVER_REMOVED &&
			    (oldest == NULL || r->key[i].since < oldest->since) &&
			    !configured_names(u, &(struct wire_rdata){r->key[i].rdata, r->key[i].len}))
				oldest = &r->key[i];
		if (oldest == NULL)
			return NULL;
		key_forget(r, oldest);
	}
	struct dnssec_rollover_key *key = &r->key[r->n++];
	*key = (struct dnssec_rollover_key){
		.state = DNSSEC_ROLLOVER_START, .len = rdata->len, .tag = dnssec_key_tag(rdata->data, rdata->len)};
	memcpy(key->rdata, rdata->data, rdata->len);
	return key;
}

/* Is this a key that may be an anchor, with or without its REVOKE bit? */
static bool may_be_anchor(const struct update *u, const struct wire_rdata *rdata, bool revoked)
{
	uint16_t want = DNSSEC_FLAG_ZONE | FLAG_SEP | (revoked ? DNSSEC_FLAG_REVOKE : 0);
	return rdata->len >= 5 && rdata->len <= sizeof u->rollover->key->rdata && rdata->data[2] == 3 &&
	       (wire_get16(rdata->data) & (DNSSEC_FLAG_ZONE | FLAG_SEP | DNSSEC_FLAG_REVOKE)) == want &&
	       policy_algorithm_usable(u->policy, rdata->data[3]);
}

static bool present(const struct update *u, const struct dnssec_rollover_key *key)
{
	struct wire_rdata rdata = {key->rdata, key->len};
	for (uint32_t i = 0; i < u->set.count; i++)
		if (wire_rdata_cmp(&u->set.rdata[i], &rdata) == 0)
			return true;
	return false;
}

/* ---- revocation (section 2.1) ---- */

/* Does the key, with its REVOKE bit, sign the set? Only who has the private key can say so, so this needs no other trust. */
static bool signs_itself(struct update *u, const struct wire_rdata *rdata)
{
	struct dnssec_key *key;
	bool good = false;
	if (dnssec_key_new(rdata->data, rdata->len, &key) < 0)
		return false;
	for (size_t i = 0; !good && i < u->n_sigs; i++) {
		struct rrsig sig;
		enum reason why;
		if (rrsig_parse(&u->sigs[i], &sig) < 0 || sig.tag != key->tag || sig.algorithm != key->algorithm ||
		    !wire_name_equal(sig.signer, u->rollover->zone) || u->signatures == 0)
			continue;
		u->signatures--;
		good = dnssec_rrsig_verify(&u->set, &u->sigs[i], key, u->policy->now, &why) == 0;
	}
	dnssec_key_free(key);
	return good;
}

static void revoke_one(struct update *u, const struct wire_rdata *rdata)
{
	uint8_t plain[sizeof u->rollover->key->rdata];
	memcpy(plain, rdata->data, rdata->len);
	wire_put16(plain,
		   wire_get16(plain) & (uint16_t)~DNSSEC_FLAG_REVOKE); /* the tag was that of the key without it */
	struct wire_rdata was = {plain, rdata->len};
	struct dnssec_rollover_key *key = key_find(u->rollover, &was);
	if ((key != NULL && gone(key)) || (key == NULL && !configured_names(u, &was)) || !signs_itself(u, rdata))
		return;
	if (key != NULL && key->state == DNSSEC_ROLLOVER_ADDPEND && !configured_names(u, &was)) {
		changed(u, key->tag, key->state, DNSSEC_ROLLOVER_START, 0);
		key_forget(u->rollover, key);
		return;
	}
	if (key == NULL && (key = key_add(u, &was)) != NULL)
		key->state = DNSSEC_ROLLOVER_VALID; /* as a configured one is */
	if (key != NULL)
		key_move(u, key, DNSSEC_ROLLOVER_REVOKED, u->policy->now + DNSSEC_ROLLOVER_HOLD_S);
}

/* ---- a set that is proved (section 4.1) ---- */

static void known_keys_move(struct update *u, int64_t hold_until)
{
	int64_t now = u->policy->now;
	for (size_t i = u->rollover->n; i-- > 0;) {
		struct dnssec_rollover_key *key = &u->rollover->key[i];
		bool here = present(u, key);
		switch (key->state) {
		case DNSSEC_ROLLOVER_ADDPEND:
			if (key->until > hold_until)
				key->until = hold_until; /* the clock ran ahead when it was seen first */
			if (!here) {
				changed(u, key->tag, key->state, DNSSEC_ROLLOVER_START, 0);
				key_forget(u->rollover, key);
			} else if (now >= key->until ||
				   configured_names(u, &(struct wire_rdata){key->rdata, key->len})) {
				key_move(u, key, DNSSEC_ROLLOVER_VALID, 0);
			}
			break;
		case DNSSEC_ROLLOVER_VALID:
			if (!here)
				key_move(u, key, DNSSEC_ROLLOVER_MISSING, 0);
			break;
		case DNSSEC_ROLLOVER_MISSING:
			if (here)
				key_move(u, key, DNSSEC_ROLLOVER_VALID, 0);
			break;
		case DNSSEC_ROLLOVER_REVOKED:
			if (now >= key->until)
				key_move(u, key, DNSSEC_ROLLOVER_REMOVED, 0);
			break;
		default:
			break;
		}
	}
}

static void new_keys_note(struct update *u, int64_t hold_until)
{
	for (uint32_t i = 0; i < u->set.count; i++) {
		const struct wire_rdata *rdata = &u->set.rdata[i];
		if (!may_be_anchor(u, rdata, false) || key_find(u->rollover, rdata) != NULL)
			continue;
		struct dnssec_rollover_key *key = key_add(u, rdata);
		if (key == NULL)
			continue;
		if (configured_names(u, rdata))
			key_move(u, key, DNSSEC_ROLLOVER_VALID, 0);
		else
			key_move(u, key, DNSSEC_ROLLOVER_ADDPEND, hold_until);
	}
}

static int64_t between(int64_t least, int64_t value, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

/* Section 2.3: half and a tenth of what the set lives and its signature lasts. */
static void timers_set(struct dnssec_rollover *r, int64_t now, const struct dnssec_verdict *verdict)
{
	int64_t life = verdict->expires - now < verdict->ttl_max ? verdict->expires - now : verdict->ttl_max;
	r->proved = now;
	r->next = now + between(HOUR_S, life / 2, INTERVAL_MAX_S);
	r->retry_s = (uint32_t)between(HOUR_S, life / 10, DAY_S);
}

/* ---- a set that is not ---- */

static void tags_print(char *out, size_t size, const uint16_t *tag, size_t n)
{
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < n && used + 8 < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%u", i > 0 ? ", " : "", tag[i]);
}

static void not_proved_tell(struct update *u, const struct dnssec_anchors *anchors, enum reason reason)
{
	struct dnssec_rollover_report *report = u->report;
	uint16_t ours[16], theirs[16];
	size_t n_ours = 0, n_theirs = 0;
	bool any = false;
	char a[128], b[128], date[32], zone[WIRE_NAME_TEXT_MAX];
	for (size_t i = 0; i < anchors->count && n_ours < ARRAY_SIZE(ours); i++) {
		const struct dnssec_anchor *item = &anchors->item[i];
		ours[n_ours++] =
			item->type == WIRE_TYPE_DS ? wire_get16(item->rdata) : dnssec_key_tag(item->rdata, item->len);
		for (size_t k = 0; k + 1 < n_ours; k++)
			if (ours[k] == ours[n_ours - 1]) {
				n_ours--;
				break;
			}
		for (uint32_t k = 0; k < u->set.count; k++)
			any |= may_be_anchor(u, &u->set.rdata[k], false) &&
			       anchor_names(u->rollover->zone, item, &u->set.rdata[k]);
	}
	for (uint32_t k = 0; k < u->set.count && n_theirs < ARRAY_SIZE(theirs); k++)
		if (may_be_anchor(u, &u->set.rdata[k], false))
			theirs[n_theirs++] = dnssec_key_tag(u->set.rdata[k].data, u->set.rdata[k].len);
	report->reason = reason;
	report->outdated = !any;
	tags_print(a, sizeof a, ours, n_ours);
	tags_print(b, sizeof b, theirs, n_theirs);
	wire_name_text(u->rollover->zone, zone);
	if (any)
		snprintf(report->text, sizeof report->text,
			 "the keys of %.100s are not proved by its trust anchors (tags %s), though these are among "
			 "them: %s",
			 zone, a, reason_words(reason));
	else
		snprintf(report->text, sizeof report->text,
			 "the trust anchors of %.100s (tags %s) are outdated, or its keys are forged: the keys to "
			 "start from are now %s%s%s. "
			 "Get the present anchors over a way you trust (for the root: IANA's root-anchors.xml, the "
			 "package "
			 "dns-root-data, or a newer version of this program), give them as anchors and load anew",
			 zone, n_ours > 0 ? a : "none", n_theirs > 0 ? b : "none",
			 u->rollover->proved > 0 ? "; last proved " : "",
			 u->rollover->proved > 0 ? clock_format(u->rollover->proved, date) : "");
}

static void anchors_cleanup(struct dnssec_anchors *anchors)
{
	dnssec_anchors_done(anchors);
}

static void keyset_cleanup(struct dnssec_keyset **keyset)
{
	dnssec_keyset_free(*keyset);
}

/* Proves the set by what is trusted now, and moves the keys by it. */
static int judge(struct update *u, const struct wire_rrset *dnskey)
{
	_cleanup_(anchors_cleanup) struct dnssec_anchors anchors = {0};
	_cleanup_(keyset_cleanup) struct dnssec_keyset *keyset = NULL;
	struct dnssec_budget budget = {.signatures = u->signatures};
	struct dnssec_verdict verdict = {.state = DNSSEC_BOGUS};
	int64_t now = u->policy->now;
	int rc = dnssec_rollover_anchors(u->rollover, u->configured, &anchors);
	if (rc < 0)
		return rc;
	u->report->deleted = anchors.count == 0;
	rc = dnssec_keyset_prove(u->policy, &budget, dnskey, u->sigs, u->n_sigs, NULL, &anchors, &verdict, &keyset);
	if (rc < 0 && rc != BANYAN_ELIMIT)
		return rc;
	/* proving has used the scratch memory in which the canonical set was */
	int again = set_canonical(scratch_get(), dnskey, &u->set);
	if (again < 0)
		return again;
	if (budget.signatures == 0 && verdict.state != DNSSEC_SECURE)
		verdict = (struct dnssec_verdict){.state = DNSSEC_BOGUS, .reason = REASON_WORK_LIMIT};
	if (verdict.state != DNSSEC_SECURE) {
		not_proved_tell(u, &anchors, verdict.reason);
		dnssec_rollover_unanswered(u->rollover, now);
		return 0;
	}
	/* section 2.4.1: until the set in which it was seen first must have gone from caches, if that is longer */
	int64_t hold = verdict.ttl_max > DNSSEC_ROLLOVER_HOLD_S ? verdict.ttl_max : DNSSEC_ROLLOVER_HOLD_S;
	u->report->proved = true;
	known_keys_move(u, now + hold);
	new_keys_note(u, now + hold);
	timers_set(u->rollover, now, &verdict);
	return 0;
}

int dnssec_rollover_update(struct dnssec_rollover *rollover, const struct dnssec_anchors *configured,
			   const struct dnssec_policy *policy, const struct wire_rrset *dnskey,
			   const struct wire_rdata *sigs, size_t n_sigs, struct dnssec_rollover_report *ret)
{
	struct dnssec_rollover_report report = {0};
	struct scratch *scratch = scratch_get();
	struct update u = {.rollover = rollover,
			   .configured = configured,
			   .policy = policy,
			   .sigs = sigs,
			   .n_sigs = n_sigs,
			   .signatures = UPDATE_SIGNATURES,
			   .report = &report};
	if (dnskey->type != WIRE_TYPE_DNSKEY || !wire_name_equal(dnskey->owner, rollover->zone))
		return BANYAN_EINVAL;
	int rc = scratch == NULL ? BANYAN_ENOMEM : set_canonical(scratch, dnskey, &u.set);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < u.set.count; i++)
		if (may_be_anchor(&u, &u.set.rdata[i], true))
			revoke_one(&u, &u.set.rdata[i]);
	rc = judge(&u, dnskey);
	if (rc == 0)
		*ret = report;
	return rc;
}

int dnssec_rollover_anchors(const struct dnssec_rollover *rollover, const struct dnssec_anchors *configured,
			    struct dnssec_anchors *anchors)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < configured->count; i++) {
		const struct dnssec_anchor *anchor = &configured->item[i];
		bool revoked = false;
		if (!wire_name_equal(anchor->owner, rollover->zone))
			continue;
		for (size_t k = 0; k < rollover->n && !revoked; k++)
			revoked = gone(&rollover->key[k]) &&
				  anchor_names(rollover->zone, anchor,
					       &(struct wire_rdata){rollover->key[k].rdata, rollover->key[k].len});
		if (!revoked)
			rc = dnssec_anchors_add(anchors, anchor->owner, anchor->type,
						&(struct wire_rdata){anchor->rdata, anchor->len});
	}
	for (size_t k = 0; rc == 0 && k < rollover->n; k++)
		if (trusted(&rollover->key[k]))
			rc = dnssec_anchors_add(anchors, rollover->zone, WIRE_TYPE_DNSKEY,
						&(struct wire_rdata){rollover->key[k].rdata, rollover->key[k].len});
	return rc;
}
