"""A strict stand-in for the Dataverse Web API (v9.2) and the webhooks it sends.

Rooms: `schema` the tables, `payload` request bodies, `store` rows and their rules, `filters` and `odata` the
query options, `api` one operation, `metadata` table definitions, `batch` multipart, `limits` throttling,
`context` and `webhooks` what Dataverse posts out, `handlers` HTTP, `control` the control plane.
"""

from local.dataverse.handlers import DataverseStandIn

__all__ = ["DataverseStandIn"]
