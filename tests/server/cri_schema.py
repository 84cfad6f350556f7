# SPDX-License-Identifier: Apache-2.0
"""The schema of each of the CRI's packages, made from cri-server/proto/cri.proto and its marks."""

import os
import re
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCHEMA = os.path.join(ROOT, "cri-server", "proto", "cri.proto")

PACKAGES = {"v1": "runtime.v1", "v1alpha2": "runtime.v1alpha2", "2019": "runtime"}
DIALECTS = tuple(PACKAGES)

MARK = re.compile(r"// \[([a-z0-9 ]+)\]")
ALTERNATIVE = re.compile(r"(\s*)// \[([a-z0-9 ]+)\]\s+(.*)")
CALL = re.compile(r"// rpc (\w+) (\w+): (\w+) -> (stream )?(\w+)(?: \[([a-z0-9 ]+)\])?")


def read_schema():
    with open(SCHEMA, encoding="utf-8") as schema:
        return schema.read().splitlines()


class Call:
    """One rpc: its service, name, messages, and the packages that have it."""

    def __init__(self, match):
        self.service, self.name, self.request, stream, self.response, dialects = match.groups()
        self.stream = bool(stream)
        self.dialects = tuple(dialects.split()) if dialects else DIALECTS


def calls():
    return [Call(match) for match in map(CALL.match, read_schema()) if match]


def _dialect_lines(dialect):
    """The lines of a package: without what other packages have, with what it has in their place."""
    skip_block = False
    for line in read_schema():
        alternative = ALTERNATIVE.match(line)
        if alternative:
            if dialect in alternative.group(2).split():
                yield alternative.group(1) + alternative.group(3)
            continue
        if line.startswith(("//", "package ", "import ", "option ")):
            continue
        if skip_block:
            skip_block = line != "}"
            continue
        mark = MARK.search(line)
        if mark and dialect not in mark.group(1).split():
            skip_block = line.endswith("{ " + mark.group(0))
            continue
        yield line.replace("repeated StringPair", "map<string, string>")


def dialect_text(dialect):
    lines = list(_dialect_lines(dialect))
    lines.insert(1, f"package {PACKAGES[dialect]};")
    return "\n".join(lines) + "\n"


def load(dialect):
    """The message classes of a package by name."""
    with tempfile.TemporaryDirectory() as directory:
        source = os.path.join(directory, "api.proto")
        output = os.path.join(directory, "api.bin")
        with open(source, "w", encoding="utf-8") as text:
            text.write(dialect_text(dialect))
        # protoc-c is protoc, with one more language.
        subprocess.run(["protoc-c", f"--proto_path={directory}", f"--descriptor_set_out={output}", source], check=True)
        files = descriptor_pb2.FileDescriptorSet()
        with open(output, "rb") as data:
            files.ParseFromString(data.read())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(files.file[0])
    factory = message_factory.MessageFactory(pool)
    package = PACKAGES[dialect]
    return {
        message.name: factory.GetPrototype(pool.FindMessageTypeByName(f"{package}.{message.name}"))
        for message in files.file[0].message_type
    }


def messages():
    """Every message of the schema that clients see: {name: [(field, number)]}."""
    found, current = {}, None
    for line in read_schema():
        # A message or a field that only one package has is in a comment.
        line = ALTERNATIVE.sub(r"\1\3", line) if not line.startswith("// [") else line[line.index("]") + 1:].lstrip(" ")
        start = re.match(r"message (\w+) \{(\}?)(.*)", line)
        if start:
            schema_only = "[schema]" in start.group(3)
            current = None if start.group(2) else start.group(1)
            if not schema_only:
                found[start.group(1)] = []
            elif current:
                current = ""
        elif line == "}":
            current = None
        elif current and "[schema]" not in line:
            field = re.match(r"\t(?:repeated )?[\w<>, ]+? (\w+) = (\d+);", line)
            if field and field.group(1) not in [name for name, _ in found[current]]:
                found[current].append((field.group(1), int(field.group(2))))
    return found
