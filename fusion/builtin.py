"""What the engine itself offers, through the same hooks as any plugin."""

from __future__ import annotations

from fusion.contract import Register, hookimpl

_CORPORA = "fusion.corpora.options"
_HEADS = "fusion.heads.options"
_PROTOCOLS = "fusion.evaluation.options"


@hookimpl
def register_corpora(register: Register) -> None:
    """The readers of corpora."""
    for name, target, summary in (
        ("ravdess", "fusion.corpora.ravdess:Ravdess", "24 actors, 8 emotions, speech and song"),
        ("grid", "fusion.corpora.grid:Grid", "34 speakers, 1000 sentences each, no emotion labels"),
        ("java_sed", "fusion.corpora.java_sed:JavaSED", "8 speakers, 6 emotions, Javanese"),
        ("iemocap", "fusion.corpora.iemocap.corpus:Iemocap", "10 actors in dialogues, 9 emotions, ratings"),
        ("manifest", "fusion.corpora.manifest:Manifest", "a table of clips: CSV, JSON Lines or Parquet"),
        ("demo", "fusion.corpora.demo.corpus:Demo", "generated talking faces, for trying the engine"),
    ):
        register(
            name,
            target,
            options=f"{_CORPORA}:{target.partition(':')[2]}",
            summary=summary,
            examples=f"fusion.corpora.examples:{name}",
        )


@hookimpl
def register_targets(register: Register) -> None:
    """What can be predicted."""
    for name, cls, summary in (
        ("classes", "Classes", "one class, several, or a distribution over classes"),
        ("dimensions", "Dimensions", "values such as valence, arousal, dominance"),
    ):
        register(
            name,
            f"fusion.heads.targets:{cls}",
            options=f"{_HEADS}:{cls}",
            summary=summary,
            examples=f"fusion.heads.examples:{name}",
        )
    register("none", "fusion.heads.targets:Nothing", summary="no target: for corpora without labels")


@hookimpl
def register_heads(register: Register) -> None:
    """The fusion heads."""
    for name, cls, summary in (
        ("late_average", "LateAverage", "mean of the streams' probabilities or log-probabilities"),
        ("weighted_sum", "WeightedSum", "weighted sum of the streams' logits or projected embeddings"),
        ("learned", "Learned", "concatenation, gates, or attention over the streams' sequences"),
    ):
        register(
            name,
            f"fusion.heads.{name}:{cls}",
            options=f"{_HEADS}:{cls}",
            summary=summary,
            examples=f"fusion.heads.examples:{name}",
        )


@hookimpl
def register_aggregators(register: Register) -> None:
    """From windows to a clip's answer."""
    module = "fusion.heads.aggregators"
    register("mean", f"{module}:Mean", summary="mean of probabilities, weighted by the windows' lengths")
    register("log_mean", f"{module}:LogMean", summary="mean of log-probabilities, renormalised")
    register("vote", f"{module}:Vote", summary="share of windows for each class")
    register(
        "attention",
        f"{module}:Attention",
        options=f"{_HEADS}:Attention",
        summary="weights of windows, fitted on training clips",
    )


@hookimpl
def register_protocols(register: Register) -> None:
    """How clips are split into parts."""
    for name, cls, options, summary in (
        ("speaker_folds", "SpeakerFolds", "SpeakerFolds", "k folds over whole speakers"),
        (
            "speaker_sentence_folds",
            "SpeakerSentenceFolds",
            "SpeakerSentenceFolds",
            "folds over whole speakers and whole sentences",
        ),
        ("speaker_draws", "SpeakerDraws", "SpeakerDraws", "draws of whole test speakers, who may be drawn again"),
        ("ravdess_folds", "NamedFolds", "NamedFolds", "the five published folds of RAVDESS"),
        ("leave_one_group_out", "LeaveOneGroupOut", "LeaveOneGroupOut", "each session or dialogue tested once"),
        ("leave_one_speaker_out", "LeaveOneSpeakerOut", None, "each speaker tested once, the next validates"),
        ("held_out", "HeldOut", "HeldOut", "named speakers are tested and validated"),
        ("within_speaker", "WithinSpeaker", "Shares", "each speaker's clips in all parts (leaking)"),
        ("random", "Random", "Random", "clips drawn at random (leaking)"),
    ):
        path = None if options is None else f"{_PROTOCOLS}:{options}"
        shown = {"speaker_sentence_folds", "leave_one_group_out", "held_out"}
        cases = f"fusion.evaluation.examples:{name}" if name in shown else None
        register(name, f"fusion.evaluation.protocols:{cls}", options=path, summary=summary, examples=cases)


@hookimpl
def register_commands(register: Register) -> None:
    """The commands of the program."""
    for name, summary in (
        ("demo", "Generate a corpus of talking faces and try everything on it."),
        ("data", "Look at a corpus: counts, durations, what is missing."),
        ("manifest", "Make a manifest from a folder of clips."),
        ("prepare", "Decode, transform and store a corpus's clips."),
        ("finetune", "Train streams and fusion heads."),
        ("evaluate", "Score a run on its test parts, with intervals and a result card."),
        ("predict", "Answer for clips, with each stream's contribution."),
        ("plugins", "List the installed plugins and what they offer, check one, or start a new one."),
        ("doctor", "Say whether this installation is sound, and what to do where it is not."),
    ):
        register(name, f"fusion.cli.{name}:add", summary=summary)
    register(
        "leakage",
        "fusion.cli.leakage:add",
        options="fusion.leakage.settings:Leakage",
        summary="Say how much of a score is leakage.",
        examples="fusion.leakage.examples:leakage",
    )
