// Load: calls at a fixed rate whatever the answers do (open loop), or event streams read side by side.
// One thread, epoll, 127.0.0.1 only. Prints one line, RESULT and JSON.
//
//   loadgen rate   PORT PATH BODYFILE CONNECTIONS CALLS_PER_SECOND SECONDS
//   loadgen stream PORT PATH BODYFILE STREAMS ROUNDS
//
// A call's latency counts from the moment it was due, not from the moment it was sent, so that a proxy that stands still
// is charged for every call that waited (coordinated omission).
#define _GNU_SOURCE
#include "net.h"

enum { ANSWER = 1 << 16 };

typedef struct {
    int fd, busy;
    double due;
    long size, head, need;  // bytes read, of them head, in all when the length is declared (-1: chunked)
    char answer[ANSWER];
} connection;

static int epoll, port;
static char *request;
static long request_size;

static void build(const char *path, const char *file) {
    static char body[1 << 20];
    FILE *source = fopen(file, "rb");
    if (!source) die(file);
    long size = fread(body, 1, sizeof body, source);
    fclose(source);
    request = malloc(size + 4096);
    int head = sprintf(request,
                       "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                       "Accept: application/json\r\nUser-Agent: bench/1\r\nX-Client-Lang: python\r\n"
                       "Authorization: Bearer sk-0000000000000000000000000000000000000000000000000000000000000000\r\n"
                       "Content-Length: %ld\r\n\r\n",
                       path, port, size);
    memcpy(request + head, body, size);
    request_size = head + size;
}

static void dial(connection *c) {
    struct sockaddr_in address = loopback(port);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (void *)&address, sizeof address)) die("connect");
    tune(c->fd);
    c->busy = 0;
    watch(epoll, c->fd, c);
}

static void redial(connection *c) {
    close(c->fd);
    dial(c);
}

static int by_value(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static double share(const double *sorted, long many, double part) {
    return many ? sorted[(long)(part * (many - 1))] * 1e6 : 0;
}

// The moment call `number` is due: evenly spaced, each moved by up to one gap, the same in every run.
static double due(double start, long number, double rate) {
    return start + (number + (number * 2654435761u % 1000) / 1000.0) / rate;
}

// 1 when an answer is complete, 0 while more is to come, -1 when it is not the answer that was asked for.
static int feed(connection *c) {
    if (!c->head) {
        char *end = memmem(c->answer, c->size, "\r\n\r\n", 4);
        if (!end) return 0;
        c->head = end + 4 - c->answer;
        long length = content_length(c->answer, c->head);
        c->need = length < 0 ? -1 : c->head + length;
    }
    int whole = c->need >= 0 ? c->size >= c->need : !memcmp(c->answer + c->size - 5, "0\r\n\r\n", 5);
    if (!whole) return 0;
    return c->answer[9] == '2' ? 1 : -1;
}

static int send_call(connection *c, double at) {
    c->busy = 1;
    c->due = at;
    c->size = c->head = 0;
    if (write(c->fd, request, request_size) == request_size) return 1;
    redial(c);
    return 0;
}

static connection *idle(connection *all, int many, int *turn) {
    for (int i = 0; i < many; i++) {
        connection *c = &all[(*turn + i) % many];
        if (c->busy) continue;
        *turn = (*turn + i + 1) % many;
        return c;
    }
    return NULL;
}

static int run_rate(int many, double rate, double seconds) {
    connection *all = calloc(many, sizeof *all);
    long total = rate * seconds, sent = 0, done = 0, failed = 0;
    double *latency = malloc(sizeof(double) * (total + 1));
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), turn = 0;
    for (int i = 0; i < many; i++) dial(&all[i]);
    watch(epoll, timer, NULL);
    double start = now() + 0.01;
    while (done + failed < total && now() < start + seconds + 5) {
        connection *c;
        while (sent < total && due(start, sent, rate) <= now() && (c = idle(all, many, &turn)))
            failed += !send_call(c, due(start, sent++, rate));
        if (sent < total) arm(timer, due(start, sent, rate));
        struct epoll_event ready[256];
        int woken = epoll_wait(epoll, ready, 256, 100);
        for (int i = 0; i < woken; i++) {
            if (!(c = ready[i].data.ptr)) {
                disarm(timer);
                continue;
            }
            long got = read(c->fd, c->answer + c->size, ANSWER - c->size);
            if (got < 0 && errno == EAGAIN) continue;
            if (got <= 0) {
                failed += c->busy;
                redial(c);
                continue;
            }
            c->size += got;
            int state = c->busy ? feed(c) : 0;
            if (state > 0) latency[done++] = now() - c->due;
            if (state < 0) failed++;
            if (state) c->busy = 0;
        }
    }
    failed += total - done - failed;
    qsort(latency, done, sizeof *latency, by_value);
    printf("RESULT {\"calls\": %ld, \"failed\": %ld, \"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}\n",
           done, failed, share(latency, done, 0.5), share(latency, done, 0.9), share(latency, done, 0.99),
           share(latency, done, 1));
    return 0;
}

typedef struct {
    connection wire;
    int answered, ended, mark, end;  // how much of a mark, and of the last chunk, has been seen
    long events;
    double sent;
} reader;

// Counts events and finds the last chunk, byte by byte, so that it does not matter where reads cut.
static void scan(reader *r, const char *bytes, long size) {
    static const char mark[] = "data: ", end[] = "\r\n0\r\n\r\n";
    for (long i = 0; i < size; i++) {
        r->mark = bytes[i] == mark[r->mark] ? r->mark + 1 : bytes[i] == mark[0];
        if (!mark[r->mark]) r->mark = 0, r->events++;
        r->end = bytes[i] == end[r->end] ? r->end + 1 : bytes[i] == end[0];
        if (!end[r->end]) r->end = 0, r->ended = 1;
    }
}

static int run_streams(int many, int rounds) {
    static char bytes[1 << 17];
    long events = 0, reads = 0, failed = 0, firsts = 0;
    double *first = malloc(sizeof(double) * many * rounds), start = now();
    for (int round = 0; round < rounds; round++) {
        reader *all = calloc(many, sizeof *all);
        for (int i = 0; i < many; i++) {
            dial(&all[i].wire);
            all[i].sent = now();
            if (write(all[i].wire.fd, request, request_size) != request_size) die("write");
        }
        int left = many;
        for (double last = now() + 60; left > 0 && now() < last;) {
            struct epoll_event ready[256];
            int woken = epoll_wait(epoll, ready, 256, 200);
            for (int i = 0; i < woken; i++) {
                reader *r = ready[i].data.ptr;
                long got = read(r->wire.fd, bytes, sizeof bytes);
                if (got < 0 && errno == EAGAIN) continue;
                if (got > 0) {
                    if (!r->answered) r->answered = got > 9 && bytes[9] == '2' ? 1 : -1;
                    long before = r->events;
                    reads++;
                    scan(r, bytes, got);
                    if (!before && r->events) first[firsts++] = now() - r->sent;
                }
                if (got > 0 && !r->ended) continue;
                failed += !r->ended || r->answered < 0;
                events += r->events;
                left--;
                close(r->wire.fd);
            }
        }
        failed += left;
        for (int i = 0; i < many; i++)
            if (!all[i].ended) close(all[i].wire.fd);
        free(all);
    }
    qsort(first, firsts, sizeof *first, by_value);
    printf("RESULT {\"streams\": %d, \"events\": %ld, \"reads\": %ld, \"failed\": %ld, \"seconds\": %.6f, \"first_p50_us\": %.1f, \"first_p99_us\": %.1f}\n",
           many * rounds, events, reads, failed, now() - start, share(first, firsts, 0.5), share(first, firsts, 0.99));
    return 0;
}

int main(int argc, char **argv) {
    int rate = argc == 8 && !strcmp(argv[1], "rate"), stream = argc == 7 && !strcmp(argv[1], "stream");
    if (!rate && !stream) {
        fprintf(stderr, "usage: loadgen rate PORT PATH BODYFILE CONNECTIONS CALLS_PER_SECOND SECONDS\n"
                        "       loadgen stream PORT PATH BODYFILE STREAMS ROUNDS\n");
        return 2;
    }
    port = atoi(argv[2]);
    epoll = epoll_create1(0);
    build(argv[3], argv[4]);
    return rate ? run_rate(atoi(argv[5]), atof(argv[6]), atof(argv[7])) : run_streams(atoi(argv[5]), atoi(argv[6]));
}
