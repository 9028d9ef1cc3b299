"""A copy of `deploy` in which `./prepare` was run, as a person does."""

import shutil
import subprocess
from pathlib import Path

import pytest

from test.deploy.image import PROJECT


@pytest.fixture(scope="session")
def fleet(tmp_path_factory) -> Path:
    """The folder `deploy` of a project, in a path with a space in it, prepared."""
    project = tmp_path_factory.mktemp("a project")
    folder = project / "deploy"
    shutil.copytree(PROJECT / "deploy", folder, ignore=shutil.ignore_patterns("fleet", ".env", "__pycache__"))
    subprocess.run(["./prepare"], cwd=folder, check=True, capture_output=True, timeout=120)
    return folder
