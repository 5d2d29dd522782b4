// SPDX-License-Identifier: GPL-3.0-or-later
/* The wire form: what is written is read as the same zone, and of other bytes nothing is taken that would be written differently. */
#include "../test.h"

#include <unistd.h>
#include <zstd.h>

#include "zone/private.h"

static struct zone_error error;
static const uint8_t apex[] = "\7example";

/* Each type that has names, fixed lengths or bitmaps inside, and such as nobody knows. */
static const char odd[] =
	"@ 3600 SOA Ns HostMaster 4294967295 1 2 3 4\n@ NS Ns\n@ 60 MX 10 Mail\n@ TXT \"\" \"two\"\n"
	"@ DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==\n"
	"@ NSEC a NS SOA MX TXT RRSIG NSEC DNSKEY TYPE65280\n"
	"@ NSEC3PARAM 1 0 5 AABB\n@ ZONEMD 7 1 1 "
	"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F2021222324"
	"25262728292A2B2C2D2E2F\n"
	"@ RRSIG SOA 13 1 3600 20260801000000 20260701000000 31589 Example. AAAA\n"
	"@ RRSIG NS 13 1 60 20260801000000 20260701000000 31589 example. AAAB\n"
	"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS\n"
	"a CNAME Target.Elsewhere.\nb DNAME b.\n*.w A 192.0.2.1\n*.w AAAA 2001:db8::1\n"
	"x.deep.er SRV 1 2 3 sErver\nx.deep.er NAPTR 1 2 \"u\" \"s\" \"\" rePlace\nd DS 1 13 2 "
	"E2D3C916F6DEEAC73294E8268FB5885044A833FC5459588F4A9184CFC41A5766\n"
	"t PTR a\nt HINFO cpu os\nt RP me txt\nt AFSDB 1 x\nt KX 1 k\nt LOC 52 22 23.000 N 4 53 32.000 E -2.00m\n"
	"t CAA 0 issue \"ca\"\nt SSHFP 1 1 AABB\nt TLSA 3 1 1 AABB\nt URI 1 1 \"u\"\nt SVCB 1 . alpn=h2 port=53\n"
	"t HTTPS 0 x\nt CERT 1 1 1 AAAA\nt EUI48 00-00-5e-00-53-2a\nt CDS 0 0 0 00\nt CSYNC 66 3 A NS AAAA\n"
	"\\000\\001\\255 TYPE65280 \\# 0\n\\000\\001\\255 TYPE65281 \\# 3 414243\ncut NS ns.cut\nns.cut A 192.0.2.7\n";

static struct zone *read_text(const char *text, size_t len)
{
	struct zone_read_settings settings = {.origin = apex, .default_ttl = 77};
	struct zone *zone = NULL;
	if (zone_read_text("text", text, len, &settings, NULL, NULL, &zone, &error) < 0)
		fail_msg("%s", error.text);
	return zone;
}

static int read_wire(const uint8_t *data, size_t len, struct zone **ret)
{
	struct zone_read_settings settings = {.origin = apex};
	return zone_read_wire("wire", data, len, &settings, ret, &error);
}

static void write_wire(const struct zone *zone, struct buffer *out)
{
	out->len = 0;
	assert_int_equal(zone_write_wire(zone, out), 0);
	assert_int_equal(out->len, zone_wire_len(zone));
}

static void same_zones(const struct zone *a, const struct zone *b)
{
	assert_int_equal(a->n_nodes, b->n_nodes);
	assert_int_equal(a->n_sets, b->n_sets);
	assert_int_equal(a->n_records, b->n_records);
	assert_int_equal(a->serial, b->serial);
	for (size_t i = 0; i < a->n_nodes; i++)
		assert_int_equal(a->node[i].flags, b->node[i].flags);
	for (size_t i = 0; i < a->n_sets; i++) {
		const struct wire_rrset *x = &a->set[i], *y = &b->set[i];
		assert_true(wire_name_equal(x->owner, y->owner));
		assert_true(x->type == y->type && x->ttl == y->ttl && x->count == y->count);
		for (uint32_t k = 0; k < x->count; k++) {
			assert_int_equal(x->rdata[k].len, y->rdata[k].len); /* case included */
			assert_memory_equal(x->rdata[k].data, y->rdata[k].data, x->rdata[k].len);
			assert_int_equal(wire_rdata_cmp(&a->canonical[i].rdata[k], &b->canonical[i].rdata[k]), 0);
		}
	}
}

static void check_round(const char *text, size_t len)
{
	_cleanup_(buffer_done) struct buffer form = {0}, again = {0};
	struct zone *zone = read_text(text, len), *copy = NULL;
	write_wire(zone, &form);
	if (read_wire(form.data, form.len, &copy) < 0)
		fail_msg("%s", error.text);
	same_zones(zone, copy);
	write_wire(copy, &again);
	assert_int_equal(form.len, again.len);
	assert_memory_equal(form.data, again.data, form.len);
	zone_free(zone);
	zone_free(copy);
}

static void round_trip(void **state)
{
	check_round(odd, sizeof odd - 1);
	check_round("", 0);
	check_round("a A 192.0.2.1\n", 14);
}

/* Records in any order, with doubles, upper case and mixed TTLs, give the form that they give in another order. */
static void random_zones(void **state)
{
	struct random random;
	random_init_seed(&random, 3);
	for (unsigned round = 0; round < 40; round++) {
		_cleanup_(buffer_done) struct buffer text = {0};
		assert_true(buffer_printf(&text, "@ 5 SOA a b %u 2 3 4 5\n", (unsigned)random_u64(&random)) == 0);
		for (unsigned n = random_below(&random, 400); n > 0; n--) {
			unsigned k = random_below(&random, 50), x = random_below(&random, 5);
			const char *deep = x == 0 ? ".Y.z" : x == 1 ? ".y.Z" : "";
			switch (random_below(&random, 4)) {
			case 0:
				assert_int_equal(buffer_printf(&text, "n%u%s %u A 192.0.2.%u\n", k, deep, x, x), 0);
				break;
			case 1:
				assert_int_equal(buffer_printf(&text, "N%u%s NS Ns%u\n", k, deep, x), 0);
				break;
			case 2:
				assert_int_equal(buffer_printf(&text, "n%u%s TYPE%u \\# 2 %04x\n", k, deep, 65280 + x,
							       random_below(&random, 3)),
						 0);
				break;
			default:
				assert_int_equal(
					buffer_printf(&text,
						      "n%u RRSIG A 8 2 %u 20260801000000 20260701000000 %u . AAAA\n", k,
						      x, x),
					0);
				break;
			}
		}
		check_round((const char *)text.data, text.len);
	}
}

static void every_truncation(void **state)
{
	_cleanup_(buffer_done) struct buffer form = {0};
	struct zone *zone = read_text(odd, sizeof odd - 1), *copy = NULL;
	write_wire(zone, &form);
	for (size_t len = 0; len < form.len; len++) {
		uint8_t *cut = malloc(len + 1); /* of just this length, for the sanitizer */
		memcpy(cut, form.data, len);
		error.text[0] = '\0';
		assert_int_equal(read_wire(cut, len, &copy), BANYAN_EMALF);
		assert_non_null(strstr(error.text, "byte "));
		free(cut);
	}
	assert_int_equal(buffer_append(&form, "", 1), 0);
	assert_int_equal(read_wire(form.data, form.len, &copy), BANYAN_EMALF);
	zone_free(zone);
}

/* A changed byte is refused, or it is another zone's form. */
static void every_flip(void **state)
{
	_cleanup_(buffer_done) struct buffer form = {0}, again = {0};
	struct zone *zone = read_text(odd, sizeof odd - 1);
	size_t taken = 0, refused = 0;
	write_wire(zone, &form);
	for (size_t i = 0; i < form.len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			struct zone *copy = NULL;
			form.data[i] ^= (uint8_t)(1U << bit);
			error.text[0] = '\0';
			if (read_wire(form.data, form.len, &copy) < 0) {
				assert_non_null(strstr(error.text, "byte "));
				refused++;
			} else {
				write_wire(copy, &again);
				assert_int_equal(again.len, form.len);
				assert_memory_equal(again.data, form.data, form.len);
				zone_free(copy);
				taken++;
			}
			form.data[i] ^= (uint8_t)(1U << bit);
		}
	assert_true(taken > 100 && refused > 1000);
	zone_free(zone);
}

/* What stands at a wrong place, twice, in upper case or with two TTLs has no wire form. */
static void only_one_form(void **state)
{
	_cleanup_(buffer_done) struct buffer form = {0};
	static const char text[] = "a 1 A 192.0.2.1\na 1 A 192.0.2.2\n";
	struct zone *zone = read_text(text, sizeof text - 1), *copy = NULL;
	size_t record = 3 + 7 + 1 - 1 + 10 + 4, first; /* "a.example.", fixed part, address */
	write_wire(zone, &form);
	first = form.len - 2 * (record + 1);
	uint8_t *a = form.data + first, *b = a + record + 1;
	assert_memory_equal(a, "\1a\7example", 11);
	assert_memory_equal(b, "\1a\7example", 11);
	uint8_t last = b[record];
	b[record] = a[record]; /* twice */
	assert_int_equal(read_wire(form.data, form.len, &copy), BANYAN_EMALF);
	b[record] = 0; /* out of order */
	assert_int_equal(read_wire(form.data, form.len, &copy), BANYAN_EMALF);
	b[record] = last;
	a[1] = 'A';
	assert_int_equal(read_wire(form.data, form.len, &copy), BANYAN_EMALF);
	a[1] = 'a';
	a[11 + 7] = 9; /* the TTL of one */
	assert_int_equal(read_wire(form.data, form.len, &copy), BANYAN_EMALF);
	a[11 + 7] = 1;
	assert_int_equal(read_wire(form.data, form.len, &copy), 0);
	zone_free(copy);
	zone_free(zone);
}

static void other_zone_other_form(void **state)
{
	_cleanup_(buffer_done) struct buffer form = {0};
	struct zone *zone = read_text(odd, sizeof odd - 1), *copy = NULL;
	struct zone_read_settings settings = {.origin = (const uint8_t *)"\4test"};
	write_wire(zone, &form);
	assert_int_equal(zone_read_wire("f", form.data, form.len, &settings, &copy, &error), BANYAN_EINVAL);
	assert_non_null(strstr(error.text, "the zone is example. and not test."));
	settings = (struct zone_read_settings){.origin = apex, .max_bytes = form.len - 1};
	assert_int_equal(zone_read_wire("f", form.data, form.len, &settings, &copy, &error), BANYAN_ELIMIT);
	form.data[7] = 2;
	assert_int_equal(read_wire(form.data, form.len, &copy), BANYAN_EUNSUPP);
	form.data[7] = 1;
	memset(form.data + 14, 0xff, 8); /* the number of records */
	assert_int_equal(read_wire(form.data, form.len, &copy), BANYAN_ELIMIT);
	zone_free(zone);
}

static void read_path(const char *path, const struct zone *want)
{
	struct zone_read_settings settings = {.origin = apex};
	struct zone *zone = NULL;
	if (zone_read_file(path, &settings, NULL, NULL, &zone, &error) < 0)
		fail_msg("%s", error.text);
	same_zones(want, zone);
	zone_free(zone);
}

static void put(const char *path, const void *data, size_t len)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

/* zone_read_file() knows it by its content, also compressed, and also where text would be read through a window. */
static void as_a_file(void **state)
{
	char path[] = "/tmp/banyan-wireform.XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	for (unsigned large = 0; large < 2; large++) {
		_cleanup_(buffer_done) struct buffer form = {0}, text = {0};
		assert_int_equal(buffer_append(&text, odd, sizeof odd - 1), 0);
		for (unsigned i = 0; large && i < 300000; i++)
			assert_int_equal(buffer_printf(&text, "n%u TYPE65280 \\# 4 0d0a0d0a\n", i), 0);
		struct zone *zone = read_text((const char *)text.data, text.len);
		write_wire(zone, &form);
		assert_true(!large || form.len > 2 * ZONE_WINDOW_SIZE);
		put(path, form.data, form.len);
		read_path(path, zone);
		size_t cap = ZSTD_compressBound(form.len);
		void *packed = malloc(cap);
		size_t packed_len = ZSTD_compress(packed, cap, form.data, form.len, 1);
		assert_false(ZSTD_isError(packed_len));
		put(path, packed, packed_len);
		read_path(path, zone);
		free(packed);
		zone_free(zone);
	}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(random_zones),  cmocka_unit_test(every_truncation),
		cmocka_unit_test(every_flip), cmocka_unit_test(only_one_form), cmocka_unit_test(other_zone_other_form),
		cmocka_unit_test(as_a_file),
	};
	return cmocka_run_group_tests_name("wireform", tests, NULL, NULL);
}
