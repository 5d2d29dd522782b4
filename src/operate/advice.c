// SPDX-License-Identifier: GPL-3.0-or-later
/* What an operator can do about a reason: one sentence for each that a resolver's answer can have. */
#include "operate.h"

/* NOLINTBEGIN(bugprone-suspicious-missing-comma): long sentences, and each has its index */
static const char *const advice[REASON_COUNT] = {
	[REASON_DNSKEY_MISSING] =
		"The parent says that the zone is signed, but the zone has no keys: its operator must "
		"publish them or have the DS removed; until then a negative trust anchor "
		"(resolver.negative-anchors) lets its names through unproved",
	[REASON_ANCHOR_NO_MATCH] =
		"No key of the zone fits the DS of its parent: mostly a roll that went wrong, which only "
		"its operator can mend; for the root, bring the trust anchors of this resolver up to date",
	[REASON_DS_NO_MATCH] =
		"No key of the zone fits the DS of its parent: mostly a roll that went wrong, which only "
		"its operator can mend by another DS or by the key that it speaks of",
	[REASON_NO_ZONE_KEY] =
		"The DS of the parent speaks of a key that is not for zones (flags 256 or 257): the operator "
		"of the zone must publish another key and have the DS changed",
	[REASON_ALGORITHM_UNSUPPORTED] =
		"The zone counts as unsigned here: resolver.refuse-sha1 says so if the algorithm uses SHA-1; a newer "
		"libcrypto or Banyan may know others",
	[REASON_DIGEST_UNSUPPORTED] = "The zone counts as unsigned here; its operator should publish a DS with SHA-256",
	[REASON_RRSIG_MISSING] =
		"Signatures were left out on the way: ask the servers of the zone directly (banyan trace "
		"--cold); if a forwarder is between, it must let DNSSEC records through",
	[REASON_RRSIG_BOGUS] =
		"The data or the signature were changed, or were made with another key: compare the servers of "
		"the zone (banyan trace --cold)",
	[REASON_RRSIG_EXPIRED] = "The operator of the zone has to sign it again; check the clock of this machine first",
	[REASON_RRSIG_DATES] = "The operator of the zone has to sign it again, with an end behind the beginning",
	[REASON_RRSIG_NOT_YET] =
		"Check the clock of this machine: it may be slow; else the operator of the zone signed ahead",
	[REASON_RRSIG_NO_KEY] =
		"The zone is signed by a key that it does not publish: a roll that went wrong, which its "
		"operator must mend",
	[REASON_RRSIG_MALFORMED] = "The operator of the zone must mend its signatures",
	[REASON_NSEC_MISSING] =
		"A server of the zone leaves out the proof that a name or type does not exist: its operator "
		"must mend it; compare the servers (banyan trace --cold)",
	[REASON_NSEC_CHAIN_BROKEN] = "The operator of the zone must sign it again",
	[REASON_NSEC3_PARAMETERS] =
		"The zone asks for more NSEC3 iterations than RFC 9276 lets a validator do: its operator "
		"should set them to 0",
	[REASON_NOT_ALLOWED] = "Add the client's network to resolver.allow if it should be served",
	[REASON_NOT_AUTHORITATIVE] = "Ask a resolver, or set RD and let the client into resolver.allow",
	[REASON_NO_SERVERS] =
		"All servers of the zone are silent or fail: look at the walk with banyan trace --cold; if "
		"everything fails, this machine's own network is the first suspect",
	[REASON_NETWORK_ERROR] =
		"Check the routes and the firewall of this machine; switch off resolver.ipv6 or resolver.ipv4 "
		"if it has no such network",
	[REASON_LAME] =
		"The parent delegates to servers that do not serve the zone: its operator must mend the delegation",
	[REASON_WORK_LIMIT] =
		"The name needs too many lookups, as attacks do; if it is honest, its operator should shorten "
		"the chain, or raise resolver.upstream-queries-max",
	[REASON_ALIAS_LOOP] = "The operator of the zone must mend the chain of CNAME or DNAME records",
	[REASON_DELEGATION_LOOP] = "The operator of the zone must name at least one server with an address of its own",
	[REASON_REPLY_MALFORMED] =
		"The servers of the zone, or something between, break messages: compare with dig +tcp",
	[REASON_NO_ROOT] =
		"Look at the root copy with banyan status; it says why there is none, and banyan verify FILE tells "
		"more. With root.fallback the root servers are asked until there is one",
	[REASON_QUEUE_FULL] =
		"This resolver is overloaded: look at banyan status --counters for a client or a zone that asks "
		"for too much, or raise resolver.questions-max",
	[REASON_TIME_LIMIT] = "The servers of the zone are slow: look at the walk with banyan trace --cold",
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */

const char *operate_advice(enum reason reason)
{
	return (unsigned)reason < REASON_COUNT ? advice[reason] : NULL;
}
