/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <giambio/address.h>

#define PATH_OFFSET	offsetof(struct sockaddr_un, sun_path)

static void set_in6(struct gmb_address *address, const struct in6_addr *host,
		    uint32_t scope, uint16_t port)
{
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = *host,
		.sin6_scope_id = scope,
	};

	memcpy(&address->storage, &in6, sizeof(in6));
	address->len = sizeof(in6);
}

static void set_in(struct gmb_address *address, const struct in_addr *host,
		   uint16_t port)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = *host,
	};

	memcpy(&address->storage, &in, sizeof(in));
	address->len = sizeof(in);
}

/* The text behind the '%': the name of an interface, or its number. */
static int parse_scope(const char *text, uint32_t *scope)
{
	char *end;

	*scope = if_nametoindex(text);
	if (*scope)
		return 0;
	*scope = (uint32_t)strtoul(text, &end, 10);
	return *text && !*end && *scope ? 0 : -ENODEV;
}

/* Copy a host without its brackets; cut off what stands behind '%'. */
static int split_host(const char *host, char *buf, size_t size, char **scope)
{
	size_t len = strlen(host);

	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (len >= size)
		return -EINVAL;
	memcpy(buf, host, len);
	buf[len] = '\0';
	*scope = strchr(buf, '%');
	if (*scope)
		*(*scope)++ = '\0';
	return 0;
}

int gmb_address_parse(struct gmb_address *address, const char *host,
		      uint16_t port)
{
	char text[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE], *scope_text;
	struct in6_addr in6;
	struct in_addr in;
	uint32_t scope = 0;
	int rc;

	memset(address, 0, sizeof(*address));
	if (!host) {
		set_in6(address, &in6addr_any, 0, port);
		return 0;
	}
	if (inet_pton(AF_INET, host, &in) == 1) {
		set_in(address, &in, port);
		return 0;
	}
	rc = split_host(host, text, sizeof(text), &scope_text);
	if (rc)
		return rc;
	if (inet_pton(AF_INET6, text, &in6) != 1)
		return -EINVAL;
	if (scope_text)
		rc = parse_scope(scope_text, &scope);
	if (!rc)
		set_in6(address, &in6, scope, port);
	return rc;
}

int gmb_address_unix(struct gmb_address *address, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	memset(address, 0, sizeof(*address));
	if (!len)
		return -EINVAL;
	if (len >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	memcpy(un.sun_path, path, len);
	/* An abstract name is counted; a path ends with a zero. */
	if (un.sun_path[0] == '@')
		un.sun_path[0] = '\0';
	else
		len++;
	memcpy(&address->storage, &un, sizeof(un));
	address->len = (socklen_t)(PATH_OFFSET + len);
	return 0;
}

static int format_unix(const struct gmb_address *address, char *buf,
		       size_t size)
{
	const struct sockaddr_un *un = (const void *)&address->storage;
	size_t len = 0;

	if (address->len > PATH_OFFSET)
		len = address->len - PATH_OFFSET;
	if (len > sizeof(un->sun_path))
		len = sizeof(un->sun_path);
	if (!len)
		return snprintf(buf, size, "unnamed");
	if (!un->sun_path[0])
		return snprintf(buf, size, "@%.*s", (int)len - 1,
				un->sun_path + 1);
	return snprintf(buf, size, "%.*s", (int)len, un->sun_path);
}

static int format_in6(const struct gmb_address *address, char *buf, size_t size)
{
	const struct sockaddr_in6 *in6 = (const void *)&address->storage;
	char host[INET6_ADDRSTRLEN], name[IF_NAMESIZE];
	unsigned int scope = in6->sin6_scope_id;

	inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
	if (!scope)
		return snprintf(buf, size, "[%s]:%u", host,
				ntohs(in6->sin6_port));
	if (if_indextoname(scope, name))
		return snprintf(buf, size, "[%s%%%s]:%u", host, name,
				ntohs(in6->sin6_port));
	return snprintf(buf, size, "[%s%%%u]:%u", host, scope,
			ntohs(in6->sin6_port));
}

int gmb_address_format(const struct gmb_address *address, char *buf,
		       size_t size)
{
	const struct sockaddr_in *in = (const void *)&address->storage;
	int family = address->len ? address->storage.ss_family : AF_UNSPEC;
	char host[INET_ADDRSTRLEN];
	int n;

	switch (family) {
	case AF_INET:
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		n = snprintf(buf, size, "%s:%u", host, ntohs(in->sin_port));
		break;
	case AF_INET6:
		n = format_in6(address, buf, size);
		break;
	case AF_UNIX:
		n = format_unix(address, buf, size);
		break;
	default:
		n = snprintf(buf, size, "family %d", family);
	}
	return (size_t)n < size ? n : -ENOSPC;
}

int gmb_address_port(const struct gmb_address *address)
{
	const struct sockaddr_in6 *in6 = (const void *)&address->storage;
	const struct sockaddr_in *in = (const void *)&address->storage;

	if (!address->len)
		return -EAFNOSUPPORT;
	if (address->storage.ss_family == AF_INET)
		return ntohs(in->sin_port);
	if (address->storage.ss_family == AF_INET6)
		return ntohs(in6->sin6_port);
	return -EAFNOSUPPORT;
}
