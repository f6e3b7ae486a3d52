"""composer serve in a real browser: headless Chromium, driven through its DevTools, shows the roll and sees it move."""

import asyncio
import base64
import shutil
import subprocess
import time

import pytest
from test_cli_serve import PLAYER, env, served  # noqa: F401 - the fixtures

from composer import preferences

aiohttp = pytest.importorskip("aiohttp", reason="textual-serve is not installed (pip install 'composer[serve]')")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH, HEIGHT = 1000, 700
ROLL = {"x": 0, "y": HEIGHT * 0.35, "width": WIDTH, "height": HEIGHT * 0.45, "scale": 1}
"""A part of the page inside the roll: below the panels, above the line of messages."""


class DevTools:
    """Command one page of a browser, and collect what its server drew on it."""

    def __init__(self, socket):
        self._socket = socket
        self._number = 0
        self._answers = {}
        self.drawn = ""

    async def read(self):
        """Take what the browser says, for as long as it says anything."""
        async for message in self._socket:
            said = message.json()
            if "id" in said:
                self._answers[said["id"]].set_result(said)
            elif said["method"] == "Network.webSocketFrameReceived":
                frame = said["params"]["response"]
                if frame["opcode"] == 2:
                    self.drawn += base64.b64decode(frame["payloadData"]).decode(errors="replace")

    async def do(self, method, **params):
        """Return the result of one command."""
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        said = await asyncio.wait_for(answer, 20)
        assert "error" not in said, said
        return said["result"]

    async def until(self, reached, seconds=30):
        """Wait until `reached(what was drawn)`."""
        end = time.monotonic() + seconds
        while not reached(self.drawn):
            assert time.monotonic() < end, self.drawn[-2000:]
            await asyncio.sleep(0.05)

    async def press(self, key):
        """Press and release a key."""
        await self.do("Input.dispatchKeyEvent", type="keyDown", text=key, key=key)
        await self.do("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def pictures(self, count):
        """Return pictures of the roll, half a second apart."""
        taken = []
        for _ in range(count):
            taken.append((await self.do("Page.captureScreenshot", clip=ROLL))["data"])
            await asyncio.sleep(0.5)
        return taken


@pytest.fixture
def browser(tmp_path):
    """Return the DevTools port of a headless Chromium with an empty page."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("chromium is not installed")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", f"--user-data-dir={tmp_path}"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([program, *flags, "about:blank"], **quiet) as chromium:
        try:
            told, end = tmp_path / "DevToolsActivePort", time.monotonic() + 30
            while not (told.exists() and told.read_text().strip()):
                assert time.monotonic() < end, "the browser did not open its DevTools"
                time.sleep(0.05)
            yield int(told.read_text().split()[0])
        finally:
            chromium.terminate()


@pytest.mark.slow
async def test_a_browser_sees_the_roll_move(served, browser):  # noqa: F811
    # Who has been here before is not greeted, so that nothing moves but the music.
    preferences.save(preferences.read())
    async with aiohttp.ClientSession() as client:
        async with client.get(f"http://127.0.0.1:{browser}/json") as pages:
            target = next(page for page in await pages.json(content_type=None) if page["type"] == "page")
        async with client.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            page = DevTools(socket)
            reading = asyncio.create_task(page.read())
            await page.do("Network.enable")
            await page.do(
                "Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT, deviceScaleFactor=1, mobile=False
            )
            await page.do("Page.navigate", url=f"http://127.0.0.1:{served}/")
            await page.until(lambda text: "Press d" in text)
            await page.do("Runtime.evaluate", expression="document.querySelector('textarea').focus()")
            await page.press("d")
            await page.until(lambda text: "space to start" in text)
            await asyncio.sleep(1.0)
            still = await page.pictures(2)
            page.drawn = ""
            await page.press(" ")
            await page.until(lambda text: PLAYER & set(text))
            moving = await page.pictures(3)
            reading.cancel()

    assert still[0] == still[1]
    assert len({still[0], *moving}) == 4
