// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * load - asks a server over UDP and waits for each answer. Prints JSON. It never sleeps, so it wants a CPU of its own; with -b it does,
 * and shares one with a server.
 *
 *   load [-b] [-s ADDRESS] [-p PORT] [-k SOCKETS] [-w WINDOW] [-r RATE] [-t SECONDS] [-n COUNT] [-x FIRST] -f FILE | -e NAMES | -a NAMES [-m EVERY]
 *
 * Each socket keeps WINDOW questions in flight: the server is as busy as it can be. With -r instead they leave by the clock, so many a
 * second, and a latency counts from when its question was due: a server that pauses is charged for all that it kept waiting.
 * Ends after SECONDS, or when COUNT questions are answered or lost. One without an answer for 2 s is lost.
 *
 * FILE has a question a line: name, number of the type, and flags (r = recursion desired, d = EDNS of 1232 bytes with DO; none
 * given = both); it is read again from the start when it ends. -e asks for host-00000000.bench. and so on, each of NAMES in turn from
 * FIRST on, -a for any of them at random; with -m one question of EVERY is for a new name, from FIRST on, whose latency does not count.
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKETS_MAX 64
#define SLOTS       1024 /* a socket's questions in flight at most; the ID's low bits name the slot */
#define BATCH       32
#define REPLY_MAX   4096
#define LOST_NS     INT64_C(2000000000)
#define LOOK_NS     (LOST_NS / 10) /* how often a socket is looked through for lost ones */
#define BUFFER      (4 << 20)

struct line {
	int fd;
	unsigned in_flight;
	uint16_t next_id;
	int64_t looked_at;
	int64_t since[SLOTS]; /* 0 = free */
	uint16_t id[SLOTS];
	bool counts[SLOTS]; /* its latency */
};

struct load {
	struct asking asking;
	double rate;
	bool sleeps;
	uint64_t count;
	struct line line[SOCKETS_MAX];
	uint64_t sent, got, lost, bytes, truncated, rcode[16];
	int64_t began, now, heard;
	struct histogram latency;
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec in_iov[BATCH], out_iov[BATCH][2];
	uint8_t reply[BATCH][REPLY_MAX], id[BATCH][2];
};

/* ---- sockets ---- */

static void lines_open(struct load *load)
{
	struct sockaddr_in to;
	asking_address(&load->asking, &to);
	for (unsigned i = 0; i < load->asking.lines; i++) {
		struct line *line = &load->line[i];
		int size = BUFFER;
		line->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (line->fd < 0 || connect(line->fd, (struct sockaddr *)&to, sizeof to) < 0)
			die("socket");
		if (setsockopt(line->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
			setsockopt(line->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	}
	for (unsigned i = 0; i < BATCH; i++) {
		load->in_iov[i] = (struct iovec){load->reply[i], REPLY_MAX};
		load->in[i].msg_hdr = (struct msghdr){.msg_iov = &load->in_iov[i], .msg_iovlen = 1};
		load->out_iov[i][0] = (struct iovec){load->id[i], 2};
		load->out[i].msg_hdr = (struct msghdr){.msg_iov = load->out_iov[i], .msg_iovlen = 2};
	}
}

static void take_reply(struct load *load, struct line *line, const uint8_t *reply, unsigned len)
{
	uint16_t id = len < WIRE_HEADER_SIZE ? 0 : wire_get16(reply);
	unsigned slot = id % SLOTS;
	if (len < WIRE_HEADER_SIZE || (reply[2] & 0x80) == 0 || line->since[slot] == 0 || line->id[slot] != id)
		return;
	if (line->counts[slot])
		histogram_add(&load->latency, load->now - line->since[slot]);
	line->since[slot] = 0;
	line->in_flight--;
	load->got++;
	load->bytes += len;
	load->truncated += (reply[2] & 2) != 0;
	load->rcode[reply[3] & 15]++;
}

static void receive(struct load *load, struct line *line)
{
	int n = recvmmsg(line->fd, load->in, BATCH, MSG_DONTWAIT, NULL);
	if (n <= 0)
		return;
	load->now = load->heard = now_ns();
	for (int i = 0; i < n; i++)
		take_reply(load, line, load->reply[i], load->in[i].msg_len);
}

static void forget_lost(struct load *load, struct line *line)
{
	if (load->now - line->looked_at < LOOK_NS)
		return;
	line->looked_at = load->now;
	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (line->since[slot] != 0 && load->now - line->since[slot] > LOST_NS) {
			line->since[slot] = 0;
			line->in_flight--;
			load->lost++;
		}
}

/* ---- questions ---- */

/* How many this socket may send now. */
static unsigned allowed(const struct load *load, const struct line *line)
{
	uint64_t n = line->in_flight < load->asking.window ? load->asking.window - line->in_flight : 0;
	if (load->rate > 0) {
		double late = (double)(load->now - load->began) * 1e-9 * load->rate - (double)load->sent;
		n = late < 0 ? 0 : (uint64_t)late / load->asking.lines + 1;
	}
	if (load->count > 0 && n > load->count - load->sent)
		n = load->count - load->sent;
	return n > BATCH ? BATCH : (unsigned)n;
}

static void send_some(struct load *load, struct line *line)
{
	unsigned most = allowed(load, line), n = 0;
	for (; n < most && line->since[line->next_id % SLOTS] == 0; n++) {
		uint16_t id = line->next_id++;
		line->counts[id % SLOTS] = questions_next(&load->asking.questions, n, &load->out_iov[n][1]);
		wire_put16(load->id[n], id);
		line->id[id % SLOTS] = id;
		line->since[id % SLOTS] = load->rate > 0
						  ? load->began + (int64_t)((double)(load->sent + n) / load->rate * 1e9)
						  : load->now;
	}
	line->in_flight += n;
	load->sent += n;
	for (unsigned done = 0; done < n;) {
		int sent = sendmmsg(line->fd, load->out + done, n - done, 0);
		if (sent > 0)
			done += (unsigned)sent;
		else if (errno != EAGAIN && errno != ENOBUFS && errno != ECONNREFUSED && errno != EINTR)
			die("send");
	}
}

static void sleep_until_reply(const struct load *load)
{
	struct pollfd polls[SOCKETS_MAX];
	for (unsigned i = 0; i < load->asking.lines; i++)
		polls[i] = (struct pollfd){load->line[i].fd, POLLIN, 0};
	poll(polls, load->asking.lines, LOOK_NS / 1000000);
}

static void run(struct load *load)
{
	int64_t end = load->asking.seconds > 0 ? (int64_t)(load->asking.seconds * 1e9) : INT64_MAX;
	unsigned in_flight;
	bool stop;
	uint64_t before;
	load->began = load->now = load->heard = now_ns();
	do {
		load->now = now_ns();
		stop = load->now - load->began >= end || (load->count > 0 && load->sent >= load->count);
		in_flight = 0;
		before = load->got + load->sent;
		for (unsigned i = 0; i < load->asking.lines; i++) {
			struct line *line = &load->line[i];
			if (line->in_flight > 0) {
				receive(load, line);
				forget_lost(load, line);
			}
			if (!stop)
				send_some(load, line);
			in_flight += line->in_flight;
		}
		if (load->sleeps && before == load->got + load->sent)
			sleep_until_reply(load);
	} while (!stop || in_flight > 0);
}

/* ---- the command ---- */

static void print(const struct load *load)
{
	double seconds = (double)(load->heard - load->began) / 1e9;
	const struct histogram *h = &load->latency;
	printf("{\"sent\": %" PRIu64 ", \"got\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"bytes\": %" PRIu64
	       ", \"truncated\": %" PRIu64 ", \"seconds\": %.4f, ",
	       load->sent, load->got, load->lost, load->bytes, load->truncated, seconds);
	printf("\"noerror\": %" PRIu64 ", \"nxdomain\": %" PRIu64 ", \"servfail\": %" PRIu64
	       ", \"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}\n",
	       load->rcode[0], load->rcode[3], load->rcode[2], histogram_at(h, 0.5), histogram_at(h, 0.99),
	       histogram_at(h, 0.999), histogram_at(h, 1));
}

static int usage(void)
{
	fprintf(stderr,
		"usage: load [-b] [-s ADDRESS] [-p PORT] [-k SOCKETS] [-w WINDOW] [-r RATE] [-t SECONDS] [-n COUNT] "
		"[-x FIRST] -f FILE | -e NAMES | -a NAMES [-m EVERY]\n");
	return 2;
}

static int options(struct load *load, int argc, char **argv)
{
	struct questions *questions = &load->asking.questions;
	for (int c; (c = getopt(argc, argv, "bs:p:k:w:r:t:n:x:f:e:a:m:")) != -1;) {
		switch (c) {
		case 'b':
			load->sleeps = true;
			break;
		case 'r':
			load->rate = atof(optarg);
			break;
		case 'n':
			load->count = strtoull(optarg, NULL, 10);
			break;
		case 'x':
			questions->at = strtoull(optarg, NULL, 10);
			break;
		case 'm':
			questions->new_every = (unsigned)atoi(optarg);
			break;
		case 'a':
		case 'e':
			questions->names = strtoull(optarg, NULL, 10);
			questions->any = c == 'a';
			break;
		default:
			if (!asking_option(&load->asking, c, optarg))
				return usage();
		}
	}
	bool asks = load->asking.questions.count > 0 || load->asking.questions.names > 0,
	     ends = load->count > 0 || load->asking.seconds > 0;
	if (!asks || !ends || load->asking.lines < 1 || load->asking.lines > SOCKETS_MAX || load->asking.window < 1 ||
	    load->asking.window > SLOTS)
		return usage();
	return 0;
}

int main(int argc, char **argv)
{
	static struct load load = {.asking = {.address = "127.0.0.1", .port = "53", .lines = 16, .window = 16}};
	int rc = options(&load, argc, argv);
	if (rc != 0)
		return rc;
	lines_open(&load);
	run(&load);
	print(&load);
	questions_done(&load.asking.questions);
	return 0;
}
