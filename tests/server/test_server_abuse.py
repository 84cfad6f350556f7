# SPDX-License-Identifier: Apache-2.0
"""Clients that load the whole daemon, or mean it ill: it goes on answering, and its memory comes back."""

import concurrent.futures
import itertools
import os
import re
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

import grpc

import cri_client
from http2 import EMPTY, PREFACE, SETTINGS, VERSION, data, frame, headers, literal

# What the daemon may keep after all of it.
KEPT = 3 << 20
CONNECTIONS = r"^cri_server_connections (\d+)$"


class Abuse(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.port = cri_client.free_port()
        cls.server = cri_client.Server({"metrics-address": f"127.0.0.1:{cls.port}"})
        # All workers are there, and what is loaded at first use.
        cls.h2load("-n", "20000", "-c", "10", "-m", "100")
        events = cls.server.client().GetContainerEvents()
        events.initial_metadata()
        events.cancel()
        cls.server.disconnect()

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def setUp(self):
        self.before = self.resident()
        self.descriptors = self.count_descriptors()

    def tearDown(self):
        """It answers, quickly, and has given back what it took."""
        begun = time.monotonic()
        with grpc.insecure_channel(self.server.target) as channel:
            self.assertTrue(channel.unary_unary(VERSION)(b"", timeout=10, wait_for_ready=True))
        self.assertLess(time.monotonic() - begun, 5)
        self.assertIsNone(self.server.process.poll())
        end = time.monotonic() + 20
        while (self.resident() > self.before + KEPT or self.count_descriptors() > self.descriptors) and \
                time.monotonic() < end:
            time.sleep(0.05)
        self.assertLessEqual(self.resident(), self.before + KEPT)
        self.assertLessEqual(self.count_descriptors(), self.descriptors)

    def resident(self):
        with open(f"/proc/{self.server.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def count_descriptors(self):
        return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))

    def metric(self, pattern):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            found = re.search(pattern, answer.read().decode(), re.MULTILINE)
        return int(found.group(1)) if found else 0

    def connect(self, greet=True):
        client = socket.socket(socket.AF_UNIX)
        client.connect(self.server.socket)
        client.settimeout(20)
        if greet:
            client.sendall(PREFACE + SETTINGS)
        return client

    def send(self, client, payload):
        """True: the server has not closed yet."""
        try:
            client.sendall(payload)
            return True
        except OSError:
            return False

    def is_closed(self, client):
        try:
            while client.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    @classmethod
    def h2load(cls, *arguments, path=VERSION):
        """The numbers of done, succeeded and failed requests."""
        with tempfile.NamedTemporaryFile() as body:
            body.write(EMPTY)
            body.flush()
            text = subprocess.run(["h2load", *arguments, "--base-uri=unix:" + cls.server.socket, "-d", body.name, "-H",
                                   "content-type: application/grpc", "-H", "te: trailers", "http://localhost" + path],
                                  capture_output=True, text=True, timeout=120, check=True).stdout
        match = re.search(r"(\d+) done, (\d+) succeeded, (\d+) failed", text)
        return tuple(int(number) for number in match.groups())

    # --- load ---

    def test_many_connections_and_streams(self):
        self.assertEqual(self.h2load("-n", "50000", "-c", "100", "-m", "100"), (50000, 50000, 0))

    def test_1000_calls_at_once(self):
        with grpc.insecure_channel(self.server.target) as channel:
            call = channel.unary_unary(VERSION)
            futures = [call.future(b"", timeout=60) for _ in range(1000)]
            self.assertTrue(all(future.result() for future in futures))

    def test_10000_calls_whose_deadline_is_past(self):
        # gRPC's own client would not send them.
        late = literal(b"grpc-timeout", b"0n")
        ended = r'^cri_server_calls_total{.*method="Version",code="DEADLINE_EXCEEDED"} (\d+)$'
        before = self.metric(ended)
        client = self.connect()
        reader = threading.Thread(target=self.is_closed, args=(client,))
        reader.start()
        for begin in range(0, 10000, 500):
            streams = range(2 * begin + 1, 2 * begin + 1001, 2)
            self.assertTrue(self.send(client, b"".join(headers(i, extra=late) + data(i, EMPTY) for i in streams)))
            time.sleep(0.02)
        deadline = time.monotonic() + 20
        while self.metric(ended) < before + 10000 and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(self.metric(ended), before + 10000)
        client.shutdown(socket.SHUT_RDWR)
        reader.join()
        client.close()

    def test_connections_come_and_go(self):
        for _ in range(2000):
            self.connect(greet=False).close()

    def test_clients_vanish_in_the_middle(self):
        def vanish(path):
            client = self.connect()
            self.send(client, headers(1, path) + data(1, EMPTY))
            client.close()
        paths = [f"/runtime.v1.RuntimeService/{name}" for name in
                 ("Version", "Status", "ListContainers", "ListPodSandbox", "GetContainerEvents", "ListContainerStats")]
        paths += ["/runtime.v1.ImageService/ListImages", "/runtime.v1.ImageService/ImageFsInfo"]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(vanish, paths * 50))

    # --- malice ---

    def test_header_bombs(self):
        for _ in range(5):
            client = self.connect()
            name = literal(b"x-bomb", b"a" * 3900)
            indexed = b"\x40" + name[1:]
            block = indexed + bytes([0x80 | 62]) * 8000
            self.send(client, frame(1, 5, 1, block))
            self.assertTrue(self.is_closed(client))
            client.close()

    def test_long_metadata(self):
        client = self.connect()
        self.send(client, headers(1, extra=literal(b"x-long", b"a" * 15000) + literal(b"x-more", b"a" * 1000)) +
                  data(1, EMPTY))
        client.settimeout(1)
        answer = b""
        try:
            while True:
                answer += client.recv(65536)
        except TimeoutError:
            pass
        client.close()
        # grpc-status 8 and its text, in HPACK with Huffman coding: a HEADERS frame that ends stream 1.
        self.assertIn(b"\x01\x05\x00\x00\x00\x01", answer)

    def test_continuation_flood(self):
        client = self.connect()
        self.send(client, headers(1, flags=0))
        alive = True
        for _ in range(2000):
            alive = alive and self.send(client, frame(9, 0, 1, literal(b"x", b"y" * 100)))
        self.assertTrue(self.is_closed(client))
        client.close()

    def test_rapid_resets(self):
        client = self.connect()
        reader = threading.Thread(target=self.is_closed, args=(client,))
        reader.start()
        alive, stream = True, 1
        while alive and stream < 200000:
            burst = b""
            for stream in range(stream, stream + 200, 2):
                burst += headers(stream, "/runtime.v1.RuntimeService/ListContainers") + data(stream, EMPTY)
                burst += frame(3, 0, stream, struct.pack("!I", 8))
            stream += 2
            alive = self.send(client, burst)
        reader.join()
        self.assertFalse(alive)
        self.assertLess(stream, 40000)
        client.close()

    def test_control_floods(self):
        # Frames of unknown types nghttp2 skips, without an answer and before it tells anybody.
        floods = {"PING": frame(6, 0, 0, bytes(8)), "SETTINGS": SETTINGS, "PRIORITY": frame(2, 0, 1, bytes(5))}
        for (name, flood), reads in itertools.product(floods.items(), (True, False)):
            with self.subTest(name, reads=reads):
                client = self.connect()
                reader = threading.Thread(target=self.is_closed, args=(client,))
                if reads:
                    reader.start()
                alive = True
                for _ in range(400):
                    alive = alive and self.send(client, flood * 500)
                if reads:
                    reader.join()
                else:
                    self.assertTrue(self.is_closed(client))
                self.assertFalse(alive)
                client.close()

    def test_made_resets(self):
        # The server resets a stream for an illegal frame: as good as a reset of the client's for making work.
        client = self.connect()
        reader = threading.Thread(target=self.is_closed, args=(client,))
        reader.start()
        alive, stream = True, 1
        while alive and stream < 100000:
            burst = b""
            for stream in range(stream, stream + 100, 2):
                burst += headers(stream, "/runtime.v1.RuntimeService/ListContainers")
                burst += frame(8, 0, stream, bytes(4))
            stream += 2
            alive = self.send(client, burst)
        reader.join()
        self.assertFalse(alive)
        client.close()

    def test_slow_readers(self):
        # Windows of nothing: the answers wait in the server.
        closed = frame(4, 0, 0, struct.pack("!HI", 4, 0))
        clients = []
        for _ in range(20):
            client = self.connect(greet=False)
            client.sendall(PREFACE + closed)
            client.sendall(b"".join(headers(i) + data(i, EMPTY) for i in range(1, 1999, 2)))
            clients.append(client)
        time.sleep(1)
        self.assertLess(self.resident() - self.before, 64 << 20)
        with grpc.insecure_channel(self.server.target) as channel:
            self.assertTrue(channel.unary_unary(VERSION)(b"", timeout=10))
        for client in clients:
            client.close()

    def test_unread_sockets(self):
        # Nothing at all is read: the kernel's buffer fills, then the server stops.
        client = self.connect()
        client.settimeout(2)
        sent = 0
        try:
            for stream in range(1, 400000, 2):
                client.sendall(headers(stream) + data(stream, EMPTY))
                sent += 1
        except OSError:
            pass
        self.assertLess(self.resident() - self.before, 64 << 20)
        client.close()

    def test_half_closed_sockets(self):
        clients = []
        for _ in range(100):
            client = self.connect()
            self.send(client, headers(1) + data(1, b"\x00\x00\x00", 0))
            client.shutdown(socket.SHUT_WR)
            clients.append(client)
        for client in clients:
            self.assertTrue(self.is_closed(client))
            client.close()

    def test_large_promises(self):
        # A prefix that promises 16 MB, on a thousand streams, takes no memory.
        client = self.connect()
        client.sendall(b"".join(headers(i) + data(i, b"\x00\x01\x00\x00\x00a", 0) for i in range(1, 1999, 2)))
        time.sleep(0.5)
        self.assertLess(self.resident() - self.before, 16 << 20)
        client.close()

    def test_garbage(self):
        urandom = open("/dev/urandom", "rb")
        for index in range(300):
            client = self.connect(greet=index % 3 != 0)
            if index % 2:
                self.send(client, frame(index % 12, urandom.read(1)[0], index % 4, urandom.read(index)))
            self.send(client, urandom.read(2000))
            client.close()
        urandom.close()

    def test_too_many_connections(self):
        # Those of the test before may still be closing.
        self.await_connections(0)
        clients = [self.connect() for _ in range(300)]
        refused = 0
        for client in clients:
            client.settimeout(0.05)
            refused += self.is_closed(client)
        self.assertEqual(refused, 300 - 256)
        self.assertEqual(self.metric(CONNECTIONS), 256)
        for client in clients:
            client.close()
        # What has been closed must have been noticed before the next may come.
        self.await_connections(0)

    def await_connections(self, number):
        deadline = time.monotonic() + 20
        while self.metric(CONNECTIONS) != number and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(self.metric(CONNECTIONS), number)
