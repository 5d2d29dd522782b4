// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * publish - a source zone in, a signed, digested and proved edition out.
 *
 * Signing: publish_sign() makes a signed version out of a plain one, and takes over from the version before it what still holds: signatures
 * whose set, key and dates are the same. What it costs is what changed, and the digest of the whole.
 *
 * Example:
 *
 *	struct make_signing signing = {.key = keys, .n_keys = 2, .now = now, .validity_s = 14 * 86400, .refresh_s = 5 * 86400,
 *				       .inception_before_s = 3600, .zonemd = MAKE_ZONEMD_SHA384};
 *	struct publish_sign_result result;
 *	struct zone *signed_zone;
 *	if (publish_sign(plain, before, &signing, &signed_zone, &result) < 0)
 *		log_error("publish", "%s", result.text);
 */
#pragma once

#include "dnssec/make/make.h"
#include "zone/zone.h"

/* ---- signing (sign*.c) ----------------------------------------------------------------------- */
struct publish_sign_result {
	uint32_t serial;
	size_t sets; /* RRsets that are signed */
	/* Signatures: new ones, those taken over, those of the version before that were not, those that came with ready_dnskey. */
	size_t made, kept, dropped, ready;
	size_t denial;         /* NSEC or NSEC3 records */
	size_t denial_changed; /* of them new, changed or gone since the version before */
	int64_t first_expiry;  /* UNIX seconds at which the first signature ends; INT64_MAX without signatures */
	int64_t ready_until;   /* when the first signature that came with ready_dnskey ends; INT64_MAX without */
	int64_t next; /* when something must be signed anew, should nothing change before; INT64_MAX without signatures */
	char text[512]; /* of a failure: what is wrong and what to do */
};

/* Signs `plain` by `signing`. `before` is the last signed version of the zone, or NULL. Records of `plain` that a signer makes (RRSIG, NSEC, NSEC3
 * everywhere; DNSKEY, NSEC3PARAM, CDS, CDNSKEY, ZONEMD at the apex) are passed over. The serial is taken as it is.
 * On failure *ret is untouched and of *ret_result only the text is set. BANYAN_EINVAL: it makes no sense together; BANYAN_ENOENT: a key that must
 * sign cannot; BANYAN_EPROOF: the keys that were signed elsewhere do not hold now; what make_elsewhere.sign says. */
int publish_sign(const struct zone *plain, const struct zone *before, const struct make_signing *signing,
		 struct zone **ret, struct publish_sign_result *ret_result) _must_use_;

/* ---- what comes before it (fit.c) ------------------------------------------------------------- */
/* Is it a zone that servers load and that works, once it is signed? What signing replaces is passed over. `source` is the plain zone that it was
 * made of by changes: delegations that have lost an address by them, or came without, are refused, too; NULL = it was not. BANYAN_EINVAL: `why`
 * names the owner and what to do. */
int publish_fit(const struct zone *plain, const struct zone *source, char *why, size_t size) _must_use_;
