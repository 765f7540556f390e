"""The analysis table: one row a patient, and the account of everybody who is not in it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from calcohort.cohort import endpoint, scores
from calcohort.cohort.flow import NO_PET, flow
from calcohort.cohort.link import Linked, link
from calcohort.cohort.quality import NOTE, Findings
from calcohort.cohort.settings import CohortSettings
from calcohort.errors import InputError

FLAGS = ("hypercholesterolemia", "smoking", "hypertension", "diabetes")
HISTORY = {"prior_pci": "pci", "prior_cabg": "cabg", "prior_mi": "myocardial_infarction"}
SCORES = ("cac_standard", "cac_dl", "cac_dl_rest_preferred", "cac_dl_gated", "cac_dl_protocol")
COLUMNS = (
    "patient_id", "age", "sex", "bmi", *FLAGS, *HISTORY, "history_of_cad", "mfr", "sds", *SCORES,
    "followup_days", "mace", "event_type", "death", "death_days",
)  # fmt: skip
OLDEST_AGE = 90


@dataclass(frozen=True)
class CohortResult:
    """The tables of results/NAME/cohort.

    Attributes
    ----------
    analysis : DataFrame
        One row for each analysed patient, the columns of ``COLUMNS``, sorted by patient_id.
    endpoints : DataFrame
        One row for each patient with a PET exam and endpoint: patient_id, endpoint, included, followup_days,
        event, event_type; then the covariates of that patient, because a sensitivity endpoint may include
        patients that `analysis` does not.
    excluded : DataFrame
        patient_id, reason: the first reason that holds.
    flow : DataFrame
        Patients by step, n_in, excluded, reason, n_out.
    scan_flow : DataFrame
        The same for the scans of the scores table.
    quality : DataFrame
        source, rule, severity, count.
    """

    analysis: pd.DataFrame
    endpoints: pd.DataFrame
    excluded: pd.DataFrame
    flow: pd.DataFrame
    scan_flow: pd.DataFrame
    quality: pd.DataFrame


def build(
    registries: dict[str, pd.DataFrame], scan_scores: pd.DataFrame, settings: CohortSettings
) -> CohortResult:
    """Derive the cohort from linked registries and scores.

    Parameters
    ----------
    registries : dict of DataFrame
        By source name, each from :func:`calcohort.registries.sources.read`; patients is needed. Without pet
        the days of the CTAC scans are the exams.
    scan_scores : DataFrame
        scores/scores.csv or the table of the `scores:` door, from
        :func:`calcohort.registries.scores.read_scores`.
    """
    findings = Findings([row for table in registries.values() for row in table.attrs.get("findings", [])])
    has_pet = "pet" in registries
    if not has_pet:
        registries = registries | {"pet": scores.exams_from_scores(scan_scores)}
    linked = link(registries, settings, findings)
    if has_pet:
        _count_people(registries, findings)
    fates = scores.scan_fates(scan_scores, linked.patients["scan_date"], findings)
    by_patient = scores.patient_scores(fates, linked.patients.index)
    by_patient["cac_standard"] = scores.standard_scores(
        registries.get("clinical_cac"), linked.patients["scan_date"], findings
    )
    _check_followup_source(linked, settings, findings)
    covariates = _covariates(linked, settings, findings).join(by_patient[list(SCORES)])
    results, reasons = [], None
    for definition in endpoint.definitions(settings):
        if definition.censoring == "last_contact" and not linked.has_followup:
            # Only those with an event would have an observed time: a cohort of events alone.
            findings.add("followup", f"no_such_source_{definition.name}_left_out", 1)
            continue
        excluded = endpoint.exclusions(linked, by_patient, settings, definition)
        reasons = excluded if reasons is None else reasons
        results.append(endpoint.derive(linked, excluded, settings, definition))
    primary = results[0]
    _count_doubts(linked, reasons, primary, settings, findings)
    analysis = _analysis(linked, covariates, primary, settings)
    excluded = pd.concat(
        [reasons.dropna(), pd.Series(NO_PET, index=linked.without_pet, dtype="string[python]")]
    )
    return CohortResult(
        analysis=analysis,
        endpoints=_endpoints(results, covariates),
        excluded=excluded.sort_index(kind="stable").rename("reason").rename_axis("patient_id").reset_index(),
        flow=flow(reasons, len(linked.without_pet)),
        scan_flow=scores.scan_flow(fates, reasons),
        quality=findings.table(),
    )


def _count_people(registries: dict[str, pd.DataFrame], findings: Findings) -> None:
    for name, other in (("patients", "pet"), ("pet", "patients")):
        rows = registries[name]["patient_id"]
        findings.always(name, "rows", len(rows))
        findings.always(name, "rows_linked", rows.isin(registries[other]["patient_id"]).sum())


def _check_followup_source(linked: Linked, settings: CohortSettings, findings: Findings) -> None:
    if linked.has_followup:
        return
    if settings.censoring == "last_contact":
        cure = "add the source, or set cohort.censoring: registry_end"
        raise InputError("censoring at last contact needs it", where="registries.followup", cure=cure)
    findings.add("followup", "no_such_source_nobody_counts_as_lost", 1)


def _covariates(linked: Linked, settings: CohortSettings, findings: Findings) -> pd.DataFrame:
    patients = linked.patients
    table = pd.DataFrame(index=patients.index)
    table["age"] = _whole(_age(patients, settings, findings))
    table["sex"] = patients["sex"]
    table["bmi"] = patients.get("bmi", np.nan)
    for name in FLAGS:
        table[name] = _flag(patients, name)
    for name, event in HISTORY.items():
        table[name] = _history(linked, name, event, findings)
    stated = _flag(patients, "history_of_cad")
    table["history_of_cad"] = table[list(HISTORY)].assign(stated=stated).max(axis=1).astype("Int64")
    table["mfr"], table["sds"] = patients["mfr"], _whole(patients["sds"])
    return table


def _age(patients: pd.DataFrame, settings: CohortSettings, findings: Findings) -> pd.Series:
    age = patients["age"] if "age" in patients else pd.Series(np.nan, index=patients.index)
    if "birth_date" in patients:
        born, scan = patients["birth_date"], patients["scan_date"]
        before_birthday = (scan.dt.month * 100 + scan.dt.day) < (born.dt.month * 100 + born.dt.day)
        computed = (scan.dt.year - born.dt.year - before_birthday).where(born.notna())
        impossible = (computed < 0) | (computed > 120)
        findings.add("patients", "birth_date_impossible_ignored", impossible.sum())
        age = age.fillna(computed.mask(impossible).astype(float))
    return age.clip(upper=OLDEST_AGE) if settings.private else age


def _whole(values: pd.Series) -> pd.Series:
    """Whole numbers without decimals, when all of them are whole."""
    return values.astype("Int64") if (values.dropna() % 1 == 0).all() else values


def _flag(patients: pd.DataFrame, name: str) -> pd.Series:
    missing = pd.Series(pd.NA, index=patients.index, dtype="Int64")
    return patients[name].astype("Int64") if name in patients else missing


def _history(linked: Linked, name: str, event: str, findings: Findings) -> pd.Series:
    """1 where the patient's column or an event before the scan says so; 0 where a source could have told."""
    stated = _flag(linked.patients, name)
    if not linked.has_events:
        return stated
    before = linked.events[(linked.events["day"] < 0) & (linked.events["event"] == event)]
    in_events = np.isin(np.arange(len(stated)), before["patient"])
    findings.add("patients", f"{name}_is_0_but_events_tell_of_it", ((stated == 0) & in_events).sum())
    return stated.fillna(0).mask(in_events, 1)


def _count_doubts(linked, reasons, primary, settings, findings: Findings) -> None:
    """Counts that the reader of the endpoint needs to judge it."""
    events, patients = linked.events, linked.patients
    included = reasons.isna().to_numpy()
    end = endpoint.observation_end(linked, settings.censoring)
    outcomes = endpoint.outcomes(linked, settings)
    outcomes = outcomes[included[outcomes["patient"]]]
    late = outcomes[outcomes["day"].to_numpy() > end[outcomes["patient"]]]
    findings.add("deaths", "death_after_the_observed_time_not_counted", (late["type"] == "death").sum(), NOTE)
    findings.add("events", "event_after_the_observed_time_not_counted", (late["type"] != "death").sum(), NOTE)
    kinds = events["event"].isin(["myocardial_infarction", "unstable_angina"])
    choices = settings.conflicts
    on_scan_day = (kinds & (events["day"] == 0)).sum()
    findings.settle("events", "event_on_scan_day", on_scan_day, choices["event_on_scan_day"])
    first_day = primary["followup_days"].to_numpy(float, na_value=np.nan)
    tied = (
        outcomes[outcomes["day"].to_numpy() == first_day[outcomes["patient"]]].groupby("patient").size() > 1
    )
    findings.settle("events", "same_day_events", tied.sum(), choices["same_day_events"], NOTE)
    early = events[endpoint.is_early_revascularization(events, settings)].groupby("patient")["day"].min()
    lost = (reasons == "early_revascularization").fillna(False).to_numpy()
    nonfatal = events[kinds & (events["day"] >= 0) & lost[events["patient"]]]
    earlier = nonfatal["day"] < nonfatal["patient"].map(early)
    findings.add(
        "events", "event_before_the_excluding_revascularization", nonfatal[earlier]["patient"].nunique(), NOTE
    )
    for column in ("sex", "mfr", "sds"):
        findings.add("analysis", f"{column}_missing", (patients[column].isna() & included).sum(), NOTE)


def _analysis(linked, covariates, primary, settings) -> pd.DataFrame:
    end = pd.Series(endpoint.observation_end(linked, settings.censoring), index=covariates.index)
    death_day = linked.patients["death_day"]
    died = death_day <= end
    table = covariates.assign(
        followup_days=primary["followup_days"],
        mace=primary["event"],
        event_type=primary["event_type"],
        death=died.astype("Int64"),
        death_days=death_day.where(died, end).astype("Int64"),
    )
    return table[primary["included"] == 1].reset_index()[list(COLUMNS)]


def _endpoints(results: list[pd.DataFrame], covariates: pd.DataFrame) -> pd.DataFrame:
    table = pd.concat([result.join(covariates) for result in results])
    return table.reset_index()
