// SPDX-License-Identifier: Apache-2.0

#ifndef CLINUX_EVENTS_H
#define CLINUX_EVENTS_H

#include <stdint.h>
#include <sys/types.h>

/// One ready descriptor of an epoll: the token it was registered with, and its EPOLL* bits.
struct clinux_event {
    uint64_t token;
    uint32_t events;
    uint32_t reserved;
};

enum {
    CLINUX_EPOLLIN = 0x001,
    CLINUX_EPOLLPRI = 0x002,
    CLINUX_EPOLLOUT = 0x004,
    CLINUX_EPOLLERR = 0x008,
    CLINUX_EPOLLHUP = 0x010,
    CLINUX_EPOLLRDHUP = 0x2000,
    CLINUX_EPOLLEXCLUSIVE = 1 << 28,
    CLINUX_EPOLLONESHOT = 1 << 30,
};

int clinux_epoll_create(void);
/// `operation`: 1 add, 2 delete, 3 modify (EPOLL_CTL_*). `edge` adds EPOLLET. Returns 0 or -errno.
int clinux_epoll_control(int epoll, int operation, int fd, uint32_t events, int edge, uint64_t token);
/// Waits; `nanoseconds` < 0 waits for ever. Returns how many of `out` were filled.
int clinux_epoll_wait(int epoll, struct clinux_event *out, int count, int64_t nanoseconds);

int clinux_eventfd(unsigned initial, int semaphore, int blocking);
/// A signalfd(2) of `signals`, non-blocking unless `blocking`. The caller blocks the signals itself.
int clinux_signalfd(int fd, const int *signals, size_t count, int blocking);

/// What a signalfd read gives.
struct clinux_signal {
    int32_t number;
    int32_t code;
    int32_t process;
    uint32_t user;
    int32_t status;
};
/// Reads one signal. Returns 1, 0 when none is pending, or -errno.
int clinux_signalfd_read(int fd, struct clinux_signal *out);

/// A timerfd(2) on `clock`. `clinux_timerfd_set` arms it: first after `nanoseconds` (0 disarms), then each `interval`.
int clinux_timerfd(int clock, int blocking);
int clinux_timerfd_set(int fd, uint64_t nanoseconds, uint64_t interval, int absolute, int cancel_on_set);

/// clock_gettime(2) in nanoseconds.
int64_t clinux_clock(int clock);

/// poll(2) of one descriptor. Returns the ready bits, 0 on timeout, or -errno. `milliseconds` < 0: for ever.
int clinux_poll(int fd, short events, int milliseconds);

/// sem_clockwait(3) on the monotonic clock, for the `sem_t` at `semaphore`. 0, or -ETIMEDOUT at `deadline` nanoseconds.
int clinux_semaphore_wait(void *semaphore, int64_t deadline);

#endif
