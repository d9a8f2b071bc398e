"""Rotating the master key of a whole data directory, and going on after it was cut off."""

import base64
import dataclasses
import os
import random
from functools import partial

import pytest
from tests.signatures import private_key
from tests.unit.identity import KeyRing

from penfold.app.command.key_rotation import rotate_key
from penfold.app.datadir import open_data_dir
from penfold.app.exits import StartError
from penfold.app.mail.sending import make_domains, make_webhooks
from penfold.app.master_key import bind_master_key
from penfold.app.process.prepare import prepare_secrets
from penfold.app.stores import known_schema, make_identity, open_stores
from penfold.base.clock import FixedClock
from penfold.base.errors import SealBrokenError, UnavailableError
from penfold.domain.access import second_factors
from penfold.domain.access.id_tokens import IdTokens, open_private
from penfold.domain.access.kept_key import KEPT_KEYS, KeptKey
from penfold.domain.access.master_key import find_key_ids, note_key_ids
from penfold.domain.access.resealing import (
    reseal_domains,
    reseal_records,
    reseal_settings,
    reseal_webhooks,
)
from penfold.domain.outgoing.domains import Domains
from penfold.domain.sending.domains import find_signing
from penfold.domain.sending.webhooks import list_secrets
from penfold.domain.settings import mail_servers, smime
from penfold.ports.identity import DkimKey, Fact, SigningKey, Totp
from penfold.ports.settings import MailServer, SenderRecord, SmimeRecord
from penfold.spec.key_source import DEFAULT_SOURCE, KeySource
from penfold.spec.settings import Settings
from penfold.store.master_key import key_id, load_key, save_new_key
from penfold.store.sealing import KeySealer

KIM = "kim@penfold.test"


class Home:
    """A data directory with a secret of every kind."""

    def __init__(self, data):
        self.data = data
        self.lines = []
        os.close(open_data_dir(data))
        self.clock = FixedClock()
        with self.open() as stores:
            bind_master_key(DEFAULT_SOURCE, data, stores.directory)
            identity = make_identity(stores)
            domains = Domains(
                stores.directory, identity.accounts, stores.sealer, self.clock,
                lambda _: private_key("ed"),
            )  # fmt: skip
            domains.add("penfold.test")
            self.account = identity.accounts.add(KIM)
            IdTokens(stores.directory, self.clock, stores.sealer, KeyRing()).list_keys()
            for name in KEPT_KEYS:
                self.kept_key(stores, name).get()
            totp = stores.sealer.seal(b"totp", context=second_factors.seal_context(self.account.id))
            record = Totp(self.account.id, totp, 0)
            stores.directory.change(lambda writer: writer.add(record))
            stores.mailboxes.change(self.account.id, partial(self._set_up, stores.sealer))
            hooks = make_webhooks(stores, local=True)
            hook = hooks.add(self.account.id, "https://shop.example/", ()).webhook
            hooks.rotate(hook.id, self.account.id)
            domains = dataclasses.replace(
                make_domains(stores, Settings()), make_key=lambda _: private_key("ed")
            )
            domains.add("shop.example", self.account.id)
            self.secrets = self.read(stores)

    def _set_up(self, sealer, box):
        account_id = self.account.id
        sealed = sealer.seal(b"hunter2", context=mail_servers.seal_context(account_id, "a.test"))
        server = MailServer("a.test", 587, "starttls", "kim", sealed)
        box.put_setting(SenderRecord("kim@a.test", server=server), "kim@a.test")
        box.put_setting(SenderRecord("kim@b.test"), "kim@b.test")
        sealed = sealer.seal(b"der", context=smime.seal_context(account_id, "7"))
        box.put_setting(SmimeRecord("7", KIM, "pem", "ca", 0, sealed), "7")

    def open(self, source=DEFAULT_SOURCE):
        return Opened(self.data, self.clock, source)

    def kept_key(self, stores, name):
        return KeptKey(name, stores.directory, stores.sealer, random.Random(1))

    def read(self, stores):
        """Return every secret, opened."""
        book, sealer = stores.directory, stores.sealer
        with stores.mailboxes.open_reader(self.account.id) as box:
            server = box.find_setting(SenderRecord, "kim@a.test").server
            certificate = box.find_setting(SmimeRecord, "7")
        account_id = self.account.id
        return [
            *(sealer.open(key.sealed, context=key.name) for key in book.list_by(DkimKey)),
            *(open_private(key, sealer) for key in book.list_by(SigningKey)),
            *(
                sealer.open(one.sealed, context=second_factors.seal_context(one.account_id))
                for one in book.list_by(Totp)
            ),
            *(
                sealer.open(key.sealed, context=key.name)
                for key in find_signing(stores.sending, "shop.example")
            ),
            *(self.kept_key(stores, name).find() for name in KEPT_KEYS),
            sealer.open(
                server.password, context=mail_servers.seal_context(account_id, server.host)
            ),
            sealer.open(certificate.key, context=smime.seal_context(account_id, "7")),
            *(
                secret.encode()
                for hook in make_webhooks(stores, local=True).list(account_id)
                for secret in list_secrets(hook, sealer, now_ms=self.clock.now_ms())
            ),
        ]

    def rotate(self, new=None):
        return rotate_key(self.data, new, self.lines.append)

    def start(self, source=DEFAULT_SOURCE):
        """Do what a start does about the key, and read everything."""
        with self.open(source) as stores:
            bind_master_key(source, self.data, stores.directory)
            return self.read(stores)


class Opened:
    def __init__(self, data, clock, source):
        create = () if (data / "directory.db").exists() else known_schema()
        self._stores = open_stores(
            data, clock=clock, fatal=pytest.fail, create=create, master_key=source
        )

    def __enter__(self):
        return self._stores

    def __exit__(self, *_):
        self._stores.close()


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "data")


def octets_of(data):
    return b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())


def test_everything_opens_under_the_new_key_and_nothing_under_the_old(home):
    old = load_key(DEFAULT_SOURCE, home.data)
    assert home.rotate()
    new = load_key(DEFAULT_SOURCE, home.data)
    assert new != old
    assert old not in octets_of(home.data)
    assert home.lines[0] == "12 secrets are sealed under the new key."
    assert home.start() == home.secrets
    with home.open() as stores:
        sealers = {key: KeySealer(lambda key=key: (key,)) for key in (old, new)}
        [dkim, _] = stores.directory.list_by(DkimKey)
        assert sealers[new].open(dkim.sealed, context=dkim.name) == home.secrets[0]
        with pytest.raises(SealBrokenError):
            sealers[old].open(dkim.sealed, context=dkim.name)


def _cut_before_noted(home):
    save_new_key(home.data / "master.key.new")


def _note_both(home, stores):
    new = load_key(KeySource("file", "master.key.new"), home.data, make=True)
    old = load_key(DEFAULT_SOURCE, home.data)
    note_key_ids(stores.directory, key_id(old).hex(), key_id(new).hex())
    return KeySealer(lambda: (new, old))


def _cut_before_sealed(home):
    with home.open() as stores:
        _note_both(home, stores)


def _cut_between_files(home):
    with home.open() as stores:
        sealer = _note_both(home, stores)
        stores.directory.change(partial(reseal_records, sealer=sealer))


def _cut_before_renamed(home):
    with home.open() as stores:
        sealer = _note_both(home, stores)
        stores.directory.change(partial(reseal_records, sealer=sealer))
        stores.mailboxes.change(
            home.account.id,
            partial(reseal_settings, account_id=home.account.id, sealer=sealer),
        )
        for reseal in (reseal_webhooks, reseal_domains):
            stores.sending.change(partial(reseal, sealer=sealer))


def _cut_before_the_end(home):
    _cut_before_renamed(home)
    (home.data / "master.key.new").rename(home.data / "master.key")


@pytest.mark.parametrize(
    "cut",
    [_cut_before_sealed, _cut_between_files, _cut_before_renamed, _cut_before_the_end],
)
def test_cut_off_anywhere_nothing_starts_and_the_same_command_ends_it(home, cut):
    cut(home)
    with pytest.raises(UnavailableError, match="run `penfold data rotate-key` once more"):
        home.start()
    assert home.rotate()
    assert home.start() == home.secrets
    assert not (home.data / "master.key.new").exists()


def test_a_new_key_nobody_knows_of_yet_is_taken_by_the_next_rotation(home):
    _cut_before_noted(home)
    new = (home.data / "master.key.new").read_bytes()
    assert home.start() == home.secrets
    assert home.rotate()
    assert load_key(DEFAULT_SOURCE, home.data) == new
    assert home.start() == home.secrets


def test_the_key_moves_to_another_source(home, tmp_path):
    elsewhere = KeySource("file", str(tmp_path / "elsewhere.key"))
    assert home.rotate(elsewhere)
    assert home.start(elsewhere) == home.secrets
    with pytest.raises(UnavailableError, match="another one than this data was sealed under"):
        home.start()
    (home.data / "master.key").unlink()
    (home.data / "penfold.toml").write_text(f'master_key = "{elsewhere}"\n')
    back = KeySource("file", "master.key")
    assert home.rotate(back)
    assert home.start(back) == home.secrets


def test_a_key_that_penfold_cannot_write_wants_a_name_for_the_new_one(home, tmp_path):
    (home.data / "penfold.toml").write_text(f'master_key = "command:/bin/cat {tmp_path}/k"\n')
    (tmp_path / "k").write_bytes((home.data / "master.key").read_bytes())
    with pytest.raises(StartError, match="with --new SOURCE"):
        home.rotate()
    assert home.rotate(KeySource("file", str(tmp_path / "new.key")))


def test_the_setting_changed_too_early_is_noticed_before_the_old_key_is_given_up(home, tmp_path):
    elsewhere = KeySource("file", str(tmp_path / "elsewhere.key"))
    with home.open() as stores:
        new = load_key(elsewhere, home.data, make=True)
        note_key_ids(stores.directory, *find_key_ids(stores.directory), key_id(new).hex())
    (home.data / "penfold.toml").write_text(f'master_key = "{elsewhere}"\n')
    assert not home.rotate()
    assert "directory.db: dkim_key: still holds what the old key sealed" in home.lines
    (home.data / "penfold.toml").unlink()
    assert home.rotate(elsewhere)
    assert home.start(elsewhere) == home.secrets


def test_a_key_that_is_neither_of_the_two_is_refused(home, tmp_path):
    _cut_between_files(home)
    with pytest.raises(UnavailableError, match="other keys than these two"):
        home.rotate(KeySource("file", str(tmp_path / "third.key")))


def test_the_same_key_is_no_rotation(home):
    with pytest.raises(StartError, match="a new one is wanted"):
        home.rotate(DEFAULT_SOURCE)


def test_beside_a_server_it_is_refused(home):
    lock = open_data_dir(home.data)
    try:
        with pytest.raises(StartError, match="stop it, rotate, start it again"):
            home.rotate()
    finally:
        os.close(lock)


def test_a_secret_of_a_kind_nobody_told_of_keeps_the_old_key(home):
    with home.open() as stores:
        sealed = stores.sealer.seal(b"x", context="new kind")
        sealed = base64.b64encode(sealed).decode()
        stores.directory.change(lambda writer: writer.add(Fact("new_kind", sealed)))
    old = load_key(DEFAULT_SOURCE, home.data)
    assert not home.rotate()
    assert home.lines[0] == "directory.db: fact: still holds what the old key sealed"
    assert load_key(DEFAULT_SOURCE, home.data) == old


def test_what_no_key_opens_is_counted_and_left(home):
    with home.open() as stores:
        [dkim, _] = stores.directory.list_by(DkimKey)
        lost = KeySealer(lambda: (b"l" * 32,)).seal(b"x", context=dkim.name)
        broken = type(dkim)(dkim.name, dkim.domain_id, dkim.selector, dkim.algorithm, "", lost, 0)
        stores.directory.change(lambda writer: writer.replace(broken))
    assert home.rotate()
    assert home.lines[:2] == [
        "11 secrets are sealed under the new key.",
        "1 could not be opened with the old key either and stay as they were.",
    ]


def test_another_key_in_its_place_ends_the_start(home):
    (home.data / "master.key").write_bytes(b"x" * 32)
    with pytest.raises(UnavailableError, match="another one than this data was sealed under"):
        home.start()


def test_a_lost_key_is_not_made_anew(home):
    (home.data / "master.key").unlink()
    with pytest.raises(UnavailableError, match="restore it from a backup"):
        home.start()
    assert not (home.data / "master.key").exists()


def test_a_signing_key_of_the_first_release_is_sealed_and_its_octets_are_gone(home):
    pair = KeyRing()("old", now_ms=0)
    with home.open() as stores:
        clear = SigningKey("kid-old", pair.private, pair.certificate, 1)
        stores.directory.change(lambda writer: writer.add(clear))
        assert open_private(clear, stores.sealer) == pair.private
    middle = pair.private.splitlines()[10].encode()
    assert middle in octets_of(home.data)
    with home.open() as stores:
        prepare_secrets(home.data, stores)
        kept = stores.directory.find(SigningKey, "kid-old")
        assert open_private(kept, stores.sealer) == pair.private
    assert middle not in octets_of(home.data)
    assert b"PRIVATE KEY" not in octets_of(home.data)
