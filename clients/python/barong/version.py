"""The version of this client, and how it names itself to the server."""

from __future__ import annotations

import platform
from importlib import metadata

import barong_management


def _installed() -> str:
    try:
        return metadata.version("barong-management")
    except metadata.PackageNotFoundError:  # run from its sources
        return barong_management.__version__


VERSION = _installed()

USER_AGENT = f"barong-python/{VERSION} Python/{platform.python_version()}"
