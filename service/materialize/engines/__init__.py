"""What makes shards side by side: processes of this machine, or a cluster that is there."""
