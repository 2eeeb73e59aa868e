"""TLS as recorders of the last fifteen years speak it."""

from __future__ import annotations

import socket
import ssl
import warnings

_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")
"""What OpenSSL calls it when the other side does not speak TLS at all."""


def lenient_context() -> ssl.SSLContext:
    """Return a client's context for odd devices.

    Certificates are self-signed everywhere, so they are pinned or not checked. Some devices
    offer static-RSA ciphers only, and the oldest TLS 1.0; neither is in Python's defaults.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    return context


def certificate(host: str, port: int) -> bytes:
    """Shake hands with whoever answers there, and return the certificate (DER).

    Bounded by the caller's deadline alone.

    Raises:
        OSError: nobody answers; as `ssl.SSLError`, somebody does who does not get on with us.
    """
    with (
        socket.create_connection((host, port)) as plain,
        lenient_context().wrap_socket(plain) as tls,
    ):
        return tls.getpeercert(binary_form=True) or b""


def speaks_no_tls(error: Exception) -> bool:
    """Whether a failed handshake means that there is something else than TLS, plain http say."""
    return isinstance(error, ssl.SSLError) and error.reason in _NO_TLS
