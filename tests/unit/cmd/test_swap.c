// SPDX-License-Identifier: GPL-3.0-or-later
/* The keeper swaps generations while real workers answer from them, resolve from their roots and share a cache. */
#include "test.h"

#include <poll.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "daemon.h"

#define SWAPS   60
#define CLIENTS 4

static struct keeper keeper;
static struct image *below; /* what the authority serves */
static atomic_bool done;
static uint16_t port, authority_port;

static struct image *image_of(const char *text, const char *apex)
{
	uint8_t origin[WIRE_NAME_MAX];
	struct zone_error error;
	struct zone *zone;
	struct image *image;
	assert_true(wire_name_parse(apex, origin) > 0);
	struct zone_read_settings settings = {.origin = origin};
	if (zone_read_text("test", text, strlen(text), &settings, NULL, NULL, &zone, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(image_compile(zone, &image), 0);
	zone_free(zone);
	return image;
}

/* ---- the authority below the root ---- */

static int on_authority(void *ctx, struct net_message *m)
{
	struct wire_question question;
	if (wire_question_parse(m->msg, m->len, &question) != WIRE_ANSWERABLE)
		return 0;
	struct image_query q = {.question = &question, .max = 1232};
	struct image_reply reply;
	int len = image_answer(below, &q, m->reply, &reply);
	return len > 0 ? len : 0;
}

static void *authority_run(void *ctx)
{
	net_loop_run(ctx);
	return NULL;
}

/* ---- generations: the serial stands in the served zone, in its TXT, and in the root ---- */

static struct config *config_make(unsigned serial, const char *folder)
{
	char path[128], text[512], zone[512];
	struct config *config;
	struct config_error error;
	snprintf(path, sizeof(path), "%s/served.zone", folder);
	int n = snprintf(zone, sizeof(zone),
			 "served. 60 IN SOA a. b. %u 2 3 4 5\nserved. 60 IN NS ns.test.\n"
			 "n.served. 60 IN TXT \"%u\"\n",
			 serial, serial);
	assert_int_equal(file_write_atomic(path, zone, (size_t)n), 0);
	n = snprintf(text, sizeof(text),
		     "server: { listen: [127.0.0.1@%u], workers: 2, log-level: error }\n"
		     "zones: [ { name: served., file: %s } ]\n"
		     "root: { file: \"\" }\n"
		     "resolver: { upstream-port: %u, ipv6: no, loopback: on }\n",
		     port, path, authority_port);
	if (config_read_text("test", text, (size_t)n, &config, &error) < 0)
		fail_msg("%s", error.text);
	return config;
}

/* The root copy is put in by hand, since it is no signed one; its image goes with its generation. */
static struct generation *generation_make(unsigned serial, const char *folder)
{
	char why[REFUSAL_TEXT_MAX], root[512];
	struct generation *g;
	if (generation_load(config_make(serial, folder), keeper.workers.shared_anchors, false, NULL, NULL, NULL, &g,
			    why) < 0)
		fail_msg("%s", why);
	snprintf(root, sizeof(root),
		 ". 60 IN SOA ns. host. %u 2 3 4 5\n. 60 IN NS ns.\nns. 60 IN A 127.0.0.1\n"
		 "below. 60 IN NS ns.below.\nns.below. 60 IN A 127.0.0.1\n",
		 serial);
	g->root = calloc(1, sizeof(*g->root));
	assert_non_null(g->root);
	g->root->users = 1;
	g->root->image = image_of(root, ".");
	g->view.root = g->root->image;
	return g;
}

/* ---- clients ---- */

static size_t query_make(uint8_t out[512], const char *name, uint16_t type, uint16_t id)
{
	struct wire_writer writer;
	uint8_t qname[WIRE_NAME_MAX];
	assert_true(wire_name_parse(name, qname) > 0);
	assert_int_equal(wire_writer_init(&writer, out, 512, id, WIRE_RD), 0);
	assert_int_equal(wire_writer_question(&writer, qname, type, WIRE_CLASS_IN), 0);
	return wire_writer_finish(&writer);
}

struct client {
	pthread_t thread;
	unsigned number, asked, newest, went_back;
};

static uint16_t exchange(int fd, const char *name, uint16_t type, uint16_t id, uint8_t reply[4096], size_t *ret_len)
{
	uint8_t query[512];
	size_t len = query_make(query, name, type, id);
	assert_int_equal(send(fd, query, len, 0), len);
	ssize_t n = recv(fd, reply, 4096, 0);
	assert_true(n > 12);
	assert_int_equal(wire_get16(reply), id);
	*ret_len = (size_t)n;
	return wire_get16(reply + 2) & WIRE_RCODE_MASK;
}

/* The serial in the TXT of the served zone. */
static unsigned serial_in(const uint8_t *reply, size_t len)
{
	struct wire_reader reader;
	struct wire_record record;
	assert_int_equal(wire_reader_init(&reader, reply, len), 0);
	assert_int_equal(wire_reader_next(&reader, &record), 1);
	assert_int_equal(record.type, WIRE_TYPE_TXT);
	return (unsigned)strtoul((const char *)reply + record.rdata_pos + 1, NULL, 10);
}

static void *client_run(void *ctx)
{
	struct client *c = ctx;
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	struct timeval limit = {.tv_sec = 20};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	while (!atomic_load(&done)) {
		uint8_t reply[4096];
		size_t len;
		char name[64];
		uint16_t id = (uint16_t)c->asked++;
		assert_int_equal(exchange(fd, "n.served.", WIRE_TYPE_TXT, id, reply, &len), WIRE_RCODE_NOERROR);
		unsigned serial = serial_in(reply, len);
		c->went_back += serial < c->newest; /* one socket is served by one worker: it never sees an older one */
		c->newest = serial;
		snprintf(name, sizeof(name), "w%u.below.", id % 40); /* walks at first, then the shared cache */
		assert_int_equal(exchange(fd, name, WIRE_TYPE_A, id, reply, &len), WIRE_RCODE_NOERROR);
		snprintf(name, sizeof(name), "no-tld-%u.", id % 40); /* the root of this moment */
		assert_int_equal(exchange(fd, name, WIRE_TYPE_A, id, reply, &len), WIRE_RCODE_NXDOMAIN);
	}
	close(fd);
	return NULL;
}

static uint16_t port_free(void)
{
	struct net_settings settings = {.udp_batch = 1};
	struct counters counters = {0};
	struct net_loop *loop;
	struct addr addr;
	uint16_t taken;
	assert_int_equal(net_loop_new(&settings, &counters, &loop), 0);
	assert_int_equal(addr_parse("127.0.0.1", 0, &addr), 0);
	assert_int_equal(net_listen(loop, &addr, on_authority, NULL, &taken), 0);
	net_loop_free(loop);
	return taken;
}

static void test_swap(void **state)
{
	char folder[] = "/tmp/banyan-swap-XXXXXX", why[REFUSAL_TEXT_MAX] = "";
	assert_non_null(mkdtemp(folder));
	struct counters counters = {0};
	struct net_settings settings = {.udp_batch = 8, .tcp_clients = 10, .tcp_clients_per_address = 10};
	struct net_loop *authority;
	struct addr addr;
	pthread_t authority_thread;
	below = image_of("below. 60 IN SOA a. b. 1 2 3 4 5\nbelow. 60 IN NS ns.below.\nns.below. 60 IN A 127.0.0.1\n"
			 "*.below. 60 IN A 192.0.2.1\n",
			 "below.");
	assert_int_equal(net_loop_new(&settings, &counters, &authority), 0);
	assert_int_equal(addr_parse("127.0.0.1", 0, &addr), 0);
	assert_int_equal(net_listen(authority, &addr, on_authority, NULL, &authority_port), 0);
	assert_int_equal(pthread_create(&authority_thread, NULL, authority_run, authority), 0);

	port = port_free();
	log_set_level(LOG_LEVEL_ERROR);
	struct config *config = config_make(1, folder);
	if (workers_new(config, &keeper, &keeper.workers, why) < 0)
		fail_msg("%s", why);
	config_free(config);
	assert_null(swap_publish(&keeper.swap, generation_make(1, folder)));
	assert_int_equal(workers_start(&keeper.workers), 0);

	struct client client[CLIENTS] = {0};
	for (unsigned i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_create(&client[i].thread, NULL, client_run, &client[i]), 0);
	for (unsigned serial = 2; serial <= SWAPS; serial++) {
		struct generation *old = swap_publish(&keeper.swap, generation_make(serial, folder));
		assert_non_null(old);
		generation_free(old); /* a worker that still read it would be caught by the sanitizers */
		poll(NULL, 0, 2);
	}
	atomic_store(&done, true);
	for (unsigned i = 0; i < CLIENTS; i++) {
		pthread_join(client[i].thread, NULL);
		assert_int_equal(client[i].went_back, 0);
		assert_true(client[i].asked > 0 && client[i].newest > 1);
	}
	assert_true(resolve_cache_count(keeper.workers.cache) > 0);
	workers_done(&keeper.workers);
	generation_free(atomic_load(&keeper.swap.current));
	net_loop_stop(authority);
	pthread_join(authority_thread, NULL);
	net_loop_free(authority);
	image_free(below);
	char path[128];
	snprintf(path, sizeof(path), "%s/served.zone", folder);
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_swap)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
