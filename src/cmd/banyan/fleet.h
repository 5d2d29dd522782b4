// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * banyan status --fleet: a master, those that it tells of new versions, and those that they tell, asked all at once.
 *
 * What a node says is read in fleet_reply.c, proved in fleet_proof.c and judged in fleet_judge.c: no socket and no clock there.
 * fleet_ask.c asks one question, fleet_walk.c all nodes, fleet_master.c the master, fleet_print.c tells the outcome.
 */
#pragma once

#include <uv.h>

#include "dnssec/dnssec.h"
#include "net/net.h"
#include "zone/zone.h"

#define FLEET_NODES_MAX     100000 /* of one fleet: each costs a kilobyte and some eight messages */
#define FLEET_DEPTH_MAX     16     /* a register in a register in ...: the root's system has three storeys */
#define FLEET_PAGES_MAX     1000   /* messages of one register */
#define FLEET_VERSIONS_MAX  256    /* of the master: a daemon keeps 128 */
#define FLEET_DIGESTS_MAX   4      /* ZONEMD records of one version that are looked at: SHA-384, SHA-512, and room */
#define FLEET_DIGEST_MAX    70 /* bytes of one with SHA-512 (RFC 8976 section 2.2); longer ones are of no use here */
#define FLEET_SET_MAX       64 /* records of one set in a reply */
#define FLEET_SIGS_MAX      16 /* signatures over it (KeyTrap, CVE-2023-50387) */
#define FLEET_TEXT_MAX      64 /* bytes of an identity or a version that are shown */
#define FLEET_WHY_MAX       200
#define FLEET_PEERS_MAX     64 /* peers in one message of a register: each takes 30 to 60 bytes */
#define FLEET_SIGNATURES    64 /* public-key operations for one reply */
#define FLEET_QUESTION_SIZE 512
#define FLEET_DATAGRAM_MAX  4096 /* bytes of a reply by UDP: three times what is asked for */
#define FLEET_NAMES_MAX     64   /* names whose data are looked at: what a daemon gives at most */
#define FLEET_SAMPLES_MAX                                                                                              \
	(2 * FLEET_NAMES_MAX + 3) /* answers: two of a delegation, of the apex, of a name that is not there */
#define FLEET_LOOKED 256          /* replies about them that are remembered: those of one make are the same */

/* ---- one question, one reply (fleet_reply.c) ---- */
enum fleet_ask {
	FLEET_SOA,    /* with NSID */
	FLEET_ZONEMD, /* and DNSKEY: with their signatures */
	FLEET_DNSKEY,
	FLEET_EDITION,  /* TXT: the dates of its version */
	FLEET_DATA,     /* a name of the zone */
	FLEET_ID,       /* id.server, of class CHAOS (RFC 4892) */
	FLEET_HOSTNAME, /* hostname.bind: its name of before */
	FLEET_VERSION,  /* version.bind */
	FLEET_REGISTER, /* whom it tells of new versions (docs/fleet.md) */
	FLEET_ASKS,
};
struct fleet_question {
	enum fleet_ask ask;
	uint16_t id, page; /* page: of a register */
	const uint8_t *apex;
	const uint8_t *name; /* FLEET_DATA */
	uint16_t type;
};
struct fleet_peer {
	struct addr addr;
	bool registered;
};
/* Points into itself and into the message. */
struct fleet_reply {
	uint16_t rcode;
	bool truncated, authoritative, has_text;
	char nsid[FLEET_TEXT_MAX], text[FLEET_TEXT_MAX]; /* printable; "" = none */
	struct wire_rrset set;                           /* of what was asked for; count 0 = there is none */
	size_t n_sigs;
	struct wire_rdata rdata[FLEET_SET_MAX], sig[FLEET_SIGS_MAX];
	/* of a register */
	uint32_t pages, total;
	size_t n_peers;
	struct fleet_peer peer[FLEET_PEERS_MAX];
	const uint8_t *msg; /* the message itself */
	size_t len;
	size_t used;
	uint8_t bytes[WIRE_MESSAGE_MAX];
};
int fleet_question_write(const struct fleet_question *question, uint8_t out[FLEET_QUESTION_SIZE]) _must_use_;
/* BANYAN_ENOENT: it is not the reply to this question (a forgery, a late one); BANYAN_EMALF: it makes no sense. */
int fleet_reply_read(const struct fleet_question *question, const uint8_t *msg, size_t len, struct fleet_reply *ret)
	_must_use_;

/* ---- what a zone's keys say of a set (fleet_proof.c) ---- */
enum fleet_proof {
	FLEET_NOT_ASKED,
	FLEET_GOOD,
	FLEET_OLD,         /* the signature holds, its dates are over (or are to come) */
	FLEET_UNCHECKED,   /* an algorithm that is not supported here */
	FLEET_BAD,         /* a key of the master's, and the signature does not hold */
	FLEET_UNKNOWN_KEY, /* the master has no such key */
	FLEET_UNSIGNED,
};
enum fleet_proof fleet_prove(const struct dnssec_keyset *keys, const struct wire_rrset *set,
			     const struct wire_rdata *sigs, size_t n_sigs, int64_t now);
/* The same, remembering what it has proved of late: in a fleet most show the same. `key`: 16 secret bytes. */
#define FLEET_PROOFS 64 /* versions and their two sets that are about at one time */
struct fleet_proofs {
	struct {
		uint64_t mark; /* of the records and signatures; 0 = free */
		enum fleet_proof proof;
	} slot[FLEET_PROOFS];
};
enum fleet_proof fleet_prove_again(struct fleet_proofs *proofs, const uint8_t key[16], const struct dnssec_keyset *keys,
				   const struct fleet_reply *reply, int64_t now);
const char *fleet_proof_text(enum fleet_proof proof); /* as JSON has it */

/* ---- the master (fleet_master.c) ---- */
struct fleet_digests {
	size_t n;
	uint8_t len[FLEET_DIGESTS_MAX];
	uint8_t data[FLEET_DIGESTS_MAX][FLEET_DIGEST_MAX]; /* ZONEMD RDATAs: the serial comes first */
};
struct fleet_version {
	uint32_t serial;
	int64_t at_ms;                   /* UNIX milliseconds: offered since then; 0 = not known */
	int64_t valid_from, valid_until; /* UNIX time: what it says of itself (zone_edition()); 0 = nothing */
	struct fleet_digests digests;
};
/* An answer of the master's, to hold others' against. */
struct fleet_sample {
	uint8_t name[WIRE_NAME_MAX];
	uint16_t type;
	bool instead; /* DS of the one before: asked of who serves the zone below, too, and so has an answer of its own for that */
	size_t len;
	uint8_t *msg;
};
struct fleet_master {
	char name[ADDR_TEXT_MAX + 128]; /* its socket, or its address */
	char identity[FLEET_TEXT_MAX], version_text[FLEET_TEXT_MAX];
	bool has_history; /* it has told which versions it has offered, and when */
	bool tells;       /* it tells somebody of new versions */
	int64_t now_ms;   /* its clock at the end */
	size_t n;
	struct fleet_version version[FLEET_VERSIONS_MAX]; /* the oldest first; the last one is in use */
	bool is_signed, is_dated;                         /* is_dated: a version has dates */
	struct dnssec_keyset *keys;                       /* NULL: the zone is not signed */
	size_t n_samples;
	struct fleet_sample sample[FLEET_SAMPLES_MAX];
	struct fleet_version sampled; /* of which they are */
	size_t n_peers, cap_peers;
	struct fleet_peer *peer;
	uint8_t dnskey[WIRE_MESSAGE_MAX]; /* RDATAs: two bytes of length before each */
	size_t dnskey_len;
};
/* Takes what the command fleet of a daemon says (src/cmd/banyand/fleet.c). BANYAN_EMALF: it is something else. */
int fleet_master_read(struct fleet_master *master, const char *text) _must_use_;
int fleet_master_add_key(struct fleet_master *master, const uint8_t *rdata, size_t len) _must_use_;
/* The keyset of what was added. With anchors and signatures (both may be NULL and 0) it must be proved by them. */
int fleet_master_keys(struct fleet_master *master, const uint8_t *apex, const struct dnssec_anchors *anchors,
		      const struct wire_rdata *sigs, size_t n_sigs, uint32_t ttl, int64_t now, char why[FLEET_WHY_MAX])
	_must_use_;
/* A version is offered: added unless it is the last one already. */
void fleet_master_offer(struct fleet_master *master, const struct fleet_version *version);
/* An answer to hold others' against; a very long one is passed over. */
int fleet_sample_take(struct fleet_master *master, const uint8_t *msg, size_t len) _must_use_;
void fleet_samples_drop(struct fleet_master *master);
void fleet_master_done(struct fleet_master *master);
/* What of a ZONEMD set can be compared: SIMPLE with SHA-384 and SHA-512, in order. */
void fleet_digests_of(const struct wire_rrset *set, struct fleet_digests *ret);
bool fleet_digests_equal(const struct fleet_digests *a, const struct fleet_digests *b);
/* When it had to be in use: offered, and within its dates. 0 = always */
int64_t fleet_version_since(const struct fleet_version *version);
/* The newest version that had to be in use at a time; NULL: of those that are known not one. */
const struct fleet_version *fleet_version_at(const struct fleet_master *master, int64_t at_ms);

/* ---- a node ---- */
enum fleet_state { FLEET_CURRENT, FLEET_BEHIND, FLEET_AHEAD, FLEET_LIES, FLEET_FAILS, FLEET_SILENT, FLEET_STATES };
enum fleet_register { FLEET_REGISTER_UNKNOWN, FLEET_REGISTER_HIDDEN, FLEET_REGISTER_SHOWN };
#define FLEET_NOBODY UINT32_MAX
/* What of its data was looked at. The worse comes later. */
enum fleet_data {
	FLEET_DATA_NOT_ASKED,
	FLEET_DATA_CHILD,    /* it serves the zone below, too */
	FLEET_DATA_SAME,     /* as the master's of the same version */
	FLEET_DATA_PROVED,   /* of another version: signed by the zone's keys */
	FLEET_DATA_REFUSED,  /* no reply, or none that says anything */
	FLEET_DATA_DIFFERS,  /* ... from the master's of the same version */
	FLEET_DATA_UNPROVED, /* of another version: the zone's keys have not signed it */
};

struct fleet_node {
	struct addr addr;
	uint32_t
		via; /* in whose register it was found first: a node, or FLEET_NOBODY = the master's or the command line */
	uint32_t told_by; /* in how many registers it stands */
	uint8_t depth;
	bool given, registered;
	/* what it said */
	bool heard, over_tcp, has_serial, authoritative, asked_digest, has_digest_reply, is_malformed;
	uint16_t rcode, digest_rcode;
	uint32_t serial;
	int64_t asked_ms; /* UNIX milliseconds: when its serial was asked for */
	int64_t rtt_us;   /* the shortest; 0 = none */
	enum fleet_proof soa_proof, digest_proof;
	struct fleet_digests digests;
	int64_t valid_from, valid_until; /* as its version says of itself, proved if it can be; 0 = it does not */
	enum fleet_data data;
	uint8_t data_at; /* the sample that tells of it */
	char nsid[FLEET_TEXT_MAX], id[FLEET_TEXT_MAX], version[FLEET_TEXT_MAX];
	enum fleet_register shows;
	uint32_t peers; /* in its register, as it says */
	/* what becomes of that: fleet_judge() */
	enum fleet_state state;
	const char *reason; /* a word that stays the same; NULL = there is nothing to say */
	bool is_checked;    /* its digest is the master's of that serial */
	bool has_lag, lag_at_least, in_grace;
	int64_t lag_ms;
	uint32_t behind; /* versions; with lag_at_least: at least */
};
void fleet_judge(const struct fleet_master *master, struct fleet_node *node, int64_t grace_ms);
/* May a stranger's register make this program send messages there? To this machine only from this machine; never to many at once. */
bool fleet_may_ask(const struct addr *addr, const struct addr *teller);
const char *fleet_state_text(enum fleet_state state);
char *fleet_reason_words(const struct fleet_master *master, const struct fleet_node *node, char out[FLEET_WHY_MAX]);

/* ---- what a node says of names in the zone (fleet_data.c) ---- */
struct fleet;
struct fleet_looked {
	uint64_t mark; /* of the reply and what it is held against; 0 = free */
	enum fleet_data data;
};
enum fleet_data fleet_data_look(struct fleet *fleet, size_t sample, bool same_version, const struct fleet_reply *reply,
				int64_t now);
const char *fleet_data_text(enum fleet_data data); /* as JSON has it */

/* ---- one question by UDP, then TCP (fleet_ask.c) ---- */
struct fleet_asking;
struct fleet_ask_settings {
	struct addr to;
	struct fleet_question question; /* its id is made up */
	uint32_t udp_ms, tcp_ms;        /* how long each may take; udp_ms 0 = TCP at once */
	const struct wire_tsig_key *key;
	struct random *random;
	/* once: the reply, or NULL with BANYAN_ETIMEOUT, BANYAN_EIO or BANYAN_EMALF. rtt_us: of the datagram or within the connection */
	void (*done)(void *ctx, int error, const struct fleet_reply *reply, int64_t rtt_us, bool over_tcp);
	void *ctx;
};
/* `done` is never called from within. */
int fleet_ask_start(uv_loop_t *loop, const struct fleet_ask_settings *settings) _must_use_;

/* ---- the whole (fleet_walk.c) ---- */
struct fleet {
	uint8_t apex[WIRE_NAME_MAX];
	const char *socket;    /* of the master; NULL = it is asked by DNS */
	struct addr master_at; /* family 0 = it is not asked by DNS */
	struct dnssec_anchors anchors;
	const struct wire_tsig_key *key;
	bool json, trouble_only, no_register;
	uint32_t time_ms, depth_max, at_once, names; /* names: whose data are looked at */
	int64_t grace_ms;
	struct fleet_master master;
	struct random random;
	uv_loop_t loop;
	size_t n, cap;
	struct fleet_node *node;
	struct fleet_place *place; /* where each address stands in `node`: a table of `slots` */
	size_t slots;
	uint8_t hash_key[16];
	struct fleet_proofs proofs;
	struct fleet_looked looked[FLEET_LOOKED];
	bool too_many;
	size_t next, busy; /* nodes that were begun; questions on their way */
	size_t questions;  /* that were asked */
	int64_t took_ms;
};
struct fleet_place {
	uint32_t at; /* + 1; 0 = free */
};
/* Adds a node that is not there yet; false: there are too many. */
bool fleet_add(struct fleet *fleet, const struct fleet_peer *peer, uint32_t via, bool given);
int fleet_walk(struct fleet *fleet) _must_use_;
void fleet_done(struct fleet *fleet);
/* A question to the master by DNS, and what take() makes of the reply; an error where there is none. */
int fleet_master_reply(struct fleet *fleet, const struct fleet_question *question,
		       int (*take)(void *ctx, const struct fleet_reply *reply), void *ctx) _must_use_;
/* fleet_draw.c: answers of a master that is asked by DNS, to look at others' by. A name that it has no reply for is left out. */
int fleet_draw(struct fleet *fleet) _must_use_;
/* Asks the master, and asks it again when all others have been asked: `again`. The reason is told. */
int fleet_master_ask(struct fleet *fleet, bool again) _must_use_;
int fleet_print(const struct fleet *fleet); /* the exit status */

/* Exit statuses, as monitoring knows them. */
enum fleet_exit { FLEET_EXIT_CURRENT = 0, FLEET_EXIT_BEHIND = 1, FLEET_EXIT_TROUBLE = 2, FLEET_EXIT_UNKNOWN = 3 };
int fleet_command(int argc, char **argv);
