/* In place of libFuzzer in an ordinary build: gives the fuzzer every file of the corpus
 * folder named as argument, then inputs made of them by chance. Prints TAP and the seed;
 * ZWY_SEED repeats a run, ZWY_ROUNDS=quick|long makes it shorter or longer. */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

#define MUTATIONS 3000
#define INPUT_MAX 8192

struct corpus {
	struct buf *files;
	size_t n;
};

static uint64_t
random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9E3779B97F4A7C15u;
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

static size_t
below(uint64_t *state, size_t n)
{
	return (size_t)(random_next(state) % n);
}

static void
read_file(const char *folder, const char *name, struct buf *ret)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "rb");
	REQUIRE(file);
	size_t n;
	do {
		char *room = buf_reserve(ret, 4096);
		REQUIRE(room);
		n = fread(room, 1, 4096, file);
		ret->n += n;
	} while (n > 0);
	fclose(file);
}

static int
is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* In the order of their names, so that a seed means the same everywhere. */
static void
corpus_read(struct corpus *c, const char *folder)
{
	struct dirent **names;
	int n = scandir(folder, &names, is_file, alphasort);
	REQUIRE(n > 0);
	c->n = (size_t)n;
	c->files = calloc(c->n, sizeof(*c->files));
	REQUIRE(c->files);
	for (size_t i = 0; i < c->n; i++) {
		read_file(folder, names[i]->d_name, &c->files[i]);
		free(names[i]);
	}
	free(names);
}

static void
corpus_release(struct corpus *c)
{
	for (size_t i = 0; i < c->n; i++)
		buf_release(&c->files[i]);
	free(c->files);
}

static void
insert(struct buf *b, size_t at, struct slice s)
{
	if (b->n + s.n > INPUT_MAX || !buf_reserve(b, s.n))
		return;
	memmove(b->p + at + s.n, b->p + at, b->n - at);
	memcpy(b->p + at, s.p, s.n);
	b->n += s.n;
}

/* A run of bytes of any file. */
static struct slice
some_run(const struct corpus *c, uint64_t *seed)
{
	const struct buf *file = &c->files[below(seed, c->n)];
	if (file->n == 0)
		return SLICE("\xff");
	size_t at = below(seed, file->n), n = 1 + below(seed, 64);
	return slice_make(file->p + at, n < file->n - at ? n : file->n - at);
}

static void
mutate(struct buf *b, const struct corpus *c, uint64_t *seed)
{
	for (size_t changes = 1 + below(seed, 6); changes; changes--) {
		size_t at = below(seed, b->n + 1), left = b->n - at, n = 1 + below(seed, 16);
		switch (below(seed, 4)) {
		case 0:
			if (left)
				b->p[at] = (char)(b->p[at] ^ 1 << below(seed, 8));
			break;
		case 1:
			if (left)
				b->p[at] = (char)random_next(seed);
			break;
		case 2:
			n = n < left ? n : left;
			memmove(b->p + at, b->p + at + n, left - n);
			b->n -= n;
			break;
		default:
			insert(b, at, some_run(c, seed));
		}
	}
}

static size_t
rounds(void)
{
	const char *asked = getenv("ZWY_ROUNDS");
	if (asked && strcmp(asked, "quick") == 0)
		return MUTATIONS / 4;
	return asked && strcmp(asked, "long") == 0 ? MUTATIONS * 20 : MUTATIONS;
}

int
main(int argc, char **argv)
{
	const char *given = getenv("ZWY_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : 2026;
	struct corpus c;
	REQUIRE(argc == 2);
	corpus_read(&c, argv[1]);
	setvbuf(stdout, NULL, _IONBF, 0);
	printf("1..2\n");
	for (size_t i = 0; i < c.n; i++)
		LLVMFuzzerTestOneInput((const uint8_t *)c.files[i].p, c.files[i].n);
	printf("ok 1 - the_corpus_is_replayed\n# %zu inputs; seed %llu\n", c.n, (unsigned long long)seed);
	for (size_t i = 0; i < rounds(); i++) {
		uint64_t mine = seed + i;
		struct buf b = {0};
		buf_append_slice(&b, buf_slice(&c.files[below(&mine, c.n)]));
		if (buf_reserve(&b, 1))
			mutate(&b, &c, &mine);
		LLVMFuzzerTestOneInput((const uint8_t *)b.p, b.n);
		buf_release(&b);
	}
	printf("ok 2 - inputs_made_of_it_by_chance_harm_nobody\n");
	corpus_release(&c);
	return 0;
}
