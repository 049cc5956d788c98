/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/memory.h"
#include "common/proc.h"
#include "common/sockets.h"

#define LISTENS		0x0a	/* TCP_LISTEN, as /proc/net/tcp has it */

/* One socket; what it is called is made only for those asked for. */
struct entry {
	uint64_t inode;
	const char *kind;	/* tcp, tcp6, udp, ..., unix */
	char *line;
};

struct sockets {
	pid_t pid;
	bool read;
	struct entry *list;
	size_t count;
	size_t room;
};

static const char *const inet_kinds[] = { "tcp", "tcp6", "udp", "udp6" };

struct sockets *sockets_new(pid_t pid)
{
	struct sockets *sockets = memory_zeroed(1, sizeof(*sockets));

	sockets->pid = pid;
	return sockets;
}

void sockets_free(struct sockets *sockets)
{
	size_t i;

	if (!sockets)
		return;
	for (i = 0; i < sockets->count; i++)
		free(sockets->list[i].line);
	free(sockets->list);
	free(sockets);
}

/* The start of the n-th word, from 0; NULL if there are fewer. */
static const char *word(const char *line, int n)
{
	line += strspn(line, " ");
	for (; n && *line; n--) {
		line += strcspn(line, " \n");
		line += strspn(line, " ");
	}
	return *line && *line != '\n' ? line : NULL;
}

static void add(struct sockets *s, const char *kind, const char *line,
		int column)
{
	const char *inode = word(line, column);

	if (!inode || !isdigit((unsigned char)*inode))
		return;
	if (s->count == s->room) {
		s->room = s->room ? s->room * 2 : 64;
		s->list = memory_get(s->list, s->room * sizeof(*s->list));
	}
	s->list[s->count] = (struct entry){
		.inode = strtoull(inode, NULL, 10),
		.kind = kind,
		.line = strdup(line),
	};
	if (!s->list[s->count++].line)
		memory_out();
}

/* The inode stands in another column of each kind of file. */
static void read_kind(struct sockets *s, const char *kind, int column)
{
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *in;

	in = fopen(proc_path(path, s->pid, "net/%s", kind), "re");
	if (!in)
		return;
	while (getline(&line, &size, in) > 0)
		add(s, kind, line, column);
	free(line);
	fclose(in);
}

static int by_inode(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->inode > y->inode) - (x->inode < y->inode);
}

static void read_all(struct sockets *s)
{
	unsigned int i;

	s->read = true;
	for (i = 0; i < sizeof(inet_kinds) / sizeof(*inet_kinds); i++)
		read_kind(s, inet_kinds[i], 9);
	read_kind(s, "unix", 6);
	if (s->count)
		qsort(s->list, s->count, sizeof(*s->list), by_inode);
}

/* "0100007F:1F90": the address in words as the machine stores them. */
static void put_address(char *text, size_t size, const char *word)
{
	size_t digits = strcspn(word, ":"), i;
	unsigned int port = (unsigned int)strtoul(word + digits + 1, NULL, 16);
	char host[INET6_ADDRSTRLEN], part[9] = "";
	uint32_t address[4] = { 0 };

	for (i = 0; i < digits / 8 && i < 4; i++) {
		memcpy(part, word + 8 * i, 8);
		address[i] = (uint32_t)strtoul(part, NULL, 16);
	}
	if (!inet_ntop(digits > 8 ? AF_INET6 : AF_INET, address, host,
		       sizeof(host)))
		strcpy(host, "?");
	snprintf(text, size, digits > 8 ? "[%s]:%u" : "%s:%u", host, port);
}

static void describe_inet(const struct entry *e, char text[SOCKETS_TEXT])
{
	const char *local = word(e->line, 1), *remote = word(e->line, 2);
	const char *state = word(e->line, 3);
	char here[64], there[64];

	put_address(here, sizeof(here), local);
	put_address(there, sizeof(there), remote);
	if (!strncmp(e->kind, "tcp", 3) && strtoul(state, NULL, 16) == LISTENS)
		snprintf(text, SOCKETS_TEXT, "tcp %s listens", here);
	else if (strtoul(strchr(remote, ':') + 1, NULL, 16))
		snprintf(text, SOCKETS_TEXT, "%.3s %s <- %s", e->kind, here,
			 there);
	else
		snprintf(text, SOCKETS_TEXT, "%.3s %s", e->kind, here);
}

static void describe_unix(const struct entry *e, char text[SOCKETS_TEXT])
{
	const char *path = word(e->line, 7);

	if (path)
		snprintf(text, SOCKETS_TEXT, "unix %.*s",
			 (int)strcspn(path, "\n"), path);
	else
		snprintf(text, SOCKETS_TEXT, "unix %llu",
			 (unsigned long long)e->inode);
}

static char *describe_socket(struct sockets *s, uint64_t inode,
			     char text[SOCKETS_TEXT])
{
	struct entry key = { .inode = inode }, *e = NULL;

	if (!s->read)
		read_all(s);
	if (s->count)
		e = bsearch(&key, s->list, s->count, sizeof(key), by_inode);
	if (!e)
		snprintf(text, SOCKETS_TEXT, "socket %llu",
			 (unsigned long long)inode);
	else if (!strcmp(e->kind, "unix"))
		describe_unix(e, text);
	else
		describe_inet(e, text);
	return text;
}

char *sockets_describe(struct sockets *sockets, int fd,
		       char text[SOCKETS_TEXT])
{
	char path[64];
	ssize_t n = readlink(proc_path(path, sockets->pid, "fd/%d", fd), text,
			     SOCKETS_TEXT - 1);

	if (n < 0)
		return strcpy(text, errno == ENOENT ? "closed" : "?");
	text[n] = '\0';
	if (!strncmp(text, "socket:[", 8))
		return describe_socket(sockets, strtoull(text + 8, NULL, 10),
				       text);
	if (!strncmp(text, "pipe:[", 6))
		snprintf(text, SOCKETS_TEXT, "pipe %llu",
			 strtoull(strdupa(text) + 6, NULL, 10));
	if (!strncmp(text, "anon_inode:", 11))
		memmove(text, text + 11, strlen(text + 11) + 1);
	return text;
}
