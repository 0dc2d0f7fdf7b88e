"""Questions and answers between two processes."""

import asyncio
import socket

import pytest

from tariffcore_server.control import ChannelClosedError, ControlChannel


async def pair(left, right):
    ends = socket.socketpair()
    channels = ControlChannel(left), ControlChannel(right)
    for channel, end in zip(channels, ends, strict=True):
        await channel.open(end)
    return channels


def test_both_ends_ask_and_answer_at_once_and_answers_find_their_questions():
    async def run():
        released = asyncio.Event()

        async def slow(facts):
            await released.wait()
            return {"ok": facts["n"]}

        async def quick(facts):
            released.set()
            return {"ok": -facts["n"], "text": "ы" * 100_000}

        left, right = await pair({"quick": quick}, {"slow": slow})
        waiting = [asyncio.create_task(left.ask("slow", n=n)) for n in range(5)]
        answer = await right.ask("quick", n=7)
        assert answer["ok"] == -7 and len(answer["text"]) == 100_000
        assert [one["ok"] for one in await asyncio.gather(*waiting)] == list(range(5))
        await left.close()
        await right.close()

    asyncio.run(run())


def test_whoever_waits_is_told_when_the_other_end_goes_away():
    async def run():
        asked = asyncio.Event()

        async def never(facts):
            asked.set()
            await asyncio.Event().wait()

        left, right = await pair({}, {"never": never})
        waiting = asyncio.create_task(left.ask("never"))
        await asked.wait()
        await right.close()
        with pytest.raises(ChannelClosedError):
            await waiting
        await left.closed.wait()
        with pytest.raises(ChannelClosedError):
            await left.ask("never")

    asyncio.run(run())


def test_a_frame_that_is_too_long_ends_the_channel():
    async def run():
        ours, theirs = socket.socketpair()
        channel = ControlChannel({})
        await channel.open(ours)
        theirs.sendall((1 << 31).to_bytes(4, "big"))
        await channel.closed.wait()
        theirs.close()

    asyncio.run(run())
