"""The answers that the OpenAPI document shows: what is asked for each of them, of what service, and what comes."""
