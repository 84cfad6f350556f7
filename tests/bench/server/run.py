# SPDX-License-Identifier: Apache-2.0
"""Measures a cri-server: memory, calls a second (by h2load), what gRPC adds to a call. run.py BUILD [ROUNDS]"""

import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "server"))
BUILD = os.environ["CRI_TEST_BUILD"] = os.path.abspath(sys.argv[1])
ROUNDS = sys.argv[2] if len(sys.argv) > 2 else "1000"

import cri_client  # pylint: disable=wrong-import-position

PODS = 100
# Seconds until workers that have nothing to do have ended, and memory was given back.
SETTLE = 16
BUDGETS = {"idle": 6.0, f"with {PODS} pods": 12.0}


def memory(server, key="VmRSS"):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
        return int(re.search(rf"^{key}:\s+(\d+)", file.read(), re.MULTILINE).group(1)) / 1024


def report_memory(server, when):
    resident, budget = memory(server), BUDGETS[when]
    print(f"{when:16} {resident:8.2f} MB resident, {memory(server, 'RssAnon'):.2f} of them its own   "
          f"budget {budget:g}: {'met' if resident < budget else 'MISSED'}", flush=True)


def fill(server):
    """Pods with a running container each."""
    client = server.client()

    def make(number):
        security = {"namespace_options": {"pid": 1}}
        labels = {f"label-{i}": "value" for i in range(5)}
        pod = client.RunPodSandbox(config={
            "metadata": {"name": f"pod-{number}", "uid": str(number), "namespace": "bench"}, "labels": labels,
            "log_directory": server.directory + "/logs", "linux": {"security_context": security}}).pod_sandbox_id
        container = client.CreateContainer(pod_sandbox_id=pod, config={
            "metadata": {"name": "main"}, "image": {"image": "busybox"}, "command": ["sleep", "100000"], "labels": labels,
            "linux": {"security_context": security}}).container_id
        client.StartContainer(container_id=container)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(PODS)))
    server.disconnect()


def rate(server, method, clients, streams, calls):
    with tempfile.NamedTemporaryFile() as body:
        body.write(bytes(5))
        body.flush()
        text = subprocess.run(
            ["h2load", "-n", str(calls), "-c", str(clients), "-m", str(streams), "--base-uri=unix:" + server.socket, "-d",
             body.name, "-H", "content-type: application/grpc", "-H", "te: trailers",
             "http://localhost/runtime.v1.RuntimeService/" + method], capture_output=True, text=True, check=True).stdout
    done = int(re.search(r"(\d+) succeeded", text).group(1))
    assert done == calls, text
    print(f"{method:16} {clients} x {streams:<3} {float(re.search(r'([0-9.]+) req/s', text).group(1)):10.0f} calls/s",
          flush=True)


def main():
    print(f"machine: {os.cpu_count()} cores, kernel {os.uname().release}, load {os.getloadavg()[0]:.1f}", flush=True)
    server = cri_client.Server()
    try:
        server.import_busybox()
        server.client().Version()
        server.disconnect()
        time.sleep(SETTLE)
        report_memory(server, "idle")
        fill(server)
        time.sleep(SETTLE)
        report_memory(server, f"with {PODS} pods")
        print(flush=True)
        rate(server, "Version", 1, 1, 20000)
        rate(server, "Version", 2, 32, 200000)
        rate(server, "ListContainers", 1, 1, 500)
        rate(server, "ListContainers", 2, 32, 2000)
        subprocess.run([os.path.join(BUILD, "tests", "bench", "server", "calls"), server.socket, server.root, server.state,
                        ROUNDS], check=True, env=dict(os.environ, LIBCRI_HELPER_DIRECTORY=cri_client.HELPERS))
        time.sleep(SETTLE)
        report_memory(server, f"with {PODS} pods")
    finally:
        server.close()


if __name__ == "__main__":
    main()
