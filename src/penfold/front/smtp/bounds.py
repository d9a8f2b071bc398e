"""What a listener and its sessions may use: numbers, each explained in base.limits."""

from msgspec import Struct

from penfold.base import limits


class Bounds(Struct, frozen=True, gc=False):
    """exempts_loopback: this machine may connect as often as it likes."""

    idle_s: float = limits.SMTP_IDLE_S
    rate_min_bytes: int = limits.SMTP_RATE_MIN_BYTES
    slow_start_s: float = limits.SMTP_SLOW_START_S
    login_delay_s: float = limits.SMTP_LOGIN_DELAY_S
    error_delay_s: float = limits.SMTP_ERROR_DELAY_S
    greet_delay_s: float = limits.SMTP_GREET_DELAY_S
    connections_max: int = limits.SMTP_CONNECTIONS_MAX
    client_connections_max: int = limits.SMTP_CLIENT_CONNECTIONS_MAX
    client_rate_max: int = limits.SMTP_CLIENT_RATE_MAX
    exempts_loopback: bool = True
    memory_max_bytes: int = limits.SMTP_MEMORY_MAX_BYTES

    def error_delay(self, errors: int) -> float:
        """Return the seconds a client waits that made so many more errors than are free."""
        return min(self.error_delay_s * errors, limits.SMTP_ERROR_DELAY_MAX_S)
