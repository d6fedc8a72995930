"""What pydantic says of wrong values, in the language of the people who type them."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

# Error types as pydantic names them (https://docs.pydantic.dev/latest/errors/validation_errors/); the braces are
# filled from the error's own context.
_MEANINGS = {
    "missing": "缺少这一项",
    "extra_forbidden": "没有这一项，请检查拼写",
    "string_type": "应是文字",
    "string_too_short": "至少 {min_length} 个字",
    "string_pattern_mismatch": "应符合格式 {pattern}",
    "int_type": "应是整数",
    "int_parsing": "应是整数",
    "int_from_float": "应是整数",
    "float_type": "应是数字",
    "float_parsing": "应是数字",
    "bool_type": "应是 true 或 false",
    "bool_parsing": "应是 true 或 false",
    "list_type": "应是列表",
    "tuple_type": "应是列表",
    "dict_type": "应是一个表",
    "model_type": "应是一个表",
    "model_attributes_type": "应是一个表",
    "too_short": "至少要有 {min_length} 项",
    "literal_error": "只能是 {expected}",
    "enum": "只能是 {expected}",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "不能小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "不能大于 {le}",
    "value_error": "{error}",
}


def explain(error: ValidationError) -> str:
    """Every wrong value by its dotted name and what it should be, in Chinese, in one line."""
    return "；".join(f"{'.'.join(map(str, each['loc']))}：{_meaning(each)}" for each in error.errors())


def _meaning(error: Mapping[str, Any]) -> str:
    meaning = _MEANINGS.get(error["type"])
    return meaning.format_map(error.get("ctx", {})).replace(" or ", " 或 ") if meaning else str(error["msg"])
