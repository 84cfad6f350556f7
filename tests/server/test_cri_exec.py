# SPDX-License-Identifier: Apache-2.0
"""ExecSync."""

import time
import unittest

from grpc import StatusCode

from cri_client import ServerTest


class ExecSync(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        client = cls.server.client()
        try:
            config = {"metadata": {"name": "exec"}, "linux": {"security_context": {"namespace_options": {"pid": 1}}}}
            cls.pod = client.RunPodSandbox(config=config).pod_sandbox_id
            container = {"metadata": {"name": "main"}, "image": {"image": cls.image}, "command": ["sleep", "10000"],
                         "linux": {"security_context": {"namespace_options": {"pid": 1}}}}
            cls.container = client.CreateContainer(pod_sandbox_id=cls.pod, config=container).container_id
            client.StartContainer(container_id=cls.container)
        except BaseException:
            cls.server.close()
            raise

    def run_command(self, client, *command, **more):
        return client.ExecSync(container_id=self.container, cmd=list(command), **more)

    def test_output_and_exit_code(self):
        for client in self.each_dialect():
            answer = self.run_command(client, "sh", "-c", "echo out; echo err >&2; exit 7")
            self.assertEqual((answer.stdout, answer.stderr, answer.exit_code), (b"out\n", b"err\n", 7))
            answer = self.run_command(client, "true")
            self.assertEqual((answer.stdout, answer.stderr, answer.exit_code), (b"", b"", 0))

    def test_output_is_bytes(self):
        for client in self.each_dialect():
            answer = self.run_command(client, "printf", r"\377\000\200")
            self.assertEqual(answer.stdout, b"\xff\0\x80")

    def test_commands_that_cannot_run(self):
        for client in self.each_dialect():
            self.assertEqual(self.run_command(client, "/nonesuch").exit_code, 127)
            self.assertEqual(self.run_command(client, "/etc").exit_code, 126)

    def test_killed_by_a_signal(self):
        for client in self.each_dialect():
            self.assertEqual(self.run_command(client, "sh", "-c", "kill -9 $$").exit_code, 137)

    def test_timeout_kills(self):
        for client in self.each_dialect():
            before = time.monotonic()
            self.fails(StatusCode.DEADLINE_EXCEEDED, client.ExecSync, container_id=self.container, timeout=1,
                       cmd=["sh", "-c", "sleep 3117 & sleep 3118"])
            self.assertLess(time.monotonic() - before, 5)
            self.assertNotIn(b"sleep 31", self.run_command(client, "ps").stdout)
            self.assertEqual(self.run_command(client, "true", timeout=5).exit_code, 0)

    def test_deadline_of_the_client(self):
        for client in self.each_dialect():
            self.fails(StatusCode.DEADLINE_EXCEEDED, client.ExecSync, container_id=self.container,
                       cmd=["sleep", "3237"], _timeout=0.5)
            deadline = time.monotonic() + 5
            while b"sleep 3237" in self.run_command(client, "ps").stdout and time.monotonic() < deadline:
                time.sleep(0.05)
            self.assertNotIn(b"sleep 3237", self.run_command(client, "ps").stdout)

    def test_more_output_than_a_client_takes(self):
        limit = (16 << 20) - 4096
        script = "head -c 20000000 /dev/zero; head -c {} /dev/zero >&2"
        for client in self.each_dialect():
            answer = self.run_command(client, "sh", "-c", script.format(20000000))
            self.assertEqual((len(answer.stdout), len(answer.stderr)), (limit // 2, limit // 2))
            answer = self.run_command(client, "sh", "-c", script.format(1000))
            self.assertEqual((len(answer.stdout), len(answer.stderr)), (limit - 1000, 1000))

    def test_refused(self):
        for client in self.each_dialect():
            self.fails(StatusCode.INVALID_ARGUMENT, client.ExecSync, container_id=self.container)
            self.fails(StatusCode.INVALID_ARGUMENT, client.ExecSync, container_id=self.container, cmd=[""])
            self.fails(StatusCode.INVALID_ARGUMENT, client.ExecSync, container_id=self.container, cmd=["true"],
                       timeout=-1)
            self.fails(StatusCode.INVALID_ARGUMENT, client.ExecSync, cmd=["true"])
            self.fails(StatusCode.NOT_FOUND, client.ExecSync, container_id="0" * 64, cmd=["true"])

    def test_a_container_that_does_not_run(self):
        created = self.create(self.pod, name="created")
        for client in self.each_dialect():
            self.fails(StatusCode.FAILED_PRECONDITION, client.ExecSync, container_id=created, cmd=["true"])


if __name__ == "__main__":
    unittest.main()
