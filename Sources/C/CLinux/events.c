// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "CLinux.h"

_Static_assert(CLINUX_EPOLLRDHUP == EPOLLRDHUP, "EPOLLRDHUP");
_Static_assert(CLINUX_EPOLLEXCLUSIVE == EPOLLEXCLUSIVE, "EPOLLEXCLUSIVE");
_Static_assert(CLINUX_EPOLLONESHOT == EPOLLONESHOT, "EPOLLONESHOT");

#define NANOSECONDS 1000000000LL

int clinux_epoll_create(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int clinux_epoll_control(int epoll, int operation, int fd, uint32_t events, int edge, uint64_t token) {
    struct epoll_event event = {.events = events | (edge ? (uint32_t)EPOLLET : 0), .data = {.u64 = token}};
    return epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

int clinux_epoll_wait(int epoll, struct clinux_event *out, int count, int64_t nanoseconds) {
    struct epoll_event events[256];
    struct timespec limit = {.tv_sec = nanoseconds / NANOSECONDS, .tv_nsec = nanoseconds % NANOSECONDS};
    if (count > 256) count = 256;
    int ready = (int)syscall(SYS_epoll_pwait2, epoll, events, count, nanoseconds < 0 ? NULL : &limit, NULL, (size_t)8);
    if (ready < 0 && errno == ENOSYS) {
        int64_t milliseconds = nanoseconds < 0 ? -1 : (nanoseconds + 999999) / 1000000;
        ready = epoll_wait(epoll, events, count, milliseconds > 0x7fffffff ? 0x7fffffff : (int)milliseconds);
    }
    if (ready < 0) return -errno;
    for (int i = 0; i < ready; i++)
        out[i] = (struct clinux_event){.token = events[i].data.u64, .events = events[i].events};
    return ready;
}

int clinux_eventfd(unsigned initial, int semaphore, int blocking) {
    int fd = eventfd(initial, EFD_CLOEXEC | (blocking ? 0 : EFD_NONBLOCK) | (semaphore ? EFD_SEMAPHORE : 0));
    return fd < 0 ? -errno : fd;
}

int clinux_signalfd(int fd, const int *signals, size_t count, int blocking) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++) sigaddset(&set, signals[i]);
    int result = signalfd(fd, &set, SFD_CLOEXEC | (blocking ? 0 : SFD_NONBLOCK));
    return result < 0 ? -errno : result;
}

int clinux_signalfd_read(int fd, struct clinux_signal *out) {
    struct signalfd_siginfo info;
    ssize_t n = read(fd, &info, sizeof info);
    if (n < 0) return errno == EAGAIN ? 0 : -errno;
    if (n != sizeof info) return -EIO;
    *out = (struct clinux_signal){
        .number = (int32_t)info.ssi_signo,
        .code = info.ssi_code,
        .process = (int32_t)info.ssi_pid,
        .user = info.ssi_uid,
        .status = info.ssi_status,
    };
    return 1;
}

int clinux_timerfd(int clock, int blocking) {
    int fd = timerfd_create(clock, TFD_CLOEXEC | (blocking ? 0 : TFD_NONBLOCK));
    return fd < 0 ? -errno : fd;
}

int clinux_timerfd_set(int fd, uint64_t nanoseconds, uint64_t interval, int absolute, int cancel_on_set) {
    struct itimerspec value = {
        .it_value = {.tv_sec = (time_t)(nanoseconds / NANOSECONDS), .tv_nsec = (long)(nanoseconds % NANOSECONDS)},
        .it_interval = {.tv_sec = (time_t)(interval / NANOSECONDS), .tv_nsec = (long)(interval % NANOSECONDS)},
    };
    int flags = (absolute ? TFD_TIMER_ABSTIME : 0) | (cancel_on_set ? TFD_TIMER_CANCEL_ON_SET : 0);
    return timerfd_settime(fd, flags, &value, NULL) < 0 ? -errno : 0;
}

int64_t clinux_clock(int clock) {
    struct timespec now;
    if (clock_gettime(clock, &now) < 0) return -errno;
    return (int64_t)now.tv_sec * NANOSECONDS + now.tv_nsec;
}

int clinux_poll(int fd, short events, int milliseconds) {
    struct pollfd one = {.fd = fd, .events = events};
    int n = poll(&one, 1, milliseconds);
    return n < 0 ? -errno : n == 0 ? 0 : one.revents;
}

int clinux_semaphore_wait(void *semaphore, int64_t deadline) {
    struct timespec time = {.tv_sec = deadline / NANOSECONDS, .tv_nsec = deadline % NANOSECONDS};
    while (sem_clockwait(semaphore, CLOCK_MONOTONIC, &time) < 0)
        if (errno != EINTR) return -errno;
    return 0;
}
