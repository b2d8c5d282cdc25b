"""What definitions of columns tell of one type alone: options with their labels, and how times are meant.

The shapes are those of "Query table definitions using the Web API".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local.dataverse.calls import allow_options
from local.dataverse.errors import bad_request, not_implemented
from local.dataverse.tables.columns import CHOICE_KINDS, Column, Kind, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

USER_LANGUAGE = 1031
_CRM = "Microsoft.Dynamics.CRM."
CASTS: Mapping[str, Kind] = {
    f"{_CRM}PicklistAttributeMetadata": Kind.CHOICE,
    f"{_CRM}MultiSelectPicklistAttributeMetadata": Kind.CHOICES,
    f"{_CRM}BooleanAttributeMetadata": Kind.FLAG,
    f"{_CRM}StateAttributeMetadata": Kind.STATE,
    f"{_CRM}StatusAttributeMetadata": Kind.STATUS,
    f"{_CRM}DateTimeAttributeMetadata": Kind.WHEN,
}
_TYPE_NAMES = {Kind.ID: "UniqueidentifierType", Kind.CHOICES: "MultiSelectPicklistType"}
_WITH_OPTIONS = (*CHOICE_KINDS, Kind.CHOICES, Kind.FLAG)
_OPTIONS = re.compile(r"OptionSet(\(\$select=Options\))?,GlobalOptionSet(?(1)\(\$select=Options\))")
"""What may be expanded: the options of a list of one's own, or of one that several columns share."""
_CONDITION = re.compile(r"LogicalName eq '(\w+)'")


def type_name(column: Column) -> str:
    """The definition's `AttributeTypeName`."""
    return _TYPE_NAMES.get(column.kind, f"{column.kind}Type")


def read(table: Table, cast: str, options: Mapping[str, str]) -> dict[str, Any]:
    """The columns of one type.

    Raises:
        DataverseError: 400 for what these columns do not have, 501 for what is not known here.
    """
    allow_options(options, frozenset({"$select", "$expand", "$filter"}))
    kind = CASTS[cast]
    wanted = _named(options.get("$filter"))
    columns = [each for each in table.columns if each.kind is kind and (not wanted or each.name in wanted)]
    select, expand = options.get("$select", "").split(","), options.get("$expand", "")
    if expand and not _OPTIONS.fullmatch(expand):
        raise not_implemented(f"the $expand '{expand}' of columns")
    if expand and kind not in _WITH_OPTIONS:
        raise bad_request(f"Could not find a property named 'OptionSet' on type '{cast}'.")
    return {"value": [_shown(column, cast, select, options=bool(expand)) for column in columns]}


def _named(condition: str | None) -> list[str]:
    if condition is None:
        return []
    names = _CONDITION.findall(condition)
    if " or ".join(f"LogicalName eq '{name}'" for name in names) != condition:
        raise not_implemented(f"the filter '{condition}' of columns")
    return names


def _shown(column: Column, cast: str, select: list[str], *, options: bool) -> dict[str, Any]:
    known: dict[str, Any] = {"LogicalName": column.name, "AttributeType": str(column.kind)}
    if column.kind is Kind.WHEN:
        known |= {"DateTimeBehavior": {"Value": column.behavior}, "Format": column.shows}
    for name in select:
        if name not in known:
            raise bad_request(f"Could not find a property named '{name}' on type '{cast}'.")
    shown = {name: known[name] for name in select}
    return shown | ({"OptionSet": _options(column), "GlobalOptionSet": None} if options else {})


def _options(column: Column) -> dict[str, Any]:
    if column.kind is Kind.FLAG:
        return {"TrueOption": _option(column, 1), "FalseOption": _option(column, 0)}
    return {"Options": [_option(column, number) for number in sorted(column.choices)]}


def _option(column: Column, number: int) -> dict[str, Any]:
    labels = column.labels.get(number) or {USER_LANGUAGE: f"{column.name} {number}"}
    localized = [{"Label": label, "LanguageCode": code} for code, label in labels.items()]
    own = next((each for each in localized if each["LanguageCode"] == USER_LANGUAGE), None)
    return {"Value": number, "Label": {"LocalizedLabels": localized, "UserLocalizedLabel": own}}
