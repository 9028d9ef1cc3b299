"""The examples that every new workspace gets: a V2 controller, and the script that runs controllers.

The files are copied into workspaces, where Hummingbot imports them as `scripts` and `controllers`; nothing here does.
"""
