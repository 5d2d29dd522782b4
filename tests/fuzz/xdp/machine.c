// SPDX-License-Identifier: GPL-3.0-or-later
/* Runs a filter as the kernel would, instruction by instruction, and looks at each access. */
#include "machine.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_SIZE  512
#define REGISTERS   11
#define CONTEXT     ((uint64_t)0xc0 << 48) /* an address that nothing has */
#define UNTOUCHED   0xee                   /* what the stack has where nothing was stored */
#define REDIRECTED  ((uint32_t)XDP_REDIRECT)
#define FRAME_REG   10
#define MAP_AT_MASK 0xffff

struct run {
	const struct machine *machine;
	uint64_t reg[REGISTERS];
	uint8_t stack[STACK_SIZE];
	const uint8_t *value; /* of a map, which was found last */
	size_t value_size;
};

static void fail(const char *why, size_t at)
{
	fprintf(stderr, "the filter's instruction %zu: %s\n", at, why);
	abort();
}

static bool within(uint64_t at, size_t size, const void *from, size_t len)
{
	uint64_t start = (uint64_t)(uintptr_t)from;
	return from != NULL && at >= start && size <= len && at - start <= len - size;
}

static size_t size_of(const struct bpf_insn *insn, size_t at)
{
	switch (BPF_SIZE(insn->code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		fail("a size that is not known", at);
		return 0;
	}
}

static uint64_t load(const struct run *run, uint64_t from, size_t size, size_t at)
{
	const struct machine *m = run->machine;
	if (from >= CONTEXT && from < CONTEXT + sizeof(struct xdp_md)) {
		switch (from - CONTEXT) {
		case offsetof(struct xdp_md, data):
			return (uint64_t)(uintptr_t)m->frame;
		case offsetof(struct xdp_md, data_end):
			return (uint64_t)(uintptr_t)(m->frame + m->len);
		case offsetof(struct xdp_md, rx_queue_index):
			return m->queue;
		default:
			fail("reads something else of the context", at);
		}
	}
	if (!within(from, size, m->frame, m->len) && !within(from, size, run->stack, STACK_SIZE) &&
	    !within(from, size, run->value, run->value_size))
		fail("reads what is not its own", at);
	uint64_t value = 0;
	memcpy(&value, (const void *)(uintptr_t)from, size); /* as the processor's order is */
	return value;
}

static void store(struct run *run, uint64_t to, size_t size, uint64_t value, size_t at)
{
	if (!within(to, size, run->stack, STACK_SIZE))
		fail("writes what is not its stack", at);
	memcpy((void *)(uintptr_t)to, &value, size);
}

static uint64_t calculated(unsigned what, uint64_t left, uint64_t right, size_t at)
{
	switch (what) {
	case BPF_MOV:
		return right;
	case BPF_ADD:
		return left + right;
	case BPF_SUB:
		return left - right;
	case BPF_AND:
		return left & right;
	case BPF_OR:
		return left | right;
	case BPF_RSH:
		return left >> (right & 63);
	default:
		fail("a calculation that is not known", at);
		return 0;
	}
}

static bool holds(unsigned what, uint64_t left, uint64_t right, size_t at)
{
	switch (what) {
	case BPF_JA:
		return true;
	case BPF_JEQ:
		return left == right;
	case BPF_JNE:
		return left != right;
	case BPF_JGT:
		return left > right;
	case BPF_JGE:
		return left >= right;
	case BPF_JLT:
		return left < right;
	case BPF_JLE:
		return left <= right;
	default:
		fail("a condition that is not known", at);
		return false;
	}
}

void *machine_map_find(const struct machine_map *map, const void *key)
{
	uint32_t at = 0;
	if (map->type != BPF_MAP_TYPE_HASH) {
		memcpy(&at, key, sizeof at);
		return at < map->entries ? map->values + (size_t)at * map->value_size : NULL;
	}
	for (at = 0; at < map->count; at++)
		if (memcmp(map->keys + (size_t)at * map->key_size, key, map->key_size) == 0)
			return map->values + (size_t)at * map->value_size;
	return NULL;
}

static uint64_t called(struct run *run, int32_t function, size_t at)
{
	const struct machine_map *map = run->machine->map((int)run->reg[1]);
	if (map == NULL)
		fail("calls with what is no map", at);
	if (function == BPF_FUNC_redirect_map) {
		uint32_t key = (uint32_t)run->reg[2];
		int fd = key < map->entries ? ((const int *)map->values)[key] : 0;
		return fd > 0 ? REDIRECTED : (uint32_t)run->reg[3];
	}
	if (function != BPF_FUNC_map_lookup_elem)
		fail("calls what is not known", at);
	uint64_t key = run->reg[2];
	if (!within(key, map->key_size, run->stack, STACK_SIZE))
		fail("a key that is not in its stack", at);
	run->value = machine_map_find(map, (const void *)(uintptr_t)key);
	run->value_size = map->value_size;
	return (uint64_t)(uintptr_t)run->value;
}

static void calculate(struct run *run, const struct bpf_insn *insn, size_t at)
{
	uint64_t *to = &run->reg[insn->dst_reg];
	uint64_t right = BPF_SRC(insn->code) == BPF_X ? run->reg[insn->src_reg] : (uint64_t)(int64_t)insn->imm;
	if (BPF_CLASS(insn->code) == BPF_ALU64)
		*to = calculated(BPF_OP(insn->code), *to, right, at);
	else if (insn->code == (BPF_ALU | BPF_END | BPF_TO_BE) && insn->imm == 16)
		*to = __builtin_bswap16((uint16_t)*to);
	else
		fail("a calculation that is not known", at);
}

/* The instruction at `at`; returns where the next one is, or n when the program is over. */
static size_t step(struct run *run, size_t at)
{
	const struct bpf_insn *insn = &run->machine->insn[at];
	uint64_t *to = &run->reg[insn->dst_reg];
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU64:
	case BPF_ALU:
		calculate(run, insn, at);
		return at + 1;
	case BPF_LDX:
		*to = load(run, run->reg[insn->src_reg] + (uint64_t)(int64_t)insn->off, size_of(insn, at), at);
		return at + 1;
	case BPF_STX:
		store(run, *to + (uint64_t)(int64_t)insn->off, size_of(insn, at), run->reg[insn->src_reg], at);
		return at + 1;
	case BPF_LD: /* of two instructions: a map */
		*to = (uint32_t)insn->imm;
		return at + 2;
	case BPF_JMP:
		break;
	default:
		fail("an instruction that is not known", at);
	}
	if (BPF_OP(insn->code) == BPF_EXIT)
		return run->machine->n;
	if (BPF_OP(insn->code) == BPF_CALL) {
		run->reg[0] = called(run, insn->imm, at);
		for (unsigned i = 1; i <= 5; i++) /* they do not survive a call */
			run->reg[i] = CONTEXT - 1;
		return at + 1;
	}
	uint64_t right = BPF_SRC(insn->code) == BPF_X ? run->reg[insn->src_reg] : (uint64_t)(int64_t)insn->imm;
	if (insn->off < 0)
		fail("jumps back", at);
	return at + 1 + (holds(BPF_OP(insn->code), *to, right, at) ? (size_t)insn->off : 0);
}

uint32_t machine_run(const struct machine *machine)
{
	struct run run = {.machine = machine};
	memset(run.stack, UNTOUCHED, sizeof run.stack);
	run.reg[1] = CONTEXT;
	run.reg[FRAME_REG] = (uint64_t)(uintptr_t)(run.stack + STACK_SIZE);
	for (size_t at = 0; at < machine->n;)
		at = step(&run, at);
	return (uint32_t)run.reg[0];
}
