"""What a new workspace has to begin with: a V2 controller, and the script that Hummingbot runs controllers with.

The files are copied into workspaces, where Hummingbot imports them as `scripts` and `controllers`; nothing here does.
"""
