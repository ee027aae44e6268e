"""What the whole program makes of servers, networks and disks that fail."""
