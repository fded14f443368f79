"""The control socket: one line asks, one line answers."""

import asyncio
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from reference_server.net.control import SOCKET_NAME, Control, ControlError, NoServer, call


async def _echo(request: dict[str, Any]) -> Any:
    return request


async def _refuse(request: dict[str, Any]) -> Any:
    raise ControlError(f"no {request['what']} today")


def _control() -> Control:
    control = Control({"echo": _echo})
    control.register("refuse", _refuse)
    return control


async def _call(data: Path, command: str, **arguments: Any) -> Any:
    return await asyncio.to_thread(call, data, command, **arguments)


def test_a_command_and_its_answer(tmp_path: Path) -> None:
    async def run() -> None:
        async with _control().listening(tmp_path):
            mode = (tmp_path / SOCKET_NAME).stat().st_mode
            assert stat.S_ISSOCK(mode)
            assert stat.S_IMODE(mode) == 0o600
            assert await _call(tmp_path, "echo", text="é\n", numbers=[1, 2]) == {
                "text": "é\n",
                "numbers": [1, 2],
            }
            with pytest.raises(ControlError, match="no luck today"):
                await _call(tmp_path, "refuse", what="luck")
            with pytest.raises(ControlError, match="no command 'sing'"):
                await _call(tmp_path, "sing")
        assert not (tmp_path / SOCKET_NAME).exists()

    asyncio.run(run())


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(NoServer):
        call(tmp_path, "echo")
    with pytest.raises(NoServer):
        call(tmp_path / "nowhere", "echo")


def test_a_dead_servers_socket_is_in_nobodys_way(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / SOCKET_NAME))
    with pytest.raises(NoServer):
        call(tmp_path, "echo")

    async def run() -> None:
        async with _control().listening(tmp_path):
            assert await _call(tmp_path, "echo") == {}

    asyncio.run(run())


def test_a_path_that_is_too_long_for_a_socket(tmp_path: Path) -> None:
    data = tmp_path / ("d" * 120)
    data.mkdir()

    async def run() -> None:
        async with _control().listening(data):
            assert await _call(data, "echo", x=1) == {"x": 1}
        with pytest.raises(NoServer):
            await _call(data, "echo")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("line", "why"),
    [(b"nonsense\n", b"no request"), (b"[]\n", b"object"), (b'{"command": []}\n', b"no command")],
)
def test_what_is_no_request(line: bytes, why: bytes) -> None:
    answer = asyncio.run(_control().answer(line))
    assert answer.startswith(b'{"error": ')
    assert why in answer
    assert answer.endswith(b"}\n")
