"""The daemon under a service manager: what it does and tells there, and the systemd unit."""
