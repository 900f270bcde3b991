"""Disk images from outside: real ones are read as qemu-img reads them, and those that mean harm are refused."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import random
import struct
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudsim.core.diskimage import FORMATS, BadImage, Image, bytes_reader, file_reader, inspect

MIB = 2**20


def qemu_img(*arguments: Any) -> str:
    done = subprocess.run(["qemu-img", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def made(path: Path, kind: str, *options: str, size: str = "10M") -> Path:
    qemu_img("create", "-q", "-f", kind, *(part for option in options for part in ("-o", option)), path, size)
    return path


def look(path: Path, declared: str) -> Image:
    with path.open("rb") as file:
        return inspect(file_reader(file), path.stat().st_size, declared)


def of_bytes(data: bytes, declared: str) -> Image:
    return inspect(bytes_reader(data), len(data), declared)


def refused(data: bytes, declared: str, text: str | None = None) -> None:
    with pytest.raises(BadImage, match=text):
        of_bytes(data, declared)


REAL = [
    ("qcow2", (), "QCOW2"),
    ("qcow2", ("compat=0.10",), "QCOW2"),
    ("qcow2", ("cluster_size=512",), "QCOW2"),
    ("qcow2", ("cluster_size=2M",), "QCOW2"),
    ("qcow2", ("extended_l2=on,cluster_size=64k",), "QCOW2"),
    ("qcow2", ("compression_type=zstd",), "QCOW2"),
    ("qcow2", ("preallocation=metadata",), "QCOW2"),
    ("raw", (), "RAW"),
    ("vmdk", (), "VMDK"),
    ("vmdk", ("subformat=streamOptimized",), "VMDK"),
    ("vpc", (), "VHD"),
    ("vpc", ("subformat=fixed",), "VHD"),
]


@pytest.mark.parametrize(("kind", "options", "declared"), REAL)
def test_real_images_are_read_as_qemu_img_reads_them(
    tmp_path: Path, kind: str, options: tuple[str, ...], declared: str
) -> None:
    image = made(tmp_path / "image", kind, *options)
    told = json.loads(qemu_img("info", "-f", kind, "--output=json", image))
    assert look(image, declared) == Image(declared, told["virtual-size"])
    # and as nothing else (a fixed VHD is a raw disk with something after it)
    for other in FORMATS:
        if other != declared and (options, other) != (("subformat=fixed",), "RAW"):
            with pytest.raises(BadImage):
                look(image, other)


@pytest.mark.parametrize(
    ("pack", "name"), [(gzip.compress, "gz"), (bz2.compress, "bz2"), (lambda data: _zipped(data), "zip")]
)
def test_compressed_images_are_looked_into(tmp_path: Path, pack: Any, name: str) -> None:
    for kind, options, declared in REAL:
        data = pack(made(tmp_path / "image", kind, *options).read_bytes())
        image = of_bytes(data, declared)
        assert (image.format, image.compression) == (declared, name)
    backed = tmp_path / "backed"
    qemu_img("create", "-q", "-f", "qcow2", "-F", "raw", "-b", tmp_path / "image", backed)
    refused(pack(backed.read_bytes()), "QCOW2", "refers to other files")
    refused(pack(backed.read_bytes()), "RAW", "begins like QCOW2")
    refused(pack(pack(b"x" * 1000)), "RAW", "twice")
    refused(pack(b"x" * 1000)[:12] + b"\xff" * 40, "QCOW2")


def _zipped(data: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("image", data)
    return held.getvalue()


def test_a_bomb_is_not_unpacked() -> None:
    data = gzip.compress(bytes(200 * MIB), 9)
    assert of_bytes(data, "RAW").compression == "gz"


def test_qcow2_that_refers_to_other_files_or_is_encrypted(tmp_path: Path) -> None:
    base = made(tmp_path / "base", "raw")
    image = tmp_path / "image"
    for compat in ("0.10", "1.1"):
        qemu_img("create", "-q", "-f", "qcow2", "-o", f"compat={compat}", "-F", "raw", "-b", base, image)
        refused(image.read_bytes(), "QCOW2", "backing file")
    made(image, "qcow2", f"data_file={tmp_path / 'data'}")
    refused(image.read_bytes(), "QCOW2", "external")
    made(image, "qcow2", f"data_file={tmp_path / 'data'},data_file_raw=on")
    refused(image.read_bytes(), "QCOW2", "external")
    secret = ("--object", "secret,id=s,data=secret", "-o", "encrypt.format=aes,encrypt.key-secret=s")
    qemu_img("create", "-q", "-f", "qcow2", *secret, image, "10M")
    refused(image.read_bytes(), "QCOW2", "encrypted")


def test_an_external_file_named_without_its_feature_is_found(tmp_path: Path) -> None:
    data = bytearray(made(tmp_path / "image", "qcow2", f"data_file={tmp_path / 'data'}").read_bytes())
    data[72:80] = bytes(8)
    refused(bytes(data), "QCOW2", "external")


@pytest.mark.parametrize(
    ("offset", "form", "value", "text"),
    [
        (0, ">I", 0x51464900, "begin"),
        (4, ">I", 1, "version"),
        (4, ">I", 4, "version"),
        (8, ">Q", 65536, "backing"),
        (16, ">I", 20, "backing"),
        (20, ">I", 8, "clusters"),
        (20, ">I", 22, "clusters"),
        (20, ">I", 2**32 - 1, "clusters"),
        (24, ">Q", 2**63, "table|bytes"),
        (24, ">Q", 0, "bytes"),
        (32, ">I", 1, "encrypted"),
        (36, ">I", 0, "table"),
        (36, ">I", 2**32 - 1, "table"),
        (40, ">Q", 1, "table"),
        (40, ">Q", 2**63, "table"),
        (48, ">Q", 2**60, "references"),
        (56, ">I", 2**31, "references"),
        (60, ">I", 2**31, "snapshots"),
        (72, ">Q", 2, "corrupt"),
        (72, ">Q", 4, "external"),
        (72, ">Q", 8, "compressed"),
        (72, ">Q", 32, "features"),
        (72, ">Q", 2**63, "features"),
        (96, ">I", 7, "references"),
        (100, ">I", 103, "header"),
        (100, ">I", 72, "header"),
        (100, ">I", 2**31, "header"),
    ],
)
def test_qcow2_headers_that_cannot_be(tmp_path: Path, offset: int, form: str, value: int, text: str) -> None:
    data = bytearray(made(tmp_path / "image", "qcow2").read_bytes())
    struct.pack_into(form, data, offset, value)
    refused(bytes(data), "QCOW2", text)
    for length in (0, 3, 71, 103):
        refused(bytes(data[:length]), "QCOW2")


def test_extensions_that_leave_the_first_cluster(tmp_path: Path) -> None:
    data = bytearray(made(tmp_path / "image", "qcow2", "cluster_size=512").read_bytes())
    struct.pack_into(">II", data, 112, 0x12345678, 2**31)
    refused(bytes(data), "QCOW2", "longer")


def test_what_is_said_to_be_raw_begins_like_nothing_else(tmp_path: Path) -> None:
    for kind, magic in (("vdi", "VDI"), ("vhdx", "VHDX"), ("qed", "QED")):
        refused(made(tmp_path / kind, kind).read_bytes()[:8192], "RAW", magic)
    for head in (b"LUKS\xba\xbe", b"COWD", b"# Disk DescriptorFile\n", b"\n # Disk DescriptorFile\n", b"conectix"):
        refused(head + bytes(4096), "RAW", "begins like")
    assert of_bytes(b"\xeb\x63" + bytes(510), "RAW").virtual_size == 512


def test_vmdk_that_refers_to_other_files(tmp_path: Path) -> None:
    for subformat in ("monolithicFlat", "twoGbMaxExtentSparse"):
        refused(made(tmp_path / "image.vmdk", "vmdk", f"subformat={subformat}").read_bytes(), "VMDK", "other files")
    data = made(tmp_path / "image.vmdk", "vmdk").read_bytes()
    for old, new, text in (
        (b"parentCID=ffffffff", b"parentCID=00000001", "parent"),
        (b'SPARSE "image.vmdk"', b'FLAT "/etc/passwd" ', "extent"),
        (b'SPARSE "image.vmdk"', b'SPARSE "../passwd" ', "elsewhere"),
        (b'SPARSE "image.vmdk"', b'SPARSE "/etc/shado"', "elsewhere"),
        (b"# The Disk Data Base", b'RW 1 SPARSE "image2"', "extent"),
        (b"ddb.virtualHWVersion", b"parentFileNameHint  ", "other files"),
        (b'"monolithicSparse"', b'"vmfsRaw"         ', "types"),
        (b"RW 20480 ", b"RW 99999 ", "extent"),
        (b"# Disk DescriptorFile", b"# Disk DescriptorFil\x00", "description"),
    ):
        assert old in data
        refused(data.replace(old, new), "VMDK", text)
    for offset, value in ((4, 9), (28, 0), (28, 2**40), (36, 2**40), (20, 3)):
        broken = bytearray(data)
        struct.pack_into("<Q" if offset >= 12 else "<I", broken, offset, value)
        refused(bytes(broken), "VMDK")


def _vhd(data: bytearray, at: int, offset: int, form: str, value: int, sum_at: int = 64, length: int = 512) -> bytes:
    struct.pack_into(form, data, at + offset, value)
    struct.pack_into(">I", data, at + sum_at, 0)
    struct.pack_into(">I", data, at + sum_at, ~sum(data[at : at + length]) & 0xFFFFFFFF)
    return bytes(data)


def test_vhd_that_cannot_be(tmp_path: Path) -> None:
    data = made(tmp_path / "image", "vpc").read_bytes()
    assert of_bytes(_vhd(bytearray(data), 0, 60, ">I", 3), "VHD")
    refused(_vhd(bytearray(data), 0, 60, ">I", 4), "VHD", "parent")
    refused(_vhd(bytearray(data), 0, 60, ">I", 2), "VHD", "type")
    refused(_vhd(bytearray(data), 0, 12, ">I", 2), "VHD", "version")
    refused(_vhd(bytearray(data), 0, 16, ">Q", 2**50), "VHD")
    refused(_vhd(bytearray(data), 0, 48, ">Q", 2**50), "VHD", "blocks")
    refused(_vhd(bytearray(data), 512, 32, ">I", 3, 36, 1024), "VHD", "blocks")
    refused(_vhd(bytearray(data), 512, 16, ">Q", 2**50, 36, 1024), "VHD", "within")
    broken = bytearray(data)
    broken[70] ^= 1
    refused(bytes(broken), "VHD", "checksum")
    fixed = made(tmp_path / "image", "vpc", "subformat=fixed").read_bytes()
    refused(fixed[:-512], "VHD", "footer")
    refused(_vhd(bytearray(fixed), len(fixed) - 512, 48, ">Q", 2**40), "VHD", "ends before")
    refused(b"QFI\xfb" + fixed[4:], "VHD", "begins like")


OVF = '<?xml version="1.0"?><ovf:Envelope xmlns:ovf="x"><References>{}</References></ovf:Envelope>'
DISK = '<File ovf:id="f" ovf:href="{}"/>'


def archive(*members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data) if kind == tarfile.REGTYPE else 0
            info.type = kind
            info.linkname = "/etc/passwd" if kind != tarfile.REGTYPE else ""
            tar.addfile(info, io.BytesIO(data))
    return held.getvalue()


def test_ova(tmp_path: Path) -> None:
    disk = made(tmp_path / "d.vmdk", "vmdk", "subformat=streamOptimized").read_bytes()
    plain = OVF.format(DISK.format("d.vmdk")).encode()
    whole = archive(("a.ovf", plain), ("d.vmdk", disk))
    assert of_bytes(whole, "OVA") == Image("OVA", 10 * MIB)
    assert of_bytes(gzip.compress(whole), "OVA") == Image("OVA", None, "gz")
    flat = made(tmp_path / "f.vmdk", "vmdk", "subformat=monolithicFlat").read_bytes()
    for data, text in (
        (archive(("d.vmdk", disk), ("a.ovf", plain)), "begins with"),
        (archive(("a.ovf", plain)), "other files"),
        (archive(("a.ovf", OVF.format("").encode())), "no disk"),
        (archive(("a.ovf", plain), ("d.vmdk", flat)), "other files"),
        (archive(("a.ovf", plain), ("d.vmdk", disk), ("../x", b"")), "elsewhere"),
        (archive(("a.ovf", plain), ("d.vmdk", disk), ("/x", b"")), "elsewhere"),
        (archive(("a.ovf", plain), ("d.vmdk", disk), ("-x", b"")), "elsewhere"),
        (archive(("a.ovf", plain), ("d.vmdk", disk), ("d.vmdk", disk)), "one name"),
        (archive(("a.ovf", b"<!DOCTYPE x [<!ENTITY y SYSTEM '/etc/passwd'>]>" + plain), ("d.vmdk", disk)), "entities"),
        (archive(("a.ovf", OVF.format(DISK.format("http://inner/")).encode()), ("d.vmdk", disk)), "elsewhere"),
        (archive(("a.ovf", OVF.format(DISK.format("../d.vmdk")).encode()), ("d.vmdk", disk)), "elsewhere"),
        (archive(("a.ovf", b"text"), ("d.vmdk", disk)), "none"),
        (archive(("a.ovf", plain), kind=tarfile.SYMTYPE), "plain files"),
        (archive(("a.ovf", plain), kind=tarfile.LNKTYPE), "plain files"),
        (whole[:4000], "ends"),
        (bytes(1024), "no archive"),
        (b"x" * 1024, "no archive"),
    ):
        refused(data, "OVA", text)


def test_iso() -> None:
    volume = bytes(16 * 2048) + b"\x01CD001\x01" + bytes(2041) + b"\xffCD001\x01" + bytes(2041)
    assert of_bytes(volume, "ISO").virtual_size == len(volume)
    boot_first = bytes(16 * 2048) + b"\x00CD001\x01" + bytes(2041) + volume[16 * 2048 :]
    assert of_bytes(boot_first, "ISO")
    refused(bytes(20 * 2048), "ISO", "volume descriptor")
    refused(bytes(16 * 2048) + b"\xffCD001\x01" + bytes(2041), "ISO", "volume descriptor")
    refused(b"QFI\xfb" + volume[4:], "ISO", "begins like QCOW2")


def test_what_is_no_image_at_all() -> None:
    for declared in FORMATS:
        refused(b"", declared, "empty")
    refused(b"x", "PNG", "not taken")
    with pytest.raises(BadImage, match="limit"):
        inspect(bytes_reader(b"x"), 2**60, "RAW")
    with pytest.raises(BadImage, match="bytes"):
        inspect(bytes_reader(bytes(2000)), 2000, "RAW", most=1000)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=3000), st.sampled_from(FORMATS))
def test_whatever_bytes_come_are_read_or_refused(data: bytes, declared: str) -> None:
    for start in (b"", b"QFI\xfb\0\0\0\3", b"KDMV\1\0\0\0", b"conectix", b"\x1f\x8b\x08", b"PK\3\4", b"BZh91AY&SY"):
        try:
            image = of_bytes(start + data, declared)
        except BadImage:
            continue
        assert image.virtual_size is None or image.virtual_size > 0


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    directory = tmp_path_factory.mktemp("images")
    found = [
        (declared, made(directory / "image.vmdk", kind, *options, size="1M").read_bytes())
        for kind, options, declared in REAL
        if kind != "raw"
    ]
    disk = made(directory / "d.vmdk", "vmdk").read_bytes()
    return [*found, ("OVA", archive(("a.ovf", OVF.format(DISK.format("d.vmdk")).encode()), ("d.vmdk", disk)))]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 8))
def test_damaged_images_are_read_or_refused(samples: list[tuple[str, bytes]], seed: int, count: int) -> None:
    chance = random.Random(seed)
    declared, data = chance.choice(samples)
    damaged = bytearray(data)
    for _ in range(count):
        damaged[chance.randrange(min(len(damaged), 2048))] = chance.choice(
            (0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256))
        )
    if chance.random() < 0.3:
        del damaged[chance.randrange(len(damaged)) :]
    try:
        image = of_bytes(bytes(damaged), declared)
    except BadImage:
        return
    assert image.virtual_size is None or 0 < image.virtual_size <= 64 * 2**40
