/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

/*
 * Only paths on which the security modules look at each transfer are used:
 * sock_recvmsg, sock_sendmsg, vfs_iocb_iter_*. Files that have only the old
 * read and write methods are checked as those paths would do it.
 *
 * Control messages, addresses and flags that are meant for the kernel's own
 * senders never get in: flags were checked against a list of allowed ones.
 */
#include <linux/fs.h>
#include <linux/giambio.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/uio.h>
#include <net/sock.h>

#include "compat.h"
#include "io.h"
#include "watch.h"

/* The program sees what its own system call would have told it. */
static int gmb_io_result(ssize_t ret)
{
	if (likely(ret >= 0))
		return ret;
	switch (ret) {
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		return -EINTR;
	}
	return ret;
}

static int gmb_io_iter(struct iov_iter *iter, unsigned int direction, u64 addr,
		       u32 len)
{
	void __user *buf = u64_to_user_ptr(addr);

	if (unlikely((u64)(uintptr_t)buf != addr || !access_ok(buf, len)))
		return -EFAULT;
	iov_iter_ubuf(iter, direction, buf, min_t(size_t, len, MAX_RW_COUNT));
	return 0;
}

/*
 * Whether a receive would find something. For plain TCP and unix streams the
 * socket's own state tells; what changes after the look sets GMB_CAN_READ.
 */
static bool gmb_io_sock_more(struct gmb_watch *w, struct socket *sock, int inq)
{
	struct sock *sk = sock->sk;

	if (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN ||
	    READ_ONCE(sk->sk_err))
		return true;
	if (inq >= 0)
		return inq > 0;
	/* A user's data on a unix socket is a queue that sockmap added. */
	if (sk->sk_family == AF_UNIX && sock->type == SOCK_STREAM &&
	    !READ_ONCE(sk->sk_user_data))
		return !skb_queue_empty_lockless(&sk->sk_receive_queue);
	return gmb_watch_poll(w) & (GMB_EVENTS_IN | GMB_EVENTS_END);
}

/**
 * gmb_io_recv() - one attempt at receiving from a socket
 * @w:    watch
 * @addr: buffer of the program's
 * @len:  its bytes
 * @msg:  MSG_ flags, checked
 * @more: [out] on success whether another attempt may succeed at once
 *
 * Return: as gmb_io_in().
 */
int gmb_io_recv(struct gmb_watch *w, u64 addr, u32 len, u32 msg, bool *more)
{
	struct socket *sock = w->file->private_data;
	struct msghdr hdr = {
		.msg_get_inq = 1,
		.msg_inq = -1, /* until the protocol says */
	};
	int ret;

	ret = gmb_io_iter(&hdr.msg_iter, ITER_DEST, addr, len);
	if (unlikely(ret))
		return ret;
	ret = sock_recvmsg(sock, &hdr, msg | MSG_DONTWAIT);
	if (likely(ret >= 0))
		*more = msg & MSG_PEEK ||
			gmb_io_sock_more(w, sock, hdr.msg_inq);
	return gmb_io_result(ret);
}

/**
 * gmb_io_send() - one attempt at sending through a socket
 * @w:    watch
 * @addr: buffer of the program's
 * @len:  its bytes
 * @msg:  MSG_ flags, checked
 *
 * Return: as gmb_io_out().
 */
int gmb_io_send(struct gmb_watch *w, u64 addr, u32 len, u32 msg)
{
	struct msghdr hdr = {
		.msg_flags = msg | MSG_DONTWAIT | MSG_NOSIGNAL,
	};
	int ret;

	ret = gmb_io_iter(&hdr.msg_iter, ITER_SOURCE, addr, len);
	if (unlikely(ret))
		return ret;
	return gmb_io_result(sock_sendmsg(w->file->private_data, &hdr));
}

/* Files without the iter methods: eventfd, timerfd, signalfd on 6.1. */
static ssize_t gmb_io_read_old(struct file *file, u64 addr, u32 len)
{
	loff_t pos = 0;
	ssize_t ret = rw_verify_area(READ, file, &pos, len);

	if (ret)
		return ret;
	return file->f_op->read(file, u64_to_user_ptr(addr), len, &pos);
}

static ssize_t gmb_io_write_old(struct file *file, u64 addr, u32 len)
{
	loff_t pos = 0;
	ssize_t ret = rw_verify_area(WRITE, file, &pos, len);

	if (ret)
		return ret;
	return file->f_op->write(file, u64_to_user_ptr(addr), len, &pos);
}

static int gmb_io_may_try(struct file *file)
{
	/* Without either a read might wait; the flag can change any time. */
	if (!(file->f_flags & O_NONBLOCK) && !(file->f_mode & FMODE_NOWAIT))
		return -EOPNOTSUPP;
	return 0;
}

static void gmb_io_kiocb(struct kiocb *iocb, struct file *file)
{
	init_sync_kiocb(iocb, file);
	iocb->ki_pos = 0;
	if (file->f_mode & FMODE_NOWAIT)
		iocb->ki_flags |= IOCB_NOWAIT;
}

/**
 * gmb_io_read() - one attempt at reading from another file
 * @w:    watch
 * @addr: buffer of the program's
 * @len:  its bytes
 * @more: [out] on success whether another attempt may succeed at once
 *
 * Return: as gmb_io_in().
 */
int gmb_io_read(struct gmb_watch *w, u64 addr, u32 len, bool *more)
{
	struct file *file = w->file;
	struct iov_iter iter;
	struct kiocb iocb;
	ssize_t ret;

	ret = gmb_io_may_try(file) ?:
	      gmb_io_iter(&iter, ITER_DEST, addr, len);
	if (ret)
		return ret;
	if (!file->f_op->read_iter) {
		ret = gmb_io_read_old(file, addr, iov_iter_count(&iter));
	} else {
		gmb_io_kiocb(&iocb, file);
		ret = vfs_iocb_iter_read(file, &iocb, &iter);
	}
	if (ret >= 0)
		*more = gmb_watch_poll(w) & (GMB_EVENTS_IN | GMB_EVENTS_END);
	return gmb_io_result(ret);
}

/**
 * gmb_io_write() - one attempt at writing to another file
 * @w:    watch
 * @addr: buffer of the program's
 * @len:  its bytes
 *
 * Return: as gmb_io_out().
 */
int gmb_io_write(struct gmb_watch *w, u64 addr, u32 len)
{
	struct file *file = w->file;
	struct iov_iter iter;
	struct kiocb iocb;
	ssize_t ret;

	ret = gmb_io_may_try(file) ?:
	      gmb_io_iter(&iter, ITER_SOURCE, addr, len);
	if (ret)
		return ret;
	if (!file->f_op->write_iter) {
		ret = gmb_io_write_old(file, addr, iov_iter_count(&iter));
	} else {
		gmb_io_kiocb(&iocb, file);
		ret = vfs_iocb_iter_write(file, &iocb, &iter);
	}
	return gmb_io_result(ret);
}

/**
 * gmb_io_check_file() - gmb_io_check() for files that are no sockets
 * @w:      watch
 * @opcode: RECV, SEND, EXCHANGE, READ or WRITE
 *
 * Return: as gmb_io_check().
 */
int gmb_io_check_file(const struct gmb_watch *w, u8 opcode)
{
	struct file *file = w->file;
	bool out = opcode == GMB_OP_WRITE;

	if (opcode != GMB_OP_READ && opcode != GMB_OP_WRITE)
		return -ENOTSOCK;
	if (!(file->f_mode & (out ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	if (!(file->f_mode & (out ? FMODE_CAN_WRITE : FMODE_CAN_READ)))
		return -EINVAL;
	if (!(file->f_mode & FMODE_STREAM) && file->f_mode & FMODE_LSEEK &&
	    file->f_op->llseek != noop_llseek)
		return -ESPIPE;
	return gmb_io_may_try(file);
}
