"""Options of DHCP that may be given to network cards: their codes and names, and reading them."""

from __future__ import annotations

from collections.abc import Mapping

from cloudsim.core.errors import InvalidValue

#: Codes of IPv4 options, and what they are called.
NAMES: dict[int, str] = {
    2: "time-offset", 4: "time-server", 5: "ien116-name-server", 7: "log-server", 8: "cookie-server", 9: "lpr-server",
    10: "impress-server", 11: "rlp-server", 12: "hostname", 13: "boot-file-size", 14: "merit-dump", 15: "domain-name",
    16: "swap-server", 17: "root-path", 18: "extension-path", 19: "ip-forward-enable", 20: "non-local-source-routing",
    21: "policy-filter", 22: "max-datagram-reassembly", 23: "default-ttl", 24: "mtu-timeout", 25: "mtu-plateau",
    26: "mtu", 27: "all-subnets-local", 28: "broadcast", 29: "mask-discovery", 30: "mask-supplier",
    31: "router-discovery", 32: "router-solicitation", 33: "static-route", 34: "trailer-encapsulation",
    35: "arp-timeout", 36: "ethernet-encap", 37: "tcp-ttl", 38: "tcp-keepalive", 39: "tcp-keepalive-data",
    40: "nis-domain", 41: "nis-server", 42: "ntp-server", 43: "vendor-encap", 44: "netbios-ns", 45: "netbios-dd",
    46: "netbios-nodetype", 47: "netbios-scope", 48: "x-windows-fs", 49: "x-windows-dm", 58: "T1", 59: "T2",
    60: "vendor-class", 64: "nis+-domain", 65: "nis+-server", 66: "tftp-server", 67: "bootfile-name",
    68: "mobile-ip-home", 69: "smtp-server", 70: "pop3-server", 71: "nntp-server", 72: "www-server",
    73: "finger-server", 74: "irc-server", 75: "street-talk-server", 76: "stda-server", 77: "user-class",
    78: "slp-directory-agent", 79: "slp-service-scope", 80: "rapid-commit", 93: "client-arch",
    94: "client-interface-id", 97: "client-machine-id", 100: "posix-timezone", 101: "tzdb-timezone", 114: "url",
    116: "auto-configure", 117: "name-service-search", 118: "subnet-selection", 119: "domain-search",
    120: "sip-server", 121: "classless-static-route", 125: "vendor-id-encap", 128: "tftp-server-address",
    136: "pana-agent", 137: "lost-server", 138: "capwap-server", 141: "sip-ua-service-domains", 150: "tftp-server-list",
    208: "pxelinux-magic", 209: "pxelinux-config-file", 210: "pxelinux-path-prefix", 211: "pxelinux-reboot-time",
    252: "wpad", 255: "server-ip-address",
}  # fmt: skip
MOST = 255


def options(given: Mapping[str, str]) -> dict[str, str]:
    """Options by code, as cards keep them, of names such as ``dhcp:114``. Raises `InvalidValue`."""
    made = {}
    for name, value in given.items():
        code = name.lower().removeprefix("dhcp:")
        if not (code.isascii() and code.isdigit() and len(code) < 4 and int(code) in NAMES):
            raise InvalidValue(
                f"'{name[:64]}' is not an option of DHCP that can be given: dhcp:<code>, such as dhcp:114"
            )
        if not value or len(value.encode()) > MOST or not value.isprintable():
            raise InvalidValue(f"the value of DHCP option {code} is a text of 1 to {MOST} bytes in one line")
        made[str(int(code))] = value
    return made


def name(code: str) -> str:
    """What an option is called; the code itself where it has no name."""
    return NAMES.get(int(code), code) if code.isdigit() else code
