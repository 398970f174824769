"""A code version covers the logic number, the schema version and the settings that an asset was given."""

from pydantic import BaseModel

from builder_assets.manifest.versions import cause_of_change, code_version, flat_settings
from builder_assets.settings import IntronSettings, NegativeSettings


class Rule(BaseModel):
    bound: float = 0.5


def test_code_version__differs_by_logic_schema_and_settings():
    versions = {
        code_version(1, 1, Rule()), code_version(2, 1, Rule()), code_version(1, 2, Rule()),
        code_version(1, 1, Rule(bound=0.6)), code_version(1, 1),
    }  # fmt: skip
    assert len(versions) == 5


def test_code_version__is_stable():
    assert code_version(1, 1, Rule()) == code_version(1, 1, Rule(bound=0.5))


def test_cause_of_change__tells_code_from_settings():
    assert cause_of_change("1.1-aaaa", "1.1-bbbb") == "settings changed (1.1-aaaa -> 1.1-bbbb)"
    assert cause_of_change("1.1-aaaa", "2.1-aaaa") == "code changed (1.1-aaaa -> 2.1-aaaa)"
    assert cause_of_change("1.1-aaaa", "1.2-aaaa") == "code changed (1.1-aaaa -> 1.2-aaaa)"
    assert cause_of_change(None, "1.1-aaaa") == "code changed (None -> 1.1-aaaa)"


def test_cause_of_change__names_the_settings():
    before = {"kmers": [3], "negatives.seed": 42, "gone": 1}
    now = {"kmers": [3, 6], "negatives.seed": 42, "genes": ["G" * 90]}
    told = cause_of_change("1-aaaa", "1-bbbb", before, now)
    shown = '["' + "G" * 58 + "..."
    assert told == f"settings changed: genes nothing -> {shown}; gone 1 -> nothing; kmers [3] -> [3, 6]"


def test_flat_settings__names_are_dotted():
    genome = IntronSettings(min_intron=20)
    negatives = NegativeSettings()
    flat = flat_settings(genome, negatives)
    assert flat["min_intron"] == 20
    assert flat["ratios.easy"] == negatives.ratios.easy
