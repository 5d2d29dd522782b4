// SPDX-License-Identifier: GPL-3.0-or-later
/* Which addresses can be asked through an interface, in which VLAN and at which card; and which are never a client's. */
#include "xdp.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/if_vlan.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- VLANs ---- */

/* The tag of a VLAN's interface that stands on `below`, or -1. */
static int vlan_on(int fd, const char *name, const char *below)
{
	struct vlan_ioctl_args args = {.cmd = GET_VLAN_REALDEV_NAME_CMD};
	snprintf(args.device1, sizeof(args.device1), "%s", name);
	if (ioctl(fd, SIOCGIFVLAN, &args) < 0 || strcmp(args.u.device2, below) != 0)
		return -1;
	args = (struct vlan_ioctl_args){.cmd = GET_VLAN_VID_CMD};
	snprintf(args.device1, sizeof(args.device1), "%s", name);
	return ioctl(fd, SIOCGIFVLAN, &args) < 0 ? -1 : args.u.VID;
}

static uint32_t mtu_of(int fd, const char *name)
{
	struct ifreq request = {0};
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(fd, SIOCGIFMTU, &request) < 0 || request.ifr_mtu < 0 ? 0 : (uint32_t)request.ifr_mtu;
}

static bool tags_stripped(int fd, const char *name)
{
	struct ethtool_value value = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq request = {.ifr_data = (char *)&value};
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(fd, SIOCETHTOOL, &request) == 0 && (value.data & ETH_FLAG_RXVLAN) != 0;
}

/* Those that receive. libknot counts only the ones that also send. */
static uint32_t queues_of(int fd, const char *name)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq request = {.ifr_data = (char *)&channels};
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, SIOCETHTOOL, &request) < 0)
		return 1;
	uint32_t queues = channels.combined_count + channels.rx_count;
	return queues > 0 ? queues : 1;
}

/* The interface itself is the first, whatever the order of the list. */
static int vlans_find(int fd, const char *interface, const struct ifaddrs *list, struct xdp_places *places)
{
	places->n_vlans = 1;
	places->vlan[0] = (struct xdp_vlan){0};
	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_PACKET)
			continue;
		const struct sockaddr_ll *card = (const struct sockaddr_ll *)i->ifa_addr;
		bool itself = strcmp(i->ifa_name, interface) == 0;
		if (itself && (i->ifa_flags & IFF_LOOPBACK) != 0) /* where all clients have addresses of ours */
			return BANYAN_EINVAL;
		int tag = itself ? 0 : vlan_on(fd, i->ifa_name, interface);
		if (tag < 0 || (tag == 0 && !itself) || card->sll_halen != sizeof(places->vlan[0].mac))
			continue;
		if (!itself && places->n_vlans == XDP_VLANS_MAX)
			return BANYAN_ELIMIT;
		struct xdp_vlan *vlan = &places->vlan[itself ? 0 : places->n_vlans++];
		*vlan = (struct xdp_vlan){
			.id = (uint16_t)tag, .index = (uint32_t)card->sll_ifindex, .mtu = mtu_of(fd, i->ifa_name)};
		memcpy(vlan->mac, card->sll_addr, sizeof(vlan->mac));
	}
	return places->vlan[0].index == 0 ? BANYAN_EUNSUPP : 0; /* no Ethernet */
}

/* ---- addresses ---- */

static bool from_sockaddr(const struct sockaddr *sa, struct addr *ret)
{
	uint32_t scope;
	if (sa == NULL || (sa->sa_family != AF_INET && sa->sa_family != AF_INET6))
		return false;
	struct sockaddr_storage room = {0};
	memcpy(&room, sa, sa->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
	net_sockaddr_to(&room, ret, &scope);
	ret->port = 0;
	return true;
}

static bool is_link_local(const struct addr *addr)
{
	return addr->family == 6 && addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80;
}

/* Does whoever listens on `listen` get what is sent to `addr`? */
static bool listens(const struct addr *listen, const struct addr *addr)
{
	static const uint8_t any[16];
	return listen->family == addr->family &&
	       (memcmp(listen->ip, any, sizeof(any)) == 0 || memcmp(listen->ip, addr->ip, sizeof(any)) == 0);
}

static int place_add(struct xdp_places *places, const struct addr *addr, uint16_t port, uint32_t vlan)
{
	if (places->n_places == XDP_PLACES_MAX)
		return BANYAN_ELIMIT;
	struct xdp_place *place = &places->place[places->n_places++];
	*place = (struct xdp_place){.addr = *addr, .vlan = vlan};
	place->addr.port = port;
	return 0;
}

/* An address of the interface or of a VLAN on it belongs there alone. One of another interface, of the loopback most often, can be
 * reached through all of them (Linux answers for it on any); but where tags are taken off before we see them, nobody knows by
 * which VLAN such a question came. */
static int place_all(struct xdp_places *places, const char *owner, const char *interface, const struct addr *addr,
		     uint16_t port)
{
	uint32_t index = if_nametoindex(owner);
	for (uint32_t i = 0; i < places->n_vlans; i++)
		if (places->vlan[i].index == index)
			return place_add(places, addr, port, i);
	if (is_link_local(addr))
		return 0;
	int rc = places->tags_stripped && places->n_vlans > 1 ? 0 : place_add(places, addr, port, 0);
	for (uint32_t i = 1; rc == 0 && i < places->n_vlans; i++)
		rc = place_add(places, addr, port, i);
	return rc;
}

static int compare(const void *a, const void *b)
{
	const struct addr *x = a, *y = b;
	int by_family = (x->family > y->family) - (x->family < y->family);
	return by_family != 0 ? by_family : memcmp(x->ip, y->ip, sizeof(x->ip));
}

static int own_add(struct xdp_places *places, const struct sockaddr *sa)
{
	struct addr addr;
	if (!from_sockaddr(sa, &addr))
		return 0;
	if (places->n_own == XDP_PLACES_MAX)
		return BANYAN_ELIMIT;
	places->own[places->n_own++] = addr;
	return 0;
}

static int addresses_find(const char *interface, const struct ifaddrs *list, size_t n_listen, const struct addr *listen,
			  struct xdp_places *places)
{
	int rc = 0;
	for (const struct ifaddrs *i = list; rc == 0 && i != NULL; i = i->ifa_next) {
		struct addr addr;
		if (!from_sockaddr(i->ifa_addr, &addr))
			continue;
		rc = own_add(places, i->ifa_addr);
		if (rc == 0 && (i->ifa_flags & IFF_BROADCAST) != 0)
			rc = own_add(places, i->ifa_broadaddr);
		if (addr_is_loopback(&addr)) /* never on a wire */
			continue;
		for (size_t k = 0; rc == 0 && k < n_listen; k++)
			if (listens(&listen[k], &addr))
				rc = place_all(places, i->ifa_name, interface, &addr, listen[k].port);
	}
	return rc;
}

static uint8_t last_byte(const struct addr *addr)
{
	return addr->ip[addr->family == 4 ? 3 : 15];
}

void xdp_places_sort(struct xdp_places *places)
{
	qsort(places->own, places->n_own, sizeof(*places->own), compare);
	memset(places->own_ends, 0, sizeof(places->own_ends));
	for (uint32_t i = 0; i < places->n_own; i++) {
		uint8_t end = last_byte(&places->own[i]);
		places->own_ends[end / 64] |= UINT64_C(1) << (end % 64);
	}
}

bool xdp_places_own(const struct xdp_places *places, const struct addr *addr)
{
	uint8_t end = last_byte(addr);
	return (places->own_ends[end / 64] & UINT64_C(1) << (end % 64)) != 0 &&
	       bsearch(addr, places->own, places->n_own, sizeof(*places->own), compare) != NULL;
}

void xdp_places_done(struct xdp_places *places)
{
	free(places->place);
	free(places->own);
	places->place = NULL;
	places->own = NULL;
}

int xdp_places_find(const char *interface, size_t n_listen, const struct addr *listen, struct xdp_places *ret)
{
	struct ifaddrs *list;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_from_errno(errno);
	if (getifaddrs(&list) < 0) {
		int rc = error_from_errno(errno);
		close(fd);
		return rc;
	}
	*ret = (struct xdp_places){.place = calloc(XDP_PLACES_MAX, sizeof(*ret->place)),
				   .own = calloc(XDP_PLACES_MAX, sizeof(*ret->own))};
	int rc = ret->place == NULL || ret->own == NULL ? BANYAN_ENOMEM : 0;
	if (rc == 0)
		rc = vlans_find(fd, interface, list, ret);
	ret->tags_stripped = tags_stripped(fd, interface);
	ret->n_queues = queues_of(fd, interface);
	if (rc == 0)
		rc = addresses_find(interface, list, n_listen, listen, ret);
	if (rc == 0)
		xdp_places_sort(ret);
	if (rc == 0 && ret->n_places == 0)
		rc = BANYAN_ENOENT;
	freeifaddrs(list);
	close(fd);
	if (rc < 0)
		xdp_places_done(ret);
	return rc;
}
