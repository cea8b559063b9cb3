"""Starts a process when it is imported."""

import subprocess
import sys

subprocess.run([sys.executable, "-S", "-c", ""], check=True)


class Component: ...
