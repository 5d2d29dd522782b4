// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Replies in the small room that a frame has: each question is asked for rooms of 12 to 1500 bytes, before which lies a known pattern and behind
 * which memory ends. The reply is the same as without, nothing is written where the longest reply would not fit, and nothing beside it.
 */
#include "answer/answer.h"
#include "resolve/cache.h"
#include "test.h"
#include "zone/zone.h"

#include <sys/mman.h>
#include <unistd.h>

#define ROOM_MIN 12
#define ROOM_MAX 1500
#define PATTERN  0xa5
#define NOW_MS   INT64_C(1780000000000)
#define LIFE_MS  86400000
#define TEXTS    28 /* sets of 60 bytes more each: the last does not fit 1500 */
#define IDENTITY 200

static struct {
	struct image *zone, *root;
	struct answer_zone table[1];
	struct addr_prefix all;
	struct resolve_cache *cache;
	struct resolve *engine;
	struct random random;
	struct counters counters;
	uint8_t apex[WIRE_NAME_MAX];
	uint8_t *page_end; /* nothing can be written from here on */
} world;

static struct image *compile(const char *text, const uint8_t *origin)
{
	struct zone *zone;
	struct zone_error error;
	struct image *image;
	struct zone_read_settings settings = {.origin = origin};
	assert_int_equal(zone_read_text("room", text, strlen(text), &settings, NULL, NULL, &zone, &error), 0);
	assert_int_equal(image_compile(zone, &image), 0);
	zone_free(zone);
	return image;
}

static struct image *zone_make(void)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	assert_true(buffer_printf(&text,
				  "z.example. 60 SOA ns h 1 2 3 4 5\nz.example. 60 NS ns\nns A 192.0.2.1\n"
				  "*.w 60 TXT \"any\"\nalias 60 CNAME t%u\nout 60 CNAME www.elsewhere.\n"
				  "d 60 DNAME z.example.\nz.example. 60 NSEC *.w NS SOA NSEC\n"
				  "*.w 60 NSEC z.example. TXT NSEC\n",
				  TEXTS / 2) >= 0);
	for (unsigned i = 0; i < TEXTS; i++)
		for (unsigned k = 0; k <= i; k++)
			assert_true(buffer_printf(&text, "t%u 60 TXT \"%02u..................................\"\n", i,
						  k) >= 0);
	for (unsigned i = 0; i < 30; i++)
		assert_true(buffer_printf(&text,
					  "cut 60 NS n%u.cut\nn%u.cut 60 A 192.0.2.%u\nn%u.cut 60 AAAA 2001:db8::%u\n",
					  i, i, i, i, i) >= 0);
	assert_true(buffer_append(&text, "", 1) >= 0);
	assert_true(wire_name_parse("z.example.", world.apex) > 0);
	return compile((const char *)text.data, world.apex);
}

/* As it is in the cache when 40 records of TXT were proved. */
static void cache_fill(void)
{
	uint8_t name[WIRE_NAME_MAX], pack[40 * 32];
	assert_true(wire_name_parse("hit.example.", name) > 0);
	for (unsigned i = 0; i < 40; i++) {
		uint8_t *p = pack + (size_t)i * 32;
		wire_put16(p, 30);
		memset(p + 2, 'x', 30);
		p[2] = 29;
		p[3] = (uint8_t)i;
	}
	struct rrset set = {.owner = name,
			    .type = WIRE_TYPE_TXT,
			    .rank = RANK_AUTHORITY,
			    .security = SECURITY_INSECURE,
			    .expires_ms = NOW_MS + LIFE_MS,
			    .pack = pack};
	for (unsigned n = 40; n > 0; n /= 2) { /* hit.example. has 40, *hit.hit.example. 20, ... */
		set.count = (uint16_t)n;
		set.size = n * 32;
		assert_true(resolve_cache_put_set(world.cache, NOW_MS, &set) >= 0);
		memmove(name + 4, name, wire_name_len(name));
		memcpy(name, "\3hit", 4);
	}
}

static int make(void **state)
{
	struct resolve_settings settings;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(pages != MAP_FAILED && mprotect(pages + page, page, PROT_NONE) == 0);
	world.page_end = pages + page;
	world.zone = zone_make();
	world.root = compile(
		". 60 SOA a.root. h. 1 2 3 4 5\n. 60 NS a.root.\na.root. 60 A 192.0.2.1\nexample. 60 NS a.root.\n"
		". 60 NSEC a.root. NS SOA NSEC\na.root. 60 NSEC example. A NSEC\nexample. 60 NSEC . NS NSEC\n",
		(const uint8_t *)"");
	world.table[0] = (struct answer_zone){.apex = world.apex, .image = world.zone};
	assert_int_equal(addr_prefix_parse("127.0.0.0/8", &world.all), 0);
	random_init_seed(&world.random, 1);
	assert_int_equal(resolve_cache_new(1 << 20, &world.cache), 0);
	resolve_settings_default(&settings);
	assert_int_equal(resolve_new(&settings, world.cache, &world.random, &world.counters, &world.engine), 0);
	cache_fill();
	return 0;
}

static int unmake(void **state)
{
	resolve_free(world.engine);
	resolve_cache_free(world.cache);
	image_free(world.zone);
	image_free(world.root);
	return 0;
}

/* ---- questions ---- */

struct question {
	uint8_t msg[512];
	size_t len;
};

static struct question question(const char *name, uint16_t type, uint16_t rclass, uint16_t flags)
{
	struct question q;
	struct wire_writer writer;
	uint8_t qname[WIRE_NAME_MAX];
	assert_true(wire_name_parse(name, qname) > 0);
	assert_int_equal(wire_writer_init(&writer, q.msg, sizeof q.msg, 0x4711, flags), 0);
	assert_int_equal(wire_writer_question(&writer, qname, type, rclass), 0);
	q.len = wire_writer_finish(&writer);
	return q;
}

/* size 0: without EDNS. NSID is asked for, whose text is long. */
static struct question with_edns(struct question q, uint16_t size, bool nsid)
{
	uint8_t *p = q.msg + q.len;
	if (size == 0)
		return q;
	memset(p, 0, 15);
	wire_put16(p + 1, WIRE_TYPE_OPT);
	wire_put16(p + 3, size);
	p[7] = 0x80;
	wire_put16(p + 9, nsid ? 4 : 0);
	wire_put16(p + 11, WIRE_OPTION_NSID);
	q.len += nsid ? 15 : 11;
	q.msg[11]++;
	return q;
}

struct asked {
	enum answer_outcome outcome;
	size_t len;
	uint8_t *at;
};

static struct asked ask(const struct answer_view *view, const struct question *q, bool tcp, uint8_t *out,
			uint8_t *small, size_t cap)
{
	struct answer_pending pending;
	struct answer_request request = {.msg = q->msg,
					 .len = q->len,
					 .tcp = tcp,
					 .out = out,
					 .small = small,
					 .small_cap = cap,
					 .peer = {.family = 4, .ip = {127, 0, 0, 1}, .port = 4711},
					 .engine = world.engine,
					 .now_ms = 1000,
					 .wall_ms = NOW_MS};
	struct asked asked = {.len = 0};
	asked.outcome = answer_question(view, &world.counters, &request, &pending, &asked.len);
	asked.at = request.out;
	return asked;
}

/* How many replies were in the small room. */
static unsigned compare(const struct answer_view *view, const struct question *q, bool tcp)
{
	static uint8_t plain[WIRE_MESSAGE_MAX], large[WIRE_MESSAGE_MAX], pattern[ROOM_MAX + 16];
	unsigned used = 0;
	memset(pattern, PATTERN, sizeof pattern);
	struct asked want = ask(view, q, tcp, plain, NULL, 0);
	for (size_t cap = ROOM_MIN; cap <= ROOM_MAX; cap++) {
		uint8_t *small = world.page_end - cap, *before = world.page_end - ROOM_MAX - 16;
		memset(before, PATTERN, ROOM_MAX + 16);
		struct asked got = ask(view, q, tcp, large, small, cap);
		assert_int_equal(got.outcome, want.outcome);
		assert_int_equal(got.len, want.len);
		if (got.outcome == ANSWER_SEND) {
			assert_true(got.at == small || got.at == large);
			assert_true(got.at == large || got.len <= cap);
			assert_memory_equal(got.at, plain, got.len);
		}
		assert_memory_equal(before, pattern, 16 + ROOM_MAX - cap);
		if (got.at == large)
			assert_memory_equal(small, pattern, cap);
		used += got.at == small;
	}
	return used;
}

static const struct {
	const char *name;
	uint16_t type, rclass;
} asked[] = {{"z.example.", WIRE_TYPE_SOA, WIRE_CLASS_IN},
	     {"z.example.", WIRE_TYPE_AXFR, WIRE_CLASS_IN},
	     {"nothing.z.example.", WIRE_TYPE_A, WIRE_CLASS_IN},
	     {"a.b.w.z.example.", WIRE_TYPE_TXT, WIRE_CLASS_IN},
	     {"a.b.w.z.example.", WIRE_TYPE_NSEC, WIRE_CLASS_IN},
	     {"alias.z.example.", WIRE_TYPE_TXT, WIRE_CLASS_IN},
	     {"out.z.example.", WIRE_TYPE_A, WIRE_CLASS_IN},
	     {"t27.d.z.example.", WIRE_TYPE_TXT, WIRE_CLASS_IN},
	     {"x.cut.z.example.", WIRE_TYPE_A, WIRE_CLASS_IN},
	     {"label-of-many-letters.and-another-one-of-as-many.and-one-more-of-as-many.x.cut.z.example.", WIRE_TYPE_A,
	      WIRE_CLASS_IN},
	     {"hit.example.", WIRE_TYPE_TXT, WIRE_CLASS_IN},
	     {"hit.hit.example.", WIRE_TYPE_TXT, WIRE_CLASS_IN},
	     {"hit.hit.hit.hit.example.", WIRE_TYPE_TXT, WIRE_CLASS_IN},
	     {"unknown.example.", WIRE_TYPE_A, WIRE_CLASS_IN},
	     {"no.such-domain.", WIRE_TYPE_A, WIRE_CLASS_IN},
	     {"id.server.", WIRE_TYPE_TXT, WIRE_CLASS_CH},
	     {"id.server.", WIRE_TYPE_TXT, 17}};

static void all(const struct answer_view *view, uint16_t size, bool nsid, bool tcp)
{
	unsigned used = 0, most = size < 512 || tcp ? 512 : size < view->udp_size ? size : view->udp_size;
	for (size_t i = 0; i < ARRAY_SIZE(asked) + TEXTS; i++) {
		char text[32];
		snprintf(text, sizeof text, "t%zu.z.example.", i - ARRAY_SIZE(asked));
		struct question q = i < ARRAY_SIZE(asked)
					    ? question(asked[i].name, asked[i].type, asked[i].rclass, WIRE_RD)
					    : question(text, WIRE_TYPE_TXT, WIRE_CLASS_IN, 0);
		q = with_edns(q, size, nsid);
		used = compare(view, &q, tcp);
		/* once it has room for the longest reply it is used, and not before */
		assert_int_equal(used, tcp || most > ROOM_MAX ? 0 : ROOM_MAX - most + 1);
	}
}

static struct answer_view view_make(uint16_t udp_size)
{
	static char identity[IDENTITY + 1];
	memset(identity, 'i', IDENTITY);
	return (struct answer_view){.identity = identity,
				    .version = "",
				    .udp_size = udp_size,
				    .zone = world.table,
				    .n_zones = 1,
				    .root = world.root,
				    .recursion = true,
				    .allow = {1, &world.all}};
}

static void test_rooms(void **state)
{
	static const uint16_t ours[] = {512, 1232, 1400, 4096}, theirs[] = {0, 100, 600, 1232, 1472, 4096};
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		struct answer_view view = view_make(ours[i]);
		for (size_t k = 0; k < ARRAY_SIZE(theirs); k++)
			all(&view, theirs[k], k % 2 == 0, false);
	}
	assert_true(world.counters.value[COUNTER_CACHE_HITS] > 0);
	assert_true(world.counters.value[COUNTER_ROOT_DENIALS] > 0);
	assert_true(world.counters.value[COUNTER_TRUNCATED] > 0);
	assert_true(world.counters.value[COUNTER_RECURSIONS] > world.counters.value[COUNTER_CACHE_HITS]);
}

static void test_tcp(void **state)
{
	struct answer_view view = view_make(1232);
	all(&view, 4096, true, true);
}

/* What is no question, or none that is answered. */
static void test_errors(void **state)
{
	struct answer_view view = view_make(1232);
	static const uint16_t flags[] = {WIRE_OPCODE_UPDATE << WIRE_OPCODE_SHIFT, WIRE_QR, 0};
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct question q = with_edns(question("z.example.", WIRE_TYPE_A, WIRE_CLASS_IN, flags[i]), 1232, true);
		compare(&view, &q, false);
		for (; q.len > 0; q.len--) /* cut anywhere */
			compare(&view, &q, false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rooms), cmocka_unit_test(test_tcp),
					   cmocka_unit_test(test_errors)};
	return cmocka_run_group_tests(tests, make, unmake);
}
