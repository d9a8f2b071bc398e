"""Use a running server a little: `visit HTTP TOKEN SMTP`. Reads, searches, and sends it mail."""

import smtplib
import sys
import urllib.parse
import urllib.request

from penfold.testing.mail import MailGenerator

READS = 300
MAILS = 200
QUERIES = ("report", "from:ann has:attachment", '"please find"', "subject:meeting OR budget")


def main(http: str, token: str, smtp: str) -> None:
    for number in range(READS):
        q = urllib.parse.quote(QUERIES[number % len(QUERIES)])
        url = f"{http}/gmail/v1/users/me/messages?maxResults=100&q={q}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        urllib.request.urlopen(request).read()
    host, port = smtp.split(":")
    with smtplib.SMTP(host, int(port)) as session:
        for message in MailGenerator(8).messages(MAILS):
            session.sendmail("w@sender.example", ["alice@penfold.test"], message, ["BODY=8BITMIME"])


if __name__ == "__main__":
    main(*sys.argv[1:])
