// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The floor of AF_XDP: takes each datagram from queue 0 of an interface and sends a reply of a fixed size back, and does nothing else.
 *
 * xdp_echo INTERFACE SIZE. Addresses are turned round in the frame that came, which goes out again: nothing is copied, parsed or looked up.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <xdp/xsk.h>

#define FRAMES     4096
#define FRAME_SIZE 2048
#define RING       2048
#define BATCH      64
#define HEADERS    (sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr))

struct echo {
	uint8_t *memory;
	struct xsk_umem *umem;
	struct xsk_socket *socket;
	struct xsk_ring_prod fill, send;
	struct xsk_ring_cons done, receive;
	unsigned size, in_flight;
};

static uint16_t header_checksum(const struct iphdr *ip)
{
	uint16_t words[sizeof(*ip) / 2];
	uint32_t sum = 0;
	memcpy(words, ip, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

/* Returns the length of the frame that goes back. */
static uint32_t turn_round(const struct echo *echo, uint8_t *frame, uint32_t len)
{
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	memcpy(&eth, frame, sizeof(eth));
	memcpy(&ip, frame + sizeof(eth), sizeof(ip));
	memcpy(&udp, frame + sizeof(eth) + sizeof(ip), sizeof(udp));
	if (len < HEADERS + 12 || eth.h_proto != htons(ETH_P_IP) || ip.protocol != IPPROTO_UDP)
		return len;
	uint8_t mac[ETH_ALEN];
	memcpy(mac, eth.h_dest, ETH_ALEN);
	memcpy(eth.h_dest, eth.h_source, ETH_ALEN);
	memcpy(eth.h_source, mac, ETH_ALEN);
	uint32_t address = ip.saddr;
	ip.saddr = ip.daddr;
	ip.daddr = address;
	ip.tot_len = htons((uint16_t)(HEADERS - sizeof(eth) + echo->size));
	ip.check = 0;
	ip.check = header_checksum(&ip);
	uint16_t port = udp.source;
	udp.source = udp.dest;
	udp.dest = port;
	udp.len = htons((uint16_t)(sizeof(udp) + echo->size));
	udp.check = 0;
	memcpy(frame, &eth, sizeof(eth));
	memcpy(frame + sizeof(eth), &ip, sizeof(ip));
	memcpy(frame + sizeof(eth) + sizeof(ip), &udp, sizeof(udp));
	frame[HEADERS + 2] |= 0x80; /* QR */
	if (len < HEADERS + echo->size)
		memset(frame + len, 0, HEADERS + echo->size - len);
	return (uint32_t)HEADERS + echo->size;
}

/* Frames that were sent are there to be filled again. */
static void take_back(struct echo *echo)
{
	uint32_t from, to, n = xsk_ring_cons__peek(&echo->done, RING, &from);
	if (n == 0 || xsk_ring_prod__reserve(&echo->fill, n, &to) != n)
		return;
	for (uint32_t i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&echo->fill, to + i) =
			*xsk_ring_cons__comp_addr(&echo->done, from + i) & ~(uint64_t)(FRAME_SIZE - 1);
	xsk_ring_prod__submit(&echo->fill, n);
	xsk_ring_cons__release(&echo->done, n);
	echo->in_flight -= n;
}

static void push(const struct echo *echo)
{
	(void)sendto(xsk_socket__fd(echo->socket), NULL, 0, MSG_DONTWAIT, NULL, 0);
}

static void serve(struct echo *echo)
{
	struct pollfd fd = {.fd = xsk_socket__fd(echo->socket), .events = POLLIN};
	for (;;) {
		uint32_t from, to;
		take_back(echo);
		uint32_t n = xsk_ring_cons__peek(&echo->receive, BATCH, &from);
		if (n == 0) {
			if (echo->in_flight > 0)
				push(echo);
			poll(&fd, 1, echo->in_flight > 0 ? 0 : -1);
			continue;
		}
		while (xsk_ring_prod__reserve(&echo->send, n, &to) != n) {
			push(echo);
			take_back(echo);
		}
		for (uint32_t i = 0; i < n; i++) {
			const struct xdp_desc *in = xsk_ring_cons__rx_desc(&echo->receive, from + i);
			struct xdp_desc *out = xsk_ring_prod__tx_desc(&echo->send, to + i);
			*out = (struct xdp_desc){.addr = in->addr,
						 .len = turn_round(echo, echo->memory + in->addr, in->len)};
		}
		xsk_ring_cons__release(&echo->receive, n);
		xsk_ring_prod__submit(&echo->send, n);
		echo->in_flight += n;
		push(echo);
	}
}

int main(int argc, char **argv)
{
	struct echo echo = {.size = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0};
	if (echo.size < 12 || echo.size > 1400) {
		fputs("usage: xdp_echo INTERFACE SIZE (12 to 1400)\n", stderr);
		return 2;
	}
	const struct xsk_umem_config memory = {.fill_size = RING, .comp_size = RING, .frame_size = FRAME_SIZE};
	const struct xsk_socket_config socket = {.rx_size = RING, .tx_size = RING};
	echo.memory =
		mmap(NULL, (size_t)FRAMES * FRAME_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int rc = echo.memory == MAP_FAILED ? -ENOMEM
					   : xsk_umem__create(&echo.umem, echo.memory, (uint64_t)FRAMES * FRAME_SIZE,
							      &echo.fill, &echo.done, &memory);
	if (rc == 0)
		rc = xsk_socket__create(&echo.socket, argv[1], 0, echo.umem, &echo.receive, &echo.send, &socket);
	uint32_t at;
	if (rc != 0 || xsk_ring_prod__reserve(&echo.fill, RING, &at) != RING) {
		fprintf(stderr, "xdp_echo: %s: %s\n", argv[1], strerror(-rc));
		return 1;
	}
	for (uint32_t i = 0; i < RING; i++)
		*xsk_ring_prod__fill_addr(&echo.fill, at + i) = (uint64_t)i * FRAME_SIZE;
	xsk_ring_prod__submit(&echo.fill, RING);
	serve(&echo);
	return 0;
}
