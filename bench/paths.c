// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One path of a question through answer_question(), many times over, to count the instructions that it takes: paths PATH.
 *
 * The world is made here: a root of 1,440 signed delegations (signatures of the right size, not of the right content: nobody checks them on
 * these paths), and a cache of proved names. What is counted is inside of measured().
 */
#include "answer/answer.h"
#include "resolve/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TLDS      1440
#define MANY      8 /* each so many-th delegation has twice as many servers: too many for 512 bytes */
#define NAMES     2000
#define QUESTIONS 4000
#define ROUNDS    5
#define NOW_MS    INT64_C(1780000000000)
#define LIFE_MS   86400000
#define SIGNATURE 256 /* bytes, of RSA with 2048 bits */
#define EXPECT(x)                                                                                                      \
	do {                                                                                                           \
		if (!(x)) {                                                                                            \
			fprintf(stderr, "paths: %s:%d: %s does not hold\n", __FILE__, __LINE__, #x);                   \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

struct world {
	struct counters counters;
	struct random random;
	struct resolve_cache *cache;
	struct resolve *engine;
	struct image *image;
	struct policy *policy;
	struct answer_rates *rates;
	struct answer_zone zone;
	struct addr_prefix loopback;
	struct answer_view view;
	struct question {
		uint8_t msg[512];
		size_t len;
	} question[QUESTIONS];
};

/* ---- the root ---- */

static void sign(struct buffer *out, const char *owner, const char *type, unsigned labels)
{
	EXPECT(buffer_printf(out, "%s 86400 RRSIG %s 8 %u 86400 20300101000000 20200101000000 12345 . ", owner, type,
			     labels) >= 0);
	for (unsigned i = 0; i < SIGNATURE / 3 + 1; i++)
		EXPECT(buffer_printf(out, "AAAA") >= 0);
	EXPECT(buffer_printf(out, "\n") >= 0);
}

static struct image *root_make(void)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	struct zone *zone;
	struct zone_error error;
	struct image *image;
	char tld[16], next[16];
	EXPECT(buffer_printf(&text, ". 86400 SOA a.root. h.root. 1 1800 900 604800 86400\n. 518400 NS t0000.\n"
				    ". 86400 NSEC t0000. NS SOA RRSIG NSEC\n") >= 0);
	sign(&text, ".", "SOA", 0);
	sign(&text, ".", "NS", 0);
	sign(&text, ".", "NSEC", 0);
	for (unsigned i = 0; i < TLDS; i++) {
		snprintf(tld, sizeof tld, "t%04u.", i);
		snprintf(next, sizeof next, i + 1 < TLDS ? "t%04u." : ".", i + 1);
		for (unsigned k = 0; k < (i % MANY == 0 ? 8 : 4); k++)
			EXPECT(buffer_printf(&text,
					     "%s 172800 NS n%u.%s\nn%u.%s 172800 A 192.0.2.%u\nn%u.%s 172800 AAAA "
					     "2001:db8::%u\n",
					     tld, k, tld, k, tld, k, k, tld, k) >= 0);
		EXPECT(buffer_printf(
			       &text,
			       "%s 86400 DS 1 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
			       "%s 86400 NSEC %s NS DS RRSIG NSEC\n",
			       tld, tld, next) >= 0);
		sign(&text, tld, "DS", 1);
		sign(&text, tld, "NSEC", 1);
	}
	struct zone_read_settings settings = {.origin = (const uint8_t *)""};
	if (zone_read_text("root", (const char *)text.data, text.len, &settings, NULL, NULL, &zone, &error) < 0) {
		fprintf(stderr, "paths: line %lu: %s\n", error.line, error.text);
		exit(1);
	}
	EXPECT(image_compile(zone, &image) == 0);
	zone_free(zone);
	return image;
}

/* ---- the cache ---- */

static void put(struct world *w, const char *owner, uint16_t type, const uint8_t *data, uint16_t len)
{
	static const uint8_t head[] = "\0\1\15\2\0\1\x51\x80\x7f\0\0\0\x60\0\0\0\0\1\1t";
	_cleanup_(arena_done) struct arena arena = {0};
	uint8_t name[WIRE_NAME_MAX], pack[2 + 256 + 2 + sizeof head + 64];
	EXPECT(wire_name_parse(owner, name) > 0);
	wire_put16(pack, len);
	memcpy(pack + 2, data, len);
	wire_put16(pack + 2 + len, sizeof head + 64);
	memcpy(pack + 4 + len, head, sizeof head);
	pack[4 + len + 1] = (uint8_t)type;
	pack[4 + len + 3] = (uint8_t)wire_name_labels(name);
	memset(pack + 4 + len + sizeof head, 7, 64);
	struct rrset set = {.owner = name,
			    .type = type,
			    .count = 1,
			    .n_sigs = 1,
			    .rank = RANK_AUTHORITY,
			    .security = SECURITY_SECURE,
			    .expires_ms = NOW_MS + LIFE_MS,
			    .pack = pack,
			    .size = (uint32_t)(4 + len + sizeof head + 64)};
	EXPECT(resolve_cache_put_set(w->cache, NOW_MS, &set) >= 0);
}

static void cache_fill(struct world *w)
{
	static const uint8_t a[4] = {192, 0, 2, 1};
	char owner[64], target[64];
	for (unsigned i = 0; i < NAMES; i++) {
		uint8_t name[WIRE_NAME_MAX];
		snprintf(owner, sizeof owner, "www.d%u.t0001.", i);
		snprintf(target, sizeof target, "www.d%u.t0002.", i);
		put(w, owner, WIRE_TYPE_A, a, sizeof a);
		put(w, target, WIRE_TYPE_A, a, sizeof a);
		int len = wire_name_parse(target, name);
		EXPECT(len > 0);
		snprintf(owner, sizeof owner, "alias.d%u.t0001.", i);
		put(w, owner, WIRE_TYPE_CNAME, name, (uint16_t)len);
	}
}

/* ---- questions ---- */

static void ask(struct question *q, const char *name, uint16_t qtype, bool edns)
{
	struct wire_writer writer;
	uint8_t qname[WIRE_NAME_MAX];
	EXPECT(wire_name_parse(name, qname) > 0);
	EXPECT(wire_writer_init(&writer, q->msg, sizeof q->msg, 4711, WIRE_RD) == 0);
	EXPECT(wire_writer_question(&writer, qname, qtype, WIRE_CLASS_IN) == 0);
	EXPECT(!edns || wire_writer_edns(&writer, 1232, 0, true, NULL, 0) == 0);
	q->len = wire_writer_finish(&writer);
}

struct path {
	const char *name, *format; /* of the name asked for */
	bool resolver, edns;
	uint16_t rcode, n_answers;
};

static const struct path paths[] = {
	{"referral", "www.d%u.t%04u.", false, true, WIRE_RCODE_NOERROR, 0},
	{"referral-cut", "www.d%u.t%04u.", false, false, WIRE_RCODE_NOERROR, 0},
	{"denial", "x%u.u%04u.", false, true, WIRE_RCODE_NXDOMAIN, 0},
	{"root-denial", "x%u.u%04u.", true, true, WIRE_RCODE_NXDOMAIN, 0},
	{"hit", "www.d%u.t0001.", true, true, WIRE_RCODE_NOERROR, 2},
	{"hit-plain", "www.d%u.t0001.", true, false, WIRE_RCODE_NOERROR, 1},
	{"hit-alias", "alias.d%u.t0001.", true, true, WIRE_RCODE_NOERROR, 4},
};

static void world_make(struct world *w, const struct path *path)
{
	struct resolve_settings settings;
	struct policy_local_builder *local = policy_local_builder_new();
	static struct policy_view view;
	random_init_seed(&w->random, 1);
	w->image = root_make();
	EXPECT(resolve_cache_new(64 << 20, &w->cache) == 0);
	resolve_settings_default(&settings);
	EXPECT(resolve_new(&settings, w->cache, &w->random, &w->counters, &w->engine) == 0);
	cache_fill(w);
	EXPECT(local != NULL && policy_local_defaults(local) == 0);
	EXPECT(policy_local_build(local, 1, (struct policy_local **)&view.local) == 0);
	view.name = "default";
	EXPECT(policy_new(&view, 1, &w->policy) == 0);
	EXPECT(answer_rates_new(1024, &w->rates) == 0);
	EXPECT(addr_prefix_parse("127.0.0.0/8", &w->loopback) == 0);
	w->zone = (struct answer_zone){.apex = (const uint8_t *)"", .image = w->image};
	w->view = (struct answer_view){.n_zones = path->resolver ? 0 : 1,
				       .zone = &w->zone,
				       .root = w->image,
				       .root_signed = true,
				       .recursion = path->resolver,
				       .policy = path->resolver ? w->policy : NULL,
				       .allow = {1, &w->loopback},
				       .identity = "",
				       .version = "",
				       .udp_size = 1232,
				       .minimal_responses = true,
				       .minimal_results = true};
	for (unsigned i = 0; i < QUESTIONS; i++) {
		char name[64];
		unsigned tld = i * 7 % TLDS;
		if (strcmp(path->name, "referral-cut") == 0)
			tld = tld / MANY * MANY;
		snprintf(name, sizeof name, path->format, i * 7 % NAMES, tld);
		ask(&w->question[i], name, WIRE_TYPE_A, path->edns);
	}
}

/* ---- what is counted ---- */

static enum answer_outcome answer(struct world *w, unsigned i, const struct path *path, uint8_t *out)
{
	struct answer_pending pending;
	struct answer_request request = {.msg = w->question[i].msg,
					 .len = w->question[i].len,
					 .peer = {.family = 4, .ip = {127, 0, 0, 1}, .port = 4000},
					 .out = out,
					 .rates = w->rates,
					 .engine = path->resolver ? w->engine : NULL,
					 .now_ms = 1000,
					 .wall_ms = NOW_MS + 1000};
	size_t len;
	return answer_question(&w->view, &w->counters, &request, &pending, &len);
}

__attribute__((noipa)) static void measured(struct world *w, uint8_t *out, const struct path *path)
{
	for (unsigned i = 0; i < QUESTIONS; i++)
		EXPECT(answer(w, i, path, out) == ANSWER_SEND && (out[3] & WIRE_RCODE_MASK) == path->rcode &&
		       wire_get16(out + 6) == path->n_answers);
}

/* Before it is counted everything is in its place, and names have been asked for. */
static void warm(struct world *w, uint8_t *out, const struct path *path)
{
	for (unsigned i = 0; i < QUESTIONS * ROUNDS; i++)
		answer(w, i % QUESTIONS, path, out);
}

int main(int argc, char **argv)
{
	static struct world world;
	static uint8_t out[WIRE_MESSAGE_MAX];
	for (size_t i = 0; argc == 2 && i < ARRAY_SIZE(paths); i++) {
		if (strcmp(argv[1], paths[i].name) != 0)
			continue;
		world_make(&world, &paths[i]);
		warm(&world, out, &paths[i]);
		measured(&world, out, &paths[i]);
		printf("%u\n", QUESTIONS);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		printf("%s\n", paths[i].name);
	return argc == 1 ? 0 : 2;
}
