# SPDX-License-Identifier: Apache-2.0
"""Version, Status, RuntimeConfig, UpdateRuntimeConfig; which calls each package has; requests that are no requests."""

import json
import unittest

import grpc

import cri_schema
from cri_client import ServerTest, unknown_fields


class Runtime(ServerTest):
    with_image = False

    def test_version(self):
        api = {"v1": "v1", "v1alpha2": "v1alpha2", "2019": "v1alpha1"}
        for client in self.each_dialect():
            version = client.Version(version="0.1.0")
            self.assertEqual(version.version, "0.1.0")
            self.assertEqual(version.runtime_name, "libcri")
            self.assertRegex(version.runtime_version, r"^\d+\.\d+\.\d+$")
            self.assertEqual(version.runtime_api_version, api[client.dialect])
            self.assertEqual(client.Version(), version)

    def test_status(self):
        for client in self.each_dialect():
            status = client.Status()
            self.assertEqual(unknown_fields(status), [])
            conditions = {condition.type: condition for condition in status.status.conditions}
            self.assertEqual(set(conditions), {"RuntimeReady", "NetworkReady"})
            self.assertTrue(conditions["RuntimeReady"].status, conditions["RuntimeReady"].message)
            self.assertTrue(conditions["NetworkReady"].status, conditions["NetworkReady"].message)
            self.assertEqual(dict(status.info), {})

    def test_status_tells_features_in_v1(self):
        status = self.v1.Status()
        handlers = {handler.name: handler.features for handler in status.runtime_handlers}
        self.assertIn("", handlers)
        self.assertIn("lxc", handlers)
        self.assertIn("lcr", handlers)
        self.assertTrue(handlers[""].recursive_read_only_mounts)
        self.assertEqual(handlers["lxc"], handlers["lcr"])
        self.assertTrue(status.HasField("features"))
        self.assertTrue(status.features.supplemental_groups_policy)

    def test_verbose_status(self):
        for client in self.each_dialect():
            info = dict(client.Status(verbose=True).info)
            values = {key: json.loads(value) for key, value in info.items()}
            self.assertEqual(values["config"]["root"], self.server.root)
            self.assertIn("daemon", values)
            self.assertIsInstance(values["daemon"], dict)

    def test_runtime_config(self):
        self.assertEqual(self.v1.RuntimeConfig().linux.cgroup_driver, 1)

    def test_update_runtime_config_is_a_line_in_the_log(self):
        for client in self.each_dialect():
            cidr = f"10.{cri_schema.DIALECTS.index(client.dialect)}.0.0/16"
            client.UpdateRuntimeConfig(runtime_config={"network_config": {"pod_cidr": cidr}})
            lines = [line for line in self.server.read_log().splitlines() if cidr in line]
            self.assertEqual(len(lines), 1, lines)
            client.UpdateRuntimeConfig()


class Calls(ServerTest):
    with_image = False

    def test_calls_that_a_package_lacks(self):
        for client in self.each_dialect():
            package = cri_schema.PACKAGES[client.dialect]
            lacking = [call for call in cri_schema.calls() if client.dialect not in call.dialects]
            self.assertEqual(len(lacking), {"v1": 0, "v1alpha2": 14, "2019": 17}[client.dialect])
            for call in lacking:
                with self.assertRaises(grpc.RpcError) as raised:
                    client.raw(f"/{package}.{call.service}/{call.name}", b"")
                self.assertEqual(raised.exception.code(), grpc.StatusCode.UNIMPLEMENTED, call.name)

    def test_calls_that_nobody_has(self):
        for path in ("/runtime.v2.RuntimeService/Version", "/runtime.v1.RuntimeService/version",
                     "/runtime.v1.ImageService/Version", "/grpc.health.v1.Health/Check"):
            with self.assertRaises(grpc.RpcError) as raised:
                self.v1.raw(path, b"")
            self.assertEqual(raised.exception.code(), grpc.StatusCode.UNIMPLEMENTED, path)

    def test_requests_that_are_no_messages(self):
        for client in self.each_dialect():
            package = cri_schema.PACKAGES[client.dialect]
            for call in cri_schema.calls():
                if client.dialect not in call.dialects or call.name == "GetContainerEvents":
                    continue
                path = f"/{package}.{call.service}/{call.name}"
                for data in (b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x07"):
                    with self.assertRaises(grpc.RpcError) as raised:
                        if call.stream:
                            list(client.channel.unary_stream(path)(data, timeout=10))
                        else:
                            client.raw(path, data)
                    self.assertEqual(raised.exception.code(), grpc.StatusCode.INVALID_ARGUMENT, call.name)

    def test_texts_that_are_no_texts(self):
        for text in (b"a\0b", b"\xff", b"\xc0\x80"):
            request = b"\x0a" + bytes([len(text)]) + text
            with self.assertRaises(grpc.RpcError) as raised:
                self.v1.raw("/runtime.v1.RuntimeService/ContainerStatus", request)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
            self.assertIn("field 1 ", raised.exception.details())

    def test_filters_of_no_meaning(self):
        bad = grpc.StatusCode.INVALID_ARGUMENT
        for client in self.each_dialect():
            for name in ("ListContainers", "ListPodSandbox", "StreamContainers", "StreamPodSandboxes"):
                if name in client:
                    self.assertIn("state", self.fails(bad, getattr(client, name), filter={"state": {"state": 99}}))
            for name in ("ListImages", "StreamImages"):
                if name in client:
                    self.fails(bad, getattr(client, name), filter={"image": {"image": "///"}})
            self.assertIn("container_id", self.fails(bad, client.RemoveContainer))

    def test_texts_of_failures_are_unicode(self):
        for client in self.each_dialect():
            text = self.fails(grpc.StatusCode.NOT_FOUND, client.ContainerStatus, container_id="mäusebär 100% 猫")
            self.assertIn("mäusebär 100% 猫", text)

    def test_compressed_requests_are_refused(self):
        call = self.v1.channel.unary_unary("/runtime.v1.RuntimeService/Version")
        for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
            with self.assertRaises(grpc.RpcError) as raised:
                call(b"\x0a\x7f" + b"a" * 127, timeout=20, compression=compression)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
            self.assertIn("compressed", raised.exception.details())
        self.assertTrue(call(b"", timeout=20))

    def test_fields_of_the_future_are_ignored(self):
        self.assertTrue(self.v1.raw("/runtime.v1.RuntimeService/Version", b"\xa2\x06\x03abc\xa8\x06\x01"))

    def test_millions_of_empty_fields(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.v1.raw("/runtime.v1.RuntimeService/ExecSync", b"\x12\x00" * 4_000_000)
        self.assertEqual(raised.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.v1.Version()


if __name__ == "__main__":
    unittest.main()
