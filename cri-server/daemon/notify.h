/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd and the daemon tell each other (sd_notify(3), sd_listen_fds(3)), without libsystemd. */
#ifndef CRI_SERVER_DAEMON_NOTIFY_H
#define CRI_SERVER_DAEMON_NOTIFY_H

#include <stddef.h>

#define NOTIFY_FIRST_FD 3

/* Sends "READY=1" and its like; nothing without NOTIFY_SOCKET. 0 or -errno. */
int notify_send(const char *text);

/* How many listening sockets were passed, from NOTIFY_FIRST_FD on. The variables are removed. */
size_t notify_passed_sockets(void);

/* Milliseconds between two signs of life that are expected; 0: none are. */
int notify_watchdog(void);

#endif
