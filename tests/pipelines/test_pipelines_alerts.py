"""Alerts through the services of `ALERT_URLS`, at real servers: what arrives, what is said of what does not."""

from __future__ import annotations

import contextlib
import email
import http.server
import io
import json
import logging
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from email.policy import default
from pathlib import Path
from typing import Any, ClassVar

import pytest
from apprise.plugins.slack import NotifySlack

from pipelines import alerts
from tests.support.certificates import certify

SUBJECT, TEXT = "Run 1 of refresh_metrics failed", "Step extract: Zoë <b> & *co*\nhttps://metrics.example.com/runs/1"
SECRET = "hunter2secret"


class Web(http.server.BaseHTTPRequestHandler):
    """Remembers what it is told; a path that begins with a number is answered by that, /slow by nothing for long."""

    told: ClassVar[list[tuple[str, Any]]] = []
    slow = threading.Event()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.told.append((self.path, json.loads(body)))
        first = self.path.split("/")[1]
        if first == "slow":
            self.slow.wait(10)
        self.send_response(int(first) if first.isdigit() else 200)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: tests are quiet."""


class Post(socketserver.StreamRequestHandler):
    """An SMTP server that takes mail from who has encrypted the connection and logged in."""

    arrived: ClassVar[list[bytes]] = []
    logins: ClassVar[list[bytes]] = []
    context: ClassVar[ssl.SSLContext]

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        encrypted = False
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"EHLO":
                self.wfile.write(b"250-here\r\n250 AUTH PLAIN\r\n" if encrypted else b"250-here\r\n250 STARTTLS\r\n")
            elif word == b"STAR":
                self.wfile.write(b"220 go on\r\n")
                try:
                    self.request = self.context.wrap_socket(self.request, server_side=True)
                except ssl.SSLError:
                    return
                self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", buffering=0)
                encrypted = True
            elif word == b"AUTH":
                self.logins.append(line)
                self.wfile.write(b"235 yes\r\n")
            elif word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.arrived.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                self.wfile.write(b"250 yes\r\n")
            else:
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 yes\r\n")
                if word == b"QUIT":
                    return


@contextlib.contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[int]:
    """The port of a server, at work in a thread of its own."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    certify(folder, "authority")
    certify(folder, "localhost", "authority")
    return folder


@pytest.fixture
def encrypted(certificates: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "localhost.crt", certificates / "localhost.key")
    return context


@pytest.fixture
def trusted(certificates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority of these tests is one that this machine trusts."""
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(certificates / "authority.crt"))


@pytest.fixture
def web() -> Iterator[int]:
    Web.told.clear()
    Web.slow.clear()
    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)) as port:
        yield port
        Web.slow.set()


@pytest.fixture
def web_encrypted(encrypted: ssl.SSLContext) -> Iterator[int]:
    Web.told.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    server.socket = encrypted.wrap_socket(server.socket, server_side=True)
    with serving(server) as port:
        yield port


@pytest.fixture
def post(encrypted: ssl.SSLContext) -> Iterator[int]:
    Post.context = encrypted
    Post.arrived.clear()
    Post.logins.clear()
    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Post)) as port:
        yield port


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What a process writes to its log that leaves nothing out."""
    written, root, talkative = io.StringIO(), logging.getLogger(), logging.getLogger("urllib3")
    handler, level = logging.StreamHandler(written), root.level
    talkative.setLevel(logging.NOTSET)
    root.addHandler(handler)
    root.setLevel(1)
    yield written
    root.setLevel(level)
    root.removeHandler(handler)


def told(*addresses: str) -> list[str]:
    return alerts.send(SUBJECT, TEXT, {"ALERT_URLS": " ".join(addresses)})


def test_slack_is_told_subject_and_text_with_nothing_in_them_as_markup(
    web: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the address that Slack gives people, and as apprise writes it."""
    monkeypatch.setattr(NotifySlack, "webhook_url", f"http://127.0.0.1:{web}")
    token = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    assert told(f"https://hooks.slack.com/services/{token}", f"slack://{token}/#numbers") == []
    assert [path for path, _ in Web.told] == [f"/{token}"] * 2
    for _, message in Web.told:
        said = json.dumps(message, ensure_ascii=False)
        assert SUBJECT in said and "Step extract: Zoë &lt;b&gt; &amp; *co*" in said


def test_teams_is_told_over_a_connection_whose_certificate_is_checked(web_encrypted: int, trusted: None) -> None:
    assert told(f"workflows://localhost:{web_encrypted}/643e69f61e7a497286ff4e5cf48be2d2/{SECRET}") == []
    ((_, message),) = Web.told
    assert SUBJECT in json.dumps(message, ensure_ascii=False)


def test_a_server_whose_certificate_nobody_knows_is_told_nothing(web_encrypted: int, post: int) -> None:
    web_address = f"jsons://localhost:{web_encrypted}/{SECRET}"
    mail_address = f"mailtos://ana:{SECRET}@localhost:{post}?from=si@example.com&to=a@example.com"
    assert told(web_address, mail_address) == [
        "Number 1 of ALERT_URLS, JSON, was not told: it was not reached, or took nothing",
        "Number 2 of ALERT_URLS, E-Mail, was not told: it was not reached, or took nothing",
    ]
    assert (Web.told, Post.logins, Post.arrived) == ([], [], [])


def test_mail_goes_out_with_starttls_before_the_password(post: int, trusted: None) -> None:
    assert told(f"mailtos://ana:{SECRET}@localhost:{post}?from=si@example.com&to=a@example.com&format=text") == []
    (raw,), (login,) = Post.arrived, Post.logins
    assert login.startswith(b"AUTH PLAIN ")
    message = email.message_from_bytes(raw, policy=default)
    assert message["Subject"] == SUBJECT
    assert message.get_content().strip().splitlines() == TEXT.splitlines()


def test_each_service_that_was_not_told_is_named_by_its_number_and_keeps_no_other_from_being_told(
    web: int, monkeypatch: pytest.MonkeyPatch, logged: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    """No part of an address is said or logged, not at the most talkative level either; redirects are not followed."""
    monkeypatch.setattr(alerts, "_SECONDS", 1.0)
    began = time.monotonic()
    said = told(
        f"json://127.0.0.1:{web}/503/{SECRET}",
        f"json://127.0.0.1:{web}/302/{SECRET}",
        f"json://127.0.0.1:1/{SECRET}",
        f"json://127.0.0.1:{web}/slow/{SECRET}",
        f"slack://{SECRET}",
        f"nobody://{SECRET}/x",
        SECRET,
        f"https://example.com/{SECRET}",
        f"mailto://ana:{SECRET}@127.0.0.1:{web}?from=si@example.com&to=a@example.com",
        f"json://127.0.0.1:{web}/well/{SECRET}",
    )
    assert time.monotonic() - began < 8
    assert said == [
        *(f"Number {number} of ALERT_URLS is no address of a service that apprise knows" for number in range(5, 9)),
        "Number 9 of ALERT_URLS would send its password unencrypted: take the form with an s, like mailtos://",
        "Number 1 of ALERT_URLS, JSON, was not told: it answered 503",
        "Number 2 of ALERT_URLS, JSON, was not told: it answered 302",
        "Number 3 of ALERT_URLS, JSON, was not told: it was not reached, or took nothing",
        "Number 4 of ALERT_URLS, JSON, was not told: it did not answer within 1 seconds",
    ]
    assert {path.split("/")[1] for path, _ in Web.told} == {"503", "302", "slow", "well"}
    assert SECRET not in logged.getvalue() + "".join(capfd.readouterr())


def test_the_webhook_gets_the_one_field_it_always_got_beside_the_services(web: int, logged: io.StringIO) -> None:
    environment = {
        "ALERT_WEBHOOK_URL": f"http://127.0.0.1:{web}/{SECRET}?sig=a%2Bb",
        "ALERT_URLS": f"json://127.0.0.1:{web}/other",
    }
    assert alerts.send(SUBJECT, TEXT, environment) == []
    assert (f"/{SECRET}?sig=a%2Bb", {"text": f"{SUBJECT}\n{TEXT}"}) in Web.told
    assert [path for path, _ in Web.told] == [f"/{SECRET}?sig=a%2Bb", "/other"]
    assert SECRET not in logged.getvalue()
