// SPDX-License-Identifier: GPL-3.0-or-later
/* Descriptions of editions: what they may say, what they default to, and the words for what they may not. */
#include "test.h"

#include "config/edition/edition.h"

static struct config_edition *good(const char *text)
{
	struct config_edition *edition = NULL;
	struct config_error error = {0};
	if (config_edition_read_text("dir/t.yaml", text, strlen(text), &edition, &error) < 0)
		fail_msg("refused: %s", error.text);
	return edition;
}

static void refused(const char *text, const char *words)
{
	struct config_edition *edition = (struct config_edition *)1;
	struct config_error error = {0};
	assert_true(config_edition_read_text("t", text, strlen(text), &edition, &error) < 0);
	assert_ptr_equal(edition, (struct config_edition *)1);
	assert_string_equal(error.text, words);
}

static void defaults(void **state)
{
	struct config_edition *e = good("edition:\n  folder: x\n");
	assert_string_equal(e->edition.folder, "dir/x");
	assert_string_equal(e->edition.name, "");
	assert_string_equal(e->edition.zone, ".");
	assert_int_equal(e->edition.serial, CONFIG_SERIAL_SOURCE);
	assert_string_equal(e->keys.folder, "dir/x/keys");
	assert_string_equal(e->output.zone_file, "dir/x/zone");
	assert_string_equal(e->output.tree, "");
	assert_int_equal(e->source.shrink_max_percent, 10);
	assert_int_equal(e->apex.n_servers, 0);
	assert_int_equal(e->keys.algorithm, 13);
	assert_true(e->keys.split);
	assert_int_equal(e->signing.validity_s, 13 * 86400);
	assert_int_equal(e->signing.zonemd, CONFIG_ZONEMD_SHA384);
	assert_int_equal(e->schedule.every_s, 0);
	config_edition_free(e);
}

static void servers(void **state)
{
	struct config_edition *e = good("edition: {name: short, folder: /x, serial: date}\n"
					"apex:\n"
					"  name-servers:\n"
					"  - name: a.\n"
					"    addresses: [192.0.2.1, \"2001:db8::1\"]\n"
					"  - {name: b}\n"
					"  ns-ttl: 2d\n"
					"records: {remove: [old], add: [\"new. 300 IN NS ns.new.\"]}\n"
					"keys: {algorithm: 8, split: false}\n"
					"signing: {denial: nsec3, nsec3-salt: aabb, zonemd: both}\n"
					"schedule: {every: 24h}\n");
	assert_int_equal(e->apex.n_servers, 2);
	assert_string_equal(e->apex.server[0].name, "a.");
	assert_int_equal(e->apex.server[0].addresses.count, 2);
	assert_int_equal(e->apex.server[0].addresses.item[1].family, 6);
	assert_string_equal(e->apex.server[1].name, "b.");
	assert_int_equal(e->apex.server[1].addresses.count, 0);
	assert_int_equal(e->apex.ns_ttl_s, 172800);
	assert_int_equal(e->edition.serial, CONFIG_SERIAL_DATE);
	assert_string_equal(e->records.remove.item[0], "old.");
	assert_string_equal(e->records.add.item[0], "new. 300 IN NS ns.new.");
	assert_int_equal(e->keys.algorithm, 8);
	assert_false(e->keys.split);
	assert_int_equal(e->signing.denial, CONFIG_DENIAL_NSEC3);
	assert_int_equal(e->signing.zonemd, CONFIG_ZONEMD_BOTH);
	assert_int_equal(e->schedule.valid_s, 48 * 3600);
	config_edition_free(e);
}

static void wrong(void **state)
{
	refused("", "t: edition: 'folder' is missing");
	refused("edition: {name: x}\n", "t:1:10: edition: 'folder' is missing");
	refused("edition: {folder: x, colour: red}\n",
		"t:1:22: edition: there is no option 'colour'; known here are name, zone, folder, serial");
	refused("edtion: {}\n", "t:1:1: there is no option 'edtion'; did you mean 'edition'?");
	refused("edition: {folder: x, folder: y}\n",
		"t:1:22: edition.folder: stands here again; it stood in line 1 already");
	refused("edition: {folder: x}\nedition: {}\n", "t:2:1: edition: stands here again; it stood in line 1 already");
	refused("edition: {folder: x}\nsource: {shrink-max: 101}\n",
		"t:2:22: source.shrink-max: found '101'; allowed is a whole number from 0 to 100");
	for (int algorithm = 9; algorithm <= 12; algorithm += algorithm == 9 ? 2 : 1) {
		char text[80], said[120];
		snprintf(text, sizeof text, "edition: {folder: x}\nkeys: {algorithm: %d}\n", algorithm);
		snprintf(said, sizeof said,
			 "t:2:19: keys.algorithm: found %d; to sign with are 8, 10, 13, 14, 15 and 16", algorithm);
		refused(text, said);
	}
	refused("edition: {folder: x}\nkeys: {algorithm: 7}\n",
		"t:2:19: keys.algorithm: found '7'; allowed is a whole number from 8 to 16");
	refused("edition: {folder: x}\napex: {name-servers: [a]}\n",
		"t:2:23: apex.name-servers[0]: found 'a'; allowed is a mapping with name");
	refused("edition: {folder: x}\napex: {name-servers: [{addresses: []}]}\n",
		"t:2:23: apex.name-servers[0]: 'name' is missing");
	refused("edition: {folder: x, name: n}\napex: {name-servers: [{name: a, addresses: [300.1.1.1]}]}\n",
		"t:2:45: apex.name-servers[0].addresses: found '300.1.1.1'; allowed is an address without port");
	refused("edition: {folder: x}\napex: {name-servers: [{name: a}]}\n",
		"t:2:22: apex.name-servers: an edition with an apex other than its source's is a namespace of its own "
		"and needs a "
		"name: give edition.name");
	refused("edition: {folder: x, name: a b}\n",
		"t:1:28: edition.name: found 'a b'; allowed are letters, digits, hyphens, underscores and dots");
	refused("edition: {folder: x, name: n}\napex: {name-servers: [{name: a}, {name: A.}]}\n",
		"t:2:22: apex.name-servers: A. stands there twice");
	refused("edition: {folder: x}\nsigning: {refresh: 13d}\n",
		"t:2:20: signing.refresh: with signing.jitter it is not shorter than what signatures live: each would "
		"be made anew each "
		"time; lower refresh or jitter, or raise validity");
	refused("edition: {folder: x}\nsigning: {nsec3-salt: abc}\n",
		"t:2:23: signing.nsec3-salt: found 'abc'; allowed are bytes in hexadecimal");
	refused("edition: {folder: x}\nschedule: {every: 1d}\n",
		"t:2:19: schedule.every: an edition with dates needs a name: give edition.name");
	refused("edition: {folder: x, name: n}\nschedule: {every: 2d}\n",
		"t:2:1: schedule.valid: it must be longer than schedule.every, or there would be times without a valid "
		"version");
	refused("edition: {folder: x, name: n}\nschedule: {every: 1h, ahead: 1h}\n",
		"t:2:30: schedule.ahead: it must be shorter than schedule.every");
}

static void not_there(void **state)
{
	struct config_edition *edition;
	struct config_error error;
	assert_true(config_edition_read_file("/nowhere/e.yaml", &edition, &error) < 0);
	assert_string_equal(error.text, "/nowhere/e.yaml: cannot be read: not found");
}

/* The sample is read as it stands, and means the same as nothing at all. */
static void sample(void **state)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	assert_int_equal(config_edition_sample(&text), 0);
	assert_int_equal(buffer_append(&text, "", 1), 0);
	struct config_edition *e = good((const char *)text.data);
	assert_string_equal(e->edition.folder, "dir/.");
	assert_int_equal(e->signing.jitter_s, 12 * 3600);
	config_edition_free(e);
	/* and so it is with every option at its default written out */
	_cleanup_(buffer_done) struct buffer all = {0};
	for (char *line = strtok((char *)text.data, "\n"); line != NULL; line = strtok(NULL, "\n"))
		if (strncmp(line, "  #", 3) == 0 && line[3] != ' ')
			assert_int_equal(buffer_printf(&all, "  %s\n", line + 3), 0);
		else if (line[0] != ' ' || line[2] != '#')
			assert_int_equal(buffer_printf(&all, "%s\n", line), 0);
	e = good((const char *)all.data);
	assert_int_equal(e->signing.jitter_s, 12 * 3600);
	config_edition_free(e);
}

/* What stands as an example is read once each "# " is taken away. */
static void example_of_the_sample(void **state)
{
	_cleanup_(buffer_done) struct buffer text = {0}, bare = {0};
	assert_int_equal(config_edition_sample(&text), 0);
	assert_int_equal(buffer_append(&text, "", 1), 0);
	char *line = strstr((char *)text.data, "  # name-servers:\n");
	assert_non_null(line);
	assert_int_equal(buffer_printf(&bare, "edition: {name: x, folder: x}\napex:\n"), 0);
	for (line = strtok(line, "\n"); line != NULL && strncmp(line, "  # ", 4) == 0; line = strtok(NULL, "\n")) {
		if (strstr(line, "TTL") != NULL) /* the next option */
			break;
		assert_int_equal(buffer_printf(&bare, "  %s\n", line + 4), 0);
	}
	struct config_edition *e = good((const char *)bare.data);
	assert_int_equal(e->apex.n_servers, 1);
	config_edition_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),  cmocka_unit_test(servers), cmocka_unit_test(wrong),
		cmocka_unit_test(not_there), cmocka_unit_test(sample),  cmocka_unit_test(example_of_the_sample),
	};
	return cmocka_run_group_tests_name("edition", tests, NULL, NULL);
}
