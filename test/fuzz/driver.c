/* SPDX-License-Identifier: Apache-2.0 */
/* driver.c - runs a fuzz target without libFuzzer, so that gcc's sanitizers are enough.
 *
 *     fuzz_x [--seconds N] [--seed N] [--keep FILE] CORPUS...
 *
 * Every file named, or in a folder named, is run as it is; then mutations of them, for N seconds.
 * Inputs that reach new code (gcc's -fsanitize-coverage=trace-pc) join the corpus. When the target
 * dies or takes 20 s, the input is in FILE (default: fuzz-crash) and the name of it is printed.
 * One thread; the only state is the run, which handlers of signals must reach. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define INPUT_BYTES_MAX 65536
#define CORPUS_COUNT_MAX 20000
#define MAP_SIZE 65536
#define SLOW_SECONDS 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
void __sanitizer_cov_trace_pc(void);
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

struct input {
    uint8_t *data;
    size_t size;
};

static struct {
    struct input corpus[CORPUS_COUNT_MAX];
    size_t corpus_count;
    uint8_t now[INPUT_BYTES_MAX];       /* the input being run */
    size_t now_size;
    uint64_t random;
    unsigned long runs;
    unsigned long last_seen_runs;       /* by the timer */
    unsigned idle_ticks;
    const char *keep;
    uint8_t reached[MAP_SIZE];          /* code reached by anything so far */
    int news;                           /* this input reached something new */
} run;

void __sanitizer_cov_trace_pc(void)
{
    uintptr_t pc = (uintptr_t)__builtin_return_address(0);
    size_t at = (pc ^ (pc >> 16)) % MAP_SIZE;

    if (run.reached[at]) return;
    run.reached[at] = 1;
    run.news = 1;
}

/* Sanitizers end with SIGABRT, whose handler keeps the input. */
const char *__asan_default_options(void)
{
    return "abort_on_error=1:detect_leaks=1";
}

const char *__ubsan_default_options(void)
{
    return "abort_on_error=1:print_stacktrace=1";
}

static void save(void)
{
    static const char text[] = "\nfuzz: the input is in ";
    int fd = open(run.keep, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ssize_t done = fd < 0 ? -1 : write(fd, run.now, run.now_size);

    if (done < 0) return;
    done = write(STDERR_FILENO, text, sizeof(text) - 1);
    done = write(STDERR_FILENO, run.keep, strlen(run.keep));
    done = write(STDERR_FILENO, "\n", 1);
    (void)done;
    close(fd);
}

static void on_fatal(int signal_number)
{
    save();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void on_tick(int signal_number)
{
    (void)signal_number;
    run.idle_ticks = run.runs == run.last_seen_runs ? run.idle_ticks + 1 : 0;
    run.last_seen_runs = run.runs;
    if (run.idle_ticks >= SLOW_SECONDS) abort();
}

static uint64_t random_next(void)
{
    uint64_t z = run.random += UINT64_C(0x9e3779b97f4a7c15);        /* splitmix64 */

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t below(size_t n)
{
    return n ? (size_t)(random_next() % n) : 0;
}

static void add_to_corpus(const uint8_t *data, size_t size)
{
    struct input *input;

    if (run.corpus_count == CORPUS_COUNT_MAX) return;
    input = &run.corpus[run.corpus_count++];
    input->data = malloc(size ? size : 1);
    if (input->data == NULL) abort();
    memcpy(input->data, data, size);
    input->size = size;
}

static void execute(void)
{
    uint8_t *exact = malloc(run.now_size ? run.now_size : 1);       /* ASan guards its end */

    if (exact == NULL) abort();
    memcpy(exact, run.now, run.now_size);
    run.news = 0;
    run.runs++;
    if (LLVMFuzzerTestOneInput(exact, run.now_size) != 0) abort();
    free(exact);
}

/* Replace [at, at + cut) of the input by more bytes from p, as far as there is room. */
static void replace_range(size_t at, size_t cut, const void *p, size_t more)
{
    size_t tail = run.now_size - at - cut;

    if (more > INPUT_BYTES_MAX - at - tail) more = INPUT_BYTES_MAX - at - tail;
    memmove(run.now + at + more, run.now + at + cut, tail);
    memcpy(run.now + at, p, more);
    run.now_size = at + more + tail;
}

static void mutate_bytes(void)
{
    static const char marks[] = " \t\r\n.*>$_{}[]\",:'\\/#=-+09azAZ";
    size_t at = below(run.now_size);

    if (run.now_size == 0) return;
    switch (below(4)) {
    case 0: run.now[at] ^= (uint8_t)(1u << below(8)); break;
    case 1: run.now[at] = (uint8_t)random_next(); break;
    case 2: run.now[at] = (uint8_t)marks[below(sizeof(marks) - 1)]; break;
    default: replace_range(at, 1 + below(run.now_size - at), "", 0); break;
    }
}

static void mutate_blocks(void)
{
    static const char *const numbers[] = {
        "0", "-1", "1", "127", "65535", "65536", "2147483647", "2147483648", "4294967296",
        "9223372036854775807", "9223372036854775808", "18446744073709551615",
        "18446744073709551616", "00000000000000000001", "1e999",
    };
    uint8_t block[256];
    size_t at = below(run.now_size + 1), from, size;
    const struct input *other;

    switch (below(3)) {
    case 0:                             /* a number, over or between what is there */
        size = below(sizeof(numbers) / sizeof(numbers[0]));
        from = below(run.now_size - at + 1);
        replace_range(at, from < 8 ? from : 0, numbers[size], strlen(numbers[size]));
        return;
    case 1:                             /* part of the input once more */
        from = below(run.now_size + 1);
        size = below(run.now_size - from + 1);
        break;
    default:                            /* part of another input */
        other = &run.corpus[below(run.corpus_count)];
        from = below(other->size + 1);
        size = below(other->size - from + 1);
        if (size > sizeof(block)) size = sizeof(block);
        replace_range(at, 0, other->data + from, size);
        return;
    }
    if (size > sizeof(block)) size = sizeof(block);
    memcpy(block, run.now + from, size);
    replace_range(at, 0, block, size);
}

static void run_mutation(void)
{
    const struct input *base = &run.corpus[below(run.corpus_count)];
    size_t count = 1 + below(8);

    memcpy(run.now, base->data, base->size);
    run.now_size = base->size;
    for (size_t i = 0; i < count; i++) {
        if (below(2)) mutate_bytes();
        else mutate_blocks();
    }
    execute();
    if (run.news) add_to_corpus(run.now, run.now_size);
}

static void load_file(const char *path)
{
    FILE *f = fopen(path, "rb");

    if (f == NULL) {
        fprintf(stderr, "fuzz: open %s: %s\n", path, strerror(errno));
        exit(1);
    }
    run.now_size = fread(run.now, 1, sizeof(run.now), f);
    fclose(f);
    add_to_corpus(run.now, run.now_size);
    execute();
}

static void load(const char *path)
{
    struct dirent *entry;
    struct stat st;
    char inside[4096];
    DIR *dir = opendir(path);

    if (dir == NULL) {
        load_file(path);
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name);
        if (stat(inside, &st) == 0 && S_ISREG(st.st_mode)) load_file(inside);
    }
    closedir(dir);
}

static void watch(void)
{
    static const int fatal[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL };
    struct itimerval every_second = { { 1, 0 }, { 1, 0 } };

    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) signal(fatal[i], on_fatal);
    signal(SIGALRM, on_tick);
    setitimer(ITIMER_REAL, &every_second, NULL);
}

int main(int argc, char **argv)
{
    double seconds = 5;
    uint64_t seed = 0;
    struct timespec start, now;
    int at = 1;

    run.keep = "fuzz-crash";
    if (getrandom(&seed, 4, 0) != 4) return 1;
    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
        if (strcmp(argv[at], "--seconds") == 0) seconds = strtod(argv[at + 1], NULL);
        else if (strcmp(argv[at], "--seed") == 0) seed = strtoull(argv[at + 1], NULL, 10);
        else if (strcmp(argv[at], "--keep") == 0) run.keep = argv[at + 1];
        else break;
    }
    run.random = seed;
    if (LLVMFuzzerInitialize != NULL) LLVMFuzzerInitialize(&argc, &argv);
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    watch();
    clock_gettime(CLOCK_MONOTONIC, &start);
    execute();                          /* the empty input */
    add_to_corpus(run.now, 0);
    for (; at < argc; at++) load(argv[at]);
    do {
        for (int i = 0; i < 64 && seconds > 0; i++) run_mutation();
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9 <
             seconds);
    printf("%lu runs, %zu inputs\n", run.runs, run.corpus_count);
    return 0;
}
