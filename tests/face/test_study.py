from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from taskroy.data.load import SOURCES, load_panel
from taskroy.data.task_weights import task_weights
from taskroy.errors import StudyError
from taskroy.inference.settings import InferenceSettings
from taskroy.models.scenario import Automation, Scenario
from taskroy.posteriors.counterfactual import counterfactual
from taskroy.stages import load_data
from taskroy.study import Study
from taskroy.study_file import default_text
from taskroy.study_tables import CounterfactualSettings, PanelSettings, Source, TaskSettings


def written(text: str) -> Study:
    return Study.from_toml(text, where="s.toml")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[infrence]\nseed = 1", r"s\.toml, infrence: The key is unknown. Did you mean 'infer"),
        ("[inference]\nsede = 1", r"\[inference\], sede: .* unknown. Did you mean 'seed'"),
        ("[panel]\nyear_effects = true", r"It is a key of \[panel\.covariates\]"),
        ("[panel.covariates]\nexperiance = 'a'", r"experiance.* Did you mean 'experience'"),
        ("[model.priors.skill_sd]\nmedian = 1\nsd = 1", r"skill_sd\], sd: The key is unknown"),
        ("[model.priors.skill_sd]\nmedian = 1", r"skill_sd\], log_sd: The key is missing"),
        ("[[scenario]]\nabov = 0.5", r"\[scenario 1\], abov: .* Did you mean 'above'"),
        ("[inference]\nmethod = 'nut'", r"'nut'. Did you mean 'nuts'\? Expected: 'nuts', 'nuts-m"),
        ("[panel]\nsource = 'cvs'", r"Expected: 'wagepan', 'nlsy97', 'csv' or 'simulated'"),
        ("[inference]\nchains = '4'", r"\], chains: The value is '4'. Expected: a whole number"),
        ("[inference]\nchains = 4.5", r"chains: The value is 4\.5\. Expected: a whole number"),
        ("[inference]\nchains = true", r"The value is true. Expected: a whole number"),
        ("[inference]\nchains = 0", r"Expected: a value greater than or equal to 1"),
        ("[inference]\nseed = 99999999999999999999", r"seed: .* more than 64 bits"),
        ("[report]\nlevel = 90", r"\[report\], level: .* Expected: a value less than 1"),
        ("[counterfactual]\nskill_percentiles = [50, 25]", r"percentiles.* each larger than"),
        ("[counterfactual]\nskill_percentiles = [0]", r"skill_percentiles 1: .* greater than 0"),
        ("[tasks]\nlabor_share = 1.5", r"labor_share: The value is 1\.5"),
        ("[model.priors.skill_mean]\nsd = inf", r"skill_mean\], sd: .* not finite"),
        ("[panel]\nworkers = nan", r"workers: .* not finite"),
        ("[panel]\nfilters = {age = [1, 'x']}", r"\[panel\.filters\], age: The value is 'x'"),
        ("[panel]\nfilters = {age = 3}", r"\[panel\.filters\], age: .* Expected: a list"),
        ("[panel]\nsource = 2020-01-01", r"\[panel\], source: .* date or time"),
        ("[panel.covariates]\nexperience_degree = 9", r"degree .* is 9\. Expected: .* from 1 to 5"),
        ("[[scenario]]\nproductivity = 'hi'", r"Expected: 'threshold', 'marginal' or 'quan"),
        ("[[scenario]]\nproductivity = 'quantile'", r"scenario 1: A quantile and the rule that"),
        ("[[scenario]]\nname='a'\nstep=[]", r"scenario 1: The scenario 'a' has no step"),
        ("[[scenario]]\nstep=[{kind='prices'}]", r"\[scenario 1\], name: The key is missing"),
        ("[[scenario]]\nname='a'\nstep=[{elasticity=2}]", r"step 1\], kind: The key is missing"),
        ("[[scenario]]\nname='a'\nstep=[{kind='prics'}]", r"'prics'. Did you mean 'prices'\? Exp"),
        ("[[scenario]]\nname='a'\nstep=[{kind='automation', abov=1}]", r"1\], abov.* mean 'above'"),
        ("[[scenario]]\nname='a'\nstep=[{kind='prices', elasticity=-1}]", r"step 1\], elasticity"),
        ("[[scenario]]\nname='a'\nabove=1\nstep=[{kind='prices'}]", r"above: The .*: one of name"),
        ("[[scenario]]\nname='a'\n[scenario.step]\nkind='prices'", r"write \[\[scenario\.step\]\]"),
        ("[[scenario]]\nname='a'\nstep=[{kind='automation', name='b'}]", r"'b' has a name of its"),
        ("[[scenario]]\nname='a'\nstep=[{kind='prices'},{kind='bargaining'}]", r"after prices"),
        ("[[scenario]]\nname='a'\nstep=[{kind='simplification'}]", r"task requires is said now"),
        ("[[scenario]]\nname='a'\n[[scenario]]\nname='a'", r"Two scenarios are called 'a'"),
        ("scenario = []", r"scenario: The list is empty. Expected: one scenario or more"),
        ("[scenario]\nname = 'a'", r"write \[\[scenario\]\], with two brackets"),
        ("[[panel]]\nsource = 'csv'", r"write \[panel\], with one bracket"),
        ("panel = 3", r"s\.toml, panel: The value is 3. Expected: a table"),
        ("[report]\nlevel = 0.8\nlevel = 0.9\n", r"TOML: Cannot overwrite .* \(at line 3, column"),
        ("[report]\nlevel = 0.8\nlevel = 0.9", r"TOML: Cannot overwrite .* \(at line 3"),
        ("[report\nlevel = 0.8", r"not TOML: .* \(at line 1, column 8\)"),
        ("x = " + "[" * 5000, r"not TOML: .* nest too deeply"),
        ("x = " + "9" * 5000, r"not TOML: a number is too long"),
    ],
)  # fmt: skip
def test_a_wrong_study_is_refused_with_its_place(text: str, match: str) -> None:
    with pytest.raises(StudyError, match=match):
        written(text)


def test_all_faults_come_at_once() -> None:
    with pytest.raises(StudyError, match="4 settings are wrong") as refused:
        written(
            "[panel]\nworkers = 0\n[panel.covariates]\nexperience_degree = 9\n"
            "[inference]\nmethod = 'nut'\nseeed = 3\n"
        )
    assert {fault.where for fault in refused.value.faults} == {
        "s.toml, [panel], workers",
        "s.toml, [panel], covariates",
        "s.toml, [inference], method",
        "s.toml, [inference], seeed",
    }


def test_a_value_that_fits_no_member_of_a_union_is_one_fault() -> None:
    with pytest.raises(StudyError) as refused:
        written("[[scenario]]\nproductivity = 'hi'\n[tasks]\nlabor_share = []\n")
    assert len(refused.value.faults) == 2


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text("")
    (tmp_path / "latin.toml").write_bytes("# ok\nname = 'é'".encode("latin-1"))
    (tmp_path / "large.toml").write_bytes(b"#" * (2**20 + 1))
    for name, match in {
        "studdy.toml": r"does not exist. Did you mean 'study\.toml'",
        "no/such.toml": "does not exist",
        ".": "folder, not a file",
        "latin.toml": r"line 2 are not UTF-8 \(byte 0xe9\)",
        "large.toml": "larger than 1 MiB",
        "study.toml/a.toml": "cannot be read",
    }.items():
        with pytest.raises(StudyError, match=match):
            Study.load(tmp_path / name)
    with pytest.raises(StudyError, match="device or a pipe"):
        Study.load("/dev/null")


def test_paths_start_at_the_study_file(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        "\ufeff[panel]\nsource='csv'\npath='data/p.csv'\n[tasks]\nlabor_share='/l.csv'\nweights='~/w.csv'"
    )
    study = Study.load(tmp_path / "a.toml")
    assert study.panel.path == tmp_path / "data/p.csv"
    assert study.tasks.labor_share == Path("/l.csv")
    assert study.tasks.weights == Path.home() / "w.csv"
    assert Study.from_json(study.to_json(), where="there") == study


def test_json_brings_back_every_setting() -> None:
    study = written(
        "[panel]\nfilters = {age = [20, inf], sex = ['f']}\ncolumns = {wage = 'w'}\n"
        "[panel.covariates]\ncolumns = ['educ']\n"
        "[[scenario]]\nproductivity = 1\ntasks = ['a', 'b']\n"
        "[[scenario]]\nname = 'b'\nabove = 0.5\n"
        "[[scenario]]\nname = 'c'\n[[scenario.step]]\nkind = 'automation'\neach = true\n"
        "[[scenario.step]]\nkind = 'prices'\nelasticity = 'infinite'\n"
    )
    assert Study.from_json(study.to_json(), where="there") == study
    with pytest.raises(StudyError, match=r"there: .* another version"):
        Study.from_json('{"panel": {"old": 1}}', where="there")


def test_the_default_study_says_only_what_an_empty_one_means_or_names() -> None:
    default, empty = Study.default(), written("")
    assert default.scenario == (Automation(),) == empty.scenario
    # What is known of this panel: NUTS may take long steps.
    assert default.inference == InferenceSettings(target_accept=0.7)
    same = {name: getattr(empty, name) for name in ("panel", "tasks", "inference")}
    assert default.model_copy(update=same) == empty
    named = load_panel(**default.panel.model_dump(exclude_none=True, exclude={"covariates"}),
                       covariates=default.panel.covariates)  # fmt: skip
    assert named.covariates == load_panel().covariates


def uncommented() -> dict[str, Any]:
    """Read the template with its options switched on, as far as their values are examples."""
    option = re.compile(r"^# (\w+ = )", re.MULTILINE)
    return tomllib.loads(option.sub(r"\1", default_text()))


def test_the_template_shows_every_option() -> None:
    shown = uncommented()
    shown["scenario"] = shown["scenario"][0]
    tables: dict[str, type[BaseModel]] = {
        "panel": PanelSettings,
        "tasks": TaskSettings,
        "scenario": Automation,
    }
    for name, table in tables.items():
        assert set(shown[name]) == set(table.model_fields), name
    for name in ("model", "inference", "counterfactual", "report"):
        settings: BaseModel = getattr(Study(), name)
        assert set(shown[name]) == set(type(settings).model_fields), name
    assert set(shown["model"]["priors"]) == set(type(Study().model.priors).model_fields)
    assert set(shown) == set(Study.model_fields)


def test_the_template_shows_every_kind_of_step() -> None:
    text = default_text()
    steps = text[text.index("#     [[scenario]]") : text.index("[report]")]
    study = written(re.sub(r"^#     ", "", steps, flags=re.MULTILINE))
    kinds = get_args(get_args(Scenario.model_fields["step"].annotation)[0])[0]
    shown = [s.step for s in study.scenario if isinstance(s, Scenario)]
    assert len(shown) == len(study.scenario)
    assert {type(step) for steps in shown for step in steps} == set(get_args(kinds))


def test_the_template_shows_the_defaults() -> None:
    shown = uncommented()
    study = Study.from_toml(default_text(), where="template")
    for name in ("model", "inference", "counterfactual", "report"):
        assert getattr(study, name) == type(getattr(study, name)).model_validate(shown[name])
    own = inspect.signature(load_panel).parameters, inspect.signature(task_weights).parameters
    assert shown["panel"]["min_years"] == own[0]["min_years"].default
    assert shown["panel"]["drop_missing"] == own[0]["drop_missing"].default
    assert shown["tasks"]["labor_share"] == own[1]["labor_share"].default


def test_weights_that_a_panel_lacks_are_refused_before_the_fit() -> None:
    settings = CounterfactualSettings(weighted=True)
    study = Study.default().model_copy(update={"counterfactual": settings})
    with pytest.raises(StudyError, match=r"weighted: .*the panel has none"):
        load_data(study)


def test_the_tables_mirror_the_functions() -> None:
    own = inspect.signature(counterfactual).parameters
    for name, field in CounterfactualSettings.model_fields.items():
        assert own[name].default == field.default
    assert set(PanelSettings.model_fields) == set(inspect.signature(load_panel).parameters) - {
        "occupations"  # which are those of the task table
    }
    assert set(TaskSettings.model_fields) == set(inspect.signature(task_weights).parameters)
    assert get_args(Source) == SOURCES
