"""The clients, by name."""

from clients import editors, libraries, openssh, putty, small, tools

ALL = {client.name: client for module in (openssh, putty, small, libraries, tools, editors) for client in module.CLIENTS}
