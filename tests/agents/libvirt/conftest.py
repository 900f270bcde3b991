"""What the tests of the libvirt driver share: a private daemon, drivers, and machines to run.

Tests on real hosts run a libvirt daemon of their own, whose configuration, sockets and state lie in a temporary
directory: as root in a mount namespace of its own, as another user as a session daemon. ``CLOUDSIM_TEST_LIBVIRT=0``
leaves out all tests that need libvirt (they are then counted as deselected).
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
from typing import Any
from uuid import uuid4

import pytest

from cloudsim.agents.base import DiskSpec, HostAddress, MachineSpec, NicSpec
from cloudsim.agents.libvirt import LibvirtDriver
from cloudsim.core.clock import SystemClock

HERE = Path(__file__).parent
HINT = (
    "Debian packages: libvirt-daemon-system qemu-system-x86 qemu-utils. "
    "CLOUDSIM_TEST_LIBVIRT=0 leaves out the tests that need libvirt."
)
TEST_URI = "test:///default"

#: 16 bit code for the first sector of a disk: enables the power button (PM1_EN), writes a line to the first serial
#: port, waits for the button (PM1_STS), and powers off (PM1_CNT: S5 and SLP_EN).
BOOT_CODE = (
    "fa 31c0 8ed8",  # no interrupts; ds = 0
    "ba0206 b80001 ef",  # PM1_EN
    "be2d7c baf803 ac 84c0 7403 ee ebf8",  # the text that follows the code, up to its zero, to 0x3f8
    "ba0006 ed f6c401 74f7",  # until PM1_STS has the power button
    "ba0406 b80020 ef f4 ebfd",  # PM1_CNT; halt
)
BOOT_SECTOR = bytes.fromhex(" ".join(BOOT_CODE)) + b"cloudsim guest is up\r\n\0"

#: Puts each of the directories before ``--`` in place of the host's own, and becomes the program after it.
ENTER = 'home=$1; shift; while [ "$1" != -- ]; do mount --bind "$home$1" "$1" || exit; shift; done; shift; exec "$@"'


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("CLOUDSIM_TEST_LIBVIRT") != "0":
        return
    left_out = [
        item for item in items if HERE in item.path.parents and "libvirt_library" in getattr(item, "fixturenames", ())
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


class Daemon:
    """A libvirt daemon of our own. `start` after `kill` goes on with the same state."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.uri = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._log = home / "daemon.log"
        self._sockets = home / "sock"
        self._sockets.mkdir()
        (home / "daemon.conf").write_text(
            f'unix_sock_dir = "{self._sockets}"\nauth_unix_ro = "none"\nauth_unix_rw = "none"\n'
        )

    def start(self) -> None:
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        program = shutil.which("libvirtd", path=path) or shutil.which("virtqemud", path=path)
        if program is None:
            pytest.fail(f"no libvirt daemon is installed. {HINT}")
        arguments = [program, "-f", str(self.home / "daemon.conf"), "-p", str(self.home / "daemon.pid")]
        as_root = os.geteuid() == 0
        enter, environment = self._as_root() if as_root else self._as_user()
        for left in self._sockets.iterdir():
            left.unlink()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*enter, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PATH": path, **environment},
                start_new_session=True,
            )
        self._wait("system" if as_root else "session")

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Ends the daemon and the guests that it started, each by its pid."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()
        for file in self.home.glob("**/qemu/**/*.pid"):
            with suppress(ValueError, OSError):
                os.kill(int(file.read_text()), signal.SIGKILL)

    def _as_root(self) -> tuple[list[str], dict[str, str]]:
        """The words before the daemon's, and its environment: a mount namespace with private directories."""
        root = self.home / "root"
        known = ("/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/run")
        private = [directory for directory in known if Path(directory).is_dir()]
        for directory in private:
            (root / directory[1:]).mkdir(parents=True, exist_ok=True)
        self._configure(root / "etc/libvirt", 'user = "root"\ngroup = "root"\n')
        return ["unshare", "--mount", "sh", "-c", ENTER, "sh", str(root), *private, "--"], {}

    def _as_user(self) -> tuple[list[str], dict[str, str]]:
        places = {"XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache", "XDG_DATA_HOME": "data"}
        places["XDG_RUNTIME_DIR"] = "runtime"
        for name in places.values():
            (self.home / name).mkdir(mode=0o700, exist_ok=True)
        self._configure(self.home / "config/libvirt", "")
        return [], {variable: str(self.home / name) for variable, name in places.items()}

    def _configure(self, directory: Path, more: str) -> None:
        directory.mkdir(exist_ok=True)
        # screens of their own ports: two daemons would take the same one at the same time
        first = 5900 + os.getpid() % 200 * 250
        ports = f"remote_display_port_min = {first}\nremote_display_port_max = {first + 200}\n"
        (directory / "qemu.conf").write_text('stdio_handler = "file"\nsecurity_driver = "none"\n' + ports + more)

    def _wait(self, mode: str) -> None:
        end = time.monotonic() + 15
        while time.monotonic() < end and self._process is not None and self._process.poll() is None:
            for name in ("libvirt-sock", "virtqemud-sock"):
                uri = f"qemu:///{mode}?socket={self._sockets / name}"
                if (self._sockets / name).exists() and _answers(uri):
                    self.uri = uri
                    return
            time.sleep(0.05)
        pytest.fail(f"a private libvirt daemon does not start. {HINT}\n{self._log.read_text()[-2000:]}")


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
    home = Path(tempfile.mkdtemp(prefix="lv-", dir="/tmp"))  # a short path: sockets have no room for a long one
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
    """Where the guests' serial consoles are written to."""
    path = daemon.home / "consoles"
    path.mkdir(exist_ok=True)
    return path


def _clear() -> None:
    """Takes away the machines that a test before this one left on libvirt's test host: it lives as long as a process."""
    import libvirt

    connection = libvirt.open(TEST_URI)
    for domain in connection.listAllDomains():
        if domain.name().startswith("i-"):
            if domain.isActive():
                domain.destroy()
            if domain.isPersistent():
                domain.undefine()
    connection.close()


@pytest.fixture
async def new_driver(libvirt_library: None) -> AsyncIterator[Callable[..., LibvirtDriver]]:
    """Makes drivers; each one is closed at the end."""
    made: list[LibvirtDriver] = []
    _clear()

    def make(**options: Any) -> LibvirtDriver:
        made.append(LibvirtDriver(SystemClock(), **options))
        return made[-1]

    yield make
    for driver in made:
        await driver.close()


@pytest.fixture
def boot_disk() -> bytes:
    """A raw disk of 1 MiB that boots: the guest says that it is up, and heeds the power button."""
    return BOOT_SECTOR.ljust(510, b"\0") + b"\x55\xaa" + bytes((1 << 20) - 512)


@pytest.fixture
def qemu_img() -> Callable[..., str]:
    """Runs ``qemu-img``; answers what it prints."""

    def run(*arguments: object) -> str:
        words = [str(argument) for argument in arguments]
        return subprocess.run(["qemu-img", *words], check=True, stdout=subprocess.PIPE, text=True).stdout

    return run


@pytest.fixture
def new_disk() -> Callable[..., DiskSpec]:
    def make(uuid: str | None = None, device: int = 0) -> DiskSpec:
        uuid = uuid or str(uuid4())
        return DiskSpec(uuid=uuid, path=f"{uuid}.qcow2", pool="primary", size=1 << 20, device=device)

    return make


@pytest.fixture
def new_machine() -> Callable[..., MachineSpec]:
    """Specifications of machines, each of another name."""

    def make(*disks: DiskSpec, **changes: Any) -> MachineSpec:
        uuid = str(uuid4())
        mac = f"02:00:{uuid[0:2]}:{uuid[2:4]}:{uuid[4:6]}:{uuid[6:8]}"
        made = MachineSpec(
            uuid=uuid,
            name=f"i-2-{uuid[:8]}-VM",
            hostname="web <&> 'one'",
            cpus=1,
            speed=500,
            memory=64 << 20,
            disks=disks,
            nics=(NicSpec(str(uuid4()), mac, None, None, None, None),),
        )
        return replace(made, **changes)

    return make


@pytest.fixture
def test_host() -> HostAddress:
    return HostAddress("h-test", TEST_URI, "KVM")
