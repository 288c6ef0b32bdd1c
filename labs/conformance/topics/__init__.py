"""What a reverse proxy owes, a module for each topic; `labs.conformance.registry` has their order."""
