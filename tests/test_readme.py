"""README.md: its code and its commands, as they stand there. Those for a fresh machine are run by .ci/run."""

import re

import pytest
from conftest import ROOT

import helpers
from helpers import load_round, run
from models.AuxLoss import AuxModel, train_model_AM

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
STUDY = (ROOT / "report" / "README.md").read_text(encoding="utf-8")


def test_the_code_reads_ones_own_two_digits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pixels of ten test pairs, as lists and as tensors; the network says of them what it says in the test."""
    data = load_round(0, nb_train_pairs=100, nb_test_pairs=10)
    result = run(data, AuxModel, train_model_AM, data.train_classes, nb_epochs=5, mini_batch_size=10)
    usual = load_round(0)
    model = result.model
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    monkeypatch.setattr(helpers, "run", lambda *_: result)
    for first, second in data.test_input * data.std + data.mean:
        exec(code, {"first": first.tolist(), "second": second.unsqueeze(0)})
    scores, _ = model((data.test_input * data.std + data.mean - usual.mean) / usual.std)
    wanted = ["first <= second" if second > first else "first > second" for first, second in scores.tolist()]
    assert capsys.readouterr().out.splitlines() == wanted
    assert len(set(wanted)) == 2


def test_what_is_named_is_there() -> None:
    """The files of commands, settings, options, and the lines to uncomment."""
    commands = [
        line for text in (TEXT, STUDY) for line in re.findall(r"`([^`\n]*)`|^(.*python.*)$", text, re.MULTILINE)
    ]
    files = {name for parts in commands for name in re.findall(r"[\w/]+\.(?:py|txt)", "".join(parts)) if "/" in name}
    assert {"report/study.py", "report/build.py", "report/verify.py", "tests/requirements.txt"} <= files
    for name in files:
        assert (ROOT / name).exists() or (ROOT / "report" / name).exists(), name
    settings = set(re.findall(r"\b(?:NB|MINI|LEARNING|AUX)_[A-Z_]+\b", TEXT))
    assert settings == {"NB_EPOCHS", "NB_ROUNDS"}
    assert all(hasattr(helpers, name) for name in settings)
    script = (ROOT / "test.py").read_text(encoding="utf-8")
    assert script.endswith("\n    # plot_losses(results)\n")
    assert "# while tuning: load_round(1000 + nb_round, validation=True)" in script


def test_no_sentence_is_long() -> None:
    """Of README's prose: at most 30 words."""
    prose = re.sub(r"```.*?```|<!--.*?-->|^\|.*$|^#.*$|!\[.*\]\(.*\)", "\n\n", TEXT, flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"\]\([^)]*\)", "]", prose)
    for sentence in re.split(r"[.:;!?](?=\s)|\n\n|\n- ", prose):
        assert len(sentence.split()) <= 30, sentence
