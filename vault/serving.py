"""How gunicorn runs the vault: workers of several threads, each with its weaver; one of them notarises."""

import os
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from gunicorn import systemd

from vault.hardening import start_log
from vault.notarising import start_in_process
from vault.settings import load

workers = 2
threads = 4
worker_class = "gthread"
timeout = 60
graceful_timeout = 20
control_socket_disable = True
limit_request_line = 2048
limit_request_fields = 60
accesslog = None


def on_starting(server: Any) -> None:
    """Refuse to serve anybody but this machine while cookies travel without TLS: end with one line."""
    settings = load(Path(os.environ["VAULT_DATA"]))
    addresses = [*server.cfg.address, *handed_over(systemd.listen_fds(unset_environment=False))]
    if not settings.tls and not all(map(is_of_this_machine, addresses)):
        raise SystemExit("Without TLS the vault is served on this machine only: bind it to 127.0.0.1.")


def handed_over(count: int) -> list[Any]:
    """Where the sockets listen that systemd opened before: they replace every address named here."""
    first = systemd.SD_LISTEN_FDS_START
    addresses = []
    for number in range(first, first + count):
        with socket.socket(fileno=os.dup(number)) as given:
            addresses.append(given.getsockname())
    return addresses


def is_of_this_machine(address: Any) -> bool:
    """Whether nobody elsewhere reaches this address: a socket file, or (host, port) of the loopback."""
    if isinstance(address, str | bytes):
        return True
    if isinstance(address, int):
        return False  # A socket handed over as a number could listen anywhere.
    try:
        return ip_address(address[0]).is_loopback
    except ValueError:
        return False  # A name could lead anywhere.


def post_worker_init(worker: Any) -> None:
    """Start the notary's thread in this worker; a lock lets one worker of the machine sign."""
    start_log()
    start_in_process(worker.wsgi.extensions["vault"])
