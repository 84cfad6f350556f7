# SPDX-License-Identifier: Apache-2.0
"""Registries of Debian's docker-registry on the loopback."""

import os
import shutil
import socket
import subprocess
import tempfile
import time

from cri_client import ROOT, free_port


class Registry:
    """A registry with one image, busybox:1. With a password: user "bob", password "secret"."""

    def __init__(self, password=False):
        self.directory = tempfile.mkdtemp(prefix="cri-server-registry.")
        self.host = f"127.0.0.1:{free_port()}"
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
