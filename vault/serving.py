"""How gunicorn runs the vault: workers of several threads, each with its weaver; one of them notarises."""

from typing import Any

from vault.hardening import start_log
from vault.notarising import start_in_process

workers = 2
threads = 4
worker_class = "gthread"
timeout = 60
graceful_timeout = 20
control_socket_disable = True
limit_request_line = 2048
limit_request_fields = 60
accesslog = None


def post_worker_init(worker: Any) -> None:
    """Start the notary's thread in this worker; a lock lets one worker of the machine sign."""
    start_log()
    start_in_process(worker.wsgi.extensions["vault"])
