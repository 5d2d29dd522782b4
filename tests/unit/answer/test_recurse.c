// SPDX-License-Identifier: GPL-3.0-or-later
/* The resolver driven by real sockets: one loop is client-facing resolver and authority at once. */
#include "test.h"

#include <pthread.h>

#include "answer/answer.h"

static const char root_text[] = ". 60 IN SOA ns. host. 1 2 3 4 5\n"
				". 60 IN NS ns.\n"
				"ns. 60 IN A 127.0.0.1\n"
				"example. 60 IN NS ns.example.\n"
				"ns.example. 60 IN A 127.0.0.1\n"
				"far. 60 IN NS ns.far.\n"
				"ns.far. 60 IN AAAA 2001:db8::1\n";
static const char example_text[] = "example. 60 IN SOA ns.example. host.example. 1 2 3 4 5\n"
				   "example. 60 IN NS ns.example.\n"
				   "ns.example. 60 IN A 127.0.0.1\n"
				   "www.example. 60 IN A 192.0.2.1\n";

struct world {
	struct net_loop *loop;
	struct counters counters;
	struct random random;
	struct resolve_cache *cache;
	struct resolve *engine;
	struct answer_recursor *recursor;
	struct image *root, *example;
	struct answer_view view;
	uint16_t port; /* of the authority */
	unsigned asked_authority;
	/* what came of it */
	unsigned traced;
	bool running;
	uint16_t rcode;
	size_t n_answer, n_steps;
	enum reason reason;
	struct addr client_addr;
	uint8_t reply[65536];
	size_t reply_len;
};

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

static int on_authority(void *ctx, struct net_message *m)
{
	struct world *w = ctx;
	struct wire_question question;
	w->asked_authority++;
	if (wire_question_parse(m->msg, m->len, &question) != WIRE_ANSWERABLE)
		return 0;
	struct image_query q = {.question = &question, .max = 1232};
	struct image_reply reply;
	int len = image_answer(w->example, &q, m->reply, &reply);
	return len > 0 ? len : 0;
}

static const struct answer_view *view_now(void *ctx)
{
	return &((struct world *)ctx)->view;
}

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));
	struct net_settings settings = {.udp_batch = 8,
					.tcp_clients = 10,
					.tcp_clients_per_address = 10,
					.tcp_idle_ms = 1000,
					.tcp_pipeline = 8,
					.ipv4 = true};
	struct addr addr;
	assert_int_equal(net_loop_new(&settings, &w->counters, &w->loop), 0);
	assert_int_equal(addr_parse("127.0.0.1", 0, &addr), 0);
	assert_int_equal(net_listen(w->loop, &addr, on_authority, w, &w->port), 0);
	w->root = image_of(root_text, ".");
	w->example = image_of(example_text, "example.");
	w->view = (struct answer_view){.root = w->root,
				       .root_on_loopback = true,
				       .recursion = true,
				       .identity = "",
				       .version = "",
				       .udp_size = 1232};
	random_init_kernel(&w->random);
	struct resolve_settings resolver;
	resolve_settings_default(&resolver);
	resolver.upstream_port = w->port;
	resolver.live.question_time_ms = 30000;
	assert_int_equal(resolve_cache_new(4 << 20, &w->cache), 0);
	assert_int_equal(resolve_new(&resolver, w->cache, &w->random, &w->counters, &w->engine), 0);
	struct answer_recursor_settings recursor = {
		.loop = w->loop, .engine = w->engine, .counters = &w->counters, .view = view_now, .view_ctx = w};
	assert_int_equal(answer_recursor_new(&recursor, &w->recursor), 0);
	return w;
}

static void world_free(struct world *w)
{
	answer_recursor_free(w->recursor);
	resolve_free(w->engine);
	net_loop_free(w->loop);
	resolve_cache_free(w->cache);
	image_free(w->root);
	image_free(w->example);
	free(w);
}

static void on_traced(void *ctx, const struct resolve_result *result)
{
	struct world *w = ctx;
	w->traced++;
	w->rcode = result->rcode;
	w->n_answer = result->n_answer;
	w->n_steps = result->n_steps;
	w->reason = result->reason;
	if (w->running)
		net_loop_stop(w->loop);
}

static void trace(struct world *w, const char *name, bool cold)
{
	uint8_t qname[WIRE_NAME_MAX];
	unsigned before = w->traced;
	assert_true(wire_name_parse(name, qname) > 0);
	assert_int_equal(answer_trace(w->recursor, qname, WIRE_TYPE_A, cold, on_traced, w), 0);
	w->running = true;
	if (w->traced == before)
		net_loop_run(w->loop);
	w->running = false;
	assert_int_equal(w->traced, before + 1);
}

static void test_trace(void **state)
{
	struct world *w = world_new();
	trace(w, "www.example.", false);
	assert_int_equal(w->rcode, WIRE_RCODE_NOERROR);
	assert_int_equal(w->n_answer, 1);
	assert_true(w->n_steps >= 2);
	assert_true(w->asked_authority >= 1);
	unsigned asked = w->asked_authority;
	trace(w, "www.example.", false); /* from the cache */
	assert_int_equal(w->asked_authority, asked);
	trace(w, "www.example.", true); /* not from it */
	assert_true(w->asked_authority > asked);
	world_free(w);
}

/* What cannot even be sent is told to the engine, which ends the question long before its time is up. */
static void test_cannot_be_sent(void **state)
{
	struct world *w = world_new();
	int64_t start = clock_mono_ms();
	trace(w, "www.far.", false);
	assert_int_equal(w->rcode, WIRE_RCODE_SERVFAIL);
	assert_true(w->reason != REASON_NONE);
	assert_true(clock_mono_ms() - start < 29000);
	world_free(w);
}

static void test_no_root(void **state)
{
	struct world *w = world_new();
	w->view.root = NULL;
	trace(w, "www.example.", false);
	assert_int_equal(w->rcode, WIRE_RCODE_SERVFAIL);
	assert_int_equal(w->reason, REASON_NO_ROOT);
	world_free(w);
}

/* ---- clients: by ticket, and at once ---- */

/* The client is an exchange of the same loop: the reply that the recursor sends by ticket comes back as an event. */
static int on_client(void *ctx, struct net_message *m)
{
	struct world *w = ctx;
	struct answer_pending pending;
	struct answer_request request = {.msg = m->msg, .len = m->len, .peer = m->ticket.peer, .out = m->reply};
	size_t len;
	assert_int_equal(answer_question(&w->view, &w->counters, &request, &pending, &len), ANSWER_RECURSE);
	int rc = answer_recurse(w->recursor, &pending, &m->ticket, m->reply);
	w->reply_len = 0;
	if (rc > 0) {
		w->reply_len = (size_t)rc;
		memcpy(w->reply, m->reply, (size_t)rc);
	}
	return rc;
}

struct asker {
	struct net_loop *loop;
	struct counters counters;
	pthread_t thread;
	struct world *w;
	struct addr to;
	uint8_t query[512], reply[65536];
	size_t query_len, reply_len;
};

static void on_reply(void *ctx, const struct net_exchange_event *event)
{
	struct asker *a = ctx;
	assert_int_equal(event->error, 0);
	memcpy(a->reply, event->msg, event->len);
	a->reply_len = event->len;
	net_loop_stop(a->loop);
	net_loop_stop(a->w->loop);
}

static void *asker_run(void *ctx)
{
	struct asker *a = ctx;
	net_loop_run(a->loop);
	return NULL;
}

/* Asks over a socket from another thread; the world's loop runs until the reply is there. */
static void ask(struct asker *a, enum net_transport transport)
{
	a->reply_len = 0;
	assert_int_equal(net_exchange_open(a->loop, 1, transport, &a->to, a->query, a->query_len), 0);
	assert_int_equal(pthread_create(&a->thread, NULL, asker_run, a), 0);
	net_loop_run(a->w->loop);
	pthread_join(a->thread, NULL);
	net_exchange_close(a->loop, 1);
	assert_true(a->reply_len > 12);
}

static void test_clients(void **state)
{
	struct world *w = world_new();
	static const struct addr_prefix all = {.addr = {.family = 4}, .bits = 0};
	struct addr addr;
	uint16_t port;
	w->view.allow.n = 1;
	w->view.allow.item = &all;
	assert_int_equal(addr_parse("127.0.0.1", 0, &addr), 0);
	assert_int_equal(net_listen(w->loop, &addr, on_client, w, &port), 0);
	for (int i = 0; i < 4; i++) { /* UDP and TCP, each with a walk and from the cache */
		static struct asker a;
		memset(&a, 0, sizeof(a));
		a.w = w;
		a.to = addr;
		a.to.port = port;
		struct net_settings settings = {.udp_batch = 1, .ipv4 = true, .tcp_idle_ms = 1000};
		assert_int_equal(net_loop_new(&settings, &a.counters, &a.loop), 0);
		net_on_exchange(a.loop, on_reply, &a);
		struct wire_writer writer;
		uint8_t qname[WIRE_NAME_MAX];
		assert_true(wire_name_parse(i < 2 ? "www.example." : "none.example.", qname) > 0);
		assert_int_equal(wire_writer_init(&writer, a.query, sizeof(a.query), (uint16_t)(100 + i), WIRE_RD), 0);
		assert_int_equal(wire_writer_question(&writer, qname, WIRE_TYPE_A, WIRE_CLASS_IN), 0);
		a.query_len = wire_writer_finish(&writer);
		ask(&a, i < 2 ? NET_UDP : NET_TCP);
		assert_int_equal(wire_get16(a.reply), 100 + i);
		uint16_t flags = wire_get16(a.reply + 2);
		assert_true(flags & WIRE_QR && flags & WIRE_RA);
		assert_int_equal(flags & WIRE_RCODE_MASK, i < 2 ? WIRE_RCODE_NOERROR : WIRE_RCODE_NXDOMAIN);
		assert_int_equal(w->reply_len > 0, i % 2 == 1); /* from the cache: at once */
		net_loop_free(a.loop);
	}
	assert_int_equal(counter_read(&w->counters, COUNTER_RECURSIONS), 4);
	assert_int_equal(counter_read(&w->counters, COUNTER_NXDOMAIN), 2);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_cannot_be_sent),
		cmocka_unit_test(test_no_root),
		cmocka_unit_test(test_clients),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
