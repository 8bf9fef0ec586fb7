"""The server of examples/embeddings speaks OpenAI's address to the real SDK; its environment is made once."""

import importlib.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import openai
import pytest

from seawall.config import load, serve_faults

HERE = Path(__file__).parents[2] / "examples" / "embeddings"
MODEL = "all-MiniLM-L6-v2"
EIGHTHS = [0.125, -0.5, 0.75]  # the same in 32 bits as in 64


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"embeddings_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def _serving() -> Iterator[openai.OpenAI]:
    """Give a client of a server whose model knows three numbers for each text, and a token for each word."""
    server = _module("model_server").ModelServer(lambda text: (EIGHTHS, len(text.split())))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        direct = openai.DefaultHttpxClient(trust_env=False)
        url = f"http://127.0.0.1:{server.server_port}/v1"
        with openai.OpenAI(base_url=url, api_key="none", max_retries=0, http_client=direct) as client:
            yield client
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("form", ["float", "base64", None])
def test_the_sdk_gets_a_vector_for_each_text_in_either_form(form: str | None) -> None:
    """In order, with the tokens of all; the form that the SDK asks for by itself too."""
    more = {} if form is None else {"encoding_format": form}
    with _serving() as client:
        got = client.embeddings.create(model=MODEL, input=["one two", "three"], **more)
    assert [one.index for one in got.data] == [0, 1]
    if form == "base64":
        assert {one.embedding for one in got.data} == {"AAAAPgAAAL8AAEA/"}
    else:
        assert [one.embedding for one in got.data] == [EIGHTHS, EIGHTHS]
    assert (got.usage.prompt_tokens, got.usage.total_tokens, got.model) == (3, 3, MODEL)


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"input": "a", "model": "ada"}, 404, "the only model here"),
        ({"input": []}, 400, "a list of 1 to 256 texts"),
        ({"input": ["a", " "]}, 400, "none of them empty"),
        ({"input": [[1, 2]]}, 400, "input must be a text"),
        ({"input": ["a"] * 257}, 400, "a list of 1 to 256 texts"),
        ({"input": "a", "dimensions": 2}, 400, "384 dimensions"),
        ({"input": "a" * 1024 * 1024}, 413, "at most 1048576 bytes"),
    ],
    ids=("model", "none", "blank", "tokens", "many", "dimensions", "large"),
)
def test_what_the_model_has_not_is_refused_in_words(asked: dict[str, object], status: int, said: str) -> None:
    """By the SDK's own errors; the next call is answered as if nothing had been."""
    with _serving() as client:
        with pytest.raises(openai.APIStatusError) as caught:
            client.embeddings.create(**{"model": MODEL, "encoding_format": "float", **asked})
        assert len(client.embeddings.create(model=MODEL, input="a").data) == 1
    assert caught.value.status_code == status
    assert caught.value.response.headers["connection"] == "close", "what is left of the body is no next request"
    assert said in caught.value.message


def test_its_settings_are_served_as_they_stand() -> None:
    """Nothing in them waits for a later version, and the model has a price."""
    tree = load(HERE / "seawall.toml", {"INDEX_KEY_HASH": "sha256:" + "0a" * 32})
    assert serve_faults(tree) == []
    assert tree.models["vectors"].price is not None


def test_an_environment_is_made_once_for_the_same_requirements(tmp_path: Path, capsys) -> None:
    """Again where they change, or where it was left half made; one that cannot be made says what pip says."""
    make, wanted = _module("environment").prepared, tmp_path / "requirements.txt"
    wanted.write_text("# nothing\n")
    said = []
    for change in (
        None,
        None,
        lambda: wanted.write_text("# nothing at all\n"),
        (tmp_path / "venv" / "installed").unlink,
    ):
        if change is not None:
            change()
        assert make(tmp_path / "venv", wanted).exists()
        said.append("Installing" in capsys.readouterr().out)
    assert said == [True, False, True, True]
    wanted.write_text("--nonsense\n")
    with pytest.raises(SystemExit, match="(?s)could not be installed; pip says:.*--nonsense"):
        make(tmp_path / "venv", wanted)
