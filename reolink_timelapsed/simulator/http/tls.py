"""Certificates and server contexts for a simulated NVR that speaks TLS, well or badly."""

import ssl
import subprocess
import warnings
from pathlib import Path
from typing import Literal

Variant = Literal["modern", "static-rsa", "tls1.0"]


def make_certificate(folder: Path, name: str = "nvr") -> Path:
    """Make a self-signed RSA certificate with its key, in one PEM file in `folder`.

    Uses the `openssl` command. Raises OSError if there is none, CalledProcessError if it fails.
    """
    pem = folder / f"{name}.pem"
    key = folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650"]
    command += ["-subj", f"/CN={name}", "-keyout", str(key), "-out", str(pem)]
    subprocess.run(command, check=True, capture_output=True)
    pem.write_bytes(key.read_bytes() + pem.read_bytes())
    key.unlink()
    return pem


def server_context(pem: Path, variant: Variant = "modern") -> ssl.SSLContext:
    """Make the server's side of TLS.

    "static-rsa" offers no forward secrecy, as old devices do: a client with today's defaults fails
    in the handshake. "tls1.0" speaks nothing newer, as far as this OpenSSL permits.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if variant == "static-rsa":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("AES128-GCM-SHA256:AES256-SHA")
    elif variant == "tls1.0":
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1
    context.load_cert_chain(pem)
    return context
