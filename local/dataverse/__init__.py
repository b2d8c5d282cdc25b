"""A strict stand-in for the Dataverse Web API (v9.2) and the webhooks it sends.

Rooms: `columns` what tables are made of, `schema` and `platform_tables` the tables, `payload` request bodies,
`store` rows and their ties, `filters` and `odata` the query options, `api` one operation, `batch` multipart,
`limits` throttling, `handlers` HTTP, `control` the control plane.

What provisioning needs: `platform` joins `metadata` and `customization` (table definitions), `solutions`,
`rules` for the platform's own rows, and `privileges`. Webhooks: `registration` reads endpoints, steps and
images from rows, `webhooks` and `context` are what Dataverse posts out, `jobs` what it notes of that.
"""

from local.dataverse.handlers import DataverseStandIn

__all__ = ["DataverseStandIn"]
