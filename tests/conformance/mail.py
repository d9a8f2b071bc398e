"""Messages as requests carry them."""

import base64


def message(subject="Hello", *, to="friend@elsewhere.example", body="Text.\r\n", **headers):
    """Return a message's octets; headers are added as they are, `_` standing for `-`."""
    lines = [f"To: {to}"] if to else []
    lines += [f"Subject: {subject}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def raw(*args, **kwargs):
    """Return the same as the member `raw` of a request."""
    return encode(message(*args, **kwargs))


def encode(octets):
    return base64.urlsafe_b64encode(octets).decode()


def decode(text):
    return base64.urlsafe_b64decode(text)


#: With an attachment; its octets are ATTACHED.
ATTACHED = bytes(range(256))
WITH_ATTACHMENT = (
    b"To: friend@elsewhere.example\r\nSubject: With attachment\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nSee there.\r\n"
    b"--b\r\nContent-Type: application/octet-stream; name=data.bin\r\n"
    b"Content-Disposition: attachment; filename=data.bin\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(ATTACHED).replace(b"\n", b"\r\n")
    + b"--b--\r\n"
)

#: Well-formed ids of nothing.
NOWHERE = "7fffffffffffffff"
NO_DRAFT = "r42"
NO_LABEL = "Label_987654321"
