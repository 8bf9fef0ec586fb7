// What the load generator and the event upstream share: time, timers, sockets, one header field, dying with a reason.
#ifndef SEAWALL_BENCH_NET_H
#define SEAWALL_BENCH_NET_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static inline double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static inline void die(const char *what) {
    perror(what);
    exit(1);
}

static inline void tune(int fd) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

static inline void watch(int epoll, int fd, void *owner) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = owner};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl");
}

// Arms a timer for a moment of the monotonic clock.
static inline void arm(int timer, double at) {
    struct itimerspec spec = {{0, 0}, {(time_t)at, (long)((at - (time_t)at) * 1e9)}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

static inline void disarm(int timer) {
    unsigned long long times;
    if (read(timer, &times, sizeof times) < 0 && errno != EAGAIN) die("timerfd");
}

static inline struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// The value of Content-Length in a head of `size` bytes, or -1.
static inline long content_length(const char *head, long size) {
    static const char name[] = "\r\ncontent-length:";
    for (const char *at = head; at + sizeof name - 1 <= head + size; at++)
        if (!strncasecmp(at, name, sizeof name - 1)) return atol(at + sizeof name - 1);
    return -1;
}

#endif
