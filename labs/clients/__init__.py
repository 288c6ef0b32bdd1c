from labs.clients.registry import CLIENTS, ClientMissing, Heard, ask, missing, present, tour, versions

__all__ = ["CLIENTS", "ClientMissing", "Heard", "ask", "missing", "present", "tour", "versions"]
