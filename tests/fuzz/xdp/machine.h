// SPDX-License-Identifier: GPL-3.0-or-later
/* In place of the kernel where AF_XDP is concerned: a machine that runs filters, and the rings of one socket. */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- the machine: the few instructions that the filter has; anything else, and any access that a kernel would refuse, ends the program ---- */

struct machine_map {
	uint32_t type, key_size, value_size, entries;
	uint32_t count;         /* of a hash */
	uint8_t *keys, *values; /* of an array: no keys */
};
void *machine_map_find(const struct machine_map *map, const void *key);

struct machine {
	const struct bpf_insn *insn;
	size_t n;
	uint32_t queue;
	const uint8_t *frame;
	size_t len;
	struct machine_map *(*map)(int fd); /* by the descriptor that the program names */
};
/* What the program returns: an XDP action. */
uint32_t machine_run(const struct machine *machine);

/* ---- the kernel: after net_xdp_open() ---- */

/* A frame comes: the filter decides. True: it is in the socket's queue now. */
bool kernel_receive(const uint8_t *frame, size_t len);
/* Gives away the frames that were handed over and pushed, in their order; returns how many. */
unsigned kernel_send(void (*fn)(void *ctx, const uint8_t *frame, size_t len), void *ctx);
