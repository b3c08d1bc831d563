"""What the page reads of a study's records."""

import math

from rate_distortion.page.records import Records
from rate_distortion.storage import files


def test_a_ratio_that_no_attack_reached_is_a_missing_number_and_a_model_called_na_is_not(tmp_path):
    rows = [{"model": "NA", "accuracy_percent": math.nan}, {"model": "B", "accuracy_percent": 12.5}]
    files.write_rows(tmp_path / "attack_audit.csv", rows)
    read = Records({"tables/attack_audit": tmp_path / "attack_audit"}).read("tables/attack_audit")
    assert list(read["model"]) == ["NA", "B"]
    assert read["accuracy_percent"].min() == 12.5
    assert read["accuracy_percent"].isna().tolist() == [True, False]
