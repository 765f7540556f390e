"""Tables and figures of the study, made from the files of a run and nothing else."""


class Unavailable(Exception):
    """An exhibit cannot be made; the message is one sentence for the reader that says why."""
