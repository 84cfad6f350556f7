/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRI_SERVER_SERVICE_EVENTS_H
#define CRI_SERVER_SERVICE_EVENTS_H

#include "service/exchange.h"

/* Parts of service_open and service_close; events_close also after a failure of events_open. */
int events_open(struct rpc_service *service);
void events_close(struct rpc_service *service);

#endif
