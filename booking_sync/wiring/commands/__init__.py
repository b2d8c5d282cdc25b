"""What the commands work with; each connects to no more than it touches.

operating   those that operate a running sync, or provision Dataverse
doctor      those that look: `doctor` and `status`
events      those about the event file: `event check` and `event preview`
certify     the tenant check
"""
