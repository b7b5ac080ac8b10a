"""Turns on the event loop go round between clients, a few at a time, and what is given up keeps no place."""

import asyncio

from service.api.loop_turns import LoopTurns

AT_ONCE = 4


async def arrive(turns: LoopTurns, client: str, order: list[str]) -> None:
    await turns.wait(client, 1)
    order.append(client)


def test_where_few_come_they_go_on_at_once() -> None:
    async def few() -> None:
        turns = LoopTurns(AT_ONCE)
        for _ in range(3):
            for _ in range(AT_ONCE):
                waiting = turns.wait("a", 1)
                try:
                    waiting.send(None)
                except StopIteration:
                    continue
                raise AssertionError("it waits")
            while turns._looking:
                await asyncio.sleep(0)

    asyncio.run(few())


def test_one_that_comes_alone_waits_for_a_few_of_another_client_and_not_for_all_of_them() -> None:
    async def crowd() -> list[str]:
        turns, order = LoopTurns(AT_ONCE), list[str]()
        many = [asyncio.create_task(arrive(turns, "many", order)) for _ in range(50)]
        await asyncio.sleep(0)
        alone = asyncio.create_task(arrive(turns, "alone", order))
        await asyncio.gather(alone, *many)
        return order

    order = asyncio.run(crowd())
    assert len(order) == 51
    assert order.index("alone") <= 3 * AT_ONCE


def test_one_that_is_given_up_while_it_waits_keeps_no_place() -> None:
    async def leave() -> list[str]:
        turns, order = LoopTurns(AT_ONCE), list[str]()
        tasks = [asyncio.create_task(arrive(turns, "a", order)) for _ in range(3 * AT_ONCE)]
        await asyncio.sleep(0)
        for task in tasks[AT_ONCE:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not turns._line
        await arrive(turns, "b", order)
        return order

    assert asyncio.run(leave()) == ["a"] * AT_ONCE + ["b"]


def test_those_that_are_given_up_as_their_turn_comes_hold_up_nothing() -> None:
    async def leave_at_once() -> None:
        turns = LoopTurns(AT_ONCE)
        many = [asyncio.create_task(turns.wait("many", 1)) for _ in range(50)]
        await asyncio.sleep(0)
        for task in many:
            task.cancel()
        async with asyncio.timeout(5):
            for _ in range(2 * AT_ONCE):
                await turns.wait("many", 1)
        await asyncio.gather(*many, return_exceptions=True)

    asyncio.run(leave_at_once())


def test_one_that_sends_small_chunks_gets_as_many_bytes_as_fifty_that_send_large_ones() -> None:
    sent = {"many": 0, "alone": 0}

    async def go_on(turns: LoopTurns, client: str, size: int) -> None:
        while sum(sent.values()) < 10**9:
            await turns.wait(client, size)
            sent[client] += size

    async def both() -> None:
        turns = LoopTurns(2**20)
        many = [go_on(turns, "many", 800_000) for _ in range(50)]
        await asyncio.gather(*many, go_on(turns, "alone", 65_536))

    asyncio.run(both())
    assert sent["alone"] / sum(sent.values()) > 0.45
