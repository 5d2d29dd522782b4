// SPDX-License-Identifier: GPL-3.0-or-later
#include "test.h"

#include "base/base.h"

#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void arena_keeps_its_limit(void **state)
{
	struct arena arena = {.limit = 100000};
	size_t got = 0;
	while (arena_alloc(&arena, 1000) != NULL)
		got += 1000;
	assert_true(got >= 90000 && got <= 100000);
	assert_true(arena.total <= 100000);
	arena_reset(&arena);
	assert_non_null(arena_alloc(&arena, 1000));
	arena_done(&arena);
	assert_null(arena_alloc(&arena, SIZE_MAX));
}

static void arena_blocks_do_not_overlap(void **state)
{
	struct arena arena = {0};
	uint8_t *block[300];
	for (size_t i = 0; i < ARRAY_SIZE(block); i++) {
		block[i] = arena_alloc(&arena, i * 7);
		assert_int_equal((uintptr_t)block[i] % 16, 0);
		memset(block[i], (int)i, i * 7);
	}
	for (size_t i = 0; i < ARRAY_SIZE(block); i++)
		for (size_t j = 0; j < i * 7; j++)
			assert_int_equal(block[i][j], (uint8_t)i);
	assert_string_equal(arena_printf(&arena, "%s-%d", "x", 7), "x-7");
	arena_done(&arena);
}

/* A large arena takes its memory from the system: filled to the last byte, freed whole. */
static void large_arenas(void **state)
{
	struct arena arena = {.large = true};
	for (size_t i = 0; i < 400; i++) {
		uint8_t *block = arena_alloc(&arena, 50000 + i);
		assert_non_null(block);
		assert_int_equal((uintptr_t)block % 16, 0);
		memset(block, (int)i, 50000 + i);
	}
	assert_true(arena.total >= 400 * 50000);
	assert_true(arena.total < 400 * 50000 * 3 / 2);
	arena_reset(&arena);
	assert_non_null(arena_alloc(&arena, 100));
	arena_done(&arena);
}

static void regions_grow_in_place(void **state)
{
	struct region region;
	assert_int_equal(region_reserve(&region, 0), BANYAN_EINVAL);
	assert_int_equal(region_reserve(&region, (size_t)30 << 20), 0);
	uint8_t *data = region.data;
	region.huge = true;
	for (size_t len = 1; len <= (size_t)30 << 20; len = len * 3 + 1) {
		size_t before = region.usable;
		assert_int_equal(region_grow(&region, len), 0);
		assert_ptr_equal(region.data, data);
		for (size_t i = before; i < region.usable; i += 1000)
			assert_int_equal(data[i], 0);
		memset(data, 7, len);
	}
	/* more than was reserved: it moves, and all is there */
	size_t full = region.usable;
	assert_int_equal(region_grow(&region, (size_t)31 << 20), 0);
	assert_int_equal(region.data[0], 7);
	assert_memory_equal(region.data, region.data + 1, 1000000);
	region.data[((size_t)31 << 20) - 1] = 1;
	assert_true(region.usable > full);
	assert_true(region.huge);
	assert_true(region_grow(&region, SIZE_MAX / 2) < 0);
	region_trim(&region, 5000);
	assert_int_equal(region.data[4999], 7);
	assert_int_equal(region.reserved, 8192);
	region_done(&region);
	assert_null(region.data);
}

static void buffers_grow(void **state)
{
	struct buffer buffer = {0};
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buffer_printf(&buffer, "%d,", i), 0);
	assert_int_equal(buffer.len, 10 * 2 + 90 * 3 + 900 * 4);
	assert_int_equal(strlen((char *)buffer.data), buffer.len);
	assert_int_equal(buffer_reserve(&buffer, SIZE_MAX), BANYAN_ENOMEM);
	buffer_done(&buffer);
}

static void time_in_all_its_forms(void **state)
{
	static const struct {
		const char *text;
		int64_t unix_s;
	} good[] = {
		{"0", 0},
		{"1785546000", 1785546000},
		{"2026-08-01T01:00:00Z", 1785546000},
		{"2026-08-01 01:00", 1785546000},
		{"20260801010000", 1785546000},
		{"2024-02-29", 1709164800},
	};
	static const char *const bad[] = {
		"",         "yesterday",     "2026-13-01",     "2026-02-29", "2026-08-01T", "2026-08-01T25:00",
		"20260801", "2026080101000", "20261301010000", "-5",         "2026-08-01Zx"};
	int64_t t;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(clock_parse(good[i].text, &t), 0);
		assert_int_equal(t, good[i].unix_s);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		t = 77;
		if (clock_parse(bad[i], &t) == 0) {
			/* a plain number is UNIX time, however odd */
			assert_int_equal(strspn(bad[i], "0123456789"), strlen(bad[i]));
			assert_int_not_equal(strlen(bad[i]), 14);
		} else {
			assert_int_equal(t, 77);
		}
	}
	char text[32];
	assert_string_equal(clock_format(1785546000, text), "2026-08-01T01:00:00Z");
}

static void seeded_randomness_repeats(void **state)
{
	struct random a, b, c;
	random_init_seed(&a, 1);
	random_init_seed(&b, 1);
	random_init_seed(&c, 2);
	int same = 0;
	for (int i = 0; i < 1000; i++) {
		uint64_t v = random_u64(&a);
		assert_int_equal(v, random_u64(&b));
		same += v == random_u64(&c);
	}
	assert_int_equal(same, 0);
}

static void random_below_is_even(void **state)
{
	struct random r;
	unsigned seen[7] = {0};
	random_init_seed(&r, 42);
	for (int i = 0; i < 70000; i++)
		seen[random_below(&r, 7)]++;
	for (int i = 0; i < 7; i++)
		assert_in_range(seen[i], 9500, 10500);
	random_init_kernel(&r);
	for (int i = 0; i < 1000; i++)
		assert_in_range(random_below(&r, 3), 0, 2);
}

/* The first vectors of the SipHash paper's appendix: key 00..0f, message 00..n-1. */
static void siphash_vectors(void **state)
{
	static const uint64_t expected[] = {0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a};
	uint8_t key[16], message[64];
	for (int i = 0; i < 16; i++)
		key[i] = (uint8_t)i;
	for (int i = 0; i < 64; i++)
		message[i] = (uint8_t)i;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_int_equal(hash_sip(message, i, key), expected[i]);
	assert_int_equal(hash_sip(message, 15, key), 0xa129ca6149be45e5);
}

/* Made by an implementation of its own, whose value for no bytes is the published one, 0xabac0158050fc4dc. */
static void test_hash_quick(void **state)
{
	static const size_t len[] = {0, 1, 7, 8, 9, 15, 16, 23, 63};
	static const uint64_t expected[] = {
		UINT64_C(0xabac0158050fc4dc), UINT64_C(0xc9f49bf37d57ca93), UINT64_C(0xd3927d989bb11140),
		UINT64_C(0x369095118d299a8e), UINT64_C(0x25a48eb36c063de4), UINT64_C(0xd320d86d2a519956),
		UINT64_C(0xcc4fdd1a7d908b66), UINT64_C(0x525a0e7fdae6c123), UINT64_C(0x9d199062b7bbb3a8)};
	uint8_t key[16], message[64];
	for (uint8_t i = 0; i < 64; i++)
		message[i] = i;
	memcpy(key, message, sizeof key);
	for (size_t i = 0; i < ARRAY_SIZE(len); i++)
		assert_true(hash_quick(message, len[i], key) == expected[i]);
}

static void addresses(void **state)
{
	struct addr a;
	char text[ADDR_TEXT_MAX];
	assert_int_equal(addr_parse("127.0.0.1", 53, &a), 0);
	assert_string_equal(addr_format(&a, true, text), "127.0.0.1@53");
	assert_int_equal(addr_parse("2001:DB8::1@5300", 53, &a), 0);
	assert_string_equal(addr_format(&a, true, text), "2001:db8::1@5300");
	assert_string_equal(addr_format(&a, false, text), "2001:db8::1");
	static const char *const bad[] = {"", "x", "1.2.3", "1.2.3.4@", "1.2.3.4@65536", "::1@-1", "1.2.3.4@5 ", ":::"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(addr_parse(bad[i], 53, &a), BANYAN_EINVAL);
}

static void prefixes(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool match;
	} cases[] = {
		{"127.0.0.0/8", "127.255.0.1", true},
		{"127.0.0.0/8", "128.0.0.1", false},
		{"192.0.2.1/24", "192.0.2.200", true},
		{"192.0.2.0/25", "192.0.2.128", false},
		{"0.0.0.0/0", "8.8.8.8", true},
		{"0.0.0.0/0", "::1", false},
		{"::1", "::1", true},
		{"::1", "::2", false},
		{"2001:db8::/33", "2001:db8:7fff::", true},
		{"2001:db8::/33", "2001:db8:8000::", false},
		{"127.0.0.0/8", "::ffff:127.0.0.1", true},
	};
	struct addr_prefix p;
	struct addr a;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(addr_prefix_parse(cases[i].prefix, &p), 0);
		assert_int_equal(addr_parse(cases[i].addr, 0, &a), 0);
		assert_int_equal(addr_prefix_match(&p, &a), cases[i].match);
	}
	assert_int_equal(addr_prefix_parse("1.2.3.4/33", &p), BANYAN_EINVAL);
	assert_int_equal(addr_prefix_parse("::/129", &p), BANYAN_EINVAL);
	assert_int_equal(addr_prefix_parse("::/", &p), BANYAN_EINVAL);
}

static void files_are_replaced_whole(void **state)
{
	char path[] = "/tmp/banyan-test-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	uint8_t *data;
	size_t len;
	assert_int_equal(file_write_atomic(path, "first", 5), 0);
	assert_int_equal(file_write_atomic(path, "second one", 10), 0);
	assert_int_equal(file_read(path, 100, &data, &len), 0);
	assert_int_equal(len, 10);
	assert_string_equal((char *)data, "second one");
	free(data);
	assert_int_equal(file_read(path, 9, &data, &len), BANYAN_ELIMIT);
	assert_int_equal(file_read("/nonexistent/x", 9, &data, &len), BANYAN_ENOENT);
	assert_int_equal(file_read("/tmp", 9, &data, &len), BANYAN_EINVAL);
	assert_true(file_write_atomic("/nonexistent/x", "x", 1) < 0);
	remove(path);
}

static bool folders_fail; /* a disk that fails after a rename */

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	struct stat st;
	if (folders_fail && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EIO;
		return -1;
	}
	return __real_fsync(fd);
}

/* A failure before the rename leaves what was there; one after it does not, and both are told apart. */
static void files_that_are_seen_already(void **state)
{
	char path[] = "/tmp/banyan-test-XXXXXX", text[8] = "";
	int fd = mkstemp(path);
	struct file_replace file;
	assert_true(fd >= 0);
	bool replaced = false;
	assert_int_equal(file_replace_begin(path, 0600, &file), 0);
	assert_int_equal(file_replace_write(&file, "first", 5), 0);
	assert_int_equal(file_replace_end(&file, true, &replaced), 0);
	assert_true(replaced);
	assert_int_equal(file_replace_begin(path, 0600, &file), 0);
	assert_int_equal(file_replace_write(&file, "never", 5), 0);
	assert_int_equal(file_replace_end(&file, false, &replaced), 0);
	assert_false(replaced);
	folders_fail = true;
	assert_int_equal(file_replace_begin(path, 0600, &file), 0);
	assert_int_equal(file_replace_write(&file, "next", 4), 0);
	assert_int_equal(file_replace_end(&file, true, &replaced), BANYAN_EIO);
	folders_fail = false;
	assert_true(replaced);
	FILE *now = fopen(path, "r");
	assert_non_null(now);
	assert_int_equal(fread(text, 1, sizeof text, now), 4);
	assert_string_equal(text, "next");
	fclose(now);
	close(fd);
	remove(path);
}

/* In a process of its own, since it cannot be undone. */
static void secrets_stay_in_the_process(void **state)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit core;
		umask(0);
		process_guard();
		bool good = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && getrlimit(RLIMIT_CORE, &core) == 0 &&
			    core.rlim_cur == 0 && core.rlim_max == 0 && umask(0) == 022;
		_exit(good ? 0 : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Whatever becomes of the file, the process that has it mapped lives on. */
static void files_are_mapped(void **state)
{
	char path[] = "/tmp/banyan-test-XXXXXX";
	uint8_t bytes[10000];
	struct file_map map;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7 / 3);
	assert_int_equal(write(fd, bytes, sizeof bytes), sizeof bytes);
	assert_int_equal(file_map(path, sizeof bytes - 1, &map), BANYAN_ELIMIT);
	assert_int_equal(file_map("/tmp", 100, &map), BANYAN_EINVAL);
	assert_int_equal(file_map("/nonexistent/x", 100, &map), BANYAN_ENOENT);
	assert_int_equal(file_map(path, sizeof bytes, &map), 0);
	assert_int_equal(map.len, sizeof bytes);
	for (size_t pos = 0; pos < sizeof bytes; pos += 1000) {
		assert_int_equal(file_map_want(&map, pos, 1000), 0);
		assert_memory_equal(map.data + pos, bytes + pos, 1000);
		file_map_drop(&map, pos);
	}
	assert_int_equal(file_map_want(&map, sizeof bytes, 1), BANYAN_EINVAL);
	assert_int_equal(file_map_want(&map, 1, SIZE_MAX), BANYAN_EINVAL);
	/* it becomes shorter: what is left can be read, the rest is not touched */
	assert_int_equal(ftruncate(fd, 5000), 0);
	assert_int_equal(file_map_want(&map, 4000, 1000), 0);
	assert_int_equal(map.data[4999], bytes[4999]);
	assert_int_equal(file_map_want(&map, 4000, 1001), BANYAN_EIO);
	assert_int_equal(file_map_want(&map, 9000, 100), BANYAN_EIO);
	file_map_done(&map);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(file_map(path, 100, &map), 0);
	assert_int_equal(map.len, 0);
	assert_int_equal(file_map_want(&map, 0, 0), 0);
	file_map_done(&map);
	close(fd);
	remove(path);
}

struct sum {
	_Atomic uint64_t total, calls;
	size_t fail_at;
};

static int sum_one(void *ctx, size_t i)
{
	struct sum *sum = ctx;
	atomic_fetch_add(&sum->total, i);
	atomic_fetch_add(&sum->calls, 1);
	return i == sum->fail_at ? BANYAN_EPROOF : 0;
}

static void loops_are_shared_out(void **state)
{
	for (unsigned threads = 0; threads < 5; threads++) {
		struct sum sum = {.fail_at = SIZE_MAX};
		assert_int_equal(parallel_for(threads, 10001, 7, sum_one, &sum), 0);
		assert_int_equal(sum.calls, 10001);
		assert_int_equal(sum.total, 10001ULL * 10000 / 2);
		sum = (struct sum){.fail_at = 500};
		assert_int_equal(parallel_for(threads, 10001, 7, sum_one, &sum), BANYAN_EPROOF);
		assert_int_equal(parallel_for(threads, 0, 7, sum_one, &sum), 0);
	}
}

static void reason_codes_are_unique(void **state)
{
	for (int i = 0; i < REASON_COUNT; i++) {
		assert_true(strlen(reason_code((enum reason)i)) > 0);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(reason_code((enum reason)i), reason_code((enum reason)j));
	}
	for (int i = 0; i < COUNTER_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(counter_name((enum counter)i), counter_name((enum counter)j));
}

static void reach_of_addresses(void **state)
{
	static const struct {
		const char *text;
		enum addr_reach reach;
	} cases[] = {
		{"127.0.0.1", ADDR_OF_MACHINE},
		{"127.255.255.255", ADDR_OF_MACHINE},
		{"0.0.0.0", ADDR_OF_MACHINE},
		{"0.1.2.3", ADDR_OF_MACHINE},
		{"::", ADDR_OF_MACHINE},
		{"::1", ADDR_OF_MACHINE},
		{"::ffff:127.0.0.1", ADDR_OF_MACHINE},
		{"::127.0.0.1", ADDR_OF_MACHINE},
		{"64:ff9b::7f00:1", ADDR_OF_MACHINE},
		{"2002:7f00:1::", ADDR_OF_MACHINE},
		{"169.254.169.254", ADDR_OF_LINK},
		{"::ffff:169.254.169.254", ADDR_OF_LINK},
		{"fe80::1", ADDR_OF_LINK},
		{"febf::1", ADDR_OF_LINK},
		{"224.0.0.1", ADDR_OF_LINK},
		{"255.255.255.255", ADDR_OF_LINK},
		{"ff02::1", ADDR_OF_LINK},
		{"10.0.0.1", ADDR_OF_SITE},
		{"172.16.0.1", ADDR_OF_SITE},
		{"172.31.255.255", ADDR_OF_SITE},
		{"192.168.1.1", ADDR_OF_SITE},
		{"100.64.0.1", ADDR_OF_SITE},
		{"100.127.255.255", ADDR_OF_SITE},
		{"192.0.0.8", ADDR_OF_SITE},
		{"198.19.0.1", ADDR_OF_SITE},
		{"fc00::1", ADDR_OF_SITE},
		{"fdff::1", ADDR_OF_SITE},
		{"fec0::1", ADDR_OF_SITE},
		{"64:ff9b:1::1", ADDR_OF_SITE},
		{"64:ff9b::a00:1", ADDR_OF_SITE},
		{"2002:c0a8:101::1", ADDR_OF_SITE},
		{"1.0.0.1", ADDR_OF_WORLD},
		{"11.0.0.1", ADDR_OF_WORLD},
		{"100.63.255.255", ADDR_OF_WORLD},
		{"100.128.0.1", ADDR_OF_WORLD},
		{"172.15.255.255", ADDR_OF_WORLD},
		{"172.32.0.1", ADDR_OF_WORLD},
		{"192.0.2.1", ADDR_OF_WORLD},
		{"223.255.255.255", ADDR_OF_WORLD},
		{"2001:db8::1", ADDR_OF_WORLD},
		{"::ffff:192.0.2.1", ADDR_OF_WORLD},
		{"64:ff9b::c000:201", ADDR_OF_WORLD},
		{"2002:c000:201::1", ADDR_OF_WORLD},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct addr addr;
		assert_int_equal(addr_parse(cases[i].text, 0, &addr), 0);
		if (addr_reach(&addr) != cases[i].reach)
			fail_msg("%s is of %s", cases[i].text, addr_reach_text(addr_reach(&addr)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_keeps_its_limit),
		cmocka_unit_test(arena_blocks_do_not_overlap),
		cmocka_unit_test(large_arenas),
		cmocka_unit_test(regions_grow_in_place),
		cmocka_unit_test(buffers_grow),
		cmocka_unit_test(time_in_all_its_forms),
		cmocka_unit_test(seeded_randomness_repeats),
		cmocka_unit_test(random_below_is_even),
		cmocka_unit_test(siphash_vectors),
		cmocka_unit_test(test_hash_quick),
		cmocka_unit_test(addresses),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(files_are_replaced_whole),
		cmocka_unit_test(files_that_are_seen_already),
		cmocka_unit_test(secrets_stay_in_the_process),
		cmocka_unit_test(files_are_mapped),
		cmocka_unit_test(loops_are_shared_out),
		cmocka_unit_test(reason_codes_are_unique),
		cmocka_unit_test(reach_of_addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
