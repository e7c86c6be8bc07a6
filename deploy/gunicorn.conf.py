"""How gunicorn serves the vault behind nginx: as in vault.serving, on the socket that systemd hands over.

Start it with `python -m gunicorn`, so that the checkout is found.
"""

from vault.serving import (
    accesslog,
    control_socket_disable,
    graceful_timeout,
    limit_request_fields,
    limit_request_line,
    on_starting,
    post_worker_init,
    threads,
    timeout,
    worker_class,
    workers,
)

__all__ = [
    "accesslog",
    "control_socket_disable",
    "graceful_timeout",
    "limit_request_fields",
    "limit_request_line",
    "on_starting",
    "post_worker_init",
    "threads",
    "timeout",
    "worker_class",
    "workers",
]

wsgi_app = "vault.wsgi:app"
# Each worker opens its own database connections, keys and weaver; none of them survives a fork.
preload_app = False
# Gunicorn's heartbeat alone is written here; a disk that stalls must not end a worker.
worker_tmp_dir = "/dev/shm"  # nosec B108
# Whatever the service writes is for its own account alone.
umask = 0o077
keepalive = 5
errorlog = "-"
loglevel = "warning"
capture_output = False
proc_name = "vault"
