"""A copy of `deploy` in which `./prepare` was run, as a person does."""

from pathlib import Path

import pytest

from test.deploy.services import prepared_copy


@pytest.fixture(scope="session")
def fleet(tmp_path_factory) -> Path:
    """The folder `deploy` of a project, in a path with a space in it, prepared."""
    return prepared_copy(tmp_path_factory.mktemp("a project"))
