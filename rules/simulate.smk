# Simulated patients: scans and registries as a hospital would hand them over. Every draw comes from simulate.seed.
SIMULATE = CONFIG["simulate"]
SITES = ["A", "B", "C"]


def batches():
    """Batches of the external cohort's patients, numbered from 0."""
    external = SIMULATE["external"]
    return [str(n) for n in range(-(-external["patients"] // external["batch_size"]))]


rule plan_external:
    """Draw the patients of the external cohort: anatomy, calcium, risk factors, scans to be made, faults."""
    output:
        result("simulate/external/plan.csv"),
    log:
        f"{LOGS}/plan_external.log",
    benchmark:
        f"{TIMES}/plan_external.tsv"
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        seed=SIMULATE["seed"],
        patients=SIMULATE.get("external", {}).get("patients"),
        code=code("simulate.plan"),
    script:
        "../workflow/scripts/plan_external.py"


rule scan_external:
    """Scan a batch of simulated patients: DICOM as it leaves the scanner, and the planted calcium."""
    input:
        plan=rules.plan_external.output[0],
    output:
        dicom=directory(result("simulate/external/dicom/batch-{batch}")),
        truth=result("simulate/external/truth/batch-{batch}.csv"),
    log:
        f"{LOGS}/scan_external/{{batch}}.log",
    benchmark:
        f"{TIMES}/scan_external/{{batch}}.tsv"
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        seed=SIMULATE["seed"],
        batch_size=SIMULATE.get("external", {}).get("batch_size"),
        code=code("simulate.scans"),
    script:
        "../workflow/scripts/scan_external.py"


rule registries_external:
    """Write the registries of the simulated patients; risk follows the planted calcium."""
    input:
        plan=rules.plan_external.output[0],
        truth=lambda _: expand(rules.scan_external.output.truth, batch=batches()),
    output:
        patients=result("simulate/external/registries/patients.csv"),
        pet=result("simulate/external/registries/pet.csv"),
        clinical_cac=result("simulate/external/registries/clinical_cac.csv"),
        deaths_hospital=result("simulate/external/registries/deaths_hospital.csv"),
        deaths_index=result("simulate/external/registries/deaths_index.csv"),
        deaths_state=result("simulate/external/registries/deaths_state.csv"),
        events=result("simulate/external/registries/events.csv"),
        followup=result("simulate/external/registries/followup.csv"),
    log:
        f"{LOGS}/registries_external.log",
    benchmark:
        f"{TIMES}/registries_external.tsv"
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        seed=SIMULATE["seed"],
        code=code("simulate.registries"),
    script:
        "../workflow/scripts/registries_external.py"


rule scan_development:
    """Scan and annotate the simulated development patients of one site."""
    output:
        scans=directory(result("simulate/development/site-{site}")),
        table=result("simulate/development/site-{site}.csv"),
    log:
        f"{LOGS}/scan_development/{{site}}.log",
    benchmark:
        f"{TIMES}/scan_development/{{site}}.tsv"
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        seed=SIMULATE["seed"],
        scans=SIMULATE.get("development", {}).get("scans"),
        code=code("simulate.scans", "simulate.plan"),
    script:
        "../workflow/scripts/scan_development.py"
