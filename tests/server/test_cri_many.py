# SPDX-License-Identifier: Apache-2.0
"""Many containers."""

import unittest
from concurrent.futures import ThreadPoolExecutor

from cri_client import ServerTest

CONTAINERS = 500


class Many(ServerTest):
    def test_500_containers_in_one_call(self):
        pod = self.run_pod()
        labels = {f"label-{number}": "v" * 20 for number in range(10)}
        with ThreadPoolExecutor(8) as pool:
            made = set(pool.map(lambda number: self.create(pod, name=f"c{number}", labels=labels), range(CONTAINERS)))
        self.assertEqual(len(made), CONTAINERS)
        for client in self.each_dialect():
            listed = client.ListContainers(filter={"pod_sandbox_id": pod}).containers
            self.assertEqual({container.id for container in listed}, made)
        messages = list(self.v1.StreamContainers(filter={"pod_sandbox_id": pod}))
        self.assertEqual([len(message.containers) for message in messages], [100] * 5)
        self.assertEqual({container.id for message in messages for container in message.containers}, made)
        self.assertEqual(len(self.v1.PodSandboxStatus(pod_sandbox_id=pod).containers_statuses), CONTAINERS)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda container: self.v1.RemoveContainer(container_id=container), made))
        self.assertEqual(len(self.v1.ListContainers(filter={"pod_sandbox_id": pod}).containers), 0)


if __name__ == "__main__":
    unittest.main()
