// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * AF_XDP in VLANs, on kernels too that have no VLAN interfaces: the tables of addresses are this test's, the frames are made and read by
 * hand at the other end of a wire. Checksums are held against a plain sum.
 */
#include "test.h"
#include "xdp.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define VLAN   7
#define TCI    (5 << 13 | VLAN) /* a priority of 5 */
#define FRAMES 300

static uint8_t server_mac[6], client_mac[6];
static unsigned server_index;

static const struct addr SERVER = {.family = 4, .port = 53, .ip = {10, 9, 0, 1}};

/* In place of what the machine has: one address, in one VLAN. */
int __wrap_xdp_places_find(const char *interface, size_t n_listen, const struct addr *listen, struct xdp_places *ret);
int __wrap_xdp_places_find(const char *interface, size_t n_listen, const struct addr *listen, struct xdp_places *ret)
{
	*ret = (struct xdp_places){.n_vlans = 2, .n_places = 1, .n_queues = 1};
	ret->place = calloc(1, sizeof(*ret->place));
	ret->own = calloc(1, sizeof(*ret->own));
	ret->place[0] = (struct xdp_place){.addr = SERVER, .vlan = 1};
	ret->vlan[0] = (struct xdp_vlan){.index = server_index, .mtu = 1500};
	ret->vlan[1] = (struct xdp_vlan){.id = VLAN, .index = server_index, .mtu = 1500};
	memcpy(ret->vlan[0].mac, server_mac, 6);
	memcpy(ret->vlan[1].mac, server_mac, 6);
	return 0;
}

/* ---- checksums ---- */

static uint16_t plain_sum(const uint8_t *data, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint16_t checksum_of(const struct addr *from, const struct addr *to, const uint8_t *udp, size_t len)
{
	uint32_t sum = plain_sum(from->ip, 16, (uint32_t)len + IPPROTO_UDP);
	sum = plain_sum(to->ip, 16, sum);
	uint16_t out = (uint16_t)~plain_sum(udp, len, sum);
	return out == 0 ? 0xffff : out;
}

static void test_checksums(void **state)
{
	uint8_t udp[1500];
	struct addr from = {.family = 4}, to = {.family = 4};
	srandom(1);
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = 8 + (size_t)random() % (sizeof(udp) - 8);
		for (size_t i = 0; i < len; i++)
			udp[i] = round % 3 == 0 ? 0xff : (uint8_t)random();
		from.family = to.family = round % 2 == 0 ? 4 : 6;
		memset(from.ip, 0, 16);
		memset(to.ip, 0, 16);
		for (unsigned i = 0; i < (from.family == 4 ? 4 : 16); i++) {
			from.ip[i] = (uint8_t)random();
			to.ip[i] = (uint8_t)random();
		}
		udp[4] = (uint8_t)(len >> 8);
		udp[5] = (uint8_t)len;
		udp[6] = udp[7] = 0;
		assert_int_equal(xdp_checksum_good(&from, &to, udp, len), from.family == 4);
		uint16_t right = checksum_of(&from, &to, udp, len);
		udp[6] = (uint8_t)(right >> 8);
		udp[7] = (uint8_t)right;
		assert_true(xdp_checksum_good(&from, &to, udp, len));
		uint32_t pseudo = plain_sum(to.ip, 16, plain_sum(from.ip, 16, (uint32_t)len + IPPROTO_UDP));
		udp[8 + (size_t)random() % (len - 7) - 1] ^= 1;
		uint16_t given = (uint16_t)(udp[6] << 8 | udp[7]);
		if (given != pseudo && given != checksum_of(&from, &to, udp, len) && given != 0)
			assert_int_equal(xdp_checksum_good(&from, &to, udp, len),
					 (given == 0xffff && plain_sum(udp, len, pseudo) == 0xffff));
		udp[6] = (uint8_t)(pseudo >> 8); /* as senders leave it for their card */
		udp[7] = (uint8_t)pseudo;
		assert_true(xdp_checksum_good(&from, &to, udp, len) || pseudo == 0);
	}
}

/* ---- a VLAN ---- */

static int on_message(void *ctx, struct net_message *m)
{
	assert_true(m->len < m->reply_cap);
	memcpy(m->reply, m->msg, m->len);
	memset(m->reply + m->len, 0x5a, 100);
	m->reply[2] |= 0x80;
	return (int)m->len + 100;
}

static size_t frame_make(uint8_t *out, uint16_t tci, unsigned payload)
{
	uint8_t *p = out;
	memcpy(p, server_mac, 6);
	memcpy(p + 6, client_mac, 6);
	p += 12;
	if (tci != 0) {
		const uint8_t tag[] = {0x81, 0, (uint8_t)(tci >> 8), (uint8_t)tci};
		memcpy(p, tag, 4);
		p += 4;
	}
	unsigned total = 28 + payload;
	const uint8_t head[] = {8,
				0,
				0x45,
				0,
				(uint8_t)(total >> 8),
				(uint8_t)total,
				0,
				1,
				0,
				0,
				64,
				17,
				0,
				0,
				10,
				9,
				0,
				2,
				10,
				9,
				0,
				1,
				0x80,
				0,
				0,
				53,
				(uint8_t)((total - 20) >> 8),
				(uint8_t)(total - 20),
				0,
				0};
	memcpy(p, head, sizeof(head));
	uint16_t sum = (uint16_t)~plain_sum(p + 2, 20, 0);
	p[12] = (uint8_t)(sum >> 8);
	p[13] = (uint8_t)sum;
	p += sizeof(head);
	for (unsigned i = 0; i < payload; i++)
		p[i] = (uint8_t)i;
	return (size_t)(p - out) + payload;
}

static int mac_of(const char *name, uint8_t mac[6], int *ret_fd)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(name)};
	socklen_t len = sizeof(ll);
	if (fd < 0 || bind(fd, (struct sockaddr *)&ll, len) < 0 || getsockname(fd, (struct sockaddr *)&ll, &len) < 0)
		return -1;
	memcpy(mac, ll.sll_addr, 6);
	*ret_fd = fd;
	return 0;
}

/* The tag that the kernel took off for us, and the frame without it. */
static ssize_t receive(int fd, uint8_t *out, size_t cap, uint16_t *ret_tci)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec iov = {out, cap};
	struct msghdr hdr = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &hdr, 0);
	*ret_tci = 0;
	for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&hdr); c != NULL; c = CMSG_NXTHDR(&hdr, c)) {
		struct tpacket_auxdata aux;
		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if ((aux.tp_status & TP_STATUS_VLAN_VALID) != 0)
			*ret_tci = aux.tp_vlan_tci;
	}
	return n;
}

static void *run(void *loop)
{
	net_loop_run(loop);
	return NULL;
}

static void send_and_check(int fd)
{
	uint8_t frame[2048], reply[2048];
	for (unsigned i = 0; i < FRAMES; i++) {
		/* not in the VLAN: the kernel's, whose sockets may answer */
		assert_true(send(fd, frame, frame_make(frame, 0, 20), 0) > 0);
		assert_true(send(fd, frame, frame_make(frame, VLAN + 1, 20), 0) > 0);
		assert_true(send(fd, frame, frame_make(frame, TCI, 12 + i), 0) > 0);
		uint16_t tci;
		ssize_t n;
		do
			n = receive(fd, reply, sizeof(reply), &tci);
		while (n >= 0 && tci == 0);
		assert_int_equal(n, 42 + 12 + i + 100);
		assert_int_equal(tci, TCI);
		assert_memory_equal(reply, client_mac, 6);
		assert_memory_equal(reply + 6, server_mac, 6);
		assert_int_equal(reply[16] << 8 | reply[17], n - 14);
		assert_int_equal(plain_sum(reply + 14, 20, 0), 0xffff);
		assert_memory_equal(reply + 26, ((const uint8_t[]){10, 9, 0, 1, 10, 9, 0, 2, 0, 53, 0x80, 0}), 12);
		assert_int_equal(reply[38] << 8 | reply[39], n - 34);
		assert_int_equal(reply[42 + 2], 2 | 0x80);
		assert_int_equal(reply[42 + 11], 11);
		assert_int_equal(reply[n - 1], 0x5a);
	}
}

static void test_vlan(void **state)
{
	int fd, other, one = 1;
	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
		print_message("AF_XDP needs root and a network namespace\n");
		skip();
	}
	if (system("ip link set lo up && ip link add s0 type veth peer name c0 && ip link set c0 up && "
		   "ip addr add 10.9.0.1/24 dev s0 && ip link set s0 up") != 0) {
		print_message("no veth pair here\n");
		skip();
	}
	server_index = if_nametoindex("s0");
	assert_int_equal(mac_of("s0", server_mac, &other), 0);
	close(other);
	assert_int_equal(mac_of("c0", client_mac, &fd), 0);
	setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one));
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	struct timeval deadline = {.tv_sec = 60};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));

	struct net_settings settings = {.udp_batch = 32,
					.tcp_clients = 4,
					.tcp_clients_per_address = 4,
					.tcp_idle_ms = 1000,
					.tcp_pipeline = 4};
	static struct counters counters;
	struct net_loop *loop;
	struct net_xdp *xdp;
	char why[NET_XDP_WHY_MAX] = "";
	assert_int_equal(net_loop_new(&settings, &counters, &loop), 0);
	assert_int_equal(net_listen(loop, &SERVER, on_message, NULL, NULL), 0);
	if (net_xdp_open("s0", 1, &SERVER, &xdp, why) < 0) {
		assert_non_null(strstr(why, "the kernel refuses"));
		print_message("%s\n", why);
		net_loop_free(loop);
		skip();
	}
	assert_int_equal(net_xdp_listen(loop, xdp, 0), 0);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, run, loop), 0);
	send_and_check(fd);
	net_loop_stop(loop);
	pthread_join(thread, NULL);
	net_loop_free(loop);
	net_xdp_close(xdp);
	close(fd);
	assert_int_equal(counters.value[COUNTER_XDP_QUESTIONS], FRAMES);
	assert_int_equal(counters.value[COUNTER_XDP_REPLIES], FRAMES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_checksums), cmocka_unit_test(test_vlan)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
