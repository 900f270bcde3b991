"""Consoles in a browser: the page, the files of noVNC that it shows the screen with, and the way from it to the machine."""

#: Where every address begins that is answered here.
PATHS = ("/resource/noVNC/", "/websockify")
