"""From a row's JSON to the domain's values, and back."""
