"""Train the heart and the lesion network."""

import torch

from calcohort.logs import script_log
from calcohort.training.fit import fit

with script_log(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    fit(
        snakemake.input.samples,
        snakemake.params.training,
        snakemake.params.checkpoints,
        snakemake.output.model,
        snakemake.params.device,
        simulated=snakemake.params.simulated,
    )
