"""What the service is made of: audited for known vulnerabilities, and listed."""
