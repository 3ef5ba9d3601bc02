#include "shown.h"

#include <stdio.h>

#define SHOWN_BYTES    64
#define DISTANCE_BYTES 64

bool
has_control(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < 0x20 || c == 0x7F)
			return true;
		if (c == 0xC2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xA0)
			return true;
	}
	return false;
}

struct shown
show(struct slice s)
{
	struct shown out;
	struct slice head = {s.p, s.n < SHOWN_BYTES ? s.n : SHOWN_BYTES};
	head.n = utf8_whole(head);
	if (!utf8_valid(head))
		head = SLICE("?");
	snprintf(out.text, sizeof(out.text), "%.*s%s", (int)head.n, head.n ? head.p : "",
		 head.n < s.n ? "…" : "");
	for (char *p = out.text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7F)
			*p = '?';
		else if ((unsigned char)*p == 0xC2 && (unsigned char)p[1] < 0xA0)
			p[0] = p[1] = '?';
	}
	return out;
}

size_t
edit_distance(struct slice a, struct slice b)
{
	size_t row[DISTANCE_BYTES + 1];
	if (a.n > DISTANCE_BYTES || b.n > DISTANCE_BYTES)
		return SIZE_MAX;
	for (size_t k = 0; k <= b.n; k++)
		row[k] = k;
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t k = 1; k <= b.n; k++) {
			size_t best = diagonal + (a.p[i - 1] != b.p[k - 1]);
			diagonal = row[k];
			if (row[k] + 1 < best)
				best = row[k] + 1;
			if (row[k - 1] + 1 < best)
				best = row[k - 1] + 1;
			row[k] = best;
		}
	}
	return row[b.n];
}
