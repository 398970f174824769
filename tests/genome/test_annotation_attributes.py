import polars as pl
import pytest

from builder_assets.genome.annotation_attributes import gtf_attribute


@pytest.mark.parametrize(
    ("attributes", "value"),
    [
        ('gene_id "A"; gene_name "X"', "X"),
        ('level 2; gene_name  " a b ";', "a b"),
        ("level 2; gene_name Q ;", "Q"),
        ('gene_name ""; gene_name "X"', None),
        ("gene_name ; level 2", None),
        ('old_gene_name "X"', None),
        ('gene_id "A"', None),
    ],
)
def test_gtf_attribute__first_value_without_quotes_and_blanks(attributes, value):
    assert pl.DataFrame({"attributes": [attributes]}).select(gtf_attribute("gene_name")).item() == value
