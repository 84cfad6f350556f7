#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a pull costs: run.py BUILD [ROUNDS]

An image of five layers of 60 MB, half of each random and half text, gzip -6, from a docker-registry on loopback: libcri,
`skopeo copy` to a directory (which unpacks nothing), and floors, in the same run, each on a fresh ext4:
 - tools: one process a layer of `openssl dgst -sha256` and `tar -xz`, as many at once as there are processors;
 - library: one process a layer that hashes, inflates and writes files with the libraries that libcri has (floor.c);
 - transfer: the library's, but with the layers from the registry, by curl over a pipe. The registry's work and the
   kernel's for the sockets are on the same processors.
The pull includes all that makes it durable (syncfs); the floors are given with and without one. The first line says what
the transfer alone takes: all layers at once by curl, to nowhere.
"""
import hashlib
import io
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LAYERS = 5
LAYER_BYTES = 60 << 20
UNCHANGED = 200
OCI = "application/vnd.oci.image."


def run(*command, **options):
    return subprocess.run(command, check=True, **options)


class Disk:
    """A fresh ext4: after large deletes one spends a millisecond on every new file for minutes."""

    def __init__(self, directory):
        self.image, self.path = os.path.join(directory, "image"), os.path.join(directory, "disk")

    def __enter__(self):
        with open(self.image, "wb") as file:
            file.truncate(3 << 30)
        run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", self.image)
        os.makedirs(self.path, exist_ok=True)
        run("mount", "-o", "loop", self.image, self.path)
        os.sync()
        return self.path

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path + "/state"], stderr=subprocess.DEVNULL, check=False)
        for _ in range(50):
            if subprocess.run(["umount", self.path], stderr=subprocess.DEVNULL, check=False).returncode == 0:
                break
            time.sleep(0.1)
        os.unlink(self.image)


def make_layer(path, number):
    """Many small files, some of a megabyte, two large ones."""
    source = random.Random(number)
    words = [source.randbytes(source.randrange(2, 10)).hex().encode() for _ in range(2000)]

    def content(size):
        if source.random() < 0.5:
            return source.randbytes(size)
        text = b" ".join(source.choices(words, k=size // 4))
        return text[:size].ljust(size, b".")

    sizes = [(2000, 10 << 10), (20, 1 << 20), (2, 10 << 20)]
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for group, (count, size) in enumerate(sizes):
            size = size * LAYER_BYTES // sum(n * s for n, s in sizes)
            for i in range(count):
                if i % 100 == 0:
                    directory = tarfile.TarInfo(f"layer-{number}/{group}-{i // 100}")
                    directory.type, directory.mode = tarfile.DIRTYPE, 0o755
                    if not group and not i:
                        top = tarfile.TarInfo(f"layer-{number}")
                        top.type, top.mode = tarfile.DIRTYPE, 0o755
                        tar.addfile(top)
                    tar.addfile(directory)
                member = tarfile.TarInfo(f"{directory.name}/file-{i}")
                member.size = size
                tar.addfile(member, io.BytesIO(content(size)))


def digest(path):
    with open(path, "rb") as file:
        return "sha256:" + hashlib.sha256(file.read()).hexdigest()


def make_image(directory):
    """An image layout; answers the manifest's digest and the layers' files."""
    blobs = os.path.join(directory, "blobs/sha256")
    os.makedirs(blobs)

    def store(text):
        name = hashlib.sha256(text).hexdigest()
        with open(os.path.join(blobs, name), "wb") as file:
            file.write(text)
        return {"digest": "sha256:" + name, "size": len(text)}

    layers, diff_ids = [], []
    for number in range(LAYERS):
        path = os.path.join(directory, "layer")
        make_layer(path, number)
        diff_ids.append(digest(path))
        run("gzip", "-6", path)
        layers.append({"mediaType": OCI + "layer.v1.tar+gzip", "digest": digest(path + ".gz"),
                       "size": os.path.getsize(path + ".gz")})
        os.rename(path + ".gz", os.path.join(blobs, layers[-1]["digest"][7:]))
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    config = store(json.dumps({"architecture": machine, "os": "linux", "config": {},
                               "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode())
    manifest = store(json.dumps({"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
                                 "config": {"mediaType": OCI + "config.v1+json", **config},
                                 "layers": layers}).encode())
    return manifest["digest"], [os.path.join(blobs, layer["digest"][7:]) for layer in layers]


def start_registry(directory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = os.path.join(directory, "config.yml")
    with open(config, "w", encoding="utf-8") as file:
        file.write(f"version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n"
                   f"    rootdirectory: {directory}/registry\nhttp:\n  addr: 127.0.0.1:{port}\n")
    registry = subprocess.Popen(["docker-registry", "serve", config], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return registry, f"127.0.0.1:{port}"
        except OSError:
            time.sleep(0.05)
    sys.exit("the registry does not start")


def floor(directory, layers, command):
    """Seconds without and with a sync of what was written."""
    with Disk(directory) as disk:
        begin = time.monotonic()
        waiting, running = list(enumerate(layers)), []
        while waiting or running:
            while waiting and len(running) < os.cpu_count():
                number, layer = waiting.pop(0)
                target = os.path.join(disk, str(number))
                os.mkdir(target)
                running.append(subprocess.Popen(command(layer, target), stdout=subprocess.DEVNULL))
            pid, status = os.wait()
            if status:
                sys.exit("a floor failed")
            running = [process for process in running if process.pid != pid]
        written = time.monotonic() - begin
        run("sync", "-f", disk)
        return written, time.monotonic() - begin


def download(layers, host):
    """Seconds for all blobs at once, which nobody looks at."""
    begin = time.monotonic()
    running = [subprocess.Popen(["curl", "-sf", "-o", "/dev/null", blob_url(host, layer)]) for layer in layers]
    if any([process.wait() for process in running]):
        sys.exit("a download failed")
    return time.monotonic() - begin


def blob_url(host, layer):
    return f"http://{host}/v2/bench/blobs/sha256:{os.path.basename(layer)}"


def skopeo(directory, reference):
    with Disk(directory) as disk:
        begin = time.monotonic()
        run("skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false", "docker://" + reference,
            f"dir:{disk}/copy")
        return time.monotonic() - begin


class Memory(threading.Thread):
    """The most that all programs of a build have resident at one time."""

    def __init__(self, build):
        super().__init__(daemon=True)
        self.build, self.most, self.stopped = build, {}, False

    def look(self):
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                program = os.readlink(f"/proc/{pid}/exe")
                if not program.startswith(self.build + "/"):
                    continue
                with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                    for line in file:
                        if line.startswith("VmRSS:"):
                            name = os.path.basename(program)
                            found[name] = found.get(name, 0) + int(line.split()[1])
            except OSError:
                continue
        if sum(found.values()) > sum(self.most.values()):
            self.most = found

    def run(self):
        while not self.stopped:
            self.look()
            time.sleep(0.004)


def pull(directory, build, reference, times, memory=None):
    environment = {**os.environ, "LIBCRI_HELPER_DIRECTORY": build + "/libexec/libcri"}
    with Disk(directory) as disk:
        if memory:
            memory.start()
        output = run(f"{build}/tests/bench/pull/pull", f"{disk}/root", f"{disk}/state", reference, str(times),
                     env=environment, stdout=subprocess.PIPE, text=True).stdout.split()
        if memory:
            memory.stopped = True
            memory.join()
        return [float(number) for number in output]


def median(numbers):
    return sorted(numbers)[len(numbers) // 2]


def main():
    build, rounds = os.path.realpath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    directory = tempfile.mkdtemp(prefix="libcri-bench-pull.")
    registry = None
    try:
        manifest, layers = make_image(os.path.join(directory, "layout"))
        registry, host = start_registry(directory)
        run(os.path.join(HERE, "../../fixtures/push.py"), "http://" + host, "bench", "latest",
            os.path.join(directory, "layout"), manifest, OCI + "manifest.v1+json")
        reference = host + "/bench:latest"
        tools, library, transfer, downloads, copies, pulls, unchanged = [], [], [], [], [], [], []
        for _ in range(rounds):
            tools.append(floor(directory, layers, lambda layer, target: [
                "sh", "-c", f"openssl dgst -sha256 {layer} && tar -xzf {layer} -C {target}"]))
            library.append(floor(directory, layers, lambda layer, target: [
                f"{build}/tests/bench/pull/floor", layer, target]))
            transfer.append(floor(directory, layers, lambda layer, target: [
                "sh", "-c", f"curl -sf {blob_url(host, layer)} | {build}/tests/bench/pull/floor /dev/stdin {target}"]))
            downloads.append(download(layers, host))
            copies.append(skopeo(directory, reference))
            numbers = pull(directory, build, reference, UNCHANGED)
            pulls.append(numbers[0] / 1000)
            unchanged.append(numbers[1:])
        memory = Memory(build)
        pull(directory, build, reference, 0, memory)
        report(layers, tools, library, transfer, downloads, copies, pulls, unchanged, memory)
    finally:
        if registry:
            registry.send_signal(signal.SIGKILL)
            registry.wait()
        shutil.rmtree(directory)


def report(layers, tools, library, transfer, downloads, copies, pulls, unchanged, memory):
    compressed = sum(map(os.path.getsize, layers)) / 1e6
    ours = median(pulls)
    print(f"machine: {os.cpu_count()} cores, kernel {os.uname().release}, load {os.getloadavg()[0]:.2f}")
    print(f"{LAYERS} layers, {LAYERS * LAYER_BYTES / 1e6:.0f} MB, gzip {compressed:.0f} MB; medians of {len(pulls)}")
    print(f"{'':36}{'seconds':>9}{'ours is':>9}")
    for name, value in (("transfer alone", median(downloads)), ("libcri", ours), ("skopeo copy", median(copies)),
                        ("floor, tools", median([pair[0] for pair in tools])),
                        ("floor, tools, and sync", median([pair[1] for pair in tools])),
                        ("floor, library", median([pair[0] for pair in library])),
                        ("floor, library, and sync", median([pair[1] for pair in library])),
                        ("floor, transfer", median([pair[0] for pair in transfer])),
                        ("floor, transfer, and sync", median([pair[1] for pair in transfer]))):
        print(f"{name:36}{value:9.3f}{ours / value:8.2f}x")
    print(f"pulls: {' '.join(f'{seconds:.2f}' for seconds in sorted(pulls))}")
    print("budget: 1.25x of the floor")
    parts = ", ".join(f"{name} {kilobytes / 1024:.1f}" for name, kilobytes in sorted(memory.most.items()))
    print(f"resident at most: {sum(memory.most.values()) / 1024:.1f} MB ({parts}); budget 64 MB")
    print(f"unchanged, warm: p50 {median([pair[0] for pair in unchanged]):.2f} ms, "
          f"p95 {median([pair[1] for pair in unchanged]):.2f} ms; budget 5 ms")


main()
