"""From checked arguments to a running call: what every family shares. The map is at the head of the package."""
