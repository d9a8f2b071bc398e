"""Realistic mail by the thousand, the same for the same seed.

Messages mix plain text, HTML alternatives, attachments (also inside nested multiparts), inline
images, forwarded messages, mailing lists, replies that thread, and ten character sets. Every
message is valid enough for any server to take and has a Message-ID of its own.
"""

import base64
import quopri
import random
from collections.abc import Iterator
from email.header import Header
from email.utils import formatdate
from urllib.parse import quote

WORDS = {
    "us-ascii": (
        "the quarter report invoice meeting agenda please find attached thanks for your order "
        "shipping delivery account security update team project deadline review budget travel "
        "flight hotel contract signature customer support ticket release deploy server outage"
    ).split(),
    "utf-8": "café résumé Zürich søster 東京 会議 привет мир γειά σου שלום 안녕 mañana".split(),
    "iso-8859-1": "café forêt élève garçon über größe mañana señor très déjà".split(),
    "iso-8859-2": "žluťoučký kůň příliš úpěl zażółć gęślą jaźń".split(),
    "iso-8859-15": "prix euro cœur bœuf Noël".split(),
    "windows-1252": "smart quotes “quoted” – dash… naïve façade".split(),
    "windows-1251": "привет встреча отчёт договор счёт оплата".split(),
    "koi8-r": "письмо сервер почта проверка связь".split(),
    "iso-2022-jp": "会議 資料 添付 確認 お願い".split(),
    "shift_jis": "注文 発送 東京 大阪".split(),
    "gb18030": "订单 会议 合同 发票 北京".split(),
    "big5": "訂單 會議 合約 發票 台北".split(),
}
CHARSETS = tuple(WORDS)
PEOPLE = (
    ("Ann Example", "ann@sender.example"),
    ("José Müller", "jose@sender.example"),
    ("山田 太郎", "taro@mail.example"),
    ("Build Robot", "ci@robots.example"),
    ("", "plain@sender.example"),
    ("O'Neil, Pat", "pat@office.example"),
)
START_S = 1_700_000_000


class MailGenerator:
    """Makes messages in order; a later one may answer an earlier one."""

    def __init__(self, seed: int, *, to: str = "alice@penfold.test") -> None:
        self._random = random.Random(seed)
        self._seed = seed
        self._to = to
        self._count = 0
        self._earlier: list[tuple[str, str]] = []

    def messages(self, count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield self.message()

    def message(self) -> bytes:
        """Return the next message with CRLF line ends."""
        charset = self._random.choice(CHARSETS) if self._random.random() < 0.5 else "us-ascii"
        head = self._head(charset)
        return (head + self._body(charset)).replace(b"\n", b"\r\n")

    def _head(self, charset: str) -> bytes:
        self._count += 1
        name, address = self._random.choice(PEOPLE)
        message_id = f"<{self._seed}.{self._count}@{address.partition('@')[2]}>"
        lines = [
            f"From: {_display(name)} <{address}>" if name else f"From: {address}",
            f"To: {self._to}",
            f"Date: {formatdate(START_S + 60 * self._count)}",
            f"Message-ID: {message_id}",
        ]
        subject = " ".join(self._words(charset, self._random.randint(2, 7)))
        if self._earlier and self._random.random() < 0.3:
            earlier_id, earlier_subject = self._random.choice(self._earlier[-50:])
            lines += [f"In-Reply-To: {earlier_id}", f"References: {earlier_id}"]
            subject = "Re: " + earlier_subject.removeprefix("Re: ")
            charset = "utf-8"  # the earlier message may have been in any character set
        if self._random.random() < 0.15:
            lines += [
                "List-Id: Announcements <announce.lists.example>",
                "List-Unsubscribe: <mailto:leave@lists.example>",
                "Precedence: list",
            ]
        if self._random.random() < 0.2:
            lines.append("Cc: carol@office.example, Dave <dave@office.example>")
        lines.append(f"Subject: {_encoded(subject, charset)}")
        self._earlier.append((message_id, subject))
        return ("\n".join(lines) + "\nMIME-Version: 1.0\n").encode("ascii")

    def _body(self, charset: str) -> bytes:
        shape = self._random.random()
        if shape < 0.4:
            return self._text_part("plain", charset)
        if shape < 0.6:
            return self._multipart("alternative", self._alternatives(charset))
        if shape < 0.8:
            parts = [self._text_part("plain", charset), self._attachment()]
            return self._multipart("mixed", parts)
        if shape < 0.92:
            related = self._multipart(
                "related", [self._text_part("html", charset), self._inline_image()]
            )
            alternative = self._multipart(
                "alternative", [self._text_part("plain", charset), related]
            )
            return self._multipart("mixed", [alternative, self._attachment(), self._attachment()])
        inner = self._head(charset) + self._text_part("plain", charset)
        forwarded = b"Content-Type: message/rfc822\n\n" + inner
        return self._multipart("mixed", [self._text_part("plain", charset), forwarded])

    def _alternatives(self, charset: str) -> list[bytes]:
        return [self._text_part("plain", charset), self._text_part("html", charset)]

    def _words(self, charset: str, count: int) -> list[str]:
        pool = WORDS["us-ascii"] + WORDS[charset] * 2
        return self._random.choices(pool, k=count)

    def _text_part(self, subtype: str, charset: str) -> bytes:
        lines = [
            " ".join(self._words(charset, self._random.randint(3, 12)))
            for _ in range(self._random.randint(1, 40))
        ]
        if subtype == "html":
            text = "<html><body><p>" + "</p>\n<p>".join(lines) + "</p></body></html>\n"
        else:
            text = "\n".join(lines) + "\n"
        data = text.encode(charset, "replace")
        encoding = self._random.choice(("base64", "quoted-printable"))
        if charset == "us-ascii":
            encoding = self._random.choice(("7bit", encoding))
        head = f'Content-Type: text/{subtype}; charset="{charset}"\n'
        return f"{head}Content-Transfer-Encoding: {encoding}\n\n".encode() + _transfer(
            data, encoding
        )

    def _attachment(self) -> bytes:
        name = self._random.choice(("report.pdf", "photo.jpg", "übersicht.xlsx", "données.csv"))
        data = self._random.randbytes(self._random.randint(10, 3000))
        parameter = f'filename="{name}"' if name.isascii() else "filename*=utf-8''" + quote(name)
        head = (
            "Content-Type: application/octet-stream\n"
            f"Content-Disposition: attachment; {parameter}\n"
            "Content-Transfer-Encoding: base64\n\n"
        )
        return head.encode() + base64.encodebytes(data)

    def _inline_image(self) -> bytes:
        head = (
            "Content-Type: image/png\nContent-ID: <logo@penfold>\n"
            "Content-Disposition: inline\nContent-Transfer-Encoding: base64\n\n"
        )
        return head.encode() + base64.encodebytes(self._random.randbytes(400))

    def _multipart(self, subtype: str, parts: list[bytes]) -> bytes:
        boundary = f"=_{self._random.getrandbits(64):016x}"
        head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\n\n'.encode()
        mark = b"--" + boundary.encode()
        inside = b"".join(mark + b"\n" + part + b"\n" for part in parts)
        return head + inside + mark + b"--\n"


def _display(name: str) -> str:
    if name.isascii():
        return f'"{name}"' if "," in name else name
    return Header(name, "utf-8").encode()


def _encoded(text: str, charset: str) -> str:
    if text.isascii():
        return text
    return Header(text, charset, errors="replace", maxlinelen=70).encode(linesep="\n")


def _transfer(data: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(data)
    if encoding == "quoted-printable":
        return quopri.encodestring(data)
    return data
