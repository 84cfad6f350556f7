# SPDX-License-Identifier: Apache-2.0
"""What libcri cannot do yet is an error that says so, never a silent success."""

import unittest

from grpc import StatusCode

from cri_client import ServerTest

CALLS = {
    "CheckpointContainer": {"container_id": "0" * 64, "location": "/tmp/x"},
    "CheckpointPod": {"pod_sandbox_id": "0" * 64, "output_path": "/tmp/x"},
    "RestorePod": {"checkpoint_path": "/tmp/x"},
    "Exec": {"container_id": "0" * 64, "cmd": ["true"], "stdout": True},
    "Attach": {"container_id": "0" * 64, "stdout": True},
    "PortForward": {"pod_sandbox_id": "0" * 64, "port": [80]},
}


class Unbuilt(ServerTest):
    with_image = False

    def test_the_reason_is_told(self):
        for client in self.each_dialect():
            for name, fields in CALLS.items():
                if name in client:
                    text = self.fails(StatusCode.UNIMPLEMENTED, getattr(client, name), **fields)
                    self.assertIn("not built yet", text, name)


if __name__ == "__main__":
    unittest.main()
