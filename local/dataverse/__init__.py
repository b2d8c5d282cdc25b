"""A strict stand-in for the Dataverse Web API (v9.2) and the webhooks it sends.

From the outside in: `handlers` speaks HTTP, `control` is the control plane, `environment` joins what there
is. `web_api` carries out one operation, `customization` is what provisioning and the doctor meet, `webhooks`
what is posted out, `tables` what is kept, `plugins` what a company makes of a change; `calls`, `config` and
`errors` are what all of them share.
"""

from local.dataverse.handlers import DataverseStandIn

__all__ = ["DataverseStandIn"]
