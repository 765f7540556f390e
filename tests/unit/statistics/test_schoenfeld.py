"""Scaled Schoenfeld residuals beside lifelines', and what their smooth shows."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from calcohort.statistics.schoenfeld import scaled_residuals, smooth


@pytest.fixture(scope="module")
def fitted():
    random = np.random.default_rng(3)
    x = random.normal(size=(300, 2))
    time, stop = random.exponential(1 / np.exp(x @ [0.5, -0.3])), random.exponential(2, 300)
    data = pd.DataFrame(x, columns=["a", "b"]).assign(T=np.minimum(time, stop), E=(time <= stop).astype(int))
    return data, CoxPHFitter().fit(data, "T", "E", fit_options={"precision": 1e-12})


def test_residuals_are_those_of_lifelines_plus_the_coefficient(fitted):
    data, model = fitted
    beta = model.params_.to_numpy()
    times, ours = scaled_residuals(
        data[["a", "b"]].to_numpy(),
        data["T"].to_numpy(),
        data["E"].to_numpy(),
        beta,
        model.variance_matrix_.to_numpy(),
    )
    theirs = model.compute_residuals(data, "scaled_schoenfeld")
    theirs = theirs.iloc[np.argsort(data.loc[theirs.index, "T"].to_numpy())].to_numpy()
    assert np.allclose(theirs, ours[np.argsort(times, kind="stable")] - beta, atol=1e-10)
    # They average to the coefficient.
    assert np.allclose(ours.mean(axis=0), beta, atol=1e-6)


def test_a_natural_spline_gives_back_a_line_and_is_linear_at_its_ends():
    at = np.linspace(0, 1, 50)
    points = np.linspace(0, 1, 9)
    fitted, leverage = smooth(at, np.column_stack([2 + 3 * at, np.full(50, 7.0)]), points)
    assert np.allclose(fitted[:, 0], 2 + 3 * points) and np.allclose(fitted[:, 1], 7)
    assert leverage[0] > leverage[4] > 0
