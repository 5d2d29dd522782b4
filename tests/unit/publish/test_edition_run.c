// SPDX-License-Identifier: GPL-3.0-or-later
/* Editions from one run to the next, in virtual time: what is out, what its keys count by, whose the folders are, and which reason a refusal has. */
#include "test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failing_disk.h"
#include "publish/edition/edition.h"

#define DAY   86400LL
#define START 1790000000LL

static char top[64];
static struct edition_result result;
static char why[EDITION_WHY_MAX];

/* An edition in a folder of its own. */
struct made {
	char folder[128], zone_file[160], keys[160], tree[160];
	struct edition_settings settings;
	struct edition *edition;
};

static int setup(void **state)
{
	snprintf(top, sizeof top, "/tmp/banyan-edition-XXXXXX");
	return mkdtemp(top) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	char command[128];
	disk_failing_folder = NULL;
	disk_link_fails = 0;
	snprintf(command, sizeof command, "rm -rf '%s'", top);
	return system(command);
}

static struct zone *zone_of(const char *text)
{
	struct zone_read_settings settings = {.origin = (const uint8_t *)"\7example"};
	struct zone_error error;
	struct zone *zone = NULL;
	if (zone_read_text("source", text, strlen(text), &settings, NULL, NULL, &zone, &error) < 0)
		fail_msg("%s", error.text);
	return zone;
}

static struct zone *source(unsigned ttl, const char *more)
{
	char text[1024];
	snprintf(text, sizeof text,
		 "example. %u SOA ns.example. h.example. 1 3600 600 604800 300\n"
		 "example. %u NS ns.example.\nns.example. %u A 192.0.2.1\n%s",
		 ttl, ttl, ttl, more);
	return zone_of(text);
}

static void describe(struct made *m, const char *name)
{
	memset(m, 0, sizeof *m);
	snprintf(m->folder, sizeof m->folder, "%s/%s", top, name);
	snprintf(m->zone_file, sizeof m->zone_file, "%s/out", m->folder);
	assert_int_equal(mkdir(m->folder, 0755), 0);
	assert_int_equal(mkdir(m->zone_file, 0755), 0);
	snprintf(m->zone_file, sizeof m->zone_file, "%s/out/zone", m->folder);
	snprintf(m->keys, sizeof m->keys, "%s/keys", m->folder);
	struct edition_settings *s = &m->settings;
	s->name = name;
	memcpy(s->zone, "\7example", 9);
	s->folder = m->folder;
	s->zone_file = m->zone_file;
	s->tree = s->tree_key = s->keys_token = "";
	s->keys_folder = m->keys;
	s->serial = EDITION_SERIAL_NEXT;
	s->source_shrink_max_percent = 100;
	s->signing = (struct make_signing){.validity_s = 13 * DAY,
					   .inception_before_s = 3600,
					   .refresh_s = 4 * DAY,
					   .jitter_s = DAY,
					   .zonemd = MAKE_ZONEMD_SHA384,
					   .threads = 1};
	keys_policy_init(&s->keys);
	s->keys.trust = KEYS_TRUST_5011;
}

static void begin(struct made *m)
{
	if (edition_open(&m->settings, &m->edition, why) != 0)
		fail_msg("%s", why);
}

static int run(struct made *m, unsigned ttl, const char *more, int64_t now)
{
	struct zone *zone = source(ttl, more);
	int rc = edition_run(m->edition, zone, &(struct edition_request){0}, now, &result);
	zone_free(zone);
	return rc;
}

static void must_run(struct made *m, unsigned ttl, const char *more, int64_t now)
{
	if (run(m, ttl, more, now) != 0 || result.outcome != EDITION_PUBLISHED)
		fail_msg("%s", result.why);
}

static void assert_refused(int rc, enum reason reason, const char *words)
{
	assert_int_not_equal(rc, 0);
	assert_int_equal(result.outcome, EDITION_REFUSED);
	if (result.reason != reason || strstr(result.why, words) == NULL)
		fail_msg("%s (%s)", result.why, reason_code(result.reason));
}

static uint32_t serial_out(const struct made *m)
{
	struct zone_read_settings settings = {.origin = m->settings.zone};
	struct zone_error error;
	struct zone *zone = NULL;
	if (zone_read_file(m->zone_file, &settings, NULL, NULL, &zone, &error) < 0)
		return 0;
	uint32_t serial = zone->serial;
	zone_free(zone);
	return serial;
}

/* A version that everybody sees is out, though the disk could not say that it will stay: its serial is never used again. */
static void seen_and_not_flushed(void **state)
{
	struct made m;
	char out[160];
	describe(&m, "one");
	begin(&m);
	must_run(&m, 3600, "", START);
	assert_int_equal(serial_out(&m), 1);
	snprintf(out, sizeof out, "%s/out", m.folder);
	disk_failing_folder = out;
	must_run(&m, 3600, "a.example. 60 A 192.0.2.2\n", START + 60);
	disk_failing_folder = NULL;
	assert_string_not_equal(result.warning, "");
	assert_int_equal(result.serial, 2);
	assert_int_equal(serial_out(&m), 2);
	assert_int_equal(edition_state_of(m.edition)->serial, 2);
	must_run(&m, 3600, "a.example. 60 A 192.0.2.3\n", START + 120);
	assert_int_equal(serial_out(&m), 3);
	edition_close(m.edition);
}

static struct keys_folder *keys_look(const struct made *m)
{
	struct keys_folder *folder;
	char words[KEYS_WHY_MAX];
	struct keys_open open = {.path = m->keys};
	if (keys_open(&open, &folder, words) != 0)
		fail_msg("%s", words);
	return folder;
}

static int64_t data_ttl(const struct made *m)
{
	struct keys_folder *folder = keys_look(m);
	int64_t ttl = keys_folder_policy(folder)->data_ttl_s;
	keys_close(folder);
	return ttl;
}

/* RFC 7583 reckons with what caches may hold: of the version that is out, and of the one that goes out, wherever its TTLs come from. */
static void ttls_of_what_is_signed(void **state)
{
	struct made m;
	describe(&m, "one");
	begin(&m);
	must_run(&m, 3600, "", START);
	assert_int_equal(data_ttl(&m), 3600);
	struct zone *add = zone_of("more.example. 7200 TXT \"x\"\n");
	m.settings.change.add = add;
	must_run(&m, 3600, "", START + 60);
	assert_int_equal(data_ttl(&m), 7200);
	m.settings.change.soa_ttl = 9000;
	must_run(&m, 3600, "", START + 120);
	assert_int_equal(data_ttl(&m), 9000);
	/* it is gone from the description, and caches still have it */
	m.settings.change.add = NULL;
	m.settings.change.soa_ttl = 0;
	must_run(&m, 600, "", START + 180);
	assert_int_equal(data_ttl(&m), 9000);
	must_run(&m, 600, "b.example. 60 A 192.0.2.2\n", START + 240);
	assert_int_equal(data_ttl(&m), 600);
	/* the TTL of the source's glue, at a server of the edition, which is signed; no cache believes it for longer than its signature is good */
	struct addr address;
	assert_int_equal(addr_parse("192.0.2.9", 0, &address), 0);
	struct edition_server server = {.n_addresses = 1, .address = &address};
	assert_true(wire_name_parse("s.example.", server.name) >= 0);
	m.settings.change.n_servers = 1;
	m.settings.change.server = &server;
	struct zone *zone = zone_of("example. 600 SOA ns.example. h.example. 1 3600 600 604800 300\n"
				    "example. 600 NS ns.sub.example.\nsub.example. 600 NS ns.sub.example.\n"
				    "ns.sub.example. 3600000 A 192.0.2.1\n");
	assert_int_equal(edition_run(m.edition, zone, &(struct edition_request){0}, START + 300, &result), 0);
	zone_free(zone);
	assert_int_equal(data_ttl(&m), 13 * DAY);
	zone_free(add);
	edition_close(m.edition);
}

/* Keys that live shorter than what they sign may be in caches: told before it is out. */
static void keys_that_live_too_short(void **state)
{
	struct made m;
	describe(&m, "one");
	m.settings.keys.zsk_lifetime_s = 4 * DAY;
	begin(&m);
	must_run(&m, 3600, "", START);
	assert_refused(run(&m, 3600, "long.example. 604800 A 192.0.2.2\n", START + 60), REASON_KEYS_UNUSABLE,
		       "to roll a ZSK takes");
	struct addr address;
	assert_int_equal(addr_parse("192.0.2.9", 0, &address), 0);
	struct edition_server server = {.n_addresses = 1, .address = &address};
	assert_true(wire_name_parse("s.example.", server.name) >= 0);
	m.settings.change.n_servers = 1;
	m.settings.change.server = &server;
	m.settings.change.address_ttl = 604800;
	assert_refused(run(&m, 3600, "", START + 120), REASON_KEYS_UNUSABLE, "to roll a ZSK takes");
	assert_int_equal(serial_out(&m), 1);
	edition_close(m.edition);
}

static int64_t since(const struct made *m)
{
	struct keys_folder *folder = keys_look(m);
	int64_t at = keys_folder_state(folder)->key[0].since;
	keys_close(folder);
	return at;
}

/* Who fetches from the tree has the version before until it is there, too: no interval begins. */
static void keys_wait_for_the_tree(void **state)
{
	struct made m;
	describe(&m, "one");
	snprintf(m.tree, sizeof m.tree, "%s/tree", top);
	m.settings.tree = m.tree;
	FILE *f = fopen(m.tree, "w"); /* no folder */
	assert_non_null(f);
	fclose(f);
	assert_int_not_equal(edition_open(&m.settings, &m.edition, why), 0);
	assert_int_equal(remove(m.tree), 0);
	begin(&m);
	must_run(&m, 3600, "", START);
	assert_string_not_equal(result.warning, "");
	assert_int_equal(since(&m), 0);
	assert_int_equal(mkdir(m.tree, 0755), 0);
	assert_int_equal(run(&m, 3600, "", START + 100), 0);
	assert_int_equal(result.outcome, EDITION_UNCHANGED);
	assert_int_equal(since(&m), START + 100);
	edition_close(m.edition);
}

/* A full disk is no token that is gone, and the other way round. */
static void reasons(void **state)
{
	struct made m;
	describe(&m, "one");
	m.settings.keys_token = "pkcs11:token=none?module-path=/nonexistent/module.so";
	begin(&m);
	assert_refused(run(&m, 3600, "", START), REASON_TOKEN_GONE, "the module cannot be loaded");
	disk_rename_fails = ENOSPC; /* of the note of what is made, then */
	assert_refused(run(&m, 3600, "", START), REASON_OUTPUT_NOT_WRITTEN, "make room there");
	m.settings.keys_token = "";
	must_run(&m, 3600, "", START);
	m.settings.keys_token = "pkcs11:token=none?module-path=/nonexistent/module.so";
	disk_rename_fails = ENOSPC; /* of the keys' state */
	assert_refused(run(&m, 3600, "a.example. 60 A 192.0.2.2\n", START + 60), REASON_OUTPUT_NOT_WRITTEN,
		       "make room there");
	assert_int_equal(serial_out(&m), 1);
	edition_close(m.edition);
}

static void assert_shared(const char *text, const char *what)
{
	const char *words[] = {what, "edition one of example.", "/one, and not of two in ",
			       "two editions cannot share it", "remove "};
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(text, words[i]) == NULL)
			fail_msg("'%s' is not in '%s'", words[i], text);
}

/* Keys, a zone file, a tree: whoever comes second is refused, and told by whom. */
static void what_two_cannot_share(void **state)
{
	struct made one, two;
	char path[256], moved[96];
	describe(&one, "one");
	describe(&two, "two");
	snprintf(one.tree, sizeof one.tree, "%s/tree", top);
	assert_int_equal(mkdir(one.tree, 0755), 0);
	one.settings.tree = one.tree;
	begin(&one);
	must_run(&one, 3600, "", START);
	two.settings.zone_file = one.zone_file;
	assert_int_equal(edition_open(&two.settings, &two.edition, why), BANYAN_EEXIST);
	assert_shared(why, one.zone_file);
	two.settings.zone_file = two.zone_file;
	two.settings.tree = one.tree;
	assert_int_equal(edition_open(&two.settings, &two.edition, why), BANYAN_EEXIST);
	assert_shared(why, "/tree/example");
	two.settings.tree = "";
	two.settings.keys_folder = one.keys;
	begin(&two);
	assert_refused(run(&two, 3600, "", START), REASON_KEYS_UNUSABLE, "two editions cannot share it");
	assert_shared(result.why, one.keys);
	edition_close(two.edition);
	edition_close(one.edition);
	/* the edition itself may move, with all that it has, or away from it */
	snprintf(moved, sizeof moved, "%s/moved", top);
	assert_int_equal(rename(one.folder, moved), 0);
	snprintf(one.folder, sizeof one.folder, "%s", moved);
	snprintf(one.zone_file, sizeof one.zone_file, "%s/out/zone", moved);
	snprintf(one.keys, sizeof one.keys, "%s/keys", moved);
	begin(&one);
	must_run(&one, 3600, "a.example. 60 A 192.0.2.2\n", START + 60);
	edition_close(one.edition);
	/* the other one is no more, and somebody has said so */
	snprintf(path, sizeof path, "%s.edition", one.zone_file);
	assert_int_equal(remove(path), 0);
	two.settings.zone_file = one.zone_file;
	two.settings.keys_folder = two.keys;
	begin(&two);
	edition_close(two.edition);
}

/* Whoever only looks takes nothing. */
static void a_look_takes_nothing(void **state)
{
	struct made one, two;
	describe(&one, "one");
	describe(&two, "two");
	snprintf(one.tree, sizeof one.tree, "%s/tree", top);
	assert_int_equal(mkdir(one.tree, 0755), 0);
	one.settings.tree = two.settings.tree = one.tree;
	two.settings.zone_file = one.zone_file;
	two.settings.keys_folder = one.keys;
	/* keys, so that there is something to look at */
	struct keys_open how = {
		.path = one.keys, .apex = one.settings.zone, .policy = &one.settings.keys, .write = true};
	struct keys_folder *keys;
	assert_int_equal(keys_open(&how, &keys, why), 0);
	assert_int_equal(keys_advance(keys, START, NULL, why), 0);
	keys_close(keys);
	begin(&two);
	struct zone *zone = source(3600, "");
	if (edition_run(two.edition, zone, &(struct edition_request){.dry = true}, START, &result) != 0)
		fail_msg("%s", result.why);
	zone_free(zone);
	edition_close(two.edition);
	begin(&one);
	must_run(&one, 3600, "", START);
	assert_int_equal(edition_open(&two.settings, &two.edition, why), BANYAN_EEXIST);
	edition_close(one.edition);
}

int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);

int __wrap_link(const char *from, const char *to)
{
	if (disk_link_fails == 0)
		return __real_link(from, to);
	errno = disk_link_fails;
	return -1;
}

/* A disk without links: what is one edition's is claimed all the same. */
static void claims_without_links(void **state)
{
	struct made one, two;
	describe(&one, "one");
	describe(&two, "two");
	two.settings.zone_file = one.zone_file;
	begin(&one);
	disk_link_fails = EPERM;
	must_run(&one, 3600, "", START);
	disk_link_fails = 0;
	assert_int_equal(edition_open(&two.settings, &two.edition, why), BANYAN_EEXIST);
	assert_shared(why, one.zone_file);
	edition_close(one.edition);
}

/* Two that were opened before either has written: the one that writes first has it. */
static void first_to_write(void **state)
{
	struct made one, two;
	describe(&one, "one");
	describe(&two, "two");
	two.settings.zone_file = one.zone_file;
	begin(&one);
	begin(&two);
	must_run(&two, 3600, "", START);
	assert_refused(run(&one, 3600, "", START), REASON_OUTPUT_NOT_WRITTEN, "two editions cannot share it");
	edition_close(two.edition);
	edition_close(one.edition);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(seen_and_not_flushed, setup, teardown),
		cmocka_unit_test_setup_teardown(ttls_of_what_is_signed, setup, teardown),
		cmocka_unit_test_setup_teardown(keys_that_live_too_short, setup, teardown),
		cmocka_unit_test_setup_teardown(keys_wait_for_the_tree, setup, teardown),
		cmocka_unit_test_setup_teardown(reasons, setup, teardown),
		cmocka_unit_test_setup_teardown(what_two_cannot_share, setup, teardown),
		cmocka_unit_test_setup_teardown(a_look_takes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(claims_without_links, setup, teardown),
		cmocka_unit_test_setup_teardown(first_to_write, setup, teardown),
	};
	return cmocka_run_group_tests_name("edition-run", tests, NULL, NULL);
}
