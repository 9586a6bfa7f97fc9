"""What the integration tests and the benchmark share: a workspace, a private sshd, a sallyportd, and real clients.

Nothing here uses a fixed port, the machine's own ssh configuration, or a key that outlives the run, and whatever is
started is stopped by its process id.
"""
