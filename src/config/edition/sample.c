// SPDX-License-Identifier: GPL-3.0-or-later
/* Writes the commented sample of an edition: options stand commented out at their defaults. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

#define WIDTH 92 /* columns of a comment line */

static int comment(struct buffer *out, const char *indent, const char *text)
{
	size_t room = WIDTH - strlen(indent);
	int rc = 0;
	while (*text != '\0' && rc == 0) {
		size_t len = strlen(text);
		if (len > room) {
			len = room;
			while (len > 1 && text[len] != ' ')
				len--;
		}
		rc = buffer_printf(out, "%s# %.*s\n", indent, (int)len, text);
		text += len + strspn(text + len, " ");
	}
	return rc;
}

static int option_write(struct buffer *out, const struct config_option *option, const char *key)
{
	char words[SCHEMA_WORDS_MAX], line[SCHEMA_WORDS_MAX + 8];
	const char *allowed = schema_allowed(&edition_table, option, words);
	snprintf(line, sizeof line, "%c%s.", toupper((unsigned char)allowed[0]), allowed + 1);
	int rc = buffer_printf(out, "\n");
	if (rc == 0)
		rc = comment(out, "  ", option->help);
	if (rc == 0)
		rc = comment(out, "  ", line);
	if (rc < 0 || option->fallback == NULL)
		return rc < 0 ? rc : buffer_printf(out, "  %s: .\n", key);
	rc = buffer_printf(out, "  #%s: %s\n", key, option->fallback);
	if (rc == 0 && option->example != NULL) /* YAML as it is when each "# " is taken away */
		rc = buffer_printf(out, "  # In the place of the line above, for example:\n  # %s:\n", key);
	for (const char *at = option->example; at != NULL && *at != '\0' && rc == 0; at += strcspn(at, "\n") + 1)
		rc = buffer_printf(out, "  # %.*s\n", (int)strcspn(at, "\n"), at);
	return rc;
}

int config_edition_sample(struct buffer *out)
{
	int rc = buffer_printf(
		out,
		"# An edition of a zone, for `banyan publish` (docs/editions.md). What is commented out stands at its "
		"default.\n");
	for (size_t s = 0; edition_table.sections[s].name != NULL && rc == 0; s++) {
		rc = buffer_printf(out, "\n");
		if (rc == 0)
			rc = comment(out, "", edition_table.sections[s].help);
		if (rc == 0)
			rc = buffer_printf(out, "%s:\n", edition_table.sections[s].name);
		for (size_t i = 0; i < edition_table.n_options && rc == 0; i++) {
			const char *key = schema_key(&edition_table.options[i], edition_table.sections[s].name);
			if (key != NULL)
				rc = option_write(out, &edition_table.options[i], key);
		}
	}
	return rc;
}
