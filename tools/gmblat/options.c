/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/say.h"
#include "common/units.h"
#include "gmblat/options.h"
#include "gmblat/random.h"
#include "gmblat/stream.h"

enum {
	OPT_SVG = 256,
	OPT_HOLD,
	OPT_WORK,
};

static const struct option longs[] = {
	{ "backends", required_argument, NULL, 'b' },
	{ "kinds", required_argument, NULL, 'k' },
	{ "events", required_argument, NULL, 'n' },
	{ "warmup", required_argument, NULL, 'w' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "interval", required_argument, NULL, 'i' },
	{ "seed", required_argument, NULL, 's' },
	{ "counts", required_argument, NULL, 'c' },
	{ "hogs", required_argument, NULL, 'H' },
	{ "slack", required_argument, NULL, 'S' },
	{ "hold", required_argument, NULL, OPT_HOLD },
	{ "work", required_argument, NULL, OPT_WORK },
	{ "quick", no_argument, NULL, 'q' },
	{ "json", no_argument, NULL, 'j' },
	{ "svg", required_argument, NULL, OPT_SVG },
	{ "list", no_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"Usage: gmblat [OPTION...] EXPERIMENT...\n"
	"Measure latencies of giambio's backends; all of them, unless you choose.\n"
	"\n"
	"Experiments (or: all):\n";

static const char help_options[] =
	"\n"
	"  -b, --backends LIST   of kmod, uring, epoll\n"
	"  -k, --kinds LIST      of pipe, eventfd, unix, tcp, timer, mailbox\n"
	"  -n, --events N        measured in each case and round (1000)\n"
	"  -w, --warmup N        events before those, which do not count (100)\n"
	"  -r, --rounds N        how often each case is run (3)\n"
	"  -i, --interval TIME   mean time between events (1ms)\n"
	"  -s, --seed N          of the random moments (another one each time)\n"
	"  -c, --counts LIST     load: neighbours; timers: sleepers; batch: streams;\n"
	"                        connections: idle ones\n"
	"  -H, --hogs LIST       load: hog threads\n"
	"  -S, --slack LIST      batch: budgets, such as 0,100us,1ms\n"
	"      --hold TIME       load: a neighbour holds the loop that long\n"
	"      --work TIME       load: how long a neighbour works before it gives way (10us)\n"
	"  -q, --quick           200 events, one round\n"
	"  -j, --json            print JSON\n"
	"      --svg FILE        draw a picture; one experiment only\n"
	"  -l, --list            name the experiments\n"
	"  -h, --help            this text\n"
	"  -V, --version         the version\n"
	"\n"
	"gmblat(8) says what each experiment shows and how to read it.\n";

/* Values */

/* Nanoseconds of "50us"; -1: that is no time. A unit is asked for, but for 0. */
static int64_t parse_time(const char *text, const char *end)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {
		{ "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 },
	};
	size_t i, left;
	double value;
	char *after;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return -1;
	value = strtod(text, &after);
	left = (size_t)(end - after);
	if (!left)
		return value == 0 ? 0 : -1;
	for (i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (left == strlen(units[i].name) &&
		    !strncmp(after, units[i].name, left) &&
		    value * units[i].ns <= 3600e9)
			return (int64_t)(value * units[i].ns);
	}
	return -1;
}

/* A number such as "100", "10k"; -1: that is none. */
static int64_t parse_count(const char *text, const char *end)
{
	int64_t value;
	char *after;

	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	value = strtoll(text, &after, 10);
	if (errno || value > INT64_C(1000000000))
		return -1;
	if (after < end && *after == 'k') {
		value *= 1000;
		after++;
	}
	return after == end ? value : -1;
}

typedef int64_t (*parse_fn)(const char *text, const char *end);

static int bad(const char *option, const char *text, const char *wanted)
{
	return say(EXIT_USAGE, "%s cannot be '%s'; give %s", option, text,
		   wanted);
}

static int parse_list(struct list *list, const char *text, parse_fn parse,
		      const char *option, const char *wanted)
{
	const char *item = text, *end;
	int64_t value;

	list->count = 0;
	do {
		end = item + strcspn(item, ",");
		value = parse(item, end);
		if (value < 0 || list->count == LIST_MAX)
			return bad(option, text, wanted);
		list->values[list->count++] = value;
		item = end + 1;
	} while (*end);
	return -1;
}

static int parse_kinds(unsigned int *kinds, const char *text)
{
	const char *item = text, *end;
	int kind;

	*kinds = 0;
	do {
		end = item + strcspn(item, ",");
		for (kind = 0; kind < KIND_COUNT; kind++) {
			if (strlen(kind_names[kind]) == (size_t)(end - item) &&
			    !strncmp(kind_names[kind], item,
				     (size_t)(end - item)))
				break;
		}
		if (kind == KIND_COUNT)
			return bad("--kinds", text,
				   "some of pipe, eventfd, unix, tcp, timer and mailbox, parted by commas");
		*kinds |= 1u << kind;
		item = end + 1;
	} while (*end);
	return -1;
}

static int parse_one(int64_t *value, const char *text, parse_fn parse,
		     int64_t min, int64_t max, const char *option,
		     const char *wanted)
{
	*value = parse(text, text + strlen(text));
	return *value < min || *value > max ? bad(option, text, wanted) : -1;
}

static int parse_seed(uint64_t *seed, const char *text)
{
	char *end;

	errno = 0;
	*seed = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-')
		return bad("--seed", text, "a number from 0 to 2^64 - 1");
	return -1;
}

static const char a_count[] = "a number from 1 to 10000000, such as 500 or 10k";
static const char a_time[] =
	"a time above 0 with its unit, up to an hour, such as 50us, 1ms or 2s";

static int parse_numbers(struct settings *s, int opt, const char *text)
{
	const int64_t many = 10000000, hour = 3600 * SEC;
	int64_t value = 0;
	int rc = -1;

	switch (opt) {
	case 'n':
		rc = parse_one(&value, text, parse_count, 1, many, "--events",
			       a_count);
		s->events = (uint64_t)value;
		break;
	case 'w':
		rc = parse_one(&value, text, parse_count, 0, many, "--warmup",
			       "a number from 0 to 10000000");
		s->warmup = (uint64_t)value;
		break;
	case 'r':
		rc = parse_one(&value, text, parse_count, 1, 1000, "--rounds",
			       "a number from 1 to 1000");
		s->rounds = (unsigned int)value;
		break;
	case 'i':
		rc = parse_one(&s->interval, text, parse_time, 1, hour,
			       "--interval", a_time);
		break;
	case OPT_HOLD:
		rc = parse_one(&s->hold, text, parse_time, 1, hour, "--hold",
			       a_time);
		break;
	case OPT_WORK:
		rc = parse_one(&s->work, text, parse_time, 1, hour, "--work",
			       a_time);
		break;
	}
	return rc;
}

/* Experiments */

static void list_experiments(FILE *out)
{
	unsigned int i;

	for (i = 0; experiments[i]; i++)
		fprintf(out, "  %-12s %s\n", experiments[i]->name,
			experiments[i]->title);
}

static int unknown_experiment(const char *name)
{
	char known[200] = "";
	unsigned int i;

	for (i = 0; experiments[i]; i++) {
		strcat(known, experiments[i]->name);
		strcat(known, ", ");
	}
	return say(EXIT_USAGE,
		   "there is no experiment '%s', but there are %sand all",
		   name, known);
}

static int choose(struct options *options, int argc, char **argv)
{
	unsigned int i, count = 0;
	int a;

	if (!argc)
		return say(EXIT_USAGE,
			   "name an experiment; gmblat --list shows which there are");
	for (a = 0; a < argc; a++) {
		bool all = !strcmp(argv[a], "all");

		if (count + 8 > sizeof(options->experiments) /
					sizeof(*options->experiments))
			return say(EXIT_USAGE, "name each experiment once");
		for (i = 0; experiments[i]; i++) {
			if (all || !strcmp(argv[a], experiments[i]->name)) {
				options->experiments[count++] = experiments[i];
				if (!all)
					break;
			}
		}
		if (!experiments[i] && !all)
			return unknown_experiment(argv[a]);
	}
	if (options->svg && count > 1)
		return say(EXIT_USAGE,
			   "--svg draws one experiment; run them one by one");
	return -1;
}

/* Options */

static int parse_option(struct options *options, int opt, const char *text)
{
	struct settings *s = &options->settings;

	switch (opt) {
	case 'b':
		options->backends = text;
		return -1;
	case 'k':
		return parse_kinds(&s->kinds, text);
	case 'c':
		return parse_list(&s->counts, text, parse_count, "--counts",
				  "up to 16 numbers, parted by commas, such as 1,100,10k");
	case 'H':
		return parse_list(&s->hogs, text, parse_count, "--hogs",
				  "up to 16 numbers, parted by commas, such as 1,2");
	case 'S':
		return parse_list(&s->slacks, text, parse_time, "--slack",
				  "up to 16 times, parted by commas, such as 0,100us,1ms");
	case 's':
		return parse_seed(&s->seed, text);
	case 'q':
		s->events = 200;
		s->rounds = 1;
		return -1;
	case 'j':
		options->json = true;
		return -1;
	case OPT_SVG:
		options->svg = text;
		return -1;
	case 'l':
		list_experiments(stdout);
		return EXIT_OK;
	case 'h':
		fputs(help, stdout);
		list_experiments(stdout);
		fputs(help_options, stdout);
		return EXIT_OK;
	case 'V':
		puts("gmblat " GMB_VERSION);
		return EXIT_OK;
	}
	return parse_numbers(s, opt, text);
}

/* What getopt_long() did not like: optopt is the option, if it is one. */
static int complain(int found, char **argv)
{
	const struct option *o = longs;

	while (o->name && o->val != optopt)
		o++;
	if (found == ':')
		return say(EXIT_USAGE,
			   "the option '--%s' wants a value; see gmblat --help",
			   o->name);
	if (optopt && o->name)
		return say(EXIT_USAGE, "the option '--%s' takes no value",
			   o->name);
	if (optopt)
		return say(EXIT_USAGE,
			   "there is no option '-%c'; gmblat --help shows which there are",
			   optopt);
	return say(EXIT_USAGE,
		   "there is no option '%s'; gmblat --help shows which there are",
		   argv[optind - 1]);
}

int options_parse(struct options *options, int argc, char **argv)
{
	uint64_t random = (uint64_t)units_now() + ((uint64_t)getpid() << 40);
	int opt, rc = -1;

	*options = (struct options){
		.settings = {
			.events = 1000,
			.warmup = 100,
			.rounds = 3,
			.interval = MS,
			.work = 10 * US,
			.seed = random_next(&random) >> 32,
		},
	};
	opterr = 0;
	while (rc < 0) {
		opt = getopt_long(argc, argv, ":b:k:n:w:r:i:s:c:H:S:qjlhV",
				  longs, NULL);
		if (opt < 0)
			break;
		if (opt == '?' || opt == ':')
			return complain(opt, argv);
		rc = parse_option(options, opt, optarg);
	}
	return rc < 0 ? choose(options, argc - optind, argv + optind) : rc;
}
