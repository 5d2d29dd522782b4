// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * load - asks a server over UDP and waits for each answer: load ADDRESS PORT FILE COUNT WINDOW. FILE has a name and a type number a
 * line; it is read again from the start when it ends. At most WINDOW questions are in flight, spread over 16 sockets. Prints JSON.
 */
#include "base/base.h"
#include "wire/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SOCKETS    16
#define SLOTS      256 /* a socket's questions in flight; the ID names the slot */
#define LOST_NS    INT64_C(4000000000)
#define EDNS_BYTES 11

struct question {
	uint8_t *wire;
	size_t len;
};

struct load {
	int fd[SOCKETS];
	int64_t sent_at[SOCKETS][SLOTS]; /* 0 = free */
	struct question *question;
	size_t n_questions, next;
	uint64_t count, window, sent, got, lost, bytes, rcode[16];
	uint64_t in_flight;
};

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void add_question(struct load *load, const char *text, unsigned type)
{
	uint8_t name[WIRE_NAME_MAX], wire[WIRE_HEADER_SIZE + WIRE_NAME_MAX + 4 + EDNS_BYTES];
	struct wire_writer writer;
	if (wire_name_parse(text, name) < 0 || wire_writer_init(&writer, wire, sizeof wire, 0, WIRE_RD) < 0 ||
	    wire_writer_question(&writer, name, (uint16_t)type, WIRE_CLASS_IN) < 0 ||
	    wire_writer_edns(&writer, 1232, 0, true, NULL, 0) < 0) {
		fprintf(stderr, "load: %s is no name\n", text);
		exit(1);
	}
	struct question *question = &load->question[load->n_questions++];
	question->len = wire_writer_finish(&writer);
	question->wire = malloc(question->len);
	if (question->wire == NULL)
		die("malloc");
	memcpy(question->wire, wire, question->len);
}

static void read_questions(struct load *load, const char *path)
{
	FILE *file = fopen(path, "re");
	char name[1100];
	unsigned type;
	size_t cap = 0;
	if (file == NULL)
		die(path);
	while (fscanf(file, "%1099s %u", name, &type) == 2) {
		if (load->n_questions == cap) {
			cap = cap == 0 ? 1024 : cap * 2;
			load->question = reallocarray(load->question, cap, sizeof *load->question);
			if (load->question == NULL)
				die("malloc");
		}
		add_question(load, name, type);
	}
	fclose(file);
	if (load->n_questions == 0) {
		fprintf(stderr, "load: %s has no question\n", path);
		exit(1);
	}
}

static void open_sockets(struct load *load, const char *address, const char *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		die(address);
	for (unsigned i = 0; i < SOCKETS; i++) {
		int size = 4 << 20;
		load->fd[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (load->fd[i] < 0 || connect(load->fd[i], (struct sockaddr *)&to, sizeof to) < 0)
			die("socket");
		setsockopt(load->fd[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	}
}

static bool send_one(struct load *load, int64_t now)
{
	unsigned s = (unsigned)(load->sent % SOCKETS), slot = (unsigned)(load->sent / SOCKETS % SLOTS);
	if (load->sent_at[s][slot] != 0)
		return false;
	struct question *question = &load->question[load->next];
	wire_put16(question->wire, (uint16_t)slot);
	if (send(load->fd[s], question->wire, question->len, 0) < 0 && errno != ECONNREFUSED)
		return false;
	load->next = (load->next + 1) % load->n_questions;
	load->sent_at[s][slot] = now;
	load->sent++;
	load->in_flight++;
	return true;
}

static void receive(struct load *load, unsigned s)
{
	uint8_t reply[4096];
	ssize_t len;
	while ((len = recv(load->fd[s], reply, sizeof reply, 0)) > 0) {
		uint16_t slot = len < WIRE_HEADER_SIZE ? SLOTS : wire_get16(reply);
		if (slot >= SLOTS || load->sent_at[s][slot] == 0)
			continue;
		load->sent_at[s][slot] = 0;
		load->in_flight--;
		load->got++;
		load->bytes += (uint64_t)len;
		load->rcode[reply[3] & 15]++;
	}
}

static void forget_lost(struct load *load, int64_t now)
{
	for (unsigned s = 0; s < SOCKETS; s++)
		for (unsigned slot = 0; slot < SLOTS; slot++)
			if (load->sent_at[s][slot] != 0 && now - load->sent_at[s][slot] > LOST_NS) {
				load->sent_at[s][slot] = 0;
				load->in_flight--;
				load->lost++;
			}
}

int main(int argc, char **argv)
{
	static struct load load;
	if (argc != 6) {
		fprintf(stderr, "usage: load ADDRESS PORT FILE COUNT WINDOW\n");
		return 2;
	}
	load.count = strtoull(argv[4], NULL, 10);
	load.window = strtoull(argv[5], NULL, 10);
	read_questions(&load, argv[3]);
	open_sockets(&load, argv[1], argv[2]);
	struct pollfd polls[SOCKETS];
	int64_t began = now_ns(), checked = began;
	while (load.got + load.lost < load.count) {
		int64_t now = now_ns();
		while (load.sent < load.count && load.in_flight < load.window && send_one(&load, now))
			;
		for (unsigned i = 0; i < SOCKETS; i++)
			polls[i] = (struct pollfd){load.fd[i], POLLIN, 0};
		poll(polls, SOCKETS, 100);
		for (unsigned i = 0; i < SOCKETS; i++)
			if (polls[i].revents != 0)
				receive(&load, i);
		if (now - checked > LOST_NS / 8) {
			forget_lost(&load, now);
			checked = now;
		}
	}
	printf("{\"sent\": %" PRIu64 ", \"got\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"bytes\": %" PRIu64
	       ", \"seconds\": %.3f, \"noerror\": "
	       "%" PRIu64 ", \"nxdomain\": %" PRIu64 ", \"servfail\": %" PRIu64 "}\n",
	       load.sent, load.got, load.lost, load.bytes, (double)(now_ns() - began) / 1e9, load.rcode[0],
	       load.rcode[3], load.rcode[2]);
	for (size_t i = 0; i < load.n_questions; i++)
		free(load.question[i].wire);
	free(load.question);
	return 0;
}
