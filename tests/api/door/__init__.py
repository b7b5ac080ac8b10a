"""Who comes in, whether they may, and what every answer says."""
