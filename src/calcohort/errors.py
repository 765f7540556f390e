"""Errors that a user can act on."""


class InputError(ValueError):
    """Something the user gave is wrong: one line that says what, where and how to mend it.

    Parameters
    ----------
    what : str
        What is wrong. Never holds a patient's identifier, name or date.
    where : str
        File, row, key or option that is meant.
    cure : str
        What to do about it.
    """

    def __init__(self, what: str, *, where: str = "", cure: str = ""):
        self.what, self.where, self.cure = what, where, cure
        message = f"{where}: {what}" if where else what
        super().__init__(f"{message}; {cure}" if cure else message)

    def __reduce__(self):
        # Exceptions cross process borders (worker pools) by their args alone, which would lose the keywords.
        return _rebuild, (self.what, self.where, self.cure)


def _rebuild(what: str, where: str, cure: str) -> InputError:
    return InputError(what, where=where, cure=cure)
