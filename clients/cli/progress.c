#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DRAW_EVERY_MS 100
#define BAR_CELLS     24

static int64_t
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
progress_begin(struct progress *p, const char *what, const char *unit)
{
	int64_t now = now_ms();
	*p = (struct progress){.what = what,
			       .unit = unit,
			       .shown = isatty(STDERR_FILENO) == 1,
			       .begun = now,
			       .drawn = now - DRAW_EVERY_MS};
}

/* 1,234,567 */
static const char *
grouped(char dst[32], uint64_t n)
{
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n), at = 0;
	for (size_t i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			dst[at++] = ',';
		dst[at++] = digits[i];
	}
	dst[at] = '\0';
	return dst;
}

static void
draw_left(uint64_t seconds)
{
	if (seconds >= 3600)
		fprintf(stderr, ", %u:%02u:%02u left", (unsigned)(seconds / 3600),
			(unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
	else
		fprintf(stderr, ", %u:%02u left", (unsigned)(seconds / 60), (unsigned)(seconds % 60));
}

void
progress_show(struct progress *p, uint64_t done, uint64_t total)
{
	char bar[BAR_CELLS + 1], a[32], b[32], c[32];
	if (!p->shown)
		return;
	int64_t now = now_ms();
	if (now - p->drawn < DRAW_EVERY_MS)
		return;
	p->drawn = now;
	size_t full = total ? (size_t)(done * BAR_CELLS / total) : 0;
	memset(bar, '.', BAR_CELLS);
	memset(bar, '#', full < BAR_CELLS ? full : BAR_CELLS);
	bar[BAR_CELLS] = '\0';
	uint64_t ms = (uint64_t)(now - p->begun) + 1, rate = done * 1000 / ms;
	fprintf(stderr, "\r%s [%s] %3u %%, %s of %s %s, %s/s", p->what, bar,
		total ? (unsigned)(done * 100 / total) : 0, grouped(a, done), grouped(b, total), p->unit,
		grouped(c, rate));
	if (rate > 0)
		draw_left((total - done) / rate);
	fprintf(stderr, "\033[K");
	fflush(stderr);
}

void
progress_end(struct progress *p)
{
	if (p->shown)
		fprintf(stderr, "\r\033[K");
	p->shown = false;
}
