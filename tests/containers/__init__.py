"""docker-compose.yml as it stands: built, run, loaded and restarted. Needs Docker; `make test-containers`."""
