/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon.h"

#include "log.h"
#include "metrics.h"
#include "network_watch.h"
#include "notify.h"
#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

/* A quick call that waits so long (milliseconds) for a worker says that all of them hang. */
#define UNWELL_WAIT 10000
/* Milliseconds between two times that memory is given back. */
#define TRIM_INTERVAL 5000

/* One in a process: signals and the log are, too. */
static struct {
	struct settings settings;
	pthread_mutex_t mutex;   /* guards settings, which the service's workers read */
	struct settings started; /* after a reload: those that the daemon started with, of which texts are borrowed */
	struct engine_settings engine_settings;
	cri_engine *engine;
	struct rpc_service *service;
	struct loop *loop;
	struct grpc_server *server;
	struct sockets *sockets;
	struct network_watch *network_watch; /* NULL without CNI */
	struct loop_source signals;
	int pidfile;
	int64_t drain_end; /* loop_now(); 0: it is not draining */
	int64_t watchdog_at;
	atomic_uint finished; /* calls */
	unsigned trimmed;     /* of them, when memory was last given back */
	int64_t trim_at;
} the = { .mutex = PTHREAD_MUTEX_INITIALIZER, .signals.fd = -1, .pidfile = -1 };

static void on_engine_log(cri_log_level level, const char *message, void *data)
{
	(void)data;
	log_message(level, message);
}

static void on_warning(const char *text)
{
	log_message(CRI_LOG_WARNING, text);
}

static void on_finished(const struct grpc_finished *finished)
{
	atomic_fetch_add(&the.finished, 1);
	metrics_count(finished);
	log_call(finished);
}

static char *configuration(void)
{
	char *text;

	pthread_mutex_lock(&the.mutex);
	text = settings_json(&the.settings);
	pthread_mutex_unlock(&the.mutex);
	return text;
}

static char *metrics_page(void)
{
	struct grpc_figures figures;

	grpc_server_look(the.server, &figures);
	return metrics_text(&figures);
}

static const char *ill(void)
{
	struct grpc_figures figures;

	if (the.drain_end)
		return "shutting down\n";
	grpc_server_look(the.server, &figures);
	return figures.waiting > UNWELL_WAIT ? "all workers hang\n" : NULL;
}

/* --- start --- */

static int make_pidfile(void)
{
	const char *path = settings_text(&the.settings, "pidfile", NULL);
	char text[32];
	int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (!*path)
		return 0;
	the.pidfile = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (the.pidfile >= 0 && flock(the.pidfile, LOCK_EX | LOCK_NB) < 0) {
		close(the.pidfile);
		the.pidfile = -1;
	}
	if (the.pidfile < 0 || ftruncate(the.pidfile, 0) < 0 || write(the.pidfile, text, (size_t)length) != length) {
		log_format(CRI_LOG_ERROR, "pidfile %s: %s", path,
			   errno == EWOULDBLOCK ? "a running daemon has it" : strerror(errno));
		return -1;
	}
	return 0;
}

static void remove_pidfile(void)
{
	if (the.pidfile < 0)
		return;
	(void)unlink(settings_text(&the.settings, "pidfile", NULL));
	close(the.pidfile);
}

static int open_engine(void)
{
	struct service_settings settings = { .stream = &the.engine_settings.stream,
					     .log = log_message,
					     .configuration = configuration };
	cri_call *call = NULL;
	int result;

	if (engine_settings_make(&the.settings, &the.engine_settings) || cri_call_new(&call)) {
		log_message(CRI_LOG_ERROR, "no memory");
		return -1;
	}
	the.engine_settings.options.log = on_engine_log;
	result = cri_engine_open(&the.engine_settings.options, &the.engine, call);
	if (!result) {
		settings.engine = the.engine;
		result = service_open(&settings, &the.service, call);
	}
	if (result)
		log_format(CRI_LOG_ERROR, "the engine cannot be opened: %s", cri_call_message(call));
	cri_call_free(call);
	return result;
}

static void on_signal(struct loop_source *source, uint32_t events);

static int block_signals(void)
{
	sigset_t set;

	/* A client that goes while it is written to is no reason to die. */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	the.signals.ready = on_signal;
	the.signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return the.signals.fd < 0 ? -errno : 0;
}

static int open_loop(void)
{
	const struct grpc_server_options options = {
		.service = the.service, .timeouts = grpc_default_timeouts, .finished = on_finished, .log = log_message
	};
	int error = loop_open(&the.loop);

	if (!error)
		error = loop_add(the.loop, &the.signals, EPOLLIN);
	if (!error)
		error = grpc_server_new(the.loop, &options, &the.server);
	if (error)
		log_format(CRI_LOG_ERROR, "the server cannot be made: %s", strerror(-error));
	return error;
}

static void reload_engine(const struct settings *settings)
{
	struct engine_settings fresh;
	cri_call *call = NULL;

	if (engine_settings_make(settings, &fresh))
		return;
	fresh.options.log = on_engine_log;
	if (!cri_call_new(&call) && cri_engine_reload(the.engine, &fresh.options, call))
		log_format(CRI_LOG_ERROR, "registries and CNI directories stay as they were: %s",
			   cri_call_message(call));
	cri_call_free(call);
	engine_settings_clear(&fresh);
}

/* Where CNI's configurations are when nobody says so: libcri/engine.h. */
static const char *network_directory(const struct settings *settings)
{
	const char *directory = settings_text(settings, "cni-conf-dir", NULL);

	return *directory ? directory : "/etc/cni/net.d";
}

/* With the settings of now: a reload looks at the directory. */
static void on_network_change(void)
{
	reload_engine(&the.settings);
}

/* Without it Status and RunPodSandbox still see what is new. */
static int watch_network(void)
{
	int error;

	if (the.engine_settings.options.network_plugin != CRI_NETWORK_CNI)
		return 0;
	error = network_watch_open(the.loop, network_directory(&the.settings), on_network_change, &the.network_watch);
	if (error)
		log_format(CRI_LOG_WARNING, "network configurations are not watched: %s", strerror(-error));
	return 0;
}

static int start(void)
{
	const struct http_pages pages = { .metrics = metrics_page, .ill = ill };
	int error = block_signals();

	if (error) {
		log_format(CRI_LOG_ERROR, "signals cannot be received: %s", strerror(-error));
		return -1;
	}
	if (make_pidfile() || open_engine() || open_loop() || watch_network() ||
	    sockets_open(&the.settings, the.loop, the.server, &pages, &the.sockets))
		return -1;
	return 0;
}

/* --- signals --- */

static void tell_reloading(void)
{
	struct timespec now;
	char text[96];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	(void)notify_send(text);
}

static void reload(void)
{
	struct settings fresh, old;
	char reason[SETTINGS_REASON];

	tell_reloading();
	if (settings_load_again(&the.settings, &fresh, on_warning, reason, sizeof(reason))) {
		log_format(CRI_LOG_ERROR, "the configuration stays as it was: %s", reason);
		settings_clear(&fresh);
	} else {
		log_set_level(settings_log_level(&fresh));
		reload_engine(&fresh);
		sockets_reload(the.sockets, &fresh);
		network_watch_move(the.network_watch, network_directory(&fresh));
		pthread_mutex_lock(&the.mutex);
		old = the.settings;
		the.settings = fresh;
		pthread_mutex_unlock(&the.mutex);
		if (the.started.flags)
			settings_clear(&old);
		else
			the.started = old;
		log_message(CRI_LOG_INFO, "the configuration was read again");
	}
	(void)notify_send("READY=1");
}

static void drain(void)
{
	if (the.drain_end) {
		the.drain_end = 1;
		return;
	}
	log_message(CRI_LOG_INFO, "shutting down; containers run on");
	(void)notify_send("STOPPING=1");
	the.drain_end = loop_now() + 1 + (int64_t)settings_number(&the.settings, "drain-timeout") * 1000;
	sockets_stop(the.sockets);
	grpc_server_drain(the.server);
}

static void on_signal(struct loop_source *source, uint32_t events)
{
	struct signalfd_siginfo info;

	(void)events;
	while (read(source->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload();
		else
			drain();
	}
}

/* --- the loop --- */

static int earlier(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* A sign of life for systemd. Milliseconds until the next; -1: none is wanted. */
static int tick_watchdog(int interval)
{
	int64_t now = loop_now();

	if (!interval)
		return -1;
	if (now >= the.watchdog_at) {
		(void)notify_send("WATCHDOG=1");
		the.watchdog_at = now + interval;
	}
	return (int)(the.watchdog_at - now);
}

/* Gives memory back after calls, which malloc does by itself only where nothing above is in use. Milliseconds until the
 * next look; -1: when there were calls. */
static int tick_memory(void)
{
	struct grpc_figures figures;
	int64_t now = loop_now();
	unsigned finished = atomic_load(&the.finished);

	if (finished == the.trimmed)
		return -1;
	if (now < the.trim_at)
		return (int)(the.trim_at - now);
	grpc_server_look(the.server, &figures);
	if (!figures.calls || figures.calls == figures.subscribers) {
		malloc_trim(0);
		the.trimmed = finished;
	}
	the.trim_at = now + TRIM_INTERVAL;
	return TRIM_INTERVAL;
}

/* Milliseconds until draining is over; 0: it is. */
static int drain_left(void)
{
	int64_t left = the.drain_end - loop_now();
	struct grpc_figures figures;

	grpc_server_look(the.server, &figures);
	if (!figures.calls || left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

static int run(void)
{
	int watchdog = notify_watchdog(), error = 0;

	while (!error) {
		int wait = earlier(grpc_server_tick(the.server), sockets_tick(the.sockets));

		wait = earlier(earlier(wait, tick_watchdog(watchdog)), tick_memory());
		wait = earlier(wait, network_watch_tick(the.network_watch));
		if (the.drain_end) {
			int left = drain_left();

			if (!left)
				return 0;
			wait = earlier(wait, left);
		}
		error = loop_turn(the.loop, wait);
	}
	log_format(CRI_LOG_ERROR, "the loop failed: %s", strerror(-error));
	return error;
}

int daemon_run(struct settings *settings)
{
	int result;

	the.settings = *settings;
	*settings = (struct settings){ .file = NULL };
	result = start();
	if (!result) {
		log_format(CRI_LOG_INFO, "cri-server %s serves", cri_version());
		(void)notify_send("READY=1");
		result = run();
	}
	network_watch_close(the.network_watch);
	sockets_free(the.sockets);
	grpc_server_free(the.server);
	service_close(the.service);
	cri_engine_close(the.engine);
	engine_settings_clear(&the.engine_settings);
	loop_close(the.loop);
	if (the.signals.fd >= 0)
		close(the.signals.fd);
	remove_pidfile();
	if (!result)
		log_message(CRI_LOG_INFO, "cri-server ends");
	settings_clear(&the.settings);
	settings_clear(&the.started);
	return result ? EXIT_FAILURE : EXIT_SUCCESS;
}
