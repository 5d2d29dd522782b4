// SPDX-License-Identifier: GPL-3.0-or-later
/* Denial against a model: small zones whose truth is known, signed as NSEC, NSEC3 and NSEC3 with opt-out. With the whole chain
 * all that is not there is denied; with any part of it nothing is denied that is there. */
#include "../test.h"

#include "denial.h"

#define ZONE       "example."
#define NAMES_MAX  40
#define SUBSETS    12
#define ITERATIONS 1
#define CUT_TYPES  "NS"

enum chain_kind { CHAIN_NSEC, CHAIN_NSEC3, CHAIN_OPT_OUT };

/* A name of the zone with its types; empty non-terminals are added by the model. */
struct node {
	char name[64], types[64];
};
struct model {
	struct node node[NAMES_MAX];
	size_t n;
};

static struct dnssec_policy policy = {.now = 1800000000, .nsec3_iterations_max = 50};

static const struct node zones[][14] = {
	{{"example.", "NS SOA DNSKEY"},
	 {"a.example.", "A"},
	 {"*.a.example.", "TXT"},
	 {"b.c.example.", "A MX"},
	 {"d.example.", "NS"},
	 {"e.example.", "NS DS"},
	 {"g.example.", "DNAME"},
	 {"*.f.example.", "CNAME"}},
	{{"example.", "NS SOA DNSKEY"},
	 {"*.example.", "A"},
	 {"b.example.", "CNAME"},
	 {"a.*.f.example.", "TXT"},
	 {"c.d.example.", "NS"},
	 {"a.e.example.", "NS DS"},
	 {"a.b.c.example.", "A"}},
	{{"example.", "NS SOA DNSKEY"}},
	{{"example.", "NS SOA DNSKEY DNAME"}, {"a.example.", "A"}},
	{{"example.", "NS SOA DNSKEY"}, {"d.example.", "NS"}, {"*.d.f.example.", "NS DS"}, {"f.example.", "DNAME A"}},
};

static bool has(const struct node *node, const char *type)
{
	char list[80], word[80];
	snprintf(list, sizeof list, " %s ", node->types);
	snprintf(word, sizeof word, " %s ", type);
	return strstr(list, word) != NULL;
}

static const struct node *find(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->node[i].name, name) == 0)
			return &m->node[i];
	return NULL;
}

static const char *parent(const char *name)
{
	return strchr(name, '.') + 1;
}

static unsigned labels(const char *name)
{
	unsigned n = 0;
	for (; *name != '\0'; name++)
		n += *name == '.';
	return n;
}

static bool is_cut(const struct node *node)
{
	return has(node, "NS") && !has(node, "SOA");
}

/* Is the name below a delegation or a DNAME? */
static bool hidden(const struct model *m, const char *name)
{
	while (strcmp(name, ZONE) != 0) {
		name = parent(name);
		const struct node *node = find(m, name);
		if (node != NULL && (is_cut(node) || has(node, "DNAME")))
			return true;
	}
	return false;
}

static void model_make(struct model *m, const struct node *nodes, size_t n)
{
	m->n = 0;
	for (size_t i = 0; i < n && nodes[i].name[0] != '\0'; i++)
		m->node[m->n++] = nodes[i];
	for (size_t i = 0; i < m->n; i++) {
		const char *up = m->node[i].name;
		while (strcmp(up, ZONE) != 0) {
			up = parent(up);
			if (find(m, up) == NULL) {
				struct node *empty = &m->node[m->n++];
				assert_true(m->n < NAMES_MAX);
				snprintf(empty->name, sizeof empty->name, "%s", up);
				empty->types[0] = '\0';
			}
		}
	}
	/* what is hidden has no record in the chain */
	size_t kept = 0;
	for (size_t i = 0; i < m->n; i++)
		if (!hidden(m, m->node[i].name))
			m->node[kept++] = m->node[i];
	m->n = kept;
}

/* The closest name above that exists, and the wildcard there. */
static const char *encloser(const struct model *m, const char *name)
{
	do
		name = parent(name);
	while (find(m, name) == NULL);
	return name;
}

static const struct node *wildcard(const struct model *m, const char *name)
{
	char star[80];
	snprintf(star, sizeof star, "*.%s", encloser(m, name));
	return find(m, star);
}

/* ---- what is true ---- */
static bool true_name(const struct model *m, const char *name)
{
	return !hidden(m, name) && find(m, name) == NULL && wildcard(m, name) == NULL;
}

static bool true_type_at(const struct node *node, const char *type)
{
	if (has(node, type) || has(node, "CNAME") || (strcmp(type, "DS") == 0 && has(node, "SOA")))
		return false;
	return strcmp(type, "DS") == 0 || !is_cut(node);
}

static bool true_type(const struct model *m, const char *name, const char *type)
{
	const struct node *node = find(m, name);
	if (hidden(m, name))
		return false;
	if (node == NULL)
		node = wildcard(m, name);
	return node != NULL && true_type_at(node, type);
}

static bool true_closer(const struct model *m, const char *name, unsigned n, bool nsec)
{
	if (nsec)
		return !hidden(m, name) && find(m, name) == NULL && labels(encloser(m, name)) == n;
	while (labels(name) > n + 1)
		name = parent(name);
	return find(m, name) == NULL;
}

/* ---- chains ---- */
struct link {
	const struct node *node;
	uint8_t name[WIRE_NAME_MAX], hash[20];
};

static int by_name(const void *a, const void *b)
{
	return wire_name_cmp(((const struct link *)a)->name, ((const struct link *)b)->name);
}

static int by_hash(const void *a, const void *b)
{
	return memcmp(((const struct link *)a)->hash, ((const struct link *)b)->hash, 20);
}

/* With opt-out unsigned delegations, and what is there for them alone, are left out. */
static bool left_out(const struct model *m, const struct node *node)
{
	if (node->types[0] != '\0')
		return is_cut(node) && !has(node, "DS");
	for (size_t i = 0; i < m->n; i++) {
		const char *name = m->node[i].name;
		size_t len = strlen(name), tail = strlen(node->name);
		if (m->node[i].types[0] != '\0' && len > tail && strcmp(name + len - tail, node->name) == 0 &&
		    name[len - tail - 1] == '.' && !left_out(m, &m->node[i]))
			return false;
	}
	return true;
}

static void chain_make(const struct model *m, enum chain_kind kind, struct test_denial *d)
{
	struct link link[NAMES_MAX];
	size_t n = 0;
	for (size_t i = 0; i < m->n; i++) {
		const struct node *node = &m->node[i];
		if ((kind == CHAIN_NSEC && node->types[0] == '\0') || (kind == CHAIN_OPT_OUT && left_out(m, node)))
			continue;
		link[n].node = node;
		assert_true(wire_name_parse(node->name, link[n].name) > 0);
		assert_int_equal(dnssec_nsec3_hash(link[n].name, ITERATIONS, (const uint8_t *)"\xab", 1, link[n].hash),
				 0);
		n++;
	}
	qsort(link, n, sizeof *link, kind == CHAIN_NSEC ? by_name : by_hash);
	test_denial_init(d, ZONE);
	for (size_t i = 0; i < n; i++) {
		const struct link *next = &link[(i + 1) % n];
		char text[512], from[33], to[33];
		test_hash_text(link[i].hash, from);
		test_hash_text(next->hash, to);
		if (kind == CHAIN_NSEC)
			snprintf(text, sizeof text, "%s NSEC %s %s RRSIG NSEC", link[i].node->name, next->node->name,
				 link[i].node->types);
		else
			snprintf(text, sizeof text, "%s." ZONE " NSEC3 1 %d %d ab %s %s", from, kind == CHAIN_OPT_OUT,
				 ITERATIONS, to, link[i].node->types);
		test_denial_add(d, text);
	}
}

/* Keeps the records whose bits are set. */
static void chain_subset(const struct test_denial *whole, uint64_t bits, struct test_denial *ret)
{
	*ret = *whole;
	ret->denial.n = 0;
	for (size_t i = 0; i < whole->denial.n; i++)
		if ((bits >> i & 1) != 0) {
			ret->set[ret->denial.n] = whole->set[i];
			ret->labels[ret->denial.n++] = whole->labels[i];
		}
	ret->denial.zone = ret->zone;
	ret->denial.set = ret->set;
	ret->denial.labels = ret->labels;
}

/* ---- the comparison ---- */
struct trial {
	const struct model *model;
	enum chain_kind kind;
	bool whole;
	const struct test_denial *chain;
	char name[80];
	size_t denials;
};

/* Is the name, or one above it, left out? Then opt-out can leave unproved what is true. */
static bool touches_left_out(const struct model *m, const char *name)
{
	for (; strcmp(name, ZONE) != 0; name = parent(name)) {
		const struct node *node = find(m, name);
		if (node != NULL && left_out(m, node))
			return true;
	}
	return false;
}

/* Denied must be true; with the whole chain true must be denied. Opt-out proves no name away. */
static void judge(struct trial *t, const char *what, bool truth, enum dnssec_denied denied)
{
	bool says = denied == DNSSEC_DENIED || denied == DNSSEC_DENIED_OPT_OUT;
	if (denied == DNSSEC_DENIED_INSECURE || (denied == DNSSEC_DENIED_OPT_OUT && t->kind != CHAIN_OPT_OUT))
		fail_msg("%s of %s: insecure?", what, t->name);
	if (denied == DNSSEC_DENIED && !truth)
		fail_msg("%s of %s, kind %d: denied, and it is there", what, t->name, t->kind);
	if (t->whole && truth && !says && (t->kind != CHAIN_OPT_OUT || !touches_left_out(t->model, t->name)))
		fail_msg("%s of %s, kind %d: not denied", what, t->name, t->kind);
	t->denials += says;
}

static void trial_name(struct trial *t)
{
	static const char *const types[] = {"A", "MX", "TXT", "CNAME", "DS", "NS", "DNAME", "SOA"};
	struct dnssec_budget budget = {.hashes = 1000000};
	const struct dnssec_denial *d = &t->chain->denial;
	const struct model *m = t->model;
	enum dnssec_denied denied;
	uint8_t name[WIRE_NAME_MAX];
	bool flag;
	assert_true(wire_name_parse(t->name, name) > 0);
	assert_int_equal(dnssec_deny_name(&policy, &budget, d, name, &flag, &denied), 0);
	judge(t, "name", true_name(m, t->name), denied);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		int type = wire_type_parse(types[i]);
		assert_int_equal(dnssec_deny_type(&policy, &budget, d, name, (uint16_t)type, &denied), 0);
		judge(t, types[i], true_type(m, t->name, types[i]), denied);
	}
	for (unsigned n = 0; n <= labels(t->name); n++) {
		assert_int_equal(dnssec_deny_closer(&policy, &budget, d, name, (uint8_t)n, &denied), 0);
		bool truth = n >= 1 && n < labels(t->name) && true_closer(m, t->name, n, t->kind == CHAIN_NSEC);
		judge(t, "closer", truth, denied);
	}
	const struct node *node = find(m, t->name);
	bool apex = strcmp(t->name, ZONE) == 0;
	assert_int_equal(dnssec_deny_ds(&policy, &budget, d, name, &flag, &denied), 0);
	judge(t, "delegation", !apex && !hidden(m, t->name) && (node == NULL || !has(node, "DS")), denied);
	if (denied == DNSSEC_DENIED)
		assert_int_equal(flag, node != NULL && is_cut(node));
	if (t->whole && node != NULL && !apex && has(node, "NS") && !has(node, "DS"))
		assert_true(flag);
}

/* Every name of at most three labels of these below the apex. */
static void trial_names(struct trial *t)
{
	static const char *const label[] = {"", "a.", "b.", "c.", "d.", "e.", "f.", "g.", "*.", "zz."};
	size_t n = ARRAY_SIZE(label);
	for (size_t i = 0; i < n * n * n; i++) {
		size_t first = i / n / n, second = i / n % n, third = i % n;
		if ((first > 0 && (second == 0 || third == 0)) || (second > 0 && third == 0))
			continue;
		snprintf(t->name, sizeof t->name, "%s%s%s" ZONE, label[first], label[second], label[third]);
		trial_name(t);
	}
}

static void against_model(void **state)
{
	(void)state;
	static struct test_denial whole, part;
	struct random random;
	random_init_seed(&random, 5155);
	for (size_t z = 0; z < ARRAY_SIZE(zones); z++) {
		struct model model;
		model_make(&model, zones[z], ARRAY_SIZE(zones[z]));
		for (enum chain_kind kind = CHAIN_NSEC; kind <= CHAIN_OPT_OUT; kind++) {
			struct trial t = {.model = &model, .kind = kind, .whole = true, .chain = &whole};
			chain_make(&model, kind, &whole);
			trial_names(&t);
			assert_true(t.denials > 0);
			t.whole = false;
			t.chain = &part;
			for (unsigned i = 0; i < SUBSETS; i++) {
				chain_subset(&whole, random_u64(&random) | random_u64(&random) * (i & 1), &part);
				trial_names(&t);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(against_model)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
