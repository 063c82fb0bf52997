"""Certificates that tests make, with the program openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path


def certify(folder: Path, name: str, *signed_by: str) -> None:
    """A key and its certificate for `name`, signed by itself or by another one of the folder."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt"]
    for issuer in signed_by:
        command += ["-CA", f"{issuer}.crt", "-CAkey", f"{issuer}.key", "-addext", f"subjectAltName=DNS:{name}"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
