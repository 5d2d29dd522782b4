// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Many rules against a plain search through all of them; and, with a number as argument, what so many rules cost:
 *
 *	test_policy_scale 1000000
 */
#include "../test.h"

#include "policy/private.h"

#define RULES 4000

static uint8_t (*made)[WIRE_NAME_MAX];

static int by_name(const void *a, const void *b)
{
	return wire_name_cmp(a, b);
}

/* Short names of few labels, so that many are below each other. */
static void random_name(struct random *random, uint8_t *out)
{
	unsigned labels = 1 + random_below(random, 4);
	for (unsigned i = 0; i < labels; i++) {
		unsigned len = 1 + random_below(random, i == 0 ? 2 : 1);
		*out++ = (uint8_t)len;
		for (unsigned k = 0; k < len; k++)
			*out++ = (uint8_t)('a' + random_below(random, 12));
	}
	*out = 0;
}

static void names_like_a_list(void **state)
{
	struct random random;
	struct names names;
	struct names_builder builder;
	uint8_t below[RULES], own[RULES];
	random_init_seed(&random, 11);
	made = calloc(RULES, sizeof *made);
	for (size_t i = 0; i < RULES; i++)
		random_name(&random, made[i]);
	qsort(made, RULES, sizeof *made, by_name);
	assert_int_equal(names_begin(&builder, (struct rule){0}, (struct rule){0}), 0);
	size_t n = 0;
	for (size_t i = 0; i < RULES; i++) {
		if (n > 0 && wire_name_equal(made[n - 1], made[i]))
			continue;
		memmove(made[n], made[i], WIRE_NAME_MAX);
		own[n] = (uint8_t)random_below(&random, 7);
		below[n] = (uint8_t)(random_below(&random, 3) == 0 ? random_below(&random, 7) : 0);
		/* the data tell which rule it was */
		assert_int_equal(names_add(&builder, made[n], (struct rule){own[n], (uint32_t)n},
					   (struct rule){below[n], (uint32_t)n}),
				 0);
		n++;
	}
	assert_int_equal(names_finish(&builder, 99, &names), 0);
	names_builder_done(&builder);
	for (unsigned q = 0; q < 20000; q++) {
		uint8_t name[WIRE_NAME_MAX];
		unsigned labels = 0, best_labels = 0;
		bool wildcard = false;
		struct rule best = {0};
		random_name(&random, name);
		for (size_t i = 0; i < n; i++) {
			unsigned depth = wire_name_labels(made[i]);
			if (wire_name_equal(made[i], name) && own[i] != RULE_NONE) {
				best = (struct rule){own[i], own[i] == RULE_DATA ? (uint32_t)i : 0};
				best_labels = depth;
				break;
			}
			if (!wire_name_equal(made[i], name) && wire_name_under(name, made[i]) &&
			    below[i] != RULE_NONE && depth > best_labels) {
				best = (struct rule){below[i], below[i] == RULE_DATA ? (uint32_t)i : 0};
				best_labels = depth;
			}
		}
		/* an exact rule may come after wildcards in the list: the loop above ends with it */
		struct rule found = names_match(&names, name, &labels, &wildcard);
		assert_int_equal(found.action, best.action);
		assert_int_equal(found.data, best.data);
		if (best.action != RULE_NONE)
			assert_int_equal(labels, best_labels);
	}
	names_done(&names);
	free(made);
}

static struct addr random_addr(struct random *random, unsigned family)
{
	struct addr addr = {.family = (uint8_t)family};
	for (unsigned i = 0; i < (family == 4 ? 4u : 16u); i++)
		addr.ip[i] = (uint8_t)(i < 2 || random_below(random, 3) == 0 ? random_below(random, 4) << 6 : 0);
	return addr;
}

static void prefixes_like_a_list(void **state)
{
	struct random random;
	struct prefixes prefixes;
	struct prefix_rule *rule = calloc(RULES, sizeof *rule), *copy = calloc(RULES, sizeof *rule);
	random_init_seed(&random, 5);
	for (size_t i = 0; i < RULES; i++) {
		unsigned family = random_below(&random, 2) ? 4 : 6;
		char text[ADDR_TEXT_MAX], both[ADDR_TEXT_MAX + 8];
		struct addr addr = random_addr(&random, family);
		snprintf(both, sizeof both, "%s/%u", addr_format(&addr, false, text),
			 random_below(&random, family == 4 ? 33 : 129));
		assert_int_equal(addr_prefix_parse(both, &rule[i].prefix), 0);
		rule[i].rule = (struct rule){RULE_DATA, (uint32_t)i};
	}
	memcpy(copy, rule, RULES * sizeof *rule);
	assert_int_equal(prefixes_build(rule, RULES, &prefixes), 0);
	for (unsigned q = 0; q < 20000; q++) {
		struct addr addr = random_addr(&random, random_below(&random, 2) ? 4 : 6);
		struct addr_prefix found;
		int best = -1;
		for (size_t i = 0; i < RULES; i++)
			if (copy[i].prefix.addr.family == addr.family && addr_prefix_match(&copy[i].prefix, &addr) &&
			    (best < 0 || copy[i].prefix.bits > copy[best].prefix.bits))
				best = (int)i;
		struct rule got = prefixes_match(&prefixes, &addr, &found);
		if (best < 0) {
			assert_int_equal(got.action, RULE_NONE);
			continue;
		}
		assert_int_equal(got.data, best);
		assert_int_equal(found.bits, copy[best].prefix.bits);
	}
	prefixes_done(&prefixes);
	free(rule);
	free(copy);
}

/* ---- what it costs ---- */

static void name_number(unsigned i, char out[64])
{
	snprintf(out, 64, "site%07u-%c.%s", i * 2654435761u % 9999991, 'a' + i % 26, i % 3 ? "com" : "co.uk");
}

static double ask_all(const struct policy_view *view, unsigned rules, const char *prefix, unsigned *ret_hits)
{
	enum { ASKED = 1000000 };
	struct policy_hit hit;
	uint8_t(*name)[WIRE_NAME_MAX] = malloc(4096 * sizeof *name);
	int64_t took = 0;
	*ret_hits = 0;
	for (unsigned done = 0; done < ASKED; done += 4096) {
		for (unsigned i = 0; i < 4096; i++) {
			char text[80], number[64];
			name_number((done + i) * 7919u % rules, number);
			snprintf(text, sizeof text, "%s%s", prefix, number);
			assert_true(wire_name_parse(text, name[i]) > 0);
		}
		int64_t start = clock_mono_ns();
		for (unsigned i = 0; i < 4096; i++) {
			struct policy_subject s = {.view = view, .name = name[i], .qtype = WIRE_TYPE_A};
			*ret_hits += policy_check(&s, &hit) == POLICY_HIT;
		}
		took += clock_mono_ns() - start;
	}
	free(name);
	return (double)took / ASKED;
}

static int measure(unsigned rules)
{
	struct buffer text = {0};
	struct zone *zone;
	struct zone_error error;
	struct policy_rpz *rpz;
	char name[64];
	unsigned hits;
	struct zone_read_settings settings = {.origin = (const uint8_t *)"\3rpz"};
	(void)!buffer_printf(&text, "$ORIGIN rpz.\n@ 60 SOA ns. me. 5 1 1 1 60\n");
	for (unsigned i = 0; i < rules / 2; i++) {
		name_number(i, name);
		(void)!buffer_printf(&text, "%s CNAME .\n*.%s CNAME .\n", name, name);
	}
	int64_t start = clock_mono_ms();
	if (zone_read_text("rpz", (char *)text.data, text.len, &settings, NULL, NULL, &zone, &error) < 0)
		return 1;
	int64_t read = clock_mono_ms();
	if (policy_rpz_compile(zone, 3, NULL, NULL, &rpz) < 0)
		return 1;
	int64_t compiled = clock_mono_ms();
	zone_free(zone);
	const struct policy_rpz_stats *stats = policy_rpz_stats(rpz);
	struct policy_rpz_use use = {.rpz = rpz};
	struct policy_view view = {.n_rpz = 1, .rpz = &use};
	size_t n = stats->rules[POLICY_TRIGGER_QNAME];
	printf("%zu rules: %.1f bytes a rule; read in %lld ms, compiled in %lld ms\n", n,
	       (double)stats->bytes / (double)n, (long long)(read - start), (long long)(compiled - read));
	double ns = ask_all(&view, rules / 2, "", &hits);
	printf("%.0f ns a name that has a rule (%u hits)\n", ns, hits);
	ns = ask_all(&view, rules / 2, "www.deep.", &hits);
	printf("%.0f ns a name below one (%u hits)\n", ns, hits);
	ns = ask_all(&view, rules / 2, "www.not-", &hits);
	printf("%.0f ns a name without (%u hits)\n", ns, hits);
	policy_rpz_free(rpz);
	buffer_done(&text);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names_like_a_list), cmocka_unit_test(prefixes_like_a_list)};
	if (argc > 1)
		return measure((unsigned)atoi(argv[1]));
	return cmocka_run_group_tests_name("policy-scale", tests, NULL, NULL);
}
