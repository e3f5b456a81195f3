"""lua-resty-websocket's server and client, with a client of another project's."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from compat_libraries import WEBSOCKET
from compat_servers import HOST, REFERENCE
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

pytestmark = pytest.mark.library(WEBSOCKET.name)

APP = Path(__file__).parent / "apps" / "websocket_talk.lua"

MIB = 1024 * 1024

#: Connections of a chat, and what each of the first few says.
MEMBERS, SPEAKERS = 200, 5

TALK = """\
connect: 1
text: hello text
pong: are you there? pong
pieces: a message in three pieces text
big: binary true
close: enough close 1000
end: 1
"""


@pytest.fixture(scope="module", params=(REFERENCE, "luajit21"))
def server(request, start, install):
    with start(request.param, APP, install(WEBSOCKET)) as server:
        yield server


def talk(server, conversation, path="/"):
    """Run a conversation with one client."""

    async def run():
        uri = f"ws://{HOST}:{server.process.port}{path}"
        async with connect(uri, max_size=None, compression=None) as client:
            async with asyncio.timeout(30):
                return await conversation(client)

    return asyncio.run(run())


def test_messages(server):
    async def conversation(client):
        await client.send("text")
        await client.send(b"\x00\xff")
        return [await client.recv(), await client.recv()]

    assert talk(server, conversation) == ["text", b"\x00\xff"]


def test_ping(server):
    async def conversation(client):
        return await (await client.ping(b"there?"))

    assert talk(server, conversation) >= 0


def test_fragments(server):
    async def conversation(client):
        await client.send(["one ", "two ", "three"])
        await client.send([b"\x00" * 70000, b"\x01" * 10])
        return [await client.recv(), await client.recv()]

    expected = ["one two three", b"\x00" * 70000 + b"\x01" * 10]
    assert talk(server, conversation) == expected


def test_a_frame_of_16_mib(server):
    payload = os.urandom(MIB) * 16

    async def conversation(client):
        await client.send(payload)
        return await client.recv()

    assert talk(server, conversation) == payload


def test_close(server):
    async def conversation(client):
        await client.close(4001, "enough")
        with pytest.raises(ConnectionClosed):
            await client.recv()
        return client.close_code, client.close_reason

    assert talk(server, conversation) == (4001, "enough")


def test_two_ends_in_lua(server):
    answer = server.ask(f"/client?port={server.process.port}")
    assert answer.text == TALK


def test_a_chat(server):
    """All are told what each says, by every speaker in its order."""
    uri = f"ws://{HOST}:{server.process.port}/chat"

    async def member(number, ready, everybody):
        async with connect(uri, compression=None) as client:
            assert await client.recv() == "welcome"
            ready.release()
            await everybody.wait()
            for turn in range(3 if number < SPEAKERS else 0):
                await client.send(f"{number}: {turn}")
            return [await client.recv() for _ in range(3 * SPEAKERS)]

    async def run():
        ready, everybody = asyncio.Semaphore(0), asyncio.Event()
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(member(number, ready, everybody))
                for number in range(MEMBERS)
            ]
            for _ in range(MEMBERS):
                await ready.acquire()
            everybody.set()
        return [task.result() for task in tasks]

    before = server.descriptors()
    heard = asyncio.run(run())
    assert len(heard) == MEMBERS
    for messages in heard:
        assert messages == heard[0]
    for number in range(SPEAKERS):
        said = [one for one in heard[0] if one.startswith(f"{number}:")]
        assert said == [f"{number}: {turn}" for turn in range(3)]
    assert server.ask("/").status == 400
    assert server.descriptors() <= before + 1
