"""Files of a source, and what a user reads when one is refused."""

import re

import pytest

from calcohort.errors import InputError
from calcohort.registries.sources import read


@pytest.fixture
def source(tmp_path):
    """Write a file and give its source; options go into the source."""

    def write(text: str, name: str = "export.csv", written: str = "utf-8", **options) -> dict:
        path = tmp_path / name
        path.write_bytes(text.encode(written))
        return {"path": str(path), **options}

    return write


@pytest.fixture
def refusal():
    """The one line that a user reads, without the folder of the file."""

    def refused(source, name: str, **options) -> str:
        with pytest.raises(InputError) as caught:
            read(source, name, **options)
        assert "\n" not in str(caught.value)
        return re.sub(r"^/[^ ]*/", "", str(caught.value))

    return refused
