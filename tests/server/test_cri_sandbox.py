# SPDX-License-Identifier: Apache-2.0
"""The calls on pods."""

import json
import time
import unittest

from grpc import StatusCode

from cri_client import ServerTest, unknown_fields


class Life(ServerTest):
    with_image = False

    def test_a_pods_life(self):
        for client in self.each_dialect():
            before = time.time_ns()
            config = self.pod_config(client, labels={"app": "web", "empty": ""}, annotations={"n": "ü"})
            config["metadata"]["attempt"] = 3
            pod = client.RunPodSandbox(config=config).pod_sandbox_id
            self.assertRegex(pod, "^[0-9a-f]{64}$")
            listed = client.ListPodSandbox(filter={"id": pod})
            self.assertEqual(unknown_fields(listed), [])
            self.assertEqual(len(listed.items), 1)
            self.check_pod(client, listed.items[0], pod, before)
            answer = client.PodSandboxStatus(pod_sandbox_id=pod)
            self.assertEqual(unknown_fields(answer), [])
            self.check_pod(client, answer.status, pod, before)
            self.assertEqual(dict(answer.info), {})
            client.StopPodSandbox(pod_sandbox_id=pod)
            self.assertEqual(client.PodSandboxStatus(pod_sandbox_id=pod).status.state, 1)
            client.StopPodSandbox(pod_sandbox_id=pod)
            client.RemovePodSandbox(pod_sandbox_id=pod)
            self.fails(StatusCode.NOT_FOUND, client.PodSandboxStatus, pod_sandbox_id=pod)
            self.assertEqual(len(client.ListPodSandbox(filter={"id": pod}).items), 0)
            client.StopPodSandbox(pod_sandbox_id=pod)
            client.RemovePodSandbox(pod_sandbox_id=pod)

    def check_pod(self, client, message, pod, before):
        self.assertEqual(message.id, pod)
        self.assertEqual(message.metadata.name, self.id())
        self.assertEqual(message.metadata.uid, client.dialect)
        self.assertEqual(message.metadata.namespace, "test")
        self.assertEqual(message.metadata.attempt, 3)
        self.assertEqual(message.state, 0)
        self.assertTrue(before <= message.created_at <= time.time_ns())
        self.assertEqual(dict(message.labels), {"app": "web", "empty": ""})
        self.assertEqual(dict(message.annotations), {"n": "ü"})
        if client.dialect != "2019":
            self.assertEqual(message.runtime_handler, "lxc")

    def test_verbose_status(self):
        for client in self.each_dialect():
            pod = self.run_pod(client)
            info = client.PodSandboxStatus(pod_sandbox_id=pod, verbose=True).info
            self.assertTrue(info)
            for value in info.values():
                json.loads(value)

    def test_handlers(self):
        for client in self.each_dialect():
            for handler in ("", "lxc", "lcr"):
                config = self.pod_config(client, name=f"{self.id()} {handler}")
                pod = client.RunPodSandbox(config=config, runtime_handler=handler).pod_sandbox_id
                client.RemovePodSandbox(pod_sandbox_id=pod)
            text = self.fails(StatusCode.INVALID_ARGUMENT, client.RunPodSandbox, config=self.pod_config(client),
                              runtime_handler="nonesuch")
            self.assertIn("lxc", text)

    def test_filters(self):
        pods = {name: self.run_pod(name=f"{self.id()} {name}", labels={"name": name, "all": "yes"})
                for name in ("one", "two")}
        for client in self.each_dialect():
            def listed(client=client, **conditions):
                return {pod.id for pod in client.ListPodSandbox(filter=conditions).items}
            self.assertEqual(listed(label_selector={"name": "one"}), {pods["one"]})
            self.assertEqual(listed(label_selector={"all": "yes"}), set(pods.values()))
            self.assertEqual(listed(label_selector={"all": "yes", "name": "two"}), {pods["two"]})
            self.assertEqual(listed(label_selector={"name": "on"}), set())
            self.assertEqual(listed(id=pods["one"], label_selector={"name": "two"}), set())
            self.assertEqual(listed(id=pods["one"][:12]), {pods["one"]})
            self.assertEqual(listed(label_selector={"all": "yes"}, state={"state": 1}), set())
            self.assertEqual(listed(label_selector={"all": "yes"}, state={}), set(pods.values()))
            self.assertLessEqual(set(pods.values()), {pod.id for pod in client.ListPodSandbox().items})

    def test_the_same_name_twice(self):
        for client in self.each_dialect():
            self.run_pod(client)
            self.fails(StatusCode.ALREADY_EXISTS, client.RunPodSandbox, config=self.pod_config(client))

    def test_a_stream_of_pods(self):
        pods = {self.run_pod(name=f"{self.id()} {number}") for number in range(3)}
        streamed = [pod for message in self.v1.StreamPodSandboxes() for pod in message.pod_sandboxes]
        self.assertLessEqual(pods, {pod.id for pod in streamed})
        self.assertEqual(list(streamed), list(self.v1.ListPodSandbox().items))
        none = self.v1.StreamPodSandboxes(filter={"label_selector": {"no": "pod"}})
        self.assertEqual(list(none), [])


class Namespaces(ServerTest):
    with_image = False

    def options(self, client, pod):
        return client.PodSandboxStatus(pod_sandbox_id=pod).status.linux.namespaces.options

    def test_modes(self):
        for dialect in ("v1", "v1alpha2"):
            client = self.server.client(dialect)
            with self.subTest(dialect=dialect):
                for modes in ({"network": 2, "pid": 1, "ipc": 2}, {"network": 0, "pid": 2, "ipc": 0}):
                    config = self.pod_config(client, name=f"{self.id()} {modes}",
                                             linux={"security_context": {"namespace_options": modes}})
                    pod = client.RunPodSandbox(config=config).pod_sandbox_id
                    options = self.options(client, pod)
                    self.assertEqual({name: getattr(options, name) for name in modes}, modes)
                    client.RemovePodSandbox(pod_sandbox_id=pod)

    def test_booleans_of_2019(self):
        client = self.server.client("2019")
        for host in ({"host_network": True, "host_ipc": True}, {"host_pid": True}, {}):
            config = self.pod_config(client, name=f"{self.id()} {host}",
                                     linux={"security_context": {"namespace_options": host}})
            pod = client.RunPodSandbox(config=config).pod_sandbox_id
            self.addCleanup(lambda pod=pod: client.RemovePodSandbox(pod_sandbox_id=pod))
            options = self.options(client, pod)
            modern = self.options(self.v1, pod)
            for name in ("network", "pid", "ipc"):
                asked = host.get("host_" + name, False)
                self.assertEqual(getattr(options, "host_" + name), asked)
                self.assertEqual(getattr(modern, name), 2 if asked else 0)

    def test_pods_of_no_security_context_share_their_processes(self):
        pod = self.run_pod(linux=None)
        self.assertEqual(self.options(self.v1, pod).pid, 0)


class Refused(ServerTest):
    with_image = False

    def refused(self, field, client=None, **more):
        client = client or self.v1
        text = self.fails(StatusCode.INVALID_ARGUMENT, client.RunPodSandbox, config=self.pod_config(client, **more))
        self.assertIn(field, text)

    def test_what_is_missing(self):
        for client in self.each_dialect():
            self.assertIn("config", self.fails(StatusCode.INVALID_ARGUMENT, client.RunPodSandbox))
            self.assertIn("config.metadata", self.fails(StatusCode.INVALID_ARGUMENT, client.RunPodSandbox, config={}))
            self.refused("metadata.name", client, metadata={})

    def test_what_is_malformed(self):
        for client in self.each_dialect():
            self.refused("hostname", client, hostname="a b")
            self.refused("log_directory", client, log_directory="logs")
            self.refused("dns_config.servers", client, dns_config={"servers": ["x"]})
            self.refused("port_mappings[0].container_port", client, port_mappings=[{"host_port": 80}])
            self.refused("linux.sysctls", client, linux={"sysctls": {"vm.swappiness": "1"}})
            self.refused("cgroup_parent", client, linux={"cgroup_parent": "../.."})

    def test_what_needs_windows(self):
        for dialect in ("v1", "v1alpha2"):
            client = self.server.client(dialect)
            self.refused("windows", client, windows={"security_context": {"run_as_username": "bob"}})
            self.run_pod(client, windows={})

    def test_what_a_mode_cannot_be(self):
        for name, mode in (("network", 1), ("network", 3), ("network", 99), ("pid", 3), ("ipc", 1)):
            self.refused(name, linux={"security_context": {"namespace_options": {name: mode}}})

    def test_status_of_what_is_not_there(self):
        for client in self.each_dialect():
            self.fails(StatusCode.NOT_FOUND, client.PodSandboxStatus, pod_sandbox_id="0" * 64)
            self.fails(StatusCode.INVALID_ARGUMENT, client.PodSandboxStatus)
            client.StopPodSandbox(pod_sandbox_id="0" * 64)
            client.RemovePodSandbox(pod_sandbox_id="0" * 64)
            self.fails(StatusCode.INVALID_ARGUMENT, client.StopPodSandbox)
            self.fails(StatusCode.INVALID_ARGUMENT, client.RemovePodSandbox)

    def test_updated_resources(self):
        pod = self.run_pod(linux={"overhead": {"memory_limit_in_bytes": 8 << 20}})
        self.v1.UpdatePodSandboxResources(pod_sandbox_id=pod, resources={"memory_limit_in_bytes": 64 << 20})
        self.v1.UpdatePodSandboxResources(pod_sandbox_id=pod, overhead={"cpu_shares": 64})
        info = self.v1.PodSandboxStatus(pod_sandbox_id=pod, verbose=True).info
        linux = json.loads(info["config"])["linux"] if "config" in info else json.loads(info["info"])["config"]["linux"]
        self.assertEqual(linux["resources"], {"memory_limit_in_bytes": 64 << 20})
        self.assertEqual(linux["overhead"], {"memory_limit_in_bytes": 8 << 20, "cpu_shares": 64})
        # It counts: there is a limit to be below.
        memory = self.v1.PodSandboxStats(pod_sandbox_id=pod).stats.linux.memory
        self.assertTrue(memory.HasField("available_bytes"))
        self.assertLessEqual(memory.available_bytes.value, 72 << 20)
        self.fails(StatusCode.INVALID_ARGUMENT, self.v1.UpdatePodSandboxResources, pod_sandbox_id=pod,
                   resources={"cpu_quota": -7})
        self.fails(StatusCode.NOT_FOUND, self.v1.UpdatePodSandboxResources, pod_sandbox_id="0" * 64)
        self.fails(StatusCode.INVALID_ARGUMENT, self.v1.UpdatePodSandboxResources)
        self.v1.StopPodSandbox(pod_sandbox_id=pod)
        self.fails(StatusCode.FAILED_PRECONDITION, self.v1.UpdatePodSandboxResources, pod_sandbox_id=pod)


if __name__ == "__main__":
    unittest.main()
