// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * wild - an authority that has an address for every name: it fills caches faster than a zone of so many names could be loaded.
 *
 *   wild ADDRESS PORT TTL
 */
#include "wire/wire.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BATCH       64
#define MESSAGE_MAX 1024
#define BUFFER      (4 << 20)

static const uint8_t soa_data[] = "\2ns\5bench\0\1h\5bench\0\0\0\0\1\0\0\7\b\0\0\3\204\0\11\72\200\0\0\3\204";

static size_t answer(const uint8_t *msg, size_t len, uint32_t ttl, uint8_t *reply)
{
	static const uint8_t apex[] = "\5bench", address[] = {192, 0, 2, 1};
	static const struct wire_rdata a = {address, sizeof address}, soa = {soa_data, sizeof soa_data - 1};
	struct wire_question q;
	struct wire_writer writer;
	if (wire_question_parse(msg, len, &q) != WIRE_ANSWERABLE || !q.has_question)
		return 0;
	int rc = wire_writer_init(&writer, reply, MESSAGE_MAX, q.id, WIRE_QR | WIRE_AA | (q.flags & WIRE_RD));
	if (rc == 0)
		rc = wire_writer_question(&writer, q.qname, q.qtype, WIRE_CLASS_IN);
	if (rc == 0 && q.qtype == WIRE_TYPE_A)
		rc = wire_writer_record(&writer, WIRE_ANSWER, q.qname, WIRE_TYPE_A, WIRE_CLASS_IN, ttl, &a);
	else if (rc == 0)
		rc = wire_writer_record(&writer, q.qtype == WIRE_TYPE_SOA ? WIRE_ANSWER : WIRE_AUTHORITY, apex,
					WIRE_TYPE_SOA, WIRE_CLASS_IN, ttl, &soa);
	if (rc == 0)
		rc = wire_writer_edns(&writer, 1232, 0, false, NULL, 0);
	return rc < 0 ? 0 : wire_writer_finish(&writer);
}

static void serve(int fd, uint32_t ttl)
{
	static uint8_t in[BATCH][MESSAGE_MAX], out[BATCH][MESSAGE_MAX];
	static struct sockaddr_in peer[BATCH];
	static struct iovec iov[BATCH], out_iov[BATCH];
	static struct mmsghdr batch[BATCH], replies[BATCH];
	for (;;) {
		unsigned n_out = 0;
		for (unsigned i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec){in[i], MESSAGE_MAX};
			batch[i].msg_hdr = (struct msghdr){.msg_name = &peer[i],
							   .msg_namelen = sizeof peer[i],
							   .msg_iov = &iov[i],
							   .msg_iovlen = 1};
		}
		int n = recvmmsg(fd, batch, BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++) {
			size_t len = answer(in[i], batch[i].msg_len, ttl, out[n_out]);
			if (len == 0)
				continue;
			out_iov[n_out] = (struct iovec){out[n_out], len};
			replies[n_out].msg_hdr = batch[i].msg_hdr;
			replies[n_out].msg_hdr.msg_iov = &out_iov[n_out];
			n_out++;
		}
		for (unsigned done = 0; done < n_out;) {
			int sent = sendmmsg(fd, replies + done, n_out - done, 0);
			done += sent > 0 ? (unsigned)sent : 1;
		}
	}
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: wild ADDRESS PORT TTL\n");
		return 2;
	}
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = BUFFER;
	if (fd < 0 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1 ||
	    bind(fd, (struct sockaddr *)&at, sizeof at) < 0) {
		perror("wild");
		return 1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	serve(fd, (uint32_t)strtoul(argv[3], NULL, 10));
}
