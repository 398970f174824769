import pytest

from resources.gene_lists import GeneListError
from resources.gene_tables import read_gene_table

COLUMNS = ("gene_id", "split")


@pytest.mark.parametrize(
    "text",
    [
        "# mine\ngene_id\tsplit\nA\ttrain \n",
        "x,split,gene_id\n1,train,A\n",
        "#gene_id\tsplit\ngene_id\tsplit\nA\ttrain\n",
        "#columns:,gene_id,split\ngene_id,split\nA,train\n",
        '# mine\n#gene_id\tsplit\tnote\nA\ttrain\t"quoted\n#B\ttest\tleft out\n',
    ],
)
def test_read_gene_table__tabs_or_commas(tmp_path, text) -> None:
    path = tmp_path / "table"
    path.write_text(text)
    assert read_gene_table(path, COLUMNS).rows() == [("A", "train")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gene_id,split\n", "holds no rows below its header; it needs the columns gene_id, split"),
        ("gene_id,side\nA,train\n", "lacks the columns split; it has gene_id, side"),
        ("gene_id,split\nA,\nB,test\n", "1 of 2 rows have an empty gene_id or split"),
        ("gene_id,split\nA,test,x\n", "is no table"),
        ("#gene_id\tside\nA\ttrain\n", "lacks the columns split; it has gene_id, side"),
    ],
)
def test_read_gene_table__says_what_is_wrong(tmp_path, text, message) -> None:
    path = tmp_path / "table"
    path.write_text(text)
    with pytest.raises(GeneListError, match=message):
        read_gene_table(path, COLUMNS)
