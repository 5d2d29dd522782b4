// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * trust - what is known of the keys of a zone: proved, proved to be unsigned, or bogus.
 *
 *   anchor or root image -> keys of "." -> DS of a child -> keys of the child -> ... -> an RRset
 *
 * The trust of a zone is derived from what is at hand: DS sets and proofs of their absence came with referrals, so most often
 * only the DNSKEY set has to be asked for. Whatever is missing is an ordinary lookup that the task waits for; when it is there,
 * the derivation starts again from the top and finds what it has found before in the table. So nothing here recurses with the
 * depth of a tree that somebody else planted, and all workers share what was proved (CACHE_TRUST).
 *
 * trust.c derives; trust_ds.c knows what parents say; trust_keys.c proves key sets; trust_table.c remembers; anchors.c says where
 * chains begin and end; validate.c, validate_set.c and validate_denial.c prove outcomes; bogus.c says what happens when they cannot.
 */
#pragma once

#include "dnssec/dnssec.h"
#include "engine.h"

#define TRUST_ZONES_MAX  1024  /* zones whose parsed keys one engine keeps: a few kB each */
#define TRUST_BUCKETS    1024  /* a power of two */
#define TRUST_CHAIN_MAX  32    /* zones above each other, as RESOLVE_REFERRALS_MAX */
#define TRUST_ROUNDS_MAX 256   /* steps of one derivation: each gets to know one more name of at most 127 above it */
#define TRUST_DEPTH_MAX  16    /* lookups for lookups of one chain; names only get shorter on the way */
#define TRUST_TTL_MIN_MS 5000  /* a chain must hold while it is used, also when its TTLs are 0 */
#define TRUST_TTL_MAX_S  86400 /* what was proved is proved again at least once a day */
#define TRUST_DETAIL_MAX RESOLVE_DETAIL_MAX

enum trust_state {
	TRUST_BOGUS,
	TRUST_INSECURE,
	TRUST_SECURE,
	TRUST_NO_CUT, /* proved: no zone begins here, so the one above goes on */
};

struct trust {
	struct trust *next; /* in its bucket */
	struct trust *newer, *older;
	enum trust_state state;
	enum reason reason;
	int64_t expires_ms;
	struct dnssec_keyset *keyset; /* SECURE */
	char *detail;                 /* BOGUS: malloced, may be NULL */
	uint8_t zone[WIRE_NAME_MAX];
};

struct trust_table {
	size_t count;
	uint32_t flushes; /* of the cache, when this was last in step with it */
	uint32_t root_serial;
	struct trust *newest, *oldest;
	struct trust *bucket[TRUST_BUCKETS];
};

/* How far a proof got. */
enum proof {
	PROOF_DONE,
	PROOF_WAIT,  /* for a lookup that was started */
	PROOF_BOGUS, /* task->validation says why */
	PROOF_LIMIT, /* of work or memory */
};

/* ---- anchors.c ---- */
enum anchor_scope { ANCHOR_NONE, ANCHOR_NEGATIVE, ANCHOR_POSITIVE };
/* The anchor that decides for a name: the closest one at or above it; *ret_labels: of that anchor. */
enum anchor_scope resolve_anchor_scope(const struct resolve *engine, const uint8_t *name, unsigned *ret_labels);
uint16_t resolve_anchor_tag(const struct dnssec_anchor *anchor);
/* Do data of this name and type need no proof by order? Until when (time of the cache): what was taken so must not outlive the
 * order (RFC 7646 section 2.1). */
bool resolve_anchor_negative(const struct resolve *engine, const uint8_t *name, uint16_t type, int64_t *ret_until_ms);
struct dnssec_policy resolve_policy(const struct resolve *engine);

/* ---- clock.c ---- */
/* What the root says of the clock, to be put behind a failure of dates: "; by the root copy the clock ...", or "". */
const char *resolve_clock_words(const struct resolve *engine, struct arena *arena);

/* ---- trust_table.c ---- */
/* What is known of a zone, in the table or the shared cache; valid until the next trust is added. NULL = nothing. */
const struct trust *resolve_trust_known(struct resolve *engine, const uint8_t *zone);
/* Takes the keyset, also when there is no memory. */
void resolve_trust_put(struct resolve *engine, const uint8_t *zone, enum trust_state state, enum reason reason,
		       const char *detail, int64_t expires_ms, struct dnssec_keyset *keyset);

/* ---- trust.c ---- */
/* The trust of a zone that is said to exist: SECURE with its keys, NO_CUT when it does not. PROOF_DONE: *ret is set and not
 * NULL, valid until the next trust is added. */
enum proof resolve_trust_zone(struct resolve *engine, struct task *task, const uint8_t *zone, const struct trust **ret);
/* Must data at this name be signed? SECURE or NO_CUT: yes; INSECURE: no. */
enum proof resolve_trust_name(struct resolve *engine, struct task *task, const uint8_t *name, const struct trust **ret);

/* What one step of a derivation came to. */
enum derived {
	DERIVED_DONE,  /* the trust of the zone is known now */
	DERIVED_ABOVE, /* when that of another zone is known */
	DERIVED_WAIT,
	DERIVED_LIMIT,
	DERIVED_BOGUS,
};
/* Starts a lookup that the task waits for: WAIT, LIMIT, or BOGUS (a loop). */
enum derived resolve_trust_ask(struct resolve *engine, struct task *task, const uint8_t *name, uint16_t type);
/* trust_ds.c: by what the parent says. */
enum derived resolve_trust_by_parent(struct resolve *engine, struct task *task, const uint8_t *zone,
				     const uint8_t **ret_above);
/* Is there something to read that the parent says of `name`? */
bool resolve_trust_has_parent(struct resolve *engine, struct task *task, const uint8_t *name);
/* trust_keys.c: by DS records that are proved, or by the anchors (ds NULL). */
enum derived resolve_trust_by_keys(struct resolve *engine, struct task *task, const uint8_t *zone,
				   const struct rrset *ds);

/* ---- validate_set.c ---- */
/* The zone that claims to have signed the set; NULL = none that could. */
const uint8_t *resolve_set_signer(const struct rrset *set);
/* Proves one set by keys: DONE (the set is SECURE, its TTL capped), BOGUS, LIMIT. */
enum proof resolve_set_by_keys(struct resolve *engine, struct task *task, const struct dnssec_keyset *keyset,
			       struct rrset *set);
/* Marks it SECURE; its TTL ends with what was signed (RFC 4035 section 5.3.3) and with the signature. */
void resolve_set_proved(const struct resolve *engine, struct rrset *set, const struct dnssec_verdict *verdict);
enum proof resolve_validate_set(struct resolve *engine, struct task *task, struct rrset *set);
/* No usable signature: is that as it should be? `name`: where the data stand. Sets *ret_insecure or says BOGUS. */
enum proof resolve_validate_unsigned(struct resolve *engine, struct task *task, const uint8_t *name,
				     const struct rrset *set);
/* The sets that are NSEC or NSEC3 and SECURE, as dnssec/ wants them; in the step's arena. */
int resolve_denial_wire(struct resolve *engine, struct rrset *const *set, unsigned n, const uint8_t *zone,
			struct dnssec_denial *ret) _must_use_;

/* ---- validate_denial.c ---- */
enum proof resolve_validate_denial(struct resolve *engine, struct task *task);
/* Proves the NSEC and NSEC3 sets (and the SOA) by keys; those that cannot be are left UNCHECKED. */
enum proof resolve_denial_by_keys(struct resolve *engine, struct task *task, const struct dnssec_keyset *keyset,
				  struct rrset *const *set, unsigned n);

/* ---- bogus.c ---- */
/* Says why; the first word stays. `format` may be NULL. Returns PROOF_BOGUS. */
enum proof resolve_bogus(struct task *task, enum reason reason, const char *format, ...) _printf_(3, 4);
enum proof resolve_bogus_set(const struct resolve *engine, struct task *task, const struct rrset *set,
			     const struct dnssec_verdict *verdict);
enum proof resolve_bogus_trust(struct task *task, const struct trust *trust);
void resolve_bogus_clear(struct task *task);
/* The outcome could not be proved: ask others, or fail. */
void resolve_bogus_end(struct resolve *engine, struct task *task);
