# SPDX-License-Identifier: Apache-2.0
"""PullImage, from registries of Debian's docker-registry on the loopback."""

import base64
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from grpc import StatusCode

import cri_client
from cri_client import ROOT, ServerTest


class Registry:
    """A registry with one image, busybox:1. With a password: user "bob", password "secret"."""

    def __init__(self, password=False):
        self.directory = tempfile.mkdtemp(prefix="cri-server-registry.")
        self.host = f"127.0.0.1:{cri_client.free_port()}"
        self.process = None
        try:
            self.start(password)
            self.push(password)
        except BaseException:
            self.close()
            raise

    def start(self, password):
        lines = ["version: 0.1", "log: {level: error}", f"storage: {{filesystem: {{rootdirectory: {self.directory}}}}}",
                 f"http: {{addr: '{self.host}'}}"]
        if password:
            users = os.path.join(self.directory, "htpasswd")
            with open(users, "wb") as file:
                file.write(subprocess.run(["htpasswd", "-Bbn", "bob", "secret"], check=True, capture_output=True).stdout)
            lines.append(f"auth: {{htpasswd: {{realm: test, path: {users}}}}}")
        config = os.path.join(self.directory, "config.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        self.process = subprocess.Popen(["docker-registry", "serve", config], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        host, port = self.host.split(":")
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection((host, int(port)), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def push(self, password):
        archive = os.path.join(self.directory, "busybox.tar")
        subprocess.run([os.path.join(ROOT, "examples", "make_busybox_image.sh"), archive, "docker"], check=True,
                       stdout=subprocess.DEVNULL)
        credentials = ["--dest-creds", "bob:secret"] if password else []
        subprocess.run(["skopeo", "copy", "-q", "--dest-tls-verify=false", *credentials, f"docker-archive:{archive}",
                        f"docker://{self.host}/busybox:1"], check=True)

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


class Silent:
    """Accepts connections and never answers."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.client = None
        self.host = "127.0.0.1:%d" % self.socket.getsockname()[1]

    def wait(self):
        """Until somebody asks."""
        self.socket.settimeout(30)
        self.client = self.socket.accept()[0]

    def close(self):
        if self.client is not None:
            self.client.close()
        self.socket.close()


class Pull(ServerTest):
    with_image = False

    @classmethod
    def setUpClass(cls):
        cls.registries = []
        try:
            cls.open, cls.closed, cls.silent = Registry(), Registry(password=True), Silent()
            cls.registries = [cls.open, cls.closed, cls.silent]
            cls.nobody = f"127.0.0.1:{cri_client.free_port()}"
            hosts = [registry.host for registry in cls.registries]
            cls.config = {"insecure-registries": hosts + [cls.nobody]}
            super().setUpClass()
        except BaseException:
            for registry in cls.registries:
                registry.close()
            raise

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        for registry in cls.registries:
            registry.close()

    def tearDown(self):
        for image in self.v1.ListImages().images:
            self.v1.RemoveImage(image={"image": image.id})

    def test_a_pull(self):
        name = f"{self.open.host}/busybox:1"
        for client in self.each_dialect():
            image = client.PullImage(image={"image": name}).image_ref
            status = client.ImageStatus(image={"image": name}).image
            self.assertEqual(status.id, image)
            self.assertEqual(list(status.repo_tags), [name])
            self.assertEqual(len(status.repo_digests), 1)
            self.assertGreater(status.size, 100000)
            self.assertEqual(client.PullImage(image={"image": name}).image_ref, image)
            client.RemoveImage(image={"image": image})

    def test_a_pulled_image_runs(self):
        name = f"{self.open.host}/busybox:1"
        config = self.pod_config()
        image = self.v1.PullImage(image={"image": name}, sandbox_config=config).image_ref
        pod = self.run_pod()
        container = self.start(pod, image={"image": image, "user_specified_image": name}, command=["true"])
        self.assertEqual(self.wait_exit(container).exit_code, 0)
        self.v1.RemovePodSandbox(pod_sandbox_id=pod)

    def test_a_pull_with_a_password(self):
        name = f"{self.closed.host}/busybox:1"
        plain = base64.b64encode(b"bob:secret").decode()
        for client in self.each_dialect():
            for auth in ({"username": "bob", "password": "secret"}, {"auth": plain},
                         {"username": "bob", "password": "secret", "server_address": self.closed.host}):
                image = client.PullImage(image={"image": name}, auth=auth).image_ref
                client.RemoveImage(image={"image": image})
            for auth in (None, {"username": "bob", "password": "wrong"}):
                text = self.fails(StatusCode.PERMISSION_DENIED, client.PullImage, image={"image": name}, auth=auth)
                self.assertNotIn("wrong", text)
        self.assertNotIn("secret", self.server.read_log())
        self.assertNotIn(plain, self.server.read_log())

    def test_what_a_registry_does_not_have(self):
        for client in self.each_dialect():
            for name in ("busybox:2", "nonesuch:1"):
                self.fails(StatusCode.NOT_FOUND, client.PullImage, image={"image": f"{self.open.host}/{name}"})

    def test_a_registry_that_does_not_answer(self):
        for client in self.each_dialect():
            text = self.fails(StatusCode.UNKNOWN, client.PullImage, image={"image": f"{self.nobody}/busybox:1"})
            self.assertTrue(text.startswith("RegistryUnavailable: "), text)

    def test_names_that_cannot_be_pulled(self):
        for client in self.each_dialect():
            self.fails(StatusCode.INVALID_ARGUMENT, client.PullImage)
            for name in ("", "busy/CASE", "a b", "x@sha256:12"):
                self.fails(StatusCode.INVALID_ARGUMENT, client.PullImage, image={"image": name})

    def test_slow_pulls_hold_up_nothing(self):
        pulled = self.v1.PullImage(image={"image": f"{self.open.host}/busybox:1"}).image_ref
        pod = self.run_pod()
        container = self.start(pod, image={"image": pulled})
        pulls = self.v1.channel.unary_unary("/runtime.v1.ImageService/PullImage")
        version = self.v1.channel.unary_unary("/runtime.v1.RuntimeService/Version")
        name = f"{self.silent.host}/busybox:1"
        request = self.v1.messages["PullImageRequest"](image={"image": name}).SerializeToString()
        slow = [pulls.future(request, timeout=300) for _ in range(10)]
        self.silent.wait()
        calls = [version.future(b"", timeout=60) for _ in range(1000)]
        self.assertTrue(all(call.result() for call in calls))
        # What a kubelet needs most while an image does not come.
        self.assertEqual(self.v1.ExecSync(container_id=container, cmd=["true"]).exit_code, 0)
        self.v1.StopContainer(container_id=container)
        self.v1.RemovePodSandbox(pod_sandbox_id=pod)
        self.assertEqual([pull for pull in slow if pull.done()], [])
        for pull in slow:
            pull.cancel()


if __name__ == "__main__":
    unittest.main()
