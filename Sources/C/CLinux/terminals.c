// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "CLinux.h"

_Static_assert(sizeof(struct termios) <= 64, "termios fits");

int clinux_terminal_unlock(int master) {
    int zero = 0;
    return ioctl(master, TIOCSPTLCK, &zero) < 0 ? -errno : 0;
}

int clinux_terminal_number(int master) {
    unsigned number;
    return ioctl(master, TIOCGPTN, &number) < 0 ? -errno : (int)number;
}

int clinux_terminal_peer(int master) {
    int fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int clinux_terminal_control(int fd) { return ioctl(fd, TIOCSCTTY, 0) < 0 ? -errno : 0; }

int clinux_terminal_resize(int fd, uint16_t rows, uint16_t columns) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return ioctl(fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

int clinux_terminal_size(int fd, uint16_t *rows, uint16_t *columns) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -errno;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 0;
}

int clinux_terminal_raw(int fd, uint8_t saved[64]) {
    struct termios settings;
    if (tcgetattr(fd, &settings) < 0) return -errno;
    memset(saved, 0, 64);
    memcpy(saved, &settings, sizeof settings);
    cfmakeraw(&settings);
    return tcsetattr(fd, TCSANOW, &settings) < 0 ? -errno : 0;
}

int clinux_terminal_restore(int fd, const uint8_t saved[64]) {
    struct termios settings;
    memcpy(&settings, saved, sizeof settings);
    return tcsetattr(fd, TCSANOW, &settings) < 0 ? -errno : 0;
}

int clinux_terminal_newline(int fd, int on) {
    struct termios settings;
    if (tcgetattr(fd, &settings) < 0) return -errno;
    if (on)
        settings.c_oflag |= ONLCR;
    else
        settings.c_oflag &= ~(tcflag_t)ONLCR;
    return tcsetattr(fd, TCSANOW, &settings) < 0 ? -errno : 0;
}
