// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What net/xdp and libknot ask of the kernel by libbpf and libxdp, answered by memory of this process: maps, a program, one socket with its
 * four rings. A program's own functions come before those of shared libraries, so libknot's calls arrive here too.
 *
 * Memory of a frame that came is closed around it (AddressSanitizer), and holds no zeros where it is not.
 */
#include "base/base.h"
#include "machine.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/xsk.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, len)   ((void)(at), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#endif

#define OBJECTS_MAX 1024 /* descriptors that are looked at */
#define MAPS_MAX    3
#define CHUNK       2048 /* as libknot cuts its memory */
#define HEADROOM    256  /* that the kernel leaves before a frame, and what the program asks for besides */
#define EXPECT(x)                                                                                                      \
	do {                                                                                                           \
		if (!(x)) {                                                                                            \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #x);                          \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

/* One of the four rings, of which the kernel has the other end. */
struct ring {
	uint32_t size, producer, consumer;
	uint64_t *addr;        /* fill, completion */
	struct xdp_desc *desc; /* receive, send */
};

static struct {
	struct machine_map map[MAPS_MAX];
	char name[MAPS_MAX][BPF_OBJ_NAME_LEN];
	unsigned n_maps;
	struct machine_map *at[OBJECTS_MAX]; /* of a descriptor */
	bool is_program[OBJECTS_MAX];
	struct bpf_insn *insn;
	size_t n_insn;
	uint8_t *memory;
	size_t memory_len, headroom;
	struct ring fill, done, receive, send;
	int socket[2]; /* what libknot sends to, to wake the kernel; and the end where it is seen */
} kernel;

static int descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	EXPECT(fd > 0 && fd < OBJECTS_MAX);
	kernel.at[fd] = NULL;
	kernel.is_program[fd] = false;
	return fd;
}

/* ---- maps and programs ---- */

int bpf_map_create(enum bpf_map_type type, const char *name, __u32 key_size, __u32 value_size, __u32 entries,
		   const struct bpf_map_create_opts *opts)
{
	EXPECT(kernel.n_maps < MAPS_MAX && opts == NULL);
	int fd = descriptor();
	kernel.map[kernel.n_maps] = (struct machine_map){.type = type,
							 .key_size = key_size,
							 .value_size = value_size,
							 .entries = entries,
							 .keys = calloc(entries, key_size),
							 .values = calloc(entries, value_size)};
	snprintf(kernel.name[kernel.n_maps], BPF_OBJ_NAME_LEN, "%s", name);
	kernel.at[fd] = &kernel.map[kernel.n_maps++];
	return fd;
}

int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
{
	struct machine_map *map = kernel.at[fd];
	EXPECT(map != NULL && flags == 0);
	uint8_t *at = machine_map_find(map, key);
	if (at == NULL) {
		EXPECT(map->type == BPF_MAP_TYPE_HASH && map->count < map->entries);
		memcpy(map->keys + (size_t)map->count * map->key_size, key, map->key_size);
		at = map->values + (size_t)map->count++ * map->value_size;
	}
	memcpy(at, value, map->value_size);
	return 0;
}

int bpf_map_delete_elem(int fd, const void *key)
{
	struct machine_map *map = kernel.at[fd];
	uint8_t *at = map == NULL ? NULL : machine_map_find(map, key);
	if (at == NULL)
		return -ENOENT;
	memset(at, 0, map->value_size);
	return 0;
}

int bpf_prog_load(enum bpf_prog_type type, const char *name, const char *license, const struct bpf_insn *insn, size_t n,
		  const struct bpf_prog_load_opts *opts)
{
	EXPECT(type == BPF_PROG_TYPE_XDP && name != NULL && license != NULL && opts == NULL && kernel.insn == NULL);
	int fd = descriptor();
	kernel.insn = malloc(n * sizeof(*insn));
	kernel.n_insn = n;
	EXPECT(kernel.insn != NULL);
	memcpy(kernel.insn, insn, n * sizeof(*insn));
	kernel.is_program[fd] = true;
	return fd;
}

int bpf_link_create(int program, int target, enum bpf_attach_type type, const struct bpf_link_create_opts *opts)
{
	EXPECT(kernel.is_program[program] && target > 0 && type == BPF_XDP && opts != NULL);
	return descriptor();
}

int bpf_xdp_query_id(int index, int flags, __u32 *ret)
{
	EXPECT(index > 0 && flags == 0);
	*ret = 1;
	return 0;
}

int bpf_xdp_query(int index, int flags, struct bpf_xdp_query_opts *opts)
{
	EXPECT(index > 0 && flags == 0 && opts != NULL);
	opts->prog_id = opts->drv_prog_id = 1;
	opts->attach_mode = XDP_ATTACHED_DRV;
	return 0;
}

int bpf_prog_get_fd_by_id(__u32 id)
{
	EXPECT(id == 1);
	int fd = descriptor();
	kernel.is_program[fd] = true;
	return fd;
}

int bpf_map_get_fd_by_id(__u32 id)
{
	EXPECT(id > 0 && id <= kernel.n_maps);
	int fd = descriptor();
	kernel.at[fd] = &kernel.map[id - 1];
	return fd;
}

int bpf_obj_get_info_by_fd(int fd, void *ret, __u32 *len)
{
	if (kernel.is_program[fd]) {
		struct bpf_prog_info *info = ret;
		EXPECT(*len >= sizeof(*info));
		for (uint32_t i = 0; info->map_ids != 0 && i < info->nr_map_ids; i++)
			((uint32_t *)(uintptr_t)info->map_ids)[i] = i + 1;
		info->nr_map_ids = kernel.n_maps;
		return 0;
	}
	struct bpf_map_info *info = ret;
	EXPECT(kernel.at[fd] != NULL && *len >= sizeof(*info));
	memset(info, 0, sizeof(*info));
	memcpy(info->name, kernel.name[kernel.at[fd] - kernel.map], sizeof(info->name));
	return 0;
}

/* ---- rings ---- */

static void ring_make(struct ring *ring, uint32_t size, bool of_frames)
{
	*ring = (struct ring){.size = size};
	if (of_frames)
		ring->desc = calloc(size, sizeof(*ring->desc));
	else
		ring->addr = calloc(size, sizeof(*ring->addr));
}

static void ring_free(struct ring *ring)
{
	free(ring->addr);
	free(ring->desc);
	*ring = (struct ring){0};
}

static void *ring_room(const struct ring *ring)
{
	return ring->desc != NULL ? (void *)ring->desc : (void *)ring->addr;
}

/* The ends that the program has. */
static struct xsk_ring_prod writer(struct ring *ring)
{
	return (struct xsk_ring_prod){.cached_cons = ring->size,
				      .mask = ring->size - 1,
				      .size = ring->size,
				      .producer = &ring->producer,
				      .consumer = &ring->consumer,
				      .ring = ring_room(ring)};
}

static struct xsk_ring_cons reader(struct ring *ring)
{
	return (struct xsk_ring_cons){.mask = ring->size - 1,
				      .size = ring->size,
				      .producer = &ring->producer,
				      .consumer = &ring->consumer,
				      .ring = ring_room(ring)};
}

int xsk_umem__create(struct xsk_umem **umem, void *area, __u64 size, struct xsk_ring_prod *fill,
		     struct xsk_ring_cons *done, const struct xsk_umem_config *config)
{
	EXPECT(config->frame_size == CHUNK && config->frame_headroom < HEADROOM);
	kernel.memory = area;
	kernel.memory_len = size;
	kernel.headroom = HEADROOM + config->frame_headroom;
	ring_make(&kernel.fill, config->fill_size, false);
	ring_make(&kernel.done, config->comp_size, false);
	*fill = writer(&kernel.fill);
	*done = reader(&kernel.done);
	*umem = (struct xsk_umem *)&kernel.memory;
	return 0;
}

int xsk_umem__delete(struct xsk_umem *umem)
{
	EXPECT(umem == (struct xsk_umem *)&kernel.memory);
	ASAN_UNPOISON_MEMORY_REGION(kernel.memory, kernel.memory_len);
	ring_free(&kernel.fill);
	ring_free(&kernel.done);
	return 0;
}

int xsk_socket__create(struct xsk_socket **xsk, const char *name, __u32 queue, struct xsk_umem *umem,
		       struct xsk_ring_cons *receive, struct xsk_ring_prod *send,
		       const struct xsk_socket_config *config)
{
	EXPECT(name != NULL && queue == 0 && umem == (struct xsk_umem *)&kernel.memory);
	EXPECT(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, kernel.socket) == 0);
	ring_make(&kernel.receive, config->rx_size, true);
	ring_make(&kernel.send, config->tx_size, true);
	*receive = reader(&kernel.receive);
	*send = writer(&kernel.send);
	*xsk = (struct xsk_socket *)&kernel.socket;
	return 0;
}

void xsk_socket__delete(struct xsk_socket *xsk)
{
	EXPECT(xsk == (struct xsk_socket *)&kernel.socket);
	close(kernel.socket[0]);
	close(kernel.socket[1]);
	ring_free(&kernel.receive);
	ring_free(&kernel.send);
}

int xsk_socket__fd(const struct xsk_socket *xsk)
{
	EXPECT(xsk == (const struct xsk_socket *)&kernel.socket);
	return kernel.socket[0];
}

/* ---- frames ---- */

static struct machine_map *map_of(int fd)
{
	return fd > 0 && fd < OBJECTS_MAX ? kernel.at[fd] : NULL;
}

bool kernel_receive(const uint8_t *frame, size_t len)
{
	struct machine machine = {.insn = kernel.insn, .n = kernel.n_insn, .frame = frame, .len = len, .map = map_of};
	uint32_t action = machine_run(&machine);
	EXPECT(action == XDP_PASS || action == XDP_REDIRECT);
	if (action == XDP_PASS)
		return false;
	EXPECT(kernel.fill.consumer != kernel.fill.producer && len <= CHUNK - kernel.headroom);
	EXPECT(kernel.receive.producer - kernel.receive.consumer < kernel.receive.size);
	uint64_t at = kernel.fill.addr[kernel.fill.consumer++ & (kernel.fill.size - 1)];
	EXPECT(at % CHUNK == 0 && at < kernel.memory_len);
	uint8_t *chunk = kernel.memory + at, *start = chunk + kernel.headroom;
	ASAN_UNPOISON_MEMORY_REGION(chunk, CHUNK);
	memset(chunk, 0xbb, CHUNK);
	memcpy(start, frame, len);
	ASAN_POISON_MEMORY_REGION(chunk, kernel.headroom);
	ASAN_POISON_MEMORY_REGION(start + len, CHUNK - kernel.headroom - len);
	kernel.receive.desc[kernel.receive.producer++ & (kernel.receive.size - 1)] =
		(struct xdp_desc){.addr = at + kernel.headroom, .len = (uint32_t)len};
	return true;
}

unsigned kernel_send(void (*fn)(void *ctx, const uint8_t *frame, size_t len), void *ctx)
{
	unsigned sent = 0, pushed = 0;
	uint8_t byte;
	while (recv(kernel.socket[1], &byte, 1, 0) >= 0)
		pushed++;
	EXPECT(pushed > 0 || kernel.send.producer == kernel.send.consumer);
	for (; kernel.send.consumer != kernel.send.producer; sent++) {
		struct xdp_desc desc = kernel.send.desc[kernel.send.consumer++ & (kernel.send.size - 1)];
		EXPECT(desc.addr < kernel.memory_len && desc.addr % CHUNK + desc.len <= CHUNK);
		fn(ctx, kernel.memory + desc.addr, desc.len);
		kernel.done.addr[kernel.done.producer++ & (kernel.done.size - 1)] = desc.addr;
	}
	return sent;
}
