"""The classes of Java 8 as two jars, from the table that a JDK keeps for `javac --release 8`.

python3 java_library.py JAVAC WHOLE PHONE

WHOLE has all classes. PHONE leaves out those that Android got after API level 24 or never had, so
that nothing compiled against it can refer to them.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

# In ct.sym a folder is named after the releases that have its classes, one character each.
_RELEASE = "8"
_NOT_ON_ANDROID_24 = (
    "com/",
    "java/applet/",
    "java/awt/",
    "java/beans/",
    "java/lang/instrument/",
    "java/lang/invoke/",
    "java/lang/management/",
    "java/lang/reflect/Executable",
    "java/lang/reflect/Parameter",
    "java/nio/file/",
    "java/rmi/",
    "java/time/",
    "java/util/Base64",
    "javax/accessibility/",
    "javax/activation/",
    "javax/annotation/processing/",
    "javax/imageio/",
    "javax/lang/",
    "javax/management/",
    "javax/naming/",
    "javax/print/",
    "javax/rmi/",
    "javax/script/",
    "javax/sound/",
    "javax/swing/",
    "javax/tools/",
    "javax/xml/bind/",
    "javax/xml/ws/",
    "org/omg/",
)


def main() -> None:
    """Write both jars."""
    javac, whole, phone = map(Path, sys.argv[1:])
    with (
        zipfile.ZipFile(javac.parent.parent / "lib" / "ct.sym") as table,
        zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as every,
        zipfile.ZipFile(phone, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as some,
    ):
        for entry in sorted(table.namelist()):
            releases, _, rest = entry.partition("/")
            _, _, name = rest.partition("/")
            if _RELEASE not in releases or not name.endswith(".sig"):
                continue
            content = table.read(entry)
            name = name.removesuffix(".sig") + ".class"
            every.writestr(name, content)
            if not name.startswith(_NOT_ON_ANDROID_24):
                some.writestr(name, content)


if __name__ == "__main__":
    main()
