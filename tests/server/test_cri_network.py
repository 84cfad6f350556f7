# SPDX-License-Identifier: Apache-2.0
"""cri-server's networks, in a network namespace of the server's own."""

import json
import os
import subprocess
import time
import unittest

import cri_client
import cri_schema
from cri_client import ServerTest

PLUGIN = """#!/bin/sh
[ "$CNI_COMMAND" = ADD ] || exit 0
echo '{"cniVersion":"1.0.0","interfaces":[{"name":"'$CNI_IFNAME'","sandbox":"'$CNI_NETNS'"}],
"ips":[{"address":"10.66.0.9/24","interface":0},{"address":"fd66::9/64","interface":0}]}'
"""


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class NetworkTest(ServerTest):
    with_image = False

    def network_ready(self):
        conditions = {condition.type: condition for condition in self.v1.Status().status.conditions}
        return conditions["NetworkReady"]


class Cni(NetworkTest):
    def setUp(self):
        self.server = cri_client.Server({"network-plugin": "cni", "cni-conf-dir": "/nonexistent"},
                                        prefix=["unshare", "--net"])
        self.addCleanup(self.server.close)
        super().setUp()
        self.plugins = self.path("plugins")
        self.directory = self.path("net", "d")
        os.mkdir(self.plugins)
        with open(os.path.join(self.plugins, "answers"), "w", encoding="utf-8") as plugin:
            plugin.write(PLUGIN)
        os.chmod(plugin.name, 0o755)
        self.server.reload(cni_bin_dir=self.plugins, cni_conf_dir=self.directory)

    @classmethod
    def setUpClass(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        pass

    def path(self, *names):
        return os.path.join(self.server.directory, *names)

    def add(self, file, name, directory=None):
        path = os.path.join(directory or self.directory, file)
        with open(path + ".new", "w", encoding="utf-8") as new:
            json.dump({"cniVersion": "1.0.0", "name": name, "type": "answers"}, new)
        os.rename(path + ".new", path)

    def logged(self, text, times=1):
        return wait_for(lambda: self.server.read_log().count(text) >= times)

    def test_watched(self):
        """What is in the directory is in force although nobody asks; also when the directory comes later."""
        self.assertFalse(self.network_ready().status)
        self.assertIn("it does not exist", self.network_ready().message)
        os.makedirs(self.directory)
        self.add("10-a.conf", "first-net")
        self.assertTrue(self.logged("the default network is first-net"))
        self.assertTrue(self.network_ready().status)
        self.add("10-a.conf", "second-net")
        self.assertTrue(self.logged("the default network is second-net"))
        with open(os.path.join(self.directory, "10-a.conf"), "w", encoding="utf-8") as broken:
            broken.write("{")
        self.assertTrue(self.logged("10-a.conf: it is no JSON object"))
        ready = self.network_ready()
        self.assertTrue(ready.status)
        self.assertIn("the last good configuration stays in force", ready.message)
        before = self.server.read_log().count("net/d: it does not exist")
        os.rename(self.directory, self.path("gone"))
        self.assertTrue(self.logged("net/d: it does not exist", before + 1))
        os.makedirs(self.directory)
        self.add("10-a.conf", "third-net")
        self.assertTrue(self.logged("the default network is third-net"))
        # Another directory by SIGHUP.
        other = self.path("other")
        os.mkdir(other)
        self.add("10-b.conf", "fourth-net", other)
        self.server.reload(cni_conf_dir=other)
        self.assertTrue(self.logged("the default network is fourth-net"))
        self.add("10-b.conf", "fifth-net", other)
        self.assertTrue(self.logged("the default network is fifth-net"))
        self.add("10-a.conf", "sixth-net")
        time.sleep(0.3)
        self.assertNotIn("sixth-net", self.server.read_log())

    def test_addresses_in_each_dialect(self):
        os.makedirs(self.directory)
        self.add("10-a.conf", "a")
        self.add("20-b.conf", "b")
        annotations = {"network.alpha.kubernetes.io/network": json.dumps([{"name": "b", "interface": "net1"}])}
        pod = self.run_pod(annotations=annotations)
        for dialect in cri_schema.DIALECTS:
            status = self.server.client(dialect).PodSandboxStatus(pod_sandbox_id=pod).status
            if dialect == "2019":
                self.assertEqual([(each.name, each.network, each.ip) for each in status.networks],
                                 [("eth0", "a", "10.66.0.9"), ("net1", "b", "10.66.0.9")])
            else:
                self.assertEqual(status.network.ip, "10.66.0.9")
                self.assertEqual([each.ip for each in status.network.additional_ips], ["fd66::9"])
        info = json.loads(self.v1.PodSandboxStatus(pod_sandbox_id=pod, verbose=True).info["networkCheck"])
        self.assertEqual(info, "OK")
        self.v1.StopPodSandbox(pod_sandbox_id=pod)
        self.assertEqual(self.v1.PodSandboxStatus(pod_sandbox_id=pod).status.network.ip, "")

    def test_verbose_status_names_the_networks(self):
        os.makedirs(self.directory)
        self.add("10-a.conf", "a")
        network = json.loads(self.v1.Status(verbose=True).info["network"])
        self.assertEqual(network["plugin"], "cni")
        self.assertEqual([each["list"]["name"] for each in network["networks"]], ["a"])


class Native(NetworkTest):
    """Its files of addresses are below /run, which is the server's own here, too."""

    @classmethod
    def setUpClass(cls):
        cls.server = cri_client.Server({"network-plugin": "native"},
                                       prefix=["unshare", "--net", "--mount", "sh", "-c",
                                               'mount -t tmpfs run /run && exec "$@"', "sh"])

    def inside(self, *command):
        return subprocess.run(["nsenter", "--net", "--target", str(self.server.process.pid), "--", *command],
                              check=True, stdout=subprocess.PIPE, text=True).stdout

    def test_pods_are_on_the_bridge(self):
        self.assertTrue(self.network_ready().status)
        pods = [self.run_pod(name=f"{self.id()} {number}",
                             port_mappings=[{"protocol": 0, "container_port": 80, "host_port": 8080 + number}])
                for number in range(2)]
        addresses = [self.v1.PodSandboxStatus(pod_sandbox_id=pod).status.network.ip for pod in pods]
        self.assertEqual(len(set(addresses)), 2)
        for address in addresses:
            self.assertTrue(address.startswith("10.88."))
            self.assertIn("cri0", self.inside("ip", "route", "get", address))
        message = self.fails(cri_client.grpc.StatusCode.ALREADY_EXISTS, self.v1.RunPodSandbox, config=self.pod_config(
            name="third", port_mappings=[{"protocol": 0, "container_port": 80, "host_port": 8080}]))
        self.assertIn("host port 8080/tcp is taken", message)


if __name__ == "__main__":
    unittest.main()
