// SPDX-License-Identifier: GPL-3.0-or-later
/* keys, private: what the files of the machine share. */
#pragma once

#include "keys.h"

/* ---- intervals, by RFC 7583 (timing.c). `since`: when the interval began ---- */
/* A DNSKEY set is in no cache any more as it was before `since`; likewise data and their signatures, DS sets. */
int64_t keys_interval_keys(const struct keys_state *state, const struct keys_policy *policy, int64_t since);
int64_t keys_interval_data(const struct keys_state *state, const struct keys_policy *policy, int64_t since);
int64_t keys_interval_ds(const struct keys_state *state, const struct keys_policy *policy, int64_t since);
/* Every resolver that follows RFC 5011 trusts a key that is in the set since then; has seen one that is revoked since then. */
int64_t keys_interval_trust(const struct keys_state *state, const struct keys_policy *policy, int64_t since);
int64_t keys_interval_revoked(const struct keys_state *state, const struct keys_policy *policy, int64_t since);
/* `delay_s`: until all servers have the new value. */
void keys_ttl_note(struct keys_ttl *ttl, int64_t value_s, int64_t delay_s);
void keys_ttl_offered(struct keys_ttl *ttl, int64_t now);

/* ---- one key's next phase (moves.c) ---- */
struct keys_move {
	enum keys_phase to;
	int64_t due;     /* KEYS_NEVER: it waits */
	const char *why; /* for what */
};
struct keys_move keys_move_next(const struct keys_state *state, const struct keys_policy *policy,
				const struct keys_key *key);

/* When the roll that replaces an active key is to begin; KEYS_NEVER. */
int64_t keys_roll_due(const struct keys_state *state, const struct keys_policy *policy, const struct keys_key *active);

/* ---- looking for keys (find.c) ---- */
/* Does it sign data, or keys? A CSK does both. */
bool keys_for_data(const struct keys_key *key);
bool keys_for_keys(const struct keys_key *key);
bool keys_way_algorithm(uint8_t way);
bool keys_coming(const struct keys_key *key); /* on its way in: SIGNING, PUBLISHED, READY */
bool keys_going(const struct keys_key *key);  /* on its way out: RETIRED, REVOKED, WITHDRAWN */
/* The first key of this role in the phase, or on its way in, or unused. NULL: there is none. */
struct keys_key *keys_find_active(struct keys_state *state, uint8_t role);
const struct keys_key *keys_see_active(const struct keys_state *state, uint8_t role);
const struct keys_key *keys_see_coming(const struct keys_state *state, uint8_t role);
struct keys_key *keys_find_stock(struct keys_state *state, uint8_t role, uint8_t algorithm);
struct keys_key *keys_find_tag(struct keys_state *state, uint16_t tag);
bool keys_live(
	const struct keys_key *key); /* it is, or was, in the zone, and is not gone: neither GENERATED nor REMOVED */
/* The algorithm that the zone should be signed with. */
uint8_t keys_algorithm_wanted(const struct keys_state *state, const struct keys_policy *policy);
/* Are keys of an algorithm roll on their way in or out? */
bool keys_algorithm_moves(const struct keys_state *state);
/* The same, or is a roll to come? Then no key is rolled alone. */
bool keys_algorithm_busy(const struct keys_state *state, const struct keys_policy *policy);

/* ---- what can be done under a policy (check.c) ---- */
/* Can the zone be rolled to this algorithm? */
int keys_algorithm_check(const struct keys_state *state, const struct keys_policy *policy, uint8_t algorithm,
			 char why[KEYS_WHY_MAX]) _must_use_;
/* How a key of this role comes in. */
uint8_t keys_way_of(const struct keys_policy *policy, uint8_t role);

/* ---- acting (step.c, start.c) ---- */
void keys_enter(struct keys_state *state, struct keys_key *key, enum keys_phase phase, int64_t now,
		struct keys_actions *actions);
void keys_act(struct keys_actions *actions, const struct keys_action *action);
/* Begins what is to begin. Returns whether anything moved. */
bool keys_start(struct keys_state *state, const struct keys_policy *policy, const struct keys_in_force *in_force,
		int64_t now, struct keys_actions *actions);
bool keys_in_force_has(const struct keys_in_force *in_force, const struct keys_key *key);

/* ---- sentences ---- */
int keys_wrong(char why[KEYS_WHY_MAX], int error, const char *format, ...) _printf_(3, 4); /* returns the error */

/* ---- base64 (text.c) ---- */
int keys_base64_append(struct buffer *out, const uint8_t *data, size_t len) _must_use_;
/* Its length; BANYAN_EMALF. */
int keys_base64_read(const char *text, size_t len, uint8_t *out, size_t cap) _must_use_;
