"""What `cryptography` raises for octets that are no certificate, no key, or odd ones."""

from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

MALFORMED: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
