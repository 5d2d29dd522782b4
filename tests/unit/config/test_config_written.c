// SPDX-License-Identifier: GPL-3.0-or-later
/* What the table writes (sample, manual), the table itself, and mutations of a full configuration. */
#include "test.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "schema.h"
#include "value.h"

/* ---- the table ---- */

/* Is it an option of the items of a list of mappings? */
static bool is_of_item(const struct config_option *option)
{
	return strstr(option->path, "[].") != NULL;
}

/* Every byte of struct config that is no padding belongs to exactly one row, but for what reading finds out. */
static void every_field_has_a_row(void **state)
{
	struct config config;
	uint8_t *byte = (uint8_t *)&config;
	memset(&config, 0xff, sizeof config);
#if defined(__has_builtin) && __has_builtin(__builtin_clear_padding)
	__builtin_clear_padding(&config);
#else
	skip();
#endif
	memset(&config.path, 0, sizeof config.path);
	memset(&config.server.control_optional, 0, sizeof config.server.control_optional);
	for (size_t i = 0; i < config_options_count; i++) {
		const struct config_option *o = &config_options[i];
		if (is_of_item(o))
			continue;
		bool list = o->type >= CONFIG_ADDRS;
		size_t width = list ? sizeof(struct config_any_list) : o->width;
		for (size_t k = 0; k < width; k++) {
			if (byte[o->offset + k] != 0xff)
				fail_msg("%s: byte %zu has another row or is padding", o->path, k);
			byte[o->offset + k] = 0;
		}
	}
	for (size_t k = 0; k < sizeof config; k++)
		if (byte[k] != 0)
			fail_msg("byte %zu of struct config has no row", k);
}

static void rows_make_sense(void **state)
{
	struct config *config;
	assert_int_equal(config_default(&config), 0);
	for (size_t i = 0; i < config_options_count; i++) {
		const struct config_option *o = &config_options[i];
		char words[SCHEMA_WORDS_MAX];
		assert_true(o->min <= o->max);
		assert_true(strlen(o->help) > 20 && o->help[strlen(o->help) - 1] == '.');
		assert_true(isupper((unsigned char)o->help[0]));
		assert_true(strlen(schema_allowed(&config_table, o, words)) > 5);
		assert_int_equal(o->choices != NULL, o->type == CONFIG_CHOICE);
		assert_int_equal(o->item_size > 0, o->type == CONFIG_MAPS);
		assert_int_equal(o->example != NULL, o->type == CONFIG_MAPS);
		if (o->type == CONFIG_CHOICE)
			for (size_t k = 0; k <= o->max; k++)
				assert_non_null(o->choices[k]);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(o->path, config_options[k].path);
		/* rows of a section are neighbours: the reader counts on it */
		const char *dot = strchr(o->path, '.');
		if (dot != NULL && i > 0) {
			size_t len = (size_t)(dot - o->path), seen = 0;
			for (size_t k = 0; k < config_options_count; k++)
				if (strncmp(config_options[k].path, o->path, len + 1) == 0)
					seen = k >= i ? seen + 1 : seen;
			for (size_t k = i; k < i + seen; k++)
				assert_int_equal(strncmp(config_options[k].path, o->path, len + 1), 0);
		}
	}
	config_free(config);
}

/* ---- the sample ---- */

static struct config *read_sample(const struct buffer *text)
{
	struct config *config = NULL;
	struct config_error error;
	if (config_read_text("default", (char *)text->data, text->len, &config, &error) < 0)
		fail_msg("%s", error.text);
	return config;
}

static void assert_defaults(const struct config *config)
{
	struct config *defaults;
	assert_int_equal(config_default(&defaults), 0);
	for (size_t i = 0; i < config_options_count; i++) {
		const struct config_option *o = &config_options[i];
		if (!is_of_item(o) && !value_equal(o, config, defaults))
			fail_msg("%s is not the default", o->path);
	}
	config_free(defaults);
}

/* Takes the # away from every option: a # without a blank behind it. */
static struct buffer uncommented(const struct buffer *sample, size_t *ret_options)
{
	struct buffer out = {0};
	*ret_options = 0;
	for (size_t i = 0; i < sample->len; i++) {
		bool option = sample->data[i] == '#' && i > 0 && sample->data[i - 1] == ' ' && i + 1 < sample->len &&
			      islower(sample->data[i + 1]);
		if (option)
			++*ret_options;
		else if (buffer_append(&out, sample->data + i, 1) < 0)
			abort();
	}
	return out;
}

static void sample_is_the_defaults(void **state)
{
	struct buffer sample = {0};
	size_t options, rows = 0;
	assert_int_equal(config_write_sample(&sample), 0);
	struct config *config = read_sample(&sample);
	assert_defaults(config);
	config_free(config);
	struct buffer bare = uncommented(&sample, &options);
	config = read_sample(&bare);
	assert_defaults(config);
	assert_int_equal(config->n_zones, 0);
	config_free(config);
	for (size_t i = 0; i < config_options_count; i++)
		rows += strchr(config_options[i].path, '.') != NULL && !is_of_item(&config_options[i]);
	assert_int_equal(options, rows); /* every row is there */
	for (const char *line = (char *)sample.data; line < (char *)sample.data + sample.len;) {
		const char *end = strchr(line, '\n');
		assert_non_null(end);
		assert_true(end - line <= 100);
		assert_true(end == line || end[-1] != ' ');
		line = end + 1;
	}
	buffer_done(&bare);
	buffer_done(&sample);
}

/* ---- the manual ---- */

static void manual_names_every_option(void **state)
{
	struct buffer manual = {0};
	assert_int_equal(config_write_manual(&manual), 0);
	assert_int_equal(buffer_append(&manual, "", 1), 0);
	for (size_t i = 0; i < config_options_count; i++) {
		const char *key = strrchr(config_options[i].path, '.');
		char item[100] = ".It Ic ";
		size_t len = strlen(item);
		if (key == NULL)
			continue;
		for (key++; *key != '\0'; key++) {
			if (*key == '-')
				item[len++] = '\\';
			item[len++] = *key;
		}
		strcpy(item + len, "\n");
		if (strstr((char *)manual.data, item) == NULL)
			fail_msg("the manual has no '%s'", item);
	}
	buffer_done(&manual);
}

/* mandoc finds nothing but cross references to pages that are not installed. */
static void manual_is_clean(void **state)
{
	struct buffer manual = {0};
	char path[] = "/tmp/banyan-manual-XXXXXX", command[200], line[500];
	if (access("/usr/bin/mandoc", X_OK) != 0) {
		print_message("mandoc is not installed\n");
		skip();
	}
	assert_int_equal(config_write_manual(&manual), 0);
	int fd = mkstemp(path);
	assert_int_equal(write(fd, manual.data, manual.len), (ssize_t)manual.len);
	close(fd);
	snprintf(command, sizeof command, "mandoc -Tlint %s", path);
	FILE *lint = popen(command, "r");
	assert_non_null(lint);
	while (fgets(line, sizeof line, lint) != NULL)
		if (strstr(line, "referenced manual not found") == NULL)
			fail_msg("%s", line);
	assert_true(pclose(lint) != -1);
	unlink(path);
	buffer_done(&manual);
}

/* ---- mutations ---- */

static const char zones[] = "zones:\n  - {name: ., file: r, prove: full, anchors: [a, \"b\"]}\n"
			    "  - name: example.org\n    file: x\n    require-zonemd: yes\n";

static void mutate(struct buffer *text, struct random *random)
{
	static const char *const bits[] = {"[",
					   "]",
					   "{",
					   "}",
					   ": ",
					   "\n",
					   "- ",
					   "\"",
					   "'",
					   "#",
					   "&a ",
					   "*a",
					   "!",
					   "\t",
					   "\\",
					   "|\n",
					   "0",
					   "-1",
					   "99999999999999999999",
					   "K",
					   "::1",
					   "/",
					   "->",
					   "\xc3",
					   "\xff",
					   "~",
					   "? ",
					   "%",
					   "@",
					   "  "};
	size_t at = random_below(random, (uint32_t)text->len);
	const char *bit = bits[random_below(random, ARRAY_SIZE(bits))];
	size_t len = strlen(bit);
	switch (random_below(random, 4)) {
	case 0:
		text->data[at] = (uint8_t)random_u64(random);
		break;
	case 1: /* take some away */
		len = random_below(random, 20);
		if (len > text->len - at)
			len = text->len - at;
		memmove(text->data + at, text->data + at + len, text->len - at - len);
		text->len -= len;
		break;
	case 2: /* say some twice */
		len = random_below(random, 40);
		if (len > text->len - at)
			len = text->len - at;
		assert_int_equal(buffer_reserve(text, len), 0);
		memmove(text->data + at + len, text->data + at, text->len - at);
		text->len += len;
		break;
	default:
		assert_int_equal(buffer_reserve(text, len), 0);
		memmove(text->data + at + len, text->data + at, text->len - at);
		memcpy(text->data + at, bit, len);
		text->len += len;
	}
	if (text->len == 0)
		assert_int_equal(buffer_append(text, "a", 1), 0);
}

/* Nothing that stands in a file makes the reader crash; it says what is wrong, or gives a whole configuration. */
static void mutations_of_the_sample(void **state)
{
	enum { ROUNDS = 3000 };
	struct buffer sample = {0};
	struct random random;
	size_t options, good = 0, bad = 0;
	random_init_seed(&random, 20261121);
	assert_int_equal(config_write_sample(&sample), 0);
	struct buffer bare = uncommented(&sample, &options);
	/* comments are dull: keep the lines of options only */
	struct buffer base = {0};
	for (char *line = (char *)bare.data, *end; line < (char *)bare.data + bare.len; line = end + 1) {
		end = memchr(line, '\n', bare.len - (size_t)(line - (char *)bare.data));
		if (strncmp(line, "  #", 3) != 0 && line[0] != '#' && line[0] != '\n' && line[0] != 'z')
			assert_int_equal(buffer_append(&base, line, (size_t)(end - line) + 1), 0);
	}
	assert_int_equal(buffer_append(&base, zones, sizeof zones - 1), 0);
	for (int round = 0; round < ROUNDS; round++) {
		struct buffer text = {0};
		struct config *config = NULL;
		struct config_error error = {0};
		assert_int_equal(buffer_append(&text, base.data, base.len), 0);
		for (uint32_t n = round == 0 ? 0 : 1 + random_below(&random, 4); n > 0; n--)
			mutate(&text, &random);
		/* exactly as long as the text: reading behind its end is seen by a sanitizer */
		char *exact = malloc(text.len);
		memcpy(exact, text.data, text.len);
		int rc = config_read_text("mutated", exact, text.len, &config, &error);
		if (rc < 0) {
			assert_int_equal(rc, BANYAN_ECONFIG);
			assert_int_equal(strncmp(error.text, "mutated:", 8), 0);
			assert_true(strlen(error.text) > 20);
			bad++;
		} else {
			assert_true(config->server.listen.count > 0);
			assert_true(config->server.udp_size >= 512 && config->server.udp_size <= 4096);
			good++;
		}
		config_free(config);
		free(exact);
		buffer_done(&text);
		if (round == 0)
			assert_int_equal(good, 1); /* the base itself is good */
	}
	print_message("# %zu good, %zu refused\n", good, bad);
	assert_true(good > 10 && bad > ROUNDS / 4); /* the more options there are, the fewer stay good */
	buffer_done(&base);
	buffer_done(&bare);
	buffer_done(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_has_a_row),  cmocka_unit_test(rows_make_sense),
		cmocka_unit_test(sample_is_the_defaults), cmocka_unit_test(manual_names_every_option),
		cmocka_unit_test(manual_is_clean),        cmocka_unit_test(mutations_of_the_sample),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
