import hashlib

import numpy as np
import pyBigWig
import pytest

from builder_assets.dataset.features.conservation import conservation_features
from resources.conservation_track import ConservationTrackError, conservation_track


@pytest.fixture
def bigwig(tmp_path):
    """Bases 5..7 of chr22 (0-based 4..7) are 1, 2, 4; base 10 is 0.5; 12 bases long."""
    path = tmp_path / "track.bw"
    with pyBigWig.open(str(path), "w") as file:
        file.addHeader([("chr22", 12)])
        file.addEntries(["chr22"] * 4, [4, 5, 6, 9], ends=[5, 6, 7, 10], values=[1.0, 2.0, 4.0, 0.5])
    return path


def test_conservation_track__values_of_1_based_bases(bigwig) -> None:
    track = conservation_track(bigwig, "22")
    values = track.values(4, 14)
    assert np.nan_to_num(values, nan=-1).tolist() == [-1, 1, 2, 4, -1, -1, 0.5, -1, -1, -1, -1]
    assert np.isnan(track.values(20, 22)).all()


def test_conservation_track__digest_is_of_the_values(bigwig) -> None:
    n_values, digest = conservation_track(bigwig, "22").digest()
    expected = np.full(12, np.nan, dtype="<f4")
    expected[[4, 5, 6, 9]] = [1, 2, 4, 0.5]
    assert (n_values, digest) == (4, hashlib.sha256(expected.tobytes()).hexdigest())


def test_conservation_features__by_hand() -> None:
    values = np.full(40, np.nan, dtype=np.float32)
    values[[10, 20]] = [1.0, 3.0]
    found = conservation_features(values, np.array([10, 15, 20, 21, 31]))
    assert found["conservation"].to_list() == [1.0, None, 3.0, None, None]
    assert found["conservation_mean"].to_list() == [2.0, 2.0, 2.0, 3.0, None]


def test_conservation_track__says_what_is_wrong(bigwig, tmp_path) -> None:
    with pytest.raises(ConservationTrackError, match=r"has no chromosome 7, only 1 others such as chr22"):
        conservation_track(bigwig, "7")
    with pytest.raises(ConservationTrackError, match="no conservation track at"):
        conservation_track(tmp_path / "none.bw", "7")
    (tmp_path / "text.bw").write_text("no track")
    with pytest.raises(ConservationTrackError, match="is no bigWig file"):
        conservation_track(tmp_path / "text.bw", "7")
