// SPDX-License-Identifier: GPL-3.0-or-later
/* Writes the commented sample file: options are commented out at their defaults, sections stand. */
#include "schema.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define WIDTH 92 /* columns of a comment line */

/* Prose as comment lines: "<indent># words words". Returns 0 or an error. */
static int comment(struct buffer *out, const char *indent, const char *text)
{
	size_t room = WIDTH - strlen(indent);
	while (*text != '\0') {
		size_t len = strlen(text);
		if (len > room) {
			len = room;
			while (len > 1 && text[len] != ' ')
				len--;
		}
		int rc = buffer_printf(out, "%s# %.*s\n", indent, (int)len, text);
		if (rc < 0)
			return rc;
		text += len;
		while (*text == ' ')
			text++;
	}
	return 0;
}

static int items_write(struct buffer *out, const struct config_option *option, const char *indent);
static int example_write(struct buffer *out, const struct config_option *option, const char *indent);

static int option_write(struct buffer *out, const struct config_option *option, const char *key)
{
	char words[SCHEMA_WORDS_MAX], line[SCHEMA_WORDS_MAX + 64];
	const char *allowed = schema_allowed(&config_table, option, words);
	snprintf(line, sizeof line, "%c%s.%s", toupper((unsigned char)allowed[0]), allowed + 1,
		 option->scope == CONFIG_RESTART ? " A change needs a restart." : "");
	int rc = buffer_printf(out, "\n");
	if (rc == 0)
		rc = comment(out, "  ", option->help);
	if (rc == 0)
		rc = comment(out, "  ", line);
	if (rc == 0)
		rc = buffer_printf(out, "  #%s: %s\n", key, option->fallback);
	if (rc == 0 && option->type == CONFIG_MAPS)
		rc = items_write(out, option, "  #   ");
	if (rc == 0 && option->type == CONFIG_MAPS && option->example != NULL)
		rc = buffer_printf(out, "  # In the place of the line above, for example:\n  # %s:\n", key);
	return rc != 0 || option->type != CONFIG_MAPS ? rc : example_write(out, option, "  ");
}

/* A list of mappings has no defaults to show: what the options of an item mean. */
static int items_write(struct buffer *out, const struct config_option *option, const char *indent)
{
	char words[SCHEMA_WORDS_MAX], prefix[SCHEMA_PREFIX_MAX], text[1024];
	int rc = 0;
	schema_prefix(option, prefix);
	for (size_t i = 0; i < config_options_count && rc == 0; i++) {
		const struct config_option *of_item = &config_options[i];
		const char *key = schema_key(of_item, prefix);
		if (key == NULL)
			continue;
		snprintf(text, sizeof text, "%s: %s %c%s. %s%s%s", key, of_item->help,
			 toupper((unsigned char)schema_allowed(&config_table, of_item, words)[0]),
			 schema_allowed(&config_table, of_item, words) + 1,
			 of_item->fallback != NULL ? "Default: " : "It must be given",
			 of_item->fallback != NULL ? of_item->fallback : "", ".");
		rc = comment(out, indent, text);
	}
	return rc;
}

/* YAML as it is when each "# " is taken away. */
static int example_write(struct buffer *out, const struct config_option *option, const char *indent)
{
	int rc = 0;
	for (const char *line = option->example; rc == 0 && line != NULL && *line != '\0';) {
		size_t len = strcspn(line, "\n");
		rc = buffer_printf(out, "%s# %.*s\n", indent, (int)len, line);
		line += len + (line[len] == '\n');
	}
	return rc;
}

static int section_write(struct buffer *out, const struct config_section *section)
{
	const struct config_option *list = schema_find(&config_table, "", section->name);
	int rc = buffer_printf(out, "\n");
	if (rc == 0)
		rc = comment(out, "", section->help);
	if (rc == 0)
		rc = buffer_printf(out, list != NULL ? "%s:\n\n" : "%s:\n", section->name);
	if (rc == 0 && list != NULL)
		rc = items_write(out, list, "  ");
	if (rc == 0 && list != NULL)
		rc = buffer_printf(out, "  #\n");
	if (rc == 0 && list != NULL)
		return example_write(out, list, "  ");
	for (size_t i = 0; i < config_options_count && rc == 0; i++) {
		const char *key = schema_key(&config_options[i], section->name);
		if (key != NULL)
			rc = option_write(out, &config_options[i], key);
	}
	return rc;
}

int config_write_sample(struct buffer *out)
{
	int rc = comment(out, "",
			 "Configuration of banyand(8). Every option stands here with its default, commented out by a # "
			 "without a blank behind it: take the # away and change the value. "
			 "An empty file is a valid configuration. "
			 "`banyand -c FILE --check` checks a file; banyan.yaml(5) is the manual.");
	for (size_t i = 0; config_sections[i].name != NULL && rc == 0; i++)
		rc = section_write(out, &config_sections[i]);
	return rc;
}
