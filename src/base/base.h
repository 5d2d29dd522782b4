// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * base - what every station stands on.
 *
 * Errors, reason codes, memory by lifetime (arena, buffer), time, randomness, addresses, files,
 * the log and the counters. Everything here is used by all stations and uses none of them.
 * Time, randomness and files enter the program only through this header (and sockets through net/).
 * The objects of this station carry no station prefix, since they stand in every line.
 *
 * Example:
 *
 *	_cleanup_(arena_done) struct arena arena = { 0 };
 *	struct addr a;
 *	if (addr_parse("127.0.0.1@5300", 53, &a) < 0) ...
 *	char *copy = arena_dup(&arena, "text", 5);
 */
#pragma once

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _must_use_     __attribute__((warn_unused_result))
#define ARRAY_SIZE(a)  (sizeof(a) / sizeof((a)[0]))

/* ---- errors ----------------------------------------------------------------------------------
 * Every function that can fail returns 0 (or a count) on success and one of these on failure.
 * errno values are mapped by error_from_errno(); libknot's by wire_error_from_knot(). */
enum banyan_error {
	BANYAN_OK = 0,
	BANYAN_ENOMEM = -1,    /* no memory, or a budget is used up */
	BANYAN_EINVAL = -2,    /* the caller's argument makes no sense */
	BANYAN_EMALF = -3,     /* bytes from outside are malformed */
	BANYAN_ELIMIT = -4,    /* a named limit was reached */
	BANYAN_ENOENT = -5,    /* not there */
	BANYAN_EEXIST = -6,    /* there already */
	BANYAN_ESPACE = -7,    /* the output does not fit */
	BANYAN_EIO = -8,       /* reading or writing failed; errno tells more */
	BANYAN_EACCES = -9,    /* not allowed */
	BANYAN_EAGAIN = -10,   /* not now */
	BANYAN_ETIMEOUT = -11, /* time ran out */
	BANYAN_EUNSUPP = -12,  /* not supported: unknown algorithm, type, scheme */
	BANYAN_EPROOF = -13,   /* a proof failed */
	BANYAN_ECONFIG = -14,  /* the configuration is wrong */
	BANYAN_EOTHER = -15,   /* none of the above */
};

const char *error_text(int error);
int error_from_errno(int err);

/* ---- reasons ---------------------------------------------------------------------------------
 * Why something was refused, as a stable code that logs, metrics, EDE texts, `banyan verify` and
 * `banyan trace` share. One line each in reasons.def: identifier, code, EDE (RFC 8914; -1 = none), words. */
enum reason {
#define REASON(id, code, ede, words) REASON_##id,
#include "reasons.def"
#undef REASON
	REASON_COUNT
};

const char *reason_code(enum reason reason);  /* "zonemd-mismatch" */
const char *reason_words(enum reason reason); /* one sentence, no full stop */
int reason_ede(enum reason reason);           /* RFC 8914 INFO-CODE or -1 */

/* ---- memory ----------------------------------------------------------------------------------
 * An arena lives as long as one thing (a question, a zone version) and is freed whole. */
#define ARENA_CHUNK_SIZE 65536

struct arena_chunk;
struct arena {
	struct arena_chunk *chunk; /* newest first */
	size_t used;               /* bytes used in the newest chunk */
	size_t total;              /* bytes in all chunks */
	size_t limit;              /* bytes; 0 = none */
	bool large;                /* for very much: chunks grow with it and come from the system (see below) */
};

void *arena_alloc(struct arena *arena, size_t size) _must_use_; /* 16-byte aligned, not zeroed, NULL when out */
void *arena_alloc0(struct arena *arena, size_t size) _must_use_;
void *arena_dup(struct arena *arena, const void *data, size_t size) _must_use_;
char *arena_printf(struct arena *arena, const char *format, ...) _printf_(2, 3);
void arena_reset(struct arena *arena); /* keeps the newest chunk for the next use */
void arena_done(struct arena *arena);

/* A growing byte string. `data` is NUL-terminated after buffer_printf(). */
struct buffer {
	uint8_t *data;
	size_t len, cap;
};

int buffer_reserve(struct buffer *buffer, size_t more) _must_use_;
int buffer_append(struct buffer *buffer, const void *data, size_t len) _must_use_;
int buffer_printf(struct buffer *buffer, const char *format, ...) _printf_(2, 3);
void buffer_done(struct buffer *buffer);

/* Zeroed memory straight from the system that grows without moving, up to what was reserved (address space, no memory); beyond that it
 * moves. Freed whole. */
struct region {
	uint8_t *data;
	size_t usable, reserved;
	/* Huge pages, where there is much: for what is read at random for long. What is soon freed is better without: where a hypervisor takes free
	 * memory back, a huge page costs more than all of its parts that are needed. */
	bool huge;
};

int region_reserve(struct region *region, size_t most) _must_use_;
int region_grow(struct region *region, size_t need) _must_use_; /* makes `need` bytes usable; `data` may change */
void region_trim(struct region *region, size_t len);            /* gives back what is behind `len` */
void region_done(struct region *region);

void base_free(void *pointer_to_pointer); /* for _cleanup_(base_free): frees *(void **)p */

/* ---- time ------------------------------------------------------------------------------------ */
int64_t clock_mono_ns(void);
int64_t clock_mono_ms(void);
int64_t clock_wall_s(void);  /* UNIX seconds */
int64_t clock_wall_ms(void); /* UNIX milliseconds */

/* UNIX seconds or ISO 8601 ("2026-08-01T01:00:00Z", "2026-08-01") or YYYYMMDDHHmmSS; UTC. */
int clock_parse(const char *text, int64_t *ret_unix_s) _must_use_;
/* "2026-08-01T01:00:00Z"; `out` holds at least 32 bytes. Returns out. */
char *clock_format(int64_t unix_s, char *out);

/* A length of time in words: "3 d 4 h", "5 min 2 s". Returns out. */
char *clock_span(int64_t seconds, char out[32]);

/* ---- randomness ------------------------------------------------------------------------------
 * Seeded (tests, simulator, lab: reproducible) or from the kernel (daemon: unpredictable). */
struct random {
	bool seeded;
	uint64_t state[4];
	size_t left;
	uint8_t pool[512];
};

void random_init_kernel(struct random *random);
void random_init_seed(struct random *random, uint64_t seed);
uint64_t random_u64(struct random *random);
uint16_t random_u16(struct random *random);
uint32_t random_below(struct random *random, uint32_t bound); /* uniform in [0, bound); bound > 0 */
void random_bytes(struct random *random, void *out, size_t len);

/* ---- hashing --------------------------------------------------------------------------------- */
/* SipHash-2-4: for tables whose keys come from outside; `key` is 16 secret bytes. */
uint64_t hash_sip(const void *data, size_t len, const uint8_t key[16]);
/* SipHash-1-3: the same with fewer rounds, for tables that live in memory and whose key nobody outside can learn. */
uint64_t hash_quick(const void *data, size_t len, const uint8_t key[16]);

/* ---- addresses ------------------------------------------------------------------------------- */
struct addr {
	uint8_t family; /* 4, 6 or 0 = none */
	uint16_t port;  /* host order */
	uint8_t ip[16]; /* network order, 4 or 16 bytes used, the rest 0 */
};

/* A network: the first `bits` bits of ip. */
struct addr_prefix {
	struct addr addr;
	uint8_t bits;
};

#define ADDR_TEXT_MAX 64
int addr_parse(const char *text, uint16_t default_port, struct addr *ret) _must_use_; /* "IP" or "IP@PORT" */
char *addr_format(const struct addr *addr, bool with_port, char out[ADDR_TEXT_MAX]);  /* returns out */
bool addr_equal(const struct addr *a, const struct addr *b);                          /* family, ip, port */
int addr_prefix_parse(const char *text, struct addr_prefix *ret) _must_use_;          /* "IP/BITS" or "IP" */
bool addr_is_loopback(const struct addr *addr);                                       /* 127.0.0.0/8, ::1 */
/* From how far away an address can be reached, the nearest first (RFC 6890 and its registries). One of IPv6 that stands for one of IPv4 is as
 * that one. */
enum addr_reach { ADDR_OF_MACHINE, ADDR_OF_LINK, ADDR_OF_SITE, ADDR_OF_WORLD };
enum addr_reach addr_reach(const struct addr *addr);
const char *addr_reach_text(enum addr_reach reach);                                /* "this machine" */
bool addr_prefix_match(const struct addr_prefix *prefix, const struct addr *addr); /* port ignored */

/* ---- files ----------------------------------------------------------------------------------- */
/* Reads a whole file of at most `max` bytes ("-" = standard input); ret is malloced, with a NUL behind it. */
int file_read(const char *path, size_t max, uint8_t **ret_data, size_t *ret_len) _must_use_;
/* Writes path.tmp, fsync, rename: either the old or the new content is there after a crash. */
int file_write_atomic(const char *path, const void *data, size_t len) _must_use_;
int file_write_flush(int fd, const uint8_t *data, size_t len) _must_use_; /* all of it; durable, once its name is */
const char *file_advice(int err);                   /* what to do about this errno, to stand behind its words; or "" */
int file_parent_flush(const char *path) _must_use_; /* so that its name is durable (fsync(2)) */

/* A regular file, open for reading: a descriptor. BANYAN_EINVAL: it is something else. */
int file_open(const char *path) _must_use_;

/* A regular file of at most `max` bytes as memory that is read only. Before bytes of it are looked at they must be asked for: else a
 * file that has become shorter, or a disk that fails, would end the process. BANYAN_EINVAL, BANYAN_ELIMIT. */
struct file_map {
	int fd;
	const uint8_t *data;
	size_t len;
};
int file_map(const char *path, uint64_t max, struct file_map *ret) _must_use_;
int file_map_want(const struct file_map *map, size_t pos, size_t len) _must_use_; /* BANYAN_EIO */
/* What is before `pos` is not needed in memory any more. */
void file_map_drop(const struct file_map *map, size_t pos);
void file_map_done(struct file_map *map);

/* Written piece by piece: path.tmp is there from begin to end, and takes the place of the file when all is good. */
struct file_replace {
	int fd;
	char *path;
};
int file_replace_begin(const char *path, unsigned mode, struct file_replace *ret) _must_use_;
int file_replace_write(struct file_replace *file, const void *data, size_t len) _must_use_;
/* good = false: all stays as it was. *ret_replaced (or NULL) tells, on failure too, whether the new content is seen already: then only the
 * last fsync has failed. */
int file_replace_end(struct file_replace *file, bool good, bool *ret_replaced) _must_use_;

/* A folder and files in it. folder_open(): a descriptor; `make`: if it is not there, it is made, durably. */
int folder_open(const char *path, bool make, unsigned mode) _must_use_;
int folder_flush(int folder) _must_use_; /* what was renamed, made or deleted in it is durable */
int folder_read(int folder, const char *name, size_t max, uint8_t **ret_data, size_t *ret_len)
	_must_use_; /* NUL behind */
/* Writes name.tmp, fsync, rename, fsync of the folder. *ret_replaced tells, on failure too, whether the new content is seen already:
 * then only the last fsync has failed. */
int folder_replace(int folder, const char *name, const void *data, size_t len, unsigned mode, bool *ret_replaced)
	_must_use_;

/* ---- secrets --------------------------------------------------------------------------------- */
/* For a program that reads private keys, before it does: no core file has its memory, no other process of the same user looks into it, and
 * nobody else may change what it writes. Programs that it starts have their memory to themselves again. */
void process_guard(void);

/* ---- threads --------------------------------------------------------------------------------- */
/* Calls fn(ctx, i) for every i in [0, n), in chunks handed to `threads` threads (0 = one a CPU, the
 * caller's thread included). Returns the first negative result, or 0. */
int parallel_for(unsigned threads, size_t n, size_t chunk, int (*fn)(void *ctx, size_t i), void *ctx);
unsigned cpu_count(void); /* CPUs this process may run on */

/* ---- log -------------------------------------------------------------------------------------
 * To standard error, one line a message: "level station: text" (with <N> prefixes under systemd).
 * Stations base to resolve return errors and do not log. */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
void log_write(enum log_level level, const char *station, const char *format, ...) _printf_(3, 4);
#define log_error(station, ...)   log_write(LOG_LEVEL_ERROR, station, __VA_ARGS__)
#define log_warning(station, ...) log_write(LOG_LEVEL_WARNING, station, __VA_ARGS__)
#define log_notice(station, ...)  log_write(LOG_LEVEL_NOTICE, station, __VA_ARGS__)
#define log_info(station, ...)    log_write(LOG_LEVEL_INFO, station, __VA_ARGS__)
#define log_debug(station, ...)   log_write(LOG_LEVEL_DEBUG, station, __VA_ARGS__)

/* ---- counters --------------------------------------------------------------------------------
 * Plain arrays, one a worker; operate/ adds them up. Names and help stand in counters.def. */
enum counter {
#define COUNTER(id, name, help) COUNTER_##id,
#include "counters.def"
#undef COUNTER
	COUNTER_COUNT
};

struct counters {
	_Atomic uint64_t value[COUNTER_COUNT];
};

const char *counter_name(enum counter counter); /* "udp_questions" */
const char *counter_help(enum counter counter);
static inline void counter_add(struct counters *counters, enum counter counter, uint64_t n)
{
	/* one writer each: a relaxed load and store is enough and costs no locked instruction */
	uint64_t v = atomic_load_explicit(&counters->value[counter], memory_order_relaxed);
	atomic_store_explicit(&counters->value[counter], v + n, memory_order_relaxed);
}
static inline uint64_t counter_read(struct counters *counters, enum counter counter)
{
	return atomic_load_explicit(&counters->value[counter], memory_order_relaxed);
}
