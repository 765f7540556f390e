"""Length of follow-up, and which events came first."""

from calcohort.statistics.followup import event_type_rows, followup_row
from calcohort.statistics.populations import populations
from calcohort.statistics.study import PRIMARY, Study, Tables
from calcohort.statistics.tidy import table


def build(study: Study) -> Tables:
    """Tables of the family, by file stem."""
    rows, types = [], []
    for name, members in populations(study.primary):
        key = {"population": name, "endpoint": PRIMARY}
        rows.append(key | followup_row(members["years"].to_numpy(), members["event"].to_numpy()))
        types += event_type_rows(members, key)
    return {"followup": table("followup", rows), "event_types": table("event_types", types)}
