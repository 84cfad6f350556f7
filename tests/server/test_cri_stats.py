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


class PodSandboxStats(ServerTest):
    def check(self, stats, pod, container, before):
        self.assertEqual(unknown_fields(stats), [])
        self.assertEqual(stats.attributes.id, pod)
        self.assertIn(self.id(), stats.attributes.metadata.name)
        self.assertEqual(dict(stats.attributes.labels), {"pod": "label"})
        linux = stats.linux
        for part in (linux.cpu, linux.memory, linux.process):
            self.assertTrue(before <= part.timestamp <= time.time_ns())
        self.assertGreater(linux.cpu.usage_core_nano_seconds.value, 0)
        self.assertGreater(linux.memory.working_set_bytes.value, 0)
        self.assertGreaterEqual(linux.memory.usage_bytes.value, linux.memory.working_set_bytes.value)
        self.assertEqual(linux.process.process_count.value, 1)
        self.assertEqual([one.attributes.id for one in linux.containers], [container])
        self.assertFalse(stats.HasField("windows"))
        # Loopback alone is no network to speak of.
        self.assertFalse(linux.HasField("network"))

    def test_pods(self):
        for client in self.each_dialect():
            if "PodSandboxStats" not in client:
                continue
            before = time.time_ns()
            pod = self.run_pod(client, labels={"pod": "label"})
            container = self.start(pod, client)
            other = self.run_pod(client, name=self.id() + " other")
            self.check(client.PodSandboxStats(pod_sandbox_id=pod).stats, pod, container, before)
            for conditions in ({"id": pod}, {"label_selector": {"pod": "label"}}):
                listed = client.ListPodSandboxStats(filter=conditions).stats
                self.assertEqual(len(listed), 1)
                self.check(listed[0], pod, container, before)
            listed = {stats.attributes.id for stats in client.ListPodSandboxStats().stats}
            self.assertLessEqual({pod, other}, listed)
            if "StreamPodSandboxStats" in client:
                streamed = {stats.attributes.id for message in client.StreamPodSandboxStats()
                            for stats in message.pod_sandbox_stats}
                self.assertEqual(streamed, listed)
            client.StopPodSandbox(pod_sandbox_id=pod)
            self.assertEqual(list(client.ListPodSandboxStats(filter={"id": pod}).stats), [])
            self.assertEqual(len(client.PodSandboxStats(pod_sandbox_id=pod).stats.linux.containers), 0)
            self.fails(StatusCode.NOT_FOUND, client.PodSandboxStats, pod_sandbox_id="0" * 64)
            self.fails(StatusCode.INVALID_ARGUMENT, client.PodSandboxStats)


class Metrics(ServerTest):
    def test_metrics(self):
        pod, other = self.run_pod(), self.run_pod(name=self.id() + " other")
        container = self.start(pod)
        descriptors = {one.name: one for one in self.v1.ListMetricDescriptors().descriptors}
        self.assertTrue(all(one.help for one in descriptors.values()))
        listed = {one.pod_sandbox_id: one for one in self.v1.ListPodSandboxMetrics().pod_metrics}
        self.assertLessEqual({pod, other}, set(listed))
        self.assertEqual([one.container_id for one in listed[pod].container_metrics], [container])
        self.assertEqual(len(listed[other].container_metrics), 0)
        for metric in list(listed[pod].metrics) + list(listed[pod].container_metrics[0].metrics):
            labels = dict(zip(descriptors[metric.name].label_keys, metric.label_values, strict=True))
            self.assertEqual(labels["pod"], self.id())
            self.assertEqual(labels["namespace"], "test")
        values = {metric.name: metric.value.value for metric in listed[pod].container_metrics[0].metrics}
        self.assertGreater(values["container_memory_working_set_bytes"], 0)
        self.assertEqual(values["container_processes"], 1)
        self.assertIn("container_cpu_usage_seconds_total", values)
        streamed = [one.pod_sandbox_id for message in self.v1.StreamPodSandboxMetrics()
                    for one in message.pod_sandbox_metrics]
        self.assertEqual(set(streamed), set(listed))


if __name__ == "__main__":
    unittest.main()
