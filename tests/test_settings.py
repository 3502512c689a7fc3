"""The settings of helpers.py, and those of PyTorch that give the same digits everywhere."""

import os
import re
from types import ModuleType

import pytest
import torch
from conftest import ROOT, SAME_DIGITS, load_module

import helpers

INVALID = [
    ("NB_EPOCHS", 0, "a whole number from 1 to 100,000"),
    ("NB_EPOCHS", True, "a whole number from 1 to 100,000"),
    ("NB_ROUNDS", 1001, "a whole number from 1 to 1,000"),
    ("MINI_BATCH_SIZE", 2.5, "a whole number from 1 to 30,000"),
    ("LEARNING_RATE", 0, "a number from 1e-09 to 1,000,000,000"),
    ("LEARNING_RATE", 10**40, "a number from 1e-09 to 1,000,000,000"),
    ("SEED", 10**5000, "a whole number from 0 to 9,223,372,036,854,775,808"),
    ("LEARNING_RATE", float("nan"), "a number from 1e-09 to 1,000,000,000"),
    ("AUX_WEIGHT", -0.5, "a number from 0 to 1,000"),
    ("NB_TEST_PAIRS", 5001, "a whole number from 1 to 5,000"),
]


@pytest.mark.parametrize(("setting", "value", "allowed"), INVALID, ids=[str(n) for n in range(len(INVALID))])
def test_an_invalid_setting_ends_the_command_before_anything_is_done(
    main_job: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    setting: str,
    value: object,
    allowed: str,
) -> None:
    monkeypatch.setattr(helpers, setting, value)
    with pytest.raises(SystemExit) as caught:
        main_job.main(None)  # not reached
    shown = "a huge number" if type(value) is int and value > 10**30 else repr(value)
    assert caught.value.code == f"error: {setting} = {shown}: it must be {allowed}."
    assert capsys.readouterr().out == ""


def test_valid_settings_and_every_setting_has_a_range(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "helpers.py").read_text(encoding="utf-8")
    settings = text[text.index("# ---- Settings") : text.index("RANGES")]
    assert re.findall(r"^([A-Z_]+) = ", settings, re.MULTILINE) == sorted(
        helpers.RANGES, key=lambda name: settings.index(f"\n{name} = ")
    )
    for name, value in {"LEARNING_RATE": 1, "AUX_WEIGHT": 0, "SEED": 10**12, "NB_TEST_PAIRS": 5000}.items():
        monkeypatch.setattr(helpers, name, value)
    helpers.check_settings()


# ---- The same digits on every x86-64 processor, and on a GPU in every run --------------------------------------------

OURS = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "COMPATIBLE"}


@pytest.mark.skipif(not SAME_DIGITS, reason="not an x86-64 processor with AVX2")
def test_the_instructions_are_ours_or_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch reads the variables when it first computes. On a GPU, algorithms that repeat, or a warning: 1."""
    assert [os.environ[name] for name in OURS] == list(OURS.values())
    assert (torch.get_deterministic_debug_mode(), torch.backends.cpu.get_cpu_capability()) == (0, "AVX2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for name in (*OURS, "CUBLAS_WORKSPACE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MKL_CBWR", "AUTO")  # a user's
    try:
        on_gpu = load_module(monkeypatch, "helpers_on_gpu", ROOT / "helpers.py")
        assert (on_gpu.DEVICE.type, torch.get_deterministic_debug_mode()) == ("cuda", 1)
        found = [os.environ[name] for name in (*OURS, "CUBLAS_WORKSPACE_CONFIG")]
        assert found == ["avx2", "AVX2", "AUTO", ":4096:8"]
    finally:
        torch.set_deterministic_debug_mode(0)
