"""A run in several processes runs every test once, and keeps together what belongs together."""

import re
import subprocess
import sys
from pathlib import Path

from test.scheduling import arrange

CONFTEST = """
import os
import pytest
from test import scheduling

def pytest_addoption(parser):
    scheduling.add_options(parser)

def pytest_configure(config):
    scheduling.configure(config)

@pytest.fixture(scope="module")
def life():
    return os.getpid()

@pytest.fixture(scope="session")
def browser():
    return os.getpid()

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    return True if "swallowed" in item.name else None
"""
LIFE = """
import os
import pytest

@pytest.mark.parametrize("step", range(8))
def test_step(life, step):
    assert life == os.getpid()
    with open("lived", "a") as lived:
        lived.write(f"{life}\\n")
"""
LOOKING = """
import os
import pytest

@pytest.mark.parametrize("page", range(6))
def test_look(browser, page):
    with open("looked", "a") as looked:
        looked.write(f"{browser}\\n")
"""
OTHERS = """
import os
import pytest

with open("imported", "a") as imported:
    imported.write(f"{os.getpid()}\\n")

@pytest.mark.parametrize("number", range(8))
def test_alone(number):
    pass
"""


def run(folder: Path, *options: str, **modules: str) -> subprocess.CompletedProcess:
    for name, text in {"conftest": CONFTEST, **modules}.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-v", "--processes", "2", *options, "."]
    environment = {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_life_stays_in_one_process_and_every_test_runs_once(tmp_path: Path):
    ran = run(tmp_path, test_life=LIFE, test_others=OTHERS)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "16 of 16 collected tests ran" in ran.stdout and "16 passed" in ran.stdout
    lived = (tmp_path / "lived").read_text().split()
    assert len(lived) == 8 and len(set(lived)) == 1


def test_one_process_starts_the_browser_whatever_module_looks(tmp_path: Path):
    ran = run(tmp_path, test_market=LOOKING, test_account=LOOKING, test_others=OTHERS)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    looked = (tmp_path / "looked").read_text().split()
    assert len(looked) == 12 and len(set(looked)) == 1


def test_what_is_collected_is_imported_once(tmp_path: Path):
    run(tmp_path, test_others=OTHERS)

    assert len((tmp_path / "imported").read_text().split()) == 1


def test_each_failure_comes_with_what_its_test_printed_and_warned_of(tmp_path: Path):
    failing = """
import warnings
import pytest

@pytest.mark.parametrize("number", range(4))
def test_fails(number):
    print(f"told by {number}")
    warnings.warn(f"warned by {number}", UserWarning)
    assert not number
"""
    ran = run(tmp_path, test_failing=failing)

    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "3 failed, 1 passed" in ran.stdout
    for number in (1, 2, 3):
        (section,) = re.findall(rf"_ test_fails\[{number}\] _.*?(?=\n_____|\n=====)", ran.stdout, re.DOTALL)
        assert re.findall(r"told by (\d)", section) == [str(number)]
        assert f"UserWarning: warned by {number}" in ran.stdout


def test_a_process_that_dies_fails_the_run_and_is_told_with_its_test(tmp_path: Path):
    ran = run(tmp_path, test_others=OTHERS + "\ndef test_dies(): os._exit(3)\n")

    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "8 of 9 collected tests ran" in ran.stdout and "8 passed" in ran.stdout
    assert "a process ended with 3 while it ran test_others.py::test_dies" in ran.stdout
    assert "DROPPED test_others.py::test_dies" in ran.stdout


def test_a_dropped_test_fails_the_run_and_is_named(tmp_path: Path):
    ran = run(tmp_path, test_others=OTHERS + "\ndef test_swallowed(): pass\n")

    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "8 of 9 collected tests ran" in ran.stdout
    assert "DROPPED test_others.py::test_swallowed" in ran.stdout


def test_two_tests_of_one_id_are_refused(tmp_path: Path):
    same_id = "\ndef pytest_itemcollected(item):\n    item._id = item.parent.id.child('one')\n"
    ran = run(tmp_path, conftest=CONFTEST + same_id, test_others=OTHERS)

    assert ran.returncode != 0
    assert "several tests have one id" in ran.stdout + ran.stderr


def test_the_longest_begin_and_a_seed_decides_between_the_others():
    groups = {name: [name] for name in ("a", "b", "c", "d", "e", "long", "longest")}
    durations = {"long": 10, "longest": 60}

    orders = [arrange(groups, durations, seed) for seed in range(20)]

    assert all(order[:2] == ["longest", "long"] for order in orders)
    assert orders[3] == arrange(dict(reversed(groups.items())), durations, 3)
    assert len({tuple(order) for order in orders}) > 10
