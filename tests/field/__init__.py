"""Public reports of others, played on the product: docs/field-cases.md tells of each."""
