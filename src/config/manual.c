// SPDX-License-Identifier: GPL-3.0-or-later
/* Writes the manual page banyan.yaml(5) in mdoc(7). */
#include "schema.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MANUAL_DATE    "November 21, 2026" /* of the last change of the words here or in schema.c */
#define LINE_MAX_BYTES 76                  /* mandoc's style wants input lines below 80 */

/* ---- mdoc from prose ---- */

/* One word with what roff would take for its own escaped. */
static int word_write(struct buffer *out, const char *word, size_t len, bool literal)
{
	int rc = 0;
	if (word[0] == '.' || word[0] == '\'')
		rc = buffer_append(out, "\\&", 2);
	for (size_t i = 0; i < len && rc == 0; i++) {
		if (word[i] == '\\')
			rc = buffer_append(out, "\\e", 2);
		else if (word[i] == '-' && (literal || word[i + 1] == '>'))
			rc = buffer_append(out, "\\-", 2);
		else if (word[i] == '"' && literal)
			rc = buffer_append(out, "\\(dq", 4);
		else
			rc = buffer_append(out, word + i, 1);
	}
	return rc;
}

/* "banyan(1)" or "banyan(1)," -> a cross reference: the length of the name, else 0. */
static size_t reference(const char *word, size_t len)
{
	size_t n = 0;
	while (n < len && (islower((unsigned char)word[n]) || word[n] == '.'))
		n++;
	return n > 0 && n + 3 <= len && n + 4 >= len && word[n] == '(' && isdigit((unsigned char)word[n + 1]) &&
			       word[n + 2] == ')'
		       ? n
		       : 0;
}

/* Sentences, each on lines of its own as mdoc(7) wants them. */
static int prose(struct buffer *out, const char *text)
{
	size_t column = 0;
	int rc = 0;
	while (*text != '\0' && rc == 0) {
		size_t len = strcspn(text, " "), name = reference(text, len);
		bool end = text[len - 1] == '.';
		if (column > 0 && (name > 0 || column + 1 + len > LINE_MAX_BYTES)) {
			rc = buffer_append(out, "\n", 1);
			column = 0;
		}
		if (rc == 0 && column > 0)
			rc = buffer_append(out, " ", 1);
		if (rc == 0 && name > 0) {
			rc = buffer_printf(out, ".Xr %.*s %c%s%.*s", (int)name, text, text[name + 1],
					   len > name + 3 ? " " : "", (int)(len - name - 3), text + name + 3);
			end = true;
		} else if (rc == 0)
			rc = word_write(out, text, len, false);
		column += 1 + len;
		if (rc == 0 && end) {
			rc = buffer_append(out, "\n", 1);
			column = 0;
		}
		text += len;
		text += strspn(text, " ");
	}
	return rc == 0 && column > 0 ? buffer_append(out, "\n", 1) : rc;
}

/* ---- parts of the page ---- */

static const char head[] = ".\\\" SPDX-License-Identifier: GPL-3.0-or-later\n"
			   ".\\\" Made by the build from the table of options; changes belong there.\n"
			   ".Dd " MANUAL_DATE "\n"
			   ".Dt BANYAN.YAML 5\n"
			   ".Os\n"
			   ".Sh NAME\n"
			   ".Nm banyan.yaml\n"
			   ".Nd configuration of banyand\n"
			   ".Sh DESCRIPTION\n"
			   "The file tells\n"
			   ".Xr banyand 8\n"
			   "which zones to serve, on which root zone to resolve, and for whom.\n"
			   "It is written in YAML: sections with options, each with a default.\n"
			   "An empty file is valid: it makes a resolver for this host that stands on\n"
			   ".Pa /var/lib/banyan/root.zone .\n"
			   ".Pp\n"
			   "An option that is not known, stands twice or has a value that is not allowed\n"
			   "is an error, which names the file, the line, the column, the option, what was\n"
			   "found and what is allowed.\n"
			   ".Ql banyand \\-c FILE \\-\\-check\n"
			   "reports it without starting anything.\n"
			   "A reload reads the new file whole and keeps the old configuration if there\n"
			   "is an error.\n"
			   ".Pp\n"
			   "Relative paths start at the folder of the configuration file.\n"
			   "Anchors, aliases, tags and a second document are not accepted.\n";

static const char values[] = ".Sh VALUES\n"
			     ".Bl -tag -width Ds\n"
			     ".It time\n"
			     "A whole number with one of the units\n"
			     ".Sy ms , s , m , h\n"
			     "or\n"
			     ".Sy d ,\n"
			     "without a blank, as in\n"
			     ".Ql 10s .\n"
			     "Times to live know no\n"
			     ".Sy ms .\n"
			     ".It size\n"
			     "Bytes, or a whole number with\n"
			     ".Sy K , M , G\n"
			     "or\n"
			     ".Sy T\n"
			     "(powers of 1024), as in\n"
			     ".Ql 64M .\n"
			     ".It true or false\n"
			     "Also written yes and no, or on and off; not in quotes.\n"
			     ".It address\n"
			     ".Ql 192.0.2.1 ,\n"
			     ".Ql 192.0.2.1@5300\n"
			     "or, in double quotes because of the colons,\n"
			     ".Ql \\(dq2001:db8::1@5300\\(dq .\n"
			     ".It list\n"
			     "In brackets with commas, or one item a line behind a hyphen.\n"
			     ".El\n";

static const char tail[] = ".Sh FILES\n"
			   ".Bl -tag -width Ds\n"
			   ".It Pa /etc/banyan/banyan.yaml\n"
			   "The usual place of the configuration.\n"
			   ".It Pa /usr/share/doc/banyan/banyan.yaml.sample\n"
			   "Every option with its default and a comment;\n"
			   ".Ql banyand \\-\\-sample\n"
			   "prints the same.\n"
			   ".El\n"
			   ".Sh EXAMPLES\n"
			   "A resolver for one network, beside a zone of its own:\n"
			   ".Bd -literal -offset indent\n"
			   "server:\n"
			   "  listen: [192.0.2.53, \"2001:db8::53\"]\n"
			   "zones:\n"
			   "  - name: example.org\n"
			   "    file: zones/example.org.zone\n"
			   "resolver:\n"
			   "  allow: [127.0.0.0/8, \"::1\", 192.0.2.0/24, \"2001:db8::/48\"]\n"
			   "  cache\\-size: 1G\n"
			   ".Ed\n"
			   ".Pp\n"
			   "A root instance that resolves for nobody:\n"
			   ".Bd -literal -offset indent\n"
			   "server:\n"
			   "  listen: [192.0.2.53, \"2001:db8::53\"]\n"
			   "  identity: root1.example.net\n"
			   "zones:\n"
			   "  - name: .\n"
			   "    file: root.zone\n"
			   "    prove: full\n"
			   "    require\\-zonemd: true\n"
			   "resolver:\n"
			   "  enabled: false\n"
			   ".Ed\n"
			   ".Sh SEE ALSO\n"
			   ".Xr banyan 1 ,\n"
			   ".Xr banyand 8\n";

static int options_write(struct buffer *out, const char *prefix);

static int option_write(struct buffer *out, const struct config_option *option, const char *key)
{
	char words[SCHEMA_WORDS_MAX], line[SCHEMA_WORDS_MAX + 32];
	const char *allowed = schema_allowed(&config_table, option, words);
	int rc = buffer_printf(out, ".It Ic ");
	if (rc == 0)
		rc = word_write(out, key, strlen(key), true);
	if (rc == 0)
		rc = buffer_printf(out, "\n");
	if (rc == 0)
		rc = prose(out, option->help);
	snprintf(line, sizeof line, "%c%s.", toupper((unsigned char)allowed[0]), allowed + 1);
	if (rc == 0)
		rc = prose(out, line);
	if (rc == 0 && option->fallback == NULL)
		rc = buffer_printf(out, "It must be given.\n");
	if (rc == 0 && option->fallback != NULL) {
		bool empty = strcmp(option->fallback, "\"\"") == 0;
		rc = buffer_printf(out, "Default:\n%s", empty ? "empty" : ".Ql ");
		if (rc == 0 && !empty)
			rc = word_write(out, option->fallback, strlen(option->fallback), true);
		if (rc == 0)
			rc = buffer_printf(out, "%s.\n", empty ? "" : " ");
	}
	if (rc == 0 && option->scope == CONFIG_RESTART)
		rc = buffer_printf(out, "A change needs a restart.\n");
	if (rc == 0 && option->type == CONFIG_MAPS) {
		char prefix[SCHEMA_PREFIX_MAX];
		rc = options_write(out, schema_prefix(option, prefix));
	}
	return rc;
}

static int options_write(struct buffer *out, const char *prefix)
{
	int rc = buffer_printf(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < config_options_count && rc == 0; i++) {
		const char *key = schema_key(&config_options[i], prefix);
		if (key != NULL)
			rc = option_write(out, &config_options[i], key);
	}
	return rc == 0 ? buffer_printf(out, ".El\n") : rc;
}

static int section_write(struct buffer *out, const struct config_section *section)
{
	const struct config_option *list = schema_find(&config_table, "", section->name);
	char prefix[SCHEMA_PREFIX_MAX];
	int rc = buffer_printf(out, ".Ss %s\n", section->name);
	if (rc == 0)
		rc = prose(out, section->help);
	return rc == 0 ? options_write(out, list != NULL ? schema_prefix(list, prefix) : section->name) : rc;
}

int config_write_manual(struct buffer *out)
{
	int rc = buffer_append(out, head, sizeof head - 1);
	if (rc == 0)
		rc = buffer_append(out, values, sizeof values - 1);
	if (rc == 0)
		rc = buffer_printf(out,
				   ".Sh OPTIONS\nUnless it says otherwise, a reload is enough to change an option.\n");
	for (size_t i = 0; config_sections[i].name != NULL && rc == 0; i++)
		rc = section_write(out, &config_sections[i]);
	return rc == 0 ? buffer_append(out, tail, sizeof tail - 1) : rc;
}
