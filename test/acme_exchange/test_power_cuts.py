"""A venue whose machine loses its power again and again in the middle of trading, and must have lost nothing it
said."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from test.acme_exchange.kills import Kills, end_again_and_again

SOURCE = Path(__file__).with_name("power.c")
SHARE_WRITTEN = 0.25
"""In how many cases a file is, after a cut, as it was written and not as it was synced: a disk may be faster than
asked."""


@pytest.fixture(scope="module")
def shim(tmp_path_factory) -> Path:
    """What copies each file of a venue's to where it outlives a power cut, when the venue waits for the disk."""
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler, cc")
    library = tmp_path_factory.mktemp("power") / "power.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, SOURCE, "-ldl", "-lpthread"], check=True)
    return library


class PowerCuts(Kills):
    """Kills, after each of which a file is what the disk had of it."""

    def __init__(self, folder: Path, shim: Path, seed: int | str, *options: str) -> None:
        super().__init__(folder, seed, *options)
        self._disk = folder / "disk"
        self._disk.mkdir()
        self._data.mkdir()
        self._chance = Random(f"{seed} disk")
        self._environment |= {"LD_PRELOAD": str(shim), "POWER_FROM": str(self._data), "POWER_TO": str(self._disk)}

    async def live(self) -> None:
        await super().live()
        self._cut()

    def _cut(self) -> None:
        for written in self._data.iterdir():
            synced = self._disk / written.name
            if not synced.exists():
                written.unlink()
            elif self._chance.random() >= SHARE_WRITTEN:
                shutil.copyfile(synced, written)
        shutil.rmtree(self._disk)
        shutil.copytree(self._data, self._disk)


@pytest.mark.timeout(0)
async def test_nothing_that_was_said_is_lost_when_the_power_is_cut(tmp_path: Path, pytestconfig, shim, capsys):
    """`--power-cuts` says how often; `--kill-seed` decides when, and what the traders do."""
    seed = pytestconfig.getoption("kill_seed")

    def made(number: int) -> PowerCuts:
        folder = tmp_path / str(number)
        folder.mkdir()
        return PowerCuts(folder, shim, f"{seed} {number}" if number else seed)

    def tell(text: str) -> None:
        with capsys.disabled():
            print(text, end="", flush=True)

    print(await end_again_and_again(made, pytestconfig.getoption("power_cuts"), tell))


async def test_the_faster_mode_does_not_promise_that(tmp_path: Path, shim):
    """And so the test above would see what it looks for."""
    cuts = PowerCuts(tmp_path, shim, 1, "--durability", "crash")
    await cuts.live()
    with pytest.raises(AssertionError):
        await cuts.end()


def test_a_file_is_on_the_disk_as_it_was_synced(tmp_path: Path, shim):
    data, disk = tmp_path / "data", tmp_path / "disk"
    data.mkdir(), disk.mkdir()
    script = (
        "import os; f = os.open('log', os.O_RDWR | os.O_CREAT); os.pwrite(f, b'acknowledged', 0); os.fdatasync(f);"
        "os.pwrite(f, b'A', 0); os.pwrite(f, b' lost', 12)"
    )
    environment = os.environ | {"LD_PRELOAD": str(shim), "POWER_FROM": str(data), "POWER_TO": str(disk)}
    subprocess.run([sys.executable, "-c", script], cwd=data, env=environment, check=True)
    assert (data / "log").read_bytes() == b"Acknowledged lost"
    assert (disk / "log").read_bytes() == b"acknowledged"
