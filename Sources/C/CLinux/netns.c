// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "CLinuxNetNS.h"

enum operation { CREATE, SOCKET, READ, WRITE };

struct request {
    enum operation operation;
    int nsfd;
    int domain, type, protocol;
    const char *path;
    const void *data;
    void *room;
    size_t length;
    int result;
};

static int write_file(const struct request *request) {
    int fd = open(request->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    ssize_t written = write(fd, request->data, request->length);
    int result = written < 0 ? -errno : (size_t)written == request->length ? 0 : -EIO;
    close(fd);
    return result;
}

static int read_file(const struct request *request) {
    int fd = open(request->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    ssize_t count = read(fd, request->room, request->length);
    int result = count < 0 ? -errno : (int)count;
    close(fd);
    return result;
}

static int create(void) {
    if (unshare(CLONE_NEWNET) < 0) return -errno;
    int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static void *serve(void *argument) {
    struct request *request = argument;
    if (request->operation == CREATE) {
        request->result = create();
        return NULL;
    }
    if (setns(request->nsfd, CLONE_NEWNET) < 0) {
        request->result = -errno;
        return NULL;
    }
    if (request->operation == SOCKET) {
        int fd = socket(request->domain, request->type | SOCK_CLOEXEC, request->protocol);
        request->result = fd < 0 ? -errno : fd;
    } else if (request->operation == READ) {
        request->result = read_file(request);
    } else {
        request->result = write_file(request);
    }
    return NULL;
}

static int run(struct request *request) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 * 1024);
    // The thread starts with every signal blocked: handlers belong to the program's own threads.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int error = pthread_create(&thread, &attributes, serve, request);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error) return -error;
    pthread_join(thread, NULL);
    return request->result;
}

int clinux_netns_create(void) {
    struct request request = {.operation = CREATE};
    return run(&request);
}

int clinux_netns_socket(int nsfd, int domain, int type, int protocol) {
    struct request request = {
        .operation = SOCKET, .nsfd = nsfd, .domain = domain, .type = type, .protocol = protocol};
    return run(&request);
}

int clinux_netns_write(int nsfd, const char *path, const void *data, size_t length) {
    struct request request = {.operation = WRITE, .nsfd = nsfd, .path = path, .data = data, .length = length};
    return run(&request);
}

int clinux_netns_read(int nsfd, const char *path, void *room, size_t length) {
    struct request request = {.operation = READ, .nsfd = nsfd, .path = path, .room = room, .length = length};
    return run(&request);
}
