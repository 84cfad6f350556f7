# SPDX-License-Identifier: Apache-2.0
"""The program: command line, sockets, signals, systemd's protocol, the log, metrics, TLS."""

import grp
import json
import os
import resource
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

import grpc

import cri_client

SERVER = os.path.join(cri_client.BUILD, "cri-server")
ROOT = cri_client.ROOT


def run(*arguments):
    return subprocess.run([SERVER, *arguments], capture_output=True, text=True, timeout=20, check=False)


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="cri-server-test.")
        self.addCleanup(shutil.rmtree, self.directory)

    def file(self, text):
        path = os.path.join(self.directory, "daemon.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_help_lists_every_key_and_the_manual_too(self):
        text = run("--help").stdout
        with open(os.path.join(ROOT, "docs", "man", "cri-server.8"), encoding="utf-8") as file:
            manual = file.read().replace("\\-", "-")
        with open(os.path.join(ROOT, "cri-server", "daemon", "settings_keys.c"), encoding="utf-8") as file:
            source = file.read()
        flags = [part.split('"')[1] for part in source.split(".flag = ")[1:]]
        self.assertGreater(len(flags), 20)
        for flag in flags + ["config", "check-config", "help", "version"]:
            self.assertIn("--" + flag, text)
            self.assertIn("--" + flag, manual)
        for key in ("registries", "runtimes"):
            self.assertIn(f'"{key}"', text)
            self.assertIn(key, manual)

    def test_version(self):
        answer = run("--version")
        self.assertEqual(answer.returncode, 0)
        self.assertRegex(answer.stdout, r"^cri-server \d+\.\d+\.\d+\n$")

    def test_check_config(self):
        good = run("--check-config", "--config", self.file('{"storage-driver": "overlay2", "graph": "/x"}'))
        self.assertEqual(good.returncode, 0)
        self.assertIn("storage-driver", good.stderr)
        bad = run("--check-config", "--config", self.file('{"graph": "x"}'))
        self.assertEqual(bad.returncode, 2)
        for word in (os.path.join(self.directory, "daemon.json"), "graph", "no absolute path"):
            self.assertIn(word, bad.stderr)

    def test_the_shipped_configuration_is_right(self):
        answer = run("--check-config", "--config", os.path.join(ROOT, "cri-server", "systemd", "daemon.json"))
        self.assertEqual(answer.returncode, 0, answer.stderr)

    def test_a_bad_configuration_stops_the_start(self):
        answer = run("--config", self.file('{"no-such-key": 1}'))
        self.assertEqual(answer.returncode, 2)
        self.assertIn("no-such-key", answer.stderr)

    def test_what_the_engine_refuses_stops_the_start(self):
        answer = run("--graph", os.path.join(self.directory, "root"), "--state", "/proc/nowhere", "--host",
                     "unix://" + os.path.join(self.directory, "sock"), "--network-plugin", "none")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("level=error", answer.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.directory, "sock")))


class Sockets(unittest.TestCase):
    def start(self, **config):
        server = cri_client.Server({key.replace("_", "-"): value for key, value in config.items()})
        self.addCleanup(server.close)
        return server

    def test_mode_and_group(self):
        group = next(entry for entry in grp.getgrall() if entry.gr_gid not in (0, 65534))
        server = self.start(group=group.gr_name)
        status = os.stat(server.socket)
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o660)
        self.assertEqual(status.st_gid, group.gr_gid)

    def test_the_mode_does_not_depend_on_the_umask(self):
        before = os.umask(0)
        try:
            server = self.start()
        finally:
            os.umask(before)
        self.assertEqual(stat.S_IMODE(os.stat(server.socket).st_mode), 0o660)

    def test_the_limit_of_descriptors_is_raised(self):
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        try:
            server = self.start()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        self.assertEqual(limits, (min(before[1], 65536), before[1]))

    def test_stop_removes_the_socket_and_the_pidfile(self):
        server = self.start()
        with open(os.path.join(server.directory, "pid"), encoding="ascii") as file:
            self.assertEqual(int(file.read()), server.process.pid)
        self.assertEqual(server.stop(), 0)
        self.assertFalse(os.path.exists(server.socket))
        self.assertFalse(os.path.exists(os.path.join(server.directory, "pid")))

    def test_a_stale_socket_is_replaced_and_a_live_one_respected(self):
        server = self.start()
        server.stop(signal.SIGKILL)
        self.assertTrue(os.path.exists(server.socket))
        server.start()
        wait_for(lambda: "serves" in server.read_log().splitlines()[-1])
        server.client().Version()
        second = subprocess.run([SERVER, "--config", server.config, "--pidfile", ""], capture_output=True, text=True,
                                timeout=20, check=False, env=dict(os.environ, LIBCRI_HELPER_DIRECTORY=cri_client.HELPERS))
        self.assertEqual(second.returncode, 1)
        self.assertIn("somebody else listens there", second.stderr)
        server.client().Version()

    def test_the_pidfile_admits_one(self):
        server = self.start()
        other = "unix://" + server.socket + ".2"
        second = subprocess.run([SERVER, "--config", server.config, "--host", other], capture_output=True, text=True,
                                timeout=20, check=False, env=dict(os.environ, LIBCRI_HELPER_DIRECTORY=cri_client.HELPERS))
        self.assertEqual(second.returncode, 1)
        self.assertIn("a running daemon has it", second.stderr)
        with open(os.path.join(server.directory, "pid"), encoding="ascii") as file:
            self.assertEqual(int(file.read()), server.process.pid)

    def test_a_file_in_the_way_is_kept(self):
        directory = tempfile.mkdtemp(prefix="cri-server-test.")
        self.addCleanup(shutil.rmtree, directory)
        path = os.path.join(directory, "sock")
        with open(path, "w", encoding="ascii") as file:
            file.write("precious")
        answer = subprocess.run([SERVER, "--graph", directory + "/root", "--state", directory + "/state", "--host",
                                 "unix://" + path, "--network-plugin", "none"], capture_output=True, text=True,
                                timeout=20, check=False, env=dict(os.environ, LIBCRI_HELPER_DIRECTORY=cri_client.HELPERS))
        subprocess.run(["umount", "-l", directory + "/state"], stderr=subprocess.DEVNULL, check=False)
        self.assertEqual(answer.returncode, 1)
        with open(path, encoding="ascii") as file:
            self.assertEqual(file.read(), "precious")

    def test_sockets_in_the_state_directory(self):
        """The default: on a disk too, where a tmpfs is mounted over the directory first."""
        directory = tempfile.mkdtemp(prefix="cri-server-test.", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, directory)
        server = self.start()
        server.stop()
        subprocess.run(["umount", "-l", server.state], check=True)
        server.state = directory + "/state"
        server.socket = server.state + "/cri.sock"
        server.target = "unix://" + server.socket
        server.change(state=server.state, hosts=[server.target])
        for _ in range(2):
            server.start()
            self.assertTrue(server.client().Version().version)
            server.stop()

    def test_what_a_tmpfs_would_hide_stops_the_start(self):
        directory = tempfile.mkdtemp(prefix="cri-server-test.", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, directory)
        os.mkdir(directory + "/state")
        answer = subprocess.run([SERVER, "--graph", directory + "/root", "--state", directory + "/state", "--host",
                                 f"unix://{directory}/sock", "--pidfile", directory + "/state/pid",
                                 "--network-plugin", "none"], capture_output=True, text=True, timeout=20, check=False,
                                env=dict(os.environ, LIBCRI_HELPER_DIRECTORY=cri_client.HELPERS))
        subprocess.run(["umount", "-l", directory + "/state"], stderr=subprocess.DEVNULL, check=False)
        self.assertEqual(answer.returncode, 1)
        self.assertIn("would hide " + directory + "/state/pid", answer.stderr)

    def test_several_hosts(self):
        directory = tempfile.mkdtemp(prefix="cri-server-test.")
        self.addCleanup(shutil.rmtree, directory)
        second = f"unix://{directory}/second.sock"
        server = self.start()
        server.stop()
        with open(server.config, encoding="utf-8") as file:
            config = json.load(file)
        config["hosts"].append(second)
        with open(server.config, "w", encoding="utf-8") as file:
            json.dump(config, file)
        server.start()
        for target in (server.target, second):
            client = cri_client.Client("v1", target)
            self.assertTrue(wait_for(lambda client=client: client.Version().version))
            client.close()


class Systemd(unittest.TestCase):
    """The daemon under a systemd that the test plays."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="cri-server-test.")
        self.addCleanup(shutil.rmtree, self.directory)
        self.state = os.path.join(self.directory, "state")
        self.addCleanup(subprocess.run, ["umount", "-l", self.state], stderr=subprocess.DEVNULL, check=False)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.notify.close)
        self.notify.bind(os.path.join(self.directory, "notify"))
        self.notify.settimeout(20)

    def start(self, passed=None, **environment):
        config = os.path.join(self.directory, "daemon.json")
        with open(config, "w", encoding="utf-8") as file:
            json.dump({"graph": self.directory + "/root", "state": self.state, "network-plugin": "none",
                       "hosts": [f"unix://{self.directory}/cri.sock"]}, file)
        environment = dict(os.environ, LIBCRI_HELPER_DIRECTORY=cri_client.HELPERS,
                           NOTIFY_SOCKET=os.path.join(self.directory, "notify"), **environment)
        command = 'exec "$0" "$@"'
        if passed is not None:
            command = f'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" "$@" 3<&{passed.fileno()}'
        process = subprocess.Popen(["/bin/bash", "-c", command, SERVER, "--config", config], stderr=subprocess.PIPE,
                                   text=True, pass_fds=() if passed is None else (passed.fileno(),), env=environment)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def heard(self):
        return self.notify.recv(4096).decode()

    def test_ready_reloading_stopping(self):
        process = self.start()
        self.assertEqual(self.heard(), "READY=1")
        self.assertTrue(os.path.exists(self.directory + "/cri.sock"))
        process.send_signal(signal.SIGHUP)
        self.assertRegex(self.heard(), r"^RELOADING=1\nMONOTONIC_USEC=\d+$")
        self.assertEqual(self.heard(), "READY=1")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.heard(), "STOPPING=1")
        self.assertEqual(process.wait(20), 0)

    def test_watchdog(self):
        process = self.start(WATCHDOG_USEC="200000")
        heard = [self.heard() for _ in range(4)]
        self.assertEqual(heard[0], "READY=1")
        self.assertEqual(heard[1:], ["WATCHDOG=1"] * 3)
        process.terminate()
        process.wait(20)

    def test_socket_activation(self):
        passed = socket.socket(socket.AF_UNIX)
        path = self.directory + "/cri.sock"
        passed.bind(path)
        passed.listen()
        # A client that came before the daemon is served, too.
        client = cri_client.Client("v1", "unix://" + path)
        answers = []
        early = threading.Thread(target=lambda: answers.append(client.Version()))
        early.start()
        process = self.start(passed)
        self.assertEqual(self.heard(), "READY=1")
        early.join(20)
        self.assertTrue(answers[0].version)
        client.close()
        process.terminate()
        process.wait(20)
        # systemd's socket stays.
        self.assertTrue(os.path.exists(path))
        passed.close()

    def test_a_passed_descriptor_that_is_no_socket_stops_the_start(self):
        with open("/dev/null", "rb") as null:
            process = self.start(null)
        self.assertEqual(process.wait(20), 1)
        self.assertIn("descriptor 3", process.stderr.read())


class Running(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            cls.port = probe.getsockname()[1]
        cls.server = cri_client.Server({"metrics-address": f"127.0.0.1:{cls.port}", "log-level": "info",
                                        "drain-timeout": 2})

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def get(self, path, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()

    def test_metrics_and_health(self):
        client = self.server.client()
        for _ in range(3):
            client.Version()
        self.assertEqual(self.get("/healthz"), "ok\n")
        text = self.get("/metrics")
        counts = [line for line in text.splitlines() if line.startswith("cri_server_calls_total")
                  and 'method="Version"' in line]
        self.assertEqual(len(counts), 1)
        self.assertGreaterEqual(int(counts[0].split()[-1]), 3)
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)+\})? [0-9.e+-]+)$')
        for path, method, code in (("/", "GET", 404), ("/metrics", "POST", 405)):
            with self.assertRaises(urllib.error.HTTPError) as raised:
                self.get(path, method)
            self.assertEqual(raised.exception.code, code)
            raised.exception.close()

    def test_clients_of_metrics_cannot_hold_the_daemon(self):
        slow = []
        for _ in range(40):
            one = socket.create_connection(("127.0.0.1", self.port))
            one.send(b"GET /met")
            slow.append(one)
        self.server.client().Version()
        # Those above sixteen are closed at once, the others in time.
        self.assertTrue(wait_for(lambda: self.open_clients() == 0, 15))
        for one in slow:
            one.close()
        self.assertEqual(self.get("/healthz"), "ok\n")

    def open_clients(self):
        text = subprocess.run(["ss", "-Htn", "state", "established", f"sport = :{self.port}"], capture_output=True,
                              text=True, check=True).stdout
        return len(text.splitlines())

    def test_the_log_has_one_line_for_each_call_worth_it(self):
        with self.assertRaises(grpc.RpcError):
            self.server.client().ContainerStatus(container_id="nobody")
        before = self.server.read_log().count("call=Version")
        self.server.client().Version()
        line = next(line for line in self.server.read_log().splitlines() if "ContainerStatus" in line)
        self.assertRegex(line, r'^time=\S+Z level=info msg=call request=\d+ call=ContainerStatus object="?[^=]*nobody"? '
                               r'code=NOT_FOUND ms=[0-9.]+ error=".*nobody.*"$')
        self.assertEqual(self.server.read_log().count("call=Version"), before)

    def test_sighup_takes_the_log_level(self):
        self.addCleanup(self.server.reload, log_level="info")
        self.server.reload(log_level="debug")
        self.server.client().Version()
        self.assertTrue(wait_for(lambda: "call=Version" in self.server.read_log()))
        self.assertNotIn("stay as they were", self.server.read_log())
        self.server.change(no_such_key=1)
        self.server.process.send_signal(signal.SIGHUP)
        self.assertTrue(wait_for(lambda: 'no-such-key\\": it is unknown' in self.server.read_log()))
        self.server.change(no_such_key=None, graph="/elsewhere")
        self.server.process.send_signal(signal.SIGHUP)
        self.assertTrue(wait_for(lambda: '\\"graph\\" has changed' in self.server.read_log()))
        self.server.change(graph=self.server.root)
        self.server.client().Version()


class Draining(unittest.TestCase):
    def setUp(self):
        self.server = cri_client.Server({"drain-timeout": 1})
        self.addCleanup(self.server.close)

    def test_subscribers_are_told_and_clients_sent_away(self):
        events = self.server.client().GetContainerEvents()
        events.initial_metadata()
        self.server.process.send_signal(signal.SIGTERM)
        with self.assertRaises(grpc.RpcError) as raised:
            next(events)
        self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertIn("shutting down", raised.exception.details())
        self.assertEqual(self.server.process.wait(10), 0)

    def test_a_half_sent_request_does_not_hold_the_end_for_long(self):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self.server.socket)
            client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5))
            time.sleep(0.1)
            begun = time.monotonic()
            self.assertEqual(self.server.stop(), 0)
            self.assertLess(time.monotonic() - begun, 5)


class MutualTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="cri-server-test.")
        cls.make("ca")
        cls.make("server", "ca")
        cls.make("client", "ca")
        cls.make("other")
        cls.make("stranger", "other")
        cls.port = cri_client.free_port()
        cls.server = cri_client.Server({"tls-config": {"CAFile": cls.path("ca.crt"), "CertFile": cls.path("server.crt"),
                                                       "KeyFile": cls.path("server.key")}})
        cls.server.stop()
        with open(cls.server.config, encoding="utf-8") as file:
            config = json.load(file)
        config["hosts"].append(f"tcp://127.0.0.1:{cls.port}")
        with open(cls.server.config, "w", encoding="utf-8") as file:
            json.dump(config, file)
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        shutil.rmtree(cls.directory)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.directory, name)

    @classmethod
    def read(cls, name):
        with open(cls.path(name), "rb") as file:
            return file.read()

    @classmethod
    def make(cls, name, signer=None):
        """A certificate, self-signed or signed by another."""
        extra = ["-CA", cls.path(signer + ".crt"), "-CAkey", cls.path(signer + ".key")] if signer else []
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                        cls.path(name + ".key"), "-out", cls.path(name + ".crt"), *extra], check=True,
                       capture_output=True)

    def version(self, credentials, timeout=10):
        with grpc.secure_channel(f"127.0.0.1:{self.port}", credentials) as channel:
            return channel.unary_unary("/runtime.v1.RuntimeService/Version")(b"", timeout=timeout)

    def test_a_client_with_a_certificate_is_served(self):
        credentials = grpc.ssl_channel_credentials(self.read("ca.crt"), self.read("client.key"), self.read("client.crt"))
        self.assertTrue(wait_for(lambda: self.version(credentials)))

    def test_large_answers_and_requests_pass(self):
        credentials = grpc.ssl_channel_credentials(self.read("ca.crt"), self.read("client.key"), self.read("client.crt"))
        options = [("grpc.max_send_message_length", -1)]
        with grpc.secure_channel(f"127.0.0.1:{self.port}", credentials, options=options) as channel:
            call = channel.unary_unary("/runtime.v1.RuntimeService/Version")
            # An unknown field of 15 MB, which protobuf ignores.
            length = 15 << 20
            varint = bytes([length & 127 | 128, length >> 7 & 127 | 128, length >> 14 & 127 | 128, length >> 21])
            self.assertTrue(call(b"\xfa\x06" + varint + bytes(length), timeout=30))
            with self.assertRaises(grpc.RpcError) as raised:
                call(bytes(17 << 20), timeout=30)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)

    def test_others_are_not(self):
        strangers = (grpc.ssl_channel_credentials(self.read("ca.crt")),
                     grpc.ssl_channel_credentials(self.read("ca.crt"), self.read("stranger.key"),
                                                  self.read("stranger.crt")))
        for credentials in strangers:
            with self.assertRaises(grpc.RpcError) as raised:
                self.version(credentials, 3)
            self.assertIn(raised.exception.code(), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED))
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel, self.assertRaises(grpc.RpcError):
            channel.unary_unary("/runtime.v1.RuntimeService/Version")(b"", timeout=3)
        self.server.client().Version()

    def test_without_alpn_there_is_no_connection(self):
        answer = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-cert",
                                 self.path("client.crt"), "-key", self.path("client.key"), "-CAfile",
                                 self.path("ca.crt"), "-quiet", "-no_ign_eof"],
                                input=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", capture_output=True, timeout=20, check=False)
        self.assertNotIn(b"\x00\x00", answer.stdout)
        self.server.client().Version()
