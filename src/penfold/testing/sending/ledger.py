"""Suppressions, the ledger and kept answers, in memory."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from msgspec.structs import replace

from penfold.ports.sending.answers import KeptAnswer
from penfold.ports.sending.metering import Balance, Charge, UsageDay
from penfold.ports.sending.suppressions import Reason, Suppression
from penfold.testing.sending.emails import page
from penfold.testing.sending.state import Part


class MemorySuppressions(Part):
    def find_suppression(self, suppression_id: str, account_id: str) -> Suppression | None:
        found = self._mine(account_id)
        return next((one for one in found if one.id == suppression_id), None)

    def list_suppressions(
        self,
        account_id: str,
        *,
        address: str = "",
        reason: str = "",
        older: int | None = None,
        limit: int,
    ) -> list[Suppression]:
        mine = [
            one
            for one in self._mine(account_id)
            if address in ("", one.address) and reason in ("", one.reason)
        ]
        return page(mine, older=older, newer=None, limit=limit)

    def find_suppressed(
        self,
        account_id: str,
        addresses: Collection[str],
        *,
        domain: str,
        stream: str,
        now_ms: int,
    ) -> dict[str, Suppression]:
        wanted = {("account", one.value) for one in self._mine(account_id)}
        wanted |= {("domain", domain), ("stream", stream)}
        return {
            one.address: one
            for one in reversed(self._mine(account_id))
            if one.address in addresses
            and (one.scope, one.value) in wanted
            and (not one.expires_ms or one.expires_ms > now_ms)
        }

    def put_suppression(self, suppression: Suppression) -> Suppression:
        key = (suppression.address, suppression.scope, suppression.value)
        mine = self._mine(suppression.account_id)
        there = next((one for one in mine if (one.address, one.scope, one.value) == key), None)
        if there is None:
            new = replace(suppression, number=self._state.next("suppression"))
        elif there.reason is Reason.COMPLAINT and suppression.reason is not Reason.COMPLAINT:
            return there
        else:
            new = replace(suppression, id=there.id, number=there.number)
        self._state.suppressions[new.number] = new
        return new

    def delete_suppression(self, suppression_id: str, account_id: str) -> bool:
        found = self.find_suppression(suppression_id, account_id)
        return found is not None and bool(self._state.suppressions.pop(found.number))

    def expire_suppressions(self, *, now_ms: int, limit: int) -> int:
        dead = [number for number, one in self._state.suppressions.items()
                if 0 < one.expires_ms <= now_ms][:limit]  # fmt: skip
        for number in dead:
            del self._state.suppressions[number]
        return len(dead)

    def _mine(self, account_id: str) -> list[Suppression]:
        found = self._state.suppressions.values()
        return [one for one in found if one.account_id == account_id]


class MemoryMeter(Part):
    def get_balance(self, account_id: str) -> Balance:
        spent = sum(
            one.micros for one in self._state.charges.values() if one.account_id == account_id
        )
        found = self._state.balances.get(account_id, Balance(account_id))
        return replace(found, spent_micros=spent)

    def list_usage(self, account_id: str, *, first: str, last: str) -> list[UsageDay]:
        found: dict[tuple[str, str], list[int]] = defaultdict(list)
        for one in self._state.charges.values():
            if one.account_id == account_id and first <= one.day <= last:
                found[one.day, one.stream].append(one.micros)
        return [UsageDay(*key, len(each), sum(each)) for key, each in sorted(found.items())]

    def charge(self, charges: Sequence[Charge]) -> None:
        for one in charges:
            self._state.charges.setdefault((one.email, one.position), one)

    def put_balance(self, balance: Balance) -> None:
        self._state.balances[balance.account_id] = balance


class MemoryAnswers(Part):
    def find_answer(self, key_id: str, route: str, word: str) -> KeptAnswer | None:
        return self._state.answers.get((key_id, route, word))

    def put_answer(self, answer: KeptAnswer) -> None:
        self._state.answers[answer.key_id, answer.route, answer.word] = answer

    def expire_answers(self, *, before_ms: int, limit: int) -> int:
        old = [key for key, one in self._state.answers.items() if one.created_ms < before_ms]
        for key in old[:limit]:
            del self._state.answers[key]
        return len(old[:limit])
