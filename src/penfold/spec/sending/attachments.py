"""Files nobody gets: Gmail (documented: file types blocked in Gmail) refuses mail with one."""

from typing import Final

BLOCKED_EXTENSIONS: Final = frozenset({
    "ade", "adp", "apk", "appx", "appxbundle", "bat", "cab", "chm", "cmd", "com", "cpl",
    "diagcab", "diagcfg", "diagpkg", "dll", "dmg", "ex", "ex_", "exe", "hta", "img", "ins", "iso",
    "isp", "jar", "jnlp", "js", "jse", "lib", "lnk", "mde", "mjs", "msc", "msi", "msix",
    "msixbundle", "msp", "mst", "nsh", "pif", "ps1", "scr", "sct", "shb", "sys", "vb", "vbe",
    "vbs", "vhd", "vxd", "wsc", "wsf", "wsh", "xll",
})  # fmt: skip


def is_blocked(filename: str) -> bool:
    """Return whether the name ends like that of such a file."""
    return filename.lower().rpartition(".")[2].strip() in BLOCKED_EXTENSIONS
