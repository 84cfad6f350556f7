# SPDX-License-Identifier: Apache-2.0
"""The calls on containers."""

import json
import os
import signal
import time
import unittest

from grpc import StatusCode

from cri_client import ServerTest, unknown_fields


class Life(ServerTest):
    def test_a_containers_life(self):
        for client in self.each_dialect():
            pod = self.run_pod(client)
            before = time.time_ns()
            container = self.create(pod, client, command=["sh", "-c", "echo out; echo err >&2; exit 3"],
                                    labels={"l": "v"}, annotations={"a": ""}, log_path="c.log")
            self.assertRegex(container, "^[0-9a-f]{64}$")
            listed = client.ListContainers(filter={"id": container})
            self.assertEqual(unknown_fields(listed), [])
            self.check(client, listed.containers[0], container, before)
            self.assertEqual(listed.containers[0].pod_sandbox_id, pod)
            self.assertEqual(listed.containers[0].state, 0)
            client.StartContainer(container_id=container)
            status = self.wait_exit(container, client)
            self.assertEqual(unknown_fields(status), [])
            self.check(client, status, container, before)
            self.assertEqual((status.exit_code, status.reason), (3, "Error"))
            self.assertTrue(status.created_at <= status.started_at <= status.finished_at)
            self.assertEqual(status.log_path, os.path.join(self.logs, "c.log"))
            self.check_log(status.log_path)
            client.StopContainer(container_id=container)
            client.RemoveContainer(container_id=container)
            self.fails(StatusCode.NOT_FOUND, client.ContainerStatus, container_id=container)
            client.StopContainer(container_id=container, timeout=1)
            client.RemoveContainer(container_id=container)
            os.unlink(status.log_path)

    def check(self, client, message, container, before):
        self.assertEqual(message.id, container)
        self.assertEqual(message.metadata.name, "main")
        self.assertTrue(before <= message.created_at <= time.time_ns())
        self.assertEqual(dict(message.labels), {"l": "v"})
        self.assertEqual(dict(message.annotations), {"a": ""})
        self.assertEqual(message.image.image, self.image)
        image = client.ImageStatus(image={"image": self.image}).image.id
        self.assertEqual(message.image_ref, image)
        if client.dialect == "v1":
            self.assertEqual(message.image_id, image)

    def check_log(self, path):
        with open(path, encoding="utf-8") as log:
            lines = [line.split(" ", 3) for line in log.read().splitlines()]
        self.assertEqual(sorted(line[1:] for line in lines), [["stderr", "F", "err"], ["stdout", "F", "out"]])
        for line in lines:
            self.assertRegex(line[0], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d)$")

    def test_filters(self):
        pod, other = self.run_pod(), self.run_pod(name=self.id() + " other")
        one = self.start(pod, name="one", labels={"n": "1"})
        two = self.create(pod, name="two", labels={"n": "2"})
        three = self.create(other, name="three", labels={"n": "1"})
        for client in self.each_dialect():
            def listed(client=client, **conditions):
                return {container.id for container in client.ListContainers(filter=conditions).containers}
            self.assertEqual(listed(pod_sandbox_id=pod), {one, two})
            self.assertEqual(listed(label_selector={"n": "1"}), {one, three})
            self.assertEqual(listed(label_selector={"n": "1"}, pod_sandbox_id=other), {three})
            self.assertEqual(listed(state={"state": 1}, pod_sandbox_id=pod), {one})
            self.assertEqual(listed(state={}, pod_sandbox_id=pod), {two})
            self.assertEqual(listed(id=two[:10]), {two})
            self.assertEqual(listed(id=two, pod_sandbox_id=other), set())
            self.assertLessEqual({one, two, three}, {c.id for c in client.ListContainers().containers})
        streamed = [container for message in self.v1.StreamContainers() for container in message.containers]
        self.assertEqual(streamed, list(self.v1.ListContainers().containers))

    def test_stop(self):
        for client in self.each_dialect():
            pod = self.run_pod(client)
            container = self.start(pod, client, command=["sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.05; done"])
            time.sleep(0.3)
            client.StopContainer(container_id=container, timeout=10)
            self.assertEqual(self.status(container, client).exit_code, 5)
            deaf = self.start(pod, client, name="deaf", command=["sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"])
            time.sleep(0.3)
            before = time.monotonic()
            client.StopContainer(container_id=deaf, timeout=1)
            self.assertGreaterEqual(time.monotonic() - before, 0.9)
            self.assertEqual(self.status(deaf, client).exit_code, 137)
            quick = self.start(pod, client, name="quick")
            client.StopContainer(container_id=quick)
            self.assertEqual(self.status(quick, client).exit_code, 137)
            self.fails(StatusCode.INVALID_ARGUMENT, client.StopContainer, container_id=quick, timeout=-1)

    def test_stop_signals(self):
        pod = self.run_pod()
        for name, number in ((signal.SIGUSR1, 29), (signal.SIGRTMIN + 3, 38), (signal.SIGRTMAX - 2, 63)):
            script = f"trap 'exit 9' {int(name)}; while :; do sleep 0.05; done"
            container = self.start(pod, name=str(number), command=["sh", "-c", script], stop_signal=number)
            self.assertEqual(self.status(container).stop_signal, number)
            time.sleep(0.3)
            self.v1.StopContainer(container_id=container, timeout=10)
            self.assertEqual(self.status(container).exit_code, 9)
        self.assertEqual(self.status(self.create(pod)).stop_signal, 23)

    def test_verbose_status(self):
        pod = self.run_pod()
        container = self.start(pod)
        for client in self.each_dialect():
            self.assertEqual(dict(client.ContainerStatus(container_id=container).info), {})
            info = client.ContainerStatus(container_id=container, verbose=True).info
            self.assertTrue(info)
            for value in info.values():
                json.loads(value)

    def test_status_of_a_pods_containers(self):
        pod = self.run_pod()
        containers = {self.start(pod, name="one"), self.create(pod, name="two")}
        before = time.time_ns()
        answer = self.v1.PodSandboxStatus(pod_sandbox_id=pod)
        self.assertEqual({status.id for status in answer.containers_statuses}, containers)
        self.assertTrue(before <= answer.timestamp <= time.time_ns())
        for status in answer.containers_statuses:
            self.assertEqual(status, self.status(status.id))

    def test_removing_a_pod_removes_its_containers(self):
        for client in self.each_dialect():
            pod = self.run_pod(client)
            container = self.start(pod, client)
            client.StopPodSandbox(pod_sandbox_id=pod)
            self.assertEqual(self.status(container, client).state, 2)
            client.RemovePodSandbox(pod_sandbox_id=pod)
            self.fails(StatusCode.NOT_FOUND, client.ContainerStatus, container_id=container)


class Config(ServerTest):
    def output(self, pod, client=None, **more):
        """What a container wrote to its log."""
        container = self.start(pod, client, log_path="out.log", **more)
        status = self.wait_exit(container, client)
        with open(status.log_path, encoding="utf-8") as log:
            lines = [line.split(" ", 3)[3] for line in log.read().splitlines()]
        (client or self.v1).RemoveContainer(container_id=container)
        os.unlink(status.log_path)
        self.assertEqual(status.exit_code, 0, lines)
        return lines

    def test_process(self):
        for client in self.each_dialect():
            pod = self.run_pod(client)
            value = b"b=\xc3\xbc" if client.dialect == "v1" else "b=ü"
            self.assertEqual(
                self.output(pod, client, command=["sh", "-c", 'echo "$A|$0|$1|$PWD"'], args=["x y", "z"],
                            working_dir="/tmp", envs=[{"key": "A", "value": value}]), ["b=ü|x y|z|/tmp"])

    def test_users(self):
        for client in self.each_dialect():
            pod = self.run_pod(client)
            security = {"run_as_user": {"value": 1234}, "supplemental_groups": [77], "readonly_rootfs": True}
            if client.dialect != "2019":
                security.update(namespace_options={"pid": 1}, run_as_group={"value": 55})
            lines = self.output(pod, client, command=["sh", "-c", "id -u; id -g; id -G; touch /x 2>&1 || true"],
                                linux={"security_context": security})
            self.assertEqual(lines[0], "1234")
            self.assertEqual(lines[1], "0" if client.dialect == "2019" else "55")
            self.assertIn("77", lines[2].split())
            self.assertIn("Read-only", lines[3])

    def test_mounts(self):
        directory = os.path.join(self.server.directory, "volume")
        os.makedirs(directory, exist_ok=True)
        for client in self.each_dialect():
            pod = self.run_pod(client)
            mounts = [{"container_path": "/data", "host_path": directory, "readonly": True}]
            container = self.start(pod, client, mounts=mounts)
            status = self.status(container, client)
            self.assertEqual(len(status.mounts), 1)
            mount = status.mounts[0]
            self.assertEqual((mount.container_path, mount.host_path), ("/data", directory))
            self.assertEqual((mount.readonly, mount.propagation), (True, 0))
            answer = client.ExecSync(container_id=container, cmd=["touch", "/data/x"])
            self.assertNotEqual(answer.exit_code, 0)
            self.assertIn(b"Read-only", answer.stderr)

    def test_masked_paths(self):
        script = ["sh", "-c", "cat /proc/timer_list | wc -c; cat /proc/version | wc -c"]
        for client in self.each_dialect():
            pod = self.run_pod(client)
            timers, version = self.output(pod, client, command=script, linux=None)
            self.assertEqual((timers, version != "0"), ("0", True))
            if client.dialect == "2019":
                continue
            # A kubelet gives the paths itself, and none of them for procMount Unmasked.
            security = {"namespace_options": {"pid": 1}}
            timers, version = self.output(pod, client, command=script, linux={"security_context": security})
            self.assertNotIn("0", (timers, version))
            security["masked_paths"] = ["/proc/version"]
            timers, version = self.output(pod, client, command=script, linux={"security_context": security})
            self.assertEqual((timers != "0", version), (True, "0"))

    def test_sandbox_config_is_for_reference_only(self):
        for client in self.each_dialect():
            pod = self.run_pod(client)
            other = self.pod_config(client, name="other", log_directory="/nonexistent", hostname="bad host")
            container = client.CreateContainer(pod_sandbox_id=pod, sandbox_config=other,
                                               config=self.container_config(client, log_path="c")).container_id
            self.assertEqual(self.status(container, client).log_path, os.path.join(self.logs, "c"))

    def test_user_specified_image(self):
        image = self.v1.ImageStatus(image={"image": self.image}).image.id
        pod = self.run_pod()
        container = self.start(pod, image={"image": image, "user_specified_image": "busybox:latest"})
        status = self.status(container)
        self.assertEqual((status.image.image, status.image.user_specified_image), (image, "busybox:latest"))
        self.assertEqual((status.image_ref, status.image_id), (image, image))
        for dialect in ("v1alpha2", "2019"):
            self.assertEqual(unknown_fields(self.status(container, self.server.client(dialect))), [])

    def test_the_user_that_runs(self):
        pod = self.run_pod()
        security = {"run_as_user": {"value": 7}, "run_as_group": {"value": 8}, "supplemental_groups": [9],
                    "namespace_options": {"pid": 1}}
        container = self.start(pod, linux={"security_context": security})
        user = self.status(container).user.linux
        self.assertEqual((user.uid, user.gid), (7, 8))
        self.assertIn(9, user.supplemental_groups)


class Changes(ServerTest):
    def test_update_resources(self):
        for client in self.each_dialect():
            pod = self.run_pod(client)
            container = self.start(pod, client)
            client.UpdateContainerResources(container_id=container, linux={"memory_limit_in_bytes": 64 << 20,
                                                                           "cpu_shares": 512})
            if client.dialect != "2019":
                resources = self.status(container, client).resources.linux
                self.assertEqual(resources.memory_limit_in_bytes, 64 << 20)
                self.assertEqual(resources.cpu_shares, 512)
                self.fails(StatusCode.INVALID_ARGUMENT, client.UpdateContainerResources, container_id=container,
                           windows={"cpu_count": 1})
                client.UpdateContainerResources(container_id=container, annotations={"cgroup.pids.max": "100"})
                self.fails(StatusCode.INVALID_ARGUMENT, client.UpdateContainerResources, container_id=container,
                           annotations={"cgroup.pids.max": "many"})
            self.assertIn("cpu_shares", self.fails(StatusCode.INVALID_ARGUMENT, client.UpdateContainerResources,
                                                   container_id=container, linux={"cpu_shares": 1}))
            self.fails(StatusCode.NOT_FOUND, client.UpdateContainerResources, container_id="0" * 64,
                       linux={"cpu_shares": 512})

    def test_reopen_log(self):
        for dialect in ("v1", "v1alpha2"):
            client = self.server.client(dialect)
            pod = self.run_pod(client)
            container = self.start(pod, client, log_path=f"{dialect}.log",
                                   command=["sh", "-c", "while :; do echo line; sleep 0.05; done"])
            path = self.status(container, client).log_path
            os.rename(path, path + ".1")
            client.ReopenContainerLog(container_id=container)
            self.assertTrue(os.path.exists(path))
            deadline = time.monotonic() + 10
            while os.path.getsize(path) == 0 and time.monotonic() < deadline:
                time.sleep(0.02)
            self.assertGreater(os.path.getsize(path), 0)
            client.StopContainer(container_id=container)
            self.fails(StatusCode.FAILED_PRECONDITION, client.ReopenContainerLog, container_id=container)
            self.fails(StatusCode.NOT_FOUND, client.ReopenContainerLog, container_id="0" * 64)


class Refused(ServerTest):
    def refused(self, client, pod, code, field, **more):
        text = self.fails(code, client.CreateContainer, pod_sandbox_id=pod,
                          config=self.container_config(client, **more))
        self.assertIn(field, text)

    def test_configs(self):
        bad = StatusCode.INVALID_ARGUMENT
        for client in self.each_dialect():
            pod = self.run_pod(client)
            self.fails(bad, client.CreateContainer, pod_sandbox_id=pod)
            self.refused(client, pod, bad, "metadata", metadata=None)
            self.refused(client, pod, bad, "metadata.name", metadata={"name": ""})
            self.refused(client, pod, bad, "image", image=None)
            self.refused(client, pod, bad, "working_dir", working_dir="tmp")
            self.refused(client, pod, bad, "mounts[0].container_path", mounts=[{"host_path": "/tmp"}])
            self.refused(client, pod, bad, "mounts[0].propagation",
                         mounts=[{"container_path": "/x", "host_path": "/tmp", "propagation": 7}])
            self.refused(client, pod, bad, "devices[0].permissions",
                         devices=[{"container_path": "/dev/x", "host_path": "/dev/null", "permissions": "z"}])
            self.refused(client, pod, bad, "log_path", log_path="../x")
            self.refused(client, pod, bad, "cgroup.pids.max", annotations={"cgroup.pids.max": "x"})
            self.refused(client, pod, bad, "cpu_shares", linux={"resources": {"cpu_shares": -1}})
            self.refused(client, pod, StatusCode.NOT_FOUND, "nonesuch", image={"image": "nonesuch"})
            self.assertEqual(len(client.ListContainers(filter={"pod_sandbox_id": pod}).containers), 0)

    def test_configs_of_v1(self):
        pod = self.run_pod()
        bad = StatusCode.INVALID_ARGUMENT
        self.refused(self.v1, pod, bad, "stop_signal", stop_signal=99)
        self.refused(self.v1, pod, bad, "envs[0].value", envs=[{"key": "A", "value": b"a\0b"}])
        self.refused(self.v1, pod, bad, "windows", windows={"resources": {"cpu_count": 1}})
        self.refused(self.v1, pod, bad, "target_id",
                     linux={"security_context": {"namespace_options": {"pid": 3}}})
        self.refused(self.v1, pod, bad, "recursive_read_only",
                     mounts=[{"container_path": "/x", "host_path": "/tmp", "recursive_read_only": True}])

    def test_pods_and_states(self):
        for client in self.each_dialect():
            config = self.container_config(client)
            self.fails(StatusCode.NOT_FOUND, client.CreateContainer, pod_sandbox_id="0" * 64, config=config)
            pod = self.run_pod(client)
            container = self.start(pod, client)
            self.fails(StatusCode.ALREADY_EXISTS, client.CreateContainer, pod_sandbox_id=pod, config=config)
            self.fails(StatusCode.FAILED_PRECONDITION, client.StartContainer, container_id=container)
            self.fails(StatusCode.NOT_FOUND, client.StartContainer, container_id="0" * 64)
            self.fails(StatusCode.INVALID_ARGUMENT, client.StartContainer)
            self.fails(StatusCode.NOT_FOUND, client.ContainerStatus, container_id="0" * 64)
            client.StopPodSandbox(pod_sandbox_id=pod)
            self.fails(StatusCode.FAILED_PRECONDITION, client.CreateContainer, pod_sandbox_id=pod,
                       config=self.container_config(client, name="late"))

    def test_a_command_that_is_not_there(self):
        for client in self.each_dialect():
            pod = self.run_pod(client)
            container = self.create(pod, client, command=["/nonesuch"])
            with self.assertRaises(Exception) as raised:
                client.StartContainer(container_id=container)
            self.assertIn("/nonesuch", raised.exception.details())
            status = self.status(container, client)
            self.assertEqual((status.state, status.reason), (2, "StartError"))
            self.assertIn("/nonesuch", status.message)


if __name__ == "__main__":
    unittest.main()
