"""Scores on a CPU: pieces of genes, one per core at a time, through the OpenVINO graph of `openvino_network`.

    gene up to LONGEST_PIECE   one piece, its N flanks folded into constants
    longer gene                equal pieces, each read with `flank` bases on both sides
    genomic flanks             equal pieces as well, whatever the length

A piece is computed by one thread, and pieces follow from the gene's length alone: a gene's scores are the same to
the last bit alone, among others, and whatever the number of cores.
"""

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from threading import local
from typing import Any

import numpy as np

from builder_assets.base_model.folding import folded_member
from builder_assets.base_model.openvino_network import ensemble_graph
from builder_assets.base_model.scoring import Progress, SequenceError, checked_codes, is_out_of_memory
from builder_assets.base_model.weights import EnsembleWeights
from builder_assets.sequence import N
from resources.openvino_runtime import ov

logger = logging.getLogger("builder.scoring")

LONGEST_PIECE = 131_072  # bases; flanks then cost 5 %
BYTES_PER_PIECE = 350_000_000  # of one such piece in work; measured 300 MB (benchmarks/NOTES.md)
SHORTEST_PIECE = 4_096  # below this, memory is short for other reasons than the length of pieces
PIECES_AHEAD = 4  # per core, so that none waits while the scores of a gene are put together
HINTS = {"float32": "f32", "bfloat16": "bf16"}


class CpuScorer:
    """An ensemble on the cores of this machine, ready to score genes.

    Args:
        ensemble: Its weights.
        precision: "float32", or "bfloat16" for products of 8-bit mantissas, which recent Xeons compute ten times as
            fast; on other processors it is computed in float32.
        cores: Threads.
        longest_piece: Bases per piece.
    """

    def __init__(
        self, ensemble: EnsembleWeights, precision: str = "float32", cores: int = 1, longest_piece: int = LONGEST_PIECE
    ) -> None:
        self.architecture, self.longest_piece, self.cores = ensemble.architecture, longest_piece, cores
        self._members = [folded_member(member, ensemble.architecture) for member in ensemble.members]
        self._hints = {
            "INFERENCE_PRECISION_HINT": HINTS[precision],
            "INFERENCE_NUM_THREADS": cores,
            "NUM_STREAMS": cores,
        }
        self._compiled: dict[bool, Any] = {}
        self._requests = local()

    def score(self, codes: np.ndarray, progress: Progress | None = None, *, flanked: bool = False) -> np.ndarray:
        """Scores of one sequence; see `scoring.Scorer.score`."""
        (scores,) = self.score_genes([codes], progress, flanked=flanked)
        return scores

    def score_genes(
        self, genes: Iterable[np.ndarray], progress: Progress | None = None, *, flanked: bool = False
    ) -> Iterator[np.ndarray]:
        """`score` of each gene in turn, with as many pieces of the next ones in work as there are cores for."""
        waiting: deque[list[Future[np.ndarray]]] = deque()
        with ThreadPoolExecutor(self.cores) as pool:
            try:
                for codes in genes:
                    waiting.append(self._submitted_or_failed(pool, codes, flanked=flanked))
                    while sum(map(len, waiting)) > PIECES_AHEAD * self.cores and len(waiting) > 1:
                        yield _joined(waiting.popleft(), progress)
                while waiting:
                    yield _joined(waiting.popleft(), progress)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _submitted_or_failed(
        self, pool: ThreadPoolExecutor, codes: np.ndarray, *, flanked: bool
    ) -> list[Future[np.ndarray]]:
        """`_submitted`; an error is kept until it is this gene's turn, so that it is not taken for another's."""
        try:
            return self._submitted(pool, codes, flanked=flanked)
        except (ValueError, RuntimeError, MemoryError) as error:
            failed: Future[np.ndarray] = Future()
            failed.set_exception(error)
            return [failed]

    def _submitted(self, pool: ThreadPoolExecutor, codes: np.ndarray, *, flanked: bool) -> list[Future[np.ndarray]]:
        checked_codes(codes)
        context = self.architecture.context
        length = len(codes) - context if flanked else len(codes)
        if length < 1:
            raise SequenceError(f"{len(codes)} base codes with flanks of {context // 2} each hold no base to score.")
        masked = not flanked and length <= self.longest_piece
        self._model(masked=masked)  # compiled here, once, before threads ask for it
        if masked:
            return [pool.submit(self._piece, codes, masked=True)]
        read = codes if flanked else np.pad(codes, self.architecture.flank, constant_values=N)
        return [
            pool.submit(self._piece, read[start : start + piece + context], masked=False)
            for start, piece in pieces_of(length, self.longest_piece)
        ]

    def _piece(self, read: np.ndarray, *, masked: bool) -> np.ndarray:
        """Probabilities (length, 3) of one piece; in halves where memory does not suffice."""
        try:
            return probabilities_of(self._logits(read, masked=masked))
        except (MemoryError, RuntimeError) as error:
            context = self.architecture.context
            whole = np.pad(read, context // 2, constant_values=N) if masked else read
            length = len(whole) - context
            if not is_out_of_memory(error) or length < 2 * SHORTEST_PIECE:
                raise
            logger.warning("memory does not suffice for a piece of %s bases; it is scored in two halves", f"{length:,}")
            half = length // 2
            return np.concatenate(
                [self._piece(whole[: half + context], masked=False), self._piece(whole[half:], masked=False)]
            )

    def _logits(self, read: np.ndarray, *, masked: bool) -> np.ndarray:
        requests = vars(self._requests)
        if masked not in requests.setdefault("by_kind", {}):
            requests["by_kind"][masked] = self._model(masked=masked).create_infer_request()
        request = requests["by_kind"][masked]
        request.infer([read.astype(np.int32)])
        return request.get_output_tensor(0).data

    def _model(self, *, masked: bool) -> Any:
        if masked not in self._compiled:
            graph = ensemble_graph(self._members, self.architecture, masked=masked)
            self._compiled[masked] = ov.Core().compile_model(graph, "CPU", self._hints)
        return self._compiled[masked]


def pieces_of(length: int, longest: int) -> list[tuple[int, int]]:
    """(first offset, bases) of the fewest pieces, as equal as can be, that cover `length` bases."""
    count = -(-length // longest)
    bounds = [number * length // count for number in range(count + 1)]
    return [(low, high - low) for low, high in pairwise(bounds)]


def probabilities_of(logits: np.ndarray) -> np.ndarray:
    """Mean over the members (members, 3, length) of the softmax: float32 (length, 3)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.ascontiguousarray((powers / powers.sum(axis=1, keepdims=True)).mean(axis=0).T)


def _joined(pieces: list[Future[np.ndarray]], progress: Progress | None) -> np.ndarray:
    parts = []
    for piece in pieces:
        parts.append(piece.result())
        if progress is not None:
            progress(len(parts[-1]))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
