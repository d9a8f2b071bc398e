"""Everything that is sealed, and sealing it anew when the master key is another one.

A new kind of secret gets its function here; a rotation that finds octets of the old key where none
leads does not end (app/command/key_rotation.py). Every step may be done again: what is sealed under
the new key already is passed over. What no key opens stays as it is and is counted.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.errors import SealBrokenError
from penfold.base.limits import SENDING_SWEEP_MAX, WEBHOOK_SWEEP
from penfold.domain.access import id_tokens, second_factors
from penfold.domain.access.kept_key import KEPT_KEYS
from penfold.domain.sending import webhooks
from penfold.domain.settings import mail_servers, smime
from penfold.ports.identity import DkimKey, Fact, IdentityWriter, SigningKey, Totp
from penfold.ports.mailbox import MailboxWriter
from penfold.ports.sealing import Sealer
from penfold.ports.sending.book import SendingWriter
from penfold.ports.sending.records import SendingDomain, Webhook
from penfold.ports.settings import MailServer, SenderRecord, SmimeRecord
from penfold.proto.address import canonical


class Secret(Struct, frozen=True):
    """A sealed secret in its place. sealed: b"" where there is none. put: keep another."""

    sealed: bytes
    context: str
    put: Callable[[bytes], None]


class Resealed(Struct, frozen=True):
    """How many secrets were sealed anew, and how many no key at hand opens."""

    done: int = 0
    broken: int = 0

    def __add__(self, other: "Resealed") -> "Resealed":
        return Resealed(self.done + other.done, self.broken + other.broken)


def reseal_records(writer: IdentityWriter, sealer: Sealer) -> Resealed:
    """Seal what the directory has anew."""
    facts = [fact for name in KEPT_KEYS if (fact := writer.find(Fact, name))]
    return _reseal(
        sealer,
        (
            *(_of_dkim(writer, key) for key in writer.list_by(DkimKey)),
            *(_of_id_tokens(writer, key) for key in writer.list_by(SigningKey)),
            *(_of_totp(writer, each) for each in writer.list_by(Totp)),
            *(_of_kept_key(writer, fact) for fact in facts),
        ),
    )


def reseal_settings(box: MailboxWriter, account_id: str, sealer: Sealer) -> Resealed:
    """Seal what a mailbox's settings have anew: passwords of mail servers, S/MIME keys."""
    return _reseal(
        sealer,
        (
            *(
                _of_mail_server(box, account_id, sender, sender.server)
                for sender in box.list_settings(SenderRecord)
                if sender.server is not None
            ),
            *(_of_smime(box, account_id, one) for one in box.list_settings(SmimeRecord)),
        ),
    )


def reseal_webhooks(writer: SendingWriter, sealer: Sealer) -> Resealed:
    """Seal the secrets of all webhooks anew."""
    after, total = "", Resealed()
    while page := writer.list_everywhere(Webhook, after=after, limit=WEBHOOK_SWEEP):
        after = page[-1].id
        for webhook in page:
            total += _reseal_webhook(writer, webhook, sealer)
    return total


def reseal_domains(writer: SendingWriter, sealer: Sealer) -> Resealed:
    """Seal the keys of all sending domains anew."""
    after, total = "", Resealed()
    while page := writer.list_everywhere(SendingDomain, after=after, limit=SENDING_SWEEP_MAX):
        after = page[-1].id
        for domain in page:
            total += _reseal_domain(writer, domain, sealer)
    return total


def _reseal_domain(writer: SendingWriter, domain: SendingDomain, sealer: Sealer) -> Resealed:
    kept = list(domain.keys)

    def of(place: int, key: DkimKey) -> Secret:
        def put(new: bytes) -> None:
            kept[place] = replace(key, sealed=new)

        return Secret(key.sealed, key.name, put)

    done = _reseal(sealer, [of(place, key) for place, key in enumerate(domain.keys)])
    if done.done:
        writer.replace(replace(domain, keys=tuple(kept)))
    return done


def _reseal_webhook(writer: SendingWriter, webhook: Webhook, sealer: Sealer) -> Resealed:
    kept = list(webhook.secrets)

    def of(place: int) -> Secret:
        def put(new: bytes) -> None:
            kept[place] = b64encode(new).decode()

        return Secret(b64decode(kept[place]), webhooks.seal_context(webhook.id), put)

    done = _reseal(sealer, [of(place) for place in range(len(kept))])
    if done.done:
        writer.replace(replace(webhook, secrets=tuple(kept)))
    return done


def seal_signing_keys(writer: IdentityWriter, sealer: Sealer) -> int:
    """Seal the keys for id tokens that the first release kept in clear; return how many."""
    clear = [key for key in writer.list_by(SigningKey) if id_tokens.is_clear(key)]
    for key in clear:
        sealed = id_tokens.seal_private(key.private, kid=key.kid, sealer=sealer)
        writer.replace(replace(key, private=sealed))
    return len(clear)


def _reseal(sealer: Sealer, secrets: Iterable[Secret]) -> Resealed:
    done = broken = 0
    for each in secrets:
        if not each.sealed or sealer.is_current(each.sealed):
            continue
        try:
            secret = sealer.open(each.sealed, context=each.context)
        except SealBrokenError:
            broken += 1
            continue
        each.put(sealer.seal(secret, context=each.context))
        done += 1
    return Resealed(done, broken)


def _of_dkim(writer: IdentityWriter, key: DkimKey) -> Secret:
    return Secret(key.sealed, key.name, lambda new: writer.replace(replace(key, sealed=new)))


def _of_id_tokens(writer: IdentityWriter, key: SigningKey) -> Secret:
    def put(new: bytes) -> None:
        writer.replace(replace(key, private=b64encode(new).decode()))

    sealed = b"" if id_tokens.is_clear(key) else b64decode(key.private)
    return Secret(sealed, id_tokens.seal_context(key.kid), put)


def _of_totp(writer: IdentityWriter, totp: Totp) -> Secret:
    context = second_factors.seal_context(totp.account_id)
    return Secret(totp.sealed, context, lambda new: writer.replace(replace(totp, sealed=new)))


def _of_kept_key(writer: IdentityWriter, fact: Fact) -> Secret:
    def put(new: bytes) -> None:
        writer.replace(Fact(fact.name, b64encode(new).decode()))

    return Secret(b64decode(fact.value), fact.name, put)


def _of_mail_server(
    box: MailboxWriter, account_id: str, sender: SenderRecord, server: MailServer
) -> Secret:
    def put(new: bytes) -> None:
        changed = replace(sender, server=replace(server, password=new))
        box.put_setting(changed, canonical(sender.address))

    context = mail_servers.seal_context(account_id, server.host)
    return Secret(server.password, context, put)


def _of_smime(box: MailboxWriter, account_id: str, one: SmimeRecord) -> Secret:
    def put(new: bytes) -> None:
        box.put_setting(replace(one, key=new), one.id)

    return Secret(one.key, smime.seal_context(account_id, one.id), put)
