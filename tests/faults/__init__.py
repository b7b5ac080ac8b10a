"""The failure matrix: each test's name says the fault, docs/reliability.md what is promised and what was measured."""
