// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * zone_cost - what a zone costs, stage by stage, in one process: zone_cost FILE ORIGIN [QUESTIONS [ROUNDS]]. Time and memory of reading,
 * checking the structure and compiling, and of only touching as much memory ("floor"); then, of the image alone, nanoseconds an answer.
 * QUESTIONS has a name and a type number a line. Prints JSON;
 * user_s is cpu_s without what the kernel did (new memory, above all). With ROUNDS 0 nothing is answered; under callgrind,
 * --toggle-collect=image_answer counts instructions an answer.
 */
#include "image/image.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define EDNS_BYTES 11 /* of a plain OPT record in the reply */
#define REPLY_MAX  1232
#define PAGE       4096
#define MESSAGE    320 /* bytes that any question here fits in */

struct mark {
	double wall, cpu, user;
};

static struct mark mark_now(void)
{
	struct timespec t;
	struct rusage u;
	clock_gettime(CLOCK_MONOTONIC, &t);
	getrusage(RUSAGE_SELF, &u);
	double user = (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6;
	return (struct mark){.wall = (double)t.tv_sec + (double)t.tv_nsec / 1e9,
			     .cpu = user + (double)u.ru_stime.tv_sec + (double)u.ru_stime.tv_usec / 1e6,
			     .user = user};
}

static unsigned long status_kib(const char *field)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[128];
	unsigned long kib = 0;
	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		if (strncmp(line, field, strlen(field)) == 0)
			kib = strtoul(line + strlen(field), NULL, 10);
	if (file != NULL)
		fclose(file);
	return kib;
}

static void tell(const char *stage, struct mark *from)
{
	struct mark now = mark_now();
	printf("\"%s\": {\"wall_s\": %.3f, \"cpu_s\": %.3f, \"user_s\": %.3f, \"rss_kib\": %lu, \"peak_kib\": %lu}, ",
	       stage, now.wall - from->wall, now.cpu - from->cpu, now.user - from->user, status_kib("VmRSS:"),
	       status_kib("VmHWM:"));
	*from = mark_now();
}

static void fail(const char *what)
{
	fprintf(stderr, "zone_cost: %s\n", what);
	exit(1);
}

static uint8_t (*questions_read(const char *path, size_t *ret_n))[MESSAGE]
{
	FILE *file = fopen(path, "re");
	char text[1100];
	unsigned type;
	size_t n = 0, cap = 0;
	uint8_t(*message)[MESSAGE] = NULL;
	if (file == NULL)
		fail("the questions cannot be read");
	while (fscanf(file, "%1099s %u", text, &type) == 2) {
		uint8_t name[WIRE_NAME_MAX];
		struct wire_writer writer;
		if (n == cap) {
			cap = cap == 0 ? 1024 : 2 * cap;
			message = reallocarray(message, cap, sizeof *message);
			if (message == NULL)
				fail("out of memory");
		}
		if (wire_name_parse(text, name) < 0 ||
		    wire_writer_init(&writer, message[n] + 2, MESSAGE - 2, 0, 0) < 0 ||
		    wire_writer_question(&writer, name, (uint16_t)type, WIRE_CLASS_IN) < 0 ||
		    wire_writer_edns(&writer, REPLY_MAX, 0, true, NULL, 0) < 0)
			fail("a question that is none");
		wire_put16(message[n++], (uint16_t)wire_writer_finish(&writer));
	}
	fclose(file);
	*ret_n = n;
	return message;
}

static void answer_all(const struct image *image, const char *path, unsigned rounds)
{
	size_t n, bytes = 0;
	uint8_t(*message)[MESSAGE] = questions_read(path, &n), out[REPLY_MAX];
	size_t asked = n * rounds;
	if (asked == 0)
		fail("no questions");
	struct mark from = mark_now();
	for (size_t i = 0; i < asked; i++) {
		const uint8_t *m = message[i % n];
		struct wire_question question;
		struct image_reply reply;
		if (wire_question_parse(m + 2, wire_get16(m), &question) != WIRE_ANSWERABLE)
			fail("a question that is none");
		struct image_query query = {.question = &question,
					    .dnssec = true,
					    .minimal = true,
					    .max = REPLY_MAX,
					    .reserve = EDNS_BYTES};
		int len = image_answer(image, &query, out, &reply);
		if (len < 0)
			fail("no answer");
		bytes += (size_t)len;
	}
	double ns = (mark_now().cpu - from.cpu) * 1e9 / (double)asked;
	printf("\"answer\": {\"cpu_ns\": %.0f, \"bytes\": %zu}, ", ns, bytes / asked);
	free(message);
}

/* The floor of all stages: as many bytes as they had at most, from the system, each page touched once. */
static void touch(struct mark *from)
{
	size_t size = (size_t)status_kib("VmHWM:") * 1024;
	struct region region;
	if (region_reserve(&region, size) < 0 || region_grow(&region, size) < 0)
		fail("no memory for the floor");
	for (size_t i = 0; i < size; i += PAGE)
		region.data[i] = 1;
	region_done(&region);
	tell("floor", from);
}

int main(int argc, char **argv)
{
	uint8_t origin[WIRE_NAME_MAX];
	if (argc < 3 || argc > 5 || wire_name_parse(argv[2], origin) < 0) {
		fprintf(stderr, "usage: zone_cost FILE ORIGIN [QUESTIONS [ROUNDS]]\n");
		return 2;
	}
	struct zone_read_settings read = {.origin = origin};
	struct zone_prove_settings prove = {.structure_only = true};
	struct zone_error error;
	struct zone_proof proof;
	struct zone *zone;
	struct image *image;
	struct mark from = mark_now(), whole = from;
	printf("{");
	if (zone_read_file(argv[1], &read, NULL, NULL, &zone, &error) < 0)
		fail(error.text);
	tell("read", &from);
	if (zone_prove(zone, &prove, &proof) < 0 || !proof.proved)
		fail("the structure is not good");
	tell("prove", &from);
	if (image_compile(zone, &image) < 0)
		fail("it cannot be compiled");
	tell("compile", &from);
	size_t records = zone->n_records, len;
	zone_free(zone);
	(void)malloc_trim(0);
	tell("free", &from);
	unsigned rounds = argc > 4 ? (unsigned)atoi(argv[4]) : 1;
	tell("whole", &whole);
	if (argc > 3 && rounds > 0)
		answer_all(image, argv[3], rounds);
	(void)image_bytes(image, &len);
	from = mark_now();
	touch(&from);
	printf("\"records\": %zu, \"names\": %zu, \"image_bytes\": %zu}\n", records, image_names(image), len);
	image_free(image);
	return 0;
}
