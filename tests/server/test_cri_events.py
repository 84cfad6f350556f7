# SPDX-License-Identifier: Apache-2.0
"""GetContainerEvents."""

import queue
import threading
import time
import unittest

import grpc

from cri_client import ServerTest

CREATED, STARTED, STOPPED, DELETED = range(4)


class Subscriber:
    """Collects the events of a client in a thread."""

    def __init__(self, client):
        self.call = client.GetContainerEvents(_timeout=None)
        self.events = queue.Queue()
        self.seen = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        time.sleep(0.3)

    def _read(self):
        try:
            for event in self.call:
                self.events.put(event)
        except grpc.RpcError:
            pass

    def wait(self, container, kind, seconds=15):
        deadline = time.monotonic() + seconds
        while True:
            event = self.events.get(timeout=max(0.01, deadline - time.monotonic()))
            self.seen.append(event)
            if event.container_id == container and event.container_event_type == kind:
                return event

    def close(self):
        self.call.cancel()
        self.thread.join(10)


class Events(ServerTest):
    def subscribe(self):
        subscriber = Subscriber(self.server.client())
        self.addCleanup(subscriber.close)
        return subscriber

    def check(self, event, pod, before):
        self.assertTrue(before <= event.created_at <= time.time_ns())
        self.assertEqual(event.pod_sandbox_status.id, pod)
        self.assertEqual(event.pod_sandbox_status.metadata.name, self.id())
        self.assertEqual(event.pod_sandbox_status.metadata.namespace, "test")

    def test_a_containers_life(self):
        subscriber = self.subscribe()
        before = time.time_ns()
        pod = self.run_pod()
        self.check(subscriber.wait(pod, CREATED), pod, before)
        self.check(subscriber.wait(pod, STARTED), pod, before)
        container = self.create(pod, command=["sh", "-c", "sleep 0.5; exit 4"])
        event = subscriber.wait(container, CREATED)
        self.check(event, pod, before)
        self.assertEqual([status.id for status in event.containers_statuses], [container])
        self.v1.StartContainer(container_id=container)
        self.check(subscriber.wait(container, STARTED), pod, before)
        event = subscriber.wait(container, STOPPED)
        self.check(event, pod, before)
        self.assertEqual(event.containers_statuses[0].exit_code, 4)
        self.v1.RemoveContainer(container_id=container)
        event = subscriber.wait(container, DELETED)
        self.check(event, pod, before)
        self.assertEqual(len(event.containers_statuses), 0)
        self.v1.StopPodSandbox(pod_sandbox_id=pod)
        event = subscriber.wait(pod, STOPPED)
        self.check(event, pod, before)
        self.assertEqual(event.pod_sandbox_status.state, 1)
        self.v1.RemovePodSandbox(pod_sandbox_id=pod)
        self.check(subscriber.wait(pod, DELETED), pod, before)

    def test_every_subscriber_sees_every_event(self):
        subscribers = [self.subscribe() for _ in range(5)]
        pod = self.run_pod()
        container = self.start(pod, command=["true"])
        for subscriber in subscribers:
            for kind in (CREATED, STARTED, STOPPED):
                subscriber.wait(container, kind)

    def test_a_restart_drops_no_event(self):
        subscriber = self.subscribe()
        pod = self.run_pod()
        container = self.start(pod, command=["sleep", "2"])
        subscriber.wait(container, STARTED)
        subscriber.close()
        self.assertEqual(self.server.stop(), 0)
        time.sleep(2.5)
        self.server.start()
        self.v1 = self.server.client()
        self.subscribe().wait(container, STOPPED)
        self.assertEqual(self.status(container).state, 2)


if __name__ == "__main__":
    unittest.main()
