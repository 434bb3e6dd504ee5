"""The app's manifest as Gradle merges it: with its package, its versions and how it is packed.

python3 merged_manifest.py MANIFEST MERGED
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import version_catalog

_ANDROID = "http://schemas.android.com/apk/res/android"
_PACKAGE = "org.edgebert.demo"


def main() -> None:
    """Write the merged manifest."""
    source, merged = map(Path, sys.argv[1:])
    versions = version_catalog.versions()
    ElementTree.register_namespace("android", _ANDROID)
    tree = ElementTree.parse(source)
    manifest = tree.getroot()
    manifest.set("package", _PACKAGE)
    manifest.set(f"{{{_ANDROID}}}versionCode", versions["versionCode"])
    manifest.set(f"{{{_ANDROID}}}versionName", versions["versionName"])
    sdk = ElementTree.Element("uses-sdk")
    sdk.set(f"{{{_ANDROID}}}minSdkVersion", versions["minSdk"])
    sdk.set(f"{{{_ANDROID}}}targetSdkVersion", versions["targetSdk"])
    manifest.insert(0, sdk)
    application = manifest.find("application")
    if application is None:
        sys.exit(f"{source}: there is no application")
    # Libraries lie in the APK compressed, at a third of their size, and are unpacked by installing.
    application.set(f"{{{_ANDROID}}}extractNativeLibs", "true")
    tree.write(merged, encoding="utf-8", xml_declaration=True)


if __name__ == "__main__":
    main()
