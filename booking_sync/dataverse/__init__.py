"""The Dataverse adapter: reads bookings and writes our record on them, over the Web API (v9.2).

Rooms, from the bottom up: `reply` one answer; `errors` what a refusal means; `transport` blocking HTTP in a
few threads; `pause` silence while throttled; `client` tokens, throttling, paging; `schema` and `queries`
names and URLs; `rows` JSON to domain values; `batch` multipart bodies; `bookings` the ports `BookingRows` and
`BookingListing`; `audit_reads` the port `AuditReads`; `provisioning` the port `Environment` of provisioning.
"""
