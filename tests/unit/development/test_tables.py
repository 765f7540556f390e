"""Tables of annotated scans, as people save them."""

import pytest

from calcohort.development import read_tables
from calcohort.errors import InputError

HEADER = "patient_id,site,scan_type,image,annotation\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ((HEADER + "a,café,ctac,x,y\n").encode("latin-1"), "is not a CSV table; export it as CSV in UTF-8"),
        (b"", "is not a CSV table"),
        ((HEADER + "a,b,spect,x,y\n").encode(), "scan_type must be ctac or gated"),
        ((HEADER + "a,b,ctac,,y\n").encode(), "column image is empty in row 2"),
        (b"patient_id,site\na,b\n", "no column scan_type"),
    ],
)
def test_what_is_no_table_of_annotated_scans_is_one_line(tmp_path, content, said):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(InputError, match=said) as refused:
        read_tables([str(tmp_path / "t.csv")])
    assert "\n" not in str(refused.value)
