// SPDX-License-Identifier: GPL-3.0-or-later
/* The table of all options. */
#include "schema.h"
#include "schema_copy.h"
#include "schema_words.h"

#include <assert.h>
#include <stddef.h>

/* In the order of struct config_option: the next value in a row is the default. */
#define FIELD(member) .width = sizeof(((struct config *)0)->member), .offset = offsetof(struct config, member)
#define ZONE_FIELD(member)                                                                                             \
	.width = sizeof(((struct config_zone *)0)->member), .offset = offsetof(struct config_zone, member)
#define FORWARD_FIELD(member)                                                                                          \
	.width = sizeof(((struct config_forward *)0)->member), .offset = offsetof(struct config_forward, member)
#define VIEW_FIELD(member)                                                                                             \
	.width = sizeof(((struct config_view *)0)->member), .offset = offsetof(struct config_view, member)
#define RPZ_FIELD(member)                                                                                              \
	.width = sizeof(((struct config_rpz *)0)->member), .offset = offsetof(struct config_rpz, member)
#define KEY_FIELD(member)                                                                                              \
	.width = sizeof(((struct config_key *)0)->member), .offset = offsetof(struct config_key, member)
#define LOCAL_ZONE_FIELD(member)                                                                                       \
	.width = sizeof(((struct config_local_zone *)0)->member), .offset = offsetof(struct config_local_zone, member)
#define LOCAL_NAME_FIELD(member)                                                                                       \
	.width = sizeof(((struct config_local_name *)0)->member), .offset = offsetof(struct config_local_name, member)
#define ROOT_COPY(member) FIELD(root.copy.member)
#define ZONE_COPY(member) ZONE_FIELD(copy.member)
#define RANGE(low, high)  .min = (low), .max = (high)
#define KIB               ((uint64_t)1024)
#define SECOND            1000
#define DAY_S             86400

#define LISTEN_MAX     64   /* sockets are opened by every worker */
#define XDP_MAX        64   /* interfaces */
#define WORKERS_MAX    1024 /* more than CPUs of any machine that this was tried on */
#define ANCHORS_MAX    16   /* files; each holds as many records as it likes */
#define PREFIXES_MAX   4096 /* they are looked through one by one */
#define OUTGOING_MAX   256
#define REROUTES_MAX   16384 /* all authorities of a lab */
#define ZONES_MAX      65536
#define UNTILS_MAX     256  /* each is a hole in what is proved; they are looked through one by one */
#define FORWARDS_MAX   4096 /* forward zones, and as many stub zones */
#define SERVERS_MAX    32   /* of one of them: what one walk looks at (RESOLVE_ADDRESSES_MAX) */
#define EXCEPTIONS_MAX 1024
#define VIEWS_MAX      255 /* besides the one of all others; looked through one by one for each question */
#define RPZ_MAX        64  /* each costs a lookup a question */
#define KEYS_MAX       1024
#define NOTIFY_MAX     4096  /* more of them had better register */
#define TRANSFERS_MAX  4096  /* texts; they are looked through one by one */
#define LOCAL_MAX      65536 /* zones, names, records; more belong in a file */
#define FILES_MAX      64
#define NAME_RECORDS   256
#define PATH_BYTES_MAX 4000 /* below PATH_MAX, with room for ".tmp" */
#define NAME_BYTES_MAX 1010 /* 255 octets, each written \DDD at worst */
#define TXT_BYTES_MAX  255  /* one character-string (RFC 1035 section 3.3) */
#define EDITION_MAX    63   /* ZONE_EDITION_MAX */
#define USER_BYTES_MAX 32   /* as useradd(8) */
#define SOCKETS_MAX    1000000
#define RATE_MAX       1000000
#define PULSE_MAX      (16 * KIB * KIB) /* 64 of them a second are below 2^32 bytes */

static_assert(offsetof(struct config, zones) == offsetof(struct config, n_zones) + sizeof(size_t), "list shape");
static_assert(offsetof(struct config, resolver.reroute) ==
		      offsetof(struct config, resolver.n_reroutes) + sizeof(size_t),
	      "list shape");

static_assert(offsetof(struct config, resolver.negative_anchors) ==
		      offsetof(struct config, resolver.n_negative_anchors) + sizeof(size_t),
	      "list shape");
static_assert(offsetof(struct config, forward) == offsetof(struct config, n_forward) + sizeof(size_t), "list shape");
#define LIST_SHAPE(type, list, n)                                                                                      \
	static_assert(offsetof(type, list) == offsetof(type, n) + sizeof(size_t), "list shape")
LIST_SHAPE(struct config, views, n_views);
LIST_SHAPE(struct config, rpz, n_rpz);
LIST_SHAPE(struct config, keys, n_keys);
LIST_SHAPE(struct config_local, zone, n_zones);
LIST_SHAPE(struct config_local, name, n_names);
static_assert(offsetof(struct config, stub) == offsetof(struct config, n_stub) + sizeof(size_t), "list shape");

const struct config_option config_options[] = {
	/* ---- server ---- */
	{"server.listen", CONFIG_ADDRS, CONFIG_RESTART, FIELD(server.listen), "[127.0.0.1@53, \"::1@53\"]",
	 RANGE(1, LISTEN_MAX), NULL,
	 "Addresses to listen on, for UDP and TCP alike. The port is 53 unless it is given behind an @. "
	 "Write IPv6 addresses in quotes."},
	{"server.tls-listen", CONFIG_ADDRS, CONFIG_RESTART, FIELD(server.tls_listen), "[]", RANGE(0, LISTEN_MAX), NULL,
	 "Addresses to listen on for DNS over TLS (version 1.3; RFC 7858), by which zones are transferred, too (RFC "
	 "9103). "
	 "The port must be written; that of the service is 853: 192.0.2.1@853."},
	{"server.tls-certificate", CONFIG_PATH, CONFIG_LIVE, FIELD(server.tls_certificate), "\"\"",
	 RANGE(0, PATH_BYTES_MAX), NULL,
	 "The certificate for server.tls-listen, and those that lead from it to an authority: a PEM file. A reload "
	 "reads it "
	 "again, with the rights of server.user; sessions that are open keep the one before."},
	{"server.tls-key", CONFIG_PATH, CONFIG_LIVE, FIELD(server.tls_key), "\"\"", RANGE(0, PATH_BYTES_MAX), NULL,
	 "The private key of server.tls-certificate: a PEM file."},
	{"server.root-server", CONFIG_BOOL, CONFIG_RESTART, FIELD(server.root_server), "false", RANGE(0, 1), NULL,
	 "This is an instance of a root server. Without it the daemon does not start where it would listen on the "
	 "address of "
	 "one."},
	{"server.xdp", CONFIG_TEXTS, CONFIG_RESTART, FIELD(server.xdp), "[]", RANGE(0, XDP_MAX), NULL,
	 "Network interfaces whose questions over UDP are taken straight from the driver (AF_XDP), past the kernel's "
	 "network stack, its firewall and tcpdump. Only questions to addresses of server.listen are taken; TCP and all "
	 "else "
	 "stay with the kernel. Each queue of an interface goes to one worker and locks 8 megabytes of memory. Where "
	 "it is "
	 "not possible the log says why, and ordinary sockets serve. The daemon must start as root. See AF_XDP in "
	 "banyand(8)."},
	{"server.workers", CONFIG_UINT, CONFIG_RESTART, FIELD(server.workers), "0", RANGE(0, WORKERS_MAX), NULL,
	 "Threads that answer questions; each has its own sockets on every address. 0 means one for each CPU."},
	{"server.user", CONFIG_TEXT, CONFIG_RESTART, FIELD(server.user), "\"\"", RANGE(0, USER_BYTES_MAX), NULL,
	 "User to become once the sockets are open. When it is empty, a daemon that was started by root becomes the "
	 "user banyan if there is one, and any other daemon stays who it is. Write root to stay root."},
	{"server.rundir", CONFIG_PATH, CONFIG_RESTART, FIELD(server.rundir), "\"\"", RANGE(0, PATH_BYTES_MAX), NULL,
	 "Folder for files that live as long as the daemon. When it is empty, /run/banyan; or the folder in which the "
	 "daemon was started, when it is not root and may not write there."},
	{"server.control", CONFIG_PATH, CONFIG_RESTART, FIELD(server.control), "\"\"", RANGE(0, PATH_BYTES_MAX), NULL,
	 "Unix socket over which banyan(1) talks to the daemon. When it is empty, control.sock in the folder of "
	 "server.rundir. If both are empty and the socket cannot be made there, or another daemon has it, the daemon "
	 "warns and runs without."},
	{"server.identity", CONFIG_TEXT, CONFIG_LIVE, FIELD(server.identity), "auto", RANGE(0, TXT_BYTES_MAX), NULL,
	 "Name of this instance, given to those who ask with NSID (RFC 5001) or for id.server and hostname.bind "
	 "(RFC 4892). The word auto stands for the name of the host; an empty text keeps it secret."},
	{"server.version", CONFIG_TEXT, CONFIG_LIVE, FIELD(server.version), "\"\"", RANGE(0, TXT_BYTES_MAX), NULL,
	 "Text to answer to version.server and version.bind. Empty refuses these questions."},
	{"server.udp-size", CONFIG_UINT, CONFIG_LIVE, FIELD(server.udp_size), "1232", RANGE(512, 4096), NULL,
	 "Bytes of the largest reply over UDP, whatever more the client offers. 1232 is never fragmented on an IPv6 "
	 "path of the smallest MTU."},
	{"server.udp-batch", CONFIG_UINT, CONFIG_RESTART, FIELD(server.udp_batch), "32", RANGE(1, 64), NULL,
	 "Messages that are taken from and given to the kernel with one system call."},
	{"server.udp-gather", CONFIG_UINT, CONFIG_RESTART, FIELD(server.udp_gather_us), "0", RANGE(0, 1000), NULL,
	 "Microseconds that a worker lets questions over UDP wait for others, so that they are read and answered "
	 "together: a wake-up for each of them costs as much as its answer. It does so only where they come faster "
	 "than "
	 "that, and where others have come meanwhile. 100 saves a fifth of the processor time at 40,000 questions a "
	 "second. 0 reads each at once."},
	{"server.udp-buffer", CONFIG_SIZE, CONFIG_RESTART, FIELD(server.udp_buffer), "1M",
	 RANGE(4 * KIB, 256 * KIB * KIB), NULL,
	 "Memory in which the kernel keeps what clients have sent until it is read, for each socket of each worker. A "
	 "burst that does not fit is lost and counted (udp_lost). A daemon without the capability CAP_NET_ADMIN at its "
	 "start gets at most net.core.rmem_max."},
	{"server.tcp-clients", CONFIG_UINT, CONFIG_RESTART, FIELD(server.tcp_clients), "1024", RANGE(1, SOCKETS_MAX),
	 NULL, "TCP connections open at once, over all workers. Further ones are closed at once."},
	{"server.tcp-clients-per-address", CONFIG_UINT, CONFIG_RESTART, FIELD(server.tcp_clients_per_address), "64",
	 RANGE(1, SOCKETS_MAX), NULL, "TCP connections open at once from one address. At most server.tcp-clients."},
	{"server.tcp-idle", CONFIG_DURATION_MS, CONFIG_RESTART, FIELD(server.tcp_idle_ms), "10s",
	 RANGE(100, 3600 * SECOND), NULL,
	 "A TCP connection without a question for this long is closed (RFC 7766 section 6.2.3)."},
	{"server.tcp-pipeline", CONFIG_UINT, CONFIG_RESTART, FIELD(server.tcp_pipeline), "64", RANGE(1, 4096), NULL,
	 "Questions in work at once on one TCP connection. Above it, reading waits for replies to go out."},
	{"server.minimal-responses", CONFIG_BOOL, CONFIG_LIVE, FIELD(server.minimal_responses), "true", RANGE(0, 1),
	 NULL,
	 "Leave out authority and additional records that the protocol does not ask for. "
	 "Referrals keep their glue either way (RFC 9471)."},
	{"server.cookies", CONFIG_CHOICE, CONFIG_LIVE, FIELD(server.cookies), "on", RANGE(0, 2), cookie_modes,
	 "DNS cookies (RFC 7873). With on: clients that send one get one, and a good one frees them from response rate "
	 "limiting. With require: over UDP, questions without a good cookie get BADCOOKIE with a new one, and those of "
	 "clients that know no cookies get TC, so that forged questions get nothing worth having."},
	{"server.cookie-secrets", CONFIG_PATH, CONFIG_LIVE, FIELD(server.cookie_secrets), "\"\"",
	 RANGE(0, PATH_BYTES_MAX), NULL,
	 "File with the secrets of cookies, one a line, each 32 hexadecimal digits. The first makes cookies, all are "
	 "accepted (RFC 9018). Servers of one fleet share them; to roll, add the new one as the second line "
	 "everywhere, then put it first, then remove the old one, each time with a reload. When empty, one is drawn at "
	 "the start."},
	{"server.notify-rate", CONFIG_UINT, CONFIG_LIVE, FIELD(server.notify_rate), "1000", RANGE(1, RATE_MAX), NULL,
	 "Notifications a second for one zone. Whoever is told comes to fetch, so many peers are told over a while, in "
	 "no "
	 "order."},
	{"server.notify-source", CONFIG_HOSTS, CONFIG_LIVE, FIELD(server.notify_source), "[]", RANGE(0, LISTEN_MAX),
	 NULL,
	 "Addresses that notifications go out from, of which the first of a peer's family is taken: peers heed them by "
	 "where "
	 "they come from. Where a text of notify has from=, that is taken, and a peer that has registered hears from "
	 "where it did so. "
	 "When empty, it is an address of server.listen, as the kernel would choose it, else the first of them from "
	 "which the "
	 "peer can be reached."},
	{"server.fleet", CONFIG_TEXTS, CONFIG_LIVE, FIELD(server.fleet), "[]", RANGE(0, PREFIXES_MAX), NULL,
	 "Who may see the registers of this server, that is whom it tells of new versions: addresses, networks, or "
	 "key= "
	 "and the name of one of the keys. `banyan status --fleet` walks them; see docs/fleet.md. Addresses are "
	 "believed over TCP only. Empty means nobody."},
	{"server.registrations", CONFIG_UINT, CONFIG_LIVE, FIELD(server.registrations), "10000", RANGE(0, 4000000),
	 NULL,
	 "Peers that may be registered for one zone at once, some 130 bytes each. When there is no more room, those of "
	 "a "
	 "network (16 bits of an IPv4 address, 32 of an IPv6 address) that has more than 1/32 of it give way to "
	 "others, "
	 "the newest first, and nobody else does."},
	{"server.registrations-per-address", CONFIG_UINT, CONFIG_LIVE, FIELD(server.registrations_per_address), "4",
	 RANGE(1, 65535), NULL, "Ports of one address (of one /64 of IPv6) that may be registered for one zone."},
	{"server.registration-time", CONFIG_DURATION_S, CONFIG_LIVE, FIELD(server.registration_time_s), "1d",
	 RANGE(60, 30 * DAY_S), NULL, "Longest time for which a peer is registered if it does not renew that."},
	{"server.log-level", CONFIG_CHOICE, CONFIG_LIVE, FIELD(server.log_level), "notice", RANGE(0, 4), log_levels,
	 "The least important messages that are still logged."},
	{"server.files-folder", CONFIG_PATH, CONFIG_RESTART, FIELD(server.files_folder), "\"\"",
	 RANGE(0, PATH_BYTES_MAX), NULL,
	 "Folder of the published tree: zones as files that any web server can carry (docs/published-files.md). It "
	 "must be there, writable for "
	 "server.user; what is published in it is said by root.publish and zones[].publish. Empty publishes nothing."},
	{"server.files-listen", CONFIG_ADDRS, CONFIG_RESTART, FIELD(server.files_listen), "[]", RANGE(0, 16), NULL,
	 "Addresses on which the published tree is served by HTTP. The port must be written: 192.0.2.1@80. For "
	 "encryption put a web server in "
	 "front of it; what is fetched is proved either way. It needs libmicrohttpd, which is loaded only then."},
	{"server.files-key", CONFIG_PATH, CONFIG_LIVE, FIELD(server.files_key), "\"\"", RANGE(0, PATH_BYTES_MAX), NULL,
	 "File with the publisher's key, by which pointers are signed: Ed25519 in PEM, as openssl genpkey -algorithm "
	 "ed25519 writes it. When "
	 "empty, they are not signed."},
	{"server.files-deltas", CONFIG_UINT, CONFIG_LIVE, FIELD(server.files_deltas), "10", RANGE(0, 64), NULL,
	 "Versions before the newest from which a delta leads to it. So many versions stay in the folder."},
	{"server.files-fresh", CONFIG_DURATION_S, CONFIG_LIVE, FIELD(server.files_fresh_s), "2d", RANGE(10, 30 * DAY_S),
	 NULL,
	 "How long a pointer is good: who has one that is older takes it for one that somebody plays back, and asks "
	 "another source. It is written anew each eighth of this time, also when there is no new version."},
	{"server.files-connections", CONFIG_UINT, CONFIG_RESTART, FIELD(server.files_connections), "256",
	 RANGE(1, 65536), NULL,
	 "HTTP connections at once on each address of server.files-listen, of one client at most 32."},
	{"server.files-rate", CONFIG_UINT, CONFIG_RESTART, FIELD(server.files_rate), "50", RANGE(1, 1000), NULL,
	 "HTTP requests a second of one client; ten times as many at once. Further ones get status 429."},
	{"server.files-bandwidth", CONFIG_SIZE, CONFIG_RESTART, FIELD(server.files_bandwidth), "0",
	 RANGE(0, KIB *KIB *KIB *KIB), NULL,
	 "Bytes a second of published files that are sent to all clients together, at least 64K; 0 is no limit. Who "
	 "has to wait gets his turn in the order in which he came."},
	{"server.files-bandwidth-per-client", CONFIG_SIZE, CONFIG_RESTART, FIELD(server.files_bandwidth_each), "0",
	 RANGE(0, KIB *KIB *KIB *KIB), NULL,
	 "The same for one address (one /64 of IPv6), over all of its connections."},
	{"server.confine", CONFIG_BOOL, CONFIG_RESTART, FIELD(server.confine), "true", RANGE(0, 1), NULL,
	 "Give up capabilities and the system calls that serving does not need, once the daemon has started."},

	/* ---- zones ---- */
	{"zones", CONFIG_MAPS, CONFIG_LIVE, FIELD(n_zones), "[]", RANGE(0, ZONES_MAX), NULL,
	 "The list itself. Without it the server is authoritative for nothing.",
	 .item_size = sizeof(struct config_zone),
	 .example = "- name: example.org\n"
		    "  file: zones/example.org.zone\n"
		    "- name: .\n"
		    "  file: root.zone\n"
		    "  prove: full\n"
		    "  anchors: [root.ds]\n"},
	{"zones[].name", CONFIG_NAME, CONFIG_LIVE, ZONE_FIELD(name), NULL, RANGE(1, NAME_BYTES_MAX), NULL,
	 "Name of the zone; a dot alone is the root."},
	{"zones[].file", CONFIG_PATH, CONFIG_LIVE, ZONE_FIELD(file), "\"\"", RANGE(0, PATH_BYTES_MAX), NULL,
	 "Master file of the zone (RFC 1035 section 5), plain or compressed with gzip or zstd. A zone has a file, or "
	 "sources, or both."},
	COPY_ROWS("zones[]", ZONE_COPY, "[]", "1G",
		  "Where copies of the zone come from, as in root.sources: then this server is a secondary for it. Of "
		  "the "
		  "root, without root.sources and root.file, the resolver uses this copy, too. "
		  "What the file "
		  "holds, if there is one, is served until the first copy has come.",
		  "Empty means a folder of the zone's name in copies in the state folder of the service manager."),
	{"zones[].prove", CONFIG_CHOICE, CONFIG_LIVE, ZONE_FIELD(prove), "auto", RANGE(0, 3), prove_modes,
	 "What must hold before the zone is served. With full: structure, every signature up to a trust anchor, the "
	 "chain of denial, and the digest if there is one. With digest: structure and the digest (ZONEMD, RFC 8976) "
	 "alone. With structure: that the zone can be served at all. The word auto means full for the root and for "
	 "zones with anchors, else structure."},
	{"zones[].anchors", CONFIG_PATHS, CONFIG_LIVE, ZONE_FIELD(anchors), "[]", RANGE(0, ANCHORS_MAX), NULL,
	 "Files of trust anchors (DS or DNSKEY records). When empty, the root has those of root.anchors and "
	 "of the options behind it, and other zones none."},
	{"zones[].require-zonemd", CONFIG_BOOL, CONFIG_LIVE, ZONE_FIELD(require_zonemd), "false", RANGE(0, 1), NULL,
	 "Refuse a zone without a digest, also when it provably has none."},
	{"zones[].notify", CONFIG_TEXTS, CONFIG_LIVE, ZONE_FIELD(notify), "[]", RANGE(0, NOTIFY_MAX), NULL,
	 "Peers that are told of each new version (NOTIFY, RFC 1996), each an address, with @ and a port if it is not "
	 "53, "
	 "and with key= and the name of one of the keys behind a space if the messages are to be signed: "
	 "\"192.0.2.1@5300 key=transfer\". With from= and an address of this machine, they come from there; else see "
	 "server.notify-source."},
	{"zones[].register", CONFIG_TEXTS, CONFIG_LIVE, ZONE_FIELD(registering), "[]", RANGE(0, PREFIXES_MAX), NULL,
	 "Who may register to be told of new versions as if it stood in notify: addresses, networks, or key= and the "
	 "name "
	 "of one of the keys. A peer does so when it asks for the SOA, over TCP, signed, or with a DNS cookie, and "
	 "again "
	 "each time that it looks for a new version; see docs/registration.md. Empty means nobody."},
	{"zones[].dates", CONFIG_BOOL, CONFIG_LIVE, ZONE_FIELD(dates), "true", RANGE(0, 1), NULL,
	 "Whether versions of a zone from sources that have dates (an edition on a schedule) are used within these "
	 "alone: one "
	 "that is offered ahead is kept until its time begins. When false, each is served and given on as soon as it "
	 "is proved, and never ends by its dates: for a distribution master, whose clients keep the dates. The "
	 "resolver then has a root copy of its own."},
	{"zones[].publish", CONFIG_BOOL, CONFIG_LIVE, ZONE_FIELD(publish), "false", RANGE(0, 1), NULL,
	 "Publish each version of the zone as files in server.files-folder, once it is served."},
	{"zones[].transfer", CONFIG_TEXTS, CONFIG_LIVE, ZONE_FIELD(transfer), "[]", RANGE(0, TRANSFERS_MAX), NULL,
	 "Who may have all of the zone (AXFR and IXFR), as a list of texts; empty is nobody. Each is an address or a "
	 "prefix, "
	 "or key= and the name of one of the keys, with which the question is signed, or both with a space between "
	 "them, "
	 "where "
	 "both must hold, as in [192.0.2.0/24, key=transfer, \"2001:db8::/32 key=other\"]. The word tls beside these: "
	 "over TLS "
	 "only (RFC 9103), as in \"192.0.2.0/24 tls\"; see transfers.tls-only, too. "
	 "The messages of such a zone lie ready in memory, some 1.3 megabytes for the root."},

	/* ---- root ---- */
	{"root.file", CONFIG_PATH, CONFIG_LIVE, FIELD(root.file), "/var/lib/banyan/root.zone", RANGE(0, PATH_BYTES_MAX),
	 NULL,
	 "Master file of the root zone, plain or compressed with gzip or zstd. "
	 "Empty means that there is no local root: then the walk begins at the root servers."},
	COPY_ROWS("root", ROOT_COPY, "[auto]", "64M",
		  "Where copies of the root zone come from, each a text: xfr:ADDRESS or xot:ADDRESS (transfers), "
		  "https://... (a "
		  "file), file:PATH, dir:PATH, list:URL-or-PATH (a publication list), builtin (today's public ones). "
		  "Words behind "
		  "it: key=NAME (of keys), address=ADDR, name=, pin=, ca=, alpn=any. They are asked for their serial "
		  "by the "
		  "SOA's refresh "
		  "time (files of file: and dir: are seen to change within two seconds), and what is newer is fetched, "
		  "proved in a "
		  "confined process, kept, and used from then on, without a "
		  "reload. The word auto, alone, stands for builtin where copies can be kept (root.store) and "
		  "root.file names no "
		  "file that is there, else for none. See COPIES in banyand(8).",
		  "Empty means copies/root in the state folder of the service manager (/var/lib/banyan with systemd)."),
	{"root.edition", CONFIG_TEXT, CONFIG_LIVE, FIELD(root.edition), "\"\"", RANGE(0, EDITION_MAX), NULL,
	 "Name of the edition of the root that the resolver uses: a root with other servers at its apex, signed with "
	 "keys of "
	 "its own (root.anchors), whose TXT says edition= and this name. Any other root is refused "
	 "then, and while this is empty every edition is: each is a namespace of its own. The word auto of "
	 "root.sources then "
	 "stands for none, and root.fallback needs the servers of the edition in root.hints or root.hints-file. "
	 "Versions of an edition on a "
	 "schedule are used from their valid-from to their valid-until only. See EDITIONS in banyand(8)."},
	{"root.anchors", CONFIG_PATHS, CONFIG_LIVE, FIELD(root.anchors), "[]", RANGE(0, ANCHORS_MAX), NULL,
	 "Files of trust anchors, with which the root copy and all answers are proved: DS or DNSKEY records as in a "
	 "zone file (TTL, class and the final dot may lack), trust-anchors, managed-keys and trusted-keys of BIND, the "
	 "auto-trust-anchor-file of Unbound. They may be of other zones than the root, too, whose names are then "
	 "proved from there on."},
	{"root.anchors-built-in", CONFIG_CHOICE, CONFIG_LIVE, FIELD(root.anchors_built_in), "auto", RANGE(0, 2),
	 auto_on_off,
	 "The root's anchors that the program brings with it, key tags 20326 and 38696. With auto they count when no "
	 "file has anchors of the root and root.edition is empty, with on beside those, with off not at all. With no "
	 "anchor of the root a root "
	 "copy cannot be proved, and with none at all every answer counts as insecure."},
	{"root.anchors-xml", CONFIG_PATH, CONFIG_LIVE, FIELD(root.anchors_xml), "\"\"", RANGE(0, PATH_BYTES_MAX), NULL,
	 "The file root-anchors.xml of IANA (RFC 9718), as one more file of anchors. Those count that are valid when "
	 "it is read. Empty means none."},
	{"root.anchors-xml-signature", CONFIG_PATH, CONFIG_LIVE, FIELD(root.anchors_xml_signature), "\"\"",
	 RANGE(0, PATH_BYTES_MAX), NULL,
	 "Its signature, root-anchors.p7s. The file is used only if this proves it. Empty means that the file is "
	 "taken as it is."},
	{"root.anchors-xml-authority", CONFIG_PATH, CONFIG_LIVE, FIELD(root.anchors_xml_authority), "\"\"",
	 RANGE(0, PATH_BYTES_MAX), NULL,
	 "Certificates of the authority up to which that signature must lead, icannbundle.pem, in PEM or DER."},
	{"root.anchors-xml-signer", CONFIG_TEXT, CONFIG_LIVE, FIELD(root.anchors_xml_signer), "dnssec@iana.org",
	 RANGE(0, TXT_BYTES_MAX), NULL,
	 "Mail address of who must have signed it. Empty means anybody whom the authority certifies."},
	{"root.anchors-roll", CONFIG_BOOL, CONFIG_LIVE, FIELD(root.anchors_roll), "true", RANGE(0, 1), NULL,
	 "Follow the keys of zones with anchors (RFC 5011): a new key that a trusted one signs for is trusted when it "
	 "has stayed for 30 days, and one that is revoked is trusted no more. The keys of the root come from the root "
	 "copy, if there is "
	 "one, and others are asked for. Anchors of trusted-keys and static-key or static-ds of BIND stay as they are. "
	 "Only a resolver that validates does this."},
	{"root.anchors-state", CONFIG_PATH, CONFIG_RESTART, FIELD(root.anchors_state), "\"\"", RANGE(0, PATH_BYTES_MAX),
	 NULL,
	 "Folder, which server.user may write to, for what is known of such keys: a file for each zone, as "
	 "trust-anchor.state for the root. Empty means the state folder of the service manager (/var/lib/banyan with "
	 "systemd); where there is none, nothing is kept, and a restart begins with the configured anchors."},
	{"root.require-zonemd", CONFIG_BOOL, CONFIG_LIVE, FIELD(root.require_zonemd), "true", RANGE(0, 1), NULL,
	 "Refuse a root zone without a digest. Without ZONEMD nothing protects its delegations and glue."},
	{"root.notify", CONFIG_TEXTS, CONFIG_LIVE, FIELD(root.notify), "[]", RANGE(0, NOTIFY_MAX), NULL,
	 "Peers that are told of each new version of the root copy. As zones.notify."},
	{"root.register", CONFIG_TEXTS, CONFIG_LIVE, FIELD(root.registering), "[]", RANGE(0, PREFIXES_MAX), NULL,
	 "Who may register to be told of new versions of the root copy. As zones.register. They are answered when they "
	 "ask "
	 "for its SOA to register, also where the root is not among the zones."},
	{"root.fallback", CONFIG_BOOL, CONFIG_RESTART, FIELD(root.fallback), "true", RANGE(0, 1), NULL,
	 "Ask the root servers while there is no usable copy of the root zone: none is configured, it cannot be "
	 "proved, or it was loaded longer ago than its SOA says that it may be used, or its signatures have expired. "
	 "When "
	 "false, what would need the root gets SERVFAIL then. With root.edition, only servers that are named in "
	 "root.hints or "
	 "root.hints-file."},
	{"root.hints", CONFIG_ADDRS, CONFIG_RESTART, FIELD(root.hints), "[]", RANGE(0, SERVERS_MAX), NULL,
	 "Addresses of root servers, in place of the built-in ones. The port is that of resolver.upstream-port unless "
	 "it is given behind an @."},
	{"root.hints-file", CONFIG_PATH, CONFIG_RESTART, FIELD(root.hints_file), "\"\"", RANGE(0, PATH_BYTES_MAX), NULL,
	 "Master file with the names and addresses of root servers (NS records of the root, A and AAAA records), in "
	 "place of the built-in ones and beside those of root.hints."},
	{"root.publish", CONFIG_BOOL, CONFIG_LIVE, FIELD(root.publish), "false", RANGE(0, 1), NULL,
	 "Publish each version of the root copy as files in server.files-folder, once it is proved and in use."},
	{"root.priming", CONFIG_BOOL, CONFIG_RESTART, FIELD(root.priming), "true", RANGE(0, 1), NULL,
	 "Ask one of these servers first who the root servers are now, and then these (RFC 9609)."},
	{"root.transfer", CONFIG_TEXTS, CONFIG_LIVE, FIELD(root.transfer), "[]", RANGE(0, TRANSFERS_MAX), NULL,
	 "Who may have the root copy by transfer, as zones[].transfer says it. It is given as it was proved. When the "
	 "root is "
	 "among the zones, what stands there counts."},

/* ---- transfers ---- */
#include "schema_transfers.def"

/* ---- rrl ---- */
#include "schema_rrl.def"

	/* ---- dns64 ---- */
	{"dns64.prefixes", CONFIG_PREFIXES, CONFIG_LIVE, FIELD(dns64.prefixes), "[]", RANGE(0, 16), NULL,
	 "Prefixes in which addresses are made where a name has IPv4 addresses only, as \"64:ff9b::/96\"; of 32, 40, "
	 "48, 56, 64 or 96 bits (RFC 6052). With several, each address is made in each. Empty switches DNS64 off."},
	{"dns64.clients", CONFIG_PREFIXES, CONFIG_LIVE, FIELD(dns64.clients), "[]", RANGE(0, PREFIXES_MAX), NULL,
	 "Networks whose clients get made addresses. Empty means all."},
	{"dns64.exclude", CONFIG_PREFIXES, CONFIG_LIVE, FIELD(dns64.exclude), "[\"::ffff:0:0/96\"]",
	 RANGE(0, PREFIXES_MAX), NULL, "IPv6 addresses that count as if they were not there (RFC 6147 section 5.1.4)."},

	/* ---- ecs ---- */
	{"ecs.zones", CONFIG_NAMES, CONFIG_RESTART, FIELD(ecs.zones), "[]", RANGE(0, EXCEPTIONS_MAX), NULL,
	 "Names at and below which authoritative servers are told the network of the client, also where an alias leads "
	 "there. The servers of the root and of the zones right below it never are. Empty switches it off."},
	{"ecs.servers", CONFIG_PREFIXES, CONFIG_RESTART, FIELD(ecs.servers), "[]", RANGE(0, PREFIXES_MAX), NULL,
	 "Networks of the servers that are told. Empty means all servers of these zones."},
	{"ecs.ipv4-prefix", CONFIG_UINT, CONFIG_RESTART, FIELD(ecs.ipv4_prefix), "24", RANGE(1, 32), NULL,
	 "Bits of a client's IPv4 address that are told."},
	{"ecs.ipv6-prefix", CONFIG_UINT, CONFIG_RESTART, FIELD(ecs.ipv6_prefix), "56", RANGE(1, 128), NULL,
	 "Bits of a client's IPv6 address that are told."},
	{"ecs.trust", CONFIG_PREFIXES, CONFIG_LIVE, FIELD(ecs.trust), "[]", RANGE(0, PREFIXES_MAX), NULL,
	 "Networks of clients that ask for others, as forwarders do: the network that they name in their questions is "
	 "told instead of their own."},
	{"ecs.cache-size", CONFIG_SIZE, CONFIG_RESTART, FIELD(ecs.cache_size), "4M", RANGE(64 * KIB, KIB *KIB *KIB),
	 NULL, "Memory for answers that hold for one network, for each worker."},

	/* ---- resolver ---- */
	{"resolver.enabled", CONFIG_BOOL, CONFIG_RESTART, FIELD(resolver.enabled), "true", RANGE(0, 1), NULL,
	 "Whether there is a resolver. Without it, questions for zones that are not served here are refused."},
	{"resolver.allow", CONFIG_PREFIXES, CONFIG_LIVE, FIELD(resolver.allow), "[127.0.0.0/8, \"::1/128\"]",
	 RANGE(0, PREFIXES_MAX), NULL,
	 "Networks whose clients may use the resolver. Others get REFUSED, except for the zones that are served here."},
	{"resolver.deny", CONFIG_PREFIXES, CONFIG_LIVE, FIELD(resolver.deny), "[]", RANGE(0, PREFIXES_MAX), NULL,
	 "Networks whose clients get REFUSED from the resolver. Of all networks in resolver.allow, resolver.deny and "
	 "resolver.drop that hold a client, the longest decides; of equally long ones, drop comes before deny before "
	 "allow."},
	{"resolver.drop", CONFIG_PREFIXES, CONFIG_LIVE, FIELD(resolver.drop), "[]", RANGE(0, PREFIXES_MAX), NULL,
	 "Networks whose clients get no reply at all from the resolver."},
	{"resolver.rotate", CONFIG_BOOL, CONFIG_LIVE, FIELD(resolver.rotate), "true", RANGE(0, 1), NULL,
	 "Give the records of an RRset in an order that changes from question to question, so that clients which take "
	 "the first spread over all."},
	{"resolver.minimal-responses", CONFIG_CHOICE, CONFIG_LIVE, FIELD(resolver.minimal_responses), "default",
	 RANGE(0, 2), choices,
	 "Whether answers of the resolver have no additional records, as addresses of the servers that an MX or SVCB "
	 "record names. default: as server.minimal-responses."},
	{"resolver.client-rate", CONFIG_UINT, CONFIG_LIVE, FIELD(resolver.client_rate), "0", RANGE(0, RATE_MAX), NULL,
	 "Questions a second that one client (an IPv4 address, an IPv6 /56) may ask the resolver. Of those above it, "
	 "each second one over UDP gets an empty reply with TC and the others none; over TCP they are refused. 0 is no "
	 "limit."},
	{"resolver.client-questions-max", CONFIG_UINT, CONFIG_RESTART, FIELD(resolver.client_questions_max), "1024",
	 RANGE(0, SOCKETS_MAX), NULL,
	 "Questions of one client (an IPv4 address, an IPv6 /64) in work at once, for each worker. What is asked above "
	 "it is answered from the cache or with SERVFAIL, so that one client cannot take all of "
	 "resolver.questions-max. 0 is no limit."},
	{"resolver.client-pulse", CONFIG_SIZE, CONFIG_LIVE, FIELD(resolver.client_pulse), "16K", RANGE(0, PULSE_MAX),
	 NULL,
	 "Bytes of replies over UDP that one client (an IPv4 address, an IPv6 /56) gets at once, of those that it had "
	 "to wait for. What is above is spread over up to a second, and what then is still left is not sent, so that "
	 "nobody can gather replies and let them hit somebody else in one pulse. Who asks evenly, over TCP or with a "
	 "good DNS cookie is not "
	 "limited. 0 is no limit."},
	{"resolver.client-exempt", CONFIG_PREFIXES, CONFIG_LIVE, FIELD(resolver.client_exempt), "[]",
	 RANGE(0, PREFIXES_MAX), NULL, "Networks whose clients have none of these three limits."},
	{"resolver.zone-questions-max", CONFIG_UINT, CONFIG_RESTART, FIELD(resolver.zone_questions_max), "2048",
	 RANGE(0, SOCKETS_MAX), NULL,
	 "Lookups that may ask the servers of one zone at once, for each worker. Others for it get SERVFAIL, so that a "
	 "flood of random names below one zone leaves room for all other names. 0 is no limit."},
	{"resolver.zone-questions-min", CONFIG_UINT, CONFIG_RESTART, FIELD(resolver.zone_questions_min), "20",
	 RANGE(1, SOCKETS_MAX), NULL, "What is left of resolver.zone-questions-max while these servers do not answer."},
	{"resolver.cache-size", CONFIG_SIZE, CONFIG_RESTART, FIELD(resolver.cache_size), "64M",
	 RANGE(KIB *KIB, KIB *KIB *KIB *KIB), NULL, "Memory of the cache, which all workers share; taken as it fills."},
	{"resolver.cache-keep", CONFIG_BOOL, CONFIG_RESTART, FIELD(resolver.cache_keep), "yes", RANGE(0, 1), NULL,
	 "Whether the cache outlives the daemon: it is written to resolver.cache-file, and read back at the next "
	 "start."},
	{"resolver.cache-file", CONFIG_PATH, CONFIG_RESTART, FIELD(resolver.cache_file), "\"\"",
	 RANGE(0, PATH_BYTES_MAX), NULL,
	 "File of the cache, in a folder that server.user may write to. Empty means cache in the state folder of the "
	 "service manager (/var/lib/banyan with systemd), and no file where there is none. It is read at the start, "
	 "entry by entry; what is torn, makes no sense or was learned from other servers or under other trust anchors "
	 "or TTLs is left out, and what was proved by other rules is proved again when it is asked for. Files of older "
	 "versions are "
	 "read. Only the daemon can read it, since it tells what clients asked for."},
	{"resolver.cache-save-interval", CONFIG_DURATION_S, CONFIG_RESTART, FIELD(resolver.cache_save_interval), "5m",
	 RANGE(0, DAY_S), NULL,
	 "How often the cache is written, so that little is lost when the daemon is killed. With 0 only when it "
	 "stops."},
	{"resolver.cache-ttl-max", CONFIG_DURATION_S, CONFIG_LIVE, FIELD(resolver.cache_ttl_max), "1d",
	 RANGE(0, 7 * DAY_S), NULL, "Longest time that a record stays in the cache, whatever its own TTL."},
	{"resolver.cache-ttl-min", CONFIG_DURATION_S, CONFIG_LIVE, FIELD(resolver.cache_ttl_min), "0s", RANGE(0, 3600),
	 NULL,
	 "Shortest time that a record stays in the cache. More than 0 keeps records longer than their owner asked "
	 "for."},
	{"resolver.cache-negative-ttl-max", CONFIG_DURATION_S, CONFIG_LIVE, FIELD(resolver.cache_negative_ttl_max),
	 "1h", RANGE(0, DAY_S), NULL,
	 "Longest time that the absence of a name or type stays in the cache (RFC 2308 section 5). With 0 none is "
	 "kept."},
	{"resolver.cache-negative-ttl-min", CONFIG_DURATION_S, CONFIG_LIVE, FIELD(resolver.cache_negative_ttl_min),
	 "0s", RANGE(0, 3600), NULL,
	 "Shortest time that the absence of a name or type stays in the cache. What is signed never stays longer than "
	 "its signer says."},
	{"resolver.nxdomain-cut", CONFIG_CHOICE, CONFIG_LIVE, FIELD(resolver.nxdomain_cut), "secure", RANGE(0, 2),
	 nxdomain_cuts,
	 "Whether a name that does not exist means that nothing below it does (RFC 8020). With secure, this holds for "
	 "denials that DNSSEC has proved; with all, for others too: this spares the servers of unsigned zones floods "
	 "of random names, but takes down whole trees where a server denies names that exist or a denial is forged."},
	{"resolver.aggressive-nsec", CONFIG_BOOL, CONFIG_LIVE, FIELD(resolver.aggressive_nsec), "true", RANGE(0, 1),
	 NULL,
	 "Answer from proved NSEC and NSEC3 records that are known already, without asking, what they deny or prove to "
	 "be made of a wildcard (RFC 8198)."},
	{"resolver.prefetch", CONFIG_BOOL, CONFIG_LIVE, FIELD(resolver.prefetch), "true", RANGE(0, 1), NULL,
	 "Ask again for what is asked for often, before it expires from the cache."},
	{"resolver.prefetch-max", CONFIG_UINT, CONFIG_LIVE, FIELD(resolver.prefetch_max), "64", RANGE(1, 65536), NULL,
	 "Such refreshes at once, for each worker. Further ones are left out."},
	{"resolver.serve-stale", CONFIG_BOOL, CONFIG_LIVE, FIELD(resolver.serve_stale), "true", RANGE(0, 1), NULL,
	 "Answer with records that have expired when the servers of their zone cannot be asked (RFC 8767). Such an "
	 "answer says so with an extended error, is never called authentic, and never takes the place of one that was "
	 "found "
	 "bogus."},
	{"resolver.stale-ttl", CONFIG_DURATION_S, CONFIG_LIVE, FIELD(resolver.stale_ttl), "30s", RANGE(1, 3600), NULL,
	 "TTL of expired records in answers."},
	{"resolver.stale-max-age", CONFIG_DURATION_S, CONFIG_LIVE, FIELD(resolver.stale_age_max), "1d",
	 RANGE(1, 30 * DAY_S), NULL, "How long after they have expired records may still be used."},
	{"resolver.stale-client-timeout", CONFIG_DURATION_MS, CONFIG_LIVE, FIELD(resolver.stale_client_timeout_ms),
	 "1800ms", RANGE(0, 300 * SECOND), NULL,
	 "How long a client waits before it gets expired records while resolving goes on. With 0 it does not wait at "
	 "all; with resolver.question-time or more it gets them only when resolving has failed."},
	{"resolver.upstream-port", CONFIG_UINT, CONFIG_RESTART, FIELD(resolver.upstream_port), "53", RANGE(1, 65535),
	 NULL, "Port at which authoritative servers are asked. Other than 53 in labs only."},
	{"resolver.loopback", CONFIG_CHOICE, CONFIG_RESTART, FIELD(resolver.loopback), "auto", RANGE(0, 2), auto_on_off,
	 "Ask authoritative servers on addresses of loopback, wherever these come from. With auto only when the root "
	 "copy or the hints themselves have servers there, as labs do: nobody out there can then send questions to "
	 "this "
	 "machine."},
	{"resolver.do-not-query", CONFIG_PREFIXES, CONFIG_RESTART, FIELD(resolver.do_not_query),
	 "[0.0.0.0/8, 169.254.0.0/16, \"::/128\", \"::ffff:0:0/96\", \"fe80::/10\"]", RANGE(0, PREFIXES_MAX), NULL,
	 "Networks whose addresses are never asked as authoritative servers, whoever says that there is one: by "
	 "default this machine's links, and what is no address. Servers that this file names, and delegations below "
	 "stub zones, are asked wherever they are. Private networks (RFC 1918, RFC 4193, "
	 "RFC 6598) are not in the list, since companies delegate parts of their zones to servers there; whoever does "
	 "not should add 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 and fc00::/7, so that no zone of the "
	 "Internet can send questions into his own network. The addresses of server.listen are never asked."},
	{"resolver.harden-glue", CONFIG_BOOL, CONFIG_LIVE, FIELD(resolver.harden_glue), "true", RANGE(0, 1), NULL,
	 "Use an address that comes with a delegation only when its name is inside the zone that delegates. When "
	 "false, others are used too, in place of asking for them, which saves questions and believes more."},
	{"resolver.outgoing", CONFIG_HOSTS, CONFIG_RESTART, FIELD(resolver.outgoing), "[]", RANGE(0, OUTGOING_MAX),
	 NULL, "Source addresses for questions to authoritative servers. Empty leaves the choice to the kernel."},
	{"resolver.reroute", CONFIG_REROUTES, CONFIG_RESTART, FIELD(resolver.n_reroutes), "[]", RANGE(0, REROUTES_MAX),
	 NULL,
	 "Where authoritative servers really are, as texts of the form \"FROM -> TO@PORT\": what would go to the "
	 "address FROM goes to TO instead. For labs and address translation."},
	{"resolver.ipv4", CONFIG_BOOL, CONFIG_RESTART, FIELD(resolver.ipv4), "true", RANGE(0, 1), NULL,
	 "Ask authoritative servers over IPv4."},
	{"resolver.ipv6", CONFIG_BOOL, CONFIG_RESTART, FIELD(resolver.ipv6), "true", RANGE(0, 1), NULL,
	 "Ask authoritative servers over IPv6."},
	{"resolver.case-randomisation", CONFIG_BOOL, CONFIG_LIVE, FIELD(resolver.case_randomisation), "true",
	 RANGE(0, 1), NULL,
	 "Mix capital and small letters at random in questions to authoritative servers and expect them back. "
	 "This makes forged replies harder."},
	{"resolver.cookies", CONFIG_BOOL, CONFIG_LIVE, FIELD(resolver.cookies), "true", RANGE(0, 1), NULL,
	 "Send DNS cookies to authoritative servers and forwarders (RFC 7873). Replies with another cookie are "
	 "dropped, and a server that is known for its cookie and sends a reply without it is asked again over TCP."},
	{"resolver.qname-minimisation", CONFIG_CHOICE, CONFIG_LIVE, FIELD(resolver.qname_minimisation), "relaxed",
	 RANGE(0, 2), minimise_modes,
	 "Tell each authoritative server no more of the name than it needs (RFC 9156). With relaxed, a server that "
	 "denies a shortened name without a proof by DNSSEC, or does not answer for it, is asked for the whole one, "
	 "since some servers know no names without data of their own. With strict, what it says of the shortened name "
	 "counts."},
	{"resolver.validate", CONFIG_BOOL, CONFIG_RESTART, FIELD(resolver.validate), "true", RANGE(0, 1), NULL,
	 "Prove answers by their signatures (DNSSEC), up to the trust anchors or the proved local root. What is bogus "
	 "is answered with SERVFAIL and the reason as an extended error."},
	{"resolver.key-tag-signal", CONFIG_BOOL, CONFIG_LIVE, FIELD(resolver.key_tag_signal), "true", RANGE(0, 1), NULL,
	 "Tell the servers of zones with trust anchors once a day which of their keys are trusted, by a question for "
	 "_ta-4f66 or the like (RFC 8145 section 5). With a root copy nothing is asked of root servers, and they are "
	 "not told either."},
	{"resolver.sentinel", CONFIG_BOOL, CONFIG_LIVE, FIELD(resolver.sentinel), "true", RANGE(0, 1), NULL,
	 "Let clients find out which keys of the root are trusted: proved names that begin with "
	 "root-key-sentinel-is-ta- or "
	 "root-key-sentinel-not-ta- and a key tag get SERVFAIL when that is not so (RFC 8509)."},
	{"resolver.negative-anchors", CONFIG_UNTILS, CONFIG_LIVE, FIELD(resolver.n_negative_anchors), "[]",
	 RANGE(0, UNTILS_MAX), NULL,
	 "Names at and below which nothing is proved until a date, as texts of the form \"NAME until DATE\" with an "
	 "ISO 8601 date in UTC: for zones whose signatures are known to be broken (RFC 7646). After the date answers "
	 "are proved "
	 "again. What the cache has of such names is flushed when one begins or ends before its time. In an emergency "
	 "the command banyan anchors negative does the same without a change here."},
	{"resolver.refuse-sha1", CONFIG_CHOICE, CONFIG_LIVE, FIELD(resolver.refuse_sha1), "signatures", RANGE(0, 2),
	 refuse_sha1,
	 "What is made with SHA-1 and counts as if its algorithm were unknown, so that what only it would prove counts "
	 "as unsigned. With signatures: keys and signatures of the algorithms RSASHA1 and RSASHA1-NSEC3-SHA1, as RFC "
	 "9905 "
	 "wants it. With all: DS records with a digest of SHA-1, too. With off: nothing."},
	{"resolver.nsec3-iterations-max", CONFIG_UINT, CONFIG_LIVE, FIELD(resolver.nsec3_iterations_max), "50",
	 RANGE(0, 500), NULL,
	 "Iterations of NSEC3 hashing that are still computed. Denials with more prove nothing and count as unsigned "
	 "(RFC 9276 section 3.2)."},
	{"resolver.signatures-max", CONFIG_UINT, CONFIG_LIVE, FIELD(resolver.signatures_max), "64", RANGE(8, 10000),
	 NULL, "Signatures that may be checked for one question."},
	{"resolver.hashes-max", CONFIG_UINT, CONFIG_LIVE, FIELD(resolver.hashes_max), "2048", RANGE(100, 1000000), NULL,
	 "Blocks of NSEC3 hashing that may be computed for one question."},
	{"resolver.questions-max", CONFIG_UINT, CONFIG_RESTART, FIELD(resolver.questions_max), "4096",
	 RANGE(1, SOCKETS_MAX), NULL,
	 "Client questions in work at once, for each worker. Further ones are answered with SERVFAIL."},
	{"resolver.clients-per-question", CONFIG_UINT, CONFIG_LIVE, FIELD(resolver.clients_per_question), "1024",
	 RANGE(1, 65536), NULL, "Clients that may wait for the answer to the same question."},
	{"resolver.upstream-queries-max", CONFIG_UINT, CONFIG_LIVE, FIELD(resolver.upstream_queries_max), "100",
	 RANGE(1, 10000), NULL, "Messages to authoritative servers that one question may cause."},
	{"resolver.question-time", CONFIG_DURATION_MS, CONFIG_LIVE, FIELD(resolver.question_time_ms), "8s",
	 RANGE(100, 300 * SECOND), NULL,
	 "Time for one question, with all that it takes. After it the client gets SERVFAIL."},
	{"resolver.edns-size", CONFIG_UINT, CONFIG_LIVE, FIELD(resolver.edns_size), "1232", RANGE(512, 4096), NULL,
	 "Bytes of the largest UDP reply that authoritative servers are asked for."},
	{"resolver.fragments", CONFIG_BOOL, CONFIG_LIVE, FIELD(resolver.fragments), "false", RANGE(0, 1), NULL,
	 "Take UDP replies that came in fragments. When false, they are asked for again over TCP, since a fragment is "
	 "easier to forge than a reply (RFC 9715), and taken only from servers that do not speak TCP."},
	{"resolver.tcp-connections", CONFIG_UINT, CONFIG_RESTART, FIELD(resolver.tcp_connections), "256",
	 RANGE(1, SOCKETS_MAX), NULL,
	 "TCP connections to authoritative servers open at once, for each worker. Above it, the one that is unused "
	 "longest is closed for a new one; when all are in use, a question waits for one of them."},
	{"resolver.tcp-connections-per-server", CONFIG_UINT, CONFIG_RESTART, FIELD(resolver.tcp_connections_per_server),
	 "4", RANGE(1, 1000), NULL,
	 "The same to one server. One that has not answered over any of them gets two at most."},
	{"resolver.tcp-pipeline", CONFIG_UINT, CONFIG_RESTART, FIELD(resolver.tcp_pipeline), "32", RANGE(1, 4096), NULL,
	 "Questions in flight at once on one TCP connection to an authoritative server (RFC 7766 section 6.2.1.1)."},
	{"resolver.tcp-questions", CONFIG_UINT, CONFIG_RESTART, FIELD(resolver.tcp_questions), "1000",
	 RANGE(1, 1000000), NULL,
	 "Questions asked over one TCP connection to an authoritative server before a new one is made. 1 makes a "
	 "connection for each question."},
	{"resolver.tcp-idle", CONFIG_DURATION_MS, CONFIG_RESTART, FIELD(resolver.tcp_idle_ms), "10s",
	 RANGE(10, 3600 * SECOND), NULL,
	 "A TCP connection to an authoritative server that is not used for this long is closed."},
	{"resolver.tcp-message-time", CONFIG_DURATION_MS, CONFIG_RESTART, FIELD(resolver.tcp_message_ms), "3s",
	 RANGE(100, 60 * SECOND), NULL,
	 "A reply over TCP must be whole so long after its first byte. A server that sends more slowly is hung up on."},

	/* ---- local ---- */
	{"local.default-zones", CONFIG_BOOL, CONFIG_LIVE, FIELD(local.default_zones), "true", RANGE(0, 1), NULL,
	 "Answer here what the whole Internet should not be asked: reverse zones of private and special addresses (RFC "
	 "6303, 7793, 9665), localhost, invalid and test (RFC 6761), local (RFC 6762), onion (RFC 7686), home.arpa "
	 "(RFC 8375), resolver.arpa (RFC 9462), alt (RFC 9476). A forward or stub zone opens them at and below its "
	 "name by "
	 "itself."},
	{"local.open", CONFIG_NAMES, CONFIG_LIVE, FIELD(local.open), "[]", RANGE(0, LOCAL_MAX), NULL,
	 "Names at and below which these zones do not hold and questions are resolved: one of the zones, a name in "
	 "one, or a name above some (in-addr.arpa and ip6.arpa for all of RFC 6303)."},
	{"local.designated", CONFIG_TEXTS, CONFIG_LIVE, FIELD(local.designated), "[]", RANGE(0, NAME_RECORDS), NULL,
	 "Resolvers that clients may turn to instead of this one, over encrypted transports (RFC 9462): each the data "
	 "of an SVCB record, as \"1 dns.example.net. alpn=dot,h2 dohpath=/dns-query{?dns}\". They are given at "
	 "_dns.resolver.arpa, which has no "
	 "data without them."},
	{"local.ttl", CONFIG_DURATION_S, CONFIG_LIVE, FIELD(local.data.ttl), "300s", RANGE(0, 7 * DAY_S), NULL,
	 "TTL of what hosts files say and of records that do not name one."},
	{"local.hosts", CONFIG_PATHS, CONFIG_LIVE, FIELD(local.data.hosts), "[]", RANGE(0, FILES_MAX), NULL,
	 "Files of names in the form of /etc/hosts: an address, then its names. The first name of an address is the "
	 "one that the address leads back to. An address of zeros, as blocklists have it, leads back to none."},
	{"local.files", CONFIG_PATHS, CONFIG_LIVE, FIELD(local.data.files), "[]", RANGE(0, FILES_MAX), NULL,
	 "Files of records in master-file form, with names that are whole without a final dot, too."},
	{"local.records", CONFIG_TEXTS, CONFIG_LIVE, FIELD(local.data.records), "[]", RANGE(0, LOCAL_MAX), NULL,
	 "Records as texts of the form \"NAME [TTL] TYPE DATA\"."},
	{"local.zones", CONFIG_MAPS, CONFIG_LIVE, FIELD(local.data.n_zones), "[]", RANGE(0, LOCAL_MAX), NULL,
	 "What holds at and below a name where no record of these stands.",
	 .item_size = sizeof(struct config_local_zone),
	 .example = "- name: ads.example.org\n"
		    "  kind: nxdomain\n"},
	{"local.zones[].name", CONFIG_NAME, CONFIG_LIVE, LOCAL_ZONE_FIELD(name), NULL, RANGE(1, NAME_BYTES_MAX), NULL,
	 "Name of the zone; the deepest one above a name counts."},
	{"local.zones[].kind", CONFIG_CHOICE, CONFIG_LIVE, LOCAL_ZONE_FIELD(kind), "static", RANGE(0, 9), local_kinds,
	 "With static, what has no record does not exist. transparent: names with records have these only, others are "
	 "resolved. type-transparent: the same for types. redirect: every name has the records of the zone's own name. "
	 "refuse: REFUSED. drop: no reply. nxdomain, nodata: no name exists or has data, whatever records there are. "
	 "inform: as transparent, and each question is logged. off: all is resolved."},
	{"local.names", CONFIG_MAPS, CONFIG_LIVE, FIELD(local.data.n_names), "[]", RANGE(0, LOCAL_MAX), NULL,
	 "Names of hosts with their addresses.", .item_size = sizeof(struct config_local_name),
	 .example = "- name: router.home.arpa\n"
		    "  addresses: [192.0.2.1, \"2001:db8::1\"]\n"
		    "  records: [\"TXT hello\"]\n"},
	{"local.names[].name", CONFIG_NAME, CONFIG_LIVE, LOCAL_NAME_FIELD(name), NULL, RANGE(1, NAME_BYTES_MAX), NULL,
	 "Name of the host, in full."},
	{"local.names[].addresses", CONFIG_HOSTS, CONFIG_LIVE, LOCAL_NAME_FIELD(addresses), "[]",
	 RANGE(0, NAME_RECORDS), NULL, "Its IPv4 and IPv6 addresses."},
	{"local.names[].alias", CONFIG_NAME, CONFIG_LIVE, LOCAL_NAME_FIELD(alias), "\"\"", RANGE(0, NAME_BYTES_MAX),
	 NULL, "Another name that it stands for (CNAME). Then it has no addresses or records of its own."},
	{"local.names[].records", CONFIG_TEXTS, CONFIG_LIVE, LOCAL_NAME_FIELD(records), "[]", RANGE(0, NAME_RECORDS),
	 NULL, "Further records of it, as texts of the form \"TYPE DATA\"."},
	{"local.names[].ttl", CONFIG_DURATION_S, CONFIG_LIVE, LOCAL_NAME_FIELD(ttl), "300s", RANGE(0, 7 * DAY_S), NULL,
	 "TTL of all its records."},
	{"local.names[].reverse", CONFIG_BOOL, CONFIG_LIVE, LOCAL_NAME_FIELD(reverse), "true", RANGE(0, 1), NULL,
	 "Let its addresses lead back to the name (PTR)."},

	/* ---- views ---- */
	{"views", CONFIG_MAPS, CONFIG_LIVE, FIELD(n_views), "[]", RANGE(0, VIEWS_MAX), NULL,
	 "The list itself. Without it all clients are told the same.", .item_size = sizeof(struct config_view),
	 .example = "- name: guests\n"
		    "  clients: [192.0.2.0/24]\n"
		    "  access: allow\n"
		    "  zones:\n"
		    "  - name: corp.example.org\n"
		    "    kind: refuse\n"},
	{"views[].name", CONFIG_TEXT, CONFIG_LIVE, VIEW_FIELD(name), NULL, RANGE(1, TXT_BYTES_MAX), NULL,
	 "Name of the view, for rpz[].views and for what the daemon says."},
	{"views[].clients", CONFIG_PREFIXES, CONFIG_LIVE, VIEW_FIELD(clients), NULL, RANGE(1, PREFIXES_MAX), NULL,
	 "Networks of its clients."},
	{"views[].access", CONFIG_CHOICE, CONFIG_LIVE, VIEW_FIELD(access), "default", RANGE(0, 3), accesses,
	 "May they use the resolver? default: as resolver.allow, resolver.deny and resolver.drop say."},
	{"views[].minimal-responses", CONFIG_CHOICE, CONFIG_LIVE, VIEW_FIELD(minimal_responses), "default", RANGE(0, 2),
	 choices, "As server.minimal-responses and resolver.minimal-responses, for these clients."},
	{"views[].common", CONFIG_BOOL, CONFIG_LIVE, VIEW_FIELD(common), "true", RANGE(0, 1), NULL,
	 "Where the view's own zones and records say nothing of a name, does the section local hold? Without it only "
	 "its default zones do."},
	{"views[].ttl", CONFIG_DURATION_S, CONFIG_LIVE, VIEW_FIELD(local.ttl), "300s", RANGE(0, 7 * DAY_S), NULL,
	 "TTL of what stands in hosts files and of records without one."},
	{"views[].hosts", CONFIG_PATHS, CONFIG_LIVE, VIEW_FIELD(local.hosts), "[]", RANGE(0, FILES_MAX), NULL,
	 "Files in the form of /etc/hosts."},
	{"views[].files", CONFIG_PATHS, CONFIG_LIVE, VIEW_FIELD(local.files), "[]", RANGE(0, FILES_MAX), NULL,
	 "Files of records in master-file form."},
	{"views[].records", CONFIG_TEXTS, CONFIG_LIVE, VIEW_FIELD(local.records), "[]", RANGE(0, LOCAL_MAX), NULL,
	 "Records as texts of the form \"NAME [TTL] TYPE DATA\"."},
	{"views[].zones", CONFIG_MAPS, CONFIG_LIVE, VIEW_FIELD(local.n_zones), "[]", RANGE(0, LOCAL_MAX), NULL,
	 "Zones of this view, as in local.zones.", .item_size = sizeof(struct config_local_zone),
	 .example = "- name: ads.example.org\n"
		    "  kind: nxdomain\n"},
	{"views[].zones[].name", CONFIG_NAME, CONFIG_LIVE, LOCAL_ZONE_FIELD(name), NULL, RANGE(1, NAME_BYTES_MAX), NULL,
	 "Name of the zone; the deepest one above a name counts."},
	{"views[].zones[].kind", CONFIG_CHOICE, CONFIG_LIVE, LOCAL_ZONE_FIELD(kind), "static", RANGE(0, 9), local_kinds,
	 "What holds in it, as in local.zones."},
	{"views[].names", CONFIG_MAPS, CONFIG_LIVE, VIEW_FIELD(local.n_names), "[]", RANGE(0, LOCAL_MAX), NULL,
	 "Names of hosts, as in local.names.", .item_size = sizeof(struct config_local_name),
	 .example = "- name: router.home.arpa\n"
		    "  addresses: [192.0.2.1, \"2001:db8::1\"]\n"
		    "  records: [\"TXT hello\"]\n"},
	{"views[].names[].name", CONFIG_NAME, CONFIG_LIVE, LOCAL_NAME_FIELD(name), NULL, RANGE(1, NAME_BYTES_MAX), NULL,
	 "Name of the host, in full."},
	{"views[].names[].addresses", CONFIG_HOSTS, CONFIG_LIVE, LOCAL_NAME_FIELD(addresses), "[]",
	 RANGE(0, NAME_RECORDS), NULL, "Its IPv4 and IPv6 addresses."},
	{"views[].names[].alias", CONFIG_NAME, CONFIG_LIVE, LOCAL_NAME_FIELD(alias), "\"\"", RANGE(0, NAME_BYTES_MAX),
	 NULL, "Another name that it stands for (CNAME). Then it has no addresses or records of its own."},
	{"views[].names[].records", CONFIG_TEXTS, CONFIG_LIVE, LOCAL_NAME_FIELD(records), "[]", RANGE(0, NAME_RECORDS),
	 NULL, "Further records of it, as texts of the form \"TYPE DATA\"."},
	{"views[].names[].ttl", CONFIG_DURATION_S, CONFIG_LIVE, LOCAL_NAME_FIELD(ttl), "300s", RANGE(0, 7 * DAY_S),
	 NULL, "TTL of all its records."},
	{"views[].names[].reverse", CONFIG_BOOL, CONFIG_LIVE, LOCAL_NAME_FIELD(reverse), "true", RANGE(0, 1), NULL,
	 "Let its addresses lead back to the name (PTR)."},

/* ---- rpz ---- */
#include "schema_rpz.def"

	/* ---- keys ---- */
	{"keys", CONFIG_MAPS, CONFIG_LIVE, FIELD(n_keys), "[]", RANGE(0, KEYS_MAX), NULL,
	 "The list itself. Without it no messages are signed.", .item_size = sizeof(struct config_key),
	 .example = "- name: transfer.example.org\n"
		    "  algorithm: hmac-sha256\n"
		    "  file: /etc/banyan/transfer.key\n"},
	{"keys[].name", CONFIG_NAME, CONFIG_LIVE, KEY_FIELD(name), NULL, RANGE(1, NAME_BYTES_MAX), NULL,
	 "Name of the key, the same on both sides."},
	{"keys[].algorithm", CONFIG_CHOICE, CONFIG_LIVE, KEY_FIELD(algorithm), "hmac-sha256", RANGE(0, 5),
	 key_algorithms, "Its algorithm, the same on both sides. The last two are for servers that know no better."},
	{"keys[].secret", CONFIG_TEXT, CONFIG_LIVE, KEY_FIELD(secret), "\"\"", RANGE(0, 1024), NULL,
	 "The secret in base64. Better kept in a file that only the daemon can read."},
	{"keys[].file", CONFIG_PATH, CONFIG_LIVE, KEY_FIELD(file), "\"\"", RANGE(0, PATH_BYTES_MAX), NULL,
	 "File with the secret in base64, when keys[].secret is empty."},

	/* ---- forward ---- */
	{"forward", CONFIG_MAPS, CONFIG_RESTART, FIELD(n_forward), "[]", RANGE(0, FORWARDS_MAX), NULL,
	 "The list itself. Without it nothing is forwarded.", .item_size = sizeof(struct config_forward),
	 .example = "- zone: corp.example.org\n"
		    "  servers: [192.0.2.53, \"2001:db8::53@5353\"]\n"},
	{"forward[].zone", CONFIG_NAME, CONFIG_RESTART, FORWARD_FIELD(zone), NULL, RANGE(1, NAME_BYTES_MAX), NULL,
	 "Name of the zone; a dot alone is everything."},
	{"forward[].servers", CONFIG_ADDRS, CONFIG_RESTART, FORWARD_FIELD(servers), NULL, RANGE(1, SERVERS_MAX), NULL,
	 "Addresses of the resolvers that are asked. The port is 53 unless it is given behind an @."},
	{"forward[].tcp-only", CONFIG_BOOL, CONFIG_RESTART, FORWARD_FIELD(tcp_only), "false", RANGE(0, 1), NULL,
	 "Ask them over TCP only."},
	{"forward[].first", CONFIG_BOOL, CONFIG_RESTART, FORWARD_FIELD(first), "false", RANGE(0, 1), NULL,
	 "When none of them gives an answer, resolve the name as if this entry were not there."},
	{"forward[].validate", CONFIG_BOOL, CONFIG_RESTART, FORWARD_FIELD(validate), "true", RANGE(0, 1), NULL,
	 "Whether answers must prove themselves. Say false for a zone of your own that its public parent denies."},
	{"forward[].except", CONFIG_NAMES, CONFIG_RESTART, FORWARD_FIELD(except), "[]", RANGE(0, EXCEPTIONS_MAX), NULL,
	 "Names in the zone at and below which nothing is forwarded."},

	/* ---- stub ---- */
	{"stub", CONFIG_MAPS, CONFIG_RESTART, FIELD(n_stub), "[]", RANGE(0, FORWARDS_MAX), NULL,
	 "The list itself. Without it every walk begins at the root.", .item_size = sizeof(struct config_forward),
	 .example = "- zone: internal.example.org\n"
		    "  servers: [192.0.2.1]\n"
		    "  validate: false\n"},
	{"stub[].zone", CONFIG_NAME, CONFIG_RESTART, FORWARD_FIELD(zone), NULL, RANGE(1, NAME_BYTES_MAX), NULL,
	 "Name of the zone at which the walk begins."},
	{"stub[].servers", CONFIG_ADDRS, CONFIG_RESTART, FORWARD_FIELD(servers), NULL, RANGE(1, SERVERS_MAX), NULL,
	 "Addresses of its authoritative servers. The port is 53 unless it is given behind an @."},
	{"stub[].tcp-only", CONFIG_BOOL, CONFIG_RESTART, FORWARD_FIELD(tcp_only), "false", RANGE(0, 1), NULL,
	 "Ask these servers over TCP only."},
	{"stub[].first", CONFIG_BOOL, CONFIG_RESTART, FORWARD_FIELD(first), "false", RANGE(0, 1), NULL,
	 "When none of them gives an answer, resolve the name as if this entry were not there."},
	{"stub[].validate", CONFIG_BOOL, CONFIG_RESTART, FORWARD_FIELD(validate), "true", RANGE(0, 1), NULL,
	 "Whether answers must prove themselves. Say false for a zone of your own that its public parent denies."},
};
const size_t config_options_count = ARRAY_SIZE(config_options);

const struct config_table config_table = {config_options, ARRAY_SIZE(config_options), config_sections};
