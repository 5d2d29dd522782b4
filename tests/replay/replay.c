// SPDX-License-Identifier: GPL-3.0-or-later
/* Plays scenarios (see README.md here) through the resolver in virtual time. */
#include "scenario.h"

#include <ftw.h>
#include <unistd.h>

#define SCENARIOS_MAX 512
#define RUN_MS        60000 /* longer than any question may take */
#define SEED          1

static void do_file(struct scenario *s, const char *path);

/* WORLD name: the lines of worlds/NAME.rpl, in this folder or one above. */
static void do_world(struct scenario *s)
{
	char path[1024], found[1200] = "";
	snprintf(path, sizeof path, "%s%s", s->path[0] == '/' ? "" : "./", s->path);
	for (char *slash = strrchr(path, '/'); slash != NULL; slash = strrchr(path, '/')) {
		*slash = '\0';
		snprintf(found, sizeof found, "%s/worlds/%s.rpl", path, s->word[1]);
		if (access(found, R_OK) == 0)
			break;
	}
	if (access(found, R_OK) != 0)
		bad(s, "there is no world %s", s->word[1]);
	FILE *file = s->file;
	unsigned line_number = s->line_number;
	const char *own = s->path;
	do_file(s, found);
	s->file = file;
	s->line_number = line_number;
	s->path = own;
}

static void do_cancel(struct scenario *s)
{
	struct resolve_event event = {.kind = RESOLVE_CANCEL};
	event.cancel.client = client_number(s);
	world_event(s->world, &event);
}

/* HABIT address word...: how a server misbehaves; "good" ends it. */
static void do_habit(struct scenario *s)
{
	static const struct {
		const char *word;
		unsigned habit;
	} habits[] = {{"dead", WORLD_DEAD},           {"refused", WORLD_REFUSED},
		      {"servfail", WORLD_SERVFAIL},   {"upward", WORLD_UPWARD},
		      {"truncates", WORLD_TRUNCATES}, {"noedns", WORLD_NO_EDNS},
		      {"lowercase", WORLD_LOWERCASE}, {"notcp", WORLD_NO_TCP},
		      {"garbage", WORLD_GARBAGE},     {"unreachable", WORLD_UNREACHABLE},
		      {"poisons", WORLD_POISONS},     {"denies-ent", WORLD_DENIES_ENT},
		      {"recurses", WORLD_RECURSES}};
	struct addr addr = text_addr(s, s->word[1]);
	struct world_server *server = zones_server(s, &addr);
	server->habits = 0;
	for (unsigned i = 2; i < s->n_words && strcmp(s->word[i], "good") != 0; i++) {
		size_t h = 0;
		while (h < ARRAY_SIZE(habits) && strcmp(habits[h].word, s->word[i]) != 0)
			h++;
		if (h == ARRAY_SIZE(habits))
			bad(s, "HABIT: %s is unknown", s->word[i]);
		server->habits |= habits[h].habit;
	}
}

static void do_server(struct scenario *s)
{
	struct addr addr = text_addr(s, s->word[1]);
	struct world_server *server = zones_server(s, &addr);
	if (strcmp(s->word[0], "TIMEOUT") == 0)
		server->habits |= WORLD_DEAD;
	else if (strcmp(s->word[0], "ALIVE") == 0)
		server->habits &= ~(unsigned)WORLD_DEAD;
	else if (strcmp(s->word[0], "RTT") == 0)
		server->rtt_ms = (int64_t)text_number(s, s->word[2]);
}

/* The engine is made when the first step comes: only then are all settings known. */
static void begin(struct scenario *s)
{
	zones_make(s);
	if (s->started)
		return;
	s->started = true;
	s->settings.anchors = s->anchors.count > 0 ? &s->anchors : NULL;
	rolling_begin(s);
	world_restart(s->world, &s->settings);
}

/* Lines that only build; false: a step. */
static bool do_build(struct scenario *s)
{
	const char *word = s->word[0];
	if (strcmp(word, "SET") == 0)
		settings_set(s);
	else if (strcmp(word, "FORWARD") == 0 || strcmp(word, "STUB") == 0 || strcmp(word, "WALK") == 0)
		settings_forward(s);
	else if (strcmp(word, "HINTS") == 0)
		settings_hints(s);
	else if (strcmp(word, "NEVER-ASK") == 0)
		settings_never_ask(s);
	else if (strcmp(word, "ECS") == 0)
		settings_ecs(s);
	else if (strcmp(word, "DNS64") == 0)
		dns64_read(s);
	else if (strcmp(word, "START") == 0) {
		int64_t unix_s = 0;
		if (s->started || s->n_zones > 0 || clock_parse(s->word[1], &unix_s) < 0)
			bad(s, "START stands before everything else and has a date");
		s->world->wall_off_ms = unix_s * 1000 - s->start_ms - s->world->now_ms;
	} else if (strcmp(word, "WORLD") == 0)
		do_world(s);
	else if (strcmp(word, "ROOT") == 0 || strcmp(word, "ZONE") == 0)
		zones_read_zone(s, word[0] == 'R');
	else if (strcmp(word, "SIGN") == 0)
		zones_read_sign(s);
	else if (strcmp(word, "FAULT") == 0)
		zones_read_fault(s);
	else if (strcmp(word, "ANCHOR") == 0)
		zones_read_anchor(s);
	else if (strcmp(word, "NEGATIVE-ANCHOR") == 0)
		zones_read_negative_anchor(s);
	else if (strcmp(word, "ROLL") == 0)
		rolling_read(s);
	else if (strcmp(word, "ENTRY") == 0)
		entry_read(s);
	else if (strcmp(word, "POLICY") == 0)
		policy_read(s);
	else if (strcmp(word, "RPZ") == 0)
		policy_read_rpz(s);
	else if (strcmp(word, "SERVER") == 0 || strcmp(word, "TIMEOUT") == 0 || strcmp(word, "ALIVE") == 0 ||
		 strcmp(word, "RTT") == 0)
		do_server(s);
	else if (strcmp(word, "HABIT") == 0)
		do_habit(s);
	else
		return false;
	return true;
}

static void do_restart(struct scenario *s)
{
	rolling_restart(s);
	world_restart(s->world, &s->settings);
}

static void do_step(struct scenario *s)
{
	struct world *w = s->world;
	const char *word = s->word[0];
	if (strcmp(word, "QUERY") == 0)
		client_query(s);
	else if (strcmp(word, "CANCEL") == 0)
		do_cancel(s);
	else if (strcmp(word, "RUN") == 0 && s->n_words > 1)
		world_run(w, (int64_t)text_number(s, s->word[1]));
	else if (strcmp(word, "RUN") == 0)
		world_settle(w, RUN_MS);
	else if (strcmp(word, "PASS") == 0)
		world_run(w, text_seconds(s, s->word[1]) * 1000);
	else if (strcmp(word, "TIME") == 0)
		world_sleep(w, text_seconds(s, s->word[1]) * 1000);
	else if (strcmp(word, "CLOCK") == 0)
		w->wall_off_ms += text_seconds(s, s->word[1]) * 1000;
	else if (strcmp(word, "RESTART") == 0)
		do_restart(s);
	else if (strcmp(word, "REBOOT") == 0)
		stored_reboot(s);
	else if (strcmp(word, "FLUSH") == 0)
		stored_flush(s);
	else if (strcmp(word, "NOROOT") == 0)
		w->root = NULL;
	else if (strcmp(word, "WITHROOT") == 0)
		w->root = s->root;
	else if (strcmp(word, "CHECK_ANSWER") == 0)
		check_answer(s);
	else if (strncmp(word, "CHECK_", 6) == 0)
		check_other(s);
	else
		bad(s, "%s is unknown", word);
}

static void do_file(struct scenario *s, const char *path)
{
	s->path = path;
	s->line_number = 0;
	s->file = fopen(path, "r");
	assert_non_null(s->file);
	while (text_line(s)) {
		text_split(s, s->line);
		if (do_build(s))
			continue;
		begin(s);
		do_step(s);
	}
	fclose(s->file);
}

static void play(void **state)
{
	struct scenario *s = calloc(1, sizeof *s);
	assert_non_null(s);
	resolve_settings_default(&s->settings);
	s->start_ms = WORLD_EPOCH_MS;
	s->world = world_new(SEED, NULL);
	s->world->answer_fn = entry_answer;
	s->world->answer_ctx = s;
	client_init(s);
	do_file(s, *state);
	world_free(s->world);
	policy_done(s);
	rolling_free(s);
	zones_free(s);
	for (size_t i = 0; i < s->n_entries; i++) {
		free(s->entry[i]->item);
		free(s->entry[i]);
	}
	for (size_t i = 0; i < WORLD_CLIENTS_MAX; i++)
		for (int k = 0; k < 4; k++)
			buffer_done(&s->got[i].text[k]);
	arena_done(&s->made);
	free(s->sent);
	free(s);
}

static struct CMUnitTest tests[SCENARIOS_MAX];
static size_t n_tests;
static const char *base;

static int found(const char *path, const struct stat *stat, int flag, struct FTW *ftw)
{
	(void)stat;
	(void)ftw;
	size_t len = strlen(path);
	if (flag != FTW_F || len < 5 || strcmp(path + len - 4, ".rpl") != 0)
		return 0;
	if (n_tests == SCENARIOS_MAX)
		return -1;
	char *copy = strdup(path);
	tests[n_tests++] = (struct CMUnitTest){copy, play, NULL, NULL, copy};
	return 0;
}

static int test_cmp(const void *a, const void *b)
{
	return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (nftw(argv[i], found, 16, FTW_PHYS) != 0)
			n_tests = 0;
	if (n_tests == 0) {
		fprintf(stderr, "usage: replay FILE-OR-FOLDER... (with 1 to %d scenarios)\n", SCENARIOS_MAX);
		return 2;
	}
	qsort(tests, n_tests, sizeof *tests, test_cmp);
	base = argc == 2 ? argv[1] : "";
	for (size_t i = 0; i < n_tests; i++) {
		size_t len = strlen(base);
		if (len > 0 && strncmp(tests[i].name, base, len) == 0 && tests[i].name[len] == '/')
			tests[i].name += len + 1;
	}
	int failed = _cmocka_run_group_tests("replay", tests, n_tests, NULL, NULL);
	for (size_t i = 0; i < n_tests; i++)
		free(tests[i].initial_state);
	keys_free();
	return failed;
}
