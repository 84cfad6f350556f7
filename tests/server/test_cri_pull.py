# SPDX-License-Identifier: Apache-2.0
"""PullImage."""

import base64
import http.client
import json
import os
import socket
import tempfile
import unittest

from grpc import StatusCode

import cri_client
from cri_client import ServerTest
from registry import Registry


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


class Policy(ServerTest):
    """image-policy of daemon.json."""

    with_image = False

    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        try:
            cls.directory = tempfile.TemporaryDirectory(prefix="cri-server-policy.")
            cls.policy = os.path.join(cls.directory.name, "policy.json")
            cls.write([])
            cls.config = {"insecure-registries": [cls.registry.host], "image-policy": cls.policy}
            super().setUpClass()
        except BaseException:
            cls.registry.close()
            raise

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.registry.close()
        cls.directory.cleanup()

    @classmethod
    def write(cls, digests):
        with open(cls.policy, "w", encoding="utf-8") as file:
            json.dump({"default": [{"type": "allowedDigests", "digests": digests}]}, file)

    def test_an_image_that_the_policy_refuses(self):
        name = f"{self.registry.host}/busybox:1"
        for client in self.each_dialect():
            self.write([])
            text = self.fails(StatusCode.UNKNOWN, client.PullImage, image={"image": name})
            self.assertTrue(text.startswith("SignatureValidationFailed: "), text)
            self.assertEqual(len(client.ListImages().images), 0)
            connection = http.client.HTTPConnection(self.registry.host)
            connection.request("HEAD", "/v2/busybox/manifests/1", headers={
                "Accept": "application/vnd.oci.image.manifest.v1+json, "
                          "application/vnd.docker.distribution.manifest.v2+json"})
            self.write([connection.getresponse().getheader("Docker-Content-Digest")])
            connection.close()
            image = client.PullImage(image={"image": name}).image_ref
            client.RemoveImage(image={"image": image})


if __name__ == "__main__":
    unittest.main()
