"""Requests are let in by turns between clients, a few at a time, and what is given up keeps no place."""

import asyncio

from service.api.door.entry import AT_ONCE, Entry


async def arrive(entry: Entry, client: str, order: list[str]) -> None:
    await entry.wait(client)
    order.append(client)


def test_where_few_come_they_go_on_at_once() -> None:
    async def few() -> None:
        entry = Entry()
        for _ in range(3):
            for _ in range(AT_ONCE):
                waiting = entry.wait("a")
                try:
                    waiting.send(None)
                except StopIteration:
                    continue
                raise AssertionError("it waits")
            while entry._looking:
                await asyncio.sleep(0)

    asyncio.run(few())


def test_one_that_comes_alone_waits_for_a_few_of_another_client_and_not_for_all_of_them() -> None:
    async def crowd() -> list[str]:
        entry, order = Entry(), list[str]()
        many = [asyncio.create_task(arrive(entry, "many", order)) for _ in range(50)]
        await asyncio.sleep(0)
        alone = asyncio.create_task(arrive(entry, "alone", order))
        await asyncio.gather(alone, *many)
        return order

    order = asyncio.run(crowd())
    assert len(order) == 51
    assert order.index("alone") <= 3 * AT_ONCE


def test_one_that_is_given_up_while_it_waits_keeps_no_place() -> None:
    async def leave() -> list[str]:
        entry, order = Entry(), list[str]()
        tasks = [asyncio.create_task(arrive(entry, "a", order)) for _ in range(3 * AT_ONCE)]
        await asyncio.sleep(0)
        for task in tasks[AT_ONCE:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not entry._line
        await arrive(entry, "b", order)
        return order

    assert asyncio.run(leave()) == ["a"] * AT_ONCE + ["b"]
