"""Settings of every test, the plugins' own included."""

from __future__ import annotations

import os

# Tests see our own plugins and never those that a developer has installed; subprocesses inherit it.
os.environ["FUSION_PLUGINS"] = "engine,contrastive,video,spectrogram,text,features"
for variable in ("FUSION_BLOCK", "FUSION_STRICT", "FUSION_TRACEBACK", "FUSION_RUNS", "FUSION_STORE"):
    os.environ.pop(variable, None)
