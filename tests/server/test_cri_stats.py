# SPDX-License-Identifier: Apache-2.0
"""What containers use."""

import os
import time
import unittest

from grpc import StatusCode

from cri_client import ServerTest, unknown_fields


class ContainerStats(ServerTest):
    def check(self, client, stats, container, before):
        self.assertEqual(unknown_fields(stats), [])
        self.assertEqual(stats.attributes.id, container)
        self.assertEqual(stats.attributes.metadata.name, "main")
        self.assertEqual(dict(stats.attributes.labels), {"l": "v"})
        for part in (stats.cpu, stats.memory, stats.writable_layer):
            self.assertTrue(before <= part.timestamp <= time.time_ns())
        self.assertGreater(stats.cpu.usage_core_nano_seconds.value, 0)
        self.assertGreater(stats.memory.working_set_bytes.value, 0)
        self.assertGreaterEqual(stats.writable_layer.used_bytes.value, 1 << 20)
        self.assertGreater(stats.writable_layer.inodes_used.value, 0)
        if client.dialect == "2019":
            self.assertTrue(stats.writable_layer.storage_id.uuid)
        else:
            self.assertTrue(os.path.isdir(stats.writable_layer.fs_id.mountpoint))
            self.assertGreaterEqual(stats.memory.usage_bytes.value, stats.memory.working_set_bytes.value)
            self.assertLessEqual(stats.memory.available_bytes.value, 64 << 20)

    def test_one_container(self):
        for client in self.each_dialect():
            pod = self.run_pod(client)
            before = time.time_ns()
            linux = {"resources": {"memory_limit_in_bytes": 64 << 20}}
            if client.dialect != "2019":
                linux["security_context"] = {"namespace_options": {"pid": 1}}
            script = ["sh", "-c", "head -c 2000000 /dev/urandom > /file; touch /done; sleep 1000"]
            container = self.start(pod, client, command=script, labels={"l": "v"}, linux=linux)
            while client.ExecSync(container_id=container, cmd=["test", "-e", "/done"]).exit_code:
                time.sleep(0.05)
            stats = client.ContainerStats(container_id=container).stats
            self.check(client, stats, container, before)
            listed = client.ListContainerStats(filter={"id": container}).stats
            self.assertEqual(len(listed), 1)
            self.check(client, listed[0], container, before)

    def test_filters(self):
        pod, other = self.run_pod(), self.run_pod(name=self.id() + " other")
        one = self.start(pod, name="one", labels={"n": "1"})
        two = self.start(pod, name="two", labels={"n": "2"})
        three = self.start(other, name="three", labels={"n": "1"})
        self.create(pod, name="created", labels={"n": "1"})
        for client in self.each_dialect():
            def listed(client=client, **conditions):
                return {stats.attributes.id for stats in client.ListContainerStats(filter=conditions).stats}
            self.assertEqual(listed(pod_sandbox_id=pod), {one, two})
            self.assertEqual(listed(label_selector={"n": "1"}), {one, three})
            self.assertEqual(listed(id=one, label_selector={"n": "2"}), set())
            self.assertLessEqual({one, two, three}, {s.attributes.id for s in client.ListContainerStats().stats})
        streamed = [stats.attributes.id for message in self.v1.StreamContainerStats(filter={"pod_sandbox_id": pod})
                    for stats in message.container_stats]
        self.assertEqual(set(streamed), {one, two})

    def test_what_does_not_run(self):
        pod = self.run_pod()
        container = self.create(pod)
        for client in self.each_dialect():
            stats = client.ContainerStats(container_id=container).stats
            self.assertEqual(stats.attributes.id, container)
            self.assertEqual(stats.cpu.usage_core_nano_seconds.value, 0)
            self.fails(StatusCode.NOT_FOUND, client.ContainerStats, container_id="0" * 64)
            self.fails(StatusCode.INVALID_ARGUMENT, client.ContainerStats)


if __name__ == "__main__":
    unittest.main()
