"""Which counts must be withheld so that no count below a limit can be seen or computed.

Primary suppression withholds counts from 1 to the limit less 1. Complementary suppression withholds further
counts until no total lets a reader narrow a small count down: what is withheld is what an attacker with every
published count and every relation between counts could still not tell (the intervals of Cox, J Am Stat Assoc
1980;75:377-385, by linear programming).
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Relation:
    """A count that is the sum of others."""

    total: Hashable
    parts: tuple[Hashable, ...]

    @property
    def cells(self) -> tuple[Hashable, ...]:
        """Every count of the relation."""
        return (self.total, *self.parts)


def is_small(count: float, limit: int) -> bool:
    """Whether a count may not be published: 0 and what reaches the limit may."""
    return 0 < count < limit


def withheld(counts: Mapping, relations: Sequence[Relation], limit: int) -> set:
    """Counts to be withheld.

    Parameters
    ----------
    counts : mapping of key to int
        Every count that would be published or can be computed by the relations.
    relations : sequence of Relation
        All that a reader can know about them.
    limit : int
        Smallest count that may be known (`privacy.min_cell`).
    """
    small = {cell for cell, count in counts.items() if is_small(count, limit)}
    hidden = set(small)
    neighbours = _neighbours(relations)
    waiting = sorted(small, key=str)
    while waiting:
        cell = waiting[0]
        low, high = interval(cell, counts, relations, hidden)
        # Fewer than `limit` possible values are as good as the count itself.
        if high - low >= limit - 1 - TOLERANCE:
            waiting.pop(0)
            continue
        more = _next(cell, counts, neighbours, hidden)
        if more is None:
            waiting.pop(0)
            continue
        hidden.add(more)
    return hidden


def interval(cell, counts: Mapping, relations: Sequence[Relation], hidden: set) -> tuple[float, float]:
    """Least and greatest value of a withheld count that everything published leaves possible."""
    # The workflow names the public tables without computing any, and need not wait for scipy.
    from scipy.optimize import linprog

    equations = _connected(cell, relations, hidden)
    unknown = sorted({c for relation in equations for c in relation.cells if c in hidden} | {cell}, key=str)
    place = {one: number for number, one in enumerate(unknown)}
    matrix, right = np.zeros((len(equations), len(unknown))), np.zeros(len(equations))
    for row, relation in enumerate(equations):
        for one, sign in ((relation.total, -1.0), *((part, 1.0) for part in relation.parts)):
            if one in place:
                matrix[row, place[one]] += sign
            else:
                right[row] -= sign * counts[one]
    goal = np.zeros(len(unknown))
    goal[place[cell]] = 1.0
    ends = []
    for sign in (1.0, -1.0):
        given = {"A_eq": matrix, "b_eq": right} if equations else {}
        found = linprog(sign * goal, bounds=(0, None), method="highs", **given)
        ends.append(sign * found.fun if found.success else sign * -np.inf)
    return ends[0], ends[1]


def merged_flow(flow: pd.DataFrame, limit: int) -> pd.DataFrame:
    """A flow table whose steps are put together until every number in it is 0 or reaches the limit.

    Parameters
    ----------
    flow : DataFrame
        step, n_in, excluded, reason, n_out.
    """
    groups: list[dict] = []
    for row in flow.itertuples():
        last = groups[-1] if groups else None
        if last is not None and is_small(last["excluded"], limit):
            last["excluded"] += row.excluded
            last["reason"] += f" or {row.reason}"
        else:
            groups.append({"excluded": row.excluded, "reason": row.reason})
    while len(groups) > 1 and is_small(groups[-1]["excluded"], limit):
        tail = groups.pop()
        groups[-1]["excluded"] += tail["excluded"]
        groups[-1]["reason"] += f" or {tail['reason']}"
    left, rows = int(flow["n_in"].iloc[0]), []
    for step, group in enumerate(groups, start=1):
        out = left - group["excluded"]
        rows.append({"step": step, "n_in": left, **group, "n_out": out})
        left = out
    table = pd.DataFrame(rows, columns=flow.columns).astype(
        {"n_in": "Int64", "excluded": "Int64", "n_out": "Int64"}
    )
    small = table[["n_in", "excluded", "n_out"]].map(lambda count: is_small(count, limit))
    if small.any(axis=None):
        # All exclusions together, or all who stay, are few: no two of the three numbers may stand there.
        first = table["n_in"].where(~small["n_in"].astype(bool))
        table = table.assign(reason="all reasons", n_in=first)[:1]
        table[["excluded", "n_out"]] = pd.NA
    return table


def _neighbours(relations: Sequence[Relation]) -> dict:
    found: dict = {}
    for relation in relations:
        for cell in relation.cells:
            found.setdefault(cell, set()).update(relation.cells)
    return found


def _connected(cell, relations: Sequence[Relation], hidden: set) -> list[Relation]:
    """Relations that withheld counts connect with `cell`."""
    reached, equations, grew = {cell}, [], True
    left = [relation for relation in relations if hidden & set(relation.cells)]
    while grew:
        near = [relation for relation in left if reached & set(relation.cells)]
        left = [relation for relation in left if not reached & set(relation.cells)]
        equations += near
        more = {c for relation in near for c in relation.cells if c in hidden} - reached
        reached |= more
        grew = bool(near)
    return equations


def _next(cell, counts: Mapping, neighbours: dict, hidden: set):
    """The smallest published count, not 0, that shares a relation with what is withheld around `cell`."""
    reached, edge = {cell}, {cell}
    while edge:
        around = set().union(*(neighbours.get(one, set()) for one in edge)) - reached
        published = [one for one in around if one not in hidden and counts[one] > 0]
        if published:
            return min(published, key=lambda one: (counts[one], str(one)))
        reached |= around
        edge = around & hidden
    return None
