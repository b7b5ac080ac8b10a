"""What operators see: metrics, and how they are handed out."""
