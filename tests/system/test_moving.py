"""`penfold import` as a process: killed, interrupted, and beside a server that receives mail."""

import json
import os
import random
import signal
import smtplib
import subprocess
import sys

import pytest
from tests.moving import ALICE, make_data, raws_of, write_mbox

from penfold.testing.mail import MailGenerator
from penfold.testing.server import serve

MAILS = int(os.environ.get("PENFOLD_MAILS", "800"))
KILLS = int(os.environ.get("PENFOLD_IMPORT_KILLS", "2"))
SEED = int(os.environ.get("PENFOLD_SEED", "20261127"))


@pytest.fixture
def data(tmp_path):
    return make_data(tmp_path / "data")


def command(data, *arguments):
    return [sys.executable, "-m", "penfold.app.main", *map(str, arguments), "--data", str(data)]


def verify(data):
    result = subprocess.run(command(data, "data", "verify"), capture_output=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.timeout(300)
def test_an_import_killed_at_any_moment_goes_on_and_has_everything_once(data, tmp_path):
    chance = random.Random(SEED)
    print(f"seed {SEED}, {KILLS} kills")
    raws = list(MailGenerator(SEED).messages(MAILS))
    path = write_mbox(tmp_path / "all.mbox", raws)
    (tmp_path / "empty").mkdir()
    arguments = command(data, "import", ALICE, path)
    killed = 0
    for _ in range(KILLS):
        with subprocess.Popen(
            arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                process.wait(chance.uniform(0.5, 2.5))
            except subprocess.TimeoutExpired:
                process.kill()
                killed += 1
    done = subprocess.run([*arguments, "--json"], capture_output=True, timeout=120, check=True)
    result = json.loads(done.stdout)
    assert killed
    assert result["finished"]
    assert raws_of(data, ALICE) == sorted(raws)
    verify(data)


@pytest.mark.timeout(120)
def test_ctrl_c_stops_between_two_messages_and_says_how_to_go_on(data, tmp_path):
    raws = list(MailGenerator(5).messages(MAILS))
    path = write_mbox(tmp_path / "all.mbox", raws)
    with subprocess.Popen(command(data, "import", ALICE, path), stdout=subprocess.PIPE) as process:
        while not raws_of(data, ALICE):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out = process.stdout.read()
    assert process.returncode == 1
    assert out.endswith(b"Stopped. The same command goes on from here.\n")
    found = raws_of(data, ALICE)
    assert 0 < len(found) < MAILS
    done = subprocess.run(command(data, "import", ALICE, path), capture_output=True, check=True)
    assert done.stdout.startswith(f"{MAILS:,} messages imported into {ALICE}, with".encode())
    assert raws_of(data, ALICE) == sorted(raws)


@pytest.mark.timeout(300)
def test_mail_arrives_while_an_import_runs_beside_the_server(data, tmp_path):
    raws = list(MailGenerator(9).messages(MAILS))
    path = write_mbox(tmp_path / "all.mbox", raws)
    with serve(data, log=tmp_path / "log") as server:
        process = subprocess.Popen(command(data, "import", ALICE, path), stdout=subprocess.DEVNULL)
        sent = 0
        host, port = server.smtp.split(":")
        while process.poll() is None:
            text = b"Subject: meanwhile %d\r\n\r\ntext\r\n" % sent
            with smtplib.SMTP(host, int(port), timeout=30) as smtp:
                smtp.sendmail("w@sender.example", [ALICE], text)
            sent += 1
        assert process.wait() == 0
    held = raws_of(data, ALICE)
    assert sent > 1
    assert len(held) == MAILS + sent
    assert set(raws) <= set(held)
    verify(data)
