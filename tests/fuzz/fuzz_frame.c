// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Frames as they come from a wire, through the filter, libknot and net/xdp to answers and back. In place of the kernel stands xdp/kernel.c.
 *
 * Which frames are questions, and what a reply must look like, is said here once more from the RFCs; the answer in it must be the one that a
 * socket would have sent.
 *
 * Input: a byte of settings; then frames, each with a byte of what is mended in it, and its length in two bytes.
 */
#include "answer/answer.h"
#include "xdp.h"
#include "xdp/machine.h"
#include "zone/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX 40 /* more than a batch */
#define LENGTH_MAX 1700
#define VLAN       7
#define EXPECT(x)                                                                                                      \
	do {                                                                                                           \
		if (!(x)) {                                                                                            \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #x);                          \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

enum mend { MEND_TO_US = 1, MEND_LENGTHS = 2, MEND_HEADER_SUM = 4, MEND_SUM = 8, MEND_PARTIAL_SUM = 16 };

static const uint8_t MAC[6] = {2, 0, 0, 0, 0, 1};
static const struct addr OURS[] = {{.family = 4, .port = 53, .ip = {10, 9, 0, 1}},
				   {.family = 6, .port = 53, .ip = {0xfd, 9, [15] = 1}},
				   {.family = 4, .port = 53, .ip = {192, 0, 2, 53}}};
static const struct addr BROADCAST = {.family = 4, .ip = {10, 9, 0, 255}};

/* What comes of a frame that was a question. */
struct expected {
	struct addr from, to;
	const uint8_t *frame;
	size_t ip, payload, len; /* offsets in the frame; bytes of the question */
	size_t reply_len;
	bool asked, by_socket;
	uint8_t reply[WIRE_MESSAGE_MAX];
};

static struct {
	bool made;
	struct net_loop *loop;
	struct net_xdp *xdp;
	struct net_listener listener[2];
	struct image *image;
	struct answer_zone zone;
	struct answer_view view;
	struct addr_prefix all[2];
	uint8_t apex[WIRE_NAME_MAX];
	struct counters counters;
	unsigned n, next_asked, next_sent, next_by_socket;
	struct expected expected[FRAMES_MAX];
} world;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* ---- the world ---- */

int __wrap_xdp_places_find(const char *interface, size_t n_listen, const struct addr *listen, struct xdp_places *ret);
int __wrap_xdp_places_find(const char *interface, size_t n_listen, const struct addr *listen, struct xdp_places *ret)
{
	static const struct xdp_vlan vlans[] = {{.index = 1, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 1}},
						{.id = VLAN, .index = 2, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 1}}};
	*ret = (struct xdp_places){.n_vlans = ARRAY_SIZE(vlans), .n_queues = 1};
	memcpy(ret->vlan, vlans, sizeof vlans);
	ret->place = calloc(6, sizeof(*ret->place));
	ret->own = calloc(4, sizeof(*ret->own));
	EXPECT(ret->place != NULL && ret->own != NULL && n_listen > 0 && interface != NULL && listen != NULL);
	for (uint32_t i = 0; i < 5; i++) /* the last address is not in the VLAN */
		ret->place[ret->n_places++] = (struct xdp_place){.addr = OURS[i / 2], .vlan = i % 2};
	ret->own[ret->n_own++] = OURS[0];
	ret->own[ret->n_own++] = BROADCAST;
	ret->own[ret->n_own++] = OURS[2];
	ret->own[ret->n_own++] = OURS[1];
	xdp_places_sort(ret);
	return 0;
}

static struct image *image_make(void)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	struct zone *zone;
	struct zone_error error;
	struct image *image;
	EXPECT(wire_name_parse("z.", world.apex) > 0);
	EXPECT(buffer_printf(
		       &text,
		       "z. 60 SOA ns h 1 2 3 4 5\nz. 60 NS ns\nns A 192.0.2.1\n*.w 60 TXT \"any\"\nc 60 CNAME t9\n"
		       "d 60 DNAME z.\nz. 60 NSEC *.w NS SOA NSEC\n*.w 60 NSEC z. TXT NSEC\n") >= 0);
	for (unsigned i = 0; i < 80; i++) /* t9 has 10 records of 45 bytes or so, ... t79 is above a frame */
		for (unsigned k = 0; i % 5 == 4 && k <= i; k++)
			EXPECT(buffer_printf(&text, "t%u 60 TXT \"%02u..........................\"\n", i, k) >= 0);
	struct zone_read_settings settings = {.origin = world.apex};
	EXPECT(zone_read_text("frame", (const char *)text.data, text.len, &settings, NULL, NULL, &zone, &error) == 0);
	EXPECT(image_compile(zone, &image) == 0);
	zone_free(zone);
	return image;
}

static int on_message(void *ctx, struct net_message *m);

static void world_make(void)
{
	struct net_settings settings = {
		.udp_batch = 1, .tcp_clients = 1, .tcp_clients_per_address = 1, .tcp_idle_ms = 1000, .tcp_pipeline = 1};
	char why[NET_XDP_WHY_MAX] = "";
	world.image = image_make();
	world.zone = (struct answer_zone){.apex = world.apex, .image = world.image};
	EXPECT(addr_prefix_parse("10.0.0.0/8", &world.all[0]) == 0);
	EXPECT(addr_prefix_parse("fd09::/16", &world.all[1]) == 0);
	world.view = (struct answer_view){.n_zones = 1,
					  .zone = &world.zone,
					  .identity = "frame",
					  .version = "",
					  .recursion = true,
					  .allow = {2, world.all}};
	EXPECT(net_loop_new(&settings, &world.counters, &world.loop) == 0);
	world.listener[0] = (struct net_listener){.addr = {.family = 4, .port = 53}, .wildcard = true};
	world.listener[1] = (struct net_listener){.index = 1, .addr = OURS[1]};
	for (unsigned i = 0; i < 2; i++) {
		world.listener[i].loop = world.loop;
		world.listener[i].fn = on_message;
		world.listener[i].udp_fd = -1;
		world.loop->listener[world.loop->n_listeners++] = &world.listener[i];
	}
	if (net_xdp_open("lo", ARRAY_SIZE(OURS), OURS, &world.xdp, why) < 0) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
	EXPECT(net_xdp_listen(world.loop, world.xdp, 0) == 0);
	world.made = true;
}

/* ---- frames, by the RFCs ---- */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/* RFC 1071, two bytes at a time. */
static uint16_t sum_of(const uint8_t *data, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Of the pseudo-header of an IP header at `ip` with so many bytes of UDP (RFC 768, RFC 8200 section 8.1). */
static uint16_t pseudo_of(const uint8_t *ip, size_t udp_len)
{
	bool is6 = ip[0] >> 4 == 6;
	return sum_of(ip + (is6 ? 8 : 12), is6 ? 32 : 8, (uint32_t)udp_len + IPPROTO_UDP);
}

/* Where the IP header is, and in which VLAN (0: none; -1: a frame that is not looked at further). */
static size_t ip_at(const uint8_t *frame, size_t len, int *ret_vlan)
{
	*ret_vlan = 0;
	if (len < 18 || get16(frame + 12) != 0x8100)
		return 14;
	*ret_vlan = get16(frame + 14) & 0xfff;
	if (*ret_vlan == 0)
		*ret_vlan = -1;
	return 18;
}

static struct addr address(uint8_t family, const uint8_t *ip, uint16_t port)
{
	struct addr addr = {.family = family, .port = port};
	memcpy(addr.ip, ip, family == 4 ? 4 : 16);
	return addr;
}

static bool same_ip(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, 16) == 0;
}

/* A header of IPv4 or IPv6 that says what it should, and how long what follows it is. */
static bool header_good(const uint8_t *ip, size_t len, size_t *ret_size, size_t *ret_payload)
{
	static const uint8_t nothing[8];
	if (len >= 20 && ip[0] == 0x45) {
		*ret_size = 20;
		*ret_payload = (size_t)get16(ip + 2) - 20;
		return get16(ip + 2) >= 20 && (get16(ip + 6) & 0xbfff) == 0 && sum_of(ip, 20, 0) == 0xffff &&
		       ip[9] == IPPROTO_UDP && ip[12] != 0 && ip[12] != 127 && ip[12] < 224;
	}
	if (len < 48 || ip[0] >> 4 != 6)
		return false;
	*ret_size = 40;
	*ret_payload = get16(ip + 4);
	return ip[6] == IPPROTO_UDP && ip[8] != 0xff && memcmp(ip + 8, nothing, 8) != 0 && get16(ip + 46) != 0;
}

/* Does the filter take it? Then its question is in *e. */
static bool is_taken(const uint8_t *frame, size_t len, struct expected *e)
{
	int vlan;
	size_t ip = ip_at(frame, len, &vlan), size, payload;
	if (len < XDP_FRAME_MIN || len > XDP_FRAME_MAX || vlan < 0 || (frame[6] & 1) != 0 || memcmp(frame, MAC, 6) != 0)
		return false;
	uint16_t kind = get16(frame + ip - 2);
	if ((kind != 0x0800 || frame[ip] != 0x45) && (kind != 0x86dd || frame[ip] >> 4 != 6))
		return false;
	if (!header_good(frame + ip, len - ip, &size, &payload) || payload < 20 || payload > len - ip - size)
		return false;
	const uint8_t *udp = frame + ip + size;
	if (get16(udp + 4) != payload || get16(udp) == 0)
		return false;
	uint8_t family = size == 20 ? 4 : 6;
	e->from = address(family, frame + ip + (family == 4 ? 12 : 8), get16(udp));
	e->to = address(family, frame + ip + (family == 4 ? 16 : 24), get16(udp + 2));
	e->frame = frame;
	e->ip = ip;
	e->payload = ip + size + 8;
	e->len = payload - 8;
	for (unsigned i = 0; i < 3; i++)
		if (same_ip(&e->to, &OURS[i]) && e->to.port == 53 && (vlan == 0 || (vlan == VLAN && i < 2)))
			return true;
	return false;
}

/* Is it asked, or dropped and counted? */
static bool is_asked(const struct expected *e)
{
	const uint8_t *ip = e->frame + e->ip, *udp = e->frame + e->payload - 8;
	uint16_t given = get16(udp + 6), pseudo = pseudo_of(ip, e->len + 8);
	bool whole = sum_of(udp, e->len + 8, pseudo) == 0xffff;
	bool none = given == 0 && e->from.family == 4;
	if (!whole && !none && given != pseudo)
		return false;
	if (same_ip(&e->from, &BROADCAST))
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(OURS); i++)
		if (same_ip(&e->from, &OURS[i]))
			return false;
	return true;
}

static void mend(uint8_t *frame, size_t len, uint8_t what)
{
	int vlan;
	size_t ip = ip_at(frame, len, &vlan);
	if (len < ip + 48)
		return;
	bool is6 = frame[ip] >> 4 == 6;
	size_t size = is6 ? 40 : 20, payload = len - ip - size;
	uint8_t *udp = frame + ip + size;
	put16(frame + ip - 2, is6 ? 0x86dd : 0x0800);
	if (what & MEND_TO_US) {
		const struct addr *to = is6 ? &OURS[1] : frame[ip + 16] & 1 ? &OURS[0] : &OURS[2];
		memcpy(frame, MAC, 6);
		memcpy(frame + ip + (is6 ? 24 : 16), to->ip, is6 ? 16 : 4);
		put16(udp + 2, 53);
		frame[ip + (is6 ? 6 : 9)] = IPPROTO_UDP;
	}
	if (what & MEND_LENGTHS) {
		frame[ip] = is6 ? frame[ip] : 0x45;
		put16(frame + ip + (is6 ? 4 : 2), (uint16_t)(is6 ? payload : payload + 20));
		put16(udp + 4, (uint16_t)payload);
	}
	if (what & MEND_HEADER_SUM && !is6) {
		put16(frame + ip + 10, 0);
		put16(frame + ip + 10, (uint16_t)~sum_of(frame + ip, 20, 0));
	}
	size_t udp_len = get16(udp + 4) < payload ? get16(udp + 4) : payload;
	if (what & (MEND_SUM | MEND_PARTIAL_SUM)) {
		uint16_t pseudo = pseudo_of(frame + ip, udp_len);
		put16(udp + 6, 0);
		uint16_t sum = (uint16_t)~sum_of(udp, udp_len, pseudo);
		put16(udp + 6, what & MEND_PARTIAL_SUM ? pseudo : sum == 0 ? 0xffff : sum);
	}
}

/* ---- questions ---- */

/* As the resolver does when it has its answer at once: in the large room, more than a frame takes, or less; or it answers later. */
static size_t resolved(const struct answer_pending *pending, uint8_t *out)
{
	size_t len = pending->qname_len % 4 == 2 ? 3000 : 100;
	memset(out, pending->qname_len, len);
	return len;
}

static int outcome_of(enum answer_outcome outcome, const struct answer_pending *pending, size_t len, uint8_t *large)
{
	if (outcome == ANSWER_SILENT)
		return 0;
	if (outcome == ANSWER_SEND)
		return (int)len;
	switch (pending->qname_len % 4) {
	case 0:
		return NET_LATER;
	case 1:
		return 0;
	default:
		return (int)resolved(pending, large);
	}
}

static int on_message(void *ctx, struct net_message *m)
{
	struct answer_pending pending;
	size_t len = 0;
	while (world.next_asked < world.n && !world.expected[world.next_asked].asked)
		world.next_asked++;
	EXPECT(world.next_asked < world.n);
	struct expected *e = &world.expected[world.next_asked++];
	EXPECT(m->len == e->len && memcmp(m->msg, e->frame + e->payload, m->len) == 0);
	EXPECT(same_ip(&m->ticket.peer, &e->from) && m->ticket.peer.port == e->from.port);
	EXPECT(same_ip(&m->ticket.local, &e->to) && m->ticket.index == (e->to.family == 6));
	EXPECT(m->frame != NULL && m->frame_cap > 1500);
	struct answer_request request = {.msg = m->msg, .len = m->len, .peer = m->ticket.peer, .out = e->reply};
	/* as by a socket, then as here */
	enum answer_outcome outcome = answer_question(&world.view, &world.counters, &request, &pending, &len);
	int rc = outcome_of(outcome, &pending, len, e->reply);
	e->reply_len = rc > 0 ? (size_t)rc : 0;
	memset(m->frame, 0x5a, m->frame_cap);
	request.out = m->reply;
	request.small = m->frame;
	request.small_cap = m->frame_cap;
	EXPECT(answer_question(&world.view, &world.counters, &request, &pending, &len) == outcome);
	if (outcome == ANSWER_SEND)
		m->reply = request.out;
	else
		EXPECT(outcome_of(outcome, &pending, len, m->reply) == rc);
	size_t headers = e->payload - e->ip, mtu = world.xdp->places.vlan[e->ip == 18].mtu;
	e->by_socket = e->reply_len > 0 && (e->reply_len + headers > mtu || e->reply_len > m->frame_cap);
	EXPECT(rc <= 0 || memcmp(m->reply, e->reply, e->reply_len) == 0);
	return rc;
}

/* ---- replies ---- */

int __wrap_net_udp_reply(struct net_loop *loop, const struct net_ticket *ticket, const uint8_t *msg, size_t len);
int __wrap_net_udp_reply(struct net_loop *loop, const struct net_ticket *ticket, const uint8_t *msg, size_t len)
{
	EXPECT(loop == world.loop && world.next_asked > 0);
	const struct expected *e = &world.expected[world.next_asked - 1];
	EXPECT(e->by_socket && len == e->reply_len && memcmp(msg, e->reply, len) == 0);
	EXPECT(same_ip(&ticket->peer, &e->from) && ticket->peer.port == e->from.port &&
	       same_ip(&ticket->local, &e->to));
	world.next_by_socket++;
	return 0;
}

static void on_frame(void *ctx, const uint8_t *frame, size_t len)
{
	const struct expected *e;
	do {
		EXPECT(world.next_sent < world.n);
		e = &world.expected[world.next_sent++];
	} while (!e->asked || e->reply_len == 0 || e->by_socket);
	/* back by the way it came, tag and priority too */
	const uint8_t *ip = frame + e->ip, *udp = frame + e->payload - 8;
	EXPECT(len == e->payload + e->reply_len);
	EXPECT(memcmp(frame, e->frame + 6, 6) == 0 && memcmp(frame + 6, MAC, 6) == 0);
	EXPECT(memcmp(frame + 12, e->frame + 12, e->ip - 12) == 0);
	struct addr from, to;
	if (e->from.family == 4) {
		EXPECT(ip[0] == 0x45 && ip[8] > 0 && ip[9] == IPPROTO_UDP && (get16(ip + 6) & 0xbfff) == 0);
		EXPECT(get16(ip + 2) == len - e->ip && sum_of(ip, 20, 0) == 0xffff);
		from = address(4, ip + 12, get16(udp));
		to = address(4, ip + 16, get16(udp + 2));
	} else {
		EXPECT(ip[0] >> 4 == 6 && ip[7] > 0 && ip[6] == IPPROTO_UDP && get16(ip + 4) == len - e->ip - 40);
		EXPECT(get16(udp + 6) != 0);
		from = address(6, ip + 8, get16(udp));
		to = address(6, ip + 24, get16(udp + 2));
	}
	EXPECT(same_ip(&from, &e->to) && from.port == e->to.port && same_ip(&to, &e->from) && to.port == e->from.port);
	EXPECT(get16(udp + 4) == e->reply_len + 8);
	EXPECT(get16(udp + 6) == 0 || sum_of(udp, e->reply_len + 8, pseudo_of(ip, e->reply_len + 8)) == 0xffff);
	EXPECT(memcmp(udp + 8, e->reply, e->reply_len) == 0);
}

/* ---- one input ---- */

static void world_reset(uint8_t settings)
{
	static const uint16_t sizes[] = {512, 1232, 1400, 4096};
	world.view.udp_size = sizes[settings & 3];
	for (unsigned i = 0; i < 2; i++)
		world.xdp->places.vlan[i].mtu = settings & 4 ? 600 : 1500;
	world.n = world.next_asked = world.next_sent = world.next_by_socket = 0;
}

static void receive(uint8_t *frame, size_t len)
{
	struct expected *e = &world.expected[world.n];
	e->asked = e->by_socket = false;
	e->reply_len = 0;
	bool taken = is_taken(frame, len, e);
	EXPECT(kernel_receive(frame, len) == taken);
	if (!taken)
		return;
	e->asked = is_asked(e);
	world.n++;
}

static void serve(void)
{
	uint64_t replies = world.counters.value[COUNTER_XDP_REPLIES];
	unsigned by_frame = 0, by_socket = 0;
	net_xdp_readable(world.loop->xdp[0]);
	unsigned sent = kernel_send(on_frame, NULL);
	for (unsigned i = 0; i < world.n; i++) {
		const struct expected *e = &world.expected[i];
		by_socket += e->asked && e->by_socket;
		by_frame += e->asked && e->reply_len > 0 && !e->by_socket;
	}
	EXPECT(sent == by_frame && world.next_by_socket == by_socket);
	EXPECT(world.counters.value[COUNTER_XDP_REPLIES] - replies == by_frame);
	while (world.next_asked < world.n)
		EXPECT(!world.expected[world.next_asked++].asked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t frames[FRAMES_MAX][LENGTH_MAX];
	if (!world.made)
		world_make();
	if (len == 0)
		return 0;
	world_reset(data[0]);
	size_t pos = 1;
	for (unsigned i = 0; i < FRAMES_MAX && len - pos >= 3; i++) {
		size_t size = data[pos + 1] | (size_t)data[pos + 2] << 8, left = len - pos - 3;
		uint8_t what = data[pos];
		size = size < left ? size : left;
		size = size < LENGTH_MAX ? size : LENGTH_MAX;
		memcpy(frames[i], data + pos + 3, size);
		mend(frames[i], size, what);
		receive(frames[i], size);
		pos += 3 + size;
	}
	serve();
	return 0;
}
