// SPDX-License-Identifier: GPL-3.0-or-later
/* Publication lists: the draft's own example, ours with a signature, and what is not taken. */
#include "test.h"

#include <openssl/evp.h>

#include "sync/pull/pull.h"

/* keys of this test alone */
static const char private_key[] = "-----BEGIN PRIVATE KEY-----\n"
				  "MC4CAQAwBQYDK2VwBCIEIGJ1qg+yFFih6ZjA+bXJT/H4Xgi+AoZcdPomSeqWXksY\n"
				  "-----END PRIVATE KEY-----\n";
static const char public_key[] = "-----BEGIN PUBLIC KEY-----\n"
				 "MCowBQYDK2VwAyEASFsPtWqxI8c6DkFEecwuBDZzIzlxhaUyawzJd0MNVfQ=\n"
				 "-----END PUBLIC KEY-----\n";
/* RFC 8410 section 10.1 */
static const char other_key[] = "-----BEGIN PUBLIC KEY-----\n"
				"MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
				"-----END PUBLIC KEY-----\n";

/* draft-hardaker-dnsop-root-zone-publication-points-01, its example with its checksum */
static const char draft[] = "http://www.internic.net/domain/root.zone\n"
			    "https://www.internic.net/domain/root.zone\n"
			    "axfr:b.root-servers.net/.\n"
			    "----\n"
			    "SHA256\n"
			    "fba70cbd347741662a3e6c27056d0b8be07b65085633891407e24731c6736307\n";

#define NOW 1790000000

static struct pull_list_settings at_now(const char *keys)
{
	return (struct pull_list_settings){.now = NOW, .keys = keys};
}

static int parse(const char *text, const char *keys, struct pull_list *ret, char why[PULL_WHY_MAX])
{
	struct pull_list_settings settings = at_now(keys);
	why[0] = '\0';
	return pull_list_parse(text, strlen(text), &settings, ret, why);
}

static void refuse(const char *text, const char *keys, int error, const char *with)
{
	struct pull_list list = {.n_dropped = 77};
	char why[PULL_WHY_MAX];
	int rc = parse(text, keys, &list, why);
	if (rc != error || strstr(why, with) == NULL)
		fail_msg("refused with %d '%s', not with %d and '%s': %s", rc, why, error, with, text);
	assert_int_equal(list.n_dropped, 77);
}

/* A list of these lines with its checksum. */
static char *with_checksum(const char *lines)
{
	struct buffer out = {0};
	char why[PULL_WHY_MAX];
	struct pull_list_making making = {.lines = lines, .serial = 5};
	if (pull_list_make(&making, &out, why) < 0)
		fail_msg("%s: %s", lines, why);
	assert_int_equal(buffer_printf(&out, "%s", "") < 0, 0);
	return (char *)out.data;
}

/* The same, for lines that cannot be made into a list. */
static char *forced(const char *lines)
{
	char digest[65], *text = malloc(4096);
	uint8_t raw[32];
	assert_int_equal(EVP_Digest(lines, strlen(lines), raw, NULL, EVP_sha256(), NULL), 1);
	for (size_t i = 0; i < sizeof raw; i++)
		snprintf(digest + 2 * i, 3, "%02x", raw[i]);
	snprintf(text, 4096, "%s----\nSHA256\n%s\n", lines, digest);
	return text;
}

static void refuse_lines(const char *lines, int error, const char *with)
{
	char *text = forced(lines);
	refuse(text, NULL, error, with);
	free(text);
}

static void draft_example(void **state)
{
	struct pull_list list;
	char why[PULL_WHY_MAX];
	assert_int_equal(parse(draft, NULL, &list, why), 0);
	assert_int_equal(list.proof, PULL_LIST_CHECKSUM);
	assert_int_equal(list.sources.n, 3);
	assert_string_equal(list.sources.item[0].text, "http://www.internic.net/domain/root.zone");
	assert_string_equal(list.sources.item[2].text, "xfr:b.root-servers.net");
	assert_false(list.has_serial);
	assert_int_equal(list.expires, 0);
	pull_list_done(&list);
	/* of version 00 */
	assert_int_equal(parse("axfr:b.root-servers.net/.\n----\nSHA256\n"
			       "67d687eb21e59321dbb8115c51d1b4ddbd6634362859d130ed77b47a4410656c",
			       NULL, &list, why),
			 0);
	pull_list_done(&list);
}

static void kinds(void **state)
{
	struct pull_list list;
	char why[PULL_WHY_MAX];
	char *text = with_checksum("# a comment\n\n \txfr:192.0.2.1 \n"
				   "ixfr:[2001:db8::1]:5300/.\nxot:ns.example:8853/.\nxot:192.0.2.9 name=x.example\n"
				   "axfr:192.0.2.1/.\naxfr:ns.example/example.\nftp://a/b\nquic:x\nfile:/etc/passwd\n"
				   "https://example.net/root/ address=192.0.2.7\nlist:/other\n");
	assert_int_equal(parse(text, NULL, &list, why), 0);
	free(text);
	assert_int_equal(list.sources.n, 5);
	assert_string_equal(list.sources.item[0].text, "xfr:192.0.2.1"); /* and axfr: is the same */
	assert_string_equal(list.sources.item[1].text, "xfr:2001:db8::1@5300");
	assert_string_equal(list.sources.item[2].text, "xot:ns.example@8853 name=ns.example");
	assert_int_equal(list.sources.item[4].n_addresses, 1);
	assert_int_equal(list.n_dropped, 5);
	pull_list_done(&list);
	text = with_checksum("axfr:a.example/.\naxfr:b.example/.\n");
	struct pull_list_settings settings = {.zone = "example.", .now = NOW};
	assert_int_equal(pull_list_parse(text, strlen(text), &settings, &list, why), BANYAN_ENOENT);
	free(text);
	text = forced("axfr:a.example/.\naxfr:b.example/EXAMPLE.\nixfr:c.example/example\n");
	assert_int_equal(pull_list_parse(text, strlen(text), &settings, &list, why), 0);
	assert_int_equal(list.sources.n, 2);
	pull_list_done(&list);
	free(text);
}

static void malformed(void **state)
{
	refuse("", NULL, BANYAN_EMALF, "four dashes");
	refuse("axfr:b.root-servers.net/.\n", NULL, BANYAN_EMALF, "four dashes");
	refuse("axfr:b.root-servers.net/.\n----", NULL, BANYAN_EMALF, "four dashes");
	refuse("axfr:b.root-servers.net/.\n----\r\nSHA256\n", NULL, BANYAN_EMALF, "four dashes");
	refuse("axfr:b.root-servers.net/.\n-----\nSHA256\n", NULL, BANYAN_EMALF, "four dashes");
	refuse("axfr:b.root-servers.net/.\n----\n", NULL, BANYAN_EMALF, "missing");
	refuse("axfr:b.root-servers.net/.\n----\nSHA256\n", NULL, BANYAN_EMALF, "missing");
	refuse("axfr:b.root-servers.net/.\n----\nSHA256\nabc\n", NULL, BANYAN_EMALF, "64 hexadecimal");
	refuse("axfr:b.root-servers.net/.\n----\nMD5\nabc\n", NULL, BANYAN_EPROOF, "MD5");
	char text[sizeof draft + 16];
	strcpy(text, draft);
	text[7] = 'W';
	refuse(text, NULL, BANYAN_EPROOF, "damaged");
	snprintf(text, sizeof text, "%smore\n", draft);
	refuse(text, NULL, BANYAN_EMALF, "more stands behind");
	struct pull_list list;
	char why[PULL_WHY_MAX];
	struct pull_list_settings settings = at_now(NULL);
	assert_int_equal(pull_list_parse("a\0b", 3, &settings, &list, why), BANYAN_EMALF);
	char *large = calloc(1, PULL_LIST_BYTES_MAX + 2);
	memset(large, '\n', PULL_LIST_BYTES_MAX + 1);
	refuse(large, NULL, BANYAN_EMALF, "longer than");
	free(large);
}

static void malformed_lines(void **state)
{
	refuse_lines("axfr:b.root-servers.net\n", BANYAN_EMALF, "line 1: a slash");
	refuse_lines("# x\naxfr:/.\n", BANYAN_EMALF, "line 2: the host");
	refuse_lines("axfr:a:/.\n", BANYAN_EMALF, "port is missing");
	refuse_lines("axfr:a:b/.\n", BANYAN_EMALF, "1 to 65535");
	refuse_lines("axfr:a/\n", BANYAN_EMALF, "zone");
	refuse_lines("axfr:a/. more\n", BANYAN_EMALF, "nothing else");
	refuse_lines("b.root-servers.net\n", BANYAN_EMALF, "no URL");
	refuse_lines("https://a/ ca=/etc/shadow\n", BANYAN_EMALF, "not for the list");
	refuse_lines("https://user@a/\n", BANYAN_EMALF, "user");
	refuse_lines("#! serial x\nhttps://a/\n", BANYAN_EMALF, "serial");
	refuse_lines("#! serial 1\n#! serial 2\nhttps://a/\n", BANYAN_EMALF, "once");
	refuse_lines("#! expires tomorrow\nhttps://a/\n", BANYAN_EMALF, "2026-12-31T00:00:00Z");
	refuse_lines("#! future thing\nhttps://a/\n", BANYAN_EMALF, "does not know");
	refuse_lines("ftp://a/b\n", BANYAN_ENOENT, "1 are of other kinds");
	refuse_lines("# nothing\n", BANYAN_ENOENT, "no source");
	refuse_lines("#! expires 2020-01-01T00:00:00Z\nhttps://a/\n", BANYAN_EPROOF, "expired");
}

static char *signed_list(uint64_t serial, int64_t expires)
{
	struct buffer out = {0};
	char why[PULL_WHY_MAX];
	struct pull_list_making making = {.lines = "#! serial 1\nhttps://a.example/\n",
					  .serial = serial,
					  .expires = expires,
					  .private_key = private_key};
	if (pull_list_make(&making, &out, why) < 0)
		fail_msg("%s", why);
	assert_int_equal(buffer_printf(&out, "%s", "") < 0, 0);
	return (char *)out.data;
}

static void signatures(void **state)
{
	struct pull_list list;
	char why[PULL_WHY_MAX], both[1024], *text = signed_list(7, NOW + 10);
	assert_int_equal(parse(text, public_key, &list, why), 0);
	assert_int_equal(list.proof, PULL_LIST_SIGNED);
	assert_int_equal(list.serial, 7);
	assert_int_equal(list.expires, NOW + 10);
	pull_list_done(&list);
	snprintf(both, sizeof both, "%s%s", other_key, public_key);
	assert_int_equal(parse(text, both, &list, why), 0);
	pull_list_done(&list);
	refuse(text, other_key, BANYAN_EPROOF, "not that of the key");
	refuse(text, "", BANYAN_ECONFIG, "no public key");
	refuse(text, private_key, BANYAN_ECONFIG, "no public key");
	refuse(text, NULL, BANYAN_EPROOF, "key=FILE");
	refuse(draft, public_key, BANYAN_EPROOF, "checksum only");
	struct pull_list_settings settings = at_now(public_key);
	settings.now = NOW + 10;
	assert_int_equal(pull_list_parse(text, strlen(text), &settings, &list, why), BANYAN_EPROOF);
	settings = at_now(public_key);
	settings.has_serial = true;
	settings.serial = 8;
	assert_int_equal(pull_list_parse(text, strlen(text), &settings, &list, why), BANYAN_EPROOF);
	assert_non_null(strstr(why, "older"));
	settings.serial = 7;
	assert_int_equal(pull_list_parse(text, strlen(text), &settings, &list, why), 0);
	pull_list_done(&list);
	/* each byte that is signed counts, and each of the signature */
	for (char *p = text; p[1] != '\0'; p++) {
		*p ^= 1;
		int rc = parse(text, public_key, &list, why);
		if (rc == 0)
			fail_msg("byte %zu may be changed", (size_t)(p - text));
		*p ^= 1;
	}
	free(text);
	struct pull_list_making making = {.lines = "https://a/\n", .serial = 1, .private_key = private_key};
	struct buffer out = {0};
	assert_int_equal(pull_list_make(&making, &out, why), BANYAN_EINVAL);
	making.private_key = public_key;
	making.expires = NOW;
	assert_int_equal(pull_list_make(&making, &out, why), BANYAN_ECONFIG);
	making = (struct pull_list_making){.lines = "nonsense\n", .serial = 1};
	assert_int_equal(pull_list_make(&making, &out, why), BANYAN_EMALF);
	assert_int_equal(out.len, 0);
}

static void remove_folder(const char *folder)
{
	char command[128];
	snprintf(command, sizeof command, "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

/* Asked for once a week, over restarts. */
static void at_rest(void **state)
{
	char folder[] = "/tmp/banyan-list-XXXXXX", key_path[64], text_of_source[200];
	assert_non_null(mkdtemp(folder));
	snprintf(key_path, sizeof key_path, "%s/key.pem", folder);
	assert_int_equal(file_write_atomic(key_path, public_key, strlen(public_key)), 0);
	snprintf(text_of_source, sizeof text_of_source, "list:https://example.net/list key=%s", key_path);
	struct pull_source source;
	struct pull_list_state lists;
	char why[PULL_WHY_MAX];
	int64_t now = clock_wall_s();
	assert_int_equal(pull_source_parse(text_of_source, &source, why), 0);
	assert_int_equal(pull_list_load(folder, &source, ".", now, &lists), 0);
	assert_false(lists.have);
	assert_int_equal(lists.due, now);
	assert_int_equal(pull_list_take(folder, &source, ".", now, NULL, 0, &lists), 0);
	assert_int_equal(lists.due, now + PULL_LIST_FIRST_S);
	char *text = signed_list(7, now + 30 * 86400);
	assert_int_equal(pull_list_take(folder, &source, ".", now, text, strlen(text), &lists), 0);
	assert_true(lists.have);
	assert_int_equal(lists.due, now + PULL_LIST_WEEK_S);
	char *older = signed_list(6, now + 30 * 86400);
	assert_int_equal(pull_list_take(folder, &source, ".", now + 9, older, strlen(older), &lists), BANYAN_EPROOF);
	assert_true(lists.have);
	assert_int_equal(lists.list.serial, 7);
	assert_int_equal(lists.due, now + 9 + PULL_LIST_RETRY_S);
	pull_list_done(&lists.list);
	assert_int_equal(pull_list_load(folder, &source, ".", now + 3600, &lists), 0);
	assert_true(lists.have);
	assert_in_range(lists.due, now + PULL_LIST_WEEK_S - 5, now + PULL_LIST_WEEK_S + 60);
	pull_list_done(&lists.list);
	/* an expired one is none */
	assert_int_equal(pull_list_load(folder, &source, ".", now + 31 * 86400, &lists), 0);
	assert_false(lists.have);
	assert_int_equal(lists.due, now + 31 * 86400);
	/* one that expires soon is asked for then */
	char *soon = signed_list(8, now + 86400);
	assert_int_equal(pull_list_take(folder, &source, ".", now, soon, strlen(soon), &lists), 0);
	assert_int_equal(lists.due, now + 86400);
	pull_list_done(&lists.list);
	free(text);
	free(older);
	free(soon);
	remove_folder(folder);
}

/* What was taken once keeps older ones out, when it has expired and after a restart; what anybody can write does not. */
static void floors(void **state)
{
	char folder[] = "/tmp/banyan-list-XXXXXX", key_path[64], text_of_source[200], path[64];
	assert_non_null(mkdtemp(folder));
	snprintf(key_path, sizeof key_path, "%s/key.pem", folder);
	assert_int_equal(file_write_atomic(key_path, public_key, strlen(public_key)), 0);
	struct pull_source source;
	struct pull_list_state lists;
	char why[PULL_WHY_MAX];
	int64_t now = clock_wall_s(), later = now + 40 * 86400;
	char *new = signed_list(8, now + 86400), *old = signed_list(7, now + 90 * 86400);
	char *newer = signed_list(9, now + 90 * 86400);
	snprintf(path, sizeof path, "%s/here", folder);
	const char *format[] = {"list:https://example.net/list key=%s", "list:%s/here key=%s"};
	for (size_t i = 0; i < ARRAY_SIZE(format); i++) {
		if (i == 0)
			snprintf(text_of_source, sizeof text_of_source, format[0], key_path);
		else
			snprintf(text_of_source, sizeof text_of_source, format[1], folder, key_path);
		assert_int_equal(pull_source_parse(text_of_source, &source, why), 0);
		assert_int_equal(file_write_atomic(path, new, strlen(new)), 0);
		assert_int_equal(pull_list_load(folder, &source, ".", now, &lists), 0);
		if (i == 0)
			assert_int_equal(pull_list_take(folder, &source, ".", now, new, strlen(new), &lists), 0);
		assert_true(lists.have && lists.has_floor && lists.floor == 8);
		/* it expires, and is nothing any more; nobody answers */
		assert_int_equal(pull_list_take(folder, &source, ".", later, NULL, 0, &lists), 0);
		assert_false(lists.have);
		assert_int_equal(pull_list_take(folder, &source, ".", later, old, strlen(old), &lists), BANYAN_EPROOF);
		assert_non_null(strstr(lists.why, "remove the file"));
		/* a restart */
		assert_int_equal(file_write_atomic(path, old, strlen(old)), 0);
		assert_int_equal(pull_list_load(folder, &source, ".", later, &lists), 0);
		assert_false(lists.have);
		assert_true(lists.has_floor && lists.floor == 8);
		assert_int_equal(pull_list_take(folder, &source, ".", later, old, strlen(old), &lists), BANYAN_EPROOF);
		assert_int_equal(pull_list_take(folder, &source, ".", later, newer, strlen(newer), &lists), 0);
		assert_true(lists.have && lists.floor == 9);
		pull_list_done(&lists.list);
	}
	/* the operator's word */
	char command[128];
	snprintf(command, sizeof command, "rm %s/list-*", folder);
	assert_int_equal(system(command), 0);
	assert_int_equal(file_write_atomic(path, old, strlen(old)), 0);
	assert_int_equal(pull_list_load(folder, &source, ".", later, &lists), 0);
	assert_true(lists.have && lists.list.serial == 7);
	pull_list_done(&lists.list);
	remove_folder(folder);
	free(new);
	free(newer);
	free(old);
}

/* By a checksum alone: no mark stays. */
static void floor_of_a_checksum(void **state)
{
	char folder[] = "/tmp/banyan-list-XXXXXX", why[PULL_WHY_MAX];
	struct pull_source source;
	struct pull_list_state lists;
	struct buffer high = {0}, low = {0};
	int64_t now = clock_wall_s();
	assert_non_null(mkdtemp(folder));
	struct pull_list_making making = {.lines = "https://a.example/\n", .serial = 4000000000};
	assert_int_equal(pull_list_make(&making, &high, why), 0);
	making.serial = 3;
	assert_int_equal(pull_list_make(&making, &low, why), 0);
	assert_int_equal(pull_source_parse("list:http://192.0.2.1/list", &source, why), 0);
	assert_int_equal(pull_list_load(folder, &source, ".", now, &lists), 0);
	assert_int_equal(pull_list_take(folder, &source, ".", now, (char *)high.data, high.len, &lists), 0);
	assert_false(lists.has_floor);
	assert_int_equal(pull_list_take(folder, &source, ".", now, (char *)low.data, low.len, &lists), BANYAN_EPROOF);
	pull_list_done(&lists.list);
	char command[128];
	snprintf(command, sizeof command, "rm %s/list-*", folder);
	assert_int_equal(system(command), 0);
	assert_int_equal(pull_list_load(folder, &source, ".", now, &lists), 0);
	assert_int_equal(pull_list_take(folder, &source, ".", now, (char *)low.data, low.len, &lists), 0);
	pull_list_done(&lists.list);
	buffer_done(&high);
	buffer_done(&low);
	remove_folder(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draft_example), cmocka_unit_test(kinds),
		cmocka_unit_test(malformed),     cmocka_unit_test(malformed_lines),
		cmocka_unit_test(signatures),    cmocka_unit_test(at_rest),
		cmocka_unit_test(floors),        cmocka_unit_test(floor_of_a_checksum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
