// SPDX-License-Identifier: GPL-3.0-or-later
/* Keys in a token (PKCS #11), by SoftHSM2: made, used, gone in the middle, back again. */
#include "../test.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failing_disk.h"

#include "publish/keys/keys.h"

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define START  1790000000LL
#define ZONE   ((const uint8_t *)"\7example")

static char top[64], keys[96], tokens[96], away[96], uri[512];
static char why[KEYS_WHY_MAX];

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static int setup(void **state)
{
	char path[256], text[512];
	if (access(MODULE, R_OK) != 0 || system("command -v softhsm2-util >/dev/null") != 0)
		return 0;
	snprintf(top, sizeof top, "/tmp/banyan-token-XXXXXX");
	assert_non_null(mkdtemp(top));
	snprintf(keys, sizeof keys, "%s/keys", top);
	snprintf(tokens, sizeof tokens, "%s/tokens", top);
	snprintf(away, sizeof away, "%s/away", top);
	assert_int_equal(mkdir(tokens, 0700), 0);
	snprintf(path, sizeof path, "%s/softhsm.conf", top);
	snprintf(text, sizeof text, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n",
		 tokens);
	write_text(path, text);
	assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
	snprintf(path, sizeof path, "%s/pin", top);
	write_text(path, "1234");
	snprintf(uri, sizeof uri, "pkcs11:token=banyan?module-path=" MODULE "&pin-source=file:%s", path);
	assert_int_equal(system("softhsm2-util --init-token --free --label banyan --pin 1234 --so-pin 4321 >/dev/null"),
			 0);
	return 0;
}

static int teardown(void **state)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", top);
	return top[0] != '\0' ? system(command) : 0;
}

static void must(int rc)
{
	if (rc != 0)
		fail_msg("%d: %s", rc, why);
}

static struct keys_folder *must_open(const struct keys_policy *policy)
{
	struct keys_folder *folder = NULL;
	struct keys_open how = {.path = keys, .apex = ZONE, .policy = policy, .write = true};
	must(keys_open(&how, &folder, why));
	keys_folder_token(folder, uri);
	return folder;
}

/* Signs a set with the key, and looks at the signature as a validator would. */
static int sign(const struct make_key *key, const struct keys_key *of)
{
	_cleanup_(buffer_done) struct buffer rrsig = {0};
	if (of == NULL)
		return BANYAN_EINVAL;
	struct wire_rdata rdata = {.data = of->rdata, .len = of->rdata_len};
	struct wire_rrset set = {.owner = ZONE,
				 .type = WIRE_TYPE_DNSKEY,
				 .rclass = WIRE_CLASS_IN,
				 .ttl = 3600,
				 .count = 1,
				 .rdata = &rdata};
	struct dnssec_key *check;
	enum reason reason;
	int rc = make_rrsig(&set, key, ZONE, START - 3600, START + 86400, &rrsig);
	if (rc != 0)
		return rc;
	struct wire_rdata sig = {.data = rrsig.data, .len = (uint16_t)rrsig.len};
	assert_int_equal(dnssec_key_new(of->rdata, of->rdata_len, &check), 0);
	assert_int_equal(dnssec_rrsig_verify(&set, &sig, check, START, &reason), 0);
	dnssec_key_free(check);
	return 0;
}

static int objects(void)
{
	char command[256];
	int n = -1;
	snprintf(command, sizeof command, "find '%s' -name '*.object' ! -name 'token.object' | wc -l", tokens);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%d", &n), 1);
	pclose(pipe);
	return n;
}

static void remember(void *ctx, const char *place)
{
	snprintf(ctx, KEYS_PLACE_MAX, "%s", place);
}

/* A process that ends between the token and the state: what it has made is told. It comes first: no module lives through fork(). */
static void test_cut_off(void **state)
{
	struct keys_policy policy;
	char found[KEYS_PLACE_MAX] = "", making[128];
	int status = -1, before;
	if (top[0] == '\0')
		skip();
	keys_policy_init(&policy);
	before = objects();
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct keys_key *key;
		struct keys_folder *folder = must_open(&policy);
		if (keys_save(folder, why) != 0)
			_exit(1);
		disk_rename_skip = 1; /* that of the note */
		disk_rename_fails = -1;
		(void)!keys_generate(folder, KEYS_ZSK, 13, uri, START, &key, why);
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(objects() > before);
	struct keys_folder *folder = must_open(NULL);
	assert_int_equal(keys_folder_state(folder)->n, 0);
	assert_int_equal(keys_orphans(folder, remember, found), 0);
	assert_int_equal(strncmp(found, "pkcs11:token=banyan;id=%", 24), 0);
	keys_close(folder);
	snprintf(making, sizeof making, "%s/making", keys);
	assert_int_equal(unlink(making), 0);
}

/* The state cannot be saved: the objects that were made go again. */
static void test_made_and_not_kept(void **state)
{
	struct keys_policy policy;
	struct keys_key *key;
	char found[KEYS_PLACE_MAX] = "";
	if (top[0] == '\0')
		skip();
	keys_policy_init(&policy);
	struct keys_folder *folder = must_open(&policy);
	size_t n = keys_folder_state(folder)->n;
	int before = objects();
	disk_rename_fails = ENOSPC; /* of the note: nothing is made at all */
	assert_int_equal(keys_generate(folder, KEYS_ZSK, 13, uri, START, &key, why), BANYAN_EIO);
	assert_int_equal(keys_folder_failed(folder), KEYS_FAILED_DISK);
	assert_int_equal(objects(), before);
	disk_rename_skip = 1; /* of the state */
	disk_rename_fails = ENOSPC;
	assert_int_equal(keys_generate(folder, KEYS_ZSK, 13, uri, START, &key, why), BANYAN_EIO);
	assert_int_equal(keys_folder_failed(folder), KEYS_FAILED_DISK);
	assert_non_null(strstr(why, "make room there"));
	assert_int_equal(objects(), before);
	assert_int_equal(keys_folder_state(folder)->n, n);
	must(keys_generate(folder, KEYS_ZSK, 13, uri, START, &key, why));
	assert_true(objects() > before);
	assert_int_equal(keys_orphans(folder, remember, found), 0);
	assert_string_equal(found, "");
	keys_close(folder);
}

static void test_algorithms(void **state)
{
	static const uint8_t algorithms[] = {8, 10, 13, 14};
	struct keys_policy policy;
	if (top[0] == '\0')
		skip();
	keys_policy_init(&policy);
	struct keys_folder *folder = must_open(&policy);
	for (size_t i = 0; i < sizeof algorithms; i++) {
		struct keys_key *key;
		struct make_key *made;
		must(keys_generate(folder, KEYS_ZSK, algorithms[i], uri, START, &key, why));
		must(keys_private(folder, key, &made, why));
		for (int n = 0; n < 8; n++) /* r and s of ECDSA are now and then shorter than the curve's numbers */
			assert_int_equal(sign(made, key), 0);
		_cleanup_(buffer_done) struct buffer pem = {0};
		assert_int_equal(make_key_to_pem(made, &pem), BANYAN_ENOENT); /* it never leaves the token */
	}
	keys_close(folder);
}

/* The token goes between two signatures: a refusal that says so; it comes back: all goes on. */
static void test_gone(void **state)
{
	struct make_signing signing = {0};
	struct keys_policy policy;
	if (top[0] == '\0')
		skip();
	keys_policy_init(&policy);
	policy.csk = true;
	struct keys_folder *folder = must_open(&policy);
	struct keys_state *all = keys_folder_state(folder);
	must(keys_advance(folder, START, NULL, why));
	must(keys_signing(folder, START, &signing, why));
	assert_int_equal(signing.n_keys, 1);
	const struct keys_key *key = NULL;
	for (size_t i = 0; i < all->n; i++)
		key = all->key[i].role == KEYS_CSK ? &all->key[i] : key;
	assert_non_null(key);
	assert_int_equal(sign(signing.key[0].key, key), 0);
	assert_null(keys_trouble(folder));
	assert_int_equal(rename(tokens, away), 0);
	assert_int_equal(sign(signing.key[0].key, key), BANYAN_EIO);
	assert_non_null(keys_trouble(folder));
	assert_non_null(strstr(keys_trouble(folder), "the token does not sign"));
	assert_int_equal(keys_signing(folder, START, &signing, why), BANYAN_EIO);
	assert_int_equal(keys_folder_failed(folder), KEYS_FAILED_TOKEN);
	assert_non_null(strstr(why, "pkcs11:token=banyan"));
	assert_int_equal(rename(away, tokens), 0);
	keys_close(folder);
	folder = must_open(NULL);
	must(keys_signing(folder, START, &signing, why));
	assert_int_equal(
		sign(signing.key[0].key, key = &keys_folder_state(folder)->key[keys_folder_state(folder)->n - 1]), 0);
	keys_close(folder);
}

static void test_refused(void **state)
{
	struct keys_key *key;
	char bad[600], pin[256];
	if (top[0] == '\0')
		skip();
	struct keys_folder *folder = must_open(NULL); /* with the policy that it has by now */
	size_t n = keys_folder_state(folder)->n;
	snprintf(bad, sizeof bad, "pkcs11:token=nobody?module-path=" MODULE);
	assert_int_not_equal(keys_generate(folder, KEYS_ZSK, 13, bad, START, &key, why), 0);
	assert_non_null(strstr(why, "no key can be made in this token"));
	assert_int_equal(keys_folder_failed(folder), KEYS_FAILED_TOKEN);
	assert_int_equal(keys_generate(folder, KEYS_ZSK, 13, "pkcs11:token=banyan?pin-value=1234", START, &key, why),
			 BANYAN_EACCES);
	assert_int_equal(keys_generate(folder, KEYS_ZSK, 16, uri, START, &key, why), BANYAN_EUNSUPP);
	assert_int_equal(keys_generate(folder, KEYS_ZSK, 13, "pkcs11:token=a b", START, &key, why), BANYAN_EINVAL);
	snprintf(pin, sizeof pin, "%s/pin", top);
	assert_int_equal(chmod(pin, 0644), 0);
	assert_int_equal(keys_generate(folder, KEYS_ZSK, 13, uri, START, &key, why), BANYAN_EACCES);
	assert_non_null(strstr(why, "others may read this PIN"));
	assert_int_equal(chmod(pin, 0600), 0);
	assert_int_equal(keys_folder_state(folder)->n, n);
	keys_close(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_off),    cmocka_unit_test(test_made_and_not_kept),
		cmocka_unit_test(test_algorithms), cmocka_unit_test(test_gone),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
