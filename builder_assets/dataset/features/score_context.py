"""Features of the scores farther away: how high they rise on either side, where the next candidate is, what pairs up.

    ... 1000 ... 200 ... 50 ... 3 | 2 1 [base] 1 2 | 3 ... 50 ... 200 ... 1000 ...     bases of one gene
              upstream windows    |  base features |    downstream windows

Bases within 2 are left to the base features. Beyond the gene the score counts as 0. Nothing here knows a label.
"""

from dataclasses import dataclass

import numpy as np

from resources.table_contract import Column

KINDS = ("donor", "acceptor")
SIDES = ("upstream", "downstream")
NEAREST = 3  # first base that the windows and the search for candidates read
REACHES = (50, 200, 1000)
CANDIDATE = np.float32(0.1)  # score from which a base is a candidate site
FARTHEST = 10_000  # what the base models see on either side
COUNT_REACH = 200
# Partner of a base -> its kind, and the first and last shift at which it makes an exon of 25..500 bases, both ends
# included, or an intron of 50..10,000 bases, both exon bases beside it left out.
PARTNERS = {
    "donor_exon_partner": ("acceptor", -499, -24),
    "donor_intron_partner": ("acceptor", 51, 10_001),
    "acceptor_exon_partner": ("donor", 24, 499),
    "acceptor_intron_partner": ("donor", -10_001, -51),
}
MARGIN = 10_001  # zeros before and after a track, so that no window leaves it


def _probability(name: str, description: str) -> Column:
    return Column(
        name=name,
        dtype="float32",
        description=description,
        unit="probability",
        role="feature",
        minimum=0,
        maximum=1,
    )


def _kind_columns(kind: str) -> list[Column]:
    p = f"P({kind})"
    columns = [
        _probability(
            f"{kind}_max_{side}_{reach}", f"Highest {p} at {NEAREST}..{reach} bases {side}; 0 beyond the gene."
        )
        for side in SIDES
        for reach in REACHES
    ]
    for side in SIDES:
        nearest = f"nearest base {side}, {NEAREST} to {FARTHEST:,} away, with {p} >= {CANDIDATE:g}"
        columns += [
            Column(
                name=f"{kind}_distance_{side}",
                dtype="uint16",
                description=f"Bases to the {nearest}; {FARTHEST:,} if there is none.",
                unit="bases",
                role="feature",
                minimum=NEAREST,
                maximum=FARTHEST,
            ),
            _probability(f"{kind}_nearest_{side}", f"{p} of the {nearest}; 0 if there is none."),
            Column(
                name=f"{kind}_none_{side}", dtype="bool", description=f"There is no such {nearest}.", role="feature"
            ),
        ]
    columns += [
        Column(
            name=f"{kind}_rank",
            dtype="int32",
            description=f"1 + number of bases of the gene with a higher {p}.",
            unit="rank",
            role="feature",
            minimum=1,
        ),
        Column(
            name=f"{kind}_candidates_{COUNT_REACH}",
            dtype="uint16",
            description=f"Other bases within +-{COUNT_REACH} with {p} >= {CANDIDATE:g}.",
            unit="count",
            role="feature",
            minimum=0,
            maximum=2 * COUNT_REACH,
        ),
    ]
    return columns


def _partner_column(name: str) -> Column:
    kind, first, last = PARTNERS[name]
    own, what, _ = name.split("_")
    own = "an acceptor" if own == "acceptor" else "a donor"
    text = f"Highest P({kind}) at shift {first:+d}..{last:+d}: were the base {own}, its best partner for an {what}"
    return _probability(name, f"{text}; 0 beyond the gene.")


CONTEXT_COLUMNS = (
    *_kind_columns("donor"),
    *_kind_columns("acceptor"),
    *[_partner_column(name) for name in PARTNERS],
)


@dataclass(frozen=True)
class _Window:
    """A column that is the highest score of a kind from shift `first` to shift `last`."""

    name: str
    kind: str
    first: int
    last: int

    @property
    def power(self) -> int:
        """The largest power of two of bases that fits: two such stretches, overlapping, are the window."""
        return 1 << ((self.last - self.first + 1).bit_length() - 1)


def _windows() -> list[_Window]:
    windows = [
        _Window(f"{kind}_max_{side}_{reach}", kind, *((-reach, -NEAREST) if side == "upstream" else (NEAREST, reach)))
        for kind in KINDS
        for side in SIDES
        for reach in REACHES
    ]
    return [*windows, *[_Window(name, *place) for name, place in PARTNERS.items()]]


WINDOWS = _windows()


def score_context(donor: np.ndarray, acceptor: np.ndarray, offsets: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of CONTEXT_COLUMNS for bases of one gene.

    Args:
        donor: P(donor) by offset, float32 (length,).
        acceptor: P(acceptor) by offset, float32 (length,).
        offsets: Bases to look at, int64 (n,).
    """
    columns: dict[str, np.ndarray] = {}
    for kind, track in zip(KINDS, (donor, acceptor), strict=True):
        columns |= window_maxima(track, offsets, [window for window in WINDOWS if window.kind == kind])
        columns |= _candidates(kind, track, offsets)
        columns[f"{kind}_rank"] = ranks(track, offsets)
    return columns


def window_maxima(track: np.ndarray, offsets: np.ndarray, windows: list[_Window]) -> dict[str, np.ndarray]:
    """Highest score of each window of each base, float32 (n,); 0 beyond the gene.

    Running maxima over 2, 4, 8 .. bases, each from the one before; a window is two of them, overlapping.
    """
    columns: dict[str, np.ndarray] = {}
    margin = np.zeros(MARGIN, dtype=np.float32)
    running, width = np.concatenate([margin, track, margin]), 1
    for power in sorted({window.power for window in windows}):
        while width < power:
            running = np.maximum(running[:-width], running[width:])
            width *= 2
        for window in windows:
            if window.power == power:
                first = offsets + (MARGIN + window.first)
                columns[window.name] = np.maximum(
                    running[first], running[first + window.last - window.first + 1 - power]
                )
    return columns


def ranks(track: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """1 + number of bases of the gene that score higher, int32 (n,).

    A score's first 16 bits order like the score, which is never negative, and are sorted seven times as fast; whole
    scores are sorted only where they begin like one that is asked for.
    """
    bins = _first_bits(track)
    asked = bins[offsets]
    is_asked = np.zeros(1 << 16, dtype=bool)
    is_asked[asked] = True
    near = np.sort(track[is_asked[bins]])
    in_higher_bins = len(bins) - np.searchsorted(np.sort(bins, kind="stable"), asked, side="right")
    higher_in_bin = np.searchsorted(_first_bits(near), asked, side="right") - np.searchsorted(
        near, track[offsets], side="right"
    )
    return (1 + in_higher_bins + higher_in_bin).astype(np.int32)


def _first_bits(track: np.ndarray) -> np.ndarray:
    """The 16 bits after the sign of each float32."""
    return (track.view(np.uint32) >> 15).astype(np.uint16)


def _candidates(kind: str, track: np.ndarray, offsets: np.ndarray) -> dict[str, np.ndarray]:
    """Distance to and score of the nearest candidate on either side, and how many there are around."""
    candidates = np.flatnonzero(track >= CANDIDATE)
    before = np.searchsorted(candidates, offsets - NEAREST, side="right") - 1
    after = np.searchsorted(candidates, offsets + NEAREST, side="left")
    columns: dict[str, np.ndarray] = {}
    for side, place in (("upstream", before), ("downstream", after)):
        found = (place >= 0) & (place < len(candidates))
        at = candidates[np.clip(place, 0, len(candidates) - 1)] if len(candidates) else np.zeros_like(offsets)
        distance = np.abs(at - offsets)
        found &= distance <= FARTHEST
        columns[f"{kind}_distance_{side}"] = np.where(found, distance, FARTHEST).astype(np.uint16)
        columns[f"{kind}_nearest_{side}"] = np.where(found, track[at], np.float32(0))
        columns[f"{kind}_none_{side}"] = ~found
    low = np.searchsorted(candidates, offsets - COUNT_REACH, side="left")
    high = np.searchsorted(candidates, offsets + COUNT_REACH, side="right")
    own = track[offsets] >= CANDIDATE
    columns[f"{kind}_candidates_{COUNT_REACH}"] = (high - low - own).astype(np.uint16)
    return columns
