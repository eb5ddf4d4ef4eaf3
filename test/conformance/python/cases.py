"""The register of cases: each is a promise to the programs that use the published client."""

import contextlib
import itertools
import os
import shlex
from typing import Callable, Iterator, List, NamedTuple


class Case(NamedTuple):
    group: str
    promise: str
    # The first version of the client that can make the calls.
    since: str
    run: Callable


registered: List[Case] = []


def case(promise: str, since: str = "0.0.19"):
    """Registers a function as the case of a promise; its module's GROUP says what the promise is about."""

    def register(run):
        registered.append(Case(run.__globals__["GROUP"], promise, since, run))
        return run

    return register


def cases_for(version: str) -> List[Case]:
    return [one for one in registered if order(one.since) <= order(version)]


def order(version: str):
    return [int(part) for part in version.split(".")]


class Box:
    """A sandbox as the client sees it, with names that no other case has."""

    _numbers = itertools.count(1)

    def __init__(self, version: str, base_url: str):
        self.version = version
        self.base_url = base_url
        self.client = self.connect()

    def connect(self, base_url: str = "", **options):
        from agent_sandbox import Sandbox

        return Sandbox(base_url=base_url or self.base_url, timeout=20, **options)

    def name(self) -> str:
        return f"case-{os.getpid()}-{next(self._numbers)}"

    def folder(self) -> str:
        """A folder of its own, in which nothing lies."""
        path = f"/tmp/{self.name()}"
        self.sh(f"mkdir -p {shlex.quote(path)}")
        return path

    def sh(self, command: str, **options):
        """What a shell command gave, once it has completed."""
        data = self.client.shell.exec_command(command=command, **options).data
        assert data.status == "completed", data
        return data

    def text(self, command: str, **options) -> str:
        return self.sh(command, **options).output


@contextlib.contextmanager
def refused(status: int, *words: str) -> Iterator[None]:
    """What is called inside must be answered with this status, short JSON and a message with these words."""
    from agent_sandbox.core.api_error import ApiError

    try:
        yield
    except ApiError as error:
        assert error.status_code == status, error
        assert isinstance(error.body, dict), f"the body is no JSON object: {error.body!r}"
        assert error.body["success"] is False and isinstance(error.body["message"], str), error
        assert "data" in error.body, error
        for word in words:
            assert word in error.body["message"], error
        assert len(str(error)) < 1200, f"{len(str(error))} characters are too many to show: {error}"
    else:
        raise AssertionError(f"it was not answered {status}")


def invalid(call: Callable) -> list:
    """The details of the 422 that a call is answered with, as the client parses them."""
    from agent_sandbox.errors.unprocessable_entity_error import UnprocessableEntityError

    try:
        call()
    except UnprocessableEntityError as error:
        assert error.status_code == 422 and error.body.detail, error
        return [(list(one.loc), one.msg, one.type) for one in error.body.detail]
    raise AssertionError("it was not answered 422")
