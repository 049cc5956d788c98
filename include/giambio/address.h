/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Addresses of sockets: from text, to text, and from the name of a host.
 */
#ifndef GIAMBIO_ADDRESS_H
#define GIAMBIO_ADDRESS_H

#include <sys/socket.h>
#include <giambio/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Room for the text of any address with its final zero. */
#define GMB_ADDRESS_TEXT	128

/**
 * struct gmb_address - where a socket is, or where its peer is
 * @storage: as the system takes and gives it
 * @len:     how many bytes of it count; 0: no address
 */
struct gmb_address {
	struct sockaddr_storage storage;
	socklen_t len;
};

/**
 * gmb_address_parse() - make an address of a number and a port
 * @address: [out] caller's storage
 * @host:    "127.0.0.1", "::1", "[::1]", "fe80::1%eth0"; NULL: every address
 *	of this machine (IPv6, and IPv4 through it)
 * @port:    0 to 65535; 0 lets the system choose where that makes sense
 *
 * Names are not looked up: see gmb_resolve().
 *
 * Context: any. Never suspends.
 * Return: 0; -EINVAL it is no number; -ENODEV there is no such interface.
 */
GMB_API GMB_MUST_CHECK int gmb_address_parse(struct gmb_address *address,
					     const char *host, uint16_t port);

/**
 * gmb_address_unix() - make an address of a path
 * @address: [out] caller's storage
 * @path:    at most 107 bytes; with a leading '@' it is a name in the abstract
 *	namespace, which needs no file and goes with the socket
 *
 * Context: any. Never suspends.
 * Return: 0; -EINVAL an empty path; -ENAMETOOLONG.
 */
GMB_API GMB_MUST_CHECK int gmb_address_unix(struct gmb_address *address,
					    const char *path);

/**
 * gmb_address_format() - write an address as text
 * @address: any
 * @buf:     [out] @size bytes; always ends with a zero if @size is not 0
 * @size:    %GMB_ADDRESS_TEXT is enough for all
 *
 * "127.0.0.1:80", "[::1]:80", "/run/name", "@abstract", "unnamed" for a unix
 * socket that has none, and "family N" for what the library does not know.
 *
 * Context: any. Never suspends.
 * Return: the length of the text; -ENOSPC it was cut.
 */
GMB_API int gmb_address_format(const struct gmb_address *address, char *buf,
			       size_t size);

/**
 * gmb_address_port() - the port of an address
 * @address: any
 *
 * Context: any. Never suspends.
 * Return: 0 to 65535; -EAFNOSUPPORT it is neither IPv4 nor IPv6.
 */
GMB_API int gmb_address_port(const struct gmb_address *address);

/**
 * gmb_resolve() - look up the addresses of a host
 * @host:  a name, or a number as in gmb_address_parse()
 * @port:  put into every address
 * @out:   [out] @max addresses, best first
 * @max:   greater than 0; more are left out
 *
 * The system's own look-up (getaddrinfo) blocks, so it runs in a thread made
 * for it. A cancelled one is left to itself: the call returns at once, and the
 * thread ends when the system lets it. A number needs no thread.
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: how many addresses, at least 1; -ENOENT no such host, or it has no
 *	address; -EAGAIN the name server does not answer now, or no thread could
 *	be made; -EIO the look-up failed; -EINVAL; -ECANCELED; -ENOMEM; -EPERM
 *	outside a task.
 */
GMB_API GMB_MUST_CHECK int gmb_resolve(const char *host, uint16_t port,
				       struct gmb_address *out, size_t max);

#ifdef __cplusplus
}
#endif

#endif
