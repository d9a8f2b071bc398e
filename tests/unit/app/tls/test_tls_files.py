"""The files by which processes agree on what an ACME server is answered."""

import pytest

from penfold.app.tls.tls_files import AcmeFiles, Challenges, look_at_operators
from penfold.base.clock import FixedClock
from penfold.domain.outgoing.renewal import Demand, Plan
from penfold.proto.acme.proofs import HTTP_01, TLS_ALPN_01, Proof
from penfold.spec.settings import Settings

TOKENS = ("a" * 43, "b" * 43)


@pytest.fixture
def challenges(tmp_path):
    return Challenges(tmp_path, FixedClock())


def test_every_process_answers_what_one_publishes_until_it_takes_it_back(challenges, tmp_path):
    proofs = (
        Proof(HTTP_01, "mail.example.com", TOKENS[0], "answer"),
        Proof(TLS_ALPN_01, "mta-sts.example.com", TOKENS[1], "other"),
    )
    challenges.publish(proofs)
    another = Challenges(tmp_path, FixedClock())
    assert another.is_waiting()
    assert another.find_answer(TOKENS[0]) == b"answer"
    assert another.find_answer(TOKENS[1]) is None
    assert another.find_context("mta-sts.example.com") is not None
    assert another.find_context("mail.example.com") is None
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    challenges.publish(())
    assert not another.is_waiting()
    assert another.find_answer(TOKENS[0]) is None
    assert another.find_context("mta-sts.example.com") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("token", ["", ".", "../acme-account.key", "\x00", "x" * 100_000])
def test_nothing_but_a_published_token_is_answered(challenges, token):
    challenges.publish((Proof(HTTP_01, "mail.example.com", TOKENS[0], "answer"),))
    assert challenges.find_answer(token) is None


def test_a_damaged_file_answers_nothing(challenges, tmp_path):
    (tmp_path / "challenges.json").write_bytes(b'{"http-01": [')
    assert challenges.find_answer(TOKENS[0]) is None


def test_a_plan_survives_and_a_damaged_one_is_as_if_it_were_not(tmp_path):
    files = AcmeFiles(tmp_path)
    assert files.load_plan() is None
    plan = Plan(Demand("https://acme.example/dir", ("a.example",), "http-01"), 7, 5, 3, "why")
    files.save_plan(plan)
    assert files.load_plan() == plan
    (tmp_path / "acme.json").write_bytes(b"{")
    assert files.load_plan() is None


def test_the_last_certificates_key_is_kept_and_before_the_first_that_of_the_one_shown(tmp_path):
    files = AcmeFiles(tmp_path)
    assert files.load_kept_key() == b""
    (tmp_path / "serving.pem").write_bytes(b"shown meanwhile")
    assert files.load_kept_key() == b"shown meanwhile"
    (tmp_path / "acme.pem").write_bytes(b"last")
    assert files.load_kept_key() == b"last"


def test_a_file_that_may_be_read_now_looks_otherwise_than_before(tmp_path):
    path = tmp_path / "x.pem"
    path.write_bytes(b"x")
    settings = Settings(tls_certificate=str(path))
    path.chmod(0o000)
    before = look_at_operators(settings)
    assert look_at_operators(settings) == before
    path.chmod(0o400)
    assert look_at_operators(settings) != before
