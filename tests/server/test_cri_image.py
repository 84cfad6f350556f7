# SPDX-License-Identifier: Apache-2.0
"""The calls on images."""

import json
import os
import time
import unittest

from grpc import StatusCode

from cri_client import ServerTest, unknown_fields


class Images(ServerTest):
    tag = "docker.io/library/busybox:latest"

    def check(self, client, image):
        self.assertEqual(unknown_fields(image), [])
        self.assertRegex(image.id, "^sha256:[0-9a-f]{64}$")
        self.assertEqual(list(image.repo_tags), [self.tag])
        self.assertGreater(image.size, 100000)
        self.assertEqual(image.username, "")
        if client.dialect != "2019":
            self.assertEqual(image.spec.image, self.tag)
            self.assertFalse(image.pinned)

    def test_list(self):
        for client in self.each_dialect():
            images = client.ListImages().images
            self.assertEqual(len(images), 1)
            self.check(client, images[0])
            for name in ("busybox", self.tag, images[0].id, images[0].id[7:19]):
                self.assertEqual(list(client.ListImages(filter={"image": {"image": name}}).images), list(images))
            self.assertEqual(list(client.ListImages(filter={"image": {}}).images), list(images))
            self.assertEqual(list(client.ListImages(filter={"image": {"image": "other"}}).images), [])
        streamed = [image for message in self.v1.StreamImages() for image in message.images]
        self.assertEqual(streamed, list(self.v1.ListImages().images))

    def test_status(self):
        for client in self.each_dialect():
            answer = client.ImageStatus(image={"image": "busybox"})
            self.check(client, answer.image)
            self.assertEqual(dict(answer.info), {})
            by_id = client.ImageStatus(image={"image": answer.image.id})
            self.assertEqual(by_id.image, answer.image)

    def test_verbose_status(self):
        for client in self.each_dialect():
            info = client.ImageStatus(image={"image": "busybox"}, verbose=True).info
            self.assertTrue(info)
            for value in info.values():
                json.loads(value)

    def test_an_image_that_is_not_there(self):
        for client in self.each_dialect():
            for verbose in (False, True):
                answer = client.ImageStatus(image={"image": "nonesuch:1"}, verbose=verbose)
                self.assertFalse(answer.HasField("image"))
                self.assertEqual(dict(answer.info), {})
            client.RemoveImage(image={"image": "nonesuch:1"})

    def test_names_that_are_no_names(self):
        for client in self.each_dialect():
            for name in ("", "busy/CASE", "a b", "x@sha256:12"):
                self.fails(StatusCode.INVALID_ARGUMENT, client.ImageStatus, image={"image": name})
                self.fails(StatusCode.INVALID_ARGUMENT, client.RemoveImage, image={"image": name})
            self.fails(StatusCode.INVALID_ARGUMENT, client.ImageStatus)
            self.fails(StatusCode.INVALID_ARGUMENT, client.RemoveImage)

    def test_file_systems(self):
        for client in self.each_dialect():
            before = time.time_ns()
            answer = client.ImageFsInfo()
            self.assertEqual(unknown_fields(answer), [])
            self.assertEqual(len(answer.image_filesystems), 1)
            usages = list(answer.image_filesystems)
            if client.dialect == "v1":
                self.assertEqual(len(answer.container_filesystems), 1)
                usages += answer.container_filesystems
            for usage in usages:
                self.assertTrue(before <= usage.timestamp <= time.time_ns())
                self.assertTrue(usage.HasField("used_bytes") and usage.HasField("inodes_used"))
                if client.dialect == "2019":
                    self.assertTrue(usage.storage_id.uuid)
                else:
                    self.assertTrue(os.path.isdir(usage.fs_id.mountpoint))
            self.assertGreater(usages[0].used_bytes.value, 100000)
            self.assertGreater(usages[0].inodes_used.value, 0)


class Removal(ServerTest):
    def test_remove(self):
        for client in self.each_dialect():
            self.server.import_busybox()
            image = client.ImageStatus(image={"image": "busybox"}).image.id
            name = {"v1": image, "v1alpha2": "busybox", "2019": "docker.io/library/busybox:latest"}[client.dialect]
            client.RemoveImage(image={"image": name})
            self.assertFalse(client.ImageStatus(image={"image": image}).HasField("image"))
            self.assertEqual(len(client.ListImages().images), 0)
            client.RemoveImage(image={"image": name})


if __name__ == "__main__":
    unittest.main()
