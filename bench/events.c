// An upstream that answers every request with an event stream, paced, so that each event is one write and one wake-up
// for whoever passes it on. One thread, epoll, 127.0.0.1 only.
//
//   events PORT EVENTS INTERVAL_MS
//
// Streams are spread over the interval, so that events do not arrive in bursts.
#define _GNU_SOURCE
#include "net.h"

enum { STREAMS = 4096, HEAD = 1 << 16 };

typedef struct {
    int fd;      // -1: free
    int left;    // events still to send; 0: waiting for a request
    double due;  // when the next one goes out
    long size;   // bytes of the request read so far
    char request[HEAD];
} stream;

static stream *streams[STREAMS];
static int epoll, events, opened;
static double interval;
static char event[512];
static int event_size;

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";

static void send_all(stream *s, const char *bytes, long size) {
    if (write(s->fd, bytes, size) == size) return;
    close(s->fd);  // nobody reads: drop it, the reader will count it
    s->fd = -1;
}

static void accept_one(int listener) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) return;
    tune(fd);
    for (int i = 0; i < STREAMS; i++) {
        if (!streams[i]) streams[i] = calloc(1, sizeof(stream)), streams[i]->fd = -1;
        if (streams[i]->fd >= 0) continue;
        *streams[i] = (stream){.fd = fd};
        watch(epoll, fd, streams[i]);
        return;
    }
    close(fd);
}

static void read_request(stream *s) {
    long got = read(s->fd, s->request + s->size, HEAD - s->size);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        close(s->fd);
        s->fd = -1;
        return;
    }
    s->size += got;
    char *end = memmem(s->request, s->size, "\r\n\r\n", 4);
    if (!end) return;
    long head = end + 4 - s->request, body = content_length(s->request, head);
    if (s->size < head + (body > 0 ? body : 0)) return;
    s->size = 0;
    s->left = events;
    s->due = now() + interval * ((opened++ * 37) % 64) / 64.0;
    send_all(s, answer, sizeof answer - 1);
}

static double send_due(void) {
    double next = now() + 1, moment = now();
    for (int i = 0; i < STREAMS && streams[i]; i++) {
        stream *s = streams[i];
        if (s->fd < 0 || !s->left) continue;
        if (s->due <= moment) {
            send_all(s, event, event_size);
            s->due += interval;
            if (--s->left == 0 && s->fd >= 0) send_all(s, "0\r\n\r\n", 5);
        }
        if (s->left && s->due < next) next = s->due;
    }
    return next;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: events PORT EVENTS INTERVAL_MS\n");
        return 2;
    }
    events = atoi(argv[2]);
    interval = atof(argv[3]) / 1000;
    char text[400];
    int size = snprintf(text, sizeof text,
                        "data: {\"id\":\"cmpl-0af7651916cd43dd\",\"object\":\"completion.chunk\",\"created\":1700000000,"
                        "\"model\":\"small\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},"
                        "\"finish_reason\":null}]}\n\n");
    event_size = snprintf(event, sizeof event, "%x\r\n%s\r\n", size, text);

    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = loopback(atoi(argv[1]));
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 1024)) die("listen");
    fcntl(listener, F_SETFL, O_NONBLOCK);
    epoll = epoll_create1(0);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    watch(epoll, listener, &listener);
    watch(epoll, timer, &timer);
    for (;;) {
        arm(timer, send_due());
        struct epoll_event ready[256];
        int many = epoll_wait(epoll, ready, 256, -1);
        for (int i = 0; i < many; i++) {
            void *owner = ready[i].data.ptr;
            if (owner == &listener) accept_one(listener);
            else if (owner == &timer) disarm(timer);
            else if (((stream *)owner)->fd >= 0) read_request(owner);
        }
    }
}
