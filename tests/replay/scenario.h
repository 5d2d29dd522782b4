// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A scenario while it is played: what its lines have made so far (README.md here describes the lines).
 *
 * text.c reads lines and values; zones.c keeps ROOT, ZONE, SIGN and FAULT and makes images of them with keys.c, chain.c and sign.c;
 * entry.c plays servers that say something else; client.c asks as a client and reads its reply; check.c compares;
 * settings.c is the table of SET; replay.c goes through the lines.
 */
#pragma once

#include <openssl/evp.h>

#include "../unit/resolve/world.h"
#include "../unit/test.h"
#include "../unit/zone/signer.h"
#include "answer/dns64.h"

#define WORDS_MAX     64
#define LINE_MAX_LEN  4096
#define ENTRIES_MAX   128
#define ITEMS_MAX     64
#define ZONES_MAX     96
#define ZONE_ADDR_MAX 32
#define KEYS_MAX      16
#define DS_MAX        16
#define FAULTS_MAX    128
#define MARKS_MAX     256
#define FORWARDS_MAX  16
#define NEGATIVE_MAX  8
#define KEPT_MAX      8

/* ---- zones ---- */
struct key {
	char kind; /* k = key-signing, z = zone-signing, r = revoked key-signing, n = no zone key, x = signs, is not published */
	unsigned number; /* of the keys of this zone and algorithm */
	uint8_t algorithm;
	bool signs; /* false: published alone */
	EVP_PKEY *pkey;
	uint8_t rdata[1100];
	uint16_t len, tag;
};

enum denial { DENIAL_NSEC, DENIAL_NSEC3, DENIAL_NONE };

struct ds_plan {
	uint8_t digest;    /* type */
	bool wrong;        /* another digest */
	bool zsk;          /* of the zone-signing key */
	uint8_t algorithm; /* instead of the key's; 0 = the key's */
	unsigned key;      /* number of the key; 0 = every key with kind k that signs */
	bool unknown_tag;  /* of a key that is not there */
};

struct fault {
	char kind[16], text[256];
	bool any_owner, any_type, hashed;
	uint8_t owner[WIRE_NAME_MAX];
	uint16_t type;
	unsigned long number;
};

struct zone_plan {
	uint8_t origin[WIRE_NAME_MAX];
	char name[WIRE_NAME_TEXT_MAX];
	char *text;
	bool auto_soa, auto_ns, delegated, undelegated;
	unsigned n_addrs;
	struct addr addr[ZONE_ADDR_MAX];
	/* SIGN */
	bool is_signed;
	enum denial denial;
	bool opt_out;
	uint16_t iterations;
	uint8_t salt[32], salt_len;
	int64_t inception, expiration; /* UNIX seconds */
	unsigned n_keys, n_ds, n_faults, collide, junk_sigs;
	struct key key[KEYS_MAX];
	struct ds_plan ds[DS_MAX];
	struct fault fault[FAULTS_MAX];
	/* made of it */
	struct test_zone records; /* before delegations of children */
	struct world_zone *made;
};

/* ---- servers ---- */
struct item {
	enum wire_section section;
	bool from_zone; /* the set of this owner and type in `origin`, with its signatures */
	bool renamed, covers;
	uint8_t owner[WIRE_NAME_MAX], origin[WIRE_NAME_MAX], as[WIRE_NAME_MAX];
	uint16_t type, len;
	uint32_t ttl;
	uint8_t data[2048];
};

struct entry {
	struct addr addr;
	bool any_name, any_type, any_addr, below, udp, tcp, noedns, do_only, silence, unreachable, zone, noopt,
		wrong_case, garbage;
	uint8_t qname[WIRE_NAME_MAX];
	uint16_t qtype, flags, without[8];
	uint8_t without_section[8];
	unsigned n_without;
	uint16_t ext_rcode;
	int64_t delay_ms;
	unsigned only, used, forge_n, after;
	char forge[16];
	uint8_t options[256];
	unsigned options_len;
	bool cookie, has_ttl;
	uint32_t ttl;
	uint8_t server_cookie[32];
	unsigned server_cookie_len;
	bool ecs; /* only for questions with this option: */
	uint8_t ecs_data[ANSWER_ECS_MAX];
	size_t ecs_len;
	size_t n_items;
	struct item *item;
};

/* A message that the engine sent. */
struct sent {
	struct addr to;
	bool tcp;
	uint16_t len;
	uint8_t msg[600];
};

struct mark {
	char text[256];
	uint64_t seen;
};

/* What a client got. */
struct got {
	unsigned times;
	bool at_once; /* answered without the engine */
	struct answer_pending pending;
	struct waiting waiting; /* DNS64 */
	uint16_t flags, rcode, udp_size;
	int ede;
	char says[256]; /* the words of the extended error */
	uint8_t ecs[64];
	size_t ecs_len;
	bool edns, do_bit;
	enum reason reason;
	size_t len;
	struct buffer text[4]; /* by section: a line a record */
};

/* The state of rolling anchors of a zone, as it is on disk. */
struct kept {
	uint8_t zone[WIRE_NAME_MAX];
	struct buffer text;
};

struct scenario {
	const char *path;
	FILE *file;
	unsigned line_number;
	char line[LINE_MAX_LEN], copy[LINE_MAX_LEN];
	char *word[WORDS_MAX];
	unsigned n_words;
	struct resolve_settings settings;
	struct resolve_forward forward[FORWARDS_MAX];
	uint8_t forward_zone[FORWARDS_MAX][WIRE_NAME_MAX];
	struct addr forward_addr[FORWARDS_MAX][ZONE_ADDR_MAX];
	struct addr hint[WORDS_MAX];
	struct addr_prefix never_ask[WORDS_MAX];
	int64_t start_ms; /* wall clock */
	struct dnssec_anchors anchors;
	bool own_anchors; /* ANCHOR lines: the root's keys are not added */
	bool roll;
	struct resolve_anchors *shared; /* NULL = no ROLL */
	unsigned n_kept;
	struct kept kept[KEPT_MAX];
	struct buffer told; /* to the operator, by lines */
	struct resolve_negatives negatives;
	struct resolve_negative_anchor negative[NEGATIVE_MAX];
	uint8_t negative_name[NEGATIVE_MAX][WIRE_NAME_MAX];
	struct world *world;
	bool started, dirty;
	const struct image *root;
	size_t n_zones;
	struct zone_plan zone[ZONES_MAX];
	size_t n_entries;
	struct entry *entry[ENTRIES_MAX];
	size_t n_sent, cap_sent;
	struct sent *sent;
	size_t n_marks;
	struct mark mark[MARKS_MAX];
	struct answer_view view;
	struct arena made; /* by DNS64 */
	size_t n_again;
	uint64_t again[WORLD_CLIENTS_MAX]; /* clients for whom something else is asked next */
	struct policy_plan *policy;
	struct got got[WORLD_CLIENTS_MAX];
};

#define bad(s, ...)                                                                                                    \
	do {                                                                                                           \
		print_error("%s:%u: ", (s)->path, (s)->line_number);                                                   \
		fail_msg(__VA_ARGS__);                                                                                 \
	} while (0)

/* text.c */
bool text_line(struct scenario *s);                    /* the next line that says something, into s->line */
void text_split(struct scenario *s, const char *line); /* into s->word */
char *text_block(struct scenario *s);                  /* up to END; malloced */
void text_name(struct scenario *s, const char *word, uint8_t out[WIRE_NAME_MAX]);
uint16_t text_type(struct scenario *s, const char *word);
unsigned long text_number(struct scenario *s, const char *word);
int64_t text_seconds(struct scenario *s, const char *word); /* "3600", "+90m", "-2d" */
size_t text_hex(struct scenario *s, const char *word, uint8_t *out, size_t max);
struct addr text_addr(struct scenario *s, const char *word);
/* A record of master-file text with absolute names; owner, type, ttl and data of `item`. */
unsigned text_record(struct scenario *s, const char *text, struct item *item, unsigned max);

/* zones.c */
void zones_read_zone(struct scenario *s, bool root);
void zones_read_sign(struct scenario *s);
void zones_read_fault(struct scenario *s);
void zones_read_anchor(struct scenario *s);
void zones_read_negative_anchor(struct scenario *s);
void zones_make(struct scenario *s); /* whatever changed */
void zones_free(struct scenario *s);
struct zone_plan *zones_find(struct scenario *s, const uint8_t *origin);
/* The deepest zone at or above `name`. */
struct zone_plan *zones_holding(struct scenario *s, const uint8_t *name);
struct world_server *zones_server(struct scenario *s, const struct addr *addr);

/* keys.c */
void keys_make(struct scenario *s, const struct zone_plan *zone, struct key *key);
void keys_free(void);
uint16_t keys_sign(const struct key *key, const uint8_t *data, size_t len, uint8_t *out);
/* A key of the same algorithm with the same tag that signs nothing. */
void keys_collide(const struct key *key, unsigned number, struct key *ret);

/* chain.c: NSEC or NSEC3 records for all names of the zone so far */
void chain_add(const struct zone_plan *plan, struct test_zone *records);
size_t chain_bitmap(const uint16_t *type, size_t n, uint8_t *out);
void chain_hash_owner(const struct zone_plan *plan, const uint8_t *name, uint8_t out[WIRE_NAME_MAX]);
/* sign.c: keys, denial and signatures; then the faults */
void sign_records(struct scenario *s, const struct zone_plan *plan, struct test_zone *records);
void sign_ds(struct scenario *s, const struct zone_plan *child, struct test_zone *parent);

/* entry.c */
void entry_read(struct scenario *s);
int entry_answer(void *ctx, const struct addr *to, bool tcp, const uint8_t *msg, size_t len, uint8_t *out,
		 int64_t *delay_ms);

/* client.c */
void client_init(struct scenario *s);
/* dns64.c: the line; what is known at once, or NULL; what goes out instead, or NULL when something else is asked first. */
void dns64_read(struct scenario *s);
const struct resolve_result *dns64_start(struct scenario *s, struct got *got);
const struct resolve_result *dns64_take(struct scenario *s, uint64_t client, const struct resolve_result *result);
void client_query(struct scenario *s);
uint64_t client_number(struct scenario *s);

/* stored.c */
void stored_flush(struct scenario *s);
void stored_reboot(struct scenario *s);

/* policy.c */
void policy_read(struct scenario *s);
void policy_read_rpz(struct scenario *s);
void policy_done(struct scenario *s);

/* check.c */
void check_answer(struct scenario *s);
void check_other(struct scenario *s);

/* rolling.c */
void rolling_read(struct scenario *s);
void rolling_begin(struct scenario *s);
void rolling_restart(struct scenario *s);
void rolling_check_key(struct scenario *s);
void rolling_check_told(struct scenario *s);
void rolling_free(struct scenario *s);

/* settings.c */
void settings_set(struct scenario *s);
/* FORWARD, STUB or WALK zone address... [tcp] [first] */
void settings_forward(struct scenario *s);
/* HINTS address..., NEVER-ASK prefix... */
void settings_hints(struct scenario *s);
void settings_never_ask(struct scenario *s);
void settings_ecs(struct scenario *s);
