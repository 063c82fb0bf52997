"""Whom to tell of a failed run: the settings for it, and the services behind the addresses of `ALERT_URLS`.

Belongs here: reading these settings and saying what cannot work about them. The pipelines do the sending. Shows no
address, because most hold a token.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from si_analytics import settings
from si_analytics.health.findings import Finding, Verdict

if TYPE_CHECKING:
    from apprise import NotifyBase

MAIL = ("ALERT_EMAIL_TO", "ALERT_EMAIL_FROM", "ALERT_SMTP_URL")
NAMES = ("ALERT_WEBHOOK_URL", "ALERT_URLS", *MAIL, "ALERT_UI_URL")

_UNKNOWN = "is no address of a service that apprise knows"
_IN_THE_CLEAR = "would send its password unencrypted: take the form with an s, like mailtos://"


def findings() -> Iterator[Finding]:
    """A line for each alert setting that says whether it is set, then a line for each that cannot work."""
    given = {name: settings.given(name) for name in NAMES}
    for name, value in given.items():
        said = f"{'set' if value else 'not set'} ({settings.origin(name)})"
        yield Finding(Verdict.well, name, said)
    missing = [name for name in MAIL if not given[name]]
    if 0 < len(missing) < len(MAIL):
        found = f"no e-mail is sent: {', '.join(missing)} is not set"
        yield Finding(Verdict.notable, "alerts", found, f"Set all of {', '.join(MAIL)}, or none")
    if given["ALERT_URLS"] and find_spec("apprise") is None:
        remedy = "Install the locked versions again: make demo"
        yield Finding(Verdict.notable, "alerts", "apprise, which ALERT_URLS needs, is not installed", remedy)
    elif given["ALERT_URLS"]:
        for trouble in services(given["ALERT_URLS"])[1]:
            remedy = "Correct it as docs/dagster.md says, and restart the code location"
            yield Finding(Verdict.notable, "alerts", trouble, remedy)


def services(addresses: str) -> tuple[list[NotifyBase], list[str]]:
    """The services behind blank-separated addresses, and a sentence for each address without a service.

    A service's tag is the number of its address.
    """
    import apprise  # imported late: it is an extra, and loads a module per service

    keep_addresses_out_of_logs()
    asset = apprise.AppriseAsset(app_id="si_analytics", http_redirects=False)
    found, troubles = [], []
    for number, address in enumerate(addresses.split(), start=1):
        service = apprise.Apprise.instantiate(address, asset=asset, tag=str(number))
        if service is None or _speaks_in_the_clear(service):
            troubles.append(f"Number {number} of ALERT_URLS {_UNKNOWN if service is None else _IN_THE_CLEAR}")
        else:
            found.append(service)
    return found, troubles


def keep_addresses_out_of_logs() -> None:
    """Stops apprise from logging a whole address it cannot read, and urllib3 from logging request paths at DEBUG."""
    logging.getLogger("apprise").propagate = False
    logging.getLogger("urllib3").setLevel(logging.WARNING)


def _speaks_in_the_clear(service: NotifyBase) -> bool:
    """Whether a password would travel unencrypted; a service without an unencrypted form does not set `secure`."""
    mode = getattr(service, "secure_mode", None)  # of mail: some providers have their own mode, whatever the address
    encrypted = mode != "insecure" if mode else service.secure or not service.protocol
    return bool(service.password) and not encrypted
