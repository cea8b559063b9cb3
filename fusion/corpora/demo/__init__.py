"""Generated clips of talking faces, for trying the engine: real files, invented people."""
