// SPDX-License-Identifier: GPL-3.0-or-later
/* Reading configurations: values, and the words of every kind of error. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "schema.h"
#include "tree.h"
#include "value.h"

static struct config *good(const char *text)
{
	struct config *config = NULL;
	struct config_error error = {0};
	if (config_read_text("dir/t.yaml", text, strlen(text), &config, &error) < 0)
		fail_msg("refused: %s", error.text);
	return config;
}

static void refused(const char *text, const char *words)
{
	struct config *config = (struct config *)1;
	struct config_error error = {0};
	assert_true(config_read_text("t", text, strlen(text), &config, &error) < 0);
	assert_ptr_equal(config, (struct config *)1); /* untouched */
	assert_string_equal(error.text, words);
	unsigned line = 0, column = 0;
	if (sscanf(error.text, "t:%u:%u:", &line, &column) == 2) {
		assert_int_equal(error.line, line);
		assert_int_equal(error.column, column);
	}
}

static void empty_file_is_the_defaults(void **state)
{
	static const char *const same[] = {
		"", "\n", "# only a comment\n", "---\n", "server:\nzones:\nroot:\nresolver:\n", "{}", "zones: []\n",
		"~"};
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		struct config *c = good(same[i]);
		char text[ADDR_TEXT_MAX];
		assert_int_equal(c->server.listen.count, 2);
		assert_string_equal(addr_format(&c->server.listen.item[0], true, text), "127.0.0.1@53");
		assert_string_equal(addr_format(&c->server.listen.item[1], true, text), "::1@53");
		assert_string_equal(c->server.control, geteuid() == 0 ? "/run/banyan/control.sock" : "./control.sock");
		assert_string_equal(c->server.user, "");
		assert_string_equal(c->server.identity, "auto");
		assert_string_equal(c->server.version, "");
		assert_int_equal(c->server.udp_size, 1232);
		assert_int_equal(c->server.tcp_idle_ms, 10000);
		assert_int_equal(c->server.log_level, LOG_LEVEL_NOTICE);
		assert_true(c->server.confine);
		assert_int_equal(c->n_zones, 0);
		assert_string_equal(c->root.file, "/var/lib/banyan/root.zone");
		assert_true(c->root.require_zonemd);
		assert_true(c->resolver.enabled);
		assert_int_equal(c->resolver.allow.count, 2);
		assert_int_equal(c->resolver.allow.item[0].bits, 8);
		assert_int_equal(c->resolver.allow.item[1].bits, 128);
		assert_int_equal(c->resolver.cache_size, 64 << 20);
		assert_int_equal(c->resolver.cache_ttl_max, 86400);
		assert_int_equal(c->resolver.upstream_port, 53);
		assert_string_equal(c->path, "dir/t.yaml");
		config_free(c);
	}
}

static void values_of_every_type(void **state)
{
	struct config *c = good("server:\n"
				"  listen: [127.0.0.1@5300, \"::1@5300\", 127.0.0.9]\n"
				"  rundir: run\n"
				"  identity: yes\n"
				"  version: \"1.0 # no comment\"\n"
				"  workers: 3\n"
				"  tcp-idle: 1500ms\n"
				"  minimal-responses: OFF\n"
				"  log-level: debug\n"
				"zones:\n"
				"  - name: .\n"
				"    file: root.zone\n"
				"    prove: full\n"
				"    anchors: [root.ds, /etc/other.ds]\n"
				"  - {name: Example.ORG, file: /z/example.org, require-zonemd: true}\n"
				"  - name: 'a\\.b\\046c.'\n"
				"    file: x\n"
				"root:\n"
				"  file: \"\"\n"
				"resolver:\n"
				"  allow: []\n"
				"  cache-size: 2G\n"
				"  cache-ttl-max: 2h\n"
				"  cache-ttl-min: 0\n"
				"  upstream-port: 65535\n"
				"  outgoing: [192.0.2.1]\n"
				"  reroute: [\"2001:db8::1 -> ::1@5401\", 192.0.2.1->127.0.0.1@5402]\n");
	char text[ADDR_TEXT_MAX];
	assert_int_equal(c->server.listen.count, 3);
	assert_string_equal(addr_format(&c->server.listen.item[1], true, text), "::1@5300");
	assert_string_equal(addr_format(&c->server.listen.item[2], true, text), "127.0.0.9@53");
	assert_string_equal(c->server.rundir, "dir/run");
	assert_string_equal(c->server.control, "dir/run/control.sock");
	assert_string_equal(c->server.identity, "yes");
	assert_string_equal(c->server.version, "1.0 # no comment");
	assert_int_equal(c->server.workers, 3);
	assert_int_equal(c->server.tcp_idle_ms, 1500);
	assert_false(c->server.minimal_responses);
	assert_int_equal(c->server.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->n_zones, 3);
	assert_string_equal(c->zones[0].name, ".");
	assert_string_equal(c->zones[0].file, "dir/root.zone");
	assert_int_equal(c->zones[0].prove, CONFIG_PROVE_FULL);
	assert_int_equal(c->zones[0].anchors.count, 2);
	assert_string_equal(c->zones[0].anchors.item[0], "dir/root.ds");
	assert_string_equal(c->zones[0].anchors.item[1], "/etc/other.ds");
	assert_string_equal(c->zones[1].name, "Example.ORG.");
	assert_string_equal(c->zones[1].file, "/z/example.org");
	assert_int_equal(c->zones[1].prove, CONFIG_PROVE_AUTO);
	assert_true(c->zones[1].require_zonemd);
	assert_string_equal(c->zones[2].name, "a\\.b\\046c.");
	assert_string_equal(c->root.file, "");
	assert_int_equal(c->resolver.allow.count, 0);
	assert_true(c->resolver.cache_size == (uint64_t)2 << 30);
	assert_int_equal(c->resolver.cache_ttl_max, 7200);
	assert_int_equal(c->resolver.upstream_port, 65535);
	assert_int_equal(c->resolver.outgoing.count, 1);
	assert_int_equal(c->resolver.n_reroutes, 2);
	assert_string_equal(addr_format(&c->resolver.reroute[0].from, false, text), "2001:db8::1");
	assert_string_equal(addr_format(&c->resolver.reroute[0].to, true, text), "::1@5401");
	assert_string_equal(addr_format(&c->resolver.reroute[1].to, true, text), "127.0.0.1@5402");
	config_free(c);
}

static void wrong_values_are_named(void **state)
{
	refused("server:\n  udp-size: 99999\n",
		"t:2:13: server.udp-size: found '99999'; allowed is a whole number from 512 to 4096");
	refused("server:\n  udp-size: 511\n",
		"t:2:13: server.udp-size: found '511'; allowed is a whole number from 512 to 4096");
	refused("server: {udp-size: '1232'}",
		"t:1:20: server.udp-size: found \"1232\" in quotes; allowed is a whole number from 512 to 4096");
	refused("server: {udp-size: -1}",
		"t:1:20: server.udp-size: found '-1'; allowed is a whole number from 512 to 4096");
	refused("server: {udp-size: 0x400}",
		"t:1:20: server.udp-size: found '0x400'; allowed is a whole number from 512 to 4096");
	/* 2^64 + 512 must not wrap into the range */
	refused("server: {udp-size: 18446744073709552128}",
		"t:1:20: server.udp-size: found '18446744073709552128'; allowed is a whole number from 512 to 4096");
	refused("server: {udp-size: }",
		"t:1:20: server.udp-size: found nothing; allowed is a whole number from 512 to 4096");
	refused("server: {workers: 1025}",
		"t:1:19: server.workers: found '1025'; allowed is a whole number from 0 to 1024");
	refused("server: {minimal-responses: perhaps}",
		"t:1:29: server.minimal-responses: found 'perhaps'; allowed is true or false");
	refused("server: {minimal-responses: 1}",
		"t:1:29: server.minimal-responses: found '1'; allowed is true or false");
	refused("server: {log-level: loud}",
		"t:1:21: server.log-level: found 'loud'; allowed is one of error, warning, notice, info, debug");
	refused("server: {tcp-idle: 10}", "t:1:20: server.tcp-idle: found '10'; allowed is a time from 100ms to 1h (a "
					  "number with ms, s, m, h or d)");
	refused("server: {tcp-idle: 10 s}", "t:1:20: server.tcp-idle: found '10 s'; allowed is a time from 100ms to 1h "
					    "(a number with ms, s, m, h or d)");
	refused("server: {tcp-idle: 61m}", "t:1:20: server.tcp-idle: found '61m'; allowed is a time from 100ms to 1h "
					   "(a number with ms, s, m, h or d)");
	refused("resolver: {cache-ttl-max: 500ms}", "t:1:27: resolver.cache-ttl-max: found '500ms'; allowed is a time "
						    "from 0s to 7d (a number with s, m, h or d)");
	refused("resolver: {cache-size: 1023K}", "t:1:24: resolver.cache-size: found '1023K'; allowed is a size from "
						 "1M to 1T (bytes, or with K, M, G or T)");
	refused("resolver: {cache-size: 99999999999999999999G}",
		"t:1:24: resolver.cache-size: found '99999999999999999999G'; allowed is a size from 1M to 1T (bytes, "
		"or "
		"with K, M, G or T)");
	refused("resolver: {cache-size: 16777216T}", "t:1:24: resolver.cache-size: found '16777216T'; allowed is a "
						     "size from 1M to 1T (bytes, or with K, M, G or T)");
	refused("server:\n  user: [root]\n", "t:2:9: server.user: found a list; allowed is a text of at most 32 bytes");
	refused("server:\n  user: {a: b}\n",
		"t:2:9: server.user: found a mapping; allowed is a text of at most 32 bytes");
	refused("server:\n  user: \"a\\nb\"\n", "t:2:9: server.user: found \"a\\x0ab\" in quotes (with control "
						"characters); allowed is a text of at most 32 bytes");
	refused("server: 5", "t:1:9: server: found '5'; allowed is a mapping of options");
	refused("- server", "t:1:1: top: found a list; allowed is a mapping of sections");
	refused("hello", "t:1:1: top: found 'hello'; allowed is a mapping of sections");
}

static void wrong_lists_are_named(void **state)
{
	refused("server:\n  listen: 127.0.0.1\n",
		"t:2:11: server.listen: found '127.0.0.1'; allowed is a list of 1 to 64 addresses (IP or IP@PORT)");
	refused("server:\n  listen: []\n",
		"t:2:11: server.listen: found a list of 0; allowed is a list of 1 to 64 addresses (IP or IP@PORT)");
	refused("server:\n  listen:\n    - 127.0.0.1\n    - localhost\n",
		"t:4:7: server.listen: found 'localhost'; allowed is an address, as IP or IP@PORT with a port from 1 "
		"to "
		"65535");
	refused("server:\n  listen: [127.0.0.1@0]\n", "t:2:12: server.listen: found '127.0.0.1@0'; allowed is an "
						      "address, as IP or IP@PORT with a port from 1 to "
						      "65535");
	refused("server:\n  listen: [[127.0.0.1]]\n", "t:2:12: server.listen: found a list; allowed is an address, as "
						      "IP or IP@PORT with a port from 1 to 65535");
	refused("resolver: {allow: [10.0.0.0/33]}",
		"t:1:20: resolver.allow: found '10.0.0.0/33'; allowed is a network, as IP/BITS or IP");
	refused("resolver: {allow: [10.1.2.3/8]}",
		"t:1:20: resolver.allow: found '10.1.2.3/8' (bits are set behind the "
		"prefix); allowed is a network, as IP/BITS or IP");
	refused("resolver: {outgoing: [192.0.2.1@53]}",
		"t:1:23: resolver.outgoing: found '192.0.2.1@53'; allowed is an address without port");
	refused("resolver: {reroute: [192.0.2.1]}", "t:1:22: resolver.reroute: found '192.0.2.1'; allowed is a text "
						    "\"FROM -> TO@PORT\" of two addresses");
	refused("resolver: {reroute: [192.0.2.1 -> 127.0.0.1]}",
		"t:1:22: resolver.reroute: found '192.0.2.1 -> 127.0.0.1' (TO needs a port); allowed is a text "
		"\"FROM -> TO@PORT\" of two addresses");
	refused("resolver: {reroute: [192.0.2.1@53 -> 127.0.0.1@54]}",
		"t:1:22: resolver.reroute: found '192.0.2.1@53 -> 127.0.0.1@54' (FROM is an address without port); "
		"allowed "
		"is a text \"FROM -> TO@PORT\" of two addresses");
	refused("zones: x", "t:1:8: zones: found 'x'; allowed is a list of at most 65536 mappings with name");
	refused("zones: [x]", "t:1:9: zones[0]: found 'x'; allowed is a mapping with name");
	refused("zones: [{file: x}]", "t:1:9: zones[0]: 'name' is missing");
	refused("zones: [{name: x}]",
		"t:1:9: zones[0]: found neither file nor sources; the zone must come from somewhere");
	refused("root: {sources: [builtin]}\nzones: [{name: ., sources: [builtin]}]\nresolver: {enabled: true}",
		"t:2:9: zones[0].sources: the root comes from root.sources, too, and would be fetched, proved and kept "
		"twice; write all sources here and leave out root.sources: then the resolver uses this copy");
	refused("zones: [{name: ., file: r}, {name: b..c, file: x}]",
		"t:1:36: zones[1].name: found 'b..c'; allowed is a domain name");
	refused("zones: [{name: 'a\\256', file: x}]",
		"t:1:16: zones[0].name: found \"a\\256\" in quotes; allowed is a domain name");
	refused("zones: [{name: x, file: y, anchors: ['']}]",
		"t:1:38: zones[0].anchors: found \"\" in quotes; allowed is the path of a file");
}

static void unknown_and_repeated_keys(void **state)
{
	refused("server:\n  udp-szie: 512\n", "t:2:3: server: there is no option 'udp-szie'; did you mean 'udp-size'?");
	refused("server:\n  udp_size: 512\n", "t:2:3: server: there is no option 'udp_size'; did you mean 'udp-size'?");
	refused("sever:\n", "t:1:1: there is no option 'sever'; did you mean 'server'?");
	refused("resolver:\n  tcp-clients: 1\n",
		"t:2:3: resolver: there is no option 'tcp-clients'; did you mean 'server.tcp-clients'?");
	refused("udp-size: 512\n", "t:1:1: there is no option 'udp-size'; did you mean 'server.udp-size'?");
	refused("dns64:\n  xyzzy: 1\n",
		"t:2:3: dns64: there is no option 'xyzzy'; known here are prefixes, clients, exclude");
	refused("xyzzy: 1\n", "t:1:1: there is no option 'xyzzy'; known here are server, zones, root, transfers, rrl, "
			      "dns64, ecs, resolver, "
			      "local, views, rpz, keys, forward, stub");
	refused("zones:\n  - nam: x\n", "t:2:5: zones[0]: there is no option 'nam'; did you mean 'name'?");
	refused("zones[]: 1\n", "t:1:1: there is no option 'zones[]'; did you mean 'zones'?");
	refused("? {a: b}\n: c\n", "t:1:3: a list or mapping cannot be a key");
	refused("~: x\n", "t:1:1: there is no option nothing; known here are server, zones, root, transfers, rrl, "
			  "dns64, ecs, resolver, "
			  "local, views, rpz, keys, forward, stub");
	refused("server:\n  workers: 1\n  user: x\n  workers: 2\n",
		"t:4:3: server.workers: stands here again; it stood in line 2 already");
	refused("server:\n  workers: 1\nroot:\nserver:\n  user: x\n",
		"t:4:1: server: stands here again; it stood in line 1 already");
	refused("zones: [{name: a, name: b, file: x}]",
		"t:1:19: zones[0].name: stands here again; it stood in line 1 already");
}

static void options_that_contradict_each_other(void **state)
{
	refused("resolver: {cache-ttl-min: 10m, cache-ttl-max: 5m}",
		"t:1:27: resolver.cache-ttl-min: found 600s; allowed is at most resolver.cache-ttl-max, which is 300s");
	refused("server: {tcp-clients: 10}",
		"t:1:9: server.tcp-clients-per-address: found 64; allowed is at most server.tcp-clients, which is 10");
	refused("server: {listen: [127.0.0.1, \"::1\", 127.0.0.1@53]}",
		"t:1:37: server.listen: 127.0.0.1@53 stands here twice");
	refused("zones:\n- {name: a.B, file: x}\n- {name: c, file: x}\n- {name: A.b., file: y}\n",
		"t:4:3: zones[2].name: 'A.b.' stands here again; it is zones[0] already");
	refused("zones: [{name: a, file: x, prove: full}]", "t:1:9: zones[0].prove: found full without anchors; only "
							    "the root has built-in trust anchors, so name a file "
							    "in anchors");
	refused("zones: [{name: a, file: x, prove: structure, require-zonemd: true}]",
		"t:1:9: zones[0].require-zonemd: found true with prove: structure, which does not look at ZONEMD; "
		"allowed is "
		"full or digest");
	refused("resolver: {ipv4: false, ipv6: false}",
		"t:1:31: resolver.ipv6: found false like resolver.ipv4; a resolver needs one of them");
	refused("resolver: {ipv6: false, outgoing: [192.0.2.1, \"2001:db8::1\"]}",
		"t:1:47: resolver.outgoing: found 2001:db8::1, but resolver.ipv6 is false");
	refused("resolver:\n  reroute:\n  - 192.0.2.1 -> 127.0.0.1@1\n  - 192.0.2.1 -> 127.0.0.1@2\n",
		"t:4:5: resolver.reroute: 192.0.2.1 is rerouted twice");
	refused("server: {control: /12345678901234567890123456789012345678901234567890123456789012345678901234567890"
		"1234567890123456789012345678}",
		"t:1:19: server.control: found a path of 109 bytes; allowed for a Unix socket are 107");
	config_free(good("resolver: {enabled: false, ipv4: false, ipv6: false}"));
	config_free(good("zones: [{name: ., file: x, prove: full}]"));
}

static void what_is_not_this_yaml(void **state)
{
	refused("server: {udp-size: 512\n", "t:2:1: not YAML: did not find expected ',' or '}' while parsing a flow "
					    "mapping (which begins in line 1)");
	refused("server:\n\tworkers: 1\n",
		"t:2:1: not YAML: found character that cannot start any token while scanning "
		"for the next token (which begins in line 2)");
	refused("server: \"abc\n",
		"t:2:1: not YAML: found unexpected end of stream while scanning a quoted scalar (which "
		"begins in line 1)");
	refused("a: &x 1\n", "t:1:4: anchors (&) and aliases (*) are not used here; write the value out");
	refused("a: *x\n", "t:1:4: anchors (&) and aliases (*) are not used here; write the value out");
	refused("a: &x [1]\n", "t:1:4: anchors (&) and aliases (*) are not used here; write the value out");
	refused("a: !!str 1\n", "t:1:4: tags (!) are not used here");
	refused("a: !x {}\n", "t:1:4: tags (!) are not used here");
	refused("---\nserver:\n---\nserver:\n", "t:3:1: a second YAML document begins; one file holds one");
	refused("[[[[[[[[[1]]]]]]]]]", "t:1:9: more than 8 lists and mappings inside each other");
	refused("server: {user: \"a\\0b\"}", "t:1:16: a text holds a NUL byte");
	refused("server: \xff\xfe\n", "t:1:1: not YAML: invalid leading UTF-8 octet at byte 8");
}

/* The name of a file is part of the message, never the whole of it; what was found is cut short. */
static void messages_stay_short(void **state)
{
	struct tree_node node = {.kind = TREE_PLAIN};
	char text[400], found[VALUE_FOUND_MAX];
	for (size_t len = 0; len < sizeof text - 4; len++)
		for (int c = 0; c < 3; c++) {
			memset(text, c == 0 ? 'x' : c == 1 ? 1 : 'y', len);
			if (c == 2) /* two-byte characters, begun at an even or an odd place */
				for (size_t i = len % 2; i + 1 < len; i += 2)
					memcpy(text + i, "\xc3\xa9", 2);
			text[len] = '\0';
			node.text = text;
			const char *words = value_found(&node, found);
			assert_true(strlen(words) < VALUE_FOUND_MAX - 1);
			assert_int_equal(words[strlen(words) - 1], '\'');
			for (const char *p = words; *p != '\0'; p++) {
				assert_true((unsigned char)*p >= 0x20);
				if ((unsigned char)*p == 0xc3)
					assert_int_equal((unsigned char)p[1], 0xa9);
			}
		}
	char name[600];
	struct config *config;
	struct config_error error;
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	memset(text, 'k', sizeof text - 3);
	strcpy(text + sizeof text - 3, ":");
	assert_true(config_read_text(name, text, strlen(text), &config, &error) < 0);
	assert_non_null(strstr(error.text, "nnn:1:1: there is no option 'kkk"));
}

static void large_input_is_bounded(void **state)
{
	struct buffer big = {0};
	struct config *config;
	struct config_error error;
	assert_int_equal(buffer_printf(&big, "#%*s", CONFIG_FILE_MAX, ""), 0);
	assert_int_equal(config_read_text("t", (char *)big.data, big.len, &config, &error), BANYAN_ECONFIG);
	assert_string_equal(error.text, "t: larger than 1048576 bytes");
	big.len = CONFIG_FILE_MAX; /* exactly as much is read */
	assert_int_equal(config_read_text("t", (char *)big.data, big.len, &config, &error), 0);
	config_free(config);
	/* more values than the limit, in fewer bytes */
	big.len = 0;
	assert_int_equal(buffer_printf(&big, "a: ["), 0);
	for (size_t i = 0; i < CONFIG_NODES_MAX; i++)
		assert_int_equal(buffer_append(&big, "1,", 2), 0);
	assert_int_equal(config_read_text("t", (char *)big.data, big.len, &config, &error), BANYAN_ECONFIG);
	assert_non_null(strstr(error.text, "more than 262144 values"));
	buffer_done(&big);
}

static void thousands_of_zones(void **state)
{
	enum { ZONES = 20000 };
	struct buffer text = {0};
	struct config *config;
	struct config_error error;
	assert_int_equal(buffer_printf(&text, "zones:\n"), 0);
	for (int i = 0; i < ZONES; i++)
		assert_int_equal(buffer_printf(&text, "- {name: z%d, file: z/%d}\n", i, i), 0);
	assert_int_equal(config_read_text("t", (char *)text.data, text.len, &config, &error), 0);
	assert_int_equal(config->n_zones, ZONES);
	assert_string_equal(config->zones[ZONES - 1].name, "z19999.");
	config_free(config);
	assert_int_equal(buffer_printf(&text, "- {name: Z7, file: x}\n"), 0);
	assert_int_equal(config_read_text("t", (char *)text.data, text.len, &config, &error), BANYAN_ECONFIG);
	assert_string_equal(error.text,
			    "t:20002:3: zones[20000].name: 'Z7.' stands here again; it is zones[7] already");
	buffer_done(&text);
}

static void files(void **state)
{
	char path[] = "/tmp/banyan-config-XXXXXX";
	struct config *config;
	struct config_error error;
	assert_int_equal(config_read_file("/nonexistent/x.yaml", &config, &error), BANYAN_ENOENT);
	assert_string_equal(error.text, "/nonexistent/x.yaml: cannot be read: not found");
	assert_true(config_read_file("/tmp", &config, &error) < 0);
	assert_string_equal(error.text, "/tmp: is no file");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "root:\n  file: r.zone\n", 21), 21);
	assert_int_equal(config_read_file(path, &config, &error), 0);
	assert_string_equal(config->root.file, "/tmp/r.zone");
	assert_string_equal(config->path, path);
	config_free(config);
	assert_int_equal(ftruncate(fd, CONFIG_FILE_MAX + 1), 0);
	assert_int_equal(config_read_file(path, &config, &error), BANYAN_ELIMIT);
	assert_non_null(strstr(error.text, ": larger than 1048576 bytes"));
	close(fd);
	unlink(path);
}

static void compare_names_what_needs_a_restart(void **state)
{
	static const char *const other = "server:\n"
					 "  listen: [127.0.0.1@5300]\n"
					 "  workers: 2\n"
					 "  identity: other\n"
					 "  udp-size: 512\n"
					 "zones: [{name: ., file: x}]\n"
					 "resolver:\n"
					 "  allow: []\n"
					 "  reroute: [192.0.2.1 -> 127.0.0.1@1]\n";
	struct buffer names = {0};
	struct config *a = good(""), *b = good(other), *c = good(other);
	assert_int_equal(config_compare(a, a, &names), 0);
	assert_int_equal(config_compare(b, c, &names), 0);
	assert_int_equal(names.len, 0);
	assert_int_equal(config_compare(a, b, &names), 3);
	assert_string_equal((char *)names.data, "server.listen, server.workers, resolver.reroute");
	buffer_done(&names);
	config_free(a);
	config_free(b);
	config_free(c);
}

/* The resolver of an edition has no way that leads out of its namespace. */
static void an_edition_keeps_to_itself(void **state)
{
#define OPEN "root: {edition: open, anchors: [x], fallback: false"
	refused("root: {edition: open, anchors: [x]}",
		"t:1:17: root.edition: with root.fallback the root servers that everybody knows would be asked, and "
		"they "
		"know nothing of edition open; write root.fallback: false, or name its servers in root.hints or "
		"root.hints-file");
	refused("resolver: {validate: false}\nroot: {edition: open}",
		"t:2:17: root.edition: with root.fallback the root servers that everybody knows would be asked, and "
		"they "
		"know nothing of edition open; write root.fallback: false, or name its servers in root.hints or "
		"root.hints-file");
	refused("root: {edition: open, fallback: false}", "t:1:17: root.edition: edition open is signed with keys of "
							  "its own; name the file of its trust anchors in "
							  "root.anchors");
	refused(OPEN ", anchors-built-in: on}",
		"t:1:72: root.anchors-built-in: found on with root.edition; these are the anchors of the root that "
		"everybody "
		"knows, and edition open has its own: name them in root.anchors, and leave this out");
	refused(OPEN ", sources: ['xfr:192.0.2.1', builtin]}", "t:1:81: root.sources: builtin stands for sources of "
							       "the root that everybody knows, which is refused with "
							       "root.edition; name sources of edition open");
	refused(OPEN "}\nforward: [{zone: ., servers: [192.0.2.1], validate: false}]",
		"t:2:11: forward[0]: all names are forwarded and nothing is proved, so nothing tells whether what "
		"comes is of "
		"root.edition open; prove it (validate: true), or leave out root.edition");
	refused(OPEN "}\nresolver: {validate: false}\nstub: [{zone: ., servers: [192.0.2.1]}]",
		"t:3:8: stub[0]: every walk begins there and nothing is proved, so nothing tells whether that is "
		"root.edition "
		"open; prove it (validate: true), or name these servers in root.hints");
	config_free(good(OPEN "}"));
	config_free(good(OPEN "}\nforward: [{zone: ., servers: [192.0.2.1]}]"));
	config_free(good(OPEN "}\nforward: [{zone: corp, servers: [192.0.2.1], validate: false}]"));
	config_free(good("root: {edition: open, anchors: [x], hints: [192.0.2.1]}"));
	config_free(good("resolver: {validate: false}\nroot: {edition: open, hints-file: x}"));
	config_free(good("resolver: {enabled: false}\nroot: {edition: open}"));
#undef OPEN
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_file_is_the_defaults),
		cmocka_unit_test(values_of_every_type),
		cmocka_unit_test(wrong_values_are_named),
		cmocka_unit_test(wrong_lists_are_named),
		cmocka_unit_test(unknown_and_repeated_keys),
		cmocka_unit_test(options_that_contradict_each_other),
		cmocka_unit_test(what_is_not_this_yaml),
		cmocka_unit_test(messages_stay_short),
		cmocka_unit_test(large_input_is_bounded),
		cmocka_unit_test(thousands_of_zones),
		cmocka_unit_test(files),
		cmocka_unit_test(compare_names_what_needs_a_restart),
		cmocka_unit_test(an_edition_keeps_to_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
