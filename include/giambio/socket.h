/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/*
 * Stream sockets: TCP over IPv4 and IPv6, and unix.
 *
 * A socket is a file (see <giambio/file.h>) with more to it; it belongs to the
 * loop in which it was opened. At most one task may wait to receive and one to
 * send at a time: a second one gets -EBUSY, because bytes that two tasks take
 * from one stream are of no use to either. No signal is raised by a peer that
 * has gone (no SIGPIPE).
 *
 * What all calls that may suspend can return beside what stands with them:
 * -ECANCELED cancelled, and the operation did not happen; -EBADF closed, also
 * meanwhile by another task; -EXDEV it belongs to another loop; -EPERM outside
 * a task; -ENOMEM, -ENOSPC, -EMFILE no room to watch one more descriptor.
 */
#ifndef GIAMBIO_SOCKET_H
#define GIAMBIO_SOCKET_H

#include <sys/socket.h>
#include <sys/uio.h>
#include <giambio/address.h>
#include <giambio/base.h>
#include <giambio/file.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct gmb_socket - a socket, in caller's storage
 *
 * All members are private. It must stay where it is until it is closed.
 */
struct gmb_socket {
	/* private: */
	struct gmb_file file;
};

/**
 * enum gmb_listen_flags - how a listener is made
 * @GMB_LISTEN_REUSE_PORT: others of this user may listen on the same port, and
 *	the system spreads the connections (TCP)
 * @GMB_LISTEN_IPV6_ONLY:  an IPv6 listener does not take IPv4 (TCP)
 * @GMB_LISTEN_DELAY:      leave Nagle's delay on for the connections; else
 *	TCP_NODELAY is set for them (TCP)
 * @GMB_LISTEN_REPLACE:    if the path is that of a socket to which nobody
 *	listens any more, it is removed first (unix)
 */
enum gmb_listen_flags {
	GMB_LISTEN_REUSE_PORT = 1 << 0,
	GMB_LISTEN_IPV6_ONLY = 1 << 1,
	GMB_LISTEN_DELAY = 1 << 2,
	GMB_LISTEN_REPLACE = 1 << 3,
};

/**
 * struct gmb_listen_opts - what a listener can be told; zero is default
 * @backlog: connections that the system keeps until they are accepted; 0: as
 *	many as it allows
 * @flags:   an or of enum gmb_listen_flags
 */
struct gmb_listen_opts {
	int backlog;
	unsigned int flags;
};

/**
 * gmb_tcp_listen() - listen on a TCP port
 * @listener: [out] caller's storage
 * @host:     a number as in gmb_address_parse(); NULL: every address of this
 *	machine, IPv6 and IPv4
 * @port:     0: the system chooses, see gmb_socket_local()
 * @opts:     NULL for defaults
 *
 * SO_REUSEADDR is set, so a server can be started again at once.
 *
 * Context: task only. Never suspends.
 * Return: 0; -EINVAL it is no number, or unknown flags; -EADDRINUSE;
 *	-EADDRNOTAVAIL; -EACCES the port is for privileged users; -EPERM outside
 *	a task; -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM.
 */
GMB_API GMB_MUST_CHECK int gmb_tcp_listen(struct gmb_socket *listener,
					  const char *host, uint16_t port,
					  const struct gmb_listen_opts *opts);

/**
 * gmb_tcp_listen_group() - one port, a listener for each of several threads
 * @fds:   [out] @count descriptors, to be wrapped by gmb_socket_wrap(), one in
 *	each thread's loop
 * @count: how many, at least 1
 * @host:  as in gmb_tcp_listen()
 * @port:  as in gmb_tcp_listen(); 0: the system chooses one for all
 * @opts:  NULL for defaults; %GMB_LISTEN_REUSE_PORT is implied
 *
 * The system spreads the connections over them.
 *
 * Context: any thread. Never suspends.
 * Return: 0; as gmb_tcp_listen(), and then nothing is open.
 */
GMB_API GMB_MUST_CHECK int
gmb_tcp_listen_group(int *fds, unsigned int count, const char *host,
		     uint16_t port, const struct gmb_listen_opts *opts);

/**
 * gmb_unix_listen() - listen on a unix stream socket
 * @listener: [out] caller's storage
 * @path:     as in gmb_address_unix(); the file is not removed at the close
 * @opts:     NULL for defaults
 *
 * Context: task only. Never suspends.
 * Return: 0; -EADDRINUSE the path exists (see %GMB_LISTEN_REPLACE);
 *	-ENAMETOOLONG; -EINVAL an empty path or unknown flags; -EACCES, -ENOENT
 *	and others of bind(); -EPERM outside a task; -EMFILE, -ENFILE,
 *	-ENOBUFS, -ENOMEM.
 */
GMB_API GMB_MUST_CHECK int gmb_unix_listen(struct gmb_socket *listener,
					   const char *path,
					   const struct gmb_listen_opts *opts);

/**
 * gmb_accept() - take the next connection
 * @listener: listening
 * @socket:   [out] caller's storage
 * @peer:     [out] where it comes from; may be NULL
 *
 * Connections that their peers have given up already are passed over.
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: 0; -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM, -ENOSPC: there is no room
 *	for a connection now, so pause and try again (if there was none to watch
 *	it, this one was closed); -EBUSY another task accepts; -EINVAL it does
 *	not listen; see the top.
 */
GMB_API GMB_MUST_CHECK int gmb_accept(struct gmb_socket *listener,
				      struct gmb_socket *socket,
				      struct gmb_address *peer);

/**
 * gmb_connect() - connect to an address
 * @socket:  [out] caller's storage
 * @address: of a listener
 *
 * TCP_NODELAY is set. A unix listener whose queue is full is tried again from
 * time to time, since the system does not tell when there is room.
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: 0; -ECONNREFUSED, -ETIMEDOUT, -ENETUNREACH and others of connect();
 *	-EMFILE, -ENFILE, -ENOBUFS; -EAFNOSUPPORT; see the top. On an error
 *	nothing is open.
 */
GMB_API GMB_MUST_CHECK int gmb_connect(struct gmb_socket *socket,
				       const struct gmb_address *address);

/**
 * gmb_tcp_connect() - connect to a TCP port of a host
 * @socket: [out] caller's storage
 * @host:   a name, looked up by gmb_resolve(), or a number
 * @port:   1 to 65535; the system refuses 0
 *
 * The addresses of the host are tried one after another.
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: 0; errors of gmb_resolve(); that of gmb_connect() for the last
 *	address.
 */
GMB_API GMB_MUST_CHECK int gmb_tcp_connect(struct gmb_socket *socket,
					   const char *host, uint16_t port);

/**
 * gmb_unix_connect() - connect to a unix stream socket
 * @socket: [out] caller's storage
 * @path:   as in gmb_address_unix()
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: as gmb_connect(); -EINVAL, -ENAMETOOLONG as gmb_address_unix().
 */
GMB_API GMB_MUST_CHECK int gmb_unix_connect(struct gmb_socket *socket,
					    const char *path);

/**
 * gmb_socket_pair() - two unix stream sockets, connected to each other
 * @one:   [out] caller's storage
 * @other: [out] caller's storage
 *
 * Context: task only. Never suspends.
 * Return: 0; -EPERM outside a task; -EMFILE, -ENFILE, -ENOMEM.
 */
GMB_API GMB_MUST_CHECK int gmb_socket_pair(struct gmb_socket *one,
					   struct gmb_socket *other);

/**
 * gmb_socket_wrap() - hand a socket that the program opened to the loop
 * @socket: [out] caller's storage
 * @fd:     a stream socket: connected, listening or neither; is made
 *	non-blocking
 *
 * The descriptor belongs to the library from here on. No option is changed.
 *
 * Context: task only. Never suspends.
 * Return: 0; -ENOTSOCK; -EPERM outside a task; -EBADF no such descriptor;
 *	-ENOMEM. On an error the descriptor is still the caller's.
 */
GMB_API GMB_MUST_CHECK int gmb_socket_wrap(struct gmb_socket *socket, int fd);

/**
 * gmb_receive() - receive some bytes
 * @socket: connected
 * @buf:    [out] @len bytes
 * @len:    how many at most; the system gives at most 2 GiB - 4 KiB at a time
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: bytes received, at least 1; 0 the peer will send no more, or @len is
 *	0; -ECONNRESET; -ENOTCONN; -EBUSY another task receives; other errors of
 *	recv(); see the top.
 */
GMB_API GMB_MUST_CHECK ssize_t gmb_receive(struct gmb_socket *socket, void *buf,
					   size_t len);

/**
 * gmb_receivev() - receive some bytes into several buffers
 * @socket: connected
 * @iov:    [out] buffers, filled in order; must stay until return
 * @count:  how many, 1 to IOV_MAX
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: as gmb_receive(); -EINVAL a bad @count, or lengths beyond measure.
 */
GMB_API GMB_MUST_CHECK ssize_t gmb_receivev(struct gmb_socket *socket,
					    const struct iovec *iov, int count);

/**
 * gmb_receive_exactly() - receive a known number of bytes
 * @socket: connected
 * @buf:    [out] @len bytes
 * @len:    how many
 * @got:    [out] how many bytes are in @buf, also on an error; may be NULL
 *
 * No other task can receive in between.
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: 0 with @len bytes received; -ENODATA the peer stopped sending first;
 *	else as gmb_receive(), and what was received stands in @buf.
 */
GMB_API GMB_MUST_CHECK int gmb_receive_exactly(struct gmb_socket *socket,
					       void *buf, size_t len,
					       size_t *got);

/**
 * gmb_send() - send some bytes
 * @socket: connected
 * @buf:    @len bytes; must stay until return
 * @len:    how many
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: bytes that the system took, at least 1 unless @len is 0; -EPIPE the
 *	peer receives no more; -ECONNRESET; -ENOTCONN; -EBUSY another task
 *	sends; other errors of send(); see the top.
 */
GMB_API GMB_MUST_CHECK ssize_t gmb_send(struct gmb_socket *socket,
					const void *buf, size_t len);

/**
 * gmb_sendv() - send some bytes from several buffers
 * @socket: connected
 * @iov:    buffers; must stay until return
 * @count:  how many, 1 to IOV_MAX
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: as gmb_send(); -EINVAL a bad @count, or lengths beyond measure.
 */
GMB_API GMB_MUST_CHECK ssize_t gmb_sendv(struct gmb_socket *socket,
					 const struct iovec *iov, int count);

/**
 * gmb_send_all() - send all bytes
 * @socket: connected
 * @buf:    @len bytes; must stay until return
 * @len:    how many
 * @put:    [out] how many bytes the system took, also on an error; may be NULL
 *
 * No other task can send in between.
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: 0 with all sent; else as gmb_send(), and @put says how far it got
 *	(also with -ECANCELED).
 */
GMB_API GMB_MUST_CHECK int gmb_send_all(struct gmb_socket *socket,
					const void *buf, size_t len,
					size_t *put);

/**
 * gmb_sendv_all() - send all bytes from several buffers
 * @socket: connected
 * @iov:    buffers; must stay until return, and is not changed
 * @count:  how many, 1 to IOV_MAX
 * @put:    [out] how many bytes the system took, also on an error; may be NULL
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: as gmb_send_all(); -EINVAL as gmb_sendv(); -ENOMEM no memory for a
 *	copy of @iov, made when @count is above 16.
 */
GMB_API GMB_MUST_CHECK int gmb_sendv_all(struct gmb_socket *socket,
					 const struct iovec *iov, int count,
					 size_t *put);

/**
 * gmb_exchange() - send all bytes, then receive some
 * @socket:  connected
 * @out:     @out_len bytes; must stay until return
 * @out_len: how many; 0: nothing is sent
 * @in:      [out] @in_len bytes
 * @in_len:  how many at most; 0: nothing is received
 *
 * The inner step of a server (send the answer, wait for the next request) and
 * of a client. One call instead of two is one chance less for other tasks to
 * run in between, and less work where the system can do both at once.
 *
 * Context: task only; may suspend; cancellation and scheduling point.
 * Return: as gmb_receive(); or as gmb_send_all(). After an error it is not
 *	known how many bytes went out: where that matters, call the two.
 */
GMB_API GMB_MUST_CHECK ssize_t gmb_exchange(struct gmb_socket *socket,
					    const void *out, size_t out_len,
					    void *in, size_t in_len);

/**
 * gmb_socket_shutdown() - end one or both ways of a connection
 * @socket: connected
 * @how:    SHUT_RD, SHUT_WR (the peer receives the end), or SHUT_RDWR
 *
 * Tasks that receive or send in the way that ends see its end. One that waits
 * with gmb_ready() for room on a full unix socket does not: the kernel says
 * nothing of it.
 *
 * Context: any task or hook of the loop. Never suspends.
 * Return: 0; -ENOTCONN; -EINVAL; -EBADF closed; -EXDEV.
 */
GMB_API int gmb_socket_shutdown(struct gmb_socket *socket, int how);

/**
 * gmb_socket_close() - close a socket
 * @socket: open, closed, or zeroed
 *
 * Bytes that were sent are still delivered. Tasks that wait for it get -EBADF.
 *
 * Context: as gmb_file_close(). Never suspends.
 * Return: as gmb_file_close().
 */
GMB_API int gmb_socket_close(struct gmb_socket *socket);

/**
 * gmb_socket_release() - take a socket's descriptor back from the loop
 * @socket: open, with nobody waiting for it
 *
 * Context: task only. Never suspends.
 * Return: as gmb_file_release().
 */
GMB_API GMB_MUST_CHECK int gmb_socket_release(struct gmb_socket *socket);

/**
 * gmb_socket_file() - the file that a socket is
 * @socket: any
 *
 * For gmb_ready(), a reader, and whatever takes files.
 *
 * Context: any. Never suspends.
 * Return: the file; lives as long as the socket.
 */
static inline struct gmb_file *gmb_socket_file(struct gmb_socket *socket)
{
	return &socket->file;
}

/**
 * gmb_socket_fd() - the descriptor of a socket, to look at
 * @socket: open or closed
 *
 * Context: any. Never suspends.
 * Return: as gmb_file_fd().
 */
GMB_API int gmb_socket_fd(const struct gmb_socket *socket);

/**
 * gmb_socket_local() - the address of a socket
 * @socket:  open
 * @address: [out] caller's storage
 *
 * Context: any. Never suspends.
 * Return: 0; -EBADF closed; -ENOBUFS.
 */
GMB_API int gmb_socket_local(const struct gmb_socket *socket,
			     struct gmb_address *address);

/**
 * gmb_socket_peer() - the address of the peer
 * @socket:  connected
 * @address: [out] caller's storage
 *
 * Context: any. Never suspends.
 * Return: 0; -ENOTCONN; -EBADF closed; -ENOBUFS.
 */
GMB_API int gmb_socket_peer(const struct gmb_socket *socket,
			    struct gmb_address *address);

/**
 * gmb_socket_set_nodelay() - send small messages at once, or gather them
 * @socket: TCP
 * @on:     1: at once, which is how the library opens connections; 0: gather
 *
 * Context: any. Never suspends.
 * Return: 0; -EBADF closed; -EOPNOTSUPP it is no TCP socket.
 */
GMB_API int gmb_socket_set_nodelay(struct gmb_socket *socket, int on);

#ifdef __cplusplus
}
#endif

#endif
