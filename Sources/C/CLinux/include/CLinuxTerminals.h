// SPDX-License-Identifier: Apache-2.0

#ifndef CLINUX_TERMINALS_H
#define CLINUX_TERMINALS_H

#include <stdint.h>

/// Unlocks a pseudo terminal's master (opened from ptmx). Returns 0 or -errno.
int clinux_terminal_unlock(int master);
/// The number N of /dev/pts/N.
int clinux_terminal_number(int master);
/// TIOCGPTPEER: the slave, without a path to be fooled by.
int clinux_terminal_peer(int master);
/// TIOCSCTTY: makes it the session's controlling terminal.
int clinux_terminal_control(int fd);
int clinux_terminal_resize(int fd, uint16_t rows, uint16_t columns);
int clinux_terminal_size(int fd, uint16_t *rows, uint16_t *columns);
/// Raw mode; the settings before are written to `saved` (64 bytes) for `clinux_terminal_restore`.
int clinux_terminal_raw(int fd, uint8_t saved[64]);
int clinux_terminal_restore(int fd, const uint8_t saved[64]);
/// Does ONLCR: "\n" written leaves as "\r\n". `on` 0 clears it.
int clinux_terminal_newline(int fd, int on);

#endif
