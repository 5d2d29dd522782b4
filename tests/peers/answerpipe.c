// SPDX-License-Identifier: GPL-3.0-or-later
/* answer_question() behind a pipe: for tests and fuzzers that want answers without sockets.
 *
 *	answerpipe [-u UDP-SIZE] ORIGIN=FILE ...
 *
 * Standard input carries messages, each behind one byte (1 = as over TCP) and two of length; standard output the replies behind
 * two bytes of length, 0 for silence, 65535 for a question that would go to the resolver. */
#include "answer/answer.h"
#include "image/image.h"
#include "zone/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONES_MAX 16

static int load(char *arg, struct answer_zone *ret)
{
	char *file = strchr(arg, '=');
	uint8_t *origin = malloc(WIRE_NAME_MAX);
	struct zone *zone;
	struct zone_error error;
	struct image *image;
	if (file == NULL || origin == NULL)
		return BANYAN_EINVAL;
	*file++ = '\0';
	if (wire_name_parse(arg, origin) < 0)
		return BANYAN_EINVAL;
	wire_name_lower(origin, origin);
	struct zone_read_settings settings = {.origin = origin};
	if (zone_read_file(file, &settings, NULL, NULL, &zone, &error) < 0) {
		fprintf(stderr, "%s\n", error.text);
		return BANYAN_EMALF;
	}
	int64_t start = clock_mono_ns();
	int rc = image_compile(zone, &image);
	if (rc < 0)
		return rc;
	size_t bytes;
	image_bytes(image, &bytes);
	fprintf(stderr, "%s: %zu names, %zu records, %zu bytes, compiled in %lld us\n", file, image_names(image),
		zone->n_records, bytes, (long long)(clock_mono_ns() - start) / 1000);
	zone_free(zone);
	*ret = (struct answer_zone){.apex = origin, .image = image};
	return 0;
}

int main(int argc, char **argv)
{
	static uint8_t msg[WIRE_MESSAGE_MAX], out[2 + WIRE_MESSAGE_MAX];
	static struct counters counters;
	struct answer_zone zone[ZONES_MAX];
	struct answer_view view = {.zone = zone, .identity = "pipe", .version = "", .udp_size = 4096};
	int arg = 1;
	if (argc > 2 && strcmp(argv[1], "-u") == 0) {
		view.udp_size = (uint16_t)atoi(argv[2]);
		arg = 3;
	}
	for (; arg < argc && view.n_zones < ZONES_MAX; arg++) {
		int rc = load(argv[arg], &zone[view.n_zones++]);
		if (rc < 0) {
			fprintf(stderr, "%s: %s\n", argv[arg], error_text(rc));
			return 1;
		}
	}
	answer_view_sort(zone, view.n_zones);
	uint8_t head[3];
	while (fread(head, sizeof head, 1, stdin) == 1) {
		size_t len = wire_get16(head + 1), reply_len = 0;
		if (len > 0 && fread(msg, len, 1, stdin) != 1)
			return 1;
		struct answer_request request = {.msg = msg,
						 .len = len,
						 .peer = {.family = 4, .ip = {127, 0, 0, 1}},
						 .tcp = head[0],
						 .out = out + 2};
		struct answer_pending pending;
		enum answer_outcome outcome = answer_question(&view, &counters, &request, &pending, &reply_len);
		if (outcome != ANSWER_SEND)
			reply_len = 0;
		wire_put16(out, outcome == ANSWER_RECURSE ? 65535 : (uint16_t)reply_len);
		if (fwrite(out, 2 + reply_len, 1, stdout) != 1 || fflush(stdout) != 0)
			return 1;
	}
	return 0;
}
