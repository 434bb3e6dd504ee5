"""The classes of the Android API, as the typing stubs of Chaquopy tell them (API level 36)."""

from __future__ import annotations

import ast
import re
import zipfile
from collections.abc import Iterator


class Api:
    """Finds classes by their dotted names, read from the wheel of the typing stubs."""

    def __init__(self, wheel: zipfile.ZipFile) -> None:
        self._wheel = wheel
        self._packages: dict[str, dict[str, ast.ClassDef]] = {}

    def lineage(self, name: str) -> Iterator[tuple[str, ast.ClassDef]]:
        """A class and its supertypes with their dotted names; nothing for an unknown one."""
        package = package_of(name)
        found = self._classes(package).get(name[len(package) + 1 :])
        if found is not None:
            yield name, found
            for base in found.bases:
                for supertype in self.names(base, package):
                    yield from self.lineage(supertype)

    def names(self, annotation: ast.expr, package: str) -> Iterator[str]:
        """The dotted names of the types that an annotation admits, without type arguments."""
        if isinstance(annotation, ast.BinOp):
            yield from self.names(annotation.left, package)
            yield from self.names(annotation.right, package)
        elif isinstance(annotation, ast.Subscript):
            yield from self.names(annotation.value, package)
        else:
            name = ast.unparse(annotation).strip("'\"")
            yield f"{package}.{name}" if name in self._classes(package) else name

    def _classes(self, package: str) -> dict[str, ast.ClassDef]:
        if package not in self._packages:
            root, *rest = package.split(".")
            path = "/".join([f"{root}-stubs", *rest, "__init__.pyi"])
            source = self._wheel.read(path) if path in self._wheel.namelist() else b""
            self._packages[package] = dict(_nested(ast.parse(source), ""))
        return self._packages[package]


def package_of(name: str) -> str:
    """The package in a dotted name: all before the first part with a capital letter."""
    return re.split(r"\.(?=[A-Z])", name, maxsplit=1)[0]


def _nested(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for child in node.body:
        if isinstance(child, ast.ClassDef):
            yield prefix + child.name, child
            yield from _nested(child, f"{prefix}{child.name}.")
