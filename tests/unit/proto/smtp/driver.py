"""A client of the state machine that answers every question at once."""

import dataclasses

from penfold.proto.smtp import replies
from penfold.proto.smtp.events import Bearer, Login, Mail, Message, Rcpt, Slow, StartTls
from penfold.proto.smtp.profile import make_mx_profile, make_submission_profile
from penfold.proto.smtp.server import Server

MX = make_mx_profile(hostname="mx.box.example", domain="box.example", starttls=True)
SUBMISSION = make_submission_profile(
    hostname="mx.box.example", domain="box.example", starttls=False
)
SMALL = dataclasses.replace(
    MX, max_bytes=400, recipients_max=2, errors_max=4, hops_max=2, starttls=False
)


class Driver:
    """Answers every question at once: yes, unless the address says no."""

    def __init__(self, profile=MX, *, tls=False):
        self.machine = Server(profile, tag="s1 - penfold", tls=tls)
        self.events = []
        self.output = b""

    def send(self, octets):
        self.machine.receive(octets)
        while (event := self.machine.next_event()) is not None:
            self.events.append(event)
            if isinstance(event, StartTls):
                break
            if isinstance(event, Slow):
                self.machine.resume()
            else:
                self.machine.answer(self.decide(event))
        new = self.machine.take_output()
        self.output += new
        return new

    def decide(self, event):
        match event:
            case Mail(sender=sender):
                return replies.SENDER_OK if "no" not in sender else replies.NOT_YOUR_ADDRESS
            case Rcpt(address=address):
                no = "no" in address.partition("@")[0]
                return replies.UNKNOWN_RECIPIENT if no else replies.RECIPIENT_OK
            case Login(password=secret) | Bearer(token=secret):
                return replies.ACCEPTED if secret == "good" else replies.BAD_CREDENTIALS
        return replies.make_stored(1, "id")


def codes(output):
    return [int(line[:3]) for line in output.splitlines() if line[3:4] == b" "]


def open_transaction(profile=MX, **options):
    driver = Driver(profile, **options)
    driver.send(b"EHLO a\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@box.example>\r\nDATA\r\n")
    driver.output = b""
    return driver


def messages(driver):
    return [event for event in driver.events if isinstance(event, Message)]
