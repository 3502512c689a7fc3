"""The study: its rows, its command, its networks, and a saved round that comes out again."""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import networks
import pytest
import rows
import study
import torch
from conftest import ROOT, Checkout
from evidence import claims_of, rows_of
from filelock import FileLock
from rows import Job, complete, read

from helpers import SIDE, nb_parameters
from models.WSharing import WSModel


def quick(network: str, nb_round: int, **training: float) -> Job:
    """A job of one second."""
    return Job("test", network, nb_round, {}, {"nb_epochs": 1, **training}, {"nb_train_pairs": 20, "nb_test_pairs": 20})


def told_apart(found: list[dict[str, str]]) -> dict[tuple[str, str], dict[str, str]]:
    """Return the rows without seconds, by network and round."""
    return {
        (row["network"], row["round"]): {key: value for key, value in row.items() if key != "seconds"} for row in found
    }


def test_rows_do_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    jobs = [quick(network, r) for r in (0, 1) for network in rows.NETWORKS]
    for workers in (1, 2):
        complete(tmp_path / f"{workers}.csv", jobs, workers=workers)
    one, two = (read(tmp_path / f"{workers}.csv") for workers in (1, 2))
    assert len(one) == len(jobs) == 10
    assert told_apart(one) == told_apart(two)


def test_only_what_is_missing_is_run_again(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    complete(file, [quick("SimpleModel", 0), quick("SimpleModel", 0)], workers=1)
    assert len(read(file)) == 1  # the same job once
    file.write_text(file.read_text()[:-20])  # cut short, as by a crash
    assert read(file) == []
    complete(file, [quick("SimpleModel", 0)], workers=1)
    before = file.read_text()
    complete(file, [quick("SimpleModel", r) for r in (0, 1)], workers=1)
    assert file.read_text().startswith(before)
    assert [row["round"] for row in read(file)] == ["0", "1"]


def test_rows_of_other_code_are_not_mixed(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    complete(file, [quick("SimpleModel", 0)], workers=1)
    text = file.read_text().replace(rows.code_version(), "0123456789ab")
    file.write_text(text)
    complete(file, [quick("SimpleModel", 0)], workers=1)  # nothing is missing
    with pytest.raises(SystemExit, match="rows of other versions of the code"):
        complete(file, [quick("SimpleModel", 1)], workers=1)
    assert file.read_text() == text


def test_a_run_that_diverges_is_a_row(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    complete(file, [quick("SimpleModel", 0, learning_rate=1e30, mini_batch_size=5)], workers=1)
    (row,) = read(file)
    assert row["error"].startswith("SimpleModel: the loss is ")
    assert row["wrong"] == row["last_loss"] == ""


def test_code_version_is_that_of_the_code_alone(tmp_path: Path) -> None:
    shutil.copy(ROOT / "helpers.py", tmp_path)
    shutil.copytree(ROOT / "models", tmp_path / "models")
    before = rows.code_version(tmp_path)
    assert before == rows.code_version()
    file = tmp_path / "models" / "SimpleCNN.py"
    text = file.read_text()
    file.write_text(text.replace('"""', '"""Other words. ', 1) + "\n# a comment\n")
    assert rows.code_version(tmp_path) == before
    file.write_text(text.replace("nn.Flatten()", "nn.Flatten(1)"))
    assert rows.code_version(tmp_path) != before


def test_code_version_is_that_of_the_networks_too() -> None:
    controls = rows.other_sources(
        [Job("sharing", "UntiedModel", 0), Job("claims", "WSModel", 0)], networks.ALL_NETWORKS
    )
    assert controls == {ROOT / "report" / "networks.py"}
    assert rows.other_sources([Job("claims", "WSModel", 0)], networks.ALL_NETWORKS) == set()
    assert rows.code_version(ROOT, controls) != rows.code_version()


def test_code_version_is_the_same_for_all_versions_of_python() -> None:
    """Nothing in it that only some versions have: empty lists, type_params, kind."""
    arguments, body = "args=arguments(args=[arg(arg='x')])", "body=[Return(value=Name(id='x', ctx=Load()))]"
    text = f"Module(body=[FunctionDef(name='f', {arguments}, {body})])"
    assert rows.canonical(ast.parse("def f(x):  # a comment\n    return (x)")) == text


def test_two_studies_do_not_write_to_the_same_file(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    with FileLock(f"{file}.lock"), pytest.raises(SystemExit, match="another process is adding rows to"):
        complete(file, [quick("SimpleModel", 0)], workers=1)
    assert not file.exists()


# ---------------------------------------------------------------------------------------------------------------------
# The command


class Study(Checkout):
    """A copy of the checkout whose runs are short, without results."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "report").mkdir()
        for file in (ROOT / "report").glob("*.py"):
            shutil.copy(file, folder / "report")
        self.set(NB_EPOCHS=1, NB_TRAIN_PAIRS=50, NB_TEST_PAIRS=50)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.folder / "report" / "study.py"), *arguments]

    def study(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `python report/study.py` to its end."""
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=600, check=False)

    def rows(self, name: str) -> list[dict[str, str]]:
        return read(self.folder / "report" / "results" / f"{name}.csv")


@pytest.fixture
def copy(tmp_path: Path) -> Study:
    return Study(tmp_path / "a checkout")


def test_the_command_runs_what_is_asked_for(copy: Study) -> None:
    done = copy.study("sharing", "--rounds", "2", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert "sharing: 100%" in done.stderr  # the progress bar
    assert re.search(r"\[\d\d:\d\d<\d\d:\d\d", done.stderr)  # with the time that has passed and that is left
    expected = {"claims": ["SimpleModel", "WSModel", "AuxModel"], "sharing": ["UntiedModel", "UntiedAuxModel"]}
    for name, names in expected.items():
        found = copy.rows(name)
        assert sorted((row["network"], row["round"]) for row in found) == sorted((n, r) for n in names for r in "01")
        for row in found:
            assert row["experiment"] == name
            assert row["train_total"] == row["total"] == "50"
            assert 0 <= int(row["train_wrong"]) <= 50
    assert sorted(file.name for file in (copy.folder / "report" / "results").glob("*.csv")) == [
        "claims.csv",
        "sharing.csv",
    ]
    again = copy.study("sharing", "--rounds", "2")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")  # nothing was missing


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["claim"], "unknown experiments claim; there are claims, sharing, "),
        (["--rounds", "0"], "'0' is not a whole number above 0"),
        (["--workers", "two"], "'two' is not a whole number above 0"),
    ],
)
def test_a_mistake_on_the_command_line(copy: Study, arguments: list[str], message: str) -> None:
    done = copy.study(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_loses_nothing(copy: Study) -> None:
    copy.set(NB_EPOCHS=20)
    file = copy.folder / "report" / "results" / "claims.csv"
    process = subprocess.Popen(
        copy.command("claims"), stderr=subprocess.PIPE, text=True, start_new_session=True, stdout=subprocess.PIPE
    )
    deadline = time.time() + 120
    while len(read(file)) < 2:
        assert time.time() < deadline
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers, too
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    saved = read(file)
    assert f"Interrupted: {len(saved)} new rows are in {file}. Start again to go on." in errors
    assert all(row["code"] for row in saved)
    text = file.read_text()
    copy.study("claims", "--rounds", "1")
    assert file.read_text().startswith(text)


def test_damaged_data(copy: Study) -> None:
    (copy.raw / "train-labels-idx1-ubyte.gz").write_bytes(b"no labels")
    done = copy.study("claims", "--rounds", "1")
    assert done.returncode == 1
    assert re.search(r"^error: .*train-labels-idx1-ubyte.gz is damaged: its md5 is ", done.stderr, re.MULTILINE)
    assert "Traceback" not in done.stderr
    assert copy.rows("claims") == []


def test_results_that_cannot_be_written(copy: Study) -> None:
    (copy.folder / "report" / "results").write_text("a file in the folder's place")
    done = copy.study("claims", "--rounds", "1")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_a_dask_cluster_gives_the_same_rows(copy: Study, tmp_path: Path) -> None:
    """A scheduler and two worker processes, started as on a cluster."""
    address_file = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--nworkers", "2", "--nthreads", "1"]
    options = ["--scheduler-file", str(address_file), "--no-dashboard"]
    with (
        subprocess.Popen([*scheduler, *options], **quiet) as first,
        subprocess.Popen([*worker, *options], **quiet) as second,
    ):
        try:
            deadline = time.time() + 60
            while not address_file.exists() or not address_file.read_text():
                assert time.time() < deadline
                time.sleep(0.1)
            address = re.search(r'"address": "([^"]+)"', address_file.read_text())
            assert address
            from distributed import Client

            with Client(address[1]) as client:
                client.wait_for_workers(2, timeout=60)
            done = copy.study("claims", "--rounds", "2", "--dask", address[1])
        finally:
            second.terminate()
            first.terminate()
    assert done.returncode == 0, done.stderr
    on_dask = told_apart(copy.rows("claims"))
    assert len(on_dask) == 10
    (copy.folder / "report" / "results" / "claims.csv").unlink()
    copy.study("claims", "--rounds", "2")
    assert told_apart(copy.rows("claims")) == on_dask


def test_no_dask_cluster(copy: Study) -> None:
    done = copy.study("claims", "--dask", "tcp://127.0.0.1:9")
    assert done.returncode == 1
    assert done.stderr.startswith("error: the Dask scheduler tcp://127.0.0.1:9 cannot be used: ")
    assert "Traceback" not in done.stderr


# ---------------------------------------------------------------------------------------------------------------------
# The experiments and their networks


def test_the_experiments_are_those_that_the_report_is_about() -> None:
    numbers = {name: len(study.jobs(name)) for name in study.EXPERIMENTS}
    assert numbers == {
        "claims": 30 * 5,
        "sharing": 30 * 5,
        "last_layer": 10 * 4 * 2,
        "aux_weight": 10 * 7,
        "epochs": 10 * 6 * 3,
        "published": 10 * 2 * 5,
        "train_pairs": 10 * (7 * 3 + 4 * 2),
        "collapse": 170 * 2,
    }
    assert all(job.round >= 1000 and job.data["validation"] for job in study.jobs("epochs"))
    others = [job for name in study.EXPERIMENTS if name != "epochs" for job in study.jobs(name)]
    assert all(job.round < 200 and "validation" not in job.data for job in others)
    assert len(study.jobs("claims", 2)) == 10


def test_published_networks_have_the_published_sizes() -> None:
    published = [
        networks.ALL_NETWORKS[f"Published{name}"][0]() for name in ("SimpleModel", "WSModel", "AuxModel", "AuxModel1")
    ]
    assert [nb_parameters(model) for model in published] == [140_994, 178_028, 130_288, 126_848]


def test_published_networks_by_hand() -> None:
    """One pass for each digit gives what the batch of both gives; the digits' scores are never below 0."""
    pairs = torch.randn(5, 2, SIDE, SIDE)
    sharing = networks.PublishedWSModel()
    features = [sharing.features(pairs[:, digit : digit + 1]) for digit in (0, 1)]
    assert torch.allclose(sharing(pairs), sharing.final(torch.cat(features, 1)), atol=1e-6)
    auxiliary = networks.PublishedAuxModel()
    scores = [auxiliary.branch(pairs[:, digit : digit + 1]) for digit in (0, 1)]
    assert torch.allclose(auxiliary.digit_scores(pairs), torch.stack(scores, 1), atol=1e-6)
    assert torch.allclose(auxiliary(pairs), auxiliary.final(torch.cat(scores, 1)), atol=1e-6)
    assert auxiliary.digit_scores(pairs).min() == 0


def test_untied_branches_share_no_weight() -> None:
    torch.manual_seed(0)
    untied = networks.UntiedModel()
    torch.manual_seed(0)
    tied = WSModel()
    for name, weights in tied.state_dict().items():  # the same initial weights
        assert torch.equal(weights, untied.state_dict()[name])
    assert nb_parameters(untied) == 2 * nb_parameters(tied.branch) + nb_parameters(tied.final)
    pairs = torch.randn(3, 2, SIDE, SIDE)
    assert torch.allclose(untied.digit_scores(pairs)[:, 0], tied.digit_scores(pairs)[:, 0], atol=1e-6)
    assert not torch.allclose(untied.digit_scores(pairs)[:, 1], tied.digit_scores(pairs)[:, 1])
    untied.digit_scores(pairs)[:, 1].sum().backward()
    assert not untied.branch[0].weight.grad.any()
    assert untied.second_branch[0].weight.grad.abs().sum() > 0
    untied.second_branch.load_state_dict(untied.branch.state_dict())
    assert torch.allclose(untied(pairs), tied(pairs), atol=1e-6)
    with pytest.raises(ValueError, match="expected pairs of shape"):
        untied(pairs[:, :1])


def test_the_joint_model_by_hand() -> None:
    """A double loop over the digits' probabilities."""
    model, pairs = networks.JointModel(), torch.randn(2, 2, SIDE, SIDE)
    for scores, compared in zip(model.digit_scores(pairs), model(pairs), strict=True):
        first, second = scores.softmax(-1).tolist()
        lesser = sum(first[i] * second[j] for i in range(10) for j in range(10) if i <= j)
        assert compared.exp().tolist() == pytest.approx([1 - lesser, lesser], rel=1e-4)


# ---------------------------------------------------------------------------------------------------------------------
# A saved round comes out again

AGAIN = [claims for network in ("SimpleModel", "WSModel", "AuxModel") for claims in claims_of(network, 3)[1:]]
AGAIN += [claims_of(network, 2)[1] for network in ("WSModel1", "AuxModel1")]


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, str]]:
    """Two rounds of the claims, and one of the exploration classes, from scratch."""
    file = tmp_path_factory.mktemp("again") / "rows.csv"
    complete(file, AGAIN)
    return {(row["network"], row["round"]): row for row in read(file)}


@pytest.mark.parametrize("job", AGAIN, ids=lambda job: f"{job.network}-{job.round}")
def test_a_saved_round_comes_out_again(job: Job, again: dict[tuple[str, str], dict[str, str]]) -> None:
    (saved,), new = rows_of([job]), again[job.network, str(job.round)]
    assert new["parameters"] == saved["parameters"]
    assert float(new["first_loss"]) == pytest.approx(float(saved["first_loss"]), abs=0.01)
    # another processor rounds otherwise: 30 of 1000 for a base network, 8 for one that is nearly always right
    assert int(new["wrong"]) == pytest.approx(int(saved["wrong"]), abs=8 if job.network.endswith("1") else 30)
