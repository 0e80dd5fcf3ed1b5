# SPDX-License-Identifier: Apache-2.0
#
# What the commands of drills and benchmarks have in common: where things are, arguments, packages, charts.
import argparse
import os
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# $VESTIBULE_PROGRAMS names another folder with the built programs.
PROGRAMS = os.environ.get("VESTIBULE_PROGRAMS") or os.path.join(ROOT, ".build/release")
VESTIBULE, LOAD = os.path.join(PROGRAMS, "vestibule"), os.path.join(PROGRAMS, "vestibule-load")


class Parser(argparse.ArgumentParser):
    """Takes its description from the text of the command; exits with 64 (EX_USAGE) when arguments are wrong."""

    def __init__(self, text):
        super().__init__(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(64, f"{self.prog}: {message}\n")


def install(*packages):
    subprocess.run([f"{ROOT}/deploy/install-packages", *packages], check=True)


def end_on_signal():
    """SIGTERM ends the command as Ctrl-C does: what it started is ended first."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def write_chart(path, width, height, elements, font_size):
    """Writes SVG elements on white."""
    with open(path, "w") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
                   f'font-family="system-ui,sans-serif" font-size="{font_size}">'
                   f'<rect width="{width}" height="{height}" fill="#fff"/>{"".join(elements)}</svg>\n')
