# SPDX-License-Identifier: Apache-2.0
"""What outlives the daemon, and what it takes anew from its configuration while it runs."""

import os
import shutil
import signal
import time
import unittest

import grpc
from grpc import StatusCode

import cri_client
from cri_client import ServerTest
from registry import Registry
from test_cri_events import CREATED, DELETED, STARTED, STOPPED, Subscriber

COUNT = ["sh", "-c", "i=0; while :; do echo $i; i=$((i+1)); sleep 0.01; done"]


class Restart(ServerTest):
    """The daemon runs from a file of its own, in whose place another one is put."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.stop()
        cls.server.program = os.path.join(cls.server.directory, "bin", "cri-server")
        os.makedirs(os.path.dirname(cls.server.program))
        os.symlink(os.path.join(cri_client.BUILD, "libcri.so"), os.path.dirname(cls.server.program) + "/libcri.so.0")
        cls.install()
        cls.server.start()

    @classmethod
    def install(cls):
        shutil.copy(os.path.join(cri_client.BUILD, "cri-server"), cls.server.program + ".new")
        os.replace(cls.server.program + ".new", cls.server.program)

    def check_upgrade(self, signal_number):
        subscriber = Subscriber(self.server.client())
        pod = self.run_pod()
        stays = self.start(pod, name="stays", command=COUNT, log_path="stays.log")
        ends = self.start(pod, name="ends", command=["sh", "-c", "while [ ! -e /end ]; do sleep 0.02; done; exit 7"])
        made = self.create(pod, name="made")
        for container, kind in ((stays, STARTED), (ends, STARTED), (made, CREATED)):
            subscriber.wait(container, kind)
        # As text: the messages of two clients are never equal.
        before = {name: str(self.status(name)) for name in (stays, made)}
        log_path = self.status(stays).log_path
        # It ends a moment after this returns, while nobody looks.
        self.v1.ExecSync(container_id=ends, cmd=["sh", "-c", "(sleep 0.5; touch /end) >/dev/null 2>&1 &"])
        subscriber.close()
        self.install()
        self.server.stop(signal_number)
        time.sleep(1.5)
        self.server.start()
        self.v1 = self.server.client()
        subscriber = Subscriber(self.v1)
        self.addCleanup(subscriber.close)
        subscriber.wait(ends, STOPPED)
        self.assertEqual(self.status(ends).exit_code, 7)
        self.assertEqual(str(self.status(stays)), before[stays])
        self.assertEqual(str(self.status(made)), before[made])
        self.v1.StartContainer(container_id=made)
        subscriber.wait(made, STARTED)
        self.assertEqual(self.v1.ExecSync(container_id=stays, cmd=["echo", "here"]).stdout, b"here\n")
        self.v1.StopContainer(container_id=stays)
        subscriber.wait(stays, STOPPED)
        with open(log_path, encoding="utf-8") as log:
            numbers = [int(line.split(" ", 3)[3]) for line in log.read().splitlines()]
        self.assertEqual(numbers, list(range(len(numbers))))
        self.assertGreater(len(numbers), 100)
        self.v1.RemovePodSandbox(pod_sandbox_id=pod)
        subscriber.wait(pod, DELETED)
        # Whose end was told was told once.
        told = [event for event in subscriber.seen if event.container_id == ends and
                event.container_event_type == STOPPED]
        self.assertEqual(len(told), 1)

    def test_an_upgrade_loses_nothing(self):
        self.check_upgrade(signal.SIGTERM)

    def test_a_kill_loses_nothing(self):
        self.check_upgrade(signal.SIGKILL)


class Drain(ServerTest):
    def end(self):
        """Tells the daemon to end, and waits until it has heard."""
        self.server.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 20
        while os.path.exists(self.server.socket):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def begin(self, script):
        """A command in a container, that runs."""
        pod = self.run_pod()
        container = self.start(pod)
        path = "/runtime.v1.RuntimeService/ExecSync"
        request = self.v1.messages["ExecSyncRequest"](container_id=container, cmd=["sh", "-c", "touch /begun; " + script])
        call = self.v1.channel.unary_unary(path, response_deserializer=self.v1.messages["ExecSyncResponse"].FromString)
        future = call.future(request.SerializeToString(), timeout=60)
        while self.v1.ExecSync(container_id=container, cmd=["test", "-e", "/begun"]).exit_code:
            time.sleep(0.02)
        return container, future

    def start_again(self, **keys):
        self.server.stop()
        self.server.change(**keys)
        self.server.start()
        self.v1 = self.server.client()

    def test_what_runs_ends_first(self):
        self.start_again(drain_timeout=60)
        container, command = self.begin("while [ ! -e /end ]; do sleep 0.02; done; echo ended; exit 3")
        self.v1.ExecSync(container_id=container, cmd=["sh", "-c", "(sleep 1; touch /end) >/dev/null 2>&1 &"])
        self.end()
        answer = command.result()
        self.assertEqual((answer.stdout, answer.exit_code), (b"ended\n", 3))
        self.assertEqual(self.server.process.wait(20), 0)
        self.start_again()
        self.assertEqual(self.status(container).state, 1)

    def test_what_does_not_end_is_cancelled(self):
        self.start_again(drain_timeout=1)
        container, command = self.begin("sleep 5555")
        self.end()
        self.assertEqual(self.server.process.wait(20), 0)
        self.assertIn(command.code(), (StatusCode.UNAVAILABLE, StatusCode.CANCELLED))
        self.start_again()
        self.assertEqual(self.status(container).state, 1)
        self.assertNotIn(b"5555", self.v1.ExecSync(container_id=container, cmd=["ps"]).stdout)


class Reload(ServerTest):
    with_image = False

    def test_registries(self):
        registry = Registry()
        self.addCleanup(registry.close)
        name = "registry.invalid/busybox:1"
        self.server.reload(registries={"registry.invalid": {"mirrors": ["http://127.0.0.1:1"], "plain_http": True}})
        self.fails(StatusCode.UNKNOWN, self.v1.PullImage, image={"image": name})
        self.server.reload(registries={"registry.invalid": {"mirrors": [f"http://{registry.host}"]}})
        image = self.v1.PullImage(image={"image": name}).image_ref
        self.assertEqual(list(self.v1.ImageStatus(image={"image": name}).image.repo_tags), [name])
        self.v1.RemoveImage(image={"image": image})
        self.server.reload(registries=None)
        self.fails(StatusCode.UNKNOWN, self.v1.PullImage, image={"image": name})


class ReloadNetworks(ServerTest):
    with_image = False

    @classmethod
    def setUpClass(cls):
        cls.config = {"network-plugin": "cni", "cni-conf-dir": "/nonexistent/net.d", "cni-bin-dir": "/nonexistent/bin"}
        super().setUpClass()

    def network_ready(self):
        return {condition.type: condition.status for condition in self.v1.Status().status.conditions}["NetworkReady"]

    def write(self, directory, name, text):
        path = os.path.join(self.server.directory, directory)
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(os.path.join(path, name), 0o755)
        return path

    def test_cni_directories(self):
        self.assertFalse(self.network_ready())
        self.fails(StatusCode.FAILED_PRECONDITION, self.v1.RunPodSandbox, config=self.pod_config())
        networks = self.write("net.d", "10-test.conflist",
                              '{"cniVersion": "1.0.0", "name": "test", "plugins": [{"type": "fixed"}]}')
        self.server.reload(cni_conf_dir=networks)
        self.assertTrue(self.network_ready())
        with self.assertRaises(grpc.RpcError) as raised:
            self.v1.RunPodSandbox(config=self.pod_config())
        self.assertIn("fixed", raised.exception.details())
        programs = self.write("plugins", "fixed", """#!/bin/sh
cat >/dev/null
[ "$CNI_COMMAND" != ADD ] || echo '{"cniVersion": "1.0.0", "ips": [{"address": "10.9.8.7/24"}]}'
""")
        self.server.reload(cni_bin_dir=programs)
        pod = self.run_pod()
        self.assertEqual(self.v1.PodSandboxStatus(pod_sandbox_id=pod).status.network.ip, "10.9.8.7")


if __name__ == "__main__":
    unittest.main()
