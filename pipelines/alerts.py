"""Telling someone that a run failed, beyond the log: a webhook, an e-mail, each where it is configured.

Belongs here: reading who is to be told from the environment, when there is something to tell, and telling them.
What is sent names the run, its job, its step and the reason; addresses and passwords stand in no message and no
log.

- ``ALERT_WEBHOOK_URL``: gets a POST of ``{"text": ...}``, which Slack, Mattermost and Teams workflows take.
- ``ALERT_EMAIL_TO`` (several, set off by commas), ``ALERT_EMAIL_FROM`` and ``ALERT_SMTP_URL``, like
  ``smtp://user:password@mail.example.com:587`` (STARTTLS where there is a user) or ``smtps://...:465``.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import requests

_SECONDS = 15.0
_MAIL = ("ALERT_EMAIL_TO", "ALERT_EMAIL_FROM", "ALERT_SMTP_URL")


def send(subject: str, text: str, environment: Mapping[str, str]) -> list[str]:
    """Tell everyone who is configured; the sentences say whom it did not reach, and hold no address.

    One that cannot be reached keeps nobody else from being told.
    """
    troubles = []
    if environment.get("ALERT_WEBHOOK_URL"):
        try:
            _post(environment["ALERT_WEBHOOK_URL"], f"{subject}\n{text}")
        except requests.RequestException as error:
            troubles.append(f"The webhook of ALERT_WEBHOOK_URL was not told: {_reason(error)}")
    named = [name for name in _MAIL if environment.get(name)]
    if len(named) == len(_MAIL):
        try:
            _mail(subject, text, environment)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            troubles.append(f"The e-mail of ALERT_EMAIL_TO was not sent: {type(error).__name__}")
    elif named:
        missing = ", ".join(name for name in _MAIL if name not in named)
        troubles.append(f"No e-mail was sent: {missing} is not set, while {', '.join(named)} is")
    return troubles


def _post(url: str, text: str) -> None:
    answer = requests.post(url, json={"text": text}, timeout=_SECONDS, allow_redirects=False)
    answer.raise_for_status()
    if answer.is_redirect:
        raise requests.TooManyRedirects(response=answer)


def _reason(error: requests.RequestException) -> str:
    """What went wrong, without the address, which often is a secret."""
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
                connection.starttls(context=tls)  # a password never travels in the clear
            connection.login(unquote(server.username), unquote(server.password or ""))
        connection.send_message(message)
