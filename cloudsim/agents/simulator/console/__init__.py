"""The screens and keyboards of simulated machines: a text screen, drawn by an RFB server of its own.

``consoles`` keeps one for each machine that somebody has looked at; ``guest`` is what runs on it, ``screen`` the text,
``font`` its letters, ``keys`` the keyboard, ``rfb`` the protocol, ``pixels`` the drawing.
"""
