# Simulated patients: scans and registries as a hospital would hand them over. Every draw comes from simulate.seed.
SIMULATE = CONFIG["simulate"]
SITES = ["A", "B", "C"]


localrules:
    plan_external,
    registries_external,


if "external" in SIMULATE:

    rule plan_external:
        """Draw the patients of the external cohort: anatomy, calcium, risk factors, scans to be made, faults."""
        output:
            result("simulate/external/plan.csv"),
        log:
            f"{LOGS}/plan_external.log",
        benchmark:
            f"{TIMES}/plan_external.tsv"
        conda:
            "../envs/network.yaml"
        resources:
            mem_mb=memory(1000),
            runtime=5,
        params:
            seed=SIMULATE["seed"],
            patients=SIMULATE["external"]["patients"],
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
        conda:
            "../envs/network.yaml"
        resources:
            mem_mb=memory(3000),
            runtime=30,
        params:
            seed=SIMULATE["seed"],
            batch_size=SIMULATE["external"]["batch_size"],
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
        conda:
            "../envs/network.yaml"
        resources:
            mem_mb=memory(1000),
            runtime=5,
        params:
            seed=SIMULATE["seed"],
            code=code("simulate.registries"),
        script:
            "../workflow/scripts/registries_external.py"


if "development" in SIMULATE:

    rule scan_development:
        """Scan and annotate the simulated development patients of one site."""
        output:
            scans=directory(result("simulate/development/site-{site}")),
            table=result("simulate/development/site-{site}.csv"),
        log:
            f"{LOGS}/scan_development/{{site}}.log",
        benchmark:
            f"{TIMES}/scan_development/{{site}}.tsv"
        conda:
            "../envs/network.yaml"
        resources:
            mem_mb=memory(3000),
            runtime=30,
        params:
            seed=SIMULATE["seed"],
            scans=SIMULATE["development"]["scans"],
            code=code("simulate.scans", "simulate.plan"),
        script:
            "../workflow/scripts/scan_development.py"


if "cohort" in SIMULATE:

    rule simulate_cohort:
        """Draw a cohort of scores and registries shaped like the published study."""
        output:
            scores=result("simulate/cohort/scores.csv"),
            patients=result("simulate/cohort/patients.csv"),
            pet=result("simulate/cohort/pet.csv"),
            clinical_cac=result("simulate/cohort/clinical_cac.csv"),
            deaths=result("simulate/cohort/deaths.csv"),
            events=result("simulate/cohort/events.csv"),
            followup=result("simulate/cohort/followup.csv"),
        log:
            f"{LOGS}/simulate_cohort.log",
        benchmark:
            f"{TIMES}/simulate_cohort.tsv"
        conda:
            "../envs/network.yaml"
        resources:
            mem_mb=memory(1000),
            runtime=5,
        params:
            seed=SIMULATE["seed"],
            screened=SIMULATE["cohort"]["screened"],
            code=code("simulate.cohort"),
        script:
            "../workflow/scripts/simulate_cohort.py"
