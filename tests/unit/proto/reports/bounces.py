"""Bounces as programs of the field write them; all addresses and hosts are made up.

Written after what these programs send (their sources and documentation, and messages seen); the
names say which. The tests of bounces share them with the fuzzer.
"""

RETURNED = """\
Message-ID: <m1@penfold.test>
From: Alice <alice@penfold.test>
To: nobody@example.org
Subject: Hello

Body of the message
"""


def report(status, *, text="Sorry.", header="", returned=RETURNED, kind="message/rfc822"):
    """Return a multipart/report around a status part."""
    return (
        f"From: MAILER-DAEMON@mx.example.org (Mail Delivery System)\n{header}"
        "To: alice@penfold.test\nSubject: Undelivered Mail Returned to Sender\n"
        "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status;\n"
        '\tboundary="B/mx.example.org"\n\n'
        f"--B/mx.example.org\nContent-Type: text/plain; charset=us-ascii\n\n{text}\n"
        f"--B/mx.example.org\nContent-Type: message/delivery-status\n\n{status}\n"
        f"--B/mx.example.org\nContent-Type: {kind}\n\n{returned}\n--B/mx.example.org--\n"
    ).encode()


def letter(text, *, sender="MAILER-DAEMON@mx.example.org", header="", subject="failure notice"):
    """Return a bounce that is nothing but text."""
    return (
        f"From: {sender}\n{header}To: alice@penfold.test\nSubject: {subject}\n\n{text}"
    ).encode()


POSTFIX = report(
    """\
Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 4F1C2A0011
X-Postfix-Sender: rfc822; alice@penfold.test
Arrival-Date: Fri, 27 Nov 2026 10:00:00 +0000 (UTC)

Final-Recipient: rfc822; nobody@example.org
Original-Recipient: rfc822;Nobody@Example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; in.example.org
Diagnostic-Code: smtp; 550 5.1.1 <nobody@example.org>: Recipient address
    rejected: User unknown in local recipient table
"""
)

EXCHANGE = report(
    """\
Reporting-MTA: dns;AM0PR01MB1234.eurprd01.prod.exchangelabs.com
Received-From-MTA: dns;penfold.test
Arrival-Date: Fri, 27 Nov 2026 10:00:00 +0000

Original-Recipient: rfc822;nobody@example.org
Final-Recipient: rfc822;nobody@example.org
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup
X-Display-Name: nobody@example.org
""",
    text="Delivery has failed to these recipients or groups:",
)

#: Two recipients and no blank line anywhere.
CRAMMED = report(
    """\
Reporting-MTA: dns; mx.example.org
Final-Recipient: RFC822; <a@example.org>
Action: Failure
Status: 5.2.2 (mailbox full)
Final-Recipient: b@example.org
Action: deferred
Will-Retry-Until: Tue, 01 Dec 2026 10:00:00 +0000
Status: 4.4.1 (Connection timed out)"""
)

#: The result in a block of its own, and words that nobody knows.
TORN = report(
    """\
reporting-mta: dns; mx.example.org

final-recipient: LOCAL; a@example.org

action: bounced
this line is no field
diagnostic-code: X-Custom; 554 5.7.1 no
"""
)

GLOBAL = report(
    """\
Reporting-MTA: dns; mx.example.org

Final-Recipient: utf-8; jörg@example.org
Original-Recipient: utf-8; \\x{6A}\\x{F6}rg@example.org
Action: failed
Status: 5.6.7
"""
).replace(b"message/delivery-status", b"message/global-delivery-status")

SENDMAIL = letter(
    """\
The original message was received at Fri, 27 Nov 2026 10:00:00 GMT
from penfold.test [192.0.2.1]

   ----- The following addresses had permanent fatal errors -----
<nobody@example.org>
    (reason: 550 5.1.1 <nobody@example.org>... User unknown)

   ----- Transcript of session follows -----
... while talking to in.example.org.:
>>> DATA
<<< 550 5.1.1 <nobody@example.org>... User unknown

   ----- Original message follows -----
"""
    + RETURNED,
    subject="Returned mail: see transcript for details",
)

QMAIL = letter(
    """\
Hi. This is the qmail-send program at mx.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<nobody@example.org>:
192.0.2.25 does not like recipient.
Remote host said: 550 5.1.1 <nobody@example.org>: User unknown
Giving up on 192.0.2.25.

<full@example.org>:
Mail quota exceeded. (#5.2.2)

--- Below this line is a copy of the message.

Return-Path: <alice@penfold.test>
"""
    + RETURNED
)

EXIM = letter(
    """\
This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  nobody@example.org
    host in.example.org [192.0.2.25]
    SMTP error from remote mail server after RCPT TO:<nobody@example.org>:
    550 No Such User Here

------ This is a copy of the message, including all the headers. ------

"""
    + RETURNED,
    header="X-Failed-Recipients: nobody@example.org\nAuto-Submitted: auto-replied\n",
    sender="Mail Delivery System <Mailer-Daemon@mx.example.org>",
    subject="Mail delivery failed: returning message to sender",
)

EXIM_DELAY = letter(
    """\
This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on mx.example.org.

The message identifier is:     1abc-0001
The address to which the message has not yet been delivered is:

  slow@example.org
    Delay reason: Connection timed out
""",
    sender="Mail Delivery System <Mailer-Daemon@mx.example.org>",
    header="In-Reply-To: <m1@penfold.test>\n",
    subject="Warning: message 1abc-0001 delayed 24 hours",
)

EXCHANGE_TEXT = letter(
    """\
Delivery has failed to these recipients or groups:

nobody@example.org (nobody@example.org)
The e-mail address you entered couldn't be found.

Diagnostic information for administrators:

Generating server: ex.example.org

nobody@example.org
#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##

Original message headers:

"""
    + RETURNED,
    sender="Microsoft Outlook <postmaster@example.org>",
    subject="Undeliverable: Hello",
)

EXCHANGE_OLD = letter(
    """\
Your message did not reach some or all of the intended recipients.

      Subject:  Hello
      Sent:     11/27/2026 10:00 AM

The following recipient(s) could not be reached:

      'nobody@example.org' on 11/27/2026 10:01 AM
            The e-mail account does not exist at the organization.
            <ex.example.org #5.1.1>
""",
    sender="System Administrator <postmaster@example.org>",
    header="In-Reply-To: <m1@penfold.test>\n",
)

DOMINO = letter(
    """\
Your message

  Subject: Hello

was not delivered to:

  nobody@example.org

because:

  User nobody (nobody@example.org) not listed in Domino Directory

""",
    sender="postmaster@example.org",
    header="In-Reply-To: <m1@penfold.test>\n",
    subject="DELIVERY FAILURE: User not listed",
)

GMAIL_OLD = letter(
    """\
Delivery to the following recipient failed permanently:

     nobody@example.org

Technical details of permanent failure:
Google tried to deliver your message, but it was rejected by the server
for the recipient domain example.org by in.example.org. [192.0.2.25].

The error that the other server returned was:
550 5.1.1 User unknown

----- Original message -----

"""
    + RETURNED,
    sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
    header="X-Failed-Recipients: nobody@example.org\n",
    subject="Delivery Status Notification (Failure)",
)

YAHOO = letter(
    """\
Sorry, we were unable to deliver your message to the following address.

<nobody@example.org>:
554: delivery error: dd This user doesn't have a example.org account (nobody@example.org) [0]

--- Below this line is a copy of the message.

"""
    + RETURNED,
    sender="MAILER-DAEMON@yahoo.com",
    subject="Failure Notice",
)

OTHER = letter(
    """\
I'm sorry to have to inform you that your message could not
be delivered to one or more recipients.

<nobody@example.org>: host in.example.org[192.0.2.25] said: 550 5.1.1 User
    unknown (in reply to RCPT TO command)
""",
    header="In-Reply-To: <m1@penfold.test>\n",
)

#: Sisimai's set-of-emails (BSD-2-Clause), rhost-franceptt-12, shortened: no status part at all.
LAPOSTE = b"""\
From: MAILER-DAEMON@xxxx.xxxx.net (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="64BD1268DDF4.1634301720/xxxx.xxxx.net"
Content-Transfer-Encoding: 8bit

This is a MIME-encapsulated message.

--64BD1268DDF4.1634301720/xxxx.xxxx.net
Content-Description: Notification
Content-Type: text/plain; charset=utf-8

This is the mail system at host xxxx.xxxx.net.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

<xxxx@xxxx.net>: host xxxx.laposte.net said: 554
    5.7.1 <xxxx.xxxx.net>: Client host rejected:
    #216 lpn LPN000_630 (in reply to RCPT TO command)

--64BD1268DDF4.1634301720/xxxx.xxxx.net
Content-Type: text/rfc822-headers

Message-Id: <m1@penfold.test>
From: xxxx@xxxx.net

--64BD1268DDF4.1634301720/xxxx.xxxx.net--
"""

ALL = {
    name: value for name, value in list(globals().items()) if isinstance(value, bytes)
}  # for the tests that try each of them
