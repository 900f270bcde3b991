"""Calls that hang, and the library that is not there."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from cloudsim.agents.base import CommandFailed, HostAddress, HostUnreachable, Ping
from cloudsim.agents.libvirt import LibvirtDriver, library
from cloudsim.agents.libvirt.calls import Calls
from cloudsim.core.clock import SystemClock


@pytest.fixture
def hang():
    """An event that nobody sets before the test is over."""
    event = threading.Event()
    yield event
    event.set()


async def test_hanging_calls_time_out_and_block_nobody(hang):
    calls = Calls(SystemClock(), "x")
    stuck = [asyncio.create_task(calls.run(lambda gate: hang.wait(), 0.2)) for _ in range(3)]
    started = time.monotonic()
    assert await calls.run(lambda gate: 7, 1) == 7
    assert time.monotonic() - started < 0.15
    results = await asyncio.gather(*stuck, return_exceptions=True)
    assert {type(result) for result in results} == {HostUnreachable}


async def test_too_many_hanging_calls_are_refused_until_they_end(hang):
    calls = Calls(SystemClock(), "x", stuck=2)
    for _ in range(2):
        with pytest.raises(HostUnreachable, match="within"):
            await calls.run(lambda gate: hang.wait(), 0.01)
    with pytest.raises(HostUnreachable, match="still hang"):
        await calls.run(lambda gate: 7, 1)
    hang.set()
    await asyncio.sleep(0.1)
    assert await calls.run(lambda gate: 7, 1) == 7


async def test_a_cancelled_call_takes_no_further_step(hang):
    steps = []

    def work(gate):
        steps.append(1)
        hang.wait()
        gate.check()
        steps.append(2)

    task = asyncio.create_task(Calls(SystemClock(), "x").run(work, 10))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    hang.set()
    await asyncio.sleep(0.05)
    assert steps == [1]


async def test_failures_come_as_the_contract_says(caplog):
    calls = Calls(SystemClock(), "x")
    with pytest.raises(HostUnreachable, match=r"^gone$"):
        await calls.run(lambda gate: (_ for _ in ()).throw(HostUnreachable("gone")), 1)
    with pytest.raises(CommandFailed, match="ZeroDivisionError"):
        await calls.run(lambda gate: 1 // 0, 1)


async def test_drop_answers_those_who_wait(hang):
    calls = Calls(SystemClock(), "x")
    task = asyncio.create_task(calls.run(lambda gate: hang.wait(), 10))
    await asyncio.sleep(0.05)
    calls.drop("closed")
    with pytest.raises(HostUnreachable, match="closed"):
        await task


async def test_missing_library_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "libvirt", None)
    driver = LibvirtDriver(SystemClock())
    await driver.open()
    with pytest.raises(CommandFailed, match=r"cloudsim-server\[libvirt\]"):
        await driver.execute(HostAddress("h", "test:///default", "KVM"), Ping("1"))
    await driver.close()


def test_importing_the_package_does_not_import_libvirt():
    code = "import sys, cloudsim.agents.libvirt; sys.exit('libvirt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_process_with_a_hanging_call_ends():
    code = """
import asyncio, threading
from cloudsim.agents.libvirt.calls import Calls
from cloudsim.core.clock import SystemClock
async def main():
    try: await Calls(SystemClock(), "x").run(lambda gate: threading.Event().wait(), 0.05)
    except Exception as error: print(type(error).__name__)
asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=10)
    assert (ended.returncode, ended.stdout) == (0, b"HostUnreachable\n")


def test_one_line():
    assert library.one_line("a\n b\t c") == "a b c"
    assert len(library.one_line("x" * 1000)) == 500
