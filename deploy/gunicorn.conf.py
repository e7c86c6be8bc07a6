"""How gunicorn serves the vault behind nginx; systemd's vault.socket hands it the listening socket."""

wsgi_app = "vault.wsgi:app"

# Two workers share two cores. Each has its own weaver thread, and threads wait there together for one commit.
workers = 2
worker_class = "gthread"
threads = 4
# Each worker opens its own database connections, keys and weaver; none of them survives a fork.
preload_app = False
worker_tmp_dir = "/dev/shm"  # nosec B108 - gunicorn's heartbeat only; a disk that stalls must not end a worker.

# A control socket would let whoever reaches it stop or resize the service.
control_socket_disable = True

# Whatever the service writes is for its own account alone.
umask = 0o077

timeout = 30
graceful_timeout = 20
keepalive = 5
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190

# The vault keeps its own log, with an allow-list of keys; an access log would keep addresses asked for.
accesslog = None
errorlog = "-"
loglevel = "warning"
capture_output = False
proc_name = "vault"
