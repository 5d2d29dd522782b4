// SPDX-License-Identifier: GPL-3.0-or-later
/* The questions of load and tcp_load, from a file or made, and whom they are put to. */
#include "load.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EDNS_BYTES 11
#define NAME_TEXT  1100
#define EDNS_SIZE  1232
#define DIGITS     8

static size_t question_write(uint8_t *wire, size_t cap, const char *text, unsigned type, bool rd, bool edns)
{
	uint8_t name[WIRE_NAME_MAX];
	struct wire_writer writer;
	if (wire_name_parse(text, name) < 0 || wire_writer_init(&writer, wire, cap, 0, rd ? WIRE_RD : 0) < 0 ||
	    wire_writer_question(&writer, name, (uint16_t)type, WIRE_CLASS_IN) < 0 ||
	    (edns && wire_writer_edns(&writer, EDNS_SIZE, 0, true, NULL, 0) < 0)) {
		fprintf(stderr, "load: no question can be made of '%s'\n", text);
		exit(1);
	}
	return wire_writer_finish(&writer);
}

void questions_read(struct questions *questions, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[NAME_TEXT + 64], name[NAME_TEXT];
	uint8_t wire[2 + WIRE_HEADER_SIZE + WIRE_NAME_MAX + 4 + EDNS_BYTES];
	if (file == NULL)
		die(path);
	while (fgets(line, sizeof line, file) != NULL) {
		char flags[8] = "rd";
		unsigned type;
		if (sscanf(line, "%1099s %u %7s", name, &type, flags) < 2)
			continue;
		size_t len = question_write(wire + 2, sizeof wire - 2, name, type, strchr(flags, 'r') != NULL,
					    strchr(flags, 'd') != NULL);
		wire_put16(wire, (uint16_t)len);
		if (buffer_append(&questions->bytes, wire, 2 + len) < 0) {
			fprintf(stderr, "load: no memory for the questions of %s\n", path);
			exit(1);
		}
		questions->count++;
	}
	fclose(file);
	if (questions->count == 0) {
		fprintf(stderr, "load: %s has no question\n", path);
		exit(1);
	}
}

static void make_template(struct questions *questions)
{
	random_init_seed(&questions->random, 1);
	for (unsigned i = 0; i < QUESTIONS_BATCH; i++)
		questions->made_len = question_write(questions->made[i], QUESTION_MAX, "host-00000000.bench.",
						     WIRE_TYPE_A, true, true);
}

bool questions_next(struct questions *questions, unsigned slot, struct iovec *ret)
{
	if (questions->names == 0) {
		if (questions->offset == questions->bytes.len)
			questions->offset = 0;
		uint8_t *at = questions->bytes.data + questions->offset;
		*ret = (struct iovec){at + 4, wire_get16(at) - 2u};
		questions->offset += 2 + wire_get16(at);
		return true;
	}
	if (questions->made_len == 0)
		make_template(questions);
	bool fresh = questions->any && questions->new_every > 0 && ++questions->turn % questions->new_every == 0;
	uint64_t n = questions->any && !fresh ? random_u64(&questions->random) : questions->at++;
	if (!fresh)
		n %= questions->names;
	uint8_t *digit = questions->made[slot] + WIRE_HEADER_SIZE + sizeof "\15host-" - 1 + DIGITS;
	for (unsigned i = 0; i < DIGITS; i++, n /= 10)
		*--digit = (uint8_t)('0' + n % 10);
	*ret = (struct iovec){questions->made[slot] + 2, questions->made_len - 2};
	return !fresh;
}

void questions_done(struct questions *questions)
{
	buffer_done(&questions->bytes);
}

bool asking_option(struct asking *asking, int option, const char *value)
{
	switch (option) {
	case 's':
		asking->address = value;
		return true;
	case 'p':
		asking->port = value;
		return true;
	case 'k':
		asking->lines = (unsigned)atoi(value);
		return true;
	case 'w':
		asking->window = (unsigned)atoi(value);
		return true;
	case 't':
		asking->seconds = atof(value);
		return true;
	case 'f':
		questions_read(&asking->questions, value);
		return true;
	default:
		return false;
	}
}

void asking_address(const struct asking *asking, struct sockaddr_in *ret)
{
	*ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(asking->port))};
	if (inet_pton(AF_INET, asking->address, &ret->sin_addr) != 1) {
		fprintf(stderr, "load: '%s' is no IPv4 address\n", asking->address);
		exit(1);
	}
}

int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void die(const char *what)
{
	perror(what);
	exit(1);
}
