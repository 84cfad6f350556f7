/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libcri.so and cri-shim say to each other.
 *
 * `cri-shim DIRECTORY` serves the container whose state directory it is given, `cri-shim --resume DIRECTORY` takes a
 * container over whose shim died. Descriptor SHIM_STATUS_FD is one end of a SEQPACKET pair.
 *
 * A shim that is to create a container first gets SHIM_ENTER, moves into the monitors' cgroup, and loads all that it
 * needs. It touches nothing before SHIM_ORDER, which says that the container's order and the directories of its root
 * stand, and brings one end of another pair, which takes the first one's place: with the other end of the present pair
 * closed it undoes what it began, and ends. So it may be begun before there is a container. The first pair's end is
 * then the shim's. The container's cgroup is made while liblxc is at work, and SHIM_GO says that it is there. One
 * message of the shim tells how creating (or resuming, for which nothing is waited for) went, then the pair is closed.
 * From then on requests come over DIRECTORY/shim.sock (SEQPACKET, mode 0600), one client a connection. All messages are
 * JSON objects of at most SHIM_MESSAGE_MAX bytes; unknown members are ignored, so that an old shim serves a newer
 * library; an unknown "op" is answered with an error.
 *
 *     SHIM_ENTER    {"op":"enter","files":[PATH…],"zygote":BOOL}   tasks files of v1
 *
 * With "zygote" it becomes no shim: it loads liblxc too, and forks a shim for each further message
 *
 *     {"op":"shim","directory":PATH} + one end of the shim's first pair; without: there will be one soon
 *
 * of which PATH is as long as the DIRECTORY that it was started with. It ends with its own pair. When nothing comes for
 * SHIM_ZYGOTE_MILLISECONDS it shuts the pair first: sending then fails with EPIPE, and nothing gets lost. Where it can
 * fork none it says why on the shim's pair, as a shim does that fails before it took its order.
 *
 * An answer is either {"ok":true, …} or {"error":{"step":TEXT,"message":TEXT,"errno":N,"code":CRI_CODE}}.
 *
 *     creating (SHIM_GO), resuming   → {"ok":true,"pid":N,"user":{"uid":N,"gid":N,"groups":[N…]}}
 *     {"op":"start"}       → {"ok":true,"started_at":NS} when execve succeeded
 *     {"op":"signal","signal":N}                        → {"ok":true}   to the first process
 *     {"op":"reopen_log"}                               → {"ok":true}   the file exists
 *     {"op":"resize","columns":N,"rows":N}              → {"ok":true}   with a tty
 *     {"op":"status"}                                   → {"ok":true,"pid":N,"state":"created"|"running"|"exited"}
 *     {"op":"exec","terminal":BOOL,"go":BOOL} + descriptors: the process record (memfd), then, with "go", stdin,
 *                             stdout, stderr (stdin alone stands for all with a terminal: see below)
 *                          → {"ok":true,"pid":N} when execve succeeded, later {"exit_code":N,"signal":N}
 *         without "go" the shim checks the request and answers {"ok":true,"ready":true}; a later message {"op":"go"}
 *         with the descriptors starts it. Closing the connection before the exit code came kills the command and the
 *         processes of its session (a terminal is hung up).
 *         {"op":"signal"} and {"op":"resize"} on this connection are for the command.
 *         with a terminal the answer to "go" carries the master's descriptor and no stdio descriptors are taken.
 *     {"op":"attach", …}   is left to streaming.
 *
 * DIRECTORY/shim.json is the shim's order, written by libcri.so:
 *
 *     { "version":1, "id":TEXT, "handler":"lxc", "lxc_config":PATH, "lxc_path":PATH,
 *       "exits":DIRECTORY of exit records, "log":PATH or "", "terminal":BOOL, "stdin":BOOL, "stdin_once":BOOL,
 *       "state":PATH of the state directory,
 *       "monitor_namespace":PATH of the empty network namespace,
 *       "monitor_mounts":PATH of the monitors' mount namespace,
 *       "mounts":[{"type":"bind","source":PATH,"target":PATH,"recursive":BOOL,"readonly":BOOL,
 *                  "recursive_readonly":BOOL,"propagation":"private"|"slave"|"shared","flags":["nosuid",…]},
 *                 {"type":"fresh","filesystem":"mqueue","target":PATH,"data":TEXT,"flags":[…]},
 *                 {"type":"mask","target":PATH}, {"type":"readonly","target":PATH}],
 *       "cgroup_entry":[PATH…]   tasks files of v1, through which the container's first process (their descriptors
 *                                come behind the memfd of PROCESS) and every exec enter the container's cgroup
 *       "cgroup_v2":{"mountpoint":PATH,"path":PATH}  and the cgroup of v2 that they are born in; absent: none
 *       "monitor_cgroup_entry":[PATH…]  those of SHIM_ENTER, for a shim that resumes,
 *       "monitor_cgroup_v2":DIRECTORY in which libcri.so lets the shim be born; absent: none,
 *       "seccomp":"default"|"profile", of DIRECTORY/seccomp.json; absent: none. The shim compiles it, and adds the
 *                                program to DIRECTORY/process
 *       "capabilities":NUMBER    a bit for each that the container has, which its seccomp profile may ask for
 *       "oom":{"v1":PATH of the memory cgroup | "v2":PATH of memory.events} }
 *
 * The monitor keeps cgroups from liblxc, which would make some of its own, and write to cgroup.procs: 10 to 20 ms at
 * each start and end, since the kernel waits for RCU. It enters a mount namespace of the monitors' own, in which
 * no cgroup file system is mounted: liblxc then does without (tried with 5.0.2).
 * On v1 the first process is born in the monitor's cgroup and moves itself (cri-init, at PROCESS), which is cheap. On
 * v2 that would wait for RCU too, so it is born in the container's (helpers/shim/birth.h), as are the processes of
 * execs; neither the monitor nor anything else of ours is ever in there, to be killed with it, charged to it, or
 * counted by its pids.max. What a container sees at /sys/fs/cgroup are entries of "mounts".
 *
 * DIRECTORY/process is the process record of the container's first process.
 *
 * The exit record, DIRECTORY/exit and then EXITS/<id> (renamed, never written in place):
 *
 *     {"version":1,"id":TEXT,"exit_code":N,"finished_at":NS,"started_at":NS or
 * 0,"oom":BOOL,"reason":TEXT,"message":TEXT}
 *
 * with reason "" or "Unknown" (the monitor was killed), and message "" or what is known about it.
 *
 * The monitor writes DIRECTORY/exit when liblxc's start() has returned; the shim publishes it when the log is drained,
 * the monitor itself when the shim is dead. Both hold a lock on byte 0 of their lock file for life (shim.lock,
 * monitor.lock), which holds their pid in decimal.
 *
 * The shim that created the container also holds SHIM_LOCK_UNPUBLISHED until just before it publishes: nobody else
 * publishes while it lives, so this one byte says that the container has not ended. Where it is free nothing is said: a
 * shim that took over never holds it, since the monitor may have published before.
 */
#ifndef LIBCRI_RUNTIME_SHIM_PROTOCOL_H
#define LIBCRI_RUNTIME_SHIM_PROTOCOL_H

#define SHIM_STATUS_FD 3
#define SHIM_LOCK_ALIVE 0
#define SHIM_LOCK_UNPUBLISHED 1
#define SHIM_ENTER "enter" /* the "op" */
#define SHIM_ORDER "{\"op\":\"order\"}"
#define SHIM_GO "{\"op\":\"go\"}"
/* How the monitor, and so lxc.conf, reaches the state directory of the engine and of the container. */
#define SHIM_MONITOR_STATE_FD 10
#define SHIM_MONITOR_STATE "/proc/self/fd/10"
#define SHIM_MONITOR_DIRECTORY_FD 8
#define SHIM_MONITOR_DIRECTORY "/proc/self/fd/8"
#define SHIM_MESSAGE_MAX 65536
#define SHIM_ZYGOTE_MILLISECONDS 3000
#define SHIM_VERSION 1

#endif
