// SPDX-License-Identifier: GPL-3.0-or-later
/* The state machine of RFC 5011 under any choreography: keys come, go, sign, are revoked, in any order and at any time; what must never
 * happen is checked against a model that is simpler than the machine. Three bytes are one look at the zone's keys. */
#include "../unit/dnssec/sign.h"
#include "dnssec/dnssec.h"

#include <stdlib.h>
#include <string.h>

#define KEYS      4 /* the first one is configured */
#define LOOKS_MAX 48
#define HOUR      3600
#define START     1791676800
#define TTL       172800
#define CHECK(x)                                                                                                       \
	do {                                                                                                           \
		if (!(x))                                                                                              \
			abort();                                                                                       \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct test_key plain[KEYS], revoked[KEYS];
static struct dnssec_anchors configured;

static void setup(void)
{
	uint8_t ds[64];
	for (int k = 0; k < KEYS; k++) {
		test_key_make(DNSSEC_ED25519, 257, &plain[k]);
		revoked[k] = plain[k];
		test_key_flags(&revoked[k], 257 | 128);
	}
	struct wire_rdata rdata = {ds, test_key_ds(&plain[0], ".", 2, ds)};
	CHECK(dnssec_anchors_add(&configured, (const uint8_t *)"", WIRE_TYPE_DS, &rdata) == 0);
}

struct look {
	unsigned present, revoke, signs; /* a bit a key */
	int64_t now;
};

static int look_at(struct dnssec_rollover *state, const struct look *look, struct dnssec_rollover_report *report)
{
	static uint8_t sig[KEYS][1200];
	struct wire_rdata rdata[KEYS], sigs[KEYS];
	struct wire_rrset set = {.owner = (const uint8_t *)"",
				 .type = WIRE_TYPE_DNSKEY,
				 .rclass = WIRE_CLASS_IN,
				 .ttl = TTL,
				 .rdata = rdata};
	struct test_rrsig how = {".", 0, TTL, (uint32_t)(look->now + 20 * 24 * HOUR), (uint32_t)(look->now - HOUR)};
	struct dnssec_policy policy = {.now = look->now, .nsec3_iterations_max = 50};
	size_t n_sigs = 0;
	for (int k = 0; k < KEYS; k++) {
		const struct test_key *key = look->revoke & (1u << k) ? &revoked[k] : &plain[k];
		struct wire_rdata item = {key->rdata, key->len};
		if ((look->present & (1u << k)) == 0)
			continue;
		uint32_t at = set.count++;
		for (; at > 0 && wire_rdata_cmp(&rdata[at - 1], &item) > 0; at--)
			rdata[at] = rdata[at - 1];
		rdata[at] = item;
	}
	for (int k = 0; k < KEYS && set.count > 0; k++) {
		const struct test_key *key = look->revoke & (1u << k) ? &revoked[k] : &plain[k];
		if ((look->signs & (1u << k)) == 0)
			continue;
		sigs[n_sigs].data = sig[n_sigs];
		sigs[n_sigs].len = test_key_sign(key, &how, ".", WIRE_TYPE_DNSKEY, rdata, set.count, sig[n_sigs]);
		n_sigs++;
	}
	return set.count == 0 ? BANYAN_ENOENT
			      : dnssec_rollover_update(state, &configured, &policy, &set, sigs, n_sigs, report);
}

static enum dnssec_rollover_state state_of(const struct dnssec_rollover *state, int k)
{
	for (size_t i = 0; i < state->n; i++)
		if (state->key[i].len == plain[k].len && memcmp(state->key[i].rdata, plain[k].rdata, plain[k].len) == 0)
			return state->key[i].state;
	return DNSSEC_ROLLOVER_START;
}

static unsigned trusted_mask(const struct dnssec_rollover *state)
{
	unsigned mask = 0;
	for (int k = 0; k < KEYS; k++) {
		enum dnssec_rollover_state is = state_of(state, k);
		bool gone = is == DNSSEC_ROLLOVER_REVOKED || is == DNSSEC_ROLLOVER_REMOVED;
		if (is == DNSSEC_ROLLOVER_VALID || is == DNSSEC_ROLLOVER_MISSING || (k == 0 && !gone))
			mask |= 1u << k;
	}
	return mask;
}

static void text_holds(const struct dnssec_rollover *state)
{
	static struct dnssec_rollover again;
	struct buffer text = {0};
	struct dnssec_text_error error;
	memset(&again, 0, sizeof again);
	CHECK(dnssec_rollover_write(state, &text) == 0);
	CHECK(dnssec_rollover_read("state", (const char *)text.data, text.len, (const uint8_t *)"", &again, &error) ==
	      0);
	CHECK(again.n == state->n && again.next == state->next && again.proved == state->proved);
	for (size_t i = 0; i < state->n; i++)
		CHECK(again.key[i].state == state->key[i].state && again.key[i].until == state->key[i].until &&
		      again.key[i].len == state->key[i].len);
	buffer_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct dnssec_rollover state;
	static struct dnssec_rollover_report report;
	int64_t seen[KEYS] = {0}; /* since when in every proved set, without REVOKE */
	struct look look = {.now = START};
	if (plain[0].pkey == NULL)
		setup();
	dnssec_rollover_init(&state, (const uint8_t *)"");
	for (size_t at = 0; at + 3 <= len && at < 3 * LOOKS_MAX; at += 3) {
		look.present = data[at] & 15;
		look.revoke = data[at] >> 4;
		look.signs = data[at + 1] & look.present;
		look.now += (int64_t)data[at + 2] * 6 * HOUR;
		enum dnssec_rollover_state before[KEYS];
		unsigned trusted = trusted_mask(&state);
		for (int k = 0; k < KEYS; k++)
			before[k] = state_of(&state, k);
		if (look_at(&state, &look, &report) < 0)
			continue;
		/* who proves must be trusted, sign, and not be revoked */
		CHECK(report.proved == ((trusted & look.signs & ~look.revoke) != 0));
		for (int k = 0; k < KEYS; k++) {
			enum dnssec_rollover_state is = state_of(&state, k);
			bool shown = (look.present & ~look.revoke) & (1u << k);
			bool gone = before[k] == DNSSEC_ROLLOVER_REVOKED || before[k] == DNSSEC_ROLLOVER_REMOVED;
			if (report.proved && !shown)
				seen[k] = 0;
			else if (report.proved && seen[k] == 0)
				seen[k] = look.now;
			CHECK(!gone || is == DNSSEC_ROLLOVER_REVOKED || is == DNSSEC_ROLLOVER_REMOVED);
			if (is == DNSSEC_ROLLOVER_VALID && before[k] != is && before[k] != DNSSEC_ROLLOVER_MISSING &&
			    k > 0)
				CHECK(seen[k] != 0 && look.now - seen[k] >= DNSSEC_ROLLOVER_HOLD_S);
			/* without a proof nothing but a revocation by the key itself is believed */
			if (!report.proved && is != before[k])
				CHECK((look.revoke & look.signs & (1u << k)) != 0);
		}
		CHECK(state.next >= look.now + HOUR && state.next <= look.now + 15 * 24 * HOUR);
		text_holds(&state);
	}
	return 0;
}
