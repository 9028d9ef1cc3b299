"""What stands in place of the Docker daemon: it starts the process that a container would be, from the folders that
hummingbot-api mounts into it.

The few requests of Docker's Engine API that hummingbot-api makes are answered, on a socket in the file system. The
bots' image is carried out for each container, and what is mounted is linked in it.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from acme_bot import tether
from test.deploy import services

HOME = "/home/hummingbot"
STOP_SECONDS = 10
"""As long as Docker waits between asking a container to end and killing it."""
# The image's script, as the package on PyPI brings it, without some modules that are in the image beside it; it uses
# nothing of them when there is no screen.
QUICKSTART = Path(sys.executable).with_name("hummingbot_quickstart.py")
BESIDE_IT = {
    "path_util.py": "",
    "bin/__init__.py": "",
    "bin/hummingbot.py": "UIStartListener = detect_available_port = None\n",
    "ptpython/repl.py": "embed = None\n",
}


@dataclass
class Container:
    """:ivar id: also its name."""

    id: str
    image: str
    root: Path
    environment: dict[str, str]
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def printed(self) -> str:
        """As `docker logs` shows it."""
        return (self.root / "output").read_text(encoding="utf-8", errors="replace")

    def kill(self, with_signal: signal.Signals = signal.SIGKILL) -> None:
        """Ends the process; returns once it is gone."""
        if self.process is not None and self.is_running:
            self.process.send_signal(with_signal)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class DockerStub:
    """A daemon in a thread, which has one image: the bots'.

    :param folder: for its socket and its containers' roots
    :param context: the folder that images are built in
    """

    def __init__(self, folder: Path, context: Path):
        self.socket = folder / "docker.sock"
        self.containers: dict[str, Container] = {}
        self._folder = folder
        self._image = services.SERVICES["bot"]["image"]
        self._context = context
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result()

    def stop(self) -> None:
        for container in self.containers.values():
            container.kill()
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        application = web.Application()
        application.router.add_get("/_ping", _answer_ping)
        application.router.add_get("/version", _answer_version)
        for prefix in ("", "/{version:v[0-9.]+}"):
            application.router.add_get(prefix + "/containers/json", self._list)
            application.router.add_post(prefix + "/containers/create", self._create)
            application.router.add_get(prefix + "/containers/{id}/json", self._inspect)
            application.router.add_post(prefix + "/containers/{id}/start", self._start)
            application.router.add_post(prefix + "/containers/{id}/stop", self._stop)
            application.router.add_delete(prefix + "/containers/{id}", self._remove)
            application.router.add_get(prefix + "/images/{id}/json", self._inspect_image)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self.socket)).start()

    async def _list(self, request: web.Request) -> web.Response:
        wanted = "exited" if "exited" in request.query.get("filters", "") else "running"
        found = [self._described(each) for each in self.containers.values()]
        return web.json_response([each for each in found if each["State"]["Status"] == wanted])

    async def _create(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        name = request.query["name"]
        if wanted["Image"] != self._image:
            return web.json_response({"message": f"No such image: {wanted['Image']}"}, status=404)
        assert wanted["HostConfig"]["NetworkMode"] == "host"
        environment = dict(entry.split("=", 1) for entry in wanted["Env"])
        root = await asyncio.to_thread(self._lay_out, name, wanted["HostConfig"]["Binds"])
        self.containers[name] = Container(name, wanted["Image"], root, environment)
        return web.json_response({"Id": name, "Warnings": []}, status=201)

    def _lay_out(self, name: str, binds: list[str]) -> Path:
        root = services.bot_image(self._folder / name, self._context)
        for module, text in BESIDE_IT.items():
            (root / module).parent.mkdir(exist_ok=True)
            (root / module).write_text(text)
        # A folder comes before those that are mounted inside it, which are the same ones on both sides.
        for source, target, _ in sorted((bind.rsplit(":", 2) for bind in binds), key=lambda bind: bind[1]):
            place = root / Path(target).relative_to(HOME)
            if place.exists() and place.samefile(source):
                continue
            if place.exists():
                shutil.rmtree(place)
            place.symlink_to(source)
        return root

    async def _start(self, request: web.Request) -> web.Response:
        container = self.containers[request.match_info["id"]]
        with (container.root / "output").open("a") as output:
            container.process = tether.start(
                [sys.executable, str(QUICKSTART)],
                folder=container.root,
                environment={
                    **os.environ,
                    **container.environment,
                    **services.environment_of(self._folder / container.id, "bot"),
                    "PYTHONPATH": str(container.root),
                },
                stdout=output,
                stderr=output,
            )
        return web.Response(status=204)

    async def _stop(self, request: web.Request) -> web.Response:
        await asyncio.to_thread(self.containers[request.match_info["id"]].kill, signal.SIGTERM)
        return web.Response(status=204)

    async def _remove(self, request: web.Request) -> web.Response:
        container = self.containers.pop(request.match_info["id"])
        await asyncio.to_thread(container.kill)
        return web.Response(status=204)

    async def _inspect(self, request: web.Request) -> web.Response:
        container = self.containers.get(request.match_info["id"])
        if container is None:
            return web.json_response({"message": f"No such container: {request.match_info['id']}"}, status=404)
        return web.json_response(self._described(container))

    async def _inspect_image(self, request: web.Request) -> web.Response:
        return web.json_response({"Id": self._image, "RepoTags": [self._image]})

    def _described(self, container: Container) -> dict[str, Any]:
        status = "running" if container.is_running else "exited"
        return {
            "Id": container.id,
            "Name": f"/{container.id}",
            "Image": container.image,
            "State": {"Status": status, "ExitCode": 0},
            "Config": {"Image": container.image},
        }


async def _answer_ping(request: web.Request) -> web.Response:
    return web.Response(text="OK")


async def _answer_version(request: web.Request) -> web.Response:
    return web.json_response({"ApiVersion": "1.44", "MinAPIVersion": "1.24", "Version": "25.0.0"})
