"""A code version covers the logic number and the settings that an asset was given."""

from pydantic import BaseModel

from builder_assets.manifest.versions import cause_of_change, code_version


class Rule(BaseModel):
    bound: float = 0.5


def test_code_version__differs_by_logic_and_by_settings():
    versions = {code_version(1, Rule()), code_version(2, Rule()), code_version(1, Rule(bound=0.6)), code_version(1)}
    assert len(versions) == 4


def test_code_version__is_stable():
    assert code_version(1, Rule()) == code_version(1, Rule(bound=0.5))


def test_cause_of_change__tells_code_from_settings():
    assert cause_of_change("1-aaaa", "1-bbbb") == "settings"
    assert cause_of_change("1-aaaa", "2-aaaa") == "code"
    assert cause_of_change(None, "1-aaaa") == "code"
