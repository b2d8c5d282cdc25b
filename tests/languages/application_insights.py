"""The classic tables of Application Insights: what queries see in its *Logs*, in workbooks and in alerts.

Source: Microsoft's page "Workspace-based resource changes", the columns of the legacy tables. That page gives
`success` as a string, the reference of the tables as a bool; a query has to be right for both.
"""

from __future__ import annotations

from typing import Final

_COMMON: Final = {
    "timestamp": "datetime",
    "itemType": "string",
    "customDimensions": "dynamic",
    "operation_Name": "string",
    "operation_Id": "string",
    "operation_ParentId": "string",
    "operation_SyntheticSource": "string",
    "session_Id": "string",
    "user_Id": "string",
    "user_AuthenticatedId": "string",
    "user_AccountId": "string",
    "application_Version": "string",
    "client_Type": "string",
    "client_Model": "string",
    "client_OS": "string",
    "client_IP": "string",
    "client_City": "string",
    "client_StateOrProvince": "string",
    "client_CountryOrRegion": "string",
    "client_Browser": "string",
    "cloud_RoleName": "string",
    "cloud_RoleInstance": "string",
    "appId": "string",
    "appName": "string",
    "iKey": "string",
    "sdkVersion": "string",
    "itemId": "string",
    "_ResourceId": "string",
}
_COUNTED: Final = {"customMeasurements": "dynamic", "itemCount": "int"}


def tables(*, success: str) -> dict[str, str]:
    """The columns of each table in KQL's own form.

    Args:
        success: the type of the column of that name.
    """
    call = {
        "id": "string",
        "name": "string",
        "success": success,
        "resultCode": "string",
        "duration": "real",
        "performanceBucket": "string",
    }
    own = {
        "traces": {**_COUNTED, "message": "string", "severityLevel": "int"},
        "requests": {**_COUNTED, **call, "source": "string", "url": "string"},
        "dependencies": {**_COUNTED, **call, "target": "string", "type": "string", "data": "string"},
        "customMetrics": {
            "name": "string",
            "value": "real",
            "valueCount": "int",
            "valueSum": "real",
            "valueMin": "real",
            "valueMax": "real",
            "valueStdDev": "real",
        },
    }
    return {
        name: f"({', '.join(f'{column}:{kind}' for column, kind in {**_COMMON, **columns}.items())})"
        for name, columns in own.items()
    }


def workspace_tables() -> dict[str, str]:
    """Two of the tables of the Log Analytics workspace behind it, in KQL's own form.

    Source: Microsoft's reference of the tables AppTraces and AppRequests, as far as columns are used here.
    """
    common = "TimeGenerated:datetime, Type:string, OperationId:string, Properties:dynamic, TenantId:string"
    return {
        "AppTraces": f"({common}, Message:string, SeverityLevel:int)",
        "AppRequests": f"({common}, Id:string, Name:string, Success:bool, DurationMs:real)",
    }
