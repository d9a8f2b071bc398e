"""Local mode: what is made, what is kept, what is mended; and Google's libraries read the files."""

import json
import random
from datetime import UTC

import pytest
from tests.unit.identity import EmptyMailboxes, KeyRing

from penfold.base.clock import FixedClock
from penfold.domain.access import local_mode
from penfold.domain.access.identity import build_identity
from penfold.domain.access.local_mode import RENEW_DAYS, TOKEN_DAYS, Secrets, parse, render, set_up
from penfold.ports.identity import Client, Grant
from penfold.store.credentials import load_files
from penfold.testing.directory import MemoryDirectory
from penfold.testing.sealing import PlainSealer

BASE = "http://127.0.0.1:8025"


class Fresh:
    def __init__(self):
        self.clock = FixedClock()
        self.book = MemoryDirectory(clock=self.clock, runs_twice=True)
        self.mailboxes = EmptyMailboxes()
        self.identity = build_identity(
            self.book,
            self.mailboxes,
            clock=self.clock,
            chance=random.Random(5),
            sealer=PlainSealer(),
            make_key=KeyRing(),
        )

    def start(self, files):
        """Start once more: read the files, set up, write them."""
        secrets = set_up(self.identity, parse(files))
        return secrets, render(secrets, base=BASE)


@pytest.fixture
def fresh():
    return Fresh()


@pytest.fixture
def started(fresh):
    fresh.secrets, fresh.files = fresh.start({})
    return fresh


def documents(world):
    return {name: json.loads(octets) for name, octets in world.files.items()}


def test_everything_is_made_at_the_first_start(started):
    assert sorted(started.files) == [
        "alice.json", "bob.json", "client_secret.json", "passwords.json", "service-account.json",
    ]  # fmt: skip
    assert started.book.is_local_domain("penfold.test")
    assert len(started.mailboxes.made) == 2
    found = documents(started)
    for name in ("alice", "bob"):
        address = f"{name}@penfold.test"
        account = started.book.find_account(address)
        passwords = found["passwords.json"][address]
        assert started.identity.accounts.find_sign_in(address, passwords["password"]) == account
        assert started.book.find_app_login(address, passwords["app_password"]) == account
        credential = started.book.find_credential(found[f"{name}.json"]["token"])
        assert credential.account == account
        assert credential.scopes == set(found[f"{name}.json"]["scopes"])
    assert started.identity.clients.find_house().id == started.secrets.client_id


def test_a_second_start_changes_nothing(started):
    again, files = started.start(started.files)
    assert again == started.secrets
    assert files == started.files
    assert len(started.book.list_by(Client)) == 2  # the application and the service account
    assert len(started.book.list_by(Grant)) == 2


def test_the_files_follow_the_address(started):
    files = render(started.secrets, base="http://127.0.0.1:9999")
    moved = {name: octets.replace(b":9999/", b":8025/") for name, octets in files.items()}
    assert moved == started.files
    assert files["alice.json"] != started.files["alice.json"]


@pytest.mark.parametrize(
    "name",
    ["alice.json", "bob.json", "client_secret.json", "passwords.json", "service-account.json"],
)
@pytest.mark.parametrize("damage", [None, b"", b"{", b"[]", b'{"installed": 3}'], ids=str)
def test_a_lost_or_damaged_file_is_made_anew_and_all_of_it_works(started, name, damage):
    files = {**started.files}
    del files[name]
    if damage is not None:
        files[name] = damage
    _, started.files = started.start(files)
    test_everything_still_works(started)


def test_everything_still_works(started):
    found = documents(started)
    client = found["client_secret.json"]["installed"]
    for name in ("alice", "bob"):
        user = found[f"{name}.json"]
        passwords = found["passwords.json"][f"{name}@penfold.test"]
        assert started.book.find_credential(user["token"])
        assert started.book.find_app_login(f"{name}@penfold.test", passwords["app_password"])
        assert started.identity.accounts.find_sign_in(f"{name}@penfold.test", passwords["password"])
        assert user["client_id"] == client["client_id"]
        answer = started.identity.grants.exchange(
            {
                "grant_type": "refresh_token",
                "refresh_token": user["refresh_token"],
                "client_id": client["client_id"],
                "client_secret": client["client_secret"],
            },
            authorization=None,
            base=BASE,
            issuer=BASE,
        )
        assert started.book.find_credential(answer["access_token"])


def test_a_revoked_token_is_replaced_at_the_next_start(started):
    old = documents(started)["alice.json"]["token"]
    started.identity.grants.revoke(old)
    _, started.files = started.start(started.files)
    new = documents(started)["alice.json"]["token"]
    assert new != old
    assert started.book.find_credential(new)


def test_a_token_lives_a_year_and_is_renewed_in_its_last_month(started):
    old = documents(started)["alice.json"]["token"]
    started.clock.advance(days=TOKEN_DAYS - RENEW_DAYS)
    started.start(started.files)
    assert started.start(started.files)[0].people["alice"].token == old
    started.clock.advance(ms=1)
    assert started.start(started.files)[0].people["alice"].token != old


def test_a_token_of_somebody_else_is_not_taken_for_ones_own(started):
    swapped = {**started.files, "alice.json": started.files["bob.json"]}
    secrets, _ = started.start(swapped)
    credential = started.book.find_credential(secrets.people["alice"].token)
    assert credential.account.address == "alice@penfold.test"


def test_a_password_changed_by_hand_is_not_undone(started):
    started.identity.accounts.set_password("alice@penfold.test", "chosen-by-alice")
    started.start(started.files)
    assert started.identity.accounts.find_sign_in("alice@penfold.test", "chosen-by-alice")


def test_nothing_known_is_read_from_nothing():
    assert parse({}) == Secrets(people=parse({}).people)
    assert set(parse({}).people) == set(local_mode.LOCAL_ACCOUNTS)


def test_files_are_read_back_as_they_were_left(started, folder):
    assert load_files(folder) == started.files
    assert load_files(folder / "none") == {}


# --- Google's libraries


@pytest.fixture
def folder(started, tmp_path):
    for name, octets in started.files.items():
        (tmp_path / name).write_bytes(octets)
    return tmp_path


def test_google_auth_reads_the_authorized_user_file(started, folder):
    credentials = pytest.importorskip("google.oauth2.credentials")
    found = credentials.Credentials.from_authorized_user_file(str(folder / "alice.json"))
    document = documents(started)["alice.json"]
    assert found.token == document["token"]
    assert found.refresh_token == document["refresh_token"]
    assert found.account == "alice@penfold.test"
    seconds = (started.clock.now_ms() // 1000) + TOKEN_DAYS * 86_400
    assert int(found.expiry.replace(tzinfo=UTC).timestamp()) == seconds


def test_google_auth_oauthlib_reads_the_client_secret_file(started, folder):
    flows = pytest.importorskip("google_auth_oauthlib.flow")
    flow = flows.InstalledAppFlow.from_client_secrets_file(
        str(folder / "client_secret.json"), ["openid"]
    )
    assert flow.client_type == "installed"
    assert flow.client_config["token_uri"] == f"{BASE}/token"
    assert flow.client_config["auth_uri"] == f"{BASE}/o/oauth2/v2/auth"


def test_google_auth_reads_the_service_account_file(started, folder):
    service = pytest.importorskip("google.oauth2.service_account")
    found = service.Credentials.from_service_account_file(str(folder / "service-account.json"))
    assert found.service_account_email == started.secrets.service.email
    assert found.project_id == f"penfold-{started.identity.clients.get_project()}"
