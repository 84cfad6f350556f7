# SPDX-License-Identifier: Apache-2.0
"""Many containers, and clients that vanish in the middle of a call."""

import random
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import grpc

from cri_client import ServerTest

CONTAINERS = 500


class Many(ServerTest):
    def test_500_containers_in_one_call(self):
        pod = self.run_pod()
        labels = {f"label-{number}": "v" * 20 for number in range(10)}
        with ThreadPoolExecutor(8) as pool:
            made = set(pool.map(lambda number: self.create(pod, name=f"c{number}", labels=labels), range(CONTAINERS)))
        self.assertEqual(len(made), CONTAINERS)
        for client in self.each_dialect():
            listed = client.ListContainers(filter={"pod_sandbox_id": pod}).containers
            self.assertEqual({container.id for container in listed}, made)
        messages = list(self.v1.StreamContainers(filter={"pod_sandbox_id": pod}))
        self.assertEqual([len(message.containers) for message in messages], [100] * 5)
        self.assertEqual({container.id for message in messages for container in message.containers}, made)
        self.assertEqual(len(self.v1.PodSandboxStatus(pod_sandbox_id=pod).containers_statuses), CONTAINERS)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda container: self.v1.RemoveContainer(container_id=container), made))
        self.assertEqual(len(self.v1.ListContainers(filter={"pod_sandbox_id": pod}).containers), 0)


class Vanishing(ServerTest):
    """A client gives up after some milliseconds: what it asked for is there and whole, or it is not there. That may
    take a moment: what cannot be undone any more is finished."""

    ROUNDS = 25

    def give_up(self, call, **fields):
        """Whether the call was answered before the client gave up."""
        try:
            call(_timeout=random.uniform(0.0005, 0.03), **fields)
            return True
        except grpc.RpcError as error:
            self.assertIn(error.code(), (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED))
            return False

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
        for number in range(self.ROUNDS):
            config = self.pod_config(name=f"{self.id()} {number}", labels={"round": str(number)})
            listed = lambda: self.v1.ListPodSandbox(filter={"label_selector": {"round": str(number)}}).items
            if not self.give_up(self.v1.RunPodSandbox, config=config):
                self.settle(self.v1.RunPodSandbox, exists, listed, config=config)
            pods = listed()
            self.assertEqual(len(pods), 1)
            pod = pods[0].id
            self.assertEqual(self.v1.PodSandboxStatus(pod_sandbox_id=pod).status.state, 0)
            container = self.start(pod, command=["true"])
            self.assertEqual(self.wait_exit(container).exit_code, 0)
            self.give_up(self.v1.StopPodSandbox, pod_sandbox_id=pod)
            self.give_up(self.v1.RemovePodSandbox, pod_sandbox_id=pod)
            self.settle(self.v1.RemovePodSandbox, None, pod_sandbox_id=pod)
            self.assertEqual(len(self.v1.ListPodSandbox(filter={"id": pod}).items), 0)

    def test_containers(self):
        pod = self.run_pod()
        for number in range(self.ROUNDS):
            config = self.container_config(name=f"c{number}", command=["sleep", "1000"])
            listed = lambda: self.v1.ListContainers(filter={"pod_sandbox_id": pod}).containers
            if not self.give_up(self.v1.CreateContainer, pod_sandbox_id=pod, config=config):
                self.settle(self.v1.CreateContainer, grpc.StatusCode.ALREADY_EXISTS, listed, pod_sandbox_id=pod,
                            config=config)
            containers = listed()
            self.assertEqual([container.metadata.name for container in containers], [f"c{number}"])
            container = containers[0].id
            if not self.give_up(self.v1.StartContainer, container_id=container):
                self.settle(self.v1.StartContainer, grpc.StatusCode.FAILED_PRECONDITION, container_id=container)
            # Started, or its start was undone by ending it.
            self.assertIn(self.status(container).state, (1, 2))
            self.give_up(self.v1.StopContainer, container_id=container)
            self.give_up(self.v1.RemoveContainer, container_id=container)
            self.settle(self.v1.RemoveContainer, None, container_id=container)
            self.assertEqual(len(self.v1.ListContainers(filter={"pod_sandbox_id": pod}).containers), 0)

    def test_commands(self):
        pod = self.run_pod()
        container = self.start(pod)
        for _ in range(self.ROUNDS):
            self.give_up(self.v1.ExecSync, container_id=container, cmd=["sleep", "3333"])
        deadline = time.monotonic() + 10
        while b"3333" in self.v1.ExecSync(container_id=container, cmd=["ps"]).stdout:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assertEqual(self.v1.ExecSync(container_id=container, cmd=["echo", "x"]).stdout, b"x\n")


if __name__ == "__main__":
    unittest.main()
