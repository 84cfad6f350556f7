/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file libcri/stream.h
 * Exec, attach and port-forward: as descriptors for the embedding program, as URLs for kubelet and crictl.
 *
 * Not built yet: every function that can fail answers CRI_ENOTSUP.
 */
#ifndef LIBCRI_STREAM_H
#define LIBCRI_STREAM_H

#include "container.h"
#include "sandbox.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cri_stream_channel { CRI_STDIN = 0, CRI_STDOUT = 1, CRI_STDERR = 2 } cri_stream_channel;

/** At least one of in, out and err; err must be false with tty, where output is one stream. */
typedef struct cri_stream_options {
	size_t size;
	bool in;
	bool out;
	bool err;
	bool tty;                   /**< exec; attach: must agree with the container */
	const char *const *command; /**< exec */
	size_t n_command;
} cri_stream_options;
#define CRI_STREAM_OPTIONS_INIT .size = sizeof(cri_stream_options)
CRI_API void cri_stream_options_init(cri_stream_options *, size_t size);

/** Starts a command in a running container. @param stream freed with cri_stream_free. */
CRI_API int cri_stream_exec(cri_engine *engine, const char *container_id, const cri_stream_options *options,
			    cri_stream **stream, cri_call *call);
CRI_API int cri_stream_exec_begin(cri_engine *engine, const char *container_id, const cri_stream_options *options,
				  cri_op **op, cri_call *call); /**< output: cri_stream ** */

/** Joins the standard streams of a running container's first process. @param stream freed with cri_stream_free. */
CRI_API int cri_stream_attach(cri_engine *engine, const char *container_id, const cri_stream_options *options,
			      cri_stream **stream, cri_call *call);
CRI_API int cri_stream_attach_begin(cri_engine *engine, const char *container_id, const cri_stream_options *options,
				    cri_op **op, cri_call *call); /**< output: cri_stream ** */

/** Connects to a port inside a pod: CRI_STDIN and CRI_STDOUT are the two directions. @param stream freed with
 *  cri_stream_free. */
CRI_API int cri_stream_port_forward(cri_engine *engine, const char *sandbox_id, uint16_t port, cri_stream **stream,
				    cri_call *call);
CRI_API int cri_stream_port_forward_begin(cri_engine *engine, const char *sandbox_id, uint16_t port, cri_op **op,
					  cri_call *call); /**< output: cri_stream ** */

/** The non-blocking descriptor of a channel, or -1 when it was not asked for. Owned by the stream. */
CRI_API int cri_stream_fd(const cri_stream *stream, cri_stream_channel channel);

/** Closes the sending half: the process reads end of file. */
CRI_API int cri_stream_close_stdin(cri_stream *stream, cri_call *call);

/** Sets the size of the terminal. */
CRI_API int cri_stream_resize(cri_stream *stream, uint16_t columns, uint16_t rows, cri_call *call);

/** Sends a signal: exec: to the command; attach: to the container's first process. */
CRI_API int cri_stream_signal(cri_stream *stream, const char *signal, cri_call *call);

/** A descriptor that becomes readable when the exit code is known. Owned by the stream. */
CRI_API int cri_stream_exit_fd(const cri_stream *stream);

/** Waits for the end. @param exit_code as cri_exec_result has it. */
CRI_API int cri_stream_wait(cri_stream *stream, int32_t *exit_code, cri_call *call);

/** Ends a session: an exec'd command is hung up, an attached container runs on. NULL is allowed. */
CRI_API void cri_stream_free(cri_stream *stream);

typedef struct cri_stream_server_options {
	size_t size;
	const char *address; /**< "": 127.0.0.1 */
	uint16_t port;       /**< 0: 10350 */
	const char *certificate_file;
	const char *key_file;
	const char *ca_file;  /**< client certificates are then required */
	int64_t idle_timeout; /**< seconds; 0: 4 hours */
	const char *base_url; /**< "": made from address and port */
} cri_stream_server_options;
#define CRI_STREAM_SERVER_OPTIONS_INIT .size = sizeof(cri_stream_server_options)
CRI_API void cri_stream_server_options_init(cri_stream_server_options *, size_t size);

/** Starts the streaming server, a process of its own. @param options may be NULL. */
CRI_API int cri_stream_server_start(cri_engine *engine, const cri_stream_server_options *options,
				    cri_stream_server **server, cri_call *call);

/** Stops it and ends its sessions. NULL is allowed. */
CRI_API void cri_stream_server_stop(cri_stream_server *server);

/** CRI Exec, Attach and PortForward: an absolute URL, good for one use within a minute; freed with cri_free. */
CRI_API int cri_stream_server_exec(cri_stream_server *server, const char *container_id,
				   const cri_stream_options *options, char **url, cri_call *call);
CRI_API int cri_stream_server_attach(cri_stream_server *server, const char *container_id,
				     const cri_stream_options *options, char **url, cri_call *call);
CRI_API int cri_stream_server_port_forward(cri_stream_server *server, const char *sandbox_id, const int32_t *ports,
					   size_t n_ports, char **url, cri_call *call);

#ifdef __cplusplus
}
#endif
#endif
