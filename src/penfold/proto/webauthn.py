"""Passkeys as a relying party sees them (WebAuthn Level 2), without any memory of its own.

Options for the browser go out as JSON with base64url for octets, as WebAuthn Level 3 §5.1.9
spells them; what the browser answers comes in as such JSON. The user is always verified, and the
attestation is not looked at: any authenticator will do. The library fido2 does the octets; it
takes 70 ms to load, so only who makes or checks a passkey loads it.
"""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import PASSKEY_ANSWER_MAX_CHARS
from penfold.proto.oauth import base64url

if TYPE_CHECKING:
    from fido2.server import Fido2Server
    from fido2.webauthn import PublicKeyCredentialDescriptor

#: WebAuthn §5.8.6, userVerification.
_VERIFIED: Final = "required"


class NewKey(Struct, frozen=True, gc=False):
    """A credential just made; key: its attested credential data."""

    id: bytes
    key: bytes
    counter: int


class Place(Struct, frozen=True, gc=False):
    """Where passkeys are used: the host they belong to, and the origin pages have."""

    host: str
    origin: str


def make_creation(
    place: Place, challenge: bytes, *, user: tuple[bytes, str, str], known: Iterable[bytes]
) -> str:
    """Return options for a new passkey. user: id without meaning, address and name."""
    from fido2.webauthn import (
        PublicKeyCredentialUserEntity,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options, _ = _server(place).register_begin(
        PublicKeyCredentialUserEntity(id=user[0], name=user[1], display_name=user[2]),
        _descriptors(known),
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement(_VERIFIED),
        challenge=challenge,
    )
    return json.dumps(dict(options))


def make_request(place: Place, challenge: bytes, *, known: Iterable[bytes] = ()) -> str:
    """Return options for showing a passkey; known: ids of which it must be one, none: any."""
    from fido2.webauthn import UserVerificationRequirement

    options, _ = _server(place).authenticate_begin(
        _descriptors(known) or None,
        user_verification=UserVerificationRequirement(_VERIFIED),
        challenge=challenge,
    )
    return json.dumps(dict(options))


def parse_creation(text: str, *, place: Place, challenge: bytes) -> NewKey:
    """Return the new passkey (WebAuthn §7.1); ParseError when anything about it is not right."""
    answer = _parse(text)
    try:
        data = _server(place).register_complete(_state(challenge), answer)
        credential = data.credential_data
    except Exception as error:
        raise ParseError("not a new passkey", why=type(error).__name__) from error
    if credential is None:
        raise ParseError("not a new passkey")
    return NewKey(credential.credential_id, bytes(credential), data.counter)


def parse_id(text: str) -> tuple[bytes, bytes]:
    """Return which passkey an answer is of, and the user id it names, b"" for none; ParseError."""
    from fido2.webauthn import AuthenticationResponse

    answer = _parse(text)
    try:
        response = AuthenticationResponse.from_dict(answer)
        return response.raw_id, bytes(response.response.user_handle or b"")
    except Exception as error:
        raise ParseError("not an answer of a passkey", why=type(error).__name__) from error


def check_answer(text: str, *, place: Place, challenge: bytes, key: bytes, counter: int) -> int:
    """Return the new counter when the passkey signed this (WebAuthn §7.2); ParseError if not.

    WebAuthn §6.1.1: a counter that does not grow is that of a copy; 0 and 0: it has none.
    """
    from fido2.webauthn import AttestedCredentialData, AuthenticationResponse

    answer = _parse(text)
    try:
        credential = AttestedCredentialData(key)
        _server(place).authenticate_complete(_state(challenge), [credential], answer)
        found = AuthenticationResponse.from_dict(answer).response.authenticator_data.counter
    except Exception as error:
        raise ParseError("not signed by this passkey", why=type(error).__name__) from error
    if (found or counter) and found <= counter:
        raise ParseError("the passkey's counter does not grow")
    return found


def _parse(text: str) -> dict[str, Any]:
    if len(text) > PASSKEY_ANSWER_MAX_CHARS:
        raise ParseError("too long for a passkey's answer")
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError("not JSON") from error
    if not isinstance(answer, dict):
        raise ParseError("not a JSON object")
    return answer


def _server(place: Place) -> "Fido2Server":
    from fido2.server import Fido2Server
    from fido2.webauthn import PublicKeyCredentialRpEntity

    party = PublicKeyCredentialRpEntity(name="Penfold", id=place.host)
    return Fido2Server(party, verify_origin=lambda origin: origin == place.origin)


def _state(challenge: bytes) -> dict[str, str]:
    return {"challenge": base64url(challenge), "user_verification": _VERIFIED}


def _descriptors(known: Iterable[bytes]) -> "list[PublicKeyCredentialDescriptor]":
    from fido2.webauthn import PublicKeyCredentialDescriptor, PublicKeyCredentialType

    kind = PublicKeyCredentialType.PUBLIC_KEY
    return [PublicKeyCredentialDescriptor(type=kind, id=one) for one in known]
