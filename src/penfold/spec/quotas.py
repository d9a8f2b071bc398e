"""Google's quota tables, as data: what a call costs, and how much there is for whom.

Gmail: documented (usage limits: the table in force since 2026-05-01, and the one that projects
active before keep). Batch parts cost one by one. The 80,000,000 units a day above which Google
means to charge money are no limit.
"""

from dataclasses import dataclass
from typing import Final

from penfold.spec.method import Method

#: The setting that asks for none of this.
OFF: Final = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaTable:
    """Units per minute of one user of a project, and of all users of it together.

    metric, unit: the words of the refusal.
    """

    name: str
    metric: str
    unit: str
    user_units: int
    project_units: int

    def cost(self, method: Method) -> int:
        cost = method.cost
        return cost.before_2026 if self is GOOGLE_2023 else cost.since_2026


GOOGLE_2026: Final = QuotaTable(
    name="google-2026",
    metric="Total Query Cost",
    unit="Units",
    user_units=6_000,
    project_units=1_200_000,
)
GOOGLE_2023: Final = QuotaTable(
    name="google-2023",
    metric="Queries",
    unit="Queries",
    user_units=15_000,
    project_units=1_200_000,
)
TABLES: Final = {table.name: table for table in (GOOGLE_2026, GOOGLE_2023)}
