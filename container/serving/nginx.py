"""nginx's configuration: buffers slow clients, keeps limits, and speaks JSON when it must answer.

Everything it writes is below one private folder in /tmp, so it runs with a read-only root and
without root.
"""

from __future__ import annotations

import grp
import os
import pwd
import resource
import stat
from dataclasses import dataclass
from pathlib import Path

from container.serving.answers import error_body
from container.serving.privileges import SERVICE_USER
from container.serving.settings import LOAD_SECONDS, MIB, Settings

# status nginx would give -> (status to give, code, message). 494 is nginx's own "header too large".
# What a client did wrong is never a 5xx: nginx's 501 and 505 become 400.
CLIENT_ERRORS = {
    400: (400, "bad_request", "not a valid HTTP request"),
    405: (405, "method_not_allowed", "this method is not allowed here"),
    408: (408, "request_timeout", "the request did not arrive in time"),
    411: (411, "length_required", "send the body with a Content-Length, or chunked"),
    414: (414, "uri_too_long", "the request line is too long"),
    416: (416, "bad_range", "ranges are not served"),
    421: (421, "misdirected", "this host is not served here"),
    494: (431, "headers_too_large", "the request's headers are too large"),
    501: (400, "bad_request", "this transfer encoding is not supported"),
    505: (400, "bad_request", "this HTTP version is not supported"),
}
SERVER_ERRORS = {
    500: (500, "server_error", "the server failed"),
    502: (503, "starting", "the server is starting or restarting"),
    503: (503, "overloaded", "the server is overloaded"),
    504: (504, "deadline", "no answer in time"),
}
CONNECTIONS = 4096
# The app logs what reaches it; nginx logs what it answers itself, in the same form.
LOG_FORMAT = """\
'{"time": "$time_iso8601", "method": "$request_method", "path": "$request_uri", "status": $status,'
    ' "bytes_in": $request_length, "bytes_out": $body_bytes_sent, "by": "nginx"}'"""


@dataclass(frozen=True, slots=True)
class Host:
    """What nginx's configuration depends on beyond the settings."""

    as_root: bool
    connections: int
    log: str | None

    @classmethod
    def look(cls, as_root: bool) -> Host:
        """This machine's limit of open files, and whether nginx can open our stdout to log to."""
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        allowed = CONNECTIONS if most == resource.RLIM_INFINITY else (most - 64) // 2
        return cls(as_root, max(64, min(CONNECTIONS, allowed)), _own_log())


def _own_log() -> str | None:
    """stdout, where it can be opened by name: a pipe or a terminal, but no file and no socket."""
    mode = os.fstat(1).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
        return None
    try:
        os.close(os.open("/dev/stdout", os.O_WRONLY | os.O_APPEND))
    except OSError:
        return None
    return "/dev/stdout"


def configure(settings: Settings, folder: Path, upstream: Path, host: Host) -> str:
    """The text of nginx.conf."""
    too_large = f"the body is larger than {settings.max_payload // MIB} MiB"
    pages = {
        **CLIENT_ERRORS,
        413: (413, "too_large", f"{too_large} (SAGEMAKER_MAX_PAYLOAD_IN_MB)"),
        **SERVER_ERRORS,
    }
    longest = max(settings.timeout, LOAD_SECONDS if settings.multi_model else 0)
    seconds = int(longest) + 10  # the app answers 504 first, and says more
    return f"""\
daemon off;
{f"user {SERVICE_USER} {_group()};" if host.as_root else ""}
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
worker_rlimit_nofile {2 * host.connections + 64};
worker_shutdown_timeout {int(settings.drain) + 2}s;
events {{ worker_connections {host.connections}; }}
http {{
  map "$upstream_status $request_uri" $ours {{
    default 0; "~ /(ping|metrics)" 0; "~^(|502|504) " 1;
  }}
  log_format ours escape=json {LOG_FORMAT};
  {f"access_log {host.log} ours if=$ours;" if host.log else "access_log off;"}
  server_tokens off;
  default_type application/octet-stream;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size {settings.max_payload};
  client_body_buffer_size 1m;
  client_header_timeout 10s;
  client_body_timeout 10s;
  send_timeout 30s;
  keepalive_timeout 75s;
  keepalive_requests 1000000;
  reset_timedout_connection on;
  lingering_timeout 2s;
  upstream gateway {{
    server unix:{upstream} max_fails=0;
    keepalive 64;
    keepalive_requests 1000000;
    keepalive_time 24h;
  }}
  server {{
    listen {settings.address}:{settings.port} default_server backlog=2048;
    location / {{
      proxy_pass http://gateway;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_connect_timeout 5s;
      proxy_send_timeout {seconds}s;
      proxy_read_timeout {seconds}s;
      proxy_buffers 16 64k;
      proxy_buffer_size 64k;
      proxy_busy_buffers_size 128k;
      proxy_max_temp_file_size 0;
      proxy_ignore_client_abort on;
    }}
{"".join(_page(status, *page) for status, page in pages.items())}  }}
}}
"""


def _page(status: int, given: int, code: str, message: str) -> str:
    # A plain location: nginx cannot go to a named one (@…) before it has read a whole request line.
    # Its own body size: nginx looks again on its way there, and would fall back to HTML.
    retry = 'add_header Retry-After "2" always;' if given == 503 else ""
    return f"""\
    error_page {status} ={given} /error-{status};
    location = /error-{status} {{
      internal; client_max_body_size 0; default_type application/json; {retry}
      return {given} '{_quoted(error_body(code, message))}';
    }}
"""


def _quoted(body: bytes) -> str:
    """JSON inside nginx's single quotes: the apostrophe as JSON can also write it."""
    return body.decode().replace("'", "\\u0027")


def _group() -> str:
    """The service user's group: nogroup here, nobody there."""
    return grp.getgrgid(pwd.getpwnam(SERVICE_USER).pw_gid).gr_name
