"""Octets of mail to text: which charsets are decoded, and what is done about the others.

Owns the allow-list. A charset name comes from a stranger, so it is looked up in a table made
here and never handed to the codec registry: that would import modules by name and offer
Python's own codecs (`unicode_escape`, `punycode`, `idna`, `rot13`, `zlib`).

Refuses utf-7: it is no mail charset today (RFC 2152 predates UTF-8), hides markup from
readers that look for `<`, and decodes to lone surrogates.

Decoding never raises and never returns surrogates.
"""

import re
from encodings.aliases import aliases
from typing import Final

#: Codec names of Python that are mail charsets.
_ALLOWED: Final = frozenset(
    "utf_8 ascii latin_1 iso8859_2 iso8859_3 iso8859_4 iso8859_5 iso8859_6 iso8859_7 iso8859_8 "
    "iso8859_9 iso8859_10 iso8859_11 iso8859_13 iso8859_14 iso8859_15 iso8859_16 cp1250 cp1251 "
    "cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp437 cp850 cp852 cp855 cp857 cp858 cp860 "
    "cp861 cp862 cp863 cp864 cp865 cp866 cp869 cp874 koi8_r koi8_u koi8_t kz1048 ptcp154 tis_620 "
    "mac_roman mac_cyrillic mac_greek mac_latin2 mac_turkish mac_iceland hp_roman8 big5 "
    "big5hkscs cp950 gb2312 gbk gb18030 hz cp932 shift_jis shift_jis_2004 shift_jisx0213 euc_jp "
    "euc_jis_2004 euc_jisx0213 iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 "
    "iso2022_jp_ext euc_kr cp949 johab iso2022_kr utf_16 utf_16_be utf_16_le utf_32 utf_32_be "
    "utf_32_le".split()
)

#: Charsets whose senders in practice mean a superset (the WHATWG Encoding table says the same).
_SUPERSET: Final = {
    "ascii": "cp1252", "latin_1": "cp1252", "iso8859_9": "cp1254", "iso8859_11": "cp874",
    "tis_620": "cp874", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949",
    "shift_jis": "cp932", "big5": "big5hkscs", "iso2022_jp": "iso2022_jp_ext",
    "iso2022_jp_1": "iso2022_jp_ext", "iso2022_jp_2": "iso2022_jp_2",
}  # fmt: skip

#: Names seen in mail that Python does not know.
_MORE_NAMES: Final = {
    "ks_c_5601_1987": "cp949", "ks_c_5601": "cp949", "x_windows_949": "cp949", "x_sjis": "cp932",
    "x_ms_cp932": "cp932", "windows_874": "cp874", "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8", "iso_8859_6_i": "iso8859_6", "x_gbk": "gb18030",
    "x_euc_jp": "euc_jp", "x_mac_roman": "mac_roman", "macintosh": "mac_roman",
    "x_mac_cyrillic": "mac_cyrillic", "unicode_1_1_utf_8": "utf_8", "x_big5": "big5hkscs",
    "x_utf_8": "utf_8", "unicode": "utf_16", "ansi_x3_110_1983": "cp1252", "ansi": "cp1252",
    "x_ansi": "cp1252", "iso_10646_ucs_2": "utf_16", "ucs_2": "utf_16", "x_johab": "johab",
}  # fmt: skip

_PUNCTUATION = re.compile(r"[^a-z0-9]+")

#: Longer names are not looked at; the longest real one has 45 characters.
_NAME_MAX: Final = 64


def _build_table() -> dict[str, str]:
    table = {alias: codec for alias, codec in aliases.items() if codec in _ALLOWED}
    table |= {codec: codec for codec in _ALLOWED}
    table |= {f"x_{codec}": codec for codec in _ALLOWED if codec.startswith("cp")}
    table |= {f"windows_{number}": f"cp{number}" for number in range(1250, 1259)}
    table |= _MORE_NAMES
    return {name: _SUPERSET.get(codec, codec) for name, codec in table.items()}


_TABLE: Final = _build_table()

#: The names nearly all mail uses, so that these need no normalising.
_COMMON: Final = {
    "utf-8": "utf_8", "us-ascii": "cp1252", "iso-8859-1": "cp1252", "utf8": "utf_8",
    "windows-1252": "cp1252",
}  # fmt: skip


def find_codec(charset: str) -> str | None:
    """Return the codec for a charset name, None when it is unknown or not allowed in mail."""
    if codec := _COMMON.get(charset):
        return codec
    if len(charset) > _NAME_MAX or not charset.isascii():
        return None
    return _TABLE.get(_PUNCTUATION.sub("_", charset.lower()).strip("_"))


def guess_text(data: bytes) -> str:
    """Return text of octets whose charset nobody knows: UTF-8 if it is that, else Windows-1252."""
    for codec in ("utf_8", "cp1252"):
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            continue
    return data.decode("latin_1")


def decode_text(data: bytes, charset: str) -> str:
    """Return the text; octets that the charset does not have become U+FFFD.

    An 8-bit body that says us-ascii, or nothing, is guessed.
    """
    if data.isascii() and charset in _COMMON:
        return data.decode("ascii")
    codec = find_codec(charset)
    if codec is None or charset == "us-ascii":
        return guess_text(data)
    return data.decode(codec, "replace")
