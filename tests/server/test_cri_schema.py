# SPDX-License-Identifier: Apache-2.0
"""What is written about the schema in several places agrees: the marks in cri.proto, the table of dialects, the table of
methods, docs/cri-fields.md."""

import glob
import os
import re
import unittest

import cri_schema

ROOT = cri_schema.ROOT


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def c_name(message):
    """As protoc-c writes it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", message).lower()


class Marks(unittest.TestCase):
    def test_the_table_of_dialects_is_what_the_marks_say(self):
        numbers = {}
        table = {}
        for dialect in cri_schema.DIALECTS:
            numbers[dialect] = {
                name: {field.number for field in message.DESCRIPTOR.fields}
                for name, message in cri_schema.load(dialect).items()
            }
        expected = {}
        for name, fields in numbers["v1"].items():
            since_v1 = fields - numbers["v1alpha2"].get(name, fields)
            since_v1alpha2 = fields - since_v1 - numbers["2019"].get(name, fields)
            if name in numbers["v1alpha2"] or name in numbers["2019"]:
                expected[c_name(name)] = (since_v1alpha2, since_v1)
        expected = {name: rule for name, rule in expected.items() if any(rule)}
        for line in re.findall(r"\{ &cri__(\w+)__descriptor, (.*), (.*) \},", read("cri-server/convert/dialects.c")):
            table[line[0]] = tuple({int(n) for n in re.findall(r"FIELD\((\d+)\)", part)} for part in line[1:])
        self.assertEqual(table, expected)

    def test_the_method_table_has_each_call(self):
        since = {"SINCE_2019": ("v1", "v1alpha2", "2019"), "SINCE_V1ALPHA2": ("v1", "v1alpha2"), "SINCE_V1": ("v1",)}
        table = {}
        for service, name, dialects, request in re.findall(
                r'\((runtime|image), "(\w+)", (SINCE_\w+), (\w+),', read("cri-server/service/methods.c")):
            table[name] = (service, since[dialects], request)
        for service, name, dialects, request in re.findall(
                r'\{ \{ (runtime|image), "(\w+)", RPC_EVENTS, .*\}, (SINCE_\w+), &cri__(\w+)__descriptor',
                read("cri-server/service/methods.c")):
            table[name] = (service, since[dialects], request)
        expected = {
            call.name: (call.service.replace("Service", "").lower(), call.dialects, c_name(call.request))
            for call in cri_schema.calls()
        }
        self.assertEqual(table, expected)

    def test_the_fuzz_target_has_each_call(self):
        found = set(re.findall(r'"\w+Service/(\w+)"', read("tests/fuzz/fuzz_requests.c")))
        self.assertEqual(found, {call.name for call in cri_schema.calls()} - {"GetContainerEvents"})


class Documentation(unittest.TestCase):
    """docs/cri-fields.md: a section for each message with a row for each field, a row for each call."""

    @classmethod
    def setUpClass(cls):
        cls.text = read("docs/cri-fields.md")
        cls.rows = {}
        section = None
        for line in cls.text.splitlines():
            heading = re.match(r"### (\w+)", line)
            if heading:
                section = cls.rows.setdefault(heading.group(1), {})
            elif line.startswith("#"):
                section = None
            row = re.match(r"\| `(\w+)` \| (\d+) \| ([^|]*) \| (.+) \|$", line)
            if row and section is not None:
                section[row.group(1)] = (int(row.group(2)), row.group(3).strip(), row.group(4).strip())

    def packages(self, message, field):
        return [
            dialect for dialect in cri_schema.DIALECTS
            if field in self.loaded(dialect).get(message, {})
        ]

    @classmethod
    def loaded(cls, dialect):
        if not hasattr(cls, "_loaded"):
            cls._loaded = {}
        if dialect not in cls._loaded:
            cls._loaded[dialect] = {
                name: message.DESCRIPTOR.fields_by_name for name, message in cri_schema.load(dialect).items()
            }
        return cls._loaded[dialect]

    def test_every_field_has_a_row(self):
        missing = []
        for message, fields in cri_schema.messages().items():
            rows = self.rows.get(message)
            if rows is None:
                missing.append(message)
                continue
            for name, number in fields:
                if name not in rows or rows[name][0] != number or not rows[name][2]:
                    missing.append(f"{message}.{name} = {number}")
        self.assertEqual(missing, [])

    def test_no_row_is_of_a_field_that_is_not_there(self):
        messages = cri_schema.messages()
        extra = []
        for message, rows in self.rows.items():
            names = {name for name, _ in messages.get(message, [])}
            extra += [f"{message}.{name}" for name in rows if name not in names]
            if message not in messages:
                extra.append(message)
        self.assertEqual(extra, [])

    def test_packages_of_fields(self):
        wrong = []
        for message, rows in self.rows.items():
            for name, (_, packages, _) in rows.items():
                expected = self.packages(message, name)
                told = list(cri_schema.DIALECTS) if packages == "all" else packages.split(", ")
                if told != expected:
                    wrong.append(f"{message}.{name}: {told} is not {expected}")
        self.assertEqual(wrong, [])

    def test_every_call_has_a_row(self):
        rows = {}
        for name, packages, function, tests in re.findall(r"^\| `(\w+)` \| ([^|]+) \| (.+?) \| (.+?) \| .+ \|$",
                                                          self.text, re.MULTILINE):
            rows[name] = (packages.strip(), function, tests)
        for call in cri_schema.calls():
            self.assertIn(call.name, rows)
            packages, function, tests = rows[call.name]
            told = list(cri_schema.DIALECTS) if packages == "all" else packages.split(", ")
            self.assertEqual(told, list(call.dialects), call.name)
            self.assertRegex(function, r"`cri_\w+`", call.name)
            self.assertRegex(tests, r"`\w+`", call.name)

    def test_functions_and_tests_that_are_named_exist(self):
        headers = "".join(read(path) for path in glob.glob(os.path.join(ROOT, "include/libcri/*.h")))
        sources = "".join(read(path) for path in glob.glob(os.path.join(ROOT, "cri-server/*/*.[ch]")))
        tests = "".join(read(path) for path in glob.glob(os.path.join(ROOT, "tests/*/*.[ch]")) +
                        glob.glob(os.path.join(ROOT, "tests/server/*.py")))
        missing = []
        for name in set(re.findall(r"`(cri_\w+)`", self.text)):
            if not re.search(rf"\b{name}\b", headers):
                missing.append(name)
        for name in set(re.findall(r"`(\w+_(?:from|to)_wire)`", self.text)):
            if not re.search(rf"\b{name}\(", sources):
                missing.append(name)
        for line in re.findall(r"^Tests: (.*)$", self.text, re.MULTILINE) + re.findall(
                r"^\| `\w+` \| [^|]+ \| `cri_.+? \| (.+?) \| .+ \|$", self.text, re.MULTILINE):
            for name in re.findall(r"`(\w+)`", line):
                if not re.search(rf"\b{name}\b", tests):
                    missing.append(name)
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
