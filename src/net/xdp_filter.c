// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The filter of AF_XDP: a program for the kernel's own machine (eBPF) that takes a frame when it is a question to an address of ours, in one
 * plain datagram, and passes all others to the network stack untouched.
 *
 * libknot's own filter would take whatever goes to the port, to other machines too, and drops fragments of every UDP service. This one
 * has the two maps that libknot's sockets look for (opts_map, xsks_map), so they work with it. It checks all that libknot's reader relies
 * on and does not check: that there are no IP options, and that the lengths of IP and UDP agree with each other and with the frame.
 *
 * It is written in instructions and not in C, since a compiler for it (LLVM) is larger than all else that the build needs.
 */
#include "xdp.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define INSTRUCTIONS_MAX 256
#define JUMPS_MAX        64
#define TAG              4 /* bytes that a VLAN adds */

/* Registers. A, B and C do not survive a call; the result of a call is in RESULT. */
enum { RESULT = BPF_REG_0, A = BPF_REG_1, B, C, FRAME = BPF_REG_6, END, IP, CONTEXT, STACK };
/* Where in the stack. */
enum { AT_QUEUE = -4, AT_KEY = -4 - (int)sizeof(struct xdp_key) };
/* Offsets of Ethernet, IPv4, IPv6 and UDP (from the start of IP). */
enum { ETH_SOURCE = 6, ETH_TYPE = 12, ETH_SIZE = 14 };
enum { IP4_LENGTH = 2, IP4_FRAGMENT = 6, IP4_PROTOCOL = 9, IP4_SOURCE = 12, IP4_DESTINATION = 16, IP4_SIZE = 20 };
enum { IP6_LENGTH = 4, IP6_NEXT = 6, IP6_SOURCE = 8, IP6_DESTINATION = 24, IP6_SIZE = 40 };
enum { UDP_SOURCE = 0, UDP_DESTINATION = 2, UDP_LENGTH = 4, UDP_CHECKSUM = 6, UDP_SIZE = 8 };
#define DNS_SIZE 12 /* what is shorter is no message; the kernel's sockets count it */

enum label { PASS, UNTAGGED, OVER_IP6, LOOK_UP, LABELS };

struct assembly {
	unsigned n, n_jumps;
	struct bpf_insn insn[INSTRUCTIONS_MAX];
	struct {
		unsigned at;
		enum label to;
	} jump[JUMPS_MAX];
	unsigned place[LABELS];
	bool full;
};

static void put(struct assembly *a, unsigned code, unsigned to, unsigned from, int offset, int value)
{
	if (a->n == INSTRUCTIONS_MAX) {
		a->full = true;
		return;
	}
	a->insn[a->n++] = (struct bpf_insn){
		.code = (uint8_t)code, .dst_reg = to & 15, .src_reg = from & 15, .off = (int16_t)offset, .imm = value};
}

static void set(struct assembly *a, unsigned to, int value)
{
	put(a, BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value);
}
static void copy(struct assembly *a, unsigned to, unsigned from)
{
	put(a, BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}
static void calculate(struct assembly *a, unsigned what, unsigned to, int value)
{
	put(a, BPF_ALU64 | what | BPF_K, to, 0, 0, value);
}
static void add(struct assembly *a, unsigned to, unsigned from)
{
	put(a, BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0);
}
/* `size` is BPF_B, BPF_H or BPF_W: 1, 2 or 4 bytes, as they stand in the frame. */
static void load(struct assembly *a, unsigned size, unsigned to, unsigned from, int offset)
{
	put(a, BPF_LDX | BPF_MEM | size, to, from, offset, 0);
}
static void store(struct assembly *a, unsigned size, int offset, unsigned from)
{
	put(a, BPF_STX | BPF_MEM | size, STACK, from, offset, 0);
}
/* Between network order and ours. */
static void swap(struct assembly *a, unsigned what, int bits)
{
	put(a, BPF_ALU | BPF_END | BPF_TO_BE, what, 0, 0, bits);
}
static void load_map(struct assembly *a, unsigned to, int map)
{
	put(a, BPF_LD | BPF_DW, to, BPF_PSEUDO_MAP_FD, 0, map);
	put(a, 0, 0, 0, 0, 0);
}
static void call(struct assembly *a, int function)
{
	put(a, BPF_JMP | BPF_CALL, 0, 0, 0, function);
}
static void jump(struct assembly *a, unsigned code, unsigned left, unsigned right, int value, enum label to)
{
	if (a->n_jumps == JUMPS_MAX) {
		a->full = true;
		return;
	}
	a->jump[a->n_jumps].at = a->n;
	a->jump[a->n_jumps++].to = to;
	put(a, BPF_JMP | code, left, right, 0, value);
}
static void jump_if(struct assembly *a, unsigned condition, unsigned left, int value, enum label to)
{
	jump(a, condition | BPF_K, left, 0, value, to);
}
static void jump_if_both(struct assembly *a, unsigned condition, unsigned left, unsigned right, enum label to)
{
	jump(a, condition | BPF_X, left, right, 0, to);
}
static void place(struct assembly *a, enum label label)
{
	a->place[label] = a->n;
}
static void pass_unless(struct assembly *a, unsigned size, unsigned base, int offset, int value)
{
	load(a, size, A, base, offset);
	jump_if(a, BPF_JNE, A, value, PASS);
}

/* ---- the program ---- */

/* Is there a socket at this frame's queue? */
static void put_queue(struct assembly *a, const struct xdp_filter *filter)
{
	copy(a, CONTEXT, A);
	load(a, BPF_W, FRAME, CONTEXT, offsetof(struct xdp_md, data));
	load(a, BPF_W, END, CONTEXT, offsetof(struct xdp_md, data_end));
	load(a, BPF_W, A, CONTEXT, offsetof(struct xdp_md, rx_queue_index));
	store(a, BPF_W, AT_QUEUE, A);
	load_map(a, A, filter->options);
	copy(a, B, STACK);
	calculate(a, BPF_ADD, B, AT_QUEUE);
	call(a, BPF_FUNC_map_lookup_elem);
	jump_if(a, BPF_JEQ, RESULT, 0, PASS);
	load(a, BPF_H, A, RESULT, offsetof(knot_xdp_opts_t, flags));
	calculate(a, BPF_AND, A, KNOT_XDP_FILTER_ON);
	jump_if(a, BPF_JEQ, A, 0, PASS);
	/* not used here: libknot looks at no more than the first two maps that a program names */
	load_map(a, A, filter->sockets);
}

static void put_ethernet(struct assembly *a)
{
	copy(a, A, FRAME);
	calculate(a, BPF_ADD, A, XDP_FRAME_MIN);
	jump_if_both(a, BPF_JGT, A, END, PASS);
	copy(a, A, FRAME);
	calculate(a, BPF_ADD, A, XDP_FRAME_MAX + 1);
	jump_if_both(a, BPF_JLE, A, END, PASS);
	load(a, BPF_B, A, FRAME, ETH_SOURCE); /* to which a reply would go: not to a group */
	calculate(a, BPF_AND, A, 1);
	jump_if(a, BPF_JNE, A, 0, PASS);
	copy(a, IP, FRAME);
	calculate(a, BPF_ADD, IP, ETH_SIZE);
	set(a, C, 0);
	load(a, BPF_H, B, FRAME, ETH_TYPE);
	jump_if(a, BPF_JNE, B, htons(ETH_P_8021Q), UNTAGGED);
	load(a, BPF_H, C, FRAME, ETH_TYPE + 2);
	swap(a, C, 16);
	calculate(a, BPF_AND, C, 0xfff);
	jump_if(a, BPF_JEQ, C, 0, PASS); /* a priority without a VLAN */
	load(a, BPF_H, B, FRAME, ETH_TYPE + TAG);
	calculate(a, BPF_ADD, IP, TAG);
	place(a, UNTAGGED);
	store(a, BPF_H, AT_KEY + (int)offsetof(struct xdp_key, vlan), C);
	jump_if(a, BPF_JEQ, B, htons(ETH_P_IPV6), OVER_IP6);
	jump_if(a, BPF_JNE, B, htons(ETH_P_IP), PASS);
}

/* One datagram with a question in it: B has the length of IP's payload, which must be that of UDP and within the frame. */
static void put_udp(struct assembly *a, int ip_size)
{
	pass_unless(a, BPF_B, IP, ip_size == IP4_SIZE ? IP4_PROTOCOL : IP6_NEXT, IPPROTO_UDP);
	load(a, BPF_H, A, IP, ip_size + UDP_LENGTH);
	swap(a, A, 16);
	jump_if_both(a, BPF_JNE, A, B, PASS);
	jump_if(a, BPF_JLT, A, UDP_SIZE + DNS_SIZE, PASS);
	copy(a, B, IP);
	calculate(a, BPF_ADD, B, ip_size);
	add(a, B, A);
	jump_if_both(a, BPF_JGT, B, END, PASS);
	load(a, BPF_H, A, IP, ip_size + UDP_SOURCE);
	jump_if(a, BPF_JEQ, A, 0, PASS); /* nowhere to reply to */
	load(a, BPF_H, A, IP, ip_size + UDP_DESTINATION);
	store(a, BPF_H, AT_KEY + (int)offsetof(struct xdp_key, port), A);
	set(a, A, ip_size == IP4_SIZE ? 4 : 6);
	store(a, BPF_W, AT_KEY + (int)offsetof(struct xdp_key, family), A);
}

/* The ones' complement sum of a header without options is all ones (RFC 1071). */
static void put_ip4_checksum(struct assembly *a)
{
	set(a, B, 0);
	for (int i = 0; i < IP4_SIZE; i += 4) {
		load(a, BPF_W, A, IP, i);
		add(a, B, A);
	}
	for (int i = 0; i < 3; i++) { /* 35 bits become at most 20, 17, 16 */
		copy(a, A, B);
		calculate(a, BPF_RSH, A, 16);
		calculate(a, BPF_AND, B, 0xffff);
		if (i == 0) { /* the sum of five numbers of 32 bits: its upper part has more than 16 */
			copy(a, C, A);
			calculate(a, BPF_RSH, C, 16);
			calculate(a, BPF_AND, A, 0xffff);
			add(a, B, C);
		}
		add(a, B, A);
	}
	jump_if(a, BPF_JNE, B, 0xffff, PASS);
}

static void put_ip4(struct assembly *a)
{
	pass_unless(a, BPF_B, IP, 0, 0x45); /* version 4, no options */
	load(a, BPF_H, A, IP, IP4_FRAGMENT);
	calculate(a, BPF_AND, A, htons(0xbfff)); /* all but "don't fragment" */
	jump_if(a, BPF_JNE, A, 0, PASS);
	put_ip4_checksum(a);
	/* sources that nobody has: 0/8, 127/8, groups and above */
	load(a, BPF_B, A, IP, IP4_SOURCE);
	jump_if(a, BPF_JEQ, A, 0, PASS);
	jump_if(a, BPF_JEQ, A, 127, PASS);
	jump_if(a, BPF_JGE, A, 224, PASS);
	load(a, BPF_H, B, IP, IP4_LENGTH);
	swap(a, B, 16);
	calculate(a, BPF_SUB, B, IP4_SIZE);
	put_udp(a, IP4_SIZE);
	load(a, BPF_W, A, IP, IP4_DESTINATION);
	store(a, BPF_W, AT_KEY, A);
	set(a, A, 0);
	for (int i = 4; i < 16; i += 4)
		store(a, BPF_W, AT_KEY + i, A);
	jump(a, BPF_JA, 0, 0, 0, LOOK_UP);
}

static void put_ip6(struct assembly *a)
{
	place(a, OVER_IP6);
	copy(a, A, IP);
	calculate(a, BPF_ADD, A, IP6_SIZE + UDP_SIZE);
	jump_if_both(a, BPF_JGT, A, END, PASS);
	load(a, BPF_B, A, IP, 0);
	calculate(a, BPF_AND, A, 0xf0);
	jump_if(a, BPF_JNE, A, 0x60, PASS);
	/* sources that nobody has: groups, and ::/64 with ::, ::1 and what stands for IPv4 */
	load(a, BPF_B, A, IP, IP6_SOURCE);
	jump_if(a, BPF_JEQ, A, 0xff, PASS);
	load(a, BPF_W, A, IP, IP6_SOURCE);
	load(a, BPF_W, B, IP, IP6_SOURCE + 4);
	put(a, BPF_ALU64 | BPF_OR | BPF_X, A, B, 0, 0);
	jump_if(a, BPF_JEQ, A, 0, PASS);
	load(a, BPF_H, A, IP, IP6_SIZE + UDP_CHECKSUM); /* must be there: RFC 8200 section 8.1 */
	jump_if(a, BPF_JEQ, A, 0, PASS);
	load(a, BPF_H, B, IP, IP6_LENGTH);
	swap(a, B, 16);
	put_udp(a, IP6_SIZE);
	for (int i = 0; i < 16; i += 4) {
		load(a, BPF_W, A, IP, IP6_DESTINATION + i);
		store(a, BPF_W, AT_KEY + i, A);
	}
}

/* To an address and a port of ours, and to our card. */
static void put_look_up(struct assembly *a, const struct xdp_filter *filter)
{
	place(a, LOOK_UP);
	load_map(a, A, filter->places);
	copy(a, B, STACK);
	calculate(a, BPF_ADD, B, AT_KEY);
	call(a, BPF_FUNC_map_lookup_elem);
	jump_if(a, BPF_JEQ, RESULT, 0, PASS);
	for (int i = 0; i < 6; i += 2) {
		load(a, BPF_H, A, RESULT, (int)offsetof(struct xdp_value, mac) + i);
		load(a, BPF_H, B, FRAME, i);
		jump_if_both(a, BPF_JNE, A, B, PASS);
	}
	load_map(a, A, filter->sockets);
	load(a, BPF_W, B, CONTEXT, offsetof(struct xdp_md, rx_queue_index));
	set(a, C, XDP_PASS); /* when its socket has just gone */
	call(a, BPF_FUNC_redirect_map);
	put(a, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	place(a, PASS);
	set(a, RESULT, XDP_PASS);
	put(a, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void assemble(struct assembly *a, const struct xdp_filter *filter)
{
	put_queue(a, filter);
	put_ethernet(a);
	put_ip4(a);
	put_ip6(a);
	put_look_up(a, filter);
	for (unsigned i = 0; i < a->n_jumps; i++)
		a->insn[a->jump[i].at].off = (int16_t)((int)a->place[a->jump[i].to] - (int)a->jump[i].at - 1);
}

/* ---- into the kernel ---- */

static int refused(char why[NET_XDP_WHY_MAX], const char *what)
{
	int err = errno;
	snprintf(why, NET_XDP_WHY_MAX, "the kernel refuses %s: %s%s", what, strerror(err),
		 err == EPERM ? " (CAP_BPF, CAP_NET_ADMIN, CAP_NET_RAW and CAP_SYS_ADMIN are needed)" : "");
	return error_from_errno(err);
}

int xdp_filter_load(struct xdp_filter *ret, char why[NET_XDP_WHY_MAX])
{
	struct xdp_filter filter = {.program = -1, .options = -1, .sockets = -1, .places = -1};
	filter.options = bpf_map_create(BPF_MAP_TYPE_ARRAY, "opts_map", sizeof(uint32_t), sizeof(knot_xdp_opts_t),
					XDP_QUEUES_MAX, NULL);
	if (filter.options >= 0)
		filter.sockets = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "xsks_map", sizeof(uint32_t), sizeof(int),
						XDP_QUEUES_MAX, NULL);
	if (filter.sockets >= 0)
		filter.places = bpf_map_create(BPF_MAP_TYPE_HASH, "banyan_places", sizeof(struct xdp_key),
					       sizeof(struct xdp_value), XDP_PLACES_MAX, NULL);
	if (filter.places < 0) {
		int rc = refused(why, "maps for a filter");
		xdp_filter_done(&filter);
		return rc;
	}
	struct assembly a = {0};
	assemble(&a, &filter);
	if (!a.full)
		filter.program = bpf_prog_load(BPF_PROG_TYPE_XDP, "banyan_dns", "GPL", a.insn, a.n, NULL);
	else
		errno = E2BIG;
	if (filter.program < 0) {
		int rc = refused(why, "the filter");
		xdp_filter_done(&filter);
		return rc;
	}
	*ret = filter;
	return 0;
}

int xdp_filter_add(const struct xdp_filter *filter, const struct xdp_key *key, const struct xdp_value *value)
{
	return bpf_map_update_elem(filter->places, key, value, BPF_ANY) == 0 ? 0 : error_from_errno(errno);
}

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void xdp_filter_done(struct xdp_filter *filter)
{
	shut(&filter->program);
	shut(&filter->options);
	shut(&filter->sockets);
	shut(&filter->places);
}
