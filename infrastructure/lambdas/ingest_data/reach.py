"""Where a URL may lead: to public addresses, and to those networks that the stack allows.

The name is looked up once and the connection goes to the address that was checked, so that a name
server cannot say one thing to the check and another to the connection. Else a URL could read the
metadata service or a neighbour in the VPC with our rights.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from byoa.plan.errors import ByoaError, UsageError

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[Any]]
#: IPv6 that a gateway, or an old stack, turns into the IPv4 address of its last 32 bits.
NAT64 = tuple(
    IPv6Network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96")
)
CONNECT = 10.0


class SourceError(ByoaError):
    """The source cannot be had: a bad address, a refusal, a thing that is gone or too slow."""


def resolve(host: str, port: int) -> Sequence[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def parsed(url: str) -> SplitResult:
    """A URL that can be asked for; it holds no password, as URLs are logged."""
    try:
        parts = urlsplit(url)
        bad = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
    except ValueError:
        bad = True
    if bad or any(ord(letter) < 33 for letter in url):
        raise UsageError(f"Source is {plain(url)!r}. Write https://…, http://… or s3://bucket/key.")
    if parts.username or parts.password:
        raise UsageError(
            "Source holds a user name or a password, which logs would show. Give a presigned URL."
        )
    return parts


def plain(url: str) -> str:
    """A URL as logs may have it: without its query, where presigned ones keep their key."""
    return url.partition("?")[0].partition("#")[0].rpartition("@")[2][:200]


def checked(host: str, port: int, networks: str, look_up: Resolve = resolve) -> list[str]:
    """The addresses of a host; SourceError when one of them is none of ours to reach."""
    try:
        found = [str(one[4][0]).partition("%")[0] for one in look_up(host, port)]
    except (OSError, UnicodeError) as error:
        raise SourceError(f"There is no host {host}: {error}. Look at Source.") from error
    for address in found:
        if not reachable(ip_address(address), networks):
            known = host if host == address else f"{host} ({address})"
            raise SourceError(
                f"{known} is no public address, and was not asked. To allow it: byoa setup --set"
                f" AllowedNetworks={address}/{32 if '.' in address else 128}"
            )
    return list(dict.fromkeys(found))


def reachable(address: Address, networks: str) -> bool:
    """Whether an address is public or in one of the networks (10.0.0.0/8,…)."""
    inner = embedded(address)
    if inner is not None and not reachable(inner, networks):
        return False
    allowed = [ip_network(one.strip()) for one in networks.split(",") if one.strip()]
    if any(address.version == one.version and address in one for one in allowed):
        return True
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return True  # its inner one was looked at
    old = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not address.is_multicast and not old


def embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, IPv4Address):
        return None
    if any(address in network for network in NAT64) and not address.is_loopback:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


class Connection(http.client.HTTPConnection):
    """HTTP to one address that was checked, whatever the host's name is by now."""

    def __init__(self, host: str, port: int, addresses: Sequence[str], timeout: float) -> None:
        super().__init__(host, port, timeout=CONNECT)
        self.addresses, self.patience = addresses, timeout

    def connect(self) -> None:
        self.sock = self._reach()
        self.sock.settimeout(self.patience)

    def _reach(self) -> socket.socket:
        for address in self.addresses[:-1]:
            try:
                return socket.create_connection((address, self.port), CONNECT)
            except OSError:
                continue
        return socket.create_connection((self.addresses[-1], self.port), CONNECT)


class SecureConnection(Connection):
    """The same with TLS: the certificate is held against the name, not the address."""

    default_port = 443
    tls: ssl.SSLContext

    def connect(self) -> None:
        self.sock = self.tls.wrap_socket(self._reach(), server_hostname=self.host)
        self.sock.settimeout(self.patience)


def connection(
    parts: SplitResult, networks: str, timeout: float, tls: ssl.SSLContext | None, look_up: Resolve
) -> Connection:
    """A connection to a URL's host, not yet made."""
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = checked(host, port, networks, look_up)
    if parts.scheme == "http":
        return Connection(host, port, addresses, timeout)
    made = SecureConnection(host, port, addresses, timeout)
    made.tls = tls or ssl.create_default_context()
    return made


def path_of(parts: SplitResult) -> str:
    """Path and query as the request line has them."""
    safe = "/%:@!$&'()*+,;=~-._"
    query = f"?{quote(parts.query, safe + '?')}" if parts.query else ""
    return (quote(parts.path, safe) or "/") + query
