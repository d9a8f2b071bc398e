"""The server a sender's mail shall leave by (smtpMsa): read, tried out, kept with its password.

What a request leaves out is taken from what is kept when that is for the same server: passwords
are never shown, so nobody can give them back. A password goes to no other host than it was given
for. The host is tried in a thread before anything is written.
"""

from dataclasses import dataclass
from typing import Final

from msgspec import UNSET

from penfold.ports.directory import Account
from penfold.ports.sealing import Sealer
from penfold.ports.settings import MailServer
from penfold.ports.submitting import Probe, ServerError
from penfold.spec.problems import INVALID_SEND_AS, SMTP_MSA_REFUSED, ProblemError
from penfold.spec.schemas import SmtpMsa

_MODES: Final = ("none", "ssl", "starttls")
_TEXT_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class MailServers:
    sealer: Sealer
    probe: Probe

    def try_out(self, account: Account, wanted: SmtpMsa, kept: MailServer | None) -> None:
        """Return when the server takes the login; raise what is to be mended."""
        host, port, mode, username, password = self._read(account, wanted, kept)
        try:
            self.probe(host, port, security=mode, username=username, password=password)
        except ServerError as error:
            raise ProblemError(SMTP_MSA_REFUSED, what=error.sentence) from error

    def make(self, account: Account, wanted: SmtpMsa, kept: MailServer | None) -> MailServer:
        """Return what is kept of it, the password sealed."""
        host, port, mode, username, password = self._read(account, wanted, kept)
        sealed = self.sealer.seal(password.encode(), context=seal_context(account.id, host))
        return MailServer(host, port, mode, username, sealed if username else b"")

    def _read(
        self, account: Account, wanted: SmtpMsa, kept: MailServer | None
    ) -> tuple[str, int, str, str, str]:
        host = (wanted.host or (kept.host if kept and wanted.host is UNSET else "")).lower()
        if kept and kept.host != host:
            kept = None
        port = wanted.port if wanted.port is not UNSET else kept.port if kept else 0
        mode: str = wanted.security_mode or (kept.security if kept else "")
        username, password = wanted.username, wanted.password
        if username is UNSET:
            username = kept.username if kept else ""
        if password is UNSET:
            same = kept if kept and kept.username == username and username else None
            password = (
                self.sealer.open(same.password, context=seal_context(account.id, host)).decode()
                if same
                else ""
            )
        _check(host, port, mode, username, password)
        return host, port, mode, username, password


def _check(host: str, port: int, mode: str, username: str, password: str) -> None:
    wrong = ""
    if not host or len(host) > _TEXT_MAX or not host.isascii() or not host.isprintable():
        wrong = "smtpMsa.host is missing or no host name"
    elif not 0 < port < 65_536:
        wrong = "smtpMsa.port must be from 1 to 65535"
    elif mode not in _MODES:
        wrong = "smtpMsa.securityMode must be none, ssl or starttls"
    elif bool(username) != bool(password):
        wrong = "smtpMsa needs both username and password, or neither"
    elif len(username) > _TEXT_MAX or len(password) > _TEXT_MAX:
        wrong = "smtpMsa.username or smtpMsa.password is too long"
    elif "\0" in username + password:
        wrong = "smtpMsa.username or smtpMsa.password holds a NUL"
    if wrong:
        raise ProblemError(INVALID_SEND_AS, what=wrong)


def seal_context(account_id: str, host: str) -> str:
    """Return what the password for a host is sealed under."""
    return f"smtpMsa {account_id} {host}"
