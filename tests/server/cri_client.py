# SPDX-License-Identifier: Apache-2.0
"""A cri-server of the test's own, and gRPC clients of each package that speak to it."""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import grpc

import cri_schema

ROOT = cri_schema.ROOT
BUILD = os.path.abspath(os.environ.get("CRI_TEST_BUILD", os.path.join(ROOT, "build")))
HELPERS = os.path.join(BUILD, "libexec", "libcri")

# What a kubelet sets (16 MB each way).
OPTIONS = [("grpc.max_receive_message_length", 16 << 20), ("grpc.max_send_message_length", 16 << 20),
           ("grpc.default_authority", "localhost")]

TIMEOUT = 60


class Client:
    """Calls by name, with the messages of one package: client.Version(version="0.1.0")."""

    def __init__(self, dialect, target):
        self.dialect = dialect
        self.messages = cri_schema.load(dialect)
        self.channel = grpc.insecure_channel(target, options=OPTIONS)
        self._calls = {}
        for call in cri_schema.calls():
            if dialect in call.dialects:
                self._calls[call.name] = self._stub(call)

    def _stub(self, call):
        path = f"/{cri_schema.PACKAGES[self.dialect]}.{call.service}/{call.name}"
        make = self.channel.unary_stream if call.stream else self.channel.unary_unary
        method = make(path, request_serializer=lambda message: message.SerializeToString(),
                      response_deserializer=self.messages[call.response].FromString)
        return call, method

    def __getattr__(self, name):
        if name not in self._calls:
            raise AttributeError(name)
        call, method = self._calls[name]

        def invoke(_timeout=TIMEOUT, **fields):
            return method(self.messages[call.request](**fields), timeout=_timeout)
        return invoke

    def packed(self, name, **fields):
        """The path of a call, and its request as bytes."""
        call = self._calls[name][0]
        request = self.messages[call.request](**fields)
        return f"/{cri_schema.PACKAGES[self.dialect]}.{call.service}/{name}", request.SerializeToString()

    def send(self, name, request, timeout=TIMEOUT):
        """A call with a request that is already made."""
        return self._calls[name][1](request, timeout=timeout)

    def raw(self, path, data, timeout=TIMEOUT):
        """Any bytes to any path."""
        return self.channel.unary_unary(path)(data, timeout=timeout)

    def __contains__(self, name):
        return name in self._calls

    def close(self):
        self.channel.close()


def _import(root, state, archive):
    """Imports an image with libcri, as a second program beside the server would."""
    library = ctypes.CDLL(os.path.join(BUILD, "libcri.so"))
    options = ctypes.create_string_buffer(4096)
    library.cri_engine_options_init(options, ctypes.c_size_t(4096))
    texts = [ctypes.c_char_p(text.encode()) for text in (root, state, HELPERS)]
    for index, text in enumerate(texts):
        ctypes.memmove(ctypes.addressof(options) + 8 * (index + 1), ctypes.byref(text), 8)
    library.cri_call_message.restype = ctypes.c_char_p
    call, engine, images = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    assert library.cri_call_new(ctypes.byref(call)) == 0
    try:
        result = library.cri_engine_open(options, ctypes.byref(engine), call)
        if result == 0:
            result = library.cri_image_import(engine, archive.encode(), None, ctypes.byref(images), call)
        if result != 0:
            raise RuntimeError(library.cri_call_message(call).decode())
    finally:
        library.cri_list_free(images)
        library.cri_engine_close(engine)
        library.cri_call_free(call)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _remove_cgroups(path):
    """Removes what pods had in common, in every hierarchy. A process that is left there makes this fail."""
    top = "/sys/fs/cgroup"
    mounts = [top] if os.path.exists(os.path.join(top, "cgroup.procs")) else []
    mounts += [entry.path for entry in os.scandir(top) if entry.is_dir() and not entry.is_symlink()]
    for mount in mounts:
        for directory, _, _ in os.walk(mount + path, topdown=False):
            os.rmdir(directory)


class Server:
    """A cri-server with a root of its own, which is removed with everything in it."""

    def __init__(self, config=None, prefix=()):
        """The prefix is a command that becomes the server: "unshare --net"."""
        self.prefix = list(prefix)
        self.directory = tempfile.mkdtemp(prefix="cri-server-test.")
        self.root = os.path.join(self.directory, "root")
        self.state = os.path.join(self.directory, "state")
        self.socket = os.path.join(self.directory, "cri.sock")
        self.target = "unix://" + self.socket
        self.config = os.path.join(self.directory, "daemon.json")
        self.log = os.path.join(self.directory, "log")
        self.cgroup = "/libcri-server-test-" + os.path.basename(self.directory).split(".")[1]
        settings = {
            "graph": self.root,
            "state": self.state,
            "hosts": [self.target],
            "pidfile": os.path.join(self.directory, "pid"),
            "network-plugin": "none",
            "cgroup-parent": self.cgroup,
            "websocket-server-listening-port": free_port(),
        }
        settings.update(config or {})
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump({key: value for key, value in settings.items() if value is not None}, file)
        self.program = os.path.join(BUILD, "cri-server")
        self.process = None
        self.clients = {}
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self):
        environment = dict(os.environ, LIBCRI_HELPER_DIRECTORY=HELPERS)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.prefix + [self.program, "--config", self.config],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        deadline = time.monotonic() + 20
        while not os.path.exists(self.socket):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("cri-server does not start:\n" + self.read_log())
            time.sleep(0.01)

    def stop(self, signal_number=signal.SIGTERM):
        """Ends it; containers run on. The exit status."""
        self.disconnect()
        if self.process is None:
            return None
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(signal_number)
        try:
            return process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def disconnect(self):
        for client in self.clients.values():
            client.close()
        self.clients = {}

    def client(self, dialect="v1"):
        if dialect not in self.clients:
            self.clients[dialect] = Client(dialect, self.target)
        return self.clients[dialect]

    def change(self, **keys):
        """Changes keys of the configuration file; None removes one."""
        with open(self.config, encoding="utf-8") as file:
            config = json.load(file)
        config.update({key.replace("_", "-"): value for key, value in keys.items()})
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump({key: value for key, value in config.items() if value is not None}, file)

    def reload(self, **keys):
        """The same, and waits until the daemon has taken them."""
        before = self.read_log().count("was read again")
        self.change(**keys)
        self.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        while self.read_log().count("was read again") == before:
            if time.monotonic() > deadline:
                raise RuntimeError("cri-server does not read its configuration again:\n" + self.read_log())
            time.sleep(0.01)

    def read_log(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                return log.read()
        except OSError:
            return ""

    def import_busybox(self):
        archive = os.path.join(self.directory, "busybox.tar")
        subprocess.run([os.path.join(ROOT, "examples", "make_busybox_image.sh"), archive, "docker"], check=True,
                       stdout=subprocess.DEVNULL)
        _import(self.root, self.state, archive)

    def remove_pods(self):
        client = self.client()
        for pod in client.ListPodSandbox().items:
            client.RemovePodSandbox(pod_sandbox_id=pod.id)

    def has_containers(self):
        path = os.path.join(self.state, "containers")
        return os.path.isdir(path) and bool(os.listdir(path))

    def close(self):
        try:
            # Containers outlive a daemon that a test has ended.
            if (self.process is None or self.process.poll() is not None) and self.has_containers():
                self.stop()
                self.start()
            if self.process is not None and self.process.poll() is None:
                self.remove_pods()
            status = self.stop()
            if status:
                raise RuntimeError(f"cri-server ended with status {status}:\n{self.read_log()}")
            _remove_cgroups(self.cgroup)
        finally:
            subprocess.run(["umount", "-l", self.state], stderr=subprocess.DEVNULL, check=False)
            shutil.rmtree(self.directory, ignore_errors=True)


class ServerTest(unittest.TestCase):
    """Tests that share a server with a busybox image. Each makes pods of its own names."""

    image = "busybox"
    with_image = True
    config = None
    dialect = None

    @classmethod
    def setUpClass(cls):
        cls.server = Server(cls.config)
        try:
            if cls.with_image:
                cls.server.import_busybox()
        except BaseException:
            cls.server.close()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def setUp(self):
        self.v1 = self.server.client("v1")
        self.logs = os.path.join(self.server.directory, "logs", self.id())

    def each_dialect(self):
        """A client of each package; a failure is told with the present one."""
        for self.dialect in cri_schema.DIALECTS:
            yield self.server.client(self.dialect)
        self.dialect = None

    def fails(self, code, call, **fields):
        """The error text of a call that must fail with this code."""
        with self.assertRaises(grpc.RpcError) as raised:
            answer = call(**fields)
            if hasattr(answer, "__next__"):
                list(answer)
        self.assertEqual(raised.exception.code(), code, raised.exception.details())
        self.assertTrue(raised.exception.details())
        return raised.exception.details()

    def pod_config(self, client=None, name=None, **more):
        """A pod without a pause process, except in 2019, where there is no way to say so."""
        client = client or self.v1
        config = {
            "metadata": {"name": name or self.id(), "uid": client.dialect, "namespace": "test"},
            "log_directory": self.logs,
            "linux": {"security_context": {}},
        }
        if client.dialect != "2019":
            config["linux"]["security_context"]["namespace_options"] = {"pid": 1}
        config.update(more)
        return config

    def run_pod(self, client=None, **more):
        client = client or self.v1
        config = self.pod_config(client, **more)
        pod = client.RunPodSandbox(config=config).pod_sandbox_id
        self.addCleanup(lambda: self.server.client().RemovePodSandbox(pod_sandbox_id=pod))
        return pod

    def container_config(self, client=None, command=("sleep", "1000"), name="main", **more):
        client = client or self.v1
        config = {
            "metadata": {"name": name},
            "image": {"image": self.image},
            "command": list(command),
        }
        if client.dialect != "2019":
            config["linux"] = {"security_context": {"namespace_options": {"pid": 1}}}
        config.update(more)
        return config

    def create(self, pod, client=None, **more):
        client = client or self.v1
        return client.CreateContainer(pod_sandbox_id=pod, config=self.container_config(client, **more)).container_id

    def start(self, pod, client=None, **more):
        client = client or self.v1
        container = self.create(pod, client, **more)
        client.StartContainer(container_id=container)
        return container

    def status(self, container, client=None):
        return (client or self.v1).ContainerStatus(container_id=container).status

    def wait_exit(self, container, client=None, seconds=20):
        """The status of a container once it has exited."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = self.status(container, client)
            if status.state == 2:
                return status
            time.sleep(0.02)
        self.fail(f"container {container} does not exit")
        return None


def unknown_fields(message, path=""):
    """The numbers of the fields that a client was sent and does not know, at any depth."""
    found = [f"{path}{field.field_number}" for field in message.UnknownFields()]
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for inner in value if field.label == field.LABEL_REPEATED else [value]:
            found += unknown_fields(inner, f"{path}{field.name}.")
    return found
