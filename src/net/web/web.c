// SPDX-License-Identifier: GPL-3.0-or-later
/* The listener: the library, its sockets, its thread. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/private.h"
#include "private.h"

#define LIBRARY     "libmicrohttpd.so.12" /* with the header that this is built with */
#define BACKLOG     128
#define MEMORY      16384 /* bytes a connection: header lines of a request and of a reply */
#define TURN_MAX_MS 1000

static int library_load(struct web_library *library, char why[NET_WEB_WHY_MAX])
{
	library->handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (library->handle == NULL) {
		snprintf(why, NET_WEB_WHY_MAX, "cannot load " LIBRARY ", which serves files: install libmicrohttpd12");
		return BANYAN_ENOENT;
	}
#define WEB_FUNCTION(name) library->name = (__typeof__(name) *)(uintptr_t)dlsym(library->handle, #name);
	WEB_FUNCTIONS(WEB_FUNCTION)
#undef WEB_FUNCTION
#define WEB_FUNCTION(name) &&library->name != NULL
	if (true WEB_FUNCTIONS(WEB_FUNCTION))
		return 0;
#undef WEB_FUNCTION
	snprintf(why, NET_WEB_WHY_MAX, LIBRARY " lacks a function that is needed: version 0.9.75 or later is");
	return BANYAN_EUNSUPP;
}

static int socket_open(const struct addr *addr)
{
	struct sockaddr_storage sa;
	socklen_t len = net_sockaddr_from(addr, 0, &sa);
	int fd = net_socket(addr, SOCK_STREAM);
	if (fd < 0)
		return fd;
	net_socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int rc = net_bind_error(errno);
	close(fd);
	return rc;
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
	return value > 0 ? value : otherwise;
}

static int listener_add(struct net_web *web, const struct net_web_settings *settings, const struct addr *addr,
			char why[NET_WEB_WHY_MAX])
{
	char text[ADDR_TEXT_MAX];
	int fd = socket_open(addr);
	if (fd < 0) {
		snprintf(why, NET_WEB_WHY_MAX, "cannot listen for HTTP on %s: %s", addr_format(addr, true, text),
			 error_text(fd));
		return fd;
	}
	unsigned connections = or_default(settings->connections, NET_WEB_CONNECTIONS);
	unsigned each = or_default(settings->connections_per_address, NET_WEB_CONNECTIONS_PER_ADDRESS);
	unsigned idle_s = or_default(settings->idle_s, NET_WEB_IDLE_S);
	bool limited = web_is_limited(web);
	struct MHD_Daemon *daemon = web->library.MHD_start_daemon(
		limited ? MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME : MHD_USE_EPOLL, 0, NULL, NULL, web_request, web,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, connections,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, each, MHD_OPTION_CONNECTION_TIMEOUT, idle_s,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
	if (daemon == NULL) {
		close(fd);
		snprintf(why, NET_WEB_WHY_MAX, "cannot start to listen for HTTP on %s", addr_format(addr, true, text));
		return BANYAN_ENOMEM;
	}
	web->daemon[web->n] = daemon;
	web->listen_fd[web->n++] = fd;
	return 0;
}

int net_web_open(const struct net_web_settings *settings, struct net_web **ret, char why[NET_WEB_WHY_MAX])
{
	if (settings->n_listen > NET_WEB_LISTEN_MAX) {
		snprintf(why, NET_WEB_WHY_MAX, "at most %d addresses for HTTP", NET_WEB_LISTEN_MAX);
		return BANYAN_ELIMIT;
	}
	struct net_web *web = calloc(1, sizeof *web);
	if (web == NULL) {
		snprintf(why, NET_WEB_WHY_MAX, "out of memory");
		return BANYAN_ENOMEM;
	}
	web->counters = settings->counters != NULL ? settings->counters : &web->own_counters;
	web_rates_init(&web->rates, or_default(settings->rate, NET_WEB_RATE));
	web_flow_init(&web->flow, settings->bandwidth_each, settings->bandwidth_all);
	TAILQ_INIT(&web->waiting);
	web->wake_fd = -1;
	web->folder_fd = open(settings->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;
	if (web->folder_fd < 0) {
		snprintf(why, NET_WEB_WHY_MAX, "%s: the folder to serve cannot be opened: %s; make it",
			 settings->folder, strerror(errno));
		rc = error_from_errno(errno);
	}
	if (rc == 0)
		rc = library_load(&web->library, why);
	for (size_t i = 0; i < settings->n_listen && rc == 0; i++)
		rc = listener_add(web, settings, &settings->listen[i], why);
	if (rc < 0) {
		net_web_free(web);
		return rc;
	}
	*ret = web;
	return 0;
}

/* How long nothing needs to be done but what sockets ask for. */
static int wait_ms(const struct net_web *web)
{
	int ms = TURN_MAX_MS;
	for (size_t i = 0; i < web->n; i++) {
		MHD_UNSIGNED_LONG_LONG timeout;
		if (web->library.MHD_get_timeout(web->daemon[i], &timeout) == MHD_YES && timeout < (unsigned)ms)
			ms = (int)timeout;
	}
	return ms;
}

static void *web_run(void *arg)
{
	struct net_web *web = arg;
	struct pollfd fds[NET_WEB_LISTEN_MAX + 1];
	sigset_t all;
	sigfillset(&all); /* signals are the main thread's; a client that went away is told by the write */
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	for (size_t i = 0; i < web->n; i++)
		fds[i] = (struct pollfd){
			.fd = web->library.MHD_get_daemon_info(web->daemon[i], MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
			.events = POLLIN};
	fds[web->n] = (struct pollfd){.fd = web->wake_fd, .events = POLLIN};
	while (fds[web->n].revents == 0) {
		int64_t turn_ms = web_send_turns(web, false);
		int ms = wait_ms(web);
		(void)poll(fds, web->n + 1, turn_ms >= 0 && turn_ms < ms ? (int)turn_ms : ms);
		(void)web_send_turns(web, false);
		for (size_t i = 0; i < web->n; i++)
			web->library.MHD_run(web->daemon[i]);
	}
	return NULL;
}

int net_web_start(struct net_web *web)
{
	web->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (web->wake_fd < 0)
		return error_from_errno(errno);
	int err = pthread_create(&web->thread, NULL, web_run, web);
	web->running = err == 0;
	return error_from_errno(err);
}

void net_web_free(struct net_web *web)
{
	if (web == NULL)
		return;
	if (web->running) {
		(void)eventfd_write(web->wake_fd, 1);
		pthread_join(web->thread, NULL);
	}
	if (web->library.handle != NULL)
		(void)web_send_turns(web, true); /* as the library wants it before the end */
	for (size_t i = 0; i < web->n; i++) {
		web->library.MHD_stop_daemon(web->daemon[i]); /* closes the socket, too */
	}
	if (web->wake_fd >= 0)
		close(web->wake_fd);
	if (web->folder_fd >= 0)
		close(web->folder_fd);
	if (web->library.handle != NULL)
		dlclose(web->library.handle);
	free(web);
}

int net_web_address(const struct net_web *web, size_t i, struct addr *ret)
{
	return i < web->n ? net_socket_local(web->listen_fd[i], ret) : BANYAN_EINVAL;
}
