// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * xdp_load - asks a server over UDP by AF_XDP, so many questions a second whatever comes back, and looks at each reply. Prints JSON.
 *
 *   xdp_load [-r RATE] [-t SECONDS] [-p PORT] -i INTERFACE -c OUR-ADDRESS -s ADDRESS -m ITS-CARD -f FILE
 *
 * What a socket of the client would cost is mostly paid by the server of a veth pair, since the kernel takes a frame all the way there when it
 * is sent; by AF_XDP that is little. FILE is that of load.c. It never sleeps, so it wants a CPU of its own.
 */
#include "load.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/xsk.h>

#define FRAME_SIZE 2048
#define RING       4096               /* frames to receive into; as many to send */
#define BATCH      10                 /* questions sent at once, as kxdpgun does */
#define TAKEN      64                 /* replies looked at in one go */
#define BEHIND_NS  1000000            /* later than that, what was due is left out */
#define LAST_NS    INT64_C(200000000) /* to wait for the last replies */
#define HEADERS    (sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr))
#define PORT_FIRST 1024
#define PORTS      32768 /* power of two: a question's port is told by its ID */

struct load {
	struct asking asking;
	const char *interface, *ours, *card;
	double rate;
	uint8_t head[HEADERS]; /* of each question, but for lengths, ports and checksum */
	uint8_t *memory;
	struct xsk_umem *umem;
	struct xsk_socket *socket;
	struct xsk_ring_prod fill, send;
	struct xsk_ring_cons done, receive;
	uint32_t spare[RING], n_spare; /* frames to send */
	uint16_t next_id;
	uint64_t sent, got, bytes, noerror, nxdomain, servfail, wrong;
};

static uint16_t sum_of(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* ---- the socket ---- */

static void head_make(struct load *load)
{
	struct ifreq request = {0};
	struct ethhdr eth = {.h_proto = htons(ETH_P_IP)};
	struct iphdr ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP};
	unsigned char *to = eth.h_dest;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", load->interface);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		die(load->interface);
	close(fd);
	memcpy(eth.h_source, request.ifr_hwaddr.sa_data, ETH_ALEN);
	if (sscanf(load->card, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &to[0], &to[1], &to[2], &to[3], &to[4], &to[5]) !=
		    ETH_ALEN ||
	    inet_pton(AF_INET, load->ours, &ip.saddr) != 1 ||
	    inet_pton(AF_INET, load->asking.address, &ip.daddr) != 1) {
		fputs("xdp_load: that is no address\n", stderr);
		exit(2);
	}
	memcpy(load->head, &eth, sizeof(eth));
	memcpy(load->head + sizeof(eth), &ip, sizeof(ip));
}

static void socket_make(struct load *load)
{
	const struct xsk_umem_config memory = {.fill_size = RING, .comp_size = RING, .frame_size = FRAME_SIZE};
	const struct xsk_socket_config socket = {.rx_size = RING, .tx_size = RING};
	size_t len = (size_t)2 * RING * FRAME_SIZE;
	uint32_t at;
	load->memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (load->memory == MAP_FAILED)
		die("memory");
	int rc = xsk_umem__create(&load->umem, load->memory, len, &load->fill, &load->done, &memory);
	if (rc == 0)
		rc = xsk_socket__create(&load->socket, load->interface, 0, load->umem, &load->receive, &load->send,
					&socket);
	if (rc != 0 || xsk_ring_prod__reserve(&load->fill, RING, &at) != RING) {
		fprintf(stderr, "xdp_load: %s: %s\n", load->interface, strerror(-rc));
		exit(1);
	}
	for (uint32_t i = 0; i < RING; i++) {
		*xsk_ring_prod__fill_addr(&load->fill, at + i) = (uint64_t)i * FRAME_SIZE;
		load->spare[load->n_spare++] = RING + i;
	}
	xsk_ring_prod__submit(&load->fill, RING);
}

/* ---- questions ---- */

static uint32_t question_make(struct load *load, uint8_t *frame)
{
	struct iovec question;
	struct iphdr ip;
	uint16_t id = load->next_id++;
	questions_next(&load->asking.questions, 0, &question);
	uint16_t len = (uint16_t)(sizeof(struct udphdr) + 2 + question.iov_len);
	memcpy(&ip, load->head + sizeof(struct ethhdr), sizeof(ip));
	ip.tot_len = htons((uint16_t)(sizeof(ip) + len));
	ip.check = htons((uint16_t)~sum_of(&ip, sizeof(ip)));
	struct udphdr udp = {.source = htons((uint16_t)(PORT_FIRST + id % PORTS)),
			     .dest = htons((uint16_t)atoi(load->asking.port)),
			     .len = htons(len)};
	memcpy(frame, load->head, sizeof(struct ethhdr));
	memcpy(frame + sizeof(struct ethhdr), &ip, sizeof(ip));
	memcpy(frame + sizeof(struct ethhdr) + sizeof(ip), &udp, sizeof(udp));
	wire_put16(frame + HEADERS, id);
	memcpy(frame + HEADERS + 2, question.iov_base, question.iov_len);
	return (uint32_t)(HEADERS + 2 + question.iov_len);
}

static void take_back(struct load *load)
{
	uint32_t from, n = xsk_ring_cons__peek(&load->done, RING, &from);
	for (uint32_t i = 0; i < n; i++)
		load->spare[load->n_spare++] =
			(uint32_t)(*xsk_ring_cons__comp_addr(&load->done, from + i) / FRAME_SIZE);
	xsk_ring_cons__release(&load->done, n);
}

static void ask(struct load *load)
{
	uint32_t to;
	take_back(load);
	if (load->n_spare >= BATCH && xsk_ring_prod__reserve(&load->send, BATCH, &to) == BATCH) {
		for (uint32_t i = 0; i < BATCH; i++) {
			uint64_t at = (uint64_t)load->spare[--load->n_spare] * FRAME_SIZE;
			*xsk_ring_prod__tx_desc(&load->send, to + i) =
				(struct xdp_desc){.addr = at, .len = question_make(load, load->memory + at)};
		}
		xsk_ring_prod__submit(&load->send, BATCH);
		load->sent += BATCH;
	}
	(void)sendto(xsk_socket__fd(load->socket), NULL, 0, MSG_DONTWAIT, NULL, 0);
}

/* ---- replies ---- */

/* All that IP and UDP say of themselves must be so, and the reply must be one to a question of this port. */
static bool is_right(const uint8_t *frame, uint32_t len)
{
	struct iphdr ip;
	struct udphdr udp;
	memcpy(&ip, frame + sizeof(struct ethhdr), sizeof(ip));
	memcpy(&udp, frame + sizeof(struct ethhdr) + sizeof(ip), sizeof(udp));
	return ntohs(ip.tot_len) == len - sizeof(struct ethhdr) && sum_of(&ip, sizeof(ip)) == 0xffff &&
	       ntohs(udp.len) == ntohs(ip.tot_len) - sizeof(ip) && (frame[HEADERS + 2] & 0x80) != 0 &&
	       ntohs(udp.dest) == PORT_FIRST + wire_get16(frame + HEADERS) % PORTS;
}

static void look(struct load *load, const uint8_t *frame, uint32_t len)
{
	struct iphdr ip;
	memcpy(&ip, frame + sizeof(struct ethhdr), sizeof(ip));
	if (len < HEADERS + WIRE_HEADER_SIZE || memcmp(frame + 12, load->head + 12, 2) != 0 ||
	    ip.protocol != IPPROTO_UDP)
		return; /* what hosts on a wire say to each other */
	if (ip.ihl != 5 || !is_right(frame, len)) {
		load->wrong++;
		return;
	}
	load->got++;
	load->bytes += len - HEADERS;
	switch (frame[HEADERS + 3] & WIRE_RCODE_MASK) {
	case WIRE_RCODE_NOERROR:
		load->noerror++;
		break;
	case WIRE_RCODE_NXDOMAIN:
		load->nxdomain++;
		break;
	case WIRE_RCODE_SERVFAIL:
		load->servfail++;
		break;
	default:
		break;
	}
}

static void replies_take(struct load *load)
{
	uint32_t from, to, n = xsk_ring_cons__peek(&load->receive, TAKEN, &from);
	if (n == 0 || xsk_ring_prod__reserve(&load->fill, n, &to) != n)
		return;
	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&load->receive, from + i);
		look(load, load->memory + desc->addr, desc->len);
		*xsk_ring_prod__fill_addr(&load->fill, to + i) = desc->addr & ~(uint64_t)(FRAME_SIZE - 1);
	}
	xsk_ring_cons__release(&load->receive, n);
	xsk_ring_prod__submit(&load->fill, n);
}

static double run(struct load *load)
{
	int64_t start = now_ns(), now = start, due = start, step = (int64_t)(BATCH * 1e9 / load->rate);
	int64_t end = start + (int64_t)(load->asking.seconds * 1e9);
	for (; now < end; now = now_ns()) {
		if (now >= due) {
			ask(load);
			due = now - due > BEHIND_NS ? now + step : due + step;
		}
		replies_take(load);
	}
	for (end = now + LAST_NS; now < end && load->got < load->sent; now = now_ns())
		replies_take(load);
	return load->asking.seconds;
}

int main(int argc, char **argv)
{
	static struct load load = {.asking = {.port = "53", .seconds = 2}, .rate = 200000};
	for (int c; (c = getopt(argc, argv, "r:t:p:i:c:s:m:f:")) != -1;) {
		if (c == 'r')
			load.rate = atof(optarg);
		else if (c == 'i')
			load.interface = optarg;
		else if (c == 'c')
			load.ours = optarg;
		else if (c == 'm')
			load.card = optarg;
		else if (!asking_option(&load.asking, c, optarg))
			load.rate = 0;
	}
	if (load.rate < 1 || load.interface == NULL || load.ours == NULL || load.card == NULL ||
	    load.asking.address == NULL || load.asking.questions.count == 0) {
		fputs("usage: xdp_load [-r RATE] [-t SECONDS] [-p PORT] -i INTERFACE -c OUR-ADDRESS -s ADDRESS -m "
		      "ITS-CARD -f FILE\n",
		      stderr);
		return 2;
	}
	head_make(&load);
	socket_make(&load);
	double seconds = run(&load);
	printf("{\"sent\": %" PRIu64 ", \"got\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"wrong\": %" PRIu64
	       ", \"noerror\": %" PRIu64 ", \"nxdomain\": %" PRIu64 ", \"servfail\": %" PRIu64 ", \"bytes\": %" PRIu64
	       ", \"seconds\": %.3f}\n",
	       load.sent, load.got, load.sent - load.got, load.wrong, load.noerror, load.nxdomain, load.servfail,
	       load.bytes, seconds);
	xsk_socket__delete(load.socket);
	(void)xsk_umem__delete(load.umem);
	questions_done(&load.asking.questions);
	return 0;
}
