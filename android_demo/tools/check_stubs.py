"""Holds the compile-only classes of Android against its API.

python3 check_stubs.py CHAQUOPY_WHEEL FOLDER_OF_CLASSES

Every class, supertype, field, constructor and method must be in the API with the same types, there
or inherited. No field may have a constant value: the compiler would copy it into the app, right or
wrong. The wheel does not tell, so this does not check: values, since which API level, whether a
type is an interface, and checked exceptions.
"""

from __future__ import annotations

import ast
import re
import sys
import zipfile
from pathlib import Path

import android_api
import class_file

_Lineage = list[tuple[str, ast.ClassDef]]

_PARAMETERS = {
    "Z": "java.jboolean",
    "B": "java.jbyte",
    "C": "java.jchar",
    "S": "java.jshort",
    "I": "java.jint",
    "J": "java.jlong",
    "F": "java.jfloat",
    "D": "java.jdouble",
}
_RESULTS = {
    **dict.fromkeys("BSIJ", "int"),
    **dict.fromkeys("FD", "float"),
    "Z": "bool",
    "C": "str",
    "V": "None",
    "Ljava/lang/String;": "str",
}
_ARRAYS = ("java.chaquopy.JavaArray", "typing.Sequence")
_TYPE_VARIABLE = re.compile(r"_\w+__\w+")


class _Comparison:
    def __init__(self, api: android_api.Api) -> None:
        self._api = api
        self.compared = 0
        self.faults: list[str] = []

    def compare(self, stub: class_file.ClassFile) -> None:
        name = _dotted(stub.name)
        lineage = list(self._api.lineage(name))
        self._count(bool(lineage), f"no class {name}")
        known = {"java.lang.Object", *self._supertypes(lineage)}
        for supertype in map(_dotted, stub.supertypes):
            self._count(supertype in known, f"{name} is no {supertype}")
        for member in stub.fields:
            shown = f"{name}.{member.name}"
            self._count(not member.constant, f"{shown} has a constant value")
            self._count(self._has_field(lineage, member), f"no field {shown}")
        for member in stub.methods:
            shown = f"{name}.{member.name}{member.descriptor}"
            self._count(self._has_method(lineage, member), f"no method {shown}")

    def _count(self, right: bool, fault: str) -> None:
        self.compared += 1
        if not right:
            self.faults.append(fault)

    def _supertypes(self, lineage: _Lineage) -> set[str]:
        return {
            supertype
            for name, found in lineage
            for base in found.bases
            for supertype in self._api.names(base, android_api.package_of(name))
        }

    def _has_field(self, lineage: _Lineage, member: class_file.Member) -> bool:
        for owner, found in lineage:
            for node in found.body:
                if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == member.name:
                    annotation = node.annotation
                    static = isinstance(annotation, ast.Subscript) and (
                        ast.unparse(annotation.value) == "typing.ClassVar"
                    )
                    if static and isinstance(annotation, ast.Subscript):
                        annotation = annotation.slice
                    return static == member.static and self._admits(
                        annotation, member.descriptor, owner, _RESULTS
                    )
        return False

    def _has_method(self, lineage: _Lineage, member: class_file.Member) -> bool:
        constructor = member.name == "<init>"
        name = "__init__" if constructor else member.name
        methods = [
            (owner, node)
            for owner, found in (lineage[:1] if constructor else lineage)
            for node in found.body
            if isinstance(node, ast.FunctionDef) and node.name == name
        ]
        # Interfaces have no constructor, nor do classes whose only one takes nothing.
        if constructor and not methods:
            return member.descriptor == "()V"
        return any(self._same(node, member, owner) for owner, node in methods)

    def _same(self, node: ast.FunctionDef, member: class_file.Member, owner: str) -> bool:
        *parameters, result = re.findall(r"\[*(?:L[^;]+;|[ZBCSIJFDV])", member.descriptor)
        static = "staticmethod" in map(ast.unparse, node.decorator_list)
        arguments = [*node.args.posonlyargs, *node.args.args]
        annotations = [argument.annotation for argument in arguments[0 if static else 1 :]]
        if node.args.vararg is not None and parameters and parameters[-1].startswith("["):
            annotations.append(node.args.vararg.annotation)
            parameters[-1] = parameters[-1][1:]
        return (
            static == member.static
            and len(annotations) == len(parameters)
            and all(
                self._admits(annotation, parameter, owner, _PARAMETERS)
                for annotation, parameter in zip(annotations, parameters, strict=True)
            )
            and self._admits(node.returns, result, owner, _RESULTS)
        )

    def _admits(
        self, annotation: ast.expr | None, descriptor: str, owner: str, names: dict[str, str]
    ) -> bool:
        if annotation is None:
            return False
        admitted = set(self._api.names(annotation, android_api.package_of(owner)))
        if descriptor.startswith("["):
            return any(name.startswith(_ARRAYS) for name in admitted)
        if descriptor == "Ljava/lang/Class;" and "typing.Type" in admitted:
            return True
        generic = descriptor.startswith("L") and any(map(_TYPE_VARIABLE.fullmatch, admitted))
        return generic or names.get(descriptor, _dotted(descriptor[1:-1])) in admitted


def _dotted(name: str) -> str:
    return name.replace("/", ".").replace("$", ".")


def main() -> None:
    """Print what is wrong; exit with 1 if anything is."""
    wheel, folder = sys.argv[1:]
    with zipfile.ZipFile(wheel) as archive:
        comparison = _Comparison(android_api.Api(archive))
        for path in sorted(Path(folder).rglob("*.class")):
            comparison.compare(class_file.read(path.read_bytes()))
    for fault in comparison.faults:
        print(fault)
    print(f"{comparison.compared} compared with the Android API, {len(comparison.faults)} wrong")
    sys.exit(1 if comparison.faults or not comparison.compared else 0)


if __name__ == "__main__":
    main()
