// SPDX-License-Identifier: GPL-3.0-or-later
/* The table of all options of an edition. */
#include "private.h"

#include <stddef.h>
#include <string.h>

#define FIELD(member)                                                                                                  \
	CONFIG_LIVE, .width = sizeof(((struct config_edition *)0)->member),                                            \
		     .offset = offsetof(struct config_edition, member)
#define SERVER(member)                                                                                                 \
	CONFIG_LIVE, .width = sizeof(((struct config_edition_server *)0)->member),                                     \
		     .offset = offsetof(struct config_edition_server, member)
#define RANGE(low, high) .min = (low), .max = (high)

#define PATH_BYTES_MAX 1023
#define NAME_BYTES_MAX 1003 /* 255 octets, each as \DDD at worst */
#define TEXT_BYTES_MAX 2047
#define SERVERS_MAX    100  /* Yeti had 25; a priming response of a hundred fits no packet */
#define ADDRESSES_MAX  16   /* of one server */
#define RECORDS_MAX    4096 /* more belong in the source */
#define FILES_MAX      16
#define ITERATIONS_MAX 50 /* more are not proved here (RFC 9276 section 3.2) */
#define LISTEN_MAX     16
#define SOURCES_MAX    8 /* as PUBLISH_SOURCES_MAX */
#define YEAR_S         (366 * 86400)

static const char *const serials[] = {"source", "next", "date", "time", NULL};
static const char *const denials[] = {"nsec", "nsec3", NULL};
static const char *const zonemds[] = {"none", "sha384", "sha512", "both", NULL};
static const char *const trusts[] = {"parent", "anchor", "rfc5011", NULL};

static const struct config_section edition_sections[] = {
	{"edition", "Which edition of which zone this is, and the folder in which it is kept."},
	{"source", "The zone of which it is made, and what that must be before anything is made of it."},
	{"apex", "What the edition has at its apex in place of the source's."},
	{"records", "What else changes."},
	{"keys", "What it is signed with, and how keys come and go."},
	{"signing", "How it is signed."},
	{"output", "Where it goes once it is proved."},
	{"schedule", "Versions that come and go by the clock, without a word to anybody."},
	{NULL, NULL},
};

/* In the order of struct config_option: behind the field stands the default. */
static const struct config_option edition_options[] = {
	/* ---- edition ---- */
	{"edition.name", CONFIG_TEXT, FIELD(edition.name), "\"\"", RANGE(0, CONFIG_EDITION_NAME_MAX), NULL,
	 "Name of the edition: letters, digits, hyphens, underscores and dots. It stands in a TXT record at the apex "
	 "(edition=NAME) "
	 "and in the "
	 "pointer of the published tree, and resolvers take the edition only where they are told this name. It must be "
	 "given "
	 "where the name servers of the apex are not those of the source: that is a namespace of its own."},
	{"edition.zone", CONFIG_NAME, FIELD(edition.zone), ".", RANGE(1, NAME_BYTES_MAX), NULL, "The zone."},
	{"edition.folder", CONFIG_PATH, FIELD(edition.folder), NULL, RANGE(1, PATH_BYTES_MAX), NULL,
	 "Folder in which the edition is kept: the signed zone, what was seen of its source, its keys. It must be "
	 "there, and be "
	 "this edition's own."},
	{"edition.serial", CONFIG_CHOICE, FIELD(edition.serial), "source", RANGE(0, 3), serials,
	 "Serial of a new version: that of the source (or the next one, where the source's has not changed), the next "
	 "one after "
	 "the last, the date with two digits (YYYYMMDDnn), or the UNIX time. It is always newer than the one before "
	 "(RFC 1982)."},
	/* ---- source ---- */
	{"source.from", CONFIG_TEXT, FIELD(source.from), "\"\"", RANGE(0, TEXT_BYTES_MAX), NULL,
	 "Where the zone comes from: file:PATH, dir:PATH, xfr:HOST[@PORT], xot:HOST[@PORT], https://..., as for the "
	 "sources of "
	 "banyan.yaml(5). `banyan publish --source` stands in its place."},
	{"source.fallback", CONFIG_TEXTS, FIELD(source.fallback), "[]", RANGE(0, SOURCES_MAX - 1), NULL,
	 "Other places that have the same zone. They are asked in this order when source.from cannot be had, or does "
	 "not prove by source.anchors."},
	{"source.tsig", CONFIG_TEXT, FIELD(source.tsig), "\"\"", RANGE(0, TEXT_BYTES_MAX), NULL,
	 "Key for transfers: ALGORITHM:NAME:SECRET. The source must name it, too: xfr:HOST key=NAME."},
	{"source.anchors", CONFIG_PATHS, FIELD(source.anchors), "[]", RANGE(0, FILES_MAX), NULL,
	 "Files of trust anchors (DS or DNSKEY records) by which the source must prove, digest included, before it is "
	 "used. Without any, what "
	 "the source is worth is not asked."},
	{"source.shrink-max", CONFIG_UINT, FIELD(source.shrink_max_percent), "10", RANGE(0, 100), NULL,
	 "Percent of its records that the source may lose from one version to the next. One that loses more is refused "
	 "until "
	 "somebody has looked at it: `banyan publish --accept-shrink`."},
	{"source.size-max", CONFIG_SIZE, FIELD(source.size_max), "256M", RANGE(64 * 1024, (uint64_t)4 << 30), NULL,
	 "Bytes that the source may have, unpacked. Reading it may take twelve times as much memory, and 256 MiB."},
	{"source.time-max", CONFIG_DURATION_S, FIELD(source.time_max_s), "10m", RANGE(1, 86400), NULL,
	 "How long it may take to fetch, read and prove it."},
	{"source.check-interval", CONFIG_DURATION_S, FIELD(source.check_s), "0", RANGE(0, 86400), NULL,
	 "How often --watch looks at the source. 0 is each second for files, and as the SOA says (refresh, retry) for "
	 "what "
	 "comes over a network."},
	{"source.notify-listen", CONFIG_ADDRS, FIELD(source.notify_listen), "[]", RANGE(0, LISTEN_MAX), NULL,
	 "Addresses at which --watch hears that there is something new (NOTIFY, RFC 1996). It looks then; nothing else "
	 "follows from it."},
	/* ---- apex ---- */
	{"apex.name-servers", CONFIG_MAPS, FIELD(apex.n_servers), "[]", RANGE(0, SERVERS_MAX), NULL,
	 "The name servers in place of those of the source. None: they stay.", sizeof(struct config_edition_server),
	 "  - name: a.\n    addresses: [198.41.0.4, \"2001:503:ba3e::2:30\"]\n"},
	{"apex.name-servers[].name", CONFIG_NAME, SERVER(name), NULL, RANGE(1, NAME_BYTES_MAX), NULL, "Its name."},
	{"apex.name-servers[].addresses", CONFIG_HOSTS, SERVER(addresses), "[]", RANGE(0, ADDRESSES_MAX), NULL,
	 "Its addresses, which the zone then holds, also for a name of another zone below. None: those that the source "
	 "has."},
	{"apex.ns-ttl", CONFIG_DURATION_S, FIELD(apex.ns_ttl_s), "0", RANGE(0, INT32_MAX), NULL,
	 "TTL of the NS records. 0 is the source's."},
	{"apex.address-ttl", CONFIG_DURATION_S, FIELD(apex.address_ttl_s), "0", RANGE(0, INT32_MAX), NULL,
	 "TTL of the addresses of the apex's name servers. 0 is that of the source's addresses, or else of its NS "
	 "records."},
	{"apex.soa-mname", CONFIG_NAME, FIELD(apex.soa_mname), "\"\"", RANGE(0, NAME_BYTES_MAX), NULL,
	 "First name of the SOA. Empty: the source's."},
	{"apex.soa-rname", CONFIG_NAME, FIELD(apex.soa_rname), "\"\"", RANGE(0, NAME_BYTES_MAX), NULL,
	 "Second name of the SOA, the mailbox. Empty: the source's."},
	{"apex.soa-refresh", CONFIG_DURATION_S, FIELD(apex.soa_refresh_s), "0", RANGE(0, INT32_MAX), NULL,
	 "Refresh of the SOA. 0 is the source's, here and for the next four."},
	{"apex.soa-retry", CONFIG_DURATION_S, FIELD(apex.soa_retry_s), "0", RANGE(0, INT32_MAX), NULL,
	 "Retry of the SOA."},
	{"apex.soa-expire", CONFIG_DURATION_S, FIELD(apex.soa_expire_s), "0", RANGE(0, INT32_MAX), NULL,
	 "Expire of the SOA."},
	{"apex.soa-minimum", CONFIG_DURATION_S, FIELD(apex.soa_minimum_s), "0", RANGE(0, INT32_MAX), NULL,
	 "Minimum of the SOA: how long a denial may be kept, and the TTL of NSEC and NSEC3."},
	{"apex.soa-ttl", CONFIG_DURATION_S, FIELD(apex.soa_ttl_s), "0", RANGE(0, INT32_MAX), NULL, "TTL of the SOA."},
	/* ---- records ---- */
	{"records.remove", CONFIG_NAMES, FIELD(records.remove), "[]", RANGE(0, RECORDS_MAX), NULL,
	 "Names that the edition has not, nor anything below them. One that the source has not is told of, and no "
	 "error."},
	{"records.add", CONFIG_TEXTS, FIELD(records.add), "[]", RANGE(0, RECORDS_MAX), NULL,
	 "Records that it has beside those of the source: lines of a master file. Not what is made here: SOA, RRSIG, "
	 "NSEC, NSEC3, NSEC3PARAM, and at the apex DNSKEY, CDS, CDNSKEY and ZONEMD."},
	/* ---- keys ---- */
	{"keys.folder", CONFIG_PATH, FIELD(keys.folder), "\"\"", RANGE(0, PATH_BYTES_MAX), NULL,
	 "Folder of the keys. Empty: the folder keys in that of the edition."},
	{"keys.algorithm", CONFIG_UINT, FIELD(keys.algorithm), "13", RANGE(8, 16), NULL,
	 "Algorithm of new keys, by its number: 8 and 10 RSA, 13 and 14 ECDSA, 15 and 16 EdDSA; no other."},
	{"keys.ksk-bits", CONFIG_UINT, FIELD(keys.ksk_bits), "2048", RANGE(1024, 4096), NULL,
	 "Bits of new RSA keys that sign keys."},
	{"keys.zsk-bits", CONFIG_UINT, FIELD(keys.zsk_bits), "2048", RANGE(1024, 4096), NULL,
	 "Bits of new RSA keys that sign data."},
	{"keys.split", CONFIG_BOOL, FIELD(keys.split), "true", RANGE(0, 1), NULL,
	 "One key signs keys (KSK), another one data (ZSK). false: one key signs all (CSK). Once there are keys it "
	 "changes "
	 "only together with keys.algorithm, by a roll to new keys; else the edition is refused."},
	{"keys.offline-ksk", CONFIG_BOOL, FIELD(keys.offline_ksk), "false", RANGE(0, 1), NULL,
	 "The KSK is elsewhere: signed key sets come from ceremonies (`banyan key skr`)."},
	{"keys.ttl", CONFIG_DURATION_S, FIELD(keys.ttl_s), "2d", RANGE(1, INT32_MAX), NULL,
	 "TTL of the DNSKEY records."},
	{"keys.zsk-lifetime", CONFIG_DURATION_S, FIELD(keys.zsk_lifetime_s), "90d", RANGE(0, 10 * YEAR_S), NULL,
	 "How long a ZSK signs before the next one does. 0 is until somebody rolls it."},
	{"keys.ksk-lifetime", CONFIG_DURATION_S, FIELD(keys.ksk_lifetime_s), "0", RANGE(0, 10 * YEAR_S), NULL,
	 "The same for the KSK or CSK."},
	{"keys.propagation-delay", CONFIG_DURATION_S, FIELD(keys.propagation_s), "1h", RANGE(0, YEAR_S), NULL,
	 "How long a version takes to reach all servers of the zone (RFC 7583: Dprp). With a schedule, the time for "
	 "which an old version may still be in use is added."},
	{"keys.publish-safety", CONFIG_DURATION_S, FIELD(keys.publish_safety_s), "1h", RANGE(0, YEAR_S), NULL,
	 "Added to the time that a key is published before it is used."},
	{"keys.retire-safety", CONFIG_DURATION_S, FIELD(keys.retire_safety_s), "1h", RANGE(0, YEAR_S), NULL,
	 "Added to the time that a key stays after its last use."},
	{"keys.parent-ds-ttl", CONFIG_DURATION_S, FIELD(keys.parent_ds_ttl_s), "1d", RANGE(0, YEAR_S), NULL,
	 "TTL of the DS records at the parent."},
	{"keys.parent-delay", CONFIG_DURATION_S, FIELD(keys.parent_delay_s), "1h", RANGE(0, YEAR_S), NULL,
	 "How long a change takes to reach all servers of the parent (RFC 7583: DprpP)."},
	{"keys.trust", CONFIG_CHOICE, FIELD(keys.trust), "rfc5011", RANGE(0, 2), trusts,
	 "What the zone's chain of trust hangs from: DS records at the parent, anchors that people configure, or "
	 "anchors that roll by "
	 "themselves (RFC 5011). Of the first two somebody says when they are in place (banyan key)."},
	{"keys.double-ds", CONFIG_BOOL, FIELD(keys.double_ds), "false", RANGE(0, 1), NULL,
	 "With trust parent: a KSK rolls by both DS records at once (RFC 7583 section 3.3.2), not by both keys."},
	{"keys.cds", CONFIG_BOOL, FIELD(keys.cds), "true", RANGE(0, 1), NULL,
	 "With trust parent: CDS and CDNSKEY records tell the parent what its DS should be (RFC 7344)."},
	{"keys.liberal", CONFIG_BOOL, FIELD(keys.liberal), "false", RANGE(0, 1), NULL,
	 "Algorithm rolls bring the new key and its signatures at once, and not signatures first (RFC 6781 section "
	 "4.1.4)."},
	{"keys.hold-down", CONFIG_DURATION_S, FIELD(keys.hold_down_s), "30d", RANGE(0, YEAR_S), NULL,
	 "How long a new KSK stands beside the old one before validators trust it (RFC 5011 section 2.4.1)."},
	{"keys.query-interval", CONFIG_DURATION_S, FIELD(keys.query_s), "0", RANGE(0, YEAR_S), NULL,
	 "How often validators look at the DNSKEY set. 0 is by the rule of RFC 5011 section 2.3."},
	{"keys.revoke-after", CONFIG_DURATION_S, FIELD(keys.revoke_after_s), "60d", RANGE(0, YEAR_S), NULL,
	 "So long after the new KSK has begun to sign, the old one is revoked (RFC 5011)."},
	{"keys.revoked", CONFIG_DURATION_S, FIELD(keys.revoked_s), "30d", RANGE(0, YEAR_S), NULL,
	 "How long it stays in the set, revoked."},
	{"keys.slot", CONFIG_DURATION_S, FIELD(keys.slot_s), "10d", RANGE(1, YEAR_S), NULL,
	 "With an offline KSK: how long each signed key set is used."},
	{"keys.token", CONFIG_TEXT, FIELD(keys.token), "\"\"", RANGE(0, TEXT_BYTES_MAX), NULL,
	 "PKCS #11 URI (RFC 7512) of the token in which new keys are made: pkcs11:token=NAME;pin-source=file:PATH. "
	 "Empty: in "
	 "files."},
	/* ---- signing ---- */
	{"signing.validity", CONFIG_DURATION_S, FIELD(signing.validity_s), "13d", RANGE(60, YEAR_S), NULL,
	 "How long a signature of data is good."},
	{"signing.validity-keys", CONFIG_DURATION_S, FIELD(signing.validity_keys_s), "21d", RANGE(60, YEAR_S), NULL,
	 "How long a signature of the DNSKEY set is good."},
	{"signing.inception-before", CONFIG_DURATION_S, FIELD(signing.inception_before_s), "1h", RANGE(0, 604800), NULL,
	 "Signatures begin so long ago, for clocks that are behind."},
	{"signing.refresh", CONFIG_DURATION_S, FIELD(signing.refresh_s), "5d", RANGE(1, YEAR_S), NULL,
	 "A signature that would end sooner than this is made anew. It must be shorter than signing.validity and "
	 "longer than a secondary may use a version (expire of the SOA) together with what is in caches."},
	{"signing.jitter", CONFIG_DURATION_S, FIELD(signing.jitter_s), "12h", RANGE(0, YEAR_S), NULL,
	 "Signatures end up to so much earlier, each by its own time, so that not all are made anew at once."},
	{"signing.denial", CONFIG_CHOICE, FIELD(signing.denial), "nsec", RANGE(0, 1), denials,
	 "How absence is proved."},
	{"signing.nsec3-iterations", CONFIG_UINT, FIELD(signing.nsec3_iterations), "0", RANGE(0, ITERATIONS_MAX), NULL,
	 "Additional iterations of NSEC3. RFC 9276 asks for 0; validators treat a zone with many as one that is not "
	 "signed, or not at all."},
	{"signing.nsec3-salt", CONFIG_TEXT, FIELD(signing.nsec3_salt), "\"\"", RANGE(0, 510), NULL,
	 "Salt of NSEC3, in hexadecimal. RFC 9276 asks for none."},
	{"signing.nsec3-opt-out", CONFIG_BOOL, FIELD(signing.nsec3_opt_out), "false", RANGE(0, 1), NULL,
	 "Insecure delegations have no NSEC3 of their own (RFC 5155 section 6)."},
	{"signing.zonemd", CONFIG_CHOICE, FIELD(signing.zonemd), "sha384", RANGE(0, 3), zonemds,
	 "Digests of the whole zone (RFC 8976)."},
	{"signing.threads", CONFIG_UINT, FIELD(signing.threads), "0", RANGE(0, 64), NULL,
	 "Threads that sign and prove. 0 is one for each CPU."},
	/* ---- output ---- */
	{"output.zone-file", CONFIG_PATH, FIELD(output.zone_file), "\"\"", RANGE(0, PATH_BYTES_MAX), NULL,
	 "The signed zone, as a master file: what a server has as its file. Empty: the file zone in the edition's "
	 "folder."},
	{"output.tree", CONFIG_PATH, FIELD(output.tree), "\"\"", RANGE(0, PATH_BYTES_MAX), NULL,
	 "Folder of a published tree for web servers (docs/published-files.md). Empty: none."},
	{"output.tree-key", CONFIG_PATH, FIELD(output.tree_key), "\"\"", RANGE(0, PATH_BYTES_MAX), NULL,
	 "File of the private key that signs the tree's pointer (openssl genpkey -algorithm ed25519). Empty: it is not "
	 "signed."},
	{"output.tree-deltas", CONFIG_UINT, FIELD(output.tree_deltas), "10", RANGE(0, 64), NULL,
	 "Versions before the newest from which the tree has a delta."},
	/* ---- schedule ---- */
	{"schedule.every", CONFIG_DURATION_S, FIELD(schedule.every_s), "0", RANGE(0, YEAR_S), NULL,
	 "A version comes into force each so long, on the strokes of this period since 1970: 24h is each midnight UTC. "
	 "0: there is no "
	 "schedule, and a version comes when there is something new."},
	{"schedule.ahead", CONFIG_DURATION_S, FIELD(schedule.ahead_s), "2h", RANGE(0, YEAR_S), NULL,
	 "It is offered so long before it comes into force."},
	{"schedule.valid", CONFIG_DURATION_S, FIELD(schedule.valid_s), "48h", RANGE(1, YEAR_S), NULL,
	 "It is in force for so long. The dates stand in a TXT record at the apex, and resolvers keep to them."},
};

const struct config_table edition_table = {edition_options, ARRAY_SIZE(edition_options), edition_sections};
