// SPDX-License-Identifier: GPL-3.0-or-later
/* Published files: pointers, what is done about them, the tree. */
#include "../test.h"

#include <dirent.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sync/files/files.h"

#define NOW 1785546000

static const uint8_t apex[] = "\7example";
static char folder[64], why[FILES_WHY_MAX];
static struct files_key *key;
static struct files_published published;

static struct buffer form_of(const char *text)
{
	struct zone_read_settings settings = {.origin = apex, .default_ttl = 60};
	struct zone_error error;
	struct buffer form = {0};
	struct zone *zone;
	if (zone_read_text("text", text, strlen(text), &settings, NULL, NULL, &zone, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(zone_write_wire(zone, &form), 0);
	zone_free(zone);
	return form;
}

static int file_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int begin(void **state)
{
	char path[80];
	strcpy(folder, "/tmp/banyan-files.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/key.pem", folder);
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	FILE *file = fopen(path, "w");
	int good = file != NULL && fchmod(fileno(file), 0600) == 0 &&
		   PEM_write_PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL) == 1;
	EVP_PKEY_free(pkey);
	if (file == NULL || fclose(file) != 0 || !good)
		return -1;
	return files_key_read(path, &key, why);
}

static int end(void **state)
{
	files_key_free(key);
	return nftw(folder, file_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- pointers ---- */

static struct files_pointer some_pointer(void)
{
	struct files_pointer p = {.serial = 4294967295,
				  .unchanged_since = 7,
				  .made = NOW,
				  .fresh_until = NOW + 9,
				  .signatures_expire = NOW + 99,
				  .edition = {.name = "open-1", .valid_from = NOW - 9, .valid_until = NOW + 49},
				  .records = 12,
				  .zonemd_len = 48,
				  .zonemd_scheme = 1,
				  .zonemd_algorithm = 1,
				  .n_deltas = 2};
	memcpy(p.apex, apex, sizeof apex);
	memset(p.zonemd, 0xab, 48);
	p.wire = (struct files_object){
		.path = "4294967295/zone.wire.zst", .size = 12345, .hash = {1}, .unpacked_size = 99999};
	p.text = (struct files_object){.path = "4294967295/zone.text.zst", .size = 1, .unpacked_hash = {2}};
	p.present = (struct files_present){.serial = 4294967290, .valid_from = NOW - 99, .valid_until = NOW + 19};
	p.present.wire = (struct files_object){
		.path = "4294967290/zone.wire.zst", .size = 54321, .hash = {3}, .unpacked_size = 88888};
	p.delta[0] = (struct files_object){.path = "4294967295/from-5.delta", .size = 77, .from = 5};
	p.delta[1] = (struct files_object){.path = "4294967295/from-4.delta", .size = 78, .from = 4};
	return p;
}

static int read_pointer(const struct buffer *text, const uint8_t *wanted, struct files_pointer *ret)
{
	why[0] = '\0';
	int rc = files_pointer_read("p", text->data, text->len, wanted, ret, why);
	if (rc < 0)
		assert_true(strncmp(why, "p:", 2) == 0);
	return rc;
}

static void pointer_round(void **state)
{
	for (unsigned variant = 0; variant < 32; variant++) {
		struct files_pointer p = some_pointer(), q;
		struct buffer text = {0}, again = {0};
		if (variant & 1)
			p.zonemd_len = 0, p.signatures_expire = 0;
		if (variant & 2)
			p.n_deltas = 0, p.text = (struct files_object){0}, p.apex[0] = 0;
		if (variant & 8)
			p.edition.name[0] = '\0';
		if (variant & 16)
			p.edition.valid_from = p.edition.valid_until = 0, p.present = (struct files_present){0};
		const struct files_key *with = variant & 4 ? key : NULL;
		assert_int_equal(files_pointer_write(&p, with, &text), 0);
		assert_int_equal(read_pointer(&text, with != NULL ? files_key_public(key) : NULL, &q), 0);
		assert_int_equal(q.is_signed, with != NULL);
		assert_int_equal(q.serial, p.serial);
		assert_string_equal(q.edition.name, p.edition.name);
		assert_int_equal(q.edition.valid_from, p.edition.valid_from);
		assert_int_equal(q.edition.valid_until, p.edition.valid_until);
		assert_int_equal(q.n_deltas, p.n_deltas);
		assert_memory_equal(&q.wire, &p.wire, sizeof q.wire);
		assert_int_equal(q.present.serial, p.present.serial);
		assert_int_equal(q.present.valid_from, p.present.valid_from);
		assert_int_equal(q.present.valid_until, p.present.valid_until);
		assert_memory_equal(&q.present.wire, &p.present.wire, sizeof q.wire);
		assert_int_equal(q.delta[1].from, p.n_deltas > 0 ? 4 : 0);
		assert_int_equal(files_pointer_write(&q, with, &again), 0);
		assert_int_equal(again.len, text.len);
		assert_memory_equal(again.data, text.data, text.len);
		buffer_done(&text);
		buffer_done(&again);
	}
}

/* Nothing that was changed on the way is taken by who has the key. */
static void pointer_changed(void **state)
{
	struct files_pointer p = some_pointer(), q;
	struct buffer text = {0}, plain = {0};
	const uint8_t *public = files_key_public(key);
	uint8_t other[FILES_KEY_SIZE];
	assert_int_equal(files_pointer_write(&p, key, &text), 0);
	for (size_t len = 0; len < text.len; len++)
		assert_true(read_pointer(&(struct buffer){.data = text.data, .len = len}, public, &q) < 0);
	for (size_t i = 0; i < text.len * 8; i++) {
		text.data[i / 8] ^= (uint8_t)(1U << i % 8);
		assert_true(read_pointer(&text, public, &q) < 0);
		text.data[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	assert_int_equal(read_pointer(&text, public, &q), 0);
	memcpy(other, public, sizeof other);
	other[0] ^= 1;
	assert_int_equal(read_pointer(&text, other, &q), BANYAN_EPROOF);
	assert_int_equal(buffer_append(&text, "later 1\n", 8), 0); /* not signed */
	assert_int_equal(read_pointer(&text, NULL, &q), BANYAN_EMALF);
	assert_int_equal(files_pointer_write(&p, NULL, &plain), 0);
	assert_int_equal(read_pointer(&plain, public, &q), BANYAN_EPROOF);
	assert_int_equal(read_pointer(&plain, NULL, &q), 0);
	assert_int_equal(buffer_append(&plain, "later 1\n", 8), 0);
	assert_int_equal(read_pointer(&plain, NULL, &q), 0); /* a word of a later time */
	buffer_done(&text);
	buffer_done(&plain);
}

static void pointer_wrong(void **state)
{
	static const struct {
		const char *from, *to;
	} edits[] = {
		{"zone 1\n", "zone 2\n"},
		{"zone example.\n", "zone Example.\n"},
		{"zone example.\n", "zone example\n"},
		{"serial ", "serial  "},
		{"serial ", " serial "},
		{"serial 4294967295\n", "serial 4294967296\n"},
		{"serial 4294967295\n", "serial 07\n"},
		{"serial 4294967295\n", ""},
		{"serial 4294967295\n", "serial 1 \n"},
		{"serial 4294967295\n", "serial 1\nserial 1\n"},
		{"fresh-until 2026-08", "fresh-until 2026-8"},
		{"edition open-1\n", "edition open 1\n"},
		{"edition open-1\n", "edition open*1\n"},
		{"edition open-1\n", "edition a\nedition a\n"},
		{"valid-from ", "valid-from x"},
		{"valid-from ", "then "}, /* until without from */
		{"valid-until ", "then "},
		{"valid-until 2", "valid-until 1"}, /* it ends before it begins */
		{"records 12\n", "records -1\n"},
		{"records 12\n", "records 1000000000000\n"},
		{"zonemd 1", "zonemd 256"},
		{"wire 4294967295/", "wire /4294967295/"},
		{"wire 4294967295/", "wire ../4294967295/"},
		{"wire 4294967295/", "wire 4294967295/../"},
		{"wire 4294967295/", "wire 4294967295//"},
		{"wire 4294967295/", "wire .hidden/"},
		{"wire 4294967295/", "wire a?b/"},
		{"zone.wire.zst 12345", "zone.wire.zst 9999999999"},
		{"delta 5 ", "delta "},
		{"present 4294967290", "present x"},
		{"present 4294967290 2", "present 4294967290 3"}, /* it ends before it begins */
		{"valid-from ", "then valid-until "},             /* of what has no dates there is no other one */
		{"zone.wire.zst 54321", "../zone.wire.zst 54321"},
		{"zone.wire.zst 54321 ", "zone.wire.zst "},
		{"abab\n", "aba\n"},
		{"abab\n", "ABAB\n"},
	};
	struct files_pointer p = some_pointer(), q;
	struct buffer text = {0};
	assert_int_equal(files_pointer_write(&p, NULL, &text), 0);
	assert_int_equal(buffer_append(&text, "", 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		struct buffer changed = {0};
		const char *at = strstr((char *)text.data, edits[i].from);
		if (at == NULL)
			fail_msg("'%s' is not there", edits[i].from);
		assert_int_equal(buffer_printf(&changed, "%.*s%s%s", (int)(at - (char *)text.data), (char *)text.data,
					       edits[i].to, at + strlen(edits[i].from)),
				 0);
		if (read_pointer(&changed, NULL, &q) >= 0)
			fail_msg("'%s' is taken for '%s'", edits[i].to, edits[i].from);
		buffer_done(&changed);
	}
	struct buffer large = {0};
	assert_int_equal(buffer_reserve(&large, FILES_POINTER_MAX + 1), 0);
	large.len = FILES_POINTER_MAX + 1;
	assert_int_equal(read_pointer(&large, NULL, &q), BANYAN_ELIMIT);
	buffer_done(&large);
	buffer_done(&text);
}

/* ---- decisions ---- */

static void decisions(void **state)
{
	struct files_pointer p = some_pointer();
	p.serial = 9;
	p.unchanged_since = 5;
	p.is_signed = true;
	p.fresh_until = NOW + 100;
	const struct {
		struct files_held held;
		struct files_choice choice;
		int64_t now;
		enum files_verdict verdict;
		bool is_delta;
	} cases[] = {
		{{.have = false}, {.keep_unchanged = true}, NOW, FILES_FETCH, false},
		{{true, 9, NOW + 9999999}, {0}, NOW, FILES_SAME, false},
		{{true, 9, NOW + 9999999}, {0}, NOW + 100, FILES_REFUSE, false}, /* too old */
		{{true, 10, NOW + 9999999}, {0}, NOW, FILES_REFUSE, false},
		{{true, 4294967290, NOW + 9999999}, {0}, NOW, FILES_FETCH, false}, /* RFC 1982: older */
		{{true, 5, NOW + 9999999}, {0}, NOW, FILES_FETCH, true},
		{{true, 5, NOW + 9999999}, {.keep_unchanged = true}, NOW, FILES_KEEP, false},
		{{true, 8, NOW + 9999999}, {.keep_unchanged = true}, NOW, FILES_KEEP, false},
		{{true, 4, NOW + 9999999}, {.keep_unchanged = true}, NOW, FILES_FETCH, true}, /* content changed */
		{{true, 5, NOW + FILES_MARGIN_S}, {.keep_unchanged = true}, NOW, FILES_FETCH, true}, /* ages */
		{{true, 5, NOW + FILES_MARGIN_S + 1}, {.keep_unchanged = true}, NOW, FILES_KEEP, false},
		{{true, 5, NOW + 50}, {.keep_unchanged = true, .margin_s = 49}, NOW, FILES_KEEP, false},
		{{true, 5, 0},
		 {.keep_unchanged = true},
		 NOW,
		 FILES_FETCH,
		 true},                                                   /* unsigned: nothing says until when */
		{{true, 6, NOW + 9999999}, {0}, NOW, FILES_FETCH, false}, /* no delta from there */
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct files_decision d = files_decide(&p, &cases[i].held, &cases[i].choice, cases[i].now);
		if (d.verdict != cases[i].verdict || d.is_delta != cases[i].is_delta)
			fail_msg("case %zu: %d", i, d.verdict);
		assert_true((d.fetch != NULL) == (d.verdict == FILES_FETCH));
		assert_true((d.why != NULL) == (d.verdict == FILES_REFUSE));
		if (d.is_delta && d.fetch != NULL)
			assert_int_equal(d.fetch->from, cases[i].held.serial);
	}
	struct files_choice keep = {.keep_unchanged = true};
	struct files_held held = {true, 5, NOW + 9999999};
	assert_int_equal(files_decide(&p, &held, &keep, NOW).until, NOW + 9999999 - FILES_MARGIN_S);
	p.is_signed = false; /* whoever carries the pointer could have written that */
	assert_int_equal(files_decide(&p, &held, &keep, NOW).verdict, FILES_FETCH);
	p.delta[0].size = p.wire.size; /* no gain */
	assert_false(files_decide(&p, &held, &keep, NOW).is_delta);
}

/* What is offered ahead helps nobody who has nothing: he takes the version in force, if it is one and newer than what he has. */
static void in_force(void **state)
{
	struct files_pointer p = some_pointer();
	const struct files_choice needs = {.in_force = true}, can_wait = {0};
	struct files_held none = {0}, older = {true, 4294967289, 0}, same = {true, 4294967290, 0};
	p.fresh_until = NOW + 100;
	p.edition.valid_from = NOW + 10;
	p.edition.valid_until = NOW + 60;
	struct files_decision d = files_decide(&p, &none, &needs, NOW);
	assert_true(d.verdict == FILES_FETCH && d.is_present && !d.is_delta && d.fetch == &p.present.wire);
	assert_int_equal(d.serial, 4294967290);
	assert_true(files_decide(&p, &older, &needs, NOW).is_present);
	/* who has one that he may use, or that very one, takes what is ahead */
	d = files_decide(&p, &none, &can_wait, NOW);
	assert_true(d.verdict == FILES_FETCH && !d.is_present && d.fetch == &p.wire && d.serial == p.serial);
	assert_false(files_decide(&p, &same, &needs, NOW).is_present);
	/* so does who looks when its time has begun, or has another clock */
	assert_true(files_decide(&p, &none, &needs, NOW + 9).is_present);
	assert_false(files_decide(&p, &none, &needs, NOW + 10).is_present);
	assert_false(files_decide(&p, &none, &needs, NOW - 100).is_present);
	p.present.valid_until = NOW;
	assert_false(files_decide(&p, &none, &needs, NOW).is_present);
	p.present.wire.path[0] = '\0';
	assert_false(files_decide(&p, &none, &needs, NOW).is_present);
}

/* Two days of a publisher that looks each ten minutes, one that sleeps in between, and one whose clock jumps. */
static void renewals(void **state)
{
	int64_t written = NOW;
	unsigned n = 0;
	for (int64_t now = NOW; now < NOW + 172800; now += 600) {
		if (!files_renewal_due(written, 172800, now))
			continue;
		assert_int_equal(now - written, 21600); /* six hours */
		written = now;
		n++;
	}
	assert_int_equal(n, 7);
	assert_true(files_renewal_due(NOW, 172800, NOW + 86400)); /* after a night */
	assert_true(files_renewal_due(NOW, 172800, NOW - 1));     /* written in what is the future now */
	assert_false(files_renewal_due(NOW, 0, NOW + FILES_FRESH_DEFAULT_S / 8 - 1));
	assert_true(files_renewal_due(NOW, 0, NOW + FILES_FRESH_DEFAULT_S / 8));
	assert_true(files_renewal_due(NOW, 10, NOW + 1));
}

/* ---- the tree ---- */

static int publish(const char *text, unsigned deltas, uint32_t hold_s, int64_t now)
{
	struct files_publish_settings settings = {
		.folder = folder, .key = key, .deltas = deltas, .hold_s = hold_s, .now = now};
	struct buffer form = form_of(text);
	int rc = files_publish(&settings, apex, form.data, form.len, &published, why);
	buffer_done(&form);
	return rc;
}

static void must_publish(const char *text, unsigned deltas, uint32_t hold_s)
{
	if (publish(text, deltas, hold_s, clock_wall_s()) < 0)
		fail_msg("%s", why);
}

static void count_report(void *ctx, bool fault, const char *sentence)
{
	(*(unsigned *)ctx)++;
}

static int check(unsigned *ret_lines)
{
	*ret_lines = 0;
	return files_check(folder, apex, files_key_public(key), clock_wall_s(), count_report, ret_lines);
}

static bool there(const char *name)
{
	char path[160];
	snprintf(path, sizeof path, "%s/example/%s", folder, name);
	return access(path, F_OK) == 0;
}

/* Text that packs badly, so that deltas pay. */
static const char *version(uint32_t serial, const char *more)
{
	static char text[20000];
	struct random random;
	size_t len = (size_t)sprintf(text, "@ SOA a b %u 2 3 4 5\n", serial);
	random_init_seed(&random, 1);
	for (unsigned i = 0; i < 100; i++)
		len += (size_t)sprintf(text + len, "n%u TXT %llx%llx\n", i, (unsigned long long)random_u64(&random),
				       (unsigned long long)random_u64(&random));
	sprintf(text + len, "%s", more);
	return text;
}

static void tree(void **state)
{
	unsigned lines;
	must_publish(version(1, ""), 2, 0);
	assert_true(published.is_new);
	assert_int_equal(published.pointer.n_deltas, 0);
	must_publish(version(2, ""), 2, 0);
	must_publish(version(3, "x A 192.0.2.1\n"), 2, 0);
	assert_int_equal(published.pointer.n_deltas, 2);
	assert_int_equal(published.pointer.unchanged_since, 3);
	assert_true(there("1/zone.wire.zst") && there("3/from-1.delta") && !there("2/from-1.delta"));
	must_publish(version(4, "x A 192.0.2.1\n"), 2, 0);
	assert_int_equal(published.pointer.unchanged_since, 3);
	assert_true(!there("1/zone.wire.zst") && !there("1") && there("2/zone.wire.zst") && there("4/from-2.delta"));
	assert_int_equal(check(&lines), 0);
	assert_int_equal(lines, 5);
	must_publish(version(5, "x A 192.0.2.1\n"), 1, 0);
	must_publish(version(6, "x A 192.0.2.1\n"), 1, 0);
	assert_int_equal(published.pointer.unchanged_since, 3); /* longer ago than there are files */
	assert_int_equal(published.pointer.n_deltas, 1);
	/* again: only the pointer is new */
	struct files_pointer before = published.pointer;
	must_publish(version(6, "x A 192.0.2.1\n"), 1, 0);
	assert_false(published.is_new);
	assert_string_equal(published.pointer.delta[0].path, before.delta[0].path);
	assert_int_equal(published.pointer.delta[0].from, before.delta[0].from);
	assert_memory_equal(published.pointer.delta[0].hash, before.delta[0].hash, sizeof before.delta[0].hash);
	assert_int_equal(published.pointer.unchanged_since, 3);
	struct files_publish_settings renew = {.folder = folder, .key = key, .deltas = 1, .now = clock_wall_s() + 7};
	assert_int_equal(files_renew(&renew, apex, &published, why), 0);
	assert_int_equal(published.pointer.made, renew.now);
	assert_int_equal(published.pointer.n_deltas, 1);
	assert_int_equal(files_renew(&renew, (const uint8_t *)"\4none", &published, why), BANYAN_ENOENT);
	/* what is published never changes, and never goes back */
	assert_int_equal(publish(version(6, "y A 192.0.2.1\n"), 1, 0, NOW), BANYAN_EEXIST);
	assert_non_null(strstr(why, "serial 6 is published with other content"));
	assert_int_equal(publish(version(5, ""), 1, 0, NOW), BANYAN_EEXIST);
	assert_int_equal(check(&lines), 0);
	/* what was named until now stays for a while */
	must_publish(version(7, ""), 0, 3600);
	assert_true(there("6/from-5.delta") && there("6/zone.wire.zst"));
	must_publish(version(7, ""), 0, 0);
	assert_true(!there("6"));
}

static void damage(const char *name, long at)
{
	char path[160];
	snprintf(path, sizeof path, "%s/example/%s", folder, name);
	FILE *file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	int c = getc(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	assert_int_equal(putc(c ^ 1, file), c ^ 1);
	assert_int_equal(fclose(file), 0);
}

static void damaged_tree(void **state)
{
	static const char *const names[] = {"12/zone.wire.zst", "12/zone.text.zst", "12/from-11.delta", "current"};
	unsigned lines;
	must_publish(version(11, ""), 3, 0);
	must_publish(version(12, ""), 3, 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(check(&lines), 0);
		damage(names[i], 100);
		assert_int_equal(check(&lines), 1);
		damage(names[i], 100);
	}
	assert_int_equal(
		files_check(folder, apex, files_key_public(key), clock_wall_s() + 864000, count_report, &lines), 1);
	assert_int_equal(files_check(folder, (const uint8_t *)"\4none", NULL, NOW, count_report, &lines), 1);
	/* half a pointer counts as none, and is written anew */
	damage("current", 10);
	must_publish(version(12, ""), 3, 0);
	assert_int_equal(check(&lines), 0);
}

/* One with dates, in seconds from now. */
static const char *dated(uint32_t serial, int64_t now, int64_t from_s, int64_t until_s)
{
	static char text[200];
	char from[32], until[32];
	time_t a = (time_t)(now + from_s), b = (time_t)(now + until_s);
	struct tm tm;
	strftime(from, sizeof from, "%Y%m%d%H%M%S", gmtime_r(&a, &tm));
	strftime(until, sizeof until, "%Y%m%d%H%M%S", gmtime_r(&b, &tm));
	snprintf(text, sizeof text, "example. 60 IN TXT \"edition=open\" \"valid-from=%s\" \"valid-until=%s\"\n", from,
		 until);
	return version(serial, text);
}

/* The version in force stays beside the one that is offered ahead, through corrections and renewals, and goes when the time of that has come. */
static void offered_ahead(void **state)
{
	const struct files_present *present = &published.pointer.present;
	int64_t now = clock_wall_s() + 60; /* all that is written here is older, however long it takes */
	unsigned lines;
	assert_int_equal(publish(version(200, ""), 0, 0, now), 0);
	assert_int_equal(publish(dated(201, now, -100, 100), 0, 0, now), 0);
	assert_string_equal(present->wire.path, ""); /* itself in force */
	assert_int_equal(publish(dated(202, now, 50, 250), 0, 0, now), 0);
	assert_int_equal(present->serial, 201);
	assert_int_equal(present->valid_until, now + 100);
	assert_string_equal(present->wire.path, "201/zone.wire.zst");
	assert_true(there("201/zone.wire.zst") && !there("200/zone.wire.zst"));
	assert_int_equal(check(&lines), 0);
	damage("201/zone.wire.zst", 20);
	assert_int_equal(check(&lines), 1);
	damage("201/zone.wire.zst", 20);
	assert_int_equal(publish(dated(203, now, 50, 250), 0, 0, now + 1), 0); /* a correction */
	assert_int_equal(present->serial, 201);
	assert_true(there("201/zone.wire.zst") && !there("202/zone.wire.zst"));
	assert_int_equal(publish(dated(203, now, 50, 250), 0, 0, now + 49), 0); /* the pointer anew */
	assert_false(published.is_new);
	assert_int_equal(present->serial, 201);
	assert_int_equal(publish(dated(203, now, 50, 250), 0, 0, now + 50), 0);
	assert_string_equal(present->wire.path, "");
	assert_false(there("201/zone.wire.zst"));
	/* another edition in its place, or one without dates: there is nothing to keep for it */
	assert_int_equal(publish(version(204, ""), 0, 0, now + 50), 0);
	assert_int_equal(publish(dated(205, now, 500, 700), 0, 0, now + 50), 0);
	assert_string_equal(present->wire.path, "");
}

static void folder_names(void **state)
{
	static const struct {
		const char *name, *folder;
	} cases[] = {{".", "root"},     {"Example.COM.", "example.com"}, {"root.", NULL}, {"a\\/b.", NULL},
		     {"\\.\\..", NULL}, {"_x-1.arpa.", "_x-1.arpa"}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t name[WIRE_NAME_MAX];
		char out[WIRE_NAME_TEXT_MAX];
		assert_true(wire_name_parse(cases[i].name, name) > 0);
		int rc = files_folder_name(name, out);
		assert_int_equal(rc, cases[i].folder != NULL ? 0 : BANYAN_EINVAL);
		if (rc == 0)
			assert_string_equal(out, cases[i].folder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pointer_round), cmocka_unit_test(pointer_changed),
		cmocka_unit_test(pointer_wrong), cmocka_unit_test(decisions),
		cmocka_unit_test(tree),          cmocka_unit_test(damaged_tree),
		cmocka_unit_test(folder_names),  cmocka_unit_test(renewals),
		cmocka_unit_test(in_force),      cmocka_unit_test(offered_ahead),
	};
	return cmocka_run_group_tests_name("files", tests, begin, end);
}
