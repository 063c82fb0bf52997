"""Tells someone beyond the log that a run failed: by webhook, by e-mail, each if configured.

Belongs here: reading from the environment whom to tell, when there is something to tell, and telling them.
A message names the run, its job, its step and the reason; no message and no log holds an address or a password.

- ``ALERT_WEBHOOK_URL``: gets a POST of ``{"text": ...}``, which Slack, Mattermost and Teams workflows take.
- ``ALERT_EMAIL_TO`` (several, separated by commas), ``ALERT_EMAIL_FROM`` and ``ALERT_SMTP_URL``, like
  ``smtp://user:password@mail.example.com:587`` (STARTTLS if there is a user) or ``smtps://...:465``.
- ``ALERT_URLS``: addresses in apprise's form, separated by blanks, for Slack, Teams, mail and a hundred others.

The first two do not use apprise: its webhook has fields of its own, its mail goes to each person separately, and
neither says why a message did not arrive.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import requests

from si_analytics.health.alerts import MAIL, keep_addresses_out_of_logs, services

if TYPE_CHECKING:
    from apprise import NotifyResult

_SECONDS = 15.0
_ANSWERED = re.compile(r"\berror=(\d{3})\b")


def send(subject: str, text: str, environment: Mapping[str, str]) -> list[str]:
    """Tell everyone who is configured; returns sentences on whom it did not reach, without addresses.

    A recipient who cannot be reached keeps nobody else from being told.
    """
    troubles = []
    keep_addresses_out_of_logs()
    if environment.get("ALERT_WEBHOOK_URL"):
        try:
            _post(environment["ALERT_WEBHOOK_URL"], f"{subject}\n{text}")
        except requests.RequestException as error:
            troubles.append(f"The webhook of ALERT_WEBHOOK_URL was not told: {_reason(error)}")
    named = [name for name in MAIL if environment.get(name)]
    if len(named) == len(MAIL):
        try:
            _mail(subject, text, environment)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            troubles.append(f"The e-mail of ALERT_EMAIL_TO was not sent: {type(error).__name__}")
    elif named:
        missing = ", ".join(name for name in MAIL if name not in named)
        troubles.append(f"No e-mail was sent: {missing} is not set, while {', '.join(named)} is")
    if environment.get("ALERT_URLS"):
        troubles += _tell(subject, text, environment["ALERT_URLS"])
    return troubles


def _tell(subject: str, text: str, addresses: str) -> list[str]:
    """Tell the services of ``ALERT_URLS``, all at once, each within the time limit of a webhook."""
    import apprise  # imported late: it loads a module per service

    found, troubles = services(addresses)
    everyone = apprise.Apprise(found)
    told = everyone.notify(
        text, subject, apprise.NotifyType.FAILURE, body_format=apprise.NotifyFormat.TEXT, timeout=_SECONDS
    )
    return troubles + [
        f"Number {one.tag[0]} of ALERT_URLS, {one.name}, was not told: {_why(one)}" for one in told if not one
    ]


def _why(result: NotifyResult) -> str:
    """What went wrong, by the status number answered: the words of the log may hold the address."""
    import apprise

    if result.status is apprise.AppriseResultStatus.TIMEOUT:
        return f"it did not answer within {_SECONDS:.0f} seconds"
    answered = [match[1] for entry in result.logs() if (match := _ANSWERED.search(entry.message))]
    return f"it answered {answered[-1]}" if answered else "it was not reached, or took nothing"


def _post(url: str, text: str) -> None:
    answer = requests.post(url, json={"text": text}, timeout=_SECONDS, allow_redirects=False)
    answer.raise_for_status()
    if answer.is_redirect:
        raise requests.TooManyRedirects(response=answer)


def _reason(error: requests.RequestException) -> str:
    """What went wrong, without the address, which is often a secret."""
    return f"it answered {error.response.status_code}" if error.response is not None else type(error).__name__


def _mail(subject: str, text: str, environment: Mapping[str, str]) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = (
        subject,
        *(environment[name] for name in ("ALERT_EMAIL_FROM", "ALERT_EMAIL_TO")),
    )
    message.set_content(text)
    server = urlsplit(environment["ALERT_SMTP_URL"])
    if server.scheme not in {"smtp", "smtps"} or not server.hostname:
        raise ValueError("no smtp:// or smtps:// address")
    tls = ssl.create_default_context()
    opened = (
        smtplib.SMTP_SSL(server.hostname, server.port or 465, timeout=_SECONDS, context=tls)
        if server.scheme == "smtps"
        else smtplib.SMTP(server.hostname, server.port or 25, timeout=_SECONDS)
    )
    with opened as connection:
        if server.username:
            if server.scheme == "smtp":
                connection.starttls(context=tls)  # never send a password unencrypted
            connection.login(unquote(server.username), unquote(server.password or ""))
        connection.send_message(message)
