"""What the tests of the libvirt driver share: private daemons, drivers, and machines to run.

Tests on real hosts run a libvirt daemon of their own, whose configuration, sockets and state lie in a temporary directory:
as root in a mount namespace of its own, as another user as a session daemon. ``CLOUDSIM_TEST_LIBVIRT=0`` leaves these tests
out (they are then counted as deselected).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from cloudsim.agents.base import DiskSpec, HostAddress, MachineSpec, NicSpec
from cloudsim.agents.libvirt import LibvirtDriver
from cloudsim.core.clock import SystemClock

HERE = Path(__file__).parent
HINT = "Debian packages: libvirt-daemon-system qemu-system-x86 qemu-utils; CLOUDSIM_TEST_LIBVIRT=0 leaves these tests out"
TEST_URI = "test:///default"

#: 16 bit code for the first sector of a disk: enables the power button (PM1_EN), writes a line to the first serial port,
#: waits for the button (PM1_STS), and powers off (PM1_CNT: S5 and SLP_EN).
BOOT_SECTOR = (
    bytes.fromhex(
        "fa31c08ed8 ba0206b80001ef be2d7c baf803 ac84c07403eeebf8 ba0006edf6c40174f7 ba0406b80020ef f4ebfd".replace(" ", "")
    )
    + b"cloudsim guest is up\r\n\0"
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("CLOUDSIM_TEST_LIBVIRT") != "0":
        return
    real = [item for item in items if HERE in item.path.parents and "libvirt_library" in item.fixturenames]  # type: ignore[attr-defined]
    config.hook.pytest_deselected(items=real)
    items[:] = [item for item in items if item not in real]


class Daemon:
    """A libvirt daemon of our own. `start` after `kill` goes on with the same state."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.uri = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._log = home / "daemon.log"
        (home / "sock").mkdir()
        (home / "daemon.conf").write_text(
            f'unix_sock_dir = "{home}/sock"\nauth_unix_ro = "none"\nauth_unix_rw = "none"\n'
        )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        program = shutil.which("libvirtd", path=path) or shutil.which("virtqemud", path=path)
        if program is None:
            pytest.fail(f"no libvirt daemon is installed. {HINT}")
        arguments = [program, "-f", f"{self.home}/daemon.conf", "-p", f"{self.home}/daemon.pid"]
        environment = {**os.environ, "PATH": path}
        config = 'stdio_handler = "file"\nsecurity_driver = "none"\n'
        if os.geteuid() == 0:
            private = [d for d in ("/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/run") if Path(d).is_dir()]
            for directory in private:
                (self.home / "root" / directory[1:]).mkdir(parents=True, exist_ok=True)
            config += 'user = "root"\ngroup = "root"\n'
            (self.home / "root/etc/libvirt/qemu.conf").write_text(config)
            script = 'home=$1; shift; while [ "$1" != -- ]; do mount --bind "$home/root$1" "$1" || exit 1; shift; done; shift; exec "$@"'
            arguments = ["unshare", "--mount", "sh", "-c", script, "sh", str(self.home), *private, "--", *arguments]
        else:
            for name in ("CONFIG", "CACHE", "DATA", "RUNTIME"):
                variable = f"XDG_{name}_DIR" if name == "RUNTIME" else f"XDG_{name}_HOME"
                environment[variable] = f"{self.home}/{name.lower()}"
                (self.home / name.lower()).mkdir(mode=0o700, exist_ok=True)
            (self.home / "config/libvirt").mkdir(exist_ok=True)
            (self.home / "config/libvirt/qemu.conf").write_text(config)
        for left in (self.home / "sock").iterdir():
            left.unlink()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        self._wait()

    def _wait(self) -> None:
        mode = "system" if os.geteuid() == 0 else "session"
        end = time.monotonic() + 15
        while time.monotonic() < end and self._process is not None and self._process.poll() is None:
            for name in ("libvirt-sock", "virtqemud-sock"):
                uri = f"qemu:///{mode}?socket={self.home}/sock/{name}"
                if (self.home / "sock" / name).exists() and _answers(uri):
                    self.uri = uri
                    return
            time.sleep(0.05)
        pytest.fail(f"a private libvirt daemon does not start. {HINT}\n{self._log.read_text()[-2000:]}")

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Ends the daemon and the guests that it started, each by its pid."""
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()
        for file in self.home.glob("**/qemu/*.pid"):
            with suppress(ValueError, OSError):
                os.kill(int(file.read_text()), signal.SIGKILL)


def _answers(uri: str) -> bool:
    code = "import libvirt, sys; libvirt.open(sys.argv[1]).getInfo()"
    return subprocess.run([sys.executable, "-c", code, uri], capture_output=True, timeout=10).returncode == 0


@pytest.fixture(scope="session")
def libvirt_library() -> None:
    """Every test that needs libvirt takes this."""
    try:
        import libvirt  # noqa: F401
    except ImportError:
        pytest.skip("libvirt-python not installed (extra cloudsim-server[libvirt])")


@pytest.fixture(scope="session")
def daemon(libvirt_library: None) -> Iterator[Daemon]:
    home = Path(tempfile.mkdtemp(prefix="lv-", dir="/tmp"))
    home.chmod(0o755)
    started = Daemon(home)
    try:
        started.start()
        yield started
    finally:
        started.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def images(daemon: Daemon) -> Path:
    """The storage of the real hosts' drivers."""
    path = daemon.home / "images"
    path.mkdir(exist_ok=True)
    return path


@pytest.fixture
def consoles(daemon: Daemon) -> Path:
    path = daemon.home / "consoles"
    path.mkdir(exist_ok=True)
    return path


@pytest.fixture
async def new_driver(libvirt_library: None) -> AsyncIterator[Callable[..., LibvirtDriver]]:
    """Makes drivers; each one is closed at the end."""
    made: list[LibvirtDriver] = []

    def make(**options: object) -> LibvirtDriver:
        made.append(LibvirtDriver(SystemClock(), **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for driver in made:
        await driver.close()


@pytest.fixture
def boot_disk() -> bytes:
    """A raw disk of 1 MiB that boots: the guest says that it is up, and heeds the power button."""
    return BOOT_SECTOR.ljust(510, b"\0") + b"\x55\xaa" + bytes((1 << 20) - 512)


@pytest.fixture
def new_machine() -> Callable[..., MachineSpec]:
    """Specifications of machines, each of another name."""

    def make(*disks: DiskSpec, **changes: object) -> MachineSpec:
        uuid = str(uuid4())
        nic = NicSpec(str(uuid4()), f"02:00:{uuid[0:2]}:{uuid[2:4]}:{uuid[4:6]}:{uuid[6:8]}", None, None, None, None)
        made = MachineSpec(
            uuid=uuid,
            name=f"i-2-{uuid[:8]}-VM",
            hostname="web <&> 'one'",
            cpus=1,
            speed=500,
            memory=64 << 20,
            disks=disks,
            nics=(nic,),
        )
        return replace(made, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture
def new_disk() -> Callable[..., DiskSpec]:
    def make(uuid: str | None = None, device: int = 0) -> DiskSpec:
        uuid = uuid or str(uuid4())
        return DiskSpec(uuid=uuid, path=f"{uuid}.qcow2", pool="primary", size=1 << 20, device=device)

    return make


@pytest.fixture
def test_host() -> HostAddress:
    return HostAddress("h-test", TEST_URI, "KVM")
