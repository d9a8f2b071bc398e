"""How far an attempt to deliver came."""

from enum import StrEnum


class Stage(StrEnum):
    """What the verdict, or the silence, was about.

    dns: nobody was called yet. quit: all was said; no outcome is about it. report: no attempt of
    ours, a notification that came by mail.
    """

    DNS = "dns"
    CONNECT = "connect"
    BANNER = "banner"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"
    QUIT = "quit"
    REPORT = "report"
