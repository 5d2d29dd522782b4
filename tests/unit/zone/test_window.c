// SPDX-License-Identifier: GPL-3.0-or-later
/* Files that are read through a window give the same zone, or the same complaint, as their text as a whole. */
#include "../test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "zone/private.h"

#define SIZE (9 * ZONE_WINDOW_SIZE / 4) /* several windows */

static char path[] = "/tmp/banyan-window.XXXXXX";
static struct zone_error error, error_whole;
static const uint8_t apex[] = "\7example";
static const struct zone_read_settings settings = {.origin = apex};

static void put(const struct buffer *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text->data, 1, text->len, file), text->len);
	assert_int_equal(fclose(file), 0);
}

/* As the file would be read if it were small: with plain ends of line. */
static int read_whole(const struct buffer *text, struct zone **ret)
{
	struct buffer copy = {0};
	assert_int_equal(buffer_append(&copy, text->data, text->len), 0);
	zone_text_plain_lines(&copy);
	int rc = zone_read_text(path, (const char *)copy.data, copy.len, &settings, NULL, NULL, ret, &error_whole);
	buffer_done(&copy);
	return rc;
}

static void same_zones(const struct zone *a, const struct zone *b)
{
	assert_int_equal(a->n_nodes, b->n_nodes);
	assert_int_equal(a->n_sets, b->n_sets);
	assert_int_equal(a->n_records, b->n_records);
	for (size_t i = 0; i < a->n_sets; i++) {
		const struct wire_rrset *x = &a->set[i], *y = &b->set[i];
		bool same = wire_name_equal(x->owner, y->owner) && x->type == y->type && x->ttl == y->ttl &&
			    x->count == y->count && a->line[i] == b->line[i];
		for (uint32_t k = 0; same && k < x->count; k++)
			same = wire_rdata_cmp(&x->rdata[k], &y->rdata[k]) == 0;
		if (!same)
			fail_msg("set %zu differs (lines %u and %u)", i, a->line[i], b->line[i]);
	}
}

static void compare(const struct buffer *text)
{
	struct zone *zone = NULL, *whole = NULL;
	put(text);
	int rc = read_whole(text, &whole);
	assert_int_equal(zone_read_file(path, &settings, NULL, NULL, &zone, &error), rc);
	if (rc < 0) {
		assert_int_equal(error.line, error_whole.line);
		assert_string_equal(error.text, error_whole.text);
		return;
	}
	same_zones(zone, whole);
	zone_free(zone);
	zone_free(whole);
}

/* Lines of every kind, of random lengths, so that windows end anywhere in them. `eol` ends them. */
static void fill(struct buffer *text, size_t len, struct random *random, const char *eol)
{
	unsigned n = 0;
	while (text->len < len) {
		unsigned k = random_below(random, 100000);
		int rc = 0;
		switch (random_below(random, 8)) {
		case 0:
			rc = buffer_printf(text, "; a comment %0*u%s%s", (int)(k % 300), k, eol, eol);
			break;
		case 1:
			rc = buffer_printf(text, "n%u %u TXT ( \"%0*u\" ; more%s \"b\"%s )%s", ++n, k, (int)(k % 200),
					   k, eol, eol, eol);
			break;
		case 2:
			rc = buffer_printf(text, "\tA 192.0.2.%u%s", k % 256, eol);
			break;
		case 3:
			rc = buffer_printf(text, "n%u TYPE65280 \\# 3 00%04x%s", ++n, k & 0xffff, eol);
			break;
		case 4:
			rc = buffer_printf(text, "$ORIGIN o%u.example.%s", k % 100, eol);
			break;
		default:
			rc = buffer_printf(text, "n%u.example. NS ns%u%s", ++n, k, eol);
			break;
		}
		assert_int_equal(rc, 0);
	}
}

static void begin(struct buffer *text, const char *eol)
{
	text->len = 0;
	assert_int_equal(buffer_printf(text, "example. 77 SOA a b 1 2 3 4 5%sexample. NS a%s", eol, eol), 0);
}

static void the_same_zone(void **state)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	struct random random;
	for (unsigned round = 0; round < 4; round++) {
		const char *eol = round & 1 ? "\r\n" : "\n";
		random_init_seed(&random, round);
		begin(&text, eol);
		fill(&text, SIZE / 3 + random_below(&random, SIZE / 2), &random, eol);
		/* the last TTL that was stated holds until here */
		assert_int_equal(buffer_printf(&text, "t1 A 192.0.2.1%s$ttl 99%st2 A 192.0.2.1%s", eol, eol, eol), 0);
		fill(&text, SIZE, &random, eol);
		if (round > 1)
			text.len -= strlen(eol); /* nothing ends the last line */
		compare(&text);
	}
}

/* Where the window does not hold what stands between two records, the file is read whole. */
static void monsters(void **state)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	struct random random;
	random_init_seed(&random, 9);
	for (unsigned round = 0; round < 2; round++) {
		begin(&text, "\n");
		fill(&text, ZONE_WINDOW_SIZE - ZONE_WINDOW_MARGIN / 2, &random, "\n");
		if (round == 0)
			assert_int_equal(buffer_printf(&text, "big.example. TXT ( \"a\"\n"), 0);
		for (unsigned i = 0; i < 30000; i++)
			assert_int_equal(buffer_printf(&text, "; a comment that goes on and on, as legends do %u\n", i),
					 0);
		if (round == 0)
			assert_int_equal(buffer_printf(&text, ")\n"), 0);
		fill(&text, SIZE, &random, "\n");
		compare(&text);
	}
}

static void the_same_complaint(void **state)
{
	static const char *const wrong[] = {"wrong A 192.0.2\n", "open TXT ( \"x\"\n", "h.example. CH A 192.0.2.1\n",
					    "k DNSKEY 256 3 13 AA A\n"};
	_cleanup_(buffer_done) struct buffer text = {0};
	struct random random;
	random_init_seed(&random, 5);
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		begin(&text, "\n");
		fill(&text, ZONE_WINDOW_SIZE * 2 - 1000, &random, "\n");
		assert_int_equal(buffer_printf(&text, "%s", wrong[i]), 0);
		fill(&text, SIZE, &random, "\n");
		compare(&text);
	}
}

/* The writer's end of a FIFO: opens it, writes, and goes. */
static void *fifo_write(void *arg)
{
	static const char text[] = "$TTL 60\n@ SOA a b 1 1 1 1 1\n@ NS a\na A 192.0.2.1\n";
	int fd = open(arg, O_WRONLY | O_CLOEXEC);
	ssize_t n = write(fd, text, sizeof text - 1);
	close(fd);
	return n == (ssize_t)sizeof text - 1 ? arg : NULL;
}

/* A FIFO has one reader from its first byte to its last: who writes to it would take another end as the end of all reading. */
static void a_fifo_is_opened_once(void **state)
{
	char folder[] = "/tmp/banyan-window-XXXXXX", fifo[sizeof folder + 5], events[4096];
	pthread_t thread;
	void *wrote;
	struct zone *zone = NULL;
	assert_non_null(mkdtemp(folder));
	snprintf(fifo, sizeof fifo, "%s/fifo", folder);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	signal(SIGPIPE, SIG_IGN);
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	assert_true(inotify_add_watch(watch, fifo, IN_OPEN | IN_CLOSE) >= 0);
	assert_int_equal(pthread_create(&thread, NULL, fifo_write, fifo), 0);
	assert_int_equal(zone_read_file(fifo, &settings, NULL, NULL, &zone, &error), 0);
	assert_int_equal(pthread_join(thread, &wrote), 0);
	assert_non_null(wrote);
	assert_int_equal(zone->n_records, 3);
	zone_free(zone);

	/* two like events that follow each other are told as one: so it is closing that is counted, with openings between */
	unsigned readers = 0;
	ssize_t n = read(watch, events, sizeof events);
	for (ssize_t at = 0; at < n; at += (ssize_t)sizeof(struct inotify_event)) { /* no names: it is no folder */
		struct inotify_event event;
		memcpy(&event, events + at, sizeof event);
		readers += (event.mask & IN_CLOSE_NOWRITE) != 0;
	}
	assert_int_equal(readers, 1);
	close(watch);
	assert_int_equal(unlink(fifo) | rmdir(folder), 0);
}

static int file_make(void **state)
{
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int file_remove(void **state)
{
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_zone),
		cmocka_unit_test(monsters),
		cmocka_unit_test(the_same_complaint),
		cmocka_unit_test(a_fifo_is_opened_once),
	};
	return cmocka_run_group_tests_name("window", tests, file_make, file_remove);
}
