// SPDX-License-Identifier: GPL-3.0-or-later
/* CHECK_...: what came out against what must come out. */
#include "scenario.h"

#define TTL_SLACK_S 5

/* ---- numbers ---- */

/* Does `value` fit "3", "<=3", ">=3" or two words of these, which end the line? */
static void check_number(struct scenario *s, const char *what, uint64_t value)
{
	const char *text = s->word[s->n_words - 1], *sign = text;
	uint64_t least, most;
	if (s->n_words > 2 &&
	    (strcmp(s->word[s->n_words - 2], "<=") == 0 || strcmp(s->word[s->n_words - 2], ">=") == 0))
		sign = s->word[s->n_words - 2];
	else if (text[0] == '<' || text[0] == '>')
		text += 2;
	least = most = text_number(s, text);
	if (sign[0] == '<')
		least = 0;
	else if (sign[0] == '>')
		most = UINT64_MAX;
	if (value < least || value > most)
		bad(s, "%llu %s", (unsigned long long)value, what);
}

/* How many came since the last check that began with the same words. */
static uint64_t since(struct scenario *s, unsigned n_words, uint64_t value)
{
	char text[256] = "";
	for (unsigned i = 0; i < n_words; i++) {
		strncat(text, s->word[i], sizeof text - strlen(text) - 2);
		strcat(text, " ");
	}
	struct mark *mark = s->mark;
	while (mark < s->mark + s->n_marks && strcmp(mark->text, text) != 0)
		mark++;
	if (mark == s->mark + s->n_marks) {
		if (s->n_marks++ == MARKS_MAX)
			bad(s, "too many different checks");
		snprintf(mark->text, sizeof mark->text, "%s", text);
	}
	uint64_t seen = mark->seen;
	mark->seen = value;
	return value - seen;
}

static uint64_t counter_value(struct scenario *s, const char *name)
{
	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		if (strcmp(counter_name((enum counter)i), name) == 0)
			return counter_read(&s->world->counters, (enum counter)i);
	bad(s, "there is no counter %s", name);
	return 0;
}

/* ---- messages that were sent ---- */

static bool sent_fits(struct scenario *s, const struct sent *sent, struct wire_question *ret)
{
	struct addr addr;
	uint8_t name[WIRE_NAME_MAX];
	assert_int_equal(wire_question_parse(sent->msg, sent->len, ret), WIRE_ANSWERABLE);
	if (strcmp(s->word[1], "*") != 0) {
		addr = text_addr(s, s->word[1]);
		if (!addr_equal(&addr, &sent->to))
			return false;
	}
	if (strcmp(s->word[2], "*") != 0) {
		text_name(s, s->word[2], name);
		if (!wire_name_equal(name, ret->qname))
			return false;
	}
	return strcmp(s->word[3], "*") == 0 || text_type(s, s->word[3]) == ret->qtype;
}

/* CHECK_ASKED address [qname qtype] n */
static void check_asked(struct scenario *s)
{
	bool last_is_sign = s->word[s->n_words - 2][0] == '<' || s->word[s->n_words - 2][0] == '>';
	unsigned n_named = s->n_words - (last_is_sign ? 2 : 1);
	uint64_t n = 0;
	struct wire_question q;
	char *word[4] = {s->word[0], s->word[1], n_named > 2 ? s->word[2] : (char *)"*",
			 n_named > 3 ? s->word[3] : (char *)"*"};
	char *saved[4] = {s->word[0], s->word[1], s->word[2], s->word[3]};
	memcpy(s->word, word, sizeof word);
	for (size_t i = 0; i < s->n_sent; i++)
		n += sent_fits(s, &s->sent[i], &q);
	memcpy(s->word, saved, sizeof saved);
	check_number(s, "messages asked this", since(s, n_named, n));
}

static bool has_option(const struct sent *sent, unsigned long code)
{
	struct wire_reader reader;
	struct wire_record record;
	assert_int_equal(wire_reader_init(&reader, sent->msg, sent->len), 0);
	while (wire_reader_next(&reader, &record) > 0) {
	}
	const uint8_t *p = reader.msg + reader.opt_pos, *end = p + reader.opt_len;
	for (; reader.has_edns && end - p >= 4; p += 4 + wire_get16(p + 2))
		if (wire_get16(p) == code)
			return true;
	return false;
}

static bool is_mixed(const uint8_t *name)
{
	bool upper = false, lower = false;
	for (; *name != 0; name += *name + 1)
		for (unsigned i = 1; i <= *name; i++) {
			upper |= name[i] >= 'A' && name[i] <= 'Z';
			lower |= name[i] >= 'a' && name[i] <= 'z';
		}
	return upper && lower;
}

static bool sent_has(struct scenario *s, const struct sent *sent, const struct wire_question *q, const char *word)
{
	if (strcmp(word, "tcp") == 0)
		return sent->tcp;
	if (strcmp(word, "edns") == 0)
		return q->edns.present;
	if (strcmp(word, "do") == 0)
		return q->edns.do_bit;
	if (strcmp(word, "rd") == 0)
		return q->flags & WIRE_RD;
	if (strcmp(word, "cd") == 0)
		return q->flags & WIRE_CD;
	if (strcmp(word, "ad") == 0)
		return q->flags & WIRE_AD;
	if (strcmp(word, "cookie") == 0)
		return q->edns.cookie != NULL;
	if (strcmp(word, "server-cookie") == 0)
		return q->edns.cookie != NULL && q->edns.cookie_len > 8;
	if (strcmp(word, "mixed") == 0)
		return is_mixed(q->qname);
	if (strncmp(word, "size=", 5) == 0)
		return q->edns.udp_size == text_number(s, word + 5);
	if (strncmp(word, "option=", 7) == 0)
		return has_option(sent, text_number(s, word + 7));
	bad(s, "CHECK_SENT: %s is unknown", word);
	return false;
}

/* CHECK_SENT address qname qtype word... of the last such message; "-word" = not. */
static void check_sent(struct scenario *s)
{
	struct wire_question q;
	size_t i = s->n_sent;
	while (i > 0 && !sent_fits(s, &s->sent[i - 1], &q))
		i--;
	if (i == 0)
		bad(s, "no such message was sent");
	for (unsigned w = 4; w < s->n_words; w++) {
		bool not = s->word[w][0] == '-';
		if (sent_has(s, &s->sent[i - 1], &q, s->word[w] + not ) == not )
			bad(s, "the message was sent %s %s", not ? "with" : "without", s->word[w] + not );
	}
}

/* ---- answers ---- */

/* "?" stands for any word, "~300" for 300 or a little less: what some seconds on the way leave of a TTL. */
static bool word_fits(const char *expected, size_t len, const char *got, size_t got_len)
{
	if (expected[0] == '~' && len > 1) {
		unsigned long most = strtoul(expected + 1, NULL, 10), value = strtoul(got, NULL, 10);
		return got[0] >= '0' && got[0] <= '9' && value <= most && value + TTL_SLACK_S >= most;
	}
	return (len == 1 && *expected == '?') || (len == got_len && memcmp(expected, got, len) == 0);
}

/* Word by word; "..." stands for all that follow. */
static bool line_fits(const char *expected, const char *got, size_t got_len)
{
	const char *end = got + got_len;
	expected += strspn(expected, " \t");
	while (*expected != '\0') {
		size_t e = strcspn(expected, " \t"), g = 0;
		if (e == 3 && memcmp(expected, "...", 3) == 0)
			return true;
		while (got + g < end && got[g] != ' ')
			g++;
		if (g == 0 || !word_fits(expected, e, got, g))
			return false;
		expected += e;
		expected += strspn(expected, " \t");
		got += g;
		while (got < end && *got == ' ')
			got++;
	}
	return got == end;
}

static const char *const section_names[] = {"", "ANSWER", "AUTHORITY", "ADDITIONAL"};

/* The lines up to END against those of the reply; a section that is not named is not looked at, but for the answer section. */
static void check_sections(struct scenario *s, const struct got *got)
{
	int section = WIRE_ANSWER;
	const char *at = got->text[section].data == NULL ? "" : (char *)got->text[section].data;
	for (;;) {
		bool more = text_line(s) && strcmp(s->line, "END") != 0;
		int next = more ? 0 : 4;
		for (int i = WIRE_ANSWER; i <= WIRE_ADDITIONAL && more; i++)
			if (strcmp(s->line, section_names[i]) == 0)
				next = i;
		if (next > 0 && *at != '\0')
			bad(s, "more in the %s section: %s", section_names[section], at);
		if (next == 4)
			return;
		if (next > 0) {
			section = next;
			at = (char *)got->text[section].data;
			continue;
		}
		size_t len = strcspn(at, "\n");
		if (!line_fits(s->line, at, len))
			bad(s, "%s section: expected \"%s\", got \"%.*s\" (reply:\n%s%s%s)", section_names[section],
			    s->line, (int)len, at, (char *)got->text[1].data, "--\n", (char *)got->text[2].data);
		at += len + (at[len] == '\n');
	}
}

static void check_word(struct scenario *s, const struct got *got, const char *word)
{
	static const struct {
		const char *word;
		uint16_t flag;
	} flags[] = {{"AA", WIRE_AA}, {"TC", WIRE_TC}, {"RD", WIRE_RD},
		     {"RA", WIRE_RA}, {"AD", WIRE_AD}, {"CD", WIRE_CD}};
	bool not = word[0] == '-';
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (strcmp(flags[i].word, word + not ) != 0)
			continue;
		if (((got->flags & flags[i].flag) != 0) == not )
			bad(s, "%s is %sset (reason %s)", flags[i].word, not ? "" : "not ", reason_code(got->reason));
		return;
	}
	if (strncmp(word, "ede=", 4) == 0) {
		int ede = strcmp(word + 4, "none") == 0 ? -1 : (int)text_number(s, word + 4);
		if (got->ede != ede)
			bad(s, "extended error %d (reason %s)", got->ede, reason_code(got->reason));
	} else if (strncmp(word, "ecs=", 4) == 0) {
		uint8_t ecs[64];
		size_t len = strcmp(word + 4, "none") == 0 ? 0 : text_hex(s, word + 4, ecs, sizeof ecs);
		if (len != got->ecs_len || (len > 0 && memcmp(ecs, got->ecs, len) != 0))
			bad(s, "another client subnet, of %zu bytes, scope %u", got->ecs_len,
			    got->ecs_len > 3 ? got->ecs[3] : 0);
	} else if (strcmp(word, "edns") == 0 || strcmp(word, "-edns") == 0) {
		if (got->edns == not )
			bad(s, "OPT is %sthere", not ? "" : "not ");
	} else if (strcmp(word, "at-once") == 0) {
		if (!got->at_once)
			bad(s, "the resolver was asked");
	} else if (strcmp(reason_code(got->reason), word) != 0) {
		bad(s, "reason %s", reason_code(got->reason));
	}
}

void check_answer(struct scenario *s)
{
	const struct got *got = &s->got[client_number(s)];
	if (got->times != 1)
		bad(s, "%u answers", got->times);
	if (strcmp(wire_rcode_text(got->rcode), s->word[2]) != 0)
		bad(s, "rcode %s (reason %s, extended error %d)", wire_rcode_text(got->rcode), reason_code(got->reason),
		    got->ede);
	for (unsigned i = 3; i < s->n_words; i++)
		check_word(s, got, s->word[i]);
	check_sections(s, got);
}

/* CHECK_TRACE client words: some step of the walk says so. */
static void check_trace(struct scenario *s)
{
	const char *trace = s->world->answer[client_number(s)].trace;
	const char *text = strstr(s->line, s->word[1]) + strlen(s->word[1]);
	text += strspn(text, " \t");
	if (strstr(trace, text) == NULL)
		bad(s, "no step says \"%s\":\n%s", text, trace);
}

/* CHECK_SAYS client words: the extended error says so. CHECK_SAYS_NOT: it does not. */
static void check_says(struct scenario *s)
{
	const char *says = s->got[client_number(s)].says;
	const char *text = strstr(s->line, s->word[1]) + strlen(s->word[1]);
	text += strspn(text, " \t");
	bool expected = strcmp(s->word[0], "CHECK_SAYS") == 0;
	if ((strstr(says, text) != NULL) != expected)
		bad(s, "the extended error %s say \"%s\": %s", expected ? "does not" : "must not", text, says);
}

static void tell_finding(void *ctx, const struct zone_finding *finding)
{
	struct scenario *s = ctx;
	char name[WIRE_NAME_TEXT_MAX], type[16];
	if (finding->fatal)
		print_error("%s:%u: %s: %s %s: %s\n", s->path, s->line_number, reason_code(finding->reason),
			    finding->owner != NULL ? wire_name_text(finding->owner, name) : "",
			    wire_type_text(finding->type, type), finding->text);
}

/* CHECK_PROVED origin [reason]: the whole zone proves by its own keys as anchors, or not, for this reason. */
static void check_proved(struct scenario *s)
{
	uint8_t origin[WIRE_NAME_MAX];
	text_name(s, s->word[1], origin);
	const struct zone_plan *plan = zones_find(s, origin);
	struct dnssec_anchors anchors = {0};
	struct zone_proof proof;
	if (plan == NULL || !plan->is_signed)
		bad(s, "there is no signed zone %s", s->word[1]);
	for (unsigned i = 0; i < plan->n_keys; i++) {
		struct wire_rdata rdata = {plan->key[i].rdata, plan->key[i].len};
		assert_int_equal(dnssec_anchors_add(&anchors, plan->origin, WIRE_TYPE_DNSKEY, &rdata), 0);
	}
	struct zone_prove_settings settings = {.anchors = &anchors,
					       .now = (WORLD_EPOCH_MS + s->world->now_ms + s->world->wall_off_ms) /
						      1000,
					       .threads = 1,
					       .report = s->n_words > 2 ? NULL : tell_finding,
					       .report_ctx = s};
	assert_int_equal(zone_prove(plan->made->zone, &settings, &proof), 0);
	dnssec_anchors_done(&anchors);
	if (strcmp(reason_code(proof.reason), s->n_words > 2 ? s->word[2] : "none") != 0)
		bad(s, "the zone is %sproved: %s", proof.proved ? "" : "not ", reason_code(proof.reason));
}

void check_other(struct scenario *s)
{
	struct world *w = s->world;
	const char *what = s->word[0];
	if (strcmp(what, "CHECK_UPSTREAM") == 0) {
		check_number(s, "messages sent", since(s, 1, w->sent));
	} else if (strcmp(what, "CHECK_ASKED") == 0) {
		check_asked(s);
	} else if (strcmp(what, "CHECK_SENT") == 0) {
		check_sent(s);
	} else if (strcmp(what, "CHECK_COUNTER") == 0) {
		check_number(s, "counted", since(s, 2, counter_value(s, s->word[1])));
	} else if (strcmp(what, "CHECK_PROVED") == 0) {
		check_proved(s);
	} else if (strncmp(what, "CHECK_SAYS", 10) == 0) {
		check_says(s);
	} else if (strcmp(what, "CHECK_KEY") == 0) {
		rolling_check_key(s);
	} else if (strcmp(what, "CHECK_TOLD") == 0) {
		rolling_check_told(s);
	} else if (strcmp(what, "CHECK_TRACE") == 0) {
		check_trace(s);
	} else if (strcmp(what, "CHECK_NO_ANSWER") == 0) {
		if (s->got[client_number(s)].times != 0)
			bad(s, "there is an answer");
	} else if (strcmp(what, "CHECK_TOOK") == 0) {
		check_number(s, "ms", (uint64_t)w->answer[client_number(s)].took_ms);
	} else if (strcmp(what, "CHECK_NOTHING_OPEN") == 0) {
		if (w->n_open != 0 || resolve_questions(w->engine) != 0)
			bad(s, "%zu exchanges and %zu questions are open", w->n_open, resolve_questions(w->engine));
	} else {
		bad(s, "%s is unknown", what);
	}
}
