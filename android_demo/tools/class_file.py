"""Reads what a Java class file declares: chapter 4 of the Java Virtual Machine Specification."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

# Bytes after the tag of each kind of constant, but for those of CONSTANT_Utf8.
_SIZES = {
    **dict.fromkeys((3, 4, 9, 10, 11, 12, 17, 18), 4),
    **dict.fromkeys((5, 6), 8),
    **dict.fromkeys((7, 8, 16, 19, 20), 2),
    15: 3,
}
_UTF8, _CLASS, _TAKE_TWO = 1, 7, (5, 6)
_PRIVATE, _STATIC, _SYNTHETIC = 0x0002, 0x0008, 0x1000


@dataclass(frozen=True)
class Member:
    """A field or method; `constant` if its value is compiled into who uses it."""

    name: str
    descriptor: str
    static: bool
    constant: bool


@dataclass
class ClassFile:
    """Names have slashes: android/view/View$OnClickListener."""

    name: str
    supertypes: list[str]
    fields: list[Member] = field(default_factory=list)
    methods: list[Member] = field(default_factory=list)


class _Reader:
    """Takes a file from its start; constants first, then what refers to them."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.offset = 8
        self.constants: dict[int, str | int] = {}
        index = 1
        count = self.short()
        while index < count:
            tag = self.content[self.offset]
            self.offset += 1
            if tag == _UTF8:
                length = self.short()
                self.constants[index] = self.take(length).decode("utf-8", "surrogatepass")
            elif tag == _CLASS:
                self.constants[index] = self.short()
            else:
                self.offset += _SIZES[tag]
            index += 2 if tag in _TAKE_TWO else 1

    def short(self) -> int:
        value: int = struct.unpack_from(">H", self.content, self.offset)[0]
        self.offset += 2
        return value

    def take(self, length: int) -> bytes:
        self.offset += length
        return self.content[self.offset - length : self.offset]

    def text(self) -> str:
        return str(self.constants[self.short()])

    def class_name(self) -> str:
        named = self.constants.get(self.short())
        return str(self.constants[named]) if isinstance(named, int) else ""

    def attributes(self) -> list[str]:
        names = []
        for _ in range(self.short()):
            names.append(self.text())
            (length,) = struct.unpack(">I", self.take(4))
            self.offset += length
        return names

    def members(self) -> list[Member]:
        members = []
        for _ in range(self.short()):
            flags, name, descriptor = self.short(), self.text(), self.text()
            constant = "ConstantValue" in self.attributes()
            if not flags & (_PRIVATE | _SYNTHETIC) and name != "<clinit>":
                members.append(Member(name, descriptor, bool(flags & _STATIC), constant))
        return members


def read(content: bytes) -> ClassFile:
    """What others see of a class: neither private members nor those that the compiler added."""
    reader = _Reader(content)
    reader.short()
    name = reader.class_name()
    supertypes = [reader.class_name()]
    supertypes += [reader.class_name() for _ in range(reader.short())]
    return ClassFile(name, supertypes, reader.members(), reader.members())
