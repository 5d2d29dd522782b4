// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Validation against an attacker who sits on the path: a small signed world answers honestly, and the input says what becomes of each
 * reply on its way: records dropped, doubled, moved, renamed, changed, or taken from the reply to another question. Whatever
 * he does, a client that did not set CD gets the truth, with AD, or SERVFAIL.
 */
#include "../unit/zone/signer.h"
#include "image/image.h"
#include "resolve/resolve.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define RECORDS_MAX 96
#define OPEN_MAX    64
#define SETS_MAX    32
#define STEPS_MAX   120
#define NOW_MS      ((int64_t)SIGNER_NOW * 1000)

#define require(what)                                                                                                  \
	do {                                                                                                           \
		if (!(what))                                                                                           \
			abort();                                                                                       \
	} while (0)

/* ---- the world ---- */

static struct site {
	const char *origin, *parent;
	bool nsec3;
	const char *text;
	uint8_t apex[WIRE_NAME_MAX];
	struct zone *zone;
	struct image *image;
	char ds[160];
} sites[] = {
	/* children first: their DS go into the parents */
	{.origin = "example.com.",
	 .parent = "com.",
	 .text = "@ 3600 SOA ns h 1 7200 3600 1209600 300\n@ NS ns\nns A 10.0.0.3\nwww A 192.0.2.1\nwww A 192.0.2.2\n"
		 "*.wild TXT \"w\"\nalias CNAME www\naway CNAME host.net.\nold DNAME net.\na.b.ent A 192.0.2.3\n"
		 "sub DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\nsub NS ns.sub\n"
		 "ns.sub A 10.0.0.9\n"},
	{.origin = "com.",
	 .parent = ".",
	 .nsec3 = true,
	 .text = "@ 3600 SOA ns h 1 7200 3600 1209600 300\n@ NS ns\nns A 10.0.0.1\nexample NS ns.example\n"
		 "ns.example A 10.0.0.3\nother TXT \"x\"\n"},
	{.origin = "net.",
	 .parent = ".",
	 .text = "@ 3600 SOA ns h 1 7200 3600 1209600 300\n@ NS ns\nns A 10.0.0.2\nhost A 192.0.2.9\nhost AAAA "
		 "2001:db8::9\n"
		 "x.y TXT \"deep\"\n"},
	{.origin = ".",
	 .parent = NULL,
	 .text = "@ 86400 SOA ns h 1 7200 3600 1209600 86400\n@ NS a.root.\na.root A 10.9.9.9\ncom NS ns.com.\n"
		 "ns.com A 10.0.0.1\nnet NS ns.net.\nns.net A 10.0.0.2\n"},
};

static const char *const names[] = {"www.example.com.",
				    "alias.example.com.",
				    "away.example.com.",
				    "x.wild.example.com.",
				    "host.old.example.com.",
				    "none.example.com.",
				    "b.ent.example.com.",
				    "example.com.",
				    "host.net.",
				    "none.net.",
				    "y.net.",
				    "com.",
				    "other.com.",
				    "none.com.",
				    "a.none.com.",
				    "net.",
				    "nowhere.",
				    "wild.example.com.",
				    "*.wild.example.com.",
				    "a.b.ent.example.com.",
				    "sub.example.com.",
				    "ns.com."};
static const uint16_t types[] = {WIRE_TYPE_A,      WIRE_TYPE_AAAA,  WIRE_TYPE_TXT,   WIRE_TYPE_DS,
				 WIRE_TYPE_DNSKEY, WIRE_TYPE_NS,    WIRE_TYPE_SOA,   WIRE_TYPE_CNAME,
				 WIRE_TYPE_NSEC,   WIRE_TYPE_RRSIG, WIRE_TYPE_DNAME, WIRE_TYPE_NSEC3};
#define N_QTYPES 8 /* of them, what clients ask for */

static uint8_t wire_names[ARRAY_SIZE(names)][WIRE_NAME_MAX];
static struct image *root;

struct seen_set {
	uint8_t owner[WIRE_NAME_MAX];
	uint16_t type;
	uint64_t hash; /* over its data, in any order */
};
/* What a client got. */
struct seen {
	bool done, authentic, stale;
	uint16_t rcode;
	unsigned n;
	struct seen_set set[SETS_MAX];
};
static struct seen truth[ARRAY_SIZE(names)][N_QTYPES];

struct open {
	uint64_t exchange;
	struct addr to;
	bool tcp;
	size_t len;
	uint8_t msg[512];
};

struct play {
	const uint8_t *data;
	size_t left;
	bool honest;
	struct resolve *engine;
	struct counters counters;
	int64_t now_ms, wake_at_ms;
	size_t n_open;
	struct open open[OPEN_MAX];
	struct seen seen;
};

static uint8_t next(struct play *play)
{
	if (play->left == 0)
		return 0;
	play->left--;
	return *play->data++;
}

/* ---- making it ---- */

static void signer_make_key(struct signer *signer, uint8_t which)
{
	uint8_t seed[32] = "banyan: one of the keys to fuzz";
	size_t len = 32;
	signer_init(signer, DNSSEC_ED25519);
	seed[31] = which;
	EVP_PKEY_free(signer->pkey);
	signer->pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
	require(EVP_PKEY_get_raw_public_key(signer->pkey, signer->dnskey + 4, &len) == 1);
}

static void site_ds(struct site *site, const struct signer *signer)
{
	uint8_t data[WIRE_NAME_MAX + 600], digest[32];
	size_t len = wire_name_lower(site->apex, data);
	int at = snprintf(site->ds, sizeof site->ds, "%s DS %u 15 2 ", site->origin,
			  dnssec_key_tag(signer->dnskey, signer->dnskey_len));
	memcpy(data + len, signer->dnskey, signer->dnskey_len);
	require(EVP_Digest(data, len + signer->dnskey_len, digest, NULL, EVP_sha256(), NULL) == 1);
	for (unsigned i = 0; i < sizeof digest; i++)
		at += snprintf(site->ds + at, sizeof site->ds - (size_t)at, "%02x", digest[i]);
}

static void site_make(size_t index)
{
	struct site *site = &sites[index];
	struct signer signer;
	struct test_zone records;
	char text[4096];
	int at = snprintf(text, sizeof text, "%s", site->text);
	for (size_t i = 0; i < index; i++)
		if (strcmp(sites[i].parent, site->origin) == 0)
			at += snprintf(text + at, sizeof text - (size_t)at, "%s\n", sites[i].ds);
	require(wire_name_parse(site->origin, site->apex) > 0);
	signer_make_key(&signer, (uint8_t)index);
	signer.nsec3 = site->nsec3;
	signer_make(&signer, site->origin, text, &records);
	site_ds(site, &signer);
	site->zone = test_zone_build(&records);
	require(image_compile(site->zone, &site->image) == 0);
	test_zone_free(&records);
	signer_done(&signer);
}

/* ---- honest replies ---- */

static const struct image *image_at_addr(const struct addr *addr)
{
	switch (addr->ip[3]) {
	case 1:
		return sites[1].image;
	case 2:
		return sites[2].image;
	case 3:
		return sites[0].image;
	default:
		return NULL;
	}
}

static size_t honest_reply(const struct image *image, const uint8_t *msg, size_t len, uint8_t *out)
{
	struct wire_question question;
	struct image_reply reply;
	require(wire_question_parse(msg, len, &question) == WIRE_ANSWERABLE);
	struct image_query query = {.question = &question, .dnssec = true, .max = WIRE_MESSAGE_MAX};
	if (!wire_name_under(question.lower, image_apex(image)))
		return 0;
	int n = image_answer(image, &query, out, &reply);
	require(n > 0);
	return (size_t)n;
}

struct record {
	struct wire_record is;
	uint8_t data[2048];
	uint16_t len;
};

static unsigned records_read(const uint8_t *msg, size_t len, struct record *out)
{
	struct wire_reader reader;
	unsigned n = 0;
	if (len == 0 || wire_reader_init(&reader, msg, len) < 0)
		return 0;
	while (n < RECORDS_MAX && wire_reader_next(&reader, &out[n].is) > 0) {
		int got = wire_record_rdata(&reader, &out[n].is, out[n].data, sizeof out[n].data);
		if (got < 0)
			continue;
		out[n++].len = (uint16_t)got;
	}
	return n;
}

/* Some server's reply to some question. */
static unsigned records_of_another(struct play *play, struct record *out)
{
	static uint8_t msg[WIRE_MESSAGE_MAX];
	uint8_t asked[512];
	struct wire_writer writer;
	const struct image *image = sites[next(play) % ARRAY_SIZE(sites)].image;
	const uint8_t *name = wire_names[next(play) % ARRAY_SIZE(names)];
	require(wire_writer_init(&writer, asked, sizeof asked, 1, 0) == 0);
	require(wire_writer_question(&writer, name, types[next(play) % N_QTYPES], WIRE_CLASS_IN) == 0);
	size_t len = honest_reply(image, asked, wire_writer_finish(&writer), msg);
	return records_read(msg, len, out);
}

/* ---- the attacker ---- */

static void meddle(struct play *play, struct record *record, unsigned *n)
{
	static struct record other[RECORDS_MAX];
	uint8_t act = next(play);
	unsigned at = *n > 0 ? next(play) % *n : 0;
	struct record *r = &record[at];
	if (*n == 0 && act % 8 != 6)
		return;
	switch (act % 8) {
	case 0: /* lost */
		*r = record[--*n];
		break;
	case 1: /* a bit of data */
		if (r->len > 0)
			r->data[next(play) % r->len] ^= (uint8_t)(1u << (act >> 5));
		break;
	case 2: /* another name */
		memcpy(r->is.owner, wire_names[next(play) % ARRAY_SIZE(names)], WIRE_NAME_MAX);
		break;
	case 3: /* another section */
		r->is.section = WIRE_ANSWER + (act >> 3) % 3;
		break;
	case 4:
		r->is.ttl = (uint32_t)next(play) << (act >> 3);
		break;
	case 5: /* all signatures, or all of a type, are lost */
	{
		uint16_t type = act & 8 ? WIRE_TYPE_RRSIG : r->is.type;
		unsigned kept = 0;
		for (unsigned i = 0; i < *n; i++)
			if (record[i].is.type != type)
				record[kept++] = record[i];
		*n = kept;
		break;
	}
	case 6: /* from elsewhere */
	{
		unsigned others = records_of_another(play, other), first = next(play), many = next(play);
		for (unsigned i = 0; i < others && *n < RECORDS_MAX && i <= many; i++)
			record[(*n)++] = other[(first + i) % others];
		break;
	}
	default: /* another type */
		r->is.type = types[next(play) % ARRAY_SIZE(types)];
		break;
	}
}

static size_t write_reply(struct play *play, const struct open *open, const struct record *record, unsigned n,
			  uint16_t flags, uint8_t *out)
{
	struct wire_writer writer;
	const uint8_t *qname = open->msg + WIRE_HEADER_SIZE, *end = qname + wire_name_len(qname);
	require(wire_writer_init(&writer, out, WIRE_MESSAGE_MAX, wire_get16(open->msg), flags) == 0);
	require(wire_writer_question(&writer, qname, wire_get16(end), WIRE_CLASS_IN) == 0);
	for (unsigned section = WIRE_ANSWER; section <= WIRE_ADDITIONAL; section++) {
		for (unsigned i = 0; i < n; i++) {
			struct wire_rdata rdata = {record[i].data, record[i].len};
			if (record[i].is.section == section &&
			    wire_rdata_check(rdata.data, rdata.len, record[i].is.type) == 0)
				(void)!wire_writer_record(&writer, section, record[i].is.owner, record[i].is.type,
							  WIRE_CLASS_IN, record[i].is.ttl, &rdata);
		}
	}
	return wire_writer_finish(&writer);
}

static void play_step(struct play *play, struct resolve_event *event);

static void do_reply(struct play *play, size_t index)
{
	static uint8_t msg[WIRE_MESSAGE_MAX];
	static struct record record[RECORDS_MAX];
	struct open open = play->open[index];
	const struct image *image = image_at_addr(&open.to);
	struct resolve_event event = {.kind = RESOLVE_REPLY};
	size_t len = image == NULL ? 0 : honest_reply(image, open.msg, open.len, msg);
	uint16_t flags = len > 0 ? wire_get16(msg + 2) : WIRE_QR | WIRE_RCODE_REFUSED;
	unsigned n = records_read(msg, len, record);
	if (!play->honest) {
		for (unsigned times = next(play) % 6; times > 0; times--)
			meddle(play, record, &n);
		uint8_t how = next(play);
		if ((how & 7) == 7)
			flags = (uint16_t)((flags & ~(WIRE_RCODE_MASK)) | (how & 8 ? WIRE_RCODE_NXDOMAIN : 0));
		if ((how & 0x70) == 0x70)
			flags ^= how & 0x80 ? WIRE_AA : WIRE_AD;
	}
	len = write_reply(play, &open, record, n, flags, msg);
	event.reply.exchange = open.exchange;
	event.reply.msg = msg;
	event.reply.len = len;
	event.reply.tcp = open.tcp;
	play_step(play, &event);
}

/* ---- what comes out ---- */

/* Signatures do not cover the case of names in the data of these types (RFC 4034 section 6.2). */
static bool case_is_free(uint16_t type)
{
	return type == WIRE_TYPE_NS || type == WIRE_TYPE_CNAME || type == WIRE_TYPE_DNAME || type == WIRE_TYPE_SOA;
}

static uint64_t data_hash(const struct wire_rrset *set)
{
	static const uint8_t key[16] = "order is free";
	static uint8_t data[UINT16_MAX];
	uint64_t sum = set->count;
	for (uint32_t i = 0; i < set->count; i++) {
		uint16_t len = set->rdata[i].len;
		for (uint16_t k = 0; k < len; k++) {
			uint8_t byte = set->rdata[i].data[k];
			data[k] = case_is_free(set->type) && byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
		}
		sum += hash_sip(data, len, key);
	}
	return sum;
}

static void take_answer(struct play *play, const struct resolve_result *result)
{
	struct seen *seen = &play->seen;
	*seen = (struct seen){.done = true, .authentic = result->authentic, .rcode = result->rcode};
	seen->stale = result->reason == REASON_STALE || result->reason == REASON_STALE_NXDOMAIN;
	for (size_t i = 0; i < result->n_answer && seen->n < SETS_MAX; i++) {
		const struct wire_rrset *set = &result->answer[i];
		if (set->type == WIRE_TYPE_RRSIG)
			continue;
		struct seen_set *to = &seen->set[seen->n++];
		wire_name_lower(set->owner, to->owner);
		to->type = set->type;
		to->hash = data_hash(set);
	}
}

static void play_step(struct play *play, struct resolve_event *event)
{
	event->now_ms = play->now_ms;
	event->wall_ms = NOW_MS + play->now_ms;
	event->root = root;
	const struct resolve_actions *actions = resolve_step(play->engine, event);
	play->wake_at_ms = actions->wake_at_ms;
	for (size_t i = 0; i < actions->count; i++) {
		const struct resolve_action *action = &actions->item[i];
		if (action->kind == RESOLVE_ANSWER) {
			take_answer(play, action->answer.result);
		} else if (action->kind == RESOLVE_SEND) {
			require(play->n_open < OPEN_MAX && action->send.len <= sizeof play->open[0].msg);
			struct open *open = &play->open[play->n_open++];
			*open = (struct open){
				action->send.exchange, action->send.to, action->send.tcp, action->send.len, {0}};
			memcpy(open->msg, action->send.msg, action->send.len);
		} else {
			for (size_t k = 0; k < play->n_open; k++)
				if (play->open[k].exchange == action->close.exchange)
					play->open[k--] = play->open[--play->n_open];
		}
	}
}

static void do_wake(struct play *play)
{
	struct resolve_event event = {.kind = RESOLVE_WAKE};
	if (play->wake_at_ms == INT64_MAX)
		return;
	if (play->wake_at_ms > play->now_ms)
		play->now_ms = play->wake_at_ms;
	play_step(play, &event);
}

static void do_question(struct play *play, size_t name, size_t type)
{
	struct resolve_event event = {.kind = RESOLVE_QUESTION};
	event.question.client = 1;
	event.question.qname = wire_names[name];
	event.question.qtype = types[type];
	event.question.dnssec = true;
	play->seen.done = false;
	play_step(play, &event);
	for (unsigned i = 0; !play->seen.done; i++) {
		require(i < 100000);
		if (play->n_open > 0 && (play->honest || i < STEPS_MAX))
			do_reply(play, play->honest ? 0 : next(play) % play->n_open);
		else
			do_wake(play);
		play->now_ms++;
	}
}

static void must_be_true(const struct play *play, const struct seen *is)
{
	const struct seen *seen = &play->seen;
	if (seen->rcode == WIRE_RCODE_SERVFAIL)
		return;
	/* what is given because servers could not be asked is true, and says by no AD that it was not proved now */
	require(seen->rcode == is->rcode && seen->authentic == (is->authentic && !seen->stale) && seen->n == is->n);
	for (unsigned i = 0; i < is->n; i++)
		require(wire_name_equal(seen->set[i].owner, is->set[i].owner) && seen->set[i].type == is->set[i].type &&
			seen->set[i].hash == is->set[i].hash);
}

/* ---- runs ---- */

static void engine_make(struct play *play, struct random *random, struct resolve_cache **cache)
{
	struct resolve_settings settings;
	resolve_settings_default(&settings);
	random_init_seed(random, 7);
	settings.validate = true;
	settings.live.case_randomisation = false;
	play->now_ms = 1000;
	play->wake_at_ms = INT64_MAX;
	require(resolve_cache_new(512 * 1024, cache) == 0);
	require(resolve_new(&settings, *cache, random, &play->counters, &play->engine) == 0);
}

static void build_once(void)
{
	static struct play play;
	struct resolve_cache *cache;
	struct random random;
	if (root != NULL)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(sites); i++)
		site_make(i);
	root = sites[3].image;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		require(wire_name_parse(names[i], wire_names[i]) > 0);
	play = (struct play){.honest = true};
	engine_make(&play, &random, &cache);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (size_t k = 0; k < N_QTYPES; k++) {
			do_question(&play, i, k);
			truth[i][k] = play.seen;
			/* the servers of the one broken delegation say nothing */
			bool broken = strcmp(names[i], "sub.example.com.") == 0;
			require(broken || (play.seen.rcode != WIRE_RCODE_SERVFAIL && play.seen.authentic));
		}
	}
	resolve_free(play.engine);
	resolve_cache_free(cache);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct play play;
	struct resolve_cache *cache;
	struct random random;
	build_once();
	play = (struct play){.data = data, .left = len};
	engine_make(&play, &random, &cache);
	for (unsigned i = 0; i < 6 && play.left > 0; i++) {
		size_t name = next(&play) % ARRAY_SIZE(names), type = next(&play) % N_QTYPES;
		play.now_ms += (int64_t)next(&play) * 100;
		do_question(&play, name, type);
		must_be_true(&play, &truth[name][type]);
	}
	resolve_free(play.engine);
	resolve_cache_free(cache);
	return 0;
}
