/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gRPC server with a service of the test's own, in a thread; and a client on nghttp2 at the other end of a socket
 * pair.
 *
 * /runtime.v1.RuntimeService/…  Echo: answers what it got. Fail: NOT_FOUND with a text of bytes. Wait: until it is
 * cancelled or its deadline passes. Slow and Last: the same, by the workers for pulls and for calls that last. Stream:
 * as many messages of 64 KB as the request has bytes. Events: a subscription to fixture_event.
 */
#ifndef TESTS_UNIT_GRPC_FIXTURE_H
#define TESTS_UNIT_GRPC_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "grpc/limits.h"
#include "grpc/metadata.h"
#include "grpc/server.h"

#include "grpc_client.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH(method) "/runtime.v1.RuntimeService/" method
#define STREAM_MESSAGE (64U << 10)

/* What the service saw. */
extern atomic_int fixture_waiting, fixture_cancelled, fixture_timed_out, fixture_finished;
extern atomic_int fixture_last_status;

int fixture_setup(void **state);
int fixture_setup_impatient(void **state); /* every timeout is 300 ms */
int fixture_teardown(void **state);
void fixture_drain(void);
void fixture_event(const char *text);
void fixture_fat_events(size_t count); /* of STREAM_MESSAGE bytes */
struct grpc_figures fixture_look(void);
/* A new connection to it. */
int fixture_connect(void);
struct client *fixture_client(void);

/* Waits until a counter has the value. */
void fixture_await(atomic_int *counter, int value);

#endif
