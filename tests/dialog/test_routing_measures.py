"""The baselines learn what they should, and coverage counts only what is sure enough."""

import json
from pathlib import Path

import numpy as np
import pytest

from voicebot.core.errors import ConfigurationError
from voicebot.evaluation import baselines
from voicebot.evaluation.request_type import evaluate_request_type
from voicebot.evaluation.routing import baseline_scores, coverage
from voicebot.evaluation.rows import read_rows, whole_text

TEXTS = ["路灯坏了", "路灯不亮", "路灯灭了", "工资没发", "拖欠工资", "工资拖着"]
LABELS = ["a", "a", "a", "b", "b", "b"]


def test_coverage_is_the_largest_sure_share_that_is_95_percent_right() -> None:
    right = np.array([True] * 19 + [False, False])
    confidence = np.linspace(0.9, 0.1, 21)
    assert coverage(right, confidence) == round(20 / 21, 4)
    assert coverage(np.array([False, False]), np.array([0.9, 0.8])) == 0.0


def test_each_baseline_does_its_simple_thing() -> None:
    assert baselines.majority(["a", "a", "b"], ["x", "y"]) == ["a", "a"]
    assert baselines.keyword_rules(TEXTS, LABELS, ["工资呢", "路灯呢", "别的"])[:2] == ["b", "a"]
    assert baselines.linear_svc(TEXTS, LABELS, ["路灯又坏", "工资又拖"]) == ["a", "b"]
    scores = baseline_scores(TEXTS, LABELS, ["路灯又坏", "工资又拖"], ["a", "b"])
    assert scores == {"accuracy": 1.0, "tfidf_svc": 1.0, "keywords": 1.0, "majority": 0.5}


def test_macro_f1_counts_rare_types_as_much_as_common_ones() -> None:
    scores = evaluate_request_type(lambda text: "投诉", ["a", "b", "c", "d"], ["投诉", "投诉", "投诉", "建议"])
    assert scores.accuracy == 0.75
    assert scores.macro_f1 == pytest.approx(0.4286, abs=1e-4)
    assert scores.n == 4


def test_rows_are_read_and_a_bad_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"text": "路灯坏了", "title": "路灯"}) + "\n\n", encoding="utf-8")
    (row,) = read_rows(file, ("text",))
    assert whole_text(row) == "路灯。路灯坏了"
    assert whole_text({"text": "停水"}) == "停水"
    for content, expected in (("{}\n", r"rows.jsonl:1: 缺少字段 text"), ("{\n", "不是 JSON"), ("\n", "没有数据")):
        file.write_text(content, encoding="utf-8")
        with pytest.raises(ConfigurationError, match=expected):
            read_rows(file, ("text",))
    with pytest.raises(ConfigurationError, match="读不出来"):
        read_rows(tmp_path / "none.jsonl", ("text",))
