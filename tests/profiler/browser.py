"""A real headless Chromium, driven through chromedriver's HTTP (W3C WebDriver)."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""How WebDriver names a reference to an element."""


def missing() -> str | None:
    """Why there is no browser to test in."""
    absent = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return (
        f"{absent[0]} is not installed (apt-get install chromium chromium-driver)"
        if absent
        else None
    )


class Browser:
    """One window; `close` ends it."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._session = ""
        try:
            self._address = self._started()
            options = {
                "binary": shutil.which("chromium"),
                "args": [
                    "--headless=new",
                    "--no-sandbox",
                    "--disable-gpu",
                    f"--user-data-dir={folder}",
                ],
            }
            wanted = {
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            }
            made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self._session = f"/session/{made['sessionId']}"
        except BaseException:
            self.close()
            raise

    def _started(self) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                return f"http://127.0.0.1:{found[1]}"
        raise RuntimeError("chromedriver did not start")

    def _call(self, method: str, path: str, data: dict[str, Any] | None = None) -> Any:
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(
            self._address + path, body, {"Content-Type": "application/json"}, method=method
        )
        # No proxy of the environment has a part in it.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, path: Path) -> float:
        """Load a file's page; the seconds until it is complete."""
        self.logs("browser"), self.logs("performance")
        start = time.perf_counter()
        self._call("POST", f"{self._session}/url", {"url": path.as_uri()})
        return time.perf_counter() - start

    def run(self, script: str) -> Any:
        """What a script's `return` gives."""
        data = {"script": script, "args": []}
        return self._call("POST", f"{self._session}/execute/sync", data)

    def protocol(self, command: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        data = {"cmd": command, "params": parameters}
        return self._call("POST", f"{self._session}/goog/cdp/execute", data)

    def logs(self, kind: str) -> list[dict[str, Any]]:
        """What was logged since the last call: "browser" or "performance"."""
        found: list[dict[str, Any]] = self._call("POST", f"{self._session}/se/log", {"type": kind})
        return found

    def click(self, selector: str) -> None:
        """Click the first element that matches, as a person would."""
        self._call("POST", f"{self._session}/element/{self._find(selector)}/click", {})

    def type(self, selector: str, text: str) -> None:
        """Send keys to the first element that matches."""
        data = {"text": text}
        self._call("POST", f"{self._session}/element/{self._find(selector)}/value", data)

    def _find(self, selector: str) -> str:
        data = {"using": "css selector", "value": selector}
        return str(self._call("POST", f"{self._session}/element", data)[_ELEMENT])

    def requests(self) -> list[str]:
        """Addresses that the page asked for since it was opened."""
        events = [json.loads(each["message"])["message"] for each in self.logs("performance")]
        return [
            each["params"]["request"]["url"]
            for each in events
            if each["method"] == "Network.requestWillBeSent"
        ]

    def size(self, width: int, height: int, *, mobile: bool = False) -> None:
        """The window's size in pixels."""
        self.protocol(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=mobile,
        )  # fmt: skip

    def media(self, kind: str = "", scheme: str = "light") -> None:
        """Of the stylesheet: "print" or "" for a screen, and "light" or "dark"."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.protocol("Emulation.setEmulatedMedia", media=kind, features=[feature])

    def screenshot(self) -> bytes:
        """All of the page, as PNG."""
        found = self.protocol("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(found["data"])

    def pdf(self) -> bytes:
        """The page as it prints."""
        return base64.b64decode(self.protocol("Page.printToPDF", printBackground=False)["data"])

    def close(self) -> None:
        """Leave nothing running."""
        try:
            if self._session:
                self._call("DELETE", self._session)
        finally:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
