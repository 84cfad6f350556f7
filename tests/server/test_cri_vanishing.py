# SPDX-License-Identifier: Apache-2.0
"""Clients that go in the middle of a call: what they asked for is there and whole, or it is not there. That may take a
moment: what cannot be undone any more is finished."""

import json
import os
import random
import socket
import time
import unittest

import grpc

import cri_schema
import http2
from cri_client import ServerTest
from registry import Registry

ROUNDS = 25

# Where each call's client vanishes. Those that change nothing, or are not built, are in READS.
CHANGES = {
    "RunPodSandbox": "test_pods", "StopPodSandbox": "test_pods", "RemovePodSandbox": "test_pods",
    "CreateContainer": "test_containers", "StartContainer": "test_containers", "StopContainer": "test_containers",
    "RemoveContainer": "test_containers", "ExecSync": "test_commands", "UpdateContainerResources": "test_resources",
    "UpdatePodSandboxResources": "test_pod_resources", "ReopenContainerLog": "test_logs", "PullImage": "test_images",
    "RemoveImage": "test_images", "UpdateRuntimeConfig": "test_reads",
}


class Vanishing(ServerTest):
    def give_up(self, name, **fields):
        """Whether the call was answered before its client was gone: by its deadline, or with its connection."""
        seconds = random.uniform(0.0005, 0.03)
        if random.randrange(2):
            self.cut_off(name, seconds, **fields)
            return False
        try:
            answer = getattr(self.v1, name)(_timeout=seconds, **fields)
            if hasattr(answer, "__next__"):
                list(answer)
            return True
        except grpc.RpcError as error:
            self.assertIn(error.code(), (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED))
            return False

    def cut_off(self, name, seconds, **fields):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self.server.socket)
            client.sendall(http2.call(*self.v1.packed(name, **fields)))
            time.sleep(seconds)

    def settle(self, call, code, is_done=lambda: True, **fields):
        """Tries until what was given up before is either finished or undone. A code alone may not tell: a name is also
        taken by what is about to be undone."""
        deadline = time.monotonic() + 20
        while True:
            try:
                return call(**fields)
            except grpc.RpcError as error:
                if error.code() == code and is_done():
                    return None
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def test_pods(self):
        exists = grpc.StatusCode.ALREADY_EXISTS
        for number in range(ROUNDS):
            config = self.pod_config(name=f"{self.id()} {number}", labels={"round": str(number)})
            listed = lambda: self.v1.ListPodSandbox(filter={"label_selector": {"round": str(number)}}).items
            if not self.give_up("RunPodSandbox", config=config):
                self.settle(self.v1.RunPodSandbox, exists, listed, config=config)
            pods = listed()
            self.assertEqual(len(pods), 1)
            pod = pods[0].id
            self.assertEqual(self.v1.PodSandboxStatus(pod_sandbox_id=pod).status.state, 0)
            container = self.start(pod, command=["true"])
            self.assertEqual(self.wait_exit(container).exit_code, 0)
            self.give_up("StopPodSandbox", pod_sandbox_id=pod)
            self.give_up("RemovePodSandbox", pod_sandbox_id=pod)
            self.settle(self.v1.RemovePodSandbox, None, pod_sandbox_id=pod)
            self.assertEqual(len(self.v1.ListPodSandbox(filter={"id": pod}).items), 0)

    def test_containers(self):
        pod = self.run_pod()
        for number in range(ROUNDS):
            config = self.container_config(name=f"c{number}", command=["sleep", "1000"])
            listed = lambda: self.v1.ListContainers(filter={"pod_sandbox_id": pod}).containers
            if not self.give_up("CreateContainer", pod_sandbox_id=pod, config=config):
                self.settle(self.v1.CreateContainer, grpc.StatusCode.ALREADY_EXISTS, listed, pod_sandbox_id=pod,
                            config=config)
            containers = listed()
            self.assertEqual([container.metadata.name for container in containers], [f"c{number}"])
            container = containers[0].id
            if not self.give_up("StartContainer", container_id=container):
                self.settle(self.v1.StartContainer, grpc.StatusCode.FAILED_PRECONDITION, container_id=container)
            # Started, or its start was undone by ending it.
            self.assertIn(self.status(container).state, (1, 2))
            self.give_up("StopContainer", container_id=container)
            self.give_up("RemoveContainer", container_id=container)
            self.settle(self.v1.RemoveContainer, None, container_id=container)
            self.assertEqual(len(self.v1.ListContainers(filter={"pod_sandbox_id": pod}).containers), 0)

    def test_commands(self):
        pod = self.run_pod()
        container = self.start(pod)
        for _ in range(ROUNDS):
            self.give_up("ExecSync", container_id=container, cmd=["sleep", "3333"])
        deadline = time.monotonic() + 10
        while b"3333" in self.v1.ExecSync(container_id=container, cmd=["ps"]).stdout:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assertEqual(self.v1.ExecSync(container_id=container, cmd=["echo", "x"]).stdout, b"x\n")

    def test_resources(self):
        pod = self.run_pod()
        container = self.start(pod)
        choices = [(64 << 20, 512), (96 << 20, 1024)]

        def told():
            resources = self.status(container).resources.linux
            return resources.memory_limit_in_bytes, resources.cpu_shares

        def limits(choice):
            return {"container_id": container,
                    "linux": {"memory_limit_in_bytes": choice[0], "cpu_shares": choice[1]}}
        self.v1.UpdateContainerResources(**limits(choices[0]))
        for number in range(ROUNDS):
            self.give_up("UpdateContainerResources", **limits(choices[number % 2]))
            self.assertIn(told(), choices)
        self.v1.UpdateContainerResources(**limits(choices[0]))
        self.assertEqual(told(), choices[0])

    def test_pod_resources(self):
        pod = self.run_pod()
        choices = [{"memory_limit_in_bytes": 64 << 20, "cpu_shares": 512},
                   {"memory_limit_in_bytes": 96 << 20, "cpu_shares": 1024}]

        def told():
            info = self.v1.PodSandboxStatus(pod_sandbox_id=pod, verbose=True).info
            return json.loads(info["config"])["linux"]["resources"]

        self.v1.UpdatePodSandboxResources(pod_sandbox_id=pod, resources=choices[0])
        for number in range(ROUNDS):
            self.give_up("UpdatePodSandboxResources", pod_sandbox_id=pod, resources=choices[number % 2])
            self.assertIn(told(), choices)
        self.v1.UpdatePodSandboxResources(pod_sandbox_id=pod, resources=choices[0])
        self.assertEqual(told(), choices[0])

    def test_logs(self):
        pod = self.run_pod()
        container = self.start(pod, log_path="main.log",
                               command=["sh", "-c", "i=0; while :; do echo $i; i=$((i+1)); sleep 0.01; done"])
        path = self.status(container).log_path
        files = []
        for number in range(ROUNDS):
            if os.path.exists(path):
                files.append(f"{path}.{number}")
                os.rename(path, files[-1])
            self.give_up("ReopenContainerLog", container_id=container)
        self.v1.ReopenContainerLog(container_id=container)
        self.assertTrue(os.path.exists(path))
        self.v1.StopContainer(container_id=container)
        lines = []
        for name in files + [path]:
            with open(name, encoding="utf-8") as log:
                lines += [int(line.split(" ", 3)[3]) for line in log.read().splitlines()]
        self.assertEqual(lines, list(range(len(lines))))

    def test_reads(self):
        pod = self.run_pod()
        container = self.start(pod)
        about = {"container_id": container, "pod_sandbox_id": pod, "image": {"image": self.image}}

        def state():
            return self.v1.ListPodSandbox(), self.v1.ListContainers(), self.v1.ListImages()
        before = state()
        for call in cri_schema.calls():
            if CHANGES.get(call.name, "test_reads") != "test_reads":
                continue
            known = self.v1.messages[call.request].DESCRIPTOR.fields_by_name
            fields = {name: value for name, value in about.items() if name in known}
            for _ in range(5):
                self.cut_off(call.name, random.uniform(0, 0.003), **fields)
        self.assertEqual(state(), before)
        self.assertTrue(self.v1.Version().version)


class Images(ServerTest):
    give_up, cut_off, settle = Vanishing.give_up, Vanishing.cut_off, Vanishing.settle

    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.config = {"insecure-registries": [cls.registry.host]}
        try:
            super().setUpClass()
        except BaseException:
            cls.registry.close()
            raise

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.registry.close()

    def check(self, name):
        """Nothing, or an image of which a container runs."""
        image = self.v1.ImageStatus(image={"image": name}).image
        if image.id:
            container = self.start(self.pod, image={"image": name}, command=["true"], name=f"c{time.monotonic_ns()}")
            self.assertEqual(self.wait_exit(container).exit_code, 0)
            self.v1.RemoveContainer(container_id=container)

    def test_images(self):
        name = f"{self.registry.host}/busybox:1"
        self.v1.RemoveImage(image={"image": self.image})
        self.pod = self.run_pod()
        for _ in range(ROUNDS):
            if not self.give_up("PullImage", image={"image": name}):
                self.check(name)
            self.v1.PullImage(image={"image": name})
            self.check(name)
            self.give_up("RemoveImage", image={"image": name})
            self.settle(self.v1.RemoveImage, None, image={"image": name})
            self.assertEqual(len(self.v1.ListImages().images), 0)


class Table(unittest.TestCase):
    def test_calls_that_change_something_are_tested(self):
        reads = ("List", "Stream", "Get")
        rest = {call.name for call in cri_schema.calls() if not call.name.startswith(reads)} - set(CHANGES)
        self.assertEqual(rest, {"Version", "Status", "RuntimeConfig", "PodSandboxStatus", "ContainerStatus", "ImageStatus",
                                "ContainerStats", "PodSandboxStats", "ImageFsInfo", "Exec", "Attach", "PortForward",
                                "CheckpointContainer", "CheckpointPod", "RestorePod"})
        for test in CHANGES.values():
            self.assertTrue(hasattr(Vanishing, test) or hasattr(Images, test), test)


if __name__ == "__main__":
    unittest.main()
