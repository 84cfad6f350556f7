/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libcri.so asks of cri-network, and its answer. Both are JSON in a memfd: the request is the helper's standard
 * input, the answer its standard output. One byte over the socket NETWORK_CONTROL_FD says that the request is complete,
 * and one comes back when the answer is. When that socket hangs up before, nobody wants the answer, and the helper
 * kills the plugin that runs, undoes what it did, and ends. DEL goes on to its end all the same.
 *
 *     { "command": "ADD", "id": …, "netns": path or "", "host": path of the host's network namespace,
 *       "lock": path, "timeout": milliseconds, "args": CNI_ARGS, "path": [directories], "inProcess": bool,
 *       "early": bool,                  the pod's namespace is there only when a second byte has come
 *       "valid": { network: [ {"containerID","ifname"} ] },                             for GC
 *       "attachments": [ { "interface", "list": {"cniVersion","name","plugins"}, "capabilities": {}, "result" } ] }
 *
 *     { "results": [ … ] }                 one for each attachment, of CNI version 1.0.0
 *     { "error": text, "code": cri_code, "undone": bool }
 */
#ifndef LIBCRI_NETWORK_NETWORK_PROTOCOL_H
#define LIBCRI_NETWORK_NETWORK_PROTOCOL_H

#define NETWORK_CONTROL_FD 3
#define NETWORK_MESSAGE_MAX (8u << 20)

#endif
