// SPDX-License-Identifier: GPL-3.0-or-later
/* Runs scenarios (see README.md here) through the resolver in virtual time. */
#include "../unit/resolve/world.h"

#include "../unit/test.h"

#include <dirent.h>

#define ENTRIES_MAX 64
#define WORDS_MAX   16
#define LINE_MAX    1024

struct entry_record {
	enum wire_section section;
	uint8_t owner[WIRE_NAME_MAX];
	uint16_t type, len;
	uint32_t ttl;
	uint8_t data[512];
};

struct entry {
	struct addr addr;
	bool any_name, any_type, udp, tcp, noedns, silence, unreachable;
	uint8_t qname[WIRE_NAME_MAX];
	uint16_t qtype, flags;
	int64_t delay_ms;
	unsigned only, used, forge_n;
	char forge[16];
	size_t n_records;
	struct entry_record record[24];
};

struct scenario {
	const char *path;
	FILE *file;
	unsigned line_number;
	char line[LINE_MAX];
	char *word[WORDS_MAX];
	unsigned n_words;
	struct resolve_settings settings;
	struct world *world;
	const struct image *root;
	size_t n_entries;
	struct entry entry[ENTRIES_MAX];
	unsigned sent_seen, asked_seen[WORLD_SERVERS_MAX];
};

#define bad(s, ...)                                                                                                    \
	do {                                                                                                           \
		print_error("%s:%u: ", (s)->path, (s)->line_number);                                                   \
		fail_msg(__VA_ARGS__);                                                                                 \
	} while (0)

/* ---- reading ---- */

static bool read_line(struct scenario *s)
{
	while (fgets(s->line, sizeof s->line, s->file) != NULL) {
		s->line_number++;
		s->line[strcspn(s->line, "\r\n")] = '\0';
		if (s->line[0] != ';' && s->line[strspn(s->line, " \t")] != '\0')
			return true;
	}
	return false;
}

static void split(struct scenario *s, char *text)
{
	char *save = NULL;
	s->n_words = 0;
	for (char *w = strtok_r(text, " \t", &save); w != NULL && s->n_words < WORDS_MAX;
	     w = strtok_r(NULL, " \t", &save))
		s->word[s->n_words++] = w;
	for (unsigned i = s->n_words; i < WORDS_MAX; i++)
		s->word[i] = (char *)"";
}

static void read_block(struct scenario *s, struct buffer *out)
{
	while (read_line(s)) {
		if (strcmp(s->line, "END") == 0)
			return;
		assert_true(buffer_printf(out, "%s\n", s->line) >= 0);
	}
	bad(s, "END is missing");
}

static void name_read(struct scenario *s, const char *text, uint8_t out[WIRE_NAME_MAX])
{
	if (wire_name_parse(text, out) < 0)
		bad(s, "%s is no name", text);
}

static uint16_t type_read(struct scenario *s, const char *text)
{
	int type = wire_type_parse(text);
	if (type < 0)
		bad(s, "%s is no type", text);
	return (uint16_t)type;
}

static struct world *world_of(struct scenario *s)
{
	if (s->world == NULL)
		s->world = world_new(1, &s->settings);
	return s->world;
}

static struct world_server *server_of(struct scenario *s, const char *text)
{
	struct addr addr;
	struct world *w = world_of(s);
	if (addr_parse(text, 53, &addr) < 0)
		bad(s, "%s is no address", text);
	for (size_t i = 0; i < w->n_servers; i++)
		if (addr_equal(&w->server[i].addr, &addr))
			return &w->server[i];
	return world_server(w, text, 0, 20);
}

/* One record of master-file text: the zone reader does the work. */
static void record_read(struct scenario *s, enum wire_section section, const char *text, struct entry *entry)
{
	struct zone *zone;
	struct zone_error error;
	struct zone_read_settings settings = {.origin = (const uint8_t *)""};
	_cleanup_(buffer_done) struct buffer line = {0};
	assert_true(buffer_printf(&line, ". 1 SOA . . 1 1 1 1 1\n%s\n", text) >= 0);
	if (zone_read_text("record", (char *)line.data, line.len, &settings, NULL, NULL, &zone, &error) < 0)
		bad(s, "%s", error.text);
	bool soa = strstr(text, " SOA ") != NULL;
	for (size_t i = 0; i < zone->n_sets; i++) {
		const struct wire_rrset *set = &zone->set[i];
		if ((set->type == WIRE_TYPE_SOA && set->owner[0] == 0) && !soa)
			continue;
		if (set->owner[0] == 0 && set->type == WIRE_TYPE_SOA && zone->n_sets > 1)
			continue;
		struct entry_record *record = &entry->record[entry->n_records];
		if (entry->n_records == ARRAY_SIZE(entry->record) || set->rdata[0].len > sizeof record->data)
			bad(s, "too many or too large records");
		entry->n_records++;
		*record = (struct entry_record){.section = section, .type = set->type, .ttl = set->ttl};
		wire_name_lower(set->owner, record->owner);
		record->len = set->rdata[0].len;
		memcpy(record->data, set->rdata[0].data, record->len);
	}
	zone_free(zone);
}

static void flags_read(struct scenario *s, struct entry *entry)
{
	static const struct {
		const char *word;
		uint16_t flag;
	} flags[] = {{"AA", WIRE_AA},
		     {"TC", WIRE_TC},
		     {"RA", WIRE_RA},
		     {"NOERROR", 0},
		     {"NXDOMAIN", WIRE_RCODE_NXDOMAIN},
		     {"REFUSED", WIRE_RCODE_REFUSED},
		     {"SERVFAIL", WIRE_RCODE_SERVFAIL},
		     {"FORMERR", WIRE_RCODE_FORMERR},
		     {"NOTIMP", WIRE_RCODE_NOTIMP}};
	for (unsigned i = 1; i < s->n_words; i++) {
		size_t f = 0;
		while (f < ARRAY_SIZE(flags) && strcmp(flags[f].word, s->word[i]) != 0)
			f++;
		if (f < ARRAY_SIZE(flags))
			entry->flags |= flags[f].flag;
		else if (strcmp(s->word[i], "silence") == 0)
			entry->silence = true;
		else if (strcmp(s->word[i], "unreachable") == 0)
			entry->unreachable = true;
		else
			bad(s, "reply: %s is unknown", s->word[i]);
	}
}

static void entry_line(struct scenario *s, struct entry *entry)
{
	char *text = s->line + strspn(s->line, " \t");
	char *rest = text + strcspn(text, " \t");
	rest += strspn(rest, " \t");
	char copy[LINE_MAX];
	strcpy(copy, text);
	split(s, copy);
	if (strcmp(s->word[0], "reply") == 0)
		flags_read(s, entry);
	else if (strcmp(s->word[0], "answer") == 0)
		record_read(s, WIRE_ANSWER, rest, entry);
	else if (strcmp(s->word[0], "authority") == 0)
		record_read(s, WIRE_AUTHORITY, rest, entry);
	else if (strcmp(s->word[0], "additional") == 0)
		record_read(s, WIRE_ADDITIONAL, rest, entry);
	else if (strcmp(s->word[0], "delay") == 0)
		entry->delay_ms = atoi(s->word[1]);
	else if (strcmp(s->word[0], "only") == 0)
		entry->only = (unsigned)atoi(s->word[1]);
	else if (strcmp(s->word[0], "noedns") == 0)
		entry->noedns = true;
	else if (strcmp(s->word[0], "forge") == 0) {
		snprintf(entry->forge, sizeof entry->forge, "%s", s->word[1]);
		entry->forge_n = (unsigned)atoi(s->word[2]);
	} else
		bad(s, "%s is unknown", s->word[0]);
}

static void entry_read(struct scenario *s)
{
	if (s->n_entries == ENTRIES_MAX)
		bad(s, "too many entries");
	struct entry *entry = &s->entry[s->n_entries++];
	*entry = (struct entry){.delay_ms = 20};
	entry->addr = server_of(s, s->word[1])->addr;
	entry->any_name = strcmp(s->word[2], "*") == 0;
	entry->any_type = strcmp(s->word[3], "*") == 0;
	if (!entry->any_name)
		name_read(s, s->word[2], entry->qname);
	if (!entry->any_type)
		entry->qtype = type_read(s, s->word[3]);
	entry->udp = strcmp(s->word[4], "tcp") != 0;
	entry->tcp = strcmp(s->word[4], "udp") != 0;
	while (read_line(s)) {
		if (strcmp(s->line, "END") == 0)
			return;
		entry_line(s, entry);
	}
	bad(s, "END is missing");
}

/* ---- servers ---- */

static bool entry_matches(const struct entry *entry, const struct addr *to, bool tcp, const struct wire_question *q)
{
	return addr_equal(&entry->addr, to) && (tcp ? entry->tcp : entry->udp) &&
	       (entry->any_name || wire_name_equal(entry->qname, q->qname)) &&
	       (entry->any_type || entry->qtype == q->qtype) && (!entry->noedns || q->edns.present) &&
	       (entry->only == 0 || entry->used < entry->only);
}

static int entry_write(const struct entry *entry, const struct wire_question *q, const uint8_t *qname, uint16_t id,
		       bool evil, uint8_t *out)
{
	struct wire_writer writer;
	assert_int_equal(wire_writer_init(&writer, out, 60000, id, WIRE_QR | entry->flags), 0);
	assert_int_equal(wire_writer_question(&writer, qname, q->qtype, WIRE_CLASS_IN), 0);
	for (size_t i = 0; i < entry->n_records; i++) {
		const struct entry_record *r = &entry->record[i];
		struct wire_rdata rdata = {evil && r->type == WIRE_TYPE_A ? world_evil_ip : r->data, r->len};
		assert_int_equal(
			wire_writer_record(&writer, r->section, r->owner, r->type, WIRE_CLASS_IN, r->ttl, &rdata), 0);
	}
	return (int)wire_writer_finish(&writer);
}

static void entry_forge(struct scenario *s, const struct entry *entry, const struct addr *to,
			const struct wire_question *q)
{
	static uint8_t out[WIRE_MESSAGE_MAX];
	for (unsigned i = 0; i < entry->forge_n; i++) {
		struct addr from = *to;
		uint8_t qname[WIRE_NAME_MAX];
		uint16_t id = q->id;
		memcpy(qname, q->qname, q->qname_len);
		if (strcmp(entry->forge, "id") == 0)
			id = (uint16_t)(id + 1 + i);
		else if (strcmp(entry->forge, "case") == 0)
			qname[1] ^= 0x20;
		else if (strcmp(entry->forge, "name") == 0)
			qname[1] = '-';
		else
			from.ip[3] ^= 1;
		int len = entry_write(entry, q, qname, id, true, out);
		world_inject(s->world, 1, &from, out, (size_t)len);
	}
}

static int scripted(void *ctx, const struct addr *to, bool tcp, const uint8_t *msg, size_t len, uint8_t *out,
		    int64_t *delay_ms)
{
	struct scenario *s = ctx;
	struct wire_question q;
	assert_int_equal(wire_question_parse(msg, len, &q), WIRE_ANSWERABLE);
	for (size_t i = s->n_entries; i-- > 0;) {
		struct entry *entry = &s->entry[i];
		if (!entry_matches(entry, to, tcp, &q))
			continue;
		entry->used++;
		for (size_t k = 0; k < s->world->n_servers; k++)
			s->world->server[k].asked += addr_equal(&s->world->server[k].addr, to);
		*delay_ms = entry->delay_ms;
		if (!tcp)
			entry_forge(s, entry, to, &q);
		if (entry->silence)
			return 0;
		return entry->unreachable ? BANYAN_EIO : entry_write(entry, &q, q.qname, q.id, false, out);
	}
	return WORLD_NOT_MINE;
}

/* ---- the world ---- */

static void do_set(struct scenario *s)
{
	unsigned long value = strtoul(s->word[2], NULL, 10);
	const char *option = s->word[1];
	if (s->world != NULL)
		bad(s, "SET stands before everything else");
	if (strcmp(option, "minimise") == 0)
		s->settings.qname_minimisation = value != 0;
	else if (strcmp(option, "case") == 0)
		s->settings.case_randomisation = value != 0;
	else if (strcmp(option, "ipv4") == 0)
		s->settings.ipv4 = value != 0;
	else if (strcmp(option, "ipv6") == 0)
		s->settings.ipv6 = value != 0;
	else if (strcmp(option, "ttl-max") == 0)
		s->settings.ttl_max = (uint32_t)value;
	else if (strcmp(option, "ttl-negative-max") == 0)
		s->settings.ttl_negative_max = (uint32_t)value;
	else if (strcmp(option, "upstream-max") == 0)
		s->settings.upstream_max = (uint32_t)value;
	else if (strcmp(option, "questions-max") == 0)
		s->settings.questions_max = (uint32_t)value;
	else if (strcmp(option, "question-time") == 0)
		s->settings.question_time_ms = (uint32_t)value;
	else
		bad(s, "%s is no option", option);
}

static void do_zone(struct scenario *s, bool root)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	struct world *w = world_of(s);
	struct world_server *server[WORDS_MAX];
	unsigned n = 0;
	char origin[LINE_MAX];
	snprintf(origin, sizeof origin, "%s", root ? "." : s->word[1]);
	for (unsigned i = 2; !root && i < s->n_words; i++)
		server[n++] = server_of(s, s->word[i]);
	read_block(s, &text);
	const struct image *image = world_zone(w, origin, (char *)text.data);
	if (root)
		w->root = s->root = image;
	for (unsigned i = 0; i < n; i++) { /* a newer version takes the place of the older */
		size_t k = 0;
		while (k < server[i]->n_zones && !wire_name_equal(image_apex(server[i]->image[k]), image_apex(image)))
			k++;
		if (k < server[i]->n_zones)
			server[i]->image[k] = image;
		else
			world_serve(server[i], image);
	}
}

/* ---- the steps ---- */

static uint64_t client_of(struct scenario *s)
{
	unsigned long client = strtoul(s->word[1], NULL, 10);
	if (client >= WORLD_CLIENTS_MAX)
		bad(s, "no such client");
	return client;
}

static void do_query(struct scenario *s)
{
	uint8_t qname[WIRE_NAME_MAX];
	struct resolve_event event = {.kind = RESOLVE_QUESTION};
	event.question.client = client_of(s);
	name_read(s, s->word[2], qname);
	event.question.qname = qname;
	event.question.qtype = type_read(s, s->word[3]);
	for (unsigned i = 4; i < s->n_words; i++) {
		event.question.dnssec |= strcmp(s->word[i], "do") == 0;
		event.question.no_cache |= strcmp(s->word[i], "cold") == 0;
	}
	s->world->answer[event.question.client] = (struct world_answer){0};
	world_event(s->world, &event);
}

static void do_cancel(struct scenario *s)
{
	struct resolve_event event = {.kind = RESOLVE_CANCEL};
	event.cancel.client = client_of(s);
	world_event(s->world, &event);
}

static void check_records(struct scenario *s, const char *what, const char *expected, const char *got)
{
	if (strcmp(expected, got) != 0)
		bad(s, "%s: expected \"%s\", got \"%s\"", what, expected, got);
}

static void do_check_answer(struct scenario *s)
{
	_cleanup_(buffer_done) struct buffer answer = {0}, authority = {0};
	struct buffer *to = &answer;
	const struct world_answer *got = &s->world->answer[client_of(s)];
	if (got->times != 1)
		bad(s, "%u answers", got->times);
	if (strcmp(wire_rcode_text(got->rcode), s->word[2]) != 0)
		bad(s, "rcode %s (%s)", wire_rcode_text(got->rcode), reason_code(got->reason));
	if (s->n_words > 3 && strcmp(reason_code(got->reason), s->word[3]) != 0)
		bad(s, "reason %s", reason_code(got->reason));
	assert_true(buffer_printf(&answer, "%s", "") >= 0 && buffer_printf(&authority, "%s", "") >= 0);
	while (read_line(s) && strcmp(s->line, "END") != 0) {
		if (strcmp(s->line, "AUTHORITY") == 0)
			to = &authority;
		else
			assert_true(buffer_printf(to, "%s; ", s->line + strspn(s->line, " \t")) >= 0);
	}
	check_records(s, "answer", (char *)answer.data, got->text);
	if (to == &authority)
		check_records(s, "authority", (char *)authority.data, got->authority);
}

static void do_check(struct scenario *s)
{
	struct world *w = s->world;
	unsigned n = (unsigned)atoi(s->word[s->n_words - 1]);
	if (strcmp(s->word[0], "CHECK_UPSTREAM") == 0) {
		if (w->sent - s->sent_seen != n)
			bad(s, "%u messages sent", w->sent - s->sent_seen);
		s->sent_seen = w->sent;
	} else if (strcmp(s->word[0], "CHECK_ASKED") == 0) {
		struct world_server *server = server_of(s, s->word[1]);
		unsigned *seen = &s->asked_seen[server - w->server];
		if (server->asked - *seen != n)
			bad(s, "asked %u times", server->asked - *seen);
		*seen = server->asked;
	} else if (strcmp(s->word[0], "CHECK_NO_ANSWER") == 0) {
		if (w->answer[client_of(s)].times != 0)
			bad(s, "there is an answer");
	} else if (w->n_open != 0 || resolve_questions(w->engine) != 0) {
		bad(s, "%zu exchanges and %zu questions are open", w->n_open, resolve_questions(w->engine));
	}
}

static void do_world(struct scenario *s)
{
	struct world *w = s->world;
	if (strcmp(s->word[0], "RUN") == 0)
		world_run(w, s->n_words > 1 ? atoi(s->word[1]) : 60000);
	else if (strcmp(s->word[0], "TIME") == 0)
		world_sleep(w, (int64_t)atoi(s->word[1]) * 1000);
	else if (strcmp(s->word[0], "TIMEOUT") == 0)
		server_of(s, s->word[1])->habits |= WORLD_DEAD;
	else if (strcmp(s->word[0], "ALIVE") == 0)
		server_of(s, s->word[1])->habits &= ~(unsigned)WORLD_DEAD;
	else if (strcmp(s->word[0], "NOROOT") == 0)
		w->root = NULL;
	else if (strcmp(s->word[0], "WITHROOT") == 0)
		w->root = s->root;
	else
		bad(s, "%s is unknown", s->word[0]);
}

static void do_line(struct scenario *s)
{
	static char copy[LINE_MAX];
	strcpy(copy, s->line);
	split(s, copy);
	if (strcmp(s->word[0], "SET") == 0) {
		do_set(s);
		return;
	}
	world_of(s)->answer_fn = scripted;
	s->world->answer_ctx = s;
	if (strcmp(s->word[0], "ROOT") == 0)
		do_zone(s, true);
	else if (strcmp(s->word[0], "ZONE") == 0)
		do_zone(s, false);
	else if (strcmp(s->word[0], "SERVER") == 0)
		server_of(s, s->word[1]);
	else if (strcmp(s->word[0], "ENTRY") == 0)
		entry_read(s);
	else if (strcmp(s->word[0], "QUERY") == 0)
		do_query(s);
	else if (strcmp(s->word[0], "CANCEL") == 0)
		do_cancel(s);
	else if (strcmp(s->word[0], "CHECK_ANSWER") == 0)
		do_check_answer(s);
	else if (strncmp(s->word[0], "CHECK_", 6) == 0)
		do_check(s);
	else
		do_world(s);
}

static void play(void **state)
{
	struct scenario *s = calloc(1, sizeof *s);
	assert_non_null(s);
	s->path = *state;
	s->file = fopen(s->path, "r");
	assert_non_null(s->file);
	resolve_settings_default(&s->settings);
	while (read_line(s))
		do_line(s);
	fclose(s->file);
	world_free(s->world);
	free(s);
}

static int is_scenario(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);
	return len > 4 && strcmp(entry->d_name + len - 4, ".rpl") == 0;
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[512];
	static char path[512][768];
	struct dirent **found;
	int n = argc > 1 ? scandir(argv[1], &found, is_scenario, alphasort) : -1;
	if (n <= 0 || n > 512) {
		fprintf(stderr, "usage: replay FOLDER (with 1 to 512 scenarios)\n");
		return 2;
	}
	for (int i = 0; i < n; i++) {
		snprintf(path[i], sizeof path[i], "%s/%s", argv[1], found[i]->d_name);
		tests[i] = (struct CMUnitTest){strrchr(path[i], '/') + 1, play, NULL, NULL, path[i]};
		free(found[i]);
	}
	free(found);
	return _cmocka_run_group_tests("replay", tests, (size_t)n, NULL, NULL);
}
