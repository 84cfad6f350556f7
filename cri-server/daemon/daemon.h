/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: an engine, its service, its sockets and its loop. */
#ifndef CRI_SERVER_DAEMON_DAEMON_H
#define CRI_SERVER_DAEMON_DAEMON_H

#include "settings.h"

/* Runs until SIGTERM or SIGINT and answers the process's exit status. Takes the settings. */
int daemon_run(struct settings *settings);

#endif
