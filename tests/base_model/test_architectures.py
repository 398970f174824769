"""The published variants against the numbers of their papers and weight files."""

import pytest

from builder_assets.base_model.architectures import ArchitectureError, architecture_of


@pytest.mark.parametrize(
    ("context", "n_units", "parameters", "macs_per_base"),
    [
        (80, 4, 93_763, 92_384),
        (400, 8, 186_211, 183_520),
        (2000, 12, 360_579, 356_576),
        (10000, 16, 698_787, 693_472),
    ],
)
def test_architecture_of__has_the_published_size(context, n_units, parameters, macs_per_base):
    architecture = architecture_of("openspliceai", context)
    assert architecture.n_units == n_units
    assert architecture.parameters() == parameters
    assert architecture.macs_per_base() == macs_per_base


@pytest.mark.parametrize("context", [80, 400, 2000, 10000])
def test_architecture_of__units_trim_exactly_the_flank(context):
    architecture = architecture_of("openspliceai", context)
    assert sum(architecture.trimmed_by_unit()) == architecture.flank == context // 2


def test_architecture_of__families_differ_in_slope_and_epsilon_only():
    spliceai, openspliceai = architecture_of("spliceai", 10000), architecture_of("openspliceai", 10000)
    assert (spliceai.negative_slope, spliceai.batch_norm_epsilon) == (0.0, 1e-3)
    assert (openspliceai.negative_slope, openspliceai.batch_norm_epsilon) == (0.1, 1e-5)
    assert (spliceai.widths, spliceai.dilations) == (openspliceai.widths, openspliceai.dilations)
    assert spliceai.widths == (11,) * 8 + (21,) * 4 + (41,) * 4
    assert spliceai.dilations == (1,) * 4 + (4,) * 4 + (10,) * 4 + (25,) * 4


def test_macs_per_tile__adds_the_flanks_of_every_convolution():
    # Width 11, dilation 1: eight convolutions, each 5 bases shorter on both sides than the one before.
    outputs = sum(100 + 2 * excess for excess in (35, 30, 25, 20, 15, 10, 5, 0))
    assert architecture_of("openspliceai", 80).macs_per_tile(100) == outputs * 11 * 32 * 32


def test_architecture_of__refuses_unknown_families_and_contexts():
    with pytest.raises(ArchitectureError, match="'pangolin' is not known; the known ones are spliceai, openspliceai"):
        architecture_of("pangolin", 10000)
    with pytest.raises(ArchitectureError, match="spliceai was not published with a context of 400, only 10000"):
        architecture_of("spliceai", 400)
