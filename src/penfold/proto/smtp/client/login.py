"""The script of AUTH (RFC 4954), and its rule: a secret goes to nobody but the server it is for."""

from penfold.proto.smtp.client.outcome import Failure, Reason
from penfold.proto.smtp.client.sasl import final_response, find_mechanism, make_responses
from penfold.proto.smtp.client.script import FailedError, Part, Session, demand
from penfold.proto.smtp.client.transcript import MASK
from penfold.proto.smtp.stage import Stage

#: RFC 4954 §4: an initial response that makes the command longer than RFC 5321 §4.5.3.1.4
#: allows (512 octets with the line end) waits until it is asked for.
_COMMAND_MAX = 510


def log_in(session: Session) -> Part:
    """Log in if the profile says how; raise FailedError when that cannot be, or is refused."""
    credentials = session.profile.credentials
    if credentials is None:
        return
    is_proved = session.tls is not None and session.tls.verified
    if not (is_proved or session.profile.auth_unverified):
        detail = "a password needs TLS, and a certificate that proves who gets it"
        raise FailedError(Failure(Stage.AUTH, Reason.AUTH_UNSAFE, None, detail))
    offered = session.capabilities.mechanisms
    mechanism = find_mechanism(credentials, offered)
    if mechanism is None:
        detail = f"the server offers {' '.join(sorted(offered)) or 'no login'}"
        raise FailedError(Failure(Stage.AUTH, Reason.NO_MECHANISM, None, detail))
    made = make_responses(mechanism, credentials, host=session.host, port=session.port)
    yield from _exchange(session, mechanism, list(made))


def _exchange(session: Session, mechanism: str, responses: list[bytes]) -> Part:
    command = b"AUTH " + mechanism.encode("ascii")
    shown = f"AUTH {mechanism}"
    if mechanism != "LOGIN" and len(command) + 1 + len(responses[0]) <= _COMMAND_MAX:
        command += b" " + responses.pop(0)
        shown = f"{shown} {MASK}"
    session.say(command, shown=shown)
    reply = yield Stage.AUTH
    while reply.kind == 3 and responses:
        session.say(responses.pop(0), shown=MASK)
        reply = yield Stage.AUTH
    if reply.kind == 3:
        # It failed, or the server asks for what nobody knows; either way this is the end of it.
        last = final_response(mechanism)
        session.say(last, shown=last.decode("ascii") or "(empty line)")
        reply = yield Stage.AUTH
    if reply.kind == 2 and responses:
        # Let in before the secret was shown: whoever that is, it is not the server we mean.
        raise FailedError(Failure(Stage.AUTH, Reason.NONSENSE, reply))
    demand(reply, Stage.AUTH)
