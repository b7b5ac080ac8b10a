"""All rows of the literature."""

from tests.analysis.literature import deep, heads, notes, recurrent, residual, transformers

ROWS = [row for part in (notes, deep, heads, residual, recurrent, transformers) for row in part.ROWS]
